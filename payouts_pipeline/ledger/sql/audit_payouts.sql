-- Rule 2: payouts that are not what their release lines add up to, or pay lines of another account; release lines
-- that hang on a payout that was cancelled.
select 'instruction' as kind, i.id::text as id,
    format(
        'is %%s: pays %%s %%s, and its release lines add up to %%s, %%s of them of another account', i.status,
        i.amount_minor, i.currency, coalesce(sum(l.amount_minor), 0),
        count(*) filter (where l.account_id <> i.account_id)
    ) as detail
from payouts.instructions as i
left join payouts.release_lines as l on l.payout_id = i.id
where i.billing_type <> 'player_charge' and (%(days)s::date[] is null or i.day = any(%(days)s))
group by i.id, i.status, i.amount_minor, i.currency
having count(*) filter (where l.account_id <> i.account_id) > 0
    or case i.status when 'cancelled' then count(l.payout_id) > 0
        else i.amount_minor <> coalesce(sum(l.amount_minor), 0) end
