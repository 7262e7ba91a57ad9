"""The embedded parts: PostgreSQL, an AWS emulator and a Stripe emulator, so that a clone needs nothing else.

Each part is a real server in its own process that listens on 127.0.0.1 only. One supervisor process per state
folder starts them on demand; every command that uses them holds a connection to it, and when the last
connection has gone (also by SIGKILL) the supervisor stops the parts and ends, unless `keep` has told it to stay.
See `supervisor` for the protocol and `client` for what a command uses.
"""

from payouts_pipeline.local.embedded.client import embedded, keep, running, status, stop

__all__ = ["embedded", "keep", "running", "status", "stop"]
