"""The worker's code for AWS Lambda: our package and what it imports, in a zip that is the same for the same code."""

import hashlib
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from payouts_pipeline.aws.errors import aws_errors
from payouts_pipeline.errors import PayoutsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# What the handler imports; boto3 is part of the runtime.
_IMPORTED = ("psycopg[binary]", "psycopg-pool", "stripe")
# The runtime of the template.
PYTHON_VERSION = "3.13"
_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
_SUFFIXES = (".py", ".sql")
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def upload(s3: "S3Client", bucket: str, python_version: str = PYTHON_VERSION) -> str:
    """Build the zip file and put it into the bucket, unless it is there; its key, which changes with its content."""
    with tempfile.TemporaryDirectory(prefix="payouts-lambda-") as folder:
        package = build(Path(folder), python_version)
        content = package.read_bytes()
    key = f"payouts-worker-{hashlib.sha256(content).hexdigest()[:16]}.zip"
    with aws_errors(s3):
        if not any(found["Key"] == key for found in s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])):
            s3.put_object(Bucket=bucket, Key=key, Body=content)
    return key


def build(folder: Path, python_version: str = PYTHON_VERSION) -> Path:
    """Make the zip file in ``folder``, of the versions that are installed here, for Lambda's Linux."""
    site = folder / "site"
    _install(site, python_version)
    ours = Path(str(files("payouts_pipeline")))
    added = {path.relative_to(ours.parent): path for path in ours.rglob("*") if path.suffix in _SUFFIXES}
    installed = (path for path in site.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    added |= {path.relative_to(site): path for path in installed}
    package = folder / "worker.zip"
    with ZipFile(package, "w", ZIP_DEFLATED) as archive:
        for name, path in sorted(added.items()):
            archive.writestr(ZipInfo(name.as_posix(), _EARLIEST), path.read_bytes(), ZIP_DEFLATED)
    return package


def _install(site: Path, python_version: str) -> None:
    """Have pip put the wheels for Lambda there; they need not run here."""
    platforms = [argument for platform in _PLATFORMS for argument in ("--platform", platform)]
    options = ["--no-deps", "--only-binary=:all:", "--no-compile", "--python-version", python_version, *platforms]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(site)]
    done = subprocess.run([*command, *options, *pins()], capture_output=True, text=True, check=False)  # noqa: S603 - pip
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise PayoutsError(f"The worker's dependencies could not be had for Lambda ({reason}): see that pip works.")


def pins() -> list[str]:
    """What the handler imports, and what that needs, each in the version that is installed here and so tested."""
    found: dict[str, str] = {}
    wanted = [Requirement(text) for text in _IMPORTED]
    while wanted:
        requirement = wanted.pop()
        installed = distribution(requirement.name)
        found[canonicalize_name(requirement.name)] = f"{requirement.name}=={installed.version}"
        for text in installed.requires or []:
            needed = Requirement(text)
            extras = ("", *requirement.extras)
            applies = needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras)
            if applies and canonicalize_name(needed.name) not in found:
                wanted.append(needed)
    return sorted(found.values())
