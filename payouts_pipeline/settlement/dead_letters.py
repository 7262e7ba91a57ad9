"""How many messages have died: what a check shows every morning. `redrive` says why, and brings them back."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from payouts_pipeline.aws.errors import AwsError, aws_errors
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.findings import Finding
from payouts_pipeline.settlement.topology import Topology

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_NAME = "no_dead_letters"


def count_dead_letters(sqs: "SQSClient", topology: Topology) -> dict[BillingType, int]:
    """About how many messages are in the dead-letter queue of each billing type; raises `AwsError`."""
    counts = {}
    for billing_type, url in topology.dead_letter_urls.items():
        with aws_errors(sqs):
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        counts[billing_type] = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    return counts


def check_dead_letters(count: Callable[[], Mapping[BillingType, int]]) -> Finding:
    """Whether the dead-letter queues are empty now, of whatever day the messages are.

    Where they can't be asked that is the finding: it is no reason to end a run whose money has moved.
    """
    try:
        counts = count()
    except AwsError as error:
        return Finding(_NAME, False, f"The dead-letter queues could not be asked. {error}", is_error=False)
    dead = {str(billing_type): number for billing_type, number in counts.items() if number}
    description = (
        "The dead-letter queues are empty."
        if not dead
        else f"{sum(dead.values())} messages have died ({', '.join(f'{name}: {n}' for name, n in dead.items())}). "
        "'payouts redrive --dry-run' says why, and 'payouts redrive' brings back those whose cause is mended. No money "
        "is lost: what is open is published again when its day is materialised."
    )
    return Finding(_NAME, not dead, description, is_error=False, figures={"dead_letters": dead})
