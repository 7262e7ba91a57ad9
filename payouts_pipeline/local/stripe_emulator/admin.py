"""The admin API for Python: what tests and the sample season ask of the emulator besides Stripe's own API."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin_stripes_side import StripesSide
from payouts_pipeline.local.stripe_emulator.models import (
    MAX_JOURNAL_PAGE,
    BalanceChange,
    ClockChange,
    ClockReading,
    FaultKind,
    FaultRule,
    FaultRules,
    FaultState,
    JournalPage,
    JournalRow,
    OtherAnswer,
    PaymentByOwner,
    PaymentEnd,
)
from payouts_pipeline.local.stripe_emulator.orders import FeeRate
from payouts_pipeline.local.stripe_emulator.seeds import (
    AccountBehaviour,
    AccountSeed,
    AccountSeeds,
    CustomerSeed,
    CustomerSeeds,
    KeySeed,
    KeySeeds,
    PlatformSeed,
    PlatformSeeds,
)

__all__ = [
    "AccountBehaviour",
    "AccountSeed",
    "CustomerSeed",
    "EmulatorAdmin",
    "FaultKind",
    "FaultRule",
    "FaultState",
    "FeeRate",
    "JournalRow",
    "KeySeed",
    "OtherAnswer",
    "PlatformSeed",
]


class EmulatorAdmin(StripesSide):
    """A client for one emulator; every method raises `PayoutsError` if it refuses or cannot be reached.

    It is about the default account in test mode, or with `api_key` about what that key opens.
    """

    def is_healthy(self) -> bool:
        """Whether the emulator answers."""
        try:
            return self._http.get("/health").is_success
        except httpx.TransportError:
            return False

    def wait_until_healthy(self, timeout_s: float = 10) -> None:
        """Return once it answers; `PayoutsError` if it has not by then."""
        deadline = time.monotonic() + timeout_s
        while not self.is_healthy():
            if time.monotonic() > deadline:
                raise PayoutsError(f"The Stripe emulator at {self._http.base_url} does not answer; see its output.")
            time.sleep(0.02)

    def journal(self, after: int = 0) -> list[JournalRow]:
        """Every movement of money after that sequence number, in order."""
        rows: list[JournalRow] = []
        more = True
        while more:
            query = {"after": after, "limit": MAX_JOURNAL_PAGE}
            page = JournalPage.model_validate(self._call("GET", "/journal", query=query))
            rows += page.rows
            after, more = page.next_after, page.has_more
        return rows

    def clock(self) -> ClockReading:
        """Return the emulator's time."""
        return ClockReading.model_validate(self._call("GET", "/clock"))

    def advance_clock(self, seconds: int) -> ClockReading:
        """Move the clock forward: keys expire, pending funds become available."""
        return ClockReading.model_validate(self._call("POST", "/clock", ClockChange(advance_s=seconds)))

    def put_platforms(self, *platforms: PlatformSeed) -> None:
        """Create Stripe accounts of ours, or change what they are allowed."""
        self._call("POST", "/platforms", PlatformSeeds(platforms=list(platforms)))

    def put_keys(self, *keys: KeySeed) -> None:
        """Give accounts of ours API keys, or change what the keys may do."""
        self._call("POST", "/keys", KeySeeds(keys=list(keys)))

    def put_accounts(self, accounts: Iterable[AccountSeed]) -> None:
        """Create connected accounts under chosen ids, or change how they behave."""
        self._call("POST", "/accounts", AccountSeeds(accounts=list(accounts)))

    def put_customers(self, customers: Iterable[CustomerSeed]) -> None:
        """Create customers under chosen ids, or change their default payment method."""
        self._call("POST", "/customers", CustomerSeeds(customers=list(customers)))

    def payments(self) -> list[dict[str, Any]]:
        """Every payment intent as it stands now, the oldest first; unlike a list of Stripe's it is no counted call."""
        return list(self._call("GET", "/payments")["payments"])

    def end_payment(self, payment_intent: str, failure_code: str | None = None) -> dict[str, Any]:
        """Let the bank answer for a payment that is processing, and give the intent: paid, or failed with the code."""
        order = PaymentEnd(payment_intent=payment_intent, failure_code=failure_code)
        return self._call("POST", "/payments/end", order)

    def pay(self, payment_intent: str, payment_method: str | None = None) -> dict[str, Any]:
        """Let the player pay an open intent by the bank's app, or somebody from the dashboard, and give the intent."""
        order = PaymentByOwner(payment_intent=payment_intent, payment_method=payment_method)
        return self._call("POST", "/payments/pay", order)

    def available_balance(self) -> dict[str, int]:
        """Return what the platform can transfer, in minor units by lower-case currency."""
        return dict(self._call("GET", "/balance")["available"])

    def set_balance(self, available: Mapping[str, int]) -> None:
        """Set the available balance of these currencies, by top-ups and adjustments."""
        self._call("POST", "/balance", BalanceChange(set=dict(available)))

    def add_balance(self, amounts: Mapping[str, int]) -> None:
        """Add to the available balance of these currencies, by top-ups and adjustments."""
        self._call("POST", "/balance", BalanceChange(add=dict(amounts)))

    def set_availability_delay(self, delay_s: int) -> None:
        """How long the net of later charges stays pending."""
        self._call("POST", "/balance", BalanceChange(availability_delay_s=delay_s))

    def counters(self) -> dict[str, int]:
        """How often each operation of Stripe's API was called, such as `POST /v1/transfers`."""
        return dict(self._call("GET", "/counters")["counters"])

    def add_faults(self, *rules: FaultRule) -> list[FaultState]:
        """Put fault rules in force, after those that are."""
        return _fault_states(self._call("POST", "/faults", FaultRules(rules=list(rules))))

    def faults(self) -> list[FaultState]:
        """Return the rules in force with their counts."""
        return _fault_states(self._call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Take all fault rules out of force."""
        self._call("DELETE", "/faults")

    def reset(self) -> None:
        """Forget everything: objects, balances, journal, keys, faults, counters and the clock's offset."""
        self._call("POST", "/reset")


def _fault_states(answer: dict[str, Any]) -> list[FaultState]:
    return [FaultState.model_validate(state) for state in answer["rules"]]
