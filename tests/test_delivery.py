"""Delivery: tables of interviews rebuilt, visits, caseloads and stress, against hand arithmetic and the ledger."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from crewe_lib import delivery, delivery_interviews
from crewe_lib.claim_register import to_claims
from crewe_lib.claims import check_claim
from crewe_lib.leads.interviews import check_interviews
from crewe_lib.load import load_claims, load_interviews


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return load_claims()


@pytest.fixture(scope="module")
def interviews() -> pd.DataFrame:
    return load_interviews()


def test_the_samples_agree_with_the_ledgers_question(register: pd.DataFrame, interviews: pd.DataFrame) -> None:
    samples = delivery_interviews.derive_samples(register, interviews)
    readings = check_interviews(register, interviews).readings
    table_1 = readings[readings["reading"] == "Table 1"]
    own = samples[samples["group"] != "total"]
    for column, ending in (("people", "participants"), ("held", "interviews")):
        of = table_1[table_1["question"].str.endswith(ending)]
        assert list(own[f"{column}_printed"]) == list(of["printed"])
        assert list(own[f"{column}_counted"]) == list(of["counted"])
    total = samples.set_index("group").loc["total"]
    assert (total["people_counted"], total["held_counted"]) == (33, 48) and bool(total["agrees"])


def test_the_ledger_gives_each_row_the_class_that_fits(register: pd.DataFrame, interviews: pd.DataFrame) -> None:
    claims, tables = to_claims(register), {"interviews": ("published", interviews)}
    for row in delivery_interviews.derive_samples(register, interviews).to_dict("records"):
        if row["group"] != "total":
            classes = [
                check_claim(claims, f"r1.t1.{row['group']}.{what}", tables).cls
                for what in ("participants", "interviews")
            ]
            assert (set(classes) == {"exact"}) == row["agrees"], (row["group"], classes)


def test_outcomes_of_the_case_studies_add_up_and_a_changed_row_shows(
    register: pd.DataFrame, interviews: pd.DataFrame
) -> None:
    outcomes = delivery_interviews.derive_case_outcomes(register, interviews)
    assert outcomes["agrees"].all() and outcomes["total_printed"].tolist() == [5, 3, 1, 3, 12]
    changed = interviews.assign(outcome=interviews["outcome"].where(interviews["case"] != 9, "Closed"))
    wrong = delivery_interviews.derive_case_outcomes(register, changed).set_index("key")["agrees"]
    assert wrong.to_dict() == {"closed": False, "improved": True, "no_change": False, "escalated": True, "total": True}


def test_every_case_study_has_its_row_and_its_interviews(register: pd.DataFrame, interviews: pd.DataFrame) -> None:
    studies = delivery_interviews.derive_case_studies(register, interviews).set_index("case")
    assert sorted(studies.index) == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13]  # the fourth withdrew
    assert studies["interviews"].sum() == 39
    assert studies.loc[3, ["parent", "child", "worker"]].tolist() == ["both rounds", "first round", "both rounds"]
    assert studies.loc[12, ["parent", "child", "worker"]].tolist() == ["–", "–", "second round"]


def test_staff_interviews_planned_and_held(register: pd.DataFrame) -> None:
    staff = delivery_interviews.derive_staff_interviews(register)
    assert staff.iloc[-1][["planned", "held"]].tolist() == [12, 10]
    assert staff.loc[staff["role"] == "Social workers", ["planned", "held"]].to_numpy().tolist() == [[4, 1]]


def test_numbers_for_prose(register: pd.DataFrame, interviews: pd.DataFrame) -> None:
    tables = [
        delivery_interviews.derive_samples(register, interviews),
        delivery_interviews.derive_case_outcomes(register, interviews),
        delivery_interviews.derive_case_studies(register, interviews),
        delivery_interviews.derive_staff_interviews(register),
    ]
    found = delivery_interviews.summarise_interviews(*tables, register)
    lead = check_interviews(register, interviews).numbers
    assert (found["complete"], found["most_per_case"]) == (lead["complete_counted"], lead["most_interviews"])
    assert found["cases"] == found["cases_text"] == found["outcomes_total"]
    assert (found["staff_planned"], found["staff_held"]) == (found["staff_planned_text"], found["staff_held_text"])


def test_visits_of_social_workers_are_implied_by_the_ratio(register: pd.DataFrame) -> None:
    visits = delivery.derive_visits(register)
    assert visits.loc[visits["basis"] == "printed", "visits"].tolist() == [11, 9]
    assert visits.loc[visits["basis"] == "implied", "visits"].tolist() == pytest.approx([11 / 3, 3])
    assert visits["weekly"].iloc[0] == pytest.approx(11 * 12 * 7 / 365.25)
    assert "implied" in delivery.describe_visits(visits)["text"]


def test_caseloads_grow_towards_the_cap(register: pd.DataFrame) -> None:
    caseloads = delivery.derive_caseloads(register)
    assert caseloads["cases"].tolist() == [7, 9, 11] and set(caseloads["most"]) == {12}


def test_stress_against_fishers_test(register: pd.DataFrame) -> None:
    stress = delivery.derive_stress(register, alpha=0.05)
    contrast = delivery.estimate_stress(stress, alpha=0.05)
    assert contrast["difference"] == pytest.approx(100 * (8 / 9 - 6 / 19))
    assert contrast["p_fisher"] == pytest.approx(stats.fisher_exact([[8, 1], [6, 13]]).pvalue, rel=1e-9)
    # Boschloo orders tables by Fisher's two-sided p-value, so it is never larger.
    assert 0 < contrast["p_boschloo"] < contrast["p_fisher"]
    assert 0 < contrast["exact_low"] < contrast["difference"] < contrast["exact_high"]
    assert contrast["conf_low"] < contrast["difference"] < contrast["conf_high"]
    assert "8 of 9" in delivery.describe_stress(stress, contrast)["text"]
