-- Rule 6: payouts under the minimum that is configured now; it may have been another when they were made.
select 'instruction' as kind, id::text as id,
    format('pays %%s %%s, under the minimum of now', amount_minor, currency) as detail
from payouts.instructions
where billing_type <> 'player_charge' and (%(days)s::date[] is null or day = any(%(days)s))
    and amount_minor < (%(minimum_payouts)s::jsonb ->> currency)::bigint
