"""What a person may have given back at Stripe: a charge or the part of it that is of a match or a day, and a payout.

The order is committed before anything is sent, each by itself; whoever settles the day settles it, and `settle_now`
does so at once. What has come back is booked by `payouts sync` as everything that Stripe gives back is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn, Self
from uuid import UUID

from payouts_pipeline.domain import currencies
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.returns import FeeKey, divide
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger import instructions, return_orders
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.instructions import Instruction
from payouts_pipeline.ledger.return_orders import Asked, TakenBack
from payouts_pipeline.settlement.stripe_client import StripeAwayError
from payouts_pipeline.workflow.sync import sync_own

if TYPE_CHECKING:
    from payouts_pipeline.settlement.assemble import Settlement

_AT_ONCE = 100


@dataclass(frozen=True)
class Target:
    """Of what a person wants something given back: of one instruction; else of the fees of a match or a player."""

    instruction: UUID | None = None
    match_id: int | None = None
    player_id: int | None = None
    day: date | None = None

    @classmethod
    def named(cls, name: str, instruction: UUID) -> "Target | None":
        """By its name, as an order of this instruction has it; None for what is none."""
        if name == "instruction":
            return cls(instruction)
        found = re.fullmatch(r"match:(\d+)|player:(\d+) (\d{4}-\d\d-\d\d)", name)
        if found is None:
            return None
        match, player, day = found.groups()
        return cls(match_id=int(match)) if match else cls(player_id=int(player), day=date.fromisoformat(day))

    @classmethod
    def of(cls, subject: UUID | str, day: date | None) -> Self:
        """What `domain.returns.returnable` has read; raises PayoutsError for a player without a day."""
        if isinstance(subject, UUID):
            return cls(subject)
        kind, _, number = subject.partition(":")
        if kind == "match":
            return cls(match_id=int(number), day=day)
        if day is None:
            raise PayoutsError(f"Say of which day: 'payouts refund {subject} DAY'.")
        return cls(player_id=int(number), day=day)

    @property
    def name(self) -> str:
        """As people name it."""
        if self.instruction:
            return "instruction"
        return f"match:{self.match_id}" if self.match_id is not None else f"player:{self.player_id} {self.day}"

    def is_of(self, fee: FeeKey) -> bool:
        """Whether a fee of a charge is meant."""
        if self.instruction:
            return True
        return fee.match_id == self.match_id if self.match_id is not None else fee.day == self.day


@dataclass(frozen=True)
class Ordered:
    """What was asked for, and of what not, with why."""

    made: Sequence[Instruction] = ()
    refused: Sequence[str] = field(default=())

    @property
    def orders(self) -> list[UUID]:
        """Their ids."""
        return [each.id for each in self.made]


def refund(
    connection: Connection,
    target: Target,
    asked: Asked,
    approval_above_minor: Mapping[str, int],
    *,
    again: bool = False,
    is_rehearsal: bool = False,
) -> Ordered:
    """Ask for what the target's charges have collected, or for an amount of it; each charge gets an order of its own.

    In a rehearsal each is undone as soon as it is known what it would be.

    Raises PayoutsError, with nothing asked for, where there is nothing that can be given back.
    """
    charges = _charges(connection, target)
    if asked.amount_minor is not None and len(charges) > 1:
        raise PayoutsError(
            f"{target.name} was collected by {len(charges)} charges: name the one that the amount is to come from."
        )
    made, refused = [], []
    for charge in charges:
        try:
            with _locked(connection, charge, is_rehearsal=is_rehearsal) as found:
                order_id = _refund(connection, found, target, asked, approval_above_minor, again=again)
                order = instructions.find(connection, order_id)
            made.append(order)
        except PayoutsError as why:
            refused.append(str(why))
    if not made:
        raise PayoutsError(" ".join(refused))
    return Ordered(made, refused)


def _charges(connection: Connection, target: Target) -> list[UUID]:
    if target.instruction:
        return [target.instruction]
    if target.match_id is not None:
        found = return_orders.charges_of_match(connection, target.match_id, target.day)
    else:
        assert target.player_id is not None and target.day is not None  # noqa: S101, PT018 - the command wants both
        found = return_orders.charges_of_player(connection, target.player_id, target.day)
    if not found:
        raise PayoutsError(
            f"No charge has collected anything for {target.name}: 'payouts explain' shows where its fees are. For a "
            f"match of more than {return_orders.LATEST_DAYS} days ago give its day."
        )
    return found


def _refund(
    connection: Connection,
    charge: TakenBack,
    target: Target,
    asked: Asked,
    approval_above_minor: Mapping[str, int],
    *,
    again: bool,
) -> UUID:
    _require(charge.is_charge, f"Instruction {charge.id} is no charge: 'payouts reverse' gives payouts back.")
    _require_settled(charge)
    _require(
        not charge.is_disputed,
        f"The charge {charge.id} is disputed, and Stripe gives nothing back meanwhile: answer the dispute there.",
    )
    _require_news(connection, charge, asked, again=again)
    fees = [fee for fee in return_orders.fees_left(connection, charge) if target.is_of(fee.key)]
    left_minor = charge.left_minor
    if not target.instruction:
        left_minor = min(left_minor, sum(max(fee.amount_minor, 0) for fee in fees))
    amount_minor = _amount(charge, left_minor, asked)
    portions, _ = divide(amount_minor, fees)
    return return_orders.make(connection, charge, amount_minor, portions, asked, approval_above_minor)


def reverse(
    connection: Connection,
    payout_id: UUID,
    asked: Asked,
    approval_above_minor: Mapping[str, int],
    *,
    again: bool = False,
) -> UUID:
    """Ask for a payout back, or for an amount of it; the order. Raises PayoutsError where it can't be given back."""
    with _locked(connection, payout_id) as payout:
        _require(
            payout.is_returnable and not payout.is_charge,
            f"Instruction {payout.id} is no payout: 'payouts refund' gives charges back.",
        )
        _require_settled(payout)
        _require_news(connection, payout, asked, again=again)
        amount_minor = _amount(payout, payout.left_minor, asked)
        return return_orders.make(connection, payout, amount_minor, [], asked, approval_above_minor)


@contextmanager
def _locked(connection: Connection, instruction: UUID, *, is_rehearsal: bool = False) -> Iterator[TakenBack]:
    """One transaction, in which nobody else asks for the same."""
    with failpoint(Failpoint.ORDER_RETURN), connection.transaction(force_rollback=is_rehearsal):
        yield return_orders.lock(connection, instruction)


def settle_now(connection: Connection, settlement: "Settlement", orders: Sequence[UUID]) -> list[Instruction]:
    """Have a worker send the orders now, without a run; where each stands then.

    Raises PayoutsError where Stripe can't be asked, or it is not this ledger's account.
    """
    for first in range(0, len(orders), _AT_ONCE):
        settlement.worker.settle(orders[first : first + _AT_ONCE])
    return [instructions.find(connection, order) for order in orders]


def bring_in(connection: Connection, settlement: "Settlement", actor: str) -> None:
    """Book what Stripe lists of it by now; where it can't be read, the next sync does."""
    with suppress(StripeAwayError):
        sync_own(connection, settlement, actor, waits=False)


def in_minor(connection: Connection, target: Target, amount: Decimal) -> int:
    """An amount in minor units of the currency of what is given back; raises PayoutsError for too many digits."""
    return currencies.to_minor(amount, return_orders.find(connection, _charges(connection, target)[0]).currency)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PayoutsError(otherwise)


def _require_settled(taken: TakenBack) -> None:
    _require(
        taken.status == Status.SETTLED,
        f"Instruction {taken.id} is {taken.status}, so that no money of it has moved: 'payouts cancel' takes it back.",
    )


def _require_news(connection: Connection, taken: TakenBack, asked: Asked, *, again: bool) -> None:
    """The same command twice is a slip of the finger, unless the person says that it is not."""
    before = None if again else return_orders.same_as(connection, taken, asked)
    if before:
        order, status = before
        raise PayoutsError(
            f"That was asked for already: instruction {order} is {status}. To give as much back once more, add --again."
        )


def _amount(taken: TakenBack, left_minor: int, asked: Asked) -> int:
    """How much is given back: what is asked for, or all that is left."""
    if left_minor <= 0:
        _refuse_nothing_left(taken)
    amount_minor = asked.amount_minor or left_minor
    _require(
        amount_minor <= left_minor,
        f"Only {format_minor(left_minor, taken.currency)} of {taken.id} are left to be given back.",
    )
    step = currencies.step_minor(taken.currency)
    in_steps = f"Stripe moves {taken.currency} in steps of {format_minor(step, taken.currency)}."
    _require(amount_minor % step == 0, in_steps)
    return amount_minor


def _refuse_nothing_left(taken: TakenBack) -> NoReturn:
    back, under_way = (format_minor(each, taken.currency) for each in (taken.returned_minor, taken.under_way_minor))
    raise PayoutsError(
        f"Nothing of {taken.id} is left to be given back: {back} came back already, and {under_way} are asked for."
    )
