"""What our balance covers, in turn: nobody overtakes, nothing is counted twice, and what is missing is said."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain.forecast import Forecast, Step, forecasts
from payouts_pipeline.domain.funds import Arrival, Payout, covered_from, decide, replan
from payouts_pipeline.domain.refusals import WAIT

NOW = datetime(2026, 5, 4, 3, tzinfo=UTC)
DAY, EVE = date(2026, 5, 3), date(2026, 5, 2)
TOMORROW, LATER = NOW + timedelta(days=1), NOW + timedelta(days=2)


def payout(
    n: int,
    amount_minor: int = 100,
    day: date = DAY,
    kind: str = "club_payout",
    currency: str = "EUR",
    status: str = "pending",
    code: str = "not_published",
    retry_at: datetime | None = None,
) -> Payout:
    return Payout(UUID(int=n), day, kind, n, 1, currency, amount_minor, status, code, retry_at)


def waiting(n: int, amount_minor: int = 100, day: date = DAY, retry_at: datetime = TOMORROW, **fields: str) -> Payout:
    return payout(n, amount_minor, day, status="waiting", retry_at=retry_at, **{"code": "funds_pending", **fields})


def covered(
    payouts: Sequence[Payout], available_minor: int, *arrivals: tuple[datetime | None, int], currency: str = "EUR"
) -> dict[int, datetime]:
    found = covered_from(
        payouts, {currency: available_minor}, [Arrival(currency, on, amount) for on, amount in arrivals], NOW
    )
    return {name.int: at for name, at in found.items()}


def test_the_oldest_day_comes_first_then_clubs_organisers_and_partners_each_by_id() -> None:
    queue = [
        payout(1, kind="partner_payout"),
        payout(2, kind="organiser_payout"),
        payout(4),
        payout(3),
        payout(9, kind="partner_payout", day=EVE),
    ]
    assert [each.id.int for each in sorted(queue, key=lambda each: each.turn)] == [9, 3, 4, 2, 1]
    for available_minor, paid in ((99, []), (100, [9]), (399, [9, 3, 4]), (500, [9, 3, 4, 2, 1])):
        assert sorted(covered(queue, available_minor)) == sorted(paid)


def test_a_small_payout_does_not_overtake_a_large_one_but_in_another_currency() -> None:
    queue = [payout(1, 1_000), payout(2, 10), payout(3, 10, currency="AUD")]
    assert covered(queue, 999) == {}
    assert covered(queue, 10, currency="AUD") == {3: NOW}


def test_what_is_pending_covers_from_its_day_on_and_what_has_no_day_does_not() -> None:
    queue = [payout(1), payout(2), payout(3), payout(4)]
    assert covered(queue, 150, (LATER, 100), (TOMORROW, 50), (None, 100)) == {1: NOW, 2: TOMORROW, 3: LATER}


def test_a_balance_below_zero_is_made_up_for_first() -> None:
    assert covered([payout(1)], -100, (TOMORROW, 150), (LATER, 50)) == {1: LATER}


@given(
    st.lists(st.integers(1, 50), max_size=8),
    st.integers(-50, 200),
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 60)), max_size=5),
)
def test_at_no_time_is_more_covered_than_there_is(
    amounts: list[int], available_minor: int, coming: list[tuple[int, int]]
) -> None:
    queue = [payout(n, amount) for n, amount in enumerate(amounts, 1)]
    arrivals = [(NOW + timedelta(days=days), amount) for days, amount in coming]
    found = covered(queue, available_minor, *arrivals)
    for at in {NOW, *(on for on, _ in arrivals)}:
        there_minor = available_minor + sum(amount for on, amount in arrivals if on <= at)
        paid = [each for each in queue if each.id.int in found and found[each.id.int] <= at]
        assert sum(each.amount_minor for each in paid) <= max(there_minor, 0)
        rest = [each for each in queue if each not in paid]
        assert not rest or sum(each.amount_minor for each in (*paid, rest[0])) > there_minor, "the next one is short"
        assert paid == queue[: len(paid)], "nobody overtakes"


@pytest.mark.parametrize(
    ("of", "at", "becomes"),
    [
        (payout(1), NOW, None),
        (payout(1), TOMORROW, ("waiting", "funds_pending", TOMORROW)),
        (payout(1), None, ("waiting", "funds_pending", NOW + WAIT)),
        (payout(1, currency="AUD"), None, ("waiting", "no_balance_in_currency", NOW + WAIT)),
        (waiting(1), NOW, ("pending", "not_published", None)),
        (waiting(1), LATER, None),
        (waiting(1, retry_at=NOW), LATER, ("waiting", "funds_pending", LATER)),
        (waiting(1, retry_at=NOW), None, ("waiting", "funds_pending", NOW + WAIT)),
        (waiting(1, day=EVE), NOW, ("waiting", "funds_pending", NOW)),
        (waiting(1, day=EVE, retry_at=NOW), NOW, None),
        (waiting(1, day=EVE, retry_at=NOW), None, None),
        (waiting(1, code="balance_insufficient"), NOW, None),
        (waiting(1, code="balance_insufficient", retry_at=NOW), None, None),
    ],
)
def test_what_becomes_of_a_payout_when_a_day_is_paid(
    of: Payout, at: datetime | None, becomes: tuple[str, str, datetime | None] | None
) -> None:
    moves = decide([of], {of.id: at} if at else {}, DAY, NOW, frozenset({"EUR"}))
    assert [(each.status, each.reason_code, each.retry_at) for each in moves] == ([becomes] if becomes else [])
    assert all((each.id, each.old_status) == (of.id, of.status) for each in moves)


def test_where_it_is_not_known_in_which_currencies_there_is_a_balance_none_is_said_to_lack() -> None:
    (move,) = decide([payout(1, currency="AUD")], {}, DAY, NOW)
    assert move.reason_code == "funds_pending"


def test_what_waits_is_planned_anew_by_what_is_known_now() -> None:
    queue = [waiting(1), waiting(2), waiting(3), waiting(4, retry_at=NOW), waiting(5, code="balance_insufficient")]
    times = {UUID(int=1): NOW, UUID(int=2): TOMORROW, UUID(int=4): LATER, UUID(int=5): LATER}
    assert [(each.id.int, each.status, each.retry_at) for each in replan(queue, times, NOW)] == [(1, "waiting", NOW)]
    (move,) = replan([waiting(2)], {UUID(int=2): LATER}, NOW)
    assert move.retry_at == LATER


def test_a_forecast_says_what_can_be_paid_when_and_what_is_missing() -> None:
    queue = [waiting(1, 100), waiting(2, 200), waiting(3, 400), waiting(4, 50, currency="AUD")]
    arrivals = [Arrival("EUR", TOMORROW, 150), Arrival("EUR", TOMORROW, 60), Arrival("EUR", None, 70)]
    euros = Forecast("EUR", 120, 700, 100, [Step(TOMORROW.date(), 210, 200), Step(None, 70, 0)])
    dollars = Forecast("AUD", 0, 50, 0, [])
    assert forecasts(queue, {"EUR": 120, "JPY": 5}, arrivals, NOW, is_known=True) == [dollars, euros]
    assert (euros.shortfall_minor, dollars.shortfall_minor) == (300, 50)


def test_nothing_is_said_to_be_missing_where_it_is_not_known_what_is_there() -> None:
    (found,) = forecasts([waiting(1)], {}, [], NOW, is_known=False)
    assert (found.waiting_minor, found.shortfall_minor) == (100, 0)


def test_nothing_waits_and_nothing_comes() -> None:
    assert forecasts([], {"EUR": 100}, [], NOW, is_known=True) == []
