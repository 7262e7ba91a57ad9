-- Rule 8: instructions that are not settled and don't say why.
select 'instruction' as kind, id::text as id, format('is %%s without a reason', status) as detail
from payouts.instructions
where status <> 'settled' and trim(coalesce(reason, '')) = ''
    and (%(days)s::date[] is null or day = any(%(days)s))
