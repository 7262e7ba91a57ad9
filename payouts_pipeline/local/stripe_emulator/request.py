"""One HTTP request to the Stripe API, as far as it can be read without knowing what it means."""

import secrets
from dataclasses import dataclass, field

FORM = "application/x-www-form-urlencoded"


def _new_request_id() -> str:
    return f"req_{secrets.token_hex(7)}"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """`endpoint_path` is the path with `{id}` in it; `pairs` are the decoded parameters of query and body."""

    method: str
    path: str
    endpoint_path: str
    path_id: str
    headers: dict[str, str]
    pairs: list[tuple[str, str]]
    request_id: str = field(default_factory=_new_request_id)

    @property
    def endpoint(self) -> str:
        """What calls are counted by, such as `GET /v1/transfers/{id}`."""
        return f"{self.method} {self.endpoint_path}"

    @property
    def idempotency_key(self) -> str | None:
        """The caller's key; it means something for POST only."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None

    @property
    def instruction_id(self) -> str | None:
        """The instruction that the request is about: the pipeline's mark in metadata or transfer group."""
        named = dict(self.pairs)
        return named.get("metadata[instruction_id]") or named.get("transfer_group")
