"""The life of a payment intent in the emulator: on its way, declined and paid later, cancelled, or out of reach."""

from typing import Any

import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed, PlatformSeed
from payouts_tests.support.emulated_stripe import EmulatedStripe, charge, error_of, intent_of, transfer

DAY_S = 24 * 60 * 60


def declined(api: stripe.StripeClient, card: str = "pm_card_chargeDeclined", **fields: Any) -> str:
    """The id of an intent that stands open after a decline."""
    with pytest.raises(stripe.CardError) as refused:
        charge(api, payment_method=card, **fields)
    return intent_of(refused).id


def statuses_of_charges(api: stripe.StripeClient, intent_id: str) -> list[tuple[str, str | None]]:
    listed = api.v1.charges.list({"payment_intent": intent_id}).data
    return [(row.status, row.failure_code) for row in listed]


@pytest.mark.parametrize(
    ("method", "currency"),
    [("pm_usBankAccount_success", "usd"), ("pm_sepaDebit_success", "eur"), ("pm_auBecsDebit_success", "aud")],
)
def test_a_debit_is_processing_for_days_and_then_paid(
    api: stripe.StripeClient, emulator: EmulatedStripe, method: str, currency: str
) -> None:
    sent = charge(api, 10_000, currency, key="k", payment_method=method)

    assert (sent.status, sent.amount_received) == ("processing", 0)
    assert statuses_of_charges(api, sent.id) == [("pending", None)]
    emulator.admin.advance_clock(4 * DAY_S - 60)
    assert api.v1.payment_intents.retrieve(sent.id).status == "processing"
    assert emulator.admin.journal() == []

    emulator.admin.advance_clock(60)

    paid = api.v1.payment_intents.retrieve(sent.id)
    assert (paid.status, paid.amount_received, paid.latest_charge) == ("succeeded", 10_000, sent.latest_charge)
    [row] = emulator.admin.journal()
    assert (row.id, row.idempotency_key, row.stripe_version) == (sent.latest_charge, "k", stripe.api_version)
    assert str(row.id).startswith("py_")
    [entry] = api.v1.balance_transactions.list({"source": row.id}).data
    assert (entry.type, entry.net, entry.currency) == ("payment", 9_680, currency)


def test_a_debit_can_fail_after_days_and_stands_open_again(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    sent = charge(api, currency="eur", payment_method="pm_sepaDebit_insufficientFunds")
    emulator.admin.advance_clock(4 * DAY_S)

    [failed] = api.v1.payment_intents.list({"customer": "cus_payer"}).data

    assert (failed.id, failed.status, failed.payment_method) == (sent.id, "requires_payment_method", None)
    assert failed.last_payment_error is not None
    assert (failed.last_payment_error.code, failed.last_payment_error.charge) == (
        "insufficient_funds",
        sent.latest_charge,
    )
    assert failed.last_payment_error.payment_method is not None
    assert failed.last_payment_error.payment_method.id == sent.payment_method
    assert statuses_of_charges(api, sent.id) == [("failed", "insufficient_funds")]
    assert emulator.admin.journal() == []
    api.v1.payment_intents.confirm(sent.id, {"payment_method": "pm_card_visa"})
    assert len(emulator.admin.journal()) == 1


@pytest.mark.parametrize("failure_code", [None, "debit_not_authorized"])
def test_a_bank_answers_when_it_is_told_to(
    api: stripe.StripeClient, emulator: EmulatedStripe, failure_code: str | None
) -> None:
    sent = charge(api, payment_method="pm_auBecsDebit_processing")
    emulator.admin.advance_clock(400 * DAY_S)
    assert api.v1.payment_intents.retrieve(sent.id).status == "processing"

    emulator.admin.end_payment(sent.id, failure_code)

    ended = api.v1.payment_intents.retrieve(sent.id)
    assert ended.status == ("requires_payment_method" if failure_code else "succeeded")
    assert statuses_of_charges(api, sent.id) == [("failed" if failure_code else "succeeded", failure_code)]
    assert len(emulator.admin.journal()) == (0 if failure_code else 1)
    with pytest.raises(PayoutsError, match="not processing"):
        emulator.admin.end_payment(sent.id)


def test_a_debit_of_another_currency_or_a_type_that_is_not_taken_is_refused(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as currency:
        charge(api, currency="eur", payment_method="pm_auBecsDebit_success")
    with pytest.raises(stripe.InvalidRequestError) as kind:
        charge(api, payment_method="pm_auBecsDebit_success", payment_method_types=["card"])

    assert currency.value.code == kind.value.code == "payment_intent_incompatible_payment_method"
    assert api.v1.payment_intents.list().data == []


def test_a_declined_intent_is_paid_later_by_the_player(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    intent_id = declined(api, transfer_group="i-1")

    paid = emulator.admin.pay(intent_id, "pm_card_visa")

    assert paid["status"] == "succeeded"
    found = api.v1.payment_intents.retrieve(intent_id)
    assert (found.status, found.amount_received, found.last_payment_error) == ("succeeded", 2000, None)
    [row] = emulator.admin.journal()
    assert (row.payment_intent, row.transfer_group, row.idempotency_key) == (intent_id, "i-1", None)
    assert statuses_of_charges(api, intent_id) == [("succeeded", None), ("failed", "card_declined")]
    with pytest.raises(PayoutsError, match="is succeeded, not requires_payment_method or"):
        emulator.admin.pay(intent_id, "pm_card_visa")
    with pytest.raises(PayoutsError, match="There is no payment intent 'pi_nothing'"):
        emulator.admin.pay("pi_nothing")


def test_each_attempt_has_a_charge_of_its_own(api: stripe.StripeClient) -> None:
    intent_id = declined(api)
    first = api.v1.payment_intents.retrieve(intent_id)

    with pytest.raises(stripe.CardError) as again:
        api.v1.payment_intents.confirm(
            intent_id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds", "off_session": True}
        )

    second = api.v1.payment_intents.retrieve(intent_id)
    assert error_of(again).decline_code == "insufficient_funds"
    assert second.status == "requires_payment_method"
    assert second.last_payment_error is not None
    assert second.last_payment_error.decline_code == "insufficient_funds"
    assert second.latest_charge not in (None, first.latest_charge)
    assert len(statuses_of_charges(api, intent_id)) == 2


def test_a_payment_that_wants_its_owner_is_declined_without_them_and_paid_with_them(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    intent_id = declined(api, "pm_card_authenticationRequired")
    waiting = api.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_authenticationRequired"})
    assert (waiting.status, waiting.last_payment_error is None) == ("requires_action", False)

    emulator.admin.pay(intent_id)

    paid = api.v1.payment_intents.retrieve(intent_id)
    assert (paid.status, paid.next_action) == ("succeeded", None)


def test_an_action_can_be_made_an_error(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as refused:
        api.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "eur",
                "confirm": True,
                "payment_method": "pm_card_authenticationRequired",
                "error_on_requires_action": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        )
    assert refused.value.code == "authentication_required"


@pytest.mark.parametrize("method", [None, "pm_card_visa"])
def test_an_intent_that_nobody_has_paid_can_be_cancelled_once(
    api: stripe.StripeClient, emulator: EmulatedStripe, method: str | None
) -> None:
    open_ids = [declined(api), declined(api, "pm_card_authenticationRequired")]
    unconfirmed = {"amount": 700, "currency": "aud"} | ({"payment_method": method} if method else {})
    open_ids.append(api.v1.payment_intents.create(unconfirmed).id)  # type: ignore[arg-type]

    for intent_id in open_ids:
        gone = api.v1.payment_intents.cancel(intent_id, {"cancellation_reason": "abandoned"})
        assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
        assert gone.canceled_at is not None
        with pytest.raises(stripe.InvalidRequestError, match=r"a status of canceled\. Only a PaymentIntent") as again:
            api.v1.payment_intents.cancel(intent_id)
        assert (again.value.http_status, again.value.code) == (400, "payment_intent_unexpected_state")
        assert intent_of(again).status == "canceled"
        with pytest.raises(stripe.InvalidRequestError, match="a status of canceled"):
            api.v1.payment_intents.confirm(intent_id)
        with pytest.raises(
            stripe.InvalidRequestError, match="could not be updated because it has a status of canceled"
        ):
            api.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"})
        with pytest.raises(PayoutsError, match="is canceled"):
            emulator.admin.pay(intent_id, "pm_card_visa")
    assert emulator.admin.journal() == []


def test_a_paid_intent_and_one_on_its_way_are_not_cancelled(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    on_its_way = charge(api, payment_method="pm_auBecsDebit_success")
    for intent_id, status in ((charge(api).id, "succeeded"), (on_its_way.id, "processing")):
        with pytest.raises(stripe.InvalidRequestError, match=f"has a status of {status}") as refused:
            api.v1.payment_intents.cancel(intent_id)
        assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError, match="has a status of processing"):
        api.v1.payment_intents.confirm(on_its_way.id)

    emulator.admin.advance_clock(4 * DAY_S)
    assert len(emulator.admin.journal()) == 2


def test_in_rare_cases_a_payment_on_its_way_can_be_cancelled(api: stripe.StripeClient) -> None:
    sent = charge(api, currency="usd", payment_method="pm_usBankAccount_processing")

    assert api.v1.payment_intents.cancel(sent.id).status == "canceled"
    assert statuses_of_charges(api, sent.id) == [("failed", None)]


def test_a_saved_card_is_refused_for_want_of_a_return_url_where_methods_redirect(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    by_default: Any = {"amount": 500, "currency": "aud", "confirm": True, "payment_method": "pm_card_visa"}
    choices: list[dict[str, Any]] = [{}, {"automatic_payment_methods": {"enabled": True}}]
    for automatic in choices:
        with pytest.raises(stripe.InvalidRequestError, match="you must provide a `return_url`") as refused:
            api.v1.payment_intents.create(by_default | automatic)
        assert (refused.value.http_status, refused.value.code) == (400, None)
    assert emulator.admin.journal() == []

    emulator.admin.put_platforms(PlatformSeed(id="acct_emulated", redirecting_payment_methods=False))
    assert api.v1.payment_intents.create(by_default).status == "succeeded"


def test_a_charge_that_takes_no_redirects_needs_no_return_url(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    charge(api, automatic_payment_methods={"enabled": True, "allow_redirects": "never"})
    charge(api, payment_method_types=["card"])
    charge(api, return_url="https://example.com/back")
    old = {"amount": 500, "currency": "aud", "confirm": True, "payment_method": "pm_card_visa"}
    api.v1.payment_intents.create(old, {"stripe_version": "2022-11-15"})  # type: ignore[arg-type]

    assert len(emulator.admin.journal()) == 4
    with pytest.raises(stripe.InvalidRequestError, match="You may only specify one of these parameters"):
        charge(api, payment_method_types=["card"], automatic_payment_methods={"enabled": True})


def test_an_intent_that_takes_redirects_is_refused_when_it_is_confirmed_later(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    made = api.v1.payment_intents.create({"amount": 500, "currency": "aud", "payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="you must provide a `return_url`"):
        api.v1.payment_intents.confirm(made.id)
    assert api.v1.payment_intents.confirm(made.id, {"return_url": "https://example.com"}).status == "succeeded"


def test_a_customer_from_before_payment_methods_has_a_default_source(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    emulator.admin.put_customers([CustomerSeed(id="cus_old", default_source="card_old", card="pm_card_visa")])

    customer = api.v1.customers.retrieve("cus_old")

    assert customer.default_source == "card_old"
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method is None
    assert charge(api, customer="cus_old", payment_method="card_old").payment_method == "card_old"
    with pytest.raises(stripe.InvalidRequestError, match="does not belong to the Customer you supplied"):
        charge(api, payment_method="card_old")
    with pytest.raises(stripe.InvalidRequestError) as foreign:
        api.v1.customers.update("cus_payer", {"default_source": "card_old"})
    assert foreign.value.param == "default_source"


@pytest.mark.parametrize("by_api", [True, False])
def test_a_deleted_customer_can_be_looked_at_and_not_charged(
    api: stripe.StripeClient, emulator: EmulatedStripe, *, by_api: bool
) -> None:
    if by_api:
        assert api.v1.customers.delete("cus_payer").deleted
    else:
        emulator.admin.put_customers([CustomerSeed(id="cus_payer", is_deleted=True)])

    gone = api.v1.customers.retrieve("cus_payer")

    assert gone.to_dict() == {"id": "cus_payer", "object": "customer", "deleted": True}
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_payer'") as charged:
        charge(api, payment_method="pm_card_visa")
    assert (charged.value.http_status, charged.value.code) == (400, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as changed:
        api.v1.customers.update("cus_payer", {"name": "x"})
    assert changed.value.http_status == 404
    emulator.admin.put_customers([CustomerSeed(id="cus_payer", default_payment_method="pm_card_visa")])
    assert charge(api).status == "succeeded"
    assert transfer(api).amount == 1000
