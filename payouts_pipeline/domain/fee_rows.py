"""The lines of a booking as the ledger keeps them: one row for each fee, which names how it is divided.

Fees of equal terms are divided alike, so that a day has few allocations and a ledger hardly ever needs a new one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import SHARE_ORDER, BillingSubject
from payouts_pipeline.domain.frames import Numbers

FEE_KEY = ["match_id", "match_player_id", "player_id", "currency"]
# What a row names itself: an allocation says only which part is the club's or the organiser's.
NAMED: Mapping[BillingSubject, str] = {BillingSubject.CLUB: "club_id", BillingSubject.ORGANISER: "organiser_id"}

_SUBJECTS = [*SHARE_ORDER, BillingSubject.PLAYER]
_PLAYER = _SUBJECTS.index(BillingSubject.PLAYER)


@dataclass(frozen=True)
class FeeRows:
    """Rows of fees (`FEE_KEY`, amount_minor, club_id, organiser_id), and how each is divided.

    ``allocation_no`` is the row of each fee's allocation among ``allocations``: id, amount_minor, lines as the text of
    a jsonb, which Postgres spells in the same way.
    """

    fees: pd.DataFrame
    allocation_no: Numbers
    allocations: pd.DataFrame


@dataclass(frozen=True)
class ByFee:
    """Lines as numbers, those of a fee one after the other: ``first`` is the first line of each fee."""

    keys: pd.DataFrame
    first: Numbers
    fee_no: Numbers
    subject: Numbers
    subject_id: Numbers
    amount_minor: Numbers

    @classmethod
    def of(cls, lines: pd.DataFrame) -> "ByFee":
        """The lines (`frames.LINES`) by fee."""
        lines = _in_order_of_fees(lines)
        currency, _ = pd.factorize(lines["currency"])
        numbers = lines[FEE_KEY[:-1]].assign(currency=currency)
        first = np.flatnonzero(_differs_from_row_before(numbers))
        fee_no = np.repeat(np.arange(len(first)), np.diff(first, append=len(lines)))
        known, subjects = pd.factorize(lines["billing_subject"])
        subject = np.array([_SUBJECTS.index(BillingSubject(name)) for name in subjects], "int64")[known]
        ids, amounts = lines["subject_id"].to_numpy("int64"), lines["amount_minor"].to_numpy("int64")
        return cls(lines[FEE_KEY].take(first).reset_index(drop=True), first, fee_no, subject, ids, amounts)

    def sums(self, values: Numbers) -> Numbers:
        """The values of the lines of each fee added up."""
        return np.add.reduceat(values, self.first) if len(self.first) else values[:0]

    @property
    def owed_minor(self) -> Numbers:
        """What the player's line of each fee says."""
        return self.sums(np.where(self.subject == _PLAYER, self.amount_minor, 0))

    @property
    def divided_minor(self) -> Numbers:
        """What the shares of each fee add up to."""
        return self.sums(np.where(self.subject == _PLAYER, 0, self.amount_minor))

    @property
    def unbalanced(self) -> list[int]:
        """The match players whose shares don't add up to their fee in every currency (rule of money 1)."""
        wrong = self.owed_minor != self.divided_minor
        return [int(match_player_id) for match_player_id in self.keys.loc[wrong, "match_player_id"]]

    @property
    def is_plain(self) -> bool:
        """Whether nothing is taken back, and no fee has two clubs or two organisers: all can be booked at once."""
        named = [_SUBJECTS.index(subject) for subject in NAMED]
        has_one_each = ((self.sums((self.subject == number).astype("int64")) < 2).all() for number in named)
        return bool((self.amount_minor > 0).all()) and all(has_one_each)


def _in_order_of_fees(lines: pd.DataFrame) -> pd.DataFrame:
    """Those of a fee one after the other; so they come from a split."""
    currency, _ = pd.factorize(lines["currency"], sort=True)
    key = lines[FEE_KEY[:-1]].assign(currency=currency)
    if frames.is_increasing(key, strictly=False):
        return lines
    return lines.take(np.lexsort([key[name].to_numpy("int64") for name in reversed(key.columns)]))


def _differs_from_row_before(numbers: pd.DataFrame) -> Numbers:
    """True for the first row of each run of equal ones."""
    differs = np.zeros(len(numbers), bool)
    differs[:1] = True
    for name in numbers:
        values = numbers[name].to_numpy("int64")
        differs[1:] |= values[1:] != values[:-1]
    return differs


def fee_rows(by_fee: ByFee) -> FeeRows:
    """The fees and allocations of lines in which no fee has two clubs or two organisers."""
    fees = by_fee.keys.assign(amount_minor=by_fee.divided_minor)
    for subject, column in NAMED.items():
        fees[column] = _named(by_fee, _SUBJECTS.index(subject))
    allocation_no, first_fees = _divided_alike(by_fee)
    made = [_allocation(by_fee, fee) for fee in first_fees]
    allocations = pd.DataFrame(made, columns=["id", "amount_minor", "lines"])
    return FeeRows(fees, allocation_no, allocations)


def _named(by_fee: ByFee, subject: int) -> "pd.Series[int]":
    """The club or the organiser of each fee; missing where it has no part for one."""
    is_subject = by_fee.subject == subject
    found = pd.Series(pd.NA, index=range(len(by_fee.keys)), dtype=frames.ID)
    if is_subject.any():
        has_one = by_fee.sums(is_subject.astype("int64")) > 0
        ids = by_fee.sums(np.where(is_subject, by_fee.subject_id, 0))
        found = pd.Series(ids).astype(frames.ID).where(has_one, pd.NA)
    return found


def _divided_alike(by_fee: ByFee) -> tuple[Numbers, Numbers]:
    """The number of each fee's allocation, and the first fee of each allocation.

    Fees are divided alike where they have the same parts. Each part is mixed into two numbers of 64 bits, and the sums
    of a fee's tell its parts from all others: by chance once in 10^38 pairs.
    """
    parts = pd.DataFrame({str(side): by_fee.sums(_mixed(by_fee, seed)) for side, seed in enumerate(_SEEDS)})
    return frames.numbered(parts, list(parts.columns))


_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def _mixed(by_fee: ByFee, seed: int) -> Numbers:
    """A number for each line that has a share: another one wherever subject, partner or amount is another."""
    is_partner = by_fee.subject == SHARE_ORDER.index(BillingSubject.PARTNER)
    mixed = np.full(len(by_fee.subject), seed, "uint64")
    for part in (by_fee.subject, np.where(is_partner, by_fee.subject_id, 0), by_fee.amount_minor):
        mixed = _scrambled(mixed ^ part.astype("uint64"))
    return np.where(by_fee.subject == _PLAYER, np.uint64(0), mixed)


def _scrambled(numbers: Numbers) -> Numbers:
    """One round of splitmix64 (Steele, Lea, Flood 2014): each bit of a number changes half of those that come out."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scrambled: Numbers = numbers ^ (numbers >> np.uint64(31))
    return scrambled


def _allocation(by_fee: ByFee, fee: int) -> tuple[str, int, str]:
    """Id, amount and text of how a fee is divided."""
    end = by_fee.first[fee + 1] if fee + 1 < len(by_fee.first) else len(by_fee.subject)
    of_fee = range(by_fee.first[fee], end)
    return allocation([_share(by_fee, line) for line in of_fee if by_fee.subject[line] != _PLAYER])


def allocation(shares: Iterable[tuple[BillingSubject, int, int]]) -> tuple[str, int, str]:
    """Id, amount and text of what divides an amount so: subject, id of the partner or 0, amount of each share."""
    lines = sorted(shares, key=lambda share: (SHARE_ORDER.index(share[0]), share[1]))
    text = json.dumps(lines)
    name = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return name, sum(amount for *_, amount in lines), text


def _share(by_fee: ByFee, line: int) -> tuple[BillingSubject, int, int]:
    subject = _SUBJECTS[by_fee.subject[line]]
    partner_id = int(by_fee.subject_id[line]) if subject == BillingSubject.PARTNER else 0
    return subject, partner_id, int(by_fee.amount_minor[line])
