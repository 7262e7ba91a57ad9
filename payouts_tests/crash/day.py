"""A day run as `payouts run` does it, without Dagster around it: the same phases on the same real servers."""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import boto3
import dagster as dg
from upath import UPath

from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.defs.io_managers import ParquetFiles
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import NO_LIMITS
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league.reader import fees_of_day
from payouts_pipeline.ledger.database import Connection, connect
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.settlement.assemble import Settlement, StripeAccount, settlement
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.workflow import give_back as give_back_at_stripe
from payouts_pipeline.workflow.give_back import Target
from payouts_pipeline.workflow.pay_day import Changed, Payments
from payouts_pipeline.workflow.recover import recover
from payouts_pipeline.workflow.sync import sync_own
from payouts_tests.support.emulated_aws import options
from payouts_tests.support.emulated_stripe import API_KEY
from payouts_tests.support.leagues import SYDNEY
from payouts_tests.support.ledger_steps import fingerprint

STRIPE_TIMEOUT_S = 0.8
REFUNDED_MINOR, REVERSED_MINOR = 100, 10
LEASE_S = 2.0
_THREADS = 2
_QUIET_AFTER_S = 60.0

# Its loader keeps the models of the services that a forked child would else have to read again.
_SESSION = boto3.session.Session()


@dataclass(frozen=True)
class Place:
    """Where a day runs: its database, bus, provider and folder."""

    database_url: str
    aws_url: str
    topology: Topology
    stripe_url: str
    storage: str


def warm_up() -> None:
    """Have everything loaded that a day needs, with nothing connected."""
    make_client("sns", _SESSION, **options("http://127.0.0.1:9"))
    make_client("sqs", _SESSION, **options("http://127.0.0.1:9"))
    StripeClient(API_KEY)


def materialise(place: Place, day: date) -> Changed:
    """All four assets of a day, in turn."""
    account = StripeAccount(API_KEY, place.stripe_url, timeout_s=STRIPE_TIMEOUT_S)
    settles = settlement(place.database_url, account, _THREADS, LEASE_S)
    with connect(place.database_url) as ledger, connect(place.database_url) as source, settles as parts:
        fees = _stored(place, "matches", day, fees_of_day(source, day, SYDNEY))
        lines = _stored(place, "splits", day, split(fees))
        payments = _payments(place, ledger, source, parts)
        changes = [payments.collect_fees(day, lines), payments.pay_out(day)]
    return _total(changes)


def catch_up(place: Place, _: date) -> None:
    """`payouts recover`, which is of no day."""
    account = StripeAccount(API_KEY, place.stripe_url, timeout_s=STRIPE_TIMEOUT_S)
    settles = settlement(place.database_url, account, _THREADS, LEASE_S)
    with connect(place.database_url) as ledger, connect(place.database_url) as source, settles as parts:
        recover(ledger, source, parts, "crash test")


def bring_in(place: Place, _: date) -> None:
    """`payouts sync`, which is of no day."""
    account = StripeAccount(API_KEY, place.stripe_url, timeout_s=STRIPE_TIMEOUT_S)
    with connect(place.database_url) as ledger, settlement(place.database_url, account, _THREADS, LEASE_S) as parts:
        sync_own(ledger, parts, "crash test")


def give_back(place: Place, day: date) -> None:
    """An operator has some of a charge and some of a payout given back; a run of the day does so, if it has to."""
    with connect(place.database_url) as ledger:
        for instruction, ask, amount_minor in (
            (_settled(ledger, day, "player_charge"), _refund, REFUNDED_MINOR),
            (_settled(ledger, day, "club_payout"), give_back_at_stripe.reverse, REVERSED_MINOR),
        ):
            asked = Asked("instruction", amount_minor, "crash test", "it was too much")
            try:
                ask(ledger, instruction, asked, {})
            except PayoutsError as error:
                # As the person is told who gives the same command again.
                assert "asked for already" in str(error)  # noqa: PT017
    materialise(place, day)


def _refund(ledger: Connection, charge: UUID, asked: Asked, limits: Mapping[str, int]) -> None:
    give_back_at_stripe.refund(ledger, Target(charge), asked, limits)


def _settled(ledger: Connection, day: date, billing_type: str) -> UUID:
    """The first that this emulator has moved."""
    query = (
        "select i.id from payouts.instructions as i where i.day = %s and i.billing_type = %s and i.status = 'settled'"
        " and i.status_at > (select value from payouts_test.began) order by i.id limit 1"
    )
    return UUID(str(ledger.execute(query, (day, billing_type)).fetchall()[0][0]))


def until_quiet(place: Place, day: date) -> int:
    """Materialise the day until that changes nothing: no row, no message, no call; how often it took."""
    deadline = time.monotonic() + _QUIET_AFTER_S
    with connect(place.database_url) as ledger:
        for rounds in itertools.count(1):
            before = fingerprint(ledger)
            changed = _materialise_or_give_up(place, day)
            if changed == Changed() and fingerprint(ledger) == before:
                return rounds
            assert time.monotonic() < deadline, f"the day does not come to rest: {changed}"
    raise AssertionError


def _materialise_or_give_up(place: Place, day: date) -> Changed | PayoutsError:
    """On a busy machine the emulator may not answer in time; a run says so before it writes, and is run again."""
    try:
        return materialise(place, day)
    except PayoutsError as error:
        if "Stripe can't be asked" not in str(error):
            raise
        return error


def _stored(place: Place, asset: str, day: date, batches: Batches) -> Batches:
    """What the next asset gets: the frames by way of the IO manager's file."""
    files, context = ParquetFiles(UPath(place.storage)), cast("Any", SimpleNamespace(asset_key=dg.AssetKey(asset)))
    path = UPath(place.storage) / asset / f"{day}.parquet"
    files.make_directory(path.parent)
    files.dump_to_path(context, batches, path)
    return files.load_from_path(context, path)


def _payments(place: Place, ledger: Connection, source: Connection, parts: Settlement) -> Payments:
    return Payments(
        timezone=SYDNEY.key,
        ledger=ledger,
        connect_source=lambda: source,
        sns=make_client("sns", _SESSION, **options(place.aws_url)),
        sqs=make_client("sqs", _SESSION, **options(place.aws_url)),
        topology=place.topology,
        settlement=lambda: parts,
        minimum_payouts_minor={},
        limits=NO_LIMITS,
        change_limit=ChangeLimit(),
        timeout=timedelta(seconds=_QUIET_AFTER_S),
        actor="crash test",
        report=lambda _: None,
    )


def _total(changes: Sequence[Changed]) -> Changed:
    return Changed(
        sum(change.fee_components for change in changes),
        sum(change.instructions for change in changes),
        sum(change.messages for change in changes),
        sum(change.provider_calls for change in changes),
    )
