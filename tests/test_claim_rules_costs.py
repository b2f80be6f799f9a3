"""Rules of the cost tables: every printed figure from other numbers, and what a changed number does to its class."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest
from register_copy import reprint

from crewe_lib.claim_register import read_claims_file, to_claims
from crewe_lib.claim_rules import RULES
from crewe_lib.claims import Entry, check_claim
from crewe_lib.cost_claims import SOURCES, check_inputs_match, derive_register_inputs
from crewe_lib.errors import DataError
from crewe_lib.unit_costs import (
    ALL_INPUTS,
    PUBLISHED_INPUTS,
    derive_cost_inputs,
    derive_values,
    read_implied_inputs,
    read_unit_costs,
)

DATA = Path(__file__).parents[1] / "data"
PRINTED, IMPLIED = ("published",), ("inferred", "published")
# Worked out here from the figures printed in Appendix 9; kinds say whether printed numbers are enough.
EXPECTED: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "r1.cost.earn_diff": ("exact", 2496, PRINTED),  # to the hundred
    "r1.cost.earn_pc": ("exact", 34_464, PRINTED),
    "r1.cost.earn_cec": ("exact", 31_968, PRINTED),
    "r1.cost.tax_pc": ("exact", 11_028.48, PRINTED),
    "r1.cost.tax_cec": ("exact", 10_229.76, PRINTED),
    "r1.cost.emp_pc": ("exact", 5.71 / 0.3996 * 0.4308, IMPLIED),  # the printed gain of 14% gives 6.03
    "r1.cost.emp_cec": ("exact", 6.16 / 0.4308 * 0.3996, IMPLIED),  # and 5.59
    "r1.cost.reref_total": ("exact", 3798.834378, IMPLIED),
    "r1.cost.reref_case": ("exact", 29.678394, IMPLIED),
    "r1.cost.cp_diff": ("exact", 778, PRINTED),
    "r1.cost.escal_save_text": ("exact", 77.8, PRINTED),
    "r1.cost.escal_pc": ("minor", 100 * 2 / 83, IMPLIED),
    "r1.cost.escal_save_total": ("exact", 6224, IMPLIED),
    "r1.cost.escal_save_case": ("rounding", 6224 / 83, IMPLIED),  # 74.988, printed 74.98
    "sum.cost.week_diff": ("exact", 12.92, PRINTED),
    "sum.cost.lifetime": ("exact", 2496, PRINTED),
    "r1.cost.week_diff": ("exact", 12.92, IMPLIED),  # printed by the summary only, so derived in the report
    "r1.cost.case_diff": ("exact", 655, IMPLIED),
    "r1.cost.weeks_pc": ("exact", 2450 / 68.05, IMPLIED),
    "r1.cost.weeks_cec": ("exact", 1795 / 55.13, IMPLIED),
}


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return read_claims_file(DATA / "published" / "claims.csv")


@pytest.fixture(scope="module")
def inputs() -> pd.DataFrame:
    return derive_cost_inputs(read_unit_costs(DATA / "published"), read_implied_inputs(DATA / "inferred"))


def check(register: pd.DataFrame, id: str) -> Entry:
    return check_claim(to_claims(register), id, {})


@pytest.mark.parametrize("id", EXPECTED)
def test_class_value_and_kinds_of_each_figure(register: pd.DataFrame, id: str) -> None:
    cls, value, kinds = EXPECTED[id]
    entry = check(register, id)
    assert (entry.cls, entry.kinds) == (cls, kinds)
    assert entry.recomputed == pytest.approx(value, abs=1e-6)
    assert id not in entry.read


def test_every_cost_claim_has_a_rule_or_a_reason(register: pd.DataFrame) -> None:
    own = register[register["id"].str.startswith(("r1.cost.", "sum.cost.", "r1.ext.gcse_"))]
    elsewhere = ["r1.cost.escal_nat_text", "r1.cost.escal_nat_table"]  # held to official counts
    bare = [id for id, reason in zip(own["id"], own["reason"], strict=True) if id not in RULES and not reason]
    assert [id for id in bare if id not in elsewhere] == []


def test_arithmetic_is_written_with_its_numbers(register: pd.DataFrame) -> None:
    assert check(register, "r1.cost.earn_pc").how == "80,000 × (0.72 × 0.54 + 0.28 × 0.15)"
    assert check(register, "r1.cost.reref_case").how == "0.72 × 5/83 × 2,450 − 0.64 × 3/45 × 1,795"
    assert check(register, "r1.cost.escal_save_case").how == "6,224 / (128 − 45)"
    assert "gives 6.03" in check(register, "r1.cost.emp_pc").note and "14.3%" in check(register, "r1.cost.emp_pc").note


def test_no_figure_rests_on_a_number_back_solved_from_it(register: pd.DataFrame) -> None:
    """Table 9 gives 83 families and Table 8 gives 128, so neither number may be used for its own table."""
    assert "r1.sample.arm_pc_implied" not in check(register, "r1.cost.escal_save_case").read
    assert "r1.sample.arm_pc_implied" not in check(register, "r1.cost.escal_save_total").read
    assert "r1.sample.n_cba_implied" not in check(register, "r1.cost.reref_case").read
    assert "r1.sample.n_cba_implied" not in check(register, "r1.cost.reref_total").read
    assert "r1.cost.emp_cec" in check(register, "r1.cost.emp_pc").read


@pytest.mark.parametrize(
    ("change", "id", "cls"),
    [
        ({"r1__closure__cec": "61"}, "r1.cost.earn_cec", "minor"),
        ({"r1__closure__cec": "82", "r1__closure__pc": "71"}, "r1.cost.earn_diff", "major"),
        ({"r1__cost__tax_pc": "11928"}, "r1.cost.tax_pc", "minor"),
        ({"r1__cost__cp_diff": "877"}, "r1.cost.cp_diff", "major"),
        ({"r1__cost__escal_save_total": "6424"}, "r1.cost.escal_save_case", "minor"),
        ({"r1__reref__rate_cec": "6.4"}, "r1.cost.escal_pc", "exact"),  # 2 of 81
        ({"r1__cost__escal_save_case": "74.99"}, "r1.cost.escal_save_case", "exact"),
        ({"r1__cost__escal_save_case": "77.80"}, "r1.cost.escal_save_case", "exact"),
        ({"sum__cost__week_diff": "12.29"}, "sum.cost.week_diff", "minor"),
        ({"r1__cost__premium": "60000"}, "sum.cost.lifetime", "minor"),  # 1,872 is not over 2,000
    ],
)
def test_a_changed_number_changes_the_class(register: pd.DataFrame, change: dict[str, str], id: str, cls: str) -> None:
    assert check(reprint(register, **change), id).cls == cls


def test_printed_numbers_are_tried_first(register: pd.DataFrame) -> None:
    """A gain printed as 14.3 would need no implied one; a saving of 77.80 is what the printed rates give."""
    entry = check(reprint(register, r1__cost__emp_text="14.3"), "r1.cost.emp_pc")
    assert (entry.cls, entry.kinds) == ("exact", PRINTED)
    assert check(reprint(register, r1__cost__escal_save_case="77.80"), "r1.cost.escal_save_case").kinds == PRINTED


def test_reasons_given_for_costs_are_held_to_the_parts(register: pd.DataFrame) -> None:
    summary, report = check(register, "sum.cost.week_reason"), check(register, "r1.cost.reref_reason")
    assert (summary.cls, summary.recomputed) == ("major", "dearer weeks")
    assert "£189.84" in summary.how and "£420.67" in summary.how
    assert (report.cls, report.recomputed) == ("minor", "longer cases and dearer weeks")
    # 0.72 x 5/83 x (2450 - 68.05 x 32.5594) and 0.72 x 5/83 x (2450 - 55.13 x 36.0029)
    assert "£10.16" in report.how and "£20.18" in report.how
    # At one weekly cost for both arms only the weeks are left.
    alike = reprint(register, r1__cost__week_cec="68.05")
    assert check(alike, "sum.cost.week_reason").cls == check(alike, "r1.cost.reref_reason").cls == "exact"


def test_which_whole_numbers_fit() -> None:
    """The implied numbers of families and the implied gain, each searched here with Decimal alone."""

    def prints(numerator: int, cases: int, decimals: str) -> Decimal:
        return (Decimal(100 * numerator) / cases).quantize(Decimal(decimals), ROUND_HALF_UP)

    arms, cents = range(20, 140), Decimal("0.01")
    assert [n for n in arms if prints(5, n, "1") == 6] == list(range(77, 91))
    assert [n for n in arms if prints(3, n, "0.1") == Decimal("6.7")] == [45]
    assert [n for n in arms if prints(2, n, "0.1") == Decimal("2.5")] == [79, 80, 81]
    assert [n for n in arms if (Decimal(6224) / n).quantize(cents, ROUND_HALF_UP) == Decimal("74.98")] == []
    assert [n for n in arms if int(Decimal(622400) / n) == 7498] == [83]
    gains = [
        g
        for g in range(100, 200)
        if (Decimal(g) / 10 * Decimal("0.4308")).quantize(cents, ROUND_HALF_UP) == Decimal("6.16")
        and (Decimal(g) / 10 * Decimal("0.3996")).quantize(cents, ROUND_HALF_UP) == Decimal("5.71")
    ]
    assert gains == [143]
    # £3,800 to the hundred over £29.68 leaves 127 to 129 cases; of the printed totals 126, 128, 132 only 128.
    totals = [n for n in arms if (n * Decimal("29.678394")).quantize(Decimal("1E2"), ROUND_HALF_UP) == 3800]
    assert totals == [127, 128, 129]


# --- One figure, two files


def test_unit_costs_and_register_say_the_same(inputs: pd.DataFrame, register: pd.DataFrame) -> None:
    assert set(SOURCES) >= set(PUBLISHED_INPUTS)
    check_inputs_match(inputs, register)


def test_a_slip_in_either_file_is_named(inputs: pd.DataFrame, register: pd.DataFrame) -> None:
    slipped = inputs.assign(value=inputs["value"].where(inputs["input"] != "tax", 0.02))
    with pytest.raises(DataError, match=r"tax is 0\.02, r1\.cost\.tax is 20 \(× 0\.01\).*Correct one of the two"):
        check_inputs_match(slipped, register)
    other = reprint(register, r1__cost__week_pc="86.05", r1__closure__pc="27")
    with pytest.raises(DataError, match=r"weekly_cost_pc is 68\.05.*closed_share_pc is 0\.72"):
        check_inputs_match(inputs, other)


def test_inputs_from_the_register_are_those_of_the_files(inputs: pd.DataFrame, register: pd.DataFrame) -> None:
    here = derive_values(derive_register_inputs(register), needs=ALL_INPUTS)
    there = derive_values(inputs, needs=ALL_INPUTS)
    assert set(here) == set(there)
    # Weeks open are kept to four decimals in the file, as printed digits allow in the register.
    assert all(here[name] == pytest.approx(there[name], abs=1e-9) for name in here if "weeks" not in name)
    assert all(here[name] == pytest.approx(there[name], abs=0.005) for name in here if "weeks" in name)
