"""Reversals of transfers: in parts, once, and only of what the account still has."""

from typing import Any

import pytest
import stripe

from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule
from payouts_tests.support.emulated_stripe import (
    EmulatedStripe,
    charge,
    check_balance,
    error_of,
    event_types,
    transactions,
    transfer,
)

DAY_S = 24 * 60 * 60


def reverse(
    api: stripe.StripeClient, of: stripe.Transfer, key: str | None = None, **params: Any
) -> stripe.TransferReversal:
    given: Any = params
    return api.v1.transfers.reversals.create(of.id, given, {"idempotency_key": key} if key else {})


def held(api: stripe.StripeClient, account: str = "acct_receives") -> dict[str, int]:
    balance = api.v1.balance.retrieve({}, {"stripe_account": account})
    return {each.currency: each.amount for each in balance.available}


def test_a_transfer_is_reversed_in_parts_and_never_above_what_is_left(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    made = transfer(api, 3000, metadata={"instruction_id": "i-2"}, transfer_group="i-2")
    assert held(api) == {"aud": 3000}

    first = reverse(api, made, amount=1000, metadata={"reversal": "x"})

    assert (first.object, first.amount, first.currency, first.transfer) == ("transfer_reversal", 1000, "aud", made.id)
    assert held(api) == {"aud": 2000}
    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed amount") as over:
        reverse(api, made, amount=2001)
    assert error_of(over).param == "amount"
    second = reverse(api, made)
    assert second.amount == 2000
    with pytest.raises(stripe.InvalidRequestError, match="is already fully reversed"):
        reverse(api, made)
    changed = api.v1.transfers.retrieve(made.id)
    assert (changed.amount_reversed, changed.reversed) == (3000, True)
    assert [each.id for each in changed.reversals.data] == [second.id, first.id]
    assert [each.id for each in api.v1.transfers.reversals.list(made.id).data] == [second.id, first.id]
    assert api.v1.transfers.reversals.retrieve(made.id, first.id).amount == 1000
    assert emulator.admin.available_balance()["aud"] == 100_000
    assert [(row.kind, row.amount, row.id, row.source) for row in emulator.admin.journal()][1:] == [
        ("reversal", 1000, first.id, made.id),
        ("reversal", 2000, second.id, made.id),
    ]
    assert emulator.admin.journal()[1].destination == "acct_receives"
    assert event_types(api, types=["transfer.reversed", "transfer.created"]) == [
        "transfer.created",
        "transfer.reversed",
        "transfer.reversed",
    ]
    check_balance(api)


def test_a_reversal_has_a_balance_transaction(api: stripe.StripeClient) -> None:
    made = transfer(api, 3000)
    reversal = reverse(api, made)

    [entry] = transactions(api, source=reversal.id)
    assert (entry.type, entry.amount, entry.reporting_category) == ("transfer_refund", 3000, "transfer_reversal")
    assert reversal.balance_transaction == entry.id


def test_reversals_of_another_transfer_are_not_found(api: stripe.StripeClient) -> None:
    made, other = transfer(api, 3000), transfer(api, 2000)
    reversal = reverse(api, made)

    assert api.v1.transfers.reversals.list(other.id).data == []
    with pytest.raises(stripe.InvalidRequestError) as missing:
        api.v1.transfers.reversals.retrieve(other.id, reversal.id)
    assert missing.value.http_status == 404


def test_what_the_account_no_longer_has_is_not_reversed(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    made = transfer(api, 3000)
    payout = emulator.admin.begin_payout("aud", 2500, account="acct_receives")

    with pytest.raises(stripe.InvalidRequestError, match="insufficient funds") as refused:
        reverse(api, made, amount=501)

    assert refused.value.code == "balance_insufficient"
    assert reverse(api, made, amount=500).amount == 500
    emulator.admin.end_payout(payout["id"], account="acct_receives", failure_code="account_closed")
    assert reverse(api, made).amount == 2500
    check_balance(api)


def test_a_reversal_of_pending_funds_is_pending_too(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.set_availability_delay(2 * DAY_S)
    made = transfer(api, 900, source_transaction=str(charge(api, 1000).latest_charge))
    assert held(api) == {}
    reversal = reverse(api, made)

    [entry] = transactions(api, source=reversal.id)
    assert entry.status == "pending"
    check_balance(api)
    emulator.admin.advance_clock(2 * DAY_S)
    check_balance(api)
    assert transactions(api, source=reversal.id)[0].status == "available"


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE])
def test_a_lost_answer_and_its_retry_reverse_once(
    api: stripe.StripeClient, emulator: EmulatedStripe, kind: FaultKind
) -> None:
    made = transfer(api, 3000)
    emulator.admin.add_faults(FaultRule(kind=kind, path_prefix=f"/v1/transfers/{made.id}/reversals", times=1))
    with pytest.raises(stripe.APIConnectionError):
        reverse(api, made, key="k-1", amount=1000)

    reversal = reverse(api, made, key="k-1", amount=1000)

    assert [row.id for row in emulator.admin.journal() if row.kind == "reversal"] == [reversal.id]


def test_funds_can_be_said_to_be_missing(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    made = transfer(api, 3000)
    emulator.admin.add_faults(FaultRule(kind=FaultKind.BALANCE_INSUFFICIENT, times=1))
    api.v1.transfers.update(made.id, {"description": "moves nothing, so nothing is missing"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        reverse(api, made)
    assert refused.value.code == "balance_insufficient"
    assert reverse(api, made).amount == 3000
