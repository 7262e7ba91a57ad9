-- Rule 6: charges of more than the fees that they cover; what is less is the credit that the account had.
select 'instruction' as kind, i.id::text as id,
    format(
        'charges %%s %%s and covers fees of %%s', i.amount_minor, i.currency, coalesce(sum(f.amount_minor), 0)
    ) as detail
from payouts.instructions as i
left join payouts.fees as f on f.charge_id = i.id
where i.billing_type = 'player_charge' and i.status <> 'cancelled'
    and (%(days)s::date[] is null or i.day = any(%(days)s))
group by i.id, i.amount_minor, i.currency
having i.amount_minor > coalesce(sum(f.amount_minor), 0)
