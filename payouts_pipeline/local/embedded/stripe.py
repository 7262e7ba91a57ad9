"""The embedded Stripe: the project's own emulator."""

import sys

from payouts_pipeline.local.embedded.parts import HttpPart, base_url

# Looks like a key in test mode, opens nothing.
_API_KEY = "sk_test_payouts_local"


class Stripe(HttpPart):
    """The emulator keeps what it knows in one SQLite file, written before it answers."""

    name = "stripe"
    title = "Stripe emulator"
    health_path = "/_emulator/health"

    def command(self, port: int) -> list[str]:
        """Run the emulator on its file."""
        module = [sys.executable, "-m", "payouts_pipeline.local.stripe_emulator"]
        state_path = self.folder / "emulator.sqlite"
        return [*module, "--port", str(port), "--state", str(state_path), "--api-key", _API_KEY]

    def environment(self, port: int) -> dict[str, str]:
        """Return the key and where the API is."""
        return {"STRIPE_API_KEY": _API_KEY, "STRIPE_API_BASE": base_url(port)}
