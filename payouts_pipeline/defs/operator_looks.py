"""What a person looks at in the UI, and brings in: nothing of it asks Stripe to move money.

What imports Stripe's SDK is imported by the run that needs it, so that loading the definitions takes little time.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from payouts_pipeline import settings
from payouts_pipeline.defs import operator_forms as forms
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_pipeline.domain.calendar import bounds
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import SOURCE, Connection, open_connection
from payouts_pipeline.ledger.movements import Kept
from payouts_pipeline.ledger.provider_journal import Look
from payouts_pipeline.reports import activity
from payouts_pipeline.reports.explain import page
from payouts_pipeline.reports.explain.assemble import assemble
from payouts_pipeline.reports.explain.fetch import fetch
from payouts_pipeline.reports.explain.league_now import LeagueNow
from payouts_pipeline.reports.explain.subjects import parse
from payouts_pipeline.settings import Calendar
from payouts_pipeline.workflow.preview import preview as found_by

# What a reason, or any other text of somebody's, could otherwise make a link, a picture or a tag of.
_ACTS_IN_MARKDOWN = re.compile(r"[\\`*\[\]<>]")
_STATES = {
    "waiting": "settles its instruction once its day is materialised again",
    "needs_person": "is not what its instruction asks for; see it at Stripe, and decide",
}


def preview(config: forms.OfDay, ledger: LedgerResource) -> str:
    """Shows what materialising a day would book, charge and pay now; nothing is written or sent."""
    limits = settings.minimum_payouts_minor(), settings.limits(), ledger.change_limit
    with ledger.connect() as connection, ledger.connect_source() as source:
        found = found_by(connection, source, forms.day(config.day), Calendar.from_environment().timezone, *limits)
    lines = [f"A change waits: {found.proposal.reason}."] if found.proposal else []
    lines += [
        f"{each.fees} fees: {format_minor(each.added_minor, each.currency)} added, "
        f"{format_minor(each.taken_back_minor, each.currency)} taken back"
        for each in found.fees
    ]
    lines += [
        f"{each.count} of {each.billing_type}, {format_minor(each.amount_minor, each.currency)}: {each.status}"
        for each in found.instructions
    ]
    return "\n\n".join(lines) or "Nothing would change."


def explain(config: forms.OfSubject, ledger: LedgerResource) -> str:
    """Shows where each cent of somebody came from and where it is now; what is open says why, and the next step.

    With a day a player's fees or a payee's shares are shown one by one, without it what is open of any day.
    """
    subject, day = parse(config.subject.strip()), forms.day_if_given(config.day)
    timezone = Calendar.from_environment().timezone
    with ledger.connect() as connection, _league(ledger) as (source, problem):
        league, minimums = LeagueNow(source, timezone, problem), settings.minimum_payouts_minor()
        explained = assemble(fetch(connection, league, subject, day, minimums))
    return _as_lists(page.lines(explained, timezone))


@contextmanager
def _league(ledger: LedgerResource) -> Iterator[tuple[Connection | None, str | None]]:
    """Schema `league`, or why it can't be read: what the ledger knows is worth showing without it."""
    try:
        source = open_connection(ledger.source_url, SOURCE)
    except PayoutsError as error:
        yield None, str(error)
        return
    with source:
        yield source, None


def _as_lists(lines: Iterable[str]) -> str:
    """Markdown of lines with what belongs to one indented below it."""
    return "\n".join(_as_item(line) for text in lines for line in text.splitlines() if line.strip())


def _as_item(line: str) -> str:
    text = _ACTS_IN_MARKDOWN.sub(r"\\\g<0>", line.strip())
    depth = (len(line) - len(line.lstrip())) // 2
    return f"{'  ' * (depth - 1)}- {text}" if depth else f"\n**{text}**\n"


def sync(config: forms.OfSync, ledger: LedgerResource, stripe: StripeResource) -> str:
    """Brings in what happened at Stripe: charges, transfers, refunds, disputes, fees, top-ups. Moves nothing."""
    from payouts_pipeline.workflow.sync import sync_at_request

    day = forms.day_if_given(config.day)
    since = bounds(day, Calendar.from_environment().timezone)[0] if day else None
    with ledger.connect() as connection, stripe.settlement(ledger.database_url)() as parts:
        found, odd = sync_at_request(connection, parts, config.actor, since), activity.not_understood(connection)
    entered = found.entered + found.returned
    lines = [f"{found.kept} lines of Stripe's journal are new; {entered} were entered."]
    lines += [
        f"{each.id}, {each.type} of {format_minor(each.net_minor, each.currency)}: {each.sentence}" for each in odd
    ]
    lines += map(_balance, found.looks)
    if not found.looks:
        lines.append("Our account did not stand still, so that the balances were not compared.")
    return "\n\n".join(lines)


def _balance(look: Look) -> str:
    there = format_minor(look.available_minor + look.pending_minor, look.currency)
    if look.difference_minor:
        return f"{there} at Stripe: differs from the ledger by {format_minor(look.difference_minor, look.currency)}."
    return f"{there} at Stripe: as the ledger has it."


def recover(config: forms.Person, ledger: LedgerResource, stripe: StripeResource) -> str:
    """Catches up with Stripe after a restore: finds what it moved that this ledger does not know. Sends nothing."""
    from payouts_pipeline.workflow.recover import recover as recovered

    with (
        ledger.connect() as connection,
        ledger.connect_source() as source,
        stripe.settlement(ledger.database_url)() as parts,
    ):
        kept = recovered(connection, source, parts, config.actor)
    adopted = sum(each.state == "adopted" for each in kept)
    lines = [f"{len(kept)} movements that the ledger did not know; {adopted} have settled their instructions."]
    lines += [_movement(each) for each in kept if each.state in _STATES]
    return "\n\n".join(lines)


def _movement(kept: Kept) -> str:
    amount = format_minor(kept.amount_minor, kept.currency)
    return f"{kept.provider_reference}, {kept.billing_type} of {kept.day}, {amount}: {_STATES[kept.state]}"
