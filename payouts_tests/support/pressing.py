"""Launches the jobs of an operator as production defines them, with what their forms would give."""

from functools import cache
from typing import Any

import dagster as dg

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_tests.support.definitions_for_tests import QUIET, instance
from payouts_tests.support.emulated_stripe import API_KEY

ADA = {"person": "ada", "reason": "see [/ticket]"}


@cache
def production() -> dg.Definitions:
    return build_defs({})


def press(database_url: str, job: str, stripe_url: str | None = None, **config: Any) -> str:
    """Run the job as its form would; what its page shows. What fails is raised as the page says it."""
    ledger = LedgerResource(database_url=database_url, source_url=database_url, change_share=0.2)
    resources = {"ledger": ledger, "stripe": StripeResource(api_key=API_KEY, api_base=stripe_url, workers=2)}
    run_config = {"ops": {f"{job}_step": {"config": config}} if config else {}, **QUIET}
    with instance() as made:
        result = (
            production()
            .resolve_job_def(job)
            .execute_in_process(run_config, instance=made, raise_on_error=False, resources=resources)
        )
    for event in result.all_events:
        if event.is_step_failure:
            raise AssertionError(event.step_failure_data.error_display_string)
    [shown] = [event.step_output_data.metadata for event in result.all_events if event.is_successful_output]
    return str(shown["result"].value)
