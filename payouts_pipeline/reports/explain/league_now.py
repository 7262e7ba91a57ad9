"""What schema `league` says now of fees that are booked: by which terms they are split, and what would be booked today.

The ledger keeps what was booked and not the terms that made it, so that they are read from `league` as it is now, and
held against what is booked. Where `league` can't be read, the ledger's answer must do, and says so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from payouts_pipeline.domain import calendar, frames
from payouts_pipeline.domain.allocation import CannotSplit, Terms, allocate
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.corrections import difference, wanted_lines
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league.reader import matches_twice, repeated, snapshot, standing_twice_of, stripe_ids
from payouts_pipeline.league.reader import sql as league_sql
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection

_FEES = {name: dtype for name, dtype in frames.MATCHES.items() if name != "shares_json"} | {
    "effective_from": frames.TEXT
}
_TERMS = {"fee_structure_id": frames.ID, "shares_json": frames.TEXT}


@dataclass(frozen=True)
class MatchName:
    """A match as the subject of a question."""

    match_id: int

    def __str__(self) -> str:
        """As on the command line."""
        return f"match:{self.match_id}"


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
class Difference:
    """A line that the next materialisation of a day would book."""

    day: date
    match_id: int
    match_player_id: int
    player_id: int
    payee: str
    currency: str
    amount_minor: int


@dataclass(frozen=True)
class LeagueMatch:
    """A match with the rows of its line-up."""

    day: date
    status: str
    player_ids: list[int]


@dataclass(frozen=True)
class FeesNow:
    """What `league` has of a subject now: the fees that would be booked for ``day``, and the terms that make them."""

    day: date | None = None
    rules: Mapping[int, Rule] = field(default_factory=dict)
    # Which rule a row of a line-up comes under.
    rule_of: Mapping[int, int] = field(default_factory=dict)
    # How the fees are split now (`frames.SPLITS`).
    splits: pd.DataFrame = field(default_factory=lambda: frames.empty(frames.SPLITS))
    match: LeagueMatch | None = None
    # The rows of line-ups that name a player, each with its match.
    line_ups: Mapping[int, int] = field(default_factory=dict)
    # Whether it could be read, and why not.
    is_read: bool = True
    problem: str | None = None

    def rule(self, day: date, match_player_id: int, currency: str) -> Rule | None:
        """The terms of now of a row of a line-up, if they are of the day and the currency that it was booked in."""
        rule = self.rules.get(self.rule_of.get(match_player_id, -1))
        return rule if rule and (day, currency) == (self.day, rule.currency) else None

    def would_book(self, day: date, booked: pd.DataFrame) -> list[Difference]:
        """What materialising a day would book today, where these of its lines (`frames.LINES`) are booked."""
        if not self.is_read:
            return []
        splits = self.splits if day == self.day else self.splits[:0]
        lines = difference(wanted_lines(splits, booked), booked)
        return [_difference(day, row) for row in lines.itertuples()]


class LeagueNow:
    """Schema `league`, as far as it can be read; ``problem`` says why there is no connection to it."""

    def __init__(self, source: Connection | None, timezone: ZoneInfo, problem: str | None = None) -> None:
        self._source, self._timezone, self._problem = source, timezone, problem

    def read(self, subject: MatchName | Payee, day: date | None, match_ids: Collection[int] = ()) -> FeesNow:
        """The fees of a day in some matches, as of one moment; without a day, a match is read on its own.

        A match's alone, or a player's alone, also in all matches whose line-up names the player now.
        """
        if self._source is None:
            return FeesNow(is_read=False, problem=self._problem)
        try:
            return self._read(self._source, subject, day, match_ids)
        except PayoutsError as error:
            return FeesNow(is_read=False, problem=str(error))

    @repeated
    def _read(
        self, source: Connection, subject: MatchName | Payee, day: date | None, match_ids: Collection[int]
    ) -> FeesNow:
        with snapshot(source):
            return self._of_one_moment(source, subject, day, match_ids)

    def _of_one_moment(
        self, source: Connection, subject: MatchName | Payee, day: date | None, match_ids: Collection[int]
    ) -> FeesNow:
        if isinstance(subject, MatchName):
            match = self._match(source, subject.match_id)
            return replace(self._fees(source, day or (match.day if match else None), [subject.match_id]), match=match)
        if subject.subject != BillingSubject.PLAYER:
            return self._fees(source, day, match_ids)
        player = {"player_id": subject.subject_id}
        line_ups: dict[int, int] = dict(source.execute(league_sql("explain_league_line_ups"), player).fetchall())
        now = self._fees(source, day, {*match_ids, *line_ups.values()})
        return replace(now, line_ups=line_ups, splits=now.splits[now.splits["player_id"] == subject.subject_id])

    def knows(self, payee: Payee) -> bool:
        """Whether `league` has the player or payee."""
        wanted = pd.DataFrame([{"billing_subject": payee.subject.value, "subject_id": payee.subject_id}])
        return self._source is not None and not stripe_ids(self._source, wanted).empty

    def _match(self, source: Connection, match_id: int) -> LeagueMatch | None:
        row = source.execute(league_sql("explain_league_match"), {"match_id": match_id}).fetchone()
        if row is None:
            return None
        kicked_off_at, status, line_up = row
        return LeagueMatch(
            kicked_off_at.astimezone(self._timezone).date(), status, [i for i in line_up if i is not None]
        )

    def _fees(self, source: Connection, day: date | None, match_ids: Collection[int]) -> FeesNow:
        if day is None:
            return FeesNow()
        kicked_off_from, kicked_off_before = calendar.bounds(day, self._timezone)
        period = {"kicked_off_from": kicked_off_from, "kicked_off_before": kicked_off_before}
        parameters = {"day": day, **period, "match_ids": list(match_ids)}
        read = copy_out(source, league_sql("league_fees"), parameters, _FEES)
        found = standing_twice_of(read, matches_twice(source, parameters))
        terms = copy_out(source, league_sql("league_terms"), parameters, _TERMS)
        fees = found.merge(terms, on="fee_structure_id", how="left")
        splits = split(Batches.of(frames.conform(fees, frames.MATCHES))).whole()
        known = fees.dropna(subset=["match_player_id", "fee_structure_id"])
        rule_of = dict(zip(known["match_player_id"].tolist(), known["fee_structure_id"].tolist(), strict=True))
        return FeesNow(day, _rules(fees), rule_of, splits)


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
    parts = [
        RulePart(
            share.subject,
            share.partner_id if share.subject == BillingSubject.PARTNER else None,
            share.fixed_minor,
            share.share_bps,
            amount_minor,
        )
        for share, amount_minor in allocate(terms)
    ]
    fee = terms.currency, terms.fee_minor, terms.rest_minor
    return Rule(int(row.fee_structure_id), int(row.competition_id), row.effective_from, *fee, parts)


def _difference(day: date, row: Any) -> Difference:
    payee = Payee(BillingSubject(row.billing_subject), row.subject_id)
    return Difference(day, row.match_id, row.match_player_id, row.player_id, str(payee), row.currency, row.amount_minor)
