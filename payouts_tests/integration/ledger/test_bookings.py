"""Booking a day: what is written, that it is written once, and what is held out."""

import pandas as pd
import pytest

from payouts_pipeline.domain import batches
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.reasons import HeldOutCode
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader as league_reader
from payouts_pipeline.ledger import bulk
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow import phases
from payouts_tests.support import oracle
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import ACTOR, account, book, fingerprint, violations


@pytest.fixture(autouse=True, params=[2, batches.ROWS], ids=["many batches", "one batch"])
def rows_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day is booked alike in many batches and in one."""
    monkeypatch.setattr(batches, "ROWS", request.param)
    monkeypatch.setattr(bulk, "PAGE_ROWS", request.param)


def _splits(source: Connection) -> pd.DataFrame:
    return split(league_reader.fees_of_day(source, DAY, SYDNEY)).whole()


def _held_out(ledger: Connection) -> dict[int, str]:
    return dict(ledger.execute("select match_player_id, reason_code from payouts.held_out").fetchall())


def _rich_day(league: League) -> None:
    """Three currencies, remainders, a fixed part, a player with two matches, a guest, and terms that are broken."""
    partner, organiser = league.partner(), league.organiser()
    shares = [
        ("club", None, 7, 3_333),
        ("organiser", None, 0, 3_333),
        ("partner", partner, 0, 3_333),
        ("platform", None, 0, 1),
    ]
    players = [league.player() for _ in range(5)]
    for currency, fee_minor in (("EUR", 1_001), ("JPY", 1_000), ("KWD", 10_010)):
        competition = league.competition(organiser)
        fixed = [(subject, partner_id, fixed // 7 * 10, bps) for subject, partner_id, fixed, bps in shares]
        league.terms(competition, fee_minor, currency, fixed if currency == "KWD" else shares)
        for _ in range(2):
            match = league.match(competition, DAY)
            for player in players[:3]:
                league.plays(match, player)
            league.plays(match, players[3], league.club())
    league.plays(league.match(league.priced(shares=[("club", None, 0, 1)]), DAY), players[4])
    league.plays(league.match(league.competition(), DAY), players[4])
    league.plays(league.match(league.priced(), DAY, "abandoned"), players[4])


def test_what_is_booked_is_what_the_oracle_says(ledger: Connection, source: Connection, league: League) -> None:
    _rich_day(league)
    progress = book(ledger, source, DAY)
    fees, held_out = oracle.fees_of_day(league.connection, DAY, SYDNEY)
    for (subject, subject_id, currency), amount_minor in oracle.positions(fees).items():
        assert account(ledger, subject, subject_id, currency)[0] == amount_minor
    assert len(fees) == 24
    assert set(_held_out(ledger)) == held_out
    assert progress.fee_components == sum(1 + sum(1 for a in fee.shares.values() if a) for fee in fees)
    assert violations(ledger) == {}


def test_booking_again_writes_nothing_at_all(ledger: Connection, source: Connection, league: League) -> None:
    _rich_day(league)
    book(ledger, source, DAY)
    before = fingerprint(ledger)
    assert book(ledger, source, DAY) == phases.Progress()
    assert fingerprint(ledger) == before


def test_a_day_without_fees_writes_no_booking(ledger: Connection, source: Connection) -> None:
    assert book(ledger, source, DAY) == phases.Progress()
    assert ledger.execute("select count(*) from payouts.bookings").fetchall() == [(0,)]


def test_a_correction_adds_entries_and_edits_none(ledger: Connection, source: Connection, league: League) -> None:
    line = league.fee(league.player(), DAY, 1_000)
    book(ledger, source, DAY)
    first = (
        ledger.execute("select * from payouts.fees").fetchall(),
        ledger.execute("select * from payouts.entries").fetchall(),
    )
    league.fee_becomes(line, 1_300)
    book(ledger, source, DAY)
    amounts = ledger.execute("select amount_minor from payouts.fees order by booking_id").fetchall()
    assert amounts == [(1_000,), (300,)]
    assert ledger.execute("select * from payouts.entries order by id limit 2").fetchall() == first[1]


def test_the_list_of_held_out_fees_follows_the_league(ledger: Connection, source: Connection, league: League) -> None:
    structure = league.terms(competition := league.competition(), shares=[])
    line = league.plays(league.match(competition, DAY), league.player())
    book(ledger, source, DAY)
    assert _held_out(ledger) == {line: HeldOutCode.BPS_NOT_WHOLE}
    league.shares(structure, [("club", None, 0, 10_000)])
    book(ledger, source, DAY)
    assert _held_out(ledger) == {}
    assert violations(ledger) == {}


def test_one_bad_competition_does_not_stop_the_others(ledger: Connection, source: Connection, league: League) -> None:
    bad = [
        league.fee(league.player(), DAY, 2**62),
        league.fee(league.player(), DAY, -1),
        league.fee(league.player(), DAY, 1_001, "KWD"),
        league.fee(league.player(), DAY, 1_000, "ZZZ"),
        league.fee(league.player(), DAY, 1_000, shares=[("club", None, 2**62, 10_000), ("platform", None, 2**62, 0)]),
        league.fee(
            league.player(), DAY, 1_000, shares=[("club", None, 0, 2**31 - 1), ("platform", None, 0, 2**31 - 1)]
        ),
        league.fee(league.player(), DAY, 1_000, shares=[("partner", None, 0, 10_000)]),
        league.fee(league.player(), DAY, 1_000, shares=[("nobody", None, 0, 10_000)]),
    ]
    good = league.player()
    league.fee(good, DAY)
    book(ledger, source, DAY)
    assert sorted(_held_out(ledger)) == sorted(bad)
    assert account(ledger, "player", good)[0] == 1_000


def test_the_largest_fee_of_many_matches_does_not_overflow(
    ledger: Connection, source: Connection, league: League
) -> None:
    player = league.player()
    for _ in range(30):
        league.fee(player, DAY, 99_999_999)
    book(ledger, source, DAY)
    assert account(ledger, "player", player)[0] == 30 * 99_999_999


@pytest.mark.parametrize("amount_minor", [1, -1, 10**15])
def test_shares_that_do_not_add_up_are_booked_by_nobody(
    ledger: Connection, source: Connection, league: League, amount_minor: int
) -> None:
    line = league.fee(league.player(), DAY)
    splits = _splits(source)
    splits.loc[splits["billing_subject"] == "club", "amount_minor"] += amount_minor
    before = fingerprint(ledger)
    with pytest.raises(PayoutsError, match=f"match player {line}"):
        phases.open_charges(ledger, source, DAY, Batches.of(splits), ACTOR)
    assert fingerprint(ledger) == before


def test_rows_of_a_view_that_come_twice_are_held_out(ledger: Connection, source: Connection, league: League) -> None:
    line = league.fee(league.player(), DAY)
    league.connection.execute(
        "alter table league.match_players rename to lines;"
        "create view league.match_players as select * from league.lines union all select * from league.lines"
    )
    book(ledger, source, DAY)
    rows = ledger.execute("select match_player_id, reason_code from payouts.held_out").fetchall()
    assert rows == [(line, HeldOutCode.ROW_TWICE)] * 2
    before = fingerprint(ledger)
    book(ledger, source, DAY)
    assert fingerprint(ledger) == before


def test_the_order_of_the_lines_does_not_matter(ledger: Connection, source: Connection, league: League) -> None:
    _rich_day(league)
    splits = _splits(source)
    phases.open_charges(ledger, source, DAY, Batches.of(splits.sample(frac=1, random_state=1)), ACTOR)
    before = fingerprint(ledger)
    phases.open_charges(ledger, source, DAY, Batches.of(splits.sample(frac=1, random_state=2)), ACTOR)
    # The digest of the splits is another one, of which nothing follows.
    assert fingerprint(ledger) == before | {"days": fingerprint(ledger)["days"]}


def test_what_is_not_there_any_more_is_taken_back_wherever_it_was(
    ledger: Connection, source: Connection, league: League
) -> None:
    """Also before the first and after the last match that the day still has."""
    lines = [league.fee(league.player(), DAY) for _ in range(9)]
    book(ledger, source, DAY)
    for line in (lines[0], lines[4], lines[8]):
        league.strike_off(line)
    assert book(ledger, source, DAY).fee_components > 0
    booked = ledger.execute(
        "select match_player_id from payouts.fees group by match_player_id having sum(amount_minor) <> 0 order by 1"
    ).fetchall()
    assert [line for (line,) in booked] == [*lines[1:4], *lines[5:8]]
    assert violations(ledger) == {}
