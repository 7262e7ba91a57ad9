"""Events: what is told of every change, to whom, and for how long."""

from typing import Any

import httpx
import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import AccountBehaviour, AccountSeed
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, charge, event_types, transfer

DAY_S = 24 * 60 * 60


def before(event: stripe.Event) -> dict[str, Any]:
    """What has changed, as it was before."""
    assert event.data.previous_attributes is not None
    return event.data.previous_attributes.to_dict()


def test_a_payment_and_a_transfer_tell_what_happened(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    paid = charge(api, 2000, key="k-1")
    with pytest.raises(stripe.CardError):
        charge(api, payment_method="pm_card_chargeDeclined")
    sent = transfer(api)
    api.v1.transfers.update(sent.id, {"description": "a day", "metadata": {"a": "b"}})

    assert event_types(api, created={"gte": 0})[2:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "transfer.created",
        "transfer.updated",
    ]
    [told] = api.v1.events.list({"type": "charge.succeeded"}).data
    assert told.data.object["id"] == paid.latest_charge
    assert "account" not in told
    assert (told.livemode, told.api_version) == (False, stripe.api_version)
    assert told.request is not None
    assert paid.last_response is not None
    assert (told.request.id, told.request.idempotency_key) == (paid.last_response.request_id, "k-1")
    found = api.v1.events.retrieve(told.id)
    assert (found.id, found.type) == (told.id, told.type)
    [changed] = api.v1.events.list({"type": "transfer.updated"}).data
    assert before(changed) == {"metadata": {}, "description": None}


def test_an_event_shows_the_object_as_it_was(api: stripe.StripeClient) -> None:
    paid = charge(api, 2000)
    for amount in (500, 700):
        api.v1.refunds.create({"payment_intent": paid.id, "amount": amount})

    told = api.v1.events.list({"type": "charge.refunded"}).data
    assert [(event.data.object["amount_refunded"], before(event)) for event in told] == [
        (1200, {"amount_refunded": 500, "refunded": False}),
        (500, {"amount_refunded": 0, "refunded": False}),
    ]


def test_a_debit_tells_that_it_is_on_its_way_and_how_it_ended(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    types = ["us_bank_account"]
    charge(api, 2000, "usd", payment_method="pm_usBankAccount_success", payment_method_types=types)
    emulator.admin.advance_clock(10 * DAY_S)
    api.v1.payment_intents.cancel(api.v1.payment_intents.create({"amount": 500, "currency": "usd"}).id)

    assert event_types(api)[2:] == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
        "payment_intent.created",
        "payment_intent.canceled",
    ]


def test_events_are_listed_by_type_time_and_place(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    charge(api)
    emulator.admin.advance_clock(60)
    transfer(api)
    made = emulator.admin.clock().now
    events = api.v1.events.list({"limit": 100}).data

    assert event_types(api, types=["charge.succeeded", "transfer.created"]) == ["charge.succeeded", "transfer.created"]
    assert event_types(api, type="payment_intent.*") == ["payment_intent.created", "payment_intent.succeeded"]
    assert event_types(api, created={"gte": made - 30}) == ["transfer.created"]
    assert event_types(api, created={"gt": made - 30, "lt": made + 30}) == ["transfer.created"]
    assert "transfer.created" not in event_types(api, created={"lte": made - 30})
    newer = api.v1.events.list({"ending_before": events[3].id, "limit": 2})
    assert ([event.id for event in newer.data], newer.has_more) == ([events[1].id, events[2].id], True)
    assert api.v1.events.list({"ending_before": events[0].id}).data == []
    older = api.v1.events.list({"starting_after": events[-2].id})
    assert ([event.id for event in older.data], older.has_more) == ([events[-1].id], False)


def test_events_are_forgotten_after_30_days(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    charge(api)
    event_id = api.v1.events.list({"type": "charge.succeeded"}).data[0].id
    emulator.admin.advance_clock(30 * DAY_S - 60)
    assert api.v1.events.retrieve(event_id).id == event_id

    emulator.admin.advance_clock(120)

    assert event_types(api) == []
    with pytest.raises(stripe.InvalidRequestError) as gone:
        api.v1.events.retrieve(event_id)
    assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "charge.failed", "types": ["charge.failed"]},
        {"types": [f"a.{number}" for number in range(21)]},
        {"starting_after": "evt_none"},
        {"ending_before": "evt_000000000000000000000001"},
    ],
)
def test_a_list_that_makes_no_sense_is_refused(api: stripe.StripeClient, wrong: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        event_types(api, **wrong)


def test_what_happens_to_an_account_is_told_to_who_acts_for_it(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    assert emulator.admin.set_capability("acct_receives", "pending")["capabilities"] == {"transfers": "pending"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        transfer(api)
    assert refused.value.code == "insufficient_capabilities_for_transfer"

    emulator.admin.put_accounts([AccountSeed(id="acct_receives"), AccountSeed(id="acct_rejected")])

    assert transfer(api).destination == "acct_receives"
    assert "account.updated" not in event_types(api), "these are events of the account"
    told = api.v1.events.list({"type": "account.updated"}, {"stripe_account": "acct_receives"}).data
    assert [event.data.object["capabilities"]["transfers"] for event in told] == ["active", "pending"]
    assert [event.account for event in told] == ["acct_receives"] * 2
    assert before(told[0]) == {"capabilities": {"transfers": "pending"}}
    assert event_types(api, "acct_rejected") == ["account.updated"]
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.events.retrieve(told[0].id)


def test_the_bank_of_an_account_takes_a_payout_or_sends_it_back(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    transfer(api, 3000)
    options: stripe.RequestOptions = {"stripe_account": "acct_receives"}
    good = emulator.admin.begin_payout("aud", 1000, account="acct_receives")
    bad = emulator.admin.begin_payout("aud", account="acct_receives")
    emulator.admin.end_payout(good["id"], account="acct_receives")
    emulator.admin.end_payout(bad["id"], account="acct_receives", failure_code="account_closed")

    shown = api.v1.payouts.list({}, options).data
    assert [(each.id, each.amount, each.status, each.failure_code) for each in shown] == [
        (bad["id"], 2000, "failed", "account_closed"),
        (good["id"], 1000, "paid", None),
    ]
    assert api.v1.payouts.retrieve(bad["id"], {}, options).failure_code == "account_closed"
    assert api.v1.balance.retrieve({}, options).available[0].amount == 2000
    assert event_types(api, "acct_receives", type="payout.failed") == ["payout.failed"]
    assert api.v1.payouts.list().data == [], "the platform has paid out nothing"
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payouts.retrieve(bad["id"])
    with pytest.raises(PayoutsError, match="cannot be paid out"):
        emulator.admin.begin_payout("aud", 2001, account="acct_receives")


def test_an_account_to_whose_bank_nothing_is_paid_says_so_itself(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    emulator.admin.set_bank("acct_receives", payouts_enabled=False, disabled_reason="requirements.past_due")
    shown: Any = api.v1.accounts.retrieve("acct_receives")
    assert (shown.payouts_enabled, shown.requirements.disabled_reason) == (False, "requirements.past_due")
    assert transfer(api).destination == "acct_receives", "it can be paid all the same"
    emulator.admin.set_bank("acct_receives", payouts_enabled=True)
    told = api.v1.events.list({"type": "account.updated"}, {"stripe_account": "acct_receives"}).data
    assert [event.data.object["payouts_enabled"] for event in told] == [True, False]


@pytest.mark.parametrize("account", ["acct_nobody", "acct_closed", "acct_deleted"])
def test_nobody_acts_for_an_account_that_is_not_ours(api: stripe.StripeClient, account: str) -> None:
    with pytest.raises(stripe.PermissionError):
        api.v1.payouts.list({}, {"stripe_account": account})


def test_what_the_emulator_cannot_do_for_an_account_is_not_done_for_the_platform(emulator: EmulatedStripe) -> None:
    emulator.start_over()
    headers = {"Authorization": f"Bearer {API_KEY}", "Stripe-Account": "acct_receives"}
    order = {"amount": 1000, "currency": "aud", "destination": "acct_receives"}
    refused = httpx.post(f"{emulator.url}/v1/transfers", data=order, headers=headers)

    assert (refused.status_code, emulator.admin.journal()) == (400, [])
    emulator.admin.put_accounts([AccountSeed(id="acct_new", behaviour=AccountBehaviour.RECEIVES)])
    own = httpx.get(f"{emulator.url}/v1/balance", headers=headers | {"Stripe-Account": "acct_emulated"})
    assert own.json()["available"][0]["amount"] == 100_000
