"""Idempotency keys as Stripe v1 keeps them: the first answer of an execution, for 24 hours.

Source: https://docs.stripe.com/api/idempotent_requests. The same key with other parameters or at another
endpoint is an error; any answer that came from execution is replayed, a 500 included; after 24 hours the key
means nothing and pays again.
"""

import hashlib
import json

from payouts_pipeline.local.stripe_emulator.answers import Answer, InvalidRequestError
from payouts_pipeline.local.stripe_emulator.request import ApiRequest
from payouts_pipeline.local.stripe_emulator.store import Store

KEY_LIFETIME_S = 24 * 60 * 60
KEY_MAX_CHARACTERS = 255


def check_key(key: str) -> None:
    """Refuse a key that is too long."""
    if len(key) > KEY_MAX_CHARACTERS:
        message = f"Idempotency keys can be at most {KEY_MAX_CHARACTERS} characters, but you passed {len(key)}."
        raise InvalidRequestError(message, error_type="idempotency_error")


def recall(store: Store, request: ApiRequest, key: str, now: int) -> Answer | None:
    """Return the remembered answer to this very request, or None if the key is new or has expired.

    :raises InvalidRequestError: the key was used for another request (`idempotency_error`).
    """
    row = store.row("find_key", key=key, oldest=now - KEY_LIFETIME_S)
    if row is None:
        return None
    method, path, fingerprint, status, headers, body, request_id = row
    if (method, path) != (request.method, request.path):
        raise _misused(
            f"for the same endpoint they were first used for ('{path}' vs '{request.path}')",
            key,
        )
    if fingerprint != _fingerprint(request):
        raise _misused("with the same parameters they were first used with", key)
    marks = (("Idempotent-Replayed", "true"), ("Original-Request", request_id))
    return Answer(status, body, (*((name, value) for name, value in json.loads(headers)), *marks))


def remember(store: Store, request: ApiRequest, key: str, answer: Answer, now: int) -> None:
    """Keep the first answer; to be called in the transaction that made its effect."""
    store.run(
        "remember_key",
        key=key,
        method=request.method,
        path=request.path,
        fingerprint=_fingerprint(request),
        status=answer.status,
        headers=json.dumps(answer.headers),
        body=answer.body,
        request_id=request.request_id,
        used_at=now,
    )


def _fingerprint(request: ApiRequest) -> str:
    return hashlib.sha256(repr(sorted(request.pairs)).encode()).hexdigest()


def _misused(rule: str, key: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"Keys for idempotent requests can only be used {rule}. Try using a key other than '{key}' if you "
        "meant to execute a different request.",
        error_type="idempotency_error",
    )
