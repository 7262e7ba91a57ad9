-- What the provider takes back of a charge or a payout, and what it brings back of that (rule of money 12).
--
-- A refund or a dispute that is lost takes the collection of fees back: each of them is booked off with its shares, which
-- its payees lose or work off, and booked anew as open, so that it is still what `league` says. Open again it is held:
-- nothing that was taken back is asked for again before a person says so. A reversal takes a payout back in the same way:
-- the payee is owed it again, and it is held.

create table payouts.returns (
    transaction_id text primary key references payouts.balance_transactions,
    instruction_id uuid not null references payouts.instructions,
    -- What went back the way it had come; negative where it came again: a dispute that was won, a refund that failed.
    amount_minor bigint not null check (amount_minor <> 0),
    -- What is owed since then beyond the fees that it took back, and is not asked for either.
    beyond_minor bigint not null default 0,
    actor text not null,
    at timestamptz not null default clock_timestamp(),
    -- When a person has said that what was taken back is asked for, or paid, again.
    lifted_at timestamptz
);
create index returns_of_instruction on payouts.returns (instruction_id);
create index returns_beyond on payouts.returns (instruction_id) where beyond_minor <> 0 and lifted_at is null;

-- Two of these book a return: one takes the fees back, and one opens them again.
alter table payouts.bookings add column return_id text references payouts.returns;
create index bookings_of_return on payouts.bookings (return_id) where return_id is not null;

alter table payouts.releases add column return_id text references payouts.returns;
create index releases_of_return on payouts.releases (return_id) where return_id is not null;

-- Taken back, open again, and held until a person lifts it.
alter table payouts.fees add column held_return_id text;
create index fees_held on payouts.fees (player_id, currency) where held_return_id is not null;
alter table payouts.release_lines add column held_return_id text;
create index release_lines_held on payouts.release_lines (account_id) where held_return_id is not null;

-- More can be taken back than was collected: a refund and a dispute of one charge.
alter table payouts.accounts drop constraint accounts_settled_minor_check;

create view payouts.held_fees as
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, f.amount_minor, f.allocation_id,
    f.club_id, f.organiser_id, f.held_return_id
from payouts.fees as f
where f.charge_id is null and f.own_release_id is null
    and (f.day, f.player_id, f.match_player_id, f.match_id, f.currency) in (
        select h.day, h.player_id, h.match_player_id, h.match_id, h.currency
        from payouts.fees as h
        where h.held_return_id is not null
    );
comment on view payouts.held_fees is
    'The open rows of fees that were taken back: corrections made since then wait with them.';

create view payouts.held_players as
select player_id, currency, sum(amount_minor)::bigint as amount_minor
from (
    select player_id, currency, amount_minor from payouts.held_fees
    union all
    select a.subject_id, a.currency, r.beyond_minor
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id and a.subject = 'player'
    where r.beyond_minor <> 0 and r.lifted_at is null
) as held
group by player_id, currency;
comment on view payouts.held_players is 'What players owe since it was taken back, and are not asked for.';

create view payouts.held_payouts as
select account_id, sum(amount_minor)::bigint as amount_minor
from payouts.release_lines
where held_return_id is not null and payout_id is null
group by account_id;
comment on view payouts.held_payouts is 'What payees are owed since it was taken back from them, and are not paid.';

-- What is taken back moves as what was settled did, the other way.
create function payouts.enter_return() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into payouts.accounts (subject, subject_id, currency)
    select 'provider_fees', 0, t.currency
    from payouts.balance_transactions as t
    where t.id = new.transaction_id and t.fee_minor <> 0
    on conflict (subject, subject_id, currency) do nothing;

    insert into payouts.entries (transaction_id, account_id, currency, amount_minor)
    select t.id, a.id, t.currency, side.amount_minor
    from payouts.balance_transactions as t
    join payouts.instructions as i on i.id = new.instruction_id
    cross join lateral (
        values ('provider', t.net_minor), ('provider_fees', t.fee_minor), ('own', -t.amount_minor)
    ) as side (whose, amount_minor)
    join payouts.accounts as a
        on a.id = i.account_id and side.whose = 'own'
        or a.subject = side.whose and a.subject_id = 0 and a.currency = t.currency
    where t.id = new.transaction_id and side.amount_minor <> 0;

    update payouts.accounts as a
    set settled_minor = a.settled_minor - new.amount_minor
    from payouts.instructions as i
    where i.id = new.instruction_id and a.id = i.account_id;
    return null;
end
$$;
create trigger enter_return after insert on payouts.returns
    for each row execute function payouts.enter_return();

create trigger append_only before delete or truncate on payouts.returns
    for each statement execute function payouts.refuse_change();
create trigger amounts_are_final
    before update of transaction_id, instruction_id, amount_minor, beyond_minor, actor, at on payouts.returns
    for each statement execute function payouts.refuse_change();

create or replace view payouts.fee_components as
select
    f.day, f.booking_id, f.match_id, f.match_player_id, f.player_id,
    'player_charge' as billing_type, 'player' as billing_subject, f.player_id as subject_id,
    f.currency, f.amount_minor,
    f.charge_id as instruction_id,
    case
        when f.charge_id is not null then i.status
        when f.release_id is null then 'open'
        when b.return_id is not null and f.amount_minor < 0 then 'returned'
        else 'credited'
    end as payment_status,
    i.reason_code as reason
from payouts.booked_fees as f
join payouts.bookings as b on b.id = f.booking_id
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
