"""Why money is where it is, and what would move it: the sentences for what is in no instruction yet."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from payouts_pipeline.reports.explain.funds_location import (
    FeeLine,
    FundsLocation,
    Place,
    Position,
    ShareLine,
    of_share,
    of_uncharged,
)

DAY, NEXT = date(2026, 3, 7), date(2026, 3, 14)
NOW = datetime(2026, 3, 8, 3, tzinfo=UTC)
ID = UUID("86d98a4d-2431-5f80-8f3d-d02f3e23915e")


def position(payee: str, *, open_minor: int, payable_minor: int | None = None) -> Position:
    return Position(
        1, payee, "EUR", booked_minor=0, released_minor=0, settled_minor=0, in_flight_minor=0, open_minor=open_minor,
        not_collected_minor=0, payable_minor=payable_minor, payable_day=NEXT,
    )  # fmt: skip


def fee(amount_minor: int) -> FeeLine:
    return FeeLine(DAY, 7, 70, 42, "EUR", 1, NOW, "run", amount_minor, None, None, None, None)


def released_share(amount_minor: int) -> ShareLine:
    return ShareLine(
        DAY, 7, 70, 42, "EUR", 1, NOW, "run", "club", 3, amount_minor, amount_minor, 1, ID, 5, DAY, NOW, None
    )


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
def test_why_no_charge_covers_a_fee(amount_minor: int, owes_minor: int, is_blocked: bool, why: str) -> None:
    where = of_uncharged(fee(amount_minor), position("player:42", open_minor=owes_minor), is_blocked=is_blocked)
    assert where.place == Place.NOT_CHARGED
    assert why in str(where.why)
    assert where.next_step


@pytest.mark.parametrize(
    ("amount_minor", "payable_minor", "open_minor", "why"),
    [
        (-700, -200, -200, "a correction took it back"),
        (700, -200, -200, "it works off what was paid too much"),
        (700, 99, 99, "0.99 EUR are payable in all, under the minimum payout of 1.00 EUR"),
        (700, 700, 300, "a correction took a share back whose fee waits for a charge"),
        (700, 700, 700, "no payout was made yet of the 7.00 EUR payable"),
    ],
)
def test_why_no_payout_pays_a_share(amount_minor: int, payable_minor: int, open_minor: int, why: str) -> None:
    account = position("club:3", open_minor=open_minor, payable_minor=payable_minor)
    where = of_share(released_share(amount_minor), None, account, FundsLocation(Place.COLLECTED), minimum_minor=100)
    assert where.place == Place.PAYABLE
    assert why in str(where.why)
    assert where.next_step


def test_the_day_that_pays_a_share_is_the_last_that_released_anything_to_its_payee() -> None:
    account = position("club:3", open_minor=700, payable_minor=700)
    where = of_share(released_share(300), None, account, FundsLocation(Place.COLLECTED), minimum_minor=100)
    assert where.next_step == f"'payouts run {NEXT}' makes one"
