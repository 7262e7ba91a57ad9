"""A ledger is booked in one timezone: in another, the same day has other matches."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.bookings import keep_timezone
from payouts_pipeline.ledger.database import Connection
from payouts_tests.conftest import Connect
from payouts_tests.support.command_line import payouts
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.worlds import YESTERDAY, World


def test_the_first_timezone_is_kept_and_another_is_refused(ledger: Connection) -> None:
    keep_timezone(ledger, "Europe/Berlin")
    keep_timezone(ledger, "Europe/Berlin")
    with pytest.raises(PayoutsError, match="set PAYOUTS_TIMEZONE=Europe/Berlin"):
        keep_timezone(ledger, "Australia/Sydney")


def test_two_first_bookings_at_once_agree(connect: Connect) -> None:
    first, second = connect(), connect()
    with ThreadPoolExecutor(1) as threads:
        with first.transaction():
            keep_timezone(first, "Europe/Berlin")
            waiting = threads.submit(keep_timezone, second, "Europe/Berlin")
            with suppress(TimeoutError):
                waiting.result(0.3)
        waiting.result(10)


def test_a_run_in_another_timezone_books_nothing_and_an_unbooked_day_says_so(world: World) -> None:
    unbooked = payouts(world, "status", YESTERDAY)
    assert f"{YESTERDAY} is not booked yet" in unbooked.stdout
    assert payouts(world, "run", YESTERDAY).returncode == 0
    before = fingerprint(world.connect())
    refused = payouts(world.but(PAYOUTS_TIMEZONE="Pacific/Auckland"), "run", YESTERDAY)
    assert refused.returncode == 1
    assert "PAYOUTS_TIMEZONE is Pacific/Auckland, but the ledger is booked in Australia/Sydney" in refused.stderr
    assert fingerprint(world.connect()) == before
