"""Risk scores of the coded cases: where they stood at referral and later, and how the two arms' changes differ.

**A higher score is safer**, so a positive change means that a case became safer, and a positive difference that
treatment cases became safer by more than control cases. All figures are in points of the score.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import nan

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import NO_BREAK, fixed, interval
from crewe_lib.provenance import traced
from crewe_lib.risk_scoring import find_hinges

Array = npt.NDArray[np.float64]
ARMS: Mapping[str, str] = {"treatment": "Project Crewe", "control": "usual service"}
OUTCOMES: Mapping[str, str] = {
    "total": "Total score",
    "risk": "Risk factors",
    "protective": "Protective factors",
    "engagement": "Engagement",
}
TIMES: Mapping[str, str] = {"referral": "at referral", "latest": "latest", "follow_up": "follow-up"}
LEAST = 3  # families in each arm, below which no spread can be told
CODED_COLUMNS: Mapping[str, Column] = {
    "arm": Column("Arm"),
    "referral": Column("Coded at referral", fixed(0)),
    "latest": Column("Coded again, latest", fixed(0)),
    "follow_up": Column("Coded at follow-up", fixed(0)),
    "both": Column("With a total at both of the first two", fixed(0)),
    "left_out": Column("Left out", fixed(0)),
    "child_once": Column("Child coded at one of the two only", fixed(0)),
}
BOX_COLUMNS: Mapping[str, Column] = {
    "arm_label": Column("Arm"),
    "time_label": Column("When"),
    "n": Column("Cases", fixed(0)),
    "low": Column("Least safe", fixed(1)),
    "lower_hinge": Column("Lower edge of the box", fixed(1)),
    "median": Column("Median", fixed(1)),
    "upper_hinge": Column("Upper edge of the box", fixed(1)),
    "high": Column("Safest", fixed(1)),
}
MEAN_COLUMNS: Mapping[str, Column] = {
    "period": Column("From and to"),
    "label": Column("Part of the score"),
    "treatment_moved": Column("Treatment"),
    "control_moved": Column("Control"),
    "treatment": Column("Change, treatment", fixed(2, sign=True)),
    "control": Column("control", fixed(2, sign=True)),
    "difference": Column("Difference", fixed(2, sign=True)),
}


@traced
def count_coded(scores: pd.DataFrame) -> pd.DataFrame:
    """How many families of each arm have a score: arm, one column per time point, both (a total at referral and
    latest), left_out (coded at some time, but without a total at one of these two), child_once (of both, those whose
    child was itself coded at only one of the two, as when it grows past the framework's age between them)."""
    rows = []
    for arm in ARMS:
        own = scores[scores["arm"] == arm]
        at = {time: set(own.loc[own["time_point"] == time, "family_id"]) for time in TIMES}
        both = set(_start_and_end(own, "referral", "latest")["family_id"])
        row = {"arm": arm, **{time: len(families) for time, families in at.items()}, "both": len(both)}
        child = own[own["time_point"].isin(["referral", "latest"]) & own["family_id"].isin(both)]
        times = child.groupby("family_id")["child"].sum()
        rows.append(row | {"left_out": own["family_id"].nunique() - len(both), "child_once": int((times == 1).sum())})
    return pd.DataFrame(rows)


@traced
def derive_changes(scores: pd.DataFrame, *, start: str = "referral", end: str = "latest") -> pd.DataFrame:
    """One row per family with a total at both time points: family_id, arm, treated (0 or 1), and for the total and
    each part `…_start`, `…_end` and `…_change`, in points; a positive change is safer.

    Families without one of the two totals are left out; `count_coded` says how many. Raises CreweError for an unknown
    time point, or with fewer than `LEAST` families in an arm.
    """
    if unknown := {start, end} - set(TIMES):
        raise CreweError(f"risk: no time point is named {', '.join(sorted(unknown))}; there are {', '.join(TIMES)}.")
    changes = _start_and_end(scores, start, end)
    for arm in ARMS:
        n = int((changes["arm"] == arm).sum())
        if n < LEAST:
            raise CreweError(
                f"risk: {n} {arm} families have a total score both at '{start}' and at '{end}'; at least {LEAST} in "
                "each arm are needed. Code more cases at both times, with the engagement of the parent rated."
            )
    return changes


def _start_and_end(scores: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    known = scores.dropna(subset=["total"])
    first, last = (known[known["time_point"] == time].set_index("family_id") for time in (start, end))
    families = first.index.intersection(last.index).sort_values()
    table = {"arm": first.loc[families, "arm"], "treated": first.loc[families, "arm"].eq("treatment").astype(int)}
    for name in OUTCOMES:
        begun, ended = first.loc[families, name], last.loc[families, name]
        table |= {f"{name}_start": begun, f"{name}_end": ended, f"{name}_change": ended - begun}
    return pd.DataFrame(table, index=families).rename_axis("family_id").reset_index()


@traced
def summarise_boxes(scores: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """The boxes of the report's Figures 4 and 5: total scores by arm at referral and latest, of the families in
    `changes`. The box runs between the medians of the lower and of the upper half, the whiskers over the whole range;
    which scores the report set apart as outliers it does not say, so none are.

    Columns: arm, arm_label, time_point, time_label, n, low, lower_hinge, median, upper_hinge, high, mean.
    """
    rows = []
    for arm, label in ARMS.items():
        for time in ("referral", "latest"):
            values = _totals(scores, changes, arm, time)
            lower, upper = find_hinges(values)
            rows.append(
                {
                    "arm": arm,
                    "arm_label": f"{arm} ({label})",
                    "time_point": time,
                    "time_label": TIMES[time],
                    "n": len(values),
                    "low": float(np.min(values)),
                    "lower_hinge": lower,
                    "median": float(np.median(values)),
                    "upper_hinge": upper,
                    "high": float(np.max(values)),
                    "mean": float(values.mean()),
                }
            )
    return pd.DataFrame(rows)


def _totals(scores: pd.DataFrame, changes: pd.DataFrame, arm: str, time: str) -> Array:
    own = scores["arm"].eq(arm) & scores["time_point"].eq(time) & scores["family_id"].isin(changes["family_id"])
    return scores.loc[own, "total"].to_numpy(float)


@traced
def summarise_changes(changes: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """How the total score of each arm's cases changed: arm, arm_label, n, safer, same and less_safe (cases), mean,
    low and high (the mean's t interval at alpha; missing if all cases changed alike), points. Raises CreweError for
    bad alpha."""
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")
    rows = []
    for arm, label in ARMS.items():
        values = changes.loc[changes["arm"] == arm, "total_change"].to_numpy(float)
        half = stats.t.ppf(1 - alpha / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        mean, known = float(values.mean()), half > 0
        rows.append(
            {
                "arm": arm,
                "arm_label": f"{arm} ({label})",
                "n": len(values),
                "safer": int((values > 0).sum()),
                "same": int((values == 0).sum()),
                "less_safe": int((values < 0).sum()),
                "mean": mean,
                "low": mean - half if known else nan,
                "high": mean + half if known else nan,
            }
        )
    return pd.DataFrame(rows)


@traced
def derive_means(scores: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Mean scores and mean changes by arm, and the difference in differences, without a test, as the reports show them
    (Figures 6 to 8 of 2017; Figures 4 to 6 of 2020).

    Periods: referral to latest by `scores`, and latest to follow-up by `later`, the same assessments scored by the
    reading of the second report, if both arms have a family with these two. Columns: start,
    period (with the cases of both arms), outcome, label, n_treatment, n_control, treatment_moved and control_moved
    (both means in words), treatment and control (mean change), difference. Raises CreweError as `derive_changes` does.
    """
    periods = {"referral": derive_changes(scores), "latest": _start_and_end(later, "latest", "follow_up")}
    rows = []
    for (start, own), end in zip(periods.items(), ("latest", "follow_up"), strict=True):
        arms = {arm: own[own["arm"] == arm] for arm in ARMS}
        if not all(map(len, arms.values())):
            continue
        cases = " and ".join(str(len(f)) for f in arms.values())
        for name, label in OUTCOMES.items():
            means = {arm: [float(f[f"{name}_{at}"].mean()) for at in ("start", "end")] for arm, f in arms.items()}
            change = {arm: two[1] - two[0] for arm, two in means.items()}
            rows.append(
                {
                    "start": start,
                    "period": f"{TIMES[start]} to {TIMES[end]} (n = {cases})",
                    "outcome": name,
                    "label": label,
                    **{f"n_{arm}": len(f) for arm, f in arms.items()},
                    **{
                        f"{arm}_moved": f"{fixed(2)(two[0])}{NO_BREAK}→{NO_BREAK}{fixed(2)(two[1])}"
                        for arm, two in means.items()
                    },
                    **change,
                    "difference": change["treatment"] - change["control"],
                }
            )
    return pd.DataFrame(rows)


@traced
def describe_boxes(boxes: pd.DataFrame) -> dict[str, str]:
    """The boxes in words, for who cannot see them."""
    one = fixed(1)
    said = [
        f"{row['arm_label']}, {row['time_label']}: median {one(row['median'])}, box {one(row['lower_hinge'])} to "
        f"{one(row['upper_hinge'])}, all {row['n']} cases between {one(row['low'])} and {one(row['high'])}"
        for row in boxes.to_dict("records")
    ]
    return {"text": f"Higher is safer. {'; '.join(said)}."}


@traced
def describe_changes(summary: pd.DataFrame) -> dict[str, str]:
    """The changes in words, for who cannot see them."""
    said = []
    for row in summary.to_dict("records"):
        spread = "" if pd.isna(row["low"]) else f" (interval {interval(row['low'], row['high'])})"
        said.append(
            f"{row['arm_label']}: of {row['n']} cases {row['safer']} became safer, {row['same']} stayed the same and "
            f"{row['less_safe']} became less safe; mean change {fixed(1, sign=True)(row['mean'])}{spread}"
        )
    return {"text": f"A rise is towards safety. {'; '.join(said)}."}
