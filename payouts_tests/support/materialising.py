"""Every way in which a day is materialised, in this process, and what came of it in a form that compares."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import dagster as dg

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.schedules import SCHEDULE
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.worlds import World, morning_after

_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@contextmanager
def _job(world: World) -> Iterator[dg.JobDefinition]:
    with world.entered():
        yield build_defs().resolve_job_def(JOB)


def day_by_day(world: World, days: Sequence[date], assets: Sequence[str] | None = None) -> dg.ExecuteInProcessResult:
    """Each day in a run of its own; the last run's result."""
    with _job(world) as job, dg.DagsterInstance.ephemeral() as instance:
        selection = [dg.AssetKey(asset) for asset in assets] if assets else None
        for day in days:
            result = job.execute_in_process(
                instance=instance, partition_key=day.isoformat(), asset_selection=selection, run_config=_QUIET
            )
    return result


def in_one_run(world: World, first_day: date, last_day: date) -> dg.ExecuteInProcessResult:
    """A range of days in one run, as the backfill policy makes them of a backfill."""
    with _job(world) as job, dg.DagsterInstance.ephemeral() as instance:
        tags = {_RANGE_START: first_day.isoformat(), _RANGE_END: last_day.isoformat()}
        return job.execute_in_process(instance=instance, tags=tags, run_config=_QUIET)


def by_schedule(world: World, days: Sequence[date]) -> None:
    """Let the schedule tick on each morning after, and run what it asks for."""
    with world.entered(), dg.DagsterInstance.ephemeral() as instance:
        definitions = build_defs()
        schedule = definitions.resolve_schedule_def(SCHEDULE)
        for day in days:
            context = dg.build_schedule_context(
                instance=instance,
                scheduled_execution_time=morning_after(day),
                repository_def=definitions.get_repository_def(),
            )
            tick = schedule.evaluate_tick(context)
            for request in tick.run_requests or []:
                job = definitions.resolve_job_def(JOB)
                job.execute_in_process(
                    instance=instance, partition_key=request.partition_key, tags=request.tags, run_config=_QUIET
                )


# What a day comes to, whichever way it was materialised: no number of a booking or a release, no time.
_LEDGER = {
    "instructions": """
        select i.id::text, i.day, i.billing_type, a.subject, a.subject_id, i.currency, i.amount_minor, i.sequence,
            i.status, coalesce(i.reason_code, ''), i.reason_details::text
        from payouts.instructions as i join payouts.accounts as a on a.id = account_id
    """,
    "accounts": """
        select subject, subject_id, currency, booked_minor, released_minor, in_flight_minor, settled_minor
        from payouts.accounts
    """,
    "fees": """
        select day, match_id, match_player_id, player_id, currency, amount_minor, coalesce(charge_id::text, ''),
            release_id is not null from payouts.booked_fees
    """,
    "shares": """
        select day, match_id, match_player_id, billing_subject, subject_id, currency, amount_minor from payouts.shares
    """,
    "payout lines": "select coalesce(payout_id::text, ''), account_id > 0, amount_minor from payouts.release_lines",
    "entries": """
        select a.subject, a.subject_id, e.currency, e.amount_minor, coalesce(e.instruction_id::text, '')
        from payouts.entries as e join payouts.accounts as a on a.id = account_id
        where e.transaction_id is null
    """,
    "held out": "select day, match_player_id, reason_code from payouts.held_out",
    "events": "select instruction_id::text, coalesce(from_status, ''), to_status from payouts.events",
}


def ledger_of(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All that a ledger says, sorted; equal for two ledgers that say the same."""
    return {name: sorted(connection.execute(query).fetchall()) for name, query in _LEDGER.items()}
