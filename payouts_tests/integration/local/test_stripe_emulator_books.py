"""Stripe's journal of the platform's balance: one line for every movement, and what is planted in it."""

import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import FeeRate
from payouts_tests.support.emulated_stripe import (
    EmulatedStripe,
    charge,
    check_balance,
    event_types,
    transactions,
    transfer,
)

DAY_S = 24 * 60 * 60


def test_every_movement_has_its_line_and_the_balance_is_their_sum(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    paid, disputed = charge(api, 10_000), charge(api, 4000)
    sent = transfer(api, 3000)
    refunded = api.v1.refunds.create({"payment_intent": paid.id})
    emulator.admin.end_refund(refunded.id, "unknown")
    api.v1.transfers.reversals.create(sent.id)
    dispute = emulator.admin.open_dispute(str(disputed.latest_charge))
    emulator.admin.end_dispute(dispute["id"], is_won=True)
    emulator.admin.top_up(700, "aud")
    payout = emulator.admin.begin_payout("aud", 500)
    emulator.admin.end_payout(payout["id"], failure_code="account_closed")
    emulator.admin.book_transaction("stripe_fee", -120, "aud", description="Radar")
    emulator.admin.book_transaction("adjustment", 15, "aud")

    kept = transactions(api)[::-1]

    assert [(entry.type, entry.reporting_category, entry.amount) for entry in kept] == [
        ("topup", "topup", 100_000),
        ("charge", "charge", 10_000),
        ("charge", "charge", 4000),
        ("transfer", "transfer", -3000),
        ("refund", "refund", -10_000),
        ("refund_failure", "refund_failure", 10_000),
        ("transfer_refund", "transfer_reversal", 3000),
        ("adjustment", "dispute", -4000),
        ("adjustment", "dispute_reversal", 4000),
        ("topup", "topup", 700),
        ("payout", "payout", -500),
        ("payout_failure", "payout_reversal", 500),
        ("stripe_fee", "fee", -120),
        ("adjustment", "other_adjustment", 15),
    ]
    check_balance(api)
    for entry in kept[:12]:
        assert api.v1.balance_transactions.retrieve(entry.id, {"expand": ["source"]}).source.id == entry.source  # type: ignore[union-attr]


def test_transactions_are_found_by_what_they_are_and_when(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.set_balance({"eur": 1000})
    first = charge(api, 2000)
    emulator.admin.advance_clock(DAY_S)
    later = emulator.admin.clock().now
    second = charge(api, 3000, "eur")

    charges = {entry.source: entry for entry in transactions(api, type="charge")}
    assert set(charges) == {first.latest_charge, second.latest_charge}
    assert [entry.source for entry in transactions(api, created={"gte": later})] == [second.latest_charge]
    assert second.latest_charge not in {entry.source for entry in transactions(api, created={"lt": later})}
    assert {entry.currency for entry in transactions(api, currency="eur")} == {"eur"}
    newest = api.v1.balance_transactions.list({"limit": 1}).data[0]
    assert newest.source == second.latest_charge
    older = charges[first.latest_charge]
    page = api.v1.balance_transactions.list({"ending_before": older.id, "limit": 1})
    assert ([entry.source for entry in page.data], page.has_more) == ([second.latest_charge], False)
    expanded = api.v1.charges.retrieve(str(first.latest_charge), {"expand": ["balance_transaction"]})
    assert isinstance(expanded.balance_transaction, stripe.BalanceTransaction)
    assert expanded.balance_transaction.id == older.id


def test_the_fee_is_the_list_price_or_what_was_agreed(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    def fee_of(amount: int, currency: str) -> int:
        [entry] = transactions(api, source=str(charge(api, amount, currency).latest_charge))
        return entry.fee

    assert fee_of(10_000, "aud") == 290 + 30
    emulator.admin.set_fees({"aud": FeeRate(basis_points=175, fixed_minor=30), "*": FeeRate()})
    assert (fee_of(10_000, "aud"), fee_of(10_000, "eur")) == (205, 0)
    emulator.admin.set_fees({})
    assert fee_of(10_000, "eur") == 320
    check_balance(api)


def test_pending_funds_become_available_by_the_clock_and_that_is_told(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    emulator.admin.set_balance({"aud": 0})
    emulator.admin.set_availability_delay(2 * DAY_S)
    source = str(charge(api, 10_000).latest_charge)
    [entry] = transactions(api, source=source)
    assert (entry.status, entry.available_on - entry.created) == ("pending", 2 * DAY_S)
    [pending] = api.v1.balance.retrieve().pending
    assert (pending.currency, pending.amount) == ("aud", 9680)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        transfer(api, 1)
    assert refused.value.code == "balance_insufficient"
    sent = transfer(api, 1000, source_transaction=source)
    [entry] = transactions(api, source=sent.id)
    assert entry.status == "pending"
    check_balance(api)
    assert "balance.available" not in event_types(api)

    emulator.admin.advance_clock(2 * DAY_S)

    check_balance(api)
    assert {each.status for each in transactions(api)} == {"available"}
    [told] = api.v1.events.list({"type": "balance.available"}).data
    assert told.data.object["available"][0]["amount"] == 8680


def test_an_automatic_payout_takes_all_that_is_available_and_knows_it(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    paid = charge(api, 2000)
    payout = emulator.admin.begin_payout("aud", is_automatic=True)
    emulator.admin.end_payout(payout["id"])
    charge(api, 3000)

    inside = transactions(api, payout=payout["id"])
    assert [entry.type for entry in inside] == ["payout", "charge", "topup"]
    assert inside[1].source == paid.latest_charge
    assert sum(entry.net for entry in inside[1:]) == payout["amount"] == 100_000 + 2000 - 88
    assert [(each.id, each.status) for each in api.v1.payouts.list({"status": "paid"}).data] == [(payout["id"], "paid")]
    by_hand = emulator.admin.begin_payout("aud", 100)
    with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic transfers"):
        transactions(api, payout=by_hand["id"])
    assert event_types(api, type="payout.*") == ["payout.created", "payout.paid", "payout.updated", "payout.created"]
    with pytest.raises(PayoutsError, match="cannot be paid out"):
        emulator.admin.begin_payout("aud", 10_000)
    check_balance(api)


def test_a_top_up_is_an_object(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    made = emulator.admin.top_up(2500, "eur")

    found = api.v1.topups.retrieve(made["id"], {"expand": ["balance_transaction"]})
    assert (found.amount, found.currency, found.status) == (2500, "eur", "succeeded")
    assert isinstance(found.balance_transaction, stripe.BalanceTransaction)
    assert api.v1.topups.list({"status": "succeeded"}).data[0].id == found.id
    assert event_types(api)[-2:] == ["topup.created", "topup.succeeded"]


@pytest.mark.parametrize("delay_s", [0, DAY_S])
def test_mistakes_can_be_planted_and_the_balance_follows(
    api: stripe.StripeClient, emulator: EmulatedStripe, delay_s: int
) -> None:
    emulator.admin.set_availability_delay(delay_s)
    entries = [transactions(api, source=str(charge(api, 2000).latest_charge))[0] for _ in range(3)]

    second = emulator.admin.double_transaction(entries[0].id)
    emulator.admin.delete_transaction(entries[1].id)
    emulator.admin.change_transaction(entries[2].id, 1999)
    stranger = emulator.admin.book_transaction("charge", 700, "aud", fee=20, source="ch_stranger")

    kept = {entry.id: entry for entry in transactions(api)}
    assert entries[1].id not in kept
    assert (kept[second["id"]].source, kept[second["id"]].amount) == (entries[0].source, 2000)
    assert (kept[entries[2].id].amount, kept[entries[2].id].net) == (1999, 1999 - 88)
    assert (kept[stranger["id"]].net, kept[stranger["id"]].source) == (680, "ch_stranger")
    check_balance(api)
    emulator.admin.advance_clock(delay_s)
    check_balance(api)
    assert len(emulator.admin.journal()) == 3, "what really happened stays what it was"
