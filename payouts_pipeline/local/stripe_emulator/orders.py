"""The JSON by which the admin API is told what Stripe and the banks do to the books."""

from typing import Literal, Self

from pydantic import Field, model_validator

from payouts_pipeline.local.stripe_emulator.models import Strict
from payouts_pipeline.local.stripe_emulator.seeds import CapabilityState

CURRENCY = r"^[a-z]{3,4}$"

MovementType = Literal[
    "charge",
    "payment",
    "refund",
    "payment_refund",
    "refund_failure",
    "transfer",
    "transfer_refund",
    "stripe_fee",
    "topup",
    "payout",
    "payout_failure",
    "adjustment",
]
DisputeReason = Literal[
    "credit_not_processed",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "insufficient_funds",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
]


class FeeRate(Strict):
    """What Stripe keeps of a charge: hundredths of a percent of it, and a fixed amount."""

    basis_points: int = Field(default=0, ge=0)
    fixed_minor: int = Field(default=0, ge=0)


class FeeRates(Strict):
    """Body of `POST /_emulator/fees`: by lower-case currency, and `*` for every other; without any, the list price."""

    rates: dict[str, FeeRate]


class RefundEnd(Strict):
    """Body of `POST /_emulator/refunds/end`: it succeeded, or failed with a reason such as `lost_or_stolen_card`."""

    refund: str
    failure_reason: str | None = None


class DisputeStart(Strict):
    """Body of `POST /_emulator/disputes`: without an amount, all of the charge that is not refunded."""

    charge: str
    amount: int | None = Field(default=None, gt=0)
    reason: DisputeReason = "fraudulent"
    fee_minor: int = Field(default=1500, ge=0)


class DisputeEnd(Strict):
    """Body of `POST /_emulator/disputes/end`. In most countries Stripe keeps its fee, whoever wins."""

    dispute: str
    is_won: bool
    fee_returned_minor: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _fee_where_it_belongs(self) -> Self:
        if self.fee_returned_minor and not self.is_won:
            raise ValueError("fee_returned_minor belongs to a dispute that is won")
        return self


class TopUpOrder(Strict):
    """Body of `POST /_emulator/topups`."""

    amount: int = Field(gt=0)
    currency: str = Field(pattern=CURRENCY)


class PayoutStart(Strict):
    """Body of `POST /_emulator/payouts`: of a connected account, or without one of the platform.

    Without an amount it is all that is available, as an automatic one always is.
    """

    currency: str = Field(pattern=CURRENCY)
    amount: int | None = Field(default=None, gt=0)
    account: str | None = None
    is_automatic: bool = False

    @model_validator(mode="after")
    def _amount_where_it_belongs(self) -> Self:
        if self.is_automatic and self.amount is not None:
            raise ValueError("an automatic payout takes all that is available: give no amount")
        return self


class PayoutEnd(Strict):
    """Body of `POST /_emulator/payouts/end`: it was paid, or failed with a code such as `account_closed`."""

    payout: str
    account: str | None = None
    failure_code: str | None = None


class CapabilityChange(Strict):
    """Body of `POST /_emulator/accounts/capability`: whether a connected account can receive transfers."""

    account: str
    transfers: CapabilityState


class BankChange(Strict):
    """Body of `POST /_emulator/accounts/bank`: whether Stripe pays a connected account's balance to its bank."""

    account: str
    payouts_enabled: bool
    disabled_reason: str | None = None


class TransactionOrder(Strict):
    """Body of `POST /_emulator/transactions`: a balance transaction by itself, without anything that made it.

    So Stripe books its own fees and adjustments; of another type, it is a stranger among ours.
    """

    type: MovementType
    amount: int
    currency: str = Field(pattern=CURRENCY)
    fee: int = 0
    source: str | None = None
    description: str | None = None


class TransactionChange(Strict):
    """Body of `POST /_emulator/transactions/change`: what the journal says is not what happened.

    Give it another `amount`, or have it twice (`double`), or no more (`delete`). The balance follows.
    """

    transaction: str
    action: Literal["double", "delete", "amount"]
    amount: int | None = None

    @model_validator(mode="after")
    def _amount_where_it_belongs(self) -> Self:
        if (self.amount is not None) != (self.action == "amount"):
            raise ValueError("amount belongs to the action amount, and that needs it")
        return self
