"""Versions: what is installed, and whether it is what the code was written for."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

import stripe
from packaging.requirements import Requirement

from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.settlement.stripe_client import API_VERSION

_NAMED = ("payouts", "dagster", "stripe", "boto3", "psycopg")


def look(_: Setup) -> Iterator[Diagnosis]:
    """Packages that are not the wanted ones, and the version of Stripe's API that every call names."""
    wrong = list(_unwanted())
    named = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    if wrong:
        yield warning("versions", f"not as pyproject.toml wants it: {', '.join(wrong)}", "run 'make setup' again.")
    else:
        yield ok("versions", f"Python {platform.python_version()}, {named}")
    if stripe.api_version == API_VERSION:
        yield ok("Stripe's API version", f"every call names {API_VERSION}, which is the SDK's own")
    else:
        found = f"every call names {API_VERSION}, but the installed SDK is of {stripe.api_version}"
        yield problem("Stripe's API version", found, "install the SDK that requirements.lock names.")


def _unwanted() -> Iterator[str]:
    for text in requires("payouts") or []:
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate():
            try:
                found = version(wanted.name)
            except PackageNotFoundError:
                yield f"{wanted.name} is not installed"
                continue
            if not wanted.specifier.contains(found, prereleases=True):
                yield f"{wanted.name} {found} is not {wanted.specifier}"
