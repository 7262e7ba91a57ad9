"""Creates and upgrades schema `payouts` from the raw SQL in `migrations/`."""

from importlib import resources

import psycopg

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, sql
from payouts_pipeline.ledger.locks import lock_migrations

_MAKE_IT = "run 'create schema payouts authorization {}'"


def migrations() -> dict[str, str]:
    """Each migration's name and text, in the order in which they apply."""
    files = resources.files("payouts_pipeline.ledger").joinpath("migrations").iterdir()
    texts = {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".sql")}
    return dict(sorted(texts.items()))


def migrate(connection: Connection) -> list[str]:
    """Apply what is missing, all or nothing, under a lock; the names of what was applied.

    Raises PayoutsError where the database keeps no UTF-8, or has no schema that may be filled and none may be made.
    """
    _require_utf8(connection)
    with connection.transaction():
        lock_migrations(connection)
        _have_schema(connection)
        missing = [name for name in migrations() if name not in _applied(connection)]
        for name in missing:
            connection.execute(migrations()[name])
            connection.execute(sql("record_migration"), {"name": name})
    return missing


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
    try:
        applied = _applied(connection)
    except psycopg.errors.UndefinedTable:
        applied = set()
    if applied == set(migrations()):
        return
    if newer := sorted(applied - set(migrations())):
        raise PayoutsError(
            f"Schema 'payouts' in the database of PAYOUTS_DATABASE_URL has {newer[0]}, which this version does not "
            "know: install the version of 'payouts' that has made it."
        )
    state = "is not there yet" if not applied else "is of another version"
    raise PayoutsError(
        f"Schema 'payouts' {state} in the database of PAYOUTS_DATABASE_URL: run 'payouts migrate' first."
    )


def _applied(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute(sql("applied_migrations"))}
