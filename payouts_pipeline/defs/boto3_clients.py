"""boto3 clients on `dagster_aws`'s configuration base.

Not in `resources`, but imported when a run makes its first client: importing `dagster_aws` takes longer than loading
all of our definitions.
"""

from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from dagster_aws.utils import ResourceWithBoto3Configuration

from payouts_pipeline.aws.clients import make_client


class Boto3Clients(ResourceWithBoto3Configuration):
    """Clients for whichever service; what is not configured comes from boto3's own environment."""

    @cached_property
    def _session(self) -> boto3.session.Session:
        """One for all clients: a session reads botocore's data anew, which takes 0.2 s each."""
        return boto3.session.Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            aws_session_token=self.aws_session_token,
            region_name=self.region_name,
            profile_name=self.profile_name,
        )

    def client(self, service: str) -> Any:
        """A client that many threads can share."""
        return make_client(
            service,
            self._session,
            endpoint_url=self.endpoint_url,
            use_ssl=self.use_ssl,
            verify=self.verify,
            config=Config(retries={"max_attempts": self.max_attempts}),
        )
