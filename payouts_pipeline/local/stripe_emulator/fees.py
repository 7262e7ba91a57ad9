"""What Stripe keeps of a charge: its list price, or what the admin API has agreed on."""

from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.currencies import ZERO_DECIMAL, step_of

# Stripe's list price for a card in the US: 2.9 % and 30 cents.
LIST_BASIS_POINTS = 290
LIST_FIXED = 30
EVERY_OTHER = "*"


def of_charge(call: Call, amount: int, currency: str) -> int:
    """Return the fee in minor units and steps of the currency, at most the charge."""
    agreed = call.store.row("fee", currency=currency)
    basis_points, fixed = agreed or (LIST_BASIS_POINTS, _list_fixed(currency))
    step = step_of(currency)
    return min(amount, int(amount * basis_points // 10_000 + fixed) // step * step)


def _list_fixed(currency: str) -> int:
    return LIST_FIXED if currency in ZERO_DECIMAL else LIST_FIXED * (10 if step_of(currency) == 10 else 1)
