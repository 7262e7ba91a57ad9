"""Explanations for tests, and what must hold of all of them together: they add up to the accounts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.explain.assemble import assemble
from payouts_pipeline.reports.explain.documents import (
    AT_ITS_END,
    AccountExplained,
    Explained,
    FeesExplained,
    InstructionExplained,
    Part,
    PayeeDayExplained,
    Place,
)
from payouts_pipeline.reports.explain.fetch import fetch
from payouts_pipeline.reports.explain.league_now import LeagueNow, MatchName
from payouts_pipeline.reports.explain.snapshot import Subject
from payouts_tests.support.leagues import SYDNEY


class Explain:
    """Asks for explanations as `payouts explain` does; without a source, as if `league` could not be read."""

    def __init__(
        self, ledger: Connection, source: Connection | None, minimums_minor: Mapping[str, int] | None = None
    ) -> None:
        self.ledger, self._league, self._minimums_minor = ledger, LeagueNow(source, SYDNEY), minimums_minor or {}

    def __call__(self, subject: Subject, day: date | None = None) -> Explained:
        return assemble(fetch(self.ledger, self._league, subject, day, self._minimums_minor))

    def match(self, match_id: int, day: date | None = None) -> FeesExplained:
        found = self(MatchName(match_id), day)
        assert isinstance(found, FeesExplained)
        return found

    def player_day(self, player_id: int, day: date) -> FeesExplained:
        found = self(Payee(BillingSubject.PLAYER, player_id), day)
        assert isinstance(found, FeesExplained)
        return found

    def payee_day(self, subject: str, subject_id: int, day: date) -> PayeeDayExplained:
        found = self(Payee(BillingSubject(subject), subject_id), day)
        assert isinstance(found, PayeeDayExplained)
        return found

    def account(self, subject: str, subject_id: int) -> AccountExplained:
        found = self(Payee(BillingSubject(subject), subject_id))
        assert isinstance(found, AccountExplained)
        return found

    def instruction(self, instruction_id: UUID) -> InstructionExplained:
        found = self(instruction_id)
        assert isinstance(found, InstructionExplained)
        return found


def parts_of(explained: PayeeDayExplained) -> list[Part]:
    return [part for each in explained.shares for part in each.share.parts]


def places(parts: Iterable[Part]) -> dict[Place, int]:
    """How much is where."""
    found: Counter[Place] = Counter()
    for part in parts:
        found[part.place] += part.amount_minor
    return dict(found)


def require_adds_up(explain: Explain) -> None:
    """Every explanation of a ledger against the tables that it does not read its sums from."""
    accounts = explain.ledger.execute(
        "select subject, subject_id, currency, booked_minor, released_minor, in_flight_minor, settled_minor"
        " from payouts.accounts where subject in ('player', 'club', 'organiser', 'partner')"
    ).fetchall()
    for subject, subject_id, *amounts in accounts:
        account = explain.account(subject, subject_id)
        _require_overview_adds_up(account, *amounts)
        days = [each.day for each in account.days if each.currency == amounts[0]]
        if subject == "player":
            _require_player_adds_up(explain, subject_id, days, *amounts)
        else:
            _require_payee_adds_up(explain, subject, subject_id, days, *amounts)
    _require_matches_add_up(explain)
    _require_instructions_add_up(explain)


def _require_overview_adds_up(
    account: AccountExplained, currency: str, booked: int, released: int, in_flight: int, paid: int
) -> None:
    (position,) = [each for each in account.accounts if each.currency == currency]
    assert position.booked_minor == position.settled_minor + position.in_flight_minor + position.open_minor == booked
    assert sum(each.booked_minor for each in account.days if each.currency == currency) == booked
    moves = [each for each in account.instructions if each.currency == currency]
    assert sum(each.amount_minor for each in moves if each.status == "settled") == paid
    assert sum(each.amount_minor for each in moves if each.status not in ("settled", "cancelled")) == in_flight
    if account.subject.startswith("player"):
        open_fees = [fee for fee in account.open_fees if fee.currency == currency]
        assert sum(fee.amount_minor for fee in open_fees) == booked - released
    else:
        waiting = sum(each.amount_minor for each in account.uncollected if each.currency == currency)
        payable = sum(each.amount_minor for each in account.unpaid if each.currency == currency)
        assert (waiting, payable) == (booked - released, released - in_flight - paid)


def _require_player_adds_up(
    explain: Explain, player_id: int, days: list[date], currency: str, booked: int, released: int, *_: int
) -> None:
    fees = [fee for day in days for fee in explain.player_day(player_id, day).fees if fee.currency == currency]
    found = places(part for fee in fees for part in fee.parts)
    assert sum(found.values()) == booked
    assert sum(amount for place, amount in found.items() if place in AT_ITS_END) == released
    _require_reasons(part for fee in fees for share in fee.shares for part in [*fee.parts, *share.parts])


def _require_payee_adds_up(
    explain: Explain,
    subject: str,
    subject_id: int,
    days: list[date],
    currency: str,
    booked: int,
    released: int,
    in_flight: int,
    paid: int,
) -> None:
    explained = [explain.payee_day(subject, subject_id, day) for day in days]
    shares = [share for each in explained for share in each.shares if share.currency == currency]
    parts = [part for each in shares for part in each.share.parts]
    wanted = {
        Place.PAID: paid,
        Place.IN_PAYOUT: in_flight,
        Place.PAYABLE: released - in_flight - paid,
        Place.NOT_COLLECTED: booked - released,
    }
    assert {p: n for p, n in places(parts).items() if n} == {p: n for p, n in wanted.items() if n}
    totals = [total for each in explained for total in each.totals if total.currency == currency]
    assert sum(total.amount_minor for total in totals) == booked
    _require_reasons(parts)


def _require_reasons(parts: Iterable[Part]) -> None:
    for part in parts:
        is_open = part.place not in AT_ITS_END
        assert (bool(part.why), bool(part.next_step)) == (is_open, is_open), part


def _require_matches_add_up(explain: Explain) -> None:
    """All matches together are all that the players owe, and each fee is what its shares add up to."""
    sums: Counter[str] = Counter()
    for (match_id,) in explain.ledger.execute("select distinct match_id from payouts.fees").fetchall():
        days = explain.ledger.execute("select distinct day from payouts.fees where match_id = %s", (match_id,))
        explained = explain.match(match_id)
        assert explained.days == sorted(row[0] for row in days)
        for fee in explained.fees:
            assert fee.amount_minor == sum(share.amount_minor for share in fee.shares)
            assert fee.amount_minor == sum(part.amount_minor for part in fee.parts)
            sums[fee.currency] += fee.amount_minor
    booked: dict[str, Any] = dict(
        explain.ledger.execute(
            "select currency, sum(booked_minor)::bigint from payouts.accounts where subject = 'player' group by 1"
        ).fetchall()
    )
    assert dict(sums) == booked


def _require_instructions_add_up(explain: Explain) -> None:
    for (instruction_id,) in explain.ledger.execute("select id from payouts.instructions").fetchall():
        explained = explain.instruction(instruction_id)
        move = explained.instruction
        assert explained.events[-1].to_status == move.status
        assert bool(move.next_step) == (move.status != "settled")
        if move.status == "cancelled":
            assert explained.covered_minor == 0
        elif move.is_charge:
            assert explained.covered_minor >= move.amount_minor, "a credit pays for the rest"
        else:
            assert explained.covered_minor == move.amount_minor
