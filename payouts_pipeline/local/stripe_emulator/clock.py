"""The emulator's clock: the machine's, plus what a test has moved it forward."""

import time

from payouts_pipeline.local.stripe_emulator.store import Store

OFFSET = "clock_offset_s"


class Clock:
    """Seconds since the epoch, as everything in the emulator sees them; the offset survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.offset_s = store.setting(OFFSET)

    def now(self) -> int:
        """Return the current second."""
        return int(time.time()) + self.offset_s

    def advance(self, seconds: int) -> None:
        """Move forward; never back, because the order of what happened would break."""
        self.offset_s += seconds
        self._store.run("set_setting", name=OFFSET, value=self.offset_s)

    def reset(self) -> None:
        """Back to the machine's time, together with a store that was reset."""
        self.offset_s = 0
