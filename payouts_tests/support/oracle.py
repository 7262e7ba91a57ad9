"""What should come of a day, computed from schema `league` alone, with fractions and loops.

It shares no code with the product, so that the same mistake would have to be made twice.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

Payee = tuple[str, int]
Account = tuple[str, int, str]

_STEPS = {"BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10, "ISK": 100, "UGX": 100}
_CURRENCIES = {"AUD", "EUR", "GBP", "ISK", "JPY", "KWD", "USD"}
_RANK = {"club": 0, "organiser": 1, "partner": 2, "platform": 3}
# Of the currencies that the random leagues use.
_LARGEST_MINOR = 99_999_999


@dataclass(frozen=True)
class Fee:
    """What one player owes for one match, and whose it is; whether the line-up itself says for which club."""

    match_player_id: int
    match_id: int
    names_club: bool
    player_id: int
    currency: str
    amount_minor: int
    shares: dict[Payee, int]


def fees_of_day(connection: Connection[Any], day: date, timezone: ZoneInfo) -> tuple[list[Fee], set[int]]:
    """The good fees of a local day, and the line-up rows that must be held out."""
    good: list[Fee] = []
    held_out: set[int] = set()
    for row in _played(connection, day, timezone):
        fee = _fee(connection, day, *row)
        if fee is None:
            held_out.add(row[0])
        else:
            good.append(fee)
    return good, held_out


class BookedDays:
    """What the days that were materialised have booked, each as the league was then."""

    def __init__(self, connection: Connection[Any], timezone: ZoneInfo) -> None:
        self._connection, self._timezone = connection, timezone
        self.fees: dict[date, list[Fee]] = {}

    def materialised(self, day: date) -> None:
        """The day was booked just now.

        A match stays with the day that has booked it until that day has let go of it; a fee stays with its organiser,
        and with its club unless the line-up names one.
        """
        elsewhere = {fee.match_id for of, fees in self.fees.items() if of != day for fee in fees if fee.amount_minor}
        before = {(fee.match_id, fee.player_id): fee for fee in self.fees.get(day, []) if fee.amount_minor}
        found = fees_of_day(self._connection, day, self._timezone)[0]
        here = [fee for fee in found if fee.match_id not in elsewhere]
        self.fees[day] = [_as_first_booked(fee, before.get((fee.match_id, fee.player_id))) for fee in here]

    @property
    def positions(self) -> Counter[Account]:
        """What is booked on each account."""
        return positions([fee for fees in self.fees.values() for fee in fees])


def _as_first_booked(fee: Fee, before: Fee | None) -> Fee:
    stays = {"organiser"} if fee.names_club else {"organiser", "club"}
    ids = {subject: row for (subject, row), share in (before.shares if before else {}).items() if share}
    shares = {
        (subject, ids.get(subject, row) if subject in stays else row): share
        for (subject, row), share in fee.shares.items()
    }
    return replace(fee, shares=shares)


def positions(fees: list[Fee]) -> Counter[Account]:
    """What is booked on each account: what players owe, what payees are owed."""
    accounts: Counter[Account] = Counter()
    for fee in fees:
        accounts["player", fee.player_id, fee.currency] += fee.amount_minor
        for (subject, subject_id), amount_minor in fee.shares.items():
            accounts[subject, subject_id, fee.currency] += amount_minor
    return Counter({account: amount for account, amount in accounts.items() if amount})


def split(
    fee_minor: int, step: int, largest_minor: int, shares: list[tuple[str, int, int, int]]
) -> dict[Payee, int] | None:
    """The amounts of (subject, partner id, fixed, basis points); None where they can't be split."""
    fixed = sum(share[2] for share in shares)
    bad_parts = any(share[2] < 0 or share[3] < 0 or share[2] % step for share in shares)
    if not 0 <= fee_minor <= largest_minor or fee_minor % step or bad_parts or fixed > fee_minor:
        return None
    if sum(share[3] for share in shares) != 10_000:
        return None
    exact = {
        (_RANK[subject], partner): Fraction((fee_minor - fixed) * bps, 10_000 * step)
        for subject, partner, bps in _added_up(shares)
    }
    whole = {payee: int(part) for payee, part in exact.items()}
    missing = (fee_minor - fixed) // step - sum(whole.values())
    for payee in sorted(exact, key=lambda p: (whole[p] - exact[p], p))[:missing]:
        whole[payee] += 1
    amounts = Counter({payee: steps * step for payee, steps in whole.items()})
    for subject, partner, fixed_minor, _ in shares:
        amounts[_RANK[subject], partner] += fixed_minor
    names = {rank: name for name, rank in _RANK.items()}
    return {(names[rank], partner): amount for (rank, partner), amount in amounts.items()}


def _added_up(shares: list[tuple[str, int, int, int]]) -> list[tuple[str, int, int]]:
    bps: Counter[tuple[str, int]] = Counter()
    for subject, partner, _, share_bps in shares:
        bps[subject, partner] += share_bps
    return [(*payee, total) for payee, total in bps.items()]


def _played(connection: Connection[Any], day: date, timezone: ZoneInfo) -> list[tuple[Any, ...]]:
    rows = connection.execute(
        "select mp.id, mp.match_id, mp.club_id is not null, mp.player_id, coalesce(mp.club_id, p.club_id), c.id,"
        " c.organiser_id, m.kicked_off_at"
        " from league.match_players mp, league.matches m, league.competitions c, league.players p"
        " where m.id = mp.match_id and c.id = m.competition_id and p.id = mp.player_id and m.status = 'played'"
    ).fetchall()
    return [row[:-1] for row in rows if row[-1].astimezone(timezone).date() == day]


def _fee(connection: Connection[Any], day: date, *row: Any) -> Fee | None:
    line, match, names_club, player, club, competition, organiser = row
    terms = connection.execute(
        "select id, currency, fee_minor from league.fee_structures where competition_id = %s and effective_from <= %s"
        " order by effective_from desc limit 1",
        (competition, day),
    ).fetchone()
    if terms is None or terms[1] not in _CURRENCIES:
        return None
    rows = connection.execute(
        "select billing_subject, coalesce(partner_id, 0), fixed_minor, share_bps from league.fee_shares"
        " where fee_structure_id = %s",
        (terms[0],),
    ).fetchall()
    if any(subject not in _RANK for subject, *_ in rows):
        return None
    amounts = split(terms[2], _STEPS.get(terms[1], 1), _LARGEST_MINOR, rows)
    if amounts is None:
        return None
    ids = {"club": club, "organiser": organiser, "platform": 0}
    shares = {(subject, ids.get(subject, partner)): amount for (subject, partner), amount in amounts.items()}
    return Fee(line, match, names_club, player, terms[1], terms[2], shares)
