"""`payouts doctor` on an installation that lacks nothing, and on one for each thing that can be set up wrongly.

Each wrong one is named with what to do, and everything else is still looked at. It writes, sends and pins nothing.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
import stripe
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.cli.doctor import doctor
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.identity import Account
from payouts_pipeline.local.embedded import stop
from payouts_pipeline.local.stripe_emulator.admin import (
    AccountSeed,
    FaultKind,
    FaultRule,
    KeySeed,
    OtherAnswer,
    PlatformSeed,
)
from payouts_pipeline.settlement.topology import find_topology
from payouts_tests.support.command_line import payouts
from payouts_tests.support.folders import temporary_folder
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.ledgers import made_anew
from payouts_tests.support.odd_databases import database_of, login_with, url_of
from payouts_tests.support.roles import login_of, make_roles
from payouts_tests.support.versions import migrated_further
from payouts_tests.support.worlds import World, Worlds, project

Findings = dict[str, list[dict[str, Any]]]

SECRET = "hush0123456789"
NOWHERE = "127.0.0.1:1"
OURS = "acct_emulated"
ALL_SUBJECTS = {
    "environment",
    "versions",
    "Stripe's API version",
    "ledger database",
    "clock of the ledger database",
    "ledger schema",
    "ledger login",
    "schema league",
    "Dagster's storage",
    "dagster.yaml",
    "storage",
    "topic and queues",
    "alerts",
    "Stripe key",
    "clock of Stripe",
    "Stripe account",
    "payout schedule",
    "permissions of the key",
    "ledger at Stripe",
    "balance at Stripe",
    "open payments",
}
OF_THE_KEY = {"permissions of the key", "ledger at Stripe", "balance at Stripe"}
OF_THE_ACCOUNT = {"clock of Stripe", "Stripe account", "payout schedule"}
OF_THE_LEDGER = {"ledger schema", "ledger login", "ledger at Stripe", "balance at Stripe", "open payments"}


@pytest.fixture(scope="module")
def good(worlds: Worlds) -> Iterator[World]:
    """An installation that lacks nothing, and a login with the rights of a run; each test spoils one thing of it."""
    made = worlds.make()
    url = made.environment["PAYOUTS_DATABASE_URL"]
    make_roles(url)
    with login_of(url, "payouts_pipeline") as pipeline:
        yield made.but(PAYOUTS_DATABASE_URL=url_of(pipeline))


def examined(world: World, code: int) -> Findings:
    """What the one document says, by subject; the exit code and the shape of it are as promised."""
    with world.entered():
        done = CliRunner().invoke(doctor, ["--json"])
    assert done.exit_code == code, done.output
    assert SECRET not in done.output
    document = json.loads(done.stdout)
    assert set(document) == {"ready", "findings"}
    states = {finding["state"] for finding in document["findings"]}
    assert document["ready"] == (code == 0) == ("problem" not in states)
    found: Findings = {}
    for finding in document["findings"]:
        assert set(finding) == {"subject", "state", "found", "to_do", "figures"}
        assert bool(finding["to_do"]) == (finding["state"] != "ok"), finding
        found.setdefault(finding["subject"], []).append(finding)
    return found


def says(found: Findings, subject: str, state: str, *words: str) -> None:
    """One line about the subject has this state and all these words."""
    lines = [f"{each['found']}: {each['to_do']}" for each in found[subject] if each["state"] == state]
    assert any(all(word in line for word in words) for line in lines), found[subject]


def others_were_looked_at(found: Findings, wrong: set[str], not_looked_at: Collection[str] = ()) -> None:
    """Every subject that does not build on what is wrong is there, and well; the rest says why it is not."""
    for subject in ALL_SUBJECTS - wrong - set(not_looked_at):
        assert {each["state"] for each in found[subject]} <= {"ok", "warning"}, found[subject]
    for subject in found.keys() & set(not_looked_at):
        assert all(each["found"].startswith("not looked at, because") for each in found[subject]), found[subject]


def spoilt(world: World, subject: str, *words: str, not_looked_at: Collection[str] = ()) -> None:
    """One subject is a problem, and says this."""
    found = examined(world, 1)
    says(found, subject, "problem", *words)
    others_were_looked_at(found, {subject}, not_looked_at)


def warned(world: World, subject: str, *words: str) -> dict[str, Any]:
    """One subject is a warning, says this, and a night can be paid all the same; its figures."""
    found = examined(world, 0)
    says(found, subject, "warning", *words)
    return dict(found[subject][0]["figures"])


def test_an_installation_that_lacks_nothing_is_ready_and_nothing_is_written(good: World) -> None:
    ledger, emulator = good.connect(), good.emulator()
    before, calls = fingerprint(ledger), emulator.counters()
    files = {path for path in good.folder.rglob("*") if path.is_file()}
    found = examined(good, 0)
    assert set(found) == ALL_SUBJECTS
    states = {subject: each["state"] for subject, [each] in found.items()}
    assert [subject for subject in states if states[subject] != "ok"] == ["alerts"]
    assert "belongs to no account yet" in found["ledger at Stripe"][0]["found"]
    assert fingerprint(ledger) == before
    assert {call.split()[0] for call, count in emulator.counters().items() if count > calls.get(call, 0)} == {"GET"}
    assert {path for path in good.folder.rglob("*") if path.is_file()} == files


def test_people_get_a_line_for_each_thing(good: World) -> None:
    done = payouts(good, "doctor")
    assert done.returncode == 0, done.stderr
    *lines, verdict = done.stdout.splitlines()
    assert len(lines) == len(ALL_SUBJECTS)
    assert all(line.startswith(("ok ", "warning ")) for line in lines)
    assert verdict == "A night could be paid: no problems, 1 warning."
    wrong = payouts(good.but(STRIPE_API_KEY="sk_test_wrong"), "doctor")
    assert wrong.returncode == 1
    assert "problem  Stripe key: Stripe does not take our key (invalid_api_key" in wrong.stdout
    assert "No night could be paid: 4 problems" in wrong.stdout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"STRIPE_API_KEY": None, "STRIPE_API_BASE": None}, ("names your own ledger, but STRIPE_API_KEY is not set",)),
        ({"STRIPE_API_KEY": None}, ("STRIPE_API_BASE is set but STRIPE_API_KEY is not: set both",)),
        ({"STRIPE_API_KEY": f"sk_test_{SECRET}"}, ("does not take our key (invalid_api_key", "correct STRIPE_API_KEY")),
        ({"STRIPE_API_KEY": f"sk_test_{SECRET}\n"}, ("STRIPE_API_KEY has a blank, a line break",)),
        ({"STRIPE_API_BASE": f"http://{NOWHERE}"}, ("can't be asked", "see STRIPE_API_BASE")),
        ({"STRIPE_API_BASE": "nonsense"}, ("can't be asked", "see STRIPE_API_BASE")),
    ],
)
def test_a_key_that_is_not_there_or_not_taken(good: World, changes: dict[str, str | None], words: list[str]) -> None:
    spoilt(good.but(**changes), "Stripe key", *words, not_looked_at=OF_THE_KEY | OF_THE_ACCOUNT)


@pytest.mark.parametrize(
    ("variable", "subject", "not_looked_at"),
    [
        ("PAYOUTS_DATABASE_URL", "ledger database", OF_THE_LEDGER | {"clock of the ledger database"}),
        ("PAYOUTS_SOURCE_URL", "schema league", set()),
        ("DAGSTER_DATABASE_URL", "Dagster's storage", set()),
    ],
)
@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://payer:{SECRET}@{NOWHERE}/nothing", "nothing at 127.0.0.1:1"),
        (f"postgresql://payer:{SECRET}/{SECRET}@{NOWHERE}/name", "is not a valid database URL"),
    ],
)
def test_a_database_that_is_down_or_whose_url_cannot_be_read(
    good: World, variable: str, subject: str, not_looked_at: set[str], url: str, words: str
) -> None:
    league = {"PAYOUTS_SOURCE_URL": good.environment["PAYOUTS_DATABASE_URL"]}
    spoilt(good.but(**league | {variable: url}), subject, variable, words, not_looked_at=not_looked_at)


def test_several_variables_that_are_malformed_or_unknown(good: World) -> None:
    wrong = {"PAYOUTS_TIMEZONE": "Mars/Olympus", "PAYOUTS_WORKERS": "-1", "PAYOUTS_MINIMUM_PAYOUT": '{"EUR": 1.5}'}
    found = examined(good.but(**wrong, PAYOUTS_MINIMUM_PAYOUTS="{}"), 1)
    for variable in wrong:
        says(found, variable, "problem", variable)
    says(found, "PAYOUTS_MINIMUM_PAYOUTS", "warning", "nothing reads it")
    others_were_looked_at(found, {"environment"})


def test_a_half_set_aws(good: World) -> None:
    half = good.but(AWS_SECRET_ACCESS_KEY=None)
    spoilt(half, "topic and queues", "AWS_SECRET_ACCESS_KEY is not", not_looked_at={"alerts"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PAYOUTS_STACK": "not-deployed"}, ("not-deployed", "run 'payouts deploy'")),
        ({"AWS_ENDPOINT_URL": f"http://{NOWHERE}"}, (f"http://{NOWHERE} does not answer", "check AWS_ENDPOINT_URL")),
    ],
)
def test_a_stack_that_is_not_there(good: World, changes: dict[str, str], words: tuple[str, ...]) -> None:
    spoilt(good.but(**changes), "topic and queues", *words)


def test_an_alert_topic_that_is_not_there(good: World) -> None:
    arn = "arn:aws:sns:eu-west-1:000000000000:nobody"
    spoilt(good.but(PAYOUTS_ALERT_TOPIC_ARN=arn), "alerts", arn)


def test_a_storage_that_is_no_folder_and_a_bucket_that_is_not_there(good: World) -> None:
    spoilt(good.but(PAYOUTS_STORAGE=str(good.folder / "dagster.yaml" / "x")), "storage", "dagster.yaml is a file")
    spoilt(good.but(PAYOUTS_STORAGE="s3://nowhere/payouts"), "storage", "HeadBucket")
    good.client("s3").create_bucket(
        Bucket="payouts-doctor", CreateBucketConfiguration={"LocationConstraint": good.environment["AWS_REGION"]}
    )
    found = examined(good.but(PAYOUTS_STORAGE="s3://payouts-doctor/payouts"), 0)
    says(found, "storage", "ok", "bucket payouts-doctor answers")


def test_a_dagster_home_that_lacks_its_file_or_a_variable(good: World) -> None:
    home = good.folder / "home"
    home.mkdir()
    spoilt(good.but(DAGSTER_HOME=str(home)), "dagster.yaml", "there is no dagster.yaml in", "DAGSTER_HOME")
    (home / "dagster.yaml").write_text("run_launcher:\n  config:\n    env: PAYOUTS_LOG_BUCKET\n")
    spoilt(good.but(DAGSTER_HOME=str(home)), "dagster.yaml", "PAYOUTS_LOG_BUCKET, which is not set")


def test_a_look_that_fails_in_a_way_that_nobody_thought_of_stops_no_other(good: World) -> None:
    home = good.folder / "garbled"
    home.mkdir()
    (home / "dagster.yaml").write_bytes(b"\xff\xfe\x00")
    spoilt(good.but(DAGSTER_HOME=str(home)), "dagster.yaml", "could not be looked at (UnicodeDecodeError)")


def test_a_dagster_whose_workers_are_elsewhere_needs_no_key(good: World) -> None:
    without = good.but(PAYOUTS_WORKERS="0", STRIPE_API_KEY=None, STRIPE_API_BASE=None)
    found = examined(without, 0)
    says(found, "Stripe key", "warning", "PAYOUTS_WORKERS is 0", "where the workers are")
    assert not (OF_THE_KEY | OF_THE_ACCOUNT) & found.keys()


def test_a_ledger_that_was_not_migrated_or_is_ahead(world: World) -> None:
    ledger = world.connect()
    migrated_further(ledger)
    later = OF_THE_LEDGER - {"ledger schema"}
    spoilt(world, "ledger schema", "9999_of_tomorrow.sql", "install the version", not_looked_at=later)
    ledger.execute("drop schema payouts cascade")
    spoilt(world, "ledger schema", "is not there yet", "run 'payouts migrate'", not_looked_at=later)
    assert ledger.execute("select to_regnamespace('payouts')").fetchone() == (None,)


def test_a_ledger_that_cannot_be_written_to(world: World) -> None:
    ledger = world.connect()
    name = Identifier(ledger.info.dbname)
    ledger.execute(SQL("alter database {} set default_transaction_read_only = on").format(name))
    spoilt(world, "ledger database", "read-only for this login", "name the primary")


def test_a_login_that_may_not_fill_the_ledger_or_read_the_league(world: World) -> None:
    ledger = world.connect()
    role = f"doctor_{uuid4().hex[:8]}"
    ledger.execute(SQL("create role {} login password 'of-a-role'").format(Identifier(role)))
    ledger.execute(SQL("revoke temporary on database {} from public").format(Identifier(ledger.info.dbname)))
    ledger.execute(SQL("grant usage on schema payouts, league to {}").format(Identifier(role)))
    ledger.execute(SQL("grant select on all tables in schema payouts to {}").format(Identifier(role)))
    url = make_conninfo(world.environment["PAYOUTS_DATABASE_URL"], user=role, password="of-a-role")
    found = examined(world.but(PAYOUTS_DATABASE_URL=url), 1)
    says(found, "ledger login", "problem", "instructions", "temporary tables", "grant it")
    says(found, "schema league", "problem", "may not read", "players.stripe_customer_id", "select")
    others_were_looked_at(found, {"ledger login", "schema league"})


@pytest.fixture
def with_roles(world: World) -> World:
    make_roles(world.environment["PAYOUTS_DATABASE_URL"])
    return world


def by_login(world: World, role: str, code: int) -> Findings:
    """What is said to a login that has this role."""
    with login_of(world.environment["PAYOUTS_DATABASE_URL"], role) as url:
        return examined(world.but(PAYOUTS_DATABASE_URL=url_of(url)), code)


def test_a_login_that_may_do_more_than_it_needs_is_a_hint(with_roles: World) -> None:
    says(examined(with_roles, 0), "ledger login", "warning", "is a superuser", "more than it needs", "payouts_pipeline")
    # That one may not read the league.
    says(by_login(with_roles, "payouts_owner", 1), "ledger login", "warning", "owns the ledger's tables")
    found = by_login(with_roles, "payouts_pipeline", 0)
    says(found, "ledger login", "ok", "may do what a night does")
    with_roles.connect().execute("grant insert, delete on payouts.events to payouts_reader")
    found = by_login(with_roles, "payouts_pipeline, payouts_reader", 0)
    says(found, "ledger login", "warning", "more than role payouts_pipeline: delete events, insert events: revoke that")


def test_the_login_of_a_worker_can_run_no_day_and_should_approve_nothing(with_roles: World) -> None:
    [only] = by_login(with_roles, "payouts_worker", 1)["ledger login"]
    assert (only["state"], "it can settle, and run no day" in only["found"]) == ("warning", True)
    with_roles.connect().execute("grant insert on payouts.approvals to payouts_reader")
    found = by_login(with_roles, "payouts_worker, payouts_reader", 0)
    says(found, "ledger login", "warning", "more than role payouts_worker", "insert approvals", "select fees")


def test_a_login_that_may_only_read_can_run_no_day(with_roles: World) -> None:
    says(by_login(with_roles, "payouts_reader", 1), "ledger login", "problem", "may not read and fill", "instructions")


def test_a_ledger_that_is_booked_in_another_timezone(world: World) -> None:
    world.connect().execute("insert into payouts.calendar (timezone) values ('Europe/London')")
    found = examined(world, 1)
    says(found, "timezone", "problem", "booked in Europe/London", "set PAYOUTS_TIMEZONE=Europe/London")
    others_were_looked_at(found, set())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("alter table league.match_players drop column club_id", "it lacks match_players.club_id"),
        ("drop table league.fee_shares", "it lacks fee_shares"),
        ("drop schema league cascade", "there is no schema 'league'"),
        ("alter table league.matches alter kicked_off_at type text", "league.matches.kicked_off_at is text"),
    ],
)
def test_a_league_that_lacks_something(world: World, spoil: str, words: str) -> None:
    world.connect().execute(spoil)
    spoilt(world, "schema league", words)


OWN = "alter table league.{table} rename to own_{table}; create view league.{table} as {query}"
ROWS = "select * from league.own_{table}"


@pytest.mark.parametrize(
    ("table", "query", "words"),
    [
        (
            "matches",
            "select id, competition_id, kicked_off_at at time zone 'UTC' as kicked_off_at, status"
            " from league.own_matches",
            ("league.matches.kicked_off_at is timestamp without time zone", "kicked_off_at at time zone"),
        ),
        (
            "fee_structures",
            "select id, competition_id, effective_from, currency, fee_minor / 100.0 as fee_minor"
            " from league.own_fee_structures",
            ("league.fee_structures.fee_minor is numeric and must be bigint", "whole minor units"),
        ),
        (
            "players",
            f"{ROWS} union all (select * from league.own_players order by id limit 1)",  # noqa: S608
            ("league.players.id has", "twice", "stops before anything of it is booked", "one row for each"),
        ),
        (
            "matches",
            f"{ROWS} union all (select * from league.own_matches order by id limit 1)",  # noqa: S608
            ("league.matches.id has", "twice"),
        ),
        (
            "match_players",
            f"{ROWS} union all (select -id, match_id, player_id, club_id from league.own_match_players limit 1)",  # noqa: S608
            ("league.match_players.(match_id,player_id) has", "twice"),
        ),
    ],
)
def test_a_league_that_can_not_be_booked_is_named_by_table_column_and_row(
    world: World, table: str, query: str, words: tuple[str, ...]
) -> None:
    database = world.connect()
    first = database.execute(f"select min(id) from league.{table}").fetchall()[0][0]  # noqa: S608
    database.execute(OWN.format(table=table, query=query.format(table=table)))
    spoilt(world, "schema league", *words, *([str(first)] if table == "players" else []))


@pytest.mark.parametrize(
    ("table", "query", "words"),
    [
        (
            "matches",
            "select id, competition_id, kicked_off_at, upper(status) as status from league.own_matches",
            ("league.matches.status says 'PLAYED' (id ", "read as played", "write the word of the contract"),
        ),
        (
            "matches",
            "select id, competition_id, kicked_off_at, replace(status, 'played', 'finished') as status"
            " from league.own_matches",
            (
                "league.matches.status says 'finished' (id ",
                "more)",
                "nothing is charged or paid",
                "say one of scheduled",
            ),
        ),
        (
            "matches",
            "select id, competition_id, (kicked_off_at at time zone 'UTC')::timestamptz as kicked_off_at, status"
            " from league.own_matches",
            ("kicked_off_at changes with the timezone of the login", "at time zone"),
        ),
        (
            "fee_structures",
            "select id, competition_id, effective_from, 'EUX' as currency, fee_minor from league.own_fee_structures",
            ("league.fee_structures.currency says 'EUX' (id ", "held out"),
        ),
        (
            "fee_structures",
            f"{ROWS} union all (select -id, competition_id, effective_from, currency, fee_minor"  # noqa: S608
            " from league.own_fee_structures limit 1)",
            ("league.fee_structures.(competition_id,effective_from) has", "twice", "held out"),
        ),
        (
            "fee_shares",
            "select fee_structure_id, replace(billing_subject, 'organiser', 'ref') as billing_subject, partner_id,"
            " fixed_minor, share_bps from league.own_fee_shares",
            ("league.fee_shares.billing_subject says 'ref' (id ", "club, organiser, partner or platform"),
        ),
        (
            "clubs",
            f"{ROWS} union all (select * from league.own_clubs order by id limit 1)",  # noqa: S608
            ("league.clubs.id has", "twice", "is held"),
        ),
    ],
)
def test_a_league_of_which_some_would_not_be_paid_is_a_warning(
    world: World, table: str, query: str, words: tuple[str, ...]
) -> None:
    world.connect().execute(OWN.format(table=table, query=query.format(table=table)))
    found = examined(world, 0)
    says(found, "schema league", "warning", *words)
    others_were_looked_at(found, set())


def test_queues_that_are_gone_and_messages_that_have_died(world: World) -> None:
    topology = find_topology(world.client("cloudformation"), world.environment["PAYOUTS_STACK"])
    sqs = world.client("sqs")
    kinds = list(topology.queue_urls)
    sqs.send_message(QueueUrl=topology.dead_letter_urls[kinds[0]], MessageBody="garbage")
    figures = warned(world, "dead letters", f"1 of {kinds[0]}", "payouts redrive --dry-run")
    assert figures == {"count": {kinds[0]: 1}}
    sqs.delete_queue(QueueUrl=topology.queue_urls[kinds[1]])
    spoilt(world, "topic and queues", f"queues are gone: {kinds[1]}", "payouts deploy")


def test_a_topic_that_is_gone_or_has_lost_its_queues(world: World) -> None:
    topic = find_topology(world.client("cloudformation"), world.environment["PAYOUTS_STACK"]).topic_arn
    sns = world.client("sns")
    first = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]
    sns.unsubscribe(SubscriptionArn=first["SubscriptionArn"])
    spoilt(world, "topic and queues", f"only {len(BillingType) - 1} of {len(BillingType)} queues are subscribed")
    sns.delete_topic(TopicArn=topic)
    spoilt(world, "topic and queues", f"topic {topic} is gone")


@pytest.fixture
def other_keys(world: World) -> dict[str, str]:
    """Keys of another account and of the other mode, beside a ledger that is pinned to its own."""
    keys = {"another account": "sk_test_of_another_account", "live mode": "sk_live_of_our_account"}
    emulator = world.emulator()
    emulator.put_platforms(PlatformSeed(id="acct_another"))
    emulator.put_keys(
        KeySeed(key=keys["another account"], platform="acct_another"), KeySeed(key=keys["live mode"], platform=OURS)
    )
    identity.pin(world.connect(), Account(OURS, "test"))
    return keys


@pytest.mark.parametrize("which", ["another account", "live mode"])
def test_a_key_of_another_account_or_mode(world: World, other_keys: dict[str, str], which: str) -> None:
    wrong = world.but(STRIPE_API_KEY=other_keys[which])
    spoilt(wrong, "ledger at Stripe", f"belongs to {OURS} (test mode)", "STRIPE_API_KEY is a key of", "--beside")
    assert identity.read(world.connect()).account == Account(OURS, "test")


def moved_at_stripe(world: World, ledger_id: object) -> str:
    """A transfer that the ledger of this id has made; its id."""
    emulator = world.emulator()
    emulator.put_accounts([AccountSeed(id="acct_doctor")])
    emulator.set_balance({"eur": 1_000_000})
    metadata = {"ledger": str(ledger_id), "instruction_id": str(uuid4()), "attempt": "1", "day": "2026-05-02"}
    sdk = stripe.StripeClient(
        world.environment["STRIPE_API_KEY"], base_addresses={"api": world.environment["STRIPE_API_BASE"]}
    )
    order: Any = {"amount": 1000, "currency": "eur", "destination": "acct_doctor", "metadata": metadata}
    return sdk.v1.transfers.create(order).id


def test_a_restored_ledger(world: World) -> None:
    reference = moved_at_stripe(world, identity.read(world.connect()).id)
    spoilt(world, "ledger at Stripe", f"such as {reference}", "restored from a backup", "run 'payouts recover'")


def test_another_ledger_on_the_account(world: World) -> None:
    first = identity.read(world.connect()).id
    moved_at_stripe(world, first)
    made_anew(world.connect())
    spoilt(world, "ledger at Stripe", f"Another ledger, {first}, has moved money", "payouts ledger --continue")
    assert identity.read(world.connect()).account is None


RESTRICTED = "rk_test_restricted0123456789"
READS = (
    "rak_accounts_kyc_basic_read",
    "rak_balance_read",
    "rak_balance_transaction_source_read",
    "rak_customer_read",
    "rak_event_read",
    "rak_payment_intent_read",
    "rak_payout_read",
    "rak_transfer_read",
)


def with_permissions(world: World, *permissions: str) -> World:
    world.emulator().put_keys(KeySeed(key=RESTRICTED, permissions=permissions))
    return world.but(STRIPE_API_KEY=RESTRICTED)


def test_a_restricted_key_that_may_read_what_a_night_reads(world: World) -> None:
    found = examined(with_permissions(world, *READS), 0)
    others_were_looked_at(found, set())


@pytest.mark.parametrize(
    ("lacks", "call"),
    [
        ("rak_transfer_read", "list transfers"),
        ("rak_payment_intent_read", "list payment_intents"),
        ("rak_customer_read", "retrieve a customer"),
    ],
)
def test_a_restricted_key_that_lacks_a_permission(world: World, lacks: str, call: str) -> None:
    key = with_permissions(world, *(permission for permission in READS if permission != lacks))
    found = examined(key, 1)
    says(found, "permissions of the key", "problem", f"refuses to {call} ({lacks})", f"give the key {lacks}")
    others_were_looked_at(found, {"permissions of the key", "ledger at Stripe"})


@pytest.mark.parametrize(
    ("lacks", "call"),
    [
        ("rak_balance_transaction_source_read", "list balance_transactions"),
        ("rak_event_read", "list events"),
        ("rak_payout_read", "list payouts"),
    ],
)
def test_a_restricted_key_that_can_not_follow_what_happens(world: World, lacks: str, call: str) -> None:
    key = with_permissions(world, *(permission for permission in READS if permission != lacks))
    found = examined(key, 0)
    says(found, "permissions of the key", "warning", f"refuses to {call} ({lacks})", "a night is paid without it")


def test_a_restricted_key_that_may_not_read_accounts_or_the_balance(world: World) -> None:
    found = examined(with_permissions(world, *READS[1:]), 1)
    says(found, "Stripe key", "problem", "lacks rak_accounts_kyc_basic_read")
    says(found, "permissions of the key", "ok", "all that a night reads")
    blind = with_permissions(world, *(permission for permission in READS if permission != "rak_balance_read"))
    says(examined(blind, 1), "balance at Stripe", "problem", "rak_balance_read", "no payout is sent without")


@pytest.mark.parametrize(
    ("profile", "subject", "words"),
    [
        ({"charges_enabled": False, "disabled_reason": "listed"}, "Stripe account", ("charge nobody (listed)",)),
        ({"transfers": "inactive"}, "Stripe account", ("capability transfers is inactive",)),
    ],
)
def test_an_account_that_may_not_charge_or_transfer(
    world: World, profile: dict[str, Any], subject: str, words: tuple[str, ...]
) -> None:
    world.emulator().put_platforms(PlatformSeed(id=OURS, **profile))
    spoilt(world, subject, *words)


def test_an_account_that_is_not_activated_can_pay_a_test_night_and_no_other(world: World) -> None:
    emulator = world.emulator()
    emulator.put_platforms(PlatformSeed(id=OURS, is_activated=False))
    emulator.put_keys(KeySeed(key="sk_live_of_our_account", platform=OURS))
    warned(world, "Stripe account", "only make test charges")
    spoilt(world.but(STRIPE_API_KEY="sk_live_of_our_account"), "Stripe account", "charge nobody")


def test_a_payout_schedule_that_drains_the_balance(world: World) -> None:
    world.emulator().put_platforms(PlatformSeed(id=OURS, payout_interval="daily"))
    warned(world, "payout schedule", "daily: Stripe pays the balance to your bank", "manual")


def test_a_balance_that_does_not_cover_what_is_owed(world: World) -> None:
    world.emulator().set_balance({"eur": 400})
    world.connect().execute(
        "insert into payouts.accounts (subject, subject_id, currency, booked_minor, released_minor)"
        " values ('club', 1, 'EUR', 1000, 1000), ('club', 1, 'JPY', 70, 70)"
    )
    figures = warned(world, "balance at Stripe", "6.00 EUR, 70 JPY", "top it up")
    assert figures["owed_minor"] == {"EUR": 1000, "JPY": 70}
    assert figures["short_minor"] == {"EUR": 600, "JPY": 70}


def test_clocks_that_differ(world: World) -> None:
    emulator = world.emulator()
    emulator.advance_clock(300)
    assert 290 <= warned(world, "clock of Stripe", "away from this machine's")["skew_s"] <= 400
    emulator.advance_clock(1800)
    spoilt(world, "clock of Stripe", "set both clocks by a time server")


def test_an_answer_that_is_not_stripes(world: World) -> None:
    answer = OtherAnswer.foreign(403, "<html>blocked</html>")
    world.emulator().add_faults(FaultRule(kind=FaultKind.OTHER_ANSWER, answer=answer))
    spoilt(world, "Stripe key", "can't be asked", not_looked_at=OF_THE_KEY | OF_THE_ACCOUNT)


@pytest.fixture(scope="module")
def empty() -> Iterator[World]:
    """A checkout in which nothing was ever run."""
    with temporary_folder("payouts-doctor-") as place, ExitStack() as stack:
        folder = project(place / "clone")
        stack.callback(stop, folder / ".payouts")
        yield World({}, folder, stack)


def test_embedded_parts_that_are_new_are_ready_and_stay_empty(empty: World) -> None:
    for _ in range(2):
        done = payouts(empty, "doctor")
        assert done.returncode == 0, done.stdout + done.stderr
        for subject in ("ledger schema", "schema league", "topic and queues"):
            [line] = [line for line in done.stdout.splitlines() if line[9:].startswith(subject)]
            assert line.startswith("warning")
            assert "run 'payouts demo'" in line


def test_a_live_key_never_meets_the_embedded_ledger(empty: World) -> None:
    done = payouts(empty.but(STRIPE_API_KEY=f"sk_live_{SECRET}"), "doctor")
    assert done.returncode == 1
    assert "STRIPE_API_KEY is a live key, but PAYOUTS_DATABASE_URL is not set: name your own" in done.stdout
    assert "ok       ledger database: PostgreSQL" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_what_a_login_is_set_to_is_said_only_where_it_is_in_the_way(world: World) -> None:
    """Our own sessions set what they need; Dagster's servers make theirs by themselves."""
    in_the_way = {"idle_session_timeout": "30s", "default_transaction_isolation": "serializable"}
    with login_with(world.environment["DAGSTER_DATABASE_URL"], in_the_way | {"datestyle": "SQL, DMY"}) as url:
        found = examined(world.but(PAYOUTS_DATABASE_URL=_at(world, url), DAGSTER_DATABASE_URL=url), 0)
    says(found, "Dagster's storage", "warning", "idle_session_timeout = 30000 ms", "isolation = serializable", "reset")
    others_were_looked_at(found, {"Dagster's storage"})


def _at(world: World, url: str) -> str:
    """The ledger's database by another login."""
    ledger = conninfo_to_dict(world.environment["PAYOUTS_DATABASE_URL"])
    return make_conninfo(url, dbname=ledger["dbname"])


def test_a_storage_of_dagster_that_cannot_be_written_to(world: World) -> None:
    with login_with(world.environment["DAGSTER_DATABASE_URL"], {"default_transaction_read_only": "on"}) as url:
        spoilt(world.but(DAGSTER_DATABASE_URL=url), "Dagster's storage", "read-only for this login", "name the primary")


def test_a_ledger_whose_database_can_not_keep_every_text(world: World) -> None:
    with database_of(world.environment["PAYOUTS_DATABASE_URL"], "LATIN1") as url:
        found = examined(world.but(PAYOUTS_DATABASE_URL=url), 1)
    says(found, "ledger database", "problem", "its encoding is LATIN1", "with encoding UTF8")


def test_a_currency_of_the_league_in_which_our_account_has_no_balance(world: World) -> None:
    world.emulator().set_balance({"eur": 1_000, "aud": 1_000})
    found = examined(world, 0)
    words = "our account has none in JPY, KWD, in which schema 'league' has fees", "add a bank account in the currency"
    says(found, "balance at Stripe", "warning", *words)
    world.emulator().set_balance({"jpy": 1_000, "kwd": 10})
    assert {each["state"] for each in examined(world, 0)["balance at Stripe"]} == {"ok"}
