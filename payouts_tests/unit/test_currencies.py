"""Minor units, steps and minimums: what Stripe takes."""

import pytest

from payouts_pipeline.domain.currencies import (
    KNOWN,
    THREE_DECIMAL,
    TWO_DECIMAL,
    ZERO_DECIMAL,
    decimals,
    format_minor,
    maximum_minor,
    minimum_charge_minor,
    step_minor,
)

# Stripe's minimums (docs.stripe.com/currencies), written out once more.
_MINIMUMS = {
    50: "USD CAD AUD NZD SGD EUR CHF BRL INR JPY ZAR KRW KWD BHD TND",
    30: "GBP",
    250: "DKK",
    300: "NOK SEK",
    400: "HKD",
    1_500: "CZK",
    17_500: "HUF",
    1_000: "MXN THB",
    200: "MYR PLN RON AED",
    100: "BGN ISK UGX",
}


@pytest.mark.parametrize(
    ("currency", "minimum"), [(currency, amount) for amount, codes in _MINIMUMS.items() for currency in codes.split()]
)
def test_the_minimum_charge_is_stripes(currency: str, minimum: int) -> None:
    assert minimum_charge_minor(currency) == minimum


def test_steps_are_ten_for_three_decimals_and_a_hundred_for_isk_and_ugx() -> None:
    assert {currency: step_minor(currency) for currency in KNOWN if step_minor(currency) != 1} == {
        **dict.fromkeys("BHD JOD KWD OMR TND".split(), 10),
        "ISK": 100,
        "UGX": 100,
    }


def test_every_minimum_can_be_charged() -> None:
    assert [currency for currency in KNOWN if minimum_charge_minor(currency) % step_minor(currency)] == []


def test_a_currency_has_one_number_of_decimals() -> None:
    assert not ZERO_DECIMAL & TWO_DECIMAL
    assert not THREE_DECIMAL & (ZERO_DECIMAL | TWO_DECIMAL)
    assert frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()) == ZERO_DECIMAL
    assert (decimals("JPY"), decimals("EUR"), decimals("KWD"), decimals("ISK")) == (0, 2, 3, 2)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (0, "EUR", "0.00 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (123_456_789, "EUR", "1,234,567.89 EUR"),
        (1_200, "JPY", "1,200 JPY"),
        (-2_500, "KWD", "-2.500 KWD"),
        (2**63 - 1, "EUR", "92,233,720,368,547,758.07 EUR"),
    ],
)
def test_amounts_for_people_are_exact(amount_minor: int, currency: str, text: str) -> None:
    assert format_minor(amount_minor, currency) == text


@pytest.mark.parametrize(
    ("currency", "largest"),
    [
        ("EUR", 99_999_999),
        ("JPY", 99_999_999),
        ("INR", 999_999_999),
        ("COP", 9_999_999_999),
        ("IDR", 999_999_999_999),
        ("ISK", 99_999_900),
        ("KWD", 99_999_990),
    ],
)
def test_the_largest_amount_depends_on_the_currency_and_can_be_charged(currency: str, largest: int) -> None:
    assert maximum_minor(currency) == largest
    assert largest % step_minor(currency) == 0
