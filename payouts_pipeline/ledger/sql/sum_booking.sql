-- Adds up a booking by account, as entries: a debit for what a player owes, a credit for what a payee is owed.
create temporary table postings on commit drop as
select 'player' as subject, player_id as subject_id, currency, sum(amount_minor)::bigint as amount_minor
from payouts.fees
where day = %(day)s and booking_id = %(booking_id)s
group by player_id, currency
union all
select billing_subject, subject_id, currency, -sum(amount_minor)::bigint
from payouts.shares
where day = %(day)s and booking_id = %(booking_id)s
group by billing_subject, subject_id, currency
