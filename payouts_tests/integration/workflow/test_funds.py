"""Card money that is pending at Stripe: payouts wait for it in turn, and nothing is sent that Stripe would refuse."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from click.testing import CliRunner

from payouts_pipeline.cli.main import payouts
from payouts_pipeline.domain.currencies import format_minor
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


def test_a_night_says_what_waits_until_when_and_pays_it_then(pending: World) -> None:
    """With the journal read, as the nightly job does: on the asset, in `status`, and by the next run."""
    ledger = pending.connect()
    (page,) = day_by_day(pending, [YESTERDAY]).asset_materializations_for_node("settled_payouts")
    waiting = waits(ledger)
    assert {amount.split()[1] for amount in waiting} == {"AUD", "EUR", "JPY", "KWD"}
    shown = str(page.metadata["waits_for_our_balance"].value)
    assert all(f"{amount} wait for our balance at Stripe" in shown for amount in waiting)

    with pending.entered():
        as_json = CliRunner().invoke(payouts, ["status", str(YESTERDAY), "--json"])
        as_text = CliRunner().invoke(payouts, ["status", str(YESTERDAY)])
    ((on,),) = ledger.execute(
        "select distinct (available_on at time zone 'UTC')::date::text from payouts.balance_transactions"
        " where available_on > now()"
    ).fetchall()
    document = json.loads(as_json.stdout)
    assert set(document) == {"days", "funds", "banks", "left_standing"}
    assert [format_minor(each["waiting_minor"], each["currency"]) for each in document["funds"]] == waiting
    for each in document["funds"]:
        assert (each["available_minor"], each["payable_minor"], each["shortfall_minor"]) == (0, 0, 0)
        assert [(step["on"], step["payable_minor"]) for step in each["arriving"]] == [(on, each["waiting_minor"])]
    for amount in waiting:
        assert f"waits  {amount} wait for our balance at Stripe: {amount} from {on} on." in as_text.stdout

    pass_days(pending, ledger)
    day_by_day(pending, [YESTERDAY])
    assert waits(ledger) == []


def waits(ledger: Connection) -> list[str]:
    """The payouts that wait, by currency."""
    query = (
        "select currency, sum(amount_minor)::bigint from payouts.instructions"
        " where status = 'waiting' and reason_code = 'funds_pending' group by 1 order by 1"
    )
    return [format_minor(amount, currency) for currency, amount in ledger.execute(query)]
