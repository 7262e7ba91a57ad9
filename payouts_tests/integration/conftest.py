"""The embedded parts, once for all tests that need a whole installation, and installations on them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from payouts_pipeline.local.services import embedded, stop
from payouts_pipeline.local.services.parts import PART_NAMES
from payouts_tests.integration.worlds import World, Worlds


@pytest.fixture(scope="session")
def worlds() -> Iterator[Worlds]:
    """Makes installations. Not in a folder of pytest's: see `payouts_tests/conftest.py`."""
    with TemporaryDirectory(prefix="payouts-worlds-") as name:
        state_dir = Path(name) / ".payouts"
        with embedded(PART_NAMES, state_dir) as environment, Worlds(environment, Path(name)) as made:
            yield made
        stop(state_dir)


@pytest.fixture
def world(worlds: Worlds) -> World:
    """An installation with a small league, of this test alone."""
    return worlds.make()
