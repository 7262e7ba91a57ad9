"""What becomes of an attempt after its call: paid late, refused days later, or never there at all.

Rule of money 11: before another attempt Stripe is asked about the earlier ones. What was paid meanwhile settles the
instruction, and what could still be paid is cancelled at Stripe first.
"""

from typing import Any

import pytest

from payouts_pipeline.domain.billing import BillingSubject, BillingType, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import AccountBehaviour, CustomerSeed, FaultKind, OtherAnswer
from payouts_pipeline.reports.reconciliation import reconcile
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.workflow import operator_actions
from payouts_tests.support.cases import HOUR, Case
from payouts_tests.support.emulated_stripe import API_KEY

CHARGE = BillingType.PLAYER_CHARGE
PAYOUT = BillingType.CLUB_PAYOUT
DAY_AND_MORE = 25 * HOUR


def _intents(case: Case) -> list[tuple[str, str]]:
    """Id and status of all payment intents, the oldest first."""
    listed = case.stripe.sdk().v1.payment_intents.list({"limit": 100}).data
    return [(intent.id, intent.status) for intent in reversed(listed)]


def _pay_by_debit(case: Case, name: str) -> None:
    seed = CustomerSeed(id=f"cus_{case.player}", default_payment_method="pm_debit", card=f"pm_sepaDebit_{name}")
    case.stripe.admin.put_customers([seed])
    case.league.set("players", case.player, stripe_payment_method_id="pm_debit")


# Paid after it was refused.


@pytest.mark.parametrize("card", ["chargeDeclinedInsufficientFunds", "authenticationRequired"])
def test_a_refused_charge_that_is_paid_late_is_settled_and_not_charged_again(case: Case, card: str) -> None:
    case.pay_with(card)
    case.materialise()
    [(intent, status)] = _intents(case)
    assert status == "requires_payment_method"
    case.stripe.admin.pay(intent, "pm_card_visa")

    case.pay_with("mastercard")
    case.pass_time(DAY_AND_MORE)
    case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE), case.movements(CHARGE)) == ("settled", 1, 1)
    assert case.status(PAYOUT) == "settled"
    assert case.ledger.execute(
        "select provider_reference from payouts.instructions where billing_type = 'player_charge'"
    ).fetchall() == [(intent,)]


def test_the_customer_of_an_earlier_attempt_may_be_the_one_who_has_paid(case: Case) -> None:
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.materialise()
    [(intent, _)] = _intents(case)
    case.stripe.admin.put_customers([CustomerSeed(id="cus_new", default_payment_method="pm_new", card="pm_card_visa")])
    case.league.set("players", case.player, stripe_customer_id="cus_new", stripe_payment_method_id="pm_new")
    case.stripe.admin.pay(intent, "pm_card_visa")
    case.materialise()
    assert (case.status(CHARGE), case.movements(CHARGE)) == ("settled", 1)
    assert reconcile(case.ledger, StripeClient(API_KEY, case.stripe.url), None) == []


def test_nobody_can_pay_an_earlier_intent_once_another_attempt_is_made(case: Case) -> None:
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.materialise()
    case.pass_time(DAY_AND_MORE)
    case.pay_with("mastercard")
    case.materialise()
    (first, first_status), (_, last_status) = _intents(case)
    assert (first_status, last_status, case.status(CHARGE)) == ("canceled", "succeeded", "settled")
    with pytest.raises(PayoutsError):
        case.stripe.admin.pay(first, "pm_card_visa")


def test_a_late_payment_that_is_processing_is_waited_for(case: Case) -> None:
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.materialise()
    case.stripe.admin.pay(_intents(case)[0][0], "pm_sepaDebit_success")
    case.pay_with("mastercard")
    case.materialise()
    status, reason = case.stands(CHARGE)
    assert (status, case.posts(CHARGE)) == ("unknown", 1)
    assert "processing" in reason

    for _ in range(5):
        case.pass_time(DAY_AND_MORE)
        case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE), case.movements(CHARGE)) == ("settled", 1, 1)


@pytest.mark.parametrize("answer", [OtherAnswer.foreign(403, "no"), OtherAnswer.foreign(200)], ids=["403", "200"])
def test_what_stripe_does_not_cancel_keeps_the_next_attempt_from_being_sent(case: Case, answer: OtherAnswer) -> None:
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.materialise()
    [(intent, _)] = _intents(case)
    case.pay_with("mastercard")
    case.answers_with(answer, acted=False, path_prefix=f"/v1/payment_intents/{intent}/cancel")
    case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("unknown", 1)

    case.pass_time(HOUR)
    case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE), case.movements(CHARGE)) == ("settled", 2, 1)


def test_a_refused_payout_is_asked_about_before_it_is_sent_again(case: Case) -> None:
    case.stripe.admin.set_balance({"eur": -100_000})
    case.materialise()
    assert case.status(PAYOUT) == "waiting"
    [instruction_id] = case.ledger.execute(
        "select id::text from payouts.instructions where billing_type = 'club_payout'"
    ).fetchall()
    case.stripe.admin.set_balance({"eur": 100_000})
    moved: Any = {"amount": 1_000, "currency": "eur", "destination": f"acct_{case.club}"}
    moved |= {"transfer_group": instruction_id[0], "metadata": {"instruction_id": instruction_id[0]}}
    case.stripe.sdk().v1.transfers.create(moved)
    posts = case.posts(PAYOUT)
    case.pass_time(2 * HOUR)
    case.materialise()
    assert (case.status(PAYOUT), case.posts(PAYOUT)) == ("settled", posts)


# Refused days later.


def test_a_debit_that_fails_after_days_is_a_refusal_and_uses_up_a_try(case: Case) -> None:
    _pay_by_debit(case, "insufficientFunds")
    case.materialise()
    assert case.status(CHARGE) == "unknown"
    for _ in range(40):
        case.pass_time(DAY_AND_MORE)
        case.materialise()
    status, reason = case.stands(CHARGE)
    assert (status, case.posts(CHARGE), case.movements(CHARGE)) == ("rejected", 4, 0)
    assert "4 times" in reason
    assert case.attempts(CHARGE) == [(number, "refused") for number in (1, 2, 3, 4)]


def test_a_debit_that_fails_for_good_is_rejected_with_its_code(case: Case) -> None:
    _pay_by_debit(case, "debitNotAuthorized")
    case.materialise()
    for _ in range(5):
        case.pass_time(DAY_AND_MORE)
        case.materialise()
    status, reason = case.stands(CHARGE)
    assert (status, case.posts(CHARGE)) == ("rejected", 1)
    assert "the debit was not authorised" in reason


def test_a_debit_that_succeeds_after_days_is_settled(case: Case) -> None:
    _pay_by_debit(case, "success")
    case.materialise()
    for _ in range(5):
        case.pass_time(DAY_AND_MORE)
        case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE), case.movements(CHARGE)) == ("settled", 1, 1)


def test_a_refusal_whose_answer_was_lost_is_found(case: Case) -> None:
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.open(CHARGE)
    case.fails(FaultKind.DROP_AFTER)
    case.deliver()
    assert case.status(CHARGE) == "unknown"
    case.pass_time(DAY_AND_MORE)
    case.deliver()
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("waiting", 1)
    assert case.attempts(CHARGE) == [(1, "refused")]


# Never there at all.


def _absent_payout(case: Case) -> None:
    case.open(PAYOUT)
    case.fails(FaultKind.DROP_BEFORE)
    case.deliver()
    case.pass_time(DAY_AND_MORE)


def test_what_is_sent_anew_goes_to_the_account_of_today(case: Case) -> None:
    _absent_payout(case)
    case.receive_at("acct_new", AccountBehaviour.RECEIVES)
    case.deliver()
    assert case.status(PAYOUT) == "waiting"
    case.materialise()
    assert case.status(PAYOUT) == "settled"
    assert [row.destination for row in case.stripe.admin.journal() if row.kind == "transfer"] == ["acct_new"]


def test_what_would_be_sent_anew_is_held_by_a_hold(case: Case) -> None:
    _absent_payout(case)
    operator_actions.hold(case.ledger, case.source, Payee(BillingSubject.CLUB, case.club), "cli ada", "fraud")
    case.materialise()
    case.materialise()
    assert (case.status(PAYOUT), case.movements(PAYOUT)) == ("held", 0)
