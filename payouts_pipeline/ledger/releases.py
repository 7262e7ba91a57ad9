"""From fees that were collected to shares that may be paid (rule of money 2)."""

from datetime import date

from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.portions import divide_release


def release_collected_fees(connection: Connection, day: date, actor: str) -> int:
    """Make the shares of fees payable that were really collected; how many fees. Under the locks of the day."""
    connection.execute(sql("find_uncollected_fees"), {"day": day})
    connection.execute(sql("count_uncollected_fees"))
    fees = connection.execute(sql("find_collected_fees")).rowcount
    for part in range(1, divide_release(connection) + 1) if fees else ():
        release_id = scalar(connection, sql("insert_release"), {"day": day, "actor": actor})
        parameters = {"release_id": release_id, "part": part}
        connection.execute(sql("mark_fees_released"), parameters)
        connection.execute(sql("insert_release_lines"), parameters)
        connection.execute(sql("add_released"), parameters)
    return fees
