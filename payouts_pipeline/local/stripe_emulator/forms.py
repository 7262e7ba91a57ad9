"""Form encoding as Stripe reads it: `a[b]=c` into nested parameters, each checked against what is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError
from payouts_pipeline.local.stripe_emulator.store import JsonObject

Raw: TypeAlias = "str | dict[str, Raw]"
RawParams: TypeAlias = "dict[str, Raw]"
Reader = Callable[[str, Raw], Any]

METADATA_MAX_KEYS = 50
METADATA_MAX_KEY_CHARACTERS = 40
METADATA_MAX_VALUE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Param:
    """One known parameter: how to read it, and whether the request fails without it."""

    read: Reader
    required: bool = False


Spec: TypeAlias = Mapping[str, Param]


def pairs_of(encoded: bytes) -> list[tuple[str, str]]:
    """Return the decoded pairs of a query string or form body, in order."""
    try:
        return parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise InvalidRequestError("Invalid request: the parameters are not form-encoded UTF-8.") from error


def nested(pairs: list[tuple[str, str]]) -> RawParams:
    """Pairs such as `("a[b]", "c")` as `{"a": {"b": "c"}}`; arrays are dicts by position."""
    params: RawParams = {}
    for name, value in pairs:
        if "[" in name:
            _put(params, name, value)
        else:
            params[name] = value
    return params


def _put(params: RawParams, name: str, value: str) -> None:
    *parents, last = name.replace("]", "").split("[")
    for parent in parents:
        child = params.setdefault(parent, {})
        if isinstance(child, str):
            raise InvalidRequestError(f"Invalid object: '{parent}' is given as a value and as an object.", param=parent)
        params = child
    params[last or str(len(params))] = value


def checked(raw: RawParams, spec: Spec, prefix: str = "") -> JsonObject:
    """Return the typed parameters; refuse unknown, malformed and missing ones in Stripe's words."""
    names = {name: f"{prefix}[{name}]" if prefix else name for name in (*raw, *spec)}
    unknown = [names[name] for name in raw if name not in spec]
    if unknown:
        message = f"Received unknown parameter{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}"
        raise InvalidRequestError(message, code="parameter_unknown", param=unknown[0])
    for name, param in spec.items():
        if param.required and name not in raw:
            label = names[name]
            raise InvalidRequestError(f"Missing required param: {label}.", code="parameter_missing", param=label)
    return {name: spec[name].read(names[name], value) for name, value in raw.items()}


def text(name: str, raw: Raw) -> str:
    """Read a string that is not empty."""
    if not isinstance(raw, str):
        raise InvalidRequestError("Invalid string: a hash was given.", param=name)
    if not raw:
        raise InvalidRequestError(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or "
            "supply a non-empty value.",
            code="parameter_invalid_empty",
            param=name,
        )
    return raw


def optional_text(name: str, raw: Raw) -> str | None:
    """Read a string; an empty one unsets the field."""
    return text(name, raw) if raw else None


def integer(name: str, raw: Raw) -> int:
    """Read an integer in decimal digits."""
    if not isinstance(raw, str) or not raw.removeprefix("-").isdecimal() or not raw.isascii():
        raise InvalidRequestError(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=name)
    return int(raw)


def positive_integer(name: str, raw: Raw) -> int:
    """Read an integer from 1."""
    value = integer(name, raw)
    if value < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidRequestError(message, code="parameter_invalid_integer", param=name)
    return value


def page_size(name: str, raw: Raw) -> int:
    """How many objects a page of a list has: 1 to 100."""
    value = positive_integer(name, raw)
    if value > 100:
        message = "This value must be less than or equal to 100."
        raise InvalidRequestError(message, code="parameter_invalid_integer", param=name)
    return value


def boolean(name: str, raw: Raw) -> bool:
    """Read `true` or `false`."""
    if raw not in ("true", "false"):
        raise InvalidRequestError(f"Invalid boolean: {raw}", param=name)
    return raw == "true"


def texts(name: str, raw: Raw) -> list[str]:
    """Read an array of strings: `a[]=x` or `a[0]=x`."""
    if isinstance(raw, str):
        raise InvalidRequestError("Invalid array", param=name)
    return [text(f"{name}[{position}]", value) for position, value in raw.items()]


def one_of(*allowed: str) -> Reader:
    """Return a reader for a string out of a fixed set."""

    def read(name: str, raw: Raw) -> str:
        if raw not in allowed:
            message = f"Invalid {name}: must be one of {', '.join(allowed)}"
            raise InvalidRequestError(message, param=name)
        return str(raw)

    return read


def hash_of(spec: Spec) -> Reader:
    """Return a reader for a nested object with known keys."""

    def read(name: str, raw: Raw) -> JsonObject:
        if isinstance(raw, str):
            raise InvalidRequestError("Invalid object", param=name)
        return checked(raw, spec, name)

    return read


def free_hash(name: str, raw: Raw) -> RawParams:
    """Read a nested object that is accepted as it is, because the emulator makes no use of it."""
    if isinstance(raw, str):
        raise InvalidRequestError("Invalid object", param=name)
    return raw


def metadata(name: str, raw: Raw) -> dict[str, str]:
    """Read Stripe's metadata: flat, at most 50 keys of 40 characters, values of 500; empty ones are no values."""
    if raw == "":
        return {}
    if isinstance(raw, str):
        raise InvalidRequestError("Invalid metadata: metadata must be a set of key-value pairs", param=name)
    if len(raw) > METADATA_MAX_KEYS:
        message = f"Metadata can only have up to {METADATA_MAX_KEYS} keys, but you passed in {len(raw)} keys."
        raise InvalidRequestError(message, param=name)
    return {key: _metadata_value(f"{name}[{key}]", key, value) for key, value in raw.items()}


def _metadata_value(name: str, key: str, value: Raw) -> str:
    if len(key) > METADATA_MAX_KEY_CHARACTERS:
        raise InvalidRequestError(
            f"Metadata keys can have up to {METADATA_MAX_KEY_CHARACTERS} characters, but you passed in a key "
            f"that is {len(key)} characters. Invalid key: {key}",
            param=name,
        )
    if not isinstance(value, str):
        raise InvalidRequestError("Invalid metadata: nested values are not allowed", param=name)
    if len(value) > METADATA_MAX_VALUE_CHARACTERS:
        raise InvalidRequestError(
            f"Metadata values can have up to {METADATA_MAX_VALUE_CHARACTERS} characters, but you passed in a "
            f"value that is {len(value)} characters. Invalid value: {value}",
            param=name,
        )
    return value


CREATED_RANGE: Spec = {bound: Param(integer) for bound in ("gt", "gte", "lt", "lte")}


def created(name: str, raw: Raw) -> JsonObject:
    """Read the `created` filter of a list, one moment or a range, as the filters of the store."""
    if isinstance(raw, str):
        return {"created": integer(name, raw)}
    return {f"created_{bound}": value for bound, value in checked(raw, CREATED_RANGE, name).items()}
