"""Balance transactions: Stripe's journal, with one for every movement of the balance.

Types and categories: https://docs.stripe.com/reports/balance-transaction-types and .../reports/reporting-categories.
"""

from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.listing import Handler, lister
from payouts_pipeline.local.stripe_emulator.store import JsonObject

FILTERS = ("source", "type", "currency", "payout")

CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
    "stripe_fee": "fee",
    "topup": "topup",
    "payout": "payout",
    "payout_failure": "payout_reversal",
    "adjustment": "other_adjustment",
}


@dataclass(frozen=True, slots=True)
class Movement:
    """What moves the balance: `amount` by itself (minus for what leaves it), and a fee that comes off on top.

    `category` is for an adjustment alone, whose type does not say what it adjusts.
    """

    type: str
    amount: int
    currency: str
    source: str | None
    available_on: int
    fee: int = 0
    fee_description: str = "Stripe processing fees"
    description: str | None = None
    category: str | None = None


def made(call: Call, movement: Movement) -> JsonObject:
    """Return the balance transaction of a movement; its `status` is filled in where it is shown."""
    fee_details = [
        {
            "amount": movement.fee,
            "application": None,
            "currency": movement.currency,
            "description": movement.fee_description,
            "type": "stripe_fee",
        }
    ]
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": movement.amount,
        "available_on": movement.available_on,
        "balance_type": "payments",
        "created": call.now,
        "currency": movement.currency,
        "description": movement.description,
        "exchange_rate": None,
        "fee": movement.fee,
        "fee_details": fee_details if movement.fee else [],
        "net": movement.amount - movement.fee,
        "reporting_category": movement.category or CATEGORIES[movement.type],
        "source": movement.source,
        "status": "available",
        "type": movement.type,
    }


_list_page: Handler = lister("balance_transaction", "/v1/balance_transactions", FILTERS)


def list_page(call: Call) -> JsonObject:
    """`GET /v1/balance_transactions`; what a payout has paid out is known of an automatic one only."""
    if "payout" in call.params:
        payout = call.require("payout", call.params["payout"], "payout")
        if not payout["automatic"]:
            message = "Balance transaction history can only be filtered on automatic transfers, not manual."
            raise InvalidRequestError(message)
    return _list_page(call)
