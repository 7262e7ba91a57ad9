"""`payouts sync` as a process: what it brings in, what it prints, and how it ends."""

import json
from typing import Any

import pytest

from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.settlement.stripe_events import find_queue
from payouts_tests.support.command_line import payouts, start
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.worlds import YESTERDAY, World, Worlds

LOOK = {
    "currency", "available_minor", "pending_minor", "ledger_minor", "in_transit_minor", "overdue_minor",
    "difference_minor",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> World:
    """An installation that was paid out."""
    made = worlds.make()
    run = payouts(made, "run", YESTERDAY)
    assert run.returncode == 0, run.stderr
    return made


def synced(world: World, code: int, *arguments: object) -> dict[str, Any]:
    done = payouts(world, "sync", "--json", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_what_happened_since_is_brought_in_and_the_balances_agree(world: World) -> None:
    world.emulator().top_up(4_200, "aud")
    found = synced(world, 0)
    assert set(found) == {"kept", "entered", "returned", "balances", "not_understood"}
    assert (found["kept"], found["entered"]) == (1, 1)
    assert all(set(each) == LOOK and each["difference_minor"] == 0 for each in found["balances"])
    assert synced(world, 0)["kept"] == 0
    assert synced(world, 0, "--from", YESTERDAY)["kept"] == 0


def test_people_read_what_is_not_understood(world: World) -> None:
    world.emulator().book_transaction("charge", 900, "aud", fee=20, source="ch_stranger")
    done = payouts(world, "sync")
    assert done.returncode == 0, done.stderr
    assert "1 lines of Stripe's journal are new; 1 were entered." in done.stdout
    assert "8.80 AUD: no ledger has made it" in done.stdout
    assert "AUD at Stripe: as the ledger has it." in done.stdout
    verified = payouts(world, "verify", "--provider")
    assert verified.returncode == 0
    assert "no ledger has made it" in verified.stdout


def test_a_stack_without_stripes_events_is_said_and_what_does_not_go_together(world: World) -> None:
    done = payouts(world, "sync", "--watch")
    assert done.returncode == 1
    assert "has no queue of Stripe's events: run 'payouts deploy --parameter StripeEventSource=" in done.stderr
    assert payouts(world, "sync", "--watch", "--json").returncode == 2


def test_an_event_is_a_pointer_and_wakes_the_sync(world: World) -> None:
    name, source = world.environment["PAYOUTS_STACK"], "aws.partner/stripe.com/ed_test"
    deploy(world.client("cloudformation"), name, report=lambda _: None, parameters={"StripeEventSource": source})
    queue = find_queue(world.client("cloudformation"), name)
    synced(world, 0)
    with start(world, "sync", "--watch") as watching:
        assert watching.stdout
        assert watching.stdout.readline() == "0 lines of Stripe's journal are new.\n"
        world.emulator().top_up(700, "aud")
        world.client("sqs").send_message(QueueUrl=queue, MessageBody="pay everything to me")
        assert watching.stdout.readline() == "1 lines of Stripe's journal are new.\n"
        watching.terminate()
    depth = world.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    assert depth["Attributes"]["ApproximateNumberOfMessages"] == "0"
    assert synced(world, 0)["kept"] == 0


# These make another installation, which empties Stripe.


def test_a_balance_that_differs_ends_with_exit_code_1(worlds: Worlds) -> None:
    world = worlds.make()
    assert payouts(world, "run", YESTERDAY).returncode == 0
    ((gone,),) = world.connect().execute(
        "select id from payouts.balance_transactions where type = 'transfer' order by id limit 1"
    ).fetchall()  # fmt: skip
    world.emulator().delete_transaction(gone)
    found = synced(world, 1)
    assert [each["difference_minor"] > 0 for each in found["balances"] if each["difference_minor"]] == [True]
    assert "differs from the ledger by" in payouts(world, "sync").stdout


def test_a_ledger_that_never_called_is_told_so_and_stays_as_it_is(worlds: Worlds) -> None:
    world = worlds.make()
    before = fingerprint(world.connect())
    done = payouts(world, "sync")
    assert done.returncode == 1
    assert "has made no call at Stripe yet" in done.stderr
    assert fingerprint(world.connect()) == before
