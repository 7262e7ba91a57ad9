"""A ledger whose money really moves at an emulated Stripe, and what the books say of it on both sides."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.identity import Account
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.workflow.sync import Synced, sync
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import materialise


@dataclass(frozen=True)
class Books:
    """A ledger, its league and its Stripe; ``club`` gets all of each fee."""

    ledger: Connection
    source: Connection
    league: League
    emulator: EmulatedStripe
    stripe: StripeClient
    club: int

    def pay(self, attempt: Attempt) -> Outcome:
        """What a worker does."""
        return execute(attempt, self.stripe, None, float("inf"))  # type: ignore[arg-type]

    def player_owes(self, amount_minor: int = 1_000, currency: str = "EUR", day: date = DAY) -> int:
        """One more player with a fee on a day, who is known at Stripe."""
        player = self.league.player(self.club, method="pm_card_visa")
        self.emulator.admin.put_customers([CustomerSeed(id=f"cus_{player}", default_payment_method="pm_card_visa")])
        self.league.fee(player, day, amount_minor, currency)
        return player

    def settle(self, pay: Callable[[Attempt], Outcome | None] | None = None) -> None:
        """Materialise the day, with what the emulator says."""
        materialise(self.ledger, self.source, DAY, pay or self.pay)

    def sync(self, **options: Any) -> Synced:
        found = sync(self.ledger, self.stripe, "test", **options)
        assert found is not None
        return found

    def entered(self) -> dict[str, int]:
        """What stands on our own accounts, by subject and currency; positive is a debit."""
        query = """
            select a.subject || ' ' || a.currency, sum(e.amount_minor)::bigint
            from payouts.entries as e join payouts.accounts as a on a.id = e.account_id
            where a.subject_id = 0 and a.subject <> 'platform' group by 1 having sum(e.amount_minor) <> 0
        """
        return dict(self.ledger.execute(query).fetchall())

    def at_stripe(self) -> dict[str, int]:
        """What stands on our account there, by currency."""
        found: Any = self.emulator.sdk().v1.balance.retrieve()
        sums: dict[str, int] = {}
        for each in [*found.available, *found.pending]:
            sums[each.currency.upper()] = sums.get(each.currency.upper(), 0) + each.amount
        return {currency: amount for currency, amount in sums.items() if amount}

    def assert_equal(self) -> None:
        """The ledger's account is Stripe's balance, to the minor unit."""
        ours = {name.split()[1]: amount for name, amount in self.entered().items() if name.startswith("provider ")}
        assert ours == self.at_stripe()

    def references(self, billing_type: str = "player_charge") -> list[str]:
        """By which movements instructions are settled."""
        query = "select provider_reference from payouts.instructions where billing_type = %s and status = 'settled'"
        return [row[0] for row in self.ledger.execute(f"{query} order by id", (billing_type,))]

    def transaction_of(self, movement_id: str) -> str:
        """The balance transaction of a charge or transfer, as it is kept."""
        query = "select id from payouts.balance_transactions where movement_id = %s and kind = 'movement'"
        ((found,),) = self.ledger.execute(query, (movement_id,)).fetchall()
        return str(found)

    def assigned(self) -> list[tuple[str, str, str | None]]:
        """Type, what each was entered as, and why, in their order."""
        return self.ledger.execute(
            "select t.type, s.assigned_to, s.reason_code from payouts.assignments as s"
            " join payouts.balance_transactions as t on t.id = s.transaction_id order by t.created_at, t.type, t.id"
        ).fetchall()


def make_books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    """An emulator that was started over, with 5,000.00 EUR that we have put in, and nothing settled yet."""
    emulator.admin.reset()
    emulator.admin.set_balance({"eur": 500_000})
    emulator.admin.put_customers([CustomerSeed(id="cus_payer", default_payment_method="pm_card_visa")])
    stripe, club = StripeClient(API_KEY, emulator.url), league.club("acct_club")
    emulator.admin.put_accounts([AccountSeed(id="acct_club"), AccountSeed(id="acct_other")])
    identity.pin(ledger, Account(stripe.account(), stripe.mode))
    return Books(ledger, source, league, emulator, stripe, club)
