"""What an operator is told to do: each reason that an instruction can have leads somewhere, or says that nothing is."""

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.refusals import Refusal, judge
from payouts_pipeline.reports.next_action import what_to_do


@pytest.mark.parametrize(
    ("subject", "reason", "said"),
    [
        ("club", "on hold: under review (payouts release club:17)", "payouts release"),
        ("club", "on hold: the account waits for approval (payouts release club:17)", "payouts release"),
        ("partner", "above 500.00 EUR: waits for approval (payouts approve)", "payouts approve"),
        ("organiser", "the organiser has no Stripe account", "organiser's Stripe account in league (organisers)"),
        ("player", "the player has no Stripe customer", "player's Stripe customer in league (players)"),
    ],
)
def test_what_is_held_names_what_lets_it_go(subject: str, reason: str, said: str) -> None:
    todo = what_to_do(Status.HELD, subject, reason)
    assert said in todo.text
    assert todo.needs_person


@pytest.mark.parametrize(
    "reason",
    [
        "the hold was released: it is fine; it goes on",
        "approved: fine; it goes on",
        "the hold was released: it waits for approval; it goes on",
    ],
)
def test_what_a_person_has_let_go_needs_nobody_any_more(reason: str) -> None:
    assert not what_to_do(Status.HELD, "club", reason).needs_person


@pytest.mark.parametrize(
    ("code", "subject", "said"),
    [
        ("stolen_card", "player", "ask the player for a card"),
        ("a_code_of_tomorrow", "player", "ask the player for a card"),
        ("account_closed", "club", "ask the club for an account that takes transfers"),
        ("amount_too_large", "player", "payouts cancel, and correct the terms"),
        ("amount_too_small", "club", "payouts cancel, and correct the terms"),
        ("insufficient_capabilities_for_transfer", "club", "the same account, once mended: payouts cancel"),
        ("authentication_required", "player", "the same card, once mended: payouts cancel"),
    ],
)
def test_what_is_refused_for_good_needs_a_person(code: str, subject: str, said: str) -> None:
    verdict = judge(Refusal(code), card_refusals=1)
    todo = what_to_do(verdict.status, subject, verdict.reason)
    assert said in todo.text
    assert todo.needs_person


@pytest.mark.parametrize(
    ("code", "needs_person"),
    [
        ("insufficient_funds", False),
        ("balance_insufficient", False),
        ("rate_limit", False),
        ("invalid_api_key", True),
        ("insufficient_permissions", True),
    ],
)
def test_what_is_refused_for_now_goes_on_by_itself_unless_the_fault_is_ours(code: str, needs_person: bool) -> None:
    verdict = judge(Refusal(code), card_refusals=1)
    assert what_to_do(verdict.status, "player", verdict.reason).needs_person == needs_person


@pytest.mark.parametrize("status", ["open", Status.PENDING, Status.PUBLISHED, Status.SENDING, Status.UNKNOWN])
def test_what_moves_by_itself_says_so(status: str) -> None:
    todo = what_to_do(status, "club", "waits until the fee is collected")
    assert "by itself" in todo.text
    assert not todo.needs_person
