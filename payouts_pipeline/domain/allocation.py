"""How one fee is split to the cent.

Fixed shares come off first; what is left goes by basis points, by largest remainder, ties broken in the
order club, organiser, partner by id, platform, in the smallest step that Stripe takes for the currency.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from payouts_pipeline.domain import currencies
from payouts_pipeline.domain.billing import SHARE_ORDER, BillingSubject
from payouts_pipeline.domain.reasons import HeldOutCode

WHOLE_BPS = 10_000


class CannotSplit(ValueError):  # noqa: N818 - a reason to hold a fee out, not an error of ours
    """A fee that is held out."""

    def __init__(self, code: HeldOutCode) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, order=True)
class Share:
    """One subject's part of a fee: a fixed amount, basis points of the rest, or both. Sorts in tie order."""

    order: int
    partner_id: int
    fixed_minor: int
    share_bps: int

    @property
    def subject(self) -> BillingSubject:
        """Whose part this is."""
        return SHARE_ORDER[self.order]


@dataclass(frozen=True)
class Terms:
    """What a competition asks for one match, and who gets which part: one share for each payee, in tie order."""

    currency: str
    fee_minor: int
    shares: tuple[Share, ...]

    @classmethod
    def from_rows(cls, currency: str, fee_minor: int, shares_json: str) -> Self:
        """Read the rows of ``league.fee_shares``: ``[[subject, partner_id, fixed_minor, share_bps], ...]``.

        Rows of the same payee are added up. Raises CannotSplit where the terms can't split any fee.
        """
        payees: dict[tuple[int, int], list[int]] = {}
        for subject, partner_id, fixed_minor, share_bps in json.loads(shares_json):
            parts = payees.setdefault(_payee(subject, partner_id), [0, 0])
            parts[0] += _part(fixed_minor)
            parts[1] += _part(share_bps)
        shares = tuple(Share(*payee, *parts) for payee, parts in sorted(payees.items()))
        terms = cls(currency, fee_minor, shares)
        terms._check()
        return terms

    @property
    def rest_minor(self) -> int:
        """What is left for the basis points once the fixed parts are off."""
        return self.fee_minor - sum(share.fixed_minor for share in self.shares)

    def _check(self) -> None:
        """What terms must be to split any fee."""
        if self.currency not in currencies.KNOWN:
            raise CannotSplit(HeldOutCode.UNKNOWN_CURRENCY)
        if self.fee_minor < 0:
            raise CannotSplit(HeldOutCode.FEE_NEGATIVE)
        if self.fee_minor > currencies.maximum_minor(self.currency):
            raise CannotSplit(HeldOutCode.FEE_TOO_LARGE)
        step = currencies.step_minor(self.currency)
        if any(amount % step for amount in (self.fee_minor, *(s.fixed_minor for s in self.shares))):
            raise CannotSplit(HeldOutCode.NOT_IN_STEPS)
        if self.rest_minor < 0:
            raise CannotSplit(HeldOutCode.FIXED_ABOVE_FEE)
        if sum(share.share_bps for share in self.shares) != WHOLE_BPS:
            raise CannotSplit(HeldOutCode.BPS_NOT_WHOLE)


def _payee(subject: str, partner_id: object) -> tuple[int, int]:
    """The tie order of a share row, which is also the identity of its payee within a fee."""
    if subject not in SHARE_ORDER:
        raise CannotSplit(HeldOutCode.SHARE_UNKNOWN_SUBJECT)
    if subject != BillingSubject.PARTNER:
        return SHARE_ORDER.index(BillingSubject(subject)), 0
    if not isinstance(partner_id, int):
        raise CannotSplit(HeldOutCode.SHARE_WITHOUT_PARTNER)
    return SHARE_ORDER.index(BillingSubject.PARTNER), partner_id


def _part(part: object) -> int:
    """A part of a share; missing counts as none. A view may hold other types than the contract has."""
    if part is None:
        return 0
    if not isinstance(part, int):
        raise CannotSplit(HeldOutCode.SHARE_NOT_A_NUMBER)
    if part < 0:
        raise CannotSplit(HeldOutCode.SHARE_NEGATIVE)
    return part


def allocate(terms: Terms) -> list[tuple[Share, int]]:
    """Each share with its amount in minor units; the amounts add up to the fee, with no exception.

    Every amount is within one step of the exact part, and does not depend on the order of the rows.
    """
    step = currencies.step_minor(terms.currency)
    steps = by_largest_remainder(terms.rest_minor // step, [share.share_bps for share in terms.shares])
    amounts = [share.fixed_minor + n * step for share, n in zip(terms.shares, steps, strict=True)]
    assert sum(amounts) == terms.fee_minor, "the shares of a fee add up to the fee"  # noqa: S101 - last guard of rule 1
    return list(zip(terms.shares, amounts, strict=True))


def by_largest_remainder(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in parts as the weights are to each other, each within one of its exact part; ties in their order.

    No part is above its weight unless the amount is above their sum, which must not be zero.
    """
    whole = sum(weights)
    products = [amount * weight for weight in weights]
    parts = [product // whole for product in products]
    by_remainder = sorted(range(len(products)), key=lambda i: (-(products[i] % whole), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts
