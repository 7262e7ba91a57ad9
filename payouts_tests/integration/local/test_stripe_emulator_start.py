"""What keeps the emulator from starting: one sentence, and no traceback."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from payouts_tests.support.emulated_stripe import API_KEY, charge, emulated_stripe, transfer


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


def test_a_state_file_from_before_there_were_refunds_is_read_on(tmp_path: Path) -> None:
    with emulated_stripe(tmp_path) as emulator:
        emulator.start_over()
        paid = charge(emulator.sdk())
        transfer(emulator.sdk())
        before = emulator.admin.journal()
    [state] = (tmp_path / "stripe").glob("*.sqlite")
    _make_old(state)

    with emulated_stripe(tmp_path) as emulator:
        assert emulator.admin.journal() == before
        assert emulator.sdk().v1.refunds.create({"payment_intent": paid.id}).amount == 2000
        assert emulator.admin.journal()[-1].seq == before[-1].seq + 1


def _make_old(state: Path) -> None:
    """As the emulator of November 2026 left it."""
    with closing(sqlite3.connect(state)) as connection:
        connection.executescript("""
            CREATE TABLE journal AS SELECT * FROM movements;
            ALTER TABLE journal DROP COLUMN source;
            DROP TABLE movements;
            DROP TABLE events;
            DROP TABLE fees;
            DROP TABLE paid_out;
            ALTER TABLE objects DROP COLUMN account;
        """)
