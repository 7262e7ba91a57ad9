"""What the database itself refuses, whoever asks."""

from itertools import product
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import CheckViolation, RaiseException, UniqueViolation

from payouts_pipeline.domain.instructions import FIRST_STATUSES, TRANSITIONS, Status
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.migrate import migrate, require_migrated
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import account, book, claim, ids, materialise, settle, unknown
from payouts_tests.support.versions import migrated_further


@pytest.fixture
def settled_day(ledger: Connection, source: Connection, league: League) -> int:
    """A day that was paid, with a release; the player."""
    player = league.player()
    league.fee(player, DAY)
    materialise(ledger, source, DAY)
    return player


@pytest.fixture
def charge(ledger: Connection, source: Connection, league: League) -> object:
    """The only instruction, which is pending."""
    league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    return ids(ledger)[0]


def test_the_transitions_of_the_database_are_those_of_the_domain(ledger: Connection) -> None:
    rows = set(ledger.execute("select from_status, to_status from payouts.transitions").fetchall())
    assert rows == {(a.value, b.value) for a, b in TRANSITIONS} | {("", first.value) for first in FIRST_STATUSES}


_NO_TIME = "reason_code = 'r', retry_at = null, leased_until = null, provider_reference = null"
_COLUMNS = {
    "settled": "reason_code = null, retry_at = null, leased_until = null, provider_reference = 'p'",
    "sending": "reason_code = 'r', retry_at = null, leased_until = now(), provider_reference = null",
    "waiting": "reason_code = 'r', retry_at = now(), leased_until = null, provider_reference = null",
    "unknown": "reason_code = 'r', retry_at = now(), leased_until = null, provider_reference = null",
}


def test_every_pair_of_states_is_allowed_or_refused_as_the_domain_says(ledger: Connection, charge: object) -> None:
    """Each state is written with the triggers off, then left with them on; what follows of it is undone."""
    ledger.execute(_CANCELLATION, (charge, DAY))
    pairs = {(was, becomes) for was, becomes in product(Status, Status) if was != becomes}
    assert {pair for pair in pairs if _may_follow(ledger, *pair)} == {
        pair for pair in TRANSITIONS if pair[0] != pair[1]
    }


_CANCELLATION = (
    "insert into payouts.cancellations (instruction_id, day, actor, reason_code, reason_details)"
    " values (%s, %s, 'x', 'x', '{}')"
)


def _may_follow(ledger: Connection, was: Status, becomes: Status) -> bool:
    with ledger.transaction(force_rollback=True):
        ledger.execute("set local session_replication_role = replica")
        _set_status(ledger, was)
        ledger.execute("set local session_replication_role = origin")
        try:
            with ledger.transaction():
                _set_status(ledger, becomes)
        except RaiseException:
            return False
        return True


def _set_status(ledger: Connection, status: Status) -> None:
    columns = _COLUMNS.get(status, _NO_TIME)
    ledger.execute(f"update payouts.instructions set status = %s, {columns}", (status,))  # noqa: S608


def test_nothing_is_cancelled_that_nobody_has_asked_for(ledger: Connection, charge: object) -> None:
    with pytest.raises(RaiseException, match="nobody has asked"):
        _set_status(ledger, Status.CANCELLED)


def test_an_instruction_is_of_an_account_that_there_is(ledger: Connection, charge: object) -> None:
    new = (
        "insert into payouts.instructions"
        " (id, day, billing_type, account_id, sequence, currency, amount_minor, status, reason_code, changed_by)"
        " select gen_random_uuid(), day, billing_type, account_id + %s, 2, currency, amount_minor, 'held', 'x', 'x'"
        " from payouts.instructions"
    )
    with pytest.raises(RaiseException, match="of an account that there is"):
        ledger.execute(new, [10**6])
    ledger.execute(new, [0])


_COLLECTED = "select charge_id from payouts.charges_to_release"
_OF_PLAYER = "select in_flight_minor, settled_minor from payouts.accounts where subject = 'player'"


def test_what_is_settled_or_cancelled_moves_its_account_whoever_says_so(ledger: Connection, charge: object) -> None:
    (before,) = ledger.execute(_OF_PLAYER).fetchall()
    assert before == (before[0], 0) != (0, 0)
    ledger.execute(_CANCELLATION, (charge, DAY))
    with ledger.transaction(force_rollback=True):
        _set_status(ledger, Status.CANCELLED)
        assert ledger.execute(_OF_PLAYER).fetchall() == [(0, 0)]
        assert ledger.execute("select charge_id from payouts.fees").fetchall() == [(None,)]
        assert ledger.execute(_COLLECTED).fetchall() == []
    for status in (Status.PUBLISHED, Status.SENDING, Status.SETTLED):
        _set_status(ledger, status)
    assert ledger.execute(_OF_PLAYER).fetchall() == [(0, before[0])]
    assert ledger.execute(_COLLECTED).fetchall() == [(charge,)]
    entries = ledger.execute("select sum(amount_minor), count(*) from payouts.entries where instruction_id is not null")
    assert entries.fetchall() == [(0, 2)]


@pytest.mark.parametrize(
    ("column", "value"),
    [("stripe_account_id", "'acct_mine'"), ("stripe_customer_id", "'cus_mine'"), ("stripe_payment_method_id", "'pm'")],
)
def test_an_attempt_is_for_whom_its_instruction_names(
    ledger: Connection, charge: object, column: str, value: str
) -> None:
    statement = f"insert into payouts.attempts (instruction_id, number, {column}) values (%s, 1, {value})"  # noqa: S608
    with pytest.raises(RaiseException, match="is for whom its instruction names"):
        ledger.execute(statement, (charge,))
    claim(ledger, ids(ledger))
    # The customer's default card is noted once it is known.
    ledger.execute("update payouts.attempts set stripe_payment_method_id = 'pm_default'")
    with pytest.raises(RaiseException, match="append-only"):
        ledger.execute(f"update payouts.attempts set {column} = {value}")  # noqa: S608


@pytest.mark.parametrize("status", sorted(set(Status) - FIRST_STATUSES))
def test_an_instruction_starts_as_held_or_pending(ledger: Connection, charge: object, status: str) -> None:
    columns = _COLUMNS.get(status, "reason_code = 'r'")
    values = dict(part.split(" = ") for part in columns.split(", "))
    names = ", ".join(["status", *values])
    given = ", ".join([f"'{status}'", *values.values()])
    with pytest.raises(RaiseException, match="starts as held or pending"):
        ledger.execute(
            f"insert into payouts.instructions (id, day, billing_type, account_id, sequence, currency, amount_minor,"  # noqa: S608
            f" changed_by, {names}) select %s, day, billing_type, account_id, 9, currency, 1, 'x', {given}"
            " from payouts.instructions",
            (uuid4(),),
        )


@pytest.mark.parametrize(
    "table",
    ["entries", "events", "allocations", "allocation_lines", "bookings", "fees", "release_lines", "attempts",
     "instructions"],
)  # fmt: skip
@pytest.mark.parametrize("change", ["delete from payouts.{}", "truncate payouts.{} cascade"])
def test_nothing_booked_can_be_deleted(ledger: Connection, settled_day: int, table: str, change: str) -> None:
    with pytest.raises(RaiseException, match="append-only"):
        ledger.execute(change.format(table))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("entries", "amount_minor"), ("entries", "account_id"), ("events", "reason_code"), ("events", "at"),
        ("allocations", "amount_minor"), ("allocations", "lines"), ("allocation_lines", "amount_minor"),
        ("bookings", "actor"), ("fees", "amount_minor"), ("fees", "allocation_id"), ("fees", "club_id"),
        ("fees", "player_id"), ("fees", "day"), ("release_lines", "amount_minor"), ("release_lines", "account_id"),
        ("instructions", "amount_minor"), ("instructions", "account_id"), ("instructions", "id"),
        ("instructions", "currency"), ("instructions", "sequence"), ("instructions", "day"),
    ],
)  # fmt: skip
def test_nothing_booked_can_be_edited(ledger: Connection, settled_day: int, table: str, column: str) -> None:
    with pytest.raises(RaiseException, match="append-only"):
        ledger.execute(f"update payouts.{table} set {column} = {column}")  # noqa: S608


_LINES = '[["club", 0, 60], ["platform", 0, 40]]'


def _allocation(amount_minor: int, lines: str, name: str | None = None) -> str:
    text = f"'{lines}'::jsonb"
    made = f"'{name}'::uuid" if name else f"md5({text}::text)::uuid"
    return f"insert into payouts.allocations (id, amount_minor, lines) values ({made}, {amount_minor}, {text})"  # noqa: S608


def _fee(amount_minor: int, club_id: str = "7") -> str:
    """A fee that says it is divided as `_LINES` are."""
    return (
        "insert into payouts.fees (booking_id, day, match_id, match_player_id, player_id, currency, amount_minor,"
        f" allocation_id, club_id) select 1, '{DAY}', 1, 1, 1, 'EUR', {amount_minor}, md5('{_LINES}')::uuid, {club_id}"
    )


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(_allocation(99, _LINES), id="an allocation of another amount"),
        pytest.param(_allocation(0, "[]", str(uuid4())), id="an allocation under a name that is not its own"),
        pytest.param(_allocation(60, '[["club", 0, 60], ["partner", 1, 0]]'), id="a part of nothing"),
        pytest.param(_allocation(60, '[["referee", 0, 60]]'), id="a part of nobody"),
        pytest.param(_allocation(120, '[["club", 0, 60], ["club", 0, 60]]'), id="two parts of one"),
        pytest.param(_fee(99), id="a fee of another amount than its allocation"),
        pytest.param(_fee(100, "null"), id="a fee with a part for a club that it does not name"),
        pytest.param(_fee(100).replace("60", "61"), id="a fee with an allocation that there is not"),
        pytest.param(
            "insert into payouts.allocation_lines select id, 'partner', 5, 1 from payouts.allocations",
            id="one part more",
        ),
        pytest.param("update payouts.fees set amount_minor = 99", id="a fee that changes"),
    ],
)
def test_no_fee_can_be_divided_into_anything_but_itself(ledger: Connection, settled_day: int, statement: str) -> None:
    """Rule of money 1, in SQL: whoever writes to the ledger, by whatever code."""
    ledger.execute(_allocation(100, _LINES))
    before = ledger.execute("select count(*), sum(amount_minor) from payouts.shares").fetchall()
    with pytest.raises((CheckViolation, UniqueViolation, RaiseException)):
        ledger.execute(statement)
    assert ledger.execute("select count(*), sum(amount_minor) from payouts.shares").fetchall() == before
    ledger.execute(_fee(100))
    assert ledger.execute("select count(*) from payouts.shares").fetchall() == [(before[0][0] + 2,)]


def test_entries_that_do_not_sum_to_zero_are_refused(ledger: Connection, settled_day: int) -> None:
    insert = (
        "insert into payouts.entries (booking_id, account_id, currency, amount_minor)"
        " select max(b.id), {}(a.id) + 1000, %s, %s from payouts.bookings b, payouts.accounts a"
    )
    with pytest.raises(RaiseException, match="not to zero"):
        ledger.execute(insert.format("min"), ("EUR", 1))
    with pytest.raises(RaiseException, match="not to zero"), ledger.transaction():
        # Zero in all, but not in each currency.
        ledger.execute(
            f"{insert.format('min')} union all {insert.format('max').removeprefix(insert.split(' select ')[0])}",
            ("EUR", 1, "USD", -1),
        )


@pytest.mark.parametrize(
    "change",
    [
        "update payouts.instructions set reason_code = null",
        "insert into payouts.instructions (id, day, billing_type, account_id, sequence, currency, amount_minor, status,"
        " reason_code, changed_by) select gen_random_uuid(), day, billing_type, account_id, 9, currency, 0, 'pending',"
        " 'r', 'x' from payouts.instructions",
        "insert into payouts.instructions (id, day, billing_type, account_id, sequence, currency, amount_minor, status,"
        " reason_code, changed_by) select gen_random_uuid(), day, 'gift', account_id, 9, currency, 1, 'pending', 'r',"
        " 'x' from payouts.instructions",
        "update payouts.instructions set provider_reference = 'paid'",
        "update payouts.accounts set in_flight_minor = -1",
        "insert into payouts.entries (account_id, currency, amount_minor) select id, 'EUR', 1 from payouts.accounts",
        "insert into payouts.entries (booking_id, instruction_id, account_id, currency, amount_minor)"
        " select b.id, i.id, i.account_id, 'EUR', 1 from payouts.bookings b, payouts.instructions i",
    ],
)
def test_impossible_rows_are_refused(ledger: Connection, charge: object, change: str) -> None:
    with pytest.raises(CheckViolation):
        ledger.execute(change)


def test_an_instruction_has_one_number_on_its_account_and_day(ledger: Connection, charge: object) -> None:
    with pytest.raises(UniqueViolation):
        ledger.execute(
            "insert into payouts.instructions (id, day, billing_type, account_id, sequence, currency, amount_minor,"
            " status, reason_code, changed_by) select gen_random_uuid(), day, billing_type, account_id, sequence,"
            " currency, 1, 'pending', 'r', 'x' from payouts.instructions"
        )


_PAYEE = "stripe_account_id, stripe_customer_id, stripe_payment_method_id"
_SECOND = f"select id, 2, {_PAYEE} from payouts.instructions"  # noqa: S608


def test_at_most_one_attempt_is_under_way(ledger: Connection, charge: object) -> None:
    settle(ledger, None, unknown)
    with pytest.raises(UniqueViolation):
        ledger.execute(f"insert into payouts.attempts (instruction_id, number, {_PAYEE}) {_SECOND}")


def test_at_most_one_attempt_moves_money(ledger: Connection, settled_day: int) -> None:
    with pytest.raises(UniqueViolation):
        ledger.execute(
            f"insert into payouts.attempts (instruction_id, number, {_PAYEE}, outcome, finished_at)"
            f" {_SECOND.replace(' from', ', $$settled$$, now() from')}"
        )


def test_an_instruction_settles_on_its_account_once(ledger: Connection, settled_day: int) -> None:
    with pytest.raises(UniqueViolation):
        ledger.execute(
            "insert into payouts.entries (instruction_id, account_id, currency, amount_minor)"
            " select instruction_id, account_id, currency, amount_minor"
            " from payouts.entries where instruction_id is not null"
        )


def test_the_key_of_an_attempt_is_its_instruction_and_number(ledger: Connection, charge: object) -> None:
    (attempt,) = claim(ledger, ids(ledger))
    assert attempt.idempotency_key == f"{charge}:1"
    with pytest.raises(psycopg.errors.GeneratedAlways):
        ledger.execute("update payouts.attempts set idempotency_key = 'mine'")


def test_the_money_at_the_provider_is_what_came_in_less_what_went_out(ledger: Connection, settled_day: int) -> None:
    entries = (
        "select coalesce(sum(amount_minor), 0) from payouts.entries join payouts.accounts a on a.id = account_id"
        " where subject = %s"
    )
    assert ledger.execute(entries, ("provider",)).fetchall() == [(0,)]
    assert ledger.execute(entries, ("player",)).fetchall() == [(0,)]
    assert account(ledger, "player", settled_day) == (1_000, 1_000, 0, 1_000)


def test_migrating_again_changes_nothing(ledger: Connection) -> None:
    assert migrate(ledger) == []


def test_a_schema_that_is_behind_or_ahead_says_what_to_do(ledger: Connection) -> None:
    require_migrated(ledger)
    migrated_further(ledger)
    with pytest.raises(PayoutsError, match=r"has 9999_of_tomorrow\.sql, which this version does not know: install"):
        require_migrated(ledger)
    ledger.execute("delete from payouts.migrations")
    with pytest.raises(PayoutsError, match=r"is not there yet .*: run 'payouts migrate' first"):
        require_migrated(ledger)
