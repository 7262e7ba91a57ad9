"""When Stripe is asked whether payees who could not receive transfers can by now."""

from collections.abc import Collection
from datetime import timedelta

from payouts_pipeline.domain.refusals import NO_TRANSFERS
from payouts_pipeline.ledger.database import Connection, sql

# Twice as long after each no: most are waited for a few hours, and some for ever.
_FIRST_AFTER = timedelta(hours=1)
_AT_LEAST_EVERY = timedelta(days=1)
# With a call each, in the minute that a tick of the sensor has.
_AT_MOST = 20


def take_due(connection: Connection) -> list[str]:
    """The Stripe accounts to ask about now, whoever asks."""
    parameters = {"code": NO_TRANSFERS, "first": _FIRST_AFTER, "longest": _AT_LEAST_EVERY, "at_most": _AT_MOST}
    return [account for (account,) in connection.execute(sql("take_accounts_to_look_at"), parameters)]


def note_able(connection: Connection, accounts: Collection[str]) -> None:
    """These can receive by now."""
    connection.execute(sql("account_answered_yes"), {"accounts": list(accounts)})
