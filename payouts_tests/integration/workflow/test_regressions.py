"""Faults that the tests at random have found, each by name, so that none comes back."""

from datetime import date

from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import account, materialise

DAY = date(2026, 5, 2)


def test_a_payee_who_got_too_much_is_not_paid_more_while_the_raised_fee_is_not_collected(
    ledger: Connection, source: Connection, league: League
) -> None:
    """Its negative balance has to be worked off first (rule of money 6), whatever the player still owes."""
    club, other_club = league.club(), league.club()
    line = league.fee(league.player(club), DAY, 1_000)
    materialise(ledger, source, DAY)
    assert account(ledger, "club", club) == (1_000, 1_000, 0, 1_000)

    # The player was lined up for another club, and the fee was higher by less than the minimum charge.
    league.set("match_players", line, club_id=other_club)
    league.fee_becomes(line, 1_020)
    league.fee(league.player(club), DAY, 500)
    materialise(ledger, source, DAY)
    materialise(ledger, source, DAY)

    booked_minor, _, in_flight_minor, settled_minor = account(ledger, "club", club)
    assert booked_minor == 500
    assert in_flight_minor + settled_minor == 1_000, "it had 1,000 and is owed 500: nothing more is due"
    assert account(ledger, "club", other_club) == (1_020, 1_000, 0, 1_000), "what was collected is the new club's"
