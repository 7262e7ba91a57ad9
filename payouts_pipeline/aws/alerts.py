"""Alerts for people: one message to an SNS topic of the operator's own."""

from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.errors import aws_errors

# SNS takes no longer subject, and none with other than printable ASCII characters.
_LONGEST_SUBJECT = 100


def publish_alert(topic_arn: str, kind: str, subject: str, text: str) -> None:
    """Send it; subscriptions can filter on the attribute ``kind``. Raises `AwsError` where SNS does not take it.

    The region is the topic's own, which need not be that of the payments.
    """
    client = make_client("sns", region_name=topic_arn.split(":")[3])
    with aws_errors(client):
        client.publish(
            TopicArn=topic_arn,
            Subject=subject.encode("ascii", "replace").decode()[:_LONGEST_SUBJECT],
            Message=text,
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
