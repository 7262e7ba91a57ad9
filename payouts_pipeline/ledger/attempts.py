"""What a worker needs of the ledger: take instructions, note attempts before the call, record outcomes after it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.domain.billing import RETURN_TYPES, BillingType
from payouts_pipeline.domain.cards import CardRefusal
from payouts_pipeline.domain.instructions import CALL_GONE_AFTER, KEY_YOUNG_FOR, Status
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger import cancellations
from payouts_pipeline.ledger.database import Connection, scalar, sql


@dataclass(frozen=True)
class Attempt:
    """One committed attempt: everything that the provider is told, and how old its key is."""

    ledger_id: UUID
    instruction_id: UUID
    billing_type: BillingType
    day: date
    currency: str
    amount_minor: int
    number: int
    idempotency_key: str
    stripe_account_id: str | None
    stripe_customer_id: str | None
    stripe_payment_method_id: str | None
    first_sent_at: datetime
    sends: int
    # The provider may have forgotten the key: the same call could move the money again.
    key_is_old: bool
    # And nothing of an earlier call can be in progress any more.
    is_gone: bool
    # A person has put the payee on hold: the provider may be asked, and told nothing.
    is_on_hold: bool = False
    # It is not to be paid any more: the provider may be asked, and told that nobody can pay it.
    is_to_cancel: bool = False
    # What the card was refused for since it last paid, for whichever instruction (`domain.cards`), as JSON.
    card_refusals: Sequence[Mapping[str, Any]] = ()
    # It is the customer's own at Stripe, and not one that `league` names.
    is_default_card: bool = False
    # Whom the instruction's attempts charge or pay: the customers or accounts of this one and of those before it.
    payees: Sequence[str] = ()
    # What Stripe has of the instruction that the ledger did not know (`ledger.movements`), as JSON.
    movements: Sequence[Mapping[str, Any]] = ()
    # What Stripe has moved for the same payee, of an instruction that the ledger has lost or cancelled, as JSON.
    lost_movements: Sequence[Mapping[str, Any]] = ()
    # The payment intent or transfer that it gives back, or a part of it.
    takes_back: str | None = None
    # Of what a person has asked for it: says which fees of a charge it is of, should the ledger be lost.
    target: str | None = None
    # What a person says of the attempt: the movement that was its own, or that nothing of it has moved.
    judged_reference: str | None = None
    is_judged_not_moved: bool = False
    # Movements that name the instruction, and by a person's judgement are not its own.
    disowned: Sequence[str] = ()

    @property
    def is_return(self) -> bool:
        """Whether it gives back what another instruction has moved."""
        return self.billing_type in RETURN_TYPES

    @property
    def payee(self) -> str:
        """The customer that the attempt charges, or the account that it pays."""
        return self.stripe_customer_id or self.stripe_account_id or ""

    @property
    def card_history(self) -> list[CardRefusal]:
        """What the card was refused for, oldest first."""
        return [
            CardRefusal(each["code"], timedelta(seconds=each["age_s"]), each["is_own"], each["is_lifted"])
            for each in self.card_refusals
        ]


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: `settled` with a reference, `waiting`, `rejected`, `unknown`, or `cancelled`."""

    instruction_id: UUID
    number: int
    status: Status
    # The reason of a refusal has the code that Stripe gave it.
    reason_code: str | None = None
    reason_details: Mapping[str, Any] = field(default_factory=dict)
    retry_after_s: float | None = None
    provider_reference: str | None = None
    provider_request_id: str | None = None
    # How often the attempt had been sent before this call (`Attempt.sends`). A refusal of one call says nothing
    # about another that was made since, so it only counts while there is none.
    sends: int | None = None
    # Proven to have moved nothing, without a refusal: the attempt is closed as absent.
    is_absent: bool = False


class TakenOver(Exception):  # noqa: N818 - nothing is wrong; this worker was too slow
    """Another worker has taken the instruction; this one must not send anything for it."""


# What names an instruction at the provider and does not settle it; a person may say that it is another's.
_OF_ANOTHER = (ReasonCode.MOVEMENT_DIFFERS, ReasonCode.MOVEMENT_TAKEN)
_ASKED_AGAIN_AFTER_S = 3600.0


def claim(connection: Connection, ids: Sequence[UUID], lease_s: float, actor: str) -> list[Attempt]:
    """Take those of the instructions that may be sent now, with an attempt committed for each.

    What is settled, taken by a living worker, cancelled or not due yet is left out: its message is done with.
    """
    parameters = {
        "ids": list(ids),
        "lease": timedelta(seconds=lease_s),
        "actor": actor,
        "key_young_for": KEY_YOUNG_FOR,
        "call_gone_after": CALL_GONE_AFTER,
        "movement_lost": ReasonCode.MOVEMENT_LOST,
    }
    with failpoint(Failpoint.CLAIM), connection.transaction():
        locked: dict[UUID, str] = dict(connection.execute(sql("claim_lock"), parameters).fetchall())
        parameters["ids"], statuses = list(locked), set(locked.values())
        if Status.PENDING in statuses:
            connection.execute(sql("claim_mark_published"), parameters)
        if Status.SENDING in statuses:
            connection.execute(sql("claim_give_up_lost"), parameters)
        connection.execute(sql("claim_hold_back"), parameters)
        claimed = [row[0] for row in connection.execute(sql("claim"), parameters)]
        connection.execute(sql("claim_open_attempts"), {"ids": claimed})
        return _attempts(connection, parameters | {"ids": claimed})


def _attempts(connection: Connection, parameters: dict[str, object]) -> list[Attempt]:
    """The open attempts of the claimed; a repeated call is counted, unless its key is too old to repeat it."""
    with connection.cursor(row_factory=class_row(Attempt)) as cursor:
        attempts = cursor.execute(sql("claim_attempts"), parameters).fetchall()
    connection.execute(sql("claim_count_sends"), parameters)
    return attempts


def set_payment_method(connection: Connection, attempt: Attempt, payment_method_id: str) -> Attempt:
    """Commit the card that an attempt charges, before the first call that names it.

    Raises TakenOver where the attempt has come to its end meanwhile.
    """
    parameters = {
        "instruction_id": attempt.instruction_id,
        "number": attempt.number,
        "payment_method_id": payment_method_id,
    }
    with failpoint(Failpoint.SET_PAYMENT_METHOD), connection.transaction():
        known = connection.execute(sql("set_payment_method"), parameters).fetchone()
    if known is None:
        raise TakenOver
    return replace(attempt, stripe_payment_method_id=known[0], card_refusals=known[1])


def record(connection: Connection, outcomes: Sequence[Outcome], actor: str) -> list[UUID]:
    """Write the outcomes, with ledger entries for what settled, in one transaction; which of them counted.

    An outcome counts once: not when its attempt is closed already or another worker took the instruction over
    and finished it.
    """
    parameters = {"outcomes": _as_json(outcomes), "actor": actor}
    with failpoint(Failpoint.RECORD_OUTCOMES), connection.transaction():
        connection.execute(sql("record_lock_accounts"), parameters)
        connection.execute(sql("record_lock_instructions"), parameters)
        taken = {row[0] for row in connection.execute(sql("taken_references"), parameters)}
        if taken:
            parameters["outcomes"] = _as_json(
                [_taken(each) if each.instruction_id in taken else each for each in outcomes]
            )
        counted = [row[0] for row in connection.execute(sql("record_outcomes"), parameters)]
        to_cancel = {outcome.instruction_id for outcome in outcomes if outcome.status == Status.CANCELLED}
        if to_cancel:
            cancellations.carry_out(connection, sorted(to_cancel.intersection(counted)), actor)
        return counted


def _as_json(outcomes: Sequence[Outcome]) -> str:
    return json.dumps([asdict(outcome) for outcome in outcomes], default=str)


def _taken(outcome: Outcome) -> Outcome:
    """One movement settles one instruction, whatever it names at the provider by now."""
    return Outcome(
        outcome.instruction_id,
        outcome.number,
        Status.UNKNOWN,
        ReasonCode.MOVEMENT_TAKEN,
        {"reference": outcome.provider_reference},
        _ASKED_AGAIN_AFTER_S,
        sends=outcome.sends,
    )


def judge(connection: Connection, instruction: UUID, reference: str | None, actor: str, reason: str) -> bool:
    """Keep what a person says of an attempt: the movement that was its own, or that nothing of it has moved.

    False where there is no attempt whose outcome is unknown.
    """
    said = {"id": instruction, "reference": reference, "actor": actor, "reason": reason}
    return bool(connection.execute(sql("judge_attempt"), {**said, "others": list(_OF_ANOTHER)}).rowcount)


def is_taken(connection: Connection, reference: str, instruction: UUID) -> bool:
    """Whether a movement is another instruction's, or a person has said that it is."""
    return bool(scalar(connection, sql("is_reference_taken"), {"reference": reference, "id": instruction}))


def find(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[BillingType, Status]]:
    """Billing type and status of those of the ids that are instructions."""
    rows = connection.execute(sql("instructions_of_messages"), {"ids": list(ids)})
    return {found: (BillingType(billing_type), Status(status)) for found, billing_type, status in rows}
