"""The one table of reasons: a sentence and a next action for each, and no sentence anywhere else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import payouts_pipeline
from payouts_pipeline.domain import reasons
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import HELD_OUT, HeldOutCode, OpenCode, ReasonCode, Remedy, WithReason
from payouts_pipeline.domain.refusals import CARD_CODES, FOR_NOW, OUR_ACCOUNT, OUR_KEY, Refusal, judge

_ROOT = Path(payouts_pipeline.__file__).parent
_LITERAL = r"'(?:[^']|'')*'"
# The details that codes of ours have; those of refusals are the verdict's.
_DETAILS: dict[str, dict[str, Any]] = {
    ReasonCode.ON_HOLD: {"reason": "fraud {suspected}"},
    ReasonCode.HOLD_LIFTED: {"reason": "cleared"},
    ReasonCode.APPROVED: {"reason": "checked"},
    ReasonCode.RETRIED: {"reason": "the key was fixed"},
    ReasonCode.CANCELLED: {"reason": "wrong terms"},
    ReasonCode.APPROVAL_REQUIRED: {"limit_minor": 100_000},
    ReasonCode.PROVIDER_ERROR: {"http_status": 500},
    ReasonCode.TURNED_AWAY: {"code": "rate_limit"},
    ReasonCode.CARD_LIMIT: {"times": 15},
    ReasonCode.JUDGED_OTHERWISE: {"reference": "tr_1"},
    ReasonCode.EARLIER_MAY_BE_PAID: {"code": "payment_intent_unexpected_state"},
    ReasonCode.NOT_STRIPES_ANSWER: {"http_status": 403},
    ReasonCode.MOVEMENT_DIFFERS: {"reference": "tr_1", "moved_minor": 1_000, "moved_currency": "EUR"},
    ReasonCode.MOVEMENT_TAKEN: {"reference": "tr_1"},
    ReasonCode.MOVEMENT_LOST: {
        "reference": "pi_1",
        "moved_minor": 1_000,
        "moved_currency": "EUR",
        "lost_day": "2026-03-07",
    },
    ReasonCode.NOT_TO_BE_ASKED: {"code": "invalid_api_key"},
}
_OURS = [*ReasonCode, *OpenCode]
_REFUSALS = sorted(set(reasons._MEANINGS) - set(_OURS))
_CASES: list[tuple[str, dict[str, Any]]] = [
    *((code, _DETAILS.get(code, {})) for code in _OURS),
    *((code, dict(judge(Refusal(code), times).details)) for code in [*_REFUSALS, "new_code"] for times in (1, 2, 4)),
]


def _of(code: str, details: dict[str, Any], billing_type: str) -> WithReason:
    return WithReason(
        billing_type=billing_type, currency="EUR", status=Status.HELD, reason_code=code, reason_details=details
    )


@pytest.mark.parametrize(("code", "details"), _CASES)
@pytest.mark.parametrize("billing_type", BillingType)
def test_every_code_has_a_sentence_for_everyone(code: str, details: dict[str, Any], billing_type: BillingType) -> None:
    sentence = _of(code, details, billing_type).reason
    assert sentence
    assert sentence.replace("{suspected}", "").isascii()
    assert not set("{}") & set(sentence.replace("{suspected}", ""))
    assert not sentence.endswith(".")


def test_no_two_codes_have_the_same_sentence() -> None:
    """Lines of a status are grouped by code: two that read the same would look like a mistake."""
    different = {str(case): case for case in _CASES}.values()
    said = [reasons.sentence(*case, BillingType.CLUB_PAYOUT, "EUR") for case in different]
    assert sorted({each for each in said if said.count(each) > 1}) == []


def test_every_code_of_ours_is_in_the_table() -> None:
    assert set(_OURS) <= set(reasons._MEANINGS)
    assert set(HELD_OUT) == set(HeldOutCode)


def test_every_refusal_that_is_retried_is_in_the_table_and_the_other_way_round() -> None:
    assert set(reasons._FOR_NOW) == FOR_NOW
    assert set(reasons._OUR_KEY) == OUR_KEY
    assert set(reasons._OUR_ACCOUNT) == OUR_ACCOUNT
    assert set(reasons._CARD) == CARD_CODES
    assert {judge(Refusal(code), 1).status for code in [*reasons._FOR_GOOD, *reasons._AMOUNT]} == {Status.REJECTED}


@pytest.mark.parametrize("code", sorted(CARD_CODES))
def test_a_card_needs_time_until_its_tries_are_used_up(code: str) -> None:
    remedies = [reasons.remedy_of(code, judge(Refusal(code), times).details) for times in (1, 3, 4)]
    assert remedies == [Remedy.TIME, Remedy.TIME, Remedy.REPLACE_CARD_OR_ACCOUNT]
    last = reasons.sentence(code, judge(Refusal(code), 4).details, BillingType.PLAYER_CHARGE, "EUR")
    assert last.endswith(", 4 times: the player needs another card")


@pytest.mark.parametrize(
    ("code", "details", "billing_type", "said"),
    [
        ("on_hold", {"reason": "fraud suspected"}, "club_payout", "on hold: fraud suspected"),
        ("approval_required", {"limit_minor": 100_000}, "club_payout", "above 1,000.00 EUR: waits for approval"),
        ("no_stripe_id", {}, "player_charge", "the player has no Stripe customer"),
        ("no_stripe_id", {}, "organiser_payout", "the organiser has no Stripe account"),
        ("insufficient_funds", {"retry_days": 1}, "player_charge", "the card does not have enough funds; it is tried "
         "again after a day"),
        ("insufficient_funds", {"retry_days": 3}, "player_charge", "the card does not have enough funds; it is tried "
         "again after 3 days"),
        ("no_answer", {}, "club_payout", "Stripe did not answer; it is not known whether the money moved, and Stripe "
         "is asked again automatically"),
        ("brand_new_code", {}, "player_charge", "Stripe refused it for good (brand_new_code)"),
        (None, {}, "player_charge", None),
    ],
)  # fmt: skip
def test_what_people_read(code: str, details: dict[str, Any], billing_type: str, said: str | None) -> None:
    assert _of(code, details, billing_type).reason == said


def _literals_of_sql() -> Iterator[tuple[str, str]]:
    """Each text that our SQL holds, with its file; comments on tables and what a trigger raises are for engineers.

    So is what the auditor finds (`audit.sql`), and what a DBA runs (`roles.sql`).
    """
    for room in ("ledger", "league", "reports"):
        for file in sorted((_ROOT / room).rglob("*.sql")):
            text = re.sub(r"--.*", "", file.read_text("utf-8"))
            text = re.sub(rf"(raise exception|comment on [\w. ]+ is)\s+({_LITERAL}\s*)+", "", text)
            if file.name not in ("audit.sql", "roles.sql"):
                yield from ((file.name, literal) for literal in re.findall(_LITERAL, text))


def test_no_sql_holds_a_sentence_or_a_command_line() -> None:
    literals = list(_literals_of_sql())
    assert len(literals) > 100
    # Separators, blanks around a word, intervals of time, the name of a ledger, and where the shares stand whose fee is
    # not collected.
    allowed = re.compile(r"'(\W+| \\t\\r\\n| of |\d+ \w+|fee not collected)'")
    assert [each for each in literals if " " in each[1] and not allowed.fullmatch(each[1])] == []


def test_sql_names_no_code_that_the_table_does_not_have() -> None:
    text = "\n".join(file.read_text("utf-8") for file in sorted((_ROOT / "ledger").rglob("*.sql")))
    named = set(re.findall(r"reason_code = (?:case [^\n]*then )?'(\w+)'", text))
    assert {
        "not_published", "not_taken", "being_sent", "worker_lost", "on_hold", "movement_differs", "being_cancelled",
        "retried", "can_receive",
    } == named  # fmt: skip
    assert named <= set(ReasonCode)
    status = _sql("reports/sql/status.sql").split("-- name: ")[1]
    assert {code for code in re.findall(r"'(\w+)'", status) if code in set(OpenCode)} == set(OpenCode)
    opened = re.findall(r"'(?:open|held)',\s*(?:case[^\n]*then )?'(\w+)'(?: else '(\w+)')?", status)
    assert {code for pair in opened for code in pair if code} <= set(OpenCode)


def _sql(path: str) -> str:
    return (_ROOT / path).read_text("utf-8")
