"""What the reports say of risk, measured in a cohort: for holding it against their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from crewe_lib.records import Records
from crewe_lib.risk_scoring import PARTS, derive_risk_scores, find_hinges

TABLE_2: Mapping[str, tuple[str, ...]] = {
    "domestic violence": ("parent_domestic_abuse",),
    "mental health": ("parent_mental_health",),
    "substance abuse": ("parent_substance_abuse", "family_substance_abuse"),
}


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
    """The figures that the reports print or describe, from the coded risk; engagement is the mean of both ratings, as
    the change that the second report prints needs half points. Raises DataError as `derive_risk_scores` does."""
    scores = derive_risk_scores(records, framework, combine="mean")
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
