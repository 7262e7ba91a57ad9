-- What stands between a slip or a fraud and the money: a payee's Stripe account that has changed rests, one that is
-- another payee's waits for a person, and nobody approves what they have done themselves.
--
-- Workers that do not know this migration go on: what may not be paid is held before it reaches them.

create table payouts.payee_accounts (
    subject text not null check (subject in ('club', 'organiser', 'partner')),
    subject_id bigint not null,
    stripe_account_id text not null,
    -- Since when it is the payee's, or is it again.
    seen_at timestamptz not null default now(),
    is_current boolean not null,
    -- A payee's first account does not rest.
    rests_until timestamptz not null,
    -- When it was first paid to for this payee: what was paid to before needs no rest and no person.
    paid_at timestamptz,
    primary key (subject, subject_id, stripe_account_id)
);
create unique index payee_accounts_current on payouts.payee_accounts (subject, subject_id) where is_current;
create index payee_accounts_of_account on payouts.payee_accounts (stripe_account_id);
comment on table payouts.payee_accounts is 'The Stripe accounts that each payee has, and had; kept by the database.';

create table payouts.account_confirmations (
    subject text not null,
    subject_id bigint not null,
    stripe_account_id text not null,
    actor text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null default clock_timestamp(),
    primary key (subject, subject_id, stripe_account_id),
    foreign key (subject, subject_id, stripe_account_id) references payouts.payee_accounts
);
comment on table payouts.account_confirmations is 'Who has said that an account is the payee''s, and why; for good.';

-- Those that may not be paid to now, and why. Of two payees with one account the later waits: the other was paid to it,
-- or has had it for longer.
create view payouts.held_accounts as
select
    p.subject, p.subject_id, p.stripe_account_id, p.is_current,
    case when other.payee is null then 'account_rests' else 'account_of_another_payee' end as reason_code,
    case
        when other.payee is null then jsonb_build_object(
            'until', to_char(p.rests_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')
        )
        else jsonb_build_object('payee', other.payee)
    end as reason_details
from payouts.payee_accounts as p
left join lateral (
    select o.subject || ':' || o.subject_id as payee
    from payouts.payee_accounts as o
    where o.stripe_account_id = p.stripe_account_id and (o.subject, o.subject_id) <> (p.subject, p.subject_id)
        and (
            o.paid_at is not null
            or o.is_current and (o.seen_at, o.subject, o.subject_id) < (p.seen_at, p.subject, p.subject_id)
        )
    order by o.paid_at nulls last, o.seen_at, o.subject, o.subject_id
    limit 1
) as other on true
where p.paid_at is null and (other.payee is not null or p.rests_until > now())
    and not exists (
        select
        from payouts.account_confirmations as c
        where (c.subject, c.subject_id, c.stripe_account_id) = (p.subject, p.subject_id, p.stripe_account_id)
    );
comment on view payouts.held_accounts is 'Accounts to which nothing is sent, with the reason of their instructions.';
-- The few that were never paid to.
create index payee_accounts_unpaid on payouts.payee_accounts (subject, subject_id) where paid_at is null;

-- Notes which accounts payees have now. Under the locks of their ledger accounts.
create function payouts.see_accounts(subjects text[], ids bigint[], accounts text[], rest interval) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    changed jsonb;
begin
    select jsonb_agg(jsonb_build_object('subject', s.subject, 'subject_id', s.subject_id, 'account', s.account))
    into changed
    from (select distinct * from unnest(subjects, ids, accounts) as u (subject, subject_id, account)) as s
    where not exists (
        select
        from payouts.payee_accounts as p
        where (p.subject, p.subject_id, p.stripe_account_id) = (s.subject, s.subject_id, s.account) and p.is_current
    );
    if changed is null then
        return;
    end if;
    update payouts.payee_accounts as p
    set is_current = false
    from jsonb_to_recordset(changed) as c (subject text, subject_id bigint)
    where (p.subject, p.subject_id) = (c.subject, c.subject_id) and p.is_current;
    insert into payouts.payee_accounts (subject, subject_id, stripe_account_id, is_current, rests_until)
    select c.subject, c.subject_id, c.account, true,
        case
            when exists (
                select from payouts.payee_accounts as p where (p.subject, p.subject_id) = (c.subject, c.subject_id)
            ) then now() + rest
            else now()
        end
    from jsonb_to_recordset(changed) as c (subject text, subject_id bigint, account text)
    order by c.subject_id, c.subject
    on conflict (subject, subject_id, stripe_account_id) do update
    set is_current = true, seen_at = excluded.seen_at, rests_until = excluded.rests_until;
end
$$;

-- An account that gets onto a payout in whatever way is seen at least then, and rests for the usual day.
create function payouts.see_account_of_payout() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform payouts.see_accounts(array_agg(a.subject), array_agg(a.subject_id), array_agg(n.stripe_account_id), '24 hours')
    from new_rows as n
    join payouts.accounts as a on a.id = n.account_id
    where n.stripe_account_id is not null and n.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
        and not exists (
            select
            from payouts.payee_accounts as p
            where (p.subject, p.subject_id, p.stripe_account_id) = (a.subject, a.subject_id, n.stripe_account_id)
        );
    return null;
end
$$;
create trigger see_account after insert on payouts.instructions
    referencing new table as new_rows
    for each statement execute function payouts.see_account_of_payout();
create trigger see_other_account after update on payouts.instructions
    referencing new table as new_rows
    for each statement execute function payouts.see_account_of_payout();

-- What was paid to an account for a payee.
create function payouts.note_paid(ended uuid[]) returns void
language sql as $$
    insert into payouts.payee_accounts (subject, subject_id, stripe_account_id, is_current, rests_until, paid_at)
    select a.subject, a.subject_id, t.stripe_account_id, false, now(), min(t.finished_at)
    from payouts.instructions as i
    join payouts.accounts as a on a.id = i.account_id
    join payouts.attempts as t on t.instruction_id = i.id and t.outcome = 'settled'
    where i.id = any(ended) and i.status = 'settled' and t.stripe_account_id is not null
        and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
    group by a.subject, a.subject_id, t.stripe_account_id
    order by a.subject_id, a.subject, t.stripe_account_id
    on conflict (subject, subject_id, stripe_account_id) do update
    set paid_at = excluded.paid_at
    where payee_accounts.paid_at is null
$$;

create or replace function payouts.end_instructions() returns trigger
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
            payouts.note_to_see(ended), payouts.note_paid(ended), payouts.reopen_cancelled(ended);
    end if;
    return null;
end
$$;

-- An attempt is for whom its instruction names, and of what may be sent: it is approved where it must be, and nothing
-- speaks against the account. What Stripe has moved already, or is to be cancelled, is only asked for.
create or replace function payouts.assert_payee() returns trigger
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
    if exists (
        select
        from new_rows as n
        join payouts.instructions as i on i.id = n.instruction_id
        join payouts.accounts as a on a.id = i.account_id
        where not exists (select from payouts.movements as m where m.instruction_id = i.id)
            and not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
            and (
                i.approval_above_minor is not null
                    and not exists (select from payouts.approved_instructions as p where p.instruction_id = i.id)
                or i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
                    and exists (
                        select
                        from payouts.held_accounts as h
                        where (h.subject, h.subject_id, h.stripe_account_id)
                            = (a.subject, a.subject_id, n.stripe_account_id)
                    )
            )
    ) then
        raise exception 'an attempt is of what is approved, to an account that may be paid';
    end if;
    return null;
end
$$;

-- What a ledger of the versions before has paid to, and would pay to next.
insert into payouts.payee_accounts (subject, subject_id, stripe_account_id, seen_at, is_current, rests_until, paid_at)
select
    subject, subject_id, stripe_account_id, seen_at,
    row_number() over (partition by subject, subject_id order by used_at desc, stripe_account_id) = 1,
    seen_at, paid_at
from (
    select
        a.subject, a.subject_id, i.stripe_account_id, min(i.created_at) as seen_at, max(i.created_at) as used_at,
        min(t.finished_at) as paid_at
    from payouts.instructions as i
    join payouts.accounts as a on a.id = i.account_id
    left join payouts.attempts as t
        on t.instruction_id = i.id and t.outcome = 'settled' and t.stripe_account_id = i.stripe_account_id
    where i.stripe_account_id is not null and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
    group by a.subject, a.subject_id, i.stripe_account_id
) as had;

create trigger append_only before delete or truncate on payouts.payee_accounts
    for each statement execute function payouts.refuse_change();
create trigger owner_is_final before update of subject, subject_id, stripe_account_id on payouts.payee_accounts
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.account_confirmations
    for each statement execute function payouts.refuse_change();

-- Four eyes -----------------------------------------------------------------------------------------------------------

-- With which login a person has decided. One under which days are booked is that of a service, behind which there are
-- many persons; another is a person's own, whatever name they give.
alter table payouts.bookings add column login text;
alter table payouts.bookings alter column login set default session_user;
alter table payouts.acceptances add column login text;
alter table payouts.acceptances alter column login set default session_user;
alter table payouts.return_orders add column login text;
alter table payouts.return_orders alter column login set default session_user;
alter table payouts.adjustments add column login text;
alter table payouts.adjustments alter column login set default session_user;
alter table payouts.account_confirmations add column login text default session_user;
alter table payouts.approvals add column login text;
alter table payouts.approvals alter column login set default session_user;

create function payouts.is_of_person(name text) returns boolean
language sql stable as $$
    select exists (select from payouts.bookings as b where b.login is not null)
        and not exists (select from payouts.bookings as b where b.login = name)
$$;

-- The same person, on the command line or in the UI, or with a login of their own.
create function payouts.is_same(actor text, login text, other_actor text, other_login text) returns boolean
language sql stable as $$
    select regexp_replace(lower(actor), '^(cli|ui)\s', '') = regexp_replace(lower(other_actor), '^(cli|ui)\s', '')
        or coalesce(login = other_login, false) and payouts.is_of_person(login)
$$;

-- What somebody has to do with an instruction to an account, so that another must approve it; empty: nothing.
create function payouts.own_doing(instruction uuid, payee text, by_whom text, with_login text) returns text
language sql stable as $$
    select d.what
    from (
        select 'asked_for_return' as what, o.actor, o.login
        from payouts.return_orders as o
        where o.instruction_id = instruction
        union all
        select 'confirmed_account', c.actor, c.login
        from payouts.instructions as i
        join payouts.accounts as a on a.id = i.account_id
        join payouts.account_confirmations as c
            on (c.subject, c.subject_id, c.stripe_account_id) = (a.subject, a.subject_id, payee)
        where i.id = instruction
        union all
        select 'moved_balance', j.actor, j.login
        from payouts.release_lines as l
        join payouts.releases as r on r.id = l.release_id
        join payouts.adjustments as j on j.id = r.adjustment_id
        where l.payout_id = instruction
        union all
        select 'accepted_change', a.actor, a.login
        from payouts.acceptances as a
        join payouts.proposals as p on p.id = a.proposal_id
        where p.day in (
            select i.day from payouts.instructions as i where i.id = instruction
            union all
            select f.day from payouts.fees as f where f.charge_id = instruction
            union all
            select r.day
            from payouts.release_lines as l
            join payouts.releases as r on r.id = l.release_id
            where l.payout_id = instruction
        )
    ) as d
    where payouts.is_same(d.actor, d.login, by_whom, with_login)
    limit 1
$$;

create function payouts.assert_four_eyes() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wrong text;
begin
    select payouts.own_doing(n.instruction_id, n.payee_id, n.actor, n.login) into wrong
    from new_rows as n
    where payouts.own_doing(n.instruction_id, n.payee_id, n.actor, n.login) is not null
    limit 1;
    if found then
        raise exception 'nobody approves what they have done themselves: %', wrong;
    end if;
    return null;
end
$$;
create trigger four_eyes after insert on payouts.approvals
    referencing new table as new_rows
    for each statement execute function payouts.assert_four_eyes();

-- Nor the other way round: who has approved what waits for the account does not confirm that.
create function payouts.assert_four_eyes_on_account() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (
        select
        from new_rows as n
        join payouts.accounts as a on (a.subject, a.subject_id) = (n.subject, n.subject_id)
        join payouts.instructions as i on i.account_id = a.id and i.status = 'held'
        join payouts.approvals as p on p.instruction_id = i.id and p.payee_id = n.stripe_account_id
        where payouts.is_same(p.actor, p.login, n.actor, n.login)
    ) then
        raise exception 'nobody confirms an account for which they have approved a payout';
    end if;
    return null;
end
$$;
create trigger four_eyes after insert on payouts.account_confirmations
    referencing new table as new_rows
    for each statement execute function payouts.assert_four_eyes_on_account();

-- A limit for the payouts of a day together ----------------------------------------------------------------------------

-- Where the limit is no less than the amount, it is that of the payouts of its day together.
alter table payouts.instructions drop constraint instructions_check3;
comment on column payouts.instructions.approval_above_minor is
    'The limit that its amount was above when it was made, or, where it is no less than its amount, that the payouts of '
    'its day together were above: it is sent only once a person has approved it.';
