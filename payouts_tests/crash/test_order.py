"""The order of effects, on which recovery rests: it is observed in a real day."""

from itertools import pairwise

import pytest

from payouts_pipeline.failpoints import Failpoint, Moment
from payouts_tests.crash.lanes import Lanes

Seen = tuple[int, Failpoint, Moment]


@pytest.fixture(scope="module")
def seen(lanes: Lanes) -> list[Seen]:
    return lanes.sequence


def _of_each_thread(seen: list[Seen]) -> list[list[tuple[Failpoint, Moment]]]:
    return [[(effect, moment) for thread, effect, moment in seen if thread == one] for one in {s[0] for s in seen}]


def test_an_attempt_is_committed_before_the_provider_is_called(seen: list[Seen]) -> None:
    effects = [(effect, moment) for _, effect, moment in seen]
    for call in (Failpoint.CHARGE, Failpoint.TRANSFER):
        calls = [n for n, one in enumerate(effects) if one == (call, "before")]
        claims = [n for n, one in enumerate(effects) if one == (Failpoint.CLAIM, "after")]
        booked = Failpoint.BOOK_DAY if call is Failpoint.CHARGE else Failpoint.RELEASE_DAY
        assert any(effects.index((booked, "after")) < n < min(calls) for n in claims)


def test_a_message_is_only_deleted_after_its_outcome_is_committed(seen: list[Seen]) -> None:
    deletes = 0
    for thread in _of_each_thread(seen):
        for before, now in pairwise(thread):
            if now == (Failpoint.DELETE_MESSAGES, "before"):
                deletes += 1
                assert before in {(Failpoint.RECORD_OUTCOMES, "after"), (Failpoint.CLAIM, "after")}
        assert thread[0] != (Failpoint.DELETE_MESSAGES, "before")
    assert deletes


def test_nothing_is_noted_as_published_before_the_bus_has_taken_it(seen: list[Seen]) -> None:
    effects = [(effect, moment) for _, effect, moment in seen]
    for n, one in enumerate(effects):
        if one == (Failpoint.MARK_PUBLISHED, "before"):
            so_far = effects[:n]
            assert so_far.count((Failpoint.PUBLISH, "after")) > so_far.count((Failpoint.MARK_PUBLISHED, "before"))
