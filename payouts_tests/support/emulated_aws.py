"""A real `ministack` in a process of its own, for the tests of one module."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from payouts_pipeline.local.embedded.ports import any_free_port

REGION = "eu-west-1"


@contextmanager
def emulated_aws(folder: Path, **environment: str) -> Iterator[str]:
    """Yield its endpoint; what it writes goes into `folder`, `environment` is added to what it sees."""
    port = any_free_port()
    seen = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "S3_DATA_DIR": str(folder / "s3"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
    }
    with (folder / "ministack.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=seen | environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        _wait_until_up(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def options(endpoint: str, key: str = "test", secret: str = "test") -> dict[str, Any]:  # noqa: S107 - nobody's
    """What `boto3.client` needs besides the service, so that the environment of the tests does not matter."""
    return {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": key,
        "aws_secret_access_key": secret,
    }


def _wait_until_up(server: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(200):
        assert server.poll() is None, "ministack ended at once"
        try:
            httpx.get(f"http://127.0.0.1:{port}/_ministack/health", timeout=5).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("ministack did not come up in 20 seconds")
