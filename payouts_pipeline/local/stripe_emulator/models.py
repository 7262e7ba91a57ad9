"""The JSON of the admin API, used by the server and by its client alike."""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_JOURNAL_PAGE = 5000


class Strict(BaseModel):
    """A document in which an unknown field is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OtherAnswer(Strict):
    """What the caller gets in place of Stripe's answer: from a proxy or a firewall, or Stripe's own with a flaw.

    What is left out stays as Stripe answers. A header that is None is taken away; `is_bare` takes away all that
    Stripe sets, its request id among them.
    """

    status: int | None = Field(default=None, ge=200, le=599)
    headers: dict[str, str | None] = Field(default_factory=dict)
    body: str | None = None
    is_bare: bool = False

    @classmethod
    def foreign(cls, status: int, body: str = "", content_type: str = "text/html") -> Self:
        """Return an answer that is not Stripe's: nothing of it is."""
        return cls(status=status, headers={"Content-Type": content_type}, body=body, is_bare=True)


class FaultKind(StrEnum):
    """What goes wrong."""

    DROP_BEFORE = "drop_before"
    """Don't act; close the connection without an answer."""
    DROP_AFTER = "drop_after"
    """Act, then close the connection without an answer."""
    DROP_DURING = "drop_during"
    """Act, then close the connection in the middle of the answer."""
    ERROR_500 = "error_500"
    """Don't act; answer 500 and remember nothing."""
    CONFLICT_409 = "conflict_409"
    """Don't act; answer that the key is in use."""
    RATE_LIMIT_429 = "rate_limit_429"
    """Don't act; answer 429, with `retry_after_s` and `code` (`lock_timeout`) if given."""
    SLOW = "slow"
    """Wait `delay_s`, then act and answer, with or without the caller; meanwhile the key is in use."""
    SLOW_AFTER = "slow_after"
    """Act, then wait `delay_s` with the answer."""
    OTHER_ANSWER = "other_answer"
    """Don't act, or if `acted` act; then answer with `answer` in place of what Stripe says."""
    EXPIRE_KEY = "expire_keys"
    """Forget the key of the request first, as after 24 hours."""
    STORED_500 = "stored_500"
    """Execute to a 500 that is remembered under the key; `acted` says whether the money moved."""
    BALANCE_INSUFFICIENT = "balance_insufficient"
    """Refuse a transfer, or the reversal of one, for lack of funds, whatever the balance."""
    DECLINE = "decline"
    """Decline a payment, whatever the card, with `code` and `decline_code`."""


# These happen where the request is executed, so a replay does not use them up; the others at arrival.
EXECUTION_FAULTS = frozenset({FaultKind.STORED_500, FaultKind.BALANCE_INSUFFICIENT, FaultKind.DECLINE})
DROPPING_FAULTS = frozenset({FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER, FaultKind.DROP_DURING})
DELAYING_FAULTS = frozenset({FaultKind.SLOW, FaultKind.SLOW_AFTER})


class FaultRule(Strict):
    """Which calls go wrong, and how.

    A call matches if it fits all that is given of `method`, `path_prefix`, `instruction_id` (metadata, or
    transfer group) and `key_prefix`. Of the matching calls, in their order, the rule hits only the `nth`, at
    most `times`, and by `rate` (a draw per call that depends on `seed` and the call's number alone). One rule
    hits a call: the oldest that would; the rules after it do not see the call. A dropped connection is closed in
    good order, or reset if `reset`.
    """

    kind: FaultKind
    method: str | None = None
    path_prefix: str = "/v1/"
    instruction_id: str | None = None
    key_prefix: str | None = None
    nth: int | None = Field(default=None, ge=1)
    times: int | None = Field(default=None, ge=1)
    rate: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0
    delay_s: float | None = Field(default=None, gt=0)
    acted: bool = False
    reset: bool = False
    answer: OtherAnswer | None = None
    retry_after_s: int | None = Field(default=None, ge=0)
    code: str | None = None
    decline_code: str | None = None

    @model_validator(mode="after")
    def _delay_where_it_belongs(self) -> Self:
        if (self.delay_s is not None) != (self.kind in DELAYING_FAULTS):
            raise ValueError("delay_s belongs to slow and slow_after, and they need it")
        return self

    @model_validator(mode="after")
    def _answer_where_it_belongs(self) -> Self:
        if (self.answer is not None) != (self.kind is FaultKind.OTHER_ANSWER):
            raise ValueError("answer belongs to other_answer, and that needs it")
        if self.answer and not self.acted and (self.answer.status is None or self.answer.body is None):
            raise ValueError("without having acted Stripe has no answer to keep status or body of: give both")
        if self.reset and self.kind not in DROPPING_FAULTS:
            raise ValueError("reset belongs to the faults that drop the connection")
        return self


class FaultRules(Strict):
    """Body of `POST /_emulator/faults`."""

    rules: list[FaultRule]


class FaultState(BaseModel):
    """A rule with how many calls it has matched (`seen`) and made go wrong (`hits`)."""

    id: int
    rule: FaultRule
    seen: int
    hits: int


class BalanceChange(Strict):
    """Body of `POST /_emulator/balance`: available amounts in minor units by lower-case currency.

    `availability_delay_s` is how long the net of later charges stays pending (0: not at all).
    """

    set: dict[str, int] = {}
    add: dict[str, int] = {}
    availability_delay_s: int | None = Field(default=None, ge=0)


class PaymentEnd(Strict):
    """Body of `POST /_emulator/payments/end`: it succeeded, or failed with one of the bank's codes."""

    payment_intent: str
    failure_code: str | None = None
    failure_message: str = "The customer's bank has refused the payment."


class PaymentByOwner(Strict):
    """Body of `POST /_emulator/payments/pay`; without a payment method, with the one that the intent has."""

    payment_intent: str
    payment_method: str | None = None


class ClockChange(Strict):
    """Body of `POST /_emulator/clock`."""

    advance_s: int = Field(ge=0)


class ClockReading(BaseModel):
    """The emulator's second, and how far it is ahead of the machine's."""

    now: int
    offset_s: int


class JournalRow(BaseModel):
    """One movement of money that was made.

    `kind` is charge, transfer, refund, refund_failure, reversal, dispute, or dispute_reversal; `amount` is positive.
    """

    seq: int
    id: str
    kind: str
    amount: int
    currency: str
    payment_intent: str | None
    customer: str | None
    destination: str | None
    idempotency_key: str | None
    transfer_group: str | None
    metadata: dict[str, Any]
    request_id: str
    at: int
    stripe_version: str | None = None
    """What the caller said in `Stripe-Version`."""
    source: str | None = None
    """The charge or transfer that it takes back."""


class JournalPage(BaseModel):
    """Rows after `after`; `next_after` is where the next page starts."""

    rows: list[JournalRow]
    has_more: bool
    next_after: int
