"""What refunds, disputes and reversals do to accounts: for now they are entered against whom the instruction was of."""

from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger.database import Connection, scalar, sql


def enter(connection: Connection, actor: str) -> int:
    """Enter what came back of settled instructions (view `returns_to_enter`), each once; how many that were."""
    with failpoint(Failpoint.ENTER_RETURNS), connection.transaction():
        return int(scalar(connection, sql("enter_returns"), {"actor": actor}))
