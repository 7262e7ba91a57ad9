"""What was a fact when a fee was booked stays one: its day until that is undone, its club and its organiser."""

from datetime import date, timedelta

import psycopg
import pytest

from payouts_pipeline.domain.reasons import HELD_OUT, HeldOutCode
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.reports import checks
from payouts_pipeline.reports.status import day_status
from payouts_pipeline.workflow.due import day_states, differs
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import account, fingerprint, instructions, materialise, violations

NEXT = DAY + timedelta(days=1)
SHARES = [("club", None, 0, 6_000), ("organiser", None, 0, 4_000)]


@pytest.fixture
def organiser(league: League) -> int:
    return league.organiser()


@pytest.fixture
def competition(league: League, organiser: int) -> int:
    competition = league.competition(organiser)
    league.terms(competition, 1_000, shares=SHARES)
    return competition


@pytest.fixture
def match(league: League, competition: int) -> int:
    return league.match(competition, DAY)


def is_booked_as_split(ledger: Connection, source: Connection, *days: date) -> bool:
    return all(
        checks.booked_equals_split(ledger, day, split(reader.fees_of_day(source, day, SYDNEY))).passed
        for day in days or (DAY, NEXT)
    )


def held_out(ledger: Connection) -> list[str]:
    return [each.reason for each in day_status(ledger, NEXT).held_out]


def moves(league: League, match: int) -> None:
    at = league.connection.execute("select kicked_off_at from league.matches where id = %s", (match,)).fetchall()[0][0]
    league.set("matches", match, kicked_off_at=at + timedelta(days=1))


def test_a_match_that_is_moved_is_not_charged_and_paid_twice(
    ledger: Connection, source: Connection, league: League, match: int
) -> None:
    club = league.club()
    player = league.player(club)
    league.plays(match, player)
    materialise(ledger, source, DAY)
    moves(league, match)
    for _ in range(2):
        materialise(ledger, source, NEXT)
    assert instructions(ledger, "player", player) == [("settled", 1_000)]
    assert instructions(ledger, "club", club) == [("settled", 600)]
    assert held_out(ledger) == [HELD_OUT[HeldOutCode.BOOKED_ON_ANOTHER_DAY]]
    assert is_booked_as_split(ledger, source, NEXT)
    assert violations(ledger) == {}


def test_it_is_booked_where_it_is_now_once_the_day_before_has_given_it_up(
    ledger: Connection, source: Connection, league: League, match: int
) -> None:
    player = league.player(league.club())
    league.plays(match, player)
    materialise(ledger, source, DAY)
    moves(league, match)
    materialise(ledger, source, NEXT)
    states = day_states(ledger, source, DAY, NEXT, SYDNEY)
    assert not differs(ledger, source, NEXT, SYDNEY)
    materialise(ledger, source, DAY)
    assert states[NEXT] != day_states(ledger, source, DAY, NEXT, SYDNEY)[NEXT], "the sensor looks at it again"
    assert differs(ledger, source, NEXT, SYDNEY)
    materialise(ledger, source, NEXT)
    assert held_out(ledger) == []
    assert instructions(ledger, "player", player) == [("settled", 1_000)], "its credit has paid for it"
    assert account(ledger, "player", player)[0] == 1_000
    before = fingerprint(ledger)
    for day in (DAY, NEXT):
        materialise(ledger, source, day)
    assert fingerprint(ledger) == before
    assert is_booked_as_split(ledger, source)
    assert violations(ledger) == {}


def test_it_may_come_back_and_go_again(ledger: Connection, source: Connection, league: League, match: int) -> None:
    player = league.player(league.club())
    league.plays(match, player)
    materialise(ledger, source, DAY)
    for _ in range(3):
        moves(league, match)
        for day in (NEXT, DAY, NEXT):
            materialise(ledger, source, day)
        league.set("matches", match, kicked_off_at=DAY)
        for day in (DAY, NEXT, DAY):
            materialise(ledger, source, day)
    assert instructions(ledger, "player", player) == [("settled", 1_000)]
    assert violations(ledger) == {}


def test_who_is_new_in_a_moved_line_up_waits_with_the_others(
    ledger: Connection, source: Connection, league: League, match: int
) -> None:
    club = league.club()
    league.plays(match, league.player(club))
    materialise(ledger, source, DAY)
    moves(league, match)
    late = league.player(club)
    league.plays(match, late)
    materialise(ledger, source, NEXT)
    assert instructions(ledger, "player", late) == []
    for day in (DAY, NEXT):
        materialise(ledger, source, day)
    assert instructions(ledger, "player", late) == [("settled", 1_000)]
    assert violations(ledger) == {}


def test_the_database_itself_has_a_match_on_one_day_only(
    ledger: Connection, source: Connection, league: League, match: int
) -> None:
    league.plays(match, league.player(league.club()))
    materialise(ledger, source, DAY)
    materialise(ledger, source, NEXT)
    with pytest.raises(psycopg.errors.RaiseException, match=f"match {match} is booked under {DAY}"), ledger.transaction():
        ledger.execute("insert into payouts.bookings (day, actor) values (%s, 'by hand')", (NEXT,))
        ledger.execute(
            "insert into payouts.fees (booking_id, day, match_id, match_player_id, player_id, currency, amount_minor,"
            " allocation_id, club_id, organiser_id)"
            " select (select max(id) from payouts.bookings), %s, match_id, match_player_id, player_id, currency,"
            " amount_minor, allocation_id, club_id, organiser_id from payouts.fees",
            (NEXT,),
        )


def test_two_runs_at_the_same_moment_book_a_match_once(
    database_url: str, ledger: Connection, source: Connection, league: League, match: int
) -> None:
    """The second waits for the first, and sees then what it has booked."""
    with open_connection(database_url) as other, other.transaction():
        other.execute("select payouts.claim_matches(%s, %s)", (DAY, [match]))
        ledger.execute("set lock_timeout = '200ms'")
        with pytest.raises(PayoutsError, match="keeps a lock on payouts.booked_matches"):
            ledger.execute("select payouts.claim_matches(%s, %s)", (NEXT, [match]))


def test_a_player_who_changes_clubs_moves_no_share_of_what_is_booked(
    ledger: Connection, source: Connection, league: League, match: int
) -> None:
    club, another = league.club(), league.club()
    player = league.player(club)
    line = league.plays(match, player)
    materialise(ledger, source, DAY)
    league.set("players", player, club_id=another)
    before = fingerprint(ledger)
    assert not differs(ledger, source, DAY, SYDNEY)
    league.fee_becomes(line, 1_500)
    materialise(ledger, source, DAY)
    assert account(ledger, "club", club)[0] == 900, "nor of what the same fee is corrected to"
    assert instructions(ledger, "club", another) == []
    assert fingerprint(ledger) != before
    league.set("match_players", line, club_id=another)
    materialise(ledger, source, DAY)
    assert (account(ledger, "club", club)[0], account(ledger, "club", another)[0]) == (0, 900)
    league.set("match_players", line, club_id=None)
    materialise(ledger, source, DAY)
    assert account(ledger, "club", another)[0] == 900, "it was named, and booked"
    assert is_booked_as_split(ledger, source)
    assert violations(ledger) == {}


def test_another_organiser_of_a_competition_gets_what_is_booked_from_then_on(
    ledger: Connection, source: Connection, league: League, competition: int, organiser: int, match: int
) -> None:
    player = league.player(league.club())
    league.plays(match, player)
    materialise(ledger, source, DAY)
    another = league.organiser()
    league.set("competitions", competition, organiser_id=another)
    late = league.player(league.club())
    league.plays(match, late)
    materialise(ledger, source, DAY)
    assert (account(ledger, "organiser", organiser)[0], account(ledger, "organiser", another)[0]) == (400, 400)
    assert violations(ledger) == {}


@pytest.mark.parametrize("forgotten", ["club", "organiser"])
def test_a_fee_stays_booked_whose_club_or_organiser_is_forgotten(
    ledger: Connection, source: Connection, league: League, competition: int, match: int, forgotten: str
) -> None:
    player = league.player(league.club())
    line = league.plays(match, player)
    materialise(ledger, source, DAY)
    if forgotten == "club":
        source.execute("alter table league.players rename to own; create view league.players as select id, name,"
                       " null::bigint as club_id, stripe_customer_id, stripe_payment_method_id from league.own")  # fmt: skip
    else:
        source.execute("alter table league.competitions rename to own; create view league.competitions as"
                       " select id, name, null::bigint as organiser_id from league.own")  # fmt: skip
    entries = ledger.execute("select count(*) from payouts.entries").fetchall()
    materialise(ledger, source, DAY)
    assert ledger.execute("select count(*) from payouts.entries").fetchall() == entries
    assert account(ledger, "player", player)[0] == 1_000
    assert is_booked_as_split(ledger, source)
    league.strike_off(line)
    materialise(ledger, source, DAY)
    assert account(ledger, "player", player)[0] == 0, "a fee that is gone is taken back all the same"
