"""Nobody approves what they have done themselves: refused with a sentence, and by the database in any case."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.workflow import adjustments, give_back, operator_actions, phases
from payouts_pipeline.workflow.give_back import Target
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import ACTOR, fingerprint, ids, settle, violations

WHY = "it is right"
LIMITS = Limits({"EUR": 5_000}, timedelta(hours=24))
NEXT = DAY + timedelta(days=1)


def night(ledger: Connection, source: Connection, day: date = DAY, limits: Limits = LIMITS) -> None:
    """Both assets of a day, with a limit for approvals and one for changes."""
    splits = split(reader.fees_of_day(source, day, SYDNEY))
    change = ChangeLimit(0.2)
    phases.open_charges(ledger, source, day, splits, ACTOR, limits, change_limit=change)
    settle(ledger)
    phases.open_payouts(ledger, source, day, {}, ACTOR, limits)
    settle(ledger)


def held(ledger: Connection) -> UUID:
    [found] = ids(ledger, None, "held")
    return found


Scene = Callable[[Connection, Connection, League], None]


def accepted(ledger: Connection, source: Connection, league: League) -> None:
    """Ada has accepted a change, whose charge is above the limit."""
    line = league.fee(league.player(), DAY)
    night(ledger, source)
    league.fee_becomes(line, 9_000)
    night(ledger, source)
    proposals.accept(ledger, DAY, "cli ada", WHY)
    night(ledger, source)


def asked_for(ledger: Connection, source: Connection, league: League) -> None:
    """Ada has asked for a charge back."""
    league.fee(league.player(), DAY, 9_000)
    night(ledger, source, limits=Limits())
    [charge] = (
        ledger.execute("select id from payouts.instructions where billing_type = 'player_charge'").fetchone() or []
    )
    give_back.refund(ledger, Target(charge), Asked("instruction", None, "cli ada", WHY), LIMITS.approval_above_minor)


def confirmed(ledger: Connection, source: Connection, league: League) -> None:
    """Ada has confirmed the account that a club has now."""
    club = league.club()
    league.fee(league.player(club), DAY)
    night(ledger, source)
    for _ in range(9):
        league.fee(league.player(club), NEXT)
    league.set("clubs", club, stripe_account_id="acct_new")
    night(ledger, source, NEXT)
    operator_actions.confirm_account(ledger, Payee(BillingSubject.CLUB, club), "cli ada", WHY)


def moved(ledger: Connection, source: Connection, league: League) -> None:
    """Ada has moved what a club is owed to another one."""
    club, other = league.club(None), league.club()
    for _ in range(9):
        league.fee(league.player(club), DAY)
    night(ledger, source, limits=Limits())
    for payout in ids(ledger, None, "held"):
        operator_actions.cancel(ledger, payout, ACTOR, WHY)
    payees = Payee(BillingSubject.CLUB, club), Payee(BillingSubject.CLUB, other)
    adjustments.transfer_balance(ledger, source, *payees, "cli ada", WHY)
    night(ledger, source)


SCENES = {
    accepted: "accepted the change",
    asked_for: "asked for it",
    confirmed: "confirmed the account",
    moved: "moved the balance",
}


@pytest.mark.parametrize(("scene", "said"), SCENES.items())
@pytest.mark.parametrize("actor", ["cli ada", "ui ada", "ui Ada"])
def test_who_has_done_it_does_not_approve_it_and_another_does(
    ledger: Connection, source: Connection, league: League, scene: Scene, said: str, actor: str
) -> None:
    scene(ledger, source, league)
    waits = held(ledger)
    before = fingerprint(ledger)
    with pytest.raises(PayoutsError, match=f"You have {said}.*another person must approve"):
        operator_actions.approve(ledger, waits, actor, WHY)
    assert fingerprint(ledger) == before
    operator_actions.approve(ledger, waits, "cli bob", WHY)
    assert violations(ledger) == {}


@pytest.mark.parametrize("scene", SCENES)
def test_the_database_refuses_it_whatever_the_code_says(
    ledger: Connection, source: Connection, league: League, scene: Scene
) -> None:
    scene(ledger, source, league)
    insert = (
        "insert into payouts.approvals (instruction_id, payee_id, actor, reason) select id,"
        " coalesce(stripe_account_id, stripe_customer_id), %s, 'x' from payouts.instructions where id = %s"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="nobody approves what they have done themselves"):
        ledger.execute(insert, ("ui ada", held(ledger)))
    ledger.execute(insert, ("ui bob", held(ledger)))


def test_who_has_approved_a_payout_does_not_confirm_its_account(
    ledger: Connection, source: Connection, league: League
) -> None:
    club = league.club()
    league.fee(league.player(club), DAY)
    night(ledger, source)
    for _ in range(9):
        league.fee(league.player(club), NEXT)
    league.set("clubs", club, stripe_account_id="acct_new")
    night(ledger, source, NEXT)
    operator_actions.approve(ledger, held(ledger), "cli ada", WHY)
    payee = Payee(BillingSubject.CLUB, club)
    with pytest.raises(PayoutsError, match="another person must confirm it"):
        operator_actions.confirm_account(ledger, payee, "ui Ada", WHY)
    with pytest.raises(psycopg.errors.RaiseException, match="for which they have approved"):
        ledger.execute(
            "insert into payouts.account_confirmations (subject, subject_id, stripe_account_id, actor, reason)"
            " values ('club', %s, 'acct_new', 'cli ada', 'x')",
            (club,),
        )
    operator_actions.confirm_account(ledger, payee, "cli bob", WHY)


def test_another_name_does_not_help_who_has_a_login_of_their_own(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    """Days are booked with another login, which many persons may use."""
    accepted_by, login = "cli ada", "ada_of_finance"
    line = league.fee(league.player(), DAY)
    night(ledger, source)
    league.fee_becomes(line, 9_000)
    night(ledger, source)
    ledger.execute(SQL("create role {} superuser").format(Identifier(login)))
    try:
        ledger.execute(SQL("set session authorization {}").format(Identifier(login)))
        proposals.accept(ledger, DAY, accepted_by, WHY)
        ledger.execute("reset session authorization")
        night(ledger, source)
        waits = held(ledger)
        ledger.execute(SQL("set session authorization {}").format(Identifier(login)))
        with pytest.raises(PayoutsError, match="another person must approve"):
            operator_actions.approve(ledger, waits, "cli somebody_else", WHY)
        ledger.execute("reset session authorization")
        operator_actions.approve(ledger, waits, "cli somebody_else", WHY)
    finally:
        ledger.execute("reset session authorization")
        ledger.execute(SQL("drop role {}").format(Identifier(login)))
