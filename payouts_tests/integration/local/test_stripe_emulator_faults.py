"""Faults on order: each one as the official SDK meets it, and what it leaves in the journal."""

import socket
import time

import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule
from payouts_tests.support.emulated_stripe import (
    API_KEY,
    EmulatedStripe,
    charge,
    error_of,
    headers_of,
    transfer,
)


def movements(emulator: EmulatedStripe) -> int:
    return len(emulator.admin.journal())


@pytest.mark.parametrize(
    ("kind", "moved"), [(FaultKind.DROP_BEFORE, 0), (FaultKind.DROP_AFTER, 1), (FaultKind.DROP_DURING, 1)]
)
def test_a_dropped_connection_gives_no_answer_and_the_retry_moves_money_once(
    api: stripe.StripeClient, emulator: EmulatedStripe, kind: FaultKind, moved: int
) -> None:
    emulator.admin.add_faults(FaultRule(kind=kind, times=1))

    with pytest.raises(stripe.APIConnectionError):
        transfer(api, key="k")

    assert movements(emulator) == moved
    transfer(api, key="k")
    assert movements(emulator) == 1


def test_a_dropped_connection_is_closed_without_a_byte(emulator: EmulatedStripe) -> None:
    emulator.start_over()
    emulator.admin.add_faults(FaultRule(kind=FaultKind.DROP_AFTER))
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(f"GET /v1/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n".encode())
        assert connection.recv(100) == b""


@pytest.mark.parametrize("acted", [False, True])
def test_a_stored_500_is_replayed_and_only_asking_tells_what_happened(
    api: stripe.StripeClient, emulator: EmulatedStripe, *, acted: bool
) -> None:
    emulator.admin.add_faults(FaultRule(kind=FaultKind.STORED_500, acted=acted, times=1))

    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as refused:
            transfer(api, key="k", transfer_group="i-1")
        assert refused.value.http_status == 500
        assert headers_of(refused).get("Idempotent-Replayed") == replayed
        assert headers_of(refused)["Stripe-Should-Retry"] == "false"

    found = api.v1.transfers.list({"transfer_group": "i-1"}).data
    assert len(found) == movements(emulator) == int(acted)


def test_a_500_that_is_not_stored_is_gone_with_the_retry(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.add_faults(FaultRule(kind=FaultKind.ERROR_500, times=1))
    with pytest.raises(stripe.APIError) as refused:
        transfer(api, key="k")
    assert (refused.value.http_status, movements(emulator)) == (500, 0)
    assert transfer(api, key="k").amount == 1000


def test_conflict_and_rate_limit_are_answered_without_acting(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    emulator.admin.add_faults(
        FaultRule(kind=FaultKind.CONFLICT_409, nth=1),
        FaultRule(kind=FaultKind.RATE_LIMIT_429, times=1, retry_after_s=7),
        FaultRule(kind=FaultKind.RATE_LIMIT_429, times=1, code="lock_timeout"),
    )

    with pytest.raises(stripe.APIError) as conflict:
        transfer(api, key="k")
    with pytest.raises(stripe.RateLimitError) as limited:
        transfer(api, key="k")
    with pytest.raises(stripe.RateLimitError) as locked:
        transfer(api, key="k")

    assert (conflict.value.http_status, movements(emulator)) == (409, 0)
    assert headers_of(limited)["Retry-After"] == "7"
    assert "Stripe-Should-Retry" not in headers_of(limited)
    assert headers_of(locked)["Stripe-Should-Retry"] == "true"
    assert transfer(api, key="k").amount == 1000


def test_a_slow_call_acts_although_the_caller_has_gone(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.add_faults(FaultRule(kind=FaultKind.SLOW, delay_s=0.6, times=1))
    impatient = emulator.sdk(timeout_s=0.2)

    with pytest.raises(stripe.APIConnectionError):
        transfer(impatient, key="k")
    with pytest.raises(stripe.APIError) as meanwhile:
        transfer(api, key="k")
    assert (meanwhile.value.http_status, movements(emulator)) == (409, 0)

    deadline = time.monotonic() + 5
    while not movements(emulator):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    transfer(api, key="k")
    assert movements(emulator) == 1


def test_a_slow_answer_comes_after_the_money_has_moved(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.add_faults(FaultRule(kind=FaultKind.SLOW_AFTER, delay_s=0.5, times=1))

    with pytest.raises(stripe.APIConnectionError):
        transfer(emulator.sdk(timeout_s=0.2), key="k")

    assert movements(emulator) == 1
    assert transfer(api, key="k").id == emulator.admin.journal()[0].id


def test_an_expired_key_pays_again(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    transfer(api, key="k")
    emulator.admin.add_faults(FaultRule(kind=FaultKind.EXPIRE_KEY, key_prefix="k"))
    transfer(api, key="k")
    assert movements(emulator) == 2


def test_money_can_be_refused_whatever_the_card_and_the_balance(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    emulator.admin.add_faults(
        FaultRule(kind=FaultKind.BALANCE_INSUFFICIENT, times=1),
        FaultRule(kind=FaultKind.DECLINE, times=1, decline_code="insufficient_funds"),
    )

    with pytest.raises(stripe.InvalidRequestError) as short:
        transfer(api, key="i:1")
    with pytest.raises(stripe.CardError) as declined:
        charge(api, key="j:1")

    assert short.value.code == "balance_insufficient"
    assert error_of(declined).decline_code == "insufficient_funds"
    transfer(api, key="i:2")
    charge(api, key="j:2")
    assert movements(emulator) == 2


def test_a_rule_hits_only_what_it_names(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    emulator.admin.add_faults(
        FaultRule(kind=FaultKind.ERROR_500, method="POST", path_prefix="/v1/transfers", instruction_id="i-2", nth=2)
    )
    transfer(api, key="a", metadata={"instruction_id": "i-1"})
    transfer(api, key="b", metadata={"instruction_id": "i-2"})
    charge(api, key="k")

    with pytest.raises(stripe.APIError):
        transfer(api, key="c", metadata={"instruction_id": "i-2"})

    transfer(api, key="c", metadata={"instruction_id": "i-2"})
    [state] = emulator.admin.faults()
    assert (state.seen, state.hits) == (3, 1)
    emulator.admin.clear_faults()
    assert emulator.admin.faults() == []


def test_a_seeded_rate_hits_the_same_calls_each_time(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    def hit_calls() -> list[int]:
        emulator.start_over()
        emulator.admin.add_faults(FaultRule(kind=FaultKind.ERROR_500, rate=0.3, seed=11))
        hits = []
        for call in range(30):
            try:
                api.v1.balance.retrieve()
            except stripe.APIError:
                hits.append(call)
        return hits

    first = hit_calls()
    assert 0 < len(first) < 30
    assert hit_calls() == first


def test_a_rule_that_makes_no_sense_is_refused(emulator: EmulatedStripe) -> None:
    with pytest.raises(ValueError, match="delay_s"):
        FaultRule(kind=FaultKind.SLOW)
    with pytest.raises(PayoutsError, match="Currency 'AUD' is unknown"):
        emulator.admin.set_balance({"AUD": 1})
