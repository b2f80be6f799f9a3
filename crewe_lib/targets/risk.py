"""Risk scores by the reports' framework, for holding a cohort against their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.records import Records

PARTS = ("risk", "protective", "engagement")
TABLE_2: Mapping[str, tuple[str, ...]] = {
    "domestic violence": ("parent_domestic_abuse",),
    "mental health": ("parent_mental_health",),
    "substance abuse": ("parent_substance_abuse", "family_substance_abuse"),
}


def score_risk(records: Records, framework: pd.DataFrame) -> pd.DataFrame:
    """Scores of each case at each time point: family_id, arm, time_point, risk, protective, engagement, total.

    Factors count their weight; engagement is the mean of the parent's and the child's level (only a child over eleven
    is rated), as the change that R2 prints needs half points. Where coders differ in number, their mean is taken.
    Raises DataError for a factor or level that the framework lacks.
    """
    keys = framework[["factor", "level", "kind", "weight"]]
    coded = records.risk.merge(keys, on=["factor", "level"], how="left")
    if coded["kind"].isna().any():
        count = int(coded["kind"].isna().sum())
        raise DataError(f"risk: {count} rows have a factor and level that data/published/risk_framework.csv lacks.")
    case = ["family_id", "time_point", "coder"]
    sums = coded.pivot_table(index=case, columns="kind", values="weight", aggfunc="sum", fill_value=0)
    means = coded[coded["kind"] == "engagement"].groupby(case)["weight"].mean()
    sums = sums.reindex(columns=list(PARTS), fill_value=0).astype(float)
    sums["engagement"] = means.reindex(sums.index).fillna(0).astype(float)
    scores = sums.groupby(["family_id", "time_point"]).mean().reset_index()
    scores["total"] = scores[list(PARTS)].sum(axis=1)
    return scores.merge(records.families[["family_id", "arm"]], on="family_id")


def find_hinges(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The edges of R1's boxes: medians of the lower and of the upper half, the middle value in both."""
    ordered = np.sort(values)
    half = (len(ordered) + 1) // 2
    return float(np.median(ordered[:half])), float(np.median(ordered[-half:]))


@dataclass(frozen=True)
class RiskSummary:
    """What the reports say of risk; of mappings, the first key is the arm unless stated.

    counts: time → cases; found: Table 2's factor → cases, both arms; mean: time → mean total; risk_at_referral: mean
    score of risk factors; hinges: time → edges of the box; change: part → mean change from referral to the latest;
    followed: part → mean change from the latest to the follow-up, of those followed.
    """

    counts: Mapping[str, Mapping[str, int]]
    found: Mapping[str, int]
    mean: Mapping[str, Mapping[str, float]]
    risk_at_referral: Mapping[str, float]
    hinges: Mapping[str, Mapping[str, tuple[float, float]]]
    change: Mapping[str, Mapping[str, float]]
    followed: Mapping[str, Mapping[str, float]]


def summarise_risk(records: Records, framework: pd.DataFrame) -> RiskSummary:
    """The figures that the reports print or describe, from the coded risk."""
    scores = score_risk(records, framework)
    at_referral = records.risk[records.risk["time_point"] == "referral"]
    arms = {arm: scores[scores["arm"] == arm] for arm in ("treatment", "control")}
    return RiskSummary(
        counts={
            arm: {str(time): int(n) for time, n in own["time_point"].value_counts().items()}
            for arm, own in arms.items()
        },
        found={
            name: int(at_referral.loc[at_referral["factor"].isin(codes), "family_id"].nunique())
            for name, codes in TABLE_2.items()
        },
        mean={
            arm: {str(time): float(m) for time, m in own.groupby("time_point")["total"].mean().items()}
            for arm, own in arms.items()
        },
        risk_at_referral={
            arm: float(own.loc[own["time_point"] == "referral", "risk"].mean()) for arm, own in arms.items()
        },
        hinges={
            arm: {str(time): find_hinges(g["total"].to_numpy()) for time, g in own.groupby("time_point")}
            for arm, own in arms.items()
        },
        change={arm: _mean_change(own, "referral", "latest") for arm, own in arms.items()},
        followed={arm: _mean_change(own, "latest", "follow_up") for arm, own in arms.items()},
    )


def _mean_change(scores: pd.DataFrame, before: str, after: str) -> dict[str, float]:
    """Mean change of each part and of the total, over the cases with both time points."""
    columns = [*PARTS, "total"]
    start, end = (scores[scores["time_point"] == time].set_index("family_id")[columns] for time in (before, after))
    change = (end - start).dropna()
    return {name: float(change[name].mean()) for name in columns}
