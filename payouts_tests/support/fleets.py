"""A day up to where a separate fleet takes over: booked, charged, and its pointers on the queues."""

from datetime import timedelta

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league.reader import fees_of_day
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.assemble import StripeAccount, settlement
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.publish import Phase
from payouts_tests.support.leagues import SYDNEY
from payouts_tests.support.worlds import YESTERDAY, World


def topology_of(world: World) -> Topology:
    return find_topology(world.client("cloudformation"), world.environment["PAYOUTS_STACK"])


def publish_charges(world: World, ledger: Connection) -> int:
    """Book yesterday, and publish its charges; how many messages that made."""
    source = world.connect()
    lines = split(fees_of_day(source, YESTERDAY, SYDNEY))
    phases.open_charges(ledger, source, YESTERDAY, lines, "test")
    return _publish(world, ledger, BillingType.PLAYER_CHARGE)


def publish_payouts(world: World, ledger: Connection) -> int:
    """Release what was collected of yesterday, and publish its payouts; how many messages that made."""
    phases.open_payouts(ledger, world.connect(), YESTERDAY, {}, "test")
    return _publish(world, ledger, *PAYOUT_TYPES)


def _publish(world: World, ledger: Connection, *kinds: BillingType) -> int:
    sns = world.client("sns")
    phase = Phase(ledger, sns, topology_of(world), YESTERDAY, kinds, "test", lambda _: None)
    published = phase.settle(None, timedelta(0))
    sns.close()
    return published


def drain(world: World) -> None:
    """What another worker does, in this process."""
    environment, sqs = world.environment, world.client("sqs")
    url, account = environment["PAYOUTS_DATABASE_URL"], StripeAccount.from_environment(environment)
    with settlement(url, account, 8) as parts, parts.pool(sqs, topology_of(world), list(BillingType)) as workers:
        workers.drain()
        workers.join()
    sqs.close()


def statuses(ledger: Connection) -> dict[str, int]:
    """How many instructions there are by status."""
    return dict(ledger.execute("select status, count(*) from payouts.instructions group by 1").fetchall())


def require_each_once(world: World, ledger: Connection) -> None:
    """One movement at Stripe for each settled instruction, and none for any other."""
    moved = [str(row.metadata["instruction_id"]) for row in world.emulator().journal()]
    settled = ledger.execute("select id::text from payouts.instructions where status = 'settled'").fetchall()
    assert sorted(moved) == sorted(row[0] for row in settled)
