"""The embedded parts as real processes: shared, started on demand, and never in the way of the next start."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psutil  # type: ignore[import-untyped]
import psycopg
import psycopg2
import pytest
import sqlalchemy
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.services import embedded, running, status, stop

GRACE_S = 0.3
PATIENCE_S = 15.0

CLIENT = """
import json, sys
from pathlib import Path
from payouts_pipeline.local.services import embedded

with embedded(sys.argv[2].split(","), Path(sys.argv[1]), grace_s=float(sys.argv[3])) as environment:
    print(json.dumps(environment), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A state folder whose processes must all be gone soon after the test."""
    folder = tmp_path / ".payouts"
    yield folder
    leftover = processes_in(tmp_path)
    eventually(lambda: not processes_in(tmp_path), f"no process is left over, but there was {leftover}")


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


def pid_of(state_dir: Path, part: str) -> int:
    return int(current(state_dir)["parts"][part]["pid"])


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


def test_each_part_answers_its_ordinary_client_at_the_url_that_is_given(state_dir: Path) -> None:
    with use(state_dir, "postgres", "aws", "stripe") as environment:
        for name, database in (("PAYOUTS_DATABASE_URL", "payouts"), ("DAGSTER_DATABASE_URL", "dagster")):
            assert database_by_every_driver(environment[name]) == {database}
        assert sqs(environment).list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
        base = environment["STRIPE_API_BASE"]
        api = stripe.StripeClient(environment["STRIPE_API_KEY"], base_addresses={"api": base})
        assert api.v1.balance.retrieve().object == "balance"


def database_by_every_driver(url: str) -> set[str]:
    names = set()
    with psycopg.connect(url) as connection:
        names |= set(connection.execute("SELECT current_database()").fetchall())
    older = psycopg2.connect(url)
    with older.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        names |= set(cursor.fetchall())
    older.close()
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection_:
        names.add(connection_.execute(sqlalchemy.text("SELECT current_database()")).one()._tuple())
    engine.dispose()
    return {name for (name,) in names}


def test_only_what_is_asked_for_runs_and_only_localhost_can_reach_it(state_dir: Path) -> None:
    with use(state_dir, "aws") as environment:
        assert set(current(state_dir)["parts"]) == {"aws"}
        assert "PAYOUTS_DATABASE_URL" not in environment
        with use(state_dir, "postgres", "stripe"):
            assert set(current(state_dir)["parts"]) == {"aws", "postgres", "stripe"}
            assert listening_addresses(state_dir) == {"127.0.0.1"}
            assert running(state_dir) == running(state_dir) | environment  # type: ignore[operator]


def listening_addresses(state_dir: Path) -> set[str]:
    sockets = [entry for process in processes_in(state_dir) for entry in process.net_connections("inet")]
    return {entry.laddr.ip for entry in sockets if entry.status == psutil.CONN_LISTEN}


def test_the_database_wants_its_password(state_dir: Path) -> None:
    with use(state_dir, "postgres") as environment:
        url = environment["PAYOUTS_DATABASE_URL"]
        password = url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(f":{password}", ""))


def test_the_shells_own_credentials_stay_outside(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "not-for-a-part")
    monkeypatch.setenv("PGPORT", "1")
    with use(state_dir, "aws", "postgres"):
        for process in processes_in(state_dir):
            assert {"STRIPE_API_KEY", "PGPORT"}.isdisjoint(process.environ())


def test_a_proxy_of_the_shell_is_kept_out_of_local_connections(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    with use(state_dir, "stripe") as environment:
        assert environment["no_proxy"] == "127.0.0.1,example.org"


def test_ctrl_c_in_the_terminal_does_not_reach_the_parts(state_dir: Path) -> None:
    with use(state_dir, "aws"):
        ours = os.getpgrp()
        groups = {os.getpgid(process.pid) for process in processes_in(state_dir)}
        assert len(groups) == 1
        assert ours not in groups
        assert psutil.Process(current(state_dir)["pid"]).ppid() != os.getpid()


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
    with use(state_dir, "postgres", "aws") as environment:
        assert written_down(environment) == ["before the kill"]
        write_down(environment, "and after")


def test_a_part_that_hung_when_its_supervisor_was_killed_is_ended_by_the_next(state_dir: Path) -> None:
    with use(state_dir, "aws"):
        hung = psutil.Process(pid_of(state_dir, "aws"))
        hung.suspend()
        os.kill(current(state_dir)["pid"], signal.SIGKILL)
    assert hung.is_running()
    with use(state_dir, "stripe"):
        assert not hung.is_running()


def test_a_server_that_is_killed_is_reported_and_the_next_start_has_the_data(state_dir: Path) -> None:
    reports: list[str] = []
    with use(state_dir, "postgres", "aws", report=reports.append) as environment:
        write_down(environment, "before the kill")
        os.kill(pid_of(state_dir, "postgres"), signal.SIGKILL)
        eventually(lambda: "PostgreSQL ended while it was in use (signal 9)" in reports[-1], "it is reported")
        assert str(state_dir / "log" / "postgres.log") in reports[-1]
        assert set(current(state_dir)["parts"]) == {"aws"}
        with use(state_dir, "postgres") as again:
            assert again["PAYOUTS_DATABASE_URL"] == environment["PAYOUTS_DATABASE_URL"]
            assert written_down(again) == ["before the kill"]


def test_a_stale_pid_file_with_the_pid_of_a_living_process_does_not_block(state_dir: Path) -> None:
    with use(state_dir, "postgres"):
        pid_file = state_dir / "postgres" / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    eventually(lambda: running(state_dir) is None, "the supervisor ends")
    eventually(lambda: not processes_in(state_dir), "the server has ended")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with use(state_dir, "postgres") as environment:
        write_down(environment, "started")


def test_a_first_start_that_was_cut_short_does_not_block(state_dir: Path) -> None:
    half_made = state_dir / "postgres.new" / "data"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with use(state_dir, "postgres") as environment:
        write_down(environment, "started")


def test_first_clients_that_come_at_the_same_time_get_one_supervisor(state_dir: Path) -> None:
    clients = [Client(state_dir, "postgres", "aws") for _ in range(4)]
    with ThreadPoolExecutor() as pool:
        environments = list(pool.map(Client.environment, clients))
    assert all(environment == environments[0] for environment in environments)
    assert current(state_dir)["clients"] == 4
    for other in clients:
        other.leave()
    started = (state_dir / "log" / "supervisor.log").read_text()
    assert started.count("PostgreSQL is up") == 1


def test_a_client_that_comes_while_the_supervisor_ends_gets_the_next_one(state_dir: Path) -> None:
    for round_ in range(4):
        with use(state_dir, "aws"):
            pass
        time.sleep(GRACE_S + round_ * 0.02)
    with use(state_dir, "aws") as environment:
        assert running(state_dir) == environment


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 25) / ("longer" * 25) / ".payouts"
    with use(deep, "postgres", "aws", "stripe") as environment:
        write_down(environment, "deep down")
        short = Path(json.loads((deep / "supervisor.json").read_text())["socket"])
        assert short.exists()
    eventually(lambda: not processes_in(tmp_path), "no process is left over")
    assert not short.parent.exists()


def test_ports_stay_the_same_unless_somebody_has_taken_them(state_dir: Path) -> None:
    with use(state_dir, "aws", "stripe") as first:
        ports = {name: part["port"] for name, part in current(state_dir)["parts"].items()}
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
    with use(state_dir, "postgres", "stripe", report=reports.append):
        assert stop(state_dir)
        assert running(state_dir) is None
        assert not processes_in(state_dir / "postgres")
        eventually(lambda: "have been stopped" in reports[-1], "the client is told")
    assert not stop(state_dir)


def test_the_start_is_reported_step_by_step(state_dir: Path) -> None:
    reports: list[str] = []
    with use(state_dir, "aws", "stripe", report=reports.append):
        assert sorted(reports) == ["starting AWS emulator ...", "starting Stripe emulator ..."]
