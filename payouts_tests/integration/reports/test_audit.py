"""The auditor finds each kind of damage, names what it is of, and finds nothing where nothing is wrong."""

# ruff: noqa: S608 - the statements are constants of this file

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest

from payouts_pipeline.defs.check_catalogue import SETTLED_PAYOUTS, PayoutsOfDay
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.ledger import holds
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.audit import QUERIES, audit, audit_of_run
from payouts_pipeline.workflow import operator_actions
from payouts_tests.support.leagues import DAY, League, ShareRow
from payouts_tests.support.ledger_steps import (
    Decide,
    book,
    materialise,
    rejected,
    release,
    settle,
    settled,
    unknown,
    waiting,
)

DAYS = [DAY + timedelta(days=n) for n in range(3)]
SHARES: tuple[ShareRow, ...] = (("club", None, 0, 6_000), ("organiser", None, 0, 3_000), ("platform", None, 0, 1_000))


@pytest.fixture
def season(ledger: Connection, source: Connection, league: League) -> None:
    """Three days of ten fees: all settled on the first, the charges of the second refused, the third only booked."""
    club, competition = league.club(), league.competition()
    league.terms(competition, 1_000, shares=SHARES)
    players = [league.player(club, method="pm_1") for _ in range(5)]
    for day in DAYS:
        for _ in range(2):
            match = league.match(competition, day)
            for player in players:
                league.plays(match, player)
    materialise(ledger, source, DAYS[0])
    book(ledger, source, DAYS[1])
    settle(ledger, DAYS[1], lambda attempt: replace(rejected(attempt), reason_code="resource_missing"))
    materialise(ledger, source, DAYS[1])
    book(ledger, source, DAYS[2])


def found(ledger: Connection, days: list[date] | None = None) -> set[str]:
    return {violation.check for violation in audit(ledger, days, {}).errors}


@contextmanager
def unguarded(ledger: Connection) -> Iterator[None]:
    """Without the triggers and foreign keys that would not let it happen."""
    with ledger.transaction():
        ledger.execute("set local session_replication_role = replica")
        yield


def tamper(ledger: Connection, statement: str) -> None:
    with unguarded(ledger):
        assert ledger.execute(statement).rowcount > 0, "the damage is none"


_FIRST_FEE = "(select min(match_player_id) from payouts.booked_fees where release_id is not null)"
_SETTLED_CHARGE = (
    "(select min(id::text)::uuid from payouts.instructions where billing_type = 'player_charge' and status = 'settled')"
)
_PAYOUT = "(select min(id::text)::uuid from payouts.instructions where billing_type <> 'player_charge')"
_OPEN_CHARGE = "(select min(id::text)::uuid from payouts.instructions where status = 'pending')"
_REFUSED = "(select min(id::text)::uuid from payouts.instructions where status = 'rejected')"

# What is done to the ledger, and the checks that must notice.
DAMAGE = {
    "a fee is raised": (
        f"update payouts.fees set amount_minor = 1001 where match_player_id = {_FIRST_FEE}",
        "fees bookings",
    ),
    "a share is gone": (
        "delete from payouts.allocation_lines where billing_subject = 'club'",
        "fees bookings releases",
    ),
    "a share goes to another": (
        f"update payouts.fees set club_id = 999 where match_player_id = {_FIRST_FEE}",
        "bookings releases",
    ),
    "a fee is gone": (f"delete from payouts.fees where match_player_id = {_FIRST_FEE}", "bookings releases"),
    "a fee moves to another booking": (
        f"update payouts.fees set booking_id = 999 where match_player_id = {_FIRST_FEE}",
        "bookings",
    ),
    "an entry is changed": (
        "update payouts.entries set amount_minor = amount_minor + 1 where id = (select min(id) from payouts.entries)",
        "entries ledger bookings accounts",
    ),
    "an entry of a settlement is gone": (
        f"delete from payouts.entries where instruction_id = {_SETTLED_CHARGE} and amount_minor < 0",
        "entries ledger settled accounts",
    ),
    "an entry is in another currency": (
        "update payouts.entries set currency = 'USD' where id = (select min(id) from payouts.entries)",
        "entries ledger",
    ),
    "booked is changed": (
        "update payouts.accounts set booked_minor = booked_minor + 1 where subject = 'club'",
        "accounts",
    ),
    "settled is changed": (
        "update payouts.accounts set settled_minor = settled_minor + 1 where subject = 'club'",
        "accounts",
    ),
    "in flight is changed": (
        "update payouts.accounts set in_flight_minor = in_flight_minor + 1 where subject = 'player'",
        "accounts",
    ),
    "released is changed": (
        "update payouts.accounts set released_minor = released_minor + 1 where subject = 'club'",
        "accounts",
    ),
    "released of a player is changed": (
        "update payouts.accounts set released_minor = released_minor + 1 where subject = 'player'",
        "accounts",
    ),
    "a release line is raised": (
        "update payouts.release_lines set amount_minor = amount_minor + 1",
        "payouts releases histories",
    ),
    "a fee that was not collected is released": (
        "update payouts.fees set own_release_id = 1 where charge_id = " + _OPEN_CHARGE,
        "collected accounts releases",
    ),
    "a fee hangs on a charge of somebody else": (
        f"update payouts.fees set charge_id = {_SETTLED_CHARGE} where charge_id is not null",
        "collected charges",
    ),
    "a fee is covered by nothing any more": (
        f"update payouts.fees set charge_id = null where charge_id = {_OPEN_CHARGE}",
        "charges",
    ),
    "an open fee is covered by a charge that is settled": (
        f"delete from payouts.charge_releases where charge_id = {_SETTLED_CHARGE}",
        "charge_releases releases",
    ),
    "a payout pays more than its lines": (
        f"update payouts.instructions set amount_minor = amount_minor + 1 where id = {_PAYOUT}",
        "payouts settled histories",
    ),
    "a payout pays lines of another account": (
        f"update payouts.release_lines set payout_id = {_PAYOUT}",
        "payouts",
    ),
    "a cancelled payout keeps its lines": (
        "update payouts.instructions set status = 'cancelled', provider_reference = null, reason_code = 'x'"
        f" where id = {_PAYOUT}",
        "payouts settled histories events",
    ),
    "a settled instruction has no settled attempt": (
        f"delete from payouts.attempts where instruction_id = {_SETTLED_CHARGE}",
        "settled",
    ),
    "an attempt is missing before another": (
        f"update payouts.attempts set number = 2 where instruction_id = {_SETTLED_CHARGE}",
        "attempts",
    ),
    "an attempt follows one that was settled": (
        "insert into payouts.attempts (instruction_id, number, outcome, finished_at)"
        f" values ({_SETTLED_CHARGE}, 2, 'refused', now())",
        "attempts",
    ),
    "an attempt is open of what is not under way": (
        f"insert into payouts.attempts (instruction_id, number) values ({_OPEN_CHARGE}, 1)",
        "attempts",
    ),
    "what is under way has no attempt": (
        f"update payouts.instructions set status = 'unknown', retry_at = now() where id = {_OPEN_CHARGE}",
        "attempts events",
    ),
    "an attempt was made without the approval": (
        f"update payouts.instructions set approval_above_minor = 1 where id = {_SETTLED_CHARGE}",
        "attempts",
    ),
    "an instruction is missing": (
        f"update payouts.instructions set sequence = 2 where id = {_OPEN_CHARGE}",
        "sequences",
    ),
    "a charge is under the minimum": (
        f"update payouts.instructions set amount_minor = 49 where id = {_OPEN_CHARGE}",
        "minimum_charges accounts",
    ),
    "the status was changed behind the history": (
        f"update payouts.instructions set status = 'held' where id = {_OPEN_CHARGE}",
        "events",
    ),
    "an event is gone": (
        f"delete from payouts.events where instruction_id = {_SETTLED_CHARGE} and to_status = 'sending'",
        "events",
    ),
    "a step was never allowed": (
        f"update payouts.events set to_status = 'sending' where instruction_id = {_OPEN_CHARGE}",
        "events",
    ),
    "an entry is of a balance transaction that is not there": (
        "insert into payouts.entries (transaction_id, account_id, currency, amount_minor)"
        " select 'txn_1', id, currency, 5 from payouts.accounts where subject = 'provider'",
        "transactions entries ledger",
    ),
    "money goes back and nobody has asked for it": (
        f"update payouts.instructions set billing_type = 'charge_refund' where id = {_OPEN_CHARGE}",
        "return_orders accounts",
    ),
    "what was written off is not entered": (
        "insert into payouts.adjustments (account_id, currency, amount_minor, actor, reason)"
        " select id, currency, 5, 'x', 'x' from payouts.accounts where subject = 'player'",
        "adjustments histories",
    ),
    "what was written off is still worked off": (
        "with written_off as ("
        " insert into payouts.adjustments (account_id, currency, amount_minor, actor, reason)"
        " select id, currency, 5, 'x', 'x' from payouts.accounts where subject = 'club' returning *"
        ") insert into payouts.entries (adjustment_id, account_id, currency, amount_minor)"
        " select id, account_id, currency, -5 from written_off",
        "adjustments accounts ledger",
    ),
    "a reason is empty": (f"update payouts.instructions set reason_code = ' ' where id = {_REFUSED}", "reasons"),
}


def test_a_ledger_that_was_left_alone_has_no_violation(ledger: Connection, season: None) -> None:
    result = audit(ledger, None, {})
    assert result.errors == []
    assert (result.lines, result.accounts) == (30 * 4, 5 + 3)
    assert audit(ledger, DAYS[:1], {}).errors == []


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_by_the_checks_that_are_for_it(ledger: Connection, season: None, damage: str) -> None:
    statement, checks = DAMAGE[damage]
    tamper(ledger, statement)
    assert set(checks.split()) <= found(ledger)


def test_every_query_that_finds_errors_is_provoked() -> None:
    provoked = {check for _, checks in DAMAGE.values() for check in checks.split()}
    # Checkpoints have tests of their own.
    assert provoked == {query.name for query in QUERIES if not query.is_warning} - {"checkpoints"}


def test_a_violation_names_the_instruction_and_the_rule(ledger: Connection, season: None) -> None:
    ((charge,),) = ledger.execute(f"select {_OPEN_CHARGE}").fetchall()
    tamper(ledger, f"update payouts.instructions set sequence = 2 where id = {_OPEN_CHARGE}")
    tamper(ledger, f"update payouts.instructions set reason_code = '' where id = {_OPEN_CHARGE}")
    (violation,) = audit(ledger, None, {}).of("reasons")
    assert (violation.rule, violation.kind, violation.id) == (8, "instruction", str(charge))


def test_damage_to_one_day_is_not_held_against_another(ledger: Connection, season: None) -> None:
    tamper(ledger, f"update payouts.instructions set reason_code = '' where id = {_REFUSED}")
    assert found(ledger, DAYS[1:2]) == {"reasons"}
    assert found(ledger, DAYS[:1]) == set()


def test_what_is_due_and_nobody_pays_is_a_warning(ledger: Connection, source: Connection, league: League) -> None:
    league.fee(league.player(method="pm_1"), DAY)
    book(ledger, source, DAY)
    settle(ledger)
    assert audit(ledger, None, {}).violations == []
    release(ledger, source, DAY, {"EUR": 5_000})
    (warning,) = audit(ledger, None, {}).violations
    assert (warning.check, warning.is_warning) == ("idle", True)
    assert f"1000 EUR are payable and no payout pays them: materialise {DAY}" in warning.detail
    assert audit(ledger, None, {"EUR": 5_000}).violations == []


def test_a_charge_that_was_cancelled_and_not_made_again_is_a_warning(
    ledger: Connection, source: Connection, league: League
) -> None:
    player = league.player(method="pm_1")
    league.fee(player, DAY)
    book(ledger, source, DAY)
    ((charge,),) = ledger.execute("select id from payouts.instructions").fetchall()
    operator_actions.cancel(ledger, charge, "cli ada", "wrong terms")
    (warning,) = audit(ledger, None, {}).violations
    assert (warning.check, warning.kind, warning.id) == ("idle", "account", f"player:{player} EUR")


def test_payouts_under_the_minimum_of_now_are_warnings(ledger: Connection, season: None) -> None:
    warnings = audit(ledger, None, {"EUR": 1_000_000}).of("minimum_payouts")
    assert warnings
    assert all(warning.is_warning for warning in warnings)


@pytest.mark.parametrize(
    ("damage", "failed"),
    [
        ("settled is changed", {"instructions_equal_account_movements", "audit"}),
        ("a fee that was not collected is released", {"nobody_paid_from_uncollected_fees", "audit"}),
        ("an entry is changed", {"ledger_sums_to_zero", "instructions_equal_account_movements", "audit"}),
        ("an event is gone", {"audit"}),
    ],
)
def test_the_asset_checks_say_what_the_auditor_finds(
    ledger: Connection, season: None, damage: str, failed: set[str]
) -> None:
    tamper(ledger, DAMAGE[damage][0])
    found = [each for day in DAYS for each in SETTLED_PAYOUTS.of(PayoutsOfDay(day, ledger, [], [], {})).items()]
    assert failed <= {name for name, finding in found if not finding.passed}
    assert {name for name, finding in found if finding.passed and finding.figures.get("violations") == 0}


def test_the_audit_of_a_run_leaves_out_what_reads_all_history(ledger: Connection, season: None) -> None:
    tamper(ledger, DAMAGE["a release line is raised"][0])
    assert audit_of_run(ledger, DAYS[2]).of("histories") == []


@pytest.mark.parametrize("seed", range(4))
def test_a_random_season_has_no_violation_at_any_step(
    ledger: Connection, source: Connection, league: League, seed: int
) -> None:
    chance = random.Random(seed)
    club, competition = league.club(), league.competition()
    structure = league.terms(competition, 1_000, shares=SHARES)
    players = [league.player(club, method="pm_1") for _ in range(4)]
    lines = [league.plays(league.match(competition, day), player) for day in DAYS for player in players]
    for _ in range(8):
        if chance.random() < 0.5:
            league.set("fee_structures", structure, fee_minor=chance.choice([0, 40, 700, 1_000, 1_330]))
        elif lines and chance.random() < 0.5:
            league.strike_off(lines.pop(chance.randrange(len(lines))))
        _intervene(ledger, source, chance, club)
        day = chance.choice(DAYS)
        settle(ledger, None, _provider(chance))
        phases: list[Callable[..., object]] = [book, release]
        chance.choice(phases)(ledger, source, day)
        assert found(ledger) == set()
        assert found(ledger, [day]) == set()


def _provider(chance: random.Random) -> Decide:
    answers: list[Decide] = [settled, settled, waiting, rejected, unknown]
    return lambda attempt: chance.choice(answers)(attempt)


def _intervene(ledger: Connection, source: Connection, chance: random.Random, club: int) -> None:
    """Hold or release the club, or cancel what can be cancelled."""
    payee = Payee(BillingSubject.CLUB, club)
    on_hold = bool(holds.list_holds(ledger))
    match chance.randrange(4):
        case 0 if on_hold:
            operator_actions.unhold(ledger, payee, "cli ada", "cleared")
        case 0:
            operator_actions.hold(ledger, source, payee, "cli ada", "suspected")
        case 1:
            rows = ledger.execute("select id from payouts.instructions where status in ('pending', 'held') order by id")
            for (instruction_id,) in rows.fetchall()[:2]:
                operator_actions.cancel(ledger, instruction_id, "cli ada", "by mistake")
