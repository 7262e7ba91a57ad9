"""An installation whose ledger can be backed up and restored: four players, two clubs, a day and the day before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count

from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.movements import Kept
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed
from payouts_pipeline.reports.reconciliation import reconcile
from payouts_pipeline.settlement.assemble import Settlement, StripeAccount, settlement
from payouts_pipeline.workflow.recover import recover
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import book, ids, release, violations

DAY = date(2026, 5, 2)
DAY_BEFORE = DAY - timedelta(days=1)
PLAYERS = 4

_numbers = count(1)


class Place:
    """A database that can be backed up and restored, a league in it, and Stripe."""

    def __init__(self, admin: Connection, postgres_url: str, template: str, stripe: EmulatedStripe) -> None:
        self._admin = admin
        self._postgres_url = postgres_url
        self.name = f"recover_{next(_numbers)}"
        self.stripe = stripe
        self._copy(template, self.name)
        self.url = make_conninfo(postgres_url, dbname=self.name)
        with self.connected() as ledger:
            self._fill(League(ledger))

    def _fill(self, league: League) -> None:
        self.stripe.admin.reset()
        self.stripe.admin.set_balance({"eur": 1_000_000})
        clubs = [league.club(f"acct_club{number}") for number in range(2)]
        self.stripe.admin.put_accounts(AccountSeed(id=name) for name in ("acct_club0", "acct_club1", "acct_new"))
        for number in range(PLAYERS):
            customer = f"cus_{number}"
            self.stripe.admin.put_customers([CustomerSeed(id=customer, default_payment_method="pm_card_visa")])
            player = league.player(clubs[number % 2], customer=customer, method="pm_card_visa")
            for day in (DAY_BEFORE, DAY):
                league.fee(player, day)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with open_connection(self.url) as connection:
            yield connection

    @contextmanager
    def parts(self) -> Iterator[Settlement]:
        with settlement(self.url, StripeAccount(API_KEY, self.stripe.url), threads=2) as parts:
            yield parts

    def night(self, day: date = DAY, at: Callable[[str], None] = lambda _: None) -> None:
        """Materialise a day; ``at`` is told of each moment, with nothing connected."""
        at("before the night")
        with self.connected() as ledger, self.connected() as source:
            book(ledger, source, day)
        at("booked")
        self._settle(day, PLAYERS // 2)
        at("in the middle of charges")
        self._settle(day)
        at("charged")
        with self.connected() as ledger, self.connected() as source:
            release(ledger, source, day)
        at("before payouts")
        self._settle(day)

    def _settle(self, day: date, at_most: int | None = None) -> None:
        with self.connected() as ledger, self.parts() as parts:
            parts.worker.settle(ids(ledger, day, "pending", "published", "sending", "unknown")[:at_most])

    def recover(self) -> list[Kept]:
        with self.connected() as ledger, self.connected() as source, self.parts() as parts:
            return recover(ledger, source, parts, "test")

    def back_up(self) -> None:
        self._copy(self.name, f"{self.name}_backup")

    def restore(self) -> None:
        self._drop(self.name)
        self._copy(f"{self.name}_backup", self.name)
        # The keys of the night are forgotten: the same call would pay again.
        self.stripe.admin.advance_clock(25 * 3600)

    def moved(self) -> dict[str, int]:
        """What Stripe has moved, by its own journal; each instruction once."""
        rows = self.stripe.admin.journal()
        assert len({row.metadata["instruction_id"] for row in rows}) == len(rows)
        return {str(row.metadata["instruction_id"]): abs(row.amount) for row in rows}

    def settled(self) -> dict[str, int]:
        with self.connected() as ledger:
            query = "select id::text, amount_minor from payouts.instructions where status = 'settled'"
            return dict(ledger.execute(query).fetchall())

    def stands(self, billing_type: str) -> set[tuple[str, str | None]]:
        with self.connected() as ledger:
            query = "select status, reason_code from payouts.instructions where billing_type = %s and day = %s"
            return set(ledger.execute(query, (billing_type, DAY)).fetchall())

    def require_right(self) -> None:
        """Every rule holds, and what is settled here is what Stripe has moved, to the cent."""
        assert self.settled() == self.moved()
        with self.connected() as ledger, self.parts() as parts:
            assert violations(ledger) == {}
            assert reconcile(ledger, parts.stripe(), None) == []

    def close(self) -> None:
        self._drop(self.name)
        self._drop(f"{self.name}_backup")

    def _copy(self, source: str, target: str) -> None:
        statement = SQL("create database {} template {}").format(Identifier(target), Identifier(source))
        self._admin.execute(statement)

    def _drop(self, name: str) -> None:
        self._admin.execute(SQL("drop database if exists {} with (force)").format(Identifier(name)))
