"""What a person may do to instructions: hold a payee and release it, approve an instruction, cancel one.

Each leaves a row of its own with actor and reason, and an event on every instruction that it touches. Locks are
taken in the one order of all transactions: day, accounts by id, instructions by id.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn
from uuid import UUID

import pandas as pd
from psycopg.rows import class_row

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.domain.instructions import CANCELLABLE, Status
from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.bookings import lock_day
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection, Parameters, scalar, sql
from payouts_pipeline.ledger.holds import why_held

_HELD = {
    "id": frames.TEXT,
    "billing_subject": frames.TEXT,
    "hold_details": frames.TEXT,
    "approval_above_minor": frames.ID,
    "stripe_account_id": frames.TEXT,
    "stripe_customer_id": frames.TEXT,
}


@dataclass(frozen=True)
class Held:
    """What a hold did: how many instructions it holds back, and those that were under way already."""

    held: int
    in_progress: list[UUID]


@dataclass(frozen=True)
class Instruction:
    """An instruction as an intervention sees it."""

    id: UUID
    day: date
    billing_type: str
    currency: str
    amount_minor: int
    status: str
    account_id: int
    subject: str
    subject_id: int
    wants_approval: bool
    is_approved: bool


def hold(connection: Connection, source: Connection, payee: Payee, actor: str, reason: str) -> Held:
    """Hold back everything of a payee that is not under way, and all that will be made for it.

    Raises PayoutsError where nobody knows the payee, or it is on hold already.
    """
    _require_known(connection, source, payee)
    with connection.transaction():
        connection.execute(sql("lock_holds"))
        connection.execute(sql("lock_accounts_of_payee"), payee.parameters)
        why = scalar(connection, sql("hold_of_payee"), payee.parameters)
        if why:
            raise PayoutsError(f"{payee} is on hold: {why}: lift the hold first to give another reason.")
        parameters = {**payee.parameters, "actor": actor, "reason": reason, "is_hold": True}
        connection.execute(sql("insert_hold"), parameters)
        held = connection.execute(sql("hold_instructions"), {**parameters, "cancellable": sorted(CANCELLABLE)})
        in_progress = connection.execute(sql("in_progress_of_payee"), payee.parameters)
        return Held(held.rowcount, [row[0] for row in in_progress])


def unhold(connection: Connection, payee: Payee, actor: str, reason: str) -> int:
    """Let a payee be paid again from the next materialisation on; how many instructions are held for it.

    Raises PayoutsError where it is not on hold.
    """
    with connection.transaction():
        connection.execute(sql("lock_holds"))
        connection.execute(sql("lock_accounts_of_payee"), payee.parameters)
        if not scalar(connection, sql("hold_of_payee"), payee.parameters):
            raise PayoutsError(f"{payee} is not on hold: 'payouts hold' without a payee lists who is.")
        parameters = {**payee.parameters, "actor": actor, "reason": reason, "is_hold": False}
        connection.execute(sql("insert_hold"), parameters)
        held = {**payee.parameters, "instruction_id": None}
        return _say_why(connection, held, Reason(ReasonCode.HOLD_LIFTED, {"reason": reason}), actor)


def approve(connection: Connection, instruction_id: UUID, actor: str, reason: str) -> Instruction:
    """Let an instruction above the limit go with the next materialisation of its day.

    Raises PayoutsError where there is none such, or it needs no approval (any more).
    """
    with connection.transaction():
        found = _locked(connection, instruction_id)
        if not found.wants_approval:
            raise PayoutsError(
                f"Instruction {found.id} needs no approval: it is under the limit of PAYOUTS_APPROVAL_ABOVE."
            )
        if found.status == Status.CANCELLED:
            raise PayoutsError(
                f"Instruction {found.id} is cancelled: approve the one that the next run of {found.day} makes."
            )
        if found.is_approved:
            raise PayoutsError(f"Instruction {found.id} is approved already: materialise {found.day} and it goes on.")
        connection.execute(sql("insert_approval"), {"id": found.id, "actor": actor, "reason": reason})
        held = {"subject": found.subject, "subject_id": found.subject_id, "instruction_id": found.id}
        _say_why(connection, held, Reason(ReasonCode.APPROVED, {"reason": reason}), actor)
        return found


def cancel(connection: Connection, instruction_id: UUID, actor: str, reason: str) -> Instruction:
    """Take an instruction back, so that its amount stands on the account again.

    The next materialisation of the day makes a new one of what is due then. Raises PayoutsError where the money
    may have moved.
    """
    with connection.transaction():
        found = _locked(connection, instruction_id)
        parameters = {"id": found.id, "cancellable": sorted(CANCELLABLE)}
        if not connection.execute(sql("find_cancellable"), parameters).rowcount:
            _refuse_to_cancel(_find(connection, found.id))
        why = Reason(ReasonCode.CANCELLED, {"reason": reason})
        connection.execute(sql("cancel_instructions"), {"actor": actor, **why.columns})
        return found


def holds(connection: Connection) -> list[tuple[Any, ...]]:
    """Who is on hold: payee, since when, by whom, and why."""
    return connection.execute(sql("list_holds")).fetchall()


def wanted_approvals(connection: Connection) -> list[tuple[Any, ...]]:
    """What waits for approval: id, day, billing type, currency, amount_minor, payee."""
    return connection.execute(sql("list_wanted_approvals")).fetchall()


def _require_known(connection: Connection, source: Connection, payee: Payee) -> None:
    """A slip of the finger would hold nobody, and nobody would see that."""
    in_league = reader.stripe_ids(source, pd.DataFrame([{"billing_subject": payee.subject, **payee.parameters}]))
    if in_league.empty and not scalar(connection, sql("has_account"), payee.parameters):
        raise PayoutsError(f"There is no {payee} in schema 'league' or in the ledger: see that the id is right.")


def _say_why(connection: Connection, which: Parameters, otherwise: Reason, actor: str) -> int:
    """Give held instructions the reason that holds them now, or ``otherwise`` where none does; how many."""
    held = copy_out(connection, sql("held_instructions"), which, _HELD)
    why = why_held(held).fillna(otherwise.columns)
    reasons = {"codes": list(why["reason_code"]), "details": list(why["reason_details"])}
    parameters = {"ids": list(held["id"]), **reasons, "actor": actor}
    return connection.execute(sql("set_held_reasons"), parameters).rowcount


def _locked(connection: Connection, instruction_id: UUID) -> Instruction:
    """The instruction, under the locks of its day and its account."""
    found = _find(connection, instruction_id)
    lock_day(connection, found.day)
    connection.execute(sql("lock_account"), {"account_id": found.account_id})
    return _find(connection, instruction_id)


def _find(connection: Connection, instruction_id: UUID) -> Instruction:
    with connection.cursor(row_factory=class_row(Instruction)) as cursor:
        found = cursor.execute(sql("find_instruction"), {"id": instruction_id}).fetchone()
    if found is None:
        raise PayoutsError(f"There is no instruction {instruction_id} in the ledger: see that the id is right.")
    return found


def _refuse_to_cancel(found: Instruction) -> NoReturn:
    """Say why an instruction can't be taken back, and what can be done instead."""
    which, day = f"Instruction {found.id}", found.day
    sentences = {
        Status.SENDING: f"{which} is being sent to Stripe and can't be cancelled: see 'payouts status {day}'.",
        Status.UNKNOWN: f"{which} can't be cancelled since its money may have moved: 'payouts run {day}' asks Stripe.",
        Status.SETTLED: f"{which} can't be cancelled since its money has moved: correct the line-up or the terms in "
        "schema 'league', and later instructions work off the difference.",
    }
    raise PayoutsError(sentences.get(Status(found.status), f"{which} is cancelled already: there is nothing to do."))
