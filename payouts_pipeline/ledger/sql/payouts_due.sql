-- What is payable on each payee's account that this day's fees released something to and no payout covers.
select
    a.id as account_id, a.subject as billing_subject, a.subject_id, a.currency,
    a.released_minor - a.in_flight_minor - a.settled_minor as amount_minor,
    coalesce(
        (select max(i.sequence) from payouts.instructions as i where i.day = %(day)s and i.account_id = a.id), 0
    ) + 1 as sequence
from payouts.accounts as a
where a.subject in ('club', 'organiser', 'partner')
    and a.id in (
        select l.account_id
        from payouts.release_lines as l
        join payouts.releases as r on r.id = l.release_id
        where r.day = %(day)s and l.payout_id is null
    )
    and a.released_minor - a.in_flight_minor - a.settled_minor > 0
