"""The embedded AWS: `ministack`, which runs the project's CloudFormation template on SNS, SQS and S3."""

import sys

from payouts_pipeline.local.embedded.parts import HttpPart, base_url
from payouts_pipeline.local.embedded.ports import LOCALHOST

_REGION = "eu-west-1"
# ministack checks neither; they only keep a client from finding real credentials instead.
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "payouts-local", "AWS_SECRET_ACCESS_KEY": "payouts-local"}


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
        return _CREDENTIALS | regions | {"AWS_ENDPOINT_URL": base_url(port)}
