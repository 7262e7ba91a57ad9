"""What a failing AWS call means to a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from payouts_pipeline.errors import PayoutsError

_WRONG_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class AwsError(PayoutsError):
    """A call that AWS refused, or that never reached it, after all the tries that boto3 makes."""


@contextmanager
def aws_errors(client: BaseClient) -> Iterator[None]:
    """Turn what boto3 raises inside the block into one `AwsError` sentence that names the endpoint.

    Errors that the caller expects (a stack that is not there) have to be caught inside the block.
    """
    where = f"{client.meta.service_model.service_id} at {client.meta.endpoint_url}"
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise AwsError(
            f"There are no AWS credentials for {where}: "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        ) from error
    except (EndpointConnectionError, HTTPClientError) as error:
        raise AwsError(
            f"{where} does not answer ({type(error).__name__}): check AWS_ENDPOINT_URL, AWS_REGION and the network."
        ) from error
    except ClientError as error:
        raise AwsError(_refusal(where, error)) from error
    except BotoCoreError as error:
        raise AwsError(f"A call to {where} failed: {error}.") from error


def error_code(error: ClientError) -> str:
    """Read the code of AWS's answer, such as `ValidationError`; empty if it gave none."""
    return str(_detail(error).get("Code", ""))


def error_message(error: ClientError) -> str:
    """Read AWS's own words, without a full stop at the end."""
    return str(_detail(error).get("Message", "")).rstrip(".")


def _detail(error: ClientError) -> dict[str, Any]:
    return dict(error.response.get("Error", {}))


def _refusal(where: str, error: ClientError) -> str:
    if error_code(error) in _WRONG_CREDENTIALS:
        return f"{where} does not accept the credentials ({error_code(error)}): check them, or sign in again."
    return f"{where} refused {error.operation_name}: {error_code(error)}, {error_message(error)}."
