"""Creates and upgrades schema `payouts` from the raw SQL in `migrations/`.

A migration is frozen once it was released: the ledger keeps its checksum. Workers of the versions before stop, unless
the migration says that they settle rightly all the same (`WORKERS_GO_ON`): then they go on until they are replaced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

import psycopg

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import lock_migrations

WORKERS_GO_ON = "-- Workers that do not know this migration go on."

_MAKE_IT = "run 'create schema payouts authorization {}'"
_SCHEMA = "Schema 'payouts' in the database of PAYOUTS_DATABASE_URL"


@dataclass(frozen=True)
class _Applied:
    """A migration that the ledger has, as it was then."""

    checksum: str
    workers_go_on: bool


def migrations() -> dict[str, str]:
    """Each migration's name and text, in the order in which they apply."""
    files = resources.files("payouts_pipeline.ledger").joinpath("migrations").iterdir()
    texts = {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".sql")}
    return dict(sorted(texts.items()))


def checksum(text: str) -> str:
    """What tells a migration's text from any other."""
    return sha256(text.encode()).hexdigest()


def migrate(connection: Connection) -> list[str]:
    """Apply what is missing, all or nothing, under a lock; the names of what was applied.

    Raises PayoutsError where the database keeps no UTF-8, has no schema that may be filled and none may be made, or was
    made by other migrations than these.
    """
    _require_utf8(connection)
    with connection.transaction():
        lock_migrations(connection)
        connection.execute(sql("act_as_owner"))
        _have_schema(connection)
        applied = _applied(connection)
        _require_known(applied)
        missing = {name: text for name, text in migrations().items() if name not in applied}
        for name, text in missing.items():
            connection.execute(text)
            noted = {"name": name, "checksum": checksum(text), "workers_go_on": WORKERS_GO_ON in text.splitlines()}
            connection.execute(sql("record_migration"), noted)
        if scalar(connection, sql("has_roles"), {}):
            connection.execute(resources.files("payouts_pipeline.ledger").joinpath("grants.sql").read_bytes())
    return list(missing)


def _require_utf8(connection: Connection) -> None:
    """What Stripe and people say may have any character; one that can't be kept would fail after money has moved."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise PayoutsError(
            f"The database of PAYOUTS_DATABASE_URL has encoding {encoding}, which can't keep every text: make one for "
            "the ledger with 'create database … encoding UTF8 template template0'. Schema 'league' may be in any."
        )


def _have_schema(connection: Connection) -> None:
    """The schema may be made by somebody else, and a login that may make none has no need to."""
    ((is_there, is_empty, may_fill, may_make, login),) = connection.execute(sql("schema_to_migrate")).fetchall()
    if not (may_fill if is_there else may_make):
        raise PayoutsError(
            f"The login of PAYOUTS_DATABASE_URL may not {'fill' if is_there else 'make'} schema 'payouts': have the "
            f"database's owner {'grant it usage and create on the schema' if is_there else _MAKE_IT.format(login)}."
        )
    if not is_there:
        connection.execute(sql("create_schema"))
    elif not is_empty:
        raise PayoutsError(
            "Schema 'payouts' in the database of PAYOUTS_DATABASE_URL has tables that are not the ledger's: name a "
            "database where it is empty or not there."
        )
    connection.execute(sql("create_migrations"))


def require_migrated(connection: Connection) -> None:
    """Raise PayoutsError unless the schema is the one that this version was written for."""
    applied = _applied(connection)
    _require_known(applied)
    _require_complete(applied)


def require_settleable(connection: Connection) -> None:
    """Raise PayoutsError unless a worker of this version may settle: also on a newer schema, if that says so."""
    applied = _applied(connection)
    _require_known({name: each for name, each in applied.items() if name in migrations() or not each.workers_go_on})
    _require_complete(applied)


def _require_known(applied: Mapping[str, _Applied]) -> None:
    known = migrations()
    for name, each in applied.items():
        if name not in known:
            raise PayoutsError(
                f"{_SCHEMA} has {name}, which this version does not know: install the version of "
                "'payouts' that has made it."
            )
        if each.checksum != checksum(known[name]):
            raise PayoutsError(_is_another(name))


def _require_complete(applied: Mapping[str, _Applied]) -> None:
    if not migrations().keys() <= applied.keys():
        state = "is not there yet" if not applied else "is of another version"
        raise PayoutsError(
            f"Schema 'payouts' {state} in the database of PAYOUTS_DATABASE_URL: run 'payouts migrate' first."
        )


def _is_another(name: str) -> str:
    return (
        f"{_SCHEMA} was made by another {name} than this version has: install the version of "
        "'payouts' that has made it, or name an empty database if nothing in it is real (embedded: 'make clean')."
    )


def _applied(connection: Connection) -> dict[str, _Applied]:
    """What the ledger has, by name; nothing where there is none."""
    try:
        rows = connection.execute(sql("applied_migrations")).fetchall()
    except psycopg.errors.UndefinedTable:
        return {}
    except psycopg.errors.UndefinedColumn:
        # No release has made such a ledger.
        raise PayoutsError(_is_another("0001_ledger.sql")) from None
    return {name: _Applied(*row) for name, *row in rows}
