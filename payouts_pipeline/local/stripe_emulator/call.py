"""One execution of one request: what a handler may look at and write to."""

import json
import secrets
from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator.answers import not_found, path_not_found
from payouts_pipeline.local.stripe_emulator.cards import Decline
from payouts_pipeline.local.stripe_emulator.platforms import Books
from payouts_pipeline.local.stripe_emulator.seeds import PlatformSeed
from payouts_pipeline.local.stripe_emulator.store import JsonObject, Store


@dataclass(frozen=True, slots=True)
class Call:
    """The checked request, inside the one transaction that makes its effect and remembers its answer."""

    books: Books
    platform: PlatformSeed
    now: int
    request_id: str
    params: JsonObject
    path_id: str = ""
    path_child_id: str = ""
    # The connected account that the caller acts for; without one, the platform itself.
    account: str | None = None
    idempotency_key: str | None = None
    # The key as Stripe shows it in an error, and the version of the API that the caller named.
    masked_key: str = ""
    stripe_version: str | None = None
    # What a fault rule wants to happen instead of what the card or the balance says.
    forced_decline: Decline | None = None
    forced_shortage: bool = False
    # The admin API alone plays the owner, who has an app for it.
    owner_authenticates: bool = False

    @property
    def store(self) -> Store:
        """What the account has in the key's mode."""
        return self.books.store

    @property
    def livemode(self) -> bool:
        """Whether real money would move."""
        return self.books.livemode

    def require(self, kind: str, object_id: str, param: str, label: str | None = None) -> JsonObject:
        """Return the object that a parameter names, or Stripe's 400; what was deleted can only be looked at."""
        found = self.store.get(kind, object_id)
        if found is None or found.get("deleted"):
            raise not_found(label or kind, object_id, param, self.other_mode_with(kind, object_id))
        return found

    def require_path_object(self, kind: str, label: str | None = None) -> JsonObject:
        """Return the object that the path names, or Stripe's 404; a wrong id is a wrong URL, not executed."""
        found = self.store.get(kind, self.path_id, self.account)
        if found is None:
            raise path_not_found(label or kind, self.path_id, self.other_mode_with(kind, self.path_id))
        return found

    def other_mode_with(self, kind: str, object_id: str) -> str | None:
        """Return the name of the other mode if the account has such an object there."""
        if self.books.similar_in_other_mode(kind, object_id) is None:
            return None
        return "test" if self.livemode else "live"

    def journal(self, kind: str, moved: JsonObject, taken_back: JsonObject | None = None) -> None:
        """Write down a movement of money: the object that made it, and the charge or transfer that it takes back."""
        about = {**(taken_back or {}), **moved}
        self.store.run(
            "insert_movement",
            id=moved["id"],
            kind=kind,
            amount=moved["amount"],
            currency=moved["currency"],
            payment_intent=about.get("payment_intent"),
            customer=about.get("customer"),
            destination=about.get("destination"),
            idempotency_key=self.idempotency_key,
            transfer_group=about["transfer_group"],
            metadata=json.dumps(moved["metadata"]),
            request_id=self.request_id,
            stripe_version=self.stripe_version,
            at=self.now,
            source=taken_back["id"] if taken_back else None,
        )


def new_id(prefix: str) -> str:
    """Return a Stripe-like id: `pi_` and 24 characters."""
    return f"{prefix}_{secrets.token_hex(12)}"
