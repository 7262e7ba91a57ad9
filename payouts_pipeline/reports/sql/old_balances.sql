-- What is left on accounts the wrong way round, and nothing works off.

-- name: old_balances
-- The credits of players and the debts of payees with nothing in flight, the oldest first, with the day on which anything
-- was last booked on the account: since then nothing has worked it off.
with standing as (
    select id, subject, subject_id, currency,
        in_flight_minor + settled_minor - case subject when 'player' then booked_minor else released_minor end
            as amount_minor
    from payouts.accounts
    where subject in ('player', 'club', 'organiser', 'partner') and in_flight_minor = 0
)
select s.subject || ':' || s.subject_id as payee, s.currency, s.amount_minor, last.day,
    current_date - last.booked_on as age_days
from standing as s
cross join lateral (
    select b.day, b.booked_at::date as booked_on
    from payouts.entries as e
    join payouts.bookings as b on b.id = e.booking_id
    where e.account_id = s.id and e.booking_id is not null
    order by e.booking_id desc
    limit 1
) as last
where s.amount_minor > 0
order by last.booked_on, s.subject, s.subject_id, s.currency
