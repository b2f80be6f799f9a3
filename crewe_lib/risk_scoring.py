"""The reports' risk framework as scoring code: from coded factors to scores, and the range that scores can take.

**A higher score is safer.** Risk factors that were found take points away, protective factors add points, engagement
with social care counts as its level, from −2 to 2. Neither report says what becomes of two ratings of engagement, the
parent's and the child's. Both readings here are inferences: their *sum* gives whole scores; their *mean* keeps to the
scale from −2 to +2 that the first report states, and gives half points, without which, if means were rounded to the
nearest tenth, one change that the second report prints cannot be reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.provenance import infers, traced
from crewe_lib.records import Records

Combine = Literal["sum", "mean"]
COMBINED: Mapping[str, str] = {
    "sum": "sum of both ratings (implied)",
    "mean": "mean of both ratings (implied)",
}
PARTS = ("risk", "protective", "engagement")
AGE_GROUPS: Mapping[str, str] = {"11_or_under": "11 or under", "over_11": "over 11"}
# Nothing that a service does can take these away: they lie in the past, are lasting, or go as a child grows.
LASTING = ("parent_previous_dealings", "parent_personality_disorder", "family_young_children")
RANGE_COLUMNS: Mapping[str, Column] = {
    "age": Column("Child's age"),
    "combined": Column("Engagement of parent and child"),
    "factors": Column("Factors that can be found", fixed(0)),
    "low": Column("Least safe score", fixed(0)),
    "high": Column("Safest score", fixed(0, sign=True)),
    "step": Column("Step between scores", fixed(1)),
}

FRAMEWORK_COLUMNS: Mapping[str, Column] = {
    "part": Column("Part of the score"),
    "about": Column("About"),
    "factors": Column("Factors or levels, with the points they add"),
}
_PARTS = {"risk": "Risk factors", "protective": "Protective factors", "engagement": "Engagement"}
_ABOUT = {"parent": "parent", "cin": "child, if over 11", "family": "family", "social": "neighbourhood and others"}


@traced
def derive_framework_table(framework: pd.DataFrame) -> pd.DataFrame:
    """The framework to be read: one row per part of the score and whom it is about, with factors and points."""
    rows = []
    for (kind, subject), own in framework.groupby(["kind", "subject"], sort=False):
        listed = [
            f"{label} ({fixed(0, sign=True)(weight)})"
            for label, weight in zip(own["label"], own["weight"], strict=True)
        ]
        rows.append({"part": _PARTS[str(kind)], "about": _ABOUT[str(subject)], "factors": "; ".join(listed)})
    return pd.DataFrame(rows)


@traced
def derive_risk_scores(
    records: Records,
    framework: pd.DataFrame,
    *,
    combine: Combine,
    allow_zero_engagement: bool = False,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Scores of each family at each time point by the framework, in points; a higher score is safer.

    combine: how the parent's and the child's engagement make one score; where one of them is rated, it is the score.
    without: factors left out, such as `LASTING`. Columns: family_id, arm, time_point, coders (how many coded it), risk
    (0 or less), protective (0 or more), engagement, total, child (whether any coder coded the child itself). Where
    several coded an assessment, their mean is taken. If nobody's engagement is rated, engagement and total are missing,
    unless `allow_zero_engagement`, which lets a level of 0 and no rating count as 0. That choice is for callers of the
    library: the chapter does not offer it, and the check of records refuses a level of 0.

    Raises DataError for a factor or level that the framework lacks and for engagement of 0, unless allowed, since the
    framework has no such level; CreweError for another `combine` or an unknown factor to leave out.
    """
    _check_choices(framework, combine, without)
    coded = _match(records.risk, framework, allow_zero_engagement)
    coded = coded[~coded["factor"].isin(without)]
    case = ["family_id", "time_point", "coder"]
    every = pd.MultiIndex.from_frame(records.risk[case].drop_duplicates().sort_values(case))
    parts = pd.DataFrame(index=every)
    for part in ("risk", "protective"):
        parts[part] = coded[coded["kind"] == part].groupby(case)["weight"].sum().reindex(every, fill_value=0.0)
    ratings = coded[coded["kind"] == "engagement"].groupby(case)["weight"]
    combined = ratings.sum() if combine == "sum" else ratings.mean()
    parts["engagement"] = combined.reindex(every)
    if allow_zero_engagement:
        parts["engagement"] = parts["engagement"].fillna(0.0)
    grouped = parts.groupby(["family_id", "time_point"])
    scores = grouped.mean().astype(float)
    # The mean of two coders of whom one did not rate engagement would mix two kinds of score.
    unrated = parts["engagement"].isna().groupby(["family_id", "time_point"]).any()
    scores["engagement"] = scores["engagement"].mask(unrated)
    scores.insert(0, "coders", grouped.size())
    scores["total"] = scores[list(PARTS)].sum(axis=1, skipna=False)
    scores["child"] = scores.index.isin(_index_child(records.risk, framework))
    arms = records.families[["family_id", "arm"]]
    return arms.merge(scores.reset_index(), on="family_id").sort_values(["family_id", "time_point"], ignore_index=True)


def list_child_factors(framework: pd.DataFrame) -> tuple[str, ...]:
    """What is scored of the child itself, in cases over the framework's age only: its factors and its engagement."""
    return tuple(framework.loc[framework["applies_to"] == "over_11", "factor"].unique())


def _index_child(risk: pd.DataFrame, framework: pd.DataFrame) -> pd.MultiIndex:
    """The assessments, family and time, in which anything of the child itself was coded."""
    own = risk.loc[risk["factor"].isin(list_child_factors(framework)), ["family_id", "time_point"]]
    return pd.MultiIndex.from_frame(own.drop_duplicates())


def _check_choices(framework: pd.DataFrame, combine: Combine, without: Sequence[str]) -> None:
    check_combine(combine)
    if unknown := sorted(set(without) - set(framework["factor"])):
        raise CreweError(f"without: the framework has no factor {', '.join(unknown)}; name factors by their codes.")


def check_combine(combine: Combine) -> None:
    """Raise CreweError unless `combine` is one of the two readings."""
    if combine not in get_args(Combine):
        raise CreweError(f"combine is {combine!r}; it must be 'sum' or 'mean'.")


def _match(risk: pd.DataFrame, framework: pd.DataFrame, allow_zero: bool) -> pd.DataFrame:
    """Coded rows with kind and weight. Raises DataError for what the framework lacks."""
    keys = framework[["factor", "level", "kind", "weight"]]
    rated = keys.loc[keys["kind"] == "engagement", "factor"].unique()
    zeros = int(((risk["level"] == 0) & risk["factor"].isin(rated)).sum())
    if zeros and not allow_zero:
        raise DataError(
            f"risk: {zeros} ratings of engagement are 0; the framework has −2, −1, 1 and 2 and no level between them. "
            "Give each a level that the framework has, or leave it out: without a rating the case has no total."
        )
    none = pd.DataFrame({"factor": rated, "level": 0, "kind": "engagement", "weight": 0})
    coded = risk.merge(pd.concat([keys, none]) if zeros else keys, on=["factor", "level"], how="left")
    lacking = int(coded["kind"].isna().sum())
    if lacking:
        raise DataError(f"risk: {lacking} rows have a factor and level that data/published/risk_framework.csv lacks.")
    return coded.assign(weight=coded["weight"].astype(float))


@traced
@infers
def derive_score_range(framework: pd.DataFrame) -> pd.DataFrame:
    """The lowest and the highest total that the framework allows, by the child's age and reading of engagement.

    Every total that some set of findings gives is enumerated. Columns: age_group, age, combine, combined, factors,
    low, high, step (smallest distance between two totals that can occur). A child of 11 or under is neither rated nor
    has factors of its own, so both readings are one there. An inference, as the reports state no such reading.
    """
    rows = []
    for group, age in AGE_GROUPS.items():
        own = framework if group == "over_11" else framework[framework["applies_to"] == "all"]
        for combine in get_args(Combine):
            totals = enumerate_totals(own, combine=combine)
            rows.append(
                {
                    "age_group": group,
                    "age": age,
                    "combine": combine,
                    "combined": COMBINED[combine] if group == "over_11" else "parent's rating only",
                    "factors": int((own["kind"] != "engagement").sum()),
                    "low": float(np.min(totals)),
                    "high": float(np.max(totals)),
                    "step": float(np.min(np.diff(totals))),
                }
            )
    return pd.DataFrame(rows).drop_duplicates(["age_group", "combined"], ignore_index=True)


def enumerate_totals(framework: pd.DataFrame, *, combine: Combine) -> npt.NDArray[np.float64]:
    """All totals that can occur, ascending: any set of the factors, and one level for each person who is rated."""
    check_combine(combine)
    factors, rated = framework[framework["kind"] != "engagement"], framework[framework["kind"] == "engagement"]
    totals = np.zeros(1)
    for weight in factors["weight"]:
        totals = np.union1d(totals, totals + weight)
    people = rated.groupby("factor")["weight"]
    levels = np.zeros(1)
    for _, weights in people:
        levels = np.unique(np.add.outer(levels, weights.to_numpy(float)))
    if combine == "mean":
        levels = levels / max(people.ngroups, 1)
    return cast(npt.NDArray[np.float64], np.unique(np.add.outer(totals, levels)))


def find_hinges(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The edges of the 2017 report's boxes: medians of the lower and of the upper half, the middle value in both.
    Raises CreweError without values."""
    if not len(values):
        raise CreweError("a box needs at least one score; leave groups without scores out.")
    ordered = np.sort(values)
    half = (len(ordered) + 1) // 2
    return float(np.median(ordered[:half])), float(np.median(ordered[-half:]))
