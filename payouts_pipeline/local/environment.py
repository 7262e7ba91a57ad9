"""Which parts are embedded and which are the user's own: what is set in the environment replaces just its part."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local import services


class Need(StrEnum):
    """What a command needs."""

    LEDGER = "ledger"
    DAGSTER = "dagster"
    AWS = "aws"
    STRIPE = "stripe"


_PART_OF = {Need.LEDGER: "postgres", Need.DAGSTER: "postgres", Need.AWS: "aws", Need.STRIPE: "stripe"}
_VARIABLES_OF = {
    Need.LEDGER: ["PAYOUTS_DATABASE_URL"],
    Need.DAGSTER: ["DAGSTER_DATABASE_URL"],
    Need.AWS: ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"],
    Need.STRIPE: ["STRIPE_API_KEY", "STRIPE_API_BASE"],
}
# Any of these says that boto3 has somewhere to go by itself.
_OWN_AWS = [
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
]


def project_dir() -> Path:
    """The checkout: the current folder if it has a dagster.yaml, else where this package lies."""
    here = Path.cwd()
    return here if (here / "dagster.yaml").exists() else Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    """Where everything local is kept."""
    return project_dir() / ".payouts"


def embedded_needs(needs: Collection[Need], environment: Mapping[str, str]) -> set[Need]:
    """Which of the needs the embedded parts serve; raises PayoutsError where a part is set by half."""
    _require_whole(environment)
    own = {
        Need.LEDGER: bool(environment.get("PAYOUTS_DATABASE_URL")),
        Need.DAGSTER: bool(environment.get("DAGSTER_DATABASE_URL")),
        Need.AWS: any(environment.get(name) for name in _OWN_AWS),
        Need.STRIPE: bool(environment.get("STRIPE_API_KEY")),
    }
    return {need for need in needs if not own[need]}


def _require_whole(environment: Mapping[str, str]) -> None:
    for given, missing in (
        ("STRIPE_API_BASE", "STRIPE_API_KEY"),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ("PAYOUTS_SOURCE_URL", "PAYOUTS_DATABASE_URL"),
    ):
        if environment.get(given) and not environment.get(missing):
            raise PayoutsError(f"{given} is set but {missing} is not: set both, or neither to use the embedded part.")


@contextmanager
def parts(needs: Collection[Need], report: Callable[[str], None]) -> Iterator[set[Need]]:
    """Run what is embedded of the needs, and complete this process's environment; yields the embedded needs."""
    embedded = embedded_needs(needs, os.environ)
    os.environ.setdefault("PAYOUTS_STORAGE", str(state_dir() / "storage"))
    if not embedded:
        yield embedded
        return
    with services.embedded({_PART_OF[need] for need in embedded}, state_dir(), report) as found:
        for need in embedded:
            os.environ.update({name: found[name] for name in _VARIABLES_OF[need] if name in found})
        yield embedded
