"""What an operator sees of a day on the pages of `matches` and `splits`: rows, amounts, and what is held out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.currencies import decimals, format_minor
from payouts_pipeline.domain.findings import totals
from payouts_pipeline.domain.frames import Numbers
from payouts_pipeline.domain.reasons import HELD_OUT

# A page is read in a minute: what is more than this is a count.
MOST_ROWS = 20
_MOST_IDS = 5
_COMPETITION = ["competition_id", "currency"]

Row = Mapping[str, str | int]


def of_fees(fees: Batches) -> dict[str, Any]:
    """How many fees of which competitions, and how much in each currency."""
    found = _Fees()
    for frame in fees.only("match_id", "player_id", "competition_id", "currency", "fee_minor", "terms_count"):
        found.add(frame)
    amounts = dict(sorted(found.amounts.items()))
    return {
        "summary": _summary_of_fees(found, amounts),
        "dagster/partition_row_count": found.count,
        "matches": found.matches,
        "players": len(np.unique(np.concatenate(found.players))),
        "amounts": table([{"currency": c, "fees": format_minor(a, c)} for c, a in amounts.items()]),
        "competitions": _competitions(found),
        **{f"fees {currency}": to_plot(amount, currency) for currency, amount in amounts.items()},
    }


class _Fees:
    """What is shown of fees, added up frame by frame; no two of them have a match in common."""

    def __init__(self) -> None:
        self.count, self.matches, self.without_terms = 0, 0, 0
        self.players: list[Numbers] = []
        self.amounts = Counter[str]()
        self.competitions: list[pd.DataFrame] = []

    def add(self, fees: pd.DataFrame) -> None:
        """Count a frame in."""
        self.count += len(fees)
        self.matches += int(fees["match_id"].nunique())
        self.without_terms += int((fees["terms_count"] != 1).sum())
        self.players.append(np.unique(fees["player_id"].dropna().to_numpy("int64")))
        self.amounts.update(totals(fees.rename(columns={"fee_minor": "amount_minor"})))
        groups = fees.groupby(_COMPETITION, dropna=False)
        sums = groups.agg(matches=("match_id", "nunique"), fees=("match_id", "size"), amount_minor=("fee_minor", "sum"))
        self.competitions.append(sums.reset_index())


def of_splits(splits: Batches) -> dict[str, Any]:
    """How much of each currency belongs to whom, and which fees are held out why."""
    found = _Lines()
    for frame in splits.only("match_id", "billing_subject", "currency", "amount_minor", "held_out_code"):
        found.add(frame)
    return {
        "summary": _summary_of_splits(found),
        "dagster/partition_row_count": found.fees + found.shares,
        "held_out": found.held_out.total(),
        "held_out_reasons": _held_out_reasons(found),
        "amounts": table(_whose(found)),
    }


class _Lines:
    """What is shown of splits, added up frame by frame; the matches come in their order."""

    def __init__(self) -> None:
        self.fees, self.shares = 0, 0
        self.held_out = Counter[str]()
        self.amounts = {subject: Counter[str]() for subject in BillingSubject}
        self._matches: dict[str, int] = Counter()
        self.first_matches = dict[str, list[int]]()

    def add(self, lines: pd.DataFrame) -> None:
        """Count a frame in."""
        fees = int((lines["billing_subject"] == BillingSubject.PLAYER).sum())
        self.fees, self.shares = self.fees + fees, self.shares + len(lines) - fees
        for subject, amounts in self.amounts.items():
            amounts.update(totals(lines[lines["billing_subject"] == subject]))
        held_out = lines[lines["held_out_code"].notna()]
        for code, of_code in held_out.groupby("held_out_code"):
            matches = sorted(map(int, of_code["match_id"].dropna().unique()))
            self.held_out[str(code)] += len(of_code)
            self._matches[str(code)] += len(matches)
            first = self.first_matches.setdefault(str(code), [])
            first += matches[: _MOST_IDS - len(first)]

    def matches_not_named(self, code: str) -> int:
        """How many matches have such fees beside the first."""
        return self._matches[code] - len(self.first_matches[code])


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


def _summary_of_fees(fees: _Fees, amounts: Mapping[str, int]) -> str:
    if not fees.count:
        return "No match was played on this day, so there are no fees."
    sums = ", ".join(format_minor(amount, currency) for currency, amount in amounts.items())
    without = fees.without_terms
    matches = counted(fees.matches, "match", "matches")
    lacking = f" {counted(without, 'fee')} without valid terms: see check every_fee_has_terms." if without else ""
    return f"{counted(fees.count, 'fee')} of {matches}: {sums or 'no amounts'}.{lacking}"


def _competitions(fees: _Fees) -> Any:
    """The fees by competition, that of the most fees first. A currency is missing where there are no terms."""
    sums = pd.concat(fees.competitions).groupby(_COMPETITION, dropna=False).sum().reset_index()
    sums = sums.sort_values(["fees", *_COMPETITION], ascending=[False, True, True])
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


def _summary_of_splits(lines: _Lines) -> str:
    if not lines.fees:
        return "No match was played on this day, so there is nothing to split."
    held_out = lines.held_out.total()
    split = f"{counted(lines.fees - held_out, 'fee')} split into {counted(lines.shares, 'share')}"
    if not held_out:
        return f"{split}; none is held out."
    return (
        f"{split}. {counted(held_out, 'fee')} held out and charged to nobody: fix the cause in schema 'league' and "
        "materialise the day again."
    )


def _whose(lines: _Lines) -> list[Row]:
    """The fees of each currency, and whose they are. Few columns of short words: a wider table is cut off."""
    by_subject = dict(lines.amounts)
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


def _held_out_reasons(lines: _Lines) -> Any:
    """Why fees are held out: the most fees first, with some of the matches that they are of."""
    rows: list[Row] = []
    for code, count in lines.held_out.items():
        named = ", ".join(f"match:{match_id}" for match_id in lines.first_matches[code])
        more = lines.matches_not_named(code)
        rows.append({"fees": count, "why": HELD_OUT[code], "of": named + (f" and {more} more" if more else "")})
    rows.sort(key=lambda row: (-int(row["fees"]), row["why"]))
    return table(rows[:MOST_ROWS] + rest({"fees": "", "why": "", "of": ""}, len(rows) - MOST_ROWS))


def rest(row: Row, count: int) -> list[Row]:
    """A last row that says how many are not shown, if any."""
    if count <= 0:
        return []
    first = next(iter(row))
    return [{**row, first: f"and {count:,} more"}]
