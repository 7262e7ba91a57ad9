"""What Stripe takes in which currency, in minor units (docs.stripe.com/currencies).

Minor units are the integer that Stripe takes: yen for JPY, cents for EUR, fils for KWD.
"""

from decimal import Decimal, InvalidOperation

from payouts_pipeline.errors import PayoutsError

ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
THREE_DECIMAL = frozenset("BHD JOD KWD OMR TND".split())
TWO_DECIMAL = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY
    COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK
    JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO
    NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS
    TOP TRY TTD TWD TZS UAH UGX USD UYU UZS WST XCD YER ZAR ZMW
    """.split()
)
KNOWN = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL

_STEP_MINOR = {"ISK": 100, "UGX": 100} | dict.fromkeys(THREE_DECIMAL, 10)

_MINIMUM_CHARGE_MINOR = {
    **dict.fromkeys("USD CAD AUD NZD SGD EUR CHF BRL INR JPY".split(), 50),
    **dict.fromkeys("MYR PLN RON AED".split(), 200),
    **dict.fromkeys("NOK SEK".split(), 300),
    "GBP": 30,
    "DKK": 250,
    "HKD": 400,
    "CZK": 1_500,
    "HUF": 17_500,
    "MXN": 1_000,
    "THB": 1_000,
    "BGN": 100,
}
_MINIMUM_CHARGE_ELSEWHERE_MINOR = 50

# How many digits an amount may have; eight where nothing is said. Some card networks take more, but not all of them.
_DIGITS = {"IDR": 12, "COP": 10, "INR": 9}
_DIGITS_ELSEWHERE = 8


def step_minor(currency: str) -> int:
    """The smallest step in minor units that Stripe takes: 10 for KWD, 100 for ISK, else 1."""
    return _STEP_MINOR.get(currency, 1)


def minimum_charge_minor(currency: str) -> int:
    """The smallest charge that Stripe takes, in minor units, rounded up to the currency's step."""
    minimum = _MINIMUM_CHARGE_MINOR.get(currency, _MINIMUM_CHARGE_ELSEWHERE_MINOR)
    step = step_minor(currency)
    return -(-minimum // step) * step


def maximum_minor(currency: str) -> int:
    """The largest amount that Stripe takes in one call, in minor units, rounded down to the currency's step."""
    largest = int(10 ** _DIGITS.get(currency, _DIGITS_ELSEWHERE)) - 1
    return largest - largest % step_minor(currency)


def decimals(currency: str) -> int:
    """How many digits of a minor-unit amount stand behind the decimal point."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def parse_amount(text: str) -> Decimal:
    """An amount as people write it; raises PayoutsError for what is none, or nothing."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount <= 0:
        raise PayoutsError(f"'{text}' is not an amount: give one like 12.50.")
    return amount


def to_minor(amount: Decimal, currency: str) -> int:
    """An amount as people write it, in minor units; raises PayoutsError where it has more digits than the currency.

    >>> to_minor(Decimal("12.5"), "EUR"), to_minor(Decimal(1200), "JPY")
    (1250, 1200)
    """
    minor = amount.scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise PayoutsError(f"{amount} {currency} has more digits than the currency.")
    return int(minor)


def format_minor(amount_minor: int, currency: str) -> str:
    """An amount for people: ``1,234.50 EUR``. No float is involved.

    >>> format_minor(-123450, "EUR"), format_minor(1200, "JPY"), format_minor(2500, "KWD")
    ('-1,234.50 EUR', '1,200 JPY', '2.500 KWD')
    """
    places = decimals(currency)
    whole, rest = divmod(abs(amount_minor), 10**places)
    fraction = f".{rest:0{places}d}" if places else ""
    return f"{'-' if amount_minor < 0 else ''}{whole:,}{fraction} {currency}"
