"""Creates and upgrades schema `payouts` from the raw SQL in `migrations/`."""

from importlib import resources

import psycopg

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, sql
from payouts_pipeline.ledger.locks import lock_migrations


def migrations() -> dict[str, str]:
    """Each migration's name and text, in the order in which they apply."""
    files = resources.files("payouts_pipeline.ledger").joinpath("migrations").iterdir()
    texts = {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".sql")}
    return dict(sorted(texts.items()))


def migrate(connection: Connection) -> list[str]:
    """Apply what is missing, all or nothing, under a lock; the names of what was applied."""
    with connection.transaction():
        lock_migrations(connection)
        connection.execute(sql("create_migrations"))
        missing = [name for name in migrations() if name not in _applied(connection)]
        for name in missing:
            connection.execute(migrations()[name])
            connection.execute(sql("record_migration"), {"name": name})
    return missing


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
