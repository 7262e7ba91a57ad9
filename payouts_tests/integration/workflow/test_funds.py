"""Card money that is pending at Stripe: payouts wait for it in turn, and nothing is sent that Stripe would refuse."""

from collections import Counter
from datetime import timedelta

import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin
from payouts_tests.support.ledger_steps import fingerprint, pass_time, violations
from payouts_tests.support.materialising import day_by_day
from payouts_tests.support.worlds import YESTERDAY, World

PENDING = timedelta(days=2)
TRANSFERS, BALANCE = "POST /v1/transfers", "GET /v1/balance"
MONEY = ["matches", "splits", "collected_fees", "settled_payouts"]
HOURS = PENDING.total_seconds() / 3600


@pytest.fixture
def pending(world: World) -> World:
    """An installation where card money is pending for two days."""
    world.emulator().set_availability_delay(int(PENDING.total_seconds()))
    return world


def statuses(ledger: Connection) -> dict[str, int]:
    """How many payouts are in each status, with the code of those that wait."""
    query = (
        "select case status when 'waiting' then reason_code else status end, count(*) from payouts.instructions"
        " where billing_type <> 'player_charge' group by 1"
    )
    return dict(ledger.execute(query).fetchall())


def calls(emulator: EmulatorAdmin, before: dict[str, int]) -> Counter[str]:
    """What was asked of Stripe since."""
    after = Counter(emulator.counters())
    after.subtract(before)
    return after


def pass_days(world: World, ledger: Connection) -> None:
    """For us and for Stripe, until what was pending is available."""
    world.emulator().advance_clock(int(PENDING.total_seconds()) + 1)
    pass_time(ledger, HOURS)


def test_pending_money_costs_no_refused_transfer_and_pays_on_the_first_run_after(pending: World) -> None:
    ledger, emulator = pending.connect(), pending.emulator()
    assert day_by_day(pending, [YESTERDAY], MONEY).success
    waiting = statuses(ledger)
    assert waiting.keys() == {"funds_pending", "held"}, waiting
    assert emulator.counters()[BALANCE] == 1
    assert TRANSFERS not in emulator.counters()

    before, called = fingerprint(ledger), emulator.counters()
    for _ in range(10):
        day_by_day(pending, [YESTERDAY], MONEY)
    assert fingerprint(ledger) == before
    assert not +calls(emulator, called)

    pass_days(pending, ledger)
    called = emulator.counters()
    day_by_day(pending, [YESTERDAY], MONEY)
    assert statuses(ledger) == {"settled": waiting["funds_pending"], "held": waiting["held"]}
    since = calls(emulator, called)
    assert since[BALANCE] == 1
    assert since[TRANSFERS] == waiting["funds_pending"]
    assert ledger.execute(
        "select max(number), count(*) from payouts.attempts where code is not null and stripe_account_id is not null"
    ).fetchall() == [(None, 0)]
    assert violations(ledger) == {}
