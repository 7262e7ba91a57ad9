"""The one partitions definition: local days, from the first day to yesterday."""

import dagster as dg

from payouts_pipeline.settings import Calendar


def daily_partitions(calendar: Calendar) -> dg.DailyPartitionsDefinition:
    """A partition for each local day that is over."""
    return dg.DailyPartitionsDefinition(start_date=calendar.start_date.isoformat(), timezone=calendar.timezone.key)
