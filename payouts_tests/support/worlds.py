"""Whole installations for tests: each has a ledger, a league, a stack and a Stripe of its own.

They stand on embedded parts that are started once. The Stripe emulator is one for all: making an installation
empties it, so that only the newest can be settled, while the ledgers of the earlier ones can still be read.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import boto3
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.migrate import migrate
from payouts_pipeline.local import season
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin
from payouts_tests.support.leagues import SYDNEY

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ("matches", "splits", "collected_fees", "settled_payouts", "stripe_activity")
YESTERDAY = datetime.now(SYDNEY).date() - timedelta(days=1)
DAYS = 2
FIRST_DAY = YESTERDAY - timedelta(days=DAYS - 1)

# Variables of whoever runs the tests that would lead somewhere else.
_OURS = ("PAYOUTS_", "STRIPE_", "AWS_ACCESS", "AWS_SECRET", "AWS_SESSION", "AWS_PROFILE", "AWS_ENDPOINT", "DAGSTER_")

# The captains, who have all that is odd about the season, and every fifth of the others.
TRIM = "delete from league.match_players where player_id >= 9050025 and id % 5 <> 0"


@dataclass(frozen=True)
class World:
    """One installation: where everything is, as the environment says it, and the folder to run commands in."""

    environment: Mapping[str, str]
    folder: Path
    _open: ExitStack = field(repr=False)

    def connect(self) -> Connection:
        """A connection to ledger and league; closed with the tests."""
        return self._open.enter_context(open_connection(self.environment["PAYOUTS_DATABASE_URL"]))

    def emulator(self) -> EmulatorAdmin:
        return self._open.enter_context(EmulatorAdmin(self.environment["STRIPE_API_BASE"]))

    def client(self, service: str) -> Any:
        """A boto3 client for this installation."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def but(self, **environment: str | None) -> "World":
        """The same with other variables; None takes one away."""
        changed = {name: value for name, value in {**self.environment, **environment}.items() if value is not None}
        return replace(self, environment=changed)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let this process see the installation's environment and nothing that leads elsewhere."""
        with pytest.MonkeyPatch.context() as environment:
            for name in [name for name in os.environ if name.startswith(_OURS)]:
                environment.delenv(name)
            for name, value in self.environment.items():
                environment.setenv(name, value)
            yield


class Worlds:
    """Makes installations on the embedded parts that ``environment`` leads to; their files go into ``folder``."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment = dict(environment)
        self._folder = folder
        self._open = ExitStack()

    def __enter__(self) -> Self:
        url = self.environment["DAGSTER_DATABASE_URL"]
        self._admin = self._open.enter_context(psycopg.connect(url, autocommit=True))
        self._admin.execute("create database whole_season")
        with open_connection(self._url("whole_season")) as connection:
            season.load_season(connection, SYDNEY.key, YESTERDAY, DAYS)
            migrate(connection)
        self._admin.execute("create database small_season template whole_season")
        with open_connection(self._url("small_season")) as connection:
            connection.execute(TRIM)
        self._people = season.stripe_entities(season.reference_frames(FIRST_DAY, YESTERDAY))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def make(self, template: str = "small_season") -> World:
        """An installation with the last two days of a season, of which nothing was materialised yet."""
        name = f"w{uuid4().hex[:8]}"
        self._admin.execute(SQL("create database {} template {}").format(Identifier(name), Identifier(template)))
        made = World(self._environment(name), project(self._folder / name), self._open)
        deploy(made.client("cloudformation"), name, report=lambda _: None)
        self._start_emulator_over(made.emulator())
        return made

    def _environment(self, name: str) -> dict[str, str]:
        return self.environment | {
            "PAYOUTS_DATABASE_URL": self._url(name),
            "PAYOUTS_STACK": name,
            "PAYOUTS_STORAGE": str(self._folder / name / "storage"),
            "PAYOUTS_WORKERS": "8",
            "PAYOUTS_STRIPE_CALLS_PER_S": "400",
        }

    def _start_emulator_over(self, emulator: EmulatorAdmin) -> None:
        emulator.reset()
        season.register_with_emulator(emulator, self._people)

    def _url(self, database: str) -> str:
        server, _ = self.environment["PAYOUTS_DATABASE_URL"].rsplit("/", 1)
        return f"{server}/{database}"


def project(folder: Path) -> Path:
    """A folder that the command line takes for a checkout: its state is kept there and not in ours."""
    folder.mkdir(parents=True)
    for name in ("dagster.yaml", "workspace.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "payouts_pipeline").symlink_to(ROOT / "payouts_pipeline")
    return folder


def morning_after(day: date) -> datetime:
    """When the schedule pays out a day."""
    return datetime(day.year, day.month, day.day, 3, tzinfo=SYDNEY) + timedelta(days=1)
