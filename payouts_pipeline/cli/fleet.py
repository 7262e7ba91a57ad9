"""What the commands around a separate fleet do: run a worker, and bring dead letters back."""

import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from payouts_pipeline import settings
from payouts_pipeline.aws.lambda_package import upload
from payouts_pipeline.cli import logs, rendering
from payouts_pipeline.cli.commands import provider, ready, ready_ledger
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.environment import Need, parts

if TYPE_CHECKING:
    from payouts_pipeline.settlement.worker_pool import Fleet

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5


def deploy(parameters: Mapping[str, str], lambda_bucket: str | None, lambda_secret: str | None) -> None:
    """Create or update the stack, with the worker as a function in it if there is a bucket for its code."""
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.aws.stack import deploy as deploy_stack

    with parts([Need.AWS], rendering.step):
        of_function: dict[str, str] = {}
        if lambda_bucket and lambda_secret:
            of_function = {
                "LambdaCodeBucket": lambda_bucket,
                "LambdaCodeKey": upload(make_client("s3"), lambda_bucket),
                "LambdaSecretArn": lambda_secret,
            }
        client = make_client("cloudformation")
        deploy_stack(client, settings.stack(), report=rendering.step, parameters={**parameters, **of_function})


def worker(billing_types: Sequence[BillingType], drain: bool, concurrency: int | None, grace_s: float) -> None:
    """Settle what the queues bring, until they are empty or somebody says stop."""
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.settlement.topology import find_topology
    from payouts_pipeline.settlement.worker_pool import STAYING_WAIT_S, Fleet

    logs.to_stderr()
    threads = concurrency or settings.workers()
    if not threads:
        raise PayoutsError("PAYOUTS_WORKERS is 0: say how many calls at once with --concurrency, 1 or more.")
    with ready([Need.LEDGER, Need.AWS, Need.STRIPE]):
        with ready_ledger():
            pass
        topology = find_topology(make_client("cloudformation"), settings.stack())
        wait_s = {} if drain else {"wait_s": STAYING_WAIT_S}
        sqs, url, stripe = make_client("sqs"), settings.database_url(), provider()
        fleet = Fleet(url, sqs, topology, stripe, billing_types, threads, **wait_s)
        with fleet:
            log.info("started", extra={"billing_types": billing_types, "concurrency": threads})
            if drain:
                fleet.drain()
            _until_stopped(fleet, _stop_at_a_signal(fleet), grace_s)
        log.info("ended", extra={"provider_calls": stripe.calls})


def _stop_at_a_signal(fleet: "Fleet") -> Callable[[], bool]:
    """Stop at the first signal; at the second one at once, which loses nothing either. Whether there was one."""
    received: list[int] = []

    def stop(number: int, _: object) -> None:
        if received:
            log.warning("stopped at once: calls that are under way will be asked for at Stripe")
            os._exit(128 + number)
        received.append(number)
        fleet.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return lambda: bool(received)


def _until_stopped(fleet: "Fleet", is_told_to: Callable[[], bool], grace_s: float) -> None:
    """Wait for the workers' end; once told to stop, no longer than the grace time."""
    while not fleet.join(_LOOK_EVERY_S):
        if is_told_to():
            log.info("told to stop: what is in hand is finished")
            if not fleet.join(grace_s):
                _leave(fleet.give_back())
            return


def _leave(messages: int) -> None:
    """End although calls are under way: their threads can't be stopped, and nobody waits for them any more."""
    log.warning("the grace time is over: messages were given back, to be asked for", extra={"messages": messages})
    logging.shutdown()
    os._exit(0)


def redrive(billing_types: Sequence[BillingType], dry_run: bool) -> None:
    """Bring dead letters back, and show each."""
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.settlement.redrive import redrive as redriven
    from payouts_pipeline.settlement.topology import find_topology

    with ready([Need.LEDGER, Need.AWS]), ready_ledger() as ledger:
        topology = find_topology(make_client("cloudformation"), settings.stack())
        clients = make_client("sns"), make_client("sqs")
        letters = list(redriven(ledger, *clients, topology, billing_types, dry_run=dry_run))
    for letter in letters:
        fate = f"would be {letter.fate}" if dry_run else letter.fate
        rendering.line(f"{letter.queue} {letter.message.message_id}: {letter.why}; {fate}")
    rendering.line(f"{len(letters)} dead letters." if letters else "There are no dead letters.")
