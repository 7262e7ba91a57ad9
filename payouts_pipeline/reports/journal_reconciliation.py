"""Compares the journal that the ledger has kept with Stripe's list, line by line, and names what is odd in it.

Changes nothing, and brings nothing in: what is not kept yet, `payouts sync` does.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg.rows import class_row

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.journal import UNUSUAL, WAITING, sentence
from payouts_pipeline.ledger import identity, provider_journal
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.provider_journal import LISTED_WITHIN, BalanceTransaction
from payouts_pipeline.reports import activity
from payouts_pipeline.reports.audit import Violation
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.settlement import stripe_journal
from payouts_pipeline.settlement.stripe_client import StripeClient

# Stripe's side of the books is the other half of the truth.
_RULE = 12
_CLOCKS = timedelta(days=1)


@dataclass(frozen=True)
class Kept:
    """A line as the ledger has it; ``is_news`` if it was brought in after Stripe was asked."""

    id: str
    type: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    created_at: datetime
    source_id: str | None
    assigned_to: str
    instruction_id: str | None
    why: str | None
    is_listed: bool
    is_news: bool

    @property
    def says(self) -> tuple[object, ...]:
        """What must not change."""
        return self.type, self.amount_minor, self.fee_minor, self.currency


def reconcile_journal(connection: Connection, stripe: StripeClient, days: Collection[date] | None) -> list[Violation]:
    """Look at what moved for the days, or at everything without days. Raises PayoutsError where Stripe can't be asked.

    What strangers moved, and our own funds, are of no day: they are looked at without days.
    """
    account = identity.read(connection).account
    feed = provider_journal.feed(connection, "balance_transactions", account.id) if account else None
    if feed is None:
        return [_violation("ledger", "journal", "Stripe's journal was never read: run 'payouts sync'", is_warning=True)]
    parameters: dict[str, object] = {"days": None if days is None else sorted(days)}
    first, last, now = connection.execute(sql("attempts_period"), parameters).fetchall()[0]
    since = max(feed.begins_at, (first or now) - _CLOCKS) if days is not None else feed.begins_at
    until = (last or now) + _CLOCKS if days is not None else None
    listed = {each.id: each for page in stripe_journal.transactions(stripe, since, until) for each in page}
    parameters |= {"since": since, "until": until, "asked_at": now}
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        kept = {each.id: each for each in cursor.execute(sql("kept_lines"), parameters)}
    found = [violation for each in kept.values() for violation in _of_kept(each, listed)]
    if days is None:
        found += [*_not_kept(connection, listed), *_balances(connection)]
    return found + _never_listed(connection, days)


def _of_kept(here: Kept, listed: Mapping[str, BalanceTransaction]) -> Iterator[Violation]:
    there = listed.get(here.id)
    if there is None and here.is_listed and not here.is_news:
        yield _violation(*_whose(here), f"{_named(here)} was brought in, and Stripe no longer lists it")
    if there and (there.type, there.amount_minor, there.fee_minor, there.currency) != here.says:
        now = format_minor(there.net_minor, there.currency)
        yield _violation(*_whose(here), f"{_named(here)} was brought in, and by now Stripe says that it is {now}")
    if here.assigned_to == "return":
        yield _violation(
            *_whose(here), f"money came or went back by {_named(here)} ({here.source_id})", is_warning=True
        )
    elif here.why:
        is_warning = here.why in WAITING or here.why in UNUSUAL
        yield _violation(*_whose(here), f"{_named(here)}: {sentence(here.why)}", is_warning=is_warning)


def _not_kept(connection: Connection, listed: Mapping[str, BalanceTransaction]) -> Iterator[Violation]:
    """Stripe was asked first: what was brought in since is there."""
    known = {each for (each,) in connection.execute(sql("kept_ids"), {"ids": list(listed)})}
    for each in listed.values():
        if each.id not in known:
            what = f"{each.type} of {format_minor(each.net_minor, each.currency)}"
            day = each.created_at.date()
            detail = f"{what} was not brought in yet: run 'payouts sync --from {day}'"
            yield _violation("transaction", each.id, detail, is_warning=True)


def _balances(connection: Connection) -> Iterator[Violation]:
    for each in activity.balances(connection):
        if each.difference_minor:
            yield _violation("ledger", each.currency, each.sentence)


def _never_listed(connection: Connection, days: Collection[date] | None) -> list[Violation]:
    parameters = {"days": None if days is None else sorted(days), "listed_within": LISTED_WITHIN}
    rows = connection.execute(sql("never_listed"), parameters).fetchall()
    return [_violation("instruction", each, sentence("not_listed")) for (each,) in rows]


def _whose(here: Kept) -> tuple[str, str]:
    return ("instruction", here.instruction_id) if here.instruction_id else ("transaction", here.id)


def _named(here: Kept) -> str:
    return f"{here.type} {here.id} of {format_minor(here.net_minor, here.currency)}"


def _violation(kind: str, name: str, detail: str, *, is_warning: bool = False) -> Violation:
    return Violation(_RULE, "provider_journal", kind, name, detail, is_warning)
