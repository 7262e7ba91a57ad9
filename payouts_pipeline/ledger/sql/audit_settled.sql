-- Rules 3 and 7: settled instructions without exactly one settled attempt and exactly two entries of their amount,
-- and entries of what is not settled.
with instruction as (
    select id, status, account_id, currency, amount_minor,
        case billing_type when 'player_charge' then amount_minor else -amount_minor end as received_minor
    from payouts.instructions
    where %(days)s::date[] is null or day = any(%(days)s)
), entered as (
    select i.id, count(*) as entries,
        count(*) filter (
            where e.account_id = i.account_id and e.amount_minor = -i.received_minor and e.currency = i.currency
        ) as own,
        count(*) filter (
            where a.subject = 'provider' and e.amount_minor = i.received_minor and e.currency = i.currency
        ) as providers
    from instruction as i
    join payouts.entries as e on e.instruction_id = i.id
    join payouts.accounts as a on a.id = e.account_id
    group by i.id
), tried as (
    select a.instruction_id as id, count(*) as settled_attempts
    from payouts.attempts as a
    where a.outcome = 'settled' and a.instruction_id in (select id from instruction)
    group by a.instruction_id
)
select 'instruction' as kind, i.id::text as id,
    format(
        'is %%s with %%s entries (%%s on its account, %%s on the provider''s, of %%s %%s) and %%s settled attempts',
        i.status, coalesce(e.entries, 0), coalesce(e.own, 0), coalesce(e.providers, 0), i.amount_minor, i.currency,
        coalesce(t.settled_attempts, 0)
    ) as detail
from instruction as i
left join entered as e using (id)
left join tried as t using (id)
where i.status = 'settled'
    and (e.entries, e.own, e.providers, t.settled_attempts) is distinct from (2::bigint, 1::bigint, 1::bigint, 1::bigint)
    or i.status <> 'settled' and num_nonnulls(e.entries, t.settled_attempts) > 0
