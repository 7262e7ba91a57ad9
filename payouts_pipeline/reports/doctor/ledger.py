"""The ledger: its server, its schema, and what is left in it from the nights before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from psycopg.rows import class_row

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import migrate, movements
from payouts_pipeline.ledger.database import Connection, scalar
from payouts_pipeline.reports.doctor import clocks, login
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, halves, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.reports.next_action import next_action
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.reports.status import Line
from payouts_pipeline.settings import Calendar

# `gen_random_uuid` is the server's own since then.
_OLDEST_SERVER = 130_000
_LONG = timedelta(days=1)


def server(setup: Setup) -> Iterator[Diagnosis]:
    """Whether it can be reached and written to, its version, encoding and clock."""
    with setup.ledger() as connection:
        before = datetime.now(UTC)
        ((number, version, encoding, is_standby, is_read_only, now),) = connection.execute(sql("server")).fetchall()
        after = datetime.now(UTC)
    subject = "ledger database"
    if is_standby or is_read_only:
        what = "a standby" if is_standby else "read-only for this login"
        yield problem(subject, f"it is {what}: nothing can be booked", "name the primary in PAYOUTS_DATABASE_URL.")
    if number < _OLDEST_SERVER:
        yield problem(subject, f"PostgreSQL {version} is too old", "use PostgreSQL 13 or later.")
    if encoding != "UTF8":
        to_do = "make a database for the ledger with encoding UTF8."
        yield problem(subject, f"its encoding is {encoding}, which can't keep every text", to_do)
    if number >= _OLDEST_SERVER and not is_standby and not is_read_only and encoding == "UTF8":
        yield ok(subject, f"PostgreSQL {version}, UTF8, can be written to")
    yield clocks.compared("clock of the ledger database", now, before, after)


def schema(setup: Setup) -> Iterator[Diagnosis]:
    """Whether the ledger is of this version, open to this login, and booked in this timezone."""
    subject = "ledger schema"
    with setup.ledger() as connection:
        try:
            migrate.require_migrated(connection)
        except PayoutsError as error:
            yield _of_version(setup, *halves(str(error)))
            return
        yield from login.look(connection, is_embedded="ledger" in setup.embedded)
        yield from _timezone(setup, connection)
    yield ok(subject, "schema 'payouts' is of this version")


def _of_version(setup: Setup, found: str, to_do: str) -> Diagnosis:
    """Every command brings an embedded ledger up to this version by itself, but for this one, which writes nothing."""
    if "ledger" in setup.embedded:
        found = "the embedded ledger is new, or of an earlier version"
        return warning("ledger schema", found, "run 'payouts demo', which brings it up to this one.", ends=True)
    return problem("ledger schema", found, to_do, ends=True)


def _timezone(setup: Setup, connection: Connection) -> Iterator[Diagnosis]:
    booked_in = scalar(connection, sql("timezone_of_ledger"), {})
    try:
        key = Calendar.from_environment(setup.environment).timezone.key
    except PayoutsError:
        # A finding of the environment.
        return
    if booked_in and booked_in != key:
        found = f"PAYOUTS_TIMEZONE is {key}, but the ledger is booked in {booked_in}"
        yield problem("timezone", found, f"set PAYOUTS_TIMEZONE={booked_in}.")


def left_over(setup: Setup) -> Iterator[Diagnosis]:
    """What waits for a person or for an answer."""
    with setup.ledger() as connection:
        found = [*_for_a_person(connection), *_long_unknown(connection), *_to_judge(connection)]
    yield from found
    if not found:
        yield ok("open payments", "nothing waits for a person, and no outcome is unknown for more than a day")


def _for_a_person(connection: Connection) -> Iterator[Diagnosis]:
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        lines = [line for line in cursor.execute(sql("stuck")) if next_action(line).needs_person]
    if not lines:
        return
    amounts: dict[str, int] = {}
    for line in lines:
        amounts[line.currency] = amounts.get(line.currency, 0) + line.amount_minor
    count = sum(line.count for line in lines)
    shown = ", ".join(format_minor(amount, currency) for currency, amount in sorted(amounts.items()))
    yield warning(
        "open payments",
        f"{_instructions(count)} for a person, for {shown}",
        "see 'payouts status --instructions'.",
        count=count,
        amount_minor=amounts,
    )


def _instructions(count: int) -> str:
    return "1 instruction waits" if count == 1 else f"{count:,} instructions wait"


def _long_unknown(connection: Connection) -> Iterator[Diagnosis]:
    ((count, since),) = connection.execute(sql("long_unknown"), {"older_than": _LONG}).fetchall()
    if count:
        found = f"{count:,} outcomes at Stripe are unknown for more than a day, the first since {since:%Y-%m-%d}"
        to_do = "look them up in Stripe's dashboard, and say what became of them with 'payouts resolve'."
        yield warning("unknown outcomes", found, to_do, count=count)


def _to_judge(connection: Connection) -> Iterator[Diagnosis]:
    count = sum(kept.state == "needs_person" for kept in movements.states(connection))
    if count:
        found = f"{count:,} movements that 'payouts recover' has found are not what their instructions ask for"
        yield warning("movements", found, "run 'payouts recover' again to see them, and decide.", count=count)
