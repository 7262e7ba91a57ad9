"""Whether money reaches a payee's bank: what is made of the list of its payouts."""

from datetime import UTC, datetime, timedelta

import pytest

from payouts_pipeline.domain.banks import BankPayout, failures, sentence

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def payout(age_days: int, status: str, currency: str = "EUR", code: str | None = None) -> BankPayout:
    return BankPayout(f"po_{age_days}", currency, 1_000 + age_days, status, code, NOW - timedelta(days=age_days))


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [
        ([], []),
        ([("paid", 1)], []),
        ([("failed", 1)], ["po_1"]),
        ([("paid", 1), ("failed", 2)], []),
        ([("failed", 1), ("paid", 2)], ["po_1"]),
        # What is on its way does not say that the bank takes it by now; nor does what was cancelled.
        ([("in_transit", 1), ("pending", 2), ("canceled", 3), ("failed", 4)], ["po_4"]),
        ([("in_transit", 1), ("paid", 2), ("failed", 3)], []),
    ],
)
def test_the_last_that_has_come_to_its_end_counts(newest_first: list[tuple[str, int]], expected: list[str]) -> None:
    found = failures(payout(age, status, code="account_closed") for status, age in newest_first)
    assert [each.reason_details["payout"] for each in found] == expected


def test_each_currency_for_itself() -> None:
    found = failures([payout(1, "paid"), payout(2, "failed", "AUD", "no_account"), payout(3, "failed")])
    assert [(each.currency, each.reason_code, each.reason_details["amount_minor"]) for each in found] == [
        ("AUD", "no_account", 1_002)
    ]


def test_a_code_that_nobody_has_heard_of_is_said_as_it_is() -> None:
    assert sentence("account_closed", {}) == "the bank account is closed"
    assert sentence("bank_on_the_moon", {}) == "the bank did not take it (bank_on_the_moon)"
    (without_code,) = failures([payout(1, "failed")])
    assert sentence(without_code.reason_code, without_code.reason_details) == "the bank did not take it"
