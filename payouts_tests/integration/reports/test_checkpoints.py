"""An audit begins where the one before ended, misses nothing for it, and `verify --full` trusts none of them."""

# ruff: noqa: S608 - the statements are constants of this file

from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest

from payouts_pipeline.defs.check_catalogue import PayoutsOfDay
from payouts_pipeline.ledger import checkpoints
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.audit import Violation, audit, audit_of_run
from payouts_tests.support.leagues import DAY, League, ShareRow
from payouts_tests.support.ledger_steps import fingerprint, materialise

DAYS = [DAY + timedelta(days=n) for n in range(4)]
SHARES: tuple[ShareRow, ...] = (("club", None, 0, 6_000), ("platform", None, 0, 4_000))

# The first entry of a player, and the last of the club that came last.
_OF = "from payouts.entries as e join payouts.accounts as a on a.id = e.account_id where a.subject ="
_OLD = f"(select min(e.id) {_OF} 'player')"
_NEW = f"(select max(e.id) {_OF} 'club' and a.id = (select max(id) from payouts.accounts where subject = 'club'))"
_BY_HAND = "insert into payouts.entries (booking_id, account_id, currency, amount_minor)"


@pytest.fixture
def season(
    ledger: Connection, source: Connection, league: League, monkeypatch: pytest.MonkeyPatch
) -> Callable[[date], None]:
    """Settles a day of three players with one club, and looks at it as its run does."""
    monkeypatch.setattr(checkpoints, "ENTRIES_WORTH_IT", 1)
    competition, club = league.competition(), league.club()
    league.terms(competition, 1_000, shares=SHARES)
    players = [league.player(club, method="pm_1") for _ in range(3)]

    def settle(day: date) -> None:
        match = league.match(competition, day)
        for player in players:
            league.plays(match, player)
        materialise(ledger, source, day)
        assert audited(ledger, day) == []

    return settle


def audited(ledger: Connection, day: date) -> list[Violation]:
    """As the asset checks of a run do it."""
    return PayoutsOfDay(day, ledger, [], [], {}).audit.errors


def tamper(ledger: Connection, statement: str) -> None:
    with ledger.transaction():
        ledger.execute("set local session_replication_role = replica")
        assert ledger.execute(statement).rowcount > 0


def end(ledger: Connection) -> int:
    ((entry_id,),) = ledger.execute("select coalesce(max(entry_id), 0) from payouts.checkpoints").fetchall()
    return int(entry_id)


def newest(ledger: Connection) -> int:
    ((entry_id,),) = ledger.execute("select max(id) from payouts.entries").fetchall()
    return int(entry_id)


def test_a_run_that_finds_nothing_wrong_leaves_a_checkpoint(ledger: Connection, season: Callable[[date], None]) -> None:
    for day in DAYS:
        season(day)
        assert end(ledger) == newest(ledger)
    assert ledger.execute("select count(distinct entry_id) from payouts.checkpoints").fetchall() == [(len(DAYS),)]
    assert audit(ledger, None, {}, full=True).violations == []


def test_what_is_hardly_anything_is_read_again(ledger: Connection, season: Callable[[date], None]) -> None:
    season(DAYS[0])
    before = fingerprint(ledger)
    checkpoints.ENTRIES_WORTH_IT = 1_000
    assert audited(ledger, DAYS[0]) == []
    assert fingerprint(ledger) == before


def test_who_verifies_writes_nothing(ledger: Connection, season: Callable[[date], None]) -> None:
    season(DAYS[0])
    before = fingerprint(ledger)
    ledger.execute("set default_transaction_read_only = on")
    assert audit(ledger, None, {}, full=True).errors == []
    assert audit_of_run(ledger, DAYS[0]).errors == []
    assert fingerprint(ledger) == before


@pytest.mark.parametrize(
    ("statement", "account"),
    [
        ("update payouts.entries set amount_minor = amount_minor + 1 where id = {old}", True),
        ("update payouts.entries set at = at - interval '1 day' where id = {old}", True),
        ("delete from payouts.entries where id = {old}", True),
        # Of the same amount, and to nobody's disadvantage: still not what was entered.
        ("update payouts.entries set booking_id = booking_id + 9 where id = {old}", True),
        ("update payouts.checkpoints set amount_minor = amount_minor + 1 where entry_id = {first}", False),
        ("update payouts.account_checkpoints set fingerprint = fingerprint + 1 where entry_id = {first}", True),
        ("delete from payouts.account_checkpoints where entry_id = {first}", True),
        (
            "insert into payouts.entries (id, booking_id, account_id, currency, amount_minor) overriding system value"
            " select -1, 9, account_id, currency, amount_minor from payouts.entries where id = {old}",
            True,
        ),
    ],
)
def test_what_was_altered_of_old_is_named(
    ledger: Connection, season: Callable[[date], None], statement: str, account: bool
) -> None:
    for day in DAYS[:2]:
        season(day)
    first = "(select min(entry_id) from payouts.checkpoints)"
    ((player, cut),) = ledger.execute(
        f"select a.subject_id, {first} from payouts.entries as e join payouts.accounts as a on a.id = e.account_id"
        f" where e.id = {_OLD}"
    ).fetchall()
    tamper(ledger, statement.format(old=_OLD, first=cut))
    found = audit(ledger, None, {}, full=True).of("checkpoints")
    assert (f"player:{player} EUR" if account else "EUR") in {violation.id for violation in found}
    assert any(f"of the entries 1 to {cut} " in violation.detail for violation in found)


def test_a_run_does_not_look_at_what_is_before_the_checkpoint(
    ledger: Connection, season: Callable[[date], None]
) -> None:
    season(DAYS[0])
    tamper(ledger, "update payouts.entries set amount_minor = amount_minor + 1 where id = 1")
    season(DAYS[1])
    found = {violation.check for violation in audit(ledger, None, {}, full=True).errors}
    assert {"checkpoints", "ledger", "accounts"} <= found


@pytest.mark.parametrize(
    ("statement", "checks"),
    [
        ("update payouts.entries set amount_minor = amount_minor + 1 where id = {new}", {"ledger", "accounts"}),
        ("update payouts.entries set account_id = {other} where id = {new}", {"accounts", "settled"}),
        ("update payouts.entries set currency = 'USD' where id = {new}", {"ledger", "entries"}),
        ("delete from payouts.entries where id = {new}", {"ledger", "accounts", "settled"}),
    ],
)
def test_what_is_wrong_of_any_day_since_the_checkpoint_is_found(
    ledger: Connection, league: League, season: Callable[[date], None], statement: str, checks: set[str]
) -> None:
    for day in DAYS[:2]:
        season(day)
    checkpoints.ENTRIES_WORTH_IT = 1_000
    league.fee(league.player(method="pm_1"), DAYS[2])
    season(DAYS[2])
    other = "(select id from payouts.accounts where subject = 'platform')"
    checkpoints.ENTRIES_WORTH_IT = 1
    tamper(ledger, statement.format(new=_NEW, other=other))
    before = end(ledger)
    # The first day's run moves none of these accounts by itself.
    assert checks <= {violation.check for violation in audited(ledger, DAYS[0])}
    assert end(ledger) == before, "a checkpoint of what is wrong"


def test_a_checkpoint_ends_before_what_others_may_still_enter(
    ledger: Connection, source: Connection, season: Callable[[date], None], connect: Callable[[], Connection]
) -> None:
    season(DAYS[0])
    before, other = end(ledger), connect()
    with other.transaction():
        # It has its ids, and nobody can see them: those of the next day are later.
        other.execute(
            f"{_BY_HAND} select 1_000_000, account_id, 'EUR', amount_minor from payouts.entries"
            " where booking_id = (select min(booking_id) from payouts.entries)"
        )
        checkpoints.ENTRIES_WORTH_IT = 1
        season(DAYS[1])
        assert newest(ledger) > before + 4
        assert end(ledger) == before
    found = audited(ledger, DAYS[1])
    assert {"accounts"} == {violation.check for violation in found}
    assert end(ledger) == before


def test_who_ends_soon_is_waited_for_and_who_comes_then_is_not(
    ledger: Connection,
    season: Callable[[date], None],
    connect: Callable[[], Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    season(DAYS[0])
    monkeypatch.setattr(checkpoints, "ENTRIES_WORTH_IT", 0)
    one, another = connect(), connect()
    one.execute("begin")
    one.execute("lock table payouts.entries in row exclusive mode")

    def a_moment_later(_seconds: float) -> None:
        if one.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            one.execute("commit")
            another.execute("begin")
            another.execute("lock table payouts.entries in row exclusive mode")

    monkeypatch.setattr("time.sleep", a_moment_later)
    assert checkpoints.next_end(ledger) == newest(ledger)


def test_a_booking_that_a_checkpoint_cuts_in_two_is_whole(ledger: Connection, season: Callable[[date], None]) -> None:
    season(DAYS[0])
    checkpoints.ENTRIES_WORTH_IT = 1_000
    season(DAYS[1])
    ((middle,),) = ledger.execute(
        "select min(id) + 1 from payouts.entries where booking_id = (select max(booking_id) from payouts.entries)"
    ).fetchall()
    checkpoints.write(ledger, middle)
    assert end(ledger) == middle
    assert [audited(ledger, day) for day in DAYS[:2]] == [[], []]
    assert audit(ledger, None, {}, full=True).errors == []


def test_one_checkpoint_is_written_at_a_time(
    ledger: Connection, season: Callable[[date], None], connect: Callable[[], Connection]
) -> None:
    season(DAYS[0])
    checkpoints.ENTRIES_WORTH_IT = 1_000
    season(DAYS[1])
    other = connect()
    before = fingerprint(ledger)
    with other.transaction():
        checkpoints.write(other, newest(ledger))
        checkpoints.write(ledger, newest(ledger))
        assert fingerprint(ledger) == before
    # And none that is behind another.
    checkpoints.write(ledger, newest(ledger) - 1)
    assert end(ledger) == newest(ledger)
    assert audit(ledger, None, {}, full=True).errors == []


@pytest.mark.parametrize("table", ["checkpoints", "account_checkpoints"])
def test_checkpoints_are_append_only(ledger: Connection, season: Callable[[date], None], table: str) -> None:
    season(DAYS[0])
    for statement in (f"update payouts.{table} set entries = 1", f"delete from payouts.{table}"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            ledger.execute(statement)


def test_a_booking_has_one_entry_on_an_account(ledger: Connection, season: Callable[[date], None]) -> None:
    season(DAYS[0])
    with pytest.raises(psycopg.errors.UniqueViolation):
        ledger.execute(
            f"{_BY_HAND} select booking_id, account_id, currency, amount_minor from payouts.entries"
            " where booking_id is not null"
        )
