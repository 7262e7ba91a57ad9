"""Form encoding as Stripe reads it: nesting, arrays, types, and what is refused in which words."""

import pytest

from payouts_pipeline.local.stripe_emulator import charges, listing, transfers
from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError
from payouts_pipeline.local.stripe_emulator.forms import Spec, checked, nested, pairs_of
from payouts_pipeline.local.stripe_emulator.store import JsonObject

MINIMAL = b"amount=1&currency=aud&destination=acct_1"


def read(encoded: bytes, spec: Spec = transfers.CREATE) -> JsonObject:
    return checked(nested(pairs_of(encoded)), spec)


def test_nested_keys_and_both_forms_of_arrays_are_read() -> None:
    params = read(MINIMAL + b"&metadata[a]=b%26c&metadata[d]=e+f&expand[]=x&expand[]=y")
    assert params["metadata"] == {"a": "b&c", "d": "e f"}
    assert params["expand"] == ["x", "y"]
    assert read(MINIMAL + b"&expand[0]=x&expand[1]=y")["expand"] == ["x", "y"]


def test_a_time_is_one_moment_or_a_range() -> None:
    assert read(b"created=5", listing.PAGE)["created"] == {"created": 5}
    assert read(b"created[gte]=5&created[lt]=9", listing.PAGE)["created"] == {"created_gte": 5, "created_lt": 9}


@pytest.mark.parametrize(
    ("encoded", "message", "param"),
    [
        (MINIMAL + b"&colour=blue", "Received unknown parameter: colour", "colour"),
        (MINIMAL + b"&a=1&b[c]=2", "Received unknown parameters: a, b", "a"),
        (b"amount=1&currency=aud", "Missing required param: destination.", "destination"),
        (b"amount=1.5&currency=aud&destination=acct_1", "Invalid integer: 1.5", "amount"),
        (b"amount=0&currency=aud&destination=acct_1", "This value must be greater than or equal to 1.", "amount"),
        (MINIMAL + b"&transfer_group=", "You passed an empty string for 'transfer_group'.", "transfer_group"),
        (MINIMAL + b"&metadata=x", "Invalid metadata", "metadata"),
        (MINIMAL + b"&metadata[a][b]=x", "nested values are not allowed", "metadata[a]"),
        (MINIMAL + b"&expand=x", "Invalid array", "expand"),
        (MINIMAL + b"&destination[a]=x", "is given as a value and as an object", "destination"),
    ],
)
def test_bad_parameters_are_refused_by_name(encoded: bytes, message: str, param: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read(encoded)
    assert message in str(refused.value)
    assert refused.value.error["param"] == param


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b"limit=0", "greater than or equal to 1"),
        (b"limit=101", "less than or equal to 100"),
        (b"created[around]=5", r"Received unknown parameter: created\[around\]"),
    ],
)
def test_bad_pages_are_refused(encoded: bytes, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        read(encoded, listing.PAGE)


def test_a_flag_is_true_or_false() -> None:
    with pytest.raises(InvalidRequestError, match="Invalid boolean: yes"):
        read(b"amount=1&currency=aud&confirm=yes", charges.CREATE)


def test_metadata_keeps_to_stripes_limits() -> None:
    def with_metadata(count: int, key_characters: int, value_characters: int) -> JsonObject:
        keys = (f"{number:0{key_characters}}" for number in range(count))
        pairs = "".join(f"&metadata[{key}]={'v' * value_characters}" for key in keys)
        return read(MINIMAL + pairs.encode())

    assert len(with_metadata(50, 40, 500)["metadata"]) == 50
    with pytest.raises(InvalidRequestError, match="up to 50 keys"):
        with_metadata(51, 2, 1)
    with pytest.raises(InvalidRequestError, match="keys can have up to 40 characters"):
        with_metadata(1, 41, 1)
    with pytest.raises(InvalidRequestError, match="values can have up to 500 characters"):
        with_metadata(1, 1, 501)


def test_what_is_not_form_encoded_text_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        pairs_of(b"a=%ff")
