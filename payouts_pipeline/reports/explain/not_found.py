"""Why there is nothing to explain, and where there would be: the refusals of `payouts explain`."""

from datetime import date
from typing import NoReturn

from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, scalar
from payouts_pipeline.ledger.database import sql as ledger_sql
from payouts_pipeline.reports.explain.league_now import FeesNow, LeagueMatch, LeagueNow, MatchName
from payouts_pipeline.reports.queries import sql

_CHECK_ID = "see that the id is right"


def refuse_match(ledger: Connection, match: MatchName, day: date | None, now: FeesNow) -> NoReturn:
    """Say why there is nothing to say about a match."""
    if now.problem:
        raise PayoutsError(f"The ledger has nothing of {match}, and schema 'league' can't be asked: {now.problem}")
    if now.match is None:
        raise PayoutsError(f"There is no {match} in schema 'league'{_on(day)} or in the ledger: {_CHECK_ID}.")
    is_its_day = day in (None, now.match.day)
    _require_booked(ledger, day or now.match.day, f" (the day of {match})" if is_its_day else "")
    if not is_its_day:
        raise PayoutsError(f"Nothing is booked for {match} on {day}: it is of {now.match.day} in schema 'league'.")
    raise PayoutsError(_why_not_booked(match, now.match))


def _why_not_booked(match: MatchName, in_league: LeagueMatch) -> str:
    """Of a match whose day is booked."""
    day = in_league.day
    if in_league.status != "played":
        return f"{match} of {day} is {in_league.status}: only a match that was played has fees."
    if not in_league.player_ids:
        return f"{match} of {day} has no line-up in schema 'league': add it, and its fees follow."
    return f"Nothing is booked for {match} on {day}: 'payouts run {day}' books it."


def refuse_payee(ledger: Connection, league: LeagueNow, payee: Payee, day: date | None) -> NoReturn:
    """Say why there is nothing to say about a player or payee."""
    if not scalar(ledger, ledger_sql("has_account"), payee.parameters) and not league.knows(payee):
        raise PayoutsError(f"There is no {payee} in schema 'league' or in the ledger: {_CHECK_ID}.")
    if day:
        _require_booked(ledger, day, "")
    booked = ledger.execute(sql("explain_days"), payee.parameters).fetchall()
    days = list(dict.fromkeys(str(row[0]) for row in booked))[:3]
    latest = f"the latest days with anything are {', '.join(days)}" if days else "nothing ever was"
    raise PayoutsError(f"Nothing is booked for {payee}{_on(day)}: {latest}.")


def _require_booked(ledger: Connection, day: date, which: str) -> None:
    if not scalar(ledger, ledger_sql("is_booked"), {"day": day}):
        raise PayoutsError(f"{day}{which} is not booked yet: 'payouts run {day}' books it.")


def _on(day: date | None) -> str:
    return f" on {day}" if day else ""
