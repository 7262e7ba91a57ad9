"""What Stripe has moved for an instruction that the ledger lost: nothing else of its payee is sent until it is found.

A restored ledger may still have what was cancelled since, and was asked for or paid under another name: the charge that
new fees joined, the payout that was made anew. Rule of money 14.
"""

from datetime import timedelta
from typing import Any

import pytest

from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.ledger import identity
from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed
from payouts_pipeline.reports.next_action import next_step
from payouts_pipeline.reports.status import with_open_instructions
from payouts_pipeline.workflow import operator_actions
from payouts_pipeline.workflow.resume import retry
from payouts_tests.support.ledger_steps import book, ids, pass_time, release, violations
from payouts_tests.support.places import DAY, Place

NEXT = DAY + timedelta(days=1)
NO_FUNDS = "pm_card_chargeDeclinedInsufficientFunds"
LOST = ReasonCode.MOVEMENT_LOST


def _card(place: Place, card: str) -> None:
    """The first player's own card, which declines, or pays from now on."""
    place.stripe.admin.put_customers([CustomerSeed(id="cus_0", default_payment_method="pm_own", card=card)])
    with place.connected() as ledger:
        ledger.execute(
            "update league.players set stripe_payment_method_id = 'pm_own' where stripe_customer_id = 'cus_0'"
        )


def _play(place: Place) -> None:
    """All play on the next day, too."""
    with place.connected() as ledger:
        ledger.execute(
            "insert into league.matches (id, competition_id, kicked_off_at, status)"
            " select id + 10000, competition_id, kicked_off_at + interval '1 day', status from league.matches"
            " where kicked_off_at >= %s",
            (DAY,),
        )
        ledger.execute(
            "insert into league.match_players (id, match_id, player_id, club_id)"
            " select id + 10000, match_id + 10000, player_id, club_id from league.match_players"
            " where match_id + 10000 in (select id from league.matches)"
        )


def _run(place: Place, day: Any = DAY) -> None:
    """A run, which makes what is due once what is not any more is cancelled; an hour after the last one."""
    with place.connected() as ledger, place.connected() as source, place.parts() as parts:
        pass_time(ledger, 1)
        for phase in (book, release):
            for _ in range(2):
                phase(ledger, source, day)
                parts.worker.settle(ids(ledger, None, "pending", "published", "sending", "unknown"))
        assert violations(ledger) == {}


def _time_passes(place: Place, hours: int) -> None:
    with place.connected() as ledger:
        pass_time(ledger, hours)


def _waiting(place: Place) -> list[tuple[str, str]]:
    with place.connected() as ledger:
        query = (
            "select id::text, reason_code from payouts.instructions where status = 'waiting' order by billing_type, id"
        )
        return ledger.execute(query).fetchall()


def _cancel(place: Place) -> None:
    for instruction, _ in _waiting(place):
        with place.connected() as ledger, place.parts() as parts:
            number: Any = instruction
            operator_actions.cancel(ledger, number, "cli ada", "made anew")
            operator_actions.settle_now(ledger, parts, number)


@pytest.fixture
def joined(place: Place) -> dict[str, int]:
    """A backup has a charge that waits; since then new fees have joined it, and it was paid. What had moved."""
    _card(place, NO_FUNDS)
    _run(place)
    place.back_up()
    _play(place)
    _card(place, "pm_card_visa")
    place.stripe.admin.advance_clock(30 * 3600)
    _time_passes(place, 30)
    _run(place, NEXT)
    moved = place.moved()
    assert sum(moved.values()) == 2 * 8_000
    place.restore()
    _play(place)
    _card(place, "pm_card_visa")
    return moved


@pytest.mark.parametrize("first", [DAY, NEXT], ids=["its day first", "the lost day first"])
def test_what_a_later_charge_has_collected_is_not_charged_again(
    place: Place, joined: dict[str, int], first: Any
) -> None:
    place.recover()
    _time_passes(place, 60)
    for day in (first, DAY, NEXT, DAY, NEXT):
        _run(place, day)
        assert place.moved() == joined
    place.require_right()
    assert _waiting(place) == []


def test_it_says_why_it_waits_and_what_to_do(place: Place, joined: dict[str, int]) -> None:
    place.recover()
    _time_passes(place, 60)
    _run(place)
    with place.connected() as ledger:
        waiting = with_open_instructions(ledger, DAY).open_instructions or []
    [of_charge] = [each for each in waiting if each.billing_type == "player_charge"]
    assert of_charge.reason_code == LOST
    assert "Stripe has moved 20.00 EUR for the same payee (pi_" in str(of_charge.reason)
    assert f"of {NEXT})" in str(of_charge.reason)
    step = str(next_step(of_charge))
    assert f"'payouts cancel {of_charge.id}" in step
    assert f"'payouts retry --code {LOST} --day {DAY}" in step


def test_what_was_made_anew_and_paid_is_not_paid_again(place: Place) -> None:
    """The backup has the payout that was cancelled since; Stripe has moved the one that was made instead."""
    place.stripe.admin.set_balance({"eur": -100_000})
    _run(place)
    place.back_up()
    place.stripe.admin.set_balance({"eur": 100_000})
    _cancel(place)
    _run(place)
    moved = place.moved()
    assert sum(moved.values()) == 2 * 4_000
    place.restore()
    place.recover()
    _time_passes(place, 60)
    _run(place)
    assert place.moved() == moved
    assert {code for _, code in _waiting(place)} == {LOST}
    _cancel(place)
    _run(place)
    assert place.moved() == moved
    place.require_right()


def test_what_a_person_cancels_before_the_ledger_has_caught_up_is_not_asked_for_again(place: Place) -> None:
    place.night(at=lambda moment: place.back_up() if moment == "booked" else None)
    moved = place.moved()
    place.restore()
    with place.connected() as ledger:
        for instruction in ids(ledger, DAY, "pending"):
            operator_actions.cancel(ledger, instruction, "cli ada", "wrong")
    assert {each.state for each in place.recover()} == {"needs_person", "waiting"}
    _run(place)
    _run(place)
    assert place.moved() == moved


def test_a_person_may_say_that_it_has_nothing_to_do_with_it(place: Place) -> None:
    """Somebody has charged the customer by hand, with our metadata; the ledger can't tell of what it is."""
    with place.connected() as ledger:
        ours = str(identity.read(ledger).id)
    by_hand: Any = {"amount": 700, "currency": "eur", "customer": "cus_0", "payment_method": "pm_card_visa"}
    by_hand |= {"confirm": True, "off_session": True, "metadata": {"ledger": ours}, "payment_method_types": ["card"]}
    place.stripe.sdk().v1.payment_intents.create(by_hand)
    assert [each.state for each in place.recover()] == ["needs_person"]
    _run(place)
    [(_, code)] = _waiting(place)
    assert code == LOST
    with place.connected() as ledger, place.connected() as source:
        assert retry(ledger, source, LOST, None, "cli ada", "that was for a shirt").pending == {DAY: 1}
    _run(place)
    _play(place)
    _run(place, NEXT)
    assert _waiting(place) == []


def test_a_refused_payment_of_another_amount_has_moved_nothing(place: Place) -> None:
    """It is no movement that differs: the charge goes on as after any refusal."""
    _card(place, NO_FUNDS)
    place.night(at=lambda moment: place.back_up() if moment == "before the night" else None)
    place.restore()
    with place.connected() as ledger:
        ledger.execute("update league.fee_structures set fee_minor = 1500")
    place.recover()
    _run(place)
    assert [code for _, code in _waiting(place)] == ["insufficient_funds"]
