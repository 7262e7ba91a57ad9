"""What goes back to the caller: answers, and refusals in Stripe's error shape."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from payouts_pipeline.local.stripe_emulator.store import JsonObject

Headers: TypeAlias = tuple[tuple[str, str], ...]

# Of whatever was executed, a success as well: a retry could only get the same answer.
EXECUTED: Headers = (("Stripe-Should-Retry", "false"),)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `headers` are those that belong to its content and are stored and replayed with it.

    One that is given `at_the_door` comes from before there is a request to give an id to.
    """

    status: int
    body: bytes
    headers: Headers = ()
    at_the_door: bool = False


def success(body: JsonObject, headers: Headers = ()) -> Answer:
    """Return the answer 200 with an object or a list."""
    return Answer(200, json.dumps(body).encode(), headers)


class StripeRefusalError(Exception):
    """A refusal that came from executing the request: it is remembered under the idempotency key.

    Whoever raises it has either written nothing yet, or (a declined card) wants what was written to be kept.
    """

    HEADERS: ClassVar[Headers] = EXECUTED

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        error_type: str = "invalid_request_error",
        headers: Headers | None = None,
        at_the_door: bool = False,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        given = {name: value for name, value in fields.items() if value is not None}
        error = {"type": error_type, "message": message, **given}
        if "code" in given and not at_the_door:
            error["doc_url"] = "https://stripe.com/docs/error-codes/" + str(given["code"]).replace("_", "-")
        self.error: JsonObject = error
        self._status, self._at_the_door = status, at_the_door
        self._headers = self.HEADERS if headers is None else headers

    @property
    def answer(self) -> Answer:
        """The refusal as it goes over the wire."""
        return Answer(self._status, json.dumps({"error": self.error}).encode(), self._headers, self._at_the_door)

    def about(self, **fields: Any) -> "StripeRefusalError":
        """Return the same refusal with more fields, which the fields it already has may be part of."""
        self.error = {**self.error, **fields}
        return self


class InvalidRequestError(StripeRefusalError):
    """A refusal before execution began (who asks, form of the request): Stripe does not remember these."""

    HEADERS: ClassVar[Headers] = ()


class TurnedAwayError(InvalidRequestError):
    """A refusal at Stripe's door, of a key that may not come in: it has no request id, nor any header of the API.

    Source: answers that Stripe gave, recorded in 2025 and 2026 in github.com/pay-rails/pay (`test/vcr_cassettes`, 401)
    and github.com/openfoodfoundation/openfoodnetwork (`spec/fixtures/vcr_cassettes`, 403 to a look at an account).
    """

    def __init__(self, message: str, status: int, code: str | None = None) -> None:
        super().__init__(message, status=status, at_the_door=True, code=code)


# What a wrong id in a path is called; customers and charges have kept the name of old.
_PATH_PARAMS = {"payment_intent": "intent", "PaymentMethod": "payment_method"}


def not_found(kind: str, object_id: str, param: str, similar_in: str | None = None) -> StripeRefusalError:
    """Stripe's answer for an id in a parameter that it does not have; `similar_in` is the mode that has it."""
    return StripeRefusalError(_no_such(kind, object_id, similar_in), code="resource_missing", param=param)


def path_not_found(kind: str, object_id: str, similar_in: str | None = None) -> InvalidRequestError:
    """Stripe's answer for an id in the path that it does not have: a wrong URL, so nothing is executed."""
    message = _no_such(kind, object_id, similar_in)
    return InvalidRequestError(message, status=404, code="resource_missing", param=_PATH_PARAMS.get(kind, "id"))


def _no_such(kind: str, object_id: str, similar_in: str | None) -> str:
    message = f"No such {kind}: '{object_id}'"
    if similar_in is None:
        return message
    used = "test" if similar_in == "live" else "live"
    return (
        f"{message}; a similar object exists in {similar_in} mode, but a {used} mode key was used to make this request."
    )


def no_access(key: str, account_id: str) -> TurnedAwayError:
    """403 for an account that the (masked) key has no access to, or that does not exist: Stripe does not say which."""
    return TurnedAwayError(_no_access(key, account_id), 403, "account_invalid")


def no_access_to_destination(key: str, account_id: str) -> StripeRefusalError:
    """The same, where a transfer that is being made meets the account."""
    return StripeRefusalError(_no_access(key, account_id), status=403, code="account_invalid")


def _no_access(key: str, account_id: str) -> str:
    return (
        f"The provided key '{key}' does not have access to account '{account_id}' (or that account does not exist). "
        "Application access may have been revoked."
    )


def unknown_url(method: str, path: str) -> InvalidRequestError:
    """Stripe's answer to a URL that it does not have."""
    message = (
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/."
    )
    return InvalidRequestError(message, status=404)


def server_error(*, stored: bool) -> Answer:
    """Stripe's 500. A stored one says «don't retry», because a retry could only get the same answer."""
    message = "An unknown error occurred"
    should_retry = "false" if stored else "true"
    return StripeRefusalError(
        message, status=500, error_type="api_error", headers=(("Stripe-Should-Retry", should_retry),)
    ).answer


def key_in_use(key: str | None) -> Answer:
    """409: another request with this key is executing right now."""
    return StripeRefusalError(
        "There is currently another in-progress request using this Idempotent Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Please try again later.",
        status=409,
        code="idempotency_key_in_use",
        headers=(("Stripe-Should-Retry", "true"),),
    ).answer


def rate_limited(retry_after_s: int | None, code: str | None) -> Answer:
    """429: too many requests, or (code `lock_timeout`) an object that another request holds.

    Stripe asks for a retry of a lock time-out only; how to slow down after a rate limit is for the caller.
    """
    if code == "lock_timeout":
        message = (
            "This object cannot be accessed right now because another API request or Stripe process is "
            "currently accessing it. If you see this error intermittently, retry the request."
        )
        headers = [("Stripe-Should-Retry", "true")]
    else:
        message = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
        headers = [("Stripe-Rate-Limited-Reason", "global-rate")]
    if retry_after_s is not None:
        headers.append(("Retry-After", str(retry_after_s)))
    return StripeRefusalError(message, status=429, code=code or "rate_limit", headers=tuple(headers)).answer
