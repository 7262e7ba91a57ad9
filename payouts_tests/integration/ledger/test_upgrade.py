"""A ledger that an earlier version has left behind is upgraded, is what it was, and goes on."""

from pathlib import Path

import pytest

from payouts_pipeline.ledger.database import Connection, sql
from payouts_pipeline.ledger.migrate import migrate, migrations
from payouts_pipeline.reports.audit import audit
from payouts_tests.support import oracle
from payouts_tests.support.frozen_ledgers import DAYS, load
from payouts_tests.support.leagues import SYDNEY
from payouts_tests.support.ledger_steps import account, fingerprint, materialise, pass_time, settle, settled, violations

LEFT_BEHIND = sorted(Path(__file__).parent.glob("ledger_of_*.json"))


@pytest.fixture(params=LEFT_BEHIND, ids=lambda file: file.stem)
def upgraded(request: pytest.FixtureRequest, ledger: Connection) -> Connection:
    """The ledger of that version, brought up to this one."""
    ledger.execute("drop schema payouts cascade; create schema payouts")
    of_then = {name: text for name, text in migrations().items() if name.split("_")[0] <= request.param.stem[-4:]}
    ledger.execute(sql("create_migrations"))
    for text in of_then.values():
        ledger.execute(text)
    load(ledger, request.param.read_text("utf-8"))
    assert migrate(ledger) == [name for name in migrations() if name not in of_then]
    return ledger


def test_it_is_what_it_was(upgraded: Connection) -> None:
    found = audit(upgraded, None, {}, full=True)
    assert found.errors == []
    assert violations(upgraded) == {}
    statuses = {row[0] for row in upgraded.execute("select distinct status from payouts.instructions")}
    assert statuses == {"held", "waiting", "rejected", "unknown", "sending", "settled", "cancelled", "pending"}


def test_it_goes_on(upgraded: Connection, source: Connection) -> None:
    upgraded.execute("update league.players set stripe_customer_id = 'cus_' || id, stripe_payment_method_id = 'pm_new'")
    pass_time(upgraded, hours=48)
    # A worker took it, and died.
    settle(upgraded, None, settled, "sending")
    for day in [*DAYS, *DAYS]:
        materialise(upgraded, source, day)
    assert violations(upgraded) == {}
    assert audit(upgraded, None, {}).errors == []
    fees = [fee for day in DAYS for fee in oracle.fees_of_day(source, day, SYDNEY)[0]]
    for (subject, subject_id, currency), amount_minor in oracle.positions(fees).items():
        assert account(upgraded, subject, subject_id, currency)[0] == amount_minor
    left = upgraded.execute(
        "select distinct status from payouts.instructions where status not in ('settled', 'cancelled')"
    )
    assert left.fetchall() == [("held",)], "a person has it on hold"
    before = fingerprint(upgraded)
    for day in DAYS:
        materialise(upgraded, source, day)
    assert fingerprint(upgraded) == before
