"""From fees that were collected to shares that may be paid (rule of money 2)."""

from datetime import date

from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.portions import divide_release


def release_collected_fees(connection: Connection, day: date, actor: str) -> int:
    """Make the shares of fees payable that were really collected; how many fees. Under the locks of the day.

    Fees that a charge has collected are released with the charge, by one row for it; what a credit has paid for, or
    of which nothing is left to collect, names its release itself.
    """
    fees = _find_collected(connection, day)
    if not fees:
        return 0
    parts = divide_release(connection)
    if parts == 1:
        release_id = _release(connection, day, actor, 1)
    for part in range(1, parts + 1) if parts > 1 else ():
        connection.execute(sql("clear_collected_sums"))
        connection.execute(sql("sum_part"), {"part": part})
        release_id = _release(connection, day, actor, part)
    connection.execute(sql("release_charges"), {"release_id": release_id})
    return fees


def _find_collected(connection: Connection, day: date) -> int:
    """Fill `collected_charges`, `due` and `collected_sums`; how many fees these are."""
    connection.execute(sql("find_charges_to_release"), {"day": day})
    connection.execute(sql("find_open_fees"), {"day": day})
    connection.execute(sql("find_paid_for_fees"))
    connection.execute(sql("count_what_is_due"))
    connection.execute(sql("create_collected_sums"))
    connection.execute(sql("create_collected_lines"))
    connection.execute(sql("sum_collected"))
    return int(scalar(connection, sql("count_collected"), {}))


def _release(connection: Connection, day: date, actor: str, part: int) -> int:
    """One release of what stands in `collected_sums`, which is all or one part; its id."""
    release_id = int(scalar(connection, sql("insert_release"), {"day": day, "actor": actor}))
    parameters = {"release_id": release_id, "part": part}
    connection.execute(sql("release_fees"), parameters)
    connection.execute(sql("add_collected"))
    connection.execute(sql("insert_release_lines"), parameters)
    connection.execute(sql("add_released"), parameters)
    return release_id
