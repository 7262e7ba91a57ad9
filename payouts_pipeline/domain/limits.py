"""What waits: for a person because of its amount, or for its time because of where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

NO_AMOUNTS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Limits:
    """Amounts in minor units by currency above which an approval is waited for, and how long accounts rest.

    ``approval_above_minor`` is of one instruction, ``day_above_minor`` of the payouts of a day together;
    ``account_rest`` begins when a payee's Stripe account has changed.
    """

    approval_above_minor: Mapping[str, int] = field(default_factory=lambda: NO_AMOUNTS)
    account_rest: timedelta = timedelta(0)
    day_above_minor: Mapping[str, int] = field(default_factory=lambda: NO_AMOUNTS)


NO_LIMITS = Limits()
