-- A league whose one day has as many fees as asked for: 22 players a match, in 40 competitions of four currencies with
-- four payees each. Every player plays as many matches as asked for, all in one currency: who is charged once.
insert into league.organisers select n, 'Organiser ' || n, 'acct_organiser' || n from generate_series(1, 10) as n;
insert into league.partners select n, 'Partner ' || n, 'acct_partner' || n from generate_series(1, 5) as n;
insert into league.clubs select n, 'Club ' || n, 'acct_club' || n from generate_series(1, greatest(4, %(fees)s / 100)) as n;
insert into league.players
select n, 'Player ' || n, 1 + n %% greatest(4, %(fees)s / 100), 'cus_' || n, 'pm_card_visa'
from generate_series(1, greatest(1, (%(fees)s / %(fees_per_player)s)::int)) as n;
insert into league.competitions select n, 'Competition ' || n, 1 + n %% 10 from generate_series(1, 40) as n;
insert into league.fee_structures
select n, n, date '2020-01-01', (array['EUR', 'JPY', 'KWD', 'AUD'])[1 + n %% 4], 1490 + 10 * n
from generate_series(1, 40) as n;
insert into league.fee_shares
select n, share.subject, case share.subject when 'partner' then 1 + n %% 5 end, share.fixed_minor, share.share_bps
from generate_series(1, 40) as n
cross join (
    values ('club', 0, 5500), ('organiser', 100, 2500), ('partner', 0, 433), ('platform', 0, 1567)
) as share (subject, fixed_minor, share_bps);
insert into league.matches
select n, 1 + n %% 40, timestamptz '2026-03-07 01:00+00' + n * (interval '11 hours' / (1 + %(fees)s / 22)), 'played'
from generate_series(0, (%(fees)s - 1) / 22) as n;
insert into league.match_players
select n, match_id, 1 + match_id %% 4 + 4 * (((match_id / 4 * 22 + (n - 1) %% 22) * 7919::bigint) %% players_of_currency), null
from generate_series(1, %(fees)s) as n
cross join lateral (values ((n - 1) / 22, greatest(1, (%(fees)s / %(fees_per_player)s)::int / 4))) as f (match_id, players_of_currency)
on conflict do nothing;
analyze;
