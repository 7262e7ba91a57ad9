"""What schema `league` says now of fees that are booked: by which terms they are split, and what would be booked today.

The ledger keeps what was booked and not the terms that made it, so that they are read from `league` as it is now, and
held against what is booked. Where `league` can't be read, the ledger's answer must do, and says so.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd

from payouts_pipeline.domain import calendar, frames
from payouts_pipeline.domain.allocation import CannotSplit, Terms, allocate
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.corrections import difference
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league.reader import snapshot, stripe_ids
from payouts_pipeline.league.reader import sql as league_sql
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.explain.funds_location import FeeLine, ShareLine

_FEES = {name: dtype for name, dtype in frames.MATCHES.items() if name != "shares_json"} | {
    "effective_from": frames.TEXT
}
_TERMS = {"fee_structure_id": frames.ID, "shares_json": frames.TEXT}
_T = TypeVar("_T")


@dataclass(frozen=True)
class RulePart:
    """What a fee structure gives to one payee: a fixed amount, and basis points of what is left after those.

    ``amount_minor`` is what that comes to.
    """

    billing_subject: str
    partner_id: int | None
    fixed_minor: int
    share_bps: int
    amount_minor: int


@dataclass(frozen=True)
class Rule:
    """A fee structure; ``rest_minor`` is what its basis points divide."""

    fee_structure_id: int
    competition_id: int
    effective_from: str
    currency: str
    fee_minor: int
    rest_minor: int
    parts: list[RulePart]


@dataclass(frozen=True)
class LeagueMatch:
    """A match with the rows of its line-up."""

    day: date
    status: str
    match_player_ids: list[int]


@dataclass(frozen=True)
class FeesNow:
    """The fees of some matches as `league` has them now."""

    rules: dict[int, Rule] = field(default_factory=dict)
    # Which rule a row of a line-up comes under.
    rule_of: dict[int, int] = field(default_factory=dict)
    # What would be booked; None where `league` could not be read.
    lines: pd.DataFrame | None = None

    def of_player(self, player_id: int) -> "FeesNow":
        """The same, without the lines of other players."""
        lines = self.lines
        return replace(self, lines=None if lines is None else lines[lines["player_id"] == player_id])

    def joined(self, other: "FeesNow") -> "FeesNow":
        """The rules of both."""
        return FeesNow(self.rules | other.rules, self.rule_of | other.rule_of)


class LeagueNow:
    """Schema `league`, as far as it can be read; ``problem`` says why it can't."""

    def __init__(self, source: Connection | None, timezone: ZoneInfo, problem: str | None = None) -> None:
        self._source, self._timezone = source, timezone
        self.problem = problem

    def match(self, match_id: int) -> LeagueMatch | None:
        """A match; None where `league` does not have it."""
        return self._read(None, lambda source: self._match(source, match_id))

    def _match(self, source: Connection, match_id: int) -> LeagueMatch | None:
        row = source.execute(league_sql("explain_league_match"), {"match_id": match_id}).fetchone()
        return LeagueMatch(self._day_of(row[0]), row[1], [i for i in row[2] if i is not None]) if row else None

    def _day_of(self, at: datetime) -> date:
        return at.astimezone(self._timezone).date()

    def line_ups_of(self, player_id: int) -> dict[int, int]:
        """The rows of line-ups that name a player, each with its match."""
        parameters = {"player_id": player_id}
        return self._read(
            {}, lambda source: dict(source.execute(league_sql("explain_league_line_ups"), parameters).fetchall())
        )

    def knows(self, payee: Payee) -> bool:
        """Whether `league` has the player or payee."""
        wanted = pd.DataFrame([{"billing_subject": payee.subject.value, "subject_id": payee.subject_id}])
        return self._source is not None and not stripe_ids(self._source, wanted).empty

    def fees(self, day: date, match_ids: Collection[int]) -> FeesNow:
        """The fees of these matches, as far as they are of this day."""
        return self._read(FeesNow(), lambda source: self._fees(source, day, match_ids))

    def _fees(self, source: Connection, day: date, match_ids: Collection[int]) -> FeesNow:
        kicked_off_from, kicked_off_before = calendar.bounds(day, self._timezone)
        parameters = {"day": day, "kicked_off_from": kicked_off_from, "kicked_off_before": kicked_off_before}
        found = copy_out(source, league_sql("league_fees"), {**parameters, "match_ids": list(match_ids)}, _FEES)
        terms = copy_out(source, league_sql("league_terms"), parameters, _TERMS)
        fees = found.merge(terms, on="fee_structure_id", how="left")
        lines = split(frames.conform(fees, frames.MATCHES))
        good = lines[lines["held_out_code"].isna()]
        return FeesNow(_rules(fees), _rule_of(fees), frames.conform(good, frames.LINES))

    def _read(self, otherwise: _T, read: Callable[[Connection], _T]) -> _T:
        if self._source is None:
            return otherwise
        try:
            with snapshot(self._source):
                return read(self._source)
        except PayoutsError as error:
            self.problem = str(error)
            return otherwise


def _rule_of(fees: pd.DataFrame) -> dict[int, int]:
    known = fees.dropna(subset=["match_player_id", "fee_structure_id"])
    return dict(zip(known["match_player_id"].tolist(), known["fee_structure_id"].tolist(), strict=True))


def _rules(fees: pd.DataFrame) -> dict[int, Rule]:
    """The terms of the fees that can be split by them, by the id of the structure."""
    known = fees.dropna(subset=["fee_structure_id", "shares_json", "fee_minor", "currency"])
    rules = {}
    row: Any
    for row in known.drop_duplicates("fee_structure_id").itertuples():
        try:
            terms = Terms.from_rows(row.currency, int(row.fee_minor), row.shares_json)
        except CannotSplit:
            continue
        rules[int(row.fee_structure_id)] = _rule(row, terms)
    return rules


def _rule(row: Any, terms: Terms) -> Rule:
    return Rule(
        int(row.fee_structure_id),
        int(row.competition_id),
        row.effective_from,
        terms.currency,
        terms.fee_minor,
        terms.rest_minor,
        [
            RulePart(
                share.subject,
                share.partner_id if share.subject == BillingSubject.PARTNER else None,
                share.fixed_minor,
                share.share_bps,
                amount_minor,
            )
            for share, amount_minor in allocate(terms)
        ],
    )


@dataclass(frozen=True)
class Difference:
    """A line that the next materialisation of a day would book."""

    day: date
    match_id: int
    match_player_id: int
    player_id: int
    payee: str
    currency: str
    amount_minor: int


def would_book(now: FeesNow, day: date, fees: Sequence[FeeLine], shares: Sequence[ShareLine]) -> list[Difference]:
    """What materialising the day of these lines would book of them today."""
    if now.lines is None:
        return []
    booked = [(f.match_id, f.match_player_id, f.player_id, "player", f.player_id, f.currency, f.amount_minor)
              for f in fees]  # fmt: skip
    booked += [(s.match_id, s.match_player_id, s.player_id, s.billing_subject, s.subject_id, s.currency, s.amount_minor)
               for s in shares]  # fmt: skip
    known = frames.conform(pd.DataFrame(booked, columns=list(frames.LINES)), frames.LINES)
    return [_difference(day, row) for row in difference(now.lines, known).itertuples()]


def _difference(day: date, row: Any) -> Difference:
    return Difference(
        day, row.match_id, row.match_player_id, row.player_id, _payee(row), row.currency, row.amount_minor
    )


def _payee(row: Any) -> str:
    subject = str(row.billing_subject)
    return subject if subject == BillingSubject.PLATFORM else f"{subject}:{row.subject_id}"
