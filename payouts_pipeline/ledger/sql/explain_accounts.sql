-- The positions of accounts, by id; and the last day whose run released something that no payout pays (nothing ever
-- pays the platform: its lines are as many as there are releases).
select
    a.id, subject || ':' || subject_id as payee, currency, booked_minor, released_minor, settled_minor, in_flight_minor,
    booked_minor - settled_minor - in_flight_minor as open_minor,
    booked_minor - released_minor as not_collected_minor,
    case when subject <> 'player' then released_minor - settled_minor - in_flight_minor end as payable_minor,
    case when subject in ('club', 'organiser', 'partner') then (
        select max(r.day)
        from payouts.release_lines as l
        join payouts.releases as r on r.id = l.release_id
        where l.account_id = a.id and l.payout_id is null
    ) end as payable_day
from payouts.accounts as a
where a.id = any(%(ids)s)
order by currency
