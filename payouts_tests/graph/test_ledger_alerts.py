"""The alerts of what stands in the ledger, as production defines them: each once, and again when it has come back."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import dagster as dg
import pytest

from payouts_pipeline.defs.alerts import AlertTopic, day_due
from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settings import Calendar
from payouts_pipeline.settlement.assemble import StripeAccount, settlement
from payouts_pipeline.workflow import operator_actions, phases
from payouts_pipeline.workflow.funds import Funds
from payouts_pipeline.workflow.payee_accounts import look_at_banks
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import book, release, settle
from payouts_tests.support.stripe_books import Books, make_books

PENDING_S = 2 * 86_400


@cache
def production() -> dg.Definitions:
    return build_defs({})


@dataclass
class Sensor:
    """A production sensor on one ledger, with the cursor that it left behind."""

    database_url: str
    name: str = "alert_on_missing_funds"
    cursor: str | None = None

    def tick(self) -> str:
        defs = production()
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(
                instance=instance,
                cursor=self.cursor,
                repository_def=defs.get_repository_def(),
                resources={
                    "alerts": AlertTopic(topic_arn=None),
                    "ledger": LedgerResource(database_url=self.database_url, source_url=self.database_url),
                },
            )
            data = defs.resolve_sensor_def(self.name).evaluate_tick(context)
        assert not data.run_requests
        self.cursor = data.cursor
        return data.skip_message or ""


@pytest.fixture
def books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe, database_url: str) -> Books:
    """A payout of 10.00 EUR waits, while nothing is there but what its charge has brought, in two days."""
    made = make_books(ledger, source, league, emulator)
    emulator.admin.set_balance({"eur": 0})
    emulator.admin.set_availability_delay(PENDING_S)
    made.player_owes(1_000)
    book(ledger, source, DAY)
    settle(ledger, DAY, made.pay)
    release(ledger, source, DAY)
    with settlement(database_url, StripeAccount(API_KEY, emulator.url), threads=1) as parts:
        Funds(ledger, lambda: parts, "test").share_out(DAY)
    return made


def test_what_is_missing_is_told_once_and_again_after_it_was_covered(books: Books, database_url: str) -> None:
    sensor = Sensor(database_url)
    assert sensor.tick() == "Nothing to report.", "what is there is not known yet"
    books.sync()
    told = sensor.tick()
    assert "Our balance at Stripe does not cover payouts in EUR" in told
    assert "0.59 EUR are missing, and nothing pending covers them: top it up" in told
    assert sensor.tick() == "Nothing to report."
    books.emulator.admin.top_up(59, "eur")
    books.sync()
    assert sensor.tick() == "Nothing to report."
    books.emulator.admin.set_balance({"eur": 0})
    books.sync()
    assert "0.59 EUR are missing" in sensor.tick()


def test_what_is_on_its_way_is_not_missing(books: Books, database_url: str) -> None:
    books.emulator.admin.top_up(59, "eur")
    books.sync()
    assert Sensor(database_url).tick() == "Nothing to report."


def test_a_change_that_waits_is_told_once_and_the_next_one_again(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    def run() -> None:
        splits = split(reader.fees_of_day(source, DAY, SYDNEY))
        phases.open_charges(ledger, source, DAY, splits, "test", change_limit=ChangeLimit(0.2))

    line, sensor = league.fee(league.player(), DAY, 1_000), Sensor(database_url, "alert_on_waiting_changes")
    run()
    assert sensor.tick() == "Nothing to report."
    for amount_minor in (100_000, 200_000):
        league.fee_becomes(line, amount_minor)
        run()
        told = sensor.tick()
        assert f"A change of {DAY} waits for a person" in told
        assert "1 fees would change, and 1 are booked" in told
        assert sensor.tick() == "Nothing to report."
    proposals.accept(ledger, DAY, "ada", "it is right")
    assert sensor.tick() == "Nothing to report."


def test_a_changed_account_is_told_once_until_it_is_confirmed_and_the_next_one_again(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    limits, sensor = Limits(account_rest=timedelta(hours=24)), Sensor(database_url, "alert_on_changed_accounts")
    club = league.club()
    payee = Payee(BillingSubject.CLUB, club)
    for number, account in enumerate(("acct_first", "acct_abcd", "acct_wxyz")):
        day = DAY + timedelta(days=number)
        league.fee(league.player(club), day)
        league.set("clubs", club, stripe_account_id=account)
        book(ledger, source, day)
        settle(ledger, day)
        phases.open_payouts(ledger, source, day, {}, "test", limits)
        told = sensor.tick()
        if number == 0:
            assert told == "Nothing to report."
            continue
        assert f"Payouts to club:{club} are held" in told
        assert account[-4:] in told
        assert account not in told
        assert f"payouts confirm-account club:{club} --reason" in told
        assert sensor.tick() == "Nothing to report."
        operator_actions.confirm_account(ledger, payee, "ada", "asked the treasurer")
        assert sensor.tick() == "Nothing to report."


@pytest.fixture
def paid(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    """Two players have paid 10.00 EUR each, which their club has got."""
    made = make_books(ledger, source, league, emulator)
    for _ in range(2):
        made.player_owes(1_000)
    made.settle()
    made.sync()
    return made


def last_morning() -> tuple[Calendar, date]:
    calendar = Calendar.from_environment({})
    day = day_due(datetime.now(UTC), calendar)
    assert day
    return calendar, day


def happened(books: Books, day: date, calendar: Calendar) -> None:
    """What was taken back came at noon of a day."""
    owner = "alter table payouts.returns {} trigger all"
    books.ledger.execute(owner.format("disable"))
    books.ledger.execute("update payouts.returns set at = %s", (datetime.combine(day, time(12), calendar.timezone),))
    books.ledger.execute(owner.format("enable"))


def test_the_morning_says_once_what_was_taken_back_the_day_before_and_what_to_do(
    paid: Books, database_url: str
) -> None:
    sensor, (calendar, day), api = (
        Sensor(database_url, "alert_on_money_taken_back"),
        last_morning(),
        paid.emulator.sdk(),
    )
    first, second = paid.references()
    (transfer,) = paid.references("club_payout")
    api.v1.refunds.create({"payment_intent": first, "amount": 400})
    (disputed,) = api.v1.charges.list({"payment_intent": second}).data
    paid.emulator.admin.open_dispute(disputed.id)
    api.v1.transfers.reversals.create(transfer, {"amount": 300})
    paid.sync()
    happened(paid, day + timedelta(days=1), calendar)
    assert sensor.tick() == "Nothing to report.", "its morning has not come"
    happened(paid, day, calendar)
    told = sensor.tick()
    assert f"Stripe took money back on {day}: 1 dispute (10.00 EUR), 1 refund (4.00 EUR), " in told
    assert "1 transfer reversal (3.00 EUR). The fees and payouts are held" in told
    assert "payouts unhold" in told
    assert sensor.tick() == "Nothing to report."


def test_a_dispute_that_was_won_by_then_is_nothing_to_decide_on(paid: Books, database_url: str) -> None:
    calendar, day = last_morning()
    (disputed,) = paid.emulator.sdk().v1.charges.list({"payment_intent": paid.references()[0]}).data
    dispute = paid.emulator.admin.open_dispute(disputed.id)
    paid.sync()
    paid.emulator.admin.end_dispute(dispute["id"], is_won=True)
    paid.sync()
    happened(paid, day, calendar)
    assert Sensor(database_url, "alert_on_money_taken_back").tick() == "Nothing to report."


def test_what_a_person_has_decided_on_is_not_told(paid: Books, database_url: str) -> None:
    calendar, day = last_morning()
    paid.emulator.sdk().v1.refunds.create({"payment_intent": paid.references()[0]})
    paid.sync()
    ((player,),) = paid.ledger.execute("select player_id from payouts.held_fees").fetchall()
    operator_actions.unhold(paid.ledger, Payee(BillingSubject.PLAYER, player), "ada", "they pay again")
    happened(paid, day, calendar)
    assert Sensor(database_url, "alert_on_money_taken_back").tick() == "Nothing to report."


def test_a_bank_that_sends_money_back_is_told_once_and_another_payout_again(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe, database_url: str
) -> None:
    books, sensor = make_books(ledger, source, league, emulator), Sensor(database_url, "alert_on_failing_banks")
    books.player_owes(1_000)
    books.settle()
    books.sync()
    assert sensor.tick() == "Nothing to report."
    for amount in (100, 200):
        payout = emulator.admin.begin_payout("eur", amount, account="acct_club")
        emulator.admin.end_payout(payout["id"], account="acct_club", failure_code="account_closed")
        ledger.execute("update payouts.bank_looks set asked_at = asked_at - interval '25 hours'")
        look_at_banks(ledger, lambda: settlement(database_url, StripeAccount(API_KEY, emulator.url), threads=1))
        told = sensor.tick()
        assert f"Money does not reach the bank of club:{books.club}" in told
        assert f"the payout of {amount // 100}.00 EUR" in told
        assert "po_" not in told, "no id of Stripe"
        assert sensor.tick() == "Nothing to report."
