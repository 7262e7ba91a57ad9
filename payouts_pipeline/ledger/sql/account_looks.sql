-- When Stripe is asked whether payees who could not receive transfers can by now.

-- name: take_accounts_to_look_at
-- The accounts whose payouts were refused for it and that nobody has asked about for a while, longest ago first, and
-- notes that they are asked about now. Each no doubles the time until the next question, up to a day.
insert into payouts.account_looks as l (stripe_account_id)
select i.stripe_account_id
from payouts.instructions as i
left join payouts.account_looks as earlier on earlier.stripe_account_id = i.stripe_account_id
where i.status = 'rejected' and i.reason_code = %(code)s and i.stripe_account_id is not null
    and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
    and (
        earlier.asked_at is null
        or earlier.asked_at <= now() - least(%(first)s * power(2, least(earlier.looks, 9) - 1), %(longest)s)
    )
group by i.stripe_account_id
order by min(earlier.asked_at) nulls first, i.stripe_account_id
limit %(at_most)s
-- Another process may have been first.
on conflict (stripe_account_id) do update set asked_at = excluded.asked_at, looks = l.looks + 1
where l.asked_at <= now() - least(%(first)s * power(2, least(l.looks, 9) - 1), %(longest)s)
returning l.stripe_account_id

-- name: account_answered_yes
-- Notes that accounts can receive: what is refused of them later is asked about from the beginning, an hour from now.
update payouts.account_looks set looks = 1 where stripe_account_id = any(%(accounts)s)
