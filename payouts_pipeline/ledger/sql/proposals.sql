-- What would change of a day and waits for a person (rule of money 15).

-- name: measure_change
-- What the new fees of a transaction would change: how many fees of the day are booked, how many of them or new ones
-- would be others, and by currency what would move in one direction or the other.
with changed as (
    select match_id, match_player_id, currency,
        greatest(
            sum(amount_minor) filter (where amount_minor > 0), -sum(amount_minor) filter (where amount_minor < 0)
        ) as amount_minor
    from new_fees
    group by match_id, match_player_id, currency
), moved as (
    select coalesce(jsonb_object_agg(currency, amount_minor), '{}') as by_currency
    from (select currency, sum(amount_minor) as amount_minor from changed group by currency) as each
), booked as (
    select count(*) as fees
    from (
        select from payouts.fees where day = %(day)s group by match_id, match_player_id having sum(amount_minor) <> 0
    ) as each
)
select
    (select fees from booked),
    (select count(*) from (select distinct match_id, match_player_id from changed) as each),
    (select by_currency from moved)

-- name: fees_before
-- What was booked as fees on other days, by currency.
select day, currency, sum(amount_minor)::bigint
from payouts.fees
where day = any(%(days)s)
group by day, currency
having sum(amount_minor) <> 0

-- name: open_proposals
-- What waits of all days, or of one.
select p.id, p.day, p.splits_digest, p.reason_code, p.details, p.at, a.proposal_id is not null as is_accepted
from payouts.proposals as p
left join payouts.acceptances as a on a.proposal_id = p.id
where p.closed_at is null and (%(day)s::date is null or p.day = %(day)s)
order by p.day

-- name: close_proposal
-- What waited of a day is booked, replaced, or gone.
update payouts.proposals set closed_at = clock_timestamp() where day = %(day)s and closed_at is null

-- name: insert_proposal
-- Notes what would change of a day, and why it does not.
insert into payouts.proposals (day, splits_digest, reason_code, details, actor)
values (%(day)s, %(digest)s, %(reason_code)s, %(details)s, %(actor)s)

-- name: accept_proposal
-- A person lets it be booked.
insert into payouts.acceptances (proposal_id, actor, reason) values (%(id)s, %(actor)s, %(reason)s)
