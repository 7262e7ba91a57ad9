"""How much may change of a day without a person, and what is said where it is more."""

import pytest

from payouts_pipeline import settings
from payouts_pipeline.domain.change_limits import Change, ChangeLimit, ProposalCode, judge, judge_first, sentence
from payouts_pipeline.errors import PayoutsError

LIMIT = ChangeLimit(0.2, {"EUR": 5_000})


@pytest.mark.parametrize(
    ("booked", "changed", "moved_minor", "code"),
    [
        (10, 2, {"EUR": 5_000}, None),
        (10, 3, {"EUR": 1}, ProposalCode.MANY_FEES),
        (10, 1, {"EUR": 5_001}, ProposalCode.LARGE_AMOUNT),
        (10, 1, {"JPY": 10**9}, None),
        (10, 1, {"EUR": 1, "JPY": 10**9}, None),
        (3, 1, {"EUR": 1}, ProposalCode.MANY_FEES),
    ],
)
def test_what_is_beyond_a_limit_waits(
    booked: int, changed: int, moved_minor: dict[str, int], code: ProposalCode | None
) -> None:
    verdict = judge(Change(booked, changed, moved_minor), LIMIT)
    assert (verdict.code if verdict else None) == code


def test_a_first_booking_waits_only_above_what_is_usual() -> None:
    usual = {"EUR": (1_000, 4_000)}
    assert judge_first(Change(0, 5, {"EUR": 4_000}), usual) is None
    assert judge_first(Change(0, 5, {"EUR": 10}), usual) is None
    assert judge_first(Change(0, 5, {"USD": 10**9}), usual) is None
    verdict = judge_first(Change(0, 5, {"EUR": 4_001}), usual)
    assert verdict is not None
    assert sentence(verdict.code, verdict.details) == (
        "5 fees of 40.01 EUR in all are more than is usual on this weekday: 40.00 EUR"
    )


def test_the_default_is_in_every_currency_worth_about_the_same() -> None:
    limit = settings.change_limit({})
    assert (limit.share, limit.amounts_minor["EUR"], limit.amounts_minor["JPY"]) == (0.2, 100_000, 100_000)
    assert limit.amounts_minor["HUF"] == 35_000_000


def test_what_an_operator_gives_replaces_all_of_it() -> None:
    assert settings.change_limit({"PAYOUTS_CHANGE_LIMIT": '{"share": 0.5, "EUR": 7}'}) == ChangeLimit(0.5, {"EUR": 7})
    assert settings.change_limit({"PAYOUTS_CHANGE_LIMIT": "{}"}).is_none


@pytest.mark.parametrize("text", ["1", "[]", "{", '{"share": 2}', '{"share": "0.2"}', '{"share": true}', '{"XXX": 1}'])
def test_what_is_malformed_is_named(text: str) -> None:
    with pytest.raises(PayoutsError, match="PAYOUTS_CHANGE_LIMIT is not a JSON object"):
        settings.change_limit({"PAYOUTS_CHANGE_LIMIT": text})
