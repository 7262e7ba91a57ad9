"""What waits: for a person because of its amount, or for its time because of where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

NO_AMOUNTS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Limits:
    """Amounts in minor units by currency above which an instruction waits for an approval, and how long accounts rest.

    ``account_rest``: after a payee's Stripe account has changed.
    """

    approval_above_minor: Mapping[str, int] = field(default_factory=lambda: NO_AMOUNTS)
    account_rest: timedelta = timedelta(0)


NO_LIMITS = Limits()
