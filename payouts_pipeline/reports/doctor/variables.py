"""The environment: each variable by itself, so that one that is malformed does not hide another."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from payouts_pipeline import settings
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, halves, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.settings import Calendar, Wording

# Who reads it of an environment in which there is nothing else; raises PayoutsError where it is malformed.
_READ: Mapping[str, Callable[[Mapping[str, str]], object]] = {
    "PAYOUTS_TIMEZONE": Calendar.from_environment,
    "PAYOUTS_START_DATE": Calendar.from_environment,
    "PAYOUTS_WORKERS": settings.workers,
    "PAYOUTS_FLEET_TIMEOUT_S": settings.fleet_timeout_s,
    "PAYOUTS_STRIPE_CALLS_PER_S": partial(settings.stripe_calls_per_s, ""),
    "PAYOUTS_DESCRIPTION": Wording.from_environment,
    "PAYOUTS_STATEMENT_SUFFIX": Wording.from_environment,
    "PAYOUTS_MINIMUM_PAYOUT": settings.minimum_payouts_minor,
    "PAYOUTS_APPROVAL_ABOVE": settings.approval_above_minor,
    "PAYOUTS_ACCOUNT_REST_H": settings.account_rest,
    "PAYOUTS_CHANGE_LIMIT": settings.change_limit,
    "PAYOUTS_CORRECTION_WINDOW_DAYS": settings.correction_window_days,
    "PAYOUTS_SYNC_EVERY_S": settings.sync_every_s,
    "PAYOUTS_ALERT_TOPIC_ARN": settings.alert_topic_arn,
    "PAYOUTS_UI_URL": settings.ui_url,
}
# Any text will do, or the look at what it leads to says what is wrong with it.
_ELSEWHERE = """
    PAYOUTS_DATABASE_URL PAYOUTS_SOURCE_URL PAYOUTS_STACK PAYOUTS_STORAGE
    PAYOUTS_SECRET_ARN PAYOUTS_DATABASE_URL_SECRET PAYOUTS_LOG_BUCKET
""".split()
KNOWN = frozenset({*_READ, *_ELSEWHERE})
_OWN_PARTS = {"dagster": "Dagster's storage", "aws": "AWS"}


def look(setup: Setup) -> Iterator[Diagnosis]:
    """Each variable that is malformed or unknown, or leaves a part of a real night to this machine alone."""
    wrong = [*_malformed(setup.environment), *_unknown(setup.environment), *_embedded_beside_own(setup)]
    yield from wrong
    if not wrong:
        embedded = ", ".join(sorted(setup.embedded))
        yield ok("environment", f"no variable is malformed; embedded: {embedded or 'nothing'}")


def _malformed(environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    for name, value in environment.items():
        try:
            if name in _READ and value:
                _READ[name]({name: value})
        except PayoutsError as error:
            yield problem(name, *halves(str(error)))


def _unknown(environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    for name in sorted(environment):
        if name.startswith("PAYOUTS_") and name not in KNOWN:
            yield warning(name, f"{name} is set, and nothing reads it", "see the README for how it is written.")


def _embedded_beside_own(setup: Setup) -> Iterator[Diagnosis]:
    if "ledger" in setup.embedded:
        return
    for part, title in _OWN_PARTS.items():
        if part in setup.embedded:
            found = f"{title} is the embedded one of this machine, beside a ledger of your own"
            yield warning("environment", found, "set its variables before a night with real money.")
