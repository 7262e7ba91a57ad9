"""Alerts of what stands in the ledger and wants a person: each is told once, and again when it has come back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from payouts_pipeline.defs.alerts import Alert, AlertTopic, day_due, summary
from payouts_pipeline.defs.assets import PAID
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.ledger import payee_accounts, proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports import banks, funds, taken_back
from payouts_pipeline.settings import Calendar

_EVERY_S = 300
# Mornings that nobody was told of, since no daemon was running, are made up for.
_MORNINGS = timedelta(days=7)
_PAGE = f"/assets/{PAID.to_user_string()}"


@dataclass(frozen=True)
class _Watch:
    """What is looked for; ``find`` gives an alert for each that there is, by a key that stays the same meanwhile."""

    sensor: str
    description: str
    find: Callable[[Connection], Mapping[str, Alert]]


def _missing_funds(connection: Connection) -> Mapping[str, Alert]:
    return {
        each.currency: Alert(
            "missing_funds",
            f"Our balance at Stripe does not cover payouts in {each.currency}",
            funds.sentence(each),
            _PAGE,
        )
        for each in funds.forecast(connection)
        if each.shortfall_minor
    }


def _waiting_changes(connection: Connection) -> Mapping[str, Alert]:
    return {
        str(each.id): Alert(
            "waiting_change",
            f"A change of {each.day} waits for a person",
            f"{each.reason}. See 'payouts preview {each.day}', then run 'payouts accept {each.day} --reason ...', or "
            "correct schema 'league'",
            _PAGE,
        )
        for each in proposals.find_all(connection)
        if not each.is_accepted
    }


def _changed_accounts(connection: Connection) -> Mapping[str, Alert]:
    """For each payee's account of which a person may want to know in time that it isn't the payee's."""
    return {
        f"{each.payee} {each.seen_at.isoformat()}": Alert(
            "changed_account",
            f"Payouts to {each.payee} are held",
            f"{each.reason}. Ask the payee whether the account ending in {each.ending} is its own: if so, run "
            f"'payouts confirm-account {each.payee} --reason ...'; if not, correct schema 'league'",
            _PAGE,
        )
        for each in payee_accounts.to_confirm(connection)
    }


def _failing_banks(connection: Connection) -> Mapping[str, Alert]:
    return {
        f"{each.payee} {each.currency} {each.reason_code} {each.payout}": Alert(
            "failing_bank",
            f"Money does not reach the bank of {each.payee}",
            f"{each.sentence}; {each.what_to_do}. 'payouts explain {each.payee}' shows it",
            _PAGE,
        )
        for each in banks.failing(connection)
    }


def _taken_back(calendar: Calendar, connection: Connection) -> Mapping[str, Alert]:
    """By day, once that is over and its night has passed: one alert in the morning, not one for each refund."""
    last_day = day_due(datetime.now(UTC), calendar)
    if last_day is None:
        return {}
    found = taken_back.by_day(connection, last_day - _MORNINGS, last_day, calendar.timezone.key)
    return {
        str(day): Alert(
            "taken_back",
            f"Stripe took money back on {day}",
            f"{what}. {taken_back.WHAT_TO_DO}",
            f"/assets/stripe_activity?view=partitions&partition={day}",
        )
        for day, what in found
    }


_WATCHED = (
    _Watch(
        "alert_on_missing_funds",
        "Sends an alert once where payouts wait for more than our balance at Stripe has, and than is pending there; "
        "again after it was covered.",
        _missing_funds,
    ),
    _Watch(
        "alert_on_waiting_changes",
        "Sends an alert once where league would change more of a day than is usual, so that nothing of it is booked.",
        _waiting_changes,
    ),
    _Watch(
        "alert_on_changed_accounts",
        "Sends an alert once where a payee's Stripe account has changed, or is another payee's as well: nothing "
        "is paid to it.",
        _changed_accounts,
    ),
    _Watch(
        "alert_on_failing_banks",
        "Sends an alert once for each payee whose bank sends back what Stripe pays it, or to whom Stripe pays nothing "
        "out; again where another payout has come back.",
        _failing_banks,
    ),
)


def _of_the_morning(calendar: Calendar) -> _Watch:
    return _Watch(
        "alert_on_money_taken_back",
        "Sends an alert in the morning that says what Stripe has taken back the day before (refunds, disputes, "
        "reversals), and what to do.",
        partial(_taken_back, calendar),
    )


def build_ledger_alerts(calendar: Calendar, told: str) -> list[dg.SensorDefinition]:
    """The sensors; ``told``: who hears of it."""
    return [_sensor(each, told) for each in (*_WATCHED, _of_the_morning(calendar))]


def _sensor(watch: _Watch, told: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=watch.sensor,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"{watch.description} {told}",
    )
    def tell(context: dg.SensorEvaluationContext, alerts: AlertTopic, ledger: LedgerResource) -> dg.SkipReason:
        with ledger.connect() as connection:
            found = watch.find(connection)
        told_of = json.loads(context.cursor or "[]")
        sent = [alert for key, alert in found.items() if key not in told_of]
        for alert in sent:
            alerts.send(alert, context.log)
        context.update_cursor(json.dumps(list(found)))
        return dg.SkipReason(summary(sent, alerts.told))

    return tell
