"""Booking a day: what is written, that it is written once, and what is held out."""

from datetime import date

import pytest

from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import league as league_reader
from payouts_pipeline.ledger import stages
from payouts_pipeline.ledger.database import Connection
from payouts_tests import oracle
from payouts_tests.leagues import SYDNEY, League
from payouts_tests.ledger_steps import ACTOR, account, book, fingerprint, instructions, materialise, release, settle, violations

DAY = date(2026, 3, 7)


def test_line_moved_to_another_match_of_the_day(ledger: Connection, source: Connection, league: League) -> None:
    competition = league.priced()
    player = league.player()
    line = league.plays(league.match(competition, DAY), player)
    book(ledger, source, DAY)
    league.set("match_players", line, match_id=league.match(competition, DAY))
    book(ledger, source, DAY)
    assert account(ledger, "player", player)[0] == 1000
    assert violations(ledger) == {}
