"""What payouts wait for and when it can be paid, by what the ledger knows of our balance; Stripe is not asked."""

from typing import Any

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.forecast import Forecast, forecasts
from payouts_pipeline.domain.funds import JOURNAL_HOLDS_FOR
from payouts_pipeline.ledger import funds
from payouts_pipeline.ledger.database import Connection


def forecast(connection: Connection) -> list[Forecast]:
    """By currency, of those in which a payout waits or money is pending."""
    payouts, (available_minor, arriving) = funds.queue(connection, None), funds.by_journal(connection)
    left = funds.left(connection, available_minor, None)
    is_known = funds.are_known(connection, JOURNAL_HOLDS_FOR)
    return forecasts(payouts, left, arriving, funds.now(connection), is_known=is_known)


def as_json(found: Forecast) -> dict[str, Any]:
    """As `payouts status --json` has it; ``on`` is null where the day is not known yet."""
    arriving = [
        {
            "on": step.on.isoformat() if step.on else None,
            "amount_minor": step.amount_minor,
            "payable_minor": step.payable_minor,
        }
        for step in found.steps
    ]
    return {
        "currency": found.currency,
        "waiting_minor": found.waiting_minor,
        "available_minor": found.available_minor,
        "payable_minor": found.payable_minor,
        "arriving": arriving,
        "shortfall_minor": found.shortfall_minor,
        "is_known": found.is_known,
    }


def sentence(found: Forecast) -> str:
    """What waits in a currency, when it can be paid, and what is missing."""
    when = [f"{_money(step.payable_minor, found)} from {step.on} on" for step in found.steps if step.payable_minor]
    if found.payable_minor:
        when.insert(0, f"{_money(found.payable_minor, found)} with the next run")
    undated_minor = sum(step.amount_minor for step in found.steps if step.on is None)
    if undated_minor:
        when.append(f"{_money(undated_minor, found)} were charged so lately that Stripe has not said when they come")
    said = f"{_money(found.waiting_minor, found)} wait for our balance at Stripe"
    said += f": {', '.join(when)}." if when else "."
    if found.shortfall_minor:
        said += f" {_money(found.shortfall_minor, found)} are missing, and nothing pending covers them: top it up."
    return said if found.is_known else f"{said} What is there and what is pending is not known: run 'payouts sync'."


def _money(amount_minor: int, found: Forecast) -> str:
    return format_minor(amount_minor, found.currency)
