"""What should have come of it, from schema `league` and the emulator's journal alone; no code of the product."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from psycopg import Connection

from payouts_pipeline.local.stripe_emulator.admin import JournalRow
from payouts_tests.stateful.past import TAKES
from payouts_tests.stateful.season import Season
from payouts_tests.support import oracle
from payouts_tests.support.leagues import SYDNEY
from payouts_tests.support.oracle import Account

MINIMUM_MINOR = 50  # of EUR and KWD alike


class Expectation:
    """What the materialised days have booked by now, and the most that was ever booked on each account."""

    def __init__(self, league: Connection[Any], season: Season) -> None:
        self._season, self._booked = season, oracle.BookedDays(league, SYDNEY)
        self.peaks: Counter[Account] = Counter()
        # What a person has given up on of what players owe.
        self.written_off: Counter[Account] = Counter()
        # What payees were let off, or is another payee's by now.
        self.adjusted: Counter[Account] = Counter()

    def booked_anew(self, day: date) -> None:
        """Note that the day was materialised as the league is now."""
        self._booked.materialised(day)
        self.peaks |= self.booked

    @property
    def booked(self) -> Counter[Account]:
        """What stands on each account."""
        return _sum(self._booked.positions, self.adjusted)

    def write_off(self, account: Account, amount: int) -> None:
        """The platform bears it: of a player it is not asked for, of a payee not worked off."""
        (self.written_off if account[0] == "player" else self.adjusted)[account] += amount
        self.peaks |= self.booked

    def move(self, account: Account, to: Account, amount: int) -> None:
        """What one was owed another is, or owes where it is negative."""
        self.adjusted[account] -= amount
        self.adjusted[to] += amount
        self.peaks |= self.booked

    @property
    def state(self) -> tuple[Any, ...]:
        """What a backup has of it."""
        return self.days, self.written_off.copy(), self.adjusted.copy()

    @property
    def days(self) -> dict[date, list[oracle.Fee]]:
        """What the days have booked, as it is now."""
        return dict(self._booked.fees)

    def put_back(self, state: tuple[Any, ...]) -> None:
        """Remember what a ledger has, that was restored."""
        days, written_off, adjusted = state
        self._booked.fees, self.written_off, self.adjusted = dict(days), written_off.copy(), adjusted.copy()

    def moved(self, journal: Iterable[JournalRow]) -> Counter[Account]:
        """What each player was charged and each payee was sent, less what was taken back of it."""
        moved: Counter[Account] = Counter()
        for row in journal:
            moved[self.account_of(row)] += -row.amount if row.kind in TAKES else row.amount
        return moved

    def account_of(self, row: JournalRow) -> Account:
        if row.payment_intent:
            return "player", self._season.owner_of_customer[row.customer or ""], row.currency.upper()
        return *self._season.owner_of_account[row.destination or ""], row.currency.upper()

    def due(self) -> Counter[Account]:
        """What has to be moved in the end: what those who pay owe, and the shares of just that."""
        fees = [fee for of_day in self._booked.fees.values() for fee in of_day]
        paid = oracle.positions([fee for fee in fees if fee.player_id not in self._season.never_pay])
        due = _sum(paid, self.adjusted)
        due.subtract(self.written_off)
        return Counter({account: amount for account, amount in due.items() if amount and account[0] != "platform"})


def _sum(first: Mapping[Account, int], second: Mapping[Account, int]) -> Counter[Account]:
    """With what is negative, and without what is nothing."""
    amounts = {account: first.get(account, 0) + second.get(account, 0) for account in {*first, *second}}
    return Counter({account: amount for account, amount in amounts.items() if amount})


def unpaid_above_minimum(due: Mapping[Account, int], moved: Mapping[Account, int]) -> dict[Account, int]:
    """Accounts on which more is left than the minimum explains.

    While a player still owes a rest, its fees' shares wait: then only what players owe can be told.
    """
    left = {account: due[account] - moved.get(account, 0) for account in due}
    late = {currency for (subject, _, currency), rest in left.items() if subject == "player" and rest > 0}
    return {
        account: rest
        for account, rest in left.items()
        if rest >= MINIMUM_MINOR and (account[0] == "player" or account[2] not in late)
    }
