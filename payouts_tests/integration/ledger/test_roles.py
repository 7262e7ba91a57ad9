"""What the database refuses to logins with the least-privilege roles; what they can do: `test_roles_at_work`."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege, RaiseException
from psycopg.sql import SQL, Identifier

from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.migrate import migrate
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import book, claim, ids, materialise
from payouts_tests.support.roles import ROLES, login_of, make_roles

_DATABASE = "ledger_with_roles"
_OWNER, *_LIMITED = ROLES

# What nobody may do but the owner.
OF_NOBODY = {
    "add an event": "insert into payouts.events (instruction_id, to_status, actor) select id, 'settled', 'x' from {}",
    "change an event": "update payouts.events set actor = 'somebody else'",
    "delete an event": "delete from payouts.events",
    "allow a transition": "insert into payouts.transitions values ('held', 'settled')",
    "change a transition": "update payouts.transitions set to_status = 'settled'",
    "disable triggers": "alter table payouts.instructions disable trigger all",
    "drop a trigger": "drop trigger record_transition on payouts.instructions",
    "pass triggers over": "set session_replication_role = replica",
    "make a trigger": "create trigger mine before update on payouts.entries"
    " for each row execute function payouts.keep_identity()",
    "change a line of Stripe's journal": "update payouts.balance_transactions set net_minor = 0",
    "delete a line of Stripe's journal": "delete from payouts.balance_transactions",
    "change what a line was entered as": "update payouts.assignments set assigned_to = 'own_funds'",
    "forget what is to be seen at Stripe": "delete from payouts.movements_to_see",
    "change a comparison of balances": "update payouts.balance_looks set ledger_minor = 0",
    "change what a trigger does": "create or replace function payouts.refuse_change() returns trigger"
    " language plpgsql as 'begin return new; end'",
    "change an amount": "update payouts.instructions set amount_minor = amount_minor + 1",
    "change a currency": "update payouts.instructions set currency = 'USD'",
    "change whose it is": "update payouts.instructions set account_id = 1",
    "take a limit away": "update payouts.instructions set approval_above_minor = null",
    "enter a settlement": "insert into payouts.entries (instruction_id, account_id, currency, amount_minor)"
    " select id, account_id, currency, 1 from {}",
    "change an entry": "update payouts.entries set amount_minor = 1",
    "delete an entry": "delete from payouts.entries",
    "change a fee": "update payouts.fees set amount_minor = 1",
    "delete a fee": "delete from payouts.fees",
    "change an allocation": "update payouts.allocations set amount_minor = 1",
    "add a part to an allocation": "insert into payouts.allocation_lines"
    " select id, 'partner', 5, 1 from payouts.allocations",
    "change what was settled": "update payouts.accounts set settled_minor = 0",
    "take an approval back": "delete from payouts.approvals",
    "send an attempt to another account": "update payouts.attempts set stripe_account_id = 'acct_mine'",
    "say that an account was paid to": "update payouts.payee_accounts set paid_at = now()",
    "give a payee an account": "insert into payouts.payee_accounts (subject, subject_id, stripe_account_id, is_current,"
    " rests_until) values ('club', 1, 'acct_mine', true, now())",
    "decide with the login of somebody else": "insert into payouts.approvals (instruction_id, payee_id, actor, reason,"
    " login) select id, 'acct_mine', 'x', 'x', 'bob' from {}",
    "note a migration": "insert into payouts.migrations (name, checksum, workers_go_on) values ('x', 'x', true)",
    "empty the ledger": "truncate payouts.instructions cascade",
    "make a table": "create table payouts.mine (n int)",
    "move balances by a function": "select payouts.end_flight(array_agg(id)) from {}",
    "enter by a function": "select payouts.enter_settled(array_agg(id)) from {}",
    "open fees by a function": "select payouts.reopen_cancelled(array_agg(id)) from {}",
}
# What a run or an operator may do, and no worker.
OF_PIPELINE = {
    "name another account": "update payouts.instructions set stripe_account_id = 'acct_mine'",
    "name another customer": "update payouts.instructions set stripe_customer_id = 'cus_mine'",
    "name another card": "update payouts.instructions set stripe_payment_method_id = 'pm_mine'",
    "make an instruction": "insert into payouts.instructions (id, day, billing_type, account_id, sequence, currency,"
    " amount_minor, status, reason_code, changed_by) select gen_random_uuid(), day, billing_type, account_id, 9,"
    " currency, 1, 'pending', 'x', 'x' from {}",
    "approve": "insert into payouts.approvals select id, 'acct_mine', 'x', 'x' from {}",
    "ask for a cancellation": "insert into payouts.cancellations (instruction_id, day, actor, reason_code,"
    " reason_details) select id, day, 'x', 'x', to_jsonb(1) from {}",
    "judge": "insert into payouts.judgements (instruction_id, attempt, actor, reason)"
    " select instruction_id, number, 'x', 'x' from payouts.attempts",
    "find a movement": "insert into payouts.movements (provider_reference, kind, amount_minor, currency, status,"
    " created_at, found_by) values ('pi_mine', 'transfer', 1, 'eur', 'succeeded', now(), 'x')",
    "bring a line of Stripe's journal in": "insert into payouts.balance_transactions (id, type, category, balance,"
    " amount_minor, fee_minor, net_minor, currency, created_at, available_on, found_by)"
    " values ('txn_mine', 'topup', 'topup', 'payments', 1, 0, 1, 'EUR', now(), now(), 'x')",
    "enter a line of Stripe's journal": "insert into payouts.entries (transaction_id, account_id, currency,"
    " amount_minor) select 'txn_mine', id, currency, 1 from payouts.accounts where false",
    "say how far it was read": "update payouts.feeds set read_to = now()",
    "say that balances agree": "insert into payouts.balance_looks (currency, available_minor, pending_minor,"
    " ledger_minor, in_transit_minor) values ('EUR', 0, 0, 0, 0)",
    "put off asking about a payee": "insert into payouts.account_looks (stripe_account_id) values ('acct_mine')"
    " on conflict (stripe_account_id) do update set asked_at = now()",
    "say where a payee was paid": "insert into payouts.paid_accounts select id, 'acct_mine', now()"
    " from payouts.accounts where subject = 'club'"
    " on conflict (account_id, stripe_account_id) do update set paid_at = excluded.paid_at",
    "put off asking about a bank": "insert into payouts.bank_looks (stripe_account_id) values ('acct_mine')"
    " on conflict (stripe_account_id) do update set asked_at = now()",
    "say that money reaches a bank": "delete from payouts.bank_failures",
    "read Stripe's journal": "select from payouts.balance_transactions",
    "read what was compared": "select from payouts.currencies_on_hold",
    "lift a hold": "insert into payouts.holds (subject, subject_id, is_hold, actor, reason)"
    " values ('club', 1, false, 'x', 'x')",
    "confirm an account": "insert into payouts.account_confirmations (subject, subject_id, stripe_account_id, actor,"
    " reason) select subject, subject_id, stripe_account_id, 'x', 'x' from payouts.payee_accounts",
    "see an account": "select payouts.see_accounts(array['club'], array[1::bigint], array['acct_mine'], interval '0')",
    "change what is in flight": "update payouts.accounts set in_flight_minor = 0",
    "change what is booked": "update payouts.accounts set booked_minor = 0",
    "change what is released": "update payouts.accounts set released_minor = 0",
    "open a booking": "insert into payouts.bookings (day, actor) select day, 'x' from payouts.days",
    "free a fee of its charge": "update payouts.fees set charge_id = null",
    "release a share": "update payouts.fees set own_release_id = 1",
    "free a share of its payout": "update payouts.release_lines set payout_id = null",
    "pin the ledger elsewhere": "update payouts.identity set provider_account = 'acct_mine', provider_mode = 'test',"
    " pinned_at = now()",
    "set the ledger beside another": "insert into payouts.identity_events (actor, what, reason, before, after)"
    " values ('x', 'beside', 'x', to_jsonb(1), to_jsonb(1))",
    "read fees": "select from payouts.fees",
    "read the league": "select from league.players",
}
# What a worker may do, and nobody who only reads.
OF_WORKER = {
    "change a status": "update payouts.instructions set reason_code = 'x'",
    "open an attempt": "insert into payouts.attempts (instruction_id, number) select id, 9 from {} where false",
    "slow everyone down": "update payouts.rate_limit set slow_factor = 1000",
    "pin the ledger": "select payouts.pin('acct_mine', 'test', 'x', 'x')",
}
REFUSED = [
    pytest.param(role, statement, id=f"{role.removeprefix('payouts_')}: {act}")
    for role, acts in (
        ("payouts_pipeline", OF_NOBODY),
        ("payouts_worker", OF_NOBODY | OF_PIPELINE),
        (
            "payouts_reader",
            OF_NOBODY | OF_WORKER | {name: OF_PIPELINE[name] for name in OF_PIPELINE if "read" not in name},
        ),
    )
    for act, statement in acts.items()
]


@pytest.fixture(scope="module")
def url(admin: Connection, postgres_url: str, template: str) -> Iterator[str]:
    """A ledger with a day that is paid and another that is booked, and its roles."""
    name = Identifier(_DATABASE)
    admin.execute(SQL("create database {} template {}").format(name, Identifier(template)))
    made = make_conninfo(postgres_url, dbname=_DATABASE)
    with open_connection(made) as ledger, open_connection(made) as source:
        league = League(source)
        player = league.player()
        league.fee(player, DAY)
        materialise(ledger, source, DAY)
        league.fee(league.player(), DAY)
        book(ledger, source, DAY)
    make_roles(made)
    yield made
    admin.execute(SQL("drop database {} with (force)").format(name))


@pytest.fixture(scope="module")
def sessions(url: str) -> Iterator[Mapping[str, Connection]]:
    """A session of a login of each role."""
    with ExitStack() as opened:
        logins = {role: opened.enter_context(login_of(url, role)) for role in ROLES}
        yield {role: opened.enter_context(open_connection(login)) for role, login in logins.items()}


def may(session: Connection, statement: str) -> bool:
    """Whether the role may do it; nothing of it stays."""
    with session.transaction(force_rollback=True):
        try:
            session.execute(statement.replace("{}", "payouts.instructions"))
        except InsufficientPrivilege:
            return False
        return True


@pytest.mark.parametrize(("role", "statement"), REFUSED)
def test_a_role_may_do_no_more_than_it_has_to(sessions: Mapping[str, Connection], role: str, statement: str) -> None:
    assert not may(sessions[role], statement)


@pytest.mark.parametrize("act", OF_PIPELINE)
def test_what_a_worker_is_refused_is_a_thing_that_can_be_done(sessions: Mapping[str, Connection], act: str) -> None:
    assert may(sessions["payouts_pipeline"], OF_PIPELINE[act])


@pytest.mark.parametrize("act", OF_WORKER)
def test_what_a_reader_is_refused_is_a_thing_that_can_be_done(sessions: Mapping[str, Connection], act: str) -> None:
    assert may(sessions["payouts_worker"], OF_WORKER[act])


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("update payouts.accounts set subject = 'club'", "append-only"),
        (
            "insert into payouts.attempts (instruction_id, number, stripe_account_id)"
            " select id, 9, 'acct_mine' from payouts.instructions",
            "for whom its instruction names",
        ),
        (
            "update payouts.instructions set status = 'settled', provider_reference = 'x' where status = 'pending'",
            "must not go from",
        ),
    ],
)
def test_what_only_a_trigger_keeps_a_worker_from(
    sessions: Mapping[str, Connection], statement: str, sentence: str
) -> None:
    with pytest.raises(RaiseException, match=sentence):
        sessions["payouts_worker"].execute(statement)


def test_a_worker_cancels_nothing_that_nobody_has_asked_for(sessions: Mapping[str, Connection]) -> None:
    worker = sessions["payouts_worker"]
    with worker.transaction(force_rollback=True):
        claim(worker, ids(worker, DAY, "pending"))
        with pytest.raises(RaiseException, match="nobody has asked"):
            worker.execute("update payouts.instructions set status = 'cancelled' where status = 'sending'")


def test_a_worker_pins_the_ledger_once(sessions: Mapping[str, Connection]) -> None:
    worker = sessions["payouts_worker"]
    with worker.transaction(force_rollback=True):
        for account in ("acct_first", "acct_second"):
            worker.execute("select payouts.pin(%s, 'test', 'x', 'x')", (account,))
        assert worker.execute("select provider_account from payouts.identity").fetchall() == [("acct_first",)]
        assert worker.execute("select after ->> 'provider_account' from payouts.identity_events").fetchall() == [
            ("acct_first",)
        ]


def test_a_function_with_the_owners_rights_looks_in_no_schema_of_others(url: str) -> None:
    """Or who makes an object of the same name would run as the owner."""
    query = "select proname, proconfig from pg_proc where pronamespace = 'payouts'::regnamespace and prosecdef"
    with open_connection(url) as connection:
        found: dict[str, list[str]] = dict(connection.execute(query).fetchall())
    assert len(found) >= 5
    assert {tuple(settings) for settings in found.values()} == {("search_path=pg_catalog, pg_temp",)}


def test_everything_belongs_to_the_owner_and_roles_can_be_made_again(url: str) -> None:
    query = (
        "select distinct pg_get_userbyid(relowner) from pg_class where relnamespace = 'payouts'::regnamespace"
        " union select pg_get_userbyid(proowner) from pg_proc where pronamespace = 'payouts'::regnamespace"
    )
    privileges = "select relname, relacl::text from pg_class where relnamespace = 'payouts'::regnamespace order by 1"
    with psycopg.connect(url, autocommit=True) as dba:
        assert dba.execute(query).fetchall() == [(_OWNER,)]
        before = dba.execute(privileges).fetchall()
        make_roles(url)
        assert dba.execute(privileges).fetchall() == before


def test_a_grant_of_somebody_else_lasts_until_the_next_upgrade(url: str, sessions: Mapping[str, Connection]) -> None:
    statement = OF_PIPELINE["approve"]
    with psycopg.connect(url, autocommit=True) as dba:
        dba.execute("grant insert (instruction_id, payee_id, actor, reason, at) on payouts.approvals to payouts_worker")
    assert may(
        sessions["payouts_worker"],
        statement.replace("approvals ", "approvals (instruction_id, payee_id, actor, reason) "),
    )
    assert migrate(sessions[_OWNER]) == []
    assert not may(sessions["payouts_worker"], statement)
