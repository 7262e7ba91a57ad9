"""The sensor that follows Stripe, as production defines it: one call when nothing has happened, and all that did."""

from dataclasses import dataclass, field
from functools import cache

import dagster as dg
import pytest

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.instructions import days_due
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule, OtherAnswer
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import fingerprint, violations, waiting
from payouts_tests.support.stripe_books import Books, make_books

_WITHOUT_FOLLOWING = {"PAYOUTS_SYNC_EVERY_S": "0"}


@cache
def production() -> tuple[dg.SensorDefinition, dg.RepositoryDefinition]:
    defs = build_defs({})
    return defs.resolve_sensor_def("follow_stripe"), defs.get_repository_def()


@dataclass
class Follower:
    """The production sensor on one ledger and emulator; ``calls`` are those of its last tick."""

    database_url: str
    emulator: EmulatedStripe
    api_key: str = API_KEY
    workers: int = 2
    calls: dict[str, int] = field(default_factory=dict)

    def tick(self) -> str:
        sensor, repository = production()
        resources = {
            "ledger": LedgerResource(database_url=self.database_url, source_url=self.database_url),
            "stripe": StripeResource(api_key=self.api_key, api_base=self.emulator.url, workers=self.workers),
        }
        before = self.emulator.admin.counters()
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance=instance, repository_def=repository, resources=resources)
            found = sensor.evaluate_tick(context)
        after = self.emulator.admin.counters()
        self.calls = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}
        assert not found.run_requests
        return str(found.skip_message)


@pytest.fixture
def books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    made = make_books(ledger, source, league, emulator)
    made.player_owes()
    return made


@pytest.fixture
def follower(database_url: str, emulator: EmulatedStripe) -> Follower:
    return Follower(database_url, emulator)


def test_a_day_is_brought_in_and_then_one_call_says_that_nothing_happened(books: Books, follower: Follower) -> None:
    books.settle()
    assert "new lines of its journal" in follower.tick()
    books.assert_equal()
    before = fingerprint(books.ledger)
    assert follower.tick() == "Nothing happened at Stripe."
    assert follower.calls == {"GET /v1/events": 1}
    assert fingerprint(books.ledger) == before


def test_a_refund_by_hand_is_brought_in_by_the_next_tick(books: Books, follower: Follower) -> None:
    books.settle()
    follower.tick()
    (charge,) = books.references()
    books.emulator.sdk().v1.refunds.create({"payment_intent": charge})
    assert "1 new lines of its journal, 1 entered" in follower.tick()
    books.assert_equal()
    assert follower.tick() == "Nothing happened at Stripe."


def test_an_event_that_comes_late_is_no_news_twice(books: Books, follower: Follower) -> None:
    books.settle()
    follower.tick()
    for _ in range(3):
        books.emulator.admin.top_up(100, "eur")
        assert "1 new lines" in follower.tick()
    assert follower.tick() == "Nothing happened at Stripe."


def test_events_that_never_come_are_made_up_for(books: Books, follower: Follower) -> None:
    books.settle()
    follower.tick()
    books.emulator.admin.book_transaction("stripe_fee", -120, "eur")
    assert follower.tick() == "Nothing happened at Stripe."
    books.ledger.execute("update payouts.feeds set asked_at = now() - interval '16 minutes'")
    assert "0 events at Stripe: 1 new lines" in follower.tick()
    books.assert_equal()


def test_a_ledger_without_an_account_is_left_alone(
    ledger: Connection, emulator: EmulatedStripe, follower: Follower
) -> None:
    assert "no call at Stripe yet" in follower.tick()
    assert follower.calls == {}
    assert ledger.execute("select provider_account from payouts.identity").fetchall() == [(None,)]


def test_a_key_of_another_account_brings_nothing_in(books: Books, follower: Follower) -> None:
    books.settle()
    books.ledger.execute("update payouts.identity set provider_account = 'acct_of_somebody_else'")
    assert "belongs to acct_of_somebody_else" in follower.tick()
    assert books.ledger.execute("select from payouts.balance_transactions").fetchall() == []
    follower.api_key = "sk_test_wrong"
    assert "invalid_api_key" in follower.tick()


def test_stripe_away_is_a_sentence_and_nothing_is_passed_over(books: Books, follower: Follower) -> None:
    books.settle()
    follower.tick()
    books.emulator.admin.top_up(100, "eur")
    for path in ("/v1/events", "/v1/balance_transactions", "/v1/balance"):
        books.emulator.admin.add_faults(FaultRule(kind=FaultKind.ERROR_500, method="GET", path_prefix=path))
        assert "can't be asked" in follower.tick()
        books.emulator.admin.clear_faults()
    assert "events at Stripe" in follower.tick()
    books.assert_equal()


def test_a_fleet_has_the_key_and_this_process_does_not(follower: Follower) -> None:
    follower.workers = 0
    assert "run 'payouts sync' there" in follower.tick()


def test_what_was_paid_by_other_means_is_asked_for_at_once(books: Books, follower: Follower) -> None:
    """Refused by us and then paid at Stripe: its time would come in a day."""

    def refused_here(attempt: Attempt) -> Outcome:
        books.pay(attempt)
        return waiting(attempt)

    books.settle(refused_here)
    due = "select count(*) from payouts.instructions where retry_at <= now()"
    assert books.ledger.execute(due).fetchall() == [(0,)]
    assert "1 instructions are asked for again" in follower.tick()
    assert books.ledger.execute(due).fetchall() == [(1,)]
    assert follower.tick() == "Nothing happened at Stripe."


def refused_for_want_of_the_capability(books: Books, follower: Follower) -> None:
    books.emulator.admin.set_capability("acct_club", "pending")
    books.settle()
    assert payouts_of(books) == [("rejected", "insufficient_capabilities_for_transfer")]
    follower.tick()


def payouts_of(books: Books) -> list[tuple[str, str]]:
    query = "select status, reason_code from payouts.instructions where billing_type = 'club_payout' order by sequence"
    return books.ledger.execute(query).fetchall()


def an_hour_passes(books: Books) -> None:
    books.ledger.execute("update payouts.account_looks set asked_at = asked_at - interval '61 minutes'")


def asked(follower: Follower) -> int:
    return follower.calls.get("GET /v1/accounts/{id}", 0)


def test_a_payee_who_can_receive_by_now_is_paid_without_anybodys_doing(books: Books, follower: Follower) -> None:
    refused_for_want_of_the_capability(books, follower)
    books.emulator.admin.set_capability("acct_club", "active")
    an_hour_passes(books)
    assert "1 payouts go on: their payees can receive transfers by now." in follower.tick()
    assert payouts_of(books) == [("pending", "can_receive")]
    (event,) = books.ledger.execute("select from_status, actor from payouts.events where reason_code = 'can_receive'")
    assert event == ("rejected", "follow_stripe")
    assert days_due(books.ledger).keys() == {DAY}, "at once, not when its message may be lost"
    books.settle()
    assert payouts_of(books)[0][0] == "settled"
    attempts = "select a.number, a.outcome from payouts.attempts as a join payouts.instructions as i"
    sent = books.ledger.execute(
        f"{attempts} on i.id = a.instruction_id where i.billing_type = 'club_payout' order by 1"
    )
    assert sent.fetchall() == [(1, "refused"), (2, "settled")]
    follower.tick()
    books.assert_equal()
    assert violations(books.ledger) == {}


def test_who_still_cannot_receive_is_asked_about_once_an_hour_and_nothing_is_sent(
    books: Books, follower: Follower
) -> None:
    refused_for_want_of_the_capability(books, follower)
    assert asked(follower) == 1
    before = fingerprint(books.ledger)
    follower.tick()
    assert asked(follower) == 0
    an_hour_passes(books)
    follower.tick()
    assert asked(follower) == 1
    after = fingerprint(books.ledger)
    assert {name for name in before if before[name] != after[name]} <= {"account_looks", "feeds", "rate_limit"}
    assert payouts_of(books) == [("rejected", "insufficient_capabilities_for_transfer")]


def test_the_longer_it_takes_the_less_often_it_is_asked_about_and_at_least_once_a_day(
    books: Books, follower: Follower
) -> None:
    refused_for_want_of_the_capability(books, follower)
    asked_after_h = []
    for _ in range(7):
        for hours in range(1, 26):
            books.ledger.execute("update payouts.account_looks set asked_at = asked_at - interval '61 minutes'")
            follower.tick()
            if asked(follower):
                asked_after_h.append(hours)
                break
    assert asked_after_h == [1, 2, 4, 8, 16, 24, 24]
    books.emulator.admin.set_capability("acct_club", "active")
    books.ledger.execute("update payouts.account_looks set asked_at = asked_at - interval '1 day'")
    assert "1 payouts go on" in follower.tick()
    assert books.ledger.execute("select looks from payouts.account_looks").fetchall() == [(1,)], "from the beginning"


OF_ANOTHER = '{"object": "account", "id": "acct_other", "capabilities": {"transfers": "active"}}'


@pytest.mark.parametrize(
    "fault",
    [
        FaultRule(kind=FaultKind.ERROR_500),
        FaultRule(kind=FaultKind.OTHER_ANSWER, answer=OtherAnswer.foreign(200)),
        FaultRule(kind=FaultKind.OTHER_ANSWER, answer=OtherAnswer(status=200, body=OF_ANOTHER)),
    ],
)
def test_only_a_definite_answer_brings_it_back(books: Books, follower: Follower, fault: FaultRule) -> None:
    refused_for_want_of_the_capability(books, follower)
    books.emulator.admin.set_capability("acct_club", "active")
    an_hour_passes(books)
    of_accounts = {"method": "GET", "path_prefix": "/v1/accounts/"}
    books.emulator.admin.add_faults(fault.model_copy(update=of_accounts))
    follower.tick()
    assert asked(follower) == 1
    books.emulator.admin.clear_faults()
    assert payouts_of(books) == [("rejected", "insufficient_capabilities_for_transfer")]


def test_who_is_on_hold_is_held_though_able_to_receive(books: Books, follower: Follower) -> None:
    refused_for_want_of_the_capability(books, follower)
    books.emulator.admin.set_capability("acct_club", "active")
    an_hour_passes(books)
    place_hold = (
        "insert into payouts.holds (subject, subject_id, is_hold, actor, reason) values ('club', %s, true, 'a', 'b')"
    )
    books.ledger.execute(place_hold, (books.club,))
    assert "go on" not in follower.tick()
    assert payouts_of(books) == [("held", "on_hold")]


def test_it_can_be_left_out() -> None:
    names = {sensor.name for sensor in build_defs(_WITHOUT_FOLLOWING).sensors or []}
    assert "follow_stripe" not in names
    assert "resume_payouts" in names
