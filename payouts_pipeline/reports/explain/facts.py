"""Reads what it takes to say where money is: lines, the instructions that move them, the accounts they stand on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.domain.currencies import minimum_charge_minor
from payouts_pipeline.ledger.database import Connection, Parameters
from payouts_pipeline.reports.explain import funds_location
from payouts_pipeline.reports.explain.funds_location import (
    Attempt,
    FeeLine,
    FundsLocation,
    Movement,
    Position,
    ShareLine,
)
from payouts_pipeline.reports.next_action import next_step
from payouts_pipeline.reports.queries import sql

_T = TypeVar("_T")


def rows(connection: Connection, query: str, kind: type[_T], parameters: Parameters) -> list[_T]:
    """The rows of a query, each as an object of this kind."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()


@dataclass(frozen=True)
class Scope:
    """Which lines of a day are wanted: those of a match, of a player, or of a payee (shares only)."""

    day: date
    match_id: int | None = None
    player_id: int | None = None
    billing_subject: str | None = None
    subject_id: int | None = None

    def fees(self, connection: Connection) -> list[FeeLine]:
        """The lines of fees; not for a payee, who has none."""
        return rows(connection, sql("explain_fees"), FeeLine, vars(self))

    def shares(self, connection: Connection) -> list[ShareLine]:
        """The lines of shares."""
        return rows(connection, sql("explain_shares"), ShareLine, vars(self))


def account_ids(connection: Connection, subject: str, subject_id: int) -> list[int]:
    """The accounts of a player or payee, one for each currency."""
    parameters = {"subject": subject, "subject_id": subject_id}
    return [row[0] for row in connection.execute(sql("explain_account_ids"), parameters)]


def positions(connection: Connection, ids: Collection[int]) -> list[Position]:
    """The positions of accounts, by currency."""
    return rows(connection, sql("explain_accounts"), Position, {"ids": list(ids)})


def movements(connection: Connection, ids: Collection[UUID]) -> list[Movement]:
    """Instructions with their attempts and what would move them, in the order in which they were made."""
    attempts: dict[UUID, list[Attempt]] = {}
    for attempt in rows(connection, sql("explain_attempts"), Attempt, {"ids": list(ids)}):
        attempts.setdefault(attempt.instruction_id, []).append(attempt)
    found = rows(connection, sql("explain_instructions"), Movement, {"ids": list(ids)})
    return [replace(each, attempts=tuple(attempts.get(each.id, ())), next_step=next_step(each)) for each in found]


@dataclass(frozen=True)
class Facts:
    """Says of lines where their money is."""

    movements: dict[UUID, Movement]
    positions: dict[int, Position]
    # The account of a player in a currency.
    account_of: dict[tuple[int, str], int]
    # Accounts of players who can't be charged more for now.
    blocked: frozenset[int]
    minimum_payouts_minor: Mapping[str, int]

    def of_fee(self, line: FeeLine | ShareLine) -> FundsLocation:
        """Where the fee's part is that a line adds to it, or is a share of."""
        if line.release_id is not None:
            return funds_location.of_collected(line)
        if line.charge_id is not None:
            return funds_location.of_charged(self.movements[line.charge_id])
        account_id = self.account_of[line.player_id, line.currency]
        return funds_location.of_uncharged(line, self.positions[account_id], is_blocked=account_id in self.blocked)

    def of_share(self, line: ShareLine) -> FundsLocation:
        """Where a share's part is."""
        payout = self.movements[line.payout_id] if line.payout_id else None
        minimum = self.minimum_payouts_minor.get(line.currency, minimum_charge_minor(line.currency))
        fee = self.of_fee(line)
        return funds_location.of_share(line, payout, self.positions[line.account_id], fee, minimum)


def facts_of(
    connection: Connection,
    fees: Sequence[FeeLine],
    shares: Sequence[ShareLine],
    minimum_payouts_minor: Mapping[str, int],
    *,
    all_charges: bool,
) -> Facts:
    """What it takes for these lines. ``all_charges``: also those of fees that were collected, which are many."""
    lines: list[FeeLine | ShareLine] = [*fees, *shares]
    wanted = {line.charge_id for line in lines if line.charge_id and (all_charges or line.release_id is None)}
    wanted |= {line.payout_id for line in shares if line.payout_id}
    players = {"player_ids": list({line.player_id for line in lines if line.release_id is None})}
    owing = connection.execute(sql("explain_player_accounts"), players).fetchall()
    blocked = connection.execute(sql("explain_blocked_players"), players)
    accounts = {line.account_id for line in shares} | {row[0] for row in owing}
    return Facts(
        {each.id: each for each in movements(connection, wanted)},
        {each.id: each for each in positions(connection, accounts)},
        {(player_id, currency): account_id for account_id, player_id, currency in owing},
        frozenset(row[0] for row in blocked),
        minimum_payouts_minor,
    )


def days_of(connection: Connection, accounts: Collection[int]) -> list[tuple[Any, ...]]:
    """Day, currency and amount_minor booked of each day that has anything of these accounts, latest first."""
    return connection.execute(sql("explain_days"), {"account_ids": list(accounts)}).fetchall()


def instruction_ids(connection: Connection, accounts: Collection[int], day: date | None = None) -> list[UUID]:
    """The instructions of accounts (that a day made), the open ones first."""
    parameters = {"account_ids": list(accounts), "day": day}
    return [row[0] for row in connection.execute(sql("explain_instruction_ids"), parameters)]
