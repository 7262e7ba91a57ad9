"""The id of an instruction and its life."""

import hashlib
from datetime import date
from itertools import product
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.instructions import (
    CANCELLABLE,
    FIRST_STATUSES,
    TRANSITIONS,
    Status,
    instruction_id,
    portions,
)

_DAY = date(2026, 3, 7)
_LEDGER = UUID("0b7e5f0e-8a43-4b2f-9a5c-3c1d7f6a2e90")


def test_the_id_of_a_booking_never_changes() -> None:
    # Written down once: another id for the same booking would move the money again.
    made = instruction_id(_LEDGER, _DAY, BillingType.PLAYER_CHARGE, 5, "EUR", 1)
    assert made == UUID("0b496200-0000-8005-bdb2-8c0d885928cc")


_KEYS = st.tuples(
    st.uuids(),
    st.dates(),
    st.sampled_from(BillingType),
    st.integers(1, 2**63 - 1),
    st.just("EUR"),
    st.integers(1, 1_000),
)


@given(_KEYS)
def test_the_id_is_a_uuid_of_our_own_making(key: tuple[UUID, date, BillingType, int, str, int]) -> None:
    made = instruction_id(*key)
    assert (made.version, made.variant) == (8, RFC_4122)
    namespace = UUID("5f2f2a52-6c36-5c59-9d5e-0f6c8d3b7a11").bytes
    digest = hashlib.sha1(namespace + "/".join(map(str, key)).encode(), usedforsecurity=False).hexdigest()
    assert made.hex[17:] == digest[1:16], "60 bits of the digest that a version 5 would be made of"


@given(st.uuids(), st.lists(st.tuples(st.dates(), st.integers(1, 2**36 - 1)), unique=True))
def test_ids_grow_with_day_and_payee(ledger: UUID, keys: list[tuple[date, int]]) -> None:
    made = [instruction_id(ledger, day, BillingType.CLUB_PAYOUT, subject, "EUR", 1) for day, subject in sorted(keys)]
    assert made == sorted(made)


def test_ids_differ_in_each_part() -> None:
    ledgers, days, types, subjects = [_LEDGER, UUID(int=1)], [_DAY, date(2026, 3, 8)], list(BillingType), [1, 11, 111]
    keys = list(product(ledgers, days, types, subjects, ["EUR", "USD"], [1, 11]))
    assert len({instruction_id(*key) for key in keys}) == len(keys)


def test_nothing_leaves_its_end() -> None:
    assert {was for was, _ in TRANSITIONS} == set(Status) - {Status.SETTLED, Status.CANCELLED}


def test_every_status_can_be_reached_from_the_first_ones() -> None:
    reached = set(FIRST_STATUSES)
    for _ in Status:
        reached |= {becomes for was, becomes in TRANSITIONS if was in reached}
    assert reached == set(Status)


def test_what_may_be_in_progress_at_the_provider_is_not_taken_back() -> None:
    assert not {Status.SENDING, Status.UNKNOWN, Status.SETTLED} & CANCELLABLE
    assert {was for was, becomes in TRANSITIONS if becomes == Status.HELD} == CANCELLABLE
    # Of what is being sent the worker says so itself, once Stripe has told it that nothing moved.
    assert {was for was, becomes in TRANSITIONS if becomes == Status.CANCELLED} == CANCELLABLE | {Status.SENDING}


def test_money_only_moves_from_a_committed_attempt() -> None:
    assert {was for was, becomes in TRANSITIONS if becomes == Status.SETTLED} == {Status.SENDING}
    assert {was for was, becomes in TRANSITIONS if becomes == Status.SENDING} == {Status.PUBLISHED, Status.UNKNOWN}
    assert {becomes for was, becomes in TRANSITIONS if was == Status.UNKNOWN} == {Status.SENDING}


@given(
    amounts_minor=st.lists(st.integers(1, 100), min_size=1, max_size=30),
    taken_back_minor=st.lists(st.integers(-50, -1), max_size=3),
    credit_minor=st.integers(0, 60),
)
def test_portions_cover_everything_in_order_and_none_is_too_large(
    amounts_minor: list[int], taken_back_minor: list[int], credit_minor: int
) -> None:
    amounts_minor = taken_back_minor + amounts_minor
    divided = portions(amounts_minor, credit_minor, 100)
    assert sum(each.count for each in divided) == len(amounts_minor)
    assert sum(each.amount_minor for each in divided) == sum(amounts_minor) - credit_minor
    assert all(each.amount_minor <= 100 for each in divided)
    assert all(each.amount_minor > 0 for each in divided[:-1])
    covered, rest_minor = 0, credit_minor
    for each in divided:
        own_minor = sum(amounts_minor[covered : covered + each.count])
        assert each.amount_minor == own_minor - rest_minor
        covered, rest_minor = covered + each.count, 0
