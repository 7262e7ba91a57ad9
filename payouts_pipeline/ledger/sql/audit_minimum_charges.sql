-- Rule 6: charges under Stripe's minimum.
select 'instruction' as kind, id::text as id,
    format('charges %%s %%s, under the minimum', amount_minor, currency) as detail
from payouts.instructions
where billing_type = 'player_charge' and (%(days)s::date[] is null or day = any(%(days)s))
    and amount_minor < (%(minimum_charges)s::jsonb ->> currency)::bigint
