"""Pods, caseloads, visits and the staff survey, by hand and against SciPy."""

from dataclasses import replace

import pytest
from scipy import stats

from crewe_lib.claim_register import to_claims
from crewe_lib.claims import check_claim
from crewe_lib.errors import DataError
from crewe_lib.load import load_claims

CLAIMS = to_claims(load_claims())


def entry(id: str, **values: str):
    ids = {name.replace("__", "."): value for name, value in values.items()}
    return check_claim(CLAIMS | {name: replace(CLAIMS[name], value=value) for name, value in ids.items()}, id, {})


@pytest.mark.parametrize(
    ("id", "value", "cls"),
    [
        ("r1.design.swc_cases_before", 5 * 12, "exact"),
        ("r1.design.swc_cases_after", 4 * 12, "exact"),
        ("r1.design.fp_cap", 48 / 4, "exact"),
        ("r2.design.cases_each", 12, "minor"),
        ("r2.t1.p1.capacity", 4 * 48, "exact"),
        ("r2.t1.p2.capacity", 3 * 48, "exact"),
        ("r2.t1.p4.capacity", 3 * 48, "major"),
        ("r2.t1.p4.pods_crewe", 3 - 1, "exact"),
        ("r2.t1.p3.pods_macc", 96 / 48 - 2, "exact"),
        ("r1.caseload.extra", 4 * 4 * 9, "rounding"),
        ("blog.pods", 192 / 48, "exact"),
        ("blog.contact_ratio", 3, "minor"),
        ("r2.t1.pod_sequence_text", "4 to 2, later 3", "exact"),
        ("r2.t1.recommissions", "three", "minor"),
        ("r2.design.referrals_lt2", 2, "minor"),
        ("r1.caseload.sw_relief", None, "not recomputable without the records"),
        ("blog.caseload_drop", 0, "major"),
        ("r1.stress.workload_order", "FP fewer", "exact"),
    ],
)
def test_each_value(id: str, value: float | str, cls: str) -> None:
    found = entry(id)
    assert (found.recomputed, found.cls) == (value, cls)


def test_capacity_of_the_last_phase_follows_its_pods() -> None:
    assert entry("r2.t1.p4.capacity", r2__t1__p4__pods_macc="0").cls == "exact"
    assert entry("r2.t1.p4.capacity", r2__t1__p4__capacity="144").cls == "exact"
    assert "implied" in entry("r2.t1.p4.capacity").how and "inferred" in entry("r2.t1.p4.capacity").kinds
    assert "implied" not in entry("r2.t1.p3.capacity").how


def test_visits_a_week_by_hand() -> None:
    found = entry("blog.visits")
    assert found.recomputed == pytest.approx(10 * 12 / (365.25 / 7))
    assert found.cls == "minor"
    assert entry("blog.visits", r1__visits__autumn="8", r1__visits__spring="6").cls == "exact"


def test_the_workload_note_holds_fishers_exact_test() -> None:
    p = stats.fisher_exact([[8, 1], [6, 13]]).pvalue
    assert f"p = {p:.3f}" in entry("r1.stress.workload_order").note
    assert p == pytest.approx(0.01275, abs=1e-5)


def test_the_order_of_workload_turns_with_the_counts() -> None:
    found = entry("r1.stress.workload_order", r1__stress__k_cec="1", r1__stress__k_fp="18")
    assert (found.recomputed, found.cls) == ("CEC fewer", "decision")


def test_an_article_without_a_fall_agrees_with_the_report() -> None:
    assert entry("blog.caseload_drop", blog__caseload_drop="0").cls == "exact"
    assert entry("blog.caseload_drop", r1__caseload__sw_relief="yes").cls.startswith("not recomputable")


def test_a_repetition_is_no_check() -> None:
    assert entry("sum.visits.ratio").cls == "not recomputable without the records"
    assert entry("sum.visits.ratio", sum__visits__ratio="5").cls == "major"


def test_no_cap_is_a_named_error() -> None:
    with pytest.raises(DataError, match="cannot be computed from"):
        entry("r1.design.pod_size", r1__design__fp_cap="0")
