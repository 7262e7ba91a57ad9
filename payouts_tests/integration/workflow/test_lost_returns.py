"""Refunds and reversals whose orders a restored ledger has lost: of the fees that were meant, or a person is told."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.ledger.movements import Kept
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.reports.audit import audit
from payouts_pipeline.workflow import give_back, operator_actions
from payouts_pipeline.workflow.give_back import Target
from payouts_pipeline.workflow.sync import sync_own
from payouts_tests.support.ledger_steps import violations
from payouts_tests.support.places import DAY_BEFORE, Place

SECOND_MATCH = 900_001
# The first player plays twice on the day: a charge of 20.00 EUR for two fees.
PLAYS_TWICE = """
insert into league.matches (id, competition_id, kicked_off_at, status)
select 900001, m.competition_id, m.kicked_off_at, m.status
from league.match_players as l
join league.matches as m on m.id = l.match_id
join league.players as p on p.id = l.player_id
where p.stripe_customer_id = 'cus_0' order by m.kicked_off_at desc limit 1;
insert into league.match_players (id, match_id, player_id)
select 900002, 900001, id from league.players where stripe_customer_id = 'cus_0'
"""
Ask = Callable[[Place], UUID]


def sync(place: Place) -> None:
    with place.connected() as ledger, place.parts() as parts:
        sync_own(ledger, parts, "test")


def rows(place: Place, query: str) -> list[tuple[Any, ...]]:
    with place.connected() as ledger:
        return ledger.execute(query).fetchall()


def the(place: Place, billing_type: str, amount_minor: int) -> UUID:
    query = "select id from payouts.instructions where billing_type = %s and amount_minor = %s"
    with place.connected() as ledger:
        ((found,),) = ledger.execute(query, (billing_type, amount_minor)).fetchall()
    return UUID(str(found))


def ask(place: Place, target: Target, amount_minor: int | None = None) -> UUID:
    """As an operator does, and sent at once."""
    asked = Asked(target.name, amount_minor, "Ann", "abandoned")
    with place.connected() as ledger, place.parts() as parts:
        if target.instruction and target.instruction == the(place, "club_payout", 3000):
            order = give_back.reverse(ledger, target.instruction, asked, {})
        else:
            [order] = give_back.refund(ledger, target, asked, {}).orders
        [done] = give_back.settle_now(ledger, parts, [order])
    assert done.status == "settled"
    return order


def refund_of_match(place: Place) -> UUID:
    return ask(place, Target(match_id=SECOND_MATCH))


def part_of_match(place: Place) -> UUID:
    return ask(place, Target(match_id=SECOND_MATCH), 400)


def part_of_charge(place: Place) -> UUID:
    return ask(place, Target(the(place, "player_charge", 2000)), 500)


def reversal(place: Place) -> UUID:
    return ask(place, Target(the(place, "club_payout", 3000)), 700)


@pytest.fixture
def paid(place: Place) -> Place:
    """A night that was paid, and is in the backup."""
    with place.connected() as ledger:
        ledger.execute(PLAYS_TWICE)
    place.night()
    sync(place)
    place.back_up()
    return place


def books(place: Place) -> tuple[list[Any], ...]:
    """What is held since it came back, and where the accounts stand."""
    return (
        rows(place, "select day, match_id, player_id, amount_minor from payouts.held_fees order by 1, 2, 3, 4"),
        rows(place, "select account_id, amount_minor from payouts.held_payouts order by 1"),
        rows(place, "select id, booked_minor, released_minor, in_flight_minor, settled_minor from payouts.accounts"
                    " order by 1"),
        rows(place, "select takes_back_id, instruction_id, target from payouts.return_orders order by 2"),
    )  # fmt: skip


def require_right(place: Place) -> None:
    with place.connected() as ledger:
        assert violations(ledger) == {}
        assert audit(ledger, None, {}, full=True).errors == []


def states(found: list[Kept]) -> list[tuple[str, str]]:
    return [(each.kind, each.state) for each in found]


@pytest.mark.parametrize("order", [refund_of_match, part_of_match, part_of_charge, reversal])
@pytest.mark.parametrize("is_on_hold", [False, True])
def test_it_is_booked_as_if_nothing_had_been_lost(paid: Place, order: Ask, *, is_on_hold: bool) -> None:
    order(paid)
    sync(paid)
    moved, before = len(paid.stripe.admin.journal()), books(paid)
    paid.restore()
    if is_on_hold:
        with paid.connected() as ledger, paid.connected() as source:
            for (player,) in ledger.execute("select id from league.players").fetchall():
                operator_actions.hold(ledger, source, Payee(BillingSubject.PLAYER, player), "Ann", "a doubt")
    sync(paid)
    assert books(paid)[0] == [], "it waits until it is known of which fees it is"
    assert books(paid)[1] == []
    assert states(paid.recover()) == [("transfer_reversal" if order is reversal else "refund", "adopted")]
    assert books(paid) == before
    assert len(paid.stripe.admin.journal()) == moved
    require_right(paid)
    assert states(paid.recover()) == states(paid.recover())
    sync(paid)
    assert books(paid) == before


def test_two_of_one_charge_each_with_its_own_fees(paid: Place) -> None:
    part_of_match(paid)
    part_of_charge(paid)
    sync(paid)
    before = books(paid)
    paid.restore()
    sync(paid)
    assert states(paid.recover()) == [("refund", "adopted")] * 2
    assert books(paid) == before
    require_right(paid)


def test_one_that_came_back_later_brings_its_own_fees_back(paid: Place) -> None:
    refund_of_match(paid)
    (refund,) = paid.stripe.sdk().v1.refunds.list().data
    paid.stripe.admin.end_refund(refund.id, "lost_or_stolen_card")
    paid.restore()
    sync(paid)
    assert states(paid.recover()) == [("refund", "adopted")]
    assert books(paid)[0] == []
    require_right(paid)


def test_one_that_does_not_say_of_which_fees_is_for_a_person(paid: Place) -> None:
    """As those of the version before: it comes off both fees alike, and is told."""
    part_of_match(paid)
    (refund,) = paid.stripe.sdk().v1.refunds.list().data
    paid.stripe.sdk().v1.refunds.update(refund.id, {"metadata": {"target": ""}})
    paid.restore()
    sync(paid)
    assert states(paid.recover()) == [("refund", "needs_person")]
    assert [row[3] for row in books(paid)[0]] == [200, 200]
    assert books(paid)[3] == []
    require_right(paid)


def test_one_of_a_charge_that_is_lost_as_well_waits_for_its_day(place: Place) -> None:
    with place.connected() as ledger:
        ledger.execute(PLAYS_TWICE)
    place.night(DAY_BEFORE)
    place.back_up()
    place.night()
    refund_of_match(place)
    sync(place)
    held = books(place)[0]
    place.restore()
    place.recover()
    sync(place)
    assert ("refund", "waiting") in states(place.recover())
    place.night()
    assert ("refund", "adopted") in states(place.recover())
    assert books(place)[0] == held
    require_right(place)


def test_a_name_that_no_order_of_this_ledger_has_is_for_a_person(paid: Place) -> None:
    """Somebody has copied the metadata of one refund to another."""
    charge = the(paid, "player_charge", 2000)
    references = dict(rows(paid, "select id, provider_reference from payouts.instructions"))
    ((ledger_id,),) = rows(paid, "select id from payouts.identity")
    forged = {"ledger": str(ledger_id), "instruction_id": str(UUID(int=7)), "attempt": "1", "target": "instruction"}
    paid.stripe.sdk().v1.refunds.create({"payment_intent": references[charge], "amount": 300, "metadata": forged})
    sync(paid)
    assert states(paid.recover()) == [("refund", "needs_person")]
    assert sum(row[3] for row in books(paid)[0]) == 300
    require_right(paid)
