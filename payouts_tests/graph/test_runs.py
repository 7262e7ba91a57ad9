"""Runs of the first two assets on a real league: ranges, clocks that change, and checks that pass and fail."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from payouts_pipeline.defs.jobs import JOB
from payouts_tests.support.definitions_for_tests import QUIET, definitions, instance
from payouts_tests.support.leagues import DAY, LONDON, SYDNEY, League

Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Materialises `matches` and `splits` of a day, or of a range of days in one run."""
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)
    monkeypatch.setenv("PAYOUTS_STORAGE", str(tmp_path))
    with instance() as made:

        def execute(day: date, last_day: date | None = None, timezone: ZoneInfo = SYDNEY) -> dg.ExecuteInProcessResult:
            tags = {
                "dagster/asset_partition_range_start": str(day),
                "dagster/asset_partition_range_end": str(last_day),
            }
            which: dict[str, Any] = {"tags": tags} if last_day else {"partition_key": str(day)}
            return (
                definitions(timezone.key)
                .resolve_job_def(JOB)
                .execute_in_process(
                    instance=made,
                    asset_selection=[dg.AssetKey("matches"), dg.AssetKey("splits")],
                    run_config=QUIET,
                    raise_on_error=False,
                    **which,
                )
            )

        yield execute


def rows_by_day(result: dg.ExecuteInProcessResult, asset: str) -> dict[str | None, object]:
    return {
        materialization.partition: materialization.metadata["dagster/partition_row_count"].value
        for materialization in result.asset_materializations_for_node(asset)
    }


def table(materialization: dg.AssetMaterialization, name: str) -> list[dict[str, Any]]:
    shown = materialization.metadata[name]
    assert isinstance(shown, dg.TableMetadataValue)
    return [dict(record.data) for record in shown.records]


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def figures(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: figure.value for name, figure in evaluation.metadata.items()}


def test_a_range_shows_the_figures_of_each_day(run: Run, league: League) -> None:
    league.fee(league.player(), DAY)
    for _ in range(2):
        league.fee(league.player(), DAY + timedelta(days=2))
    result = run(DAY, DAY + timedelta(days=2))
    assert result.success
    days = [str(DAY + timedelta(days=number)) for number in range(3)]
    assert rows_by_day(result, "matches") == dict(zip(days, [1, 0, 2], strict=True))
    assert rows_by_day(result, "splits") == dict(zip(days, [2, 0, 4], strict=True))


def test_each_asset_shows_its_totals_by_currency(run: Run, league: League) -> None:
    league.fee(league.player(), DAY, 1_250, "EUR", shares=[("club", None, 0, 6_000), ("platform", None, 0, 4_000)])
    league.fee(league.player(), DAY, 3_500, "KWD")
    result = run(DAY)
    [fees] = result.asset_materializations_for_node("matches")
    assert table(fees, "amounts") == [
        {"currency": "EUR", "fees": "12.50 EUR"},
        {"currency": "KWD", "fees": "3.500 KWD"},
    ]
    [splits] = result.asset_materializations_for_node("splits")
    assert table(splits, "amounts")[0] == {"fees": "12.50 EUR", "whose they are": "club 7.50 EUR, platform 5.00 EUR"}


# The local days before, of and after a change, and the instants in between that are easily lost or taken twice.
@pytest.mark.parametrize(
    ("timezone", "change"),
    [
        (SYDNEY, date(2026, 4, 5)),
        (SYDNEY, date(2026, 10, 4)),
        (LONDON, date(2026, 3, 29)),
        (LONDON, date(2026, 10, 25)),
    ],
)
def test_every_match_is_in_one_day_where_clocks_change(
    run: Run, league: League, timezone: ZoneInfo, change: date
) -> None:
    league.timezone = timezone
    competition, player = league.priced(), league.player()
    first = datetime.combine(change - timedelta(days=1), time.min, timezone).astimezone(ZoneInfo("UTC"))
    last = datetime.combine(change + timedelta(days=2), time.min, timezone).astimezone(ZoneInfo("UTC"))
    instants = [first + timedelta(minutes=30) * step for step in range(int((last - first) / timedelta(minutes=30)))]
    of_day: dict[str | None, object] = {}
    for instant in [*instants, last - timedelta(microseconds=1)]:
        league.plays(league.match(competition, instant), player)
        local = str(instant.astimezone(timezone).date())
        of_day[local] = int(str(of_day.get(local, 0))) + 1
    result = run(change - timedelta(days=1), change + timedelta(days=1), timezone)
    assert rows_by_day(result, "matches") == of_day
    # 23 or 25 hours, in half hours.
    assert of_day[str(change)] in (46, 50)


def test_good_fees_pass_every_check_with_figures(run: Run, league: League) -> None:
    league.fee(league.player(), DAY)
    found = evaluations(run(DAY))
    assert all(evaluation.passed for evaluation in found.values())
    assert figures(found["each_fee_once"])["fees"] == 1
    assert figures(found["every_fee_has_terms"])["fees_without_terms"] == 0
    assert figures(found["shares_equal_fees"])["fees_minor"] == {"EUR": 1_000}
    assert figures(found["shares_equal_fees"])["shares_minor"] == {"EUR": 1_000}
    assert figures(found["no_negative_share"])["negative"] == 0
    assert figures(found["no_fee_held_out"])["held_out"] == 0


def test_a_fee_without_terms_is_a_warning_and_the_day_goes_on(run: Run, league: League) -> None:
    league.fee(league.player(), DAY)
    competition = league.competition()
    league.plays(league.match(competition, DAY), league.player())
    result = run(DAY)
    assert result.success
    found = evaluations(result)
    assert {name for name, evaluation in found.items() if not evaluation.passed} == {
        "every_fee_has_terms",
        "no_fee_held_out",
    }
    assert found["every_fee_has_terms"].severity == dg.AssetCheckSeverity.WARN
    assert figures(found["every_fee_has_terms"])["competition_ids"] == [competition]
    assert figures(found["no_fee_held_out"])["reasons"] == {"the competition has no terms for this day": 1}


def test_a_view_that_doubles_rows_stops_the_day(run: Run, league: League) -> None:
    line = league.fee(league.player(), DAY)
    league.connection.execute("alter table league.match_players rename to lines")
    league.connection.execute(
        "create view league.match_players as select * from league.lines union all select * from league.lines"
    )
    result = run(DAY)
    assert not result.success
    doubled = evaluations(result)["each_fee_once"]
    assert not doubled.passed
    assert doubled.severity == dg.AssetCheckSeverity.ERROR
    assert figures(doubled) == {"fees": 2, "fees_twice": 1, "match_player_ids": [line]}
    assert not result.asset_materializations_for_node("splits")


def test_a_day_without_matches_goes_through_and_says_so(run: Run, league: League) -> None:
    result = run(DAY)
    assert result.success
    assert evaluations(result)["each_fee_once"].description == "The day has no fees: no match was played."


def test_each_day_of_a_range_has_checks_of_its_own(run: Run, league: League) -> None:
    bad = DAY + timedelta(days=1)
    league.fee(league.player(), DAY)
    league.fee(league.player(), bad, shares=[("club", None, 0, 9_999)])
    found = {
        each.partition: each
        for each in run(DAY, bad).get_asset_check_evaluations()
        if each.check_name == "no_fee_held_out"
    }
    assert {day: each.passed for day, each in found.items()} == {str(DAY): True, str(bad): False}
    assert (found[str(bad)].description or "").startswith("1 fee is held out")
    assert figures(found[str(DAY)])["held_out"] == 0
