"""The job that moves a day through all four assets, and the schedule that does so every night."""

import dagster as dg

from payouts_pipeline.defs.assets import GROUP

JOB = "pay_out_day"
SCHEDULE_HOUR = 3


def build_automation() -> dg.Definitions:
    """The job, in one process since starting processes would take most of the time, and its schedule."""
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.groups(GROUP),
        executor_def=dg.in_process_executor,
        description="Takes the matches of a day, collects the fees and pays everyone. Safe to run again at any time.",
    )
    schedule = dg.build_schedule_from_partitioned_job(
        job,
        name="nightly_payouts",
        hour_of_day=SCHEDULE_HOUR,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Pays out yesterday's matches at 03:00 local time.",
    )
    return dg.Definitions(jobs=[job], schedules=[schedule])
