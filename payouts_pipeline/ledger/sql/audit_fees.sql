-- Rule 1: fees whose shares don't add up to them, as each booking has written them; shares without a fee; and what
-- corrections have brought below zero.
with fee as (
    select day, match_id, match_player_id, player_id, currency, booking_id, amount_minor
    from payouts.fees
    where %(days)s::date[] is null or day = any(%(days)s)
), share as (
    select day, match_id, match_player_id, player_id, currency, booking_id, billing_subject, subject_id, amount_minor
    from payouts.shares
    where %(days)s::date[] is null or day = any(%(days)s)
), divided as (
    select day, match_id, match_player_id, player_id, currency, booking_id, sum(amount_minor) as amount_minor
    from share
    group by day, match_id, match_player_id, player_id, currency, booking_id
)
select 'fee' as kind, day || '/' || match_player_id as id,
    format(
        'booking %%s: the fee is %%s %%s and its shares add up to %%s', booking_id,
        coalesce(fee.amount_minor::text, 'not there, in'), currency, coalesce(divided.amount_minor, 0)
    ) as detail
from fee
full join divided using (day, match_id, match_player_id, player_id, currency, booking_id)
where fee.amount_minor is distinct from coalesce(divided.amount_minor, 0)
union all
select 'fee', day || '/' || match_player_id, format('the fee adds up to %%s %%s', sum(amount_minor), currency)
from fee
group by day, match_id, match_player_id, player_id, currency
having sum(amount_minor) < 0
union all
select 'fee', day || '/' || match_player_id,
    format('the share of %%s:%%s adds up to %%s %%s', billing_subject, subject_id, sum(amount_minor), currency)
from share
group by day, match_id, match_player_id, player_id, currency, billing_subject, subject_id
having sum(amount_minor) < 0
