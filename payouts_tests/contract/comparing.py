"""One step's answers held against what Stripe documents, and against one another."""

from collections.abc import Iterator, Mapping

from payouts_tests.contract.expectations import Expected
from payouts_tests.contract.observations import Observation

ABSENT = "(nothing)"


def differences(step: str, expected: Expected, said: Mapping[str, Observation]) -> list[str]:
    """A sentence for each field that is not as expected, or in which the providers (by their names) differ.

    `said` is what each provider said to the step; with one provider only what is expected counts.
    """
    fields = sorted({*expected.fields, *(field for each in said.values() for field in each)})
    return [line for field in fields for line in _of_field(step, field, expected, said)]


def _of_field(step: str, field: str, expected: Expected, said: Mapping[str, Observation]) -> Iterator[str]:
    values = {provider: each.get(field, ABSENT) for provider, each in said.items()}
    heard = "; ".join(f"{provider} said {value!r}" for provider, value in values.items())
    if field in expected.fields:
        wanted = expected.fields[field]
        if any(value != wanted for value in values.values()):
            yield f"«{step}», {field}: expected {wanted!r} ({expected.source}); {heard}"
    elif any(value != next(iter(values.values())) for value in values.values()):
        yield f"«{step}», {field}: not documented; {heard}"
