"""Disputes: what a bank takes back, and what comes again."""

import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_tests.support.emulated_stripe import EmulatedStripe, charge, check_balance, event_types, transactions


def available(emulator: EmulatedStripe) -> int:
    return emulator.admin.available_balance()["aud"]


def test_a_dispute_withdraws_amount_and_fee_and_stops_refunds(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    paid = charge(api, 5000, metadata={"instruction_id": "i-1"})
    before = available(emulator)

    opened = emulator.admin.open_dispute(str(paid.latest_charge), reason="unrecognized")

    [found] = api.v1.disputes.list({"payment_intent": paid.id}).data
    assert found.id == opened["id"] == api.v1.disputes.list({"charge": str(paid.latest_charge)}).data[0].id
    assert (found.amount, found.status, found.reason) == (5000, "needs_response", "unrecognized")
    [withdrawn] = found.balance_transactions
    assert (withdrawn.type, withdrawn.reporting_category) == ("adjustment", "dispute")
    assert (withdrawn.amount, withdrawn.fee, withdrawn.net) == (-5000, 1500, -6500)
    assert transactions(api, source=found.id)[0].id == withdrawn.id
    assert available(emulator) == before - 6500
    assert api.v1.charges.retrieve(str(paid.latest_charge)).disputed is True
    with pytest.raises(stripe.InvalidRequestError, match="has been charged back; cannot issue a refund") as refused:
        api.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"
    with pytest.raises(PayoutsError, match="cannot be disputed"):
        emulator.admin.open_dispute(str(paid.latest_charge))
    assert event_types(api)[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert [(row.kind, row.amount, row.source) for row in emulator.admin.journal()][1:] == [
        ("dispute", 5000, paid.latest_charge)
    ]
    check_balance(api)


@pytest.mark.parametrize("fee_returned", [0, 1500])
def test_a_dispute_that_is_won_brings_the_money_back(
    api: stripe.StripeClient, emulator: EmulatedStripe, fee_returned: int
) -> None:
    paid = charge(api, 5000)
    before = available(emulator)
    opened = emulator.admin.open_dispute(str(paid.latest_charge), amount=2000)

    emulator.admin.end_dispute(opened["id"], is_won=True, fee_returned_minor=fee_returned)

    won = api.v1.disputes.retrieve(opened["id"])
    returned = won.balance_transactions[1]
    assert (won.status, returned.amount, returned.reporting_category) == ("won", 2000, "dispute_reversal")
    assert available(emulator) == before - 1500 + fee_returned
    assert event_types(api)[-2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert [row.kind for row in emulator.admin.journal()] == ["charge", "dispute", "dispute_reversal"]
    assert api.v1.refunds.create({"payment_intent": paid.id}).status == "succeeded"
    check_balance(api)


@pytest.mark.parametrize("accepted", [True, False])
def test_a_dispute_that_is_lost_or_accepted_leaves_the_money_with_the_bank(
    api: stripe.StripeClient, emulator: EmulatedStripe, *, accepted: bool
) -> None:
    paid = charge(api, 5000)
    opened = emulator.admin.open_dispute(str(paid.latest_charge), fee_minor=0)
    before = available(emulator)

    if accepted:
        api.v1.disputes.close(opened["id"])
    else:
        emulator.admin.end_dispute(opened["id"], is_won=False)

    assert api.v1.disputes.retrieve(opened["id"]).status == "lost"
    assert available(emulator) == before
    assert event_types(api)[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        api.v1.disputes.close(opened["id"])
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        api.v1.refunds.create({"payment_intent": paid.id})
    check_balance(api)


def test_what_cannot_be_disputed(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    with pytest.raises(PayoutsError, match="There is no charge 'ch_none'"):
        emulator.admin.open_dispute("ch_none")
    with pytest.raises(PayoutsError, match="cannot be disputed"):
        emulator.admin.open_dispute(str(charge(api, 100).latest_charge), amount=101)
    with pytest.raises(ValueError, match="belongs to a dispute that is won"):
        emulator.admin.end_dispute("du_1", is_won=False, fee_returned_minor=1)
