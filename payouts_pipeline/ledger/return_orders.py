"""Return orders: what an operator asks Stripe to give back, of a charge or of a payout (rule of money 6).

Each is an instruction of its own billing type. It moves nothing on the accounts: what came back is entered when
Stripe's journal lists it (`ledger.returns`), whoever has asked for it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pandas as pd
from psycopg.rows import class_row

from payouts_pipeline.domain.billing import SUBJECT_OF, BillingSubject, BillingType, Payee
from payouts_pipeline.domain.returns import FeeKey, Portion
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import instructions
from payouts_pipeline.ledger.database import Connection, sql
from payouts_pipeline.ledger.locks import lock_account, lock_day
from payouts_pipeline.ledger.returns import as_portions

# How many days are looked through for a match of which no day is given.
LATEST_DAYS = 60


@dataclass(frozen=True)
class TakenBack:
    """The charge or the payout that is to be given back, and what has come back of it, or is about to."""

    id: UUID
    day: date
    billing_type: str
    status: str
    currency: str
    amount_minor: int
    account_id: int
    subject: str
    subject_id: int
    stripe_account_id: str | None
    stripe_customer_id: str | None
    returned_minor: int
    under_way_minor: int
    is_disputed: bool
    next_sequence: int

    @property
    def is_charge(self) -> bool:
        """Whether a refund gives it back; else a reversal."""
        return self.billing_type == BillingType.PLAYER_CHARGE

    @property
    def is_returnable(self) -> bool:
        """Whether it is a charge or a payout at all."""
        return self.billing_type in SUBJECT_OF

    @property
    def left_minor(self) -> int:
        """What was neither given back nor asked for."""
        return self.amount_minor - self.returned_minor - self.under_way_minor

    @property
    def payee(self) -> Payee:
        """Who was charged, or paid."""
        return Payee(BillingSubject(self.subject), self.subject_id)


@dataclass(frozen=True)
class LostOrder:
    """What Stripe has given back in the name of an instruction that this ledger has lost."""

    reference: str
    instruction_id: UUID
    attempt: int | None
    amount_minor: int
    currency: str
    created_at: datetime
    taken_back_id: UUID | None


@dataclass(frozen=True)
class Asked:
    """What a person has asked for, in their words, and how much of it; None: all that is left."""

    target: str
    amount_minor: int | None
    actor: str
    reason: str


def charges_of_match(connection: Connection, match_id: int, day: date | None) -> list[UUID]:
    """The charges that cover fees of a match."""
    parameters = {"match_id": match_id, "day": day, "latest_days": LATEST_DAYS}
    return [row[0] for row in connection.execute(sql("charges_of_match"), parameters)]


def charges_of_player(connection: Connection, player_id: int, day: date) -> list[UUID]:
    """The charges that cover the fees of a player on a day."""
    return [row[0] for row in connection.execute(sql("charges_of_player"), {"player_id": player_id, "day": day})]


def find(connection: Connection, instruction: UUID) -> TakenBack:
    """What may be given back; raises PayoutsError where there is no such instruction."""
    with connection.cursor(row_factory=class_row(TakenBack)) as cursor:
        found = cursor.execute(sql("order_to_take_back"), {"id": instruction}).fetchone()
    if found is None:
        raise PayoutsError(f"There is no instruction {instruction} in the ledger: see that the id is right.")
    return found


def lost(connection: Connection) -> list[LostOrder]:
    """What was given back and is not booked, since the ledger has lost the order."""
    with connection.cursor(row_factory=class_row(LostOrder)) as cursor:
        return cursor.execute(sql("lost_orders")).fetchall()


def lock(connection: Connection, instruction: UUID) -> TakenBack:
    """The same, under the locks of its day and its account: nobody else asks for it meanwhile."""
    found = find(connection, instruction)
    lock_day(connection, found.day)
    lock_account(connection, found.account_id)
    return find(connection, instruction)


def fees_left(connection: Connection, charge: TakenBack) -> list[Portion]:
    """What the charge has collected of each fee, and neither came back nor is about to; under `lock`."""
    rows = connection.execute(sql("collected_by_charge"), {"instruction_id": charge.id}).fetchall()
    under_way = {FeeKey(*key): amount for *key, amount in connection.execute(sql("fees_under_way"), {"id": charge.id})}
    return [replace(fee, amount_minor=fee.amount_minor - under_way.get(fee.key, 0)) for fee in as_portions(rows)]


def same_as(connection: Connection, taken: TakenBack, asked: Asked) -> tuple[UUID, str] | None:
    """The order by which the very same was asked for before, and where it stands."""
    wanted = {"id": taken.id, "target": asked.target, "asked_minor": asked.amount_minor}
    return connection.execute(sql("same_order"), wanted).fetchone()


def make(
    connection: Connection,
    taken: TakenBack,
    amount_minor: int,
    fees: Sequence[Portion],
    asked: Asked,
    approval_above_minor: Mapping[str, int],
) -> UUID:
    """Make the instruction, with the fees that a refund is of; under `lock`. Its id."""
    ordered = pd.DataFrame([_as_ordered(taken, amount_minor)])
    order_id = instructions.make_return_order(connection, taken.day, ordered, approval_above_minor, asked.actor)
    said: dict[str, Any] = {**asdict(asked), "asked_minor": asked.amount_minor, "order_id": order_id, "id": taken.id}
    connection.execute(sql("insert_return_order"), said)
    named = json.dumps([{**asdict(fee.key), "amount_minor": fee.amount_minor} for fee in fees], default=str)
    connection.execute(sql("insert_return_order_fees"), {"order_id": order_id, "fees": named})
    return order_id


def _as_ordered(taken: TakenBack, amount_minor: int) -> dict[str, Any]:
    """To whom it was charged or paid then, whatever `league` says now: Stripe gives it back the way it had come."""
    return {
        "account_id": taken.account_id,
        "billing_subject": taken.subject,
        "subject_id": taken.subject_id,
        "billing_type": (BillingType.CHARGE_REFUND if taken.is_charge else BillingType.PAYOUT_REVERSAL).value,
        "currency": taken.currency,
        "amount_minor": amount_minor,
        "sequence": taken.next_sequence,
        "stripe_account_id": taken.stripe_account_id,
        "stripe_customer_id": taken.stripe_customer_id,
        "stripe_payment_method_id": None,
    }
