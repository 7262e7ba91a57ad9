"""`payouts up`, and what works in the folder after it: plain Dagster, and `payouts dev` with a read-only page."""

import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local import env_file
from payouts_pipeline.local.embedded import keep, running, stop
from payouts_tests.support.command_line import payouts, plain, start
from payouts_tests.support.folders import temporary_folder
from payouts_tests.support.worlds import World, project

PATIENCE_S = 300.0
OWN_LINES = "# ours\nPAYOUTS_STACK=ours\n"

LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } } }"
START_SENSOR = """
mutation {
  startSensor(sensorSelector: {
    sensorName: "resume_payouts", repositoryLocationName: "payouts", repositoryName: "__repository__"
  }) { __typename }
}
"""


@pytest.fixture(scope="module")
def checkout() -> Iterator[World]:
    """A folder in which somebody who has a `.env` already has said `payouts up`."""
    with temporary_folder("payouts-up-") as place, ExitStack() as stack:
        folder = project(place / "clone")
        stack.callback(stop, folder / ".payouts")
        (folder / ".env").write_text(OWN_LINES)
        (folder / ".env").chmod(0o644)
        world = World({"PAYOUTS_WORKERS": "3"}, folder, stack)
        told = payouts(world, "up")
        assert told.returncode == 0, told.stderr
        assert "only you can read it" in told.stderr
        yield world


def test_up_writes_only_what_nobody_has_set_and_keeps_the_parts(checkout: World) -> None:
    path = checkout.folder / ".env"
    written = env_file.block(path)
    assert env_file.own_text(path) == OWN_LINES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {"PAYOUTS_DATABASE_URL", "DAGSTER_DATABASE_URL", "DAGSTER_HOME", "STRIPE_API_KEY"} < set(written)
    assert not {"PAYOUTS_STACK", "PAYOUTS_WORKERS", "PATH"} & set(written)
    parts = running(checkout.folder / ".payouts")
    assert parts
    assert parts.items() <= written.items()


def test_our_own_commands_share_the_parts_and_do_not_take_them_for_the_users(checkout: World) -> None:
    told = payouts(checkout, "migrate")
    assert told.returncode == 0, told.stderr
    assert "up to date" in told.stderr
    assert running(checkout.folder / ".payouts")


def test_dg_checks_the_definitions_without_flags(checkout: World) -> None:
    done = subprocess.run(
        [dg(), "check", "defs"],
        cwd=checkout.folder,
        env=plain(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "All definitions loaded successfully." in done.stdout


def test_plain_dg_dev_shows_the_location_on_localhost_only(checkout: World) -> None:
    port = free_port()
    with subprocess.Popen(
        [dg(), "dev", "--port", str(port)], cwd=checkout.folder, env=plain(), stderr=subprocess.DEVNULL
    ) as process:
        try:
            page = f"http://127.0.0.1:{port}"
            (location,) = eventually(lambda: asked(page, LOCATIONS)["workspaceOrError"]["locationEntries"])
            assert location == {"name": "payouts", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
            assert listening(process.pid) == {"127.0.0.1"}
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)


def test_the_read_only_page_changes_nothing_and_a_killed_dev_takes_all_along(checkout: World) -> None:
    # What this shell says counts, and not what 'payouts up' wrote down for a plain 'dg dev'.
    with development(checkout.but(PAYOUTS_STORAGE="elsewhere")) as (process, page, read_only):
        assert eventually(lambda: asked(read_only, START_SENSOR))["startSensor"]["__typename"] == "UnauthorizedError"
        assert eventually(lambda: asked(page, START_SENSOR))["startSensor"]["__typename"] == "Sensor"
        assert listening(process.pid) == {"127.0.0.1"}
        family = psutil.Process(process.pid).children(recursive=True)
        assert {each.environ()["PAYOUTS_STORAGE"] for each in family} == {str(checkout.folder / "elsewhere")}
        process.kill()
        _, alive = psutil.wait_procs(family, timeout=60)
        assert len(family) > 3
        assert not alive


def test_down_stops_the_parts_and_leaves_the_users_lines(checkout: World) -> None:
    told = payouts(checkout, "down")
    assert told.returncode == 0, told.stderr
    assert running(checkout.folder / ".payouts") is None
    assert (checkout.folder / ".env").read_text() == OWN_LINES
    assert "were running" in payouts(checkout, "down").stderr


def test_there_is_nothing_to_keep_where_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(PayoutsError, match="start them with 'payouts up'"):
        keep(tmp_path)


def dg() -> str:
    return str(Path(sys.executable).with_name("dg"))


@contextmanager
def development(checkout: World) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """`payouts dev` with its two pages."""
    with start(checkout, "dev", "--port", "0", "--read-only-port", "0") as process:
        try:
            yield process, announced(process, "the Dagster UI"), announced(process, "a read-only UI")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)


def announced(process: "subprocess.Popen[str]", what: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(rf"{what} comes up at (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise AssertionError(f"{what} was not announced")


def asked(page: str, query: str) -> Any:
    answer = httpx.post(f"{page}/graphql", json={"query": query}, timeout=30)
    answer.raise_for_status()
    return answer.json()["data"]


def eventually(ask: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except httpx.HTTPError:
            if time.monotonic() > deadline_s:
                raise
        time.sleep(0.3)


def listening(pid: int) -> set[str]:
    """The addresses on which a process and all that it started listen."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    found = [each for process in family for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    return {each.laddr.ip for each in found}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
