"""The one partitions definition: local days, from the first day to yesterday."""

import dagster as dg

from payouts_pipeline.settings import Calendar

# How many days a backfill puts into one run. A month takes seconds of Dagster's time in one run, and minutes in thirty;
# a run that dies loses a month of progress at most, and nothing of what it has paid.
DAYS_PER_RUN = 31


def daily_partitions(calendar: Calendar) -> dg.DailyPartitionsDefinition:
    """A partition for each local day that is over."""
    return dg.DailyPartitionsDefinition(start_date=calendar.start_date.isoformat(), timezone=calendar.timezone.key)
