"""Stripe's API as the official SDK sees it in the emulator: objects, refusals, balance, restart."""

import signal
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
import stripe

from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed
from payouts_tests.support.emulated_stripe import (
    API_KEY,
    EmulatedStripe,
    charge,
    default_card,
    emulated_stripe,
    error_of,
    intent_of,
    transfer,
)

DAY_S = 24 * 60 * 60


@pytest.mark.parametrize("customer", ["cus_payer", "cus_cardless"])
def test_a_charge_that_names_no_card_is_refused_and_moves_nothing_even_if_the_customer_has_a_default(
    api: stripe.StripeClient, emulator: EmulatedStripe, customer: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="it's missing a payment method") as refused:
        api.v1.payment_intents.create(
            {
                "amount": 2000,
                "currency": "aud",
                "customer": customer,
                "confirm": True,
                "off_session": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        )

    assert (refused.value.http_status, refused.value.code) == (400, "payment_intent_unexpected_state")
    assert emulator.admin.journal() == []


def test_a_charge_that_names_the_customers_default_card_is_paid(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    card = default_card(api, "cus_payer")
    tags = {"instruction_id": "i-1", "attempt": "1"}
    intent = charge(api, payment_method=card, metadata=tags, transfer_group="i-1")

    assert str(intent.payment_method).startswith("pm_")
    assert intent.payment_method != card, "a test card stands for a payment method of its own"
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 2000, "aud")
    assert intent.metadata.to_dict() == tags
    [row] = emulator.admin.journal()
    assert (row.kind, row.id, row.payment_intent) == ("charge", intent.latest_charge, intent.id)
    assert (row.amount, row.currency, row.customer) == (2000, "aud", "cus_payer")
    assert (row.transfer_group, row.metadata["instruction_id"]) == ("i-1", "i-1")
    assert intent.last_response is not None
    assert row.request_id == intent.last_response.request_id


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_declined_card_moves_nothing_and_leaves_an_intent_that_says_why(
    api: stripe.StripeClient, emulator: EmulatedStripe, card: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        charge(api, payment_method=card)

    error = refused.value.error
    assert refused.value.http_status == 402
    assert error is not None
    assert (refused.value.code, error.decline_code) == (code, decline_code)
    assert error.payment_intent is not None
    kept = api.v1.payment_intents.retrieve(error.payment_intent.id)
    assert kept.status == error.payment_intent.status == "requires_payment_method"
    assert kept.last_payment_error is not None
    assert kept.last_payment_error.decline_code == decline_code
    assert emulator.admin.journal() == []


def test_a_declined_intent_can_be_confirmed_with_another_card_and_only_once(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        charge(api, payment_method="pm_card_chargeDeclined")
    intent_id = intent_of(declined).id

    paid = api.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa", "off_session": True})

    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    with pytest.raises(stripe.InvalidRequestError) as again:
        api.v1.payment_intents.confirm(intent_id)
    assert again.value.code == "payment_intent_unexpected_state"


def test_a_card_is_attached_to_a_customer_and_made_the_default(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create({"metadata": {"player": "7"}})
    made = api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    method = api.v1.payment_methods.attach(made.id, {"customer": customer.id})
    api.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})

    intent = charge(api, customer=customer.id)

    assert intent.payment_method == method.id
    assert api.v1.payment_methods.retrieve(method.id).customer == customer.id
    with pytest.raises(stripe.InvalidRequestError, match="does not belong to the Customer you supplied"):
        charge(api, payment_method=method.id)


def test_a_seeded_customer_gets_a_new_card(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    stolen = CustomerSeed(id="cus_payer", default_payment_method="pm_mine", card="pm_card_chargeDeclinedStolenCard")
    emulator.admin.put_customers([stolen])
    with pytest.raises(stripe.CardError):
        charge(api)

    emulator.admin.put_customers([stolen.model_copy(update={"card": "pm_card_visa"})])

    assert charge(api).payment_method == "pm_mine"


def test_a_transfer_comes_out_of_the_available_balance(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    made = transfer(api, 70_000, transfer_group="i-2", metadata={"instruction_id": "i-2"}, description="a day")

    assert emulator.admin.available_balance()["aud"] == 30_000
    [row] = emulator.admin.journal()
    assert (row.kind, row.id, row.amount, row.destination) == ("transfer", made.id, 70_000, "acct_receives")
    with pytest.raises(stripe.InvalidRequestError) as short:
        transfer(api, 30_001)
    assert (short.value.http_status, short.value.code) == (400, "balance_insufficient")
    assert len(emulator.admin.journal()) == 1


def test_a_charge_adds_its_net_and_both_sides_have_a_balance_transaction(api: stripe.StripeClient) -> None:
    intent = charge(api, 10_000)
    made = transfer(api, 4_000)

    [of_charge] = api.v1.balance_transactions.list({"source": str(intent.latest_charge)}).data
    [of_transfer] = api.v1.balance_transactions.list({"source": made.id, "type": "transfer"}).data
    assert (of_charge.amount, of_charge.fee, of_charge.net, of_charge.status) == (10_000, 320, 9_680, "available")
    assert (of_transfer.amount, of_transfer.fee, of_transfer.net) == (-4_000, 0, -4_000)
    [available] = api.v1.balance.retrieve().available
    assert (available.currency, available.amount) == ("aud", 100_000 + 9_680 - 4_000)


def test_funds_that_are_pending_become_available_with_time(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.set_balance({"aud": 0})
    emulator.admin.set_availability_delay(2 * DAY_S)
    intent = charge(api, 10_000)
    with pytest.raises(stripe.InvalidRequestError, match="insufficient available funds"):
        transfer(api, 9_000)
    assert transfer(api, 600, source_transaction=str(intent.latest_charge)).amount == 600

    emulator.admin.advance_clock(2 * DAY_S)

    assert emulator.admin.available_balance()["aud"] == 9_680 - 600
    assert transfer(api, 9_000).amount == 9_000


def test_an_answer_is_dated_by_the_clock_of_the_emulator(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.advance_clock(3 * DAY_S)
    response = api.v1.balance.retrieve().last_response
    assert response is not None
    dated = parsedate_to_datetime(response.headers["Date"])
    assert abs(dated.timestamp() - emulator.admin.clock().now) < 60
    assert dated.timestamp() - time.time() > 2 * DAY_S


def test_transfers_from_one_charge_stay_within_it(api: stripe.StripeClient) -> None:
    source = str(charge(api, 1_000).latest_charge)
    transfer(api, 900, source_transaction=source)

    with pytest.raises(stripe.InvalidRequestError, match="must not exceed the source amount of 1000"):
        transfer(api, 101, source_transaction=source)


@pytest.mark.parametrize(
    ("destination", "error", "code"),
    [
        ("acct_no_transfers", stripe.InvalidRequestError, "insufficient_capabilities_for_transfer"),
        ("acct_rejected", stripe.InvalidRequestError, "insufficient_capabilities_for_transfer"),
        ("acct_closed", stripe.PermissionError, "account_invalid"),
        ("acct_deleted", stripe.InvalidRequestError, "resource_missing"),
        ("acct_nobody", stripe.InvalidRequestError, "resource_missing"),
    ],
)
def test_an_account_that_cannot_receive_gets_nothing(
    api: stripe.StripeClient,
    emulator: EmulatedStripe,
    destination: str,
    error: type[stripe.StripeError],
    code: str,
) -> None:
    with pytest.raises(error) as refused:
        transfer(api, destination=destination)

    assert error_of(refused).code == code
    assert emulator.admin.journal() == []


def test_an_account_made_through_the_api_can_receive(api: stripe.StripeClient) -> None:
    account = api.v1.accounts.create({"type": "express", "country": "AU", "metadata": {"club": "3"}})

    assert transfer(api, destination=account.id).destination == account.id
    assert api.v1.accounts.retrieve(account.id).metadata is not None
    with pytest.raises(stripe.PermissionError):
        api.v1.accounts.retrieve("acct_nobody")


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (17_499, "huf", "amount_too_small"),
        (1_234, "kwd", "invalid_charge_amount"),
        (150, "isk", "invalid_charge_amount"),
        (50, "ugx", "amount_too_small"),
        (199, "myr", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (100_000_000, "jpy", "amount_too_large"),
        (1_000_000_000, "inr", "amount_too_large"),
        (10_000_000_000, "cop", "amount_too_large"),
        (1_000_000_000_000, "idr", "amount_too_large"),
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
    ],
)
def test_amounts_follow_the_rules_of_the_currency(
    api: stripe.StripeClient, amount: int, currency: str, code: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        charge(api, amount, currency)
    assert (refused.value.code, refused.value.param) == (code, "amount")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        *[(50, "jpy"), (1_230, "kwd"), (200, "isk"), (30, "gbp")],
        *[(99_999_999, "usd"), (999_999_999, "inr"), (9_999_999_999, "cop"), (999_999_999_999, "idr")],
    ],
)
def test_the_smallest_and_largest_amounts_are_taken(api: stripe.StripeClient, amount: int, currency: str) -> None:
    assert charge(api, amount, currency).amount_received == amount


def test_unknown_currencies_and_customers_are_refused_in_stripes_words(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid currency: xyz"):
        charge(api, currency="XYZ")
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_nobody'") as refused:
        charge(api, customer="cus_nobody", payment_method="pm_card_visa")
    assert (refused.value.code, refused.value.param) == ("resource_missing", "customer")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        api.v1.payment_intents.retrieve("pi_nothing")
    assert unknown.value.http_status == 404


def test_a_wrong_key_is_refused_without_showing_it(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        emulator.sdk("sk_test_notthisone0123").v1.balance.retrieve()
    assert str(refused.value.user_message) == "Invalid API Key provided: sk_test_**********0123"
    missing = httpx.get(f"{emulator.url}/v1/balance")
    assert (missing.status_code, missing.json()["error"]["type"]) == (401, "invalid_request_error")
    assert missing.json()["error"]["message"].startswith("You did not provide an API key.")


def test_a_url_that_stripe_does_not_have_is_refused(emulator: EmulatedStripe) -> None:
    answer = httpx.post(f"{emulator.url}/v1/nothing", headers={"Authorization": f"Bearer {API_KEY}"})
    assert answer.status_code == 404
    assert "Unrecognized request URL (POST: /v1/nothing)" in answer.json()["error"]["message"]
    assert answer.headers["request-id"].startswith("req_")


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    with emulated_stripe(tmp_path) as emulator:
        emulator.start_over()
        emulator.admin.advance_clock(500)
        first = emulator.sdk().v1.transfers.create(
            {"amount": 10, "currency": "aud", "destination": "acct_receives"}, {"idempotency_key": "k"}
        )
        before = emulator.admin.journal()

        emulator.stop(signal.SIGKILL)
        emulator.start()

        again = emulator.sdk().v1.transfers.create(
            {"amount": 10, "currency": "aud", "destination": "acct_receives"}, {"idempotency_key": "k"}
        )
        assert (again.id, emulator.admin.journal()) == (first.id, before)
        assert emulator.admin.available_balance() == {"aud": 99_990}
        assert emulator.admin.clock().offset_s == 500
        assert emulator.admin.counters() == {"POST /v1/transfers": 2}
        assert emulator.stop() == 0
        assert emulator.output.read_bytes() == b""
        emulator.start()
