"""The configuration: environment variables (the README lists them), with a sentence for each that is wrong."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from payouts_pipeline.domain import currencies
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.errors import PayoutsError

DEFAULT_TIMEZONE = "Australia/Sydney"
DEFAULT_START_DATE = "2026-01-01"
DEFAULT_STACK = "payouts"
DEFAULT_WORKERS = 16
DEFAULT_FLEET_TIMEOUT_S = 600
DEFAULT_CORRECTION_WINDOW_DAYS = 30
DEFAULT_SYNC_EVERY_S = 60
DEFAULT_ACCOUNT_REST_H = 24
DEFAULT_DESCRIPTION = "Match fees"
DEFAULT_STATEMENT_SUFFIX = "MATCH FEES"
DEFAULT_UI_URL = "http://127.0.0.1:3000"
# Stripe allows 100 calls a second in live mode and 25 in test mode; a fifth is left to whoever else uses the account.
_LIVE_CALLS_PER_S = 80.0
_TEST_CALLS_PER_S = 20.0

_T = TypeVar("_T")


@dataclass(frozen=True)
class Calendar:
    """Which days there are: the local timezone and the first day."""

    timezone: ZoneInfo
    start_date: date

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read ``PAYOUTS_TIMEZONE`` and ``PAYOUTS_START_DATE``; raises PayoutsError for a malformed one."""
        zone, day = "a timezone: give a name like Europe/London", "a date: give one like 2026-01-31"
        return cls(
            _parsed("PAYOUTS_TIMEZONE", environment, DEFAULT_TIMEZONE, ZoneInfo, zone),
            _parsed("PAYOUTS_START_DATE", environment, DEFAULT_START_DATE, date.fromisoformat, day),
        )


def _parsed(name: str, environment: Mapping[str, str], default: str, parse: Callable[[str], _T], wanted: str) -> _T:
    text = environment.get(name) or default
    try:
        return parse(text)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise PayoutsError(f"{name} is '{text}', which is not {wanted}.") from None


def database_url(environment: Mapping[str, str] = os.environ) -> str:
    """Where the ledger is."""
    return required("PAYOUTS_DATABASE_URL", environment)


def source_url(environment: Mapping[str, str] = os.environ) -> str:
    """Where schema `league` is: the ledger's database unless told otherwise."""
    return environment.get("PAYOUTS_SOURCE_URL") or database_url(environment)


def stripe_api_key(environment: Mapping[str, str] = os.environ) -> str:
    """Our key at Stripe; raises PayoutsError, which says nothing of it, where it can't be one."""
    key = required("STRIPE_API_KEY", environment)
    if not re.fullmatch(r"[!-~]+", key):
        raise PayoutsError(
            "STRIPE_API_KEY has a blank, a line break or another character that is in no key: copy it again, "
            "without what stands around it."
        )
    return key


def stack(environment: Mapping[str, str] = os.environ) -> str:
    """The CloudFormation stack that made topic and queues."""
    return environment.get("PAYOUTS_STACK") or DEFAULT_STACK


def workers(environment: Mapping[str, str] = os.environ) -> int:
    """Settlement threads in the run; 0 means that a separate fleet settles."""
    text = environment.get("PAYOUTS_WORKERS") or str(DEFAULT_WORKERS)
    if not text.isdecimal() or int(text) > 256:
        raise PayoutsError(f"PAYOUTS_WORKERS is '{text}': give a whole number from 0 to 256.")
    return int(text)


def fleet_timeout_s(environment: Mapping[str, str] = os.environ) -> float:
    """How long a run waits for a separate fleet before it shows what is open."""
    text = environment.get("PAYOUTS_FLEET_TIMEOUT_S") or str(DEFAULT_FLEET_TIMEOUT_S)
    if not text.isdecimal():
        raise PayoutsError(f"PAYOUTS_FLEET_TIMEOUT_S is '{text}': give a whole number of seconds.")
    return float(text)


def stripe_calls_per_s(api_key: str, environment: Mapping[str, str] = os.environ) -> float | None:
    """How many calls a second all workers together make at Stripe; None for as many as they can."""
    text = environment.get("PAYOUTS_STRIPE_CALLS_PER_S")
    if not text:
        return _LIVE_CALLS_PER_S if "_live_" in api_key else _TEST_CALLS_PER_S
    if not text.isdecimal():
        raise PayoutsError(f"PAYOUTS_STRIPE_CALLS_PER_S is '{text}': give a whole number, 0 for no limit.")
    return float(text) or None


@dataclass(frozen=True)
class Wording:
    """What a player reads of a charge: the description on receipts, and what follows our name on the card's statement.

    A charge that nobody recognises is disputed. Neither may hold personal data.
    """

    description: str = DEFAULT_DESCRIPTION
    statement_suffix: str = DEFAULT_STATEMENT_SUFFIX

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read ``PAYOUTS_DESCRIPTION`` and ``PAYOUTS_STATEMENT_SUFFIX``; raises PayoutsError for a malformed one."""
        return cls(_description(environment), _statement_suffix(environment))


def _description(environment: Mapping[str, str]) -> str:
    text = environment.get("PAYOUTS_DESCRIPTION") or DEFAULT_DESCRIPTION
    if not text.isprintable() or not text.strip() or len(text) > 200:
        raise PayoutsError("PAYOUTS_DESCRIPTION is not one line of at most 200 characters: give one like Match fees.")
    return text


def _statement_suffix(environment: Mapping[str, str]) -> str:
    """By Stripe's rules, with room for the shortest prefix.

    Source: docs.stripe.com/get-started/account/statement-descriptors.
    """
    text = environment.get("PAYOUTS_STATEMENT_SUFFIX") or DEFAULT_STATEMENT_SUFFIX
    if not re.fullmatch(r"[ -~]{1,18}", text) or re.search(r"[<>\\'\"*]", text) or not re.search("[A-Za-z]", text):
        raise PayoutsError(
            "PAYOUTS_STATEMENT_SUFFIX is not what a card's statement can show: give 1 to 18 plain characters with at "
            "least one letter and none of < > \\ ' \" *, like MATCH FEES."
        )
    return text


def correction_window_days(environment: Mapping[str, str] = os.environ) -> int:
    """How far back days are looked at for changes of their source; 0 for not at all."""
    text = environment.get("PAYOUTS_CORRECTION_WINDOW_DAYS") or str(DEFAULT_CORRECTION_WINDOW_DAYS)
    if not text.isdecimal() or int(text) > 366:
        raise PayoutsError(f"PAYOUTS_CORRECTION_WINDOW_DAYS is '{text}': give a whole number from 0 to 366.")
    return int(text)


def sync_every_s(environment: Mapping[str, str] = os.environ) -> int:
    """How often a sensor asks Stripe what has happened; 0 for never."""
    text = environment.get("PAYOUTS_SYNC_EVERY_S") or str(DEFAULT_SYNC_EVERY_S)
    if not text.isdecimal() or int(text) > 86_400:
        raise PayoutsError(
            f"PAYOUTS_SYNC_EVERY_S is '{text}': give a whole number of seconds, at most a day; 0: never."
        )
    return int(text)


def alert_topic_arn(environment: Mapping[str, str] = os.environ) -> str | None:
    """The SNS topic to which alerts go; without one they are only logged."""
    arn = environment.get("PAYOUTS_ALERT_TOPIC_ARN") or None
    if arn and not re.fullmatch(r"arn:[^:]+:sns:[^:]+:[^:]+:[^:]+", arn):
        raise PayoutsError(
            f"PAYOUTS_ALERT_TOPIC_ARN is '{arn}': give the ARN of an SNS topic, "
            "like arn:aws:sns:eu-west-1:123456789012:alerts."
        )
    return arn


def ui_url(environment: Mapping[str, str] = os.environ) -> str:
    """Where people see the Dagster UI, for links in alerts."""
    url = environment.get("PAYOUTS_UI_URL") or DEFAULT_UI_URL
    if not re.match(r"https?://[^/]", url):
        raise PayoutsError(f"PAYOUTS_UI_URL is '{url}': give an address like https://dagster.example.com.")
    return url.rstrip("/")


def minimum_payouts_minor(environment: Mapping[str, str] = os.environ) -> dict[str, int]:
    """The smallest payout by currency, where it is not the provider's minimum charge."""
    return _minor_by_currency("PAYOUTS_MINIMUM_PAYOUT", environment)


def approval_above_minor(environment: Mapping[str, str] = os.environ) -> dict[str, int]:
    """The amount by currency above which an instruction waits until a person approves it; none by default."""
    return _approval_limits(environment)[0]


def day_above_minor(environment: Mapping[str, str] = os.environ) -> dict[str, int]:
    """The amount by currency above which the payouts of a day wait until a person approves them; none by default."""
    return _approval_limits(environment)[1]


def _approval_limits(environment: Mapping[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """``PAYOUTS_APPROVAL_ABOVE``: of one instruction, and under "day" of the payouts of a day together."""
    name = "PAYOUTS_APPROVAL_ABOVE"
    try:
        given = json.loads(environment.get(name) or "{}")
        of_day = given.pop("day", {})
        amounts = [_minor_by_currency(name, {name: json.dumps(each)}) for each in (given, of_day)]
    except (ValueError, TypeError, AttributeError, PayoutsError):
        raise PayoutsError(
            f"{name} is not a JSON object of minor units by currency, with those of a day together under 'day': give "
            'one like {"EUR": 100000, "day": {"EUR": 5000000}}.'
        ) from None
    return amounts[0], amounts[1]


def account_rest(environment: Mapping[str, str] = os.environ) -> timedelta:
    """How long a changed Stripe account of a payee rests before the first payout to it; 0: not at all."""
    text = environment.get("PAYOUTS_ACCOUNT_REST_H") or str(DEFAULT_ACCOUNT_REST_H)
    if not text.isdecimal() or int(text) > 720:
        raise PayoutsError(f"PAYOUTS_ACCOUNT_REST_H is '{text}': give a whole number of hours from 0 to 720; 0: none.")
    return timedelta(hours=int(text))


def limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """What waits for a person because of its amount, and for how long because of where it goes."""
    return Limits(approval_above_minor(environment), account_rest(environment), day_above_minor(environment))


def change_limit(environment: Mapping[str, str] = os.environ) -> ChangeLimit:
    """How much a materialisation may change of a day without a person; `{}`: as much as it likes."""
    text = environment.get("PAYOUTS_CHANGE_LIMIT")
    if not text:
        return ChangeLimit.default()
    try:
        given = json.loads(text)
        if not isinstance(given, dict):
            raise ValueError
        share = given.pop("share", None)
        if share is not None and not (type(share) in (int, float) and 0 <= share <= 1):
            raise ValueError
        amounts = _minor_by_currency("PAYOUTS_CHANGE_LIMIT", {"PAYOUTS_CHANGE_LIMIT": json.dumps(given)})
    except (ValueError, TypeError, PayoutsError):
        raise PayoutsError(
            "PAYOUTS_CHANGE_LIMIT is not a JSON object of a share of the fees (0 to 1) and of minor units by currency: "
            'give one like {"share": 0.2, "EUR": 100000}; {} for no limit.'
        ) from None
    return ChangeLimit(share, amounts)


def _minor_by_currency(name: str, environment: Mapping[str, str]) -> dict[str, int]:
    text = environment.get(name) or "{}"
    try:
        amounts = json.loads(text)
    except ValueError:
        amounts = None
    if not isinstance(amounts, dict) or not all(
        currency in currencies.KNOWN and type(minor) is int and minor >= 0 for currency, minor in amounts.items()
    ):
        raise PayoutsError(
            f'{name} is not a JSON object of minor units by currency: give one like {{"EUR": 1000, "JPY": 500}}.'
        )
    return amounts


def required(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """The value of a variable; raises PayoutsError, naming it, where it is missing."""
    value = environment.get(name)
    if not value:
        raise PayoutsError(
            f"{name} is not set: set it, or leave all of this part's variables out to use the embedded one."
        )
    return value
