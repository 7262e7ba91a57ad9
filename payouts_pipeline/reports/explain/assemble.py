"""Makes the document of a snapshot: fees with their shares, each part with where it is. Reads nothing.

What is open comes first.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import TypeVar
from uuid import UUID

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.reports.explain import documents, funds_location
from payouts_pipeline.reports.explain.documents import Fee, FundsLocation, Part, PayeeShare, Place, Share
from payouts_pipeline.reports.explain.league_now import Difference, MatchName, Rule, RulePart
from payouts_pipeline.reports.explain.snapshot import Instruction, Line, Position, ReleaseLine, ShareLine, Snapshot

_AnyLine = TypeVar("_AnyLine", Line, ShareLine)


def assemble(snapshot: Snapshot) -> documents.Explained:
    """The document of a subject."""
    subject = snapshot.subject
    if isinstance(subject, UUID):
        return _instruction(snapshot, subject)
    if isinstance(subject, MatchName):
        return _fees_explained(snapshot)
    if snapshot.day is None:
        return _account(snapshot)
    return _fees_explained(snapshot) if subject.subject == BillingSubject.PLAYER else _payee_day(snapshot, snapshot.day)


def _fees_explained(snapshot: Snapshot) -> documents.FeesExplained:
    fees = _fees(snapshot)
    return documents.FeesExplained(
        str(snapshot.subject),
        sorted({fee.day for fee in fees}),
        _totals(snapshot),
        fees,
        _rules(snapshot, fees),
        snapshot.league.problem,
        _would_book(snapshot),
        list(snapshot.held_out),
        list(snapshot.instructions.values()),
        _own_positions(snapshot),
        snapshot.on_hold,
    )


def _payee_day(snapshot: Snapshot, day: date) -> documents.PayeeDayExplained:
    shares = _payee_shares(snapshot)
    return documents.PayeeDayExplained(
        str(snapshot.subject),
        [day],
        _totals(snapshot),
        shares,
        _rules(snapshot, shares),
        snapshot.league.problem,
        _own_instructions(snapshot),
        _own_positions(snapshot),
        list(snapshot.unpaid),
        list(snapshot.held_out_of_day),
        snapshot.on_hold,
        list(snapshot.bank),
    )


def _account(snapshot: Snapshot) -> documents.AccountExplained:
    latest_first = reversed(_own_instructions(snapshot))
    return documents.AccountExplained(
        str(snapshot.subject),
        _own_positions(snapshot),
        snapshot.on_hold,
        _fees(snapshot),
        list(snapshot.uncollected),
        list(snapshot.unpaid),
        list(snapshot.held_out),
        sorted(latest_first, key=lambda each: each.status in (Status.SETTLED, Status.CANCELLED)),
        snapshot.instructions_left_out,
        list(snapshot.days),
        list(snapshot.adjustments),
        list(snapshot.bank),
    )


def _instruction(snapshot: Snapshot, instruction_id: UUID) -> documents.InstructionExplained:
    covered: list[Line | ReleaseLine] = [*snapshot.fees, *snapshot.release_lines]
    return documents.InstructionExplained(
        str(instruction_id),
        snapshot.instructions[instruction_id],
        list(snapshot.events),
        sorted(_fees(snapshot), key=lambda fee: fee.day),
        list(snapshot.release_lines),
        sum(line.amount_minor for line in covered),
        list(snapshot.return_orders),
        list(snapshot.returned),
    )


def _own_positions(snapshot: Snapshot) -> list[Position]:
    return [each for each in snapshot.positions.values() if each.payee == str(snapshot.subject)]


def _own_instructions(snapshot: Snapshot) -> list[Instruction]:
    return [each for each in snapshot.instructions.values() if each.payee == str(snapshot.subject)]


def _fees(snapshot: Snapshot) -> list[Fee]:
    """The fees that lines are of, with the shares that there are lines of."""
    shares_of = {fee: list(lines) for fee, lines in groupby(snapshot.shares, key=lambda line: line.fee)}
    by_fee = groupby(snapshot.fees, key=lambda line: line.fee)
    fees = [_fee(snapshot, list(lines), shares_of.get(fee, [])) for fee, lines in by_fee]
    return sorted(fees, key=lambda fee: not _is_open([*fee.parts, *(part for s in fee.shares for part in s.parts)]))


def _fee(snapshot: Snapshot, lines: Sequence[Line], shares: Sequence[ShareLine]) -> Fee:
    rule = _rule(snapshot, lines[0])
    return Fee(
        **vars(lines[0].fee),
        amount_minor=sum(line.amount_minor for line in lines),
        fee_structure_id=rule.fee_structure_id if rule else None,
        parts=_parts(snapshot, lines, funds_location.of_fee),
        shares=[_share(snapshot, rule, list(of_payee)) for _, of_payee in groupby(shares, key=lambda line: line.payee)],
    )


def _rule(snapshot: Snapshot, line: Line) -> Rule | None:
    return snapshot.league.rule(line.day, line.match_player_id, line.currency)


def _share(snapshot: Snapshot, rule: Rule | None, lines: Sequence[ShareLine]) -> Share:
    amount_minor = sum(line.amount_minor for line in lines)
    parts = _parts(snapshot, lines, funds_location.of_share)
    return Share(str(lines[0].payee), amount_minor, _terms(rule, lines[0]), parts)


def _terms(rule: Rule | None, line: ShareLine) -> RulePart | None:
    partner_id = line.subject_id if line.billing_subject == BillingSubject.PARTNER else None
    parts = rule.parts if rule else []
    return next((p for p in parts if (p.billing_subject, p.partner_id) == (line.billing_subject, partner_id)), None)


def _parts(
    snapshot: Snapshot, lines: Iterable[_AnyLine], where_is: Callable[[Snapshot, _AnyLine], FundsLocation]
) -> list[Part]:
    return [
        Part(
            **vars(where_is(snapshot, line)),
            booking_id=line.booking_id,
            booked_at=line.booked_at,
            booked_by=line.booked_by,
            amount_minor=line.amount_minor,
            released_at=line.released_at,
        )
        for line in lines
    ]


def _payee_shares(snapshot: Snapshot) -> list[PayeeShare]:
    """The shares of one payee, fee by fee."""
    by_fee = groupby(snapshot.shares, key=lambda line: line.fee)
    shares = [_payee_share(snapshot, list(lines)) for _, lines in by_fee]
    return sorted(shares, key=lambda each: not _is_open(each.share.parts))


def _payee_share(snapshot: Snapshot, lines: Sequence[ShareLine]) -> PayeeShare:
    rule = _rule(snapshot, lines[0])
    structure = rule.fee_structure_id if rule else None
    return PayeeShare(**vars(lines[0].fee), fee_structure_id=structure, share=_share(snapshot, rule, lines))


def _is_open(parts: Iterable[Part]) -> bool:
    return any(part.place not in documents.AT_ITS_END for part in parts)


def _totals(snapshot: Snapshot) -> list[documents.Total]:
    """How much is where, of the fees and of the shares; each kind adds up to what is booked."""
    placed: list[tuple[str, Line, Place]] = [
        ("fees", fee, funds_location.of_fee(snapshot, fee).place) for fee in snapshot.fees
    ]
    placed += [("shares", share, funds_location.of_share(snapshot, share).place) for share in snapshot.shares]
    amounts: dict[tuple[str, str, Place], list[int]] = {}
    for of, line, place in placed:
        amounts.setdefault((of, line.currency, place), []).append(line.amount_minor)
    order = list(Place)
    keys = sorted(amounts, key=lambda key: (key[0], key[1], order.index(key[2])))
    return [documents.Total(*key, len(amounts[key]), sum(amounts[key])) for key in keys]


def _rules(snapshot: Snapshot, explained: Iterable[Fee | PayeeShare]) -> list[Rule]:
    """The rules that fees come under, in order."""
    used = {each.fee_structure_id for each in explained}
    return [rule for key, rule in sorted(snapshot.league.rules.items()) if key in used]


def _would_book(snapshot: Snapshot) -> list[Difference]:
    """What materialising the days of the lines would book of them today."""
    booked = [(f.day, f.match_id, f.match_player_id, f.player_id, "player", f.player_id, f.currency, f.amount_minor)
              for f in snapshot.fees]  # fmt: skip
    booked += [(s.day, s.match_id, s.match_player_id, s.player_id, s.billing_subject, s.subject_id, s.currency,
                s.amount_minor) for s in snapshot.shares]  # fmt: skip
    days = {line.day for line in snapshot.fees} | ({snapshot.day} if snapshot.day else set())
    found = []
    for day in sorted(days, reverse=True):
        lines = pd.DataFrame([line for of, *line in booked if of == day], columns=list(frames.LINES))
        found += snapshot.league.would_book(day, frames.conform(lines, frames.LINES))
    return found
