"""What there is to look at: the environment, which parts of it are embedded, and which can't be there."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from payouts_pipeline import settings
from payouts_pipeline.ledger import database
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.settlement.assemble import StripeAccount
from payouts_pipeline.settlement.stripe_client import StripeClient


@dataclass(frozen=True)
class Setup:
    """``embedded`` and ``broken`` are by part: ledger, dagster, aws, stripe; the latter with a sentence that says why.

    ``dagster_yaml`` is the file that Dagster's instance is described in. ``is_worker_elsewhere``: no money is moved
    here, and so there need be no key.
    """

    embedded: frozenset[str]
    broken: Mapping[str, str]
    dagster_yaml: Path
    is_worker_elsewhere: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @contextmanager
    def ledger(self) -> Iterator[Connection]:
        """A connection to the ledger's database on which nothing can be written."""
        with _looking(settings.database_url(self.environment), "PAYOUTS_DATABASE_URL") as connection:
            yield connection

    @contextmanager
    def source(self) -> Iterator[Connection]:
        """The same, to where schema `league` is."""
        variable = "PAYOUTS_SOURCE_URL" if self.environment.get("PAYOUTS_SOURCE_URL") else "PAYOUTS_DATABASE_URL"
        with _looking(settings.source_url(self.environment), variable) as connection:
            yield connection

    @contextmanager
    def dagster(self) -> Iterator[Connection]:
        """The same, to Dagster's storage."""
        url = settings.required("DAGSTER_DATABASE_URL", self.environment)
        with _looking(url, "DAGSTER_DATABASE_URL") as connection:
            yield connection

    @cached_property
    def stripe(self) -> StripeClient:
        """A client that keeps to no rate, which would be noted in the ledger; raises PayoutsError without a key."""
        key, base = settings.stripe_api_key(self.environment), self.environment.get("STRIPE_API_BASE")
        return StripeAccount(key, base).client()


@contextmanager
def _looking(url: str, variable: str) -> Iterator[Connection]:
    with database.connect(url, variable) as connection:
        connection.execute(sql("look_only"))
        yield connection
