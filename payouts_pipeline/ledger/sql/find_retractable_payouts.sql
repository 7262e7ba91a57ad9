-- Payouts of more than is due since a correction, and of which nothing is under way at the provider. A release of
-- this day may hold corrections of fees of other days, so the payees of the day's fees are not all.
create temporary table retracted on commit drop as
with due_less as (
    select a.id
    from payouts.accounts as a
    where a.subject in ('club', 'organiser', 'partner')
        and (
            (a.subject, a.subject_id, a.currency) in (
                select billing_subject, subject_id, currency from payouts.shares where day = %(day)s
            )
            or a.id in (
                select l.account_id
                from payouts.release_lines as l
                join payouts.releases as r on r.id = l.release_id
                where r.day = %(day)s and l.payout_id is null
            )
        )
        and a.released_minor - a.in_flight_minor - a.settled_minor < 0
)
select i.id, i.account_id, i.amount_minor
from payouts.instructions as i
where i.account_id in (select id from due_less) and i.status = any(%(retractable)s)
order by i.id
for update
