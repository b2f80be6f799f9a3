"""Risk and the questionnaire: shares by hand, means by brute force, words from numbers."""

from dataclasses import replace
from fractions import Fraction

import pytest
from ledger_rows import entry, with_rows

from crewe_lib.claim_register import to_claims
from crewe_lib.claims import check_claim
from crewe_lib.errors import DataError
from crewe_lib.load import load_claims

ROWS = {
    "r2.risk.tested_r1": {"value": "not significant", "unit": "label"},
    "r1.sdq.composite": {"value": "5", "unit": "items", "precision": "words"},
    "r1.sdq.respondent": {"value": "family practitioner and social worker", "unit": "label"},
    "r1.sdq.respondent_app": {"value": "family practitioner or parent", "unit": "label"},
}


@pytest.fixture(scope="module")
def register():
    return with_rows(load_claims(), ROWS)


def check(register, id, **values):
    return entry(with_rows(register, {name: {"value": value} for name, value in values.items()}), id, {})


@pytest.mark.parametrize(("row", "n"), [("dv", 14), ("mh", 10), ("sub", 7)])
def test_table_2(register, row, n) -> None:
    assert check(register, f"r1.t2.{row}.pct").recomputed == pytest.approx(100 * n / 30)
    assert check(register, f"r1.t2.{row}.pct").cls == check(register, f"r1.t2.{row}.n").cls == "exact"
    other = with_rows(register, {f"r1.t2.{row}.n": {"value": str(n + 1)}})
    assert entry(other, f"r1.t2.{row}.pct", {}).cls in ("minor", "major")
    assert entry(other, f"r1.t2.{row}.n", {}).cls in ("minor", "major")


def test_table_2_is_about_both_arms(register) -> None:
    assert check(register, "r1.t2.sub.pct").cls == "exact"
    found = check(register, "r1.risk.t2_title")
    assert (found.recomputed, found.cls) == ("PC and CEC cases", "minor")
    of_15 = with_rows(register, {"r1.t2.dv.pct": {"value": "93.3"}})
    assert entry(of_15, "r1.risk.t2_title", {}).cls == "exact"


@pytest.mark.parametrize(("id", "n"), [("r2.risk.treat", 6), ("r2.risk.control", 7)])
def test_means_of_whole_scores_by_brute_force(register, id, n) -> None:
    """Rounded: half a tenth either way; cut off: up to a tenth above."""
    claims, means = to_claims(register), [Fraction(total, n) for total in range(60 * n)]
    for tenths in range(1, 60):
        printed = Fraction(tenths, 10)
        rounds = any(abs(mean - printed) <= Fraction(1, 20) for mean in means)
        cut = any(0 <= mean - printed < Fraction(1, 10) for mean in means)
        changed = {**claims, id: replace(claims[id], value=f"{tenths / 10:.1f}")}
        assert check_claim(changed, id, {}).cls == ("exact" if rounds else "rounding" if cut else "minor"), tenths


def test_the_printed_means(register) -> None:
    assert check(register, "r2.risk.treat").cls == "exact"
    found = check(register, "r2.risk.control")
    assert found.cls == "rounding" and found.recomputed == pytest.approx(16 / 7) and "implied" in found.note
    assert "inferred" in found.kinds
    assert check(register, "r2.risk.control", **{"r2.risk.n_control": "5"}).cls == "exact"  # 11/5
    assert check(register, "r2.risk.gap").recomputed == pytest.approx(0.7)
    assert check(register, "r2.risk.gap", **{"r2.risk.treat": "1.0"}).cls == "major"


def test_a_case_number_that_is_no_count_is_named(register) -> None:
    with pytest.raises(DataError, match=r"6\.5 is not a whole number"):
        check(register, "r2.risk.treat", **{"r2.risk.n_treat": "6.5"})


def test_a_reduction_that_is_a_rise(register) -> None:
    found = check(register, "r2.risk.reduction_wording")
    assert (found.recomputed, found.cls) == ("increase", "minor")
    assert check(register, "r2.risk.reduction_wording", **{"r2.risk.treat": "-1.5"}).cls == "exact"


def test_the_larger_shift_follows_from_both_levels(register) -> None:
    assert check(register, "r1.risk.shift_order").cls == "exact"
    assert check(register, "r1.risk.shift_order", **{"r1.risk.referral_order": "CEC more"}).cls == "minor"


def test_protective_factors_at_the_end(register) -> None:
    found = check(register, "r1.risk.prot_both")
    assert (found.recomputed, found.cls) == ("PC", "minor")
    assert check(register, "r1.risk.prot_both", **{"r1.risk.prot_cec": "increase"}).cls == "exact"
    assert check(register, "r1.risk.prot_both", **{"r1.risk.prot_pc": "decrease"}).recomputed == "neither"


def test_a_mean_says_how_weak_its_check_is(register) -> None:
    """Six cases: of the tenths from 0 to 60, those nearest to a sixth of a whole number."""
    nearest = {round(10 * total / 6 + 1e-9) for total in range(361)}
    assert f"{len(nearest)} of 601 means from 0 to 60" in check(register, "r2.risk.treat").note


def test_what_was_not_tested(register) -> None:
    found = check(register, "r2.risk.tested_r1")
    assert (found.recomputed, found.cls) == ("not tested", "minor")
    assert check(register, "r2.risk.tested_r1", **{"r1.risk.no_test": "tested"}).cls == "exact"


def test_the_total_of_the_questionnaire(register) -> None:
    assert (check(register, "r1.sdq.composite").recomputed, check(register, "r1.sdq.composite").cls) == (4, "minor")
    assert check(register, "r1.sdq.composite", **{"r1.sdq.composite": "4"}).cls == "exact"
    assert (check(register, "r1.sdq.age").recomputed, check(register, "r1.sdq.age").cls) == ("from 2 years", "minor")
    assert check(register, "r1.sdq.age", **{"r1.sdq.age": "2 to 16"}).cls == "exact"


def test_who_answered(register) -> None:
    assert check(register, "r1.sdq.respondent").cls == "minor"
    same = {"r1.sdq.respondent": "family practitioner or parent"}
    assert check(register, "r1.sdq.respondent", **same).cls == "not recomputable without the records"
