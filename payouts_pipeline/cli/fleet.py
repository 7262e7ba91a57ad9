"""The commands around what settles elsewhere: `worker`, `redrive`, `deploy` and `migrate`."""

import logging
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering, start_up
from payouts_pipeline.cli.start_up import Need
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError

if TYPE_CHECKING:
    from payouts_pipeline.settlement.worker_pool import WorkerPool

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5


@click.command()
@parameters.billing_types
@click.option("--drain", is_flag=True, help="End when the queues are empty.")
@click.option("--concurrency", type=click.IntRange(1, 256), help="Calls at once; PAYOUTS_WORKERS without it.")
@click.option(
    "--grace-s", type=click.FloatRange(0), default=30.0, show_default=True, help="How long SIGTERM waits for calls."
)
def worker(billing_types: list[BillingType], drain: bool, concurrency: int | None, grace_s: float) -> None:
    """Settle what the queues bring, until Ctrl-C or SIGTERM. Any number of workers can run at once.

    The first signal lets the calls that are in progress finish, and gives back what does not finish in time; a second
    one ends it at once. Nothing is lost either way.
    """
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.cli import logs
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement
    from payouts_pipeline.settlement.topology import find_topology
    from payouts_pipeline.settlement.worker_pool import DRAINING_WAIT_S, STAYING_WAIT_S

    logs.to_stderr()
    threads = concurrency or settings.workers()
    if not threads:
        raise PayoutsError("PAYOUTS_WORKERS is 0: say how many calls at once with --concurrency, 1 or more.")
    with start_up.ready([Need.LEDGER, Need.AWS, Need.STRIPE]):
        with settlement(settings.database_url(), StripeAccount.from_environment(), threads) as parts:
            topology = find_topology(make_client("cloudformation"), settings.stack())
            parts.standing.check()
            wait_s = DRAINING_WAIT_S if drain else STAYING_WAIT_S
            with parts.pool(make_client("sqs"), topology, billing_types, wait_s) as workers:
                log.info("started", extra={"billing_types": billing_types, "concurrency": threads})
                if drain:
                    workers.drain()
                _until_stopped(workers, _stop_at_a_signal(workers), grace_s)
        log.info("ended", extra={"provider_calls": parts.calls})


def _stop_at_a_signal(workers: "WorkerPool") -> Callable[[], bool]:
    """Stop at the first signal; at the second one at once, which loses nothing either. Whether there was one."""
    received: list[int] = []

    def stop(number: int, _: object) -> None:
        if received:
            log.warning("stopped at once: calls that are in progress will be asked for at Stripe")
            os._exit(128 + number)
        received.append(number)
        workers.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return lambda: bool(received)


def _until_stopped(workers: "WorkerPool", is_told_to: Callable[[], bool], grace_s: float) -> None:
    """Wait for the workers' end; once told to stop, no longer than the grace time."""
    while not workers.join(_LOOK_EVERY_S):
        if is_told_to():
            log.info("told to stop: what is in hand is finished")
            if not workers.join(grace_s):
                _leave(workers.give_back())
            return


def _leave(messages: int) -> None:
    """End although calls are in progress: their threads can't be stopped, and nobody waits for them any more."""
    log.warning("the grace time is over: messages were given back, to be asked for", extra={"messages": messages})
    logging.shutdown()
    os._exit(0)


@click.command()
@parameters.billing_types
@click.option("--dry-run", is_flag=True, help="Only say why each message died, and what would become of it.")
def redrive(billing_types: list[BillingType], dry_run: bool) -> None:
    """Bring dead letters back whose cause is fixed, and say of each why it had died."""
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.settlement import dead_letters
    from payouts_pipeline.settlement.topology import find_topology

    with start_up.ready_ledger(Need.AWS) as ledger:
        topology = find_topology(make_client("cloudformation"), settings.stack())
        clients = make_client("sns"), make_client("sqs")
        letters = list(dead_letters.redrive(ledger, *clients, topology, billing_types, dry_run=dry_run))
    for letter in letters:
        fate = f"would be {letter.fate}" if dry_run else letter.fate
        rendering.line(f"{letter.queue} {letter.message.message_id}: {letter.why}; {fate}")
    rendering.line(f"{len(letters)} dead letters." if letters else "There are no dead letters.")


@click.command()
def migrate() -> None:
    """Create or upgrade the ledger's schema in the database of PAYOUTS_DATABASE_URL."""
    with start_up.embedded([Need.LEDGER]):
        start_up.migrate_ledger()


@click.command()
@click.option("--lambda-bucket", help="Also run the worker as a Lambda function; its code is put into this S3 bucket.")
@click.option("--lambda-secret", help="ARN of the secret with the function's PAYOUTS_DATABASE_URL and STRIPE_API_KEY.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Another of the template's.")
def deploy(lambda_bucket: str | None, lambda_secret: str | None, parameters: tuple[str, ...]) -> None:
    """Create or update topic and queues, as CloudFormation stack PAYOUTS_STACK, where boto3's environment points.

    Deploying again changes nothing; a parameter that is not given keeps its value.
    """
    from payouts_pipeline.aws import stack
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.aws.lambda_package import upload

    if bool(lambda_bucket) != bool(lambda_secret):
        raise click.UsageError("The function needs both --lambda-bucket and --lambda-secret.")
    if unread := [text for text in parameters if "=" not in text]:
        raise click.UsageError(f"--parameter {unread[0]} is not of the form NAME=VALUE.")
    values = dict(text.split("=", 1) for text in parameters)
    with start_up.embedded([Need.AWS]):
        if lambda_bucket and lambda_secret:
            values |= {
                "LambdaCodeBucket": lambda_bucket,
                "LambdaCodeKey": upload(make_client("s3"), lambda_bucket),
                "LambdaSecretArn": lambda_secret,
            }
        stack.deploy(make_client("cloudformation"), settings.stack(), report=rendering.step, parameters=values)
