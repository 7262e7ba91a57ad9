"""What an operator is told to do: every reason leads to a next action, or says that nothing is to be done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from payouts_pipeline.domain.billing import BILLING_TYPE_OF, RETURN_TYPES, SUBJECT_OF, BillingType
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import OpenCode, ReasonCode, Remedy, WithReason, remedy_of
from payouts_pipeline.domain.refusals import Refusal, judge
from payouts_pipeline.reports.next_action import next_action, next_step
from payouts_pipeline.reports.status import Instruction

ID = UUID("86d98a4d-2431-5f80-8f3d-d02f3e23915e")
RUN = "'payouts run 2026-03-07'"
# A status and reason for each remedy.
STUCK = {
    Remedy.LIFT_HOLD: (Status.HELD, ReasonCode.ON_HOLD),
    Remedy.APPROVE: (Status.HELD, ReasonCode.APPROVAL_REQUIRED),
    Remedy.APPROVE_DAY: (Status.HELD, ReasonCode.DAY_APPROVAL_REQUIRED),
    Remedy.CONFIRM_ACCOUNT: (Status.HELD, ReasonCode.ACCOUNT_OF_ANOTHER),
    Remedy.AWAIT_REST: (Status.HELD, ReasonCode.ACCOUNT_RESTS),
    Remedy.ENTER_STRIPE_ID: (Status.HELD, ReasonCode.NO_STRIPE_ID),
    Remedy.CHANGE_AMOUNT: (Status.REJECTED, "amount_too_large"),
    Remedy.REPLACE_CARD_OR_ACCOUNT: (Status.REJECTED, "account_closed"),
    Remedy.FINISH_ACCOUNT: (Status.REJECTED, "insufficient_capabilities_for_transfer"),
    Remedy.FIX_OUR_KEY: (Status.WAITING, "invalid_api_key"),
    Remedy.FIX_OUR_ACCOUNT: (Status.WAITING, "testmode_charges_only"),
    Remedy.JUDGE_MOVEMENT: (Status.UNKNOWN, ReasonCode.MOVEMENT_DIFFERS),
    Remedy.MATCH_MOVEMENT: (Status.WAITING, ReasonCode.MOVEMENT_LOST),
    Remedy.RECONCILE_BALANCE: (Status.HELD, ReasonCode.BALANCE_NOT_UNDERSTOOD),
    Remedy.TOP_UP_BALANCE: (Status.WAITING, "balance_insufficient"),
    Remedy.KEEP_BALANCE_IN_CURRENCY: (Status.WAITING, "no_balance_in_currency"),
    Remedy.TIME: (Status.PENDING, ReasonCode.NOT_PUBLISHED),
}


def instruction(
    status: str, code: str | None, details: Mapping[str, Any] | None = None, kind: str = "club_payout"
) -> Instruction:
    return Instruction(
        billing_type=kind, currency="EUR", status=status, reason_code=code, reason_details=details or {}, id=ID,
        day=date(2026, 3, 7), payee=f"{SUBJECT_OF[BillingType(kind)]}:17", amount_minor=1_000,
        retry_at=datetime(2026, 3, 8, tzinfo=UTC) if status in (Status.WAITING, Status.UNKNOWN) else None,
    )  # fmt: skip


def refused(code: str, kind: str = "club_payout", times: int = 1) -> Instruction:
    verdict = judge(Refusal(code), times)
    return instruction(verdict.status, code, verdict.details, kind)


@pytest.mark.parametrize("code", ["not_left", "refund_came_back", "charge_disputed", "charge_already_refunded"])
@pytest.mark.parametrize("kind", RETURN_TYPES)
def test_what_stripe_does_not_give_back_waits_for_a_person(code: str, kind: BillingType) -> None:
    of = replace(instruction(Status.REJECTED, code), billing_type=kind)
    assert next_action(of).needs_person
    assert f"'payouts cancel {ID} --reason ...'" in str(next_step(of))
    assert "league" not in f"{of.reason} {next_step(of)}"


def test_a_payees_balance_is_not_ours_to_top_up() -> None:
    of = replace(instruction(Status.WAITING, "balance_insufficient"), billing_type=BillingType.PAYOUT_REVERSAL)
    assert of.reason == "the payee's balance at Stripe does not cover it"
    assert next_action(of).text == "none: it is retried automatically"


@pytest.mark.parametrize("remedy", STUCK)
@pytest.mark.parametrize("kind", SUBJECT_OF)
def test_every_remedy_leads_to_a_next_action_of_its_own(remedy: Remedy, kind: BillingType) -> None:
    status, code = STUCK[remedy]
    of = instruction(status, code, kind=kind)
    assert remedy_of(of.reason_code, of.reason_details) == remedy
    action = next_action(of)
    assert action.needs_person == (remedy not in (Remedy.TIME, Remedy.TOP_UP_BALANCE, Remedy.AWAIT_REST))
    assert action.text.startswith("none: ") != action.needs_person
    for text in (action.text, str(next_step(of))):
        assert not set("{}") & set(text)
    others = {next_action(instruction(*STUCK[each], kind=kind)).text for each in set(STUCK) - {remedy}}
    assert action.text not in others


@pytest.mark.parametrize(
    ("of", "all_of_them", "this_one"),
    [
        (
            instruction(Status.HELD, ReasonCode.ON_HOLD, {"reason": "fraud"}),
            "lift the hold once it may go on: 'payouts unhold'; it then continues automatically",
            "lift the hold once it may go on: 'payouts unhold club:17 --reason ...'; it then continues automatically, "
            f"or with {RUN}",
        ),
        (
            instruction(Status.HELD, ReasonCode.APPROVAL_REQUIRED, {"limit_minor": 1}),
            "check the amount, then approve it: 'payouts approve'; it then continues automatically",
            f"check the amount, then approve it: 'payouts approve {ID} --reason ...'; it then continues automatically, "
            f"or with {RUN}",
        ),
        (
            instruction(Status.HELD, ReasonCode.NO_STRIPE_ID, kind="player_charge"),
            "enter the player's Stripe customer in schema 'league' (table players); it then continues automatically",
            "enter the player's Stripe customer in schema 'league' (table players); it then continues automatically, "
            f"or with {RUN}",
        ),
        (
            refused("amount_too_large"),
            "correct the terms in schema 'league', then 'payouts cancel' and 'payouts run'",
            f"correct the terms in schema 'league', then 'payouts cancel {ID} --reason ...' and {RUN}",
        ),
        (
            refused("insufficient_funds", "player_charge"),
            "none: it is retried automatically, and at once with a new card in schema 'league'",
            f"it is retried automatically, or from then on with {RUN}, and at once with a new card in schema 'league'",
        ),
        (
            instruction(Status.CANCELLED, ReasonCode.REPLACED),
            "none: its amount is back on the account; 'payouts run' makes a new instruction of what is due then",
            f"its amount is back on the account; {RUN} makes a new instruction of what is due then",
        ),
    ],
)
def test_both_forms_say_the_same(of: Instruction, all_of_them: str, this_one: str) -> None:
    assert next_action(of).text == all_of_them
    assert next_step(of) == this_one


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (refused("stolen_card", "player_charge"), "ask the player for a card that works"),
        (refused("a_code_of_tomorrow", "player_charge"), "ask the player for a card that works"),
        (refused("account_closed"), "ask the club for an account that can receive transfers"),
        (
            refused("insufficient_capabilities_for_transfer"),
            "Stripe is asked about it as long as it takes, and it then continues automatically; at once with 'payouts ",
        ),
        (refused("authentication_required", "player_charge"), "if the same card was fixed at Stripe: 'payouts retry'"),
        (refused("insufficient_funds", "player_charge", times=4), "ask the player for a card that works"),
        (refused("insufficient_permissions"), "fix STRIPE_API_KEY; it is then retried automatically"),
    ],
)
def test_what_only_a_person_can_get_going(of: Instruction, said: str) -> None:
    assert said in next_action(of).text
    assert next_action(of).needs_person


@pytest.mark.parametrize("code", [ReasonCode.HOLD_LIFTED, ReasonCode.APPROVED])
def test_what_a_person_has_let_go_needs_nobody_any_more(code: str) -> None:
    of = instruction(Status.HELD, code, {"reason": "it waits for approval"})
    assert next_action(of).text == "none: it continues automatically"


@pytest.mark.parametrize("kind", BILLING_TYPE_OF.values())
@pytest.mark.parametrize("code", OpenCode)
def test_what_is_on_no_instruction_yet_needs_nobody(kind: BillingType, code: OpenCode) -> None:
    of = WithReason(billing_type=kind, currency="EUR", status="open", reason_code=code, reason_details={})
    assert next_action(of).text == "none: it continues automatically"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SETTLED}))
def test_whatever_is_not_settled_has_a_next_step(status: Status) -> None:
    assert next_step(instruction(status, ReasonCode.NOT_PUBLISHED))


def test_what_is_unknown_must_not_be_paid_by_other_means() -> None:
    of = instruction(Status.UNKNOWN, ReasonCode.NO_ANSWER)
    assert "do not pay it by other means" in next_action(of).text
    assert not next_action(of).needs_person


def test_what_is_settled_needs_nothing() -> None:
    assert next_step(instruction(Status.SETTLED, None)) is None
