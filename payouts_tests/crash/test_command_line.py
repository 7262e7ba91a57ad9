"""The same through Dagster: the real command line, killed, then run again to its end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from payouts_tests.crash.day import Place
from payouts_tests.crash.lanes import Lanes
from payouts_tests.crash.scenario import DAY
from payouts_tests.support.emulated_aws import REGION
from payouts_tests.support.emulated_stripe import API_KEY

_LEASE_AND_MORE_H = 1.0
_TIMEOUT_S = 120


def _environment(place: Place, stack: str, home: Path) -> dict[str, str]:
    (home / "dagster.yaml").touch()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DAGSTER_HOME": str(home),
        "DAGSTER_DATABASE_URL": place.database_url,
        "PAYOUTS_DATABASE_URL": place.database_url,
        "PAYOUTS_STORAGE": place.storage,
        "PAYOUTS_STACK": stack,
        "AWS_ENDPOINT_URL": place.aws_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "STRIPE_API_KEY": API_KEY,
        "STRIPE_API_BASE": place.stripe_url,
        "PAYOUTS_STRIPE_CALLS_PER_S": "0",
        "PAYOUTS_CHANGE_LIMIT": "{}",
    }


def _payouts_run(environment: dict[str, str], *points: str) -> "subprocess.CompletedProcess[str]":
    module = [sys.executable, "-m", "payouts_tests.crash.victim", *points, "--", "run", str(DAY), "--json"]
    return subprocess.run(module, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)


@pytest.mark.parametrize("point", ["WRITE_FRAME:before:2", "CHARGE:after:2"])
def test_payouts_run_goes_on_where_it_was_killed(point: str, lanes: Lanes, tmp_path: Path) -> None:
    with lanes.case() as case:
        case.expect_no_prehistory()
        environment = _environment(case.place, case.lane.stack, tmp_path)
        assert _payouts_run(environment, point).returncode == -signal.SIGKILL
        case.pass_time(_LEASE_AND_MORE_H)
        again = _payouts_run(environment)
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["days"][0]["day"] == str(DAY)
        case.recover()
        assert case.wrong() == {}
