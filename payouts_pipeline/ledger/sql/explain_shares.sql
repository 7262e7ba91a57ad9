-- The shares of the fees of one day as each booking changed them, with how the fee was collected and which payout pays
-- the share: of one match, of one player or of one payee (the others are null).
select
    s.day, s.match_id, s.match_player_id, s.player_id, s.currency, s.booking_id, b.booked_at,
    b.actor as booked_by, s.billing_subject, s.subject_id, s.amount_minor, f.amount_minor as fee_minor, a.id as account_id,
    f.charge_id, f.release_id, r.day as release_day, r.released_at, l.payout_id
from payouts.shares as s
join payouts.fees as f using (day, match_player_id, match_id, player_id, currency, booking_id)
join payouts.bookings as b on b.id = s.booking_id
join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
left join payouts.releases as r on r.id = f.release_id
left join payouts.release_lines as l on l.release_id = f.release_id and l.account_id = a.id
where s.day = %(day)s
    and s.match_id = coalesce(%(match_id)s, s.match_id)
    and s.player_id = coalesce(%(player_id)s, s.player_id)
    and s.billing_subject = coalesce(%(billing_subject)s, s.billing_subject)
    and s.subject_id = coalesce(%(subject_id)s, s.subject_id)
order by
    s.match_id, s.match_player_id, s.player_id, s.currency,
    array_position(array['club', 'organiser', 'partner', 'platform'], s.billing_subject), s.subject_id, s.booking_id
