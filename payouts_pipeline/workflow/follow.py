"""Follows what happens at Stripe by its events: one call when nothing has, a sync when something did.

An event is a pointer, never an order: what happened is read from Stripe's journal.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from payouts_pipeline.ledger import identity, provider_journal
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement import stripe_journal
from payouts_pipeline.settlement.assemble import Settlement
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.stripe_journal import Event
from payouts_pipeline.workflow.sync import Synced, require_pinned, sync_own

# Events come late and out of order; those of this time are listed again.
_OVERLAP = timedelta(minutes=10)
# Without any event the journal is read now and then all the same: events are a help, and no promise.
_AT_LEAST_EVERY = timedelta(minutes=15)


@dataclass(frozen=True)
class Followed:
    """What a look has found: how many new events, what the sync brought in, and how many instructions can go on.

    ``synced`` is None where there was no need, or another sync is under way.
    """

    events: int
    synced: Synced | None
    woken: int = 0
    is_busy: bool = False


def follow(
    connection: Connection,
    looks: StripeClient,
    settles: Callable[[], AbstractContextManager[Settlement]],
    actor: str,
) -> Followed:
    """Look for news with a client that only looks; raises PayoutsError where there can't be any, or Stripe is away.

    What the events say is believed only once the key has turned out to be this ledger's own.
    """
    account = require_pinned(connection)
    feed = provider_journal.feed(connection, "events", account.id)
    since = feed.read_to if feed else datetime.now(UTC)
    listed = list(stripe_journal.events(looks, since - _OVERLAP))
    news = [event for event in listed if feed is None or event.id not in feed.seen]
    if not news and not _is_due(connection, account):
        return Followed(0, None)
    with settles() as parts:
        synced = sync_own(connection, parts, actor, waits=False)
    if synced is None:
        return Followed(len(news), None, is_busy=True)
    _note(connection, account, since, listed, is_new=feed is None)
    return Followed(len(news), synced, provider_journal.wake_listed(connection))


def _is_due(connection: Connection, account: identity.Account) -> bool:
    feed = provider_journal.feed(connection, "balance_transactions", account.id)
    return feed is None or feed.asked_at < datetime.now(UTC) - _AT_LEAST_EVERY


def _note(
    connection: Connection, account: identity.Account, since: datetime, listed: list[Event], *, is_new: bool
) -> None:
    """How far events were read, and those that will be listed again."""
    if is_new:
        provider_journal.begin(connection, "events", account.id, since)
    read_to = max([since, *(event.created_at for event in listed)])
    seen = [event.id for event in listed if event.created_at >= read_to - _OVERLAP]
    provider_journal.advance(connection, "events", read_to, seen)
