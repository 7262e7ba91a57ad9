"""Where the money of a match, player, payee or instruction came from and where it is: what `payouts explain` shows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NoReturn
from uuid import UUID

from payouts_pipeline.domain.billing import BillingSubject, BillingType, Payee
from payouts_pipeline.domain.reasons import HELD_OUT, sentence
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league.reader import sql as league_sql
from payouts_pipeline.ledger.database import Connection, scalar
from payouts_pipeline.ledger.database import sql as ledger_sql
from payouts_pipeline.reports.explain import facts as facts_of_ledger
from payouts_pipeline.reports.explain.documents import (
    AccountExplained,
    BookedDay,
    Event,
    Explained,
    FeesExplained,
    HeldOut,
    InstructionExplained,
    MatchName,
    PayeeDayExplained,
    ReleaseLine,
    Uncollected,
    Unpaid,
)
from payouts_pipeline.reports.explain.facts import Scope, rows
from payouts_pipeline.reports.explain.funds_location import FeeLine, Movement, ShareLine
from payouts_pipeline.reports.explain.league_now import Difference, FeesNow, LeagueMatch, LeagueNow, would_book
from payouts_pipeline.reports.explain.lines import fees_of, payee_shares_of, totals_of, used
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.reports.status import day_status

# How many instructions an overview shows, the open ones first.
_MOST_INSTRUCTIONS = 100
# How many days are looked through for a match; before those the line-up of now must lead there.
_LATEST_DAYS = 60
_CHECK_ID = "see that the id is right"


class Explainer:
    """Answers from the ledger, with what `league` says now of the terms. All of one answer is of one moment."""

    def __init__(self, ledger: Connection, league: LeagueNow, minimum_payouts_minor: Mapping[str, int]) -> None:
        self._ledger, self._league, self._minimums = ledger, league, minimum_payouts_minor

    def explain(self, subject: UUID | MatchName | Payee, day: date | None) -> Explained:
        """The document of a subject. Raises PayoutsError where there is nothing to say."""
        with self._ledger.transaction():
            self._ledger.execute(league_sql("begin_snapshot"))
            if isinstance(subject, UUID):
                return self._instruction(subject, day)
            if isinstance(subject, MatchName):
                return self._match(subject, day)
            if day is None:
                return self._account(subject)
            if subject.subject == BillingSubject.PLAYER:
                return self._player_day(subject, day)
            return self._payee_day(subject, day)

    def _match(self, match: MatchName, day: date | None) -> FeesExplained:
        in_league = self._league.match(match.match_id)
        days = [day] if day else self._days_of_match(match, in_league)
        held_out = self._held_out(day, match.match_id, [])
        explained = self._fees(str(match), [Scope(each, match_id=match.match_id) for each in days], held_out)
        if not explained.fees and not held_out:
            self._refuse_match(match, day, in_league)
        return explained

    def _days_of_match(self, match: MatchName, in_league: LeagueMatch | None) -> list[date]:
        """Where fees of the match are booked: it may have been moved from one day to another."""
        line_up = in_league.match_player_ids if in_league else []
        parameters = {"match_id": match.match_id, "match_player_ids": line_up, "latest_days": _LATEST_DAYS}
        found = self._ledger.execute(sql("explain_match_days"), parameters).fetchall()
        if not found:
            found = self._ledger.execute(sql("explain_search_match_days"), parameters).fetchall()
        return [row[0] for row in found]

    def _player_day(self, player: Payee, day: date) -> FeesExplained:
        line_ups = self._league.line_ups_of(player.subject_id)
        held_out = self._held_out(day, None, list(line_ups))
        scope = Scope(day, player_id=player.subject_id)
        explained = self._fees(str(player), [scope], held_out, player, frozenset(line_ups.values()))
        if not explained.fees and not held_out:
            self._refuse_payee(player, day)
        return explained

    def _fees(
        self,
        subject: str,
        scopes: Sequence[Scope],
        held_out: list[HeldOut],
        player: Payee | None = None,
        matches_of_player: frozenset[int] = frozenset(),
    ) -> FeesExplained:
        """The fees in the scopes, each with its shares."""
        fees: list[FeeLine] = []
        shares: list[ShareLine] = []
        differences: list[Difference] = []
        now = FeesNow()
        for scope in scopes:
            found, parts = scope.fees(self._ledger), scope.shares(self._ledger)
            in_league = self._now(scope, matches_of_player | {line.match_id for line in found})
            differences += would_book(in_league, scope.day, found, parts)
            fees, shares, now = fees + found, shares + parts, now.joined(in_league)
        facts = facts_of_ledger.facts_of(self._ledger, fees, shares, self._minimums, all_charges=True)
        explained = fees_of(facts, now, fees, shares)
        return FeesExplained(
            subject,
            sorted({fee.day for fee in explained}),
            totals_of(facts, fees, shares),
            explained,
            used(now.rules, [fee.fee_structure_id for fee in explained]),
            self._league.problem,
            differences,
            held_out,
            sorted(facts.movements.values(), key=lambda each: (each.day, each.created_at, each.id)),
            facts_of_ledger.positions(self._ledger, self._accounts(player)) if player else [],
            self._hold(player) if player else None,
        )

    def _now(self, scope: Scope, match_ids: frozenset[int]) -> FeesNow:
        """What `league` has of the scope now."""
        matches = match_ids if scope.match_id is None else match_ids | {scope.match_id}
        now = self._league.fees(scope.day, matches)
        return now.of_player(scope.player_id) if scope.player_id is not None else now

    def _payee_day(self, payee: Payee, day: date) -> PayeeDayExplained:
        shares = Scope(day, billing_subject=payee.subject, subject_id=payee.subject_id).shares(self._ledger)
        accounts = self._accounts(payee)
        made = facts_of_ledger.instruction_ids(self._ledger, accounts, day)
        if not shares and not made:
            self._refuse_payee(payee, day)
        now = self._league.fees(day, {line.match_id for line in shares})
        facts = facts_of_ledger.facts_of(self._ledger, [], shares, self._minimums, all_charges=False)
        explained = payee_shares_of(facts, now, shares)
        payouts = {*made, *(line.payout_id for line in shares if line.payout_id)}
        return PayeeDayExplained(
            str(payee),
            [day],
            totals_of(facts, [], shares),
            explained,
            used(now.rules, [share.fee_structure_id for share in explained]),
            self._league.problem,
            facts_of_ledger.movements(self._ledger, payouts),
            facts_of_ledger.positions(self._ledger, accounts),
            rows(self._ledger, sql("explain_unpaid_lines"), Unpaid, {"account_ids": accounts}),
            day_status(self._ledger, day).held_out,
            self._hold(payee),
        )

    def _account(self, payee: Payee) -> AccountExplained:
        accounts = self._accounts(payee)
        is_player = payee.subject == BillingSubject.PLAYER
        line_ups = self._league.line_ups_of(payee.subject_id) if is_player else {}
        held_out = self._held_out(None, None, list(line_ups))
        if not accounts and not held_out:
            self._refuse_payee(payee, None)
        open_fees = (
            rows(self._ledger, sql("explain_open_fees"), FeeLine, {"player_id": payee.subject_id}) if is_player else []
        )
        facts = facts_of_ledger.facts_of(self._ledger, open_fees, [], self._minimums, all_charges=True)
        instructions = facts_of_ledger.instruction_ids(self._ledger, accounts)
        shown = facts_of_ledger.movements(self._ledger, instructions[:_MOST_INSTRUCTIONS])
        return AccountExplained(
            str(payee),
            facts_of_ledger.positions(self._ledger, accounts),
            self._hold(payee),
            fees_of(facts, FeesNow(), open_fees, []),
            self._uncollected(payee),
            [] if is_player else rows(self._ledger, sql("explain_unpaid_lines"), Unpaid, {"account_ids": accounts}),
            held_out,
            sorted(shown, key=lambda each: instructions.index(each.id)),
            len(instructions) - len(shown),
            [BookedDay(*row) for row in facts_of_ledger.days_of(self._ledger, accounts)],
        )

    def _instruction(self, instruction_id: UUID, day: date | None) -> InstructionExplained:
        found = facts_of_ledger.movements(self._ledger, [instruction_id])
        if not found:
            raise PayoutsError(f"There is no instruction {instruction_id} in the ledger: {_CHECK_ID}.")
        if day not in (None, found[0].day):
            raise PayoutsError(f"Instruction {instruction_id} is of {found[0].day}, not of {day}: leave the day out.")
        named = {"id": instruction_id}
        fees = rows(self._ledger, sql("explain_charge_fees"), FeeLine, named) if found[0].is_charge else []
        facts = facts_of_ledger.facts_of(self._ledger, fees, [], self._minimums, all_charges=True)
        lines = rows(self._ledger, sql("explain_payout_lines"), ReleaseLine, named)
        return InstructionExplained(
            str(instruction_id),
            found[0],
            self._events(found[0]),
            fees_of(facts, FeesNow(), fees, []),
            lines,
            sum(line.amount_minor for line in fees) + sum(line.amount_minor for line in lines),
        )

    def _held_out(self, day: date | None, match_id: int | None, match_player_ids: list[int]) -> list[HeldOut]:
        parameters = {"day": day, "match_id": match_id, "match_player_ids": match_player_ids}
        found = self._ledger.execute(sql("explain_held_out"), parameters)
        return [HeldOut(day, match_id, line, HELD_OUT[code]) for day, match_id, line, code in found]

    def _uncollected(self, payee: Payee) -> list[Uncollected]:
        found = self._ledger.execute(sql("explain_uncollected_shares"), payee.parameters)
        return [
            Uncollected(day, currency, status, _sentence(code, details, BillingType.PLAYER_CHARGE, currency), *rest)
            for day, currency, status, code, details, *rest in found
        ]

    def _events(self, of: Movement) -> list[Event]:
        found = self._ledger.execute(sql("explain_events"), {"id": of.id})
        return [
            Event(at, before, after, actor, _sentence(code, details, of.billing_type, of.currency), request_id)
            for at, before, after, actor, code, details, request_id in found
        ]

    def _accounts(self, payee: Payee) -> list[int]:
        return facts_of_ledger.account_ids(self._ledger, payee.subject, payee.subject_id)

    def _hold(self, payee: Payee) -> str | None:
        why: str | None = scalar(self._ledger, ledger_sql("hold_of_payee"), payee.parameters)
        return f"on hold: {why}" if why else None

    def _is_booked(self, day: date) -> bool:
        return bool(scalar(self._ledger, ledger_sql("is_booked"), {"day": day}))

    def _refuse_match(self, match: MatchName, day: date | None, in_league: LeagueMatch | None) -> NoReturn:
        """Say why there is nothing to say about a match."""
        if self._league.problem:
            raise PayoutsError(
                f"The ledger has nothing of {match}, and schema 'league' can't be asked: {self._league.problem}"
            )
        if in_league is None:
            raise PayoutsError(f"There is no {match} in schema 'league'{_on(day)} or in the ledger: {_CHECK_ID}.")
        self._require_booked(day or in_league.day, f" (the day of {match})" if day in (None, in_league.day) else "")
        if day not in (None, in_league.day):
            raise PayoutsError(f"Nothing is booked for {match} on {day}: it is of {in_league.day} in schema 'league'.")
        if in_league.status != "played":
            raise PayoutsError(
                f"{match} of {in_league.day} is {in_league.status}: only a match that was played has fees."
            )
        if not in_league.match_player_ids:
            raise PayoutsError(
                f"{match} of {in_league.day} has no line-up in schema 'league': add it, and its fees follow."
            )
        raise PayoutsError(f"Nothing is booked for {match} on {in_league.day}: 'payouts run {in_league.day}' books it.")

    def _refuse_payee(self, payee: Payee, day: date | None) -> NoReturn:
        """Say why there is nothing to say about a player or payee."""
        accounts = self._accounts(payee)
        if not accounts and not self._league.knows(payee):
            raise PayoutsError(f"There is no {payee} in schema 'league' or in the ledger: {_CHECK_ID}.")
        if day:
            self._require_booked(day, "")
        days = list(dict.fromkeys(str(each[0]) for each in facts_of_ledger.days_of(self._ledger, accounts)))[:3]
        latest = f"the latest days with anything are {', '.join(days)}" if days else "nothing ever was"
        raise PayoutsError(f"Nothing is booked for {payee}{_on(day)}: {latest}.")

    def _require_booked(self, day: date, which: str) -> None:
        if not self._is_booked(day):
            raise PayoutsError(f"{day}{which} is not booked yet: 'payouts run {day}' books it.")


def _on(day: date | None) -> str:
    return f" on {day}" if day else ""


def _sentence(code: str | None, details: Mapping[str, Any], billing_type: str, currency: str) -> str | None:
    return sentence(code, details, billing_type, currency) if code else None
