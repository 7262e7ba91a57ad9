"""Who hears when something went wrong, or did not happen at all: alerts, and the sensors that send them.

An alert goes to an SNS topic if there is one, and always to the sensor's log. These sensors start no run. They are not
Dagster's own run failure sensor: that counts a run as reported even if the alert could not be sent. Here a tick that
fails is made again from the same cursor, so that an alert may come twice but is never lost.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from payouts_pipeline import settings
from payouts_pipeline.defs import dagster_private
from payouts_pipeline.defs.assets import PAID
from payouts_pipeline.defs.runs import failed_checks, last_run_of, why_failed
from payouts_pipeline.defs.schedules import DEADLINE_HOUR
from payouts_pipeline.domain.calendar import yesterday
from payouts_pipeline.settings import Calendar

_EVERY_S = 30
_LOOK_FOR_MISSING_EVERY_S = 300
# A tick has a minute, and SNS may be slow; the rest comes with the next tick.
_RUNS_PER_TICK = 20
_NONE_YET = "none yet"

Ending = Literal[dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS]


@dataclass(frozen=True)
class Alert:
    """One thing to hear of: what kind (subscriptions filter on it), a subject, the reason, and the page to look at."""

    kind: str
    subject: str
    reason: str
    path: str


AlertOf = Callable[[dg.DagsterInstance, dg.DagsterRun], Alert | None]


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


def build_alert_sensors(calendar: Calendar, environment: Mapping[str, str]) -> list[dg.SensorDefinition]:
    """The sensors; on by default, since all that they do is send alerts."""
    told = where_to(environment)
    return [
        _sensor_of_runs(
            "alert_on_failed_run",
            dg.DagsterEventType.RUN_FAILURE,
            of_failed_run,
            f"Sends an alert when a run has failed. {told}",
        ),
        _sensor_of_runs(
            "alert_on_failed_checks",
            dg.DagsterEventType.RUN_SUCCESS,
            of_failed_checks,
            f"Sends an alert when a run went through but a check of severity ERROR failed: a total is wrong. {told}",
        ),
        _missing_payouts(calendar, told),
    ]


def of_failed_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert | None:
    """The alert of a run that failed; none where Dagster tries it again."""
    if dagster_private.will_be_retried(run):
        return None
    return Alert("failed_run", f"The run of {_what(run)} failed", why_failed(instance, run.run_id), _page(run))


def of_failed_checks(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert | None:
    """The alert of a run that went through with wrong totals; none where there are none."""
    failed = failed_checks(instance, run.run_id)
    return Alert("failed_checks", f"The run of {_what(run)} has failed checks", failed, _page(run)) if failed else None


def _sensor_of_runs(name: str, ended_as: Ending, alert_of: AlertOf, description: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def sensor_of_runs(context: dg.SensorEvaluationContext, alerts: AlertTopic) -> dg.SkipReason:
        if context.cursor is None:
            newest = context.instance.fetch_run_status_changes(ended_as, limit=1).records
            context.update_cursor(str(newest[0].storage_id if newest else 0))
            return dg.SkipReason("Watches the runs that end from now on.")
        after = dg.RunStatusChangeRecordsFilter(event_type=ended_as, after_storage_id=int(context.cursor))
        ended = context.instance.fetch_run_status_changes(after, limit=_RUNS_PER_TICK, ascending=True).records
        found = [_alert_of_run(context, record.run_id, alert_of) for record in ended]
        sent = [alert for alert in found if alert]
        for alert in sent:
            alerts.send(alert, context.log)
        if ended:
            context.update_cursor(str(ended[-1].storage_id))
        return dg.SkipReason(summary(sent, alerts.told))

    return sensor_of_runs


def _alert_of_run(context: dg.SensorEvaluationContext, run_id: str, alert_of: AlertOf) -> Alert | None:
    """The alert of a run, if it is one of ours and there is something to tell."""
    run = context.instance.get_run_by_id(run_id)
    return alert_of(context.instance, run) if run and _is_ours(context, run) else None


def _is_ours(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Whether the run is of this code location; runs of the command line are of none."""
    theirs, ours = dagster_private.location_of(run), context.code_location_origin
    return not theirs or not ours or theirs == ours.location_name


def _missing_payouts(calendar: Calendar, told: str) -> dg.SensorDefinition:
    zone = calendar.timezone.key

    @dg.sensor(
        name="alert_on_missing_payouts",
        minimum_interval_seconds=_LOOK_FOR_MISSING_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Sends an alert once where yesterday was not paid out by {DEADLINE_HOUR:02}:00 {zone}. {told}",
    )
    def alert_on_missing_payouts(context: dg.SensorEvaluationContext, alerts: AlertTopic) -> dg.SkipReason:
        day = day_due(datetime.now(UTC), calendar)
        if context.cursor is None:
            # A new installation: nobody was to pay out what was due before it.
            context.update_cursor(str(day or _NONE_YET))
            return dg.SkipReason("Watches the nights from now on.")
        if day is None:
            return dg.SkipReason(f"The first day (PAYOUTS_START_DATE), {calendar.start_date}, is not due yet.")
        if context.cursor == day.isoformat():
            return dg.SkipReason(f"{day} was already checked.")
        missing = [] if _was_paid(context.instance, day) else [_alert_of_missing(context.instance, day, zone)]
        for alert in missing:
            alerts.send(alert, context.log)
        context.update_cursor(day.isoformat())
        return dg.SkipReason(summary(missing, alerts.told))

    return alert_on_missing_payouts


def day_due(now: datetime, calendar: Calendar) -> date | None:
    """The last day whose payouts must have happened by ``now``; None before the first."""
    local = now.astimezone(calendar.timezone)
    day = yesterday(now, calendar.timezone)
    if local.time() < time(DEADLINE_HOUR):
        day -= timedelta(days=1)
    return day if day >= calendar.start_date else None


def _was_paid(instance: dg.DagsterInstance, day: date) -> bool:
    of_day = dg.AssetRecordsFilter(asset_key=PAID, asset_partitions=[day.isoformat()])
    return bool(instance.fetch_materializations(of_day, limit=1).records)


def _alert_of_missing(instance: dg.DagsterInstance, day: date, zone: str) -> Alert:
    run = last_run_of(instance, day)
    last = (
        f"its last run is {run.status.value.lower()}"
        if run
        else "no run of it was started, so see that the schedule and the daemon are on"
    )
    return Alert(
        "missing_payouts",
        f"The payouts of {day} did not happen",
        f"'{PAID.to_user_string()}' of {day} was not there at {DEADLINE_HOUR:02}:00 {zone}; {last}. "
        "Materialise the day: nobody is paid twice.",
        f"/assets/{PAID.to_user_string()}?view=partitions&partition={day}",
    )


def _what(run: dg.DagsterRun) -> str:
    """The day or days of a run, or the name of its job."""
    days = dagster_private.days_of(run)
    if not days:
        return run.job_name
    return f"{days[0]} to {days[-1]}" if len(days) > 1 else str(days[0])


def _page(run: dg.DagsterRun) -> str:
    return f"/runs/{run.run_id}"


def summary(alerts: list[Alert], told: str) -> str:
    """What a tick shows of the alerts that it sent."""
    subjects = "; ".join(f"{alert.subject}: {alert.reason}" for alert in alerts)
    return f"Alert {told}: {subjects}" if alerts else "Nothing to report."


def where_to(environment: Mapping[str, str]) -> str:
    """For the descriptions of sensors: who hears of it."""
    if arn := settings.alert_topic_arn(environment):
        return f"Alerts go to {arn}."
    return "Alerts only go to the log of the tick: set PAYOUTS_ALERT_TOPIC_ARN to an SNS topic to receive them."
