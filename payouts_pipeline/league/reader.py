"""What we read of schema `league`: the fees of a day, and where people are at the provider. Never written."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import wraps
from typing import ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pyarrow as pa

from payouts_pipeline.domain import calendar, frames
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import contract
from payouts_pipeline.ledger.bulk import copy_out, copy_out_batches
from payouts_pipeline.ledger.database import Connection, Parameters
from payouts_pipeline.queries import Queries

sql = Queries("payouts_pipeline.league")

_FEES = {name: dtype for name, dtype in frames.MATCHES.items() if name != "shares_json"}
_TERMS = frames.columns(ids="fee_structure_id", texts="shares_json")
_LINE_UPS = frames.columns(ids="match_id competition_id")

# SQLSTATEs 40001 and 57014, as a replica has them where what is read conflicts with what it has to replay, and 40P01.
_ENDED_BY_SERVER = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
)
_PAUSES_S = (0.1, 0.5, 2.0, 5.0, 0.0)

P = ParamSpec("P")
T = TypeVar("T")

STRIPE_IDS = frames.columns(
    ids="subject_id", texts="billing_subject stripe_account_id stripe_customer_id stripe_payment_method_id"
)


def repeated(read: Callable[P, T]) -> Callable[P, T]:
    """Have a snapshot read again from its start where the server ends it, as a replica does that is behind.

    Raises PayoutsError where it always does.
    """

    @wraps(read)
    def patiently(*args: P.args, **kwargs: P.kwargs) -> T:
        for pause_s in _PAUSES_S:
            try:
                return read(*args, **kwargs)
            except _ENDED_BY_SERVER as error:
                ended = error.diag.message_primary
                time.sleep(pause_s)
        raise PayoutsError(
            f"The database of PAYOUTS_SOURCE_URL ended reading schema 'league' {len(_PAUSES_S)} times ({ended}): "
            "on a replica set hot_standby_feedback or a longer max_standby_streaming_delay, or name the primary."
        )

    return patiently


@repeated
def fees_of_day(connection: Connection, day: date, timezone: ZoneInfo) -> Batches:
    """One row for each fee of the local day (`frames.MATCHES`), match by match, all as of one moment.

    Raises PayoutsError where schema `league` lacks something that the pipeline reads.
    """
    kicked_off_from, kicked_off_before = calendar.bounds(day, timezone)
    period = {"kicked_off_from": kicked_off_from, "kicked_off_before": kicked_off_before}
    parameters = {"day": day, **period, "match_ids": None}
    with snapshot(connection):
        fees = copy_out_batches(connection, sql("league_fees"), parameters, _FEES)
        terms = copy_out(connection, sql("league_terms"), parameters, _TERMS)
        twice = matches_twice(connection, parameters)

    def with_terms(frame: pd.DataFrame) -> pd.DataFrame:
        frame = standing_twice_of(frame, twice).merge(terms, on="fee_structure_id", how="left")
        return frames.conform(frame, frames.MATCHES)

    return fees.map(with_terms)


def matches_twice(connection: Connection, parameters: Parameters) -> list[int]:
    """Which of the matches whose fees these parameters read stand twice, on whatever days."""
    return [match_id for (match_id,) in connection.execute(sql("league_matches_twice"), parameters)]


def standing_twice_of(fees: pd.DataFrame, match_ids: Sequence[int]) -> pd.DataFrame:
    """The fees, those of these matches twice, as a join with both rows of each match has them: so they are noticed."""
    if not match_ids:
        return fees
    times = 1 + fees["match_id"].isin(match_ids).to_numpy("int64")
    return fees.loc[fees.index.repeat(times)].reset_index(drop=True)


@repeated
def fingerprints(connection: Connection, wanted: Sequence[date], timezone: ZoneInfo) -> dict[date, str]:
    """A text for each of the days (in order) that has fees, which changes with whatever decides about them."""
    if not wanted:
        return {}
    kick_offs = [calendar.bounds(day, timezone) for day in wanted]
    parameters = {
        "days": list(wanted),
        "kicked_off_from": [start for start, _ in kick_offs],
        "kicked_off_before": [end for _, end in kick_offs],
        "first_kick_off": kick_offs[0][0],
        "last_kick_off": kick_offs[-1][1],
    }
    with snapshot(connection):
        return dict(connection.execute(sql("league_fingerprints"), parameters).fetchall())


@repeated
def stripe_ids(connection: Connection, accounts: pd.DataFrame) -> pd.DataFrame:
    """Who of these (billing_subject, subject_id) is whom at Stripe (`STRIPE_IDS`); missing where we don't know.

    Somebody whom a view has twice is missing, too: which of two accounts is right, a person must say.
    """
    wanted = accounts.groupby("billing_subject")["subject_id"].agg(list).to_dict()
    parameters = {subject: wanted.get(subject, []) for subject in ("player", "club", "organiser", "partner")}
    with snapshot(connection):
        found = copy_out(connection, sql("league_stripe_ids"), parameters, STRIPE_IDS)
    return found.drop_duplicates(["billing_subject", "subject_id"], keep=False, ignore_index=True)


def with_stripe_ids(connection: Connection, accounts: pd.DataFrame) -> pd.DataFrame:
    """The same rows (billing_subject, subject_id, ...) with the `stripe_ids` of each; none where there are none."""
    if accounts.empty:
        return accounts
    return accounts.merge(stripe_ids(connection, accounts), on=["billing_subject", "subject_id"], how="left")


@repeated
def matches_without_line_up(connection: Connection, day: date, timezone: ZoneInfo) -> pd.DataFrame:
    """The matches that were played on the local day with nobody in their line-up: match_id, competition_id."""
    kicked_off_from, kicked_off_before = calendar.bounds(day, timezone)
    parameters = {"kicked_off_from": kicked_off_from, "kicked_off_before": kicked_off_before}
    with snapshot(connection):
        return copy_out(connection, sql("league_matches_without_line_up"), parameters, _LINE_UPS)


def currencies(connection: Connection) -> list[str]:
    """In which competitions have fees."""
    with snapshot(connection):
        return [currency for (currency,) in connection.execute(sql("league_currencies"))]


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """One read-only transaction that sees one moment of a schema that fits, or an error that names what does not."""
    try:
        with connection.transaction():
            contract.begin(connection)
            yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise PayoutsError(
            f"The login of PAYOUTS_SOURCE_URL must read schema 'league': {error.diag.message_primary}."
        ) from None
    except (psycopg.ProgrammingError, psycopg.DataError) as error:
        raise _does_not_fit(error.diag.message_primary or type(error).__name__) from None
    except pa.ArrowInvalid as error:
        raise _does_not_fit(f"a column is of another type ({error})") from None


def _does_not_fit(what: str) -> PayoutsError:
    """A table, column or type that is not the contract's."""
    return PayoutsError(
        f"Schema 'league' does not fit: {' '.join(what.split())}. "
        "The README lists the tables and columns that PAYOUTS_SOURCE_URL must have."
    )
