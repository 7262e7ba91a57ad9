"""How much a materialisation may change of a day without a person (rule of money 15).

A slip in `league` looks like a correction. What it would move is known before anything is booked: beyond the limits it
is proposed, and waits for a person. The default is a fifth of the day's fees, and in each currency as much as two
thousand of Stripe's minimum charges: 1,000.00 EUR.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from payouts_pipeline.domain import currencies
from payouts_pipeline.domain.currencies import format_minor

DEFAULT_SHARE = 0.2
_MINIMUM_CHARGES = 2_000


class ProposalCode(StrEnum):
    """Why a change is not booked at once."""

    MANY_FEES = "many_fees_change"
    LARGE_AMOUNT = "large_amount_changes"
    UNUSUAL_FEES = "fees_above_usual"


@dataclass(frozen=True)
class ChangeLimit:
    """The largest share of a booked day's fees, and the largest amounts by currency, that change by themselves.

    Where neither is given nothing is held back, not even a first booking that is far above what is usual.
    """

    share: float | None = None
    amounts_minor: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def default(cls) -> "ChangeLimit":
        """What holds unless `PAYOUTS_CHANGE_LIMIT` says otherwise."""
        amounts = {each: _MINIMUM_CHARGES * currencies.minimum_charge_minor(each) for each in currencies.KNOWN}
        return cls(DEFAULT_SHARE, amounts)

    @property
    def is_none(self) -> bool:
        """Whether everything is booked at once."""
        return self.share is None and not self.amounts_minor


@dataclass(frozen=True)
class Change:
    """What a materialisation would book: of a day that was booked before, or for the first time.

    ``moved_minor`` is by currency what it would move in one direction or the other: a fee that rises by 5 and one that
    falls by 3 make 8, and a fee that is only divided anew moves what goes from one payee to another.
    """

    fees_booked: int
    fees_changed: int
    moved_minor: Mapping[str, int]

    @property
    def is_first(self) -> bool:
        """Whether nothing was booked of the day."""
        return self.fees_booked == 0


@dataclass(frozen=True)
class Verdict:
    """Why a change waits for a person, with the figures that say so."""

    code: ProposalCode
    details: Mapping[str, Any]


def judge(change: Change, limit: ChangeLimit) -> Verdict | None:
    """Why a booked day may not be changed so by itself; None where it may."""
    figures = {
        "fees_changed": change.fees_changed,
        "fees_booked": change.fees_booked,
        "moved_minor": dict(change.moved_minor),
    }
    if limit.share is not None and change.fees_changed > limit.share * change.fees_booked:
        return Verdict(ProposalCode.MANY_FEES, {**figures, "share_bps": round(limit.share * 10_000)})
    beyond = {
        currency: limit.amounts_minor[currency]
        for currency, amount in change.moved_minor.items()
        if amount > limit.amounts_minor.get(currency, amount)
    }
    return Verdict(ProposalCode.LARGE_AMOUNT, {**figures, "limit_minor": beyond}) if beyond else None


def judge_first(change: Change, usual_minor: Mapping[str, tuple[int, int]]) -> Verdict | None:
    """Why a first booking waits: its fees are above the band that is usual by currency (`anomaly.usual_bands`).

    What is below the band moves less than usual, and what is missing can still be added: of that a check warns.
    """
    high = {
        currency: highest
        for currency, (_, highest) in usual_minor.items()
        if change.moved_minor.get(currency, 0) > highest
    }
    if not high:
        return None
    figures = {"fees_changed": change.fees_changed, "moved_minor": dict(change.moved_minor)}
    return Verdict(ProposalCode.UNUSUAL_FEES, {**figures, "limit_minor": high})


def sentence(code: str, details: Mapping[str, Any]) -> str:
    """What a person reads of a proposal: what would change, and why it waits."""
    moved = ", ".join(format_minor(amount, currency) for currency, amount in sorted(details["moved_minor"].items()))
    limits = ", ".join(
        format_minor(each, currency) for currency, each in sorted(details.get("limit_minor", {}).items())
    )
    match code:
        case ProposalCode.MANY_FEES:
            return (
                f"{details['fees_changed']} fees would change, and {details['fees_booked']} are booked: more than "
                f"{details['share_bps'] / 100:g} % of them; {moved} would move"
            )
        case ProposalCode.LARGE_AMOUNT:
            return f"{moved} would move by {details['fees_changed']} fees that change: more than {limits}"
        case _:
            return f"{details['fees_changed']} fees of {moved} in all are more than is usual on this weekday: {limits}"
