"""The admin API for Python, on the books: what Stripe and the banks do that nobody asks for by Stripe's API."""

from collections.abc import Mapping
from typing import Any

from payouts_pipeline.local.stripe_emulator.admin_connection import AdminConnection
from payouts_pipeline.local.stripe_emulator.orders import (
    BankChange,
    CapabilityChange,
    DisputeEnd,
    DisputeReason,
    DisputeStart,
    FeeRate,
    FeeRates,
    MovementType,
    PayoutEnd,
    PayoutStart,
    RefundEnd,
    TopUpOrder,
    TransactionChange,
    TransactionOrder,
)
from payouts_pipeline.local.stripe_emulator.seeds import CapabilityState

Body = dict[str, Any]


class StripesSide(AdminConnection):
    """Stripe's and the banks' part; what is given back are Stripe's objects, as its API shows them."""

    def set_fees(self, rates: Mapping[str, FeeRate]) -> None:
        """What Stripe keeps of later charges: by currency, `*` for every other; without any, the list price."""
        self._call("POST", "/fees", FeeRates(rates=dict(rates)))

    def end_refund(self, refund: str, failure_reason: str | None = None) -> Body:
        """Let the bank take a pending refund, or send one back, also one that had succeeded."""
        return self._call("POST", "/refunds/end", RefundEnd(refund=refund, failure_reason=failure_reason))

    def open_dispute(
        self, charge: str, amount: int | None = None, reason: DisputeReason = "fraudulent", fee_minor: int = 1500
    ) -> Body:
        """Dispute a charge: the amount and Stripe's fee are withdrawn. Without an amount, all that is not refunded."""
        order = DisputeStart(charge=charge, amount=amount, reason=reason, fee_minor=fee_minor)
        return self._call("POST", "/disputes", order)

    def end_dispute(self, dispute: str, *, is_won: bool, fee_returned_minor: int = 0) -> Body:
        """Return what was withdrawn, and that much of the fee; or leave it lost."""
        order = DisputeEnd(dispute=dispute, is_won=is_won, fee_returned_minor=fee_returned_minor)
        return self._call("POST", "/disputes/end", order)

    def top_up(self, amount: int, currency: str) -> Body:
        """Have the platform's bank send money, which is available at once."""
        return self._call("POST", "/topups", TopUpOrder(amount=amount, currency=currency))

    def begin_payout(
        self, currency: str, amount: int | None = None, account: str | None = None, *, is_automatic: bool = False
    ) -> Body:
        """Send money to the platform's or a connected account's bank; without an amount, all that is available."""
        order = PayoutStart(currency=currency, amount=amount, account=account, is_automatic=is_automatic)
        return self._call("POST", "/payouts", order)

    def end_payout(self, payout: str, account: str | None = None, failure_code: str | None = None) -> Body:
        """Let the bank take a payout, or send it back, also one that was paid."""
        return self._call("POST", "/payouts/end", PayoutEnd(payout=payout, account=account, failure_code=failure_code))

    def set_capability(self, account: str, transfers: CapabilityState) -> Body:
        """Say whether a connected account can receive transfers; the account gets its event."""
        return self._call("POST", "/accounts/capability", CapabilityChange(account=account, transfers=transfers))

    def set_bank(self, account: str, *, payouts_enabled: bool, disabled_reason: str | None = None) -> Body:
        """Say whether Stripe pays a connected account's balance to its bank; the account gets its event."""
        order = BankChange(account=account, payouts_enabled=payouts_enabled, disabled_reason=disabled_reason)
        return self._call("POST", "/accounts/bank", order)

    def book_transaction(
        self,
        kind: MovementType,
        amount: int,
        currency: str,
        *,
        fee: int = 0,
        source: str | None = None,
        description: str | None = None,
    ) -> Body:
        """Book a balance transaction by itself: Stripe's own fee or adjustment (minus for a loss), or a stranger's."""
        order = TransactionOrder(
            type=kind, amount=amount, currency=currency, fee=fee, source=source, description=description
        )
        return self._call("POST", "/transactions", order)

    def double_transaction(self, transaction: str) -> Body:
        """Have a balance transaction twice, and give the second; the balance follows."""
        return self._call("POST", "/transactions/change", TransactionChange(transaction=transaction, action="double"))

    def delete_transaction(self, transaction: str) -> None:
        """Have a balance transaction never been; the balance follows."""
        self._call("POST", "/transactions/change", TransactionChange(transaction=transaction, action="delete"))

    def change_transaction(self, transaction: str, amount: int) -> Body:
        """Have a balance transaction say another amount; the balance follows."""
        order = TransactionChange(transaction=transaction, action="amount", amount=amount)
        return self._call("POST", "/transactions/change", order)
