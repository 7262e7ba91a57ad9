"""What a person may do to instructions: hold a payee and lift the hold, approve an instruction, cancel one.

Each leaves a row of its own with actor and reason, and an event on every instruction that it touches. Locks are
taken in the one order of all transactions (`ledger.locks`).
"""

from datetime import date
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

import pandas as pd

from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.domain.four_eyes import WHAT_WAS_DONE
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import attempts, cancellations, holds, instructions, payee_accounts, returns
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.holds import Held
from payouts_pipeline.ledger.instructions import Instruction
from payouts_pipeline.ledger.locks import lock_account, lock_accounts_of, lock_day, lock_payees
from payouts_pipeline.ledger.payee_accounts import ToConfirm

if TYPE_CHECKING:
    from payouts_pipeline.settlement.assemble import Settlement


def hold(connection: Connection, source: Connection, payee: Payee, actor: str, reason: str) -> Held:
    """Hold back everything of a payee that is not in progress, and all that will be made for it.

    Raises PayoutsError where nobody knows the payee, or it is on hold already.
    """
    # A slip of the finger would hold nobody, and nobody would see that.
    in_league = reader.stripe_ids(source, pd.DataFrame([{"billing_subject": payee.subject, **payee.parameters}]))
    if in_league.empty and not holds.has_account(connection, payee):
        raise PayoutsError(f"There is no {payee} in schema 'league' or in the ledger: see that the id is right.")
    with connection.transaction():
        holds.lock(connection, payee)
        why = holds.reason_of_hold(connection, payee)
        if why:
            raise PayoutsError(f"{payee} is on hold: {why}: lift the hold first to give another reason.")
        return holds.place(connection, payee, actor, reason)


def unhold(connection: Connection, payee: Payee, actor: str, reason: str) -> int:
    """Let a payee be paid again from the next materialisation on; how many instructions are held for it.

    What was taken back of it at Stripe is asked for, or paid, again. Raises PayoutsError where nothing is on hold.
    """
    with connection.transaction():
        holds.lock(connection, payee)
        lifted = returns.lift(connection, payee)
        if not holds.reason_of_hold(connection, payee):
            if lifted:
                return 0
            raise PayoutsError(f"{payee} is not on hold: 'payouts hold' without a payee lists who is.")
        return holds.lift(connection, payee, actor, reason)


def confirm_account(connection: Connection, payee: Payee, actor: str, reason: str) -> ToConfirm:
    """Say that the Stripe account which the ledger has noted is the payee's: it is paid to from then on, for good.

    One that gets into `league` after it was noted is another one, which rests for itself. Raises PayoutsError where
    there is nothing to confirm, or this person has approved what waits for it.
    """
    with connection.transaction():
        lock_accounts_of(connection, payee)
        found = next(iter(payee_accounts.to_confirm(connection, payee)), None)
        if found is None:
            raise PayoutsError(
                f"Nothing speaks against the Stripe account of {payee}: 'payouts confirm-account' lists whose accounts "
                "are to be confirmed. One that has changed is among them from its next materialisation on."
            )
        if payee_accounts.has_approved(connection, found, actor):
            raise PayoutsError(
                f"You have approved a payout to this account of {payee}, so another person must confirm it (four eyes)."
            )
        payee_accounts.confirm(connection, found, actor, reason)
        holds.say_confirmed(connection, payee, actor, reason)
        return found


def approve(connection: Connection, instruction_id: UUID, actor: str, reason: str) -> Instruction:
    """Let an instruction above the limit continue with the next materialisation of its day.

    Raises PayoutsError where there is none such, it needs no approval (any more), or it is this person's own doing.
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
            raise PayoutsError(f"Instruction {found.id} is approved already: materialise {found.day} and it continues.")
        own = holds.own_doing(connection, found.id, actor)
        if own:
            raise PayoutsError(
                f"You have {WHAT_WAS_DONE[own]}, so another person must approve instruction {found.id} (four eyes)."
            )
        holds.approve(connection, found.id, found.payee, actor, reason)
        return found


def approve_day(connection: Connection, day: date, actor: str, reason: str) -> list[tuple[str, int, int]]:
    """Let the payouts of a day go that are above its limit together: currency, how many and amount_minor of those.

    What this person has something to do with still waits for another. Raises PayoutsError where nothing goes.
    """
    with connection.transaction():
        lock_day(connection, day)
        lock_payees(connection)
        wanted = holds.wants_approval_of_day(connection, day)
        if not wanted:
            raise PayoutsError(
                f"No payout of {day} waits for an approval of the day: 'payouts approve' lists what waits for one."
            )
        approved = holds.approve_day(connection, day, actor, reason)
        if not approved:
            raise PayoutsError(f"You have something to do with all of it, so another person must approve {day}.")
        return approved


def cancel(connection: Connection, instruction_id: UUID, actor: str, reason: str) -> Instruction:
    """Cancel an instruction, so that its amount stands on the account again; as it stands then.

    One that was ever sent is `cancelled` only once a worker has asked Stripe about it (`settle_now`, or the next
    materialisation of its day). The materialisation after that makes a new one of what is due then. Raises PayoutsError
    where the money may be moving.
    """
    why = Reason(ReasonCode.CANCELLED, {"reason": reason})
    with connection.transaction():
        found = _locked(connection, instruction_id)
        if not cancellations.cancel(connection, found.id, found.day, why, actor):
            _refuse_to_cancel(found)
        return instructions.find(connection, instruction_id)


def judge(connection: Connection, instruction_id: UUID, reference: str | None, actor: str, reason: str) -> Instruction:
    """Keep what a person says of an instruction whose outcome is unknown; `settle_now` has Stripe asked about it.

    ``reference``: the payment intent or transfer that was its movement, by which it settles once Stripe has confirmed
    amount and payee. None: nothing of it has moved, which counts where Stripe can't say and no call can arrive; a
    movement of another amount or payee that names the instruction is not its own from then on.

    Raises PayoutsError where its outcome is known, or the movement is another instruction's.
    """
    with connection.transaction():
        found = _locked(connection, instruction_id)
        if reference and attempts.is_taken(connection, reference, found.id):
            raise PayoutsError(f"{reference} belongs to another instruction: see that it is the right one.")
        if not attempts.judge(connection, found.id, reference, actor, reason):
            raise PayoutsError(
                f"Instruction {found.id} is {found.status}, so there is nothing to judge: only what is unknown is."
            )
        return found


def settle_now(connection: Connection, settlement: "Settlement", instruction_id: UUID) -> Instruction:
    """Have a worker ask Stripe about an instruction now, without a run; as it stands then.

    Raises PayoutsError where Stripe can't be asked, or it is not this ledger's account.
    """
    settlement.worker.settle([instruction_id])
    return instructions.find(connection, instruction_id)


def _locked(connection: Connection, instruction_id: UUID) -> Instruction:
    """The instruction, under the locks of its day and its account."""
    found = instructions.find(connection, instruction_id)
    lock_day(connection, found.day)
    lock_account(connection, found.account_id)
    return instructions.find(connection, instruction_id)


def _refuse_to_cancel(found: Instruction) -> NoReturn:
    """Say why an instruction can't be cancelled, and what can be done instead."""
    which, day = f"Instruction {found.id}", found.day
    sentences = {
        Status.SENDING: f"{which} is being sent to Stripe and can't be cancelled: see 'payouts status {day}'.",
        Status.UNKNOWN: f"{which} can't be cancelled since its money may have moved: 'payouts run {day}' asks Stripe.",
        Status.SETTLED: f"{which} can't be cancelled since its money has moved: correct the line-up or the terms in "
        "schema 'league', and later instructions work off the difference.",
    }
    raise PayoutsError(sentences.get(Status(found.status), f"{which} is cancelled already: there is nothing to do."))
