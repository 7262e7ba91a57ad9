"""What runs before a command does its work: the embedded parts that it needs, and the ledger in its version.

The one module that knows the room `local`; so the commands that only start and stop its parts are here, too.
"""

import io
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from dotenv import load_dotenv

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.domain.calendar import yesterday
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local import env_file, environment
from payouts_pipeline.local.environment import Need as Need
from payouts_pipeline.settings import Calendar

if TYPE_CHECKING:
    import dagster as dg

    from payouts_pipeline.ledger.database import Connection


@click.command()
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the UI, on localhost only.")
@click.option("--read-only-port", type=int, help="Also serve a UI on this port that can start and change nothing.")
@parameters.pending_days
def dev(port: int, read_only_port: int | None, pending_days: float) -> None:
    """Run the Dagster UI with the nightly schedule, on the same parts as the demo. Ctrl-C stops all of it."""
    from payouts_pipeline.local import dagster_dev

    calendar = Calendar.from_environment()
    with dagster_dev.only_one(), ready(list(Need)):
        dagster_dev.prepare()
        load_season(calendar, pending_days)
        dagster_dev.serve(port, read_only_port, rendering.step)


@click.command()
def up() -> None:
    """Start the embedded parts in the background, and write the .env that Dagster reads: then just 'dg dev'.

    Only variables that you have not set go into .env, between two marked lines; your own lines stay as they are.
    """
    from payouts_pipeline.local import background

    calendar = Calendar.from_environment()
    before = dict(os.environ)
    with ready(list(Need)) as embedded:
        load_season(calendar)
        background.keep(embedded, before, rendering.step)
    rendering.line("The parts run until 'payouts down'. In this folder, 'dg dev' needs no flags now.")


@click.command()
def down() -> None:
    """Stop what 'payouts up' started; the data stays for the next time."""
    from payouts_pipeline.local import background

    background.end(rendering.step)


def read_env_file() -> None:
    """Take the user's own lines of `.env`, as Dagster does; what the shell has set counts more."""
    load_dotenv(stream=io.StringIO(env_file.own_text(Path.cwd() / ".env")))


def stay_local() -> None:
    """Leave out of the environment what would lead the demo away from this machine."""
    environment.stay_local(rendering.step)


@contextmanager
def embedded(needs: Collection[Need]) -> Iterator[set[Need]]:
    """Run those of the parts that are embedded, as they are; yields their needs."""
    with environment.parts(needs, rendering.step) as found:
        yield found


@contextmanager
def to_look_at(needs: Collection[Need]) -> Iterator[tuple[set[Need], dict[Need, str]]]:
    """The same where each may be set wrongly: their needs, and by need why its part is not there. Makes nothing."""
    with environment.parts_to_look_at(needs, rendering.step) as found:
        yield found


def moves_no_money() -> bool:
    """Whether a fleet elsewhere has the key, so that there need be none here."""
    try:
        return settings.workers() == 0 and not os.environ.get("STRIPE_API_KEY")
    except PayoutsError:
        return False


def dagster_yaml() -> Path:
    """What Dagster's instance is described in: that of DAGSTER_HOME, else of the checkout."""
    home = os.environ.get("DAGSTER_HOME")
    return (Path(home) if home else environment.project_dir()) / "dagster.yaml"


@contextmanager
def ready(needs: Collection[Need]) -> Iterator[set[Need]]:
    """The same, with schema and stack in what is embedded; one's own parts are changed only when told to."""
    with embedded(needs) as found:
        if Need.LEDGER in found:
            migrate_ledger()
        if Need.AWS in found:
            from payouts_pipeline.aws.clients import make_client
            from payouts_pipeline.aws.stack import deploy

            deploy(make_client("cloudformation"), settings.stack(), report=rendering.step)
        yield found


@contextmanager
def ready_ledger(*others: Need) -> Iterator["Connection"]:
    """A connection to the ledger, with what else is needed; raises PayoutsError where it is of another version."""
    with ready([Need.LEDGER, *others]), connected() as connection:
        yield connection


@contextmanager
def connected() -> Iterator["Connection"]:
    """A connection to a ledger that is there; raises PayoutsError where its schema is not of this version."""
    from payouts_pipeline.ledger import database, migrate

    with database.connect(settings.database_url()) as connection:
        migrate.require_migrated(connection)
        yield connection


def migrate_ledger() -> None:
    """Create or upgrade the schema, and say what that took."""
    from payouts_pipeline.ledger import database, migrate

    with database.connect(settings.database_url()) as connection:
        applied = migrate.migrate(connection)
    for name in applied:
        rendering.step(f"applied {name} to schema payouts")
    if not applied:
        rendering.step("schema payouts is up to date")


def load_season(calendar: Calendar, pending_days: float = 0) -> date:
    """Have the sample season up to yesterday, which is returned; card money is pending for so many days."""
    from payouts_pipeline.local import demo_data

    day = last_day(calendar)
    demo_data.load(day, calendar.timezone.key, pending_days, rendering.step)
    return day


def take_back(day: date) -> None:
    """Have a refund, a dispute and a reversal happen at the Stripe emulator, of which the ledger knows nothing yet."""
    from payouts_pipeline.local import demo_data

    demo_data.take_back(day, rendering.step)


def last_day(calendar: Calendar) -> date:
    """Yesterday, which must not lie before the first day."""
    day = yesterday(datetime.now(UTC), calendar.timezone)
    if day < calendar.start_date:
        raise PayoutsError(f"PAYOUTS_START_DATE is {calendar.start_date}: there is no day before {day} to pay out yet.")
    return day


@contextmanager
def dagster_instance() -> Iterator["dg.DagsterInstance"]:
    """Dagster's instance, of DAGSTER_HOME or of the checkout."""
    from payouts_pipeline.local.instance import instance, prepare_home

    prepare_home()
    with instance() as found:
        yield found
