"""The two providers: the emulator, and Stripe's own test mode."""

import time
from typing import Any

import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed
from payouts_tests.contract.scene import NotComparable
from payouts_tests.contract.wire import Wire
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe

_ACTIVE_WITHIN_S = 60
# Whom Stripe takes for verified in test mode. Source: docs.stripe.com/connect/testing.
_VERIFIED_PERSON: dict[str, Any] = {
    "first_name": "Contract",
    "last_name": "Test",
    "email": "contract-test@example.com",
    "phone": "0000000000",
    "dob": {"day": 1, "month": 1, "year": 1901},
    "address": {"line1": "address_full_match", "city": "Town", "postal_code": "2000", "state": "NSW"},
    "id_number": "000000000",
}


class Emulated:
    """Our emulator, empty at first."""

    name = "the emulator"
    currency = "aud"
    has_redirects = True

    def __init__(self, emulator: EmulatedStripe) -> None:
        self._emulator = emulator
        emulator.admin.reset()

    def wire(self, api_key: str | None = None) -> Wire:
        """A client at the emulator."""
        return Wire(api_key or API_KEY, self._emulator.url)

    def destination(self) -> str:
        """By the admin API: onboarding is not what the emulator is about."""
        self._emulator.admin.put_accounts([AccountSeed(id="acct_contract")])
        return "acct_contract"


class TestMode:
    """Stripe's test mode of the account that the key is of; what a run makes there stays there.

    ``account`` is a connected account that can receive transfers; without it one is looked for, or made.
    """

    __test__ = False
    name = "Stripe"
    has_redirects = None

    def __init__(self, api_key: str, api_base: str | None = None, account: str | None = None) -> None:
        if not is_test_key(api_key):
            raise PayoutsError(
                "STRIPE_TEST_KEY is not a key of Stripe's test mode (sk_test_… or rk_test_…): the contract test makes "
                "charges and transfers, and was not run with it."
            )
        self._key, self._base, self._account = api_key, api_base, account
        self._own = self._services().accounts.retrieve_current()
        self.currency = str(self._own.default_currency)

    def wire(self, api_key: str | None = None) -> Wire:
        """A client at Stripe."""
        return Wire(api_key or self._key, self._base)

    def destination(self) -> str:
        """The account that was named, or any that can receive, or a new one."""
        try:
            return self._account or self._active() or self._made()
        except stripe.StripeError as error:
            raise NotComparable(
                f"there is no connected account that can receive transfers ({error.user_message}): name one in "
                "STRIPE_TEST_ACCOUNT"
            ) from None

    def _services(self) -> Any:
        return self.wire().client._services

    def _active(self) -> str | None:
        found = self._services().accounts.list({"limit": 100}).data
        return next((account.id for account in found if _can_receive(account)), None)

    def _made(self) -> str:
        """A custom account with all that Stripe asks of one; it is verified within seconds, or not at all."""
        country = str(self._own.country)
        person = _VERIFIED_PERSON | {"address": {**_VERIFIED_PERSON["address"], "country": country}}
        wanted = {
            "type": "custom",
            "country": country,
            "capabilities": {"transfers": {"requested": True}},
            "business_type": "individual",
            "individual": person,
            "business_profile": {"url": "https://accessible.stripe.com", "mcc": "7941"},
            "tos_acceptance": {"date": int(time.time()), "ip": "127.0.0.1"},
        }
        made = self._services().accounts.create(wanted).id
        deadline = time.monotonic() + _ACTIVE_WITHIN_S
        while not _can_receive(self._services().accounts.retrieve(made)):
            if time.monotonic() > deadline:
                raise NotComparable(
                    f"the connected account {made} was made and can't receive transfers yet: complete it in the "
                    "dashboard, or name another in STRIPE_TEST_ACCOUNT"
                )
            time.sleep(2)
        return str(made)


def is_test_key(api_key: str) -> bool:
    """Whether no real money can move under the key (https://docs.stripe.com/keys)."""
    return api_key.startswith(("sk_test_", "rk_test_"))


def _can_receive(account: Any) -> bool:
    return getattr(account.capabilities, "transfers", None) == "active"
