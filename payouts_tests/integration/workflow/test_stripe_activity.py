"""Asset `stripe_activity` of the sample season: the day's activity, its checks, and Stripe being away."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.materialising import day_by_day
from payouts_tests.support.worlds import YESTERDAY, World

ACTIVITY = ["stripe_activity"]


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {
        each.check_name: each.passed
        for each in result.get_asset_check_evaluations()
        if each.asset_key == dg.AssetKey("stripe_activity")
    }


def page(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    [shown] = result.asset_materializations_for_node("stripe_activity")
    return {name: figure.value if name != "by_type" else figure for name, figure in shown.metadata.items()}


def made_yesterday(world: World, ledger: Connection) -> None:
    """What moved just now, as if it had on the day that is over."""
    ledger.execute("alter table payouts.balance_transactions disable trigger append_only")
    ledger.execute("update payouts.balance_transactions set created_at = created_at - %s", (timedelta(days=1),))
    ledger.execute("alter table payouts.balance_transactions enable trigger append_only")


@pytest.fixture
def ledger(world: World) -> Connection:
    return world.connect()


def test_the_night_brings_it_in_and_both_sides_agree(world: World, ledger: Connection) -> None:
    result = day_by_day(world, [YESTERDAY])
    assert result.success
    assert checks(result) == dict.fromkeys(
        ["each_movement_once", "every_movement_booked", "nothing_unknown", "provider_balance"], True
    )
    settled = ledger.execute("select count(*) from payouts.instructions where status = 'settled'").fetchall()
    assert (
        ledger.execute("select count(*) from payouts.assignments where assigned_to = 'instruction'").fetchall()
        == settled
    )
    assert ledger.execute("select from payouts.movements_to_see").fetchall() == []
    before, calls = fingerprint(ledger), world.emulator().counters()
    day_by_day(world, [YESTERDAY], ACTIVITY)
    assert (fingerprint(ledger), world.emulator().counters()) == (before, calls)


def test_the_page_says_what_came_and_went_and_what_is_not_understood(world: World, ledger: Connection) -> None:
    day_by_day(world, [YESTERDAY])
    world.emulator().book_transaction("charge", 900, "aud", fee=20, source="ch_stranger")
    ledger.execute("update payouts.feeds set asked_at = asked_at - interval '2 days'")
    day_by_day(world, [YESTERDAY], ACTIVITY)
    made_yesterday(world, ledger)
    result = day_by_day(world, [YESTERDAY], ACTIVITY)
    shown = page(result)
    assert "lines of Stripe's journal:**" in shown["summary"]
    assert "of Stripe's fees" in shown["summary"]
    assert "**Not understood:** 1 line; `not_understood` names them." in shown["summary"]
    [odd] = [dict(record.data) for record in shown["not_understood"].records]
    assert (odd["amount"], odd["why"]) == ("8.80 AUD", "no ledger has made it")
    kinds = {record.data["what"] for record in shown["by_type"].records}
    assert {"charge", "transfer"} <= kinds
    assert shown["dagster/partition_row_count"] > 10
    assert shown["Stripe's fees AUD"] > 0
    assert checks(result) == {
        "each_movement_once": True, "every_movement_booked": True, "nothing_unknown": False, "provider_balance": True,
    }  # fmt: skip


def test_money_that_is_gone_at_stripe_fails_the_run(world: World, ledger: Connection) -> None:
    day_by_day(world, [YESTERDAY])
    ((gone,),) = ledger.execute(
        "select id from payouts.balance_transactions where type = 'transfer' order by id limit 1"
    ).fetchall()
    world.emulator().delete_transaction(gone)
    ledger.execute("update payouts.feeds set asked_at = asked_at - interval '2 days'")
    result = day_by_day(world, [YESTERDAY], ACTIVITY)
    assert checks(result)["provider_balance"] is False
    assert "**Our balance differs from the ledger's:**" in page(result)["summary"]


def test_stripe_away_is_said_and_stops_nothing(world: World, ledger: Connection) -> None:
    fault = FaultRule(kind=FaultKind.ERROR_500, method="GET", path_prefix="/v1/balance_transactions")
    world.emulator().add_faults(fault)
    result = day_by_day(world, [YESTERDAY])
    world.emulator().clear_faults()
    assert result.success
    assert "**Stripe could not be asked**" in page(result)["summary"]
    assert ledger.execute("select count(*) > 10 from payouts.movements_to_see").fetchall() == [(True,)]
    assert all(checks(result).values()), "what is not known yet is not wrong"
    day_by_day(world, [YESTERDAY], ACTIVITY)
    assert ledger.execute("select from payouts.movements_to_see").fetchall() == []
