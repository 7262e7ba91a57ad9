"""The example instance for ECS is one that Dagster loads, and that differs from the local one only where it has to."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_aws.ecs import EcsRunLauncher
from dagster_aws.s3.compute_log_manager import S3ComputeLogManager

from payouts_tests.support.worlds import ROOT, World

EXAMPLE = ROOT / "payouts_pipeline" / "aws" / "dagster-ecs.yaml"


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def test_dagster_loads_it_with_a_launcher_that_makes_a_task_of_each_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(EXAMPLE, tmp_path / "dagster.yaml")
    with world.entered(), monkeypatch.context() as environment:
        for name in ("PAYOUTS_DATABASE_URL", "DAGSTER_DATABASE_URL"):
            environment.setenv(f"{name}_SECRET", f"arn:aws:secretsmanager:eu-west-1:1:secret:payouts:{name}::")
        environment.setenv("PAYOUTS_LOG_BUCKET", "logs")
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            launcher = instance.run_launcher
            assert isinstance(launcher, EcsRunLauncher)
            assert isinstance(instance.compute_log_manager, S3ComputeLogManager)
            assert [secret["name"] for secret in launcher.secrets] == ["PAYOUTS_DATABASE_URL", "DAGSTER_DATABASE_URL"]
            assert launcher.use_current_ecs_task_config
            assert isinstance(instance.get_runs(limit=1), list), "its storage is there"


@pytest.mark.parametrize("part", ["concurrency", "sensors", "run_monitoring", "run_retries", "retention"])
def test_days_are_kept_apart_there_as_here(part: str) -> None:
    assert read(EXAMPLE)[part] == read(ROOT / "dagster.yaml")[part]


def test_no_value_that_is_secret_stands_in_it() -> None:
    config = read(EXAMPLE)["run_launcher"]["config"]
    assert all(set(secret["valueFrom"]) == {"env"} for secret in config["secrets"])
    assert not any("KEY" in variable or "URL" in variable for variable in config["env_vars"])
