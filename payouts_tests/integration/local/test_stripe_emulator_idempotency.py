"""Idempotency keys in the emulator: what is replayed, what is refused, and when a key pays again."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed, FaultKind, FaultRule
from payouts_tests.support.emulated_stripe import (
    API_KEY,
    EmulatedStripe,
    charge,
    headers_of,
    intent_of,
    transfer,
)

DAY_S = 24 * 60 * 60


def post(emulator: EmulatedStripe, path: str, form: dict[str, str], key: str = "raw") -> httpx.Response:
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key}
    return httpx.post(f"{emulator.url}{path}", data=form, headers=headers)


def test_the_first_answer_is_replayed_and_money_moves_once(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    first, again = transfer(api, key="k"), transfer(api, key="k")

    assert first.last_response is not None
    assert again.last_response is not None
    assert first.to_dict() == again.to_dict()
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert [row.idempotency_key for row in emulator.admin.journal()] == ["k"]


def test_the_order_of_parameters_does_not_matter(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    form = {"amount": "10", "currency": "aud", "destination": "acct_receives"}
    first = post(emulator, "/v1/transfers", form)
    again = post(emulator, "/v1/transfers", dict(reversed(form.items())))
    assert (first.status_code, again.json()) == (200, first.json())


def test_a_key_belongs_to_its_parameters_and_its_endpoint(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    transfer(api, key="k")

    with pytest.raises(stripe.IdempotencyError, match="same parameters they were first used with") as other:
        transfer(api, 1001, key="k")
    assert other.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="'/v1/transfers' vs '/v1/payment_intents'"):
        charge(api, key="k")
    assert len(emulator.admin.journal()) == 1


def test_a_decline_is_replayed_and_a_new_key_makes_a_new_intent(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    # One id whose card changes, so that the second request is the first one to the letter.
    broke = CustomerSeed(
        id="cus_payer", default_payment_method="pm_mine", card="pm_card_chargeDeclinedInsufficientFunds"
    )
    emulator.admin.put_customers([broke])
    with pytest.raises(stripe.CardError) as first:
        charge(api, key="i:1")
    emulator.admin.put_customers([broke.model_copy(update={"card": "pm_card_visa"})])

    with pytest.raises(stripe.CardError) as again:
        charge(api, key="i:1")
    paid = charge(api, key="i:2")

    assert again.value.json_body == first.value.json_body
    assert paid.id != intent_of(first).id
    assert len(emulator.admin.journal()) == 1


def test_a_refusal_for_lack_of_funds_stays_under_its_key(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.set_balance({"aud": 0})
    with pytest.raises(stripe.InvalidRequestError):
        transfer(api, key="i:1")
    emulator.admin.add_balance({"aud": 5_000})

    with pytest.raises(stripe.InvalidRequestError) as again:
        transfer(api, key="i:1")
    assert again.value.code == "balance_insufficient"
    assert headers_of(again)["Idempotent-Replayed"] == "true"
    assert transfer(api, key="i:2").amount == 1000


def test_what_is_refused_before_execution_is_not_remembered(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    form = {"amount": "10", "currency": "aud", "destination": "acct_receives"}
    unknown = post(emulator, "/v1/transfers", form | {"colour": "blue"})
    assert unknown.json()["error"]["message"] == "Received unknown parameter: colour"
    missing = post(emulator, "/v1/transfers", {"amount": "10"})
    assert missing.json()["error"]["message"] == "Missing required param: currency."
    assert (missing.json()["error"]["code"], missing.status_code) == ("parameter_missing", 400)
    wrong_key = httpx.post(
        f"{emulator.url}/v1/transfers",
        data=form,
        headers={"Authorization": "Bearer sk_test_wrong_key_0000", "Idempotency-Key": "raw"},
    )
    assert wrong_key.status_code == 401

    assert post(emulator, "/v1/transfers", form).status_code == 200


def test_a_key_pays_again_after_24_hours(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    first = transfer(api, key="k")
    emulator.admin.advance_clock(DAY_S - 60)
    assert transfer(api, key="k").id == first.id
    emulator.admin.advance_clock(60)

    second = transfer(api, key="k")

    assert second.id != first.id
    assert [row.idempotency_key for row in emulator.admin.journal()] == ["k", "k"]
    assert transfer(api, key="k").id == second.id


def test_a_key_that_is_too_long_is_refused(api: stripe.StripeClient) -> None:
    assert transfer(api, key="k" * 255).amount == 1000
    with pytest.raises(stripe.IdempotencyError, match="at most 255 characters"):
        transfer(api, key="k" * 256)


def test_many_requests_with_one_key_at_once_move_money_once(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.add_faults(FaultRule(kind=FaultKind.SLOW, delay_s=0.3, times=1))

    def attempt(_: int) -> str:
        try:
            return str(transfer(emulator.sdk(), key="k").id)
        except stripe.APIError as conflict:
            code = conflict.error.code if conflict.error else None
            return f"{conflict.http_status} {code}"

    with ThreadPoolExecutor(8) as threads:
        outcomes = Counter(threads.map(attempt, range(8)))

    [row] = emulator.admin.journal()
    assert outcomes.keys() == {row.id, "409 idempotency_key_in_use"}
    assert transfer(api, key="k").id == row.id


def test_requests_without_a_key_each_move_money(emulator: EmulatedStripe) -> None:
    emulator.start_over()
    form = {"amount": "10", "currency": "aud", "destination": "acct_receives"}
    for _ in range(2):
        answer = httpx.post(f"{emulator.url}/v1/transfers", data=form, headers={"Authorization": f"Bearer {API_KEY}"})
        assert answer.status_code == 200
    assert len(emulator.admin.journal()) == 2
