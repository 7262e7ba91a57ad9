"""The emulator's memory: one SQLite file that survives `kill -9`."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.queries import Queries

JsonObject = dict[str, Any]
Filters = Mapping[str, str | int]

# The columns of `objects` that copy a field of the object, so that lists can be filtered on it.
COPIED_FIELDS = ("customer", "payment_intent", "destination", "transfer_group", "source", "type", "currency")

# A list has any combination of filters, so its query is put together: from these constant texts only.
LIST_FROM = "SELECT body FROM objects WHERE kind = :kind AND account IS :account"
LIST_CONDITIONS = {
    **{name: f"AND {name} = :{name}" for name in COPIED_FIELDS},
    # What takes something back is filed under what it takes back.
    "charge": "AND source = :charge",
    "transfer": "AND source = :transfer",
    "status": "AND body ->> 'status' = :status",
    "payout": "AND id IN (SELECT balance_transaction FROM paid_out WHERE payout = :payout)",
    "created": "AND created = :created",
    "created_gt": "AND created > :created_gt",
    "created_gte": "AND created >= :created_gte",
    "created_lt": "AND created < :created_lt",
    "created_lte": "AND created <= :created_lte",
    "older_than": "AND seq < :older_than",
    "newer_than": "AND seq > :newer_than",
}
NEWEST_FIRST = "ORDER BY seq DESC LIMIT :limit"
OLDEST_FIRST = "ORDER BY seq LIMIT :limit"


class Store:
    """Named queries and Stripe objects on one SQLite connection, used by one thread.

    `synchronous=NORMAL` in WAL mode: a commit is safe from the death of this process as soon as it returns,
    as the pages are the kernel's by then; only a power cut can lose the newest ones. Locking is exclusive,
    because two emulators on one file would each think that they own the balance.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._queries = Queries(__package__).texts
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=2, cached_statements=256)
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._run_script("schema.sql")
            if self.row("find_table", name="journal"):
                self._run_script("upgrade.sql")
        except sqlite3.Error as error:
            raise PayoutsError(
                f"The Stripe emulator cannot open its state file {path.name!r} ({error}): stop the emulator "
                "that uses it, or name another file with --state."
            ) from error

    def _run_script(self, name: str) -> None:
        self._connection.executescript(resources.files(__package__).joinpath(name).read_text("utf-8"))

    def close(self) -> None:
        """Write the WAL back and give the file free."""
        self._connection.close()

    def beside(self, name: str) -> Path:
        """Return the path of a further state file, next to this one and named after it."""
        return self._path.with_name(f"{self._path.stem}.{name}{self._path.suffix}")

    def destroy(self) -> None:
        """Close the file and take it away."""
        self.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is run inside; on return it is committed."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def run(self, query: str, **values: Any) -> None:
        """Run the named query for its effect."""
        self._connection.execute(self._queries[query], values)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """All rows of the named query."""
        return self._connection.execute(self._queries[query], values).fetchall()

    def row(self, query: str, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row of the named query, or None."""
        found: tuple[Any, ...] | None = self._connection.execute(self._queries[query], values).fetchone()
        return found

    def bodies(self, query: str, **values: Any) -> list[JsonObject]:
        """Return the Stripe objects of the named query, which gives their bodies."""
        return [json.loads(body) for (body,) in self.rows(query, **values)]

    def insert(self, body: JsonObject, account: str | None = None, **filed_under: str | None) -> None:
        """Keep a new Stripe object, of the platform or of a connected account.

        `filed_under` adds filter columns that its body has no field for.
        """
        columns = {name: filed_under.get(name, _text(body.get(name))) for name in COPIED_FIELDS}
        self.run(
            "insert_object",
            id=body["id"],
            kind=body["object"],
            # What was deleted shows no more when it was made.
            created=body.get("created", 0),
            account=account,
            body=json.dumps(body),
            **columns,
        )

    def replace(self, body: JsonObject) -> None:
        """Keep a Stripe object that has changed."""
        self.run("replace_object", id=body["id"], customer=_text(body.get("customer")), body=json.dumps(body))

    def get(self, kind: str, object_id: str, account: str | None = None) -> JsonObject | None:
        """Return the Stripe object of that kind and id that the platform or a connected account has, or None."""
        return _decoded(self.row("get_object", kind=kind, id=object_id, account=account))

    def get_any(self, object_id: str) -> JsonObject | None:
        """Return the Stripe object of that id, of whatever kind, or None."""
        return _decoded(self.row("get_any_object", id=object_id))

    def list_objects(self, kind: str, filters: Filters, limit: int, account: str | None = None) -> list[JsonObject]:
        """At most `limit` objects that fit, newest first; with `newer_than`, the nearest to it."""
        backwards = "newer_than" in filters
        conditions = (LIST_CONDITIONS[name] for name in filters)
        sql = " ".join((LIST_FROM, *conditions, OLDEST_FIRST if backwards else NEWEST_FIRST))
        values = {"kind": kind, "account": account, "limit": limit, **filters}
        rows = self._connection.execute(sql, values).fetchall()
        found = [json.loads(row[0]) for row in rows]
        return found[::-1] if backwards else found

    def setting(self, name: str) -> int:
        """Return an integer setting; 0 if it was never set."""
        row = self.row("get_setting", name=name)
        return row[0] if row else 0

    def reset(self) -> None:
        """Forget everything."""
        for name in self._queries:
            if name.startswith("reset_"):
                self.run(name)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _decoded(row: tuple[Any, ...] | None) -> JsonObject | None:
    return json.loads(row[0]) if row else None
