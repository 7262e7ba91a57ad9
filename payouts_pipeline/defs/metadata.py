"""What an operator sees of a day on the pages of `matches` and `splits`: rows, amounts, and what is held out."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.currencies import decimals, format_minor
from payouts_pipeline.domain.findings import totals
from payouts_pipeline.domain.reasons import HELD_OUT

# A page is read in a minute: what is more than this is a count.
MOST_ROWS = 20
_MOST_IDS = 5

Row = Mapping[str, str | int]


def of_fees(fees: pd.DataFrame) -> dict[str, Any]:
    """How many fees of which competitions, and how much in each currency."""
    amounts = totals(fees.rename(columns={"fee_minor": "amount_minor"}))
    return {
        "summary": _summary_of_fees(fees, amounts),
        "dagster/partition_row_count": len(fees),
        "matches": int(fees["match_id"].nunique()),
        "players": int(fees["player_id"].nunique()),
        "amounts": table([{"currency": c, "fees": format_minor(a, c)} for c, a in amounts.items()]),
        "competitions": _competitions(fees),
        **{f"fees {currency}": to_plot(amount, currency) for currency, amount in amounts.items()},
    }


def of_splits(splits: pd.DataFrame) -> dict[str, Any]:
    """How much of each currency belongs to whom, and which fees are held out why."""
    return {
        "summary": _summary_of_splits(splits),
        "dagster/partition_row_count": len(splits),
        "held_out": int(splits["held_out_code"].notna().sum()),
        "held_out_reasons": _held_out_reasons(splits),
        "amounts": table(_whose(splits)),
    }


def table(rows: Sequence[Row]) -> Any:
    """Rows as a table in the UI; a word where there are none."""
    if not rows:
        return "none"
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])


def to_plot(amount_minor: int, currency: str) -> float:
    """An amount as the number that Dagster plots over the days; nobody calculates with it."""
    return float(amount_minor / 10 ** decimals(currency))


def counted(count: int, one: str, many: str = "") -> str:
    """``1 fee``, ``2,000 fees``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _summary_of_fees(fees: pd.DataFrame, amounts: dict[str, int]) -> str:
    if fees.empty:
        return "No match was played on this day, so there are no fees."
    sums = ", ".join(format_minor(amount, currency) for currency, amount in amounts.items())
    without = int((fees["terms_count"] != 1).sum())
    matches = counted(fees["match_id"].nunique(), "match", "matches")
    lacking = f" {counted(without, 'fee')} without valid terms: see check every_fee_has_terms." if without else ""
    return f"{counted(len(fees), 'fee')} of {matches}: {sums or 'no amounts'}.{lacking}"


def _competitions(fees: pd.DataFrame) -> Any:
    """The fees by competition, that of the most fees first. A currency is missing where there are no terms."""
    groups = fees.groupby(["competition_id", "currency"], dropna=False)
    sums = groups.agg(
        matches=("match_id", "nunique"), fees=("match_id", "size"), amount_minor=("fee_minor", "sum")
    ).reset_index()
    sums = sums.sort_values(["fees", "competition_id", "currency"], ascending=[False, True, True])
    rows: list[Row] = [
        {
            "competition": f"competition:{competition}",
            "matches": matches,
            "fees": count,
            "amount": "no terms" if pd.isna(currency) else format_minor(int(amount_minor), currency),
        }
        for competition, currency, matches, count, amount_minor in sums.head(MOST_ROWS).itertuples(index=False)
    ]
    return table(rows + rest({"competition": "", "matches": "", "fees": "", "amount": ""}, len(sums) - MOST_ROWS))


def _summary_of_splits(splits: pd.DataFrame) -> str:
    if splits.empty:
        return "No match was played on this day, so there is nothing to split."
    is_fee = splits["billing_subject"] == BillingSubject.PLAYER
    held_out = int(splits["held_out_code"].notna().sum())
    split = counted(int(is_fee.sum()) - held_out, "fee")
    if not held_out:
        return f"{split} split into {counted(int((~is_fee).sum()), 'share')}; none is held out."
    return (
        f"{split} split into {counted(int((~is_fee).sum()), 'share')}. {counted(held_out, 'fee')} held out and charged "
        "to nobody: fix the cause in schema 'league' and materialise the day again."
    )


def _whose(splits: pd.DataFrame) -> list[Row]:
    """The fees of each currency, and whose they are. Few columns of short words: a wider table is cut off."""
    by_subject = {subject: totals(splits[splits["billing_subject"] == subject]) for subject in BillingSubject}
    fees = by_subject.pop(BillingSubject.PLAYER)
    return [
        {
            "fees": format_minor(fee_minor, currency),
            "whose they are": ", ".join(
                f"{subject} {format_minor(sums[currency], currency)}"
                for subject, sums in by_subject.items()
                if sums.get(currency)
            ),
        }
        for currency, fee_minor in sorted(fees.items())
    ]


def _held_out_reasons(splits: pd.DataFrame) -> Any:
    """Why fees are held out: the most fees first, with some of the matches that they are of."""
    rows: list[Row] = []
    held_out = splits[splits["held_out_code"].notna()]
    for code, of_code in held_out.groupby("held_out_code"):
        ids = [f"match:{match_id}" for match_id in sorted(of_code["match_id"].dropna().unique())]
        more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
        rows.append({"fees": len(of_code), "why": HELD_OUT[str(code)], "of": ", ".join(ids[:_MOST_IDS]) + more})
    rows.sort(key=lambda row: (-int(row["fees"]), row["why"]))
    return table(rows[:MOST_ROWS] + rest({"fees": "", "why": "", "of": ""}, len(rows) - MOST_ROWS))


def rest(row: Row, count: int) -> list[Row]:
    """A last row that says how many are not shown, if any."""
    if count <= 0:
        return []
    first = next(iter(row))
    return [{**row, first: f"and {count:,} more"}]
