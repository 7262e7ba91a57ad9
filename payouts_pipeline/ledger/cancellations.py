"""Cancellations: what is not to be paid any more, for a person or because something else is due since.

What was never sent is cancelled at once. Of the rest somebody may have paid an earlier payment intent, or still can, so
a worker asks Stripe first (rule of money 11): what was paid meanwhile is settled and not cancelled.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.instructions import CANCELLABLE
from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.domain.refusals import CARD_CODES, OTHER_DECLINES, TOO_SMALL
from payouts_pipeline.ledger.database import Connection, Parameters, scalar, sql

_REPLACED = Reason(ReasonCode.REPLACED)
_CARRIED_OVER = Reason(ReasonCode.CARRIED_OVER)
_JOINED = Reason(ReasonCode.JOINED)


def cancel_charges(connection: Connection, day: date, actor: str) -> None:
    """Cancel charges that the day's make superfluous, of its players.

    Those of more than is owed since a correction, those that Stripe refused as too small, and those whose card was
    refused: a charge of the day asks for their fees together with the new ones, or one card would be asked twice.

    Under the locks of the day; where nothing of them may be moving.
    """
    _cancel(connection, sql("charges_above_debt"), {"day": day}, _REPLACED, actor)
    _cancel(connection, sql("charges_too_small"), {"day": day, "code": TOO_SMALL}, _CARRIED_OVER, actor)
    declined = sorted(CARD_CODES | OTHER_DECLINES | {ReasonCode.CARD_LIMIT, ReasonCode.MOVEMENT_LOST})
    _cancel(connection, sql("charges_to_join"), {"day": day, "codes": declined}, _JOINED, actor)
    _follow_up(connection, day, are_charges=True)


def cancel_payouts(connection: Connection, day: date, actor: str) -> list[int]:
    """The same for payouts; the ids of the accounts on which something was cancelled since the day's last run."""
    cancel_payouts_above_due(connection, day, actor)
    _cancel(connection, sql("payouts_too_small"), {"day": day, "code": TOO_SMALL}, _CARRIED_OVER, actor)
    return _follow_up(connection, day, are_charges=False)


def cancel_payouts_above_due(connection: Connection, day: date, actor: str) -> None:
    """Cancel payouts of more than is due since something of the day was taken back; its next run makes them anew."""
    _cancel(connection, sql("payouts_above_due"), {"day": day}, _REPLACED, actor)


def cancel(connection: Connection, instruction: UUID, day: date, why: Reason, actor: str) -> bool:
    """Cancel an instruction of this day for a person, at once or by a worker; False where money may be moving."""
    return _cancel(
        connection, sql("cancellable_instruction"), {"id": instruction, "day": day}, why, actor, by_person=True
    )


def carry_out(connection: Connection, ids: Sequence[UUID], actor: str) -> None:
    """Cancel what is locked, and of which nothing has moved or can: the amounts stand on the accounts again."""
    connection.execute(sql("cancel_instructions"), {"ids": list(ids), "actor": actor})


def count_open(connection: Connection, day: date, billing_types: Sequence[BillingType]) -> int:
    """How many instructions are being cancelled whose day is to make what is due instead."""
    return int(scalar(connection, sql("being_cancelled"), {"day": day, "billing_types": list(billing_types)}))


def _cancel(
    connection: Connection, find: str, which: Parameters, why: Reason, actor: str, *, by_person: bool = False
) -> bool:
    """Cancel what a query finds and locks; whether there was any."""
    ids = [row[0] for row in connection.execute(find, {**which, "cancellable": sorted(CANCELLABLE)})]
    if ids:
        asked = {"ids": ids, "day": which["day"], "actor": actor, "is_followed_up": by_person, **why.columns}
        connection.execute(sql("request_cancellations"), asked)
        never_sent = [row[0] for row in connection.execute(sql("never_sent"), {"ids": ids})]
        carry_out(connection, never_sent, actor)
        connection.execute(sql("hand_to_worker"), {"ids": ids, "actor": actor})
    return bool(ids)


def _follow_up(connection: Connection, day: date, *, are_charges: bool) -> list[int]:
    found = connection.execute(sql("follow_up_cancellations"), {"day": day, "are_charges": are_charges})
    return [row[0] for row in found]
