"""Frames between the assets: one file for each day, whole or not there, in a folder or on S3 by the same code."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import dagster as dg
import pandas as pd
import pytest
from upath import UPath

from payouts_pipeline.defs.io_managers import ParquetFiles
from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.domain import frames
from payouts_pipeline.domain.batches import Batches, Digest
from payouts_pipeline.errors import PayoutsError
from payouts_tests.support.definitions_for_tests import QUIET, definitions, instance
from payouts_tests.support.emulated_aws import emulated_aws, options
from payouts_tests.support.leagues import DAY, League

_CONTEXT = cast("Any", SimpleNamespace(asset_key=dg.AssetKey("matches")))


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


def stored(storage: Path, made: Batches) -> Batches:
    """Frames by way of the IO manager's file."""
    files, path = ParquetFiles(UPath(storage)), UPath(storage) / f"{DAY}.parquet"
    files.dump_to_path(_CONTEXT, made, path)
    return files.load_from_path(_CONTEXT, path)


def matches_of_day(*matches: int) -> Batches:
    """A frame for each match."""
    columns = frames.columns(ids="match_id", texts="text")
    made = [frames.conform(pd.DataFrame({"match_id": [n, n], "text": [None, "ab"]}), columns) for n in matches]
    return Batches(lambda names: iter([each if names is None else each[list(names)] for each in made]))


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


def test_the_frames_of_a_day_come_back_one_by_one_as_often_as_they_are_read(tmp_path: Path) -> None:
    made = matches_of_day(1, 2, 3)
    again = stored(tmp_path, made)
    assert Digest.of(again) == Digest.of(again)
    assert [frame["match_id"].tolist() for frame in again.only("match_id")] == [[1, 1], [2, 2], [3, 3]]
    whole = pd.read_parquet(tmp_path / f"{DAY}.parquet", dtype_backend="pyarrow")
    pd.testing.assert_frame_equal(whole, made.whole())


def test_a_day_without_fees_comes_back_with_its_columns(tmp_path: Path) -> None:
    [frame] = stored(tmp_path, Batches.of(frames.empty(frames.MATCHES)))
    assert dict(frame.dtypes) == frames.MATCHES
    assert not len(frame)


def test_what_another_run_writes_meanwhile_is_not_mixed_with_what_is_read(tmp_path: Path) -> None:
    before = stored(tmp_path, matches_of_day(1, 2))
    [first, *_] = before
    after = stored(tmp_path, matches_of_day(3))
    assert [frame["match_id"].tolist() for frame in before] == [first["match_id"].tolist(), [2, 2]]
    assert [frame["match_id"].tolist() for frame in after] == [[3, 3]]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    stored(tmp_path, matches_of_day(*range(99)))
    path = tmp_path / f"{DAY}.parquet"
    content = bytearray(path.read_bytes())
    content[4:2_000] = bytes(1_996)
    path.write_bytes(content)
    with pytest.raises(PayoutsError, match="no readable 'matches'"):
        list(ParquetFiles(UPath(tmp_path)).load_from_path(_CONTEXT, UPath(path)))
