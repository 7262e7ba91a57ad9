-- When Stripe is asked whether payees who could not receive transfers can by now.

-- name: take_accounts_to_look_at
-- The accounts whose payouts were refused for it and that nobody has asked about for a while, longest ago first, and
-- notes that they are asked about now.
insert into payouts.account_looks as l (stripe_account_id)
select i.stripe_account_id
from payouts.instructions as i
left join payouts.account_looks as earlier on earlier.stripe_account_id = i.stripe_account_id
where i.status = 'rejected' and i.reason_code = %(code)s and i.stripe_account_id is not null
    and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
    and (earlier.asked_at is null or earlier.asked_at <= now() - %(every)s)
group by i.stripe_account_id
order by min(earlier.asked_at) nulls first, i.stripe_account_id
limit %(at_most)s
-- Another process may have been first.
on conflict (stripe_account_id) do update set asked_at = excluded.asked_at where l.asked_at <= now() - %(every)s
returning l.stripe_account_id
