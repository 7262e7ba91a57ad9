-- Writes outcomes: the attempt's, the instruction's, and for what settled the entries and the account.
with outcome as (
    select o.*
    from jsonb_to_recordset(%(outcomes)s::jsonb) as o (
        instruction_id uuid, number int, status text, reason text, code text, retry_after_s double precision,
        provider_reference text, provider_request_id text, sends int
    )
    join payouts.instructions as i on i.id = o.instruction_id and i.status = 'sending'
), attempt as (
    update payouts.attempts as a
    set code = o.code, provider_request_id = o.provider_request_id,
        outcome = case o.status when 'unknown' then null when 'settled' then 'settled' else 'refused' end,
        finished_at = case when o.status <> 'unknown' then now() end
    from outcome as o
    where a.instruction_id = o.instruction_id and a.number = o.number and a.outcome is null
        and (o.status in ('settled', 'unknown') or o.sends is null or a.sends = o.sends + 1)
    returning a.instruction_id
), instruction as (
    update payouts.instructions as i
    set status = o.status, status_at = now(), reason = o.reason, changed_by = %(actor)s,
        retry_at = now() + make_interval(secs => o.retry_after_s), leased_until = null,
        provider_reference = o.provider_reference, provider_request_id = o.provider_request_id
    from outcome as o
    join attempt on attempt.instruction_id = o.instruction_id
    where i.id = o.instruction_id
    returning i.id, i.account_id, i.billing_type, i.currency, i.amount_minor, i.status
), settled as (
    select
        id, account_id, currency, amount_minor,
        case billing_type when 'player_charge' then amount_minor else -amount_minor end as received_minor
    from instruction
    where status = 'settled'
), account as (
    update payouts.accounts as a
    set in_flight_minor = a.in_flight_minor - s.amount_minor, settled_minor = a.settled_minor + s.amount_minor
    from (select account_id, sum(amount_minor) as amount_minor from settled group by account_id) as s
    where a.id = s.account_id
), entry as (
    insert into payouts.entries (instruction_id, account_id, currency, amount_minor)
    select id, account_id, currency, -received_minor from settled
    union all
    select s.id, provider.id, s.currency, s.received_minor
    from settled as s
    join payouts.accounts as provider on provider.subject = 'provider' and provider.currency = s.currency
)
select id from instruction
