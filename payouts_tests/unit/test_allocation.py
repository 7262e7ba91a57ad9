"""One fee split to the cent: any fee, any shares, any currency."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain import currencies
from payouts_pipeline.domain.allocation import CannotSplit, Terms, allocate
from payouts_pipeline.domain.reasons import HeldOutCode
from payouts_tests.support import oracle

Row = tuple[object, object, object, object]

_PAYEES = st.tuples(st.sampled_from(["club", "organiser", "partner", "platform"]), st.integers(1, 4))


@st.composite
def good_terms(draw: st.DrawFn) -> tuple[str, int, list[Row]]:
    """A currency, a fee that it can have, and share rows that split it, some of the same payee."""
    currency = draw(st.sampled_from(sorted(currencies.KNOWN)))
    step = currencies.step_minor(currency)
    fee_steps = draw(st.integers(0, currencies.maximum_minor(currency) // step))
    payees = draw(st.lists(_PAYEES, min_size=1, max_size=7))
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(payees) - 1, max_size=len(payees) - 1)))
    bps = [high - low for low, high in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    rows: list[Row] = []
    left = fee_steps
    for (subject, partner), share_bps in zip(payees, bps, strict=True):
        fixed = draw(st.sampled_from([0, 0, left // 3, left]))
        left -= fixed
        rows.append((subject, partner if subject == "partner" else None, fixed * step, share_bps))
    return currency, fee_steps * step, draw(st.permutations(rows))


def _split(currency: str, fee_minor: int, rows: list[Row]) -> dict[tuple[str, int], int]:
    terms = Terms.from_rows(currency, fee_minor, json.dumps(rows))
    return {(share.subject.value, share.partner_id): amount for share, amount in allocate(terms)}


@given(good_terms())
def test_shares_add_up_exactly_and_are_within_one_step_of_the_exact_part(terms: tuple[str, int, list[Row]]) -> None:
    currency, fee_minor, rows = terms
    amounts = _split(currency, fee_minor, rows)
    step = currencies.step_minor(currency)
    rest = fee_minor - sum(int(str(row[2])) for row in rows)
    exact: dict[tuple[str, int], Fraction] = {}
    for subject, partner, fixed, bps in rows:
        payee = str(subject), int(str(partner or 0))
        exact[payee] = exact.get(payee, Fraction(0)) + int(str(fixed)) + Fraction(rest * int(str(bps)), 10_000)
    assert sum(amounts.values()) == fee_minor
    assert amounts.keys() == exact.keys()
    assert all(abs(amounts[payee] - exact[payee]) < step for payee in exact)
    assert all(amount >= 0 and amount % step == 0 for amount in amounts.values())


@given(good_terms(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(terms: tuple[str, int, list[Row]], chance: object) -> None:
    currency, fee_minor, rows = terms
    assert _split(currency, fee_minor, rows) == _split(currency, fee_minor, sorted(rows, key=str))


@given(good_terms())
def test_it_agrees_with_the_oracle(terms: tuple[str, int, list[Row]]) -> None:
    currency, fee_minor, rows = terms
    plain = [(str(s), int(str(p or 0)), int(str(f)), int(str(b))) for s, p, f, b in rows]
    limits = currencies.step_minor(currency), currencies.maximum_minor(currency)
    assert _split(currency, fee_minor, rows) == oracle.split(fee_minor, *limits, plain)


@pytest.mark.parametrize(
    ("rows", "amounts"),
    [
        # One cent is left over, and all remainders are equal: the club comes first.
        ([["platform", None, 0, 5000], ["club", None, 0, 5000]], {("club", 0): 51, ("platform", 0): 50}),
        ([["platform", None, 0, 5000], ["organiser", None, 0, 5000]], {("organiser", 0): 51, ("platform", 0): 50}),
        ([["platform", None, 0, 5000], ["partner", 9, 0, 5000]], {("partner", 9): 51, ("platform", 0): 50}),
        # Partners by id, not by text: 9 before 10.
        ([["partner", 10, 0, 5000], ["partner", 9, 0, 5000]], {("partner", 9): 51, ("partner", 10): 50}),
        # The largest remainder wins over the order: 33.33, 67.67.
        ([["club", None, 0, 3300], ["platform", None, 0, 6700]], {("club", 0): 33, ("platform", 0): 68}),
    ],
)
def test_remainders_go_out_largest_first_and_ties_in_the_fixed_order(
    rows: list[Row], amounts: dict[tuple[str, int], int]
) -> None:
    assert _split("EUR", 101, rows) == amounts


_HALVES: list[Row] = [("club", None, 0, 5000), ("platform", None, 0, 5000)]
_ALL_FIXED: list[Row] = [("club", None, 100, 0), ("organiser", None, 0, 10_000), ("platform", None, 0, 0)]


@pytest.mark.parametrize(
    ("currency", "fee_minor", "rows", "amounts"),
    [
        # Remainders go out in the steps of the currency.
        ("KWD", 1_010, _HALVES, {("club", 0): 510, ("platform", 0): 500}),
        ("ISK", 10_100, _HALVES, {("club", 0): 5_100, ("platform", 0): 5_000}),
        ("JPY", 101, _HALVES, {("club", 0): 51, ("platform", 0): 50}),
        # Fixed parts may take the whole fee, and zero is legal.
        ("EUR", 100, _ALL_FIXED, {("club", 0): 100, ("organiser", 0): 0, ("platform", 0): 0}),
        ("EUR", 0, [("club", None, 0, 10_000)], {("club", 0): 0}),
        # Rows of one payee are added up before they are rounded.
        ("EUR", 101, [*[("club", None, 0, 2_500)] * 2, _HALVES[1]], {("club", 0): 51, ("platform", 0): 50}),
    ],
)
def test_what_is_odd_is_split_to_the_step(
    currency: str, fee_minor: int, rows: list[Row], amounts: dict[tuple[str, int], int]
) -> None:
    assert _split(currency, fee_minor, rows) == amounts


_BIGGEST = 2**63 - 1
_WHOLE: Row = ("club", None, 0, 10_000)


@pytest.mark.parametrize(
    ("currency", "fee_minor", "rows", "code"),
    [
        ("EUR", -1, [_WHOLE], HeldOutCode.FEE_NEGATIVE),
        ("EUR", 100_000_000, [_WHOLE], HeldOutCode.FEE_TOO_LARGE),
        ("EUR", _BIGGEST, [_WHOLE], HeldOutCode.FEE_TOO_LARGE),
        ("KWD", 1_005, [_WHOLE], HeldOutCode.NOT_IN_STEPS),
        ("ISK", 150, [_WHOLE], HeldOutCode.NOT_IN_STEPS),
        ("KWD", 1_000, [("club", None, 5, 10_000)], HeldOutCode.NOT_IN_STEPS),
        ("XXX", 100, [_WHOLE], HeldOutCode.UNKNOWN_CURRENCY),
        ("eur", 100, [_WHOLE], HeldOutCode.UNKNOWN_CURRENCY),
        ("EU ", 100, [_WHOLE], HeldOutCode.UNKNOWN_CURRENCY),
        ("EUR", 100, [], HeldOutCode.BPS_NOT_WHOLE),
        ("EUR", 100, [("club", None, 0, 9_999)], HeldOutCode.BPS_NOT_WHOLE),
        ("EUR", 100, [("club", None, 0, 2**31 - 1)], HeldOutCode.BPS_NOT_WHOLE),
        ("EUR", 100, [("club", None, 100, 0)], HeldOutCode.BPS_NOT_WHOLE),
        ("EUR", 100, [("club", None, 101, 10_000)], HeldOutCode.FIXED_ABOVE_FEE),
        ("EUR", 100, [("club", None, _BIGGEST, 10_000), ("platform", None, _BIGGEST, 0)], HeldOutCode.FIXED_ABOVE_FEE),
        ("EUR", 100, [("club", None, -1, 10_000)], HeldOutCode.SHARE_NEGATIVE),
        ("EUR", 100, [("club", None, 0, 10_001), ("platform", None, 0, -1)], HeldOutCode.SHARE_NEGATIVE),
        ("EUR", 100, [("referee", None, 0, 10_000)], HeldOutCode.SHARE_UNKNOWN_SUBJECT),
        ("EUR", 100, [("player", 1, 0, 10_000)], HeldOutCode.SHARE_UNKNOWN_SUBJECT),
        ("EUR", 100, [(None, None, 0, 10_000)], HeldOutCode.SHARE_UNKNOWN_SUBJECT),
        ("EUR", 100, [("partner", None, 0, 10_000)], HeldOutCode.SHARE_WITHOUT_PARTNER),
        ("EUR", 100, [("club", None, 0, 10_000.0)], HeldOutCode.SHARE_NOT_A_NUMBER),
        ("EUR", 100, [("club", None, "0", 10_000)], HeldOutCode.SHARE_NOT_A_NUMBER),
    ],
)
def test_what_cannot_be_split_says_why(currency: str, fee_minor: int, rows: list[Row], code: HeldOutCode) -> None:
    with pytest.raises(CannotSplit) as refused:
        _split(currency, fee_minor, rows)
    assert refused.value.code == code


_ANYTHING = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.just(10_000))


@given(
    st.sampled_from(["EUR", "KWD", "JPY", "???", ""]),
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.tuples(st.sampled_from(["club", "partner", "platform", "", None]), *[_ANYTHING] * 3), max_size=4),
)
def test_absurd_terms_are_split_or_held_out_and_raise_nothing_else(
    currency: str, fee_minor: int, rows: list[Row]
) -> None:
    try:
        amounts = _split(currency, fee_minor, rows)
    except CannotSplit:
        return
    assert sum(amounts.values()) == fee_minor
