"""What keeps the emulator from starting: one sentence, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from payouts_tests.support.emulated_stripe import API_KEY, emulated_stripe


def start(state: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "payouts_pipeline.local.stripe_emulator", "--port", "1"]
    return subprocess.run(
        [*command, "--state", str(state)],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("key", ["", "sk_live_0123456789abcdef"])
def test_it_wants_a_test_key_and_does_not_show_another(tmp_path: Path, key: str) -> None:
    refused = start(tmp_path / "state.sqlite", STRIPE_API_KEY=key)

    assert refused.returncode == 1
    assert "needs a key that starts with sk_test_" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert "0123456789abcdef" not in refused.stderr


def test_two_emulators_do_not_share_a_state_file(tmp_path: Path) -> None:
    with emulated_stripe(tmp_path):
        [state] = (tmp_path / "stripe").glob("*.sqlite")
        refused = start(state, STRIPE_API_KEY=API_KEY)

    assert refused.returncode == 1
    assert "stop the emulator that uses it" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
