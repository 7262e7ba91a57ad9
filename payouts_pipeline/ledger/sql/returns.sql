-- What came back of settled instructions: refunds, disputes and reversals.

-- name: enter_returns
-- Enters what came back against whom it was of.
with ready as (
    select * from payouts.returns_to_enter
), noted as (
    insert into payouts.assignments (transaction_id, assigned_to, instruction_id, actor)
    select id, 'return', instruction_id, %(actor)s from ready order by id
    returning transaction_id
), leg as (
    select r.id, a.id as account_id, r.currency, r.net_minor as amount_minor
    from ready as r
    join payouts.accounts as a on a.subject = 'provider' and a.currency = r.currency
    union all
    select r.id, a.id, r.currency, r.fee_minor
    from ready as r
    join payouts.accounts as a on a.subject = 'provider_fees' and a.currency = r.currency
    union all
    select r.id, r.account_id, r.currency, -r.amount_minor from ready as r
), entered as (
    insert into payouts.entries (transaction_id, account_id, currency, amount_minor)
    select id, account_id, currency, amount_minor from leg where amount_minor <> 0 order by id, account_id
)
select count(*) from noted
