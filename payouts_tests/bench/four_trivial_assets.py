"""What `small_day` holds a day against: four assets that do nothing, materialised for one day. Run as a program."""

import sys

import dagster as dg

_PARTITIONS = dg.DailyPartitionsDefinition(start_date="2026-01-01", end_offset=1)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _trivial(name: str, *deps: str) -> dg.AssetsDefinition:
    @dg.asset(name=name, partitions_def=_PARTITIONS, deps=deps)
    def nothing() -> None:
        """Do nothing."""

    return nothing


def main(day: str | None) -> None:
    """Materialise them; without a day, only open the instance, which no run can do without."""
    assets = [_trivial("a"), _trivial("b", "a"), _trivial("c", "b"), _trivial("d", "c")]
    with dg.DagsterInstance.get() as instance:
        if day is None:
            instance.get_runs_count()
        else:
            dg.materialize(assets, partition_key=day, instance=instance, run_config=_QUIET)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
