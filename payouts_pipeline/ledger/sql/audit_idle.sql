-- Rule 6: what is open on an account, reaches the minimum, and no instruction moves yet. Materialising the day does.
select 'account' as kind, s.id::text as id,
    format('%%s %%s are payable and no payout pays them: materialise %%s', sum(l.amount_minor), s.currency, max(r.day))
        as detail
from audit_scope as s
join payouts.release_lines as l on l.account_id = s.id and l.payout_id is null
join payouts.releases as r on r.id = l.release_id
where s.subject in ('club', 'organiser', 'partner')
group by s.id, s.currency
having sum(l.amount_minor) >= (%(minimum_payouts)s::jsonb ->> s.currency)::bigint
union all
select 'account', s.id::text,
    format(
        '%%s %%s are owed and no charge asks for them: materialise %%s',
        a.booked_minor - a.settled_minor, s.currency, max(f.day)
    )
from audit_scope as s
join payouts.accounts as a on a.id = s.id and a.in_flight_minor = 0
join payouts.fees as f
    on f.player_id = s.subject_id and f.currency = s.currency and f.release_id is null and f.charge_id is null
where s.subject = 'player'
    and a.booked_minor - a.settled_minor >= (%(minimum_charges)s::jsonb ->> s.currency)::bigint
group by s.id, s.currency, a.booked_minor, a.settled_minor
