"""What amounts Stripe takes in which currency, written down here a second time on purpose.

The pipeline has its own table of the same facts. Were it used here, a mistake in it would go unnoticed.
Source: https://docs.stripe.com/currencies (presentment currencies, special cases, minimum and maximum).
"""

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, StripeRefusalError

_SUPPORTED_TEXT = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad
    cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl
    htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd
    mmk mnt mop mro mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron
    rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usdc
    uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
"""
SUPPORTED = tuple(_SUPPORTED_TEXT.split())
ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# The step is the smallest difference between two amounts that Stripe takes.
STEPS = {**dict.fromkeys(THREE_DECIMAL, 10), "isk": 100, "ugx": 100}

DEFAULT_MINIMUM_CHARGE = 50
MINIMUM_CHARGES = {
    "gbp": 30,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "hkd": 400,
    "czk": 1500,
    "huf": 17500,
    "mxn": 1000,
    "myr": 200,
    "pln": 200,
    "ron": 200,
    "aed": 200,
    "thb": 1000,
    "bgn": 100,
}
# Stripe's page allows more digits to the networks of some cards, and its API reference 8 to any intent
# (https://docs.stripe.com/api/payment_intents/create, `amount`): here the smaller counts, for every method.
DEFAULT_MAXIMUM_DIGITS = 8
MAXIMUM_DIGITS = {"inr": 9, "cop": 10, "idr": 12}


def step_of(currency: str) -> int:
    """Return the smallest step between two amounts, in minor units."""
    return STEPS.get(currency, 1)


def decimals_of(currency: str) -> int:
    """How many decimals the minor unit stands for."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def minimum_charge(currency: str) -> int:
    """Return the smallest amount that can be charged, in minor units."""
    minimum, step = MINIMUM_CHARGES.get(currency, DEFAULT_MINIMUM_CHARGE), step_of(currency)
    return -(-minimum // step) * step


def known_currency(given: str) -> str:
    """Return the currency in Stripe's spelling (lower case), or Stripe's refusal."""
    currency = given.lower()
    if currency not in SUPPORTED:
        supported = ", ".join(SUPPORTED)
        message = f"Invalid currency: {currency}. Stripe currently supports these currencies: {supported}"
        raise InvalidRequestError(message, param="currency")
    return currency


def check_step(amount: int, currency: str) -> None:
    """Refuse an amount between two steps (KWD 1.234, ISK 10.50)."""
    step = step_of(currency)
    if amount % step:
        message = f"Invalid amount: an amount in {currency} must be a multiple of {step}, but you passed {amount}."
        raise StripeRefusalError(message, code="invalid_charge_amount", param="amount")


def check_charge(amount: int, currency: str) -> None:
    """Refuse an amount that cannot be charged: too small, too large, or between two steps."""
    minimum = minimum_charge(currency)
    if amount < minimum:
        message = f"Amount must be at least {price(minimum, currency)} {currency}"
        raise StripeRefusalError(message, code="amount_too_small", param="amount")
    largest = 10 ** MAXIMUM_DIGITS.get(currency, DEFAULT_MAXIMUM_DIGITS) - 1
    if amount > largest:
        message = f"Amount must be no more than {price(largest, currency)} {currency}"
        raise StripeRefusalError(message, code="amount_too_large", param="amount")
    check_step(amount, currency)


def price(amount: int, currency: str) -> str:
    """Return an amount as Stripe writes it in an error, with the sign of the currency if that has one."""
    decimals = decimals_of(currency)
    symbol = {"usd": "$", "aud": "$", "gbp": "£", "eur": "€", "jpy": "¥"}.get(currency, "")
    whole, rest = divmod(amount, 10**decimals)
    fraction = f".{rest:0{decimals}}" if decimals else ""
    return f"{symbol}{whole:,}{fraction}"
