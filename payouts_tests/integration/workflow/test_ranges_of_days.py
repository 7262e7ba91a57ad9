"""Runs of many days: a day that fails does so alone and is named, and the others get what they get by themselves."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import dagster as dg
import psycopg
import pytest

from payouts_pipeline.defs import check_catalogue
from payouts_pipeline.defs.materialize import DayRun, run_days
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.ledger_steps import violations
from payouts_tests.support.worlds import ASSETS, FIRST_DAY, YESTERDAY, World, Worlds

CHECKS = 26
DAYS = [FIRST_DAY - timedelta(days=1), FIRST_DAY, YESTERDAY]
BAD = DAYS[1]

# Half of the matches of the first day are a day earlier.
THREE_DAYS = """
    update league.matches set kicked_off_at = kicked_off_at - interval '1 day'
    where mod(id, 2) = 0 and (kicked_off_at at time zone 'Australia/Sydney')::date = %s
"""
FEW = "delete from league.match_players where mod(id, 4) <> 0"

DOUBLED_LINE = """
    alter table league.match_players rename to lines;
    create view league.match_players as
    select * from league.lines
    union all
    (
        select l.* from league.lines as l
        join league.matches as m on m.id = l.match_id
        where m.status = 'played' and (m.kicked_off_at at time zone 'Australia/Sydney')::date = '{bad}'
        order by l.id limit 1
    )
"""
BROKEN_BOOKING = """
    create function payouts.break_day() returns trigger language plpgsql as $$
    begin
        if new.day = '{bad}' then raise exception 'the disk of this day is full'; end if;
        return new;
    end
    $$;
    create trigger break_day before insert on payouts.bookings for each row execute function payouts.break_day()
"""


@pytest.fixture
def world(worlds: Worlds) -> World:
    """An installation with a few fees on each of three days, of which nothing was materialised yet."""
    return three_days(worlds)


def three_days(worlds: Worlds) -> World:
    made = worlds.make()
    database = made.connect()
    database.execute(FEW)
    database.execute(THREE_DAYS, (FIRST_DAY,))
    return made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(world: World, instance: dg.DagsterInstance, days: Sequence[date]) -> dict[date, DayRun]:
    with world.entered():
        return {result.day: result for result in run_days(days, instance)}


def materialised(instance: dg.DagsterInstance, asset: str) -> list[str]:
    return sorted(instance.get_materialized_partitions(dg.AssetKey(asset)))


def moved(database: Connection) -> dict[date, int]:
    """How many instructions of each day are settled."""
    query = "select day, count(*) from payouts.instructions where status = 'settled' group by day order by day"
    return dict(database.execute(query).fetchall())


def require_others_complete(found: dict[date, DayRun], instance: dg.DagsterInstance) -> None:
    for day in (DAYS[0], DAYS[2]):
        assert found[day].failure is None
        assert found[day].ok
        assert len(found[day].checks) == CHECKS
        assert found[day].changed.provider_calls > 0
        for asset in ASSETS:
            [event] = instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[str(day)]), limit=5
            ).records
            assert event.asset_materialization
            shown = set(event.asset_materialization.metadata)
            assert {"amounts", "status", "by_type"} & shown, asset


def require_named(instance: dg.DagsterInstance, reason: str) -> None:
    """The run ends failed, and says in its last failed step which day it was and why."""
    [finished] = instance.get_runs()
    assert finished.status == dg.DagsterRunStatus.FAILURE
    [failure] = instance.all_logs(finished.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    assert failure.step_key == "stripe_activity_checks"
    data = failure.get_dagster_event().step_failure_data
    assert data.user_failure_data
    said = str(data.user_failure_data.description)
    assert said.startswith(f"1 of 3 days failed, and the others went on without them. {BAD}: {reason}")


def test_a_doubled_row_of_one_day_moves_no_money_and_stops_no_other(world: World, instance: dg.DagsterInstance) -> None:
    database = world.connect()
    database.execute(DOUBLED_LINE.format(bad=BAD))
    found = run(world, instance, DAYS)
    require_others_complete(found, instance)
    reason = "matches.each_fee_once: 1 fee is in the snapshot twice"
    assert (found[BAD].failure or "").startswith(reason)
    assert {check.check: check.passed for check in found[BAD].checks}["each_fee_once"] is False
    assert {check.asset for check in found[BAD].checks} == {"matches"}
    require_named(instance, reason)
    assert set(moved(database)) == {DAYS[0], DAYS[2]}
    assert database.execute("select from payouts.days where day = %s", (BAD,)).fetchall() == []
    for asset in ("splits", "collected_fees", "settled_payouts", "stripe_activity"):
        assert materialised(instance, asset) == [str(DAYS[0]), str(DAYS[2])], asset


def test_an_error_of_one_day_stops_no_other_and_the_day_can_be_done_again(
    world: World, instance: dg.DagsterInstance
) -> None:
    database = world.connect()
    database.execute(BROKEN_BOOKING.format(bad=BAD))
    found = run(world, instance, DAYS)
    require_others_complete(found, instance)
    reason = "collected_fees: RaiseException; the log of the run says more."
    assert found[BAD].failure == reason
    require_named(instance, reason)
    assert set(moved(database)) == {DAYS[0], DAYS[2]}
    assert materialised(instance, "splits") == [str(day) for day in DAYS]
    for asset in ("collected_fees", "settled_payouts", "stripe_activity"):
        assert materialised(instance, asset) == [str(DAYS[0]), str(DAYS[2])], asset

    database.execute("drop function payouts.break_day cascade")
    assert run(world, instance, [BAD])[BAD].ok
    assert set(moved(database)) == set(DAYS)
    assert violations(database) == {}
    for asset in ASSETS:
        assert materialised(instance, asset) == [str(day) for day in DAYS], asset


def test_one_run_of_many_days_finds_of_a_day_what_its_own_run_finds(
    worlds: Worlds, world: World, instance: dg.DagsterInstance
) -> None:
    days = DAYS[1:]
    together = run(world, instance, days)
    assert [each.status for each in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS]
    assert [len(together[day].checks) for day in days] == [CHECKS, CHECKS]
    alone = run(three_days(worlds), instance, days[:1])[days[0]]
    assert sorted(together[days[0]].checks, key=repr) == sorted(alone.checks, key=repr)
    assert together[days[0]].changed == alone.changed


def test_a_run_that_dies_before_the_auditor_has_looked_is_not_taken_for_a_good_one(
    world: World, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise psycopg.OperationalError("the connection is closed")

    monkeypatch.setattr(check_catalogue.PayoutsOfDay, "audit", property(gone))
    found = run(world, instance, [BAD])[BAD]
    assert set(moved(world.connect())) == {BAD}
    assert not found.ok
    assert "settled_payouts_checks failed with" in str(found.failure)


def test_a_server_that_is_gone_ends_the_run_and_no_day_is_taken_for_done(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.connect().execute(
        BROKEN_BOOKING.format(bad=BAD).replace(
            "raise exception 'the disk of this day is full'", "perform pg_terminate_backend(pg_backend_pid())"
        )
    )
    found = run(world, instance, DAYS)
    assert all(not each.ok for each in found.values())
    assert "collected_fees" in str(found[DAYS[2]].failure)
    assert materialised(instance, "collected_fees") == [str(DAYS[0])]
    assert materialised(instance, "settled_payouts") == []
