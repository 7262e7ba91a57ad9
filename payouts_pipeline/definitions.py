"""What Dagster loads."""

import dagster as dg

from payouts_pipeline.defs.build import build_defs


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the environment that Dagster runs in."""
    return build_defs()
