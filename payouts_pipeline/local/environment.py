"""Which parts are embedded and which are the user's own: what is set in the environment replaces just its part."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
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
# Of each part, what says nothing without the second.
_SET_BY_HALF = (
    (Need.STRIPE, "STRIPE_API_BASE", "STRIPE_API_KEY"),
    (Need.AWS, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    (Need.AWS, "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    (Need.LEDGER, "PAYOUTS_SOURCE_URL", "PAYOUTS_DATABASE_URL"),
)
_OWN_LEDGER_WITHOUT_STRIPE = (
    "PAYOUTS_DATABASE_URL names your own ledger, but STRIPE_API_KEY is not set: set it. The embedded Stripe emulator "
    "is never used with a ledger of your own."
)
_LIVE_WITH_EMBEDDED_LEDGER = (
    "STRIPE_API_KEY is a live key, but PAYOUTS_DATABASE_URL is not set: name your own database, or try the sample "
    "season with a test key."
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
    for sentence in _set_by_half(environment).values():
        raise PayoutsError(sentence)
    mixed = _mixture(environment)
    if mixed and Need.STRIPE in needs:
        raise PayoutsError(mixed)
    return {need for need in needs if not _is_own(need, environment)}


def _is_own(need: Need, environment: Mapping[str, str]) -> bool:
    names = {
        Need.LEDGER: ["PAYOUTS_DATABASE_URL"],
        Need.DAGSTER: ["DAGSTER_DATABASE_URL"],
        Need.AWS: _OWN_AWS,
        Need.STRIPE: ["STRIPE_API_KEY"],
    }
    return any(environment.get(name) for name in names[need])


def _set_by_half(environment: Mapping[str, str]) -> dict[Need, str]:
    """By part, in a sentence."""
    return {
        need: f"{given} is set but {missing} is not: set both, or neither to use the embedded part."
        for need, given, missing in _SET_BY_HALF
        if environment.get(given) and not environment.get(missing)
    }


def _mixture(environment: Mapping[str, str]) -> str | None:
    """Nobody means to charge a sample season for real, or to have real payments settled by an emulator."""
    if not _is_own(Need.LEDGER, environment):
        is_live = "_live_" in environment.get("STRIPE_API_KEY", "")
        return _LIVE_WITH_EMBEDDED_LEDGER if is_live else None
    return None if _is_own(Need.STRIPE, environment) else _OWN_LEDGER_WITHOUT_STRIPE


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
    with _running(embedded, report):
        yield embedded


@contextmanager
def parts_to_look_at(
    needs: Collection[Need], report: Callable[[str], None]
) -> Iterator[tuple[set[Need], dict[Need, str]]]:
    """The same where each part may be set wrongly: the embedded ones, and by part in a sentence why it is not there."""
    mixed = _mixture(os.environ)
    broken = ({Need.STRIPE: mixed} if mixed else {}) | _set_by_half(os.environ)
    broken = {need: sentence for need, sentence in broken.items() if need in needs}
    embedded = {need for need in needs if need not in broken and not _is_own(need, os.environ)}
    with ExitStack() as running:
        for need in sorted(embedded):
            try:
                running.enter_context(_running({need}, report))
            except PayoutsError as error:
                broken[need] = str(error)
        yield embedded - broken.keys(), broken


@contextmanager
def _running(embedded: Collection[Need], report: Callable[[str], None]) -> Iterator[None]:
    """Run these embedded parts, and complete this process's environment."""
    os.environ.setdefault("PAYOUTS_STORAGE", str(state_dir() / "storage"))
    if not embedded:
        yield
        return
    with services.embedded({_PART_OF[need] for need in embedded}, state_dir(), report) as found:
        for need in embedded:
            names = (*_VARIABLES_OF[need], *_DIRECT)
            os.environ.update({name: found[name] for name in names if name in found})
        if Need.STRIPE in embedded:
            os.environ.setdefault("PAYOUTS_STRIPE_CALLS_PER_S", "0")
        yield
