"""What nobody can settle ends in the dead-letter queue without hurting its batch, and comes back once it is mended."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.dead_letters import Fate, redrive
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.settlement.visibility import InHand
from payouts_tests.integration.settlement.test_worker_process import eventually, lines
from payouts_tests.support.command_line import payouts
from payouts_tests.support.fleets import drain, publish_charges, require_each_once, statuses, topology_of
from payouts_tests.support.worlds import World, Worlds

CHARGE, CLUB = BillingType.PLAYER_CHARGE, BillingType.CLUB_PAYOUT
GARBAGE = {
    "malformed": "{",
    "wrong version": json.dumps({"version": 2, "instruction_id": str(uuid4())}),
    "an order to pay": json.dumps({"version": 1, "instruction_id": str(uuid4()), "amount_minor": 1}),
    "unknown id": messages.body(uuid4()),
    "a mebibyte of garbage": "x" * (2**20 - 2**10),
}


@pytest.fixture(scope="module")
def died(worlds: Worlds) -> tuple[World, list[str]]:
    """An installation on whose queues stood garbage between good messages, after workers have tried ten times."""
    world = worlds.make()
    ledger, topology, sqs = world.connect(), topology_of(world), world.client("sqs")
    publish_charges(world, ledger)
    foreign = _ids(ledger)[0]
    for queue, body in [*((CHARGE, body) for body in GARBAGE.values()), (CLUB, messages.body(foreign))]:
        sqs.send_message(QueueUrl=topology.queue_urls[queue], MessageBody=body)
    # Otherwise each try would take as long as the template hides a message.
    for url in topology.queue_urls.values():
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    said: list[str] = []
    while _count(sqs, topology, dead=True) < len(GARBAGE) + 1:
        done = payouts(world, "worker", "--drain")
        assert done.returncode == 0, done.stderr
        said.append(done.stderr)
        assert len(said) < 20, "the garbage dies"
    sqs.close()
    return world, said


def _ids(ledger: Connection) -> list[Any]:
    """Of what is on its way: which of the others an id is of, the ledger's own id decides."""
    query = "select id from payouts.instructions where status = 'published' order by id"
    return [row[0] for row in ledger.execute(query).fetchall()]


def _count(sqs: Any, topology: Topology, *, dead: bool) -> int:
    total = 0
    for url in (topology.dead_letter_urls if dead else topology.queue_urls).values():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        total += sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))
    return total


@pytest.fixture
def sqs(died: tuple[World, list[str]]) -> Iterator[Any]:
    client = died[0].client("sqs")
    yield client
    client.close()


def test_garbage_dies_and_everything_beside_it_is_settled(died: tuple[World, list[str]], sqs: Any) -> None:
    world, said = died
    topology = topology_of(world)
    assert _count(sqs, topology, dead=False) == 0
    assert not {"pending", "published", "sending", "unknown"} & statuses(world.connect()).keys()
    require_each_once(world, world.connect())
    told = [str(line["event"]) for text in said for line in lines(text) if "message_id" in line]
    for reason in (
        "not JSON",
        "not 1",
        "just version and instruction_id",
        "longer than",
        "no instruction of this queue",
    ):
        assert any(reason in event for event in told), reason
    assert not any("xxxx" in text for text in said), "what a stranger wrote is not repeated"


def test_redrive_says_of_each_why_it_died_and_a_dry_run_moves_none(died: tuple[World, list[str]], sqs: Any) -> None:
    world = died[0]
    shown = payouts(world, "redrive", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    for why in ("not JSON", "there is no instruction", "nothing to do any more", f"{len(GARBAGE) + 1} dead letters"):
        assert why in shown.stdout
    assert _count(sqs, topology_of(world), dead=True) == len(GARBAGE) + 1


def test_redrive_republishes_what_can_be_settled_now_and_leaves_what_never_can(worlds: Worlds) -> None:
    world = worlds.make()
    ledger, topology, sqs = world.connect(), topology_of(world), world.client("sqs")
    publish_charges(world, ledger)
    [first, second, *_] = _ids(ledger)
    for url in topology.queue_urls.values():
        sqs.purge_queue(QueueUrl=url)
    # As after an hour without a database; and one of a queue that it never belonged on.
    for queue, body in ((CHARGE, messages.body(first)), (CLUB, messages.body(second)), (CHARGE, "{")):
        sqs.send_message(QueueUrl=topology.dead_letter_urls[queue], MessageBody=body)
    only_clubs = payouts(world, "redrive", "--billing-type", CLUB)
    assert "was on the wrong queue; published again" in only_clubs.stdout
    rest = list(redrive(ledger, world.client("sns"), sqs, topology, list(BillingType), dry_run=False))
    fates = {letter.fate: letter.why for letter in rest}
    assert "was Postgres or Stripe down?" in fates[Fate.REPUBLISHED]
    assert "not JSON" in fates[Fate.LEFT]
    assert (_count(sqs, topology, dead=True), _count(sqs, topology, dead=False)) == (1, 2)
    drain(world)
    stand = {status for (status,) in ledger.execute(
        "select status from payouts.instructions where id = any(%s)", ([first, second],)
    )}  # fmt: skip
    assert stand.isdisjoint({"pending", "published", "sending", "unknown"})
    require_each_once(world, ledger)
    sqs.close()


def test_what_is_in_hand_stays_hidden_however_long_it_takes(worlds: Worlds) -> None:
    world = worlds.make()
    topology, sqs = topology_of(world), world.client("sqs")
    url = topology.queue_urls[CHARGE]
    sqs.send_message(QueueUrl=url, MessageBody="slow")
    in_hand = InHand(sqs, hidden_for_s=2, every_s=0.3)
    with in_hand.extended():
        received = messages.receive(sqs, url, wait_s=1, hidden_for_s=1)
        with in_hand.keep(url, received):
            assert messages.receive(sqs, url, wait_s=3) == []
            assert in_hand.give_back(0) == 1
            eventually(lambda: messages.receive(sqs, url, wait_s=0), "given back, it can be had at once")
        assert in_hand.give_back(0) == 0
    sqs.close()
