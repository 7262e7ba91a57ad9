-- The positions of accounts, by id.
select
    id, subject || ':' || subject_id as payee, currency, booked_minor, released_minor, settled_minor, in_flight_minor,
    booked_minor - settled_minor - in_flight_minor as open_minor,
    booked_minor - released_minor as not_collected_minor,
    case when subject <> 'player' then released_minor - settled_minor - in_flight_minor end as payable_minor
from payouts.accounts
where id = any(%(ids)s)
order by currency
