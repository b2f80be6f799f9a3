"""Whose closing is analysed: the published cohort, odd records, and the matrix of the model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crewe_lib import rct
from crewe_lib.definitions import StudyDates, derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.load import load_claims, load_simulated_cohort
from crewe_lib.records import Records
from crewe_lib.targets import measures


@pytest.fixture(scope="module")
def cohort() -> Records:
    return load_simulated_cohort()


@pytest.fixture(scope="module")
def dates() -> StudyDates:
    return derive_study_dates(load_claims())


def take(records: Records, dates: StudyDates, **more: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The set and who is left out."""
    call: Any = dict(dates=dates, reading="any_but_escalated", unit="lead_child") | more
    return rct.derive_closing_set(records, **call), rct.count_left_out(records, **call)


def with_children(records: Records, column: str, values: dict[str, str]) -> Records:
    """The records with a column of some children overwritten."""
    children = records.children.copy()
    children[column] = children["child_id"].map(values).fillna(children[column])
    return replace(records, children=children)


def test_the_published_cohort(cohort: Records, dates: StudyDates) -> None:
    """126 lead children, 82 and 44, of 132 families: four without case data and two without outcome, all treated."""
    closing, left_out = take(cohort, dates)
    assert closing["treated"].value_counts().to_dict() == {1: 82, 0: 44}
    assert closing.groupby("treated")["closed"].sum().to_dict() == {1: 59, 0: 28}
    assert closing["child_id"].is_monotonic_increasing
    assert closing["family_id"].is_unique
    counted = left_out.set_index("reason")
    assert counted.loc[rct.NO_CASE].to_list() == [4, 0]
    assert counted.loc[rct.NO_OUTCOME].to_list() == [2, 0]
    assert counted.drop([rct.NO_CASE, rct.NO_OUTCOME]).to_numpy().sum() == 0


def test_children_in_need_are_the_other_unit(cohort: Records, dates: StudyDates) -> None:
    closing, left_out = take(cohort, dates, unit="children")
    lead, _ = take(cohort, dates)
    assert set(lead["child_id"]) <= set(closing["child_id"])
    assert len(closing) > len(lead)
    assert closing.groupby("family_id")["treated"].agg(np.ptp).eq(0).all()
    need = cohort.children[(cohort.children["is_cin"] == "1") | (cohort.children["lead_child"] == "1")]
    assert len(closing) + left_out[list(rct.ARMS)].to_numpy().sum() == len(need)


def test_incomplete_cases_are_left_out_and_counted_once(cohort: Records, dates: StudyDates) -> None:
    """Two without sex, one of them without disability too, one without disability, one aged 19."""
    before, _ = take(cohort, dates)
    treated = before.loc[before["treated"] == 1, "child_id"].to_list()[:3]
    control = before.loc[before["treated"] == 0, "child_id"].iloc[0]
    odd = with_children(cohort, "sex", {treated[0]: "not_recorded", control: "not_recorded"})
    odd = with_children(odd, "disability", {control: "", treated[1]: ""})
    born = odd.children.copy()
    born.loc[born["child_id"] == treated[2], "born_in"] = pd.Timestamp("1996-05-01")
    after, left_out = take(replace(odd, children=born), dates)
    counted = left_out.set_index("reason")
    assert counted.loc[rct.NO_SEX].to_list() == [1, 1]
    assert counted.loc[rct.NO_DISABILITY].to_list() == [1, 0]
    assert counted.loc[rct.NO_AGE].to_list() == [1, 0]
    assert set(before["child_id"]) - set(after["child_id"]) == {*treated, control}
    randomised = cohort.families["arm"].value_counts()
    for arm, value in (("treatment", 1), ("control", 0)):
        assert (after["treated"] == value).sum() + left_out[arm].sum() == randomised[arm]


def test_values_of_a_case(cohort: Records, dates: StudyDates) -> None:
    closing, _ = take(cohort, dates)
    one = closing.iloc[0]
    child = cohort.children.set_index("child_id").loc[one["child_id"]]
    assert one["female"] == int(child["sex"] == "female")
    assert one["disability"] == int(child["disability"] == "1")
    assert closing["age_band"].isin(["0–4", "5–10", "11–15", "16–17"]).all()
    bands = closing.groupby("age_band")["age"].agg(["min", "max"])
    assert bands.loc["11–15"].between(11, 15).all()


def test_the_calibration_adjusts_for_the_same(cohort: Records, dates: StudyDates) -> None:
    """The bands are the calibration's, and the columns span the same space."""
    assert rct.AGE_BANDS == measures.AGE_BANDS
    closing, _ = take(cohort, dates)
    x, names = rct.closing_design(closing, ages="bands")
    assert names == ["constant", "treated", "female", "age 5–10", "age 11–15", "age 16–17", "disability", "history"]
    outcomes = measures.describe_outcomes(cohort, dates)
    theirs = measures.closure_design(outcomes[outcomes["closed_1"].notna()].sort_values("child_id"))
    assert np.linalg.matrix_rank(np.column_stack([x, theirs])) == x.shape[1] == theirs.shape[1]


def small(**more: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "treated": [1, 0, 1, 0],
            "female": [1, 0, 0, 1],
            "age": [6, 12, 6, 17],
            "disability": [0] * 4,
            "history": [1] * 4,
        }
        | more
    )


def test_design_by_hand() -> None:
    """Nobody is younger than five, so the second band is the reference; what does not vary is left out."""
    x, names = rct.closing_design(small(), ages="bands")
    assert names == ["constant", "treated", "female", "age 11–15", "age 16–17"]
    np.testing.assert_array_equal(x, [[1, 1, 1, 0, 0], [1, 0, 0, 1, 0], [1, 1, 0, 0, 0], [1, 0, 1, 0, 1]])
    assert rct.closing_design(small(), ages="years")[1] == ["constant", "treated", "female", "age 12", "age 17"]


def test_bad_calls_are_named(cohort: Records, dates: StudyDates) -> None:
    with pytest.raises(CreweError, match="unit is 'families'; it must be one of lead_child, children"):
        take(cohort, dates, unit="families")
    with pytest.raises(CreweError, match="reading is 'moved'"):
        take(cohort, dates, reading="moved")
    with pytest.raises(CreweError, match="ages is 'months'"):
        rct.closing_design(small(), ages="months")  # type: ignore[arg-type]
    with pytest.raises(CreweError, match="all rows are of one arm"):
        rct.closing_design(small(treated=[1, 1, 1, 1]), ages="bands")


def test_an_arm_without_a_case_is_named(cohort: Records, dates: StudyDates) -> None:
    families = cohort.families.copy()
    families.loc[families["arm"] == "control", "case_data"] = "0"
    with pytest.raises(CreweError, match="the control arm has no case with outcome"):
        take(replace(cohort, families=families), dates)
