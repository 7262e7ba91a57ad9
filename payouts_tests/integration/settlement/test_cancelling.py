"""Before an instruction is cancelled after an attempt, Stripe is asked what became of it (rule of money 11)."""

from typing import Any

import pytest

from payouts_pipeline.domain.billing import BillingSubject, BillingType, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.instructions import days_due
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, OtherAnswer
from payouts_pipeline.workflow import operator_actions
from payouts_tests.support.cases import DAY, HOUR, Case
from payouts_tests.support.ledger_steps import book, ids, instructions, violations

CHARGE = BillingType.PLAYER_CHARGE
PAYOUT = BillingType.CLUB_PAYOUT
NO_FUNDS = "chargeDeclinedInsufficientFunds"


def _refused(case: Case, card: str = NO_FUNDS) -> str:
    """A charge that was refused; its payment intent."""
    case.pay_with(card)
    case.materialise()
    [intent] = _intents(case)
    return intent


def _intents(case: Case) -> dict[str, str]:
    """Status by id of all payment intents, the oldest first."""
    listed = case.stripe.sdk().v1.payment_intents.list({"limit": 100}).data
    return {intent.id: intent.status for intent in reversed(listed)}


def _cancel(case: Case, kind: BillingType = CHARGE) -> str:
    """Cancel the only open instruction of a kind; how it stands once a worker has looked at it."""
    [(instruction_id,)] = case.ledger.execute(
        "select id from payouts.instructions where billing_type = %s and status <> 'cancelled'", (kind,)
    ).fetchall()
    operator_actions.cancel(case.ledger, instruction_id, "cli ada", "wrong player")
    case.worker.settle([instruction_id])
    [(status,)] = case.ledger.execute("select status from payouts.instructions where id = %s", (instruction_id,))
    return str(status)


def _statuses(case: Case) -> list[tuple[str, int]]:
    return instructions(case.ledger, "player", case.player)


def test_what_was_never_sent_is_cancelled_at_once_and_without_a_call(case: Case) -> None:
    case.open(CHARGE)
    [instruction_id] = ids(case.ledger)
    assert operator_actions.cancel(case.ledger, instruction_id, "cli ada", "wrong player").status == "cancelled"
    assert case.calls() == 0


def test_nobody_can_pay_what_is_cancelled_any_more(case: Case) -> None:
    intent = _refused(case)
    assert _cancel(case) == "cancelled"
    assert _intents(case) == {intent: "canceled"}
    with pytest.raises(PayoutsError):
        case.stripe.admin.pay(intent, "pm_card_visa")
    assert violations(case.ledger) == {}


@pytest.mark.parametrize("card", [NO_FUNDS, "visa_chargeDeclinedStolenCard", "authenticationRequired"])
def test_what_was_paid_meanwhile_is_settled_and_not_cancelled(case: Case, card: str) -> None:
    case.stripe.admin.pay(_refused(case, card), "pm_card_visa")
    assert _cancel(case) == "settled"
    case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE), case.movements(CHARGE)) == ("settled", 1, 1)
    assert violations(case.ledger) == {}


def test_the_day_asks_for_what_is_due_once_it_is_cancelled(case: Case) -> None:
    _refused(case)
    assert _cancel(case) == "cancelled"
    case.pay_with("visa")
    case.materialise()
    assert [status for status, _ in _statuses(case)] == ["cancelled", "settled"]
    assert case.movements(CHARGE) == 1


def test_what_is_held_after_an_attempt_is_asked_about_as_well(case: Case) -> None:
    intent = _refused(case)
    operator_actions.hold(case.ledger, case.source, Payee(BillingSubject.PLAYER, case.player), "cli ada", "why")
    case.stripe.admin.pay(intent, "pm_card_visa")
    assert _cancel(case) == "settled"


def test_a_hold_does_not_keep_a_cancellation_from_being_carried_out(case: Case) -> None:
    intent = _refused(case)
    case.answers_with(OtherAnswer.foreign(502), "GET", acted=False)
    assert _cancel(case) == "unknown"
    operator_actions.hold(case.ledger, case.source, Payee(BillingSubject.PLAYER, case.player), "cli ada", "why")
    case.pass_time(HOUR)
    case.materialise()
    assert _statuses(case)[0][0] == "cancelled"
    assert _intents(case) == {intent: "canceled"}


def test_a_payment_in_progress_is_waited_for(case: Case) -> None:
    case.stripe.admin.pay(_refused(case), "pm_sepaDebit_success")
    assert _cancel(case) == "unknown"
    for _ in range(5):
        case.pass_time(25 * HOUR)
        case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE), case.movements(CHARGE)) == ("settled", 1, 1)


def test_a_payment_in_progress_that_fails_is_cancelled_after_all(case: Case) -> None:
    intent = _refused(case)
    case.stripe.admin.pay(intent, "pm_sepaDebit_insufficientFunds")
    assert _cancel(case) == "unknown"
    case.pay_with("visa")
    for _ in range(5):
        case.pass_time(25 * HOUR)
        case.materialise()
    assert [status for status, _ in _statuses(case)] == ["cancelled", "settled"]
    assert (_intents(case)[intent], case.movements(CHARGE)) == ("canceled", 1)


@pytest.mark.parametrize("method", ["GET", "POST"], ids=["asked", "cancelled"])
@pytest.mark.parametrize("fault", [FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER, FaultKind.ERROR_500])
def test_nothing_is_cancelled_while_stripe_does_not_answer(case: Case, method: str, fault: FaultKind) -> None:
    intent = _refused(case)
    case.fails(fault, method)
    assert _cancel(case) == "unknown"
    case.pass_time(HOUR)
    case.materialise()
    assert _statuses(case)[0][0] == "cancelled"
    assert _intents(case)[intent] == "canceled"


def test_a_payout_that_stripe_has_after_all_is_settled(case: Case) -> None:
    case.stripe.admin.set_balance({"eur": -100_000})
    case.materialise()
    assert case.status(PAYOUT) == "waiting"
    [(payout,)] = case.ledger.execute(
        "select id::text from payouts.instructions where billing_type = 'club_payout'"
    ).fetchall()
    case.stripe.admin.set_balance({"eur": 100_000})
    moved: Any = {"amount": 1_000, "currency": "eur", "destination": f"acct_{case.club}", "transfer_group": payout}
    moved["metadata"] = {"instruction_id": payout}
    case.stripe.sdk().v1.transfers.create(moved)
    assert _cancel(case, PAYOUT) == "settled"


# What a correction cancels.


def _lower(case: Case) -> None:
    """The fee is less than what the charge asks for."""
    case.ledger.execute("update league.fee_structures set fee_minor = fee_minor / 2")


def test_a_correction_asks_for_less_only_once_the_charge_is_cancelled_at_stripe(case: Case) -> None:
    intent = _refused(case)
    _lower(case)
    case.pay_with("visa")
    case.materialise()
    assert _intents(case) == {intent: "canceled"}
    case.materialise()
    assert [status for status, _ in _statuses(case)] == ["cancelled", "settled"]
    [whole, half] = [amount for _, amount in _statuses(case)]
    assert whole == 2 * half
    assert case.movements(CHARGE) == 1


def test_a_correction_does_not_cancel_what_was_paid_meanwhile(case: Case) -> None:
    case.stripe.admin.pay(_refused(case), "pm_card_visa")
    _lower(case)
    case.materialise()
    case.materialise()
    assert [status for status, _ in _statuses(case)] == ["settled"]
    assert (case.posts(CHARGE), case.movements(CHARGE)) == (1, 1)
    assert violations(case.ledger) == {}


def test_a_day_says_that_it_is_due_while_what_it_cancelled_has_no_successor(case: Case) -> None:
    _refused(case)
    _lower(case)
    book(case.ledger, case.source, DAY)
    case.deliver()
    case.pass_time(HOUR)
    assert set(days_due(case.ledger)) == {DAY}
    case.pay_with("visa")
    case.materialise()
    assert days_due(case.ledger) == {}
