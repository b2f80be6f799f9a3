"""How printed and recomputed values are written: dates, units, digits, and values that no document prints."""

from dataclasses import replace

import pytest

from crewe_lib.claim_register import Claim, to_claims
from crewe_lib.claim_writing import round_recomputed, write_dates, write_printed, write_recomputed
from crewe_lib.load import load_claims

CLAIMS = to_claims(load_claims())


def claim(value: str, unit: str, precision: str = "digits", origin: str = "printed") -> Claim:
    return replace(CLAIMS["r1.cost.case_pc"], value=value, unit=unit, precision=precision, origin=origin)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2015-08-01", "1 August 2015"),
        ("2015-08", "August 2015"),
        ("2015-08 to 2016-03", "August 2015 to March 2016"),
        ("2015-11 and 2016-04", "November 2015 and April 2016"),
        ("2015 to 2017", "2015 to 2017"),
        ("2012/13", "2012/13"),
        ("2015-16", "2015-16"),
        ("£2015-08x", "£2015-08x"),
        ("", ""),
    ],
)
def test_dates(text: str, written: str) -> None:
    assert write_dates(text) == written


@pytest.mark.parametrize(
    ("row", "written"),
    [
        (claim("2450", "GBP"), "£2,450"),
        (claim("2000", "GBP", "over"), "over £2,000"),
        (claim("6.7", "%"), "6.7%"),
        (claim("-0.5", "percentage points"), "−0.5 percentage points"),
        (claim("3 to 6", "months"), "3 to 6 months"),
        (claim("18 to 21", "cases"), "18 to 21"),
        (claim("2019-11-22", "date"), "22 November 2019"),
        (claim("84", "families"), "84"),
        (claim("2012", "reference"), "2012"),
        (claim("36.0", "weeks", origin="derived"), "not printed (36.0 weeks)"),
        (claim("12.92", "GBP per week", origin="derived"), "not printed (£12.92)"),
    ],
)
def test_printed(row: Claim, written: str) -> None:
    assert write_printed(row) == written


def test_what_a_rule_finds() -> None:
    assert write_recomputed(claim("6.7", "%"), 100 * 3 / 45) == "6.667"
    assert write_recomputed(claim("6.7", "%"), -8.0) == "−8"
    assert write_recomputed(claim("2015", "date"), "2015-08 to 2016-03") == "August 2015 to March 2016"
    assert write_recomputed(claim("6", "%"), None) == ""


def test_ten_digits_are_kept() -> None:
    assert round_recomputed(0.1 + 0.2) == 0.3
    assert round_recomputed(100 * 3 / 45) == 6.666666667
    assert round_recomputed("p = 0.024") == "p = 0.024" and round_recomputed(None) is None


def test_what_no_document_prints_says_so_and_nothing_else_does() -> None:
    for one in CLAIMS.values():
        assert write_printed(one).startswith("not printed (") == (one.origin == "derived")
