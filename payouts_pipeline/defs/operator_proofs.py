"""What a person has proven in the UI: the ledger, whose it is, and whether a night could be paid."""

import os
from collections import Counter
from datetime import date
from pathlib import Path
from uuid import UUID

from payouts_pipeline import settings
from payouts_pipeline.defs import operator_forms as forms
from payouts_pipeline.defs.operator_forms import UNCONFIRMED
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.audit import Violation, audit


def verify(config: forms.OfAudit, ledger: LedgerResource, stripe: StripeResource) -> str:
    """Recomputes from the source lines and the ledger that the rules of money hold. Changes nothing."""
    days = [forms.day(config.day)] if config.day.strip() else None
    if days and config.is_full:
        raise PayoutsError("is_full looks at everything: name no day with it.")
    with ledger.connect() as connection:
        found = audit(connection, days, settings.minimum_payouts_minor(), full=config.is_full)
        violations = [*found.violations]
        if config.is_compared_with_stripe:
            violations += _at_stripe(connection, ledger, stripe, days)
    errors = sum(not each.is_warning for each in violations)
    looked_at = f"{found.lines} lines, {found.instructions} instructions and {found.accounts} accounts"
    verdict = f"{errors} violations" if errors else "all rules of money hold"
    return "\n\n".join([f"Looked at {looked_at}: {verdict}.", *map(_violation, violations)])


def _at_stripe(
    connection: Connection, ledger: LedgerResource, stripe: StripeResource, days: list[date] | None
) -> list[Violation]:
    """Where the ledger and Stripe differ."""
    # Not at import: Stripe's SDK takes time that loading should not.
    from payouts_pipeline.reports.journal_reconciliation import reconcile_journal
    from payouts_pipeline.reports.reconciliation import reconcile

    with stripe.settlement(ledger.database_url)() as parts:
        return reconcile(connection, parts.stripe(), days) + reconcile_journal(connection, parts.stripe(), days)


def _violation(each: Violation) -> str:
    severity = "warning" if each.is_warning else "violation"
    return f"{severity}, rule {each.rule}, {each.check}, {each.kind} {each.id}: {each.detail} (in minor units)"


def check_setup() -> str:
    """Says whether a night could be paid, from where runs run: each thing that it needs, and what to do about it.

    Writes, sends and pins nothing.
    """
    # Not at import: Stripe's SDK takes time that loading should not.
    from payouts_pipeline.reports.doctor.examination import examine
    from payouts_pipeline.reports.doctor.setup import Setup

    is_elsewhere = settings.workers() == 0 and not os.environ.get("STRIPE_API_KEY")
    dagster_yaml = Path(os.environ.get("DAGSTER_HOME", ".")) / "dagster.yaml"
    found = list(examine(Setup(frozenset(), {}, dagster_yaml, is_elsewhere)))
    counts = Counter(str(each.state) for each in found)
    verdict = "No night could be paid" if counts["problem"] else "A night could be paid"
    lines = [f"{verdict}: {counts['problem']} problems, {counts['warning']} warnings."]
    lines += [
        f"- **{each.state}** {each.subject}: {each.found}{f': {each.to_do}' if each.to_do else ''}" for each in found
    ]
    return "\n\n".join(lines)


def ledger_identity(config: forms.OfIdentity, ledger: LedgerResource, stripe: StripeResource) -> str:
    """Shows which Stripe account the ledger belongs to; says whether it is the one that has used it, or beside it."""
    continued = forms.uuid(config.continue_id, "a ledger") if config.continue_id.strip() else None
    if continued and config.is_beside:
        raise PayoutsError("It is either that ledger or another one beside it.")
    with ledger.connect() as connection:
        if config.is_confirmed:
            _say_whose(connection, continued, config, ledger, stripe)
        return _identity(connection) + (
            "" if config.is_confirmed or not (continued or config.is_beside) else UNCONFIRMED
        )


def _say_whose(
    connection: Connection,
    continued: UUID | None,
    config: forms.OfIdentity,
    ledger: LedgerResource,
    stripe: StripeResource,
) -> None:
    if continued:
        identity.continue_as(connection, continued, config.actor, config.why)
    if config.is_beside:
        # What Stripe says of the key counts, so that a wrong one can't be named by hand.
        with stripe.settlement(ledger.database_url)() as parts:
            identity.set_beside(connection, parts.standing.account(), config.actor, config.why)


def _identity(connection: Connection) -> str:
    found = identity.read(connection)
    account = f"belongs to {found.account} at Stripe" if found.account else "belongs to no account at Stripe yet"
    lines = [f"Ledger {found.id} {account}."]
    lines += [
        f"{each.at:%Y-%m-%d %H:%M}: {each.what} by {each.actor}: {each.reason}" for each in identity.events(connection)
    ]
    return "\n\n".join([*lines, ""])
