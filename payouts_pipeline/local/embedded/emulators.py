"""The emulators: `ministack`, which runs the CloudFormation template on SNS, SQS and S3, and our own of Stripe."""

import asyncio
import http.client
import signal
import sys

from payouts_pipeline.local.embedded.parts import READY_TIMEOUT_S
from payouts_pipeline.local.embedded.ports import LOCALHOST
from payouts_pipeline.local.embedded.state import State

_REGION = "eu-west-1"
# ministack checks neither; they only keep a client from finding real credentials instead.
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "payouts-local", "AWS_SECRET_ACCESS_KEY": "payouts-local"}
# Looks like a key in test mode, opens nothing.
_API_KEY = "sk_test_payouts_local"


class HttpPart:
    """The common half of the parts that answer a health check and need no preparation."""

    name: str
    title: str
    health_path: str
    stop_signal = signal.SIGTERM
    ready_timeout_s = READY_TIMEOUT_S
    run_as: tuple[int, int] | None = None

    def __init__(self, state: State) -> None:
        self.folder = state.folder / self.name

    async def prepare(self) -> None:
        """Make the part's own folder."""
        self.folder.mkdir(exist_ok=True)

    def child_environment(self, port: int) -> dict[str, str]:
        """Need nothing more, unless a part says otherwise."""
        return {}

    async def is_ready(self, pid: int, port: int) -> bool:
        """Ask the health path, in a thread since the standard client blocks."""
        return await asyncio.to_thread(_answers_ok, port, self.health_path)


class Aws(HttpPart):
    """ministack saves all its state when it is ended by SIGTERM and loads it at the next start.

    When it is killed it falls back to the state of its last orderly end: messages are lost and consumed ones
    come back, which is within what the pipeline has to expect of a queue anyway.
    """

    name = "aws"
    title = "AWS emulator"
    health_path = "/_ministack/health"

    def command(self, port: int) -> list[str]:
        """Run ministack in the foreground; it takes everything from the environment."""
        return [sys.executable, "-m", "ministack"]

    def child_environment(self, port: int) -> dict[str, str]:
        """Bind to localhost, keep all files in the part's folder, and stay away from Docker and fixed ports.

        Left to itself it removes containers that it takes for its own, and listens on 8883 and 2222 as well.
        """
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return _CREDENTIALS | {
            "BIND_HOST": LOCALHOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": _REGION,
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.folder / "s3"),
            "TMPDIR": str(temporary),
            "DOCKER_HOST": f"unix://{self.folder}/no-docker.sock",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }

    def environment(self, port: int) -> dict[str, str]:
        """Return what boto3 reads from its environment."""
        regions = {"AWS_DEFAULT_REGION": _REGION, "AWS_REGION": _REGION}
        return _CREDENTIALS | regions | {"AWS_ENDPOINT_URL": _base_url(port)}


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
        return {"STRIPE_API_KEY": _API_KEY, "STRIPE_API_BASE": _base_url(port)}


def _base_url(port: int) -> str:
    return f"http://{LOCALHOST}:{port}"


def _answers_ok(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOCALHOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
