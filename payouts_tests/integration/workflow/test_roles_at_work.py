"""The least-privilege roles are enough for what they are for: a day is paid, settled by a fleet, and looked at."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

import pytest

from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.ledger import cancellations
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement import lambda_handler, messages
from payouts_tests.integration.settlement.test_lambda import record
from payouts_tests.support.command_line import payouts
from payouts_tests.support.fleets import publish_charges, publish_payouts, require_each_once, statuses
from payouts_tests.support.ledger_steps import fingerprint, violations
from payouts_tests.support.odd_databases import url_of
from payouts_tests.support.roles import login_of, make_roles
from payouts_tests.support.worlds import YESTERDAY, World

WHY = ("--reason", "a test")


class Staff:
    """An installation as those see it who have a login for their work alone."""

    def __init__(self, world: World, logins: ExitStack) -> None:
        self.world = world
        self._logins = logins

    def of(self, role: str) -> World:
        url = self._logins.enter_context(login_of(self.world.environment["PAYOUTS_DATABASE_URL"], f"payouts_{role}"))
        return self.world.but(PAYOUTS_DATABASE_URL=url_of(url), PAYOUTS_SOURCE_URL=url_of(url))


@pytest.fixture
def staff(world: World) -> Iterator[Staff]:
    make_roles(world.environment["PAYOUTS_DATABASE_URL"])
    with ExitStack() as logins:
        yield Staff(world, logins)


def said(world: World, *arguments: object) -> str:
    done = payouts(world, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_day_is_run_and_operated_by_one_login_and_looked_at_by_another(staff: Staff) -> None:
    pipeline, reader = staff.of("pipeline"), staff.of("reader")
    [day] = json.loads(said(pipeline, "run", YESTERDAY, "--json"))["days"]
    assert {"settled", "held", "waiting"} <= {line["status"] for line in day["instructions"]}
    ledger = staff.world.connect()
    operate(pipeline, ledger)
    said(pipeline, "run", YESTERDAY)
    before = fingerprint(ledger)
    said(pipeline, "run", YESTERDAY)
    staff.world.emulator().top_up(100, "aud")
    said(pipeline, "sync")
    before = fingerprint(ledger)
    for question in (["status", YESTERDAY], ["status", "--json"], ["verify"], ["verify", "--full"]):
        said(reader, *question)
    assert "player:" in said(reader, "explain", a(ledger, "player_charge", "settled"))
    assert fingerprint(ledger) == before
    refused = payouts(reader, "run", YESTERDAY)
    assert refused.returncode == 1
    require_each_once(staff.world, ledger)


def operate(pipeline: World, ledger: Connection) -> None:
    """What people do of a day's rest."""
    said(pipeline, "hold", "club:90402", *WHY)
    said(pipeline, "unhold", "club:90402", *WHY)
    said(pipeline, "approve")
    confirm_an_account(pipeline, ledger)
    said(pipeline, "retry", "--code", "insufficient_funds", *WHY)
    said(pipeline, "cancel", a(ledger, "player_charge", "held"), *WHY)
    charge, payout = a(ledger, "player_charge", "settled"), a(ledger, "club_payout", "settled")
    said(pipeline, "refund", charge, "--amount", "1", *WHY)
    said(pipeline, "reverse", payout, "--amount", "1", *WHY)
    query = "select player_id, currency from payouts.held_players limit 1"
    ((player, currency),) = ledger.execute(query).fetchall()
    said(pipeline, "write-off", f"player:{player}", currency, *WHY)
    said(pipeline, "ledger", "--beside", *WHY)
    said(pipeline, "recover")


def confirm_an_account(pipeline: World, ledger: Connection) -> None:
    """Of a club that has another one since, by the command; the end of the id is all that is shown of it."""
    query = """
        select a.subject_id from payouts.instructions as i join payouts.accounts as a on a.id = i.account_id
        where i.billing_type = 'club_payout' and i.status = 'settled' order by i.id limit 1
    """
    ((club,),) = ledger.execute(query).fetchall()
    ledger.execute("update league.clubs set stripe_account_id = 'acct_changed_wxyz' where id = %s", (club,))
    ledger.execute(
        "update league.fee_structures set fee_minor = fee_minor + 100 where id = any(select fee_structure_id from"
        " league.fee_shares)"
    )
    said(pipeline.but(PAYOUTS_CHANGE_LIMIT="{}"), "run", YESTERDAY)
    listed = said(pipeline, "confirm-account")
    assert f"club:{club}  account ending in wxyz" in listed
    assert "acct_" not in listed
    assert "has changed: nothing is paid to it before" in said(pipeline, "status", YESTERDAY)
    assert "confirm-account" in said(pipeline, "explain", f"club:{club}", YESTERDAY)
    said(pipeline, "confirm-account", f"club:{club}", *WHY)
    assert said(pipeline, "confirm-account").strip() == "No account waits to be confirmed."


def a(ledger: Connection, billing_type: str, status: str) -> UUID:
    query = "select id from payouts.instructions where billing_type = %s and status = %s order by id limit 1"
    found: UUID = ledger.execute(query, (billing_type, status)).fetchall()[0][0]
    return found


def test_a_fleet_settles_charges_and_payouts_and_pins_the_ledger(staff: Staff) -> None:
    pipeline, worker, ledger = staff.of("pipeline"), staff.of("worker"), staff.world.connect()
    with pipeline.connect() as session:
        assert publish_charges(pipeline, session) > 10
        said(worker, "worker", "--drain")
        assert publish_payouts(pipeline, session) > 3
        said(worker, "worker", "--drain")
    assert {"settled", "waiting", "rejected", "held"} <= statuses(ledger).keys()
    assert not {"published", "sending"} & statuses(ledger).keys()
    require_each_once(staff.world, ledger)
    assert not any(violations(ledger).values())
    assert ledger.execute("select pinned_at is not null from payouts.identity").fetchall() == [(True,)]


def test_the_function_settles_with_a_workers_login(staff: Staff) -> None:
    pipeline, ledger = staff.of("pipeline"), staff.world.connect()
    with pipeline.connect() as session:
        publish_charges(pipeline, session)
    ids = [row[0] for row in ledger.execute("select id from payouts.instructions order by id").fetchall()]
    records = [record(number, messages.body(each)) for number, each in enumerate(ids)]
    with staff.of("worker").entered():
        assert lambda_handler.handler({"Records": records}, None) == {"batchItemFailures": []}
        lambda_handler.close()
    assert statuses(ledger)["settled"] > 10
    require_each_once(staff.world, ledger)


def test_a_worker_cancels_what_was_asked_for(staff: Staff) -> None:
    pipeline, ledger = staff.of("pipeline"), staff.world.connect()
    with pipeline.connect() as session:
        publish_charges(pipeline, session)
        said(staff.of("worker"), "worker", "--drain")
        declined = a(ledger, "player_charge", "waiting")
        assert cancellations.cancel(session, declined, YESTERDAY, Reason(ReasonCode.REPLACED), "a test")
    with staff.of("worker").entered():
        lambda_handler.handler({"Records": [record(1, messages.body(declined))]}, None)
        lambda_handler.close()
    assert ledger.execute("select status from payouts.instructions where id = %s", (declined,)).fetchall() == [
        ("cancelled",)
    ]
    assert ledger.execute("select count(*) from payouts.fees where charge_id = %s", (declined,)).fetchall() == [(0,)]
    assert not any(violations(ledger).values())
