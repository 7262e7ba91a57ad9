# ruff: noqa: E501 - the queries of views, one to a line
"""The snapshot of a day: one moment, the local day, the terms of the day, and any operator's views."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.conninfo import make_conninfo

from payouts_pipeline.domain.reasons import HeldOutCode
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader as league_reader
from payouts_pipeline.ledger import bulk
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_tests.support.leagues import DAY, LONDON, SYDNEY, League


def _read(source: Connection, day: date = DAY, timezone: ZoneInfo = SYDNEY) -> list[int]:
    return [int(line) for line in league_reader.fees_of_day(source, day, timezone).whole()["match_player_id"]]


def _held_out(source: Connection) -> dict[Any, Any]:
    lines = split(league_reader.fees_of_day(source, DAY, SYDNEY)).whole()
    lines = lines[lines["held_out_code"].notna()]
    return dict(zip(lines["match_player_id"], lines["held_out_code"], strict=True))


@pytest.mark.parametrize(
    ("timezone", "change"),
    [
        (SYDNEY, date(2026, 4, 5)),
        (SYDNEY, date(2026, 10, 4)),
        (LONDON, date(2026, 3, 29)),
        (LONDON, date(2026, 10, 25)),
    ],
)
def test_over_a_clock_change_every_match_is_of_exactly_one_day(
    source: Connection, league: League, timezone: ZoneInfo, change: date
) -> None:
    # A match every quarter of an hour, so that also midnight and the hour that is missing or comes twice have some.
    competition, player = league.priced(), league.player()
    start = datetime(change.year, change.month, change.day, tzinfo=UTC) - timedelta(hours=36)
    played = {}
    for n in range(4 * 84):
        instant = start + timedelta(minutes=15 * n)
        played[league.plays(league.match(competition, instant), player)] = instant.astimezone(timezone).date()
    days = [change + timedelta(days=n) for n in range(-3, 4)]
    found = [(line, day) for day in days for line in _read(source, day, timezone)]
    assert sorted(found) == sorted(played.items())


def test_a_day_is_half_open(source: Connection, league: League) -> None:
    competition, player = league.priced(), league.player()
    midnight = datetime(2026, 3, 7, tzinfo=SYDNEY)
    microsecond = timedelta(microseconds=1)
    instants = [
        midnight - microsecond,
        midnight,
        midnight + timedelta(days=1) - microsecond,
        midnight + timedelta(days=1),
    ]
    lines = [league.plays(league.match(competition, instant), player) for instant in instants]
    assert _read(source) == lines[1:3]


@pytest.mark.parametrize("session", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_the_timezone_of_the_session_does_not_matter(source: Connection, league: League, session: str) -> None:
    source.execute(f"set timezone to '{session}'")
    source.execute("set datestyle to 'German'")
    line = league.plays(league.match(league.priced(), datetime(2026, 3, 7, tzinfo=SYDNEY)), league.player())
    assert _read(source) == [line]


def test_only_played_matches_have_fees(source: Connection, league: League) -> None:
    competition, player = league.priced(), league.player()
    lines = {
        status: league.plays(league.match(competition, DAY, status), player)
        for status in ("scheduled", "played", "abandoned", "postponed", "cancelled")
    }
    assert _read(source) == [lines["played"]]


def test_the_latest_terms_that_have_begun_by_the_day_hold(source: Connection, league: League) -> None:
    competition = league.competition()
    for n, begins in enumerate([DAY - timedelta(days=9), DAY, DAY + timedelta(days=1)]):
        league.terms(competition, 100 + n, effective_from=begins)
    for day in (DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)):
        league.plays(league.match(competition, day), league.player())
    fees = [
        int(league_reader.fees_of_day(source, DAY + timedelta(days=n), SYDNEY).whole()["fee_minor"].iloc[0])
        for n in (-1, 0, 1)
    ]
    assert fees == [100, 101, 102]


def test_terms_that_begin_later_are_no_terms(source: Connection, league: League) -> None:
    competition = league.competition()
    league.terms(competition, effective_from=DAY + timedelta(days=1))
    line = league.plays(league.match(competition, DAY), league.player())
    assert _held_out(source) == {line: HeldOutCode.NO_TERMS}


def test_the_club_is_the_one_played_for(source: Connection, league: League) -> None:
    own, guest = league.club(), league.club()
    player = league.player(own)
    match = league.match(league.priced(), DAY)
    league.plays(match, player)
    league.plays(match, league.player(own), guest)
    assert list(league_reader.fees_of_day(source, DAY, SYDNEY).whole()["club_id"]) == [own, guest]


def test_a_change_in_the_middle_of_the_snapshot_is_not_seen(
    source: Connection, league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    structure = league.terms(competition := league.competition())
    league.plays(league.match(competition, DAY), league.player())

    def copy_then_change(connection: Connection, query: str, *arguments: Any) -> Any:
        fees = bulk.copy_out_batches(connection, query, *arguments)
        league.shares(structure, [("platform", None, 0, 10_000)])
        return fees

    monkeypatch.setattr(league_reader, "copy_out_batches", copy_then_change)
    fees = league_reader.fees_of_day(source, DAY, SYDNEY).whole()
    assert fees["shares_json"].iloc[0] == '[["club", null, 0, 10000]]'
    assert "platform" in league_reader.fees_of_day(source, DAY, SYDNEY).whole()["shares_json"].iloc[0]


def test_equal_terms_are_equal_texts_whatever_the_order_of_their_rows(source: Connection, league: League) -> None:
    rows = [("partner", league.partner(), 1, 10), ("partner", league.partner(), 1, 10), ("club", None, 0, 9_980)]
    for shares in (rows, rows[::-1]):
        league.plays(league.match(league.priced(shares=shares), DAY), league.player())
    assert league_reader.fees_of_day(source, DAY, SYDNEY).whole()["shares_json"].nunique() == 1


@pytest.fixture
def reader(league: League, database_url: str) -> Any:
    """A login that can do nothing but read schema `league`."""
    league.connection.execute(
        "create role league_reader login password 'reads';"
        "grant usage on schema league to league_reader;"
        "grant select on all tables in schema league to league_reader"
    )
    with open_connection(make_conninfo(database_url, user="league_reader", password="reads")) as connection:
        yield connection
    league.connection.execute("drop owned by league_reader; drop role league_reader")


def test_a_login_that_may_only_read_the_league_is_enough(
    reader: Connection, ledger: Connection, league: League
) -> None:
    from payouts_tests.support.ledger_steps import book, ids

    line = league.fee(league.player(), DAY)
    assert _read(reader) == [line]
    book(ledger, reader, DAY)
    assert len(ids(ledger)) == 1


def test_the_source_is_only_read(source: Connection, league: League) -> None:
    league.fee(league.player(), DAY)
    source.execute("set default_transaction_read_only = on")
    assert len(_read(source)) == 1


def test_a_missing_privilege_is_named(reader: Connection, league: League) -> None:
    league.connection.execute("revoke select on league.fee_shares from league_reader")
    with pytest.raises(PayoutsError, match=r"PAYOUTS_SOURCE_URL.*fee_shares"):
        _read(reader)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("drop table league.fee_shares", "league.fee_shares is not there"),
        ("alter table league.matches rename column kicked_off_at to starts", "kicked_off_at"),
        ("alter table league.match_players drop column club_id", "club_id"),
        ("drop schema league cascade", "league"),
        (
            "alter table league.fee_structures alter fee_minor type numeric using 10.50",
            "league.fee_structures.fee_minor is numeric and must be bigint",
        ),
        (
            "alter table league.fee_structures alter fee_minor type text using 'ten'",
            "fee_minor is text and must be bigint",
        ),
        (
            "alter table league.matches alter kicked_off_at type text",
            "kicked_off_at is text and must be timestamp with",
        ),
        ("alter table league.match_players alter player_id type text", "player_id is text and must be bigint"),
    ],
)
def test_a_league_of_another_shape_is_one_sentence_that_names_what_is_wrong(
    source: Connection, league: League, change: str, named: str
) -> None:
    league.fee(league.player(), DAY)
    league.connection.execute("alter table league.match_players drop constraint match_players_player_id_fkey")
    league.connection.execute(change)
    with pytest.raises(PayoutsError, match=named) as raised:
        _read(source)
    assert "\n" not in str(raised.value)


def test_the_connection_can_be_used_after_an_error(source: Connection, league: League) -> None:
    line = league.fee(league.player(), DAY)
    league.connection.execute("alter table league.fee_shares rename to hidden")
    with pytest.raises(PayoutsError):
        _read(source)
    league.connection.execute("alter table league.hidden rename to fee_shares")
    assert _read(source) == [line]


def _as_view(league: League, table: str, query: str) -> None:
    league.connection.execute(
        f"alter table league.{table} rename to own_{table}; create view league.{table} as {query}"
    )


def test_views_over_an_operators_own_tables_do(source: Connection, league: League) -> None:
    line = league.fee(league.player(), DAY)
    _as_view(
        league,
        "matches",
        "select id, competition_id, kicked_off_at, 'played'::varchar(9) as status from league.own_matches",
    )
    _as_view(
        league,
        "fee_structures",
        "select id, competition_id, effective_from, currency::text as currency, fee_minor::int from league.own_fee_structures",
    )
    _as_view(
        league,
        "fee_shares",
        "select fee_structure_id, billing_subject, partner_id, fixed_minor::int, share_bps::bigint from league.own_fee_shares",
    )
    assert _read(source) == [line]
    assert _held_out(source) == {}


_LINES = "from league.own_match_players"
_TERMS = "from league.own_fee_structures"
_SHARES = "from league.own_fee_shares"


@pytest.mark.parametrize(
    ("table", "query", "code"),
    [
        ("match_players", f"select id, match_id, null::bigint as player_id, club_id {_LINES}", HeldOutCode.NO_PLAYER),
        ("match_players", f"select null::bigint as id, match_id, player_id, club_id {_LINES}", HeldOutCode.ROW_WITHOUT_ID),
        ("match_players", f"select * {_LINES} union all select id + 1000, match_id, player_id, club_id {_LINES}", HeldOutCode.PLAYER_TWICE),
        ("players", "select id, name, null::bigint as club_id, null as stripe_customer_id, null as stripe_payment_method_id from league.own_players", HeldOutCode.NO_CLUB),
        ("players", "select * from league.own_players where false", HeldOutCode.NO_CLUB),
        ("players", "select * from league.own_players union all select * from league.own_players", HeldOutCode.ROW_TWICE),
        ("competitions", "select * from league.own_competitions where false", HeldOutCode.NO_ORGANISER),
        ("competitions", "select id, name, null::bigint as organiser_id from league.own_competitions", HeldOutCode.NO_ORGANISER),
        ("fee_structures", f"select * {_TERMS} union all select id + 1000, competition_id, effective_from, currency, fee_minor {_TERMS}", HeldOutCode.TWO_TERMS),
        ("fee_structures", f"select * {_TERMS} union all select * {_TERMS}", HeldOutCode.TWO_TERMS),
        ("fee_structures", f"select id, competition_id, effective_from, null::text as currency, fee_minor {_TERMS}", HeldOutCode.TERMS_INCOMPLETE),
        ("fee_structures", f"select id, competition_id, effective_from, currency, null::bigint as fee_minor {_TERMS}", HeldOutCode.TERMS_INCOMPLETE),
        ("fee_structures", f"select id, competition_id, null::date as effective_from, currency, fee_minor {_TERMS}", HeldOutCode.NO_TERMS),
        ("fee_structures", f"select null::bigint as id, competition_id, effective_from, currency, fee_minor {_TERMS}", HeldOutCode.BPS_NOT_WHOLE),
        ("fee_structures", f"select id, competition_id, effective_from, 'EURO' as currency, fee_minor {_TERMS}", HeldOutCode.UNKNOWN_CURRENCY),
        ("fee_shares", f"select fee_structure_id, null as billing_subject, partner_id, fixed_minor, share_bps {_SHARES}", HeldOutCode.SHARE_UNKNOWN_SUBJECT),
        ("fee_shares", f"select fee_structure_id, billing_subject, partner_id, fixed_minor, null::int as share_bps {_SHARES}", HeldOutCode.BPS_NOT_WHOLE),
        ("fee_shares", f"select null::bigint as fee_structure_id, billing_subject, partner_id, fixed_minor, share_bps {_SHARES}", HeldOutCode.BPS_NOT_WHOLE),
    ],
)  # fmt: skip
def test_rows_that_only_a_view_can_have_are_held_out(
    source: Connection, ledger: Connection, league: League, table: str, query: str, code: HeldOutCode
) -> None:
    from payouts_tests.support.ledger_steps import book, fingerprint, ids

    league.fee(league.player(), DAY)
    _as_view(league, table, query)
    held_out = _held_out(source)
    assert set(held_out.values()) == {code}
    book(ledger, source, DAY)
    assert ids(ledger) == []
    before = fingerprint(ledger)
    assert before["held_out"] != "0 "
    book(ledger, source, DAY)
    assert fingerprint(ledger) == before


def test_a_missing_fixed_part_counts_as_none(source: Connection, league: League) -> None:
    league.fee(league.player(), DAY)
    _as_view(
        league,
        "fee_shares",
        f"select fee_structure_id, billing_subject, partner_id, null::bigint as fixed_minor, share_bps {_SHARES}",
    )
    assert _held_out(source) == {}


def test_a_payee_that_a_view_has_twice_stops_nobody(source: Connection, ledger: Connection, league: League) -> None:
    from payouts_tests.support.ledger_steps import book, instructions, release, settle

    player = league.player(club := league.club())
    league.fee(player, DAY)
    other = league.player()
    league.fee(other, DAY)
    copy = f"select * from league.own_clubs union all select {club}, 'Copy', 'acct_copy'"  # noqa: S608
    _as_view(league, "clubs", copy)
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("held", 1_000)], "which of two accounts is right, a person must say"
