"""What an operator sees of a day on the page of `stripe_activity`: what came and went, and what is not understood."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd

from payouts_pipeline.defs.metadata import MOST_ROWS, Row, counted, rest, table, to_plot
from payouts_pipeline.defs.money_metadata import chart
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.findings import totals
from payouts_pipeline.domain.journal import sentence
from payouts_pipeline.reports.activity import Balance
from payouts_pipeline.reports.charts.activity import draw_activity

_NOTHING = "Nothing moved our account at Stripe on this day."


def of_activity(day: date, lines: pd.DataFrame, balances: Sequence[Balance], note: str) -> dict[str, Any]:
    """Everything about one day; ``note``: why Stripe could not be asked, if it could not."""
    odd = lines[lines["why"].notna()]
    return {
        "summary": dg.MetadataValue.md("\n\n".join(_summary(lines, odd, balances, note))),
        "dagster/partition_row_count": len(lines),
        "not_understood": _not_understood(odd),
        "chart_of_the_day": _chart_of_day(day, lines),
        "by_type": _by_type(lines),
        "balances": table([_balance(each) for each in balances]),
        **_figures(lines),
    }


def _chart_of_day(day: date, lines: pd.DataFrame) -> Any:
    title = f"What moved our account at Stripe on {day:%A, %d %B %Y}"
    nets: dict[str, dict[str, int]] = {}
    for each in lines.groupby(["currency", "type"])["net_minor"].sum().reset_index().to_dict("records"):
        nets.setdefault(each["currency"], {})[each["type"]] = int(each["net_minor"])
    return chart(title, lambda: draw_activity(title, nets))


def _summary(lines: pd.DataFrame, odd: pd.DataFrame, balances: Sequence[Balance], note: str) -> list[str]:
    said = [_what_moved(lines) if len(lines) else _NOTHING]
    if len(odd):
        said.append(f"**Not understood:** {counted(len(odd), 'line')}; `not_understood` names them.")
    different = [each for each in balances if each.difference_minor]
    said += [f"**Our balance differs from the ledger's:** {each.sentence}" for each in different]
    if note:
        said.append(f"**Stripe could not be asked**, so that this is what was known before: {note}")
    return said


def _what_moved(lines: pd.DataFrame) -> str:
    nets, fees = totals(lines, "net_minor"), totals(lines, "fee_minor")
    amounts = [
        f"{format_minor(net, currency)} net, {format_minor(fees[currency], currency)} of Stripe's fees"
        for currency, net in nets.items()
    ]
    return f"**{counted(len(lines), 'line')} of Stripe's journal:** {'; '.join(amounts)}."


def _by_type(lines: pd.DataFrame) -> Any:
    sums = lines.groupby(["currency", "type", "category"]).agg(
        count=("type", "size"), amount=("amount_minor", "sum"), fee=("fee_minor", "sum"), net=("net_minor", "sum")
    )
    rows: list[Row] = [
        {
            "what": each["type"] if each["type"] == each["category"] else f"{each['type']} ({each['category']})",
            "lines": int(each["count"]),
            **{name: format_minor(int(each[name]), each["currency"]) for name in ("amount", "fee", "net")},
        }
        for each in sums.reset_index().to_dict("records")
    ]
    return table(rows)


def _not_understood(odd: pd.DataFrame) -> Any:
    """By name, the largest first."""
    largest = odd.assign(size=odd["net_minor"].abs()).sort_values("size", ascending=False)
    rows: list[Row] = [
        {
            "what": f"{each['type']} {each['transaction_id']}",
            "amount": format_minor(int(each["net_minor"]), each["currency"]),
            "why": sentence(each["why"]),
        }
        for each in largest.head(MOST_ROWS).to_dict("records")
    ]
    return table(rows + rest({"what": "", "amount": "", "why": ""}, len(odd) - MOST_ROWS))


def _balance(each: Balance) -> Row:
    return {
        "at Stripe": format_minor(each.stripe_minor, each.currency),
        "in the ledger": format_minor(each.ledger_minor, each.currency),
        "on its way": format_minor(each.in_transit_minor, each.currency),
        "difference": format_minor(each.difference_minor, each.currency),
    }


def _figures(lines: pd.DataFrame) -> dict[str, float]:
    """Amounts as Dagster plots them over the days."""
    return {
        f"{name} {currency}": to_plot(amount, currency)
        for name, column in (("net", "net_minor"), ("Stripe's fees", "fee_minor"))
        for currency, amount in totals(lines, column).items()
    }
