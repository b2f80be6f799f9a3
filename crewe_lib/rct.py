"""The trial: whose closing is analysed, who is left out, and what the models adjust for.

Source: Project Crewe evaluation (2017), "Likelihood of closing cases" and Appendix 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crewe_lib import definitions
from crewe_lib.definitions import SteppedDownReading, StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import count
from crewe_lib.models.linear import Array
from crewe_lib.provenance import traced
from crewe_lib.records import Records

Unit = Literal["lead_child", "children"]
Ages = Literal["bands", "years"]
# The report adjusts for age "in years" as categories that it does not give; these bands are ours.
AGE_BANDS = ((0, 4), (5, 10), (11, 15), (16, 17))
ARMS = ("treatment", "control")
NO_CASE, NO_OUTCOME, NO_SEX, NO_DISABILITY, NO_AGE = (
    "no case data",
    "outcome unknown",
    "sex not recorded",
    "disability not recorded",
    f"age outside {AGE_BANDS[0][0]} to {AGE_BANDS[-1][1]}",
)
CLOSING_LEFT_OUT_COLUMNS: Mapping[str, Column] = {
    "reason": Column("Left out because"),
    "treatment": Column("Treatment", count),
    "control": Column("Control", count),
}
_SET_COLUMNS = ("family_id", "child_id", "treated", "closed", "female", "age", "age_band", "disability", "history")


@traced
def derive_closing_set(records: Records, *, dates: StudyDates, reading: SteppedDownReading, unit: Unit) -> pd.DataFrame:
    """What the models of closing are fitted to: complete cases, one row per lead child or per child in need.

    Columns: family_id, child_id, treated, closed, female, disability, history (0 or 1), age (completed years at the
    recoded referral), age_band; sorted by child_id. Who is left out, `count_left_out` counts. Raises CreweError for
    another unit, or if an arm has no complete case.
    """
    known = _describe_cases(records, dates, reading, unit)
    known = known[known["reason"] == ""].reset_index(drop=True)
    arms = known["arm"].value_counts()
    if lacking := [arm for arm in ARMS if arm not in arms]:
        raise CreweError(
            f"closing: the {' and the '.join(lacking)} arm has no case with outcome, sex, age and disability, so there "
            "is nothing to compare; see who is left out and why, and complete families.csv, children.csv or "
            "episodes.csv."
        )
    bands = [_band(int(age)) for age in known["age_at_referral"]]
    table = known.assign(
        treated=(known["arm"] == "treatment").astype(int),
        closed=known["closed"].astype(int),
        female=(known["sex"] == "female").astype(int),
        age=known["age_at_referral"].astype(int),
        age_band=bands,
        disability=known["disability"].astype(int),
        history=known["history"].astype(int),
    )
    return table[[*_SET_COLUMNS]].sort_values("child_id", ignore_index=True)


@traced
def count_left_out(records: Records, *, dates: StudyDates, reading: SteppedDownReading, unit: Unit) -> pd.DataFrame:
    """How many of those randomised the models of closing leave out, each counted under the first reason that holds.

    Columns: reason, treatment, control; every reason has its row, also without a case. Unit 'lead_child' counts
    families, 'children' children in need.
    """
    cases = _describe_cases(records, dates, reading, unit)
    children = records.children.merge(records.families[["family_id", "arm"]], on="family_id")
    in_need = children[(children["is_cin"] == "1") | (children["lead_child"] == "1")]
    everybody = (records.families if unit == "lead_child" else in_need)["arm"].value_counts()
    rows: list[dict[str, object]] = []
    for reason in (NO_CASE, NO_OUTCOME, NO_SEX, NO_DISABILITY, NO_AGE):
        own = cases.loc[cases["reason"] == reason, "arm"].value_counts()
        if reason == NO_CASE:
            own = everybody.sub(cases["arm"].value_counts(), fill_value=0)
        rows.append({"reason": reason, **{arm: int(own.get(arm, 0)) for arm in ARMS}})
    return pd.DataFrame(rows)


def _describe_cases(records: Records, dates: StudyDates, reading: SteppedDownReading, unit: Unit) -> pd.DataFrame:
    """The cases of a unit with their outcome `closed` and the first reason to leave each out, '' for none."""
    if unit not in get_args(Unit):
        raise CreweError(f"unit is '{unit}'; it must be one of {', '.join(get_args(Unit))}.")
    derive = definitions.derive_cases if unit == "lead_child" else definitions.derive_children
    cases = derive(records, dates=dates)
    closed = definitions.derive_closed_round1(records, cases, dates=dates, reading=reading)["closed"]
    cases["closed"] = closed.array
    reasons = {
        NO_OUTCOME: cases["closed"].isna(),
        NO_SEX: ~cases["sex"].isin(["female", "male"]),
        NO_DISABILITY: ~cases["disability"].isin(["0", "1"]),
        NO_AGE: ~cases["age_at_referral"].between(AGE_BANDS[0][0], AGE_BANDS[-1][1]),
    }
    return cases.assign(reason=np.select([mask.to_numpy(bool) for mask in reasons.values()], [*reasons], default=""))


def _band(age: int) -> str:
    return next(f"{low}–{high}" for low, high in AGE_BANDS if low <= age <= high)


def closing_design(frame: pd.DataFrame, *, ages: Ages) -> tuple[Array, list[str]]:
    """The covariates of the published model as a matrix (n, k), and the names of its columns.

    Constant, treated, female, one column for each category of age but the youngest present ('bands' as `AGE_BANDS`, or
    single 'years'), disability, history. A column in which all rows agree is left out. Raises CreweError for other
    ages, or if the rows are all of one arm.
    """
    if ages not in get_args(Ages):
        raise CreweError(f"ages is '{ages}'; it must be one of {', '.join(get_args(Ages))}.")
    if frame["treated"].nunique() < 2:
        raise CreweError("closing: all rows are of one arm, so there is nothing to compare.")
    columns = {"treated": frame["treated"], "female": frame["female"]}
    limits = AGE_BANDS if ages == "bands" else [(age, age) for age in range(AGE_BANDS[-1][1] + 1)]
    present = [(low, high) for low, high in limits if frame["age"].between(low, high).any()]
    for low, high in present[1:]:
        columns[f"age {low}–{high}" if ages == "bands" else f"age {low}"] = frame["age"].between(low, high)
    columns |= {"disability": frame["disability"], "history": frame["history"]}
    kept = {name: values.to_numpy(float) for name, values in columns.items() if np.ptp(values.to_numpy(float)) > 0}
    return np.column_stack([np.ones(len(frame)), *kept.values()]), ["constant", *kept]
