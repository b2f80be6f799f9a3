"""Rules of statements that the 2017 report makes twice, or that follow from others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binom

from crewe_lib.claim_register import read_claims_file, to_claims
from crewe_lib.claims import Entry, check_claim
from crewe_lib.errors import DataError

REGISTER = Path(__file__).parents[1] / "data" / "published" / "claims.csv"


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    """The register as published."""
    return read_claims_file(REGISTER)


def check(register: pd.DataFrame, id: str, **changed: str) -> Entry:
    """The entry of a claim after other claims' values were changed; '__' stands for '.' in their ids."""
    frame = register.copy()
    for name, value in changed.items():
        found = frame["id"] == name.replace("__", ".")
        assert found.sum() == 1, name
        frame.loc[found, "value"] = value
    return check_claim(to_claims(frame), id, {})


@pytest.mark.parametrize(
    ("id", "recomputed", "cls"),
    [
        ("r1.cost.order", "PC higher", "exact"),  # 2,450 > 1,795
        ("r1.cost.tax_order", "PC higher", "exact"),  # 11,028 > 10,230
        ("r1.cost.reref_n", 8, "exact"),  # 5 + 3
        ("r1.cost.reref_gap", 6.7 - 6, "exact"),
        ("r1.cost.t8_rate_pc", 100 * 5 / 83, "exact"),
        ("r1.cost.t8_rate_cec", 100 * 3 / 45, "exact"),
        ("r1.cost.t8_total", 29.68 * 128, "exact"),  # 3,799, printed in hundreds
        ("r1.cost.escal_pc_text", 100 * 2 / 83, "minor"),  # 2.41, printed 2.5
        ("r1.qual.additional_month", "2016-04", "minor"),
        ("r1.t2.similar", "similar", "exact"),
        ("r1.risk.prot_order", "PC larger", "exact"),
    ],
)
def test_each_rule_gives_what_hand_arithmetic_gives(
    register: pd.DataFrame, id: str, recomputed: float | str, cls: str
) -> None:
    entry = check(register, id)
    assert entry.recomputed == (pytest.approx(recomputed) if not isinstance(recomputed, str) else recomputed)
    assert entry.cls == cls


@pytest.mark.parametrize(
    ("id", "changed", "cls"),
    [
        ("r1.cost.order", {"r1__cost__case_cec": "2600"}, "major"),
        ("r1.cost.tax_order", {"r1__cost__tax_pc": "9000"}, "major"),
        ("r1.cost.reref_n", {"r1__reref__pc": "6"}, "major"),
        ("r1.cost.t8_rate_cec", {"r1__cost__escal_save_total": "6298"}, "minor"),  # 3/44 prints 6.8
        ("r1.cost.escal_pc_text", {"r1__reref__rate_cec": "6.4"}, "exact"),  # 2/81
        ("r1.cost.t8_total", {"r2__sample__families": "126"}, "minor"),  # 3,740 prints 3,700
        ("r1.qual.additional_month", {"r1__qual__additional_month_appendix": "2016-03"}, "not recomputable"),
        ("r1.risk.prot_order", {"r1__risk__prot_pc": "decrease"}, "major"),
        ("r1.t2.similar", {"r1__t2__mh__nat": "75.0"}, "major"),
    ],
)
def test_another_printed_value_gives_another_class(
    register: pd.DataFrame, id: str, changed: dict[str, str], cls: str
) -> None:
    assert check(register, id, **changed).cls.startswith(cls)


def test_the_least_binomial_p_value_by_summing_the_distribution(register: pd.DataFrame) -> None:
    """Two-sided: all counts no more likely than the one found."""
    least = 1.0
    for k, share in ((14, 0.496), (10, 0.366), (7, 0.193)):
        chances = binom.pmf(range(31), 30, share)
        least = min(least, float(chances[chances <= chances[k] * (1 + 1e-7)].sum()))
    assert least == pytest.approx(0.642, abs=0.001)
    assert f"{least:.2f}" in check(register, "r1.t2.similar").how


def test_a_fraction_of_a_case_is_refused(register: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="not a whole number"):
        check(register, "r1.t2.similar", r1__t2__mh__n="10.5")


def test_implied_sizes_are_called_inferred(register: pd.DataFrame) -> None:
    assert "inferred" in check(register, "r1.cost.t8_rate_pc").kinds
    assert "inferred" not in check(register, "r1.cost.order").kinds
