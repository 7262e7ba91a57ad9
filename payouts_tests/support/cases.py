"""One player with one fee, all of which is its club's; and what it takes to settle charge and payout."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import (
    AccountBehaviour,
    AccountSeed,
    CustomerSeed,
    FaultKind,
    FaultRule,
    OtherAnswer,
)
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.worker import Worker
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import LEASE_S, book, ids, pass_time, release
from payouts_tests.support.reasons import reasons
from payouts_tests.support.trust import TRUSTED

DAY = date(2026, 5, 2)
TIMEOUT_S = 0.5
HOUR = timedelta(hours=1)
OPEN = ("pending", "published", "sending", "unknown")
POSTS = {
    BillingType.PLAYER_CHARGE: "POST /v1/payment_intents",
    BillingType.CLUB_PAYOUT: "POST /v1/transfers",
}


@dataclass
class Case:
    """One player with one fee, all of which is its club's; and what it takes to settle charge and payout."""

    ledger: Connection
    source: Connection
    league: League
    stripe: EmulatedStripe
    worker: Worker
    player: int
    club: int

    def open(self, kind: BillingType) -> None:
        """Bring the case to where the only instruction that is open is of this kind, and not sent yet."""
        book(self.ledger, self.source, DAY)
        if kind == BillingType.CLUB_PAYOUT:
            self.deliver()
            release(self.ledger, self.source, DAY)

    def fails(self, kind: FaultKind, method: str = "POST", times: int = 1, **details: Any) -> None:
        self.stripe.admin.add_faults(FaultRule(kind=kind, method=method, times=times, **details))

    def answers_with(self, answer: OtherAnswer, method: str = "POST", *, acted: bool, **details: Any) -> None:
        """Stripe's next answer is another one, with what was asked for done or not."""
        self.fails(FaultKind.OTHER_ANSWER, method, answer=answer, acted=acted, **details)

    def deliver(self) -> None:
        """A message for everything that is open."""
        self.worker.settle(ids(self.ledger, DAY, *OPEN))

    def materialise(self) -> None:
        """Both phases, with messages for what they made or took up."""
        book(self.ledger, self.source, DAY)
        self.deliver()
        release(self.ledger, self.source, DAY)
        self.deliver()

    def pass_time(self, span: timedelta) -> None:
        """For us and for the provider."""
        self.stripe.admin.advance_clock(int(span.total_seconds()))
        pass_time(self.ledger, span / HOUR)

    def stands(self, kind: BillingType) -> tuple[str, str]:
        """Status and reason of the only instruction of this kind."""
        [(_, status, sentence)] = reasons(self.ledger, kind)
        return status, sentence or ""

    def status(self, kind: BillingType) -> str:
        return self.stands(kind)[0]

    def movements(self, kind: BillingType) -> int:
        moved = self.stripe.admin.journal()
        return sum(row.metadata["billing_type"] == kind for row in moved)

    def posts(self, kind: BillingType) -> int:
        """How often the provider was asked to move this kind's money."""
        return self.stripe.admin.counters().get(POSTS[kind], 0)

    def calls(self) -> int:
        return sum(self.stripe.admin.counters().values())

    def attempts(self, kind: BillingType) -> list[tuple[int, str | None]]:
        return self.ledger.execute(
            "select number, outcome from payouts.attempts join payouts.instructions as i on i.id = instruction_id"
            " where billing_type = %s order by number",
            (kind,),
        ).fetchall()

    def pay_with(self, card: str) -> None:
        """A payment method of its own for each card, as a player who enters another card gets."""
        method = f"pm_{card}_{self.player}"
        seed = CustomerSeed(id=f"cus_{self.player}", default_payment_method=method, card=f"pm_card_{card}")
        self.stripe.admin.put_customers([seed])
        self.league.set("players", self.player, stripe_payment_method_id=method)

    def receive_at(self, account: str, behaviour: AccountBehaviour | None) -> None:
        if behaviour:
            self.stripe.admin.put_accounts([AccountSeed(id=account, behaviour=behaviour)])
        self.league.set("clubs", self.club, stripe_account_id=account)


@contextmanager
def one_case(ledger: Connection, source: Connection, league: League, stripe: EmulatedStripe) -> Iterator[Case]:
    """The case at its start: nothing is booked, the card pays, the account receives, and our balance covers it."""
    stripe.admin.reset()
    stripe.admin.set_balance({"eur": 100_000})

    @contextmanager
    def connect() -> Iterator[Connection]:
        yield ledger

    with ThreadPoolExecutor(1) as calls:
        worker = Worker(
            connect, StripeClient(API_KEY, stripe.url, timeout_s=TIMEOUT_S), calls, TRUSTED, "worker", LEASE_S
        )
        club = league.club()
        made = Case(ledger, source, league, stripe, worker, league.player(club), club)
        league.fee(made.player, DAY)
        made.pay_with("visa")
        made.receive_at(f"acct_{club}", AccountBehaviour.RECEIVES)
        yield made
