"""Whether what payees were paid reaches their banks: whom to ask Stripe about, and what it has said."""

import json
from collections.abc import Sequence
from datetime import timedelta

from payouts_pipeline.domain.banks import BankFailure
from payouts_pipeline.ledger.database import Connection, sql

# A bank has some days to send money back, after the days that Stripe takes to send it there.
_PAID_WITHIN = timedelta(days=14)
_EVERY = timedelta(days=1)
# So that it is soon seen where bank details were corrected.
_FAILING_EVERY = timedelta(hours=1)
# With two calls each, in the minute that a tick of the sensor has.
_AT_MOST = 10


def take_due(connection: Connection) -> list[str]:
    """The Stripe accounts to ask about now, whoever asks."""
    parameters = {"paid_within": _PAID_WITHIN, "every": _EVERY, "failing_every": _FAILING_EVERY, "at_most": _AT_MOST}
    return [account for (account,) in connection.execute(sql("take_banks_to_look_at"), parameters)]


def keep(connection: Connection, account: str, found: Sequence[BankFailure]) -> None:
    """What Stripe says of an account now, in place of what it has said before."""
    with connection.transaction():
        currencies = [failure.currency for failure in found]
        connection.execute(sql("forget_bank_failures"), {"account": account, "currencies": currencies})
        for failure in found:
            connection.execute(sql("note_bank_failure"), _columns(account, failure))


def _columns(account: str, failure: BankFailure) -> dict[str, object]:
    return {
        "account": account,
        "currency": failure.currency,
        "reason_code": failure.reason_code,
        "reason_details": json.dumps(failure.reason_details),
        "since": failure.since,
    }
