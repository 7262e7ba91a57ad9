"""What is made while something else is written comes whole, in order, and with its errors."""

import threading
from collections.abc import Iterator

import pytest

from payouts_pipeline.ledger.bulk import ahead


def test_all_come_in_order() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))
    assert list(ahead([])) == []
    assert list(ahead([None, 0, False])) == [None, 0, False]


def test_one_is_made_while_the_one_before_it_is_used() -> None:
    used = threading.Event()

    def made() -> Iterator[int]:
        yield 1
        assert used.wait(timeout=10)
        yield 2

    both = ahead(made())
    assert next(both) == 1
    used.set()
    assert list(both) == [2]


def test_no_more_than_one_is_made_ahead() -> None:
    made = []

    def making() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    for number in ahead(making()):
        assert made[-1] <= number + 1


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def breaking() -> Iterator[int]:
        yield 1
        raise LookupError("gone")

    numbers = ahead(breaking())
    assert next(numbers) == 1
    with pytest.raises(LookupError, match="gone"):
        next(numbers)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    some = ahead(iter(range(10)))
    assert next(some) == 0
    some.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
