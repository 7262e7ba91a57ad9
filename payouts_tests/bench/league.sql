-- A league whose one day has as many fees as asked for: 22 players a match, every player on 2.5 matches, in 40
-- competitions of four currencies with four payees each.
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
select n, 1 + n %% 40, timestamptz '2026-03-07 01:00+00' + n * interval '1 second', 'played'
from generate_series(0, (%(fees)s - 1) / 22) as n;
insert into league.match_players
select n, (n - 1) / 22, 1 + (n * 7919::bigint) %% greatest(1, (%(fees)s / %(fees_per_player)s)::int), null
from generate_series(1, %(fees)s) as n
on conflict do nothing;
analyze;
