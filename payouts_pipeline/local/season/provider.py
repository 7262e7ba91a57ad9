"""What the Stripe emulator must know before a match of the sample season can be paid."""

from dataclasses import dataclass

from payouts_pipeline.local.season import people
from payouts_pipeline.local.season.frames import Frames
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed, EmulatorAdmin


@dataclass(frozen=True)
class StripeEntities:
    """The customers and accounts that exist at the provider."""

    customers: list[CustomerSeed]
    accounts: list[AccountSeed]


def stripe_entities(frames: Frames) -> StripeEntities:
    """List the players' Stripe customers, each with a default payment method, and the payees' accounts.

    `frames` are those of `season_frames` or `reference_frames`.
    """
    players = frames["players"].dropna(subset="stripe_customer_id")
    customers = [
        CustomerSeed(id=str(customer_id), default_payment_method=people.card_of(int(player_id)))
        for player_id, customer_id in zip(players["id"], players["stripe_customer_id"], strict=True)
    ]
    payees = [frames[table]["stripe_account_id"].dropna() for table in ("organisers", "clubs", "partners")]
    return StripeEntities(customers, [AccountSeed(id=str(account_id)) for ids in payees for account_id in ids])


def register_with_emulator(admin: EmulatorAdmin, entities: StripeEntities) -> None:
    """Make the customers and accounts known to the emulator; doing it again changes nothing.

    A default card or an account's behaviour that was changed at the emulator is set back to the sample's.
    Raises PayoutsError if the emulator refuses or cannot be reached.
    """
    admin.put_accounts(entities.accounts)
    admin.put_customers(entities.customers)
