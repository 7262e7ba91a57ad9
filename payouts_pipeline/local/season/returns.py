"""What Stripe, a bank and a colleague take back of a day that was paid: by Stripe's API, with no word to the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import stripe

from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin

_CURRENCY = "eur"


@dataclass(frozen=True)
class Dashboard:
    """The emulator as a person sees it who works in Stripe's dashboard; doing it again does nothing."""

    api: stripe.StripeClient
    admin: EmulatorAdmin

    def take_back(self, day: date) -> list[str]:
        """Refund half of the day's largest charge, dispute the second, reverse the largest transfer; what was done."""
        charges = _largest(self.api.v1.charges.list({"limit": 100}).auto_paging_iter(), day)
        transfers = _largest(self.api.v1.transfers.list({"limit": 100}).auto_paging_iter(), day)
        done = self._refund(charges[:1]) + self._dispute(charges[1:2]) + self._reverse(transfers[:1])
        return [f"at the Stripe emulator, {each}" for each in done]

    def _refund(self, charges: Iterable[Any]) -> list[str]:
        wanted = [each for each in charges if not each.amount_refunded]
        for each in wanted:
            self.api.v1.refunds.create({"charge": each.id, "amount": each.amount // 2})
        return [f"half of the charge {each.id} was refunded" for each in wanted]

    def _dispute(self, charges: Iterable[Any]) -> list[str]:
        wanted = [each for each in charges if not each.disputed]
        for each in wanted:
            self.admin.open_dispute(each.id)
        return [f"the charge {each.id} was disputed" for each in wanted]

    def _reverse(self, transfers: Iterable[Any]) -> list[str]:
        wanted = [each for each in transfers if not each.amount_reversed]
        for each in wanted:
            self.api.v1.transfers.reversals.create(each.id)
        return [f"the transfer {each.id} was reversed" for each in wanted]


def _largest(moved: Iterable[Any], day: date) -> list[Any]:
    """What was moved for the day in one currency, largest first, always in the same order."""
    of_day = [each for each in moved if each.currency == _CURRENCY and _day_of(each) == day.isoformat() and _has(each)]
    return sorted(of_day, key=lambda each: (-each.amount, each.transfer_group))


def _day_of(moved: Any) -> str | None:
    return getattr(moved.metadata, "day", None)


def _has(moved: Any) -> bool:
    """Whether money has moved: a declined charge is listed, too."""
    return bool(moved.object == "transfer" or moved.paid)
