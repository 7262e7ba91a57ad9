"""A person says what became of an instruction that stays unknown; Stripe is asked all the same."""

from typing import Any
from uuid import uuid4

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, OtherAnswer
from payouts_pipeline.workflow import operator_actions
from payouts_tests.support.cases import HOUR, Case
from payouts_tests.support.ledger_steps import fingerprint, pass_time, violations

CHARGE = BillingType.PLAYER_CHARGE
PAYOUT = BillingType.CLUB_PAYOUT
KINDS = {CHARGE: "charge", PAYOUT: "transfer"}
DAY_AND_MORE = 25 * HOUR


def _unknown(case: Case, kind: BillingType) -> str:
    """An instruction whose only call never reached Stripe, and nobody knows that; its id."""
    case.open(kind)
    case.fails(FaultKind.DROP_BEFORE)
    case.deliver()
    return _id(case, kind)


def _id(case: Case, kind: BillingType) -> str:
    [(found,)] = case.ledger.execute("select id from payouts.instructions where billing_type = %s", (kind,)).fetchall()
    return str(found)


def _by_hand(case: Case, kind: BillingType, **other: Any) -> str:
    """What somebody moved in Stripe's dashboard for the same; its id."""
    services = case.stripe.sdk().v1
    common: Any = {"amount": 1_000, "currency": "eur"}
    if kind == PAYOUT:
        transfer: Any = {**common, "destination": f"acct_{case.club}", **other}
        return services.transfers.create(transfer).id
    charge: Any = {**common, "customer": f"cus_{case.player}", "payment_method": f"pm_visa_{case.player}", **other}
    charge |= {"confirm": True, "off_session": True}
    charge |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    return services.payment_intents.create(charge).id


def _silent(case: Case) -> None:
    """Whoever asks Stripe what it has gets no answer of Stripe's."""
    case.answers_with(OtherAnswer.foreign(403, "no"), "GET", acted=False, times=1_000)


def _resolve(case: Case, kind: BillingType, reference: str | None) -> str:
    number: Any = _id(case, kind)
    operator_actions.judge(case.ledger, number, reference, "cli ada", "seen in the dashboard")
    case.worker.settle([number])
    return case.status(kind)


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_a_person_names_settles_the_instruction(case: Case, kind: BillingType) -> None:
    _unknown(case, kind)
    reference = _by_hand(case, kind)
    assert _resolve(case, kind, reference) == "settled"
    case.materialise()
    [(found,)] = case.ledger.execute(
        "select provider_reference from payouts.instructions where billing_type = %s", (kind,)
    ).fetchall()
    moved = [row.payment_intent or row.id for row in case.stripe.admin.journal() if row.kind == KINDS[kind]]
    assert (found, moved) == (reference, [reference])
    assert violations(case.ledger) == {}


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"amount": 999}, id="another amount"),
        pytest.param({"currency": "usd"}, id="another currency"),
        pytest.param({"metadata": {"instruction_id": str(uuid4())}}, id="another instruction"),
    ],
)
def test_what_is_not_the_payment_settles_nothing(case: Case, kind: BillingType, other: dict[str, Any]) -> None:
    case.stripe.admin.set_balance({"eur": 100_000, "usd": 100_000})
    _unknown(case, kind)
    reference = _by_hand(case, kind, **other)
    assert _resolve(case, kind, reference) == "unknown"
    assert reference in case.stands(kind)[1]


@pytest.mark.parametrize(("kind", "reference"), [(CHARGE, "pi_none"), (PAYOUT, "tr_none")])
def test_what_stripe_does_not_have_settles_nothing_and_keeps_anything_from_being_sent(
    case: Case, kind: BillingType, reference: str
) -> None:
    _unknown(case, kind)
    posts = case.posts(kind)
    assert _resolve(case, kind, reference) == "unknown"
    for _ in range(3):
        case.pass_time(DAY_AND_MORE)
        case.materialise()
    assert (case.status(kind), case.posts(kind)) == ("unknown", posts)
    assert _resolve(case, kind, None) == "waiting"


def test_what_another_instruction_was_settled_by_is_not_taken(case: Case) -> None:
    _unknown(case, PAYOUT)
    [(charge,)] = case.ledger.execute(
        "select provider_reference from payouts.instructions where billing_type = 'player_charge'"
    ).fetchall()
    before = fingerprint(case.ledger)
    with pytest.raises(PayoutsError, match="belongs to another instruction"):
        _resolve(case, PAYOUT, charge)
    assert fingerprint(case.ledger) == before


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_stripe_never_says_is_sent_anew_once_a_person_says_that_nothing_moved(
    case: Case, kind: BillingType
) -> None:
    _unknown(case, kind)
    _silent(case)
    assert _resolve(case, kind, None) == "unknown"
    case.pass_time(DAY_AND_MORE)
    assert _resolve(case, kind, None) == "waiting"
    case.stripe.admin.clear_faults()
    case.materialise()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)
    assert violations(case.ledger) == {}


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_stripe_says_counts_more_than_the_person(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.DROP_AFTER)
    case.deliver()
    assert case.status(kind) == "unknown"
    case.pass_time(DAY_AND_MORE)
    assert _resolve(case, kind, None) == "settled"
    assert case.movements(kind) == 1


def test_a_payment_in_progress_is_waited_for_whatever_a_person_says(case: Case) -> None:
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.materialise()
    [intent] = case.stripe.sdk().v1.payment_intents.list({"limit": 100}).data
    case.stripe.admin.pay(intent.id, "pm_sepaDebit_success")
    # For us alone: at Stripe the payment is still in progress.
    pass_time(case.ledger, 25)
    case.materialise()
    assert case.status(CHARGE) == "unknown"
    assert _resolve(case, CHARGE, None) == "unknown"
    assert case.posts(CHARGE) == 1


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_a_movement_that_is_not_its_own_is_left_out_once_a_person_has_said_so(case: Case, kind: BillingType) -> None:
    number = _unknown(case, kind)
    other = _by_hand(case, kind, amount=700, metadata={"instruction_id": number}, transfer_group=number)
    case.pass_time(DAY_AND_MORE)
    case.deliver()
    status, reason = case.stands(kind)
    assert (status, other in reason) == ("unknown", True)
    assert _resolve(case, kind, None) == "waiting"
    case.materialise()
    assert case.status(kind) == "settled"
    assert case.posts(kind) == 3


@pytest.mark.parametrize("reference", ["pi_1", None])
def test_only_what_is_unknown_can_be_resolved(case: Case, reference: str | None) -> None:
    case.materialise()
    before = fingerprint(case.ledger)
    with pytest.raises(PayoutsError, match="is settled, so there is nothing to judge"):
        _resolve(case, CHARGE, reference)
    assert fingerprint(case.ledger) == before
