"""What `small_day` and `ranges` hold days against: four assets that do nothing, materialised. Run as a program."""

import sys
from datetime import date

import dagster as dg

from payouts_pipeline.defs import dagster_private

_PARTITIONS = dg.DailyPartitionsDefinition(start_date="2020-01-01", end_offset=1)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _trivial(name: str, *deps: str) -> dg.AssetsDefinition:
    @dg.asset(name=name, partitions_def=_PARTITIONS, deps=deps, backfill_policy=dg.BackfillPolicy.single_run())
    def nothing() -> None:
        """Do nothing."""

    return nothing


def main(day: str | None = None, last_day: str | None = None) -> None:
    """Materialise them, for one day or a range; without a day, only open the instance, which no run can do without."""
    assets = [_trivial("a"), _trivial("b", "a"), _trivial("c", "b"), _trivial("d", "c")]
    with dg.DagsterInstance.get() as instance:
        if day is None:
            instance.get_runs_count()
        elif last_day is None:
            dg.materialize(assets, partition_key=day, instance=instance, run_config=_QUIET)
        else:
            tags = dagster_private.tags_of_range(date.fromisoformat(day), date.fromisoformat(last_day))
            dg.materialize(assets, tags=tags, instance=instance, run_config=_QUIET)


if __name__ == "__main__":
    main(*sys.argv[1:])
