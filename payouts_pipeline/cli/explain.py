"""What `payouts explain` does: it answers who asks where the money is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from payouts_pipeline import settings
from payouts_pipeline.cli import rendering, rendering_explain
from payouts_pipeline.cli.commands import ready, ready_ledger
from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import database
from payouts_pipeline.local.environment import Need
from payouts_pipeline.reports.explain.documents import MatchName
from payouts_pipeline.reports.explain.explainer import Explainer
from payouts_pipeline.reports.explain.league_now import LeagueNow
from payouts_pipeline.settings import Calendar


def explain(subject: UUID | MatchName | Payee, day: date | None, as_json: bool) -> None:
    """Show where the money of a subject came from and where it is; raises PayoutsError where there is none."""
    timezone = Calendar.from_environment().timezone
    minimums = settings.minimum_payouts_minor()
    with ready([Need.LEDGER]), ready_ledger() as ledger, _league() as (source, problem):
        explained = Explainer(ledger, LeagueNow(source, timezone, problem), minimums).explain(subject, day)
    if as_json:
        rendering.document(rendering_explain.as_json(explained))
    else:
        rendering_explain.show(explained, timezone)


@contextmanager
def _league() -> Iterator[tuple[database.Connection | None, str | None]]:
    """Schema `league`, or why it can't be read: what the ledger knows is worth showing without it."""
    try:
        source = database.open_connection(settings.source_url(), "PAYOUTS_SOURCE_URL")
    except PayoutsError as error:
        yield None, str(error)
        return
    with source:
        yield source, None
