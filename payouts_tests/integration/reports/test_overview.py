"""The figures of the asset pages, from a real ledger: what is open by name, the day's flow, and the last weeks."""

from collections import Counter
from datetime import timedelta

import pytest

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.overview import DayAmount, flow, last_days, open_instructions, state_of
from payouts_pipeline.reports.status import booked_totals
from payouts_tests.support.leagues import DAY, League, ShareRow
from payouts_tests.support.ledger_steps import book, instructions, materialise, rejected, release, settle, waiting

CHARGES = [BillingType.PLAYER_CHARGE]
ALL = [*CHARGES, *PAYOUT_TYPES]
SHARED: tuple[ShareRow, ...] = (("club", None, 0, 6_000), ("organiser", None, 0, 3_000), ("platform", None, 0, 1_000))

Flow = Counter[tuple[str, str, str]]  # minor units by status of the fee, subject and status of the share


def flows(ledger: Connection) -> Flow:
    sums: Flow = Counter()
    for line in flow(ledger, DAY):
        sums[line.fee_status, line.subject, line.share_status] += line.amount_minor
    return sums


def test_the_flow_follows_a_fee_until_everyone_is_paid(ledger: Connection, source: Connection, league: League) -> None:
    league.fee(league.player(), DAY, 1_000, shares=SHARED)
    shares = {"club": 600, "organiser": 300, "platform": 100}
    book(ledger, source, DAY)
    assert flows(ledger) == {("pending", subject, "uncollected"): minor for subject, minor in shares.items()}
    settle(ledger, DAY)
    assert flows(ledger) == {("settled", subject, "uncollected"): minor for subject, minor in shares.items()}
    release(ledger, source, DAY)
    paid = {"club": "pending", "organiser": "pending", "platform": "kept"}
    assert flows(ledger) == {("settled", subject, paid[subject]): minor for subject, minor in shares.items()}
    settle(ledger, DAY)
    paid |= {"club": "settled", "organiser": "settled"}
    assert flows(ledger) == {("settled", subject, paid[subject]): minor for subject, minor in shares.items()}


def test_the_flow_has_every_cent_of_the_day_also_after_a_correction(
    ledger: Connection, source: Connection, league: League
) -> None:
    line = league.fee(league.player(), DAY, 1_000, shares=SHARED)
    league.fee(league.player(customer=None), DAY, 700, shares=SHARED)
    materialise(ledger, source, DAY)
    league.fee_becomes(line, 400)
    materialise(ledger, source, DAY)
    found = flows(ledger)
    by_subject: Counter[str] = Counter()
    for (_, subject, _), minor in found.items():
        by_subject[subject] += minor
    booked = booked_totals(ledger, DAY)["EUR"]
    assert booked.pop("player") == sum(found.values()) == 1_100
    assert by_subject == booked
    assert found["held", "club", "uncollected"] == 420


def test_the_flow_is_of_one_day_and_by_currency(ledger: Connection, source: Connection, league: League) -> None:
    player = league.player()
    league.fee(player, DAY, 1_000)
    league.fee(player, DAY, 3_500, "KWD")
    league.fee(player, DAY + timedelta(days=1), 5_000)
    for day in (DAY, DAY + timedelta(days=1)):
        materialise(ledger, source, day)
    assert {line.currency: line.amount_minor for line in flow(ledger, DAY)} == {"EUR": 1_000, "KWD": 3_500}


def test_the_weeks_end_with_the_day_and_have_no_day_too_many(
    ledger: Connection, source: Connection, league: League
) -> None:
    for number in (-1, 0, 2, 3):
        day = DAY + timedelta(days=number)
        league.fee(league.player(), day, 1_000 + number)
        materialise(ledger, source, day)
    found = last_days(ledger, DAY + timedelta(days=2), 3, CHARGES)
    assert found == [
        DayAmount(DAY, "EUR", "settled", 1_000),
        DayAmount(DAY + timedelta(days=2), "EUR", "settled", 1_002),
    ]


def test_the_weeks_have_the_amounts_of_the_asset_by_status(
    ledger: Connection, source: Connection, league: League
) -> None:
    for fee_minor in (1_000, 2_000):
        league.fee(league.player(), DAY, fee_minor, shares=SHARED)
    league.fee(league.player(customer=None), DAY, 500, shares=SHARED)
    book(ledger, source, DAY)
    settle(ledger, DAY, lambda attempt: rejected(attempt) if attempt.amount_minor == 2_000 else waiting(attempt))
    charges = {each.status: each.amount_minor for each in last_days(ledger, DAY, 30, CHARGES)}
    assert charges == {"waiting": 1_000, "rejected": 2_000, "held": 500}
    assert {state_of(status) for status in charges} == {"refused", "held"}
    assert last_days(ledger, DAY, 30, PAYOUT_TYPES) == []


def test_what_was_cancelled_is_neither_open_nor_in_the_weeks(
    ledger: Connection, source: Connection, league: League
) -> None:
    player = league.player(customer=None)
    line = league.fee(player, DAY)
    book(ledger, source, DAY)
    league.strike_off(line)
    book(ledger, source, DAY)
    assert [status for status, _ in instructions(ledger, "player", player)] == ["cancelled"]
    assert open_instructions(ledger, DAY, ALL, 10) == []
    assert last_days(ledger, DAY, 30, ALL) == []


@pytest.mark.parametrize("limit", [1, 10])
def test_what_is_open_is_the_largest_first_and_no_more_than_asked_for(
    ledger: Connection, source: Connection, league: League, limit: int
) -> None:
    for fee_minor in (1_000, 3_000, 2_000):
        league.fee(league.player(), DAY, fee_minor)
    materialise(ledger, source, DAY, rejected)
    found = open_instructions(ledger, DAY, ALL, limit)
    assert [each.amount_minor for each in found] == [3_000, 2_000, 1_000][:limit]
    assert {(each.payee.split(":")[0], each.status, each.reason) for each in found} == {
        ("player", "rejected", "the card was reported stolen: the player needs another card")
    }
    assert open_instructions(ledger, DAY, PAYOUT_TYPES, limit) == []
