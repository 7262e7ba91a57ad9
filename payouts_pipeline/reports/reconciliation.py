"""Compares what the ledger says of instructions with what Stripe says it has moved; moves nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from psycopg.rows import class_row

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.audit import Violation
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.settlement.stripe_answers import Movement
from payouts_pipeline.settlement.stripe_client import Kind, StripeClient

# Rule of money 3: every instruction moves money at most once.
_RULE = 3
_FOUND_OUT_SOON = (Status.SENDING, Status.UNKNOWN)


@dataclass(frozen=True)
class Settlement:
    """What the ledger says of one instruction; ``is_news`` if it may have changed after Stripe was asked.

    ``payees``: the customers or accounts of its attempts, each of which may be the one by which it was paid.
    """

    id: str
    currency: str
    amount_minor: int
    status: str
    provider_reference: str | None
    is_news: bool
    payees: Collection[str]


def reconcile(connection: Connection, stripe: StripeClient, days: Collection[date] | None) -> list[Violation]:
    """Look at all that was sent for the days, or at everything without days. Raises PayoutsError without Stripe.

    Stripe is asked first and the ledger read after it, so that what settles meanwhile is no violation.
    """
    parameters: dict[str, object] = {"days": None if days is None else sorted(days)}
    first, last, now = connection.execute(sql("attempts_period"), parameters).fetchall()[0]
    since, until = (first or now, last if days is not None else None)
    found = list(stripe.movements(identity.read(connection).id, since, until))
    movements = list(_as_judged(connection, stripe, found, parameters))
    parameters |= {"ids": [movement.instruction_id for movement in movements], "asked_at": now}
    with connection.cursor(row_factory=class_row(Settlement)) as cursor:
        settlements = cursor.execute(sql("instructions_to_reconcile"), parameters).fetchall()
    return compare(settlements, movements)


def _as_judged(
    connection: Connection, stripe: StripeClient, found: Iterable[Movement], parameters: Mapping[str, object]
) -> Iterator[Movement]:
    """What Stripe has moved, each of the instruction that people say it is of; with what they alone say it of."""
    named: dict[str, tuple[str, Kind]] = {}
    for reference, instruction_id, is_charge in connection.execute(sql("settled_by_judgement"), parameters):
        named[reference] = (instruction_id, "payment_intent" if is_charge else "transfer")
    disowned = set(connection.execute(sql("disowned_movements")))
    for movement in found:
        if movement.reference not in named and (movement.reference, movement.instruction_id) not in disowned:
            yield movement
    for reference, (instruction_id, kind) in named.items():
        by_judgement = stripe.movement(kind, reference)
        if by_judgement:
            yield replace(by_judgement, instruction_id=instruction_id)


def compare(settlements: Iterable[Settlement], movements: Iterable[Movement]) -> list[Violation]:
    """Every way in which the two differ, each with the instruction that it is of."""
    moved: dict[str, list[Movement]] = defaultdict(list)
    for movement in movements:
        moved[movement.instruction_id].append(movement)
    known = {settlement.id: settlement for settlement in settlements}
    found = [violation for one in known.values() for violation in _differences(one, moved.get(one.id, []))]
    return found + _strangers(known, moved)


def _strangers(known: Mapping[str, Settlement], moved: Mapping[str, Sequence[Movement]]) -> list[Violation]:
    return [
        _violation(instruction_id, "Stripe has moved money for it, and the ledger does not know it")
        for instruction_id in sorted(moved.keys() - known.keys())
    ]


def _differences(here: Settlement, there: Sequence[Movement]) -> Iterator[Violation]:
    if len(there) > 1:
        yield _violation(here.id, f"Stripe has moved its money {len(there)} times")
    if here.status != Status.SETTLED:
        if there:
            yield _not_settled_here(here)
    elif there:
        yield from _other_than_here(here, there)
    elif not here.is_news:
        yield _violation(here.id, "is settled, and Stripe knows of no movement")


def _not_settled_here(here: Settlement) -> Violation:
    """What is on its way is found out when its day is materialised; anything else must not have moved."""
    on_its_way = here.status in _FOUND_OUT_SOON or here.is_news
    return _violation(
        here.id,
        f"Stripe has moved its money, and it is {here.status}" + (": materialise its day" if on_its_way else ""),
        is_warning=on_its_way,
    )


def _other_than_here(here: Settlement, there: Sequence[Movement]) -> Iterator[Violation]:
    if here.provider_reference not in [movement.reference for movement in there]:
        yield _violation(here.id, "is settled by another movement than the one that Stripe has for it")
    for movement in there:
        if (movement.amount_minor, movement.currency) != (here.amount_minor, here.currency):
            yield _violation(
                here.id,
                f"is of {here.amount_minor} {here.currency}, and Stripe has moved "
                f"{movement.amount_minor} {movement.currency}",
            )
        if movement.payee not in here.payees:
            yield _violation(here.id, "Stripe has moved its money to or from somebody else than its attempts say")


def _violation(instruction_id: str, detail: str, *, is_warning: bool = False) -> Violation:
    return Violation(_RULE, "provider", "instruction", instruction_id, detail, is_warning)
