-- Locks all payees' accounts, in the order of their ids: they are few, and a day may release fees of other days,
-- so that which ones it needs is known too late to lock just those in order.
select a.id
from payouts.accounts as a
where a.subject in ('club', 'organiser', 'partner', 'platform')
order by a.id
for no key update
