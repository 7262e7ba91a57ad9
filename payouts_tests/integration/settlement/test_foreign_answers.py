"""Rule of money 10: only Stripe's own answer is an answer, and what it has moved settles only what it is of.

Whatever else comes back says nothing: the instruction is unknown, is asked about, and moves its money once.
"""

import json
from typing import Any

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed, FaultKind, OtherAnswer
from payouts_tests.support.cases import DAY, HOUR, POSTS, Case
from payouts_tests.support.ledger_steps import ids

KINDS = pytest.mark.parametrize("kind", list(POSTS))
PAGE = "<html><body><h1>Not here</h1></body></html>"


def _error(**fields: Any) -> str:
    return json.dumps({"error": {"message": "no", **fields}})


def _json(status: int, body: str) -> OtherAnswer:
    """In Stripe's headers, its request id among them."""
    return OtherAnswer(status=status, headers={"Content-Type": "application/json"}, body=body)


ANSWERS = {
    **{f"page_{status}": OtherAnswer.foreign(status, PAGE) for status in (200, 403, 404, 429)},
    **{f"bare_{status}": OtherAnswer.foreign(status, _error(type="card_error")) for status in (401, 402)},
    "empty": OtherAnswer.foreign(200),
    "no_object": _json(200, '{"status": "ok"}'),
    "array": _json(200, "[]"),
    "null": _json(200, "null"),
    "number": _json(200, "7"),
    "another_object": _json(200, '{"object": "balance", "id": "pi_1", "status": "succeeded"}'),
    "no_details": _json(200, '{"object": "transfer", "id": "tr_1"}'),
    "succeeded_alone": _json(200, '{"object": "payment_intent", "id": "pi_1", "status": "succeeded"}'),
    "untyped": _json(400, _error(code="resource_missing")),
    "strange_type": _json(403, _error(type="waf_error")),
    "error_is_text": _json(403, '{"error": "access_denied"}'),
    "error_is_list": _json(400, '{"error": []}'),
    "api_error": _json(400, _error(type="api_error")),
    "refused_with_5xx": _json(503, _error(type="invalid_request_error")),
    "conflict": _json(409, _error(type="invalid_request_error")),
    "timed_out": _json(408, _error(type="invalid_request_error")),
    "failed_elsewhere": _json(424, _error(type="invalid_request_error")),
}


@KINDS
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("acted", [False, True])
def test_an_answer_that_is_not_stripes_says_nothing(case: Case, kind: BillingType, name: str, *, acted: bool) -> None:
    case.open(kind)
    case.answers_with(ANSWERS[name], acted=acted, path_prefix=POSTS[kind].split()[1])
    case.deliver()
    status, reason = case.stands(kind)
    assert (status, case.movements(kind)) == ("unknown", int(acted))
    assert "not known whether the money moved" in reason

    case.pass_time(HOUR)
    case.materialise()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)
    assert case.attempts(kind) == [(1, "settled")]


@KINDS
@pytest.mark.parametrize("acted", [False, True])
def test_the_one_refusal_without_a_request_id_is_that_of_a_key(case: Case, kind: BillingType, *, acted: bool) -> None:
    said = _error(type="invalid_request_error", message="Invalid API Key provided: sk_test_****0123")
    case.open(kind)
    case.answers_with(
        OtherAnswer.foreign(401, said, "application/json"), acted=acted, path_prefix=POSTS[kind].split()[1]
    )
    case.deliver()
    status, reason = case.stands(kind)
    assert status == "waiting"
    assert "see STRIPE_API_KEY" in reason

    case.pass_time(HOUR)
    case.materialise()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1), "Stripe is asked before it is sent again"


def _charge(**other: Any) -> str:
    """A payment intent such as Stripe's, but for the one thing that is other."""
    intent = {"id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "eur", "status": "succeeded"}
    return json.dumps({**intent, "customer": "cus_1", "metadata": {"instruction_id": "1"}, **other})


@pytest.mark.parametrize(
    "other",
    [{"amount": 999}, {"currency": "usd"}, {"customer": "cus_other"}, {"id": "ch_1"}, {"metadata": {}}],
    ids=lambda other: next(iter(other)),
)
def test_a_success_is_what_was_asked_for(case: Case, other: dict[str, Any]) -> None:
    kind = BillingType.PLAYER_CHARGE
    case.open(kind)
    ours = {"customer": f"cus_{case.player}", "metadata": {"instruction_id": str(ids(case.ledger, DAY)[0])}}
    case.answers_with(_json(200, _charge(**{**ours, **other})), acted=False, path_prefix="/v1/payment_intents")
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("unknown", 0)


@KINDS
@pytest.mark.parametrize(
    "answer",
    [
        OtherAnswer.foreign(200, '{"object": "list", "data": [], "has_more": false}', "application/json"),
        OtherAnswer.foreign(404, PAGE),
        _json(200, '{"object": "list"}'),
        _json(200, '{"object": "list", "data": [{}], "has_more": false}'),
        _json(200, '{"object": "list", "data": [], "has_more": true}'),
        _json(200, '{"data": [], "has_more": false}'),
    ],
    ids=["bare", "page", "nothing", "no_object", "endless", "no_list"],
)
def test_a_list_that_is_not_stripes_proves_no_absence(case: Case, kind: BillingType, answer: OtherAnswer) -> None:
    case.open(kind)
    case.fails(FaultKind.DROP_AFTER)
    case.deliver()
    case.pass_time(25 * HOUR)
    case.answers_with(answer, "GET", acted=False)
    case.deliver()
    assert (case.status(kind), case.posts(kind)) == ("unknown", 1)

    case.pass_time(HOUR)
    case.deliver()
    assert (case.status(kind), case.posts(kind), case.movements(kind)) == ("settled", 1, 1)


@KINDS
@pytest.mark.parametrize("flaw", ["of another", "without end"])
def test_a_list_that_answers_another_question_proves_no_absence(case: Case, kind: BillingType, flaw: str) -> None:
    """A cache that ignores what is asked for gives another payee's list, or the first page again and again."""
    api = case.stripe.sdk().v1
    case.open(kind)
    case.fails(FaultKind.DROP_AFTER)
    case.deliver()
    case.pass_time(25 * HOUR)
    listed = (api.payment_intents if kind == BillingType.PLAYER_CHARGE else api.transfers).list({"limit": 1})
    page = json.loads(str(listed))
    [thing] = page["data"]
    thing["metadata"] = {}
    if flaw == "of another":
        thing |= {"customer": "cus_another", "transfer_group": "another"}
    page["has_more"] = flaw == "without end"
    case.answers_with(_json(200, json.dumps(page)), "GET", acted=False, times=50)
    before = case.calls()
    case.deliver()
    assert (case.status(kind), case.posts(kind)) == ("unknown", 1)
    assert case.calls() - before <= 2

    case.stripe.admin.clear_faults()
    case.pass_time(HOUR)
    case.deliver()
    assert (case.status(kind), case.posts(kind), case.movements(kind)) == ("settled", 1, 1)


@pytest.mark.parametrize(
    "answer",
    [OtherAnswer.foreign(403, PAGE), OtherAnswer.foreign(200), _json(200, '{"object": "customer", "id": "cus_x"}')],
    ids=["page", "empty", "another"],
)
def test_a_customer_that_is_not_stripes_has_no_say(case: Case, answer: OtherAnswer) -> None:
    kind = BillingType.PLAYER_CHARGE
    case.league.set("players", case.player, stripe_payment_method_id=None)
    case.open(kind)
    case.answers_with(answer, "GET", acted=False, path_prefix="/v1/customers")
    case.deliver()
    assert (case.status(kind), case.posts(kind)) == ("unknown", 0)

    case.pass_time(HOUR)
    case.deliver()
    assert (case.status(kind), case.movements(kind)) == ("settled", 1)


@pytest.mark.parametrize("name", ["empty", "array", "page_403", "no_details"])
def test_one_odd_answer_loses_no_other(case: Case, name: str) -> None:
    for _ in range(4):
        player = case.league.player(case.club)
        method = f"pm_visa_{player}"
        seed = CustomerSeed(id=f"cus_{player}", default_payment_method=method, card="pm_card_visa")
        case.stripe.admin.put_customers([seed])
        case.league.set("players", player, stripe_payment_method_id=method)
        case.league.fee(player, DAY)
    case.open(BillingType.PLAYER_CHARGE)
    case.answers_with(ANSWERS[name], acted=True, path_prefix="/v1/payment_intents", nth=3)
    case.deliver()
    stands = case.ledger.execute("select status, count(*) from payouts.instructions group by 1 order by 1").fetchall()
    assert stands == [("settled", 4), ("unknown", 1)]


# What is found at Stripe.


def _moved(case: Case, kind: BillingType, **other: Any) -> str:
    """A movement at Stripe that says it is of the instruction, and differs from it; its reference."""
    api = case.stripe.sdk().v1
    [instruction_id] = ids(case.ledger, DAY, "unknown")
    said: Any = {
        "amount": 1_000,
        "currency": "eur",
        "transfer_group": str(instruction_id),
        "metadata": {"instruction_id": str(instruction_id)},
    }
    if kind == BillingType.CLUB_PAYOUT:
        said |= {"destination": f"acct_{case.club}", **other}
        return api.transfers.create(said).id
    said |= {"customer": f"cus_{case.player}", "payment_method": f"pm_visa_{case.player}", "confirm": True}
    said |= {"off_session": True, "payment_method_types": ["card"], **other}
    return api.payment_intents.create(said).id


@KINDS
@pytest.mark.parametrize("other", [{"amount": 1_500}, {"currency": "usd"}], ids=["amount", "currency"])
@pytest.mark.parametrize("hours", [1, 30], ids=["young key", "old key"])
def test_what_stripe_has_moved_otherwise_settles_nothing_and_nothing_is_sent(
    case: Case, kind: BillingType, other: dict[str, Any], hours: int
) -> None:
    case.stripe.admin.set_balance({"eur": 100_000, "usd": 100_000})
    case.open(kind)
    case.fails(FaultKind.DROP_BEFORE)
    case.deliver()
    reference = _moved(case, kind, **other)
    posts = case.posts(kind)
    for _ in range(2):
        case.pass_time(hours * HOUR)
        case.materialise()
        status, reason = case.stands(kind)
        assert (status, case.posts(kind)) == ("unknown", posts)
        assert reference in reason
        assert "not what it asks for" in reason


def test_what_stripe_has_paid_to_another_settles_nothing(case: Case) -> None:
    kind = BillingType.CLUB_PAYOUT
    case.open(kind)
    case.fails(FaultKind.DROP_BEFORE)
    case.deliver()
    case.receive_at("acct_other", None)
    case.receive_at(f"acct_{case.club}", None)
    other = case.stripe.sdk().v1.accounts.create({"type": "standard"}).id
    _moved(case, kind, destination=other)
    case.pass_time(HOUR)
    case.deliver()
    assert case.status(kind) == "unknown"
    assert case.posts(kind) == 2


@KINDS
def test_what_stripe_has_moved_as_it_was_asked_settles(case: Case, kind: BillingType) -> None:
    case.open(kind)
    case.fails(FaultKind.DROP_BEFORE)
    case.deliver()
    _moved(case, kind)
    case.pass_time(HOUR)
    case.deliver()
    assert case.status(kind) == "settled"
