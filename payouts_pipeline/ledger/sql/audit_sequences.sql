-- Rule 3: accounts whose instructions of a day are not numbered 1, 2, 3: one is missing, or was made by hand.
select 'account' as kind, account_id::text as id,
    format('has %%s instructions of %%s, and the last is number %%s', count(*), day, max(sequence)) as detail
from payouts.instructions
where %(days)s::date[] is null or day = any(%(days)s)
group by account_id, day
having count(*) <> max(sequence) or min(sequence) <> 1
