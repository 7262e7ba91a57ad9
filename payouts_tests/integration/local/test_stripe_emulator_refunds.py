"""Refunds: how much, in which state, what they leave behind, and that each moves money once."""

from typing import Any

import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule
from payouts_tests.support.emulated_stripe import (
    EmulatedStripe,
    charge,
    check_balance,
    error_of,
    event_types,
    transactions,
)


def refund(api: stripe.StripeClient, key: str | None = None, **params: Any) -> stripe.Refund:
    given: Any = params
    return api.v1.refunds.create(given, {"idempotency_key": key} if key else {})


def charge_of(api: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.Charge:
    return api.v1.charges.retrieve(str(intent.latest_charge))


def test_a_charge_is_refunded_in_parts_and_never_above_what_is_left(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    paid = charge(api, 2000, metadata={"instruction_id": "i-1"}, transfer_group="i-1")
    before = emulator.admin.available_balance()["aud"]

    first = refund(api, payment_intent=paid.id, amount=500, reason="requested_by_customer", metadata={"refund": "r-1"})

    assert (first.amount, first.status, first.currency, first.charge) == (500, "succeeded", "aud", paid.latest_charge)
    assert (charge_of(api, paid).amount_refunded, charge_of(api, paid).refunded) == (500, False)
    with pytest.raises(
        stripe.InvalidRequestError, match=r"Refund amount \(\$15.01\) is greater than unrefunded"
    ) as over:
        refund(api, charge=paid.latest_charge, amount=1501)
    assert (over.value.code, error_of(over).param) == (None, "amount")
    second = refund(api, charge=paid.latest_charge)
    assert (second.amount, second.payment_intent) == (1500, paid.id)
    assert (charge_of(api, paid).amount_refunded, charge_of(api, paid).refunded) == (2000, True)
    with pytest.raises(stripe.InvalidRequestError, match="has already been refunded") as again:
        refund(api, charge=paid.latest_charge)
    assert again.value.code == "charge_already_refunded"
    assert emulator.admin.available_balance()["aud"] == before - 2000
    _, *rows = emulator.admin.journal()
    assert [(row.kind, row.amount, row.id, row.source) for row in rows] == [
        ("refund", 500, first.id, paid.latest_charge),
        ("refund", 1500, second.id, paid.latest_charge),
    ]
    assert (rows[0].metadata, rows[0].customer, rows[0].transfer_group) == ({"refund": "r-1"}, "cus_payer", "i-1")
    check_balance(api)


def test_a_refund_has_a_balance_transaction_without_a_fee_and_is_listed(api: stripe.StripeClient) -> None:
    paid, other = charge(api, 2000), charge(api, 3000)
    made = [refund(api, charge=each.latest_charge) for each in (paid, other)]

    [entry] = transactions(api, type="refund", source=made[0].id)
    assert (entry.amount, entry.fee, entry.net, entry.reporting_category) == (-2000, 0, -2000, "refund")
    assert made[0].balance_transaction == entry.id
    assert [each.id for each in api.v1.refunds.list().data] == [made[1].id, made[0].id]
    assert [each.id for each in api.v1.refunds.list({"charge": str(paid.latest_charge)}).data] == [made[0].id]
    assert [each.id for each in api.v1.refunds.list({"payment_intent": other.id}).data] == [made[1].id]
    found = api.v1.refunds.retrieve(made[0].id, {"expand": ["charge", "balance_transaction"]})
    assert isinstance(found.charge, stripe.Charge)
    assert isinstance(found.balance_transaction, stripe.BalanceTransaction)
    renamed = api.v1.refunds.update(made[0].id, {"metadata": {"why": "typo"}})
    assert renamed.metadata is not None
    assert renamed.metadata.to_dict() == {"why": "typo"}


def test_what_was_not_paid_is_not_refunded(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    with pytest.raises(stripe.CardError) as declined:
        charge(api, payment_method="pm_card_chargeDeclined")
    error = error_of(declined)
    assert error.payment_intent is not None

    for named in ({"payment_intent": error.payment_intent.id}, {"charge": error.charge}, {"charge": "ch_none"}, {}):
        with pytest.raises(stripe.InvalidRequestError):
            refund(api, **named)
    assert emulator.admin.journal() == []


@pytest.mark.parametrize("method", ["pm_card_pendingRefund", "pm_usBankAccount_success"])
def test_a_refund_is_pending_until_the_bank_has_answered(
    api: stripe.StripeClient, emulator: EmulatedStripe, method: str
) -> None:
    types: Any = {} if method.startswith("pm_card") else {"payment_method_types": ["us_bank_account"]}
    paid = charge(api, 2000, "usd", payment_method=method, **types)
    if paid.status == "processing":
        emulator.admin.end_payment(paid.id)
    made = refund(api, payment_intent=paid.id)
    assert (made.status, made.pending_reason) == ("pending", "processing")
    [entry] = transactions(api, source=made.id)
    assert entry.type == ("refund" if method.startswith("pm_card") else "payment_refund")

    ended = emulator.admin.end_refund(made.id)

    assert (ended["status"], ended["pending_reason"]) == ("succeeded", None)
    with pytest.raises(PayoutsError, match="is succeeded, not pending"):
        emulator.admin.end_refund(made.id)
    assert event_types(api)[-2:] == ["refund.updated", "charge.refund.updated"]
    check_balance(api)


def test_a_refund_that_fails_gives_the_money_back(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    paid = charge(api, 2000)
    before = emulator.admin.available_balance()
    made = refund(api, charge=paid.latest_charge, amount=800)
    emulator.admin.advance_clock(5 * 24 * 60 * 60)

    emulator.admin.end_refund(made.id, "lost_or_stolen_card")

    failed = api.v1.refunds.retrieve(made.id)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    returned = api.v1.balance_transactions.retrieve(str(failed.failure_balance_transaction))
    assert (returned.type, returned.amount, returned.source) == ("refund_failure", 800, made.id)
    assert (charge_of(api, paid).amount_refunded, charge_of(api, paid).refunded) == (0, False)
    assert emulator.admin.available_balance() == before
    assert [row.kind for row in emulator.admin.journal()] == ["charge", "refund", "refund_failure"]
    assert "refund.failed" in event_types(api)
    assert refund(api, charge=paid.latest_charge).amount == 2000
    check_balance(api)


@pytest.mark.parametrize("kind", [FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER, FaultKind.DROP_DURING])
def test_a_lost_answer_and_its_retry_refund_once(
    api: stripe.StripeClient, emulator: EmulatedStripe, kind: FaultKind
) -> None:
    paid = charge(api, 2000, metadata={"instruction_id": "i-1"})
    lost = FaultRule(kind=kind, path_prefix="/v1/refunds", instruction_id="r-1", times=1)
    emulator.admin.add_faults(lost)
    order = {"charge": paid.latest_charge, "amount": 700, "metadata": {"instruction_id": "r-1"}}
    with pytest.raises(stripe.APIConnectionError):
        refund(api, key="k-1", **order)

    made = refund(api, key="k-1", **order)

    assert refund(api, key="k-1", **order).id == made.id
    assert [row.id for row in emulator.admin.journal() if row.kind == "refund"] == [made.id]
    assert charge_of(api, paid).amount_refunded == 700


def test_a_stored_500_may_have_refunded(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    paid = charge(api, 2000)
    emulator.admin.add_faults(
        FaultRule(kind=FaultKind.STORED_500, path_prefix="/v1/refunds", method="POST", acted=True, times=1)
    )
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            refund(api, key="k-1", charge=paid.latest_charge)

    [made] = api.v1.refunds.list({"payment_intent": paid.id}).data
    assert (made.amount, made.status) == (2000, "succeeded")
