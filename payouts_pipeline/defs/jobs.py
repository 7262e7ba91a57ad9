"""The job that moves a day through all of its assets; a schedule, sensors and the command line start it."""

import dagster as dg

from payouts_pipeline.defs.assets import GROUP

JOB = "pay_out_day"

# In one process, since starting processes would take most of the time.
PAY_OUT_DAY = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.groups(GROUP),
    executor_def=dg.in_process_executor,
    description="Takes the matches of a day, collects the fees and pays everyone. Safe to run again at any time.",
)
