"""What the assets need of the world outside: the ledger, the bus, Stripe. Secrets stay in the environment.

The SDKs of AWS and Stripe are imported when a run needs them, so that loading the definitions takes little time.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import date, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field, PrivateAttr

from payouts_pipeline import settings
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.ledger import database, migrate
from payouts_pipeline.workflow.pay_day import Changed, Payments

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

    from payouts_pipeline.settlement.assemble import Settlement, StripeAccount
    from payouts_pipeline.settlement.stripe_client import StripeClient
    from payouts_pipeline.settlement.topology import Topology


class LedgerResource(dg.ConfigurableResource[Any]):
    """The ledger's database, and the one where schema `league` is."""

    database_url: str
    source_url: str
    change_share: float | None = Field(
        default=None, description="A larger share of a booked day's fees changes only with 'payouts accept'."
    )
    change_minor: dict[str, int] = Field(
        default_factory=dict, description="So does more than this by currency; minor units."
    )

    @property
    def change_limit(self) -> ChangeLimit:
        """How much a materialisation may change of a day without a person."""
        return ChangeLimit(self.change_share, self.change_minor)

    @contextmanager
    def connect(self) -> Iterator[database.Connection]:
        """A connection to the ledger; raises PayoutsError where its schema is not of this version."""
        with database.connect(self.database_url) as connection:
            migrate.require_migrated(connection)
            yield connection

    @contextmanager
    def lasting_source(self) -> Iterator[database.Lasting]:
        """The same as `connect_source`, for who reads it now and then."""
        with closing(database.Lasting(self.source_url, database.SOURCE)) as connect:
            yield connect

    @contextmanager
    def connect_source(self) -> Iterator[database.Connection]:
        """A connection to schema `league`, which is only read."""
        with database.connect(self.source_url, database.SOURCE) as connection:
            yield connection


class PayoutBus(dg.ConfigurableResource[Any]):
    """SNS and SQS: publishes payout messages, and finds topic and queues by the stack that made them."""

    stack: str = Field(description="The CloudFormation stack that made topic and queues (payouts deploy).")
    boto3: dict[str, Any] = Field(
        default_factory=dict,
        description="What dagster_aws's resources take (region_name, endpoint_url, profile_name, ...). What is missing "
        "comes from boto3's own environment (AWS_REGION, AWS_ENDPOINT_URL, AWS_PROFILE, ...).",
    )

    _clients: dict[str, Any] = PrivateAttr(default_factory=dict)

    def sns(self) -> "SNSClient":
        """A client that publishes."""
        client: SNSClient = self._client("sns")
        return client

    def sqs(self) -> "SQSClient":
        """A client that receives and deletes."""
        client: SQSClient = self._client("sqs")
        return client

    def topology(self) -> "Topology":
        """Topic and queues; raises PayoutsError where there is no such stack."""
        from payouts_pipeline.settlement.topology import find_topology

        return find_topology(self._client("cloudformation"), self.stack)

    def _client(self, service: str) -> Any:
        """One for all of a run: to make one takes as long as a dozen of its requests."""
        if service not in self._clients:
            self._clients[service] = self._make_client(service)
        return self._clients[service]

    @cached_property
    def _make_client(self) -> Callable[..., Any]:
        """As configured; what boto3's own environment says needs no dagster_aws, which takes long to import."""
        if self.boto3:
            from payouts_pipeline.defs.boto3_clients import Boto3Clients

            return Boto3Clients(**self.boto3).client
        from payouts_pipeline.aws.clients import client_maker

        return client_maker()


class StripeResource(dg.ConfigurableResource[Any]):
    """Our account at Stripe, and who settles: ``workers`` threads in the run, or with 0 a separate fleet."""

    api_key: str | None = None
    api_base: str | None = None
    workers: int = settings.DEFAULT_WORKERS
    minimum_payouts_minor: dict[str, int] = Field(default_factory=dict)
    approval_above_minor: dict[str, int] = Field(
        default_factory=dict, description="An instruction above this waits for 'payouts approve'; minor units."
    )
    day_above_minor: dict[str, int] = Field(
        default_factory=dict,
        description="Payouts of a day that are above this together wait for 'payouts approve'; minor units.",
    )
    account_rest_h: int = Field(
        default=settings.DEFAULT_ACCOUNT_REST_H,
        description="How long a changed Stripe account of a payee rests before the first payout to it.",
    )
    fleet_timeout_s: float = Field(
        default=settings.DEFAULT_FLEET_TIMEOUT_S,
        description="How long a run waits for a separate fleet before it shows what is open.",
    )

    def settlement(self, ledger_url: str) -> "Callable[[], AbstractContextManager[Settlement]]":
        """What makes a Stripe client that may move money, and the threads for its calls; raises PayoutsError at once.

        Most materialisations move nothing, and Stripe's SDK takes long to import.
        """
        self._require_key()

        def opened() -> "AbstractContextManager[Settlement]":
            from payouts_pipeline.settlement.assemble import settlement

            return settlement(ledger_url, self._account(), max(self.workers, 1))

        return opened

    def looks(self) -> "StripeClient":
        """A client for who only looks, before it is known whether the account is this ledger's own."""
        return self._account().client()

    def _require_key(self) -> str:
        return settings.stripe_api_key({"STRIPE_API_KEY": self.api_key} if self.api_key else os.environ)

    def _account(self) -> "StripeAccount":
        from payouts_pipeline.settlement.assemble import StripeAccount

        api_key = self._require_key()
        calls_per_s, wording = settings.stripe_calls_per_s(api_key), settings.Wording.from_environment()
        return StripeAccount(api_key, self.api_base, calls_per_s, wording=wording)

    @property
    def limits(self) -> Limits:
        """What waits for a person because of its amount, and for how long because of where it goes."""
        return Limits(self.approval_above_minor, timedelta(hours=self.account_rest_h), self.day_above_minor)

    @property
    def timeout(self) -> timedelta:
        """How long a run waits for instructions that are in progress."""
        return timedelta(seconds=self.fleet_timeout_s)


class Changes(defaultdict[date, Changed]):
    """What each day changed, for whoever materialises days in this process; of Dagster's own runs nobody asks."""

    def __init__(self) -> None:
        super().__init__(Changed)


def resources(environment: Mapping[str, str]) -> dict[str, Any]:
    """The resources for an environment. What is secret is looked up when a run starts, and never shown."""
    source = "PAYOUTS_SOURCE_URL" if environment.get("PAYOUTS_SOURCE_URL") else "PAYOUTS_DATABASE_URL"
    workers, limit = settings.workers(environment), settings.change_limit(environment)
    limits = settings.limits(environment)
    return {
        "changes": Changes(),
        "ledger": LedgerResource(
            database_url=dg.EnvVar("PAYOUTS_DATABASE_URL"),
            source_url=dg.EnvVar(source),
            change_share=limit.share,
            change_minor=dict(limit.amounts_minor),
        ),
        "bus": PayoutBus(stack=settings.stack(environment)),
        "stripe": StripeResource(
            api_key=dg.EnvVar("STRIPE_API_KEY") if workers else None,
            api_base=dg.EnvVar("STRIPE_API_BASE") if environment.get("STRIPE_API_BASE") else None,
            workers=workers,
            minimum_payouts_minor=settings.minimum_payouts_minor(environment),
            approval_above_minor=dict(limits.approval_above_minor),
            day_above_minor=dict(limits.day_above_minor),
            account_rest_h=limits.account_rest // timedelta(hours=1),
            fleet_timeout_s=settings.fleet_timeout_s(environment),
        ),
    }


@contextmanager
def payments(
    context: dg.AssetExecutionContext, ledger: LedgerResource, bus: PayoutBus, stripe: StripeResource
) -> Iterator[Payments]:
    """Everything that moves a day, closed again when the step ends."""
    settles = stripe.settlement(ledger.database_url) if stripe.workers else None
    with ledger.connect() as connection, ledger.lasting_source() as source, ExitStack() as opened:
        yield Payments(
            timezone=_timezone(context),
            ledger=connection,
            connect_source=source,
            sns=bus.sns(),
            sqs=bus.sqs(),
            topology=bus.topology(),
            settlement=cache(lambda: opened.enter_context(settles())) if settles else None,
            minimum_payouts_minor=stripe.minimum_payouts_minor,
            limits=stripe.limits,
            change_limit=ledger.change_limit,
            timeout=stripe.timeout,
            actor=f"run {context.run.run_id}",
            report=context.log.info,
        )


def _timezone(context: dg.AssetExecutionContext) -> str:
    """The timezone of the asset's partitions."""
    partitions = context.assets_def.partitions_def
    if not isinstance(partitions, dg.DailyPartitionsDefinition):
        raise TypeError("the money assets have daily partitions")
    return partitions.timezone
