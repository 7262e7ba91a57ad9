-- Rule 8: instructions whose history does not lead, by allowed steps, from nothing to where they stand.
with instruction as (
    select id, status from payouts.instructions where %(days)s::date[] is null or day = any(%(days)s)
), event as (
    select e.id, e.instruction_id, coalesce(e.from_status, '') as from_status, e.to_status,
        lag(e.to_status, 1, '') over (partition by e.instruction_id order by e.id) as status_before
    from payouts.events as e
    where e.instruction_id in (select id from instruction)
), last_event as (
    select distinct on (instruction_id) instruction_id, to_status from event order by instruction_id, id desc
)
select 'instruction' as kind, instruction_id::text as id,
    format('event %%s comes from ''%%s'' after ''%%s''', id, from_status, status_before) as detail
from event
where from_status <> status_before
union all
select 'instruction', instruction_id::text, format('event %%s from ''%%s'' to %%s is not allowed', id, from_status, to_status)
from event as e
where not exists (
    select from payouts.transitions as t where t.from_status = e.from_status and t.to_status = e.to_status
)
union all
select 'instruction', i.id::text, format('is %%s, and its last event says %%s', i.status, coalesce(l.to_status, 'nothing'))
from instruction as i
left join last_event as l on l.instruction_id = i.id
where l.to_status is distinct from i.status
