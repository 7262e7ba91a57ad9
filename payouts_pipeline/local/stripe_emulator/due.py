"""What time brings: banks that have answered by now, and funds that are available."""

from payouts_pipeline.local.stripe_emulator import balance, processing
from payouts_pipeline.local.stripe_emulator.call import Call


def settle(call: Call) -> None:
    """Let all of it happen; to be asked before anything is looked at or moved."""
    processing.end_due(call)
    balance.release_due(call)
