"""What an operator sees of a day on an asset's page: rows, amounts by currency, and what is open with its reason."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import dagster as dg
import pandas as pd

from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.checks import totals
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.ledger.status import DayStatus
from payouts_pipeline.settlement.day import Changed


def of_fees(fees: pd.DataFrame) -> dict[str, Any]:
    """How many fees, and how much in each currency."""
    amounts = totals(fees.rename(columns={"fee_minor": "amount_minor"}))
    return {
        "dagster/partition_row_count": len(fees),
        "matches": int(fees["match_id"].nunique()),
        "players": int(fees["player_id"].nunique()),
        "amounts": _table([{"currency": c, "fees": format_minor(a, c)} for c, a in amounts.items()]),
    }


def of_splits(splits: pd.DataFrame) -> dict[str, Any]:
    """How much of each currency belongs to whom."""
    by_subject = {subject: totals(splits[splits["billing_subject"] == subject]) for subject in BillingSubject}
    currencies = sorted({currency for sums in by_subject.values() for currency in sums})
    rows = [
        {"currency": c} | {str(s): format_minor(sums.get(c, 0), c) for s, sums in by_subject.items()}
        for c in currencies
    ]
    return {
        "dagster/partition_row_count": len(splits),
        "held_out": int(splits["held_out_reason"].notna().sum()),
        "amounts": _table(rows),
    }


def of_money(status: DayStatus, changed: Changed, billing_types: Sequence[str]) -> dict[str, Any]:
    """Where the day's instructions stand, and what this materialisation changed."""
    lines = [line for line in status.instructions if line.billing_type in billing_types]
    rows = [
        {
            "billing type": line.billing_type,
            "status": line.status,
            "count": line.count,
            "amount": format_minor(line.amount_minor, line.currency),
            "reason": line.reason or "",
        }
        for line in lines
    ]
    return {"status": _table(rows), **{f"changed_{name}": count for name, count in asdict(changed).items()}}


def _table(rows: list[dict[str, Any]]) -> Any:
    """Rows as a table in the UI; a sentence where there are none."""
    if not rows:
        return "none"
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows])


def changed_of(materializations: Sequence[dg.AssetMaterialization]) -> Changed:
    """What the materialisations of one day's run changed, read back from what `of_money` showed."""
    sums = dict.fromkeys((field.name for field in fields(Changed)), 0)
    for materialization in materializations:
        for name in sums:
            value = materialization.metadata.get(f"changed_{name}")
            sums[name] += int(str(value.value)) if value else 0
    return Changed(**sums)
