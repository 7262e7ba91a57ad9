"""When the brake is pulled: ten refusals of one code that are more than half of the last hundred."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.attempts import Outcome
from payouts_pipeline.settlement.brake import Brake


def outcomes(count: int, code: str | None, status: Status = Status.REJECTED) -> list[Outcome]:
    return [Outcome(UUID(int=1), 1, status if code else Status.SETTLED, reason_code=code)] * count


def is_pulled(seen: Sequence[Outcome]) -> bool:
    brake = Brake()
    for outcome in seen:
        brake.note([outcome])
    try:
        brake.check()
    except PayoutsError:
        return True
    return False


@pytest.mark.parametrize(
    ("seen", "stops"),
    [
        (outcomes(9, "resource_missing"), False),
        (outcomes(10, "resource_missing"), True),
        (outcomes(10, "transfers_not_allowed", Status.WAITING), True),
        (outcomes(10, "a_code_of_tomorrow"), True),
        (outcomes(10, None) + outcomes(10, "resource_missing"), False),
        (outcomes(10, None) + outcomes(11, "resource_missing"), True),
        (outcomes(9, "resource_missing") + outcomes(9, "account_closed"), False),
        (outcomes(1000, None) + outcomes(50, "resource_missing"), False),
        (outcomes(1000, None) + outcomes(51, "resource_missing"), True),
        (outcomes(99, "insufficient_funds", Status.WAITING), False),
        (outcomes(99, "stolen_card"), False),
        (outcomes(99, "balance_insufficient", Status.WAITING), False),
        (outcomes(99, "no_answer", Status.UNKNOWN), False),
    ],
)
def test_the_brake_is_pulled(seen: list[Outcome], stops: bool) -> None:
    assert is_pulled(seen) == stops


def test_a_host_that_stays_tries_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payouts_pipeline.settlement.brake._HOLDS_FOR_S", 0.0)
    brake = Brake()
    brake.note(outcomes(10, "resource_missing"))
    brake.check()
    monkeypatch.setattr("payouts_pipeline.settlement.brake._HOLDS_FOR_S", 60.0)
    brake.note(outcomes(9, "resource_missing"))
    brake.check()
    brake.note(outcomes(1, "resource_missing"))
    with pytest.raises(PayoutsError, match=r"10 of the last 10 .*resource_missing: .*payouts retry"):
        brake.check()
