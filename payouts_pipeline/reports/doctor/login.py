"""The login of the ledger's database: whether it may do what a night does, and nothing that only others have to."""

from collections.abc import Iterator

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, ok, problem, warning
from payouts_pipeline.reports.queries import sql

_SUBJECT = "ledger login"
_LOGIN = "the login of PAYOUTS_DATABASE_URL"
_WORKER = "payouts_worker"
_HAVE_ROLES = "give runs a login that has role payouts_pipeline, and workers one with payouts_worker; see the README."


def look(connection: Connection, *, is_embedded: bool) -> Iterator[Diagnosis]:
    """What it lacks is a problem, what it has beyond its role a hint; the embedded ledger is its login's own."""
    ((is_superuser, is_owner, role),) = connection.execute(sql("rights_of_login")).fetchall()
    found = [_of_worker()] if role == _WORKER else list(_lacking(connection))
    if not is_embedded:
        found += _beyond(connection, role, is_superuser=is_superuser, is_owner=is_owner)
    yield from found
    if not found:
        yield ok(_SUBJECT, "it may do what a night does")


def _of_worker() -> Diagnosis:
    found = f"{_LOGIN} has role {_WORKER}: it can settle, and run no day"
    return warning(_SUBJECT, found, "leave it so where only workers run; Dagster needs one with role payouts_pipeline.")


def _lacking(connection: Connection) -> Iterator[Diagnosis]:
    names = [name or "temporary tables" for (name,) in connection.execute(sql("not_allowed"))]
    if names:
        to_do = "grant it role payouts_pipeline (see the README), or name the login that made the schema."
        yield problem(_SUBJECT, f"{_LOGIN} may not read and fill {', '.join(names)}", to_do)


def _beyond(connection: Connection, role: str | None, *, is_superuser: bool, is_owner: bool) -> Iterator[Diagnosis]:
    """It could change what nobody should: amounts, events, triggers."""
    if is_superuser or is_owner:
        what = "is a superuser" if is_superuser else "owns the ledger's tables"
        yield warning(_SUBJECT, f"{_LOGIN} {what}: it may do more than it needs", _HAVE_ROLES)
    elif role:
        more = [f"{act} {table}" for act, table in connection.execute(sql("rights_beyond_role"), {"role": role})]
        if more:
            found = f"{_LOGIN} may do more than role {role}: {', '.join(more)}"
            yield warning(_SUBJECT, found, "revoke that, or whatever other role it has it from.")
