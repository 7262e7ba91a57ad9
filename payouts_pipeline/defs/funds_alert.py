"""The alert that payouts wait for money that is neither on our account at Stripe nor on its way."""

import json
from collections.abc import Sequence

import dagster as dg

from payouts_pipeline.defs.alerts import Alert, AlertTopic, summary
from payouts_pipeline.defs.assets import PAID
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.domain.forecast import Forecast
from payouts_pipeline.reports import funds

_EVERY_S = 300


def build_funds_alert(told: str) -> dg.SensorDefinition:
    """The sensor; ``told``: who hears of it."""

    @dg.sensor(
        name="alert_on_missing_funds",
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends an alert once where payouts wait for more than our balance at Stripe has, and than is "
        f"pending there; again after it was covered. {told}",
    )
    def alert_on_missing_funds(
        context: dg.SensorEvaluationContext, alerts: AlertTopic, ledger: LedgerResource
    ) -> dg.SkipReason:
        with ledger.connect() as connection:
            short = [each for each in funds.forecast(connection) if each.shortfall_minor]
        told_of = json.loads(context.cursor or "[]")
        news = [each for each in short if each.currency not in told_of]
        sent = [_alert(news)] if news else []
        for alert in sent:
            alerts.send(alert, context.log)
        context.update_cursor(json.dumps([each.currency for each in short]))
        return dg.SkipReason(summary(sent, alerts.told))

    return alert_on_missing_funds


def _alert(short: Sequence[Forecast]) -> Alert:
    currencies = ", ".join(each.currency for each in short)
    subject = f"Our balance at Stripe does not cover payouts in {currencies}"
    reason = " ".join(map(funds.sentence, short))
    return Alert("missing_funds", subject, reason, f"/assets/{PAID.to_user_string()}")
