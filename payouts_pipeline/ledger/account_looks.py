"""When Stripe is asked whether payees who could not receive transfers can by now."""

from datetime import timedelta

from payouts_pipeline.domain.refusals import NO_TRANSFERS
from payouts_pipeline.ledger.database import Connection, sql

_EVERY = timedelta(hours=1)
# With a call each, in the minute that a tick of the sensor has.
_AT_MOST = 20


def take_due(connection: Connection) -> list[str]:
    """The Stripe accounts to ask about now; each at most once an hour, whoever asks."""
    parameters = {"code": NO_TRANSFERS, "every": _EVERY, "at_most": _AT_MOST}
    return [account for (account,) in connection.execute(sql("take_accounts_to_look_at"), parameters)]
