"""Answers that are not Stripe's, or Stripe's with a flaw, as they go over the wire and as the SDK takes them."""

import json
import socket
from contextlib import suppress

import httpx
import pytest
import stripe

from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule, OtherAnswer
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, charge

PAGE = "<html><body><h1>Not here</h1></body></html>"


def answer_with(emulator: EmulatedStripe, answer: OtherAnswer, *, acted: bool, path: str = "/v1/") -> None:
    rule = FaultRule(kind=FaultKind.OTHER_ANSWER, answer=answer, acted=acted, path_prefix=path, times=1)
    emulator.admin.add_faults(rule)


def sent_over_the_wire(emulator: EmulatedStripe, key: str = "k") -> httpx.Response:
    params = {"amount": "1000", "currency": "aud", "destination": "acct_receives"}
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key}
    return httpx.post(f"{emulator.url}/v1/transfers", data=params, headers=headers)


@pytest.mark.parametrize("acted", [False, True])
@pytest.mark.parametrize("status", [403, 404, 407, 413, 451, 502, 503])
def test_a_proxy_answers_for_stripe_before_or_after_the_money_has_moved(
    api: stripe.StripeClient, emulator: EmulatedStripe, status: int, *, acted: bool
) -> None:
    answer_with(emulator, OtherAnswer.foreign(status, PAGE), acted=acted)

    answer = sent_over_the_wire(emulator)

    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (status, PAGE, "text/html")
    assert not {"request-id", "stripe-version", "idempotency-key"} & set(answer.headers)
    assert len(emulator.admin.journal()) == int(acted)
    again = sent_over_the_wire(emulator)
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (200, "true" if acted else None)
    assert len(emulator.admin.journal()) == 1


@pytest.mark.parametrize("body", ["", PAGE, '{"status": "ok"}', "[]", "null"])
def test_a_200_that_is_no_object_of_stripes_comes_after_a_charge(
    api: stripe.StripeClient, emulator: EmulatedStripe, body: str
) -> None:
    answer_with(emulator, OtherAnswer.foreign(200, body), acted=True, path="/v1/payment_intents")

    with suppress(stripe.APIError, AttributeError, TypeError):
        assert not hasattr(charge(api, key="k"), "id")

    assert len(emulator.admin.journal()) == 1
    assert charge(api, key="k").latest_charge == emulator.admin.journal()[0].id


def test_an_error_without_a_type_or_a_request_id(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    nameless = OtherAnswer(status=400, body=json.dumps({"error": {"message": "no"}}))
    answer_with(emulator, nameless, acted=True)
    typed = OtherAnswer(headers={"Request-Id": None})
    answer_with(emulator, typed, acted=True)

    first, second = sent_over_the_wire(emulator, "a"), sent_over_the_wire(emulator, "b")

    assert (first.status_code, first.json()) == (400, {"error": {"message": "no"}})
    assert first.headers["request-id"].startswith("req_")
    assert (second.status_code, second.json()["object"]) == (200, "transfer")
    assert "request-id" not in second.headers
    assert second.headers["stripe-version"]
    assert len(emulator.admin.journal()) == 2


def test_any_call_can_be_answered_otherwise(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    answer_with(emulator, OtherAnswer.foreign(451, PAGE), acted=False, path="/v1/customers/cus_payer")
    api.v1.balance.retrieve()
    with pytest.raises(stripe.StripeError) as refused:
        api.v1.customers.retrieve("cus_payer")
    assert refused.value.http_status == 451
    assert api.v1.customers.retrieve("cus_payer").id == "cus_payer"


def test_headers_can_be_added_to_stripes_own_answer(emulator: EmulatedStripe) -> None:
    emulator.start_over()
    answer_with(emulator, OtherAnswer(status=503, headers={"Retry-After": "30"}), acted=True)

    answer = sent_over_the_wire(emulator)

    assert (answer.status_code, answer.headers["retry-after"], answer.json()["object"]) == (503, "30", "transfer")
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(("kind", "moved"), [(FaultKind.DROP_BEFORE, 0), (FaultKind.DROP_AFTER, 1)])
def test_a_connection_is_reset(api: stripe.StripeClient, emulator: EmulatedStripe, kind: FaultKind, moved: int) -> None:
    emulator.admin.add_faults(FaultRule(kind=kind, reset=True, times=1))
    body = b"amount=1000&currency=aud&destination=acct_receives"
    head = (
        f"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    assert len(emulator.admin.journal()) == moved


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="answer belongs to other_answer"):
        FaultRule(kind=FaultKind.OTHER_ANSWER)
    with pytest.raises(ValueError, match="give both"):
        FaultRule(kind=FaultKind.OTHER_ANSWER, answer=OtherAnswer(headers={"Request-Id": None}))
    with pytest.raises(ValueError, match="reset belongs"):
        FaultRule(kind=FaultKind.ERROR_500, reset=True)
