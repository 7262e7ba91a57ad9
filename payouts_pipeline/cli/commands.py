"""What the commands of the command line do; each says which parts it needs."""

import os
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from payouts_pipeline import settings
from payouts_pipeline.cli import rendering
from payouts_pipeline.domain.calendar import yesterday
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import database
from payouts_pipeline.ledger import migrate as migrations
from payouts_pipeline.local.environment import Need, parts, stay_local
from payouts_pipeline.reports import status as ledger_status
from payouts_pipeline.settings import Calendar

if TYPE_CHECKING:
    from payouts_pipeline.defs.materialize import DayRun
    from payouts_pipeline.settlement.stripe_client import Provider

_WATCH_EVERY_S = 2.0


def demo() -> int:
    """Settle yesterday of the sample season, and show the result; the exit code."""
    started = time.monotonic()
    calendar = Calendar.from_environment()
    stay_local(rendering.step)
    with ready(list(Need)):
        day = _last_day(calendar)
        _load_season(calendar, day)
        code = _run_and_show([day])
        rendering.line(f"All of it took {time.monotonic() - started:.1f} s. To see it in the Dagster UI: make dev")
    return code


def up() -> None:
    """Start the embedded parts with the sample season, and keep them for a plain `dagster dev`."""
    from payouts_pipeline.local import background

    calendar = Calendar.from_environment()
    before = dict(os.environ)
    with ready(list(Need)) as embedded:
        _load_season(calendar, _last_day(calendar))
        background.keep(embedded, before, rendering.step)
    rendering.line("The parts run until 'payouts down'. In this folder, 'dagster dev' needs no flags now.")


def down() -> None:
    """Stop the embedded parts."""
    from payouts_pipeline.local import background

    background.end(rendering.step)


def dev(port: int, read_only_port: int | None) -> None:
    """Run the Dagster UI and its daemon until Ctrl-C."""
    from payouts_pipeline.local import dagster_dev

    calendar = Calendar.from_environment()
    with dagster_dev.only_one(), ready(list(Need)):
        dagster_dev.prepare()
        _load_season(calendar, _last_day(calendar))
        dagster_dev.serve(port, read_only_port, rendering.step)


def run(first_day: date, last_day: date, as_json: bool) -> int:
    """Materialise the days in turn; the exit code."""
    days = _days(first_day, last_day, Calendar.from_environment())
    needs = [Need.LEDGER, Need.DAGSTER, Need.AWS]
    if settings.workers():
        needs.append(Need.STRIPE)
    with ready(needs):
        return _run_as_json(days) if as_json else _run_and_show(days)


def status(day: date | None, with_instructions: bool, as_json: bool) -> None:
    """Show where the money of a day, or of every day, is, and which instructions are not settled."""
    read = ledger_status.with_open_instructions if with_instructions else ledger_status.day_status
    with ready([Need.LEDGER]), ready_ledger() as ledger:
        days = [day] if day else ledger_status.booked_days(ledger)
        found = [read(ledger, each) for each in days]
    if as_json:
        rendering.as_json([each.as_json() for each in found])
    elif not found:
        rendering.line("No day was materialised yet: run 'payouts run DAY'.")
    else:
        for each in found:
            rendering.day(each)


def migrate() -> None:
    """Create or upgrade the ledger's schema."""
    with parts([Need.LEDGER], rendering.step):
        _migrate()


@contextmanager
def ready(needs: Collection[Need]) -> Iterator[set[Need]]:
    """Run the parts, with schema and stack in those that are embedded; one's own are changed only when told to.

    Yields the needs that embedded parts serve.
    """
    with parts(needs, rendering.step) as embedded:
        if Need.LEDGER in embedded:
            _migrate()
        if Need.AWS in embedded:
            _deploy()
        yield embedded


def _migrate() -> None:
    with database.connect(settings.database_url()) as connection:
        applied = migrations.migrate(connection)
    for name in applied:
        rendering.step(f"applied {name} to schema payouts")
    if not applied:
        rendering.step("schema payouts is up to date")


def _deploy() -> None:
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.aws.stack import deploy as deploy_stack

    deploy_stack(make_client("cloudformation"), settings.stack(), report=rendering.step)


@contextmanager
def ready_ledger() -> Iterator[database.Connection]:
    """A connection to the ledger; raises PayoutsError where its schema is not of this version."""
    with database.connect(settings.database_url()) as connection:
        migrations.require_migrated(connection)
        yield connection


def _last_day(calendar: Calendar) -> date:
    """Yesterday, which must not lie before the first day."""
    day = yesterday(datetime.now(UTC), calendar.timezone)
    if day < calendar.start_date:
        raise PayoutsError(f"PAYOUTS_START_DATE is {calendar.start_date}: there is no day before {day} to pay out yet.")
    return day


def _days(first_day: date, last_day: date, calendar: Calendar) -> list[date]:
    """The days of a range; raises PayoutsError for one that is not over, or before the first."""
    latest = _last_day(calendar)
    if last_day < first_day:
        raise PayoutsError(f"The range ends on {last_day}, before it begins on {first_day}: turn it around.")
    if first_day < calendar.start_date:
        raise PayoutsError(f"{first_day} is before the first day, {calendar.start_date} (PAYOUTS_START_DATE).")
    if last_day > latest:
        zone = calendar.timezone.key
        raise PayoutsError(f"{last_day} is not over yet in {zone}: the last day to pay out is {latest}.")
    return [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]


def _load_season(calendar: Calendar, last_day: date) -> None:
    from payouts_pipeline.local import demo_data

    demo_data.load(last_day, calendar.timezone.key, rendering.step)


def _run_and_show(days: Sequence[date]) -> int:
    """Materialise the days and show each as it ends; the exit code."""
    ok = True
    with ready_ledger() as ledger, _watching(days):
        for result in _runs(days):
            status = ledger_status.day_status(ledger, result.day)
            if len(days) > 1:
                rendering.day_in_a_line(status, result)
            else:
                rendering.day(status)
                rendering.totals(ledger_status.booked_totals(ledger, result.day))
                rendering.outcome(result)
            ok = ok and result.ok
    if len(days) > 1:
        rendering.line(f"{len(days)} days; 'payouts status DAY' shows one with the reasons of what is open.")
    return 0 if ok else 1


def _run_as_json(days: Sequence[date]) -> int:
    """Materialise the days and print one document; the exit code."""
    ok, documents = True, []
    with ready_ledger() as ledger:
        for result in _runs(days):
            documents.append(rendering.run_as_json(result, ledger_status.day_status(ledger, result.day)))
            ok = ok and result.ok
    rendering.as_json(documents)
    return 0 if ok else 1


def _runs(days: Sequence[date]) -> "Iterator[DayRun]":
    """What came of each day. One that fails says why, and the others go on."""
    from payouts_pipeline.defs.lost_runs import end_lost_runs, held_by
    from payouts_pipeline.defs.materialize import run_days
    from payouts_pipeline.local.instance import instance, prepare_home

    prepare_home()
    with instance() as dagster_instance, ready_ledger() as ledger, held_by(ledger) as tags:
        end_lost_runs(dagster_instance, ledger)
        for result in run_days(days, dagster_instance, tags):
            if result.failure:
                rendering.error(f"{result.day}: {result.failure}")
            yield result


@contextmanager
def _watching(days: Sequence[date]) -> Iterator[None]:
    """Say every few seconds how much of the days is settled, while somebody waits for it."""
    done = threading.Event()

    def watch() -> None:
        with database.connect(settings.database_url()) as connection:
            while not done.wait(_WATCH_EVERY_S):
                counts = [ledger_status.progress(connection, day) for day in days]
                settled, total = (sum(column) for column in zip(*counts, strict=True))
                rendering.step(f"{settled} of {total} instructions settled so far")

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def provider() -> "Provider":
    """Stripe as the environment says; raises PayoutsError where it can't be reached or refuses our key."""
    from payouts_pipeline.settlement.stripe_client import Provider

    api_key = settings.required("STRIPE_API_KEY")
    calls_per_s = settings.stripe_calls_per_s(api_key)
    stripe = Provider(api_key, os.environ.get("STRIPE_API_BASE"), calls_per_s=calls_per_s)
    stripe.check()
    return stripe
