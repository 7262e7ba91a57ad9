"""The embedded parts as real processes: shared, started on demand, and never in the way of the next start."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
import sqlalchemy
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.embedded import embedded, running, status, stop
from payouts_pipeline.local.embedded.client import _Connection
from payouts_pipeline.local.embedded.state import State
from payouts_tests.support.folders import temporary_folder

GRACE_S = 0.15
PATIENCE_S = 15.0

CLIENT = """
import json, sys
from pathlib import Path
from payouts_pipeline.local.embedded import embedded

with embedded(sys.argv[2].split(","), Path(sys.argv[1]), grace_s=float(sys.argv[3])) as environment:
    print(json.dumps(environment), flush=True)
    sys.stdin.read()
"""


@contextmanager
def folder_left_without_processes() -> Iterator[Path]:
    """A folder whose processes must all be gone soon after its use."""
    with temporary_folder("payouts-test-") as folder:
        yield folder
        eventually(lambda: not processes_in(folder), "no process is left over")
        for log in folder.rglob("supervisor.log"):
            assert "Traceback" not in log.read_text()


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with folder_left_without_processes() as folder:
        yield folder / ".payouts"


@pytest.fixture(scope="module")
def deep_state_dir() -> Iterator[Path]:
    """All parts, running under a path that no unix socket could have, started from a shell with a life of its own."""
    with folder_left_without_processes() as folder, pytest.MonkeyPatch.context() as shell:
        shell.setenv("STRIPE_API_KEY", "not for a part")
        shell.setenv("PGPORT", "1")
        deep = folder / ("long" * 25) / ("longer" * 25) / ".payouts"
        with use(deep, "postgres", "aws", "stripe"):
            yield deep
            socket_folder = socket_path(deep).parent
        eventually(lambda: not socket_folder.exists(), "the folder of the short path is removed as well")


class Client:
    """Another process that uses the parts until it is told to leave or is killed."""

    def __init__(self, state_dir: Path, *parts: str) -> None:
        command = [sys.executable, "-c", CLIENT, str(state_dir), ",".join(parts), str(GRACE_S)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def environment(self) -> dict[str, str]:
        assert self.process.stdout is not None
        answer: dict[str, str] = json.loads(self.process.stdout.readline())
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def leave(self) -> None:
        self.process.communicate(timeout=PATIENCE_S)


@contextmanager
def client(state_dir: Path, *parts: str) -> Iterator[Client]:
    other = Client(state_dir, *parts)
    try:
        yield other
    finally:
        other.kill()


def use(state_dir: Path, *parts: str, report: Callable[[str], None] = lambda _: None) -> Any:
    return embedded(parts, state_dir, report, grace_s=GRACE_S)


def eventually(condition: Callable[[], object], hope: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"hoped in vain that {hope}"
        time.sleep(0.05)


def processes_in(folder: Path) -> list[psutil.Process]:
    """The supervisor and its parts work in the state folder or below, which finds also those nobody recorded."""
    found = psutil.process_iter(["cwd"])
    return [process for process in found if process.info["cwd"] and _is_in(process.info["cwd"], folder)]


def _is_in(path: str, folder: Path) -> bool:
    return Path(path).is_relative_to(folder.resolve())


def current(state_dir: Path) -> dict[str, Any]:
    found = status(state_dir)
    assert found is not None
    return found


def parts_of(state_dir: Path) -> dict[str, Any]:
    parts: dict[str, Any] = current(state_dir)["parts"]
    return parts


def pid_of(state_dir: Path, part: str) -> int:
    return int(parts_of(state_dir)[part]["pid"])


def write_down(environment: dict[str, str], word: str) -> None:
    with psycopg.connect(environment["PAYOUTS_DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def written_down(environment: dict[str, str]) -> list[str]:
    with psycopg.connect(environment["PAYOUTS_DATABASE_URL"]) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY word")]


def sqs(environment: dict[str, str]) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )


def test_two_clients_share_one_supervisor_and_the_last_one_out_stops_everything(state_dir: Path) -> None:
    with client(state_dir, "postgres", "aws", "stripe") as first:
        environment = first.environment()
        with client(state_dir, "postgres", "aws", "stripe") as second:
            assert second.environment() == environment
            assert current(state_dir)["clients"] == 2
            first.leave()
            eventually(lambda: current(state_dir)["clients"] == 1, "the first client is no longer counted")
            time.sleep(2 * GRACE_S)
            write_down(environment, "still up")
            assert running(state_dir) == environment
            second.leave()
    eventually(lambda: running(state_dir) is None, "the supervisor ends")
    eventually(lambda: not processes_in(state_dir), "every part has ended")
    assert not list(state_dir.glob("*.sock"))
    assert not (state_dir / "postgres" / "data" / "postmaster.pid").exists()


def test_each_part_answers_its_ordinary_client_at_the_url_that_is_given(deep_state_dir: Path) -> None:
    environment = current(deep_state_dir)["environment"]
    for name, database in (("PAYOUTS_DATABASE_URL", "payouts"), ("DAGSTER_DATABASE_URL", "dagster")):
        assert database_by_every_driver(environment[name]) == {database}
    assert sqs(environment).list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    base = environment["STRIPE_API_BASE"]
    api = stripe.StripeClient(environment["STRIPE_API_KEY"], base_addresses={"api": base})
    assert api.v1.balance.retrieve().object == "balance"


def database_by_every_driver(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
    names = set(row or ())
    for driver, scheme in (("psycopg2", "postgresql"), ("psycopg", "postgresql+psycopg")):
        engine = sqlalchemy.create_engine(url.replace("postgresql", scheme))
        assert engine.driver == driver
        with engine.connect() as connection_:
            names.add(connection_.execute(sqlalchemy.text("SELECT current_database()")).scalar())
        engine.dispose()
    return names


def test_a_path_that_is_too_long_for_a_socket_is_no_hindrance(deep_state_dir: Path) -> None:
    assert len(str(deep_state_dir)) > 108
    assert socket_path(deep_state_dir).is_socket()


def socket_path(state_dir: Path) -> Path:
    return Path(json.loads((state_dir / "supervisor.json").read_text())["socket"])


def test_the_database_is_durable_and_takes_many_connections(deep_state_dir: Path) -> None:
    settings = ("fsync", "synchronous_commit", "max_connections", "TimeZone")
    with psycopg.connect(current(deep_state_dir)["environment"]["PAYOUTS_DATABASE_URL"]) as connection:
        values = [connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in settings]
    assert values == [("on",), ("on",), ("200",), ("UTC",)]


def test_the_database_wants_its_password(deep_state_dir: Path) -> None:
    url = current(deep_state_dir)["environment"]["PAYOUTS_DATABASE_URL"]
    password = url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(f":{password}", ""))


def test_only_localhost_can_reach_the_parts(deep_state_dir: Path) -> None:
    listening = set()
    for process in processes_in(deep_state_dir):
        with suppress(psutil.NoSuchProcess):  # Postgres begins and ends processes of its own all the time
            listening |= {each.laddr for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == {part["port"] for part in parts_of(deep_state_dir).values()}


def test_the_shells_own_credentials_stay_outside(deep_state_dir: Path) -> None:
    for process in processes_in(deep_state_dir):
        assert {"STRIPE_API_KEY", "PGPORT"}.isdisjoint(process.environ())


def test_ctrl_c_in_the_terminal_does_not_reach_the_parts(deep_state_dir: Path) -> None:
    supervisor = psutil.Process(current(deep_state_dir)["pid"])
    assert {os.getsid(process.pid) for process in processes_in(deep_state_dir)}.isdisjoint({os.getsid(0)})
    assert supervisor.ppid() != os.getpid()


def test_what_is_asked_for_first_and_later_runs_and_nothing_else(state_dir: Path) -> None:
    with use(state_dir, "aws") as first:
        assert set(parts_of(state_dir)) == {"aws"}
        assert "STRIPE_API_KEY" not in first
        with use(state_dir, "stripe") as second:
            assert set(parts_of(state_dir)) == {"aws", "stripe"}
            assert running(state_dir) == first | second


def test_a_proxy_of_the_shell_is_kept_out_of_local_connections(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    with use(state_dir, "stripe") as environment:
        assert environment["no_proxy"] == "127.0.0.1,example.org"


def test_exceptions_from_a_proxy_that_is_not_named_stay_as_they_are(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in urllib.request.getproxies():
        monkeypatch.delenv(f"{name}_proxy", raising=False)
    monkeypatch.setenv("no_proxy", "example.org")
    with use(state_dir, "stripe") as environment:
        assert not {"no_proxy", "NO_PROXY"} & environment.keys()


def test_a_client_that_is_killed_releases_what_it_used(state_dir: Path) -> None:
    with client(state_dir, "postgres") as other:
        write_down(other.environment(), "before the kill")
        other.kill()
        eventually(lambda: running(state_dir) is None, "the supervisor ends")
    with use(state_dir, "postgres") as environment:
        assert written_down(environment) == ["before the kill"]


def test_a_supervisor_that_is_killed_takes_its_parts_along_and_the_next_one_has_the_data(state_dir: Path) -> None:
    reports: list[str] = []
    with use(state_dir, "postgres", "aws", report=reports.append) as environment:
        write_down(environment, "before the kill")
        os.kill(current(state_dir)["pid"], signal.SIGKILL)
        eventually(lambda: "have been stopped" in reports[-1], "the client is told")
        assert running(state_dir) is None
        if sys.platform == "linux":
            eventually(lambda: not processes_in(state_dir), "the kernel has told the parts")
    with use(state_dir, "postgres", "aws") as environment:
        assert written_down(environment) == ["before the kill"]
        write_down(environment, "and after")


def test_a_part_that_hung_when_its_supervisor_was_killed_is_ended_by_the_next(state_dir: Path) -> None:
    with use(state_dir, "aws"):
        hung = psutil.Process(pid_of(state_dir, "aws"))
        hung.suspend()
        os.kill(current(state_dir)["pid"], signal.SIGKILL)
    assert hung in processes_in(state_dir)
    with use(state_dir, "stripe"):
        assert hung not in processes_in(state_dir)


def test_a_server_that_is_killed_is_reported_and_the_next_start_has_the_data(state_dir: Path) -> None:
    reports: list[str] = []
    with use(state_dir, "postgres", "aws", report=reports.append) as environment:
        write_down(environment, "before the kill")
        os.kill(pid_of(state_dir, "postgres"), signal.SIGKILL)
        eventually(lambda: "PostgreSQL ended while it was in use (signal 9)" in reports[-1], "it is reported")
        assert str(state_dir / "log" / "postgres.log") in reports[-1]
        assert set(parts_of(state_dir)) == {"aws"}
        with use(state_dir, "postgres") as again:
            assert again["PAYOUTS_DATABASE_URL"] == environment["PAYOUTS_DATABASE_URL"]
            assert written_down(again) == ["before the kill"]


def test_a_stale_pid_file_with_the_pid_of_a_living_process_does_not_block(state_dir: Path) -> None:
    with use(state_dir, "postgres"):
        pid_file = state_dir / "postgres" / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    eventually(lambda: running(state_dir) is None, "the supervisor ends")
    eventually(lambda: not processes_in(state_dir), "the server has ended")
    with sleeper(pid_file.parent.stat().st_uid) as pid:
        pid_file.write_text("\n".join([str(pid), *lines[1:]]))
        with use(state_dir, "postgres") as environment:
            write_down(environment, "started")


@contextmanager
def sleeper(uid: int) -> Iterator[int]:
    """A process of the user that the server runs as, since the server looks at no other."""
    process = subprocess.Popen(["/bin/sleep", "60"], user=uid)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_a_first_start_that_was_cut_short_does_not_block(state_dir: Path) -> None:
    half_made = state_dir / "postgres.new" / "data"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with use(state_dir, "postgres") as environment:
        write_down(environment, "started")


def test_first_clients_that_come_at_the_same_moment_get_one_supervisor(state_dir: Path) -> None:
    clients = 6
    moment = threading.Barrier(clients)

    def come(_: int) -> tuple[int, dict[str, str]]:
        moment.wait()
        with use(state_dir, "aws", "stripe") as environment:
            supervisor = current(state_dir)["pid"]
            moment.wait()
            return supervisor, environment

    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(come, range(clients)))
    assert all(one == found[0] for one in found)
    assert (state_dir / "log" / "supervisor.log").read_text().count("AWS emulator is up") == 1


def test_a_client_that_comes_while_the_supervisor_ends_gets_the_next_one(state_dir: Path) -> None:
    for round_ in range(4):
        with use(state_dir, "aws"):
            pass
        time.sleep(GRACE_S + round_ * 0.02)
    with use(state_dir, "aws") as environment:
        assert running(state_dir) == environment


def test_a_supervisor_that_ends_before_it_has_read_the_request_gives_no_answer(tmp_path: Path) -> None:
    mine, supervisors = socket.socketpair()
    supervisors.close()
    with _Connection(mine, State(tmp_path)) as connection:
        assert list(connection.ask({"request": "status"})) == []


def test_ports_stay_the_same_unless_somebody_has_taken_them(state_dir: Path) -> None:
    with use(state_dir, "aws", "stripe") as first:
        ports = {name: part["port"] for name, part in parts_of(state_dir).items()}
    eventually(lambda: not processes_in(state_dir), "the parts have ended")
    with socket.create_server(("127.0.0.1", ports["stripe"])), use(state_dir, "aws", "stripe") as second:
        assert second["AWS_ENDPOINT_URL"] == first["AWS_ENDPOINT_URL"]
        assert second["STRIPE_API_BASE"] != first["STRIPE_API_BASE"]


def test_queues_and_their_messages_survive_a_restart(state_dir: Path) -> None:
    with use(state_dir, "aws") as environment:
        url = sqs(environment).create_queue(QueueName="kept")["QueueUrl"]
        sqs(environment).send_message(QueueUrl=url, MessageBody="a pointer")
    eventually(lambda: not processes_in(state_dir), "the emulator has ended")
    with use(state_dir, "aws") as environment:
        queue = sqs(environment)
        received = queue.receive_message(QueueUrl=queue.get_queue_url(QueueName="kept")["QueueUrl"])
        assert [message["Body"] for message in received["Messages"]] == ["a pointer"]


def test_a_part_that_cannot_start_is_named_with_its_log_and_what_to_do(state_dir: Path) -> None:
    with use(state_dir, "postgres"):
        pass
    eventually(lambda: not processes_in(state_dir), "the server has ended")
    (state_dir / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(PayoutsError) as refused, use(state_dir, "postgres", "aws"):
        pass
    for word in ("PostgreSQL", "log/postgres.log", "delete"):
        assert word in str(refused.value)


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(PayoutsError, match=r"file/\.payouts .* cannot be written"),
        use(tmp_path / "file" / ".payouts", "aws"),
    ):
        pass


def test_stop_ends_the_parts_under_a_client_which_is_told(state_dir: Path) -> None:
    reports: list[str] = []
    with use(state_dir, "aws", "stripe", report=reports.append):
        pids = [part["pid"] for part in parts_of(state_dir).values()]
        assert stop(state_dir)
        assert running(state_dir) is None
        assert not any(psutil.pid_exists(pid) for pid in pids)
        eventually(lambda: "have been stopped" in reports[-1], "the client is told")
    assert not stop(state_dir)


def test_the_start_is_reported_step_by_step(state_dir: Path) -> None:
    reports: list[str] = []
    with use(state_dir, "aws", "stripe", report=reports.append):
        assert sorted(reports) == ["starting AWS emulator ...", "starting Stripe emulator ..."]
