"""Alerts: what a person must hear of, sent to an SNS topic if there is one, and always written to the sensor's log."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from pydantic import Field

from payouts_pipeline import settings


@dataclass(frozen=True)
class Alert:
    """One thing to hear of: what kind (subscriptions filter on it), a subject, the reason, and the page to look at."""

    kind: str
    subject: str
    reason: str
    path: str


class AlertTopic(dg.ConfigurableResource[Any]):
    """Where alerts go."""

    topic_arn: str | None = Field(default=None, description="PAYOUTS_ALERT_TOPIC_ARN; without it alerts are logged.")
    ui_url: str = Field(default=settings.DEFAULT_UI_URL, description="PAYOUTS_UI_URL: where the links lead.")

    def send(self, alert: Alert, log: logging.Logger) -> None:
        """Log it and publish it; raises `AwsError` where SNS does not take it, so that the tick is made again."""
        text = f"{alert.subject}: {alert.reason}\n{self.ui_url}{alert.path}"
        log.error(text)
        if self.topic_arn:
            # Imported when there is something to tell, like all of boto3.
            from payouts_pipeline.aws.alerts import publish_alert

            publish_alert(self.topic_arn, alert.kind, alert.subject, text)

    @property
    def told(self) -> str:
        """Who has heard of what was sent, for the reason that a tick shows."""
        return "sent" if self.topic_arn else "only logged, since PAYOUTS_ALERT_TOPIC_ARN is not set"


def alert_topic(environment: Mapping[str, str]) -> AlertTopic:
    """The topic of an environment, or none."""
    return AlertTopic(topic_arn=settings.alert_topic_arn(environment), ui_url=settings.ui_url(environment))


def where_to(environment: Mapping[str, str]) -> str:
    """For the descriptions of sensors: who hears of it."""
    if arn := settings.alert_topic_arn(environment):
        return f"Alerts go to {arn}."
    return "Alerts only go to the log of the tick: set PAYOUTS_ALERT_TOPIC_ARN to an SNS topic to be told."
