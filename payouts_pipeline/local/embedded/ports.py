"""Free ports on 127.0.0.1, the same as last time where that can be."""

import socket
from collections.abc import Collection

from payouts_pipeline.local.embedded.state import State

LOCALHOST = "127.0.0.1"


def choose_port(state: State, name: str) -> int:
    """Return a free port for the part `name` and remember it.

    The port of the last start is kept while it is free, so that a `.env` written then stays valid.
    """
    ports = state.read("ports")
    earlier = ports.get(name)
    port = earlier if isinstance(earlier, int) and is_free(earlier) else any_free_port(ports.values())
    state.write("ports", ports | {name: port})
    return port


def any_free_port(taken: Collection[int] = ()) -> int:
    """Return a port that nobody listens on, and that is not one of ``taken``."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOCALHOST, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port


def is_free(port: int) -> bool:
    """Ask as a server would: connections of the last run that are in TIME_WAIT don't occupy the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
            probe.listen()
        except OSError:
            return False
    return True
