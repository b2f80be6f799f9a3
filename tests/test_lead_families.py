"""Families and arms: divisions by hand, fits by brute force, chance by simulation, verdicts from the register."""

import numpy as np
import pytest
from sample_register import register

from crewe_lib.arm_fits import derive_arm_fits
from crewe_lib.leads.families import COLUMNS, check_families_and_arms

LEAD = check_families_and_arms(register())
FITS = derive_arm_fits(register()).set_index(["arm", "n", "group"])
CONSISTENT = {
    "r2.sample.r1_final": "126",
    "r1.sample.pc_share": "66",
    "r1.sample.cec_share": "34",
    "r1.cost.escal_save_total": "6300",
    "r1.cost.escal_save_case": "75",
    "r1.sample.randomised": "128",
}


def test_what_does_not_agree() -> None:
    assert LEAD.verdict == "confirmed"
    assert all(LEAD.numbers[name] for name in ("final", "total", "shares", "tables"))
    # 70% and 30% of 132 are 92/40 or 93/39; neither leaves 44 controls.
    assert (LEAD.numbers["divisions_2017"], LEAD.numbers["controls_2017_most"]) == (2, 40)
    # 66% and 34% of 128 are 84/44 and 85/43.
    assert LEAD.numbers["divisions_families"] == 2
    assert "implied" in LEAD.finding


def test_one_start_can_lead_to_both_arms() -> None:
    assert (LEAD.numbers["start_treat"], LEAD.numbers["start_control"]) == (87, 45)
    assert LEAD.numbers["one_start"]
    rows = LEAD.readings[LEAD.readings["prints_2020"] & (LEAD.readings["families"] == 132)]
    assert set(rows[["n_treat", "n_control"]].itertuples(index=False, name=None)) == {(87, 45)}


def test_chains_are_complete() -> None:
    # From 84/44 and 83/45: five divisions of 132, the arms themselves, three of 126.
    assert LEAD.readings.groupby("chain").size().tolist() == [9, 9]
    assert (LEAD.readings["n_treat"] + LEAD.readings["n_control"] == LEAD.readings["families"]).all()
    assert set(LEAD.readings["families"]) == {132, 128, 126}
    assert list(LEAD.readings.columns) == list(COLUMNS)


def test_control_fits_by_hand() -> None:
    # Outcomes 64, 61, 6.7 (3 cases), 82, 44, 29; characteristics 67, 32, 75, 82, 9.1. Of 44: 28, 27, –, 36, –, –;
    # –, 14, 33, 36, 4. Of 45: 29, –, 3, 37, 20, 13; 30, –, –, 37, –.
    found = {
        (n, group): FITS.loc[("cec", n, group), "fits"] for n in (44, 45) for group in ("outcome", "characteristic")
    }
    assert found == {(44, "outcome"): 3, (44, "characteristic"): 4, (45, "outcome"): 5, (45, "characteristic"): 2}
    assert LEAD.numbers["best_control_outcome"] == [45]
    assert LEAD.numbers["best_control_characteristic"] == [44]


def test_chance_by_simulation() -> None:
    """Percentages drawn at random from 0 to 100 fit a control arm of 44 as often as stated."""
    rng, draws = np.random.default_rng(5), 20_000
    # Python rounds half to even and the check accepts both, but no k/44 ends in exactly one half.
    whole, tenth = ({round(100 * k / 44, d) for k in range(45)} for d in (0, 1))
    hits = sum(np.isin(rng.integers(0, 101, draws), list(whole)).astype(int) for _ in range(4))
    hits = hits + np.isin(rng.integers(0, 1001, draws), [round(10 * value) for value in tenth])
    row = FITS.loc[("cec", 44, "characteristic")]
    assert row["expected"] == pytest.approx(hits.mean(), abs=0.03)
    assert row["chance"] == pytest.approx((hits >= row["fits"]).mean(), abs=0.01)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        (CONSISTENT, "refuted"),
        ({**CONSISTENT, "r2.sample.r1_final": "128"}, "confirmed in part"),
        ({**CONSISTENT, "r2.sample.r1_final": "128", "r1.sample.pc_share": "70"}, "confirmed"),
    ],
)
def test_verdict_follows_the_register(changes: dict[str, str], verdict: str) -> None:
    # Consistent: 84 and 44 behind the tables (6,300/75 and 3,800/29.68), 128 randomised in all, 126 in the end.
    assert check_families_and_arms(register(changes)).verdict == verdict


def test_finding_follows_the_register() -> None:
    changed = check_families_and_arms(register({"r2.sample.r1_final": "126"}))
    assert "three of four comparisons disagree" in changed.finding
    assert "another final sample" not in changed.finding
