"""What becomes of a charge and of a payout when the provider's answer is missing, late, or a refusal.

Each test is one line of issue 3, Behaviour 2 and 3: the fault, and then status, reason, calls and movements.
"""

import time
from datetime import timedelta

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.local.stripe_emulator.admin import AccountBehaviour, CustomerSeed, FaultKind
from payouts_pipeline.settlement.stripe_answers import Succeeded
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_tests.support.cases import DAY, HOUR, POSTS, TIMEOUT_S, Case
from payouts_tests.support.emulated_stripe import API_KEY
from payouts_tests.support.ledger_steps import LEASE_S, claim, ids, pass_time

KINDS = pytest.mark.parametrize("kind", list(POSTS))


# No answer.


@KINDS
@pytest.mark.parametrize("fault", [FaultKind.DROP_BEFORE, FaultKind.ERROR_500, FaultKind.CONFLICT_409])
def test_what_did_not_reach_the_provider_is_unknown_and_the_same_attempt_is_repeated(
    case: Case, kind: BillingType, fault: FaultKind
) -> None:
    case.open(kind)
    case.fails(fault)
    case.deliver()
    status, reason = case.stands(kind)
    assert (status, case.movements(kind)) == ("unknown", 0)
    assert "not known whether the money moved" in reason

    case.pass_time(HOUR)
    case.deliver()
    assert case.status(kind) == "settled"
    assert (case.movements(kind), case.posts(kind)) == (1, 2)
    assert case.attempts(kind) == [(1, "settled")]


@KINDS
@pytest.mark.parametrize("fault", [FaultKind.DROP_AFTER, FaultKind.DROP_DURING])
def test_an_answer_that_was_lost_is_found_by_asking(case: Case, kind: BillingType, fault: FaultKind) -> None:
    case.open(kind)
    case.fails(fault)
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("unknown", 1)

    case.pass_time(HOUR)
    case.deliver()
    assert case.status(kind) == "settled"
    assert (case.movements(kind), case.posts(kind)) == (1, 1)


@KINDS
def test_a_call_that_takes_effect_after_we_gave_up_is_found_by_asking(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.SLOW, delay_s=TIMEOUT_S + 0.3)
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("unknown", 0)

    time.sleep(TIMEOUT_S + 0.3)
    assert case.movements(kind) == 1
    case.pass_time(HOUR)
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)


@KINDS
def test_a_stored_500_that_moved_the_money_is_found_by_asking(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.STORED_500, acted=True)
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("unknown", 1)

    case.pass_time(HOUR)
    case.deliver()
    assert case.status(kind) == "settled"
    assert (case.movements(kind), case.posts(kind)) == (1, 1)


@KINDS
def test_a_stored_500_that_moved_nothing_is_sent_anew_once_its_key_is_old(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.STORED_500, acted=False)
    case.deliver()
    case.pass_time(2 * HOUR)
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("unknown", 0)

    case.pass_time(25 * HOUR)
    case.deliver()
    assert case.stands(kind) == ("waiting", "the last attempt never reached Stripe: it is sent anew")
    case.materialise()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)
    assert case.attempts(kind) == [(1, "absent"), (2, "settled")]


@KINDS
def test_what_moved_is_found_after_the_provider_has_forgotten_the_key(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.DROP_AFTER)
    case.deliver()
    case.pass_time(72 * HOUR)
    case.deliver()
    assert case.status(kind) == "settled"
    assert (case.movements(kind), case.posts(kind)) == (1, 1)


@KINDS
def test_what_can_not_be_asked_for_stays_unknown_and_is_not_sent(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.DROP_AFTER)
    case.fails(FaultKind.ERROR_500, method="GET", times=100)
    case.deliver()
    for _ in range(3):
        case.pass_time(25 * HOUR)
        case.deliver()
    status, reason = case.stands(kind)
    assert (status, case.movements(kind), case.posts(kind)) == ("unknown", 1, 1)
    assert "not known whether the money moved" in reason


@KINDS
def test_an_unknown_outcome_is_not_asked_for_before_its_time(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.DROP_BEFORE)
    case.deliver()
    before = case.calls()
    case.deliver()
    assert (case.calls(), case.status(kind)) == (before, "unknown")


@KINDS
def test_the_call_of_a_killed_worker_is_asked_for_once_its_lease_is_over(case: Case, kind: BillingType) -> None:
    case.open(kind)
    provider = StripeClient(API_KEY, case.stripe.url, timeout_s=TIMEOUT_S)
    for attempt in claim(case.ledger, ids(case.ledger, DAY), LEASE_S):
        provider.send(attempt, time.time() + LEASE_S)
    before = case.calls()
    case.deliver()
    assert (case.status(kind), case.calls()) == ("sending", before), "it may be alive"

    case.pass_time(HOUR)
    case.deliver()
    assert case.status(kind) == "settled"
    assert (case.movements(kind), case.posts(kind)) == (1, 1)


@KINDS
def test_an_attempt_that_two_workers_send_moves_the_money_once(case: Case, kind: BillingType) -> None:
    case.open(kind)
    provider = StripeClient(API_KEY, case.stripe.url, timeout_s=TIMEOUT_S)
    (attempt,) = claim(case.ledger, ids(case.ledger, DAY), LEASE_S)
    answers = [provider.send(attempt, time.time() + LEASE_S) for _ in range(2)]
    assert len({answer.reference for answer in answers if isinstance(answer, Succeeded)}) == 1
    assert (case.movements(kind), case.posts(kind)) == (1, 2)


@KINDS
def test_a_worker_that_was_killed_before_its_call_costs_nothing_but_time(case: Case, kind: BillingType) -> None:
    case.open(kind)
    claim(case.ledger, ids(case.ledger, DAY), LEASE_S)
    case.pass_time(HOUR)
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)
    assert case.attempts(kind) == [(1, "settled")]


@KINDS
def test_a_rate_limit_does_not_end_an_attempt_that_may_still_take_effect(case: Case, kind: BillingType) -> None:
    """The limit turned away the repeat, not the call before it, which is still under way."""
    case.open(kind)
    case.fails(FaultKind.SLOW, delay_s=TIMEOUT_S + 0.8)
    case.deliver()
    pass_time(case.ledger, 1 / 60)
    case.fails(FaultKind.RATE_LIMIT_429, times=4)
    case.deliver()
    time.sleep(TIMEOUT_S + 0.8)
    case.stripe.admin.clear_faults()
    case.pass_time(2 * HOUR)
    case.materialise()
    case.materialise()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)


# Refusals.


@pytest.mark.parametrize(
    ("card", "status", "words"),
    [
        ("chargeDeclinedInsufficientFunds", "waiting", "does not have enough funds; it is tried again after a day"),
        ("chargeDeclined", "waiting", "declined without a reason; it is tried again after a day"),
        ("chargeDeclinedVelocityLimitExceeded", "waiting", "over its limit; it is tried again after a day"),
        ("chargeDeclinedProcessingError", "waiting", "could not be processed for now"),
        ("authenticationRequired", "rejected", "the payer must authenticate"),
        ("chargeDeclinedExpiredCard", "rejected", "expired"),
        ("chargeDeclinedStolenCard", "rejected", "stolen"),
        ("chargeDeclinedLostCard", "rejected", "lost"),
    ],
)
def test_a_card_that_is_declined(case: Case, card: str, status: str, words: str) -> None:
    case.pay_with(card)
    case.materialise()
    stands, reason = case.stands(BillingType.PLAYER_CHARGE)
    assert stands == status
    assert words in reason
    assert case.movements(BillingType.PLAYER_CHARGE) == 0

    calls = case.calls()
    case.materialise()
    assert case.calls() == calls, "before its time, and with nothing changed, it makes no call"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (AccountBehaviour.CLOSED, "account"),
        (AccountBehaviour.NO_TRANSFERS, "can't receive transfers"),
        (None, "does not know"),
    ],
)
def test_an_account_that_can_not_be_paid(case: Case, behaviour: AccountBehaviour | None, words: str) -> None:
    case.receive_at("acct_other", behaviour)
    case.materialise()
    status, reason = case.stands(BillingType.CLUB_PAYOUT)
    assert status == "rejected"
    assert words in reason

    case.receive_at("acct_new", AccountBehaviour.RECEIVES)
    case.materialise()
    assert (case.status(BillingType.CLUB_PAYOUT), case.movements(BillingType.CLUB_PAYOUT)) == ("settled", 1)


@KINDS
@pytest.mark.parametrize(("code", "words"), [(None, "rate limit"), ("lock_timeout", "busy")])
def test_a_rate_limit_waits_for_an_hour(case: Case, kind: BillingType, code: str | None, words: str) -> None:
    case.open(kind)
    case.fails(FaultKind.RATE_LIMIT_429, times=4, code=code)
    case.deliver()
    status, reason = case.stands(kind)
    assert (status, case.movements(kind)) == ("waiting", 0)
    assert words in reason

    case.stripe.admin.clear_faults()
    case.pass_time(HOUR * 0.9)
    case.materialise()
    assert case.status(kind) == "waiting"
    case.pass_time(HOUR * 0.2)
    case.materialise()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)
    assert case.attempts(kind) == [(1, "refused"), (2, "settled")]


def test_a_payout_waits_for_our_balance_and_takes_a_new_key(case: Case) -> None:
    case.stripe.admin.set_balance({"eur": -100_000})
    case.materialise()
    status, reason = case.stands(BillingType.CLUB_PAYOUT)
    assert status == "waiting"
    assert "our balance at Stripe does not cover it yet" in reason

    case.stripe.admin.set_balance({"eur": 100_000})
    case.pass_time(HOUR + timedelta(seconds=1))
    case.materialise()
    assert (case.status(BillingType.CLUB_PAYOUT), case.movements(BillingType.CLUB_PAYOUT)) == ("settled", 1)
    assert case.attempts(BillingType.CLUB_PAYOUT) == [(1, "refused"), (2, "settled")]


def test_a_card_without_funds_is_tried_after_one_three_and_five_days_and_then_no_more(case: Case) -> None:
    kind = BillingType.PLAYER_CHARGE
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.materialise()
    for tries, days in enumerate((1, 3, 5), start=1):
        case.pass_time(timedelta(days=days) - HOUR)
        case.materialise()
        assert (case.status(kind), case.posts(kind)) == ("waiting", tries), f"{days} days are not over"
        case.pass_time(HOUR + timedelta(seconds=1))
        case.materialise()
        assert case.posts(kind) == tries + 1
    status, reason = case.stands(kind)
    assert (status, case.movements(kind)) == ("rejected", 0)
    assert "4 times: the player needs another" in reason

    case.pass_time(timedelta(days=30))
    case.materialise()
    assert case.posts(kind) == 4


def test_a_card_that_has_funds_again_pays_when_its_time_has_come(case: Case) -> None:
    case.fails(FaultKind.DECLINE, decline_code="insufficient_funds")
    case.materialise()
    case.pass_time(timedelta(days=1, seconds=1))
    case.materialise()
    assert (case.status(BillingType.PLAYER_CHARGE), case.status(BillingType.CLUB_PAYOUT)) == ("settled", "settled")
    assert len(case.stripe.admin.journal()) == 2


@pytest.mark.parametrize("card", ["chargeDeclinedInsufficientFunds", "chargeDeclinedStolenCard"])
def test_a_new_card_goes_on_at_once(case: Case, card: str) -> None:
    case.pay_with(card)
    case.materialise()
    case.pay_with("mastercard")
    case.materialise()
    assert case.status(BillingType.PLAYER_CHARGE) == "settled"
    assert case.attempts(BillingType.PLAYER_CHARGE) == [(1, "refused"), (2, "settled")]
    assert case.movements(BillingType.PLAYER_CHARGE) == 1


def test_a_player_without_a_card_is_charged_once_there_is_one(case: Case) -> None:
    case.stripe.admin.put_customers([CustomerSeed(id=f"cus_{case.player}")])
    case.league.set("players", case.player, stripe_payment_method_id=None)
    case.materialise()
    assert case.stands(BillingType.PLAYER_CHARGE) == ("rejected", "the player has no payment method at Stripe")
    assert case.movements(BillingType.PLAYER_CHARGE) == 0

    case.pay_with("visa")
    case.materialise()
    assert (case.status(BillingType.PLAYER_CHARGE), case.movements(BillingType.PLAYER_CHARGE)) == ("settled", 1)
