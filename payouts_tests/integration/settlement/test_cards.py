"""What a card was refused for counts for whatever it is asked to pay next."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger.instructions import days_due
from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed
from payouts_pipeline.workflow.resume import retry
from payouts_tests.support.cases import DAY, HOUR, OPEN, Case
from payouts_tests.support.ledger_steps import book, ids, instructions, release, violations

CHARGE = BillingType.PLAYER_CHARGE
NO_FUNDS, STOLEN, BUSY = (
    f"chargeDeclined{name}" for name in ("InsufficientFunds", "StolenCard", "ProcessingError")
)  # fmt: skip


def _materialise(case: Case, day: date) -> None:
    """A day as a run moves it, which makes what is due once what is not any more is cancelled."""
    for phase in (book, release):
        for _ in range(2):
            phase(case.ledger, case.source, day)
            case.worker.settle(ids(case.ledger, None, *OPEN))


def _match_days(case: Case, count: int) -> Iterator[date]:
    """The player plays every day, and the league's days that are due are materialised, too."""
    for number in range(1, count + 1):
        day = DAY + timedelta(days=number)
        case.pass_time(24 * HOUR)
        case.league.fee(case.player, day)
        _materialise(case, day)
        for due in days_due(case.ledger):
            _materialise(case, due)
        yield day


def _charges(case: Case) -> list[tuple[str, int]]:
    return instructions(case.ledger, "player", case.player)


def _open(case: Case) -> list[tuple[str, int]]:
    return [each for each in _charges(case) if each[0] not in ("cancelled", "settled")]


def test_a_card_without_funds_is_asked_four_times_a_month_however_often_its_player_plays(case: Case) -> None:
    case.pay_with(NO_FUNDS)
    _materialise(case, DAY)
    for number, _ in enumerate(_match_days(case, 29), 2):
        assert _open(case) in ([("waiting", 1_000 * number)], [("rejected", 1_000 * number)])
    assert (case.posts(CHARGE), case.movements(CHARGE)) == (4, 0)
    assert violations(case.ledger) == {}

    case.pay_with("visa")
    _materialise(case, DAY + timedelta(days=29))
    assert [each for each in _charges(case) if each[0] == "settled"] == [("settled", 30_000)]
    assert case.movements(CHARGE) == 1
    assert violations(case.ledger) == {}


def test_the_cards_of_two_customers_are_two_cards_whatever_their_ids(case: Case) -> None:
    """In Stripe's test mode one id stands for a card of everybody."""
    shared = "pm_card_visa_chargeDeclinedStolenCard"
    other = case.league.player(case.club)
    case.league.fee(other, DAY)
    for player in (case.player, other):
        case.stripe.admin.put_customers([CustomerSeed(id=f"cus_{player}", default_payment_method=shared)])
        case.league.set("players", player, stripe_payment_method_id=shared)
    book(case.ledger, case.source, DAY)
    for instruction_id in ids(case.ledger):
        case.worker.settle([instruction_id])
    assert case.posts(CHARGE) == 2


def test_a_stolen_card_is_asked_once(case: Case) -> None:
    case.pay_with(STOLEN)
    _materialise(case, DAY)
    for _ in _match_days(case, 15):
        pass
    assert _open(case) == [("rejected", 16_000)]
    assert "stolen" in str(_last_reason(case))
    assert case.posts(CHARGE) == 1


def _last_reason(case: Case) -> str:
    [(code,)] = case.ledger.execute(
        "select reason_code from payouts.instructions where status in ('waiting', 'rejected')"
    ).fetchall()
    return str(code)


def test_a_bank_that_is_busy_for_days_is_asked_no_more_often_than_card_schemes_allow(case: Case) -> None:
    case.pay_with(BUSY)
    _materialise(case, DAY)
    for _ in range(40):
        case.pass_time(2 * HOUR)
        _materialise(case, DAY)
    assert (case.posts(CHARGE), _last_reason(case)) == (15, "card_limit")
    case.pass_time(30 * 24 * HOUR)
    _materialise(case, DAY)
    assert case.posts(CHARGE) == 16


def test_new_fees_are_asked_for_together_with_those_that_were_refused(case: Case) -> None:
    case.pay_with(NO_FUNDS)
    _materialise(case, DAY)
    [refused] = case.stripe.sdk().v1.payment_intents.list({"limit": 100}).data
    for _ in _match_days(case, 1):
        pass
    [(intent, amount)] = [
        (each.id, each.amount)
        for each in case.stripe.sdk().v1.payment_intents.list({"limit": 100}).data
        if each.status == "requires_payment_method"
    ]
    assert (intent != refused.id, amount) == (True, 2_000)
    assert [status for status, _ in _charges(case)] == ["cancelled", "waiting"]


def test_what_was_paid_meanwhile_is_not_asked_for_together_with_new_fees(case: Case) -> None:
    case.pay_with(NO_FUNDS)
    _materialise(case, DAY)
    [refused] = case.stripe.sdk().v1.payment_intents.list({"limit": 100}).data
    case.stripe.admin.pay(refused.id, "pm_card_visa")
    for _ in _match_days(case, 1):
        pass
    assert _charges(case)[0] == ("settled", 1_000)
    assert sum(amount for status, amount in _charges(case) if status != "cancelled") == 2_000
    assert violations(case.ledger) == {}


def test_a_card_that_has_paid_since_starts_anew(case: Case) -> None:
    case.pay_with(NO_FUNDS)
    _materialise(case, DAY)
    method = f"pm_card_{NO_FUNDS}_{case.player}".replace("pm_card_", "pm_")
    filled = CustomerSeed(id=f"cus_{case.player}", default_payment_method=method, card="pm_card_visa")
    case.stripe.admin.put_customers([filled])
    case.pass_time(25 * HOUR)
    _materialise(case, DAY)
    assert case.status(CHARGE) == "settled"
    assert case.ledger.execute("select count(*) from payouts.card_refusals").fetchall() == [(0,)]


@pytest.mark.parametrize("card", [STOLEN, "authenticationRequired", NO_FUNDS])
def test_another_default_card_at_stripe_wakes_what_its_card_was_refused_for(case: Case, card: str) -> None:
    case.pay_with(card)
    case.league.set("players", case.player, stripe_payment_method_id=None)
    _materialise(case, DAY)
    tries = 0
    for _ in range(12):
        case.pass_time(25 * HOUR)
        _materialise(case, DAY)
        tries = case.posts(CHARGE)
    assert (tries, case.status(CHARGE)) == (4 if card == NO_FUNDS else 1, "rejected")

    case.pay_with("visa")
    case.league.set("players", case.player, stripe_payment_method_id=None)
    case.pass_time(25 * HOUR)
    assert DAY in days_due(case.ledger)
    _materialise(case, DAY)
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("settled", tries + 1)


def test_a_person_may_have_it_tried_again_once_its_owner_has_been_asked(case: Case) -> None:
    case.pay_with("authenticationRequired")
    _materialise(case, DAY)
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("rejected", 1)
    retry(case.ledger, case.source, "authentication_required", None, "cli ada", "confirmed in the bank's app")
    _materialise(case, DAY)
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("rejected", 2)


@pytest.mark.parametrize("plays_again", [False, True], ids=["the same charge", "joined by new fees"])
@pytest.mark.parametrize(
    ("card", "is_tried"),
    [(NO_FUNDS, True), ("chargeDeclinedExpiredCard", True), (STOLEN, False)],
    ids=["no funds", "expired", "stolen"],
)
def test_a_card_that_was_put_right_is_tried_again_once_a_person_says_so(
    case: Case, card: str, *, is_tried: bool, plays_again: bool
) -> None:
    """Funds, or a new date, under the same id: nothing changes in `league`, nor at Stripe as far as one can see."""
    case.pay_with(card)
    _materialise(case, DAY)
    for _ in range(12):
        case.pass_time(25 * HOUR)
        _materialise(case, DAY)
    if plays_again:
        case.league.fee(case.player, DAY + timedelta(days=12))
        _materialise(case, DAY + timedelta(days=12))
    code, tries = _last_reason(case), case.posts(CHARGE)
    same = CustomerSeed(id=f"cus_{case.player}", default_payment_method=f"pm_{card}_{case.player}", card="pm_card_visa")
    case.stripe.admin.put_customers([same])
    retry(case.ledger, case.source, code, None, "cli ada", "its owner has seen to it")
    _materialise(case, DAY + timedelta(days=12) if plays_again else DAY)
    assert _charges(case)[-1][0] == ("settled" if is_tried else "rejected")
    assert case.posts(CHARGE) == tries + is_tried


def test_another_default_card_at_stripe_is_found_while_the_former_one_waits_for_days(case: Case) -> None:
    case.pay_with(NO_FUNDS)
    case.league.set("players", case.player, stripe_payment_method_id=None)
    for _ in range(5):
        _materialise(case, DAY)
        case.pass_time(25 * HOUR)
    assert (case.posts(CHARGE), case.status(CHARGE)) == (3, "waiting")
    assert "tried again after" in case.stands(CHARGE)[1]
    case.pay_with("visa")
    case.league.set("players", case.player, stripe_payment_method_id=None)
    assert DAY in days_due(case.ledger)
    _materialise(case, DAY)
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("settled", 4)
