"""What is more than one call can move: released in several lines, and asked for or paid by several instructions.

All of it is rare, so that the usual day pays with one comparison for it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Any

import pandas as pd

from payouts_pipeline.domain import currencies, frames
from payouts_pipeline.domain.instructions import portions
from payouts_pipeline.ledger.bulk import copy_in, copy_out
from payouts_pipeline.ledger.database import Connection, sql

_PARTS = {"account_id": frames.ID, "part": frames.ID, "amount_minor": frames.ID}
_SHARES = {"number": frames.ID, "account_id": frames.ID, "currency": frames.TEXT, "amount_minor": frames.ID}


def divide_release(connection: Connection) -> int:
    """Divide what is released so that what each part releases to an account fits into one payout; how many parts.

    Where there are several, each fee stands in `due` with its part.
    """
    sums = connection.execute(sql("sums_due")).fetchall()
    large = [currency for currency, sum_minor in sums if sum_minor > currencies.maximum_minor(currency)]
    if not large:
        return 1
    connection.execute(sql("list_collected_fees"))
    connection.execute(sql("number_due"))
    maxima = {"currencies": large, "maxima": [currencies.maximum_minor(currency) for currency in large]}
    shares = copy_out(connection, sql("large_shares_due"), maxima, _SHARES)
    part_of = dict(_parts_of_fees(shares))
    connection.execute(sql("set_parts_due"), {"numbers": list(part_of), "parts": list(part_of.values())})
    return max(part_of.values(), default=1)


def _parts_of_fees(shares: pd.DataFrame) -> Iterator[tuple[int, int]]:
    """The part of each fee, by its number; a new one begins where an account would get more than one call can move."""
    part, sums_minor = 1, Counter[int]()
    rows = shares.to_dict("records")
    for number, of_fee in groupby(rows, key=lambda row: int(row["number"])):
        added = {row["account_id"]: (row["amount_minor"], currencies.maximum_minor(row["currency"])) for row in of_fee}
        if any(sums_minor[account] + amount > maximum for account, (amount, maximum) in added.items()):
            part, sums_minor = part + 1, Counter()
        sums_minor.update({account: amount for account, (amount, _) in added.items()})
        yield number, part


def divide_due(
    connection: Connection, due: pd.DataFrame, minimums_minor: Mapping[str, int], day: date, insert_parts: str
) -> pd.DataFrame:
    """What is due as rows of one instruction each, with ``is_portion`` for those that cover only a part of it.

    What is under the minimum is left out, and stays on the account. ``insert_parts`` is the query that collects in the
    table `parts` what is to be covered. Which portion each is of stands in the table `portions` afterwards, if there
    are any.
    """
    minimum = due["currency"].map(lambda c: minimums_minor.get(c, currencies.minimum_charge_minor(c)))
    due = due.assign(minimum_minor=minimum.astype(frames.ID))
    due = due[due["amount_minor"] >= due["minimum_minor"]]
    is_large = due["amount_minor"] > due["currency"].map(currencies.maximum_minor).astype(frames.ID)
    due = due.assign(is_portion=is_large)
    if not is_large.any():
        return due
    large = due[is_large]
    accounts = {"accounts": list(large["account_id"]), "amounts": list(large["amount_minor"]), "day": day}
    connection.execute(sql("create_parts"))
    connection.execute(insert_parts, accounts)
    connection.execute(sql("create_portions"))
    parts = copy_out(connection, sql("read_parts"), accounts, _PARTS)
    rows = large.to_dict("records")
    divided = pd.concat([_divide(row, parts[parts["account_id"] == row["account_id"]]) for row in rows])
    copy_in(connection, "portions", divided[["account_id", "sequence", "first_part", "last_part"]])
    portioned = large.drop(columns=["amount_minor", "sequence"]).merge(divided, on="account_id")
    return pd.concat([due[~is_large], portioned[due.columns]], ignore_index=True)


def _divide(due: Mapping[Any, Any], parts: pd.DataFrame) -> pd.DataFrame:
    """The portions of one account: account_id, sequence, amount_minor, and which parts they cover."""
    credit_minor = int(parts["amount_minor"].sum()) - int(due["amount_minor"])
    divided = portions(parts["amount_minor"], credit_minor, currencies.maximum_minor(str(due["currency"])))
    counts = pd.Series([each.count for each in divided])
    found = pd.DataFrame(
        {
            "account_id": due["account_id"],
            "amount_minor": [each.amount_minor for each in divided],
            "first_part": counts.cumsum() - counts + 1,
            "last_part": counts.cumsum(),
        }
    )
    found = found[found["amount_minor"] >= due["minimum_minor"]].reset_index(drop=True)
    numbered: pd.DataFrame = found.assign(sequence=due["sequence"] + found.index).astype(frames.ID)
    return numbered
