-- Adds up bookings by account, as entries: a debit for what a player owes, a credit for what a payee is owed.
create temporary table postings on commit drop as
select booking_id, 'player' as subject, player_id as subject_id, currency, sum(amount_minor)::bigint as amount_minor,
    false as is_opening
from payouts.fees
where day = %(day)s and booking_id = any(%(booking_ids)s)
group by booking_id, player_id, currency
union all
select booking_id, billing_subject, subject_id, currency, -sum(amount_minor)::bigint, false
from payouts.shares
where day = %(day)s and booking_id = any(%(booking_ids)s)
group by booking_id, billing_subject, subject_id, currency
