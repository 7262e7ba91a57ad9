"""An operator at a browser, in front of a fresh installation of which nothing was materialised yet."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from payouts_tests.browser.chromium import headless
from payouts_tests.browser.dev import development, parts_of
from payouts_tests.browser.ui import Operator, words
from payouts_tests.support.folders import temporary_folder
from payouts_tests.support.worlds import ROOT, TRIM, World, project

SCREENSHOTS = ROOT / ".artifacts" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with headless() as chrome:
        yield chrome


@pytest.fixture(scope="module")
def opened(browser: WebDriver) -> Iterator[tuple[World, str]]:
    """An installation with a small league, and the address of its page. The browser first: without it, no test."""
    with temporary_folder("payouts-ui-") as place, ExitStack() as stack:
        folder = project(place / "clone")
        address = stack.enter_context(development(folder))
        world = World(parts_of(folder), folder, stack)
        world.connect().execute(TRIM)
        yield world, address


@pytest.fixture(scope="module")
def installation(opened: tuple[World, str]) -> World:
    return opened[0]


@pytest.fixture(scope="module")
def operator(browser: WebDriver, opened: tuple[World, str]) -> Operator:
    world, address = opened
    names = world.connect().execute("select name from league.players")
    return Operator(browser, address, SCREENSHOTS, words(names))
