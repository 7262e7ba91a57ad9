"""What stands twice and should not multiplies no fee and no share: it is held out or stops the day, and is named."""

import pytest

from payouts_pipeline.defs.check_catalogue import MATCHES, MatchesOfDay
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.findings import Finding
from payouts_pipeline.domain.reasons import HeldOutCode
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import inspection, reader
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.explain.league_now import LeagueNow, MatchName
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import book, fingerprint, ids, instructions, materialise, violations

OWN = "alter table league.{table} rename to own_{table}; create view league.{table} as {query}"
AGAIN = "select * from league.own_{table} union all "
# A copy of one row, which differs in what follows its id.
COPIES = {
    "players": "select id, name, club_id, 'cus_other', null from league.own_players where id = {row}",
    "competitions": "select id, name, organiser_id from league.own_competitions where id = {row}",
    "matches": "select id, competition_id, kicked_off_at, status from league.own_matches where id = {row}",
    "another day": "select id, competition_id, kicked_off_at + interval '1 day', status from league.own_matches"
    " where id = {row}",
    "another status": "select id, competition_id, kicked_off_at, 'scheduled' from league.own_matches where id = {row}",
    "match_players": "select id + 1000, match_id, player_id, club_id from league.own_match_players where id = {row}",
    "line": "select * from league.own_match_players where id = {row}",
}


def doubled(league: League, table: str, row: int, copy: str | None = None) -> None:
    query = AGAIN.format(table=table) + COPIES[copy or table].format(row=row)
    league.connection.execute(OWN.format(table=table, query=query))


def once_again(league: League, table: str) -> None:
    league.connection.execute(f"drop view league.{table}; alter table league.own_{table} rename to {table}")


def fees(source: Connection) -> Batches:
    return reader.fees_of_day(source, DAY, SYDNEY)


def found(source: Connection) -> dict[str, Finding]:
    return MATCHES.of(MatchesOfDay(DAY, SYDNEY, source, fees(source)))


@pytest.mark.parametrize(
    ("table", "copy", "named", "code"),
    [
        ("players", None, "league.players.id", HeldOutCode.ROW_TWICE),
        ("competitions", None, "league.competitions.id", HeldOutCode.ROW_TWICE),
        ("matches", None, "league.matches.id", HeldOutCode.ROW_TWICE),
        ("matches", "another day", "league.matches.id", HeldOutCode.ROW_TWICE),
        ("matches", "another status", "league.matches.id", HeldOutCode.ROW_TWICE),
        ("match_players", None, None, HeldOutCode.PLAYER_TWICE),
        ("match_players", "line", None, HeldOutCode.ROW_TWICE),
    ],
)
def test_what_stands_twice_stops_the_day_and_is_charged_to_nobody(
    source: Connection, ledger: Connection, league: League, table: str, copy: str | None, named: str | None, code: str
) -> None:
    player, competition = league.player(), league.priced()
    match = league.match(competition, DAY)
    line = league.plays(match, player)
    league.fee(league.player(), DAY)
    rows = {"players": player, "competitions": competition, "matches": match, "match_players": line}
    doubled(league, table, rows[table], copy)
    stopped = found(source)
    assert not stopped["each_fee_once"].passed, "a check that blocks"
    if named:
        assert f"{named} has {rows[table]} twice" in stopped["league_keeps_its_contract"].description
        assert "stops before anything of it is booked" in stopped["league_keeps_its_contract"].description
    held_out = split(fees(source)).whole()
    assert set(held_out["held_out_code"].dropna()) == {code}

    book(ledger, source, DAY)
    assert len(ids(ledger)) == 1, "whoever books all the same books the other fee alone"
    once_again(league, table)
    assert all(finding.passed for finding in found(source).values())
    materialise(ledger, source, DAY)
    charged = ledger.execute(
        "select status, amount_minor from payouts.instructions where billing_type = 'player_charge'"
    )
    assert charged.fetchall() == [("settled", 1_000)] * 2
    assert violations(ledger) == {}


def test_a_match_of_two_days_is_charged_on_neither(source: Connection, ledger: Connection, league: League) -> None:
    """Each day by itself had it once."""
    match = league.match(league.priced(), DAY)
    league.plays(match, league.player())
    doubled(league, "matches", match, "another day")
    for day in (DAY, DAY.replace(day=DAY.day + 1)):
        book(ledger, source, day)
        assert set(split(reader.fees_of_day(source, day, SYDNEY)).whole()["held_out_code"]) == {HeldOutCode.ROW_TWICE}
        assert LeagueNow(source, SYDNEY).read(MatchName(match), day).lines.empty, "and nobody is told otherwise"
    assert ids(ledger) == []


def test_a_match_that_comes_to_stand_twice_moves_nothing_of_what_is_settled(
    source: Connection, ledger: Connection, league: League
) -> None:
    match = league.match(league.priced(), DAY)
    league.plays(match, league.player())
    materialise(ledger, source, DAY)
    doubled(league, "matches", match, "another day")
    later = DAY.replace(day=DAY.day + 1)
    assert not MATCHES.of(MatchesOfDay(later, SYDNEY, source, reader.fees_of_day(source, later, SYDNEY)))[
        "each_fee_once"
    ].passed
    once_again(league, "matches")
    before = fingerprint(ledger)
    materialise(ledger, source, DAY)
    materialise(ledger, source, later)
    assert fingerprint(ledger)["instructions"] == before["instructions"]


@pytest.mark.parametrize(
    ("table", "subject"), [("clubs", "club"), ("organisers", "organiser"), ("partners", "partner")]
)
def test_a_payee_that_stands_twice_is_paid_nothing_and_is_named(
    source: Connection, ledger: Connection, league: League, table: str, subject: str
) -> None:
    organiser, partner = league.organiser(), league.partner()
    player = league.player(club := league.club())
    payee = {"club": club, "organiser": organiser, "partner": partner}[subject]
    competition = league.competition(organiser)
    league.terms(
        competition, shares=[("club", None, 0, 5_000), ("organiser", None, 0, 3_000), ("partner", partner, 0, 2_000)]
    )
    league.plays(league.match(competition, DAY), player)
    copy = f"{AGAIN.format(table=table)} select {payee}, 'Copy', 'acct_copy'"
    league.connection.execute(OWN.format(table=table, query=copy))
    materialise(ledger, source, DAY)
    share = {"club": 500, "organiser": 300, "partner": 200}
    statuses = {
        name: instructions(ledger, name, id_)
        for name, id_ in (("club", club), ("organiser", organiser), ("partner", partner))
    }
    assert statuses == {name: [("held" if name == subject else "settled", amount)] for name, amount in share.items()}
    finding = found(source)["league_keeps_its_contract"]
    assert f"league.{table}.id has {payee} twice; what these are paid is held" in finding.description

    once_again(league, table)
    assert found(source)["league_keeps_its_contract"].passed
    materialise(ledger, source, DAY)
    assert instructions(ledger, subject, payee) == [("settled", share[subject])]


def test_terms_with_the_id_of_others_divide_no_fee(source: Connection, ledger: Connection, league: League) -> None:
    """Half a division, joined with two structures, was a whole one."""
    league.connection.execute(
        "alter table league.fee_shares drop constraint fee_shares_fee_structure_id_fkey;"
        "alter table league.fee_structures drop constraint fee_structures_pkey"
    )
    one, other = league.competition(), league.competition()
    structure = league.terms(one, shares=[("club", None, 0, 5_000)])
    twin = league.terms(other, shares=[])
    league.connection.execute("update league.fee_structures set id = %s where id = %s", (structure, twin))
    for competition in (one, other):
        league.plays(league.match(competition, DAY), league.player())
    league.fee(league.player(), DAY)
    assert set(split(fees(source)).whole()["held_out_code"].dropna()) == {HeldOutCode.TWO_TERMS}
    shares = {text for text in fees(source).whole()["shares_json"] if "5000" in text}
    assert shares == {'[["club", null, 0, 5000]]'}
    book(ledger, source, DAY)
    assert len(ids(ledger)) == 1
    checks = found(source)
    assert checks["each_fee_once"].passed
    assert not checks["every_fee_has_terms"].passed
    assert f"league.fee_structures.id has {structure} twice" in checks["league_keeps_its_contract"].description


def test_two_terms_for_one_date_hold_out_their_fees_alone(
    source: Connection, ledger: Connection, league: League
) -> None:
    league.connection.execute(
        "alter table league.fee_structures drop constraint fee_structures_competition_id_effective_from_key"
    )
    league.terms(competition := league.priced(), 2_000)
    line = league.plays(league.match(competition, DAY), league.player())
    league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    assert len(ids(ledger)) == 1
    checks = found(source)
    assert checks["each_fee_once"].passed
    assert checks["every_fee_has_terms"].figures["match_player_ids"] == [line]


def test_a_share_row_that_stands_twice_makes_no_fee_larger(source: Connection, league: League) -> None:
    """The rows of one payee are added up, so that a division that stands twice is no division."""
    league.fee(league.player(), DAY)
    query = f"{AGAIN.format(table='fee_shares')} select * from league.own_fee_shares"  # noqa: S608
    league.connection.execute(OWN.format(table="fee_shares", query=query))
    assert set(split(fees(source)).whole()["held_out_code"]) == {HeldOutCode.BPS_NOT_WHOLE}


def test_the_whole_league_is_looked_at_for_whoever_asks(source: Connection, league: League) -> None:
    """What `payouts doctor` says: also of line-ups and of days that are long past."""
    past = DAY.replace(year=2020)
    match = league.match(league.priced(), past)
    line = league.plays(match, player := league.player())
    assert inspection.whole_league(source).twice == []
    doubled(league, "match_players", line)
    assert [(each.place, each.first_keys, each.stops) for each in inspection.whole_league(source).twice] == [
        ("match_players.(match_id,player_id)", [f"{match} {player}"], True)
    ]
    once_again(league, "match_players")
    doubled(league, "match_players", line, "line")
    assert {each.place for each in inspection.whole_league(source).twice} == {
        "match_players.(match_id,player_id)",
        "match_players.id",
    }
