"""A run of many days in which one fails: which days Dagster shows as materialised, and what comes of repeating it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.api import execute_run

from payouts_pipeline.defs.jobs import JOB
from payouts_tests.support.definitions_for_tests import QUIET, definitions, instance
from payouts_tests.support.leagues import League

DAYS = [date(2026, 3, 7) + timedelta(days=number) for number in range(3)]
BAD = DAYS[1]
RANGE = {"dagster/asset_partition_range_start": str(DAYS[0]), "dagster/asset_partition_range_end": str(DAYS[-1])}

Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def made(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)
    monkeypatch.setenv("PAYOUTS_STORAGE", str(tmp_path))
    with instance() as found:
        yield found


@pytest.fixture
def run(made: dg.DagsterInstance) -> Run:
    """Materialises assets of three days in one run."""

    def execute(assets: Sequence[str] = ("matches", "splits")) -> dg.ExecuteInProcessResult:
        job = definitions().resolve_job_def(JOB)
        selection = [dg.AssetKey(asset) for asset in assets]
        return job.execute_in_process(
            instance=made, asset_selection=selection, tags=RANGE, run_config=QUIET, raise_on_error=False
        )

    return execute


@pytest.fixture
def line_of_bad_day(league: League) -> int:
    """A fee on each day; the line-up row of the one that is broken later."""
    return [league.fee(league.player(), day) for day in DAYS][1]


def break_day(league: League, line: int, broken: str = "club_id / 0") -> None:
    """Let whoever reads the bad day get an error, as a view of somebody else's can."""
    league.connection.execute("alter table league.match_players rename to lines")
    league.connection.execute(
        "create view league.match_players as"  # noqa: S608 - our own
        f" select id, match_id, player_id, case when id = {line} then {broken} else club_id end as club_id"
        " from (select id, match_id, player_id, coalesce(club_id, player_id) as club_id from league.lines) as l"
    )


def days_of(result: dg.ExecuteInProcessResult, asset: str) -> list[str | None]:
    return [each.partition for each in result.asset_materializations_for_node(asset)]


def failure(result: dg.ExecuteInProcessResult | dg.JobExecutionResult) -> tuple[str, str]:
    """Where the run ended, and what it said."""
    [event] = [event for event in result.all_events if event.is_step_failure]
    said = event.step_failure_data.user_failure_data
    assert said
    return str(event.step_key), str(said.description)


def test_a_day_that_can_not_be_read_is_not_materialised_and_the_others_are(
    run: Run, league: League, line_of_bad_day: int
) -> None:
    assert run().success
    break_day(league, line_of_bad_day)
    result = run()
    others = [str(DAYS[0]), str(DAYS[2])]
    assert days_of(result, "matches") == others
    # The file that an earlier run has made of the day is not taken for what it is now.
    assert days_of(result, "splits") == others
    assert {each.partition for each in result.get_asset_check_evaluations()} == set(others)
    step, said = failure(result)
    assert step == "splits_checks"
    assert said == (
        f"1 of 3 days failed, and the others went on without them. {BAD}: matches: Schema 'league' does not fit: "
        "division by zero. The README lists the tables and columns that PAYOUTS_SOURCE_URL must have. "
        "Fix the cause and materialise just these days again."
    )


def test_what_is_shown_of_a_day_is_the_same_whether_another_fails_or_not(
    run: Run, league: League, line_of_bad_day: int
) -> None:
    before = run()
    break_day(league, line_of_bad_day)
    after = run()
    for asset in ("matches", "splits"):
        shown = {each.partition: dict(each.metadata) for each in before.asset_materializations_for_node(asset)}
        for each in after.asset_materializations_for_node(asset):
            # The folder, which the IO manager adds, is the same for all days.
            del shown[each.partition]["path"]
            assert dict(each.metadata) == shown[each.partition], (asset, each.partition)


def test_days_that_lack_their_input_fail_and_the_others_go_on(
    run: Run, league: League, line_of_bad_day: int, tmp_path: Path
) -> None:
    assert run().success
    (tmp_path / "matches" / f"{BAD}.parquet").unlink()
    (tmp_path / "matches" / f"{DAYS[2]}.parquet").write_bytes(b"damaged")
    result = run(["splits"])
    assert days_of(result, "splits") == [str(DAYS[0])]
    said = failure(result)[1]
    assert f"{BAD}: splits: PAYOUTS_STORAGE has no 'matches' of {BAD}: materialise that asset" in said
    assert f"{DAYS[2]}: splits: PAYOUTS_STORAGE has no readable 'matches' of {DAYS[2]}" in said


def pay_out_day() -> dg.JobDefinition:
    """The job, for Dagster to make again."""
    return (
        definitions().resolve_job_def(JOB).get_subset(asset_selection={dg.AssetKey("matches"), dg.AssetKey("splits")})
    )


def test_a_run_that_goes_on_from_its_failure_does_not_forget_the_day(
    made: dg.DagsterInstance, league: League, line_of_bad_day: int
) -> None:
    break_day(league, line_of_bad_day)
    job = dg.reconstructable(pay_out_day)
    first = dg.execute_job(job, made, tags=RANGE, run_config=QUIET)
    assert not first.success
    options = dg.ReexecutionOptions.from_failure(first.run_id, made)
    again = dg.execute_job(job, made, tags=RANGE, run_config=QUIET, reexecution_options=options)
    assert {event.step_key for event in again.all_events if event.is_step_start} == {"splits_checks"}
    assert failure(again) == failure(first)
    options = dg.ReexecutionOptions.from_failure(again.run_id, made)
    assert failure(dg.execute_job(job, made, tags=RANGE, run_config=QUIET, reexecution_options=options)) == failure(
        first
    )
    whole = dg.ReexecutionOptions(first.run_id)
    league.connection.execute("drop view league.match_players; alter table league.lines rename to match_players")
    assert dg.execute_job(job, made, tags=RANGE, run_config=QUIET, reexecution_options=whole).success


def splits_alone() -> dg.JobDefinition:
    """What Dagster makes again "from asset failure" where that asset was not made."""
    return definitions().resolve_job_def(JOB).get_subset(asset_selection={dg.AssetKey("splits")})


def test_a_run_that_goes_on_from_asset_failure_leaves_the_day_out(
    made: dg.DagsterInstance, run: Run, league: League, line_of_bad_day: int
) -> None:
    assert run().success, "a file of the bad day is there"
    break_day(league, line_of_bad_day)
    first = run()
    job, tags = dg.reconstructable(splits_alone), RANGE | {"dagster/is_asset_resume_retry": "true"}
    planned = made.create_run_for_job(
        job.get_definition(), tags=tags, run_config=QUIET, parent_run_id=first.run_id, root_run_id=first.run_id
    )
    # Dagster's page plans such a run by its assets, and names no steps.
    again = execute_run(job, planned._replace(step_keys_to_execute=None), made)
    assert failure(again) == failure(first)
    materialised = [event.partition for event in again.all_events if event.is_step_materialization]
    assert materialised == [str(DAYS[0]), str(DAYS[2])]


def test_a_statement_that_takes_too_long_fails_its_day_alone(run: Run, league: League, line_of_bad_day: int) -> None:
    league.connection.execute(
        "create function league.slow() returns bigint stable language plpgsql as"
        " $$ begin raise exception 'canceling statement due to statement timeout' using errcode = '57014'; end $$"
    )
    break_day(league, line_of_bad_day, "league.slow()")
    result = run()
    assert days_of(result, "matches") == [str(DAYS[0]), str(DAYS[2])]
    assert f"{BAD}: matches: The database of PAYOUTS_SOURCE_URL" in failure(result)[1]
