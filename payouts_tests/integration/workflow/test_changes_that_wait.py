"""A slip in `league` moves nothing before a person has said that it is none (rule of money 15)."""

from datetime import timedelta

import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import NO_LIMITS
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import instructions, proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports import checks
from payouts_pipeline.reports.status import day_status
from payouts_pipeline.workflow import operator_actions, phases
from payouts_pipeline.workflow.preview import preview
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import account, fingerprint, materialise, settle, violations

LIMIT = ChangeLimit(0.2, {"EUR": 5_000})


@pytest.fixture
def lines(league: League) -> list[int]:
    """Ten fees of 10.00 EUR; the ids of the line-up."""
    terms = league.priced(1_000)
    match = league.match(terms, DAY)
    return [league.plays(match, league.player()) for _ in range(10)]


def book(ledger: Connection, source: Connection, limit: ChangeLimit = LIMIT) -> int:
    """What a run does with the limit; how many lines it books."""
    splits = split(reader.fees_of_day(source, DAY, SYDNEY))
    booked = phases.open_charges(ledger, source, DAY, splits, "test", change_limit=limit).fee_components
    settle(ledger, DAY)
    phases.open_payouts(ledger, source, DAY, {}, "test")
    settle(ledger, DAY)
    return booked


def charged(ledger: Connection) -> int:
    ((sum_minor,),) = ledger.execute(
        "select coalesce(sum(amount_minor), 0)::bigint from payouts.instructions"
        " where billing_type = 'player_charge' and status <> 'cancelled'"
    ).fetchall()
    return int(sum_minor)


def test_a_fee_with_a_comma_in_the_wrong_place_charges_nobody(
    ledger: Connection, source: Connection, league: League, lines: list[int]
) -> None:
    assert book(ledger, source)
    source.execute("update league.fee_structures set fee_minor = 100000")
    assert book(ledger, source) == 0
    assert charged(ledger) == 10_000
    [waits] = proposals.find_all(ledger)
    assert "10 fees would change, and 10 are booked" in waits.reason
    assert not checks.no_change_waits(ledger, DAY).passed
    assert day_status(ledger, DAY).as_json()["proposal"]["moved_minor"] == {"EUR": 990_000}
    before = fingerprint(ledger)
    assert book(ledger, source) == 0
    assert fingerprint(ledger) == before, "proposing again writes nothing"
    source.execute("update league.fee_structures set fee_minor = 1000")
    assert book(ledger, source) == 0
    assert proposals.find_all(ledger) == []
    assert violations(ledger) == {}


def test_what_a_person_accepts_is_booked_and_nothing_else(
    ledger: Connection, source: Connection, league: League, lines: list[int]
) -> None:
    book(ledger, source)
    source.execute("update league.fee_structures set fee_minor = 2000")
    book(ledger, source)
    proposals.accept(ledger, DAY, "ada", "the new season's fee")
    with pytest.raises(PayoutsError, match="is accepted already"):
        proposals.accept(ledger, DAY, "ada", "again")
    source.execute("update league.fee_structures set fee_minor = 3000")
    assert book(ledger, source) == 0, "another change than the one that was accepted"
    source.execute("update league.fee_structures set fee_minor = 2000")
    assert book(ledger, source) == 0, "the acceptance was of a proposal that is closed"
    assert instructions.days_due(ledger) == {}
    proposals.accept(ledger, DAY, "ada", "the new season's fee")
    assert list(instructions.days_due(ledger)) == [DAY], "nobody has to remember it"
    assert book(ledger, source) > 0
    assert instructions.days_due(ledger) == {}
    assert charged(ledger) == 20_000
    assert proposals.find_all(ledger) == []
    assert account(ledger, "player", 1)[0] in (0, 2_000)
    assert violations(ledger) == {}


def test_a_line_up_that_is_empty_for_a_minute_takes_nothing_back(
    ledger: Connection, source: Connection, league: League, lines: list[int]
) -> None:
    book(ledger, source)
    source.execute("delete from league.match_players")
    assert book(ledger, source) == 0
    assert proposals.find(ledger, DAY) is not None
    assert charged(ledger) == 10_000


def test_a_correction_within_the_limits_needs_nobody(
    ledger: Connection, source: Connection, league: League, lines: list[int]
) -> None:
    book(ledger, source)
    league.strike_off(lines[0])
    assert book(ledger, source) > 0
    assert proposals.find_all(ledger) == []


def test_few_fees_of_a_large_amount_wait_as_well(
    ledger: Connection, source: Connection, league: League, lines: list[int]
) -> None:
    book(ledger, source)
    league.fee(league.player(), DAY, 5_001)
    assert book(ledger, source) == 0
    [waits] = proposals.find_all(ledger)
    assert waits.reason_code == "large_amount_changes"


def test_an_amount_that_goes_from_one_club_to_another_counts(
    ledger: Connection, source: Connection, league: League, lines: list[int]
) -> None:
    book(ledger, source)
    source.execute("update league.match_players set club_id = %s", (league.club(),))
    assert book(ledger, source) == 0
    [waits] = proposals.find_all(ledger)
    assert waits.details["moved_minor"] == {"EUR": 10_000}


def test_a_first_booking_far_above_the_usual_waits_before_anybody_is_charged(
    ledger: Connection, source: Connection, league: League
) -> None:
    for week in range(1, 5):
        day = DAY - timedelta(weeks=week)
        league.fee(league.player(), day, 1_000)
        materialise(ledger, source, day)
    league.fee(league.player(), DAY, 100_000)
    already = charged(ledger)
    assert book(ledger, source) == 0
    assert charged(ledger) == already
    [waits] = proposals.find_all(ledger)
    assert waits.reason_code == "fees_above_usual"
    proposals.accept(ledger, DAY, "ada", "a cup final")
    assert book(ledger, source) > 0


def test_without_limits_everything_is_booked_at_once(
    ledger: Connection, source: Connection, league: League, lines: list[int]
) -> None:
    book(ledger, source)
    source.execute("update league.fee_structures set fee_minor = 100000")
    assert book(ledger, source, ChangeLimit()) > 0


@pytest.mark.parametrize("change", ["nothing", "a fee", "a line", "a currency", "terms that can't be split"])
def test_a_preview_says_what_the_run_then_does_and_writes_nothing(
    ledger: Connection, source: Connection, league: League, lines: list[int], change: str
) -> None:
    book(ledger, source)
    if change == "a fee":
        source.execute("update league.fee_structures set fee_minor = 1100")
    elif change == "a line":
        league.strike_off(lines[3])
    elif change == "a currency":
        source.execute("update league.fee_structures set currency = 'JPY'")
    elif change == "terms that can't be split":
        source.execute("update league.fee_shares set share_bps = 1 where share_bps > 0")
    before = fingerprint(ledger)
    shown = preview(ledger, source, DAY, SYDNEY, {}, NO_LIMITS, ChangeLimit())
    assert fingerprint(ledger) == before
    made_before = asked_for(ledger)
    splits = split(reader.fees_of_day(source, DAY, SYDNEY))
    phases.open_charges(ledger, source, DAY, splits, "test")
    phases.open_payouts(ledger, source, DAY, {}, "test")
    made = asked_for(ledger) - made_before
    told = {
        (each.billing_type, each.currency, each.status, each.count, each.amount_minor) for each in shown.instructions
    }
    assert told == made
    assert shown.is_empty == (change == "nothing")


def test_a_preview_says_why_something_would_be_held(ledger: Connection, source: Connection, league: League) -> None:
    player = league.player()
    league.fee(player, DAY)
    operator_actions.hold(ledger, source, Payee(BillingSubject.PLAYER, player), "ada", "looks odd")
    [shown] = preview(ledger, source, DAY, SYDNEY, {}, NO_LIMITS, ChangeLimit()).instructions
    assert (shown.status, "looks odd" in str(shown.reason)) == ("held", True)


def asked_for(ledger: Connection) -> set[tuple[str, str, str, int, int]]:
    query = (
        "select billing_type, currency, status, count(*), sum(amount_minor)::bigint from payouts.instructions"
        " where status <> 'settled' group by 1, 2, 3"
    )
    return set(ledger.execute(query).fetchall())
