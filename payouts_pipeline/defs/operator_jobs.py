"""What an operator does without a shell: jobs with a form, beside the commands of the same names.

Each says who asks for it and why, as the history shows it. What moves money, or lets it be moved, only shows what it
would do, until ``is_confirmed`` is set.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from payouts_pipeline.defs import operator_looks as looks
from payouts_pipeline.defs import operator_money as money
from payouts_pipeline.defs import operator_proofs as proofs
from payouts_pipeline.defs import operator_steps as steps
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_pipeline.errors import PayoutsError

# What needs no resource, what needs the ledger alone, and what asks Stripe as well.
_STEPS_ALONE: Mapping[str, Callable[..., str]] = {"check_setup": proofs.check_setup}
_STEPS: Mapping[str, Callable[..., str]] = {
    "hold_payee": steps.hold,
    "unhold_payee": steps.unhold,
    "confirm_account": steps.confirm_account,
    "approve_instruction": steps.approve,
    "approve_day": steps.approve_day,
    "cancel_instruction": steps.cancel,
    "retry_refused": steps.retry,
    "accept_change": steps.accept,
    "preview_day": looks.preview,
    "explain_money": looks.explain,
    "write_off": money.write_off,
    "transfer_balance": money.transfer_balance,
}
_STEPS_AT_STRIPE: Mapping[str, Callable[..., str]] = {
    "refund": money.refund,
    "reverse_payout": money.reverse,
    "resolve_unknown": money.resolve,
    "sync_stripe": looks.sync,
    "recover_ledger": looks.recover,
    "verify_ledger": proofs.verify,
    "ledger_identity": proofs.ledger_identity,
}


def build_operator_jobs() -> list[dg.JobDefinition]:
    """A job for each step."""
    return [
        _job(name, step, with_resources(step))
        for steps_of, with_resources in (
            (_STEPS_ALONE, _alone),
            (_STEPS, _with_ledger),
            (_STEPS_AT_STRIPE, _with_stripe),
        )
        for name, step in steps_of.items()
    ]


def _alone(step: Callable[..., str]) -> Callable[..., None]:
    def run(context: dg.OpExecutionContext) -> None:
        _shown(context, step)

    return run


def _with_ledger(step: Callable[..., str]) -> Callable[..., None]:
    def run(context: dg.OpExecutionContext, config: Any, ledger: LedgerResource) -> None:
        _shown(context, lambda: step(config, ledger))

    return run


def _with_stripe(step: Callable[..., str]) -> Callable[..., None]:
    def run(context: dg.OpExecutionContext, config: Any, ledger: LedgerResource, stripe: StripeResource) -> None:
        _shown(context, lambda: step(config, ledger, stripe))

    return run


def _shown(context: dg.OpExecutionContext, step: Callable[[], str]) -> None:
    with _said():
        text = step()
    context.log.info(text)
    context.add_output_metadata({"result": dg.MetadataValue.md(text)})


def _job(name: str, step: Callable[..., str], run: Callable[..., None]) -> dg.JobDefinition:
    if "config" in step.__annotations__:
        # Dagster makes the form of it.
        run.__annotations__["config"] = step.__annotations__["config"]
    op = dg.op(name=f"{name}_step", description=step.__doc__)(run)

    @dg.job(name=name, description=step.__doc__, executor_def=dg.in_process_executor)
    def made() -> None:
        op()

    return made


@contextmanager
def _said() -> Iterator[None]:
    """An error that is meant for people is one sentence."""
    try:
        yield
    except PayoutsError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
