"""Which payouts go out when our balance at a real emulator does not cover all: in turn, and no more than there is."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import movements
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.movements import FoundMovement
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule, KeySeed
from payouts_pipeline.reports import funds as reported
from payouts_pipeline.settlement.assemble import Settlement, StripeAccount, settlement
from payouts_pipeline.workflow import operator_actions
from payouts_pipeline.workflow.funds import Funds
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import (
    book,
    claim,
    fingerprint,
    ids,
    mark_published,
    pass_time,
    release,
    settle,
)
from payouts_tests.support.stripe_books import Books, make_books

EVE = DAY - timedelta(days=1)
_RESTRICTED = "rk_test_of_a_key_that_may_not_read_the_balance"
TWO_DAYS_H = 49.0


@dataclass
class Nights:
    """Days of one ledger, paid out in parts: made, and shared out by what Stripe or the ledger says is there."""

    books: Books
    parts: Settlement
    database_url: str

    @property
    def ledger(self) -> Connection:
        return self.books.ledger

    def charge(self, day: date = DAY) -> None:
        """The day's fees are collected."""
        book(self.ledger, self.books.source, day)
        settle(self.ledger, day, self.books.pay)

    def open(self, day: date = DAY) -> None:
        """The payouts of the day are made."""
        release(self.ledger, self.books.source, day)

    def share_out(self, day: date = DAY, funds: Funds | None = None) -> int:
        return (funds or self.run()).share_out(day)

    def run(self, *, has_key: bool = True) -> Funds:
        return Funds(self.ledger, (lambda: self.parts) if has_key else None, "test")

    def there_is(self, amount_minor: int, currency: str = "eur") -> None:
        """So much can be transferred now."""
        self.books.emulator.admin.set_balance({currency: amount_minor})

    def payouts(self) -> list[tuple[date, int, str]]:
        """Day, amount and where each stands, in their turn."""
        query = (
            "select i.day, i.amount_minor, case i.status when 'waiting' then i.reason_code else i.status end"
            " from payouts.instructions as i join payouts.accounts as a on a.id = i.account_id"
            " where i.billing_type <> 'player_charge' order by i.day, i.billing_type, a.subject_id, i.sequence"
        )
        return self.ledger.execute(query).fetchall()

    def stand(self) -> list[str]:
        return [status for _, _, status in self.payouts()]

    def hours_to_wait(self) -> set[int]:
        query = "select round(extract(epoch from retry_at - now()) / 3600)::int from payouts.instructions"
        return {hours for (hours,) in self.ledger.execute(f"{query} where status = 'waiting'")}

    def balance_calls(self) -> int:
        return self.books.emulator.admin.counters().get("GET /v1/balance", 0)

    def transfers(self) -> int:
        return self.books.emulator.admin.counters().get("POST /v1/transfers", 0)


@pytest.fixture
def nights(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe, database_url: str
) -> Iterator[Nights]:
    books = make_books(ledger, source, league, emulator)
    with settling(emulator, database_url) as parts:
        yield Nights(books, parts, database_url)


def settling(emulator: EmulatedStripe, database_url: str, api_key: str = API_KEY) -> AbstractContextManager[Settlement]:
    return settlement(database_url, StripeAccount(api_key, emulator.url), threads=1)


def two_clubs(nights: Nights, first_minor: int, second_minor: int, day: date = DAY) -> None:
    """Two clubs that get one fee each on a day, the one with the lower id first."""
    nights.books.player_owes(first_minor, day=day)
    books = nights.books
    other = Books(
        books.ledger, books.source, books.league, books.emulator, books.stripe, books.league.club("acct_other")
    )
    other.player_owes(second_minor, day=day)


def test_what_is_covered_goes_and_the_rest_waits_an_hour(nights: Nights) -> None:
    two_clubs(nights, 1_000, 400)
    nights.charge()
    nights.open()
    nights.there_is(1_399)
    assert nights.share_out() == 0
    assert nights.stand() == ["pending", "funds_pending"]
    assert nights.hours_to_wait() == {1}
    nights.there_is(999)
    nights.share_out()
    assert nights.stand() == ["funds_pending", "funds_pending"]


def test_what_is_there_to_the_cent_covers(nights: Nights) -> None:
    two_clubs(nights, 1_000, 400)
    nights.charge()
    nights.open()
    nights.there_is(1_400)
    before = fingerprint(nights.ledger)
    assert nights.share_out() == 0
    assert nights.stand() == ["pending", "pending"]
    assert fingerprint(nights.ledger) == before


def test_a_small_payout_does_not_overtake_a_large_one(nights: Nights) -> None:
    two_clubs(nights, 1_000, 50)
    nights.charge()
    nights.open()
    nights.there_is(500)
    nights.share_out()
    assert nights.stand() == ["funds_pending", "funds_pending"]


@pytest.mark.parametrize("status", ["published", "sending", "unknown"])
def test_what_is_in_progress_is_spoken_for(nights: Nights, status: str) -> None:
    two_clubs(nights, 1_000, 400, EVE)
    nights.charge(EVE)
    nights.open(EVE)
    mark_published(nights.ledger, ids(nights.ledger, EVE, "pending"))
    if status != "published":
        claim(nights.ledger, ids(nights.ledger, EVE, "published"))
    if status == "unknown":
        settle_as_unknown(nights)
    nights.books.player_owes(600)
    nights.charge()
    nights.open()
    nights.there_is(1_999)
    nights.share_out()
    assert nights.stand() == [status, status, "funds_pending"]
    nights.there_is(2_000)
    pass_time(nights.ledger, 0.4)
    nights.share_out()
    assert nights.stand()[2] == "funds_pending", "its time has not come, and Stripe is not asked"
    pass_time(nights.ledger, 1)
    assert nights.share_out() == 1
    assert nights.stand() == [status, status, "pending"]


def settle_as_unknown(nights: Nights) -> None:
    nights.ledger.execute("update payouts.instructions set leased_until = now() where status = 'sending'")
    nights.ledger.execute(
        "update payouts.instructions set status = 'unknown', reason_code = 'no_answer', retry_at = now(),"
        " leased_until = null where status = 'sending'"
    )


def test_what_another_day_is_about_to_send_is_spoken_for(nights: Nights) -> None:
    """Two runs side by side: the second sees what the first has made and not published yet."""
    two_clubs(nights, 1_000, 400, DAY + timedelta(days=1))
    nights.charge(DAY + timedelta(days=1))
    nights.open(DAY + timedelta(days=1))
    nights.books.player_owes(600)
    nights.charge()
    nights.open()
    nights.there_is(1_400)
    nights.share_out()
    assert nights.stand() == ["funds_pending", "pending", "pending"]


def test_an_older_day_that_waits_comes_first_and_is_woken_once_there_is_enough(nights: Nights) -> None:
    nights.books.player_owes(1_000, day=EVE)
    nights.charge(EVE)
    nights.open(EVE)
    nights.there_is(0)
    nights.share_out(EVE)
    nights.books.player_owes(400)
    nights.charge()
    nights.open()
    nights.there_is(999)
    nights.share_out()
    assert nights.stand() == ["funds_pending", "funds_pending"]
    assert nights.hours_to_wait() == {1}
    pass_time(nights.ledger, 1)
    nights.ledger.execute("update payouts.instructions set retry_at = now() + interval '5 h' where day = %s", (EVE,))
    nights.there_is(1_400)
    assert nights.share_out() == 1
    assert nights.stand() == ["funds_pending", "pending"]
    assert nights.hours_to_wait() == {0}, "the other day's goes with its own run"
    assert nights.share_out(EVE) == 1
    assert nights.stand() == ["pending", "pending"]


def test_a_run_of_many_days_asks_once_and_counts_what_it_has_paid(nights: Nights) -> None:
    nights.books.player_owes(1_000, day=EVE)
    nights.books.player_owes(1_000)
    run = nights.run()
    for day in (EVE, DAY):
        nights.charge(day)
    nights.there_is(1_500)
    before = nights.balance_calls()
    for day in (EVE, DAY):
        nights.open(day)
        nights.share_out(day, run)
        settle(nights.ledger, day, nights.books.pay, "pending", "published")
    assert nights.stand() == ["settled", "funds_pending"]
    assert (nights.balance_calls() - before, run.calls) == (1, 1)
    assert nights.transfers() == 1


def test_a_run_with_nothing_to_pay_does_not_ask(nights: Nights) -> None:
    before = nights.balance_calls()
    nights.share_out()
    two_clubs(nights, 1_000, 400)
    nights.charge()
    nights.share_out()
    nights.open()
    nights.there_is(0)
    nights.share_out()
    assert nights.balance_calls() == before + 1
    for _ in range(3):
        nights.open()
        nights.share_out()
    assert nights.balance_calls() == before + 1


def test_a_wait_that_goes_on_is_no_event(nights: Nights) -> None:
    two_clubs(nights, 1_000, 400)
    nights.charge()
    nights.open()
    nights.there_is(0)
    nights.share_out()
    pass_time(nights.ledger, 1.1)
    events = nights.ledger.execute("select count(*) from payouts.events").fetchall()
    nights.open()
    assert nights.share_out() == 0
    assert nights.hours_to_wait() == {1}
    assert nights.ledger.execute("select count(*) from payouts.events").fetchall() == events


def test_nothing_is_sent_where_stripe_does_not_say_what_is_there(nights: Nights) -> None:
    nights.books.player_owes()
    nights.charge()
    nights.open()
    rule = FaultRule(kind=FaultKind.ERROR_500, method="GET", path_prefix="/v1/balance", times=1)
    nights.books.emulator.admin.add_faults(rule)
    with pytest.raises(
        PayoutsError, match=r"Stripe can't be asked for our balance .*: no payout was sent, so run again"
    ):
        nights.share_out()
    assert nights.stand() == ["pending"]
    nights.share_out()
    assert nights.stand() == ["pending"]


def test_a_key_that_may_not_read_the_balance_pays_nothing_out_and_says_so(nights: Nights, database_url: str) -> None:
    nights.books.player_owes()
    nights.charge()
    nights.open()
    emulator = nights.books.emulator
    allowed = ("rak_accounts_kyc_basic_read", "rak_charge_read", "rak_payment_intent_read", "rak_transfer_read")
    emulator.admin.put_keys(KeySeed(key=_RESTRICTED, permissions=allowed))
    with (
        settling(emulator, database_url, _RESTRICTED) as parts,
        pytest.raises(PayoutsError, match=r"does not tell our balance to this key \(rak_balance_read\): give it"),
    ):
        Funds(nights.ledger, lambda: parts, "test").share_out(DAY)
    assert nights.stand() == ["pending"]


def test_a_currency_without_a_balance_has_a_reason_of_its_own(nights: Nights) -> None:
    nights.books.player_owes(1_000, "NZD")
    book(nights.ledger, nights.books.source, DAY)
    # Stripe has converted what was charged.
    settle(nights.ledger, DAY)
    nights.open()
    nights.share_out()
    assert nights.stand() == ["no_balance_in_currency"]
    nights.there_is(1_000, "nzd")
    pass_time(nights.ledger, 1.1)
    assert nights.share_out() == 1


def test_a_payee_on_hold_is_passed_over(nights: Nights) -> None:
    two_clubs(nights, 1_000, 400)
    nights.charge()
    nights.open()
    nights.there_is(0)
    nights.share_out()
    club = Payee(BillingSubject.CLUB, nights.books.club)
    operator_actions.hold(nights.ledger, nights.books.source, club, "test", "looked into")
    assert nights.stand() == ["held", "funds_pending"]
    nights.there_is(400)
    pass_time(nights.ledger, 1.1)
    nights.open()
    assert nights.share_out() == 1
    assert nights.stand() == ["held", "pending"]
    operator_actions.unhold(nights.ledger, club, "test", "all right")
    nights.open()
    nights.share_out()
    assert nights.stand() == ["funds_pending", "funds_pending"], "its turn is first again"


def test_another_account_in_league_is_taken_and_still_waits(nights: Nights) -> None:
    nights.books.player_owes()
    nights.charge()
    nights.open()
    nights.there_is(0)
    nights.share_out()
    nights.books.league.set("clubs", nights.books.club, stripe_account_id="acct_other")
    nights.open()
    nights.share_out()
    assert nights.stand() == ["funds_pending"]
    named = "select stripe_account_id from payouts.instructions where status = 'waiting'"
    assert nights.ledger.execute(named).fetchall() == [("acct_other",)]


def test_what_is_to_be_cancelled_wants_no_funds(nights: Nights) -> None:
    """Once sent and refused, it is asked about before it is cancelled: that is no payout."""
    two_clubs(nights, 1_000, 400)
    nights.charge()
    nights.open()
    nights.there_is(-10_000)
    settle(nights.ledger, DAY, nights.books.pay)
    assert nights.stand() == ["balance_insufficient", "balance_insufficient"]
    first, _ = ids(nights.ledger, DAY, "waiting")
    operator_actions.cancel(nights.ledger, first, "test", "not owed")
    pass_time(nights.ledger, 1.1)
    nights.open()
    assert nights.stand() == ["pending", "pending"]
    nights.there_is(399)
    nights.share_out()
    assert nights.stand() == ["pending", "funds_pending"]
    pass_time(nights.ledger, 1.1)
    nights.there_is(400)
    assert nights.share_out() == 1


def test_what_has_been_moved_already_wants_no_funds(nights: Nights) -> None:
    """Found after a restore: a worker settles it, with nothing sent."""
    nights.books.player_owes()
    nights.charge()
    nights.open()
    (payout,) = ids(nights.ledger, DAY, "pending")
    found = FoundMovement(
        "tr_lost",
        "transfer",
        payout,
        1,
        str(DAY),
        "club_payout",
        1_000,
        "EUR",
        "acct_club",
        "succeeded",
        datetime.now(UTC),
    )
    movements.keep(nights.ledger, [found], "test")
    nights.there_is(0)
    nights.share_out()
    assert nights.stand() == ["pending"]


def test_what_stripe_refused_all_the_same_keeps_its_turn_and_its_time(nights: Nights) -> None:
    nights.books.player_owes(1_000, day=EVE)
    nights.charge(EVE)
    nights.open(EVE)
    nights.there_is(-10_000)
    settle(nights.ledger, EVE, nights.books.pay)
    nights.books.player_owes(400)
    nights.charge()
    nights.open()
    nights.there_is(1_399)
    nights.share_out()
    assert nights.stand() == ["balance_insufficient", "funds_pending"]
    pass_time(nights.ledger, 1.1)
    nights.open(EVE)
    nights.share_out(EVE)
    assert nights.stand() == ["pending", "funds_pending"]


def test_a_sync_says_until_when_to_wait_and_wakes_what_is_covered_by_then(nights: Nights) -> None:
    emulator = nights.books.emulator.admin
    emulator.set_balance({"eur": 500})
    emulator.set_availability_delay(2 * 86_400)
    nights.books.player_owes(1_000)
    nights.charge()
    nights.open()
    nights.share_out()
    assert nights.hours_to_wait() == {1}
    nights.books.sync()
    assert nights.hours_to_wait() == {48}
    (found,) = reported.forecast(nights.ledger)
    assert (found.waiting_minor, found.available_minor, found.shortfall_minor) == (1_000, 500, 0)
    assert [(step.amount_minor, step.payable_minor) for step in found.steps] == [(1_000 - 59, 1_000)]

    emulator.advance_clock(2 * 86_400 + 1)
    before = nights.balance_calls()
    nights.books.sync()
    assert nights.balance_calls() > before
    assert nights.hours_to_wait() == {0}
    assert nights.share_out() == 1
    nights.books.settle()
    assert nights.stand() == ["settled"]


def test_a_top_up_wakes_what_waits(nights: Nights) -> None:
    two_clubs(nights, 1_000, 400)
    nights.charge()
    nights.open()
    nights.there_is(0)
    nights.share_out()
    nights.books.sync()
    assert nights.hours_to_wait() == {1}
    (found,) = reported.forecast(nights.ledger)
    assert found.shortfall_minor == 1_400
    nights.books.emulator.admin.top_up(1_399, "eur")
    nights.books.sync()
    assert nights.hours_to_wait() == {0, 1}
    (found,) = reported.forecast(nights.ledger)
    assert (found.available_minor, found.payable_minor, found.shortfall_minor) == (1_399, 1_000, 1)
    said = "14.00 EUR wait for our balance at Stripe: 10.00 EUR with the next run. 0.01 EUR are missing"
    assert reported.sentence(found).startswith(said)


def test_where_a_fleet_has_the_key_the_run_goes_by_stripes_journal(nights: Nights) -> None:
    emulator = nights.books.emulator.admin
    emulator.set_balance({"eur": 500})
    emulator.set_availability_delay(2 * 86_400)
    two_clubs(nights, 400, 1_000)
    nights.charge()
    nights.books.sync()
    nights.open()
    nights.share_out(funds=nights.run(has_key=False))
    assert nights.stand() == ["pending", "funds_pending"]
    assert nights.hours_to_wait() == {48}
    before = nights.balance_calls()
    nights.ledger.execute("update payouts.feeds set asked_at = now() - interval '2 hours'")
    pass_time(nights.ledger, TWO_DAYS_H)
    nights.share_out(funds=nights.run(has_key=False))
    assert nights.stand() == ["pending", "funds_pending"], "a journal that is old says nothing"
    assert nights.balance_calls() == before


def test_what_a_fleet_has_just_collected_is_not_counted_before_stripe_lists_it(nights: Nights) -> None:
    nights.books.player_owes(1_000, day=EVE)
    nights.there_is(0)
    nights.charge(EVE)
    nights.books.sync()
    nights.open(EVE)
    nights.books.player_owes(1_000)
    nights.charge()
    nights.open()
    nights.share_out(funds=nights.run(has_key=False))
    assert nights.stand()[-1] == "funds_pending"
    assert reported.forecast(nights.ledger)[0].steps[-1].on is None
