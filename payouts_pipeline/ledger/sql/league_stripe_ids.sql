-- Who is whom at Stripe. Empty texts count as missing.
select 'player' as billing_subject, id as subject_id, null as stripe_account_id,
    nullif(stripe_customer_id, '') as stripe_customer_id,
    nullif(stripe_payment_method_id, '') as stripe_payment_method_id
from league.players where id = any(%(player)s)
union all
select 'club', id, nullif(stripe_account_id, ''), null, null from league.clubs where id = any(%(club)s)
union all
select 'organiser', id, nullif(stripe_account_id, ''), null, null
from league.organisers where id = any(%(organiser)s)
union all
select 'partner', id, nullif(stripe_account_id, ''), null, null from league.partners where id = any(%(partner)s)
