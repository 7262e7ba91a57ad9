-- What a materialisation would have changed of a day and did not, since it is beyond the usual (rule of money 15).
-- Workers that do not know this migration go on.

create table payouts.proposals (
    id bigint generated always as identity primary key,
    day date not null references payouts.days,
    -- The splits that were proposed: accepting them accepts no others.
    splits_digest text not null,
    reason_code text not null,
    details jsonb not null,
    actor text not null,
    at timestamptz not null default clock_timestamp(),
    -- When it was booked, replaced by another, or gone, since `league` says again what is booked.
    closed_at timestamptz
);
create unique index proposals_open on payouts.proposals (day) where closed_at is null;
create index proposals_of_day on payouts.proposals (day, id);
comment on table payouts.proposals is 'Changes of a day that wait, or waited, for a person to accept them.';

create table payouts.acceptances (
    proposal_id bigint primary key references payouts.proposals,
    actor text not null,
    reason text not null check (reason <> ''),
    at timestamptz not null default clock_timestamp()
);
comment on table payouts.acceptances is 'Who let a change be booked that is beyond the usual, and why.';

create trigger append_only before delete or truncate on payouts.proposals
    for each statement execute function payouts.refuse_change();
create trigger proposal_is_final before update of id, day, splits_digest, reason_code, details, actor, at
    on payouts.proposals for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.acceptances
    for each statement execute function payouts.refuse_change();
