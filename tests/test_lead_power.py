"""What the printed minimum detectable effects are effects of."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import norm

from crewe_lib.claim_register import read_claims_file
from crewe_lib.leads import Lead
from crewe_lib.leads.power import COLUMNS, check_power_calculation

REGISTER = Path(__file__).parents[1] / "data" / "published" / "claims.csv"


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return read_claims_file(REGISTER)


@pytest.fixture(scope="module")
def lead(register: pd.DataFrame) -> Lead:
    return check_power_calculation(register)


def with_value(register: pd.DataFrame, id: str, value: str) -> pd.DataFrame:
    assert (register["id"] == id).sum() == 1
    return register.assign(value=register["value"].where(register["id"] != id, value))


def readings(lead: Lead, **where: str) -> pd.DataFrame:
    found = lead.readings
    for name, value in where.items():
        found = found[found[name] == value]
    return found


def test_only_one_formula_gives_all_four_and_only_as_a_rise(lead: Lead) -> None:
    hits = lead.readings[lead.readings["matches"] == 4]
    assert set(hits["form"]) == {"arcsine"} and set(hits["direction"]) == {"rise"}
    assert hits.set_index("allocation")[["low", "high"]].astype(int).T.to_dict("list") == {
        "1:1": [286, 287],
        "2:1": [322, 323],
        "70:30": [340, 341],
    }
    assert lead.verdict == "confirmed" and lead.numbers["families_per_arm"] == 143
    assert lead.numbers["other_matches"] == 3
    assert readings(lead, direction="fall")["matches"].max() == 1


def test_as_a_fall_and_for_the_trial(lead: Lead) -> None:
    fall = [round(lead.numbers[f"fall_{name}"], 1) for name in ("icc1", "icc36", "half_icc1", "half_icc36")]
    assert fall == [12.1, 9.5, 8.2, 6.6]
    own = readings(lead, label="randomised", allocation="2:1").set_index("direction")[["icc1", "icc36"]].round(1)
    assert own.T.to_dict("list") == {"rise": [24.3, 18.0], "fall": [17.1, 13.9]}


def test_rival_allocations_and_the_trials_own_power(lead: Lead) -> None:
    n = lead.numbers
    for key, low in (("1_1", 286), ("2_1", 322), ("70_30", 340)):
        assert n[f"families_{key}_low"] == low and n[f"families_{key}_high"] == low + 1
        assert n[f"shortfall_{key}"] == pytest.approx(100 * (1 - 132 / low))
    # Cohen's h of 22.6% against half of it, 88 and 44 families of three children.
    h = 2 * (math.asin(math.sqrt(0.226)) - math.asin(math.sqrt(0.113)))
    for name, children, icc in (("icc1", 3, 1), ("icc36", 3, 0.36), ("icc36_realised", 326 / 132, 0.36)):
        weight = children / (1 + (children - 1) * icc)
        shift = h * math.sqrt(weight * 88 * 44 / 132)
        expected = norm.sf(norm.isf(0.025) - shift) + norm.cdf(-norm.isf(0.025) - shift)
        assert n[f"power_halving_{name}"] == pytest.approx(expected, abs=1e-9)
    assert n["power_halving_icc1_realised"] == pytest.approx(n["power_halving_icc1"])
    assert [round(n[f"own_{d}_icc36_realised"], 1) for d in ("fall", "rise")] == [14.3, 18.8]


def test_half_of_the_expected_sample_is_not_what_was_calculated(lead: Lead) -> None:
    assert lead.numbers["expected"] == 264 and lead.numbers["expected_matches"] == 0
    assert lead.numbers["shortfall_implied"] == pytest.approx(100 * (1 - 132 / 286))
    assert lead.numbers["children_realised"] == pytest.approx(326 / 132)


def test_finding_says_implied_and_follows_the_numbers(lead: Lead) -> None:
    for part in (
        "implied",
        "286 or 287 at 1:1, 322 or 323 at 2:1, 340 or 341 at 70:30",
        "38% to 59%",
        "12.4 points from 11.3% is impossible",
        "24.3",
        "2.47",
        "54% or 59% or 61% fewer",
        "states 50%",
    ):
        assert part in lead.finding
    assert set(COLUMNS) <= set(lead.readings.columns)


def test_other_effects_open_the_question(register: pd.DataFrame) -> None:
    found = check_power_calculation(with_value(register, "r1.power.mdes_icc1", "16.9"))
    assert found.verdict == "open" and found.numbers["matches"] == 3
    assert found.finding.startswith("No formula tried")


def test_effects_that_fit_the_trial_would_be_confirmed_in_part_only(register: pd.DataFrame) -> None:
    """With as many families randomised as the effects imply, only the direction remains."""
    found = check_power_calculation(with_value(register, "r1.sample.randomised", "400"))
    assert found.verdict == "confirmed in part"
    assert "400 were randomised" in found.finding


def test_effects_of_a_fall_are_told_from_those_of_a_rise(register: pd.DataFrame) -> None:
    fall = {"mdes_icc1": "12.1", "mdes_icc36": "9.5", "mdes_half_icc1": "8.2", "mdes_half_icc36": "6.6"}
    for name, value in fall.items():
        register = with_value(register, f"r1.power.{name}", value)
    found = check_power_calculation(register)
    assert "fall" in found.numbers["directions_that_match"]
    assert "impossible" not in found.finding
