"""The embedded parts, once for all tests that need a whole installation, and installations on them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from payouts_pipeline.local.services import embedded
from payouts_pipeline.local.services.parts import PART_NAMES
from payouts_tests.integration.worlds import World, Worlds


@pytest.fixture(scope="session")
def worlds() -> Iterator[Worlds]:
    """Makes installations. Not in a folder of pytest's: see `payouts_tests/conftest.py`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="payouts-worlds-")))
        environment = stack.enter_context(embedded(PART_NAMES, folder / ".payouts", grace_s=0.2))
        yield stack.enter_context(Worlds(environment, folder))


@pytest.fixture
def world(worlds: Worlds) -> World:
    """An installation with a small league, of this test alone."""
    return worlds.make()
