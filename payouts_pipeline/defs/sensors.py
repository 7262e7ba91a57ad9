"""What nobody has to remember: days are materialised again when something of them can continue, or has changed.

All are on by default, since materialising a day again is always safe: it moves the difference and no more. What happens
at Stripe is brought in by a sensor that starts no run: it only reads there.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from payouts_pipeline import settings
from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.partition_isolation import is_of_all_days, reason_of
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_pipeline.defs.runs import days_in_progress, end_lost_runs
from payouts_pipeline.defs.schedules import SCHEDULE_HOUR
from payouts_pipeline.domain.calendar import yesterday
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.bookings import days_never_booked
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settings import Calendar
from payouts_pipeline.workflow.due import day_states, days_due, differs

if TYPE_CHECKING:
    from payouts_pipeline.workflow.follow import Followed

_RESUME_EVERY_S = 60
_LOOK_FOR_CHANGES_EVERY_S = 300
# Dagster gives a tick a minute; days that are not compared in this time are compared in the next tick.
_COMPARE_FOR_S = 20.0


def build_sensors(calendar: Calendar, environment: Mapping[str, str]) -> list[dg.SensorDefinition]:
    """The sensors that start runs, and the one that brings in what has happened at Stripe."""
    window_days, sync_every_s = settings.correction_window_days(environment), settings.sync_every_s(environment)
    corrections = [_book_corrections(calendar, window_days)] if window_days else []
    following = [_follow_stripe(sync_every_s)] if sync_every_s else []
    return [_resume_payouts(calendar, window_days), *corrections, *following]


def _resume_payouts(calendar: Calendar, window_days: int) -> dg.SensorDefinition:
    @dg.sensor(
        name="resume_payouts",
        job_name=JOB,
        minimum_interval_seconds=_RESUME_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Materialises the days that can continue: a card is due for its next try, a card or an account was "
        "corrected in 'league', Stripe is to be asked for an outcome, a message or a worker was lost, or a charge was "
        "settled after its run had ended, so that its shares can be paid; also days that were not booked in their "
        "night. Ends runs of 'payouts run' whose process is gone.",
    )
    def resume_payouts(
        context: dg.SensorEvaluationContext, ledger: LedgerResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now = datetime.now(UTC)
        with ledger.connect() as connection, ledger.connect_source() as source:
            end_lost_runs(context.instance, connection)
            missed, due = _missed(connection, now, calendar, window_days), days_due(connection, source)
        # The same state starts one run, and after an hour another, in case that one could not run.
        wanted = missed | {day: f"{_hour(now)} {state}" for day, state in due.items()}
        in_progress = days_in_progress(context.instance) if wanted else set()
        # One day that is no partition, since PAYOUTS_START_DATE was moved, must not stop the others.
        free = {day: state for day, state in wanted.items() if day >= calendar.start_date and day not in in_progress}
        if not free:
            yield dg.SkipReason("No day can continue that is not already in a run.")
        for day, state in free.items():
            yield dg.RunRequest(run_key=f"{day} {state}", partition_key=day.isoformat())

    return resume_payouts


def _follow_stripe(every_s: int) -> dg.SensorDefinition:
    @dg.sensor(
        name="follow_stripe",
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks Stripe what has happened on our account (refunds, disputes, reversals, fees, top-ups, "
        "payments by other means) and brings it into the ledger; one call when nothing has. Asks now and then "
        "whether a payee who could not receive transfers can by now, and whether what payees were paid reaches their "
        "banks. What can continue by it, 'resume_payouts' materialises.",
    )
    def follow_stripe(
        context: dg.SensorEvaluationContext, ledger: LedgerResource, stripe: StripeResource
    ) -> dg.SkipReason:
        if not stripe.workers:
            return dg.SkipReason("PAYOUTS_WORKERS is 0, so that Stripe's key is elsewhere: run 'payouts sync' there.")
        # Not at import: Stripe's SDK takes time that loading the definitions should not.
        from payouts_pipeline.workflow.follow import follow

        try:
            with ledger.connect() as connection:
                found = follow(connection, stripe.looks(), stripe.settlement(ledger.database_url), "follow_stripe")
        except PayoutsError as error:
            return dg.SkipReason(str(error))
        return dg.SkipReason(
            _what_happened(found) + _who_can_receive(ledger, stripe) + _whose_bank_fails(ledger, stripe)
        )

    return follow_stripe


def _what_happened(found: "Followed") -> str:
    """What a tick shows of what it has brought in."""
    if found.is_busy:
        return f"{found.events} events at Stripe; another sync is under way, which brings them in."
    if found.synced is None:
        return "Nothing happened at Stripe."
    different = [look.currency for look in found.synced.looks if look.difference_minor]
    balances = f" Our balance in {', '.join(different)} differs from the ledger's." if different else ""
    woken = f" {found.woken} instructions are asked for again." if found.woken else ""
    return (
        f"{found.events} events at Stripe: {found.synced.kept} new lines of its journal, "
        f"{found.synced.entered + found.synced.returned} entered.{woken}{balances}"
    )


def _who_can_receive(ledger: LedgerResource, stripe: StripeResource) -> str:
    """What goes on since its payee can receive by now. What was brought in stands, also where `league` is away."""
    from payouts_pipeline.workflow.payee_accounts import bring_back_able

    settles = stripe.settlement(ledger.database_url)
    try:
        with ledger.connect() as connection:
            able = bring_back_able(
                connection, ledger.connect_source, settles, "follow_stripe", stripe.limits.account_rest
            )
    except PayoutsError as error:
        return f" {error}"
    return f" {able} payouts go on: their payees can receive transfers by now." if able else ""


def _whose_bank_fails(ledger: LedgerResource, stripe: StripeResource) -> str:
    """Of how many payees money does not reach the bank, of those that were asked about."""
    from payouts_pipeline.workflow.payee_accounts import look_at_banks

    try:
        with ledger.connect() as connection:
            look = look_at_banks(connection, stripe.settlement(ledger.database_url))
    except PayoutsError as error:
        return f" {error}"
    lacks = f" Whether money reaches payees' banks can't be asked: the key lacks {look.lacks}." if look.lacks else ""
    failing = f" Of {look.failing} accounts of payees money does not reach the bank." if look.failing else ""
    return failing + lacks


def _missed(ledger: Connection, now: datetime, calendar: Calendar, window_days: int) -> dict[date, str]:
    """The days that no run has booked though their night is over, as when Stripe or a database was away.

    Last night's is wanted again every hour, also where no correction is looked for. An older one is wanted once a day:
    if it still can't be booked, a person knows by its alerts, and need not get one every hour for weeks.
    """
    last_day, over = yesterday(now, calendar.timezone), last_night_over(now, calendar.timezone)
    first_day = max(calendar.start_date, last_day - timedelta(days=max(window_days, 1) - 1))
    days = [day for day in days_never_booked(ledger, first_day, last_day, calendar.timezone) if day <= over]
    return {day: f"{_hour(now) if day == over else now.date()} never booked" for day in days}


def _hour(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H")


def last_night_over(now: datetime, timezone: ZoneInfo) -> date:
    """The last day whose payouts the schedule has started, with the rest of that hour for the run itself."""
    local = now.astimezone(timezone)
    return local.date() - timedelta(days=1 if local.hour > SCHEDULE_HOUR else 2)


def _book_corrections(calendar: Calendar, window_days: int) -> dg.SensorDefinition:
    @dg.sensor(
        name="book_corrections",
        job_name=JOB,
        minimum_interval_seconds=_LOOK_FOR_CHANGES_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Materialises the days of the last {window_days} (PAYOUTS_CORRECTION_WINDOW_DAYS) whose matches, "
        "line-ups or terms have changed in 'league' since they were booked, so that the difference is paid.",
    )
    def book_corrections(context: dg.SensorEvaluationContext, ledger: LedgerResource) -> dg.SensorResult:
        today = datetime.now(calendar.timezone).date()
        look = _Look(calendar.timezone, today, _seen(context.cursor), context.log)
        first_day = max(calendar.start_date, today - timedelta(days=window_days))
        with ledger.connect() as connection, ledger.connect_source() as source:
            changed = look.changed_days(connection, source, first_day, days_in_progress(context.instance))
        requests = [
            dg.RunRequest(run_key=f"{day} {today} {state}", partition_key=day.isoformat())
            for day, state in changed.items()
        ]
        reason = None if requests else dg.SkipReason(f"No day since {first_day} has changed after it was booked.")
        return dg.SensorResult(requests, reason, cursor=json.dumps(look.seen))

    return book_corrections


@dataclass
class _Look:
    """One tick's look at the source; ``seen`` is what every day's state was when it was last dealt with.

    A day that is as its source says is not compared again until its state changes. One that differs is asked for, and
    then left alone until tomorrow or until its state changes: when its run fails, the alert of that is for a person.
    """

    timezone: ZoneInfo
    today: date
    seen: dict[str, str]
    log: logging.Logger

    def changed_days(
        self, ledger: Connection, source: Connection, first_day: date, in_progress: set[date]
    ) -> dict[date, str]:
        """The days to materialise, each with its state; as many as can be compared in the time that there is."""
        states = day_states(ledger, source, first_day, self.today - timedelta(days=1), self.timezone)
        self.seen = {day: state for day, state in self.seen.items() if date.fromisoformat(day) in states}
        suspects = {day: state for day, state in states.items() if day not in in_progress and self._is_news(day, state)}
        changed: dict[date, str] = {}
        ends_at_s = time.monotonic() + _COMPARE_FOR_S
        for day, state in suspects.items():
            if self._is_to_be_made(ledger, source, day):
                changed[day] = state
            self.seen[day.isoformat()] = self._asked(state) if day in changed else state
            if time.monotonic() > ends_at_s:
                break
        return changed

    def _is_to_be_made(self, ledger: Connection, source: Connection, day: date) -> bool:
        """Whether the day differs, or can't be compared: then its run fails, which is how a person hears of it."""
        try:
            return differs(ledger, source, day, self.timezone)
        except Exception as error:
            if is_of_all_days(error):
                raise
            self.log.error(f"{day} can't be compared, so it is materialised to show why: {reason_of(error)}")
            return True

    def _is_news(self, day: date, state: str) -> bool:
        return self.seen.get(day.isoformat()) not in (state, self._asked(state))

    def _asked(self, state: str) -> str:
        return f"{state}, asked for on {self.today}"


def _seen(cursor: str | None) -> dict[str, str]:
    return dict(json.loads(cursor)) if cursor else {}
