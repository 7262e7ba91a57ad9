-- Schema `league`: what the pipeline reads and never writes. Names, types and nullability are a public contract:
-- operators write views to it over their own tables. Can be applied any number of times.
--
-- It refuses only what the contract refuses. Terms that nobody could split (a negative fee, shares that don't add
-- up, a subject that does not exist) are storable, because an operator's own tables may well hold them: the pipeline
-- holds such fees out and says why.

create schema if not exists league;

create table if not exists league.organisers (
    id                bigint primary key,
    name              text not null,
    stripe_account_id text
);
comment on table league.organisers is
    'Who runs competitions and gets a share of their fees; without a Stripe account the payout is held.';

create table if not exists league.clubs (
    id                bigint primary key,
    name              text not null,
    stripe_account_id text
);
comment on table league.clubs is
    'Who players play for, and who gets a share of their fees; without a Stripe account the payout is held.';

create table if not exists league.partners (
    id                bigint primary key,
    name              text not null,
    stripe_account_id text
);
comment on table league.partners is
    'Third parties that get a share of some fees; without a Stripe account the payout is held.';

create table if not exists league.players (
    id                       bigint primary key,
    name                     text not null,
    club_id                  bigint not null references league.clubs (id),
    stripe_customer_id       text,
    stripe_payment_method_id text
);
comment on table league.players is
    'Who pays a fee for each match played. Without a payment method the customer''s default is charged; '
    'without a customer the charge is held.';

create table if not exists league.competitions (
    id           bigint primary key,
    name         text not null,
    organiser_id bigint not null references league.organisers (id)
);
comment on table league.competitions is
    'What matches are played in; its terms are in fee_structures.';

create table if not exists league.matches (
    id             bigint primary key,
    competition_id bigint not null references league.competitions (id),
    kicked_off_at  timestamptz not null,
    status         text not null
        check (status in ('scheduled', 'played', 'abandoned', 'postponed', 'cancelled'))
);
comment on table league.matches is
    'Belongs to the local day of its kick-off; only a played match has fees.';

-- A day's snapshot is a range of kick-offs.
create index if not exists matches_kicked_off_at on league.matches (kicked_off_at);

-- The unique constraint is also the index by match_id, through which the snapshot finds the line-ups.
create table if not exists league.match_players (
    id        bigint primary key,
    match_id  bigint not null references league.matches (id),
    player_id bigint not null references league.players (id),
    club_id   bigint references league.clubs (id),
    unique (match_id, player_id)
);
comment on table league.match_players is
    'The line-ups: one row is one fee. club_id is the club played for that day; null means the player''s own.';

create index if not exists match_players_player_id on league.match_players (player_id);

create table if not exists league.fee_structures (
    id             bigint primary key,
    competition_id bigint not null references league.competitions (id),
    effective_from date not null,
    currency       char(3) not null,
    fee_minor      bigint not null,
    unique (competition_id, effective_from)
);
comment on table league.fee_structures is
    'The terms of a competition: of those that are effective on the day of the match, the latest holds. '
    'fee_minor is in the minor units that Stripe takes.';

create table if not exists league.fee_shares (
    fee_structure_id bigint not null references league.fee_structures (id),
    billing_subject  text not null,
    partner_id       bigint references league.partners (id),
    fixed_minor      bigint not null,
    share_bps        integer not null
);
comment on table league.fee_shares is
    'Whose a fee is. billing_subject is club, organiser, partner (partner_id says which) or platform. fixed_minor '
    'comes off first, the rest goes by basis points, which add up to 10,000 in each structure.';

create index if not exists fee_shares_fee_structure_id on league.fee_shares (fee_structure_id);
