"""What refunds, disputes and reversals take back, and what comes again of them (rule of money 12).

A charge that is taken back takes its fees back: with their shares, which payees that have them work off (rule of
money 6). The fees are open again and held, so that nobody is charged again before a person says so (`lift`). A transfer
that is reversed is owed again, and held in the same way.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.domain.billing import BillingSubject, BillingType, Payee
from payouts_pipeline.domain.fee_rows import NAMED, allocation
from payouts_pipeline.domain.returns import FeeKey, Portion, Share, divide
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger import cancellations, holds
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import lock_account, lock_day, lock_payees

_BY_STRIPE = "stripe"


@dataclass(frozen=True)
class Return:
    """A balance transaction that takes back of a settled instruction; its amount as Stripe has it."""

    id: str
    instruction_id: UUID
    billing_type: str
    account_id: int
    currency: str
    instruction_currency: str
    amount_minor: int
    category: str
    source_id: str | None

    @property
    def is_of_charge(self) -> bool:
        """Whether fees are taken back, and not a payout."""
        return self.billing_type == BillingType.PLAYER_CHARGE

    @property
    def taken_minor(self) -> int:
        """What went back the way it had come; negative where it came again."""
        return -self.amount_minor if self.is_of_charge else self.amount_minor

    @property
    def parameters(self) -> dict[str, Any]:
        """As the queries want it."""
        return asdict(self)


def enter(connection: Connection, actor: str) -> int:
    """Enter what came back of settled instructions (view `returns_to_enter`), each once; how many that were."""
    with connection.cursor(row_factory=class_row(Return)) as cursor:
        found = cursor.execute(sql("returns_to_enter")).fetchall()
    for each in found:
        with failpoint(Failpoint.ENTER_RETURNS), connection.transaction():
            _enter(connection, each, actor)
    return len(found)


def _enter(connection: Connection, found: Return, actor: str) -> None:
    """One of them, under the locks of all that it changes."""
    for (day,) in connection.execute(sql("days_of_return"), found.parameters).fetchall():
        lock_day(connection, day)
    lock_account(connection, found.account_id)
    lock_payees(connection)
    differs = None if found.currency == found.instruction_currency else "currency_differs"
    noted = {**found.parameters, "reason_code": differs, "actor": actor}
    if not connection.execute(sql("assign_return"), noted).rowcount:
        return
    if differs:
        connection.execute(sql("enter_unassigned_return"), found.parameters)
    elif found.is_of_charge:
        _return_charge(connection, found, actor)
    else:
        _return_payout(connection, found, actor)


def _return_charge(connection: Connection, found: Return, actor: str) -> None:
    """Take fees back, or bring back those that are still held."""
    is_taken = found.taken_minor > 0
    query = sql("collected_by_charge") if is_taken else sql("held_of_charge")
    rows = connection.execute(query, found.parameters).fetchall()
    named = {FeeKey(*key): amount for *key, amount in connection.execute(sql("named_by_order"), found.parameters)}
    portions, beyond_minor = divide(abs(found.taken_minor), as_portions(rows), named)
    _note(connection, found, beyond_minor, actor)
    if portions:
        _book(connection, found, portions, actor)
    if is_taken:
        _hold_disputed(connection, found)
        day = scalar(connection, sql("day_of_instruction"), found.parameters)
        cancellations.cancel_payouts_above_due(connection, day, actor)


def as_portions(rows: Iterable[Sequence[Any]]) -> list[Portion]:
    """The rows of a query, a line for each share, as fees."""
    found = []
    for (*key, fee_minor), lines in groupby(rows, key=lambda row: row[:6]):
        shares = {Share.of(subject, subject_id or 0): amount for *_, subject, subject_id, amount in lines}
        found.append(Portion(FeeKey(*key), fee_minor, shares))
    return found


def _note(connection: Connection, found: Return, beyond_minor: int, actor: str) -> None:
    """Keep the return. What is beyond the fees is held as well, unless it was the player's credit."""
    ((uncovered_minor, held_minor),) = connection.execute(sql("standing_of_player"), found.parameters).fetchall()
    owed_minor = uncovered_minor - held_minor + beyond_minor
    beyond_minor = max(0, min(beyond_minor, owed_minor)) if found.taken_minor > 0 else -min(beyond_minor, held_minor)
    noted = {"amount_minor": found.taken_minor, "beyond_minor": beyond_minor, "actor": actor}
    connection.execute(sql("insert_return"), {**found.parameters, **noted})


def _book(connection: Connection, found: Return, portions: Sequence[Portion], actor: str) -> None:
    """Two bookings for each day: what is taken back and released as such, and what is open and held since."""
    release_id = int(scalar(connection, sql("insert_return_release"), {**found.parameters, "actor": actor}))
    sign = -1 if found.taken_minor > 0 else 1
    fees: list[dict[str, Any]] = []
    for day, part in _parts(portions):
        taken, opened = (_open_booking(connection, found, day, actor) for _ in range(2))
        fees += [_fee(each, taken, sign) | {"own_release_id": release_id} for each in part]
        fees += [_fee(each, opened, -sign) | {"held_return_id": found.id} for each in part]
    allocations = {fee["allocation_id"]: fee.pop("allocation") for fee in fees}
    connection.execute(sql("insert_allocations"), {"allocations": json.dumps(list(allocations.values()))})
    connection.execute(sql("insert_return_fees"), {"fees": json.dumps(fees, default=str)})
    which = {**found.parameters, "release_id": release_id, "player_id": portions[0].key.player_id}
    connection.execute(sql("post_return_bookings"), which)
    connection.execute(sql("release_return"), which)
    connection.execute(sql("add_return_released"), which)
    if sign > 0:
        connection.execute(sql("close_held"), which)


def _open_booking(connection: Connection, found: Return, day: date, actor: str) -> int:
    return int(scalar(connection, sql("insert_return_booking"), {"id": found.id, "day": day, "actor": actor}))


def _parts(portions: Sequence[Portion]) -> Iterator[tuple[date, list[Portion]]]:
    """The portions by day; those of a fee with two clubs or two organisers in parts with one of each."""
    single = [part for portion in portions for part in enumerate(_with_one_payee_each(portion))]
    order = sorted(single, key=lambda each: (each[1].key.day, each[0]))
    for (day, _), of_part in groupby(order, key=lambda each: (each[1].key.day, each[0])):
        yield day, [portion for _, portion in of_part]


def _with_one_payee_each(portion: Portion) -> Iterator[Portion]:
    shares = dict(portion.shares)
    while shares:
        named = {share.order: share for share in shares if share.subject in NAMED}
        part = {share: amount for share, amount in shares.items() if named.get(share.order, share) == share}
        shares = {share: amount for share, amount in shares.items() if share not in part}
        yield replace(portion, amount_minor=sum(part.values()), shares=part)


def _fee(portion: Portion, booking_id: int, sign: int) -> dict[str, Any]:
    """A row of `payouts.fees`, with the allocation that it names."""
    ids = {share.subject: share.subject_id for share in portion.shares}
    shares = [
        (share.subject, share.subject_id if share.subject == BillingSubject.PARTNER else 0, sign * amount)
        for share, amount in sorted(portion.shares.items())
    ]
    name, amount_minor, lines = allocation(shares)
    return {
        **asdict(portion.key),
        "booking_id": booking_id,
        "amount_minor": amount_minor,
        "allocation_id": name,
        "allocation": {"id": name, "amount_minor": amount_minor, "lines": lines},
        "club_id": ids.get(BillingSubject.CLUB),
        "organiser_id": ids.get(BillingSubject.ORGANISER),
    }


def _hold_disputed(connection: Connection, found: Return) -> None:
    """Who disputes one charge is not asked for others before a person has looked at it."""
    if found.category != "dispute":
        return
    subject_id = scalar(connection, sql("subject_of_account"), found.parameters)
    player = Payee(BillingSubject.PLAYER, int(subject_id))
    if not holds.reason_of_hold(connection, player):
        holds.place(connection, player, _BY_STRIPE, f"disputes a charge ({found.source_id})")


def _return_payout(connection: Connection, found: Return, actor: str) -> None:
    """What a payout has not paid after all is payable again, and held."""
    noted = {"amount_minor": found.taken_minor, "beyond_minor": 0, "actor": actor}
    connection.execute(sql("insert_return"), {**found.parameters, **noted})
    sides: tuple[Mapping[str, Any], ...] = (
        {"amount_minor": -found.taken_minor, "payout_id": found.instruction_id, "held_return_id": None},
        {"amount_minor": found.taken_minor, "payout_id": None, "held_return_id": found.id},
    )
    for side in sides:
        release_id = scalar(connection, sql("insert_return_release"), {**found.parameters, "actor": actor})
        line = {"release_id": release_id, "account_id": found.account_id, **side}
        connection.execute(sql("insert_return_line"), line)


def held(connection: Connection, payee: Payee) -> dict[str, int]:
    """What of a payee is held since it was taken back, in minor units by currency."""
    return dict(connection.execute(sql("held_since_returns"), payee.parameters).fetchall())


def lift(connection: Connection, payee: Payee) -> int:
    """Let what was taken back of a payee be asked for, or paid, again; under `holds.lock`. How many returns."""
    connection.execute(sql("lift_held_fees"), payee.parameters)
    connection.execute(sql("lift_held_lines"), payee.parameters)
    return connection.execute(sql("lift_returns"), payee.parameters).rowcount


def require_funds(connection: Connection) -> None:
    """Raise PayoutsError where more would be paid than was collected and not returned (rule of money 13).

    What payees owe since corrections and returns, and work off, has been paid out already, and is ours to advance.
    """
    for currency, kept_minor, wanted_minor in connection.execute(sql("funds_short")):
        raise PayoutsError(
            f"Payouts of {wanted_minor} {currency} (minor units) would go out, and only {kept_minor} were collected "
            "and neither returned nor paid out: no payout was made. Run 'payouts verify', which names what is wrong."
        )
