-- What operators do with money that has moved: give it back at Stripe, write it off, move it to another payee (rule of
-- money 6: never by itself).
--
-- A refund of a charge and the reversal of a payout: each is an instruction with the life of all others, of a billing type of its own. It moves nothing on the accounts:
-- what came back is entered when Stripe's journal lists it (0003), whoever has asked for it, so that one rule enters it
-- once. That it is settled says that the money has moved.
--
-- Workers that do not know this migration go on.

alter table payouts.instructions drop constraint instructions_billing_type_check;
alter table payouts.instructions add constraint instructions_billing_type_check check (
    billing_type in (
        'player_charge', 'club_payout', 'organiser_payout', 'partner_payout', 'charge_refund', 'payout_reversal'
    )
);

create table payouts.return_orders (
    instruction_id uuid primary key references payouts.instructions,
    -- The charge or the payout that it gives back, or a part of it.
    takes_back_id uuid not null references payouts.instructions,
    -- As the person has named it: instruction, match:7, player:9.
    target text not null,
    -- How much of that was asked for; empty: all that was left.
    asked_minor bigint check (asked_minor > 0),
    actor text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null default clock_timestamp()
);
create index return_orders_of_instruction on payouts.return_orders (takes_back_id);
comment on table payouts.return_orders is 'Who has asked for what to be given back, and why.';

-- The fees that a refund is of, as they were when it was asked for: those are taken back once Stripe lists it.
create table payouts.return_order_fees (
    instruction_id uuid not null references payouts.return_orders,
    day date not null,
    match_id bigint not null,
    match_player_id bigint not null,
    player_id bigint not null,
    currency char(3) not null,
    amount_minor bigint not null check (amount_minor > 0),
    primary key (instruction_id, day, match_player_id, match_id, player_id, currency)
);

-- The lines of Stripe's journal by which an order has come to pass, and by which it was undone: they name the order, or
-- it is settled by what they are of, as a person has said. What is another amount, or takes back something else, is not
-- its own.
create view payouts.return_order_transactions as
select o.instruction_id, o.takes_back_id, t.id as transaction_id
from payouts.return_orders as o
join payouts.instructions as i on i.id = o.instruction_id
join payouts.instructions as taken on taken.id = o.takes_back_id
join payouts.identity as own on true
join payouts.balance_transactions as t
    on t.movement_id = taken.provider_reference and t.kind = 'return'
    and t.currency = i.currency and abs(t.amount_minor) = i.amount_minor
where t.instruction_id = o.instruction_id and t.ledger_id = own.id::text or t.source_id = i.provider_reference;

-- What of each order is still to come off what it takes back: it counts as gone from when it is asked for.
create view payouts.return_orders_under_way as
select o.instruction_id, o.takes_back_id,
    case
        when i.status = 'cancelled' then 0
        when i.status = 'settled' then case when entered.lines > 0 then 0 else i.amount_minor end
        else i.amount_minor - coalesce(entered.amount_minor, 0)
    end as amount_minor
from payouts.return_orders as o
join payouts.instructions as i on i.id = o.instruction_id
cross join lateral (
    select count(*) as lines, sum(r.amount_minor)::bigint as amount_minor
    from payouts.return_order_transactions as x
    join payouts.returns as r on r.transaction_id = x.transaction_id
    where x.instruction_id = o.instruction_id
) as entered;

-- No more can be asked for than was moved and has not come back: under the lock of the account.
create function payouts.assert_returnable() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wrong record;
begin
    select o.instruction_id into wrong
    from new_rows as o
    join payouts.instructions as i on i.id = o.instruction_id
    join payouts.instructions as taken on taken.id = o.takes_back_id
    where taken.status <> 'settled'
        or (i.account_id, i.day, i.currency) <> (taken.account_id, taken.day, taken.currency)
        or i.billing_type <> case taken.billing_type
            when 'player_charge' then 'charge_refund'
            when 'charge_refund' then ''
            when 'payout_reversal' then ''
            else 'payout_reversal'
        end
        or taken.amount_minor < (
            select coalesce(sum(u.amount_minor), 0)
            from payouts.return_orders_under_way as u
            where u.takes_back_id = taken.id
        ) + (
            select coalesce(sum(r.amount_minor), 0) from payouts.returns as r where r.instruction_id = taken.id
        )
    limit 1;
    if found then
        raise exception 'return order % gives back what was not moved, or more than is left of it', wrong.instruction_id;
    end if;
    return null;
end
$$;
create trigger returnable after insert on payouts.return_orders
    referencing new table as new_rows
    for each statement execute function payouts.assert_returnable();

-- Only charges and payouts move something on their accounts by their own end.
create or replace function payouts.end_flight(ended uuid[]) returns void
language plpgsql as $$
begin
    update payouts.accounts as a
    set in_flight_minor = a.in_flight_minor - e.ended_minor, settled_minor = a.settled_minor + e.settled_minor
    from (
        select account_id, sum(amount_minor) as ended_minor,
            sum(case status when 'settled' then amount_minor else 0 end) as settled_minor
        from payouts.instructions
        where id = any(ended) and billing_type not in ('charge_refund', 'payout_reversal')
        group by account_id
    ) as e
    where a.id = e.account_id;
end
$$;

create or replace function payouts.enter_settled(ended uuid[]) returns void
language plpgsql as $$
begin
    insert into payouts.entries (instruction_id, account_id, currency, amount_minor)
    select i.id, side.account_id, i.currency, side.amount_minor
    from payouts.instructions as i
    join payouts.accounts as provider on provider.subject = 'provider' and provider.currency = i.currency
    cross join lateral (
        select case i.billing_type when 'player_charge' then i.amount_minor else -i.amount_minor end as received_minor
    ) as movement
    cross join lateral (
        values (i.account_id, -received_minor), (provider.id, received_minor)
    ) as side (account_id, amount_minor)
    where i.id = any(ended) and i.status = 'settled' and i.billing_type not in ('charge_refund', 'payout_reversal');
end
$$;

-- What was given back as it was asked for is seen as well once it is listed.
create or replace function payouts.note_assigned() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from payouts.transactions_to_enter as t using new_rows as n where t.transaction_id = n.transaction_id;
    delete from payouts.movements_to_see as m
    using new_rows as n
    where m.instruction_id = n.instruction_id and n.assigned_to = 'instruction';
    delete from payouts.movements_to_see as m
    using new_rows as n
    join payouts.return_order_transactions as x on x.transaction_id = n.transaction_id
    where n.assigned_to = 'return' and m.instruction_id = x.instruction_id;
    return null;
end
$$;

create or replace function payouts.note_to_see(ended uuid[]) returns void
language sql as $$
    insert into payouts.movements_to_see (instruction_id, settled_at)
    select i.id, i.status_at
    from payouts.instructions as i
    where i.id = any(ended) and i.status = 'settled'
        -- The journal can be ahead of the answer.
        and not exists (
            select
            from payouts.return_order_transactions as x
            join payouts.returns as r on r.transaction_id = x.transaction_id
            where x.instruction_id = i.id
        )
    order by i.id
$$;

create trigger append_only before update or delete or truncate on payouts.return_orders
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.return_order_fees
    for each statement execute function payouts.refuse_change();

-- What people adjust on accounts ------------------------------------------------------------------------------------

-- A debt that is written off, which the platform bears; or a balance that moves to another payee's account.
create table payouts.adjustments (
    id bigint generated always as identity primary key,
    account_id bigint not null references payouts.accounts,
    -- Where a balance goes; empty: it is written off.
    to_account_id bigint references payouts.accounts check (to_account_id <> account_id),
    currency char(3) not null,
    -- Written off: the debt of a player, or what a payee owes back. Moved: what was payable, or owed back where negative.
    amount_minor bigint not null check (amount_minor <> 0 and (amount_minor > 0 or to_account_id is not null)),
    actor text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null default clock_timestamp()
);
create index adjustments_of_account on payouts.adjustments (account_id);
create index adjustments_to_account on payouts.adjustments (to_account_id) where to_account_id is not null;
comment on table payouts.adjustments is 'What people have written off or moved to another payee, and why.';

alter table payouts.accounts drop constraint accounts_subject_check;
alter table payouts.accounts add constraint accounts_subject_check check (
    subject in (
        'player', 'club', 'organiser', 'partner', 'platform', 'provider', 'provider_fees', 'own_funds', 'unassigned',
        'write_offs'
    )
);
comment on column payouts.accounts.subject is
    'Whose account it is. The columns of these are not kept: `provider`, the money that stands at Stripe; '
    '`provider_fees`, what Stripe keeps; `own_funds`, what we put in and take out; `unassigned`, what is not understood; '
    '`write_offs`, what the platform bears since people have written it off.';

alter table payouts.entries add column adjustment_id bigint references payouts.adjustments;
alter table payouts.entries drop constraint entries_check;
alter table payouts.entries add constraint entries_check
    check (num_nonnulls(booking_id, instruction_id, transaction_id, adjustment_id) = 1) not valid;
create unique index entries_of_adjustment on payouts.entries (adjustment_id, account_id)
where adjustment_id is not null;

alter table payouts.releases add column adjustment_id bigint references payouts.adjustments;
create index releases_of_adjustment on payouts.releases (adjustment_id) where adjustment_id is not null;

create or replace function payouts.assert_zero_sum() returns trigger
language plpgsql as $$
declare
    wrong record;
begin
    select booking_id, instruction_id, transaction_id, adjustment_id, currency, sum(amount_minor) as amount_minor
    into wrong
    from new_rows
    group by booking_id, instruction_id, transaction_id, adjustment_id, currency
    having sum(amount_minor) <> 0
    limit 1;
    if found then
        raise exception 'entries of booking %, instruction %, transaction %, adjustment % sum to % in %, not to zero',
            wrong.booking_id, wrong.instruction_id, wrong.transaction_id, wrong.adjustment_id, wrong.amount_minor,
            wrong.currency;
    end if;
    return null;
end
$$;

create or replace function payouts.fingerprint(entry payouts.entries) returns bigint
language sql stable as $$
    select ('x' || substr(md5(concat_ws(
        ' ',
        entry.id,
        coalesce(
            entry.booking_id::text, entry.instruction_id::text, entry.transaction_id,
            'adjustment:' || entry.adjustment_id
        ),
        entry.account_id, entry.currency, entry.amount_minor, extract(epoch from entry.at)
    )), 1, 16))::bit(64)::bigint
$$;

-- A player's debt that is written off is paid by the platform: it is settled, and its fees are released as those that a
-- credit pays for. What a payee owes back, or is moved, is booked and released: it changes what is payable.
create function payouts.enter_adjustment() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    sign int := case when new.to_account_id is null then -1 else 1 end;
    other bigint := new.to_account_id;
    opened bigint;
begin
    if other is null then
        insert into payouts.accounts (subject, subject_id, currency) values ('write_offs', 0, new.currency)
        on conflict (subject, subject_id, currency) do nothing;
        select id into strict other
        from payouts.accounts
        where subject = 'write_offs' and subject_id = 0 and currency = new.currency;
    end if;
    insert into payouts.entries (adjustment_id, account_id, currency, amount_minor)
    values
        (new.id, new.account_id, new.currency, sign * new.amount_minor),
        (new.id, other, new.currency, -sign * new.amount_minor);

    update payouts.accounts set settled_minor = settled_minor + new.amount_minor
    where id = new.account_id and subject = 'player';
    update payouts.accounts as a
    set booked_minor = a.booked_minor + side.amount_minor, released_minor = a.released_minor + side.amount_minor
    from (values (new.account_id, -sign * new.amount_minor), (new.to_account_id, sign * new.amount_minor))
        as side (account_id, amount_minor)
    where a.id = side.account_id and a.subject in ('club', 'organiser', 'partner');

    -- As old as the oldest of what it changes, so that every run since then counts it.
    insert into payouts.releases (day, actor, adjustment_id)
    select min(r.day), new.actor, new.id
    from payouts.release_lines as l
    join payouts.releases as r on r.id = l.release_id
    join payouts.accounts as a on a.id = l.account_id and a.subject in ('club', 'organiser', 'partner')
    where l.account_id = new.account_id and l.payout_id is null
    having count(*) > 0
    returning id into opened;
    insert into payouts.release_lines (release_id, account_id, amount_minor)
    select opened, side.account_id, side.amount_minor
    from (values (new.account_id, -sign * new.amount_minor), (new.to_account_id, sign * new.amount_minor))
        as side (account_id, amount_minor)
    where opened is not null and side.account_id is not null;
    return null;
end
$$;
create trigger enter_adjustment after insert on payouts.adjustments
    for each row execute function payouts.enter_adjustment();

create trigger append_only before update or delete or truncate on payouts.adjustments
    for each statement execute function payouts.refuse_change();
