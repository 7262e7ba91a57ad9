"""What nobody has to remember: days are taken up again when something of them can go on."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.ledger.due import days_due

_EVERY_S = 60


def build_sensors() -> dg.Definitions:
    """The sensors; on by default, since materialising a day again is always safe."""

    @dg.sensor(
        job_name=JOB,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Materialises the days of which something can go on: a card is to be tried again, a card or an "
        "account was mended in 'league', an outcome is to be asked for, a message or a worker was lost.",
    )
    def take_up_payouts(context: dg.SensorEvaluationContext, ledger: LedgerResource) -> Iterator[dg.RunRequest]:
        with ledger.connect() as connection, ledger.connect_source() as source:
            due = days_due(connection, source)
        # The same state starts one run, and after an hour another, in case that one could not run.
        hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
        for day, fingerprint in due.items():
            yield dg.RunRequest(run_key=f"{day} {hour} {fingerprint}", partition_key=day.isoformat())

    return dg.Definitions(sensors=[take_up_payouts])
