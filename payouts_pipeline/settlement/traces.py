"""What our account at Stripe shows of ledgers: charges and transfers with a ledger's id in their metadata."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from payouts_pipeline.settlement.stripe_answers import ledger_of
from payouts_pipeline.settlement.stripe_client import Kind, StripeClient


@dataclass(frozen=True)
class Trace:
    """One payment intent or transfer that a ledger has made; texts are as its metadata have them, None if missing.

    ``status`` is the payment intent's own; of a transfer `succeeded`, or `reversed`. ``payee`` is the customer who was
    charged or the account that was paid.
    """

    reference: str
    kind: Kind
    ledger: str
    instruction_id: str | None
    attempt: str | None
    day: str | None
    billing_type: str | None
    amount_minor: int
    currency: str
    payee: str | None
    status: str
    created_at: datetime


def traces(stripe: StripeClient, kind: Kind, since: datetime | None) -> Iterator[Trace | None]:
    """Newest first; None for what no ledger has made, so that the caller can count how far it has looked."""
    for found in stripe.newest(kind, since):
        ledger = ledger_of(found)
        yield _trace(found, kind, ledger) if ledger else None


def _trace(found: Any, kind: Kind, ledger: str) -> Trace:
    is_charge = kind == "payment_intent"
    payee = found.customer if is_charge else found.destination
    return Trace(
        reference=found.id,
        kind=kind,
        ledger=ledger,
        instruction_id=_metadata(found, "instruction_id"),
        attempt=_metadata(found, "attempt"),
        day=_metadata(found, "day"),
        billing_type=_metadata(found, "billing_type"),
        amount_minor=int(found.amount),
        currency=found.currency.upper(),
        payee=getattr(payee, "id", payee),
        status=found.status if is_charge else "reversed" if found.reversed else "succeeded",
        created_at=datetime.fromtimestamp(found.created, UTC),
    )


def _metadata(found: Any, name: str) -> str | None:
    return getattr(found.metadata, name, None)
