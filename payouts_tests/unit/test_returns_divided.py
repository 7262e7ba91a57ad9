"""What comes back of a charge, divided over its fees: what is named first, the rest by largest remainder."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain.returns import FeeKey, Portion, Share, divide

AMOUNTS = st.lists(st.integers(0, 2_000), min_size=1, max_size=6)


def fees(amounts: list[int]) -> list[Portion]:
    """Each with a club's share and the platform's."""
    return [
        Portion(
            FeeKey(date(2026, 5, 2), number, number, 1, "EUR"),
            amount,
            {Share.of("club", 7): amount - amount // 3, Share.of("platform", 0): amount // 3},
        )
        for number, amount in enumerate(amounts)
    ]


def by_match(portions: list[Portion]) -> dict[int, int]:
    return {each.key.match_id: each.amount_minor for each in portions}


def test_what_is_named_comes_off_its_fee_alone() -> None:
    of = fees([600, 400])
    assert by_match(divide(400, of, {of[1].key: 400})[0]) == {1: 400}
    assert by_match(divide(100, of, {of[1].key: 400})[0]) == {1: 100}


def test_what_its_fee_no_longer_has_comes_off_the_others() -> None:
    of = fees([600, 150])
    portions, beyond_minor = divide(400, of, {of[1].key: 400})
    assert (by_match(portions), beyond_minor) == ({0: 250, 1: 150}, 0)


@given(AMOUNTS, st.integers(1, 9_000), st.lists(st.integers(0, 2_000), min_size=6, max_size=6))
def test_it_adds_up_and_no_fee_gives_more_than_it_has(amounts: list[int], amount_minor: int, named: list[int]) -> None:
    of = fees(amounts)
    portions, beyond_minor = divide(amount_minor, of, {fee.key: name for fee, name in zip(of, named, strict=False)})
    assert sum(each.amount_minor for each in portions) + beyond_minor == amount_minor
    for each in portions:
        assert 0 < each.amount_minor <= amounts[each.key.match_id]
        assert sum(each.shares.values()) == each.amount_minor
    least = {fee.key: min(name, fee.amount_minor) for fee, name in zip(of, named, strict=False)}
    if amount_minor >= sum(least.values()):
        taken = {each.key: each.amount_minor for each in portions}
        assert all(taken.get(key, 0) >= name for key, name in least.items())
