"""The command line: `payouts`. Each module beside this one holds the commands of a group, with what they do.

What takes long to import (Dagster, pandas, psycopg) is imported when a command runs, so that help is there at once.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from payouts_pipeline.cli import (
    adjust,
    changes,
    fleet,
    give_back,
    identity,
    operator,
    provider,
    running,
    showing,
    start_up,
)
from payouts_pipeline.cli.doctor import doctor
from payouts_pipeline.cli.explain import explain
from payouts_pipeline.errors import PayoutsError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="payouts")
def payouts() -> None:
    """Pay out yesterday's football matches: every fee split to the cent, everyone paid exactly once.

    Without configuration everything runs on embedded parts: PostgreSQL, an AWS emulator and a Stripe emulator. What is
    set in the environment (PAYOUTS_DATABASE_URL, AWS_*, STRIPE_API_KEY, ...) replaces just its part.
    """


for command in (
    *(running.demo, running.run, start_up.dev, start_up.up, start_up.down),
    *(showing.status, showing.verify, explain, doctor),
    *(operator.hold, operator.unhold, operator.confirm_account),
    *(operator.approve, operator.retry, operator.cancel, operator.resolve),
    *(give_back.refund, give_back.reverse, adjust.write_off, adjust.transfer_balance),
    *(identity.ledger, identity.recover, provider.sync),
    *(changes.preview, changes.accept),
    *(fleet.worker, fleet.redrive, fleet.deploy, fleet.migrate),
):
    payouts.add_command(command)


# Objects that a command may make before Python looks which of them hang together and are no longer needed.
_COLLECT_EVERY = 50_000


def main() -> None:
    """Run the command line; an error that is meant for people is one sentence and exit code 1."""
    try:
        start_up.read_env_file()
        with _little_garbage():
            payouts()
    except PayoutsError as error:
        click.secho("payouts: ", fg="red", bold=True, nl=False, err=True)
        click.echo(str(error), err=True)
        sys.exit(1)


@contextmanager
def _little_garbage() -> Iterator[None]:
    """Look for garbage seldom, and not once more at the end: what is imported is none, and that takes a second.

    Frames and rows are freed by their counts of references, so that this costs no memory to speak of.
    """
    gc.set_threshold(_COLLECT_EVERY)
    try:
        yield
    finally:
        gc.freeze()
