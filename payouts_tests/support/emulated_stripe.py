"""A real Stripe emulator in a process of its own, and the official SDK pointed at it."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import stripe

from payouts_pipeline.local.embedded.ports import any_free_port
from payouts_pipeline.local.stripe_emulator.admin import AccountBehaviour, AccountSeed, CustomerSeed, EmulatorAdmin

API_KEY = "sk_test_emulated0123456789"


class EmulatedStripe:
    """One emulator on one state file, which can be killed and started again."""

    def __init__(self, folder: Path, api_key: str = API_KEY) -> None:
        self.port = any_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin = EmulatorAdmin(self.url)
        self._api_key = api_key
        self.output = folder / "emulator.log"
        self._state = folder / "stripe" / "emulator.sqlite"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once it answers."""
        command = [sys.executable, "-m", "payouts_pipeline.local.stripe_emulator"]
        arguments = ["--port", str(self.port), "--state", str(self._state)]
        environment = {"PATH": os.environ["PATH"], "STRIPE_API_KEY": self._api_key}
        with self.output.open("ab") as log:
            self._process = subprocess.Popen([*command, *arguments], env=environment, stdout=log, stderr=log)
        self.admin.wait_until_healthy()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it with that signal; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(timeout=10)

    def start_over(self) -> None:
        """Forget everything; then a payer, one without a card, three accounts and 1,000.00 AUD."""
        self.admin.reset()
        self.admin.put_customers(
            [CustomerSeed(id="cus_payer", default_payment_method="pm_card_visa"), CustomerSeed(id="cus_cardless")]
        )
        self.admin.put_accounts(
            AccountSeed(id=f"acct_{behaviour}", behaviour=behaviour) for behaviour in AccountBehaviour
        )
        self.admin.set_balance({"aud": 100_000})

    def admin_of(self, api_key: str) -> EmulatorAdmin:
        """The admin API, about the account and mode that the key opens."""
        return EmulatorAdmin(self.url, api_key=api_key)

    def sdk(self, api_key: str = API_KEY, timeout_s: float = 20) -> stripe.StripeClient:
        """The official SDK, as a caller would set it up."""
        return stripe.StripeClient(
            api_key,
            base_addresses={"api": self.url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=timeout_s),
        )


@contextmanager
def emulated_stripe(folder: Path, api_key: str = API_KEY) -> Iterator[EmulatedStripe]:
    """Yield a started emulator; what it writes goes into `folder`."""
    emulator = EmulatedStripe(folder, api_key)
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.admin.close()
        emulator.stop()


def charge(
    api: stripe.StripeClient, amount: int = 2000, currency: str = "aud", key: str | None = None, **fields: Any
) -> stripe.PaymentIntent:
    """Charge the payer off session, as the pipeline does: with the customer's default card if no other is named."""
    params: Any = {"amount": amount, "currency": currency, "customer": "cus_payer", "confirm": True}
    params |= {"off_session": True, **fields}
    if not {"automatic_payment_methods", "payment_method_types", "return_url"} & set(fields):
        params["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    if "payment_method" not in params:
        params["payment_method"] = default_card(api, params["customer"])
    return api.v1.payment_intents.create(params, {"idempotency_key": key} if key else {})


def default_card(api: stripe.StripeClient, customer_id: str) -> str:
    """Read the customer's default payment method, which Stripe does not fill in by itself."""
    settings = api.v1.customers.retrieve(customer_id).invoice_settings
    assert settings is not None
    assert isinstance(settings.default_payment_method, str)
    return settings.default_payment_method


def transfer(
    api: stripe.StripeClient, amount: int = 1000, currency: str = "aud", key: str | None = None, **fields: Any
) -> stripe.Transfer:
    """Pay the account that can receive."""
    params: Any = {"amount": amount, "currency": currency, "destination": "acct_receives", **fields}
    return api.v1.transfers.create(params, {"idempotency_key": key} if key else {})


def error_of(refused: pytest.ExceptionInfo[stripe.StripeError]) -> stripe.ErrorObject:
    """What Stripe's answer says of the refusal."""
    assert refused.value.error is not None
    return refused.value.error


def intent_of(refused: pytest.ExceptionInfo[stripe.StripeError]) -> stripe.PaymentIntent:
    """The payment intent that a refusal is about."""
    intent = error_of(refused).payment_intent
    assert intent is not None
    return intent


def headers_of(refused: pytest.ExceptionInfo[stripe.StripeError]) -> Mapping[str, str]:
    """The headers of Stripe's answer."""
    assert refused.value.headers is not None
    return refused.value.headers


def transactions(api: stripe.StripeClient, **filters: Any) -> list[stripe.BalanceTransaction]:
    """Every balance transaction, the newest first, by pages of the SDK's own."""
    params: Any = {"limit": 3, **filters}
    return list(api.v1.balance_transactions.list(params).auto_paging_iter())


def check_balance(api: stripe.StripeClient) -> None:
    """The balance is the sum of the balance transactions, by what they say of themselves."""
    summed: Counter[tuple[str, str]] = Counter()
    for entry in transactions(api):
        assert entry.net == entry.amount - entry.fee
        assert entry.fee == sum(detail.amount for detail in entry.fee_details)
        summed[entry.currency, entry.status] += entry.net
    balance = api.v1.balance.retrieve()
    shown = {(each.currency, "available"): each.amount for each in balance.available}
    shown |= {(each.currency, "pending"): each.amount for each in balance.pending}
    assert {key: amount for key, amount in shown.items() if amount} == {
        key: amount for key, amount in summed.items() if amount
    }


def event_types(api: stripe.StripeClient, account: str | None = None, **filters: Any) -> list[str]:
    """The types of all events, in the order in which they happened."""
    options: Any = {"stripe_account": account} if account else {}
    params: Any = {"limit": 4, **filters}
    return [str(event.type) for event in api.v1.events.list(params, options).auto_paging_iter()][::-1]
