"""What the assets need of the world outside: the ledger, the bus, Stripe. Secrets stay in the environment."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import dagster as dg
from botocore.config import Config
from dagster_aws.utils import ResourceWithBoto3Configuration
from pydantic import Field

from payouts_pipeline import settings
from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.ledger import database, migrate
from payouts_pipeline.settlement.provider import Provider
from payouts_pipeline.settlement.topology import Topology, find_topology

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


class LedgerResource(dg.ConfigurableResource[Any]):
    """The ledger's database, and the one where schema `league` is."""

    database_url: str
    source_url: str

    @contextmanager
    def connect(self) -> Iterator[database.Connection]:
        """A connection to the ledger; raises PayoutsError where its schema is not of this version."""
        with database.connect(self.database_url) as connection:
            migrate.require_migrated(connection)
            yield connection

    @contextmanager
    def connect_source(self) -> Iterator[database.Connection]:
        """A connection to schema `league`, which is only read."""
        with database.connect(self.source_url, "PAYOUTS_SOURCE_URL") as connection:
            yield connection


class PayoutBus(ResourceWithBoto3Configuration):
    """SNS and SQS: publishes payout messages, and finds topic and queues by the stack that made them.

    What is not configured here comes from boto3's own environment (AWS_ENDPOINT_URL, AWS_REGION, ...).
    """

    stack: str = Field(description="The CloudFormation stack that made topic and queues (payouts deploy).")

    def sns(self) -> "SNSClient":
        """A client that publishes."""
        client: SNSClient = self._client("sns")
        return client

    def sqs(self) -> "SQSClient":
        """A client that receives and deletes."""
        client: SQSClient = self._client("sqs")
        return client

    def topology(self) -> Topology:
        """Topic and queues; raises PayoutsError where there is no such stack."""
        return find_topology(self._client("cloudformation"), self.stack)

    def _client(self, service: str) -> Any:
        session = boto3.session.Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            aws_session_token=self.aws_session_token,
            region_name=self.region_name,
            profile_name=self.profile_name,
        )
        return make_client(
            service,
            session,
            endpoint_url=self.endpoint_url,
            use_ssl=self.use_ssl,
            verify=self.verify,
            config=Config(retries={"max_attempts": self.max_attempts}),
        )


class StripeResource(dg.ConfigurableResource[Any]):
    """Our account at Stripe, and who settles: ``workers`` threads in the run, or with 0 a separate fleet."""

    api_key: str | None = None
    api_base: str | None = None
    workers: int = settings.DEFAULT_WORKERS
    minimum_payouts_minor: dict[str, int] = Field(default_factory=dict)
    approval_above_minor: dict[str, int] = Field(
        default_factory=dict, description="An instruction above this waits for 'payouts approve'; minor units."
    )
    fleet_timeout_s: float = Field(
        default=600.0, description="How long a run waits for a separate fleet before it shows what is open."
    )

    def provider(self) -> Provider:
        """A client that may move money."""
        api_key = self.api_key or settings.required("STRIPE_API_KEY")
        return Provider(api_key, self.api_base, calls_per_s=settings.stripe_calls_per_s(api_key))

    @property
    def timeout(self) -> timedelta:
        """How long a run waits for instructions that are under way."""
        return timedelta(seconds=self.fleet_timeout_s)


def resources(environment: Mapping[str, str]) -> dict[str, Any]:
    """The resources for an environment. What is secret is looked up when a run starts, and never shown."""
    source = "PAYOUTS_SOURCE_URL" if environment.get("PAYOUTS_SOURCE_URL") else "PAYOUTS_DATABASE_URL"
    workers = settings.workers(environment)
    return {
        "ledger": LedgerResource(database_url=dg.EnvVar("PAYOUTS_DATABASE_URL"), source_url=dg.EnvVar(source)),
        "bus": PayoutBus(stack=settings.stack(environment)),
        "stripe": StripeResource(
            api_key=dg.EnvVar("STRIPE_API_KEY") if workers else None,
            api_base=dg.EnvVar("STRIPE_API_BASE") if environment.get("STRIPE_API_BASE") else None,
            workers=workers,
            minimum_payouts_minor=settings.minimum_payouts_minor(environment),
            approval_above_minor=settings.approval_above_minor(environment),
        ),
    }
