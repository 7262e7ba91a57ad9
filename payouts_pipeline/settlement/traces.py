"""What our account at Stripe shows of ledgers: charges and transfers with a ledger's id in their metadata."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from payouts_pipeline.ledger.movements import FoundMovement
from payouts_pipeline.settlement.stripe_answers import ledger_of
from payouts_pipeline.settlement.stripe_client import Kind, StripeClient


@dataclass(frozen=True)
class Trace:
    """A payment intent or transfer, and the ledger that has made it; None for what none has made."""

    ledger: str | None
    movement: FoundMovement


def traces(stripe: StripeClient, kind: Kind, since: datetime | None) -> Iterator[Trace]:
    """Newest first; what no ledger has made, too, so that the caller can count how far it has looked."""
    return (Trace(ledger_of(found), _movement(found, kind)) for found in stripe.newest(kind, since))


def _movement(found: Any, kind: Kind) -> FoundMovement:
    is_charge = kind == "payment_intent"
    payee = found.customer if is_charge else found.destination
    attempt = _metadata(found, "attempt") or ""
    return FoundMovement(
        reference=found.id,
        kind=kind,
        instruction_id=_uuid(_metadata(found, "instruction_id")),
        attempt=int(attempt) if attempt.isdecimal() and len(attempt) < 6 else None,
        day=_metadata(found, "day"),
        billing_type=_metadata(found, "billing_type"),
        amount_minor=int(found.amount),
        currency=found.currency.upper(),
        payee=getattr(payee, "id", payee),
        status=found.status if is_charge else "reversed" if found.reversed else "succeeded",
        created_at=datetime.fromtimestamp(found.created, UTC),
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text)
    except (TypeError, ValueError):
        return None


def _metadata(found: Any, name: str) -> str | None:
    return getattr(found.metadata, name, None)
