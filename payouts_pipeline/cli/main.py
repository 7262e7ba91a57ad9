"""The command line: `payouts`.

What takes long to import (Dagster, pandas) is imported when a command needs it, so that help is there at once.
"""

import io
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click
from dotenv import load_dotenv

from payouts_pipeline.domain.billing import BillingType, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local import env_file

if TYPE_CHECKING:
    from uuid import UUID

    from payouts_pipeline.reports.explain.documents import MatchName


class PayeeName(click.ParamType[Payee]):
    """A payee on the command line, like club:17."""

    name = "payee"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Payee:
        """Read it; click says what is wrong."""
        try:
            return value if isinstance(value, Payee) else Payee.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SubjectName(click.ParamType["UUID | MatchName | Payee"]):
    """What can be explained: an instruction's id, a match like match:7, a player or payee like club:17."""

    name = "subject"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "UUID | MatchName | Payee":
        """Read it; click says what is wrong."""
        from uuid import UUID

        from payouts_pipeline.reports.explain.documents import MatchName

        subject, colon, number = str(value).partition(":")
        if subject == "match" and number.isdecimal() and int(number) < 2**63:
            return MatchName(int(number))
        try:
            return _PAYEE.convert(value, param, ctx) if colon else UUID(str(value))
        except (click.BadParameter, ValueError):
            examples = "match:7, player:9, club:17, organiser:3, partner:1 or the id of an instruction"
            self.fail(f"'{value}' can't be explained: give one like {examples}.", param, ctx)


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
_PAYEE = PayeeName()
_SUBJECT = SubjectName()
_reason = click.option("--reason", help="Why, for whoever reads the history; it is shown in the status. Required.")
_billing_types = click.option(
    "--billing-type",
    "billing_types",
    multiple=True,
    # As texts: click would want the names of an enum, which are written in capitals.
    type=click.Choice([kind.value for kind in BillingType]),
    callback=lambda _context, _option, given: [BillingType(kind) for kind in given] or list(BillingType),
    help="Only these queues.",
)
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
    from payouts_pipeline.cli import commands

    sys.exit(commands.demo())


@payouts.command()
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the UI, on localhost only.")
@click.option("--read-only-port", type=int, help="Also serve a UI on this port that can start and change nothing.")
def dev(port: int, read_only_port: int | None) -> None:
    """Run the Dagster UI with the nightly schedule, on the same parts as the demo. Ctrl-C stops all of it."""
    from payouts_pipeline.cli import commands

    commands.dev(port, read_only_port)


@payouts.command()
def up() -> None:
    """Start the embedded parts in the background, and write the .env that Dagster reads: then just 'dagster dev'.

    Only variables that you have not set go into .env, between two marked lines; your own lines stay as they are.
    """
    from payouts_pipeline.cli import commands

    commands.up()


@payouts.command()
def down() -> None:
    """Stop what 'payouts up' started; the data stays for the next time."""
    from payouts_pipeline.cli import commands

    commands.down()


@payouts.command()
@click.argument("day", type=_DAY)
@click.option("--to", "last_day", type=_DAY, help="The last day of a range.")
@_json
def run(day: date, last_day: date | None, as_json: bool) -> None:
    """Materialise DAY, or the days from DAY on, without the UI.

    Safe to repeat at any time. Exit code 0 means that no check of severity ERROR failed: totals are right. Declined
    cards, fees held out and payees without an account are warnings.
    """
    from payouts_pipeline.cli import commands

    sys.exit(commands.run(day, last_day or day, as_json))


@payouts.command()
@click.argument("day", type=_DAY, required=False)
@click.option(
    "--instructions", "with_instructions", is_flag=True, help="Also list each instruction that is not settled."
)
@_json
def status(day: date | None, with_instructions: bool, as_json: bool) -> None:
    """Show where the money of DAY is (of every day without it), and why what has not moved has not."""
    from payouts_pipeline.cli import commands

    commands.status(day, with_instructions, as_json)


@payouts.command()
@click.argument("subject", type=_SUBJECT)
@click.argument("day", type=_DAY, required=False)
@_json
def explain(subject: "UUID | MatchName | Payee", day: date | None, as_json: bool) -> None:
    """Show where each cent of SUBJECT came from and where it is now; what is open says why and what would move it.

    SUBJECT is match:7, player:9, club:17, organiser:3, partner:1 or the id of an instruction. DAY narrows it down: with
    a day a player's fees or a payee's shares are shown one by one, without it what is open of any day.
    """
    from payouts_pipeline.cli.explain import explain

    explain(subject, day, as_json)


@payouts.command()
@_billing_types
@click.option("--drain", is_flag=True, help="End when the queues are empty.")
@click.option("--concurrency", type=click.IntRange(1, 256), help="Calls at once; PAYOUTS_WORKERS without it.")
@click.option(
    "--grace-s", type=click.FloatRange(0), default=30.0, show_default=True, help="How long SIGTERM waits for calls."
)
def worker(billing_types: list[BillingType], drain: bool, concurrency: int | None, grace_s: float) -> None:
    """Settle what the queues bring, until Ctrl-C or SIGTERM. Any number of workers can run at once.

    The first signal lets the calls that are under way finish, and gives back what does not finish in time; a second
    one ends it at once. Nothing is lost either way.
    """
    from payouts_pipeline.cli import fleet

    fleet.worker(billing_types, drain, concurrency, grace_s)


@payouts.command()
@_billing_types
@click.option("--dry-run", is_flag=True, help="Only say why each message died, and what would become of it.")
def redrive(billing_types: list[BillingType], dry_run: bool) -> None:
    """Bring dead letters back whose cause is mended, and say of each why it had died."""
    from payouts_pipeline.cli import fleet

    fleet.redrive(billing_types, dry_run)


@payouts.command()
@click.argument("payee", type=_PAYEE, required=False)
@_reason
def hold(payee: Payee | None, reason: str | None) -> None:
    """Hold back everything of PAYEE (club:17, organiser:3, partner:1, player:9) that is not under way at Stripe.

    It stays held, also what is made later, until 'payouts release'. Without PAYEE: list who is on hold.
    """
    from payouts_pipeline.cli import operator

    if payee is None:
        operator.list_holds()
    else:
        operator.hold(payee, _given(reason))


@payouts.command()
@click.argument("payee", type=_PAYEE)
@_reason
def release(payee: Payee, reason: str | None) -> None:
    """Release PAYEE from a hold: what was held goes on when its day is materialised again."""
    from payouts_pipeline.cli import operator

    operator.release(payee, _given(reason))


@payouts.command()
@click.argument("instruction", type=click.UUID, required=False)
@_reason
def approve(instruction: "UUID | None", reason: str | None) -> None:
    """Let an INSTRUCTION above PAYOUTS_APPROVAL_ABOVE go: it goes on when its day is materialised again.

    Without INSTRUCTION: list what waits for approval.
    """
    from payouts_pipeline.cli import operator

    if instruction is None:
        operator.list_wanted_approvals()
    else:
        operator.approve(instruction, _given(reason))


@payouts.command()
@click.argument("instruction", type=click.UUID)
@_reason
def cancel(instruction: "UUID", reason: str | None) -> None:
    """Cancel an INSTRUCTION of which nothing is under way at Stripe, and put its amount back on the account.

    What is still owed then is no less: the next materialisation of the day makes a new instruction of it. To keep
    somebody from being paid or charged, hold the payee first (payouts hold).
    """
    from payouts_pipeline.cli import operator

    operator.cancel(instruction, _given(reason))


@payouts.command()
@click.argument("days", metavar="[DAY]...", type=_DAY, nargs=-1)
@click.option("--provider", "with_provider", is_flag=True, help="Also compare every instruction with what Stripe has.")
@_json
def verify(days: tuple[date, ...], with_provider: bool, as_json: bool) -> None:
    """Recompute from the source lines and the ledger that the rules of money hold, for the DAYs or for everything.

    Changes nothing. Each violation is printed with the rule it breaks and the ids it is of; exit code 1 if there is
    any. What merely waits for its day to be materialised is a warning.
    """
    from payouts_pipeline.cli import operator

    sys.exit(operator.verify(days or None, with_provider, as_json))


def _given(reason: str | None) -> str:
    """The reason; without one, nobody would know tomorrow."""
    if not reason or not reason.strip():
        raise click.UsageError("Say why, with --reason: it stands in the history.")
    return reason.strip()


@payouts.command()
def migrate() -> None:
    """Create or upgrade the ledger's schema in the database of PAYOUTS_DATABASE_URL."""
    from payouts_pipeline.cli import commands

    commands.migrate()


@payouts.command()
@click.option("--lambda-bucket", help="Also run the worker as a Lambda function; its code is put into this S3 bucket.")
@click.option("--lambda-secret", help="ARN of the secret with the function's PAYOUTS_DATABASE_URL and STRIPE_API_KEY.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Another of the template's.")
def deploy(lambda_bucket: str | None, lambda_secret: str | None, parameters: tuple[str, ...]) -> None:
    """Create or update topic and queues, as CloudFormation stack PAYOUTS_STACK, where boto3's environment points.

    Deploying again changes nothing; a parameter that is not given keeps its value.
    """
    from payouts_pipeline.cli import fleet

    if bool(lambda_bucket) != bool(lambda_secret):
        raise click.UsageError("The function needs both --lambda-bucket and --lambda-secret.")
    if unread := [text for text in parameters if "=" not in text]:
        raise click.UsageError(f"--parameter {unread[0]} is not of the form NAME=VALUE.")
    given = dict(text.split("=", 1) for text in parameters)
    fleet.deploy(given, lambda_bucket, lambda_secret)


def main() -> None:
    """Run the command line; an error that is meant for people is one sentence and exit code 1."""
    try:
        # Dagster reads the same file; what the shell has set counts more.
        load_dotenv(stream=io.StringIO(env_file.own_text(Path.cwd() / ".env")))
        payouts()
    except PayoutsError as error:
        click.secho("payouts: ", fg="red", bold=True, nl=False, err=True)
        click.echo(str(error), err=True)
        sys.exit(1)
