"""A ledger that is older than Stripe (rule of money 14): restored from a backup, or made anew under its old id.

It sends nothing until `recover` has found what it does not know; and in the end everything has moved exactly once.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import attempts, identity
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed
from payouts_pipeline.workflow import give_back, operator_actions
from payouts_pipeline.workflow.give_back import Target
from payouts_pipeline.workflow.sync import sync_own
from payouts_tests.support.emulated_stripe import API_KEY
from payouts_tests.support.ledger_steps import book, ids, pass_time
from payouts_tests.support.ledgers import made_anew
from payouts_tests.support.places import DAY, DAY_BEFORE, PLAYERS, Place

MOMENTS = ("before the night", "booked", "in the middle of charges", "charged", "before payouts")


def lose(place: Place, moment: str) -> dict[str, int]:
    """A night, and a restore to a moment of it; what had moved."""
    place.night(at=lambda reached: place.back_up() if reached == moment else None)
    moved = place.moved()
    assert len(moved) > PLAYERS
    place.restore()
    return moved


@pytest.mark.parametrize("is_first", [True, False], ids=["first night", "second night"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_restored_ledger_sends_nothing_until_it_has_caught_up(place: Place, moment: str, is_first: bool) -> None:
    if not is_first:
        place.night(DAY_BEFORE)
    moved = lose(place, moment)
    with pytest.raises(PayoutsError, match=r"restored from a backup\. Nothing was sent: run 'payouts recover'"):
        place.night()
    assert place.moved() == moved

    assert {each.state for each in place.recover()} <= {"adopted", "waiting"}
    place.night()
    assert place.moved() == moved
    place.require_right()
    assert {each.state for each in place.recover()} == {"adopted"}
    place.night(DAY + timedelta(days=1))


def test_a_restored_ledger_pays_the_next_day_as_ever(place: Place) -> None:
    lose(place, "before the night")
    place.recover()
    place.night()
    place.night(DAY_BEFORE)
    assert len(place.moved()) == 2 * (PLAYERS + 2)
    place.require_right()


def test_the_old_ledger_in_a_new_database(place: Place) -> None:
    place.night()
    moved = place.moved()
    with place.connected() as ledger:
        old = identity.read(ledger).id
        made_anew(ledger)
        identity.continue_as(ledger, old, "somebody", "the disk was lost")
    with pytest.raises(PayoutsError, match="payouts recover"):
        place.night()
    assert {each.state for each in place.recover()} == {"waiting", "adopted"}
    place.night()
    assert place.moved() == moved
    place.require_right()


def test_a_ledger_with_instructions_can_t_become_another_one(place: Place) -> None:
    place.night()
    with place.connected() as ledger:
        with pytest.raises(PayoutsError, match="under its own id"):
            identity.continue_as(ledger, identity.read(ledger).id, "somebody", "why not")
        with pytest.raises(Exception, match="have its id in their names"):
            ledger.execute("update payouts.identity set id = gen_random_uuid()")


def test_what_the_fee_is_now_does_not_settle_by_what_it_was(place: Place) -> None:
    moved = lose(place, "before the night")
    with place.connected() as ledger:
        ledger.execute("update league.fee_structures set fee_minor = 1500")
    place.recover()
    place.night()
    assert place.moved() == moved
    assert place.stands("player_charge") == {("unknown", "movement_differs")}
    assert {each.state for each in place.recover()} == {"needs_person", "waiting"}


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_card_that_has_replaced_a_stolen_one_is_charged(place: Place, *, is_cancelled: bool) -> None:
    """Stripe shows under the attempt's name how another card was declined, which says nothing of this one.

    Also where the ledger that was lost had cancelled that charge.
    """
    change = "update league.players set stripe_payment_method_id = %s where stripe_customer_id = 'cus_0'"
    with place.connected() as ledger:
        ledger.execute(change, ("pm_card_chargeDeclinedStolenCard",))
    assert len(lose(place, "before the night")) == 2 * PLAYERS - 3
    [declined] = [each for each in place.stripe.admin.payments() if each["status"] == "requires_payment_method"]
    if is_cancelled:
        place.stripe.sdk().v1.payment_intents.cancel(declined["id"])
    with place.connected() as ledger:
        ledger.execute(change, ("pm_card_visa",))
    place.recover()
    place.night()
    place.night()
    assert place.stands("player_charge") == {("settled", None)}
    place.require_right()


def test_a_card_that_has_replaced_a_debit_that_failed_since_is_charged(place: Place) -> None:
    """The debit was on its way when the ledger was restored, and the bank refused it days later."""
    change = "update league.players set stripe_payment_method_id = %s where stripe_customer_id = 'cus_0'"
    with place.connected() as ledger:
        ledger.execute("update league.fee_structures set currency = 'EUR'")
        ledger.execute(change, ("pm_sepaDebit_debitNotAuthorized",))
    lose(place, "before the night")
    with place.connected() as ledger:
        ledger.execute(change, ("pm_card_visa",))
    place.recover()
    place.stripe.admin.advance_clock(4 * 24 * 3_600)
    for _ in range(3):
        place.night()
        with place.connected() as ledger:
            pass_time(ledger, hours=2)
    assert place.stands("player_charge") == {("settled", None)}


def test_another_account_is_not_paid_again(place: Place) -> None:
    moved = lose(place, "before the night")
    with place.connected() as ledger:
        ledger.execute("update league.clubs set stripe_account_id = 'acct_new_' || id")
    place.recover()
    place.night()
    assert place.moved() == moved
    assert place.stands("club_payout") == {("unknown", "movement_differs")}
    assert place.stands("player_charge") == {("settled", None)}


def test_another_customer_is_not_charged_again(place: Place) -> None:
    """Whoever only asked for the payments of the new customer would find none, and charge it."""
    moved = lose(place, "before the night")
    place.stripe.admin.put_customers([CustomerSeed(id="cus_new", default_payment_method="pm_card_visa")])
    with place.connected() as ledger:
        ledger.execute("update league.players set stripe_customer_id = 'cus_new'")
    place.recover()
    place.night()
    assert place.moved() == moved
    assert place.stands("player_charge") == {("unknown", "movement_differs")}


def test_a_slow_call_of_before_does_not_hide_what_came_after_the_backup(place: Place) -> None:
    """Stripe's newest movement is of an attempt that the backup has; the one before it is not."""
    with place.connected() as ledger, place.connected() as source, place.parts() as parts:
        book(ledger, source, DAY)
        [slow] = attempts.claim(ledger, ids(ledger)[:1], 60, "slow")
    place.back_up()
    with place.connected() as ledger, place.parts() as parts:
        parts.worker.settle(ids(ledger, DAY, "pending"))
        parts.stripe().send(slow, float("inf"))
    moved = place.moved()
    place.restore()
    with pytest.raises(PayoutsError, match="payouts recover"), place.parts() as parts:
        parts.standing.check()
    place.recover()
    with place.connected() as ledger:
        pass_time(ledger, 1)
    place.night()
    assert moved.items() <= place.moved().items()
    place.require_right()


@pytest.mark.parametrize("is_recovered_first", [True, False])
def test_what_was_held_for_want_of_an_id_and_has_moved_since_is_found(
    place: Place, *, is_recovered_first: bool
) -> None:
    """The backup has the instructions without the customer and the account that they were sent to in the end."""
    with place.connected() as ledger:
        ledger.execute("update league.players set stripe_customer_id = null where stripe_customer_id = 'cus_0'")
        ledger.execute("update league.clubs set stripe_account_id = null where stripe_account_id = 'acct_club1'")
    place.night()
    assert ("held", "no_stripe_id") in place.stands("player_charge") & place.stands("club_payout")
    place.back_up()
    _give_ids(place)
    place.night()
    moved = place.moved()
    place.restore()
    if is_recovered_first:
        place.recover()
    _give_ids(place)
    assert {each.state for each in place.recover()} <= {"adopted", "waiting"}
    place.night()
    assert place.moved() == moved
    place.require_right()


def _give_ids(place: Place) -> None:
    with place.connected() as ledger:
        ledger.execute("update league.players set stripe_customer_id = 'cus_0' where stripe_customer_id is null")
        ledger.execute("update league.clubs set stripe_account_id = 'acct_club1' where stripe_account_id is null")


def _long_ago(place: Place) -> None:
    """What was found was made 30 hours before, so that its key is old."""
    with place.connected() as ledger:
        ledger.execute("alter table payouts.movements disable trigger append_only")
        ledger.execute("update payouts.movements set created_at = created_at - interval '30 hours'")
        ledger.execute("alter table payouts.movements enable trigger append_only")


def _charge_after_charge(place: Place) -> None:
    """The day again and again, always when its time has come."""
    for _ in range(4):
        with place.connected() as ledger:
            pass_time(ledger, 6 * 24)
        place.night()


def test_what_was_refused_and_lost_is_tried_again(place: Place) -> None:
    """A payment intent that is found makes one attempt an old one, and not all that come after it."""
    no_funds = CustomerSeed(id="cus_0", default_payment_method="pm_own", card="pm_card_chargeDeclinedInsufficientFunds")
    place.stripe.admin.put_customers([no_funds])
    with place.connected() as ledger:
        ledger.execute(
            "update league.players set stripe_payment_method_id = 'pm_own' where stripe_customer_id = 'cus_0'"
        )
    lose(place, "before the night")
    place.recover()
    _long_ago(place)
    place.stripe.admin.put_customers([no_funds.model_copy(update={"card": "pm_card_visa"})])
    _charge_after_charge(place)
    assert place.stands("player_charge") == {("settled", None)}
    place.require_right()


def test_what_a_person_has_judged_not_to_be_its_own_is_sent_once(place: Place) -> None:
    lose(place, "before the night")
    with place.connected() as ledger:
        ledger.execute("update league.fee_structures set fee_minor = 1500")
    place.recover()
    _long_ago(place)
    place.night()
    with place.connected() as ledger:
        for instruction in ids(ledger, DAY, "unknown"):
            operator_actions.judge(ledger, instruction, None, "cli ada", "given back")
    _charge_after_charge(place)
    assert place.stands("player_charge") == {("settled", None)}
    of_charges = Counter(row.amount for row in place.stripe.admin.journal() if row.kind == "charge")
    assert of_charges == {1_000: PLAYERS, 1_500: PLAYERS}


def command(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ} | {
        "PAYOUTS_DATABASE_URL": place.url,
        "STRIPE_API_KEY": API_KEY,
        "STRIPE_API_BASE": place.stripe.url,
    }
    line = [sys.executable, "-c", "from payouts_pipeline.cli.main import main; main()", "recover", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def test_the_command_tells_what_it_found(place: Place) -> None:
    lose(place, "in the middle of charges")
    first = command(place, "--json")
    assert first.returncode == 0, first.stderr
    states = Counter(each["state"] for each in json.loads(first.stdout)["movements"])
    assert states == {"adopted": PLAYERS - PLAYERS // 2, "waiting": 2}
    with place.connected() as ledger:
        ledger.execute("update league.clubs set stripe_account_id = 'acct_new_' || id")
    place.night()
    last = command(place)
    assert last.returncode == 1
    assert last.stdout.count("is not what its instruction asks for") == 2


def test_the_command_reads_the_journal_for_what_was_given_back(place: Place) -> None:
    place.night()
    with place.connected() as ledger, place.parts() as parts:
        sync_own(ledger, parts, "test")
    place.back_up()
    (charge,) = _charges(place)[0]
    asked = Asked("instruction", 300, "Ann", "abandoned")
    with place.connected() as ledger, place.parts() as parts:
        give_back.settle_now(ledger, parts, list(give_back.refund(ledger, Target(charge), asked, {}).orders))
    place.restore()
    found = command(place, "--json")
    assert found.returncode == 0, found.stderr
    [refund] = json.loads(found.stdout)["movements"]
    assert (refund["kind"], refund["state"], refund["amount_minor"]) == ("refund", "adopted", 300)


def _charges(place: Place) -> list[tuple[UUID]]:
    with place.connected() as ledger:
        return ledger.execute("select id from payouts.instructions where billing_type = 'player_charge'").fetchall()


def test_a_hold_does_not_hide_what_has_moved(place: Place) -> None:
    moved = lose(place, "before payouts")
    with place.connected() as ledger:
        ledger.execute(
            "insert into payouts.holds (subject, subject_id, is_hold, actor, reason)"
            " select 'club', id, true, 'somebody', 'a doubt' from league.clubs"
        )
        ledger.execute(
            "update payouts.instructions set status = 'held', reason_code = 'on_hold', changed_by = 'somebody'"
            " where status = 'pending'"
        )
    assert {each.state for each in place.recover()} == {"adopted"}
    assert place.moved() == moved
    place.require_right()
