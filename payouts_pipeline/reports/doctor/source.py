"""Schema `league`: whether it is there, with all that is read of it, and whether what is in it is as agreed."""

from collections.abc import Iterator
from datetime import date

from payouts_pipeline.domain.league_findings import LeagueOfDay
from payouts_pipeline.league import inspection, reader
from payouts_pipeline.league.contract import NEEDED, Lack, lack
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, halves, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.settings import DEFAULT_TIMEZONE, Calendar

_SUBJECT = "schema league"

# Nobody played then, so that the queries are tried and read nothing.
_NO_DAY = date(1970, 1, 2)


def look(setup: Setup) -> Iterator[Diagnosis]:
    """Every table and column that is missing, closed to the login or of another type, and then what is in them."""
    with setup.source() as connection:
        found = lack(connection)
        if len(set(found.missing) & NEEDED.keys()) == len(NEEDED):
            yield _nothing(setup)
            return
        wrong = [*_lacking(found)]
        yield from wrong
        if not wrong:
            timezone = Calendar.from_environment({"PAYOUTS_TIMEZONE": DEFAULT_TIMEZONE}).timezone
            reader.fees_of_day(connection, _NO_DAY, timezone)
            columns = sum(map(len, NEEDED.values()))
            yield ok(_SUBJECT, f"all {len(NEEDED)} tables with all {columns} columns that are read, open to the login")
            yield from contents(inspection.whole_league(connection))
            if inspection.depends_on_timezone(connection):
                yield _depends_on_timezone()


def _lacking(found: Lack) -> Iterator[Diagnosis]:
    if found.missing:
        yield problem(_SUBJECT, f"it lacks {', '.join(found.missing)}", "add them; the README lists what is read.")
    if found.unreadable:
        unreadable = f"the login of PAYOUTS_SOURCE_URL may not read {', '.join(found.unreadable)}"
        yield problem(_SUBJECT, unreadable, "grant it usage of the schema, and select.")
    for each in found.mistyped:
        yield problem(_SUBJECT, each.found, f"{each.to_do}. Until then nothing is read.")


def contents(league: LeagueOfDay) -> Iterator[Diagnosis]:
    """Each word that is unknown or oddly written, and each id that stands twice, with the rows that have it."""
    for each in league.twice:
        found, to_do = f"{each.named}, so that {halves(each.means)[0]}", f"{halves(each.means)[1]}."
        yield (problem if each.stops else warning)(_SUBJECT, found, to_do, count=each.keys)
    for word in league.unknown:
        found, to_do = halves(word.means)
        yield warning(_SUBJECT, f"{word.named}: {found}", f"{to_do}.", count=word.rows)
    for word in league.read_otherwise:
        yield warning(_SUBJECT, word.named_as_read, "have the view write the word of the contract.", count=word.rows)


def _depends_on_timezone() -> Diagnosis:
    found = "league.matches.kicked_off_at changes with the timezone of the login, and with it the days of matches"
    to_do = "have the view say whose time it is: kicked_off_at at time zone 'Europe/London', and not ::timestamptz."
    return warning(_SUBJECT, found, to_do)


def _nothing(setup: Setup) -> Diagnosis:
    found = "there is no schema 'league', or nothing in it"
    if "ledger" in setup.embedded and not setup.environment.get("PAYOUTS_SOURCE_URL"):
        return warning(_SUBJECT, found, "run 'payouts demo', which fills it with a sample season.")
    return problem(_SUBJECT, found, "name the database that has it in PAYOUTS_SOURCE_URL.")
