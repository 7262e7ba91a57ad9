"""What an operator does in the Dagster UI, by what there is to read and to click on, not by how the page is built."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from payouts_tests.browser.chromium import HEIGHT_PX, WIDTH_PX

PATIENCE_S = 300.0
WHOLE_PAGE_PX = 3600
_POLL_S = 0.2
# The path of a long folder, which nobody has to read to its end.
_BARELY_PX = 60
# While the page draws itself again, what one was about to click on moves or is exchanged for its like.
_REDRAWN = (NoSuchElementException, StaleElementReferenceException, ElementClickInterceptedException)

# What Stripe's ids and keys begin with; none of it may be on a page.
_SECRET = re.compile(r"\b(cus|pm|sk|rk|whsec)_\w+")

# Drawn, and no longer fading in with its dialog.
_IS_SHOWN = """
for (let box = arguments[0]; box; box = box.parentElement)
  if (getComputedStyle(box).opacity < 1) return false;
return arguments[0].complete && arguments[0].naturalWidth > 0;
"""
# How many pixels of an element can't be seen, by scrolling up and down neither: what an ancestor or the window hides.
_HIDDEN_PX = """
let hidden = arguments[0].getBoundingClientRect().right - window.innerWidth;
for (let box = arguments[0]; box; box = box.parentElement)
  if (getComputedStyle(box).overflowX !== 'visible') hidden = Math.max(hidden, box.scrollWidth - box.clientWidth);
return Math.max(hidden, -arguments[0].getBoundingClientRect().left);
"""
_IS_IN_WINDOW = """
const box = arguments[0].getBoundingClientRect();
return box.top >= 0 && box.left >= 0 && box.bottom <= window.innerHeight && box.right <= window.innerWidth;
"""


@dataclass(frozen=True)
class Operator:
    """Somebody at a browser. ``private`` are words that no page may show; charts of pages go into ``screenshots``."""

    browser: WebDriver
    address: str
    screenshots: Path
    private: frozenset[str] = field(repr=False)

    def goes_to(self, path: str) -> None:
        """Open a page by its address."""
        self.browser.get(f"{self.address}{path}")

    def page(self) -> str:
        """All that one can read on the page."""
        return str(self.browser.find_element(By.TAG_NAME, "body").text)

    def waits_for(self, *texts: str) -> str:
        """Wait until all of this can be read on the page; the page."""

        def shown(_: WebDriver) -> str | None:
            page = self.page()
            return page if all(text in page for text in texts) else None

        return str(self._until(shown, f"{', '.join(map(repr, texts))} on the page"))

    def clicks(self, text: str, number: int = 0) -> None:
        """Click on what reads so, as soon as one can; where several things do, on the one with this number."""
        self._until(lambda _: self._click(text, number), f"'{text}' to click on")

    def chooses_partitions(self, selection: str) -> None:
        """In the dialog of a launch, enter the partitions."""
        self.waits_for("Partition selection")
        field = self.finds("//*[text()='Partition selection']/following::input[@type='text']")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(selection, Keys.ENTER)

    def launches(self, first_day: date, last_day: date | None = None) -> str:
        """From the graph, materialise all assets of a day or a range; the path of the run's or the backfill's page."""
        days = (last_day - first_day).days + 1 if last_day else 1
        self.goes_to("/asset-groups/payouts")
        self.clicks("Materialize all (5)…")
        self.chooses_partitions(f"[{first_day}...{last_day}]" if last_day else f"{first_day}")
        self.waits_for(f"{days} partitions" if last_day else "1 partition")
        self.keeps("launching_a_backfill" if last_day else "launching_a_day")
        self.clicks("Launch backfill" if last_day else "Launch 1 run")
        self.waits_for("Created backfill" if last_day else "Launched run")
        self.clicks("View")
        self._until(lambda browser: "/runs/" in browser.current_url, "the page of the run")
        return self.browser.current_url.removeprefix(self.address)

    def fills(self, job: str, config: Mapping[str, object]) -> None:
        """Open the form of a job, and fill it."""
        self.goes_to(f"/locations/payouts/jobs/{job}/playground")
        self.waits_for("Launch Run")
        self.finds("//*[contains(@class, 'CodeMirror-lines')]").click()
        form = json.dumps({"ops": {f"{job}_step": {"config": config}}})
        typing = ActionChains(self.browser).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL)
        typing.send_keys(Keys.DELETE, form, Keys.ESCAPE).perform()

    def presses(self, job: str, config: Mapping[str, object]) -> None:
        """Fill the form of a job and launch it; wait for the end of its run."""
        self.fills(job, config)
        self.keeps(f"form_of_{job}")
        self.clicks("Launch Run")
        self._until(lambda browser: "/runs/" in browser.current_url, "the page of the run")
        self.waits_for("Success")

    def reads_result(self, text: str) -> None:
        """Open the result in the metadata of a run's step, and wait for this text in it."""
        self.clicks("[Show Markdown]")
        shown = self.finds("//*[contains(@class, 'dialog')]")
        self._until(lambda _: text in shown.text, f"'{text}' in the result")

    def opens_picture(self, number: int = 0) -> WebElement:
        """Open a chart of the metadata; the image, once the browser has drawn it."""
        self.clicks("[Show Markdown]", number)
        image = self.finds("//img[starts-with(@src, 'data:')]")
        self._until(lambda browser: browser.execute_script(_IS_SHOWN, image), "a chart that the browser can draw")
        return image

    def finds(self, xpath: str) -> WebElement:
        """The first element at an XPath, once it is there."""
        found = self._until(lambda browser: browser.find_element(By.XPATH, xpath), xpath)
        assert isinstance(found, WebElement)
        return found

    def hidden_px(self, element: WebElement) -> int:
        """How much of an element is cut off at its sides."""
        return int(self.browser.execute_script(_HIDDEN_PX, element))

    def waits_for_switch(self, name: str) -> None:
        """Wait until the switch beside a schedule or sensor is on, on the page of automations."""
        switch = f"//a[contains(@href, '/{name}')]/following::input[@type='checkbox'][1]"
        self._until(lambda browser: browser.find_element(By.XPATH, switch).is_selected(), f"{name} switched on")

    def is_in_window(self, element: WebElement) -> bool:
        """Whether one sees all of an element without scrolling."""
        return bool(self.browser.execute_script(_IS_IN_WINDOW, element))

    def keeps(self, name: str) -> None:
        """Keep a chart of the page for people to look at, and see that nothing private is on it."""
        self.screenshots.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(self.screenshots / f"{name}.png"))
        page = self.page()
        assert not _SECRET.search(page), f"a secret or an id of Stripe's is on the page '{name}'"
        assert not [word for word in self.private if word in page], f"something private is on the page '{name}'"

    def keeps_whole(self, name: str) -> None:
        """The same with a window so high that one need not scroll; no table on the page is cut off at its sides."""
        self.browser.set_window_size(WIDTH_PX, WHOLE_PAGE_PX)
        try:
            self.keeps(name)
            tables = self.browser.find_elements(By.TAG_NAME, "table")
            cut_off = [table.text for table in tables if self.hidden_px(table) > _BARELY_PX]
        finally:
            self.browser.set_window_size(WIDTH_PX, HEIGHT_PX)
        assert tables
        assert not cut_off, f"cut off on the page '{name}'"

    def _click(self, text: str, number: int) -> bool:
        reading = f"//*[text()[normalize-space(.)='{text}']][not(ancestor-or-self::button[@disabled])]"
        shown = [found for found in self.browser.find_elements(By.XPATH, reading) if found.is_displayed()]
        if number < len(shown):
            shown[number].click()
        return number < len(shown)

    def _until(self, condition: Callable[[WebDriver], Any], hope: str) -> Any:
        wait = WebDriverWait(self.browser, PATIENCE_S, _POLL_S, ignored_exceptions=_REDRAWN)
        try:
            return wait.until(condition)
        except TimeoutException:
            self.browser.save_screenshot(str(self.screenshots / "failed.png"))
            raise AssertionError(f"{hope}: not within {PATIENCE_S:.0f} s on {self.browser.current_url}") from None


def words(rows: Iterable[tuple[str]]) -> frozenset[str]:
    """The words of a query's only column."""
    return frozenset(row[0] for row in rows)
