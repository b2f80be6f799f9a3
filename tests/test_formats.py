"""Formatting: rounding against Decimal, signs, thousands, and no sign on zero."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewe_lib import formats as f
from crewe_lib.errors import CreweError


@pytest.mark.parametrize(
    ("formatter", "value", "text"),
    [
        (f.fixed(1), -21.317, "−21.3"),
        (f.fixed(1, sign=True), 6.0569, "+6.1"),
        (f.fixed(1, sign=True), -0.04, "0.0"),
        (f.fixed(2), 2.675, "2.68"),
        (f.fixed(0), 1234567, "1,234,567"),
        (f.pounds(), -3432.0, f"−{f.JOIN}£3,432"),
        (f.pounds(2), 74.98, "£74.98"),
        (f.pounds(0, sign=True), 0.2, "£0"),
        (f.percent(1), 0.125, "12.5%"),
        (f.percent(), 0.95, "95%"),
        (f.percent(), 1 - 0.05, "95%"),
        (f.percent(1), 1 - 0.125, "87.5%"),
        (f.level, 1 - 0.05, "95%"),
        (f.level, 1 - 0.001, "99.9%"),
        (f.level, 0.975, "97.5%"),
        (f.level, 1 - 0.0001, "99.99%"),
        (f.level, 0.2, "20%"),
        (f.level, 1 / 3, "33.3333%"),
        (f.count, 3.0, "3"),
        (f.spelt, 8, "eight"),
        (f.spelt, 1300, "1,300"),
        (f.p_value, 0.0004, "< 0.001"),
        (f.p_value, 0.0344, "0.034"),
        (f.p_value, 0.1123, "0.11"),
        (f.p_value, 0.0996, "0.10"),
        (f.p_phrase, 0.0004, "p < 0.001"),
        (f.p_phrase, 0.027, "p = 0.027"),
        (f.count, 0, "none"),
        (f.count, 1234, "1,234"),
        (f.choose("rose", "fell"), -0.1, "fell"),
        (f.choose("rose", "fell"), 0, "no change"),
        (f.either("yes", "no"), True, "yes"),
    ],
)
def test_examples(formatter, value, text) -> None:
    assert formatter(value) == text


@given(st.integers(-(10**9), 10**9), st.integers(0, 4))
def test_rounding_is_that_of_decimal(units, digits) -> None:
    value = units / 1000
    expected = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    assert f.round_half_up(value, digits) == expected
    shown = f.fixed(digits)(value).replace(",", "").replace("−", "-")
    assert Decimal(shown) == expected


@pytest.mark.parametrize("formatter", [f.count, f.spelt, f.agree("is", "are")])
@pytest.mark.parametrize("value", [2.5, 0.3, float("nan"), float("inf"), True])
def test_a_count_is_a_whole_number(formatter, value) -> None:
    with pytest.raises(CreweError, match="no whole number"):
        formatter(value)
