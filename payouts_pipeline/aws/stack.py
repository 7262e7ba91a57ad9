"""Deploying the CloudFormation template: create or update the stack, and wait for it with progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from itertools import takewhile
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from botocore.exceptions import ClientError

from payouts_pipeline.aws.errors import AwsError, aws_errors, error_code, error_message

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackEventTypeDef, StackTypeDef

# The template makes policies and a role, all of them with names that CloudFormation chooses.
_CAPABILITIES: tuple[Literal["CAPABILITY_IAM"]] = ("CAPABILITY_IAM",)
_LONGEST_POLL_S = 3.0
_TIMEOUT_S = 1800.0

_DELETE_IT = "it can't be updated; delete it with 'aws cloudformation delete-stack --stack-name {stack}'"
_WHAT_TO_DO = {
    "CREATE_FAILED": _DELETE_IT,
    "ROLLBACK_COMPLETE": f"its creation failed and was undone, {_DELETE_IT}",
    "ROLLBACK_FAILED": _DELETE_IT,
    "DELETE_FAILED": _DELETE_IT,
    "REVIEW_IN_PROGRESS": f"a change set was made for it but never executed, {_DELETE_IT}",
    "UPDATE_FAILED": "roll it back in the CloudFormation console",
    "UPDATE_ROLLBACK_FAILED": "continue its rollback in the CloudFormation console",
}


def template_body() -> str:
    """Read the template as it is packaged."""
    return files("payouts_pipeline.aws").joinpath("template.yaml").read_text(encoding="utf-8")


def describe_stack(client: CloudFormationClient, stack: str) -> StackTypeDef | None:
    """Describe the stack, None if there is none; raises what boto3 raises."""
    try:
        return client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error_code(error) == "ValidationError" and "does not exist" in error_message(error):
            return None
        raise


def deploy(
    client: CloudFormationClient,
    stack: str,
    *,
    report: Callable[[str], None],
    parameters: Mapping[str, str] | None = None,
) -> bool:
    """Create or update the stack at the client's endpoint and wait until it is done; True if it changed.

    A parameter that is not given keeps the value it has, so that deploying again never undoes a setting.
    An operation of somebody else's that is in progress is waited for first. Raises `AwsError`.
    """
    with aws_errors(client):
        current = _at_rest(client, stack, report)
        token = f"payouts-{uuid4()}"
        if current is None:
            _create(client, stack, parameters or {}, token)
        elif _is_same(client, current, parameters or {}) or not _update(client, current, parameters or {}, token):
            report(f"The stack '{stack}' is up to date.")
            return False
        report(f"{'Updating' if current else 'Creating'} the stack '{stack}' at {client.meta.endpoint_url}.")
        _wait(client, stack, token, report)
    return True


def _at_rest(client: CloudFormationClient, stack: str, report: Callable[[str], None]) -> StackTypeDef | None:
    waited = ""
    for _ in _polls(stack):
        current = describe_stack(client, stack)
        status = current["StackStatus"] if current else ""
        if status in _WHAT_TO_DO:
            where = f"The stack '{stack}' at {client.meta.endpoint_url} is {status}"
            raise AwsError(f"{where}: {_what_to_do(stack, status)}.")
        if not status.endswith("_IN_PROGRESS"):
            return current
        if status != waited:
            report(f"The stack '{stack}' is {status} by somebody else, waiting.")
            waited = status
    return None


def _what_to_do(stack: str, status: str) -> str:
    return _WHAT_TO_DO.get(status, "fix that").format(stack=stack) + ", and deploy again"


def _create(client: CloudFormationClient, stack: str, parameters: Mapping[str, str], token: str) -> None:
    client.create_stack(
        StackName=stack,
        TemplateBody=template_body(),
        Parameters=_values(parameters),
        Capabilities=_CAPABILITIES,
        ClientRequestToken=token,
    )


def _is_same(client: CloudFormationClient, current: StackTypeDef, parameters: Mapping[str, str]) -> bool:
    """Seen from here, since an update is a right of its own that a look should not need."""
    deployed = client.get_template(StackName=current["StackName"])["TemplateBody"]
    return str(deployed) == template_body() and parameters.items() <= _current_values(current).items()


def _update(client: CloudFormationClient, current: StackTypeDef, parameters: Mapping[str, str], token: str) -> bool:
    body = template_body()
    known = {p["ParameterKey"] for p in client.get_template_summary(TemplateBody=body)["Parameters"]}
    kept = (_current_values(current).keys() & known) - parameters.keys()
    try:
        client.update_stack(
            StackName=current["StackName"],
            TemplateBody=body,
            Parameters=_values(parameters) + [{"ParameterKey": key, "UsePreviousValue": True} for key in kept],
            Capabilities=_CAPABILITIES,
            ClientRequestToken=token,
        )
    except ClientError as error:
        if "No updates are to be performed" in error_message(error):
            return False
        raise
    return True


def _values(parameters: Mapping[str, str]) -> list[ParameterTypeDef]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def _current_values(current: StackTypeDef) -> dict[str, str]:
    return {p["ParameterKey"]: p["ParameterValue"] for p in current.get("Parameters", [])}


def _wait(client: CloudFormationClient, stack: str, token: str, report: Callable[[str], None]) -> None:
    reported = 0
    for _ in _polls(stack):
        current = describe_stack(client, stack)
        status = current["StackStatus"] if current else "gone"
        events = _events(client, stack, token) if current else []
        for event in events[reported:]:
            _report(event, report)
        reported = len(events)
        if not status.endswith("_IN_PROGRESS"):
            _conclude(stack, status, events)
            return


def _conclude(stack: str, status: str, events: list[StackEventTypeDef]) -> None:
    if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return
    failures = (event for event in events if event.get("ResourceStatus", "").endswith("_FAILED"))
    reason = next(
        (f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in failures),
        "no reason given",
    )
    raise AwsError(
        f"Deploying the stack '{stack}' ended in {status} ({reason.rstrip('.')}): {_what_to_do(stack, status)}."
    )


def _events(client: CloudFormationClient, stack: str, token: str) -> list[StackEventTypeDef]:
    """List what our operation did, oldest first; AWS has the newest first, and the token tells ours."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack)
    newest_first = (event for page in pages for event in page["StackEvents"])
    ours = list(takewhile(lambda event: event.get("ClientRequestToken") == token, newest_first))
    return ours[::-1]


def _report(event: StackEventTypeDef, report: Callable[[str], None]) -> None:
    status = event.get("ResourceStatus", "")
    if not status.endswith("_IN_PROGRESS"):
        reason = event.get("ResourceStatusReason")
        report(f"{event.get('LogicalResourceId')}: {status}" + (f" ({reason})" if reason else ""))


def _polls(stack: str) -> Iterator[None]:
    """Come back ever more slowly: the emulator takes a tenth of a second, AWS a minute or two."""
    pause_s, ends_at = 0.05, time.monotonic() + _TIMEOUT_S
    while time.monotonic() < ends_at:
        yield
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_POLL_S)
    raise AwsError(
        f"The stack '{stack}' is still in progress after {_TIMEOUT_S / 60:.0f} minutes: "
        "look at its events in the CloudFormation console, and deploy again when it has ended."
    )
