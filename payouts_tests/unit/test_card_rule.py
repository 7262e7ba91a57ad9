"""When a card may be charged again, by what it was refused for before."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain.cards import CardRefusal, may_not_be_charged, tries_without_funds
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import ReasonCode

DAY = timedelta(days=1)
NO_FUNDS, BUSY = "insufficient_funds", "issuer_not_available"


def _past(code: str, *ages_days: float, is_own: bool = False) -> list[CardRefusal]:
    return [CardRefusal(code, age * DAY, is_own) for age in ages_days]


def _says(refusals: list[CardRefusal]) -> tuple[str, Status, timedelta | None] | None:
    found = may_not_be_charged(refusals)
    return (found.code, found.verdict.status, found.verdict.retry_after) if found else None


def test_a_card_without_a_past_may_be_charged() -> None:
    assert may_not_be_charged([]) is None


@pytest.mark.parametrize(
    ("ages_days", "waits_days"),
    [
        ((0.25,), 0.75),
        ((1,), None),
        ((4, 1), 2),
        ((4, 3), None),
        ((9, 8, 4), 1),
        ((9, 8, 5), None),
    ],
)
def test_a_card_without_funds_waits_one_three_and_five_days(
    ages_days: tuple[float, ...], waits_days: float | None
) -> None:
    waits = None if waits_days is None else (NO_FUNDS, Status.WAITING, waits_days * DAY)
    assert _says(_past(NO_FUNDS, *ages_days)) == waits


def test_after_four_refusals_in_a_month_it_needs_another_card() -> None:
    assert _says(_past(NO_FUNDS, 20, 19, 16, 11)) == (NO_FUNDS, Status.REJECTED, None)
    assert _says(_past(NO_FUNDS, 31, 19, 16, 11)) is None


@pytest.mark.parametrize("code", ["stolen_card", "lost_card", "do_not_try_again", "expired_card", "merchant_blacklist"])
def test_a_card_that_no_bank_will_take_again_is_never_charged_again(code: str) -> None:
    assert _says(_past(code, 900)) == (code, Status.REJECTED, None)


@pytest.mark.parametrize(
    ("code", "may_be_charged"),
    [
        (NO_FUNDS, True),
        ("authentication_required", True),
        ("expired_card", True),
        ("merchant_blacklist", True),
        ("stolen_card", False),
        ("do_not_try_again", False),
    ],
)
@pytest.mark.parametrize("is_own", [True, False])
def test_a_person_may_have_a_card_tried_again_unless_no_bank_ever_takes_it(
    code: str, *, may_be_charged: bool, is_own: bool
) -> None:
    lifted = CardRefusal(code, DAY / 4, is_own, is_lifted=True)
    assert (may_not_be_charged([lifted] * 4) is None) == may_be_charged
    assert (may_not_be_charged([lifted] * 15) is None) is False


def test_what_was_refused_for_good_is_not_asked_for_again_with_the_same_card() -> None:
    assert _says(_past("authentication_required", 40, is_own=True)) == (
        "authentication_required", Status.REJECTED, None
    )  # fmt: skip
    assert _says(_past("authentication_required", 40)) is None


def test_card_schemes_allow_fifteen_tries_in_thirty_days() -> None:
    ages = [20 - n / 24 for n in range(15)]
    assert _says(_past(BUSY, *ages[:14])) is None
    assert _says(_past(BUSY, *ages)) == (ReasonCode.CARD_LIMIT, Status.WAITING, 10 * DAY)


@pytest.mark.parametrize("code", ["rate_limit", "invalid_api_key", "missing_payment_method", "amount_too_small", "new"])
def test_what_is_not_about_the_card_does_not_count(code: str) -> None:
    assert _says(_past(code, *[0.1] * 20, is_own=True)) is None
    assert tries_without_funds(_past(code, 0.1)) == 0


@given(st.lists(st.sampled_from([NO_FUNDS, BUSY, "do_not_honor", "call_issuer"]), max_size=400), st.floats(0.01, 3))
def test_no_card_is_tried_more_often_than_the_schemes_allow(codes: list[str], step_days: float) -> None:
    """Whoever tries a card whenever it may be, every so often, for whatever it is refused."""
    tried: list[tuple[float, str]] = []
    for number, code in enumerate(codes):
        now_days = number * step_days
        past = [CardRefusal(each, (now_days - at) * DAY) for at, each in tried]
        if may_not_be_charged(past) is None:
            tried.append((now_days, code))
    for at, _ in tried:
        assert sum(at - 30 < other <= at for other, _ in tried) <= 15
        assert sum(at - 30 < other <= at and code in (NO_FUNDS, "do_not_honor") for other, code in tried) <= 4
