-- Rule 3: attempts out of order, a new one after something else than a definite refusal or a proven absence, an open
-- one of what is not under way, and attempts at what nobody has approved.
with tried as (
    select a.instruction_id as id, a.number, a.outcome, a.first_sent_at, i.status, i.approval_above_minor,
        row_number() over attempts_of as position,
        lag(a.outcome, 1, 'refused') over attempts_of as outcome_before
    from payouts.attempts as a
    join payouts.instructions as i on i.id = a.instruction_id
    where %(days)s::date[] is null or i.day = any(%(days)s)
    window attempts_of as (partition by a.instruction_id order by a.number)
)
select 'instruction' as kind, id::text as id, format('attempt %%s is the %%s. of it', number, position) as detail
from tried
where number <> position
union all
select 'instruction', id::text, format('attempt %%s was made after one that was not refused', number)
from tried
where outcome_before is null or outcome_before = 'settled'
union all
select 'instruction', id::text, format('attempt %%s is open and the instruction %%s', number, status)
from tried
where outcome is null and status not in ('sending', 'unknown')
union all
select 'instruction', id::text, format('is %%s without an open attempt', i.status)
from payouts.instructions as i
where (%(days)s::date[] is null or i.day = any(%(days)s)) and i.status in ('sending', 'unknown')
    and not exists (select from tried as t where t.id = i.id and t.outcome is null)
union all
select 'instruction', id::text, format('attempt %%s was made without an approval', number)
from tried
where approval_above_minor is not null
    and not exists (
        select from payouts.approvals as p where p.instruction_id = tried.id and p.at <= tried.first_sent_at
    )
