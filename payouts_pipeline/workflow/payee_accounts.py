"""Payees' accounts at Stripe: whether they can receive what was refused, and whether it reaches their banks.

Stripe is asked, and each account seldom: what happens on a connected account is not among the events of ours. Only a
definite answer changes anything, and to ask is no attempt.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.ledger import account_looks, banks
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement import payee_account
from payouts_pipeline.settlement.assemble import Settlement
from payouts_pipeline.workflow.resume import bring_back_payouts

Settles = Callable[[], AbstractContextManager[Settlement]]


def bring_back_able(
    connection: Connection,
    connect_source: Callable[[], AbstractContextManager[Connection]],
    settles: Settles,
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
        able = [account for account in accounts if payee_account.can_receive(stripe, account)]
    if not able:
        return 0
    account_looks.note_able(connection, able)
    with connect_source() as source:
        return bring_back_payouts(connection, source, able, actor, account_rest)


@dataclass(frozen=True)
class BankLook:
    """How many accounts were asked about, of how many money does not reach the bank, and what our key lacks to ask."""

    asked: int = 0
    failing: int = 0
    lacks: str | None = None


def look_at_banks(connection: Connection, settles: Settles) -> BankLook:
    """Keep what Stripe says of the accounts that are due; of one that can't be asked about, what was known stays.

    Raises PayoutsError where the key is not this ledger's own.
    """
    accounts = banks.take_due(connection)
    if not accounts:
        return BankLook()
    failing, lacks = 0, None
    with settles() as parts:
        stripe = parts.stripe()
        for account in accounts:
            found = payee_account.bank_failures(stripe, account)
            if isinstance(found, list):
                banks.keep(connection, account, found)
                failing += bool(found)
            elif isinstance(found, Refusal):
                # Else the account is not ours any more, which its next payout says.
                lacks = found.permission or lacks
    return BankLook(len(accounts), failing, lacks)
