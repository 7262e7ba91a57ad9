-- From when to when anything of the days was sent, and the time of now.
select min(a.first_sent_at), max(a.last_sent_at), clock_timestamp()
from payouts.attempts as a
join payouts.instructions as i on i.id = a.instruction_id
where %(days)s::date[] is null or i.day = any(%(days)s)
