"""The embedded parts, once for all tests that need a whole installation, and installations on them."""

from collections.abc import Iterator

import pytest

from payouts_pipeline.local.embedded import embedded, stop
from payouts_pipeline.local.embedded.parts import PART_NAMES
from payouts_tests.support.folders import temporary_folder
from payouts_tests.support.worlds import World, Worlds


@pytest.fixture(scope="session")
def worlds() -> Iterator[Worlds]:
    """Makes installations."""
    with temporary_folder("payouts-worlds-") as place:
        state_dir = place / ".payouts"
        with embedded(PART_NAMES, state_dir) as environment, Worlds(environment, place) as made:
            yield made
        stop(state_dir)


@pytest.fixture
def world(worlds: Worlds) -> World:
    """An installation with a small league, of this test alone."""
    return worlds.make()
