"""The Parquet files between the assets: whether their folder or bucket can be used."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from upath import UPath

from payouts_pipeline import settings
from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.errors import aws_errors
from payouts_pipeline.reports.doctor.bus import IMPATIENT
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, ok, problem
from payouts_pipeline.reports.doctor.setup import Setup


def look(setup: Setup) -> Iterator[Diagnosis]:
    """A folder is asked for what this process may do there; of a bucket only that it is there can be seen."""
    address = settings.required("PAYOUTS_STORAGE", setup.environment)
    if urlsplit(address).scheme == "s3":
        yield _bucket(urlsplit(address).netloc)
    elif UPath(address).protocol in ("", "file"):
        yield _folder(Path(UPath(address).path).absolute())
    else:
        UPath(address).exists()
        yield ok("storage", f"{UPath(address).protocol} answers; the first night shows whether it can be written to")


def _bucket(name: str) -> Diagnosis:
    client = make_client("s3", config=IMPATIENT)
    with aws_errors(client):
        client.head_bucket(Bucket=name)
    return ok("storage", f"bucket {name} answers; the first night shows whether it can be written to")


def _folder(folder: Path) -> Diagnosis:
    """What is not there yet is made in the nearest folder that is."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if there.is_dir() and os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return ok("storage", f"folder {folder} can be written to")
    what = "can't be written to" if there.is_dir() else "is a file"
    return problem("storage", f"{there} {what}", "name another folder in PAYOUTS_STORAGE, or open this one.")
