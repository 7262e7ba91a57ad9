"""Why instructions stand where they stand, in the words that people read."""

from psycopg.rows import class_row

from payouts_pipeline.domain.reasons import WithReason
from payouts_pipeline.ledger.database import Connection

_INSTRUCTIONS = """
    select billing_type, currency, status, reason_code, reason_details
    from payouts.instructions
    where billing_type like %s
    order by 1, 3, 4, 5
"""


def reasons(ledger: Connection, billing_type: str = "%") -> list[tuple[str, str, str | None]]:
    """Billing type, status and sentence of each instruction (of one billing type)."""
    with ledger.cursor(row_factory=class_row(WithReason)) as cursor:
        found = cursor.execute(_INSTRUCTIONS, (billing_type,)).fetchall()
    return [(each.billing_type, each.status, each.reason) for each in found]


def sentences(ledger: Connection, billing_type: str = "%") -> list[str]:
    """Only the sentences, of those that have one: of all that has not settled."""
    return [sentence for _, _, sentence in reasons(ledger, billing_type) if sentence]
