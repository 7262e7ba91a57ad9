"""Which parts are embedded and which are the user's own: what is set in the environment replaces just its part."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local import embedded as services


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
# The first without the second says nothing.
_SET_BY_HALF = (
    ("STRIPE_API_BASE", "STRIPE_API_KEY"),
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ("PAYOUTS_SOURCE_URL", "PAYOUTS_DATABASE_URL"),
)
# Where the shell names a proxy, these keep local connections off it.
_DIRECT = ("no_proxy", "NO_PROXY")
# Any of these says that boto3 already knows where to go.
_OWN_AWS = [
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
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


def env_path() -> Path:
    """The file that a plain `dg dev` reads its environment from."""
    return project_dir() / ".env"


def embedded_needs(needs: Collection[Need], environment: Mapping[str, str]) -> set[Need]:
    """Which of the needs the embedded parts serve.

    Raises PayoutsError where a part is set by half, or one's own ledger would meet the embedded Stripe, or the embedded
    ledger live money: what one of these says to the other is never true.
    """
    for given, missing in _SET_BY_HALF:
        if environment.get(given) and not environment.get(missing):
            raise PayoutsError(f"{given} is set but {missing} is not: set both, or neither to use the embedded part.")
    own = {
        Need.LEDGER: bool(environment.get("PAYOUTS_DATABASE_URL")),
        Need.DAGSTER: bool(environment.get("DAGSTER_DATABASE_URL")),
        Need.AWS: any(environment.get(name) for name in _OWN_AWS),
        Need.STRIPE: bool(environment.get("STRIPE_API_KEY")),
    }
    embedded = {need for need in needs if not own[need]}
    if Need.STRIPE in needs:
        _refuse_mixture(environment, own_ledger=own[Need.LEDGER], own_stripe=own[Need.STRIPE])
    return embedded


def _refuse_mixture(environment: Mapping[str, str], *, own_ledger: bool, own_stripe: bool) -> None:
    """Nobody means to charge a sample season for real, or to have real payments settled by an emulator."""
    if own_ledger and not own_stripe:
        raise PayoutsError(
            "PAYOUTS_DATABASE_URL names your own ledger, but STRIPE_API_KEY is not set: set it. The embedded Stripe "
            "emulator is never used with a ledger of your own."
        )
    if not own_ledger and "_live_" in environment.get("STRIPE_API_KEY", ""):
        raise PayoutsError(
            "STRIPE_API_KEY is a live key, but PAYOUTS_DATABASE_URL is not set: name your own database, "
            "or try the sample season with a test key."
        )


def stay_local(report: Callable[[str], None]) -> None:
    """For the demo: leave out of this process's environment what would lead it to the real AWS or the real Stripe.

    Somebody who tries a stranger's demo has a region, a profile or a key in the shell for other purposes.
    """
    for where, names in (("AWS_ENDPOINT_URL", _OWN_AWS), ("STRIPE_API_BASE", _VARIABLES_OF[Need.STRIPE])):
        ignored = [name for name in names if os.environ.get(name)]
        if ignored and not os.environ.get(where):
            report(
                f"the demo stays on this machine: it does not use {', '.join(ignored)} (set {where} to have it used)"
            )
            for name in names:
                os.environ.pop(name, None)


def _say_what_is_real(own: Collection[Need], report: Callable[[str], None]) -> None:
    """Name the variable that leads to the real AWS or Stripe: it may be there for other purposes."""
    for need, where, names in (
        (Need.AWS, "AWS_ENDPOINT_URL", _OWN_AWS),
        (Need.STRIPE, "STRIPE_API_BASE", ["STRIPE_API_KEY"]),
    ):
        given = [name for name in names if os.environ.get(name)]
        if need in own and given and not os.environ.get(where):
            title = {Need.AWS: "AWS", Need.STRIPE: "Stripe"}[need]
            report(f"the real {title} is used, and no emulator, since {', '.join(given)} is set")


@contextmanager
def parts(needs: Collection[Need], report: Callable[[str], None]) -> Iterator[set[Need]]:
    """Run what is embedded of the needs, and complete this process's environment; yields the embedded needs."""
    embedded = embedded_needs(needs, os.environ)
    _say_what_is_real(set(needs) - embedded, report)
    os.environ.setdefault("PAYOUTS_STORAGE", str(state_dir() / "storage"))
    if not embedded:
        yield embedded
        return
    with services.embedded({_PART_OF[need] for need in embedded}, state_dir(), report) as found:
        for need in embedded:
            names = (*_VARIABLES_OF[need], *_DIRECT)
            os.environ.update({name: found[name] for name in names if name in found})
        if Need.STRIPE in embedded:
            os.environ.setdefault("PAYOUTS_STRIPE_CALLS_PER_S", "0")
        yield embedded
