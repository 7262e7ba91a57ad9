"""What is said of a snapshot: where each part's money is, why it is not further, and the next step. No database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.reports.explain.assemble import assemble
from payouts_pipeline.reports.explain.documents import (
    AT_ITS_END,
    AccountExplained,
    FeesExplained,
    InstructionExplained,
    PayeeDayExplained,
    Place,
)
from payouts_pipeline.reports.explain.funds_location import of_fee, of_share
from payouts_pipeline.reports.explain.league_now import FeesNow, MatchName, Rule, RulePart
from payouts_pipeline.reports.explain.snapshot import Line, ReleaseLine, ShareLine
from payouts_tests.support.snapshots import (
    CLUB,
    DAY,
    NEXT,
    NOW,
    PLAYER,
    fee,
    id_of,
    instruction,
    position,
    share,
    snapshot,
)

MATCH = MatchName(7)
PLATFORM = Payee(BillingSubject.PLATFORM, 0)


@pytest.mark.parametrize(
    ("line", "status", "place"),
    [
        (fee(charge_id=id_of(1), release_id=5), Status.SETTLED, Place.COLLECTED),
        (fee(release_id=5), Status.SETTLED, Place.CREDITED),
        (fee(-500, release_id=5), Status.SETTLED, Place.LOWERED),
        *[(fee(charge_id=id_of(1)), status, Place.CHARGED) for status in Status],
        (fee(), Status.SETTLED, Place.NOT_CHARGED),
    ],
)
def test_where_a_fee_is(line: Line, status: Status, place: Place) -> None:
    where = of_fee(snapshot(MATCH, instruction(1, status), position(PLAYER, 1_000)), line)
    assert where.place == place
    assert bool(where.why) == bool(where.next_step) == (place not in AT_ITS_END)


def test_a_charge_that_is_settled_is_not_the_end_before_its_shares_are_released() -> None:
    where = of_fee(snapshot(MATCH, instruction(1, Status.SETTLED)), fee(charge_id=id_of(1)))
    assert str(where.why).endswith("is settled, and the shares are not released yet")
    assert where.next_step == f"they are released automatically, or with 'payouts run {DAY}'"


def test_what_an_instruction_moves_is_where_the_instruction_is() -> None:
    charge = instruction(1, Status.WAITING)
    where = of_fee(snapshot(MATCH, charge), fee(charge_id=charge.id))
    assert where.why == f"charge {charge.id} is waiting: Stripe was busy with the same account"
    assert (where.instruction_id, where.next_step, where.retry_at) == (charge.id, charge.next_step, NOW)


@pytest.mark.parametrize(
    ("amount_minor", "owes_minor", "is_blocked", "why"),
    [
        (1_000, 1_000, True, "corrected while its charge is open"),
        (-500, -500, False, "a credit"),
        (300, -200, False, "a credit of the player pays for it"),
        (300, 0, False, "a credit of the player pays for it"),
        (49, 49, False, "owes 0.49 EUR in all, under Stripe's minimum of 0.50 EUR"),
        (50, 50, False, "no charge was made yet of the 0.50 EUR"),
    ],
)
def test_why_no_charge_pays_for_a_fee(amount_minor: int, owes_minor: int, is_blocked: bool, why: str) -> None:
    blocked = {(str(PLAYER), "EUR")} if is_blocked else set()
    where = of_fee(snapshot(MATCH, position(PLAYER, owes_minor), blocked=blocked), fee(amount_minor))
    assert where.place == Place.NOT_CHARGED
    assert why in str(where.why)
    assert where.next_step


@pytest.mark.parametrize(
    ("line", "status", "place"),
    [
        (share(release_id=None), Status.WAITING, Place.NOT_COLLECTED),
        (share(payee=PLATFORM), Status.SETTLED, Place.KEPT),
        (share(payout_id=id_of(2)), Status.SETTLED, Place.PAID),
        (share(payout_id=id_of(2)), Status.HELD, Place.IN_PAYOUT),
        (share(), Status.SETTLED, Place.PAYABLE),
    ],
)
def test_where_a_share_is(line: ShareLine, status: Status, place: Place) -> None:
    found = snapshot(CLUB, instruction(1, status), instruction(2, status, CLUB), position(CLUB, 700, 700))
    where = of_share(found, line)
    assert where.place == place
    assert bool(where.why) == bool(where.next_step) == (place not in AT_ITS_END)


def test_a_share_of_a_fee_that_is_not_collected_waits_for_what_the_fee_waits_for() -> None:
    found = snapshot(CLUB, instruction(1, Status.REJECTED))
    line = share(release_id=None)
    assert of_share(found, line) == replace(of_fee(found, line), place=Place.NOT_COLLECTED)


@pytest.mark.parametrize(
    ("amount_minor", "payable_minor", "open_minor", "why"),
    [
        (-700, -200, -200, "a correction took it back"),
        (700, -200, -200, "it works off what was paid too much"),
        (700, 99, 99, "0.99 EUR is payable in all, under the minimum payout of 1.00 EUR"),
        (700, 700, 300, "a correction took a share back whose fee waits for a charge"),
        (700, 700, 700, "no payout was made yet of the 7.00 EUR payable"),
    ],
)
def test_why_no_payout_pays_a_share(amount_minor: int, payable_minor: int, open_minor: int, why: str) -> None:
    account = position(CLUB, open_minor, payable_minor)
    where = of_share(snapshot(CLUB, account, minimum_payouts_minor={"EUR": 100}), share(amount_minor))
    assert where.place == Place.PAYABLE
    assert why in str(where.why)
    assert where.next_step


def test_the_day_that_pays_a_share_is_the_last_that_released_anything_to_its_payee() -> None:
    assert of_share(snapshot(CLUB, position(CLUB, 700, 700)), share(300)).next_step == f"'payouts run {NEXT}' makes one"


def test_fees_come_with_their_shares_and_corrections_and_what_is_open_comes_first() -> None:
    settled: dict[str, Any] = {"charge_id": id_of(1), "release_id": 5}
    rise: dict[str, Any] = {"booking_id": 2, "charge_id": id_of(2)}
    other: dict[str, Any] = {"match_player_id": 71, "player_id": 43}
    document = assemble(
        snapshot(
            MATCH,
            *(instruction(1, Status.SETTLED), instruction(2, Status.WAITING)),
            position(CLUB, 700, 700),
            fees=[fee(**settled, match_player_id=69), fee(**settled), fee(500, **rise), fee(**settled, **other)],
            shares=[share(), share(350, **rise, release_id=None), share(300, PLATFORM), share(150, PLATFORM, **rise)],
        )
    )
    assert isinstance(document, FeesExplained)
    assert [each.match_player_id for each in document.fees] == [70, 69, 71]
    first = document.fees[0]
    assert (first.amount_minor, [part.place for part in first.parts]) == (1_500, [Place.COLLECTED, Place.CHARGED])
    assert [(each.payee, each.amount_minor, len(each.parts)) for each in first.shares] == [
        ("club:3", 1_050, 2), ("platform", 450, 2),
    ]  # fmt: skip
    fees = [(total.place, total.lines, total.amount_minor) for total in document.totals if total.of == "fees"]
    assert fees == [(Place.COLLECTED, 3, 3_000), (Place.CHARGED, 1, 500)]
    assert document.days == [DAY]


@pytest.mark.parametrize(
    ("now", "booked", "has_terms"), [({}, {}, True), ({"day": NEXT}, {}, False), ({}, {"currency": "USD"}, False)]
)
def test_terms_are_those_of_the_day_and_currency_that_was_booked(
    now: dict[str, Any], booked: dict[str, Any], has_terms: bool
) -> None:
    rule = Rule(9, 1, "2020-01-01", "EUR", 1_000, 1_000, [RulePart("club", None, 0, 7_000, 700)])
    league = replace(FeesNow(DAY, {9: rule}, {70: 9}), **now)
    line = share(payout_id=id_of(2), **booked)
    document = assemble(snapshot(CLUB, instruction(2, Status.SETTLED, CLUB), league=league, day=DAY, shares=[line]))
    assert isinstance(document, PayeeDayExplained)
    assert document.shares[0].share.terms == (rule.parts[0] if has_terms else None)
    assert document.rules == ([rule] if has_terms else [])


def test_what_league_says_otherwise_is_the_difference_of_the_day_it_is_of() -> None:
    wanted = pd.DataFrame([(7, 70, 42, "player", 42, "EUR", 1_200, True, None)], columns=list(frames.SPLITS))
    league = FeesNow(DAY, splits=frames.conform(wanted, frames.SPLITS))
    elsewhere = fee(charge_id=id_of(1), release_id=5, day=NEXT)
    found = snapshot(MATCH, instruction(1, Status.SETTLED), position(PLAYER, 1_000), league=league)
    document = assemble(replace(found, fees=[elsewhere, fee()]))
    assert isinstance(document, FeesExplained)
    assert [(each.day, each.amount_minor) for each in document.would_book] == [(NEXT, -1_000), (DAY, 200)]
    unread = assemble(replace(found, fees=[fee()], league=FeesNow(is_read=False)))
    assert isinstance(unread, FeesExplained)
    assert unread.would_book == []


def test_an_account_shows_its_own_instructions_the_open_ones_first_then_the_latest() -> None:
    days = {number: {"day": DAY + timedelta(days=number)} for number in range(5)}
    status = {0: Status.SETTLED, 1: Status.WAITING, 2: Status.SETTLED, 3: Status.CANCELLED, 4: Status.HELD}
    own = [instruction(number, status[number], CLUB, **days[number]) for number in days]
    other, account = instruction(9, Status.WAITING), position(CLUB, 700, 700)
    document = assemble(snapshot(CLUB, *own, other, account, position(PLAYER, 0)))
    assert isinstance(document, AccountExplained)
    assert [each.id for each in document.instructions] == [id_of(number) for number in (4, 1, 3, 2, 0)]
    assert document.accounts == [account]


def test_an_instruction_adds_up_what_it_pays_for() -> None:
    charge = instruction(1, Status.WAITING)
    fees = [fee(charge_id=charge.id, day=NEXT), fee(500, charge_id=charge.id)]
    document = assemble(snapshot(charge.id, charge, fees=fees))
    assert isinstance(document, InstructionExplained)
    assert ([each.day for each in document.fees], document.covered_minor) == ([DAY, NEXT], 1_500)
    payout = assemble(snapshot(charge.id, charge, release_lines=[ReleaseLine(DAY, 5, NOW, 900)]))
    assert isinstance(payout, InstructionExplained)
    assert payout.covered_minor == 900
