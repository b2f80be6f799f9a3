"""Rules of the power calculation: the printed effects from the design that the other three imply."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from register_copy import reprint
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from crewe_lib.claim_register import Reader, read_claims_file, read_register, to_claims
from crewe_lib.claim_rules.power import EFFECTS, families_behind, implied_families
from crewe_lib.claims import Entry, check_claim
from crewe_lib.errors import DataError

REGISTER = Path(__file__).parents[1] / "data" / "published" / "claims.csv"
BASELINES = {"r1.power.mdes_icc1": 0.226, "r1.power.mdes_half_icc1": 0.113}


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return read_claims_file(REGISTER)


def check(register: pd.DataFrame, id: str) -> Entry:
    return check_claim(to_claims(register), id, {})


@pytest.mark.parametrize("effect", EFFECTS)
def test_each_effect_follows_from_the_design_behind_the_others(register: pd.DataFrame, effect: str) -> None:
    entry = check(register, effect)
    assert entry.cls == "exact" and entry.kinds == ("inferred", "published")
    assert "143 families an arm" in entry.how and "implied" in entry.how
    assert effect not in entry.read and set(EFFECTS) - {effect} <= entry.read


@pytest.mark.parametrize(("effect", "baseline"), BASELINES.items())
def test_recomputed_effect_has_the_printed_power_in_statsmodels(
    register: pd.DataFrame, effect: str, baseline: float
) -> None:
    found = check(register, effect).recomputed
    assert isinstance(found, float)
    size = proportion_effectsize(baseline + found / 100, baseline)  # all children of a family alike: 143 of them an arm
    assert NormalIndPower().power(size, nobs1=143, alpha=0.05) == pytest.approx(0.8, abs=1e-5)


def test_all_four_leave_286_or_287_families(register: pd.DataFrame) -> None:
    low, high = implied_families(read_register(register), EFFECTS)
    assert 285 < low <= 286 and 287 <= high < 288
    assert implied_families(read_register(register), EFFECTS, form="baseline")[0] > 240  # no common number
    crossing = implied_families(read_register(register), EFFECTS, form="baseline")
    assert crossing[0] > crossing[1]


def test_the_note_says_what_a_fall_would_be(register: pd.DataFrame) -> None:
    assert "least fall is 12.1 points" in check(register, "r1.power.mdes_icc1").note
    assert "impossible from 11.3%" in check(register, "r1.power.mdes_half_icc1").note
    assert "impossible" not in check(register, "r1.power.mdes_half_icc36").note


def test_a_changed_effect_no_longer_follows(register: pd.DataFrame) -> None:
    other = reprint(register, r1__power__mdes_icc1="17.1")
    entry = check(other, "r1.power.mdes_icc1")
    assert entry.cls == "major" and entry.recomputed == pytest.approx(15.1, abs=0.05)


def test_more_children_or_less_power_change_the_implied_families(register: pd.DataFrame) -> None:
    weaker = implied_families(read_register(reprint(register, r1__power__power="70")), EFFECTS)
    assert weaker[1] < 286


def test_relative_effects(register: pd.DataFrame) -> None:
    first, second = (check(register, f"r1.power.{name}_rel") for name in ("mdes_icc1", "mdes_icc36"))
    assert (first.cls, second.cls) == ("exact", "exact")
    assert first.recomputed == pytest.approx(100 * 15.1 / 22.6)
    assert second.recomputed == pytest.approx(100 * 11.2 / 22.6)
    assert check(reprint(register, r1__power__mdes_icc1="12.1"), "r1.power.mdes_icc1_rel").cls == "major"


def test_baseline_is_set_against_both_averages(register: pd.DataFrame) -> None:
    assert check(register, "r1.power.baseline_lower").cls == "exact"
    between = check(reprint(register, r1__power__baseline="24.6"), "r1.power.baseline_lower")
    assert (between.cls, between.recomputed) == ("minor", "between")
    assert check(reprint(register, r1__power__baseline="29.0"), "r1.power.baseline_lower").recomputed == "higher"


def test_a_fall_larger_than_the_baseline_has_no_families(register: pd.DataFrame) -> None:
    reader = read_register(register)
    found = families_behind(reader, "r1.power.mdes_half_icc1", form="arcsine", direction="fall", ratio=1.0)
    assert found is None
    with pytest.raises(DataError, match="no number of families makes a fall of that size possible"):
        implied_families(reader, EFFECTS, direction="fall")


def test_a_rule_may_not_read_its_own_figure(register: pd.DataFrame) -> None:
    reader = Reader(to_claims(register), checking="r1.power.mdes_icc1")
    with pytest.raises(DataError, match="cannot check itself"):
        implied_families(reader, EFFECTS)
