"""Frames between the assets: one file for each day, whole or not there, in a folder or on S3 by the same code."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import dagster as dg
import pandas as pd
import pytest
from upath import UPath

from payouts_pipeline.defs.jobs import JOB
from payouts_tests.support.definitions_for_tests import QUIET, definitions, instance
from payouts_tests.support.emulated_aws import emulated_aws, options
from payouts_tests.support.leagues import DAY, League


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a bucket; boto3's environment says where it is, as in production."""
    with emulated_aws(tmp_path_factory.mktemp("aws")) as url, pytest.MonkeyPatch.context() as environment:
        known = options(url)
        environment.setenv("AWS_ENDPOINT_URL", url)
        environment.setenv("AWS_DEFAULT_REGION", known["region_name"])
        environment.setenv("AWS_ACCESS_KEY_ID", known["aws_access_key_id"])
        environment.setenv("AWS_SECRET_ACCESS_KEY", known["aws_secret_access_key"])
        boto3.client("s3", **known).create_bucket(
            Bucket="frames", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield "s3://frames/payouts"


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)
    return monkeypatch


def materialise(*assets: str) -> dg.ExecuteInProcessResult:
    selection = [dg.AssetKey(asset) for asset in assets]
    job = definitions().resolve_job_def(JOB)
    with instance() as made:
        return job.execute_in_process(
            instance=made,
            partition_key=str(DAY),
            asset_selection=selection,
            run_config=QUIET,
            raise_on_error=False,
        )


def frame(storage: UPath, asset: str) -> pd.DataFrame:
    with (storage / asset / f"{DAY}.parquet").open("rb") as file:
        return pd.read_parquet(file, dtype_backend="pyarrow")


@contextmanager
def full_disk(largest_file_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_frames_pass_through_a_folder_and_through_s3(
    environment: pytest.MonkeyPatch, league: League, request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    storage = str(tmp_path) if kind == "folder" else str(request.getfixturevalue("bucket"))
    environment.setenv("PAYOUTS_STORAGE", storage)
    league.fee(league.player(), DAY)
    assert materialise("matches").success
    assert materialise("splits").success
    lines = frame(UPath(storage), "splits")
    assert lines["amount_minor"].tolist() == [1_000, 1_000]
    assert str(lines["amount_minor"].dtype) == "int64[pyarrow]"


def test_an_input_that_was_never_made_is_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("PAYOUTS_STORAGE", str(tmp_path))
    result = materialise("splits")
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.error is not None
    said = failure.error.to_string()
    assert f"PAYOUTS_STORAGE has no 'matches' of {DAY}: materialise that asset of that day first." in said


def test_a_write_that_breaks_off_leaves_the_file_of_before(
    environment: pytest.MonkeyPatch, league: League, tmp_path: Path
) -> None:
    environment.setenv("PAYOUTS_STORAGE", str(tmp_path))
    league.fee(league.player(), DAY)
    assert materialise("matches").success
    before = (tmp_path / "matches" / f"{DAY}.parquet").read_bytes()
    league.fee(league.player(), DAY)
    with full_disk(largest_file_bytes=100):
        assert not materialise("matches").success
    assert (tmp_path / "matches" / f"{DAY}.parquet").read_bytes() == before
    assert materialise("matches").success
    assert len(frame(UPath(str(tmp_path)), "matches")) == 2
