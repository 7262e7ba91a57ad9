"""What an operation of the admin API gets to know, and how it says no."""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from payouts_pipeline.local.stripe_emulator import due
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.dispatch import Dispatcher
from payouts_pipeline.local.stripe_emulator.platforms import Books
from payouts_pipeline.local.stripe_emulator.store import JsonObject, Store

Model = TypeVar("Model", bound=BaseModel)


class BadAdminRequestError(Exception):
    """One sentence on what is wrong with the request."""


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """The request, the emulator, and the books that it is about: those of the key it comes with, or the default's."""

    dispatcher: Dispatcher
    books: Books
    query: dict[str, str]
    body: bytes

    @property
    def store(self) -> Store:
        """What the account has in the mode that the request is about."""
        return self.books.store

    @property
    def now(self) -> int:
        """The emulator's second."""
        return self.dispatcher.clock.now()

    def parsed(self, model: type[Model]) -> Model:
        """Return the body as that model."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            raise BadAdminRequestError(str(error)) from error

    def whole(self, name: str, default: int) -> int:
        """Return a whole number of the query."""
        value = self.query.get(name, str(default))
        if not value.isdecimal():
            raise BadAdminRequestError(f"Query parameter {name!r} must be a whole number.")
        return int(value)

    def call(self, **params: object) -> Call:
        """Return an execution that no caller of the API has asked for: what a player or a bank does."""
        return self.dispatcher.call_of_nobody(self.books, params)

    def settled_call(self) -> Call:
        """Return the same, once all has happened that time has brought."""
        call = self.call()
        due.settle(call)
        return call

    def known(
        self, kind: str, object_id: str, statuses: tuple[str, ...] = (), account: str | None = None
    ) -> JsonObject:
        """Return the object that the body names; if `statuses` are given, it has to have one of them."""
        found = self.store.get(kind, object_id, account)
        label = kind.replace("_", " ")
        if found is None or found.get("deleted"):
            raise BadAdminRequestError(f"There is no {label} {object_id!r} with this key's account and mode.")
        if statuses and found["status"] not in statuses:
            raise BadAdminRequestError(
                f"{label.capitalize()} {object_id!r} is {found['status']}, not {' or '.join(statuses)}."
            )
        return found

    def upsert(self, body: JsonObject) -> None:
        """Keep the object, as a new one or in place of the one of that id."""
        known = self.store.get(body["object"], body["id"])
        if known is None:
            self.store.insert(body)
        else:
            kept = {"created": known["created"]} if "created" in body and "created" in known else {}
            self.store.replace(body | kept)
