"""The commands that materialise days: `demo` and `run`."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, provider, rendering, start_up
from payouts_pipeline.cli.start_up import Need
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.settings import Calendar

if TYPE_CHECKING:
    from payouts_pipeline.defs.materialize import DayRun

_WATCH_EVERY_S = 2.0


@click.command()
@parameters.pending_days
@click.option(
    "--with-returns",
    is_flag=True,
    help="Afterwards have a charge refunded in part, another disputed and a transfer reversed at the Stripe emulator, "
    "bring that in as 'payouts sync' does, and show what is held.",
)
def demo(pending_days: float, with_returns: bool) -> None:
    """Settle yesterday of a sample season on embedded parts, and show the result.

    Run it again: nothing changes, and it says so.
    """
    started = time.monotonic()
    calendar = Calendar.from_environment()
    start_up.stay_local()
    with start_up.ready(list(Need)):
        day = start_up.load_season(calendar, pending_days)
        is_ok = _run_and_show([day])
        if with_returns:
            _take_back_and_show(day)
        rendering.line(f"All of it took {time.monotonic() - started:.1f} s. To see it in the Dagster UI: make dev")
    sys.exit(0 if is_ok else 1)


def _take_back_and_show(day: date) -> None:
    """What was taken back at Stripe after the night, and where the day stands then."""
    from payouts_pipeline.reports import status

    start_up.take_back(day)
    with start_up.connected() as ledger:
        provider.bring_in(ledger)
        rendering.day(status.day_status(ledger, day))


@click.command()
@click.argument("day", type=parameters.DAY)
@click.option("--to", "last_day", type=parameters.DAY, help="The last day of a range.")
@parameters.as_json
def run(day: date, last_day: date | None, as_json: bool) -> None:
    """Materialise DAY, or the days from DAY on, without the UI.

    Safe to repeat at any time. Exit code 0 means that no check of severity ERROR failed: totals are right. Declined
    cards, fees held out and payees without an account are warnings.
    """
    days = _days(day, last_day or day, Calendar.from_environment())
    needs = [Need.LEDGER, Need.DAGSTER, Need.AWS, *([Need.STRIPE] if settings.workers() else [])]
    with start_up.ready(needs):
        is_ok = _run_as_json(days) if as_json else _run_and_show(days)
    sys.exit(0 if is_ok else 1)


def _days(first_day: date, last_day: date, calendar: Calendar) -> list[date]:
    """The days of a range; raises PayoutsError for one that is not over, or before the first."""
    latest = start_up.last_day(calendar)
    if last_day < first_day:
        raise PayoutsError(f"The range ends on {last_day}, before it begins on {first_day}: turn it around.")
    if first_day < calendar.start_date:
        raise PayoutsError(f"{first_day} is before the first day, {calendar.start_date} (PAYOUTS_START_DATE).")
    if last_day > latest:
        zone = calendar.timezone.key
        raise PayoutsError(f"{last_day} is not over yet in {zone}: the last day to pay out is {latest}.")
    return [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]


def _run_and_show(days: Sequence[date]) -> bool:
    """Materialise the days and show each as it ends; whether all went well."""
    from payouts_pipeline.reports import funds, status

    is_ok = True
    with _watching(days):
        for result in _runs(days):
            # Opened when it is needed: a day may have taken long.
            with start_up.connected() as ledger:
                stands, totals = status.day_status(ledger, result.day), status.booked_totals(ledger, result.day)
                forecast = funds.forecast(ledger)
            if len(days) > 1:
                rendering.day_in_a_line(stands, result)
            else:
                rendering.day(stands)
                rendering.waiting_for_funds(forecast)
                rendering.totals(totals)
                rendering.outcome(result)
            is_ok = is_ok and result.ok
    if len(days) > 1:
        rendering.line(f"{len(days)} days; 'payouts status DAY' shows one with the reasons of what is open.")
    return is_ok


def _run_as_json(days: Sequence[date]) -> bool:
    """Materialise the days and print one document; whether all went well."""
    from payouts_pipeline.reports import status

    is_ok, documents = True, []
    for result in _runs(days):
        with start_up.connected() as ledger:
            documents.append(rendering.run_as_json(result, status.day_status(ledger, result.day)))
        is_ok = is_ok and result.ok
    rendering.as_json(documents)
    return is_ok


def _runs(days: Sequence[date]) -> "Iterator[DayRun]":
    """What came of each day. One that fails says why, and the others continue."""
    from payouts_pipeline.defs.materialize import run_days
    from payouts_pipeline.defs.runs import end_lost_runs, held_by

    with start_up.dagster_instance() as instance, held_by(start_up.connected) as tags:
        with start_up.connected() as ledger:
            end_lost_runs(instance, ledger)
        for result in run_days(days, instance, tags):
            if result.failure:
                rendering.error(f"{result.day}: {result.failure}")
            yield result


@contextmanager
def _watching(days: Sequence[date]) -> Iterator[None]:
    """Say every few seconds how much of the days is settled, while somebody waits for it."""
    import psycopg

    from payouts_pipeline.ledger.database import LEDGER, Lasting
    from payouts_pipeline.reports import status

    done, connected = threading.Event(), Lasting(settings.database_url(), LEDGER)

    def watch() -> None:
        while not done.wait(_WATCH_EVERY_S):
            # What is wrong with the ledger, the run says.
            with suppress(psycopg.Error, PayoutsError):
                counts = [status.progress(connected(), day) for day in days]
                settled, total = (sum(column) for column in zip(*counts, strict=True))
                rendering.step(f"{settled} of {total} instructions settled so far")
        connected.close()

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
