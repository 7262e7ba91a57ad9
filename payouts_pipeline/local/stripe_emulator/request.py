"""One HTTP request to the Stripe API, as far as it can be read without knowing what it means."""

import re
import secrets
from dataclasses import dataclass, field

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError

FORM = "application/x-www-form-urlencoded"
# The version of an account that names none.
API_VERSION = "2026-10-28.endive"


def check_version(version: str | None) -> None:
    """Refuse a version that cannot be one (https://docs.stripe.com/api/versioning)."""
    if version is not None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?", version):
        raise InvalidRequestError(f"Invalid Stripe API version: {version}")


def bearer_token(authorization: str) -> str:
    """Return the token of an `Authorization` header, or nothing if it has none."""
    scheme, _, token = authorization.partition(" ")
    return token if scheme.lower() == "bearer" else ""


def new_request_id() -> str:
    """Return a Stripe-like id of a request."""
    return f"req_{secrets.token_hex(7)}"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """`endpoint_path` is the path with `{id}` in it; `pairs` are the decoded parameters of query and body.

    `path_child_id` is the second id of a path that has two, as that of a transfer's reversal.
    """

    method: str
    path: str
    endpoint_path: str
    path_id: str
    headers: dict[str, str]
    pairs: list[tuple[str, str]]
    request_id: str = field(default_factory=new_request_id)
    path_child_id: str = ""

    @property
    def endpoint(self) -> str:
        """What calls are counted by, such as `GET /v1/transfers/{id}`."""
        return f"{self.method} {self.endpoint_path}"

    @property
    def api_key(self) -> str:
        """The bearer token, or nothing."""
        return bearer_token(self.headers.get("authorization", ""))

    @property
    def stripe_version(self) -> str | None:
        """The version of the API that the caller names; without it the account's own counts."""
        return self.headers.get("stripe-version")

    @property
    def connected_account(self) -> str | None:
        """The connected account that the caller acts for (https://docs.stripe.com/connect/authentication)."""
        return self.headers.get("stripe-account")

    @property
    def idempotency_key(self) -> str | None:
        """The caller's key; it means something for POST only."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None

    @property
    def instruction_id(self) -> str | None:
        """The instruction that the request is about: the pipeline's mark in metadata or transfer group."""
        named = dict(self.pairs)
        return named.get("metadata[instruction_id]") or named.get("transfer_group")
