"""A person says what became of an instruction that stays unknown; Stripe is asked all the same."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity, instructions
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, FaultKind, OtherAnswer
from payouts_pipeline.reports.audit import Violation
from payouts_pipeline.reports.reconciliation import reconcile
from payouts_pipeline.settlement.stripe_client import StripeAwayError, StripeClient
from payouts_pipeline.workflow import operator_actions
from payouts_tests.support.cases import DAY, HOUR, Case
from payouts_tests.support.emulated_stripe import API_KEY
from payouts_tests.support.ledger_steps import book, fingerprint, ids, pass_time, release, violations

CHARGE = BillingType.PLAYER_CHARGE
PAYOUT = BillingType.CLUB_PAYOUT
KINDS = {CHARGE: "charge", PAYOUT: "transfer"}
DAY_AND_MORE = 25 * HOUR


def _unknown(case: Case, kind: BillingType) -> str:
    """An instruction whose only call never reached Stripe, and nobody knows that; its id."""
    case.open(kind)
    case.fails(FaultKind.DROP_BEFORE)
    case.deliver()
    return _id(case, kind)


def _id(case: Case, kind: BillingType) -> str:
    [(found,)] = case.ledger.execute("select id from payouts.instructions where billing_type = %s", (kind,)).fetchall()
    return str(found)


def _by_hand(case: Case, kind: BillingType, **other: Any) -> str:
    """What somebody moved in Stripe's dashboard for the same; its id."""
    services = case.stripe.sdk().v1
    common: Any = {"amount": 1_000, "currency": "eur"}
    if kind == PAYOUT:
        transfer: Any = {**common, "destination": f"acct_{case.club}", **other}
        return services.transfers.create(transfer).id
    charge: Any = {**common, "customer": f"cus_{case.player}", "payment_method": f"pm_visa_{case.player}", **other}
    charge |= {"confirm": True, "off_session": True}
    charge |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    return services.payment_intents.create(charge).id


def _silent(case: Case) -> None:
    """Whoever asks Stripe what it has gets no answer of Stripe's."""
    case.answers_with(OtherAnswer.foreign(403, "no"), "GET", acted=False, times=1_000)


def _resolve(case: Case, kind: BillingType, reference: str | None) -> str:
    number: Any = _id(case, kind)
    operator_actions.judge(case.ledger, number, reference, "cli ada", "seen in the dashboard")
    case.worker.settle([number])
    return case.status(kind)


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_a_person_names_settles_the_instruction(case: Case, kind: BillingType) -> None:
    _unknown(case, kind)
    reference = _by_hand(case, kind)
    assert _resolve(case, kind, reference) == "settled"
    case.materialise()
    [(found,)] = case.ledger.execute(
        "select provider_reference from payouts.instructions where billing_type = %s", (kind,)
    ).fetchall()
    moved = [row.payment_intent or row.id for row in case.stripe.admin.journal() if row.kind == KINDS[kind]]
    assert (found, moved) == (reference, [reference])
    assert violations(case.ledger) == {}


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"amount": 999}, id="another amount"),
        pytest.param({"currency": "usd"}, id="another currency"),
        pytest.param({"metadata": {"instruction_id": str(uuid4())}}, id="another instruction"),
    ],
)
def test_what_is_not_the_payment_settles_nothing(case: Case, kind: BillingType, other: dict[str, Any]) -> None:
    case.stripe.admin.set_balance({"eur": 100_000, "usd": 100_000})
    _unknown(case, kind)
    reference = _by_hand(case, kind, **other)
    assert _resolve(case, kind, reference) == "unknown"
    assert reference in case.stands(kind)[1]


def _differences(case: Case) -> list[Violation]:
    """What `payouts verify --provider` finds."""
    return reconcile(case.ledger, StripeClient(API_KEY, case.stripe.url), None)


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_a_person_has_named_is_what_stripe_has_for_it(case: Case, kind: BillingType) -> None:
    _unknown(case, kind)
    assert _resolve(case, kind, _by_hand(case, kind)) == "settled"
    case.materialise()
    assert _differences(case) == []
    case.fails(FaultKind.ERROR_500, "GET", path_prefix=f"/v1/{'payment_intents' if kind == CHARGE else 'transfers'}/")
    with pytest.raises(StripeAwayError):
        _differences(case)


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_is_not_its_own_by_a_person_s_word_is_no_difference(case: Case, kind: BillingType) -> None:
    number = _unknown(case, kind)
    names = {"ledger": str(identity.read(case.ledger).id), "instruction_id": number}
    _by_hand(case, kind, amount=700, metadata=names, transfer_group=number)
    case.pass_time(DAY_AND_MORE)
    case.deliver()
    assert len(_differences(case)) == 1
    assert _resolve(case, kind, None) == "waiting"
    case.materialise()
    assert _differences(case) == []


def test_who_has_named_the_wrong_instruction_can_name_the_right_one(case: Case) -> None:
    other = case.league.club("acct_other")
    case.stripe.admin.put_accounts([AccountSeed(id="acct_other")])
    case.league.fee(case.player, DAY, 2_000)
    case.league.set("match_players", _newest(case, "match_players"), club_id=other)
    case.open(PAYOUT)
    case.fails(FaultKind.DROP_BEFORE, times=2)
    case.deliver()
    of_amount: dict[int, Any] = dict(
        case.ledger.execute("select amount_minor, id from payouts.instructions where status = 'unknown'").fetchall()
    )
    moved: Any = {"amount": 2_000, "currency": "eur", "destination": "acct_other"}
    reference = case.stripe.sdk().v1.transfers.create(moved).id
    operator_actions.judge(case.ledger, of_amount[1_000], reference, "cli ada", "seen")
    case.worker.settle([of_amount[1_000]])
    with pytest.raises(PayoutsError, match="belongs to another"):
        operator_actions.judge(case.ledger, of_amount[2_000], reference, "cli ada", "seen")
    operator_actions.judge(case.ledger, of_amount[1_000], None, "cli ada", "that was of the other one")
    operator_actions.judge(case.ledger, of_amount[2_000], reference, "cli ada", "seen")
    case.worker.settle([of_amount[2_000]])
    assert instructions.find(case.ledger, of_amount[2_000]).status == "settled"


def _newest(case: Case, table: str) -> int:
    [(newest,)] = case.ledger.execute(f"select max(id) from league.{table}").fetchall()  # noqa: S608
    return int(newest)


def test_one_movement_settles_one_instruction_whatever_it_names_since(case: Case) -> None:
    """Somebody gives the transfer that has settled one payout the metadata of the next; the others still go on."""
    _unknown(case, PAYOUT)
    reference = _by_hand(case, PAYOUT)
    assert _resolve(case, PAYOUT, reference) == "settled"
    other = case.league.club("acct_other")
    case.stripe.admin.put_accounts([AccountSeed(id="acct_other")])
    day = DAY + timedelta(days=1)
    for club in (case.club, other):
        case.league.fee(case.player, day)
        case.league.set("match_players", _newest(case, "match_players"), club_id=club)
    book(case.ledger, case.source, day)
    case.worker.settle(ids(case.ledger, day))
    release(case.ledger, case.source, day)
    case.fails(FaultKind.DROP_BEFORE, times=2)
    case.worker.settle(ids(case.ledger, day))
    case.pass_time(DAY_AND_MORE)
    query = (
        "select i.id from payouts.instructions as i join payouts.accounts as a on a.id = account_id"
        " where subject_id = %s and day = %s"
    )
    [(mine,)] = case.ledger.execute(query, (case.club, day)).fetchall()
    transfer = json.loads(str(case.stripe.sdk().v1.transfers.retrieve(reference)))
    edited = {"object": "list", "has_more": False, "url": "/v1/transfers"}
    edited["data"] = [{**transfer, "transfer_group": str(mine), "metadata": {"instruction_id": str(mine)}}]
    listed = OtherAnswer(status=200, body=json.dumps(edited))
    case.answers_with(listed, "GET", acted=False, path_prefix="/v1/transfers", nth=1 + (min(ids(case.ledger)) != mine))
    case.worker.settle(ids(case.ledger))
    stands = case.ledger.execute(
        "select id = %s, status, reason_code from payouts.instructions where day = %s and billing_type = %s order by 1",
        (mine, day, PAYOUT),
    ).fetchall()
    assert stands == [(False, "waiting", "never_reached_stripe"), (True, "unknown", "movement_taken")]
    operator_actions.judge(case.ledger, mine, None, "cli ada", "a slip in the dashboard")
    case.worker.settle([mine])
    assert instructions.find(case.ledger, mine).status == "waiting"
    assert violations(case.ledger) == {}


def test_a_key_that_may_not_look_says_nothing_about_what_a_person_has_named(case: Case) -> None:
    _unknown(case, PAYOUT)
    said = {"error": {"type": "invalid_request_error", "code": "more_permissions_required", "message": "no"}}
    case.answers_with(OtherAnswer(status=403, body=json.dumps(said)), "GET", acted=False, times=10)
    assert _resolve(case, PAYOUT, _by_hand(case, PAYOUT)) == "unknown"
    assert "could not be asked about it (more_permissions_required)" in case.stands(PAYOUT)[1]


@pytest.mark.parametrize(("kind", "reference"), [(CHARGE, "pi_none"), (PAYOUT, "tr_none")])
def test_what_stripe_does_not_have_settles_nothing_and_keeps_anything_from_being_sent(
    case: Case, kind: BillingType, reference: str
) -> None:
    _unknown(case, kind)
    posts = case.posts(kind)
    assert _resolve(case, kind, reference) == "unknown"
    for _ in range(3):
        case.pass_time(DAY_AND_MORE)
        case.materialise()
    assert (case.status(kind), case.posts(kind)) == ("unknown", posts)
    assert _resolve(case, kind, None) == "waiting"


def test_what_another_instruction_was_settled_by_is_not_taken(case: Case) -> None:
    _unknown(case, PAYOUT)
    [(charge,)] = case.ledger.execute(
        "select provider_reference from payouts.instructions where billing_type = 'player_charge'"
    ).fetchall()
    before = fingerprint(case.ledger)
    with pytest.raises(PayoutsError, match="belongs to another instruction"):
        _resolve(case, PAYOUT, charge)
    assert fingerprint(case.ledger) == before


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_stripe_never_says_is_sent_anew_once_a_person_says_that_nothing_moved(
    case: Case, kind: BillingType
) -> None:
    _unknown(case, kind)
    _silent(case)
    assert _resolve(case, kind, None) == "unknown"
    case.pass_time(DAY_AND_MORE)
    assert _resolve(case, kind, None) == "waiting"
    case.stripe.admin.clear_faults()
    case.materialise()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)
    assert violations(case.ledger) == {}


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_what_stripe_says_counts_more_than_the_person(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.DROP_AFTER)
    case.deliver()
    assert case.status(kind) == "unknown"
    case.pass_time(DAY_AND_MORE)
    assert _resolve(case, kind, None) == "settled"
    assert case.movements(kind) == 1


def test_a_payment_in_progress_is_waited_for_whatever_a_person_says(case: Case) -> None:
    case.pay_with("chargeDeclinedInsufficientFunds")
    case.materialise()
    [intent] = case.stripe.sdk().v1.payment_intents.list({"limit": 100}).data
    case.stripe.admin.pay(intent.id, "pm_sepaDebit_success")
    # For us alone: at Stripe the payment is still in progress.
    pass_time(case.ledger, 25)
    case.materialise()
    assert case.status(CHARGE) == "unknown"
    pass_time(case.ledger, 25)
    assert _resolve(case, CHARGE, None) == "unknown"
    assert case.posts(CHARGE) == 1


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
def test_a_movement_that_is_not_its_own_is_left_out_once_a_person_has_said_so(case: Case, kind: BillingType) -> None:
    number = _unknown(case, kind)
    other = _by_hand(case, kind, amount=700, metadata={"instruction_id": number}, transfer_group=number)
    case.pass_time(DAY_AND_MORE)
    case.deliver()
    status, reason = case.stands(kind)
    assert (status, other in reason) == ("unknown", True)
    assert _resolve(case, kind, None) == "waiting"
    case.materialise()
    assert case.status(kind) == "settled"
    assert case.posts(kind) == 3


@pytest.mark.parametrize("reference", ["pi_1", None])
def test_only_what_is_unknown_can_be_resolved(case: Case, reference: str | None) -> None:
    case.materialise()
    before = fingerprint(case.ledger)
    with pytest.raises(PayoutsError, match="is settled, so there is nothing to judge"):
        _resolve(case, CHARGE, reference)
    assert fingerprint(case.ledger) == before
