"""When a day is paid out: every night, and by which hour that must have happened."""

from datetime import timedelta

import dagster as dg

from payouts_pipeline.defs.jobs import PAY_OUT_DAY
from payouts_pipeline.domain.calendar import yesterday
from payouts_pipeline.settings import Calendar

SCHEDULE = "nightly_payouts"
SCHEDULE_HOUR = 3
# By then the night's payouts must have happened, or somebody is told.
DEADLINE_HOUR = 6


def build_schedule(calendar: Calendar) -> dg.ScheduleDefinition:
    """The schedule. Spelled out, since the one that Dagster builds of a job calls a method that it deprecates."""

    @dg.schedule(
        job=PAY_OUT_DAY,
        name=SCHEDULE,
        cron_schedule=f"0 {SCHEDULE_HOUR} * * *",
        execution_timezone=calendar.timezone.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Pays out yesterday's matches at {SCHEDULE_HOUR:02}:00 local time.",
    )
    def nightly_payouts(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = yesterday(context.scheduled_execution_time, calendar.timezone)
        if day < calendar.start_date:
            return dg.SkipReason(f"The first day (PAYOUTS_START_DATE), {calendar.start_date}, is not over yet.")
        # The key keeps a tick that is evaluated twice from starting two runs.
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return nightly_payouts


def freshness_policy(calendar: Calendar) -> dg.FreshnessPolicy:
    """Paid out between midnight and the deadline of every local day.

    What the asset's page shows; that it is about the right day, `alert_on_missing_payouts` sees to.
    """
    return dg.FreshnessPolicy.cron(
        deadline_cron=f"0 {DEADLINE_HOUR} * * *",
        lower_bound_delta=timedelta(hours=DEADLINE_HOUR),
        timezone=calendar.timezone.key,
    )
