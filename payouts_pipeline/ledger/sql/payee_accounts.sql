-- The Stripe accounts that payees have, and those to which nothing may be paid now.

-- name: unseen_accounts
-- Of these payees and accounts, those that the payee is not known to have now.
select w.subject as billing_subject, w.subject_id, w.account as stripe_account_id
from unnest(%(subjects)s::text[], %(ids)s::bigint[], %(accounts)s::text[]) as w (subject, subject_id, account)
where not exists (
    select
    from payouts.payee_accounts as p
    where (p.subject, p.subject_id, p.stripe_account_id) = (w.subject, w.subject_id, w.account) and p.is_current
)

-- name: see_accounts
-- Notes which accounts payees have now; one that has changed rests for a while.
select payouts.see_accounts(%(subjects)s::text[], %(ids)s::bigint[], %(accounts)s::text[], %(rest)s)

-- name: held_accounts
-- The accounts to which nothing may be paid now, with the reason that their instructions have then.
select subject as billing_subject, subject_id, stripe_account_id, reason_code as account_code,
    reason_details as account_details
from payouts.held_accounts

-- name: accounts_to_confirm
-- The accounts that a person may confirm, of one payee or of all, with how much is held for them and since when.
select h.subject, h.subject_id, h.stripe_account_id, h.reason_code, h.reason_details, p.seen_at,
    coalesce(waits.count, 0) as instructions
from payouts.held_accounts as h
join payouts.payee_accounts as p using (subject, subject_id, stripe_account_id)
left join lateral (
    select count(*)
    from payouts.accounts as a
    join payouts.instructions as i on i.account_id = a.id and i.status = 'held'
    where (a.subject, a.subject_id) = (h.subject, h.subject_id) and i.stripe_account_id = h.stripe_account_id
) as waits on true
where h.is_current and (%(subject)s::text is null or (h.subject, h.subject_id) = (%(subject)s, %(subject_id)s))
order by h.subject, h.subject_id

-- name: approved_for_account
-- Whether the person has approved what is held for an account that they would confirm.
select exists (
    select
    from payouts.accounts as a
    join payouts.instructions as i on i.account_id = a.id and i.status = 'held'
    join payouts.approvals as p on p.instruction_id = i.id and p.payee_id = %(account)s
    where (a.subject, a.subject_id) = (%(subject)s, %(subject_id)s)
        and payouts.is_same(p.actor, p.login, %(actor)s, session_user)
)

-- name: confirm_account
-- Keeps that an account is the payee's, for good.
insert into payouts.account_confirmations (subject, subject_id, stripe_account_id, actor, reason)
values (%(subject)s, %(subject_id)s, %(account)s, %(actor)s, %(reason)s)
