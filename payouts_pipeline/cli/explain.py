"""The command `explain`: it answers who asks where the money is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.start_up import ready_ledger
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.settings import Calendar

if TYPE_CHECKING:
    from payouts_pipeline.ledger.database import Connection
    from payouts_pipeline.reports.explain.snapshot import Subject


class SubjectName(click.ParamType["Subject"]):
    """What can be explained: an instruction's id, a match like match:7, a player or payee like club:17."""

    name = "subject"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Subject":
        """Read it; click says what is wrong."""
        from payouts_pipeline.reports.explain.subjects import parse

        try:
            return parse(str(value))
        except PayoutsError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("subject", type=SubjectName())
@click.argument("day", type=parameters.DAY, required=False)
@parameters.as_json
def explain(subject: "Subject", day: date | None, as_json: bool) -> None:
    """Show where each cent of SUBJECT came from and where it is now; what is open says why, and the next step.

    SUBJECT is match:7, player:9, club:17, organiser:3, partner:1 or the id of an instruction. DAY narrows it down: with
    a day a player's fees or a payee's shares are shown one by one, without it what is open of any day.
    """
    from payouts_pipeline.reports.explain import documents, page
    from payouts_pipeline.reports.explain.assemble import assemble
    from payouts_pipeline.reports.explain.fetch import fetch
    from payouts_pipeline.reports.explain.league_now import LeagueNow

    timezone = Calendar.from_environment().timezone
    minimums = settings.minimum_payouts_minor()
    with ready_ledger() as ledger, _league() as (source, problem):
        explained = assemble(fetch(ledger, LeagueNow(source, timezone, problem), subject, day, minimums))
    if as_json:
        rendering.document(documents.as_json(explained))
    else:
        for line in page.lines(explained, timezone):
            rendering.line(line)


@contextmanager
def _league() -> Iterator[tuple["Connection | None", str | None]]:
    """Schema `league`, or why it can't be read: what the ledger knows is worth showing without it."""
    from payouts_pipeline.ledger import database

    try:
        source = database.open_connection(settings.source_url(), "PAYOUTS_SOURCE_URL")
    except PayoutsError as error:
        yield None, str(error)
        return
    with source:
        yield source, None
