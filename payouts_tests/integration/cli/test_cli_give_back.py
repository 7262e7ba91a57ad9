"""`payouts refund`, `reverse`, `write-off` and `transfer-balance` as processes: what they do, say, and how they end."""

import json
from uuid import UUID

import pytest

from payouts_tests.support.command_line import payouts
from payouts_tests.support.worlds import YESTERDAY, World, Worlds

WHY = ("--reason", "the match was abandoned")


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> World:
    """An installation that was paid out."""
    made = worlds.make()
    run = payouts(made, "run", YESTERDAY)
    assert run.returncode == 0, run.stderr
    return made


def said(world: World, code: int, *arguments: object) -> str:
    done = payouts(world, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def settled(world: World, billing_type: str, position: int = 0) -> UUID:
    query = (
        "select id from payouts.instructions where billing_type = %s and status = 'settled' and currency = 'AUD'"
        " order by created_at, id"
    )
    found = world.connect().execute(query, (billing_type,)).fetchall()
    return UUID(str(found[position][0]))


def moved(world: World, kind: str) -> list[int]:
    return [row.amount for row in world.emulator().journal() if row.kind == kind]


def test_a_charge_is_given_back_at_once_shown_and_not_twice(world: World) -> None:
    charge = settled(world, "player_charge")
    assert "Say why, with --reason" in said(world, 2, "refund", charge)
    done = said(world, 0, "refund", charge, "--amount", "1.50", *WHY)
    assert "Given back: charge_refund" in done
    assert "of 1.50 AUD (player:" in done
    assert "was asked for already" in said(world, 1, "refund", charge, "--amount", "1.50", *WHY)
    assert moved(world, "refund") == [150]
    order = settled(world, "charge_refund")
    explained = said(world, 0, "explain", order)
    assert f"gives back {charge}: 1.50 AUD" in explained
    assert "the match was abandoned" in explained
    assert f"is given back: 1.50 AUD by {order}, settled" in said(world, 0, "explain", charge)
    document = json.loads(said(world, 0, "status", YESTERDAY, "--json"))
    lines = [
        (each["billing_type"], each["status"], each["amount_minor"]) for each in document["days"][0]["instructions"]
    ]
    assert ("charge_refund", "settled", 150) in lines
    assert ("player_charge", "held", 150) in lines
    said(world, 0, "verify", "--provider")
    said(world, 0, "verify", "--full")


def test_a_match_is_given_back_player_by_player(world: World) -> None:
    query = "select match_id from payouts.fees where charge_id = %s order by match_id desc limit 1"
    ((match,),) = world.connect().execute(query, (settled(world, "player_charge", 3),)).fetchall()
    done = payouts(world, "refund", f"match:{match}", *WHY)
    assert done.stdout.count("Given back: charge_refund") > 1
    assert done.returncode == ("Not asked for" in done.stdout)
    before = moved(world, "refund")
    assert "was asked for already" in said(world, 1, "refund", f"match:{match}", *WHY)
    assert moved(world, "refund") == before
    said(world, 0, "verify", "--provider")


def test_a_payout_is_taken_back_and_waits_for_a_person(world: World) -> None:
    payout = settled(world, "organiser_payout")
    done = said(world, 0, "reverse", payout, "--amount", "2", *WHY)
    assert "Given back: payout_reversal" in done
    assert moved(world, "reversal") == [200]
    assert "Only" in said(world, 1, "reverse", payout, "--amount", "1000000", *WHY)
    said(world, 0, "verify", "--provider")


def test_an_amount_above_the_limit_is_asked_for_and_sent_once_it_is_approved(world: World) -> None:
    charge = settled(world, "player_charge", 1)
    careful = world.but(PAYOUTS_APPROVAL_ABOVE='{"AUD": 10}')
    done = said(careful, 1, "refund", charge, "--amount", "0.50", *WHY)
    assert "held: above 0.10 AUD: waits for approval" in done
    query = "select id from payouts.instructions where billing_type = 'charge_refund' and status = 'held'"
    ((order,),) = world.connect().execute(query).fetchall()
    assert "another person must approve" in said(careful, 1, "approve", order, *WHY)
    said(careful.but(LOGNAME="bob"), 0, "approve", order, *WHY)
    said(careful, 0, "run", YESTERDAY)
    assert settled(world, "charge_refund", 1)
    assert 50 in moved(world, "refund")
    said(world, 0, "sync")
    said(world, 0, "verify", "--provider")


def test_where_a_fleet_has_the_key_it_is_asked_for_and_the_fleet_sends_it(world: World) -> None:
    """The machine of operators need not have Stripe's key."""
    charge = settled(world, "player_charge", -1)
    without = world.but(PAYOUTS_WORKERS="0", STRIPE_API_KEY=None, STRIPE_API_BASE=None)
    done = said(without, 1, "refund", charge, "--amount", "0.70", *WHY)
    assert "Not given back yet" in done
    assert "continues with the next run" in done
    said(world, 0, "run", YESTERDAY)
    assert 70 in moved(world, "refund")


def test_a_debt_is_written_off_and_a_balance_moves(world: World) -> None:
    ((player,),) = world.connect().execute("select player_id from payouts.held_players limit 1").fetchall()
    done = said(world, 0, "write-off", f"player:{player}", "aud", *WHY)
    assert f"AUD of player:{player}" in done
    assert "owes nothing in AUD" in said(world, 1, "write-off", f"player:{player}", "AUD", *WHY)
    assert "AUD written off by cli" in said(world, 0, "explain", f"player:{player}")
    said(world, 0, "run", YESTERDAY)
    said(world, 0, "verify", "--full")
    assert "to another of its kind" in said(world, 1, "transfer-balance", "club:1", "organiser:1", *WHY)
