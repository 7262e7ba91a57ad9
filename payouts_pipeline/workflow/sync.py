"""Brings in what happened at Stripe (rule of money 12): reads its journal, keeps and enters it, and compares balances.

Moves nothing. What Stripe can't say now is asked again the next time: what was not read to its end does not
count as read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity, provider_journal, returns
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.identity import Account
from payouts_pipeline.ledger.locks import only_sync
from payouts_pipeline.ledger.provider_journal import OPENING, BalanceTransaction, Feed, LedgerBalance, Look
from payouts_pipeline.settlement import stripe_journal
from payouts_pipeline.settlement.assemble import Settlement
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.stripe_journal import StripeBalance
from payouts_pipeline.workflow import funds
from payouts_pipeline.workflow.payee_accounts import look_at_banks

# Read again with every sync: rows come late, and a page was given while others were written.
OVERLAP = timedelta(minutes=2)
# Before the first that the ledger can have moved; clocks differ.
_MARGIN = timedelta(days=1)
# A long list is read in parts, oldest first, so that what breaks off need not begin anew.
_WINDOW = timedelta(days=1)
# The provider's clock may be so far behind ours.
_CLOCKS = timedelta(hours=1)
# A busy account does not stand still to be compared; the next sync comes soon enough.
_LOOKS = 3


class NotPinnedError(PayoutsError):
    """The ledger has never called Stripe, so that there is nothing of it to look for."""


@dataclass(frozen=True)
class Synced:
    """What a sync has brought in; ``looks`` is empty where our account did not stand still."""

    kept: int = 0
    entered: int = 0
    returned: int = 0
    looks: Sequence[Look] = ()
    balances: Sequence[LedgerBalance] = field(default=())


def sync(
    connection: Connection,
    stripe: StripeClient,
    actor: str,
    since: datetime | None = None,
    *,
    overlap: timedelta = OVERLAP,
    waits: bool = True,
) -> Synced | None:
    """Read the journal from where the last sync ended, or from ``since`` on; None where another sync is under way.

    Raises NotPinnedError for a ledger that has never called Stripe, StripeAwayError where Stripe can't be asked.
    """
    account = require_pinned(connection)
    with only_sync(connection, waits=waits) as has_it:
        return _Sync(connection, stripe, actor, account.id, overlap).run(since) if has_it else None


def sync_own(
    connection: Connection,
    settlement: Settlement,
    actor: str,
    since: datetime | None = None,
    *,
    overlap: timedelta = OVERLAP,
    waits: bool = True,
) -> Synced | None:
    """The same with our own key; raises PayoutsError unless that is of the account that this ledger belongs to.

    A ledger that belongs to none yet is not given one by being looked at.
    """
    require_pinned(connection)
    return sync(connection, settlement.stripe(), actor, since, overlap=overlap, waits=waits)


def sync_at_request(
    connection: Connection, settlement: Settlement, actor: str, since: datetime | None = None
) -> Synced:
    """What a person asks for: the journal, once it is our turn, and the banks of payees that are due."""
    account, stripe = require_pinned(connection), settlement.stripe()
    with only_sync(connection):
        found = _Sync(connection, stripe, actor, account.id, OVERLAP).run(since)
    look_at_banks(connection, lambda: nullcontext(settlement))
    return found


@dataclass
class _Sync:
    connection: Connection
    stripe: StripeClient
    actor: str
    account: str
    overlap: timedelta
    kept: int = 0
    entered: int = 0
    returned: int = 0

    def run(self, since: datetime | None) -> Synced:
        """All of it."""
        feed = self._begin(since)
        for start, end in _windows(min(since or feed.read_to, feed.read_to) - self.overlap, datetime.now(UTC)):
            self._read(start, end)
        looks = self._compare()
        if looks:
            funds.plan(self.connection, {look.currency: look.available_minor for look in looks}, self.actor)
        return Synced(self.kept, self.entered, self.returned, looks, provider_journal.balances(self.connection))

    def _begin(self, since: datetime | None) -> Feed:
        """The feed, which begins with the first that the ledger can have moved, or further back where that is asked."""
        first = provider_journal.first_movement_at(self.connection) or datetime.now(UTC)
        wanted = min(first - _MARGIN, since or first)
        feed = self._feed()
        if feed is None or wanted < feed.begins_at:
            provider_journal.begin(self.connection, "balance_transactions", self.account, wanted)
            feed = self._feed()
        assert feed is not None  # noqa: S101 - it was begun just now
        return feed

    def _feed(self) -> Feed | None:
        return provider_journal.feed(self.connection, "balance_transactions", self.account)

    def _read(self, start: datetime, end: datetime | None) -> int:
        """Keep and enter one part of the list; how many lines are news."""
        kept = sum(
            provider_journal.keep(self.connection, page, self.actor)
            for page in stripe_journal.transactions(self.stripe, start, end)
            if page
        )
        self.kept += kept
        self.entered += provider_journal.enter(self.connection, self.actor, end or self._read_to())
        self.returned += returns.enter(self.connection, self.actor)
        return kept

    def _read_to(self) -> datetime:
        """How far a list without an end was read: to its last line, or as far as no clock can be behind."""
        newest, now = provider_journal.newest_at(self.connection), datetime.now(UTC) - _CLOCKS
        return max(newest, now) if newest else now

    def _compare(self) -> Sequence[Look]:
        """The balances side by side, as of a moment in which nothing moved; none where there is no such moment."""
        for _ in range(_LOOKS):
            looks = self._looks()
            feed = self._feed()
            if feed and feed.opened_at and not any(look.difference_minor for look in looks):
                break
            # What differs may have moved between the list and the balance.
            if not self._read(self._read_to() - self.overlap, None):
                if not self._is_open(looks):
                    return ()
                looks = self._as_of(looks)
                break
        else:
            return ()
        provider_journal.keep_looks(self.connection, looks)
        return looks

    def _looks(self) -> list[Look]:
        there = {each.currency: each for each in stripe_journal.balance(self.stripe)}
        return _side_by_side(there, provider_journal.balances(self.connection))

    def _as_of(self, looks: Sequence[Look]) -> list[Look]:
        """The same balances of Stripe beside what the ledger has now."""
        there = {
            each.currency: StripeBalance(each.currency, each.available_minor, each.pending_minor) for each in looks
        }
        return _side_by_side(there, provider_journal.balances(self.connection))

    def _is_open(self, looks: Sequence[Look]) -> bool:
        """Whether what stood on the account before the list begins is entered; it is now, if the list can be whole."""
        feed = self._feed()
        if feed is None or feed.opened_at:
            return feed is not None
        if provider_journal.may_lag(self.connection):
            return False
        opening = [_opening(look, feed.begins_at) for look in looks if look.difference_minor + look.overdue_minor]
        provider_journal.open_account(self.connection, opening, self.actor)
        return True


def require_pinned(connection: Connection) -> Account:
    """The account that the ledger belongs to; raises NotPinnedError where it belongs to none."""
    account = identity.read(connection).account
    if account is None:
        raise NotPinnedError("This ledger has made no call at Stripe yet, so that nothing of it can have moved there.")
    return account


def _windows(start: datetime, now: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    """Parts of the time since; the last has no end, since the provider's clock may be ahead of ours."""
    while start + _WINDOW < now:
        yield start, start + _WINDOW
        start += _WINDOW
    yield start, None


def _side_by_side(there: Mapping[str, StripeBalance], here: Sequence[LedgerBalance]) -> list[Look]:
    ours = {each.currency: each for each in here}
    return [_look(currency, there.get(currency), ours.get(currency)) for currency in sorted({*there, *ours})]


def _look(currency: str, there: StripeBalance | None, here: LedgerBalance | None) -> Look:
    return Look(
        currency,
        there.available_minor if there else 0,
        there.pending_minor if there else 0,
        here.ledger_minor if here else 0,
        here.listed_minor - here.settled_minor if here else 0,
        here.overdue_minor if here else 0,
    )


def _opening(look: Look, at: datetime) -> BalanceTransaction:
    """What is not explained by anything that is listed was there before.

    What has settled and is overdue is in the ledger's balance, and not explained by that: it stays a difference.
    """
    amount_minor = look.difference_minor + look.overdue_minor
    return BalanceTransaction(
        id=f"opening_{look.currency}_{datetime.now(UTC):%Y%m%dT%H%M%S%f}",
        type=OPENING,
        category="other",
        balance="payments",
        amount_minor=amount_minor,
        fee_minor=0,
        net_minor=amount_minor,
        currency=look.currency,
        created_at=at,
        available_on=at,
    )
