"""Stripe's journal of our account: balance transactions with what they are of, the balance, and what has happened.

Only asked, never told: an event is a pointer to something that Stripe is then asked about, and no order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.ledger.provider_journal import BalanceTransaction
from payouts_pipeline.settlement.stripe_answers import Indeterminate, NotStripes, instruction_of, ledger_of
from payouts_pipeline.settlement.stripe_client import StripeAwayError, StripeClient

_PAGE = 100
T = TypeVar("T")
# What was added later is of this one (docs.stripe.com/api/balance_transactions/object).
_USUAL_BALANCE = "payments"


@dataclass(frozen=True)
class Event:
    """That something happened at Stripe, and to which object."""

    id: str
    type: str
    object_id: str | None
    created_at: datetime


@dataclass(frozen=True)
class StripeBalance:
    """What stands on our account in one currency, in minor units."""

    currency: str
    available_minor: int
    pending_minor: int


def transactions(
    stripe: StripeClient, since: datetime, until: datetime | None = None
) -> Iterator[list[BalanceTransaction]]:
    """All that moved our account from ``since`` on and before ``until``, newest first; each page is a call.

    Raises StripeAwayError where Stripe can't be asked.
    """
    created = _created(since, until)
    yield from _pages(stripe, "balance_transactions", {"created": created, "expand": ["data.source"]}, _transaction)


def events(stripe: StripeClient, since: datetime) -> Iterator[Event]:
    """All that happened from ``since`` on, newest first; raises StripeAwayError where Stripe can't be asked."""
    for page in _pages(stripe, "events", {"created": _created(since, None)}, _event):
        yield from page


def balance(stripe: StripeClient) -> list[StripeBalance]:
    """What stands on our account now; raises StripeAwayError where Stripe can't be asked."""
    found: list[StripeBalance] = _asked(stripe, lambda services: balance_of(services.balance.retrieve()))
    return found


def _pages(stripe: StripeClient, kind: str, params: Mapping[str, Any], read: Callable[[Any], T]) -> Iterator[list[T]]:
    """The lines of each page; a page that can't be read to its end is no answer of Stripe's."""
    wanted = {**params, "limit": _PAGE}
    while True:
        lines, last_id = _asked(stripe, partial(_page, kind, wanted, read))
        yield lines
        if last_id is None:
            return
        wanted["starting_after"] = last_id


def _page(kind: str, wanted: Mapping[str, Any], read: Callable[[Any], T], services: Any) -> tuple[list[T], str | None]:
    """The lines of a page, and after which one there are more; raises NotStripes for anything else than a page."""
    page = getattr(services, kind).list(wanted)
    is_list = page.object == "list" and type(page.has_more) is bool and bool(page.last_response.request_id)
    if not is_list or any(each.object != kind.removesuffix("s") for each in page.data):
        raise NotStripes
    return [read(each) for each in page.data], page.data[-1].id if page.has_more else None


def _event(found: Any) -> Event:
    return Event(found.id, found.type, getattr(found.data.object, "id", None), _time(found.created))


def _asked(stripe: StripeClient, call: Callable[[Any], Any]) -> Any:
    answer = stripe.look(call)
    if isinstance(answer, Refusal | Indeterminate):
        why = answer.code if isinstance(answer, Refusal) else answer
        permission = f"; the key lacks {answer.permission}" if isinstance(answer, Refusal) and answer.permission else ""
        raise StripeAwayError(f"Stripe can't be asked what happened on our account ({why}{permission}): try again.")
    return answer


def _transaction(found: Any) -> BalanceTransaction:
    source = found.source
    about: Any = None if source is None or isinstance(source, str) else source
    return BalanceTransaction(
        id=found.id,
        type=found.type,
        category=found.reporting_category,
        balance=getattr(found, "balance_type", None) or _USUAL_BALANCE,
        amount_minor=int(found.amount),
        fee_minor=int(found.fee),
        net_minor=int(found.net),
        currency=found.currency.upper(),
        created_at=_time(found.created),
        available_on=_time(found.available_on),
        source_id=about.id if about else source,
        **(_of_source(about) if about else {}),
    )


def _of_source(source: Any) -> dict[str, Any]:
    metadata = getattr(source, "metadata", None)
    return {
        "movement_id": _movement_of(source),
        "payee": _id(source, "customer") or (_id(source, "destination") if source.object == "transfer" else None),
        **(_named(source) if metadata is not None else {}),
        "reason": getattr(source, "reason", None) if source.object in ("refund", "dispute") else None,
    }


def _movement_of(source: Any) -> str | None:
    """The payment intent or transfer that it is, or takes back; a charge without an intent names itself."""
    if source.object == "transfer":
        return str(source.id)
    if source.object == "charge":
        return _id(source, "payment_intent") or str(source.id)
    if source.object == "transfer_reversal":
        return _id(source, "transfer")
    return _id(source, "payment_intent") or _id(source, "charge")


def _named(source: Any) -> dict[str, Any]:
    attempt = getattr(source.metadata, "attempt", None) or ""
    return {
        "ledger_id": ledger_of(source),
        "instruction_id": _uuid(instruction_of(source)),
        "attempt": int(attempt) if attempt.isdecimal() and len(attempt) < 6 else None,
    }


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text)
    except (TypeError, ValueError):
        return None


def _id(thing: Any, name: str) -> str | None:
    """An id that stands by itself, or of an object where Stripe was told to expand it."""
    value = getattr(thing, name, None)
    return getattr(value, "id", value)


def balance_of(found: Any) -> list[StripeBalance]:
    """What an answer of `balance.retrieve` says; raises NotStripes for another one."""
    if found.object != "balance":
        raise NotStripes
    available = {each.currency.upper(): int(each.amount) for each in found.available}
    pending = {each.currency.upper(): int(each.amount) for each in found.pending}
    return [
        StripeBalance(currency, available.get(currency, 0), pending.get(currency, 0))
        for currency in sorted({*available, *pending})
    ]


def _created(since: datetime, until: datetime | None) -> dict[str, int]:
    bounds = {"gte": int(since.timestamp())}
    return bounds | ({"lt": int(until.timestamp())} if until else {})


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
