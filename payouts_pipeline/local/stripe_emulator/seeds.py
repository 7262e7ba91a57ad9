"""The JSON by which the admin API is told who exists: our own accounts and keys, customers, connected accounts."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from payouts_pipeline.local.stripe_emulator.models import Strict

ACCOUNT_ID = r"^acct_[A-Za-z0-9_]+$"
API_KEY = r"^(sk|rk)_(test|live)_\S*$"

CapabilityState = Literal["active", "inactive", "pending"]
PayoutInterval = Literal["manual", "daily", "weekly", "monthly"]


class PlatformSeed(Strict):
    """A Stripe account of ours, as `GET /v1/account` shows it. Given again, it replaces what was said before.

    - `is_activated`: an account that is not can only make test charges (`testmode_charges_only`).
    - `charges_enabled`: refuses charges in either mode, so that it can be shown with a test key as well.
    - `is_closed`: every call is refused, as to an account that the key has no access to (`account_invalid`).
    - `redirecting_payment_methods`: payment methods that redirect are enabled in the dashboard, as for most accounts,
      so a confirmation that takes them needs a `return_url`.
    """

    id: str = Field(pattern=ACCOUNT_ID)
    country: str = "AU"
    default_currency: str = "aud"
    is_activated: bool = True
    is_closed: bool = False
    charges_enabled: bool = True
    payouts_enabled: bool = True
    card_payments: CapabilityState = "active"
    transfers: CapabilityState = "active"
    disabled_reason: str | None = None
    payout_interval: PayoutInterval = "manual"
    redirecting_payment_methods: bool = True


class PlatformSeeds(Strict):
    """Body of `POST /_emulator/platforms`."""

    platforms: list[PlatformSeed]


class KeySeed(Strict):
    """An API key; its prefix says the mode. Given again, it replaces what was said before.

    Without `platform` it is one of the default account. A restricted key (`rk_`) may do what `permissions` names,
    such as `rak_transfer_write`, and a permission to write is one to read as well.
    """

    key: str = Field(pattern=API_KEY)
    platform: str | None = Field(default=None, pattern=ACCOUNT_ID)
    permissions: tuple[str, ...] = ()
    is_expired: bool = False


class KeySeeds(Strict):
    """Body of `POST /_emulator/keys`."""

    keys: list[KeySeed]


class CustomerSeed(Strict):
    """A customer under a chosen id.

    `default_payment_method` is a test payment method (`pm_card_visa`), or an id of the caller's choice for one
    that is made from the test payment method `card` and attached. Given again, it replaces the default
    payment method. `default_source` is the default of customers from before payment methods: a legacy card
    (`card_…`) that is made from `card`, too. A customer that `is_deleted` is what Stripe leaves of one.
    """

    id: str
    default_payment_method: str | None = None
    default_source: str | None = None
    card: str | None = None
    is_deleted: bool = False


class CustomerSeeds(Strict):
    """Body of `POST /_emulator/customers`."""

    customers: list[CustomerSeed]


class AccountBehaviour(StrEnum):
    """What a transfer to an account meets."""

    RECEIVES = "receives"
    NO_TRANSFERS = "no_transfers"
    """Its capability `transfers` is inactive, as while Stripe waits for papers."""
    REJECTED = "rejected"
    """Stripe has rejected it: nothing is enabled any more, for good."""
    CLOSED = "closed"
    """It has taken our access back, or was closed: the id is known, and not ours any more."""
    DELETED = "deleted"
    """We have deleted it: to a transfer it never was, to a look-up it is not ours."""


class AccountSeed(Strict):
    """An account under a chosen id. Given again, it changes the behaviour."""

    id: str
    country: str = "AU"
    behaviour: AccountBehaviour = AccountBehaviour.RECEIVES


class AccountSeeds(Strict):
    """Body of `POST /_emulator/accounts`."""

    accounts: list[AccountSeed]
