"""Serve until SIGTERM or SIGINT: `python -m … --port PORT --state PATH [--api-key KEY]`."""

import argparse
import os
import signal
import sys
from pathlib import Path

import uvicorn

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.app import build_app
from payouts_pipeline.local.stripe_emulator.dispatch import Dispatcher
from payouts_pipeline.local.stripe_emulator.store import Store
from payouts_pipeline.local.stripe_emulator.wire import DroppableProtocol

# A pooled connection must not be closed under a request that is on its way: that looks like a lost answer.
KEEP_ALIVE_S = 3600
SHUTDOWN_S = 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stripe_emulator", description="A local stand-in for Stripe's API.")
    parser.add_argument("--port", type=int, required=True, help="port to serve on, at 127.0.0.1 only")
    parser.add_argument("--state", type=Path, required=True, help="SQLite file that holds all state; made if missing")
    parser.add_argument(
        "--api-key",
        default=os.environ.get("STRIPE_API_KEY", ""),
        help="the secret key of the default account (default: STRIPE_API_KEY); starts with sk_test_",
    )
    return parser.parse_args()


def serve(port: int, state: Path, api_key: str) -> None:
    """Serve until told to stop; what was answered is on disk at any moment."""
    if not api_key.startswith("sk_test_"):
        raise PayoutsError(
            "The Stripe emulator needs a key that starts with sk_test_: set STRIPE_API_KEY or pass --api-key."
        )
    dispatcher = Dispatcher(Store(state), api_key)
    config = uvicorn.Config(
        build_app(dispatcher),
        host="127.0.0.1",
        port=port,
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        # The emulator's own clock says the date.
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        backlog=2048,
    )
    # uvicorn raises the signal again once it has shut down; to be told to stop is no failure here.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvicorn.Server(config).run()
    dispatcher.platforms.close()


def main() -> None:
    """Run the command line."""
    arguments = _arguments()
    try:
        serve(arguments.port, arguments.state, arguments.api_key)
    except PayoutsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
