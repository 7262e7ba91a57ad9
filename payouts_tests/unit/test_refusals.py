"""What a definite no of Stripe means: wait, another day, or for good."""

from datetime import timedelta

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.refusals import OUR_FAULT, Refusal, Verdict, judge


@pytest.mark.parametrize("code", ["balance_insufficient", "rate_limit", "lock_timeout", "processing_error"])
def test_what_is_refused_for_now_waits_an_hour_or_what_stripe_says(code: str) -> None:
    assert judge(Refusal(code), 1).status == Status.WAITING
    assert judge(Refusal(code), 99).retry_after == timedelta(hours=1)
    assert judge(Refusal(code, retry_after=timedelta(seconds=7)), 1).retry_after == timedelta(seconds=7)


def test_a_card_without_funds_is_tried_after_one_three_and_five_days_and_then_no_more() -> None:
    verdicts = [judge(Refusal("insufficient_funds"), attempt) for attempt in (1, 2, 3, 4, 9)]
    assert [v.retry_after.days if v.retry_after else None for v in verdicts] == [1, 3, 5, None, None]
    assert [v.status for v in verdicts] == [Status.WAITING] * 3 + [Status.REJECTED] * 2


@pytest.mark.parametrize(
    "code",
    ["authentication_required", "stolen_card", "expired_card", "account_closed", "account_invalid", "resource_missing",
     "a_code_that_nobody_knows"],
)  # fmt: skip
def test_what_needs_a_person_is_rejected(code: str) -> None:
    assert judge(Refusal(code), 1).status == Status.REJECTED


@pytest.mark.parametrize("code", sorted(OUR_FAULT))
def test_what_is_wrong_with_us_never_costs_a_player_the_card(code: str) -> None:
    assert judge(Refusal(code), 50) == Verdict(Status.WAITING, timedelta(hours=1))
    turned_away_unseen = Refusal(code, is_stored=False)
    assert judge(turned_away_unseen, 50) == Verdict(Status.WAITING, timedelta(minutes=1))


@pytest.mark.parametrize("code", ["rate_limit", "insufficient_funds", "stolen_card", "nonsense"])
@pytest.mark.parametrize("attempt", [1, 2, 3, 4, 5])
def test_only_waiting_has_a_time(code: str, attempt: int) -> None:
    verdict = judge(Refusal(code), attempt)
    assert (verdict.retry_after is not None) == (verdict.status == Status.WAITING)
