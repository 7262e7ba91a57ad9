"""Whoever can write to `league` leads no payout to an account of their own: one that has changed rests."""

from dataclasses import dataclass
from datetime import date, timedelta

import psycopg
import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.limits import NO_LIMITS, Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import bulk, payee_accounts
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed
from payouts_pipeline.workflow import operator_actions, phases
from payouts_pipeline.workflow.due import days_due
from payouts_pipeline.workflow.resume import retry
from payouts_tests.support.emulated_stripe import EmulatedStripe
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    Decide,
    claim,
    fingerprint,
    ids,
    pass_time,
    rejected,
    settle,
    violations,
    waiting,
)
from payouts_tests.support.reasons import sentences
from payouts_tests.support.stripe_books import Books, make_books

RESTING = Limits(account_rest=timedelta(hours=24))
NEXT, LATER = DAY + timedelta(days=1), DAY + timedelta(days=2)
CLUB_SHARES = [("club", None, 0, 5_000), ("organiser", None, 0, 5_000)]
_APPROVED = "insert into payouts.approvals select id, {}, 'x', 'x' from payouts.instructions where status = '{}'"
RESTS = "the club's Stripe account has changed: nothing is paid to it before "


@dataclass
class Night:
    """Days of one ledger, paid at a real emulator with accounts that rest."""

    books: Books

    @property
    def ledger(self) -> Connection:
        return self.books.ledger

    @property
    def club(self) -> Payee:
        return Payee(BillingSubject.CLUB, self.books.club)

    def pays(self, day: date, limits: Limits = RESTING) -> None:
        """Both assets of a day."""
        self.charges(day, limits)
        phases.open_payouts(self.ledger, self.books.source, day, {}, ACTOR, limits)
        settle(self.ledger, day, self.books.pay)

    def charges(self, day: date, limits: Limits = RESTING) -> None:
        """The first of them."""
        splits = split(reader.fees_of_day(self.books.source, day, SYDNEY))
        phases.open_charges(self.ledger, self.books.source, day, splits, ACTOR, limits)
        settle(self.ledger, day, self.books.pay)

    def receives(self, account: str, club: int | None = None) -> None:
        """`league` names an account of the club that Stripe would pay to."""
        self.books.emulator.admin.put_accounts([AccountSeed(id=account)])
        self.books.league.set("clubs", club or self.books.club, stripe_account_id=account)

    def player(self, club: int) -> int:
        """One of the club, who is known at Stripe."""
        player = self.books.league.player(club, method="pm_card_visa")
        seed = CustomerSeed(id=f"cus_{player}", default_payment_method="pm_card_visa")
        self.books.emulator.admin.put_customers([seed])
        return player

    def paid(self) -> list[str]:
        """To whom money has moved at Stripe, in order."""
        return [str(row.destination) for row in self.books.emulator.admin.journal() if row.kind == "transfer"]

    def confirm(self, payee: Payee | None = None) -> None:
        operator_actions.confirm_account(self.ledger, payee or self.club, "cli ada", "asked the treasurer")

    def due(self) -> set[date]:
        return set(days_due(self.ledger, self.books.source))

    def held(self) -> list[str]:
        return sentences(self.ledger, "%payout")


@pytest.fixture
def night(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Night:
    """A club with a fee on each of three days."""
    books = make_books(ledger, source, league, emulator)
    emulator.admin.set_balance({"eur": 100_000})
    for day in (DAY, NEXT, LATER):
        books.player_owes(day=day)
    return Night(books)


@pytest.fixture
def paid_once(night: Night) -> Night:
    """The first day is paid; a first account does not rest."""
    night.pays(DAY)
    assert night.paid() == ["acct_club"]
    return night


def test_a_changed_account_rests_and_is_paid_by_itself_afterwards(paid_once: Night) -> None:
    night = paid_once
    night.receives("acct_new")
    night.pays(NEXT)
    [held] = night.held()
    assert held.startswith(RESTS)
    assert night.paid() == ["acct_club"]
    before = fingerprint(night.ledger)
    night.pays(NEXT)
    assert fingerprint(night.ledger) == before
    assert NEXT not in night.due()
    pass_time(night.ledger, 23.9)
    night.pays(NEXT)
    assert night.paid() == ["acct_club"]
    pass_time(night.ledger, 0.2)
    assert NEXT in night.due()
    night.pays(NEXT)
    assert night.paid() == ["acct_club", "acct_new"]
    night.pays(LATER)
    assert night.paid() == ["acct_club", "acct_new", "acct_new"]
    assert violations(night.ledger) == {}


def test_a_person_can_confirm_it_earlier_and_for_good(paid_once: Night) -> None:
    night = paid_once
    night.receives("acct_new")
    night.pays(NEXT)
    [waits] = payee_accounts.to_confirm(night.ledger)
    assert (waits.payee, waits.ending, waits.instructions) == (night.club, "_new", 1)
    night.confirm()
    assert night.held() == ["the account is confirmed: asked the treasurer"]
    assert NEXT in night.due()
    night.pays(NEXT)
    assert night.paid() == ["acct_club", "acct_new"]
    with pytest.raises(PayoutsError, match="Nothing speaks against"):
        night.confirm()
    assert violations(night.ledger) == {}


def test_a_confirmation_is_not_for_an_account_that_comes_after_it(paid_once: Night) -> None:
    night = paid_once
    night.receives("acct_new")
    night.pays(NEXT)
    night.receives("acct_mine")
    night.confirm()
    night.pays(NEXT)
    assert night.paid() == ["acct_club"]
    assert [each.stripe_account_id for each in payee_accounts.to_confirm(night.ledger)] == ["acct_mine"]


def test_the_old_account_is_paid_at_once_again_and_the_new_one_then_rests_anew(paid_once: Night) -> None:
    """What was paid to before is no way to somebody else's pocket; the rest counts from the last change."""
    night = paid_once
    night.receives("acct_mine")
    night.pays(NEXT)
    night.receives("acct_club")
    assert NEXT in night.due()
    night.pays(NEXT)
    assert night.paid() == ["acct_club", "acct_club"]
    pass_time(night.ledger, 48)
    night.receives("acct_mine")
    night.pays(LATER)
    assert night.paid() == ["acct_club", "acct_club"]
    assert night.held()[0].startswith(RESTS)


def test_without_a_rest_it_is_paid_at_once(paid_once: Night) -> None:
    paid_once.receives("acct_new")
    paid_once.pays(NEXT, NO_LIMITS)
    assert paid_once.paid() == ["acct_club", "acct_new"]


def test_an_account_that_is_entered_late_is_a_first_one(night: Night) -> None:
    night.books.league.set("clubs", night.books.club, stripe_account_id=None)
    night.pays(DAY)
    night.receives("acct_first")
    night.pays(DAY)
    assert night.paid() == ["acct_first"]


@pytest.mark.parametrize("decide", [waiting, rejected])
def test_what_was_refused_does_not_go_on_to_a_changed_account(night: Night, decide: Decide) -> None:
    ledger, source = night.ledger, night.books.source
    splits = split(reader.fees_of_day(source, DAY, SYDNEY))
    phases.open_charges(ledger, source, DAY, splits, ACTOR, RESTING)
    settle(ledger, DAY, night.books.pay)
    phases.open_payouts(ledger, source, DAY, {}, ACTOR, RESTING)
    settle(ledger, DAY, decide)
    night.receives("acct_new")
    night.pays(DAY)
    assert night.held()[0].startswith(RESTS)
    assert night.paid() == []
    pass_time(ledger, 25)
    night.pays(DAY)
    assert night.paid() == ["acct_new"]
    assert violations(ledger) == {}


def test_what_is_retried_does_not_go_to_a_changed_account(paid_once: Night) -> None:
    night = paid_once
    ledger, source = night.ledger, night.books.source
    splits = split(reader.fees_of_day(source, NEXT, SYDNEY))
    phases.open_charges(ledger, source, NEXT, splits, ACTOR, RESTING)
    settle(ledger, NEXT, night.books.pay)
    phases.open_payouts(ledger, source, NEXT, {}, ACTOR, RESTING)
    settle(ledger, NEXT, rejected)
    night.receives("acct_new")
    retried = retry(ledger, source, "stolen_card", None, "cli ada", "fixed", RESTING.account_rest)
    assert (dict(retried.pending), retried.held) == ({}, 1)
    assert night.held()[0].startswith(RESTS)


def test_a_change_after_the_approval_asks_for_another_and_rests(night: Night) -> None:
    """As it was tried: approved for one account, paid to another."""
    limits = Limits({"EUR": 500}, RESTING.account_rest)
    night.pays(DAY, Limits(account_rest=RESTING.account_rest))
    night.pays(NEXT, limits)
    [charge] = ids(night.ledger, NEXT, "held")
    operator_actions.approve(night.ledger, charge, "cli bob", "known")
    night.pays(NEXT, limits)
    [payout] = ids(night.ledger, NEXT, "held")
    operator_actions.approve(night.ledger, payout, "cli bob", "known")
    night.receives("acct_mine")
    night.pays(NEXT, limits)
    assert night.held() == ["above 5.00 EUR: waits for approval"]
    operator_actions.approve(night.ledger, payout, "cli bob", "known")
    assert night.held()[0].startswith(RESTS)
    night.pays(NEXT, limits)
    assert night.paid() == ["acct_club"]
    pass_time(night.ledger, 25)
    night.pays(NEXT, limits)
    assert night.paid() == ["acct_club", "acct_mine"]


def test_a_worker_sends_nothing_to_a_changed_account_whatever_the_status_says(paid_once: Night) -> None:
    """As somebody would do it who can write to the ledger, but is not its owner."""
    night = paid_once
    night.pays(NEXT, Limits({"EUR": 1}))
    night.ledger.execute("update payouts.instructions set status = 'pending' where status = 'held'")
    night.ledger.execute(_APPROVED.format("stripe_customer_id", "pending"))
    night.pays(NEXT, Limits({"EUR": 1}))
    night.ledger.execute(_APPROVED.format("'acct_mine'", "held"))
    night.ledger.execute(
        "update payouts.instructions set status = 'pending', stripe_account_id = 'acct_mine' where status = 'held'"
    )
    assert claim(night.ledger, ids(night.ledger)) == []
    assert night.held()[0].startswith(RESTS)


def test_the_database_refuses_an_attempt_to_a_resting_account(paid_once: Night) -> None:
    night = paid_once
    night.receives("acct_new")
    night.pays(NEXT)
    [payout] = ids(night.ledger, NEXT, "held")
    with pytest.raises(psycopg.errors.RaiseException, match="to an account that may be paid"):
        night.ledger.execute(
            "insert into payouts.attempts (instruction_id, number, stripe_account_id) values (%s, 1, 'acct_new')",
            (payout,),
        )


def test_the_second_payee_with_an_account_waits_for_a_person(night: Night) -> None:
    """Two rows of one club: its money does not go out twice before somebody has looked."""
    league = night.books.league
    twin = league.club("acct_club")
    player = night.player(twin)
    league.fee(player, DAY)
    night.pays(DAY)
    assert night.paid() == ["acct_club"]
    assert night.held() == [
        f"the club's Stripe account is also that of {night.club}: nothing is paid to it before a person confirms it"
    ]
    pass_time(night.ledger, 48)
    before = fingerprint(night.ledger)
    night.pays(DAY)
    assert fingerprint(night.ledger) == before
    twin_of = Payee(BillingSubject.CLUB, twin)
    night.confirm(twin_of)
    night.pays(DAY)
    assert night.paid() == ["acct_club", "acct_club"]
    league.fee(player, NEXT)
    night.pays(NEXT)
    assert len(night.paid()) == 4
    assert violations(night.ledger) == {}


def test_an_account_that_another_payee_was_paid_to_asks_a_person_also_after_its_rest(paid_once: Night) -> None:
    night, league = paid_once, paid_once.books.league
    other = league.club("acct_other")
    night.books.emulator.admin.put_accounts([AccountSeed(id="acct_other")])
    for day in (DAY, NEXT):
        player = night.player(other)
        league.fee(player, day)
    night.pays(DAY)
    night.receives("acct_club", other)
    night.receives("acct_elsewhere")
    pass_time(night.ledger, 48)
    night.pays(NEXT)
    assert f"is also that of {night.club}" in " ".join(night.held())
    pass_time(night.ledger, 48)
    night.pays(NEXT)
    assert night.paid() == ["acct_club", "acct_other", "acct_elsewhere"]
    # The old account of its own is put back.
    night.receives("acct_other", other)
    night.pays(NEXT)
    assert night.paid() == ["acct_club", "acct_other", "acct_elsewhere", "acct_other"]


def test_club_and_organiser_with_one_account_are_confirmed_once(night: Night) -> None:
    league = night.books.league
    organiser = league.organiser("acct_club")
    competition = league.competition(organiser)
    league.terms(competition, 1_000, "EUR", CLUB_SHARES)
    player = night.player(night.books.club)
    league.plays(league.match(competition, DAY), player)
    night.pays(DAY)
    assert night.paid() == ["acct_club"]
    assert "the organiser's Stripe account is also that of club:" in night.held()[0]
    night.confirm(Payee(BillingSubject.ORGANISER, organiser))
    night.pays(DAY)
    assert night.paid() == ["acct_club", "acct_club"]


def test_what_the_ledger_has_seen_is_final(paid_once: Night) -> None:
    for statement in (
        "delete from payouts.payee_accounts",
        "update payouts.payee_accounts set stripe_account_id = 'acct_mine'",
        "delete from payouts.account_confirmations",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            paid_once.ledger.execute(statement)


def test_what_changed_rests_on_whichever_page_its_payee_stands(
    paid_once: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night, league = paid_once, paid_once.books.league
    monkeypatch.setattr(bulk, "PAGE_ROWS", 1)
    other = league.club()
    night.receives("acct_other", other)
    player = night.player(other)
    for day in (DAY, NEXT):
        league.fee(player, day)
    night.pays(DAY)
    assert night.paid() == ["acct_club", "acct_other"]
    night.receives("acct_new")
    night.receives("acct_other_new", other)
    night.charges(NEXT)
    phases.open_payouts(night.ledger, night.books.source, NEXT, {}, ACTOR, RESTING)
    assert [held.startswith(RESTS) for held in night.held()] == [True, True]
