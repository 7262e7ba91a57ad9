"""Writes leagues for tests, one readable line for each thing; whatever a test does not care about has a default."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from payouts_pipeline.ledger.database import Connection

SYDNEY = ZoneInfo("Australia/Sydney")
LONDON = ZoneInfo("Europe/London")
# A Saturday, on which the tests play.
DAY = date(2026, 3, 7)
# Where it is noon now, so that last night is over; whole hours from UTC.
NOON = ZoneInfo(f"Etc/GMT{datetime.now(UTC).hour - 12:+d}")
LAST_NIGHT = datetime.now(NOON).date() - timedelta(days=1)

# A row of league.fee_shares: billing subject, partner, fixed part and basis points.
ShareRow = tuple[str | None, int | None, int | None, int | None]
CLUB_TAKES_ALL: tuple[ShareRow, ...] = (("club", None, 0, 10_000),)


@dataclass
class League:
    """Schema `league` on one connection. Ids are counted over all tables, so that no two things share one."""

    connection: Connection
    timezone: ZoneInfo = SYDNEY
    _ids: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def organiser(self, account: str | None = "") -> int:
        return self._insert("organisers", name="Organiser", stripe_account_id=account)

    def club(self, account: str | None = "") -> int:
        return self._insert("clubs", name="Club", stripe_account_id=account)

    def partner(self, account: str | None = "") -> int:
        return self._insert("partners", name="Partner", stripe_account_id=account)

    def player(self, club: int | None = None, customer: str | None = "", method: str | None = None) -> int:
        return self._insert(
            "players",
            name="Player",
            club_id=club or self.club(),
            stripe_customer_id=customer,
            stripe_payment_method_id=method,
        )

    def competition(self, organiser: int | None = None) -> int:
        return self._insert("competitions", name="Competition", organiser_id=organiser or self.organiser())

    def terms(
        self,
        competition: int,
        fee_minor: int = 1_000,
        currency: str = "EUR",
        shares: Iterable[ShareRow] = CLUB_TAKES_ALL,
        effective_from: date = date(2020, 1, 1),
    ) -> int:
        structure = self._insert(
            "fee_structures",
            competition_id=competition,
            effective_from=effective_from,
            currency=currency,
            fee_minor=fee_minor,
        )
        self.shares(structure, shares)
        return structure

    def shares(self, structure: int, shares: Iterable[ShareRow]) -> None:
        """Put these share rows in the place of the structure's own."""
        self.connection.execute("delete from league.fee_shares where fee_structure_id = %s", (structure,))
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "insert into league.fee_shares values (%s, %s, %s, %s, %s)", [(structure, *row) for row in shares]
            )

    def priced(self, fee_minor: int = 1_000, currency: str = "EUR", shares: Iterable[ShareRow] = CLUB_TAKES_ALL) -> int:
        """A competition with terms."""
        competition = self.competition()
        self.terms(competition, fee_minor, currency, shares)
        return competition

    def match(self, competition: int, at: date | datetime, status: str = "played") -> int:
        """A match at an instant, or at three in the afternoon of a local day."""
        kicked_off_at = at if isinstance(at, datetime) else datetime.combine(at, time(15), self.timezone)
        return self._insert("matches", competition_id=competition, kicked_off_at=kicked_off_at, status=status)

    def plays(self, match: int, player: int, club: int | None = None) -> int:
        return self._insert("match_players", match_id=match, player_id=player, club_id=club)

    def fee(self, player: int, day: date, fee_minor: int = 1_000, currency: str = "EUR", **terms: Any) -> int:
        """A player in the only line-up of a match of its own; the id of the line-up's row."""
        return self.plays(self.match(self.priced(fee_minor, currency, **terms), day), player)

    def set(self, table: str, row: int, **values: Any) -> None:
        """Correct columns of one row."""
        assignments = ", ".join(f"{name} = %({name})s" for name in values)
        self.connection.execute(f"update league.{table} set {assignments} where id = %(id)s", values | {"id": row})  # noqa: S608

    def fee_becomes(self, match_player: int, fee_minor: int) -> None:
        """Correct the terms of a fee that was made by `fee`."""
        self.connection.execute(
            "update league.fee_structures set fee_minor = %s where competition_id = (select competition_id"
            " from league.match_players join league.matches as m on m.id = match_id where match_players.id = %s)",
            (fee_minor, match_player),
        )

    def strike_off(self, match_player: int) -> None:
        self.connection.execute("delete from league.match_players where id = %s", (match_player,))

    def _insert(self, table: str, **values: Any) -> int:
        row = next(iter(self._ids))
        values = {name: _named(name, row) if value == "" else value for name, value in values.items()}
        names = ", ".join(["id", *values])
        places = ", ".join(["%s"] * (len(values) + 1))
        self.connection.execute(f"insert into league.{table} ({names}) values ({places})", [row, *values.values()])  # noqa: S608
        return row


def _named(column: str, row: int) -> str:
    return f"cus_{row}" if column == "stripe_customer_id" else f"acct_{row}"
