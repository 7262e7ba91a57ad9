"""What an operator does without a shell: jobs with a form, beside the commands of the same names.

Each says who asks for it and why, as the history shows it. What moves money, or lets it be moved, only shows what it
would do, until ``is_confirmed`` is set.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from pydantic.fields import FieldInfo

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
    def run(context: dg.OpExecutionContext, ledger: LedgerResource) -> None:
        _shown(context, lambda: step(_filled(step, context), ledger))

    return run


def _with_stripe(step: Callable[..., str]) -> Callable[..., None]:
    def run(context: dg.OpExecutionContext, ledger: LedgerResource, stripe: StripeResource) -> None:
        _shown(context, lambda: step(_filled(step, context), ledger, stripe))

    return run


def _shown(context: dg.OpExecutionContext, step: Callable[[], str]) -> None:
    with _said():
        text = step()
    context.log.info(text)
    context.add_output_metadata({"result": dg.MetadataValue.md(text)})


def _job(name: str, step: Callable[..., str], run: Callable[..., None]) -> dg.JobDefinition:
    form = step.__annotations__.get("config")
    schema = _schema(form) if form else None
    op = dg.op(name=f"{name}_step", description=step.__doc__, config_schema=schema)(run)

    @dg.job(name=name, description=step.__doc__, executor_def=dg.in_process_executor)
    def made() -> None:
        op()

    return made


def _filled(step: Callable[..., str], context: dg.OpExecutionContext) -> dg.Config:
    form: type[dg.Config] = step.__annotations__["config"]
    return form(**context.op_config)


def _schema(form: type[dg.Config]) -> dict[str, dg.Field]:
    """The fields of a form, each with its example.

    What Dagster itself would make of it takes the name of a variable of the environment for a text, and so would show
    the key of Stripe to whoever gives that as a reason.
    """
    return {name: _field(of) for name, of in form.model_fields.items()}


def _field(of: FieldInfo) -> dg.Field:
    example = f" For example: {of.examples[0]}" if of.examples else ""
    default = {} if of.is_required() else {"default_value": of.default}
    kind = bool if of.annotation is bool else str
    return dg.Field(kind, description=f"{of.description}{example}", is_required=of.is_required(), **default)


@contextmanager
def _said() -> Iterator[None]:
    """An error that is meant for people is one sentence."""
    try:
        yield
    except PayoutsError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
