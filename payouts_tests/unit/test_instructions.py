"""The id of an instruction and its life."""

from datetime import date
from itertools import product
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.instructions import CANCELLABLE, FIRST_STATUSES, TRANSITIONS, Status, instruction_id

_DAY = date(2026, 3, 7)


def test_the_id_of_a_booking_never_changes() -> None:
    # Written down once: another id for the same booking would move the money again.
    assert instruction_id(_DAY, BillingType.PLAYER_CHARGE, 5, "EUR", 1) == UUID("86d98a4d-2431-5f80-8f3d-d02f3e23915e")


@given(st.dates(), st.sampled_from(BillingType), st.integers(1, 2**63 - 1), st.integers(1, 1_000))
def test_the_id_is_a_version_5_uuid(day: date, billing_type: BillingType, subject_id: int, sequence: int) -> None:
    namespace = UUID("5f2f2a52-6c36-5c59-9d5e-0f6c8d3b7a11")
    made = instruction_id(day, billing_type, subject_id, "EUR", sequence)
    assert made == uuid5(namespace, f"{day.isoformat()}/{billing_type.value}/{subject_id}/EUR/{sequence}")


def test_ids_differ_in_each_part() -> None:
    days, types, subjects = [_DAY, date(2026, 3, 8)], list(BillingType), [1, 11, 111]
    keys = list(product(days, types, subjects, ["EUR", "USD"], [1, 11]))
    assert len({instruction_id(*key) for key in keys}) == len(keys)


def test_nothing_leaves_its_end() -> None:
    assert {was for was, _ in TRANSITIONS} == set(Status) - {Status.SETTLED, Status.CANCELLED}


def test_every_status_can_be_reached_from_the_first_ones() -> None:
    reached = set(FIRST_STATUSES)
    for _ in Status:
        reached |= {becomes for was, becomes in TRANSITIONS if was in reached}
    assert reached == set(Status)


def test_what_may_be_under_way_at_the_provider_is_not_taken_back() -> None:
    assert not {Status.SENDING, Status.UNKNOWN, Status.SETTLED} & CANCELLABLE
    assert {was for was, becomes in TRANSITIONS if becomes in (Status.CANCELLED, Status.HELD)} == CANCELLABLE


def test_money_only_moves_from_a_committed_attempt() -> None:
    assert {was for was, becomes in TRANSITIONS if becomes == Status.SETTLED} == {Status.SENDING}
    assert {was for was, becomes in TRANSITIONS if becomes == Status.SENDING} == {Status.PUBLISHED, Status.UNKNOWN}
    assert {becomes for was, becomes in TRANSITIONS if was == Status.UNKNOWN} == {Status.SENDING}
