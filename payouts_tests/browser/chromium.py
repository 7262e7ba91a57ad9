"""A headless Chromium for tests: found on PATH, installed where that can be done, else a sentence that asks for it.

Nothing but Debian's own packages is ever fetched: Selenium downloads a browser only where it is not told of one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from payouts_tests.support.debian import install

WIDTH_PX, HEIGHT_PX = 1500, 1000

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PACKAGES = ("chromium", "chromium-driver")
_PAGE_TIMEOUT_S = 60.0


def require_chromium() -> tuple[str, str]:
    """The paths of the browser and of its driver.

    Skips the test where neither is there nor can be installed. On CI it fails instead: a proof that skips itself there
    proves nothing.
    """
    found = _on_path() or (_on_path() if install(*_PACKAGES) else None)
    if found:
        return found
    wanted = f"needs {' and '.join(_PACKAGES)} on PATH: install them (on Debian: apt-get install {' '.join(_PACKAGES)})"
    if os.environ.get("CI"):
        pytest.fail(f"The test of the UI {wanted}.")
    pytest.skip(f"The test of the UI {wanted}.")


@contextmanager
def headless() -> Iterator[webdriver.Chrome]:
    """A browser with a window of a fixed size and an empty profile; closed in the end."""
    browser, driver = require_chromium()
    with pytest.MonkeyPatch.context() as environment, TemporaryDirectory(prefix="payouts-chromium-") as folder:
        # Where the shell names a proxy, Selenium would ask it for the driver on this machine.
        environment.setenv("no_proxy", "127.0.0.1,localhost")
        # Chromium leaves files of its own wherever temporary ones go.
        service = Service(executable_path=driver, env=os.environ | {"TMPDIR": folder})
        chrome = webdriver.Chrome(options=_options(browser), service=service)
        try:
            chrome.set_page_load_timeout(_PAGE_TIMEOUT_S)
            yield chrome
        finally:
            chrome.quit()


def _on_path() -> tuple[str, str] | None:
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


def _options(browser: str) -> webdriver.ChromeOptions:
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (
        "--headless=new",
        f"--window-size={WIDTH_PX},{HEIGHT_PX}",
        # The small /dev/shm of a container is no place for its buffers.
        "--disable-dev-shm-usage",
        "--no-proxy-server",
        "--lang=en-GB",
    ):
        options.add_argument(argument)
    if not os.geteuid():
        # Chromium refuses to run its sandbox as root.
        options.add_argument("--no-sandbox")
    return options
