-- Who is on hold, since when, and why.
select subject || ':' || subject_id, at, actor, reason from payouts.held_payees order by at
