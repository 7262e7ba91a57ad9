-- A match is booked under one day at a time (rule of money 15): moved to another day, it is booked there only once what
-- was booked under the day before is taken back. Else everybody would be charged and paid for it twice.
-- Workers that do not know this migration go on.

-- Moves with the match, under the lock of its row: which day has its fees is in the fees.
create table payouts.booked_matches (
    match_id bigint primary key,
    day date not null
);
create index booked_matches_of_day on payouts.booked_matches (day);
comment on table payouts.booked_matches is 'The day under which the fees of a match are booked.';

create view payouts.standing_matches as
select f.day, f.match_id
from payouts.fees as f
group by f.day, f.match_id, f.match_player_id, f.player_id, f.currency
having sum(f.amount_minor) <> 0;
comment on view payouts.standing_matches is 'Matches of which fees are booked and not taken back, once for each fee.';

insert into payouts.booked_matches (match_id, day)
select match_id, max(day) from payouts.standing_matches group by match_id;

-- Makes a day the one under which these matches are booked; those that another day has, once nothing of them stands there.
-- Each statement sees what was committed while the one before it waited.
create function payouts.claim_matches(claiming_day date, match_ids bigint[]) returns void
language plpgsql as $$
declare
    claimed bigint;
    left_days date[];
begin
    insert into payouts.booked_matches (match_id, day)
    select match_id, claiming_day from unnest(match_ids) as match_id order by match_id
    on conflict (match_id) do nothing;
    get diagnostics claimed = row_count;
    if claimed = cardinality(match_ids) then
        return;
    end if;
    perform from payouts.booked_matches where match_id = any(match_ids) order by match_id for no key update;
    left_days := array(
        select distinct day from payouts.booked_matches where match_id = any(match_ids) and day <> claiming_day
    );
    update payouts.booked_matches
    set day = claiming_day
    where match_id = any(match_ids) and day = any(left_days)
        and (day, match_id) not in (select day, match_id from payouts.standing_matches where day = any(left_days));
end
$$;

create function payouts.assert_one_day_each() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    claim record;
    wrong record;
begin
    -- What a return opens again is what was booked, wherever the match has gone since.
    for claim in
        select n.day, array_agg(distinct n.match_id) as match_ids
        from new_rows as n
        join payouts.bookings as b on b.id = n.booking_id and b.return_id is null
        where n.amount_minor > 0
        group by n.day
        order by n.day
    loop
        perform payouts.claim_matches(claim.day, claim.match_ids);
        select match_id, day
        into wrong
        from payouts.booked_matches
        where match_id = any(claim.match_ids) and day <> claim.day
        limit 1;
        if found then
            raise exception 'match % is booked under %, and can not be under % as well',
                wrong.match_id, wrong.day, claim.day;
        end if;
    end loop;
    return null;
end
$$;
create trigger one_day_each after insert on payouts.fees
    referencing new table as new_rows
    for each statement execute function payouts.assert_one_day_each();
