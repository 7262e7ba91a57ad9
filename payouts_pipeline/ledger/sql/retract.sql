-- Takes the instructions in `retracted` back: their amounts stand on the accounts again.
with cancelled as (
    update payouts.instructions as i
    set status = 'cancelled', status_at = now(), changed_by = %(actor)s,
        reason = %(reason)s, retry_at = null, leased_until = null
    from retracted as r
    where i.id = r.id
    returning i.id
), fees_reopened as (
    update payouts.fees as f
    set charge_id = null
    from retracted as r
    join payouts.accounts as a on a.id = r.account_id
    where a.subject = 'player' and f.player_id = a.subject_id and f.currency = a.currency
        and f.release_id is null and f.charge_id = r.id
), lines_reopened as (
    update payouts.release_lines as l set payout_id = null from retracted as r where l.payout_id = r.id
)
update payouts.accounts as a
set in_flight_minor = a.in_flight_minor - r.amount_minor
from (select account_id, sum(amount_minor) as amount_minor from retracted group by account_id) as r
where a.id = r.account_id
