"""Payouts that were refused since their payee could not receive transfers: they go on once Stripe says that it can.

Stripe is asked, and at most once an hour for each account: what happens on a connected account is not among the events
of ours. Only a definite yes brings anything back, and to ask is no attempt.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from payouts_pipeline.ledger import account_looks
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.assemble import Settlement
from payouts_pipeline.settlement.payee_account import can_receive
from payouts_pipeline.workflow.resume import bring_back_payouts


def bring_back_able(
    connection: Connection,
    connect_source: Callable[[], AbstractContextManager[Connection]],
    settles: Callable[[], AbstractContextManager[Settlement]],
    actor: str,
    account_rest: timedelta,
) -> int:
    """Have what was refused asked for again where its payee can receive by now; how many instructions.

    Raises PayoutsError where the key is not this ledger's own.
    """
    accounts = account_looks.take_due(connection)
    if not accounts:
        return 0
    with settles() as parts:
        stripe = parts.stripe()
        able = [account for account in accounts if can_receive(stripe, account)]
    if not able:
        return 0
    with connect_source() as source:
        return bring_back_payouts(connection, source, able, actor, account_rest)
