"""What the provider takes back of a charge, or brings back of what it took: for each fee and each share, to the cent.

Largest remainder over the fees that the charge covers, and for each fee over its shares, in the smallest step that
Stripe takes for the currency (rule of money 12). A refund that an operator has asked for names its fees.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from uuid import UUID

from payouts_pipeline.domain import currencies
from payouts_pipeline.domain.allocation import by_largest_remainder
from payouts_pipeline.domain.billing import SHARE_ORDER, BillingSubject
from payouts_pipeline.errors import PayoutsError

_IDS_END = 2**63


def returnable(text: str) -> UUID | str:
    """What can be given back: an instruction's id, match:7 or player:9; raises PayoutsError for what is neither."""
    subject, colon, number = text.partition(":")
    if colon and subject in ("match", "player") and number.isdecimal() and int(number) < _IDS_END:
        return text
    try:
        return UUID(text)
    except ValueError:
        raise PayoutsError(f"'{text}' can't be given back: give an instruction's id, match:7 or player:9.") from None


@dataclass(frozen=True)
class FeeKey:
    """What makes two rows of fees the same fee."""

    day: date
    match_id: int
    match_player_id: int
    player_id: int
    currency: str


@dataclass(frozen=True, order=True)
class Share:
    """Whose part of a fee: its place in `SHARE_ORDER`, then the payee."""

    order: int
    subject_id: int

    @classmethod
    def of(cls, subject: str, subject_id: int) -> "Share":
        """The share of a billing subject."""
        return cls(SHARE_ORDER.index(BillingSubject(subject)), subject_id)

    @property
    def subject(self) -> BillingSubject:
        """Whose part it is."""
        return SHARE_ORDER[self.order]


@dataclass(frozen=True)
class Portion:
    """How much of one fee can be taken back, or is: the amount, and whose it was."""

    key: FeeKey
    amount_minor: int
    shares: Mapping[Share, int]


NOTHING_NAMED: Mapping[FeeKey, int] = MappingProxyType({})


def divide(
    amount_minor: int, fees: Sequence[Portion], named: Mapping[FeeKey, int] = NOTHING_NAMED
) -> tuple[list[Portion], int]:
    """The amount as portions of the fees, and what is beyond all of them together.

    What is ``named`` of a fee comes off that fee first, as far as it goes; the rest is divided over all that is left.
    The shares of a portion add up to it, and none is above what the fee has of it.
    """
    fees = [fee for fee in fees if fee.amount_minor > 0]
    within_minor = min(amount_minor, sum(fee.amount_minor for fee in fees))
    if not within_minor:
        return [], amount_minor
    first = _as_named(within_minor, fees, named)
    left = [fee.amount_minor - taken for fee, taken in zip(fees, first, strict=True)]
    rest_minor = within_minor - sum(first)
    rest = _in_steps(rest_minor, left, currencies.step_minor(fees[0].key.currency)) if rest_minor else [0] * len(left)
    amounts = [taken + more for taken, more in zip(first, rest, strict=True)]
    portions = [_portion(fee, amount) for fee, amount in zip(fees, amounts, strict=True) if amount]
    return portions, amount_minor - within_minor


def _as_named(amount_minor: int, fees: Sequence[Portion], named: Mapping[FeeKey, int]) -> list[int]:
    """What comes off each fee since it was named, in all no more than the amount."""
    amounts = []
    for fee in fees:
        amounts.append(min(named.get(fee.key, 0), fee.amount_minor, amount_minor))
        amount_minor -= amounts[-1]
    return amounts


def _portion(fee: Portion, amount_minor: int) -> Portion:
    shares = sorted(_positive(fee.shares))
    parts = _in_steps(amount_minor, [held for _, held in shares], currencies.step_minor(fee.key.currency))
    taken = {share: part for (share, _), part in zip(shares, parts, strict=True) if part}
    return Portion(fee.key, amount_minor, taken)


def _positive(shares: Mapping[Share, int]) -> Iterator[tuple[Share, int]]:
    return ((share, held) for share, held in shares.items() if held > 0)


def _in_steps(amount_minor: int, weights: Sequence[int], step: int) -> list[int]:
    """In whole steps where all of it is in steps, as it is wherever Stripe has moved it."""
    if amount_minor % step or any(weight % step for weight in weights):
        step = 1
    steps = by_largest_remainder(amount_minor // step, [weight // step for weight in weights])
    return [n * step for n in steps]
