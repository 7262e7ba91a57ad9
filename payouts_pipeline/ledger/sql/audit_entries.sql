-- Rule 7: bookings and settlements whose entries don't sum to zero, or are in another currency than their account.
with entry as (
    select booking_id, instruction_id, account_id, currency, amount_minor
    from payouts.entries
    where %(days)s::date[] is null
        or booking_id in (select id from payouts.bookings where day = any(%(days)s))
        or instruction_id in (select id from payouts.instructions where day = any(%(days)s))
)
select case when booking_id is null then 'instruction' else 'booking' end as kind,
    coalesce(instruction_id::text, booking_id::text) as id,
    format('its entries sum to %%s %%s', sum(amount_minor), currency) as detail
from entry
group by booking_id, instruction_id, currency
having sum(amount_minor) <> 0
union all
select 'account', e.account_id::text, format('has entries in %%s and is in %%s', e.currency, a.currency)
from entry as e
join payouts.accounts as a on a.id = e.account_id and a.currency <> e.currency
