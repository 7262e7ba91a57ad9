"""A database URL that can't be read is refused in a sentence that names its variable, and quotes nothing of it."""

import pytest

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import open_connection, require_readable

_SECRET = "hush"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://payer:%zz{_SECRET}@127.0.0.1:1/name",
        f"postgresql://payer:{_SECRET}/{_SECRET}@127.0.0.1:1/name",
        f"postgresql://payer:12/{_SECRET}@127.0.0.1:1/name",
        f"postgresql://payer:x@{_SECRET}@127.0.0.1:1/name",
        f"postgresql://payer:{_SECRET} {_SECRET}@127.0.0.1:1/name",
        f"postgresql://payer:{_SECRET}@[::1/name",
        f"postgres//{_SECRET}",
        f"host=127.0.0.1 password={_SECRET} {_SECRET}",
        f"host=127.0.0.1 port={_SECRET}",
    ],
)
def test_a_url_that_cannot_be_read_is_not_quoted(url: str) -> None:
    with pytest.raises(PayoutsError, match="PAYOUTS_SOURCE_URL is not a valid") as refused:
        open_connection(url, "PAYOUTS_SOURCE_URL")
    assert _SECRET not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://payer:hush@db.example.com:5432/payouts",
        "postgres://payer:p%40ss@10.0.0.1/payouts?sslmode=require",
        "postgresql://payer@[::1]:5432/payouts",
        "postgresql://payer@a.example.com:5432,b.example.com:5432/payouts",
        "postgresql:///payouts?host=/var/run/postgresql",
        "host=localhost port=5432 dbname=payouts user=payer password='a b'",
    ],
)
def test_the_usual_ways_to_write_one_can_be_read(url: str) -> None:
    require_readable(url)


def test_what_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(PayoutsError, match=r"name at 127\.0\.0\.1:1 of PAYOUTS_DATABASE_URL can't") as refused:
        open_connection(f"postgresql://payer:{_SECRET}@127.0.0.1:1/name")
    assert _SECRET not in str(refused.value)
