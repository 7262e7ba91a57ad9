-- The ledger. Amounts are bigint in the minor units that Stripe takes.
--
-- What is booked (fees, shares, entries, events) is append-only, and the database sees to it. What can be
-- derived from that and is needed fast (accounts, the links of a fee to its charge and its release) is kept
-- beside it; the auditor recomputes it.
--
-- What follows from a row is written by triggers, with the rights of the ledger's owner: who settles need not be allowed
-- to write entries, events or the balances of accounts (`roles.sql`).

-- Who this ledger is -------------------------------------------------------------------------------------------------

-- Who this ledger is (rule of money 9): its id is in the name of every instruction and in the metadata of every call,
-- so that two ledgers on one Stripe account never take each other's movements for theirs.
create table payouts.identity (
    is_only boolean primary key default true check (is_only),
    id uuid not null default gen_random_uuid(),
    -- Pinned at the first call.
    provider_account text,
    provider_mode text check (provider_mode in ('live', 'test')),
    pinned_at timestamptz,
    check (num_nonnulls(provider_account, provider_mode, pinned_at) in (0, 3))
);
insert into payouts.identity default values;

create table payouts.identity_events (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    -- Stands beside another ledger on the same account; or belongs to another account from then on.
    what text not null check (what in ('pinned', 'continued', 'beside', 'repinned')),
    reason text not null check (reason <> ''),
    before jsonb not null,
    after jsonb not null
);
comment on table payouts.identity_events is 'What was ever said of who this ledger is, by whom and why.';

-- Whoever makes the first call pins the ledger; only a person pins it to another account.
create function payouts.pin(account text, mode text, by_whom text, why text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with was as (
        select * from payouts.identity
    ), pinned as (
        update payouts.identity
        set provider_account = account, provider_mode = mode, pinned_at = now()
        where provider_account is null
        returning *
    )
    insert into payouts.identity_events (actor, what, reason, before, after)
    select by_whom, 'pinned', why, to_jsonb(was), to_jsonb(pinned) from was, pinned
$$;

create function payouts.keep_identity() returns trigger
language plpgsql as $$
begin
    if new.id <> old.id and exists (select from payouts.instructions) then
        raise exception 'the instructions of this ledger have its id in their names';
    end if;
    return new;
end
$$;

-- Days, and what each booking of one wrote ---------------------------------------------------------------------------

-- A day is booked under the lock of its row.
create table payouts.days (
    day date primary key,
    first_booked_at timestamptz not null default now(),
    -- A digest of the splits that it was booked from: the same again change nothing.
    splits_digest text
);

-- Whose midnight ends the days of this ledger, since its first booking.
create table payouts.calendar (
    is_only boolean primary key default true check (is_only),
    timezone text not null
);

create table payouts.bookings (
    id bigint generated always as identity primary key,
    day date not null references payouts.days,
    booked_at timestamptz not null default now(),
    actor text not null
);
create index bookings_of_day on payouts.bookings (day);
comment on table payouts.bookings is
    'One for each time that the fees of a day changed: the first booking, then corrections.';

-- Fees that can't be split, with the code of why; always as the last booking of the day found them.
create table payouts.held_out (
    day date not null references payouts.days,
    -- A view can have rows without an id, or two with the same: those are held out, and shown.
    match_player_id bigint,
    match_id bigint not null,
    reason_code text not null
);
create index held_out_of_day on payouts.held_out (day);

-- How one amount is divided: who gets which part of it. Fees of equal terms share one; it never changes, and its id is
-- made of what it says. That it adds up is rule of money 1, once for all the fees that name it.
create function payouts.total_minor(lines jsonb) returns bigint
language sql immutable as $$
    select coalesce(sum((line ->> 2)::bigint), 0)::bigint from jsonb_array_elements(lines) as line
$$;

create table payouts.allocations (
    id uuid primary key check (id = md5(lines::text)::uuid),
    amount_minor bigint not null check (amount_minor = payouts.total_minor(lines)),
    -- [billing subject, id of the partner or 0, amount in minor units], in the order in which remainders go out.
    lines jsonb not null
);

-- The same, line by line; made by the database.
create table payouts.allocation_lines (
    allocation_id uuid not null references payouts.allocations,
    billing_subject text not null check (billing_subject in ('club', 'organiser', 'partner', 'platform')),
    partner_id bigint not null check (billing_subject = 'partner' or partner_id = 0),
    amount_minor bigint not null check (amount_minor <> 0),
    primary key (allocation_id, billing_subject, partner_id)
);

create function payouts.write_allocation_lines() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into payouts.allocation_lines (allocation_id, billing_subject, partner_id, amount_minor)
    select n.id, line ->> 0, (line ->> 1)::bigint, (line ->> 2)::bigint
    from new_rows as n
    cross join lateral jsonb_array_elements(n.lines) as line;
    return null;
end
$$;
create trigger write_lines after insert on payouts.allocations
    referencing new table as new_rows
    for each statement execute function payouts.write_allocation_lines();

create function payouts.refuse_by_hand() returns trigger
language plpgsql as $$
begin
    if pg_trigger_depth() < 2 then
        raise exception '%.% is written by the database alone', tg_table_schema, tg_table_name;
    end if;
    return null;
end
$$;
create trigger made_by_database before insert on payouts.allocation_lines
    for each statement execute function payouts.refuse_by_hand();

-- What a player owes for a match and whose it is, as each booking changed it: a correction is a new row.
create table payouts.fees (
    booking_id bigint not null,
    day date not null,
    match_id bigint not null,
    match_player_id bigint not null,
    player_id bigint not null,
    currency char(3) not null,
    amount_minor bigint not null,
    -- Who gets which part; and which club and organiser these are, where it has parts for them.
    allocation_id uuid not null,
    club_id bigint,
    organiser_id bigint,
    -- The charge that collects it; empty while no charge covers it, and for what a credit pays for.
    charge_id uuid,
    -- The release of its shares, where it is not that of its charge; see `booked_fees`.
    own_release_id bigint,
    -- By player, as the ids of charges are: a day is written at the end of both indexes.
    primary key (day, player_id, match_player_id, match_id, currency, booking_id)
);
create index fees_of_charge on payouts.fees (charge_id) where charge_id is not null;
-- The few that no charge covers: most are written with the charge that does.
create index fees_open on payouts.fees (player_id, currency) where charge_id is null and own_release_id is null;
create index fees_of_own_release on payouts.fees (own_release_id) where own_release_id is not null;

-- No foreign key, which would double the time of a load: all rows of a statement are looked at together, and they name
-- few allocations.
create function payouts.assert_divided() returns trigger
language plpgsql as $$
declare
    wrong record;
begin
    select n.allocation_id, n.amount_minor
    into wrong
    from (
        select distinct allocation_id, amount_minor, club_id is null as no_club, organiser_id is null as no_organiser
        from new_rows
    ) as n
    left join payouts.allocations as a on a.id = n.allocation_id and a.amount_minor = n.amount_minor
    where a.id is null
        or n.no_club and a.lines @> '[["club"]]'
        or n.no_organiser and a.lines @> '[["organiser"]]'
    limit 1;
    if found then
        raise exception 'a fee of % is not divided by allocation %', wrong.amount_minor, wrong.allocation_id;
    end if;
    return null;
end
$$;
create trigger divided after insert on payouts.fees
    referencing new table as new_rows
    for each statement execute function payouts.assert_divided();

-- Accounts, and the double entries on them ---------------------------------------------------------------------------

-- The running position of one player or payee in one currency with us. Positive is what is still to be moved in
-- the usual direction: what a player owes us, what we owe a payee. Rule of money 7:
-- booked = settled + in flight + open balance.
create table payouts.accounts (
    id bigint generated always as identity primary key,
    subject text not null check (subject in ('player', 'club', 'organiser', 'partner', 'platform', 'provider')),
    subject_id bigint not null,
    currency char(3) not null,
    booked_minor bigint not null default 0,
    -- Player: fees that were collected. Payee: shares of such fees, which may be paid.
    released_minor bigint not null default 0,
    in_flight_minor bigint not null default 0 check (in_flight_minor >= 0),
    settled_minor bigint not null default 0 check (settled_minor >= 0),
    unique (subject, subject_id, currency)
    -- Every step of a day updates the same rows: with room on the page that touches no index.
) with (fillfactor = 40);
comment on column payouts.accounts.subject is
    'Whose account it is; `provider` is the money that stands at Stripe, its columns are not kept.';

-- Double entries. Positive is a debit: what a player owes us, the money at the provider. Negative is a credit:
-- what we owe a payee. Every booking and every settled instruction sums to zero.
-- No foreign keys: an entry is made by joining what it refers to, and the keys would take as long as the entries.
create table payouts.entries (
    id bigint generated always as identity primary key,
    booking_id bigint,
    instruction_id uuid,
    account_id bigint not null,
    currency char(3) not null,
    amount_minor bigint not null check (amount_minor <> 0),
    at timestamptz not null default now(),
    check (num_nonnulls(booking_id, instruction_id) = 1)
);
create unique index entries_of_instruction on payouts.entries (instruction_id, account_id)
where instruction_id is not null;
-- An account has one entry of a booking; an auditor of a day finds those of its bookings, however old the ledger is.
create unique index entries_of_booking on payouts.entries (booking_id, account_id) where booking_id is not null;
-- When something was booked on an account, and how much: all of that is in the index.
create index entries_of_account on payouts.entries (account_id, booking_id) include (currency, amount_minor)
where booking_id is not null;

-- The entries of one booking or one settlement are inserted by one statement, which must sum to zero.
create function payouts.assert_zero_sum() returns trigger
language plpgsql as $$
declare
    wrong record;
begin
    select booking_id, instruction_id, currency, sum(amount_minor) as amount_minor
    into wrong
    from new_rows
    group by booking_id, instruction_id, currency
    having sum(amount_minor) <> 0
    limit 1;
    if found then
        raise exception 'entries of booking %, instruction % sum to % in %, not to zero',
            wrong.booking_id, wrong.instruction_id, wrong.amount_minor, wrong.currency;
    end if;
    return null;
end
$$;
create trigger zero_sum after insert on payouts.entries
    referencing new table as new_rows
    for each statement execute function payouts.assert_zero_sum();

-- What an auditor has seen of the entries, so that the next one need not read all of them again: sums of all up to an
-- id, at which no transaction was under way that could still add one below it. They hold for what is append-only
-- alone, and `payouts verify --full` makes them anew from the entries and names each difference.
create function payouts.fingerprint(entry payouts.entries) returns bigint
language sql stable as $$
    select ('x' || substr(md5(concat_ws(
        ' ', entry.id, coalesce(entry.booking_id::text, entry.instruction_id::text), entry.account_id, entry.currency,
        entry.amount_minor, extract(epoch from entry.at)
    )), 1, 16))::bit(64)::bigint
$$;
comment on function payouts.fingerprint is 'Another number for an entry that was altered; their sum, for one that is gone.';

-- The ledger as a whole, a row for each currency.
create table payouts.checkpoints (
    entry_id bigint not null,
    currency char(3) not null,
    entries bigint not null check (entries > 0),
    amount_minor bigint not null,
    fingerprint numeric not null,
    at timestamptz not null default now(),
    primary key (entry_id, currency)
);

-- Accounts, each with a row at the checkpoints before which something was entered on it.
create table payouts.account_checkpoints (
    account_id bigint not null,
    entry_id bigint not null,
    entries bigint not null check (entries > 0),
    -- As entries have it: a debit is positive.
    booked_minor bigint not null,
    settled_minor bigint not null,
    fingerprint numeric not null,
    primary key (account_id, entry_id)
);

-- Instructions: what is to be charged and paid, and their lives ------------------------------------------------------

create table payouts.instructions (
    id uuid primary key,
    day date not null,
    billing_type text not null
        check (billing_type in ('player_charge', 'club_payout', 'organiser_payout', 'partner_payout')),
    account_id bigint not null references payouts.accounts,
    sequence int not null check (sequence > 0),
    currency char(3) not null,
    amount_minor bigint not null check (amount_minor > 0),
    status text not null,
    -- Why it stands where it stands (rule of money 8): a code of `domain.reasons`, and what its sentence names.
    reason_code text check (reason_code is not null or status = 'settled'),
    reason_details jsonb not null default '{}',
    status_at timestamptz not null default now(),
    changed_by text not null,
    retry_at timestamptz check (retry_at is not null or status not in ('waiting', 'unknown')),
    published_at timestamptz,
    -- Until then the worker that took it is taken to be alive.
    leased_until timestamptz check (leased_until is not null or status <> 'sending'),
    -- The limit that its amount was above when it was made: it is sent only once a person has approved it.
    approval_above_minor bigint check (approval_above_minor < amount_minor),
    -- Read from `league` when the instruction is made or resumed.
    stripe_account_id text,
    stripe_customer_id text,
    stripe_payment_method_id text,
    provider_request_id text,
    provider_reference text check ((provider_reference is not null) = (status = 'settled')),
    created_at timestamptz not null default now(),
    unique (day, account_id, sequence)
);
create unique index instructions_by_reference on payouts.instructions (provider_reference)
where provider_reference is not null;
-- By status, too: what is open of an account is little beside all that it ever settled.
create index instructions_of_account on payouts.instructions (account_id, status);
-- The outbox: committed and not yet published.
create index instructions_to_publish on payouts.instructions (day, billing_type, id) where status = 'pending';
create index instructions_in_progress on payouts.instructions (day, billing_type, id)
where status in ('published', 'sending', 'unknown');
-- What waits for time, for data or for a person: few among all that ever settled, and looked for every minute.
create index instructions_waiting on payouts.instructions (day) where status in ('held', 'waiting', 'rejected');

create table payouts.transitions (
    from_status text not null,
    to_status text not null,
    primary key (from_status, to_status)
);
comment on table payouts.transitions is 'Which status may follow which; the empty one stands for a new instruction.';
insert into payouts.transitions (from_status, to_status)
values
    ('', 'held'), ('', 'pending'),
    -- Held for another reason: what a person did about it stands in the history, too.
    ('held', 'held'), ('held', 'pending'), ('held', 'cancelled'),
    ('pending', 'published'), ('pending', 'held'), ('pending', 'cancelled'),
    ('published', 'sending'), ('published', 'held'), ('published', 'cancelled'),
    ('sending', 'settled'), ('sending', 'waiting'), ('sending', 'rejected'), ('sending', 'unknown'),
    -- Stripe was asked first, and nothing of it had moved or can move.
    ('sending', 'cancelled'),
    ('unknown', 'sending'),
    ('waiting', 'pending'), ('waiting', 'held'), ('waiting', 'cancelled'),
    ('rejected', 'pending'), ('rejected', 'held'), ('rejected', 'cancelled');

create table payouts.events (
    id bigint generated always as identity primary key,
    instruction_id uuid not null,
    at timestamptz not null default clock_timestamp(),
    from_status text,
    to_status text not null,
    actor text not null,
    reason_code text,
    reason_details jsonb not null default '{}',
    provider_request_id text
);
create index events_of_instruction on payouts.events (instruction_id);
comment on table payouts.events is 'Every change of an instruction''s status, in order: what support reads.';

-- Statement triggers see all rows of an insert or update at once, which costs a fraction of a row trigger.
create function payouts.record_new_instructions() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (
        select from new_rows as n
        where not exists (select from payouts.transitions as t where t.from_status = '' and t.to_status = n.status)
    ) then
        raise exception 'an instruction starts as held or pending';
    end if;
    insert into payouts.events (instruction_id, from_status, to_status, actor, reason_code, reason_details)
    select id, null, status, changed_by, reason_code, reason_details from new_rows order by id;
    return null;
end
$$;
create trigger record_new after insert on payouts.instructions
    referencing new table as new_rows
    for each statement execute function payouts.record_new_instructions();

create function payouts.record_transitions() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wrong record;
begin
    select c.id, c.from_status, c.to_status
    into wrong
    from (
        -- Added up before anything is looked for: for the first one found, the rows would be compared one with another.
        select min(o.id::text) as id, o.status as from_status, n.status as to_status
        from old_rows as o
        join new_rows as n using (id)
        where o.status <> n.status
        group by o.status, n.status
    ) as c
    where not exists (
        select from payouts.transitions as t where t.from_status = c.from_status and t.to_status = c.to_status
    )
    limit 1;
    if found then
        raise exception 'instruction % must not go from % to %', wrong.id, wrong.from_status, wrong.to_status;
    end if;
    insert into payouts.events (
        instruction_id, from_status, to_status, actor, reason_code, reason_details, provider_request_id
    )
    select n.id, o.status, n.status, n.changed_by, n.reason_code, n.reason_details, n.provider_request_id
    from old_rows as o
    join new_rows as n using (id)
    where o.status <> n.status
        or n.status = 'held' and (o.reason_code, o.reason_details) <> (n.reason_code, n.reason_details)
    order by n.id;
    return null;
end
$$;
create trigger record_transition after update on payouts.instructions
    referencing old table as old_rows new table as new_rows
    for each statement execute function payouts.record_transitions();

-- Attempts at the provider, and what is known of what became of them -------------------------------------------------

-- One try of one instruction at the provider. It is committed before the call, with all that the call sends, so
-- that the same attempt can be repeated to the letter.
create table payouts.attempts (
    instruction_id uuid not null references payouts.instructions,
    number int not null check (number > 0),
    idempotency_key text not null generated always as (instruction_id::text || ':' || number) stored unique,
    stripe_account_id text,
    stripe_customer_id text,
    stripe_payment_method_id text,
    first_sent_at timestamptz not null default now(),
    last_sent_at timestamptz not null default now(),
    sends int not null default 1,
    -- Empty while the outcome is not known.
    outcome text check (outcome in ('settled', 'refused', 'absent')),
    code text,
    provider_request_id text,
    finished_at timestamptz check ((finished_at is null) = (outcome is null)),
    primary key (instruction_id, number)
);
-- At most one attempt of an instruction can be in progress.
create unique index attempts_open on payouts.attempts (instruction_id) where outcome is null;
-- At most one attempt of an instruction can move money.
create unique index attempts_settled on payouts.attempts (instruction_id) where outcome = 'settled';

create index attempts_by_time on payouts.attempts (first_sent_at);
create index attempts_refused_of_card on payouts.attempts (stripe_customer_id, stripe_payment_method_id)
where outcome = 'refused';

-- An attempt charges and pays whom its instruction names.
create function payouts.assert_payee() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (
        select
        from new_rows as n
        join payouts.instructions as i on i.id = n.instruction_id
        where (n.stripe_account_id, n.stripe_customer_id, n.stripe_payment_method_id)
            is distinct from (i.stripe_account_id, i.stripe_customer_id, i.stripe_payment_method_id)
    ) then
        raise exception 'an attempt is for whom its instruction names';
    end if;
    return null;
end
$$;
create trigger same_payee after insert on payouts.attempts
    referencing new table as new_rows
    for each statement execute function payouts.assert_payee();

-- What is not to be paid any more, and why. What was never sent is cancelled at once; otherwise a worker asks Stripe
-- first (rule of money 11), and what was paid meanwhile is settled instead.
create table payouts.cancellations (
    instruction_id uuid primary key references payouts.instructions,
    -- The day whose materialisation asked for it, and makes what is due instead.
    day date not null,
    actor text not null,
    reason_code text not null,
    reason_details jsonb not null,
    at timestamptz not null default clock_timestamp(),
    -- When it did so, or, where a person has cancelled, that whichever run comes next will.
    followed_up_at timestamptz
);
create index cancellations_of_day on payouts.cancellations (day);
create index cancellations_to_follow_up on payouts.cancellations (instruction_id) where followed_up_at is null;

create view payouts.being_cancelled as
select
    c.day as asked_by_day, i.id, i.day, i.account_id, i.billing_type, i.status, i.retry_at, i.published_at,
    i.leased_until
from payouts.cancellations as c
join payouts.instructions as i on i.id = c.instruction_id
where i.status in ('pending', 'published', 'sending', 'unknown');
comment on view payouts.being_cancelled is
    'Instructions about which Stripe is asked before they are cancelled: nothing is sent for them any more.';

-- What a person says has become of an attempt that Stripe does not say it of; the last row of an attempt counts.
create table payouts.judgements (
    id bigint generated always as identity primary key,
    instruction_id uuid not null,
    attempt int not null,
    -- The payment or transfer that was its movement, which Stripe is asked to confirm; empty: nothing of it has moved.
    provider_reference text,
    -- A movement that names the instruction, and by this judgement is not its own.
    disowned text,
    actor text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null default clock_timestamp(),
    check (num_nonnulls(provider_reference, disowned) < 2),
    foreign key (instruction_id, attempt) references payouts.attempts
);
create index judgements_of_attempt on payouts.judgements (instruction_id, attempt, id);

-- What the provider has of this ledger, and the ledger did not know: it was restored from a backup, or made anew
-- (rule of money 14). An instruction with such an id is settled by the movement and not sent, whenever it is made.
create table payouts.movements (
    provider_reference text primary key,
    kind text not null check (kind in ('payment_intent', 'transfer')),
    -- Empty where the provider has none that can be read.
    instruction_id uuid,
    day text,
    billing_type text,
    amount_minor bigint not null,
    currency text not null,
    payee text,
    -- As the payment intent had it when it was found; of a transfer `succeeded` or `reversed`.
    status text not null,
    created_at timestamptz not null,
    found_at timestamptz not null default clock_timestamp(),
    found_by text not null
);
create index movements_of_instruction on payouts.movements (instruction_id);
create index movements_of_payee on payouts.movements (payee);

-- What cards were refused for ----------------------------------------------------------------------------------------

create view payouts.card_refusals as
select a.stripe_customer_id, a.stripe_payment_method_id, a.instruction_id, a.code, a.last_sent_at as at
from payouts.attempts as a
join payouts.instructions as i on i.id = a.instruction_id
where a.outcome = 'refused' and a.stripe_payment_method_id is not null
    and not exists (
        select
        from payouts.instructions as paid
        join payouts.attempts as p on p.instruction_id = paid.id and p.outcome = 'settled'
        where paid.account_id = i.account_id and paid.status = 'settled'
            and (p.stripe_customer_id, p.stripe_payment_method_id)
                = (a.stripe_customer_id, a.stripe_payment_method_id)
            and p.last_sent_at > a.last_sent_at
    );
comment on view payouts.card_refusals is
    'What each card of a customer was refused for since it last paid; cards of test mode have one id for all customers.';

create function payouts.card_history(customer text, method text, for_instruction uuid) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'code', r.code, 'age_s', extract(epoch from now() - r.at),
        'is_own', r.instruction_id = for_instruction,
        -- A person has asked for another try since.
        'is_lifted', exists (
            select from payouts.events as e
            where e.instruction_id = for_instruction and e.reason_code = 'retried' and e.at > r.at
        )
    ) order by r.at), '[]')
    from payouts.card_refusals as r
    where r.stripe_customer_id = customer and r.stripe_payment_method_id = method
$$;

-- What people decide -------------------------------------------------------------------------------------------------

-- Who is not to be charged or paid for now, and who is again: the last row of a payee counts.
create table payouts.holds (
    id bigint generated always as identity primary key,
    subject text not null check (subject in ('player', 'club', 'organiser', 'partner')),
    subject_id bigint not null,
    is_hold boolean not null,
    actor text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null default clock_timestamp()
);
create index holds_of_payee on payouts.holds (subject, subject_id, id);
comment on table payouts.holds is 'Every hold that a person placed on a payee, and every lifting of one.';

create view payouts.held_payees as
select h.subject, h.subject_id, h.reason, h.actor, h.at
from payouts.holds as h
where h.is_hold and not exists (
    select from payouts.holds as later
    where later.subject = h.subject and later.subject_id = h.subject_id and later.id > h.id
);

-- An approval is given once and not revoked: who has second thoughts cancels the instruction.
create table payouts.approvals (
    instruction_id uuid not null references payouts.instructions,
    -- The account that is paid, or the customer who is charged, as the person saw it. The amount is final.
    payee_id text not null,
    actor text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null default clock_timestamp(),
    primary key (instruction_id, payee_id)
);
comment on table payouts.approvals is 'Who let an instruction above the limit go, and why.';

create view payouts.approved_instructions as
select p.instruction_id, p.actor, p.reason, p.at
from payouts.instructions as i
join payouts.approvals as p
    on p.instruction_id = i.id and p.payee_id = coalesce(i.stripe_account_id, i.stripe_customer_id, '');
comment on view payouts.approved_instructions is
    'What a person has approved for the account that it would be paid to now: another account asks again.';

-- From what was collected to what is paid out ------------------------------------------------------------------------

create table payouts.releases (
    id bigint generated always as identity primary key,
    day date not null,
    released_at timestamptz not null default now(),
    actor text not null
);
create index releases_of_day on payouts.releases (day);
comment on table payouts.releases is 'One for each time that shares became payable because their fees were collected.';

-- The charges that have settled, and whose fees are not released yet; kept by the database.
create table payouts.charges_to_release (
    charge_id uuid primary key,
    day date not null,
    settled_at timestamptz not null
);
create index charges_to_release_of_day on payouts.charges_to_release (day);

-- Which release made the shares of the fees payable that a charge has collected. A row for a charge, so that collecting
-- a day updates none of its fees. No foreign key to the charge: it is written from `charges_to_release`.
create table payouts.charge_releases (
    charge_id uuid primary key,
    release_id bigint not null references payouts.releases
);
create index charge_releases_of_release on payouts.charge_releases (release_id);

-- What a release made payable on one account, and the payout that pays it.
create table payouts.release_lines (
    release_id bigint not null references payouts.releases,
    account_id bigint not null references payouts.accounts,
    amount_minor bigint not null check (amount_minor <> 0),
    payout_id uuid references payouts.instructions,
    primary key (release_id, account_id)
);
create index release_lines_to_pay on payouts.release_lines (account_id) where payout_id is null;
create index release_lines_of_payout on payouts.release_lines (payout_id);

create view payouts.booked_fees as
select f.*, coalesce(f.own_release_id, r.release_id) as release_id
from payouts.fees as f
left join payouts.charge_releases as r on r.charge_id = f.charge_id;
comment on view payouts.booked_fees is 'Fees with the release of their shares; empty until the fee is collected.';

create view payouts.uncollected_fees as
select f.*
from payouts.fees as f
where f.charge_id is null and f.own_release_id is null
union all
select f.*
from payouts.instructions as i
join payouts.fees as f on f.charge_id = i.id and f.own_release_id is null
where i.billing_type = 'player_charge'
    -- As their indexes have it.
    and (
        i.status = 'pending' or i.status in ('published', 'sending', 'unknown')
        or i.status in ('held', 'waiting', 'rejected')
    )
union all
select f.*
from payouts.charges_to_release as t
join payouts.fees as f on f.charge_id = t.charge_id and f.own_release_id is null;
comment on view payouts.uncollected_fees is
    'Fees whose shares are not released, found without looking at those that ever were.';

create view payouts.shares as
select
    f.booking_id, f.day, f.match_id, f.match_player_id, f.player_id, f.currency, l.billing_subject,
    case l.billing_subject when 'club' then f.club_id when 'organiser' then f.organiser_id else l.partner_id end
        as subject_id,
    l.amount_minor, f.amount_minor as fee_minor, f.charge_id, f.release_id
from payouts.booked_fees as f
join payouts.allocation_lines as l on l.allocation_id = f.allocation_id;
comment on view payouts.shares is
    'Whose each part of a fee is, as each booking changed it, with how the fee is collected.';

create view payouts.uncollected_shares as
select
    f.booking_id, f.day, f.match_id, f.match_player_id, f.player_id, f.currency, l.billing_subject,
    case l.billing_subject when 'club' then f.club_id when 'organiser' then f.organiser_id else l.partner_id end
        as subject_id,
    l.amount_minor, f.charge_id
from payouts.uncollected_fees as f
join payouts.allocation_lines as l on l.allocation_id = f.allocation_id;
comment on view payouts.uncollected_shares is 'The parts of the uncollected fees.';

-- Line by line, what each fee consists of and where its money is: what the finance people of a club ask for.
create view payouts.fee_components as
select
    f.day, f.booking_id, f.match_id, f.match_player_id, f.player_id,
    'player_charge' as billing_type, 'player' as billing_subject, f.player_id as subject_id,
    f.currency, f.amount_minor,
    f.charge_id as instruction_id,
    case when f.charge_id is not null then i.status when f.release_id is not null then 'credited' else 'open' end
        as payment_status,
    i.reason_code as reason
from payouts.booked_fees as f
left join payouts.instructions as i on i.id = f.charge_id
union all
select
    s.day, s.booking_id, s.match_id, s.match_player_id, s.player_id,
    case when s.billing_subject <> 'platform' then s.billing_subject || '_payout' end,
    s.billing_subject, s.subject_id, s.currency, s.amount_minor,
    l.payout_id,
    case
        when s.release_id is null then 'fee not collected'
        when s.billing_subject = 'platform' then 'kept'
        else coalesce(i.status, 'open')
    end,
    i.reason_code
from payouts.shares as s
left join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
left join payouts.release_lines as l on l.release_id = s.release_id and l.account_id = a.id
left join payouts.instructions as i on i.id = l.payout_id;

-- What follows from the end of instructions --------------------------------------------------------------------------

-- What follows from the end of instructions: nothing of them is in flight any more.
create function payouts.end_flight(ended uuid[]) returns void
language plpgsql as $$
begin
    update payouts.accounts as a
    set in_flight_minor = a.in_flight_minor - e.ended_minor, settled_minor = a.settled_minor + e.settled_minor
    from (
        select account_id, sum(amount_minor) as ended_minor,
            sum(case status when 'settled' then amount_minor else 0 end) as settled_minor
        from payouts.instructions
        where id = any(ended)
        group by account_id
    ) as e
    where a.id = e.account_id;
end
$$;

-- What is settled has moved between the account and our money at the provider.
create function payouts.enter_settled(ended uuid[]) returns void
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
    where i.id = any(ended) and i.status = 'settled';
end
$$;

-- The fees that a settled charge covers are collected: the next run of its day releases their shares.
create function payouts.note_collected(ended uuid[]) returns void
language sql as $$
    insert into payouts.charges_to_release (charge_id, day, settled_at)
    select id, day, status_at
    from payouts.instructions
    where id = any(ended) and status = 'settled' and billing_type = 'player_charge'
    order by id
$$;

-- What is cancelled, because somebody has asked for it, leaves open again what it would have covered.
create function payouts.reopen_cancelled(ended uuid[]) returns void
language plpgsql as $$
begin
    if exists (
        select
        from payouts.instructions as i
        where i.id = any(ended) and i.status = 'cancelled'
            and not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
    ) then
        raise exception 'nobody has asked for what would be cancelled';
    end if;
    update payouts.fees as f
    set charge_id = null
    from payouts.instructions as i
    where i.id = any(ended) and i.status = 'cancelled' and f.charge_id = i.id;
    update payouts.release_lines as l
    set payout_id = null
    from payouts.instructions as i
    where i.id = any(ended) and i.status = 'cancelled' and l.payout_id = i.id;
end
$$;

create function payouts.end_instructions() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ended uuid[];
begin
    -- Most changes end nothing.
    if exists (select from new_rows where status in ('settled', 'cancelled')) then
        select array_agg(n.id) into ended
        from old_rows as o
        join new_rows as n using (id)
        where n.status in ('settled', 'cancelled') and o.status <> n.status;
        perform payouts.end_flight(ended), payouts.enter_settled(ended), payouts.note_collected(ended),
            payouts.reopen_cancelled(ended);
    end if;
    return null;
end
$$;
create trigger end_instruction after update on payouts.instructions
    referencing old table as old_rows new table as new_rows
    for each statement execute function payouts.end_instructions();

-- How fast calls may follow each other -------------------------------------------------------------------------------

-- When the next call at the provider may be made, by whichever worker. One row, updated several times a second.
create table payouts.rate_limit (
    is_only boolean primary key default true check (is_only),
    next_call_at timestamptz not null default now(),
    slow_factor double precision not null default 1 check (slow_factor >= 1),
    slowed_at timestamptz
) with (fillfactor = 10);
insert into payouts.rate_limit default values;

-- What is final ------------------------------------------------------------------------------------------------------

create function payouts.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '%.% is append-only: a correction is a new row', tg_table_schema, tg_table_name;
end
$$;

create trigger append_only before delete or truncate on payouts.identity
    for each statement execute function payouts.refuse_change();
create trigger id_is_final before update on payouts.identity
    for each row execute function payouts.keep_identity();
create trigger append_only before update or delete or truncate on payouts.identity_events
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.bookings
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.allocations
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.allocation_lines
    for each statement execute function payouts.refuse_change();
create trigger append_only before delete or truncate on payouts.fees
    for each statement execute function payouts.refuse_change();
create trigger amounts_are_final
    before update of
        booking_id, day, match_id, match_player_id, player_id, currency, amount_minor, allocation_id, club_id,
        organiser_id
    on payouts.fees
    for each statement execute function payouts.refuse_change();
create trigger append_only before delete or truncate on payouts.accounts
    for each statement execute function payouts.refuse_change();
create trigger owner_is_final before update of id, subject, subject_id, currency on payouts.accounts
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.entries
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.checkpoints
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.account_checkpoints
    for each statement execute function payouts.refuse_change();
create trigger append_only before delete or truncate on payouts.instructions
    for each statement execute function payouts.refuse_change();
create trigger order_is_final
    before update of
        id, day, billing_type, account_id, sequence, currency, amount_minor, approval_above_minor, created_at
    on payouts.instructions
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.events
    for each statement execute function payouts.refuse_change();
create trigger append_only before delete or truncate on payouts.attempts
    for each statement execute function payouts.refuse_change();
create trigger payee_is_final
    before update of instruction_id, number, stripe_account_id, stripe_customer_id on payouts.attempts
    for each statement execute function payouts.refuse_change();
-- A card that was the customer's default at Stripe is noted later, once.
create trigger card_is_final before update of stripe_payment_method_id on payouts.attempts
    for each row
    when (old.stripe_payment_method_id is distinct from new.stripe_payment_method_id
        and old.stripe_payment_method_id is not null)
    execute function payouts.refuse_change();
create trigger append_only before delete or truncate on payouts.cancellations
    for each statement execute function payouts.refuse_change();
create trigger reason_is_final
    before update of instruction_id, day, actor, reason_code, reason_details, at on payouts.cancellations
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.judgements
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.movements
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.holds
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.approvals
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.charge_releases
    for each statement execute function payouts.refuse_change();
create trigger append_only before delete or truncate on payouts.release_lines
    for each statement execute function payouts.refuse_change();
create trigger amounts_are_final before update of release_id, account_id, amount_minor on payouts.release_lines
    for each statement execute function payouts.refuse_change();
