"""Claims, attempts and outcomes: at most one movement, whatever workers, messages and clocks do."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from psycopg.errors import UniqueViolation

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.cards import tries_without_funds
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow.resume import resume
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    Decide,
    account,
    book,
    claim,
    ids,
    instructions,
    pass_time,
    rejected,
    settle,
    settled,
    unknown,
    violations,
    waiting,
)


@pytest.fixture
def player(ledger: Connection, source: Connection, league: League) -> int:
    """A player with a charge of 10.00 that waits to be published."""
    player = league.player(customer="cus_1", method="pm_1")
    league.fee(player, DAY)
    book(ledger, source, DAY)
    return player


@pytest.fixture
def charge(ledger: Connection, player: int) -> UUID:
    return ids(ledger)[0]


def _status(ledger: Connection, instruction_id: UUID) -> str:
    return str(
        ledger.execute("select status from payouts.instructions where id = %s", (instruction_id,)).fetchall()[0][0]
    )


def _attempts(ledger: Connection) -> list[tuple[object, ...]]:
    return ledger.execute("select number, outcome, sends from payouts.attempts order by number").fetchall()


def test_a_claim_commits_an_attempt_with_all_that_the_call_sends(
    ledger: Connection, source: Connection, charge: UUID
) -> None:
    (attempt,) = claim(ledger, [charge])
    assert (attempt.number, attempt.amount_minor, attempt.currency, attempt.day) == (1, 1_000, "EUR", DAY)
    assert (attempt.stripe_customer_id, attempt.stripe_payment_method_id) == ("cus_1", "pm_1")
    assert attempt.idempotency_key == f"{charge}:1"
    assert (attempt.sends, attempt.key_is_old, attempt.is_gone) == (0, False, False)
    assert source.execute("select number, sends, outcome from payouts.attempts").fetchall() == [(1, 1, None)]
    assert _status(source, charge) == "sending"


def test_a_second_message_gets_nothing_while_the_first_is_worked_on(ledger: Connection, charge: UUID) -> None:
    assert len(claim(ledger, [charge, charge])) == 1
    assert claim(ledger, [charge]) == []
    assert _attempts(ledger) == [(1, None, 1)]


def test_an_id_that_does_not_exist_gets_nothing(ledger: Connection, charge: UUID) -> None:
    assert claim(ledger, [uuid4()]) == []
    assert claim(ledger, []) == []
    assert attempts.find(ledger, [charge, uuid4()]) == {charge: (BillingType.PLAYER_CHARGE, Status.PENDING)}


def test_a_message_after_the_end_gets_nothing(ledger: Connection, charge: UUID) -> None:
    assert settle(ledger) == 1
    pass_time(ledger, 100)
    assert claim(ledger, [charge]) == []


@pytest.mark.parametrize("status", [Status.WAITING, Status.REJECTED])
def test_a_refused_instruction_is_not_sent_for_a_late_message(ledger: Connection, charge: UUID, status: Status) -> None:
    settle(ledger, None, waiting if status == Status.WAITING else rejected)
    pass_time(ledger, 100)
    assert claim(ledger, [charge]) == []
    assert _status(ledger, charge) == status


def test_settled_moves_the_account_once(ledger: Connection, player: int, charge: UUID) -> None:
    (attempt,) = claim(ledger, [charge])
    assert attempts.record(ledger, [settled(attempt)], ACTOR) == [charge]
    assert attempts.record(ledger, [settled(attempt)], ACTOR) == []
    assert account(ledger, "player", player) == (1_000, 0, 0, 1_000)
    assert violations(ledger) == {}


@pytest.mark.parametrize("late", [waiting, rejected, unknown])
def test_a_late_outcome_changes_nothing_that_is_settled(ledger: Connection, charge: UUID, late: object) -> None:
    (attempt,) = claim(ledger, [charge])
    attempts.record(ledger, [settled(attempt)], ACTOR)
    assert callable(late)
    assert attempts.record(ledger, [late(attempt)], ACTOR) == []
    assert _status(ledger, charge) == "settled"


def test_outcomes_of_one_batch_may_repeat_and_differ(ledger: Connection, player: int, charge: UUID) -> None:
    (attempt,) = claim(ledger, [charge])
    assert attempts.record(ledger, [settled(attempt), settled(attempt)], ACTOR) == [charge]
    assert account(ledger, "player", player) == (1_000, 0, 0, 1_000)


def test_one_reference_of_the_provider_pays_one_instruction(
    ledger: Connection, source: Connection, league: League
) -> None:
    for _ in range(2):
        league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    claimed = claim(ledger, ids(ledger))
    outcomes = [replace(settled(attempt), provider_reference="pi_same") for attempt in claimed]
    with pytest.raises(UniqueViolation):
        attempts.record(ledger, outcomes, ACTOR)
    assert violations(ledger) == {}


def test_an_unknown_outcome_repeats_the_same_attempt_once_its_time_has_come(ledger: Connection, charge: UUID) -> None:
    (first,) = claim(ledger, [charge])
    attempts.record(ledger, [replace(unknown(first), retry_after_s=60)], ACTOR)
    assert claim(ledger, [charge]) == []
    pass_time(ledger, 0.1)
    (again,) = claim(ledger, [charge])
    assert (again.idempotency_key, again.sends, again.key_is_old) == (first.idempotency_key, 1, False)
    assert _attempts(ledger) == [(1, None, 2)]


def test_a_refusal_takes_a_new_key_with_the_cards_of_now(ledger: Connection, charge: UUID) -> None:
    settle(ledger, None, waiting)
    ledger.execute(
        "update payouts.instructions set status = 'pending', reason_code = 'test', retry_at = null,"
        " stripe_payment_method_id = 'pm_2'"
    )
    (attempt,) = claim(ledger, [charge])
    assert (attempt.number, attempt.sends, attempt.stripe_payment_method_id) == (2, 0, "pm_2")
    assert attempt.idempotency_key == f"{charge}:2"


def test_an_unknown_attempt_keeps_its_card_to_the_letter(ledger: Connection, charge: UUID) -> None:
    settle(ledger, None, unknown)
    ledger.execute("update payouts.instructions set stripe_payment_method_id = 'pm_2'")
    assert [attempt.stripe_payment_method_id for attempt in claim(ledger, [charge])] == ["pm_1"]


@pytest.mark.parametrize(("hours", "is_old"), [(22.9, False), (23.1, True)])
def test_a_key_is_old_after_23_hours_and_then_not_counted_as_sent(
    ledger: Connection, charge: UUID, hours: float, is_old: bool
) -> None:
    settle(ledger, None, unknown)
    pass_time(ledger, hours)
    (attempt,) = claim(ledger, [charge])
    assert (attempt.number, attempt.key_is_old, attempt.is_gone) == (1, is_old, True)
    assert _attempts(ledger) == [(1, None, 1 if is_old else 2)]


def test_a_call_of_a_moment_ago_is_not_gone_however_old_its_key(ledger: Connection, charge: UUID) -> None:
    settle(ledger, None, unknown)
    pass_time(ledger, 24)
    ledger.execute("update payouts.attempts set last_sent_at = now() - interval '9 minutes'")
    assert [(a.key_is_old, a.is_gone) for a in claim(ledger, [charge])] == [(True, False)]


def test_a_worker_that_stopped_is_taken_over_after_its_lease_with_the_same_key(
    ledger: Connection, charge: UUID
) -> None:
    (lost,) = claim(ledger, [charge], lease_s=60)
    pass_time(ledger, 0.01)
    assert claim(ledger, [charge]) == []
    pass_time(ledger, 0.02)
    (again,) = claim(ledger, [charge])
    assert (again.idempotency_key, again.sends) == (lost.idempotency_key, 1)
    events = ledger.execute("select to_status, reason_code from payouts.events order by id").fetchall()
    assert [event[0] for event in events] == ["pending", "published", "sending", "unknown", "sending"]
    assert events[3][1] == ReasonCode.WORKER_LOST


def test_whoever_hears_that_it_moved_settles_it_also_after_the_lease(
    ledger: Connection, player: int, charge: UUID
) -> None:
    (slow,) = claim(ledger, [charge], lease_s=0)
    (quick,) = claim(ledger, [charge])
    assert attempts.record(ledger, [settled(slow)], ACTOR) == [charge]
    assert attempts.record(ledger, [settled(quick)], ACTOR) == []
    assert account(ledger, "player", player) == (1_000, 0, 0, 1_000)


def test_a_refusal_of_an_earlier_call_does_not_open_a_new_key_while_another_call_is_under_way(
    ledger: Connection, player: int, charge: UUID
) -> None:
    # The slow worker is turned away by the rate limit, which says nothing about the other's call with the same key.
    (slow,) = claim(ledger, [charge], lease_s=0)
    (quick,) = claim(ledger, [charge])
    assert attempts.record(ledger, [replace(waiting(slow), sends=slow.sends)], ACTOR) == []
    assert _attempts(ledger) == [(1, None, 2)]
    assert attempts.record(ledger, [replace(settled(quick), sends=quick.sends)], ACTOR) == [charge]
    assert account(ledger, "player", player) == (1_000, 0, 0, 1_000)


def test_a_refusal_of_the_last_call_counts(ledger: Connection, charge: UUID) -> None:
    claim(ledger, [charge], lease_s=0)
    (last,) = claim(ledger, [charge])
    assert attempts.record(ledger, [replace(waiting(last), sends=last.sends)], ACTOR) == [charge]


def _absent(attempt: Attempt) -> Outcome:
    return replace(waiting(attempt), is_absent=True, retry_after_s=0)


def test_what_is_provably_absent_is_sent_under_a_new_key(ledger: Connection, source: Connection, charge: UUID) -> None:
    settle(ledger, None, unknown)
    pass_time(ledger, 24)
    (old,) = claim(ledger, [charge])
    assert attempts.record(ledger, [_absent(old)], ACTOR) == [charge]
    assert _attempts(ledger) == [(1, "absent", 1)]
    resume(ledger, source, DAY, ACTOR)
    (fresh,) = claim(ledger, [charge])
    assert (fresh.number, fresh.sends, fresh.key_is_old) == (2, 0, False)
    assert attempts.record(ledger, [settled(old)], ACTOR) == []
    assert attempts.record(ledger, [settled(fresh)], ACTOR) == [charge]
    assert violations(ledger) == {}


@pytest.mark.parametrize("decide", [settled, rejected, unknown])
def test_a_worker_that_was_overtaken_closes_nothing(
    ledger: Connection, source: Connection, charge: UUID, decide: Decide
) -> None:
    settle(ledger, None, unknown)
    pass_time(ledger, 24)
    (slow,) = claim(ledger, [charge], lease_s=0)
    (quick,) = claim(ledger, [charge])
    attempts.record(ledger, [_absent(quick)], ACTOR)
    resume(ledger, source, DAY, ACTOR)
    settle(ledger, None, decide)
    before = _attempts(ledger)
    assert attempts.record(ledger, [_absent(slow)], ACTOR) == []
    assert _attempts(ledger) == before


def test_nothing_is_sent_for_an_instruction_that_was_taken_back(
    ledger: Connection, source: Connection, league: League, charge: UUID
) -> None:
    ledger.execute("delete from league.match_players")
    book(ledger, source, DAY)
    assert _status(ledger, charge) == "cancelled"
    assert claim(ledger, [charge]) == []
    assert _attempts(ledger) == []


def test_the_card_of_an_attempt_is_noted_once(ledger: Connection, source: Connection, league: League) -> None:
    league.fee(league.player(customer="cus_2"), DAY)
    book(ledger, source, DAY)
    (attempt,) = claim(ledger, ids(ledger))
    assert attempt.stripe_payment_method_id is None
    assert attempts.set_payment_method(ledger, attempt, "pm_default").stripe_payment_method_id == "pm_default"
    assert attempts.set_payment_method(ledger, attempt, "pm_other").stripe_payment_method_id == "pm_default"
    settle(ledger, None, unknown, "sending")


def test_the_history_says_who_did_what_and_why(ledger: Connection, player: int, charge: UUID) -> None:
    (attempt,) = claim(ledger, [charge])
    attempts.record(ledger, [replace(waiting(attempt), provider_request_id="req_1")], "worker 7")
    events = ledger.execute(
        "select from_status, to_status, actor, reason_code, provider_request_id from payouts.events order by id"
    ).fetchall()
    assert [(event[0], event[1]) for event in events] == [
        (None, "pending"), ("pending", "published"), ("published", "sending"), ("sending", "waiting"),
    ]  # fmt: skip
    assert events[-1][2:] == ("worker 7", "lock_timeout", "req_1")
    assert all(event[3] for event in events)
    assert instructions(ledger, "player", player) == [("waiting", 1_000)]


def test_only_what_a_card_was_refused_for_uses_up_its_tries(
    ledger: Connection, source: Connection, league: League
) -> None:
    league.fee(league.player(method="pm_1"), DAY)
    book(ledger, source, DAY)
    [charge] = ids(ledger)
    tries = []
    for code in ("invalid_api_key", "rate_limit", "insufficient_funds", "processing_error", "do_not_honor"):
        [attempt] = claim(ledger, [charge])
        tries.append(tries_without_funds(attempt.card_history))
        attempts.record(ledger, [replace(waiting(attempt), reason_code=code)], ACTOR)
        pass_time(ledger, 48)
        resume(ledger, source, DAY, ACTOR)
    [attempt] = claim(ledger, [charge])
    assert [*tries, tries_without_funds(attempt.card_history)] == [0, 0, 0, 1, 1, 2]
