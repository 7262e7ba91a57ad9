-- Whose accounts these are, as `payouts explain` takes them.
select id::text, concat_ws(' ', concat_ws(':', subject, subject_id), currency)
from payouts.accounts
where id::text = any(%(ids)s)
