"""Whether what schema `league` says is as agreed: its words, ids and keys, of a day or of all of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from payouts_pipeline.domain import calendar
from payouts_pipeline.domain.league_findings import LeagueOfDay
from payouts_pipeline.domain.words import Twice, Word
from payouts_pipeline.league.contract import sql
from payouts_pipeline.league.reader import repeated, snapshot
from payouts_pipeline.ledger.database import Connection, Parameters

_FAR_APART = ("Pacific/Kiritimati", "Pacific/Pago_Pago")


@repeated
def league_of_day(
    connection: Connection, day: date, timezone: ZoneInfo, long_ago: datetime, player_ids: Sequence[int]
) -> LeagueOfDay:
    """The words of the day, and the ids that stand twice, of players only these.

    Matches that kicked off before ``long_ago`` should be over.
    """
    kicked_off_from, kicked_off_before = calendar.bounds(day, timezone)
    period = {"kicked_off_from": kicked_off_from, "kicked_off_before": kicked_off_before}
    return _said(connection, {**period, "day": day, "long_ago": long_ago, "player_ids": list(player_ids)})


@repeated
def whole_league(connection: Connection) -> LeagueOfDay:
    """The same of all days, and the keys of line-ups and terms that stand twice; it takes as long as that takes."""
    period = {"kicked_off_from": "-infinity", "kicked_off_before": "infinity"}
    parameters = {**period, "day": None, "long_ago": datetime.max.replace(tzinfo=UTC), "player_ids": None}
    return _said(connection, parameters, sql("league_keys_twice"))


def _said(connection: Connection, parameters: Parameters, *keys_twice: str) -> LeagueOfDay:
    """What schema `league` says, as of one moment."""
    with snapshot(connection):
        words = connection.execute(sql("league_words"), parameters).fetchall()
        queries = (sql("league_ids_twice"), *keys_twice)
        twice = [row for query in queries for row in connection.execute(query, parameters)]
    return LeagueOfDay([Word(*row) for row in words], [Twice(*row) for row in twice])


@repeated
def depends_on_timezone(connection: Connection) -> bool:
    """Whether the kick-offs change with the timezone of the session, as those of a view do that casts them."""
    found = []
    for timezone in _FAR_APART:
        with snapshot(connection):
            connection.execute(sql("in_timezone"), {"timezone": timezone})
            found.append(connection.execute(sql("league_kick_offs")).fetchall())
    return found[0] != found[1]
