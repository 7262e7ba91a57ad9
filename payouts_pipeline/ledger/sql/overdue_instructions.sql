-- Instructions of any day up to the last of a run that were made long ago and have not come to their end. One query for
-- all days of the run: there are few of them, and finding them takes a look at every instruction that is open.
select day, id::text, billing_type, status, reason, current_date - created_at::date as age_days
from payouts.instructions
where (status = 'pending' or status in ('published', 'sending', 'unknown') or status in ('held', 'waiting', 'rejected'))
    and day <= %(last_day)s and created_at < now() - %(age)s
order by created_at, id
