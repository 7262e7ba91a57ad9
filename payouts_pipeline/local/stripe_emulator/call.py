"""One execution of one request: what a handler may look at and write to."""

import json
import secrets
from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, not_found
from payouts_pipeline.local.stripe_emulator.cards import Decline
from payouts_pipeline.local.stripe_emulator.store import JsonObject, Store


@dataclass(frozen=True, slots=True)
class Call:
    """The checked request, inside the one transaction that makes its effect and remembers its answer."""

    store: Store
    now: int
    request_id: str
    idempotency_key: str | None
    params: JsonObject
    path_id: str
    # What a fault rule wants to happen instead of what the card or the balance says.
    forced_decline: Decline | None = None
    forced_shortage: bool = False

    def require(self, kind: str, object_id: str, param: str, label: str | None = None) -> JsonObject:
        """Return the object that a parameter names, or Stripe's 400."""
        found = self.store.get(kind, object_id)
        if found is None:
            raise not_found(label or kind, object_id, param)
        return found

    def require_path_object(self, kind: str, label: str | None = None) -> JsonObject:
        """Return the object that the path names, or Stripe's 404; a wrong id is a wrong URL, not executed."""
        found = self.store.get(kind, self.path_id)
        if found is None:
            raise InvalidRequestError(
                f"No such {label or kind}: '{self.path_id}'", status=404, code="resource_missing", param="id"
            )
        return found

    def journal(self, kind: str, moved: JsonObject) -> None:
        """Write down a movement of money: the charge or transfer object that made it."""
        self.store.run(
            "insert_journal",
            id=moved["id"],
            kind=kind,
            amount=moved["amount"],
            currency=moved["currency"],
            payment_intent=moved.get("payment_intent"),
            customer=moved.get("customer"),
            destination=moved.get("destination"),
            idempotency_key=self.idempotency_key,
            transfer_group=moved["transfer_group"],
            metadata=json.dumps(moved["metadata"]),
            request_id=self.request_id,
            at=self.now,
        )


def new_id(prefix: str) -> str:
    """Return a Stripe-like id: `pi_` and 24 characters."""
    return f"{prefix}_{secrets.token_hex(12)}"
