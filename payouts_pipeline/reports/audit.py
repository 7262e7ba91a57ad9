"""The auditor: recomputes from the source lines and the ledger's history whether the rules of money hold.

One query for each thing that must not be, written from the rules and not from the booking's queries; each gives
the kind, id and detail of what it finds. The asset checks and `payouts verify` use the same ones.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from payouts_pipeline.domain import currencies
from payouts_pipeline.ledger.database import Connection, scalar
from payouts_pipeline.reports.queries import sql


@dataclass(frozen=True)
class Query:
    """One query of the auditor: `audit_<name>.sql`, the rule of money that it proves, and what must hold.

    A warning names money that waits, not money that is wrong. A thorough one reads all that is old: too slow to follow
    every run. One of checkpoints recomputes what all others take for granted, where that is asked for.
    """

    name: str
    rule: int
    holds: str
    is_warning: bool = False
    is_thorough: bool = False
    is_of_checkpoints: bool = False


QUERIES = (
    Query("fees", 1, "the shares of every fee add up to it, and nothing is below zero"),
    Query("collected", 2, "only collected fees are released, and nothing is promised twice"),
    Query("charge_releases", 2, "the fees of a settled charge are released, once"),
    Query("payouts", 2, "every payout is what its release lines add up to"),
    Query("releases", 2, "every release is the shares of the fees that it released"),
    Query("settled", 3, "every settled instruction has one settled attempt and two entries of its amount"),
    Query("attempts", 3, "a new attempt only follows a definite refusal, and an approval where one is needed"),
    Query("sequences", 3, "no instruction is missing"),
    Query("charges", 6, "no charge is above the fees that it covers"),
    Query("return_orders", 6, "what is given back was asked for, by somebody, and is of fees of its charge"),
    Query("returns_under_way", 6, "no more is asked for than is left to be given back", is_warning=True),
    Query("minimum_charges", 6, "no charge is under Stripe's minimum"),
    Query("minimum_payouts", 6, "no payout is under the minimum of now", is_warning=True),
    Query("idle", 6, "nothing that reaches the minimum is without an instruction", is_warning=True),
    Query("bookings", 7, "the entries of every booking are what its lines say"),
    Query("entries", 7, "the entries of every booking, settlement and balance transaction sum to zero"),
    Query("adjustments", 7, "what was written off or moved is entered as it says, and changes what is payable"),
    Query("ledger", 7, "the ledger as a whole sums to zero"),
    Query("accounts", 7, "every account is what its entries, instructions and fees add up to"),
    Query("histories", 7, "every account is what all it ever settled and released adds up to", is_thorough=True),
    Query("checkpoints", 7, "every checkpoint is what its entries add up to", is_of_checkpoints=True),
    Query("events", 8, "the history of every instruction leads to where it stands"),
    Query("reasons", 8, "every instruction that is not settled says why"),
    Query("transactions", 12, "every balance transaction is entered as it moved our account at Stripe"),
)

_ACCOUNT = "account"


@dataclass(frozen=True)
class Violation:
    """Something that must not be.

    ``kind`` and ``id`` say where: an instruction, an account (`club:17 EUR`), a fee (day/line-up row), ...
    """

    rule: int
    check: str
    kind: str
    id: str
    detail: str
    is_warning: bool = False


@dataclass(frozen=True)
class Audit:
    """What the auditor found, and how much it looked at: lines of fees and shares, instructions, accounts."""

    violations: list[Violation]
    lines: int
    instructions: int
    accounts: int

    def of(self, *checks: str) -> list[Violation]:
        """The violations that these queries found."""
        return [violation for violation in self.violations if violation.check in checks]

    @property
    def errors(self) -> list[Violation]:
        """What is wrong, without what merely waits."""
        return [violation for violation in self.violations if not violation.is_warning]


def audit(
    connection: Connection,
    days: Collection[date] | None,
    minimum_payouts_minor: Mapping[str, int],
    queries: Iterable[Query] = QUERIES,
    *,
    full: bool = False,
) -> Audit:
    """Look at the accounts that the days moved, or at all without days; everything as of one moment.

    Entries before the last checkpoint are added up as it has them, unless ``full``.
    """
    parameters: dict[str, object] = {
        "days": None if days is None else sorted(days),
        "minimum_charges": json.dumps(_minimums({})),
        "minimum_payouts": json.dumps(_minimums(minimum_payouts_minor)),
    }
    with connection.transaction():
        connection.execute(sql("begin_audit"))
        parameters["since"] = 0 if full else scalar(connection, sql("last_checkpoint"), {})
        connection.execute(sql("create_audit_scope"), parameters)
        wanted = [query for query in queries if full or not query.is_of_checkpoints]
        found = [violation for query in wanted for violation in _run(connection, query, parameters)]
        violations = _with_names(connection, found)
        lines, instructions, accounts = connection.execute(sql("audit_counts"), parameters).fetchall()[0]
    return Audit(violations, lines, instructions, accounts)


def audit_of_run(connection: Connection, day: date, only: Sequence[str] = ()) -> Audit:
    """What follows every run: all but the thorough queries, or some of them, on one day."""
    queries = [query for query in QUERIES if (query.name in only if only else not query.is_thorough)]
    return audit(connection, [day], {}, queries)


def _run(connection: Connection, query: Query, parameters: Mapping[str, object]) -> list[Violation]:
    rows = connection.execute(sql(f"audit_{query.name}"), parameters)
    return [Violation(query.rule, query.name, kind, id_, detail, query.is_warning) for kind, id_, detail in rows]


def _with_names(connection: Connection, violations: Sequence[Violation]) -> list[Violation]:
    """Accounts by whose they are, since nobody outside the ledger knows their ids."""
    ids = [violation.id for violation in violations if violation.kind == _ACCOUNT]
    names: dict[str, str] = dict(connection.execute(sql("audit_account_names"), {"ids": ids}).fetchall())
    return [replace(each, id=names.get(each.id, each.id)) if each.kind == _ACCOUNT else each for each in violations]


def _minimums(configured: Mapping[str, int]) -> dict[str, int]:
    """The minimum of every currency that Stripe knows."""
    return {currency: currencies.minimum_charge_minor(currency) for currency in sorted(currencies.KNOWN)} | dict(
        configured
    )
