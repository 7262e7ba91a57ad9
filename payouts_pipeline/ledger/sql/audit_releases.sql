-- Rule 2: releases whose lines are not the shares of the fees that they released.
with release as (
    select id from payouts.releases where %(days)s::date[] is null or day = any(%(days)s)
), stated as (
    select f.release_id, a.id as account_id, sum(s.amount_minor) as amount_minor
    from payouts.fees as f
    join payouts.shares as s using (day, match_player_id, match_id, player_id, currency, booking_id)
    join payouts.accounts as a
        on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
    where f.release_id in (select id from release)
    group by f.release_id, a.id
), line as (
    select release_id, account_id, amount_minor
    from payouts.release_lines
    where release_id in (select id from release)
)
select 'account' as kind, account_id::text as id,
    format(
        'release %%s: the line says %%s and the shares of its fees add up to %%s', release_id,
        coalesce(line.amount_minor, 0), coalesce(stated.amount_minor, 0)
    ) as detail
from stated
full join line using (release_id, account_id)
where coalesce(stated.amount_minor, 0) <> coalesce(line.amount_minor, 0)
