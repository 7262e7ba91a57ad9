"""Schema `league`: whether it is there, with all that is read of it."""

from collections.abc import Iterator
from datetime import date

from payouts_pipeline.league import reader
from payouts_pipeline.league.contract import NEEDED, lack
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.settings import DEFAULT_TIMEZONE, Calendar

# Nobody played then, so that the queries are tried and read nothing.
_NO_DAY = date(1970, 1, 2)


def look(setup: Setup) -> Iterator[Diagnosis]:
    """Every table and column that is missing or closed to the login, and then whether the snapshot's queries run."""
    subject, columns = "schema league", sum(map(len, NEEDED.values()))
    with setup.source() as connection:
        found = lack(connection)
        if len(set(found.missing) & NEEDED.keys()) == len(NEEDED):
            yield _nothing(setup)
            return
        if found.missing:
            yield problem(subject, f"it lacks {', '.join(found.missing)}", "add them; the README lists what is read.")
        if found.unreadable:
            unreadable = f"the login of PAYOUTS_SOURCE_URL may not read {', '.join(found.unreadable)}"
            yield problem(subject, unreadable, "grant it usage of the schema, and select.")
        if not found.missing and not found.unreadable:
            timezone = Calendar.from_environment({"PAYOUTS_TIMEZONE": DEFAULT_TIMEZONE}).timezone
            reader.fees_of_day(connection, _NO_DAY, timezone)
            yield ok(subject, f"all {len(NEEDED)} tables with all {columns} columns that are read, open to the login")


def _nothing(setup: Setup) -> Diagnosis:
    found = "there is no schema 'league', or nothing in it"
    if "ledger" in setup.embedded and not setup.environment.get("PAYOUTS_SOURCE_URL"):
        return warning("schema league", found, "run 'payouts demo', which fills it with a sample season.")
    return problem("schema league", found, "name the database that has it in PAYOUTS_SOURCE_URL.")
