"""Whether what a payee was paid reaches its bank: what Stripe says of an account's payouts, as codes and sentences.

We pay the payee's balance at Stripe; from there Stripe pays its bank, which can send the money back, also days after
it was paid. It then stands at Stripe, and scheduled payouts stop until the bank details are corrected.
Sources: docs.stripe.com/api/payouts/object, docs.stripe.com/api/payouts/failures,
support.stripe.com/questions/managing-connect-payout-failures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PAYOUTS_DISABLED = "payouts_disabled"
# Of a failed payout without a code.
_NO_CODE = "payout_failed"
# What is still on its way says nothing yet, and what was cancelled never went.
_ENDED = ("paid", "failed")

_SENTENCES: Mapping[str, str] = {
    "account_closed": "the bank account is closed",
    "account_frozen": "the bank account is frozen",
    "bank_account_restricted": "the bank account does not take such payments",
    "bank_ownership_changed": "the bank account is no longer valid, since its branch has another owner",
    "could_not_process": "the bank could not process it",
    "debit_not_authorized": "the bank account does not allow debits, which Stripe wants it to",
    "declined": "the bank declined it",
    "incorrect_account_holder_address": "the address of the bank account's owner is wrong",
    "incorrect_account_holder_name": "the name of the bank account's owner is wrong",
    "incorrect_account_holder_tax_id": "the tax id of the bank account's owner is wrong",
    "insufficient_funds": "the payee's balance at Stripe did not cover it",
    "invalid_account_number": "the number of the bank account is wrong",
    "invalid_currency": "the bank account does not take this currency",
    "no_account": "there is no such bank account",
    "unsupported_card": "the bank no longer takes payouts to the card",
    PAYOUTS_DISABLED: "Stripe pays nothing of the payee's balance to its bank ({disabled_reason})",
    _NO_CODE: "the bank did not take it",
}
_NEVER_HEARD_OF = "the bank did not take it ({reason_code})"

WHAT_TO_DO = (
    "what we have paid stands on the payee's balance at Stripe, and is not lost: have the payee correct its bank "
    "details at Stripe, which then pays it out; nothing is to be paid again"
)
WHAT_TO_DO_WHERE_DISABLED = (
    "what we have paid stands on the payee's balance at Stripe, and is not lost: have the payee give Stripe what it "
    "asks for; nothing is to be paid again"
)


@dataclass(frozen=True)
class BankPayout:
    """What Stripe has sent from a payee's balance to its bank, in minor units."""

    id: str
    currency: str
    amount_minor: int
    status: str
    failure_code: str | None
    created_at: datetime


@dataclass(frozen=True)
class BankFailure:
    """That money does not reach a bank, and since when; without a currency: in none."""

    currency: str
    reason_code: str
    since: datetime
    reason_details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def what_to_do(self) -> str:
        """What gets the money to the bank."""
        return WHAT_TO_DO_WHERE_DISABLED if self.reason_code == PAYOUTS_DISABLED else WHAT_TO_DO


def failures(newest_first: Iterable[BankPayout]) -> list[BankFailure]:
    """The currencies in which the last payout that has come to its end came back."""
    last: dict[str, BankPayout] = {}
    for payout in newest_first:
        if payout.status in _ENDED:
            last.setdefault(payout.currency, payout)
    return [_failure(payout) for currency, payout in sorted(last.items()) if payout.status == "failed"]


def _failure(payout: BankPayout) -> BankFailure:
    details = {"payout": payout.id, "amount_minor": payout.amount_minor}
    return BankFailure(payout.currency, payout.failure_code or _NO_CODE, payout.created_at, details)


def sentence(reason_code: str, details: Mapping[str, Any]) -> str:
    """Why money does not reach a bank, as people read it."""
    return _SENTENCES.get(reason_code, _NEVER_HEARD_OF).format_map({**details, "reason_code": reason_code})
