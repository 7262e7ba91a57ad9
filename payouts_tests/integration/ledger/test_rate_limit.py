"""One rate limit for the whole fleet: never above what Stripe allows, slower when it says so, fast again after that."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.attempts import Attempt
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.rate_limit import reserve_call, slow_down
from payouts_pipeline.local.stripe_emulator.models import FaultKind, FaultRule
from payouts_pipeline.settings import stripe_calls_per_s
from payouts_pipeline.settlement import stripe_client
from payouts_pipeline.settlement.assemble import StripeAccount, settlement
from payouts_pipeline.settlement.rate_limit import SharedRateLimiter
from payouts_pipeline.settlement.stripe_answers import Indeterminate, Succeeded
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_tests.conftest import Connect
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, charge, emulated_stripe, transfer
from payouts_tests.support.ledger_steps import TRANSFER


def process(connect: Connect, calls_per_s: float) -> SharedRateLimiter:
    """What one process of a fleet keeps."""
    connection = connect()

    @contextmanager
    def lend() -> Iterator[Connection]:
        yield connection

    return SharedRateLimiter(lend, calls_per_s)


def test_a_fleet_of_processes_and_threads_is_never_faster_than_the_limit(connect: Connect) -> None:
    calls_per_s, calls = 100.0, 60
    fleet = [process(connect, calls_per_s) for _ in range(3)]
    called_at_s: list[float] = []

    def call(number: int) -> None:
        fleet[number % len(fleet)].wait()
        called_at_s.append(time.monotonic())

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(call, range(calls)))
    called_at_s.sort()
    assert called_at_s[-1] - called_at_s[0] > 0.9 * (calls - 1) / calls_per_s


def test_an_idle_fleet_does_not_make_up_for_the_time_that_it_slept(ledger: Connection) -> None:
    ledger.execute("update payouts.rate_limit set next_call_at = now() - interval '1 hour'")
    first, second, third = (reserve_call(ledger, 1) for _ in range(3))
    assert first <= 0 < second < 1 < third < 2


def test_a_clock_that_is_put_back_stops_nobody_for_long(ledger: Connection) -> None:
    ledger.execute("update payouts.rate_limit set next_call_at = now() + interval '1 hour'")
    assert [round(reserve_call(ledger, 10)) for _ in range(20)] == [30] * 20
    # All of them have waited: from then on it goes on as before.
    ledger.execute("update payouts.rate_limit set next_call_at = next_call_at - interval '30 seconds'")
    assert reserve_call(ledger, 10) < 1


def test_a_rate_limit_halves_the_rate_of_everyone_and_calls_bring_it_back(connect: Connect) -> None:
    one, other = connect(), connect()
    slow_down(other, timedelta(seconds=7))
    slow_down(one, timedelta(seconds=7))
    assert 6 < reserve_call(one, 50) <= 7
    assert factor(one) == pytest.approx(2, abs=0.01), "two that are turned away at once count as one"
    for _ in range(400):
        reserve_call(one, 50)
    assert factor(other) == 1


def factor(ledger: Connection) -> float:
    """How many times slower than allowed the fleet is."""
    [(slow_factor,)] = ledger.execute("select slow_factor from payouts.rate_limit").fetchall()
    return float(slow_factor)


def test_the_rate_never_falls_under_a_sixteenth(ledger: Connection) -> None:
    for _ in range(20):
        slow_down(ledger, timedelta(0))
        ledger.execute("update payouts.rate_limit set slowed_at = now() - interval '1 minute'")
    assert factor(ledger) == 16


def test_the_limit_follows_the_key_unless_it_is_given() -> None:
    assert stripe_calls_per_s("sk_live_x", {}) == 80
    assert stripe_calls_per_s("rk_test_x", {}) == 20
    assert stripe_calls_per_s("sk_live_x", {"PAYOUTS_STRIPE_CALLS_PER_S": "250"}) == 250
    assert stripe_calls_per_s("sk_live_x", {"PAYOUTS_STRIPE_CALLS_PER_S": "0"}) is None
    with pytest.raises(PayoutsError, match="PAYOUTS_STRIPE_CALLS_PER_S is '-1'"):
        stripe_calls_per_s("sk_live_x", {"PAYOUTS_STRIPE_CALLS_PER_S": "-1"})


class Noted:
    """A rate limiter that takes notes."""

    def __init__(self) -> None:
        self.calls = 0
        self.slowed: list[timedelta | None] = []

    def wait(self) -> None:
        self.calls += 1

    def slow_down(self, pause: timedelta | None) -> None:
        self.slowed.append(pause)


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    with emulated_stripe(Path(tmp_path_factory.mktemp("stripe"))) as running:
        yield running


@pytest.fixture
def noted(stripe: EmulatedStripe, monkeypatch: pytest.MonkeyPatch) -> tuple[StripeClient, Noted]:
    monkeypatch.setattr(stripe_client, "_RATE_LIMIT_PAUSE_S", 0.01)
    stripe.start_over()
    noted = Noted()
    return StripeClient(API_KEY, stripe.url, noted), noted


def test_a_429_slows_the_fleet_down_for_as_long_as_stripe_says_and_is_repeated(
    stripe: EmulatedStripe, noted: tuple[StripeClient, Noted]
) -> None:
    stripe.admin.add_faults(FaultRule(kind=FaultKind.RATE_LIMIT_429, times=2, retry_after_s=1))
    assert noted[0].default_payment_method("cus_payer") != Refusal("rate_limit")
    assert noted[1].calls == 3
    assert noted[1].slowed == [timedelta(seconds=1)] * 2


def test_a_lock_timeout_is_repeated_as_stripe_asks_but_is_no_reason_to_slow_down(
    stripe: EmulatedStripe, noted: tuple[StripeClient, Noted]
) -> None:
    stripe.admin.add_faults(FaultRule(kind=FaultKind.RATE_LIMIT_429, times=1, code="lock_timeout"))
    assert isinstance(noted[0].default_payment_method("cus_payer"), str)
    assert (noted[1].calls, noted[1].slowed) == (2, [])


class Late(Noted):
    """A rate limiter that lets a call wait for longer than its worker has."""

    def wait(self) -> None:
        super().wait()
        time.sleep(0.3)


@pytest.mark.parametrize("turned_away", [False, True])
def test_a_call_whose_turn_comes_after_its_lease_is_not_made(stripe: EmulatedStripe, turned_away: bool) -> None:
    stripe.start_over()
    client = StripeClient(API_KEY, stripe.url, Late())
    if turned_away:
        stripe.admin.add_faults(FaultRule(kind=FaultKind.RATE_LIMIT_429))
    # Time for one turn or for none: somebody else may take the instruction over after that.
    answer = client.send(TRANSFER, time.time() + (0.45 if turned_away else 0.1))
    stripe.admin.clear_faults()
    assert isinstance(answer, Indeterminate)
    assert stripe.admin.journal() == []
    assert client.calls == int(turned_away)


CHARGE = replace(
    TRANSFER,
    billing_type=BillingType.PLAYER_CHARGE,
    stripe_customer_id="cus_payer",
    stripe_payment_method_id="pm_card_visa",
)


def on_page_two(stripe: EmulatedStripe, client: StripeClient, attempt: Attempt, pages: pytest.MonkeyPatch) -> Succeeded:
    """Move an attempt's money, and then somebody else's that is listed before it."""
    moved = client.send(attempt, float("inf"))
    assert isinstance(moved, Succeeded)
    charge(stripe.sdk())
    transfer(stripe.sdk(), transfer_group=str(attempt.instruction_id))
    pages.setattr(stripe_client, "_PAGE", 1)
    return moved


@pytest.mark.parametrize("attempt", [CHARGE, TRANSFER], ids=["charge", "transfer"])
@pytest.mark.parametrize(
    ("fault", "calls", "is_found"),
    [(None, 2, True), (FaultKind.RATE_LIMIT_429, 3, True), (FaultKind.ERROR_500, 2, False)],
)
def test_every_page_of_a_list_is_a_call_that_waits_is_counted_and_can_fail(
    stripe: EmulatedStripe,
    noted: tuple[StripeClient, Noted],
    monkeypatch: pytest.MonkeyPatch,
    attempt: Attempt,
    fault: FaultKind | None,
    calls: int,
    is_found: bool,
) -> None:
    client, limiter = noted
    moved = on_page_two(stripe, client, attempt, monkeypatch)
    assert (client.calls, limiter.calls) == (1, 1)
    if fault:
        stripe.admin.add_faults(FaultRule(kind=fault, method="GET", nth=2, times=1))
    found = client.find(attempt).answer
    stripe.admin.clear_faults()
    assert (client.calls, limiter.calls) == (1 + calls, 1 + calls)
    if is_found:
        assert isinstance(found, Succeeded)
        assert found.reference == moved.reference
    else:
        assert isinstance(found, Indeterminate)


@pytest.mark.parametrize("calls_per_s", [5.0, None])
def test_what_is_assembled_keeps_to_the_limit_of_its_ledger(
    stripe: EmulatedStripe, database_url: str, ledger: Connection, calls_per_s: float | None
) -> None:
    stripe.start_over()
    [(before,)] = ledger.execute("select next_call_at from payouts.rate_limit").fetchall()
    with settlement(database_url, StripeAccount(API_KEY, stripe.url, calls_per_s), threads=1) as parts:
        parts.stripe()
    [(after,)] = ledger.execute("select next_call_at from payouts.rate_limit").fetchall()
    assert parts.calls
    assert (after > before) == (calls_per_s is not None)
