"""The command line: `payouts`.

What takes long to import (Dagster, pandas) is imported when a command needs it, so that help is there at once.
"""

import sys
from datetime import date
from pathlib import Path

import click
from dotenv import load_dotenv

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError


class Day(click.ParamType[date]):
    """A day on the command line, like 2026-01-31."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it; click says what is wrong."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is no day: give one like 2026-01-31.", param, ctx)


_DAY = Day()
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document; amounts are in minor units.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="payouts")
def payouts() -> None:
    """Pay out yesterday's football matches: every fee split to the cent, everyone paid exactly once.

    Without configuration everything runs on embedded parts: PostgreSQL, an AWS emulator and a Stripe emulator. What is
    set in the environment (PAYOUTS_DATABASE_URL, AWS_*, STRIPE_API_KEY, ...) replaces just its part.
    """


@payouts.command()
def demo() -> None:
    """Settle yesterday of a sample season on embedded parts, and show the result.

    Run it again: nothing changes, and it says so.
    """
    from payouts_pipeline import commands

    commands.demo()


@payouts.command()
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the UI, on localhost only.")
def dev(port: int) -> None:
    """Run the Dagster UI with the nightly schedule, on the same parts as the demo. Ctrl-C stops all of it."""
    from payouts_pipeline import commands

    commands.dev(port)


@payouts.command()
@click.argument("day", type=_DAY)
@click.option("--to", "last_day", type=_DAY, help="The last day of a range.")
@_json
def run(day: date, last_day: date | None, as_json: bool) -> None:
    """Materialise DAY, or the days from DAY on, without the UI.

    Safe to repeat at any time. Exit code 0 means that no check of severity ERROR failed: totals are right. Declined
    cards, fees held out and payees without an account are warnings.
    """
    from payouts_pipeline import commands

    sys.exit(commands.run(day, last_day or day, as_json))


@payouts.command()
@click.argument("day", type=_DAY, required=False)
@_json
def status(day: date | None, as_json: bool) -> None:
    """Show where the money of DAY is (of every day without it), and why what has not moved has not."""
    from payouts_pipeline import commands

    commands.status(day, as_json)


@payouts.command()
@click.option(
    "--billing-type", "billing_types", multiple=True, type=click.Choice(list(BillingType)), help="Only these queues."
)
@click.option("--drain", is_flag=True, help="End when the queues are empty.")
def worker(billing_types: tuple[BillingType, ...], drain: bool) -> None:
    """Settle what the queues bring, in PAYOUTS_WORKERS threads, until Ctrl-C or SIGTERM."""
    from payouts_pipeline import commands

    commands.worker(billing_types or tuple(BillingType), drain)


@payouts.command()
def migrate() -> None:
    """Create or upgrade the ledger's schema in the database of PAYOUTS_DATABASE_URL."""
    from payouts_pipeline import commands

    commands.migrate()


@payouts.command()
def deploy() -> None:
    """Create or update topic and queues, as CloudFormation stack PAYOUTS_STACK, where boto3's environment points."""
    from payouts_pipeline import commands

    commands.deploy()


def main() -> None:
    """Run the command line; an error that is meant for people is one sentence and exit code 1."""
    # Dagster reads the same file; what the shell has set counts more.
    load_dotenv(Path.cwd() / ".env")
    try:
        payouts()
    except PayoutsError as error:
        click.secho("payouts: ", fg="red", bold=True, nl=False, err=True)
        click.echo(str(error), err=True)
        sys.exit(1)
