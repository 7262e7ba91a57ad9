"""Fetches what there is about a subject: from the ledger in one transaction, and once from `league` as it is now.

The queries follow indexes, so that an answer takes the same time however long a ledger has been in use.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.domain.billing import BillingSubject, BillingType, Payee
from payouts_pipeline.domain.reasons import HELD_OUT, sentence
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league.reader import sql as league_sql
from payouts_pipeline.ledger.database import Connection, Parameters, scalar
from payouts_pipeline.ledger.database import sql as ledger_sql
from payouts_pipeline.reports import banks
from payouts_pipeline.reports.explain import snapshot
from payouts_pipeline.reports.explain.league_now import FeesNow, LeagueNow, MatchName
from payouts_pipeline.reports.explain.not_found import refuse_match, refuse_payee
from payouts_pipeline.reports.explain.snapshot import Instruction, Line, ShareLine, Snapshot, Subject
from payouts_pipeline.reports.next_action import next_step
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.reports.status import held_out_of_day

# How many instructions an overview shows, the open ones first.
_MOST_INSTRUCTIONS = 100
# How many days are looked through for a match; before those the line-up of now must lead there.
_LATEST_DAYS = 60
# Of which fees and shares: what is null does not matter.
_ANY = {"match_id": None, "player_id": None, "charge_id": None, "subject": None, "subject_id": None}
_Row = TypeVar("_Row")


def fetch(
    ledger: Connection,
    league: LeagueNow,
    subject: Subject,
    day: date | None,
    minimum_payouts_minor: Mapping[str, int],
) -> Snapshot:
    """What it takes to explain a subject (of one day). Raises PayoutsError where there is nothing to say."""
    with ledger.transaction():
        ledger.execute(league_sql("begin_snapshot"))
        if isinstance(subject, UUID):
            found = _of_instruction(ledger, subject, day)
        elif isinstance(subject, MatchName):
            found = _of_match(ledger, league, subject, day)
        elif day is None:
            found = _of_account(ledger, league, subject)
        elif subject.subject == BillingSubject.PLAYER:
            found = _of_player_day(ledger, league, subject, day)
        else:
            found = _of_payee_day(ledger, league, subject, day)
    return replace(found, minimum_payouts_minor=minimum_payouts_minor)


def _of_match(ledger: Connection, league: LeagueNow, match: MatchName, day: date | None) -> Snapshot:
    now = league.read(match, day)
    days = [day] if day else _days_of_match(ledger, match, now)
    of_match = {**_ANY, "days": days, "match_id": match.match_id}
    held_out = _held_out(ledger, day, match.match_id, [])
    fees = _rows(ledger, sql("explain_fees"), Line, of_match)
    if not fees and not held_out:
        refuse_match(ledger, match, day, now)
    shares = _rows(ledger, sql("explain_shares"), ShareLine, of_match)
    found = Snapshot(match, now, day=day, fees=fees, shares=shares, held_out=held_out)
    return _with_funds(ledger, found)


def _days_of_match(ledger: Connection, match: MatchName, now: FeesNow) -> list[date]:
    """Where fees of the match are booked: it may have been moved from one day to another."""
    line_up = now.match.player_ids if now.match else []
    parameters = {"match_id": match.match_id, "player_ids": line_up, "latest_days": _LATEST_DAYS}
    return [row[0] for row in ledger.execute(sql("explain_match_days"), parameters)]


def _of_player_day(ledger: Connection, league: LeagueNow, player: Payee, day: date) -> Snapshot:
    of_player = {**_ANY, "days": [day], "player_id": player.subject_id}
    fees = _rows(ledger, sql("explain_fees"), Line, of_player)
    now = league.read(player, day, {line.match_id for line in fees})
    held_out = _held_out(ledger, day, None, now.line_ups)
    if not fees and not held_out:
        refuse_payee(ledger, league, player, day)
    shares = _rows(ledger, sql("explain_shares"), ShareLine, of_player)
    on_hold = _hold(ledger, player)
    found = Snapshot(player, now, day=day, fees=fees, shares=shares, held_out=held_out, on_hold=on_hold)
    return _with_funds(ledger, found)


def _of_payee_day(ledger: Connection, league: LeagueNow, payee: Payee, day: date) -> Snapshot:
    shares = _rows(ledger, sql("explain_shares"), ShareLine, {**_ANY, "days": [day], **payee.parameters})
    payouts = _instruction_ids(ledger, payee, day)
    if not shares and not payouts:
        refuse_payee(ledger, league, payee, day)
    found = Snapshot(
        payee,
        league.read(payee, day, {line.match_id for line in shares}),
        day=day,
        shares=shares,
        unpaid=_rows(ledger, sql("explain_unpaid_lines"), snapshot.Unpaid, payee.parameters),
        held_out_of_day=held_out_of_day(ledger, day),
        on_hold=_hold(ledger, payee),
        bank=banks.failing(ledger, payee),
    )
    return _with_funds(ledger, found, payouts)


def _of_account(ledger: Connection, league: LeagueNow, payee: Payee) -> Snapshot:
    is_player = payee.subject == BillingSubject.PLAYER
    now = league.read(payee, None)
    held_out = _held_out(ledger, None, None, now.line_ups)
    if not held_out and not scalar(ledger, ledger_sql("has_account"), payee.parameters):
        refuse_payee(ledger, league, payee, None)
    instructions = _latest_instruction_ids(ledger, payee)
    instruction_count = scalar(ledger, sql("explain_instruction_count"), payee.parameters)
    not_collected = {**_ANY, "days": None, "player_id": payee.subject_id}
    found = Snapshot(
        payee,
        now,
        fees=_rows(ledger, sql("explain_fees"), Line, not_collected) if is_player else [],
        instructions_left_out=instruction_count - len(instructions),
        on_hold=_hold(ledger, payee),
        held_out=held_out,
        days=_booked_days(ledger, payee),
        uncollected=_uncollected(ledger, payee),
        unpaid=_rows(ledger, sql("explain_unpaid_lines"), snapshot.Unpaid, payee.parameters),
        adjustments=_rows(ledger, sql("explain_adjustments"), snapshot.Adjustment, payee.parameters),
        bank=banks.failing(ledger, payee),
    )
    return _with_funds(ledger, found, instructions)


def _of_instruction(ledger: Connection, instruction_id: UUID, day: date | None) -> Snapshot:
    found = _instructions(ledger, [instruction_id]).get(instruction_id)
    if found is None:
        raise PayoutsError(f"There is no instruction {instruction_id} in the ledger: see that the id is right.")
    if day not in (None, found.day):
        raise PayoutsError(f"Instruction {instruction_id} is of {found.day}, not of {day}: leave the day out.")
    covered_by: dict[str, object] = {**_ANY, "days": [], "charge_id": instruction_id}
    covered = Snapshot(
        instruction_id,
        fees=_rows(ledger, sql("explain_fees"), Line, covered_by),
        events=_events(ledger, found),
        release_lines=_rows(ledger, sql("explain_payout_lines"), snapshot.ReleaseLine, {"id": instruction_id}),
        return_orders=_rows(ledger, sql("explain_return_orders"), snapshot.ReturnOrder, {"id": instruction_id}),
        returned=_rows(ledger, sql("explain_returned"), snapshot.Returned, {"id": instruction_id}),
    )
    return _with_funds(ledger, covered, [instruction_id])


def _with_funds(ledger: Connection, found: Snapshot, instruction_ids: Sequence[UUID] = ()) -> Snapshot:
    """The same with what it takes to say of each line where its money is.

    Not the charges of fees that were collected where only shares are asked for: those are many.
    """
    lines = [*found.fees, *found.shares]
    charges = {line.charge_id for line in lines if line.charge_id and (found.fees or line.release_id is None)}
    payouts = {line.payout_id for line in found.shares if line.payout_id}
    owing = {line.player for line in lines if line.charge_id is None and line.release_id is None}
    players = {"player_ids": [each.subject_id for each in owing]}
    owed = {line.payee for line in found.shares if line.payout_id is None and line.release_id is not None}
    own = {found.subject} if isinstance(found.subject, Payee) else set()
    return replace(
        found,
        instructions=_instructions(ledger, {*instruction_ids, *charges, *payouts}),
        positions=_positions(ledger, owing | owed | own),
        blocked={(payee, currency) for payee, currency in ledger.execute(sql("explain_blocked_players"), players)},
    )


def _instructions(ledger: Connection, ids: Collection[UUID]) -> dict[UUID, Instruction]:
    """Instructions with their attempts and next steps, in the order in which they were made."""
    attempts: dict[UUID, list[snapshot.Attempt]] = {}
    for attempt in _rows(ledger, sql("explain_attempts"), snapshot.Attempt, {"ids": list(ids)}):
        attempts.setdefault(attempt.instruction_id, []).append(attempt)
    found = _rows(ledger, sql("explain_instructions"), Instruction, {"ids": list(ids)})
    return {
        each.id: replace(each, attempts=tuple(attempts.get(each.id, ())), next_step=next_step(each)) for each in found
    }


def _instruction_ids(ledger: Connection, payee: Payee, day: date) -> list[UUID]:
    parameters = {**payee.parameters, "day": day}
    return [row[0] for row in ledger.execute(sql("explain_instruction_ids"), parameters)]


def _latest_instruction_ids(ledger: Connection, payee: Payee) -> list[UUID]:
    parameters = {**payee.parameters, "limit": _MOST_INSTRUCTIONS}
    return [row[0] for row in ledger.execute(sql("explain_latest_instruction_ids"), parameters)]


def _positions(ledger: Connection, payees: Collection[Payee]) -> dict[tuple[str, str], snapshot.Position]:
    subjects, ids = [each.subject.value for each in payees], [each.subject_id for each in payees]
    found = _rows(ledger, sql("explain_accounts"), snapshot.Position, {"subjects": subjects, "subject_ids": ids})
    return {(each.payee, each.currency): each for each in found}


def _held_out(
    ledger: Connection, day: date | None, match_id: int | None, match_player_ids: Collection[int]
) -> list[snapshot.HeldOut]:
    parameters = {"day": day, "match_id": match_id, "match_player_ids": list(match_player_ids)}
    found = ledger.execute(sql("explain_held_out"), parameters)
    return [snapshot.HeldOut(day, match_id, row_id, HELD_OUT[code]) for day, match_id, row_id, code in found]


def _uncollected(ledger: Connection, payee: Payee) -> list[snapshot.Uncollected]:
    found = ledger.execute(sql("explain_uncollected_shares"), payee.parameters)
    return [
        snapshot.Uncollected(day, currency, status, _reason(code, details, BillingType.PLAYER_CHARGE, currency), *rest)
        for day, currency, status, code, details, *rest in found
    ]


def _events(ledger: Connection, of: Instruction) -> list[snapshot.Event]:
    found = ledger.execute(sql("explain_events"), {"id": of.id})
    return [
        snapshot.Event(at, before, after, actor, _reason(code, details, of.billing_type, of.currency), request_id)
        for at, before, after, actor, code, details, request_id in found
    ]


def _reason(code: str | None, details: Mapping[str, Any], billing_type: str, currency: str) -> str | None:
    return sentence(code, details, billing_type, currency) if code else None


def _hold(ledger: Connection, payee: Payee) -> str | None:
    why = scalar(ledger, ledger_sql("hold_of_payee"), payee.parameters)
    return f"on hold: {why}" if why else None


def _booked_days(ledger: Connection, payee: Payee) -> list[snapshot.BookedDay]:
    """The days that have anything of a player or payee, latest first."""
    return _rows(ledger, sql("explain_days"), snapshot.BookedDay, payee.parameters)


def _rows(connection: Connection, query: str, kind: type[_Row], parameters: Parameters) -> list[_Row]:
    """The rows of a query, each as an object of this kind."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()
