"""Absence from school in the trial: whose is analysed, and the report's three linear models.

Source: Project Crewe evaluation (2017), "Attendance", Figure 3 and Appendix 6. Absence is of the autumn and spring
terms of 2015/16, in days: half the sessions missed. A pupil is a child in need of a family with case data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.attendance_context import PHASES
from crewe_lib.attendance_groups import can_be_fitted, design, find_gap, members, miss_estimate
from crewe_lib.definitions import StudyDates, derive_children
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, fixed, interval, p_value
from crewe_lib.models.linear import Array, Covariance, LinearFit, fit_linear
from crewe_lib.provenance import traced
from crewe_lib.records import Records
from crewe_lib.results import Estimate
from crewe_lib.sdq import ARMS

AUTUMN, SPRING = "autumn_2015", "spring_2016"
SPRING_BEGINS = pd.Timestamp("2016-01-01")
PERSISTENT = 10  # absence is called persistent, officially, from one possible session in so many
NOT_IN_NEED, ONE_TERM, NO_SESSION = (
    "not a child in need with a case in the trial",
    "one of the two terms only",
    "no session possible",
)
MODELS: Mapping[str, str] = {
    "plain": "Treatment",
    "history": "Treatment and history",
    "crossed": "Treatment × history: with less without",
}
LEFT_OUT_COLUMNS: Mapping[str, Column] = {
    "reason": Column("Children with absence recorded, left out because"),
    **{arm: Column(label, count) for arm, label in ARMS.items()},
}
PUBLISHED_COLUMNS: Mapping[str, Column] = {
    "label": Column("Pupils"),
    "model": Column("Model"),
    "estimate": Column("Difference in days", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("n", count),
}
_PUPIL_COLUMNS = (
    "child_id",
    "family_id",
    "arm",
    "treated",
    "history",
    "phase",
    "possible",
    "missed",
    "unauthorised",
    "days",
    "persistent",
    "spring_possible",
    "spring_missed",
    "randomised_on",
)


@traced
def derive_pupils(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """The pupils that are analysed, one row each: children in need with absence in both terms.

    Columns: child_id, family_id, arm, treated, history (0 or 1), phase (of the autumn term), possible, missed,
    unauthorised (sessions over both terms), days (missed), persistent (1 if a tenth of the possible sessions or more
    was missed), spring_possible, spring_missed, randomised_on. Sorted by child. Who is left out, `count_left_out`
    counts. Raises CreweError if an arm has pupils of fewer than two families; a phase may lack (`describe_gaps`).
    """
    described = _describe_pupils(records, dates)
    known = described[described["reason"] == ""]
    pupils = known.assign(
        treated=(known["arm"] == "treatment").astype(int),
        history=known["history"].astype(int),
        days=known["missed"] / 2,
        persistent=(PERSISTENT * known["missed"] >= known["possible"]).astype(int),
    )
    if gap := find_gap(pupils):
        out = described.loc[described["reason"] != "", "reason"].value_counts()
        left = "; ".join(f"{reason}: {number}" for reason, number in out.items()) or "none"
        raise CreweError(
            f"attendance: {gap}, so nothing can be compared. Children with absence who are left out: {left}. Both arms "
            f"need children in need with a case and rows for {AUTUMN} and {SPRING} in absence.csv."
        )
    return pupils[[*_PUPIL_COLUMNS]].sort_values("child_id", ignore_index=True)


@traced
def count_left_out(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """Children with absence recorded in one of the two terms at least who are not analysed, each under the first reason
    that holds: reason, treatment, control. Every reason has its row, also without a child."""
    described = _describe_pupils(records, dates)
    rows = []
    for reason in (NOT_IN_NEED, ONE_TERM, NO_SESSION):
        arms = described.loc[described["reason"] == reason, "arm"].value_counts()
        rows.append({"reason": reason, **{arm: int(arms.get(arm, 0)) for arm in ARMS}})
    return pd.DataFrame(rows)


def _describe_pupils(records: Records, dates: StudyDates) -> pd.DataFrame:
    """Every child with absence in either term, with the reason to leave it out, '' for none."""
    own = records.absence[records.absence["term"].isin([AUTUMN, SPRING])]
    own = own.sort_values(["child_id", "term"])
    missed = (own["sessions_authorised"] + own["sessions_unauthorised"]).astype(float)
    possible, spring = own["sessions_possible"].astype(float), own["term"].eq(SPRING)
    sums = own.assign(
        possible=possible,
        missed=missed,
        unauthorised=own["sessions_unauthorised"].astype(float),
        spring_possible=possible.where(spring, 0.0),
        spring_missed=missed.where(spring, 0.0),
    ).groupby("child_id")
    counts = ["possible", "missed", "unauthorised", "spring_possible", "spring_missed"]
    terms, phase = sums["term"].nunique().rename("terms"), sums["school_phase"].first().rename("phase")
    table = sums[counts].sum().join([terms, phase]).reset_index()
    families = records.families[["family_id", "arm", "randomised_on"]]
    table = table.merge(records.children[["child_id", "family_id"]], on="child_id").merge(families, on="family_id")
    in_need = derive_children(records, dates=dates)[["child_id", "history"]]
    table = table.merge(in_need, on="child_id", how="left")
    reasons = [table["history"].isna(), table["terms"] < 2, table["possible"] <= 0]
    return table.assign(reason=np.select(reasons, [NOT_IN_NEED, ONE_TERM, NO_SESSION], default=""))


@traced
def summarise_pupils(pupils: pd.DataFrame) -> dict[str, Any]:
    """What prose says of the pupils: how many, by phase and arm; of how many families, and how many with a sibling
    among them; days missed on average, and in % of possible; the spread of that share between pupils (standard
    deviation, points), how many miss nothing (zeros), and how many half or more (half); and how many belong to families
    randomised before the spring term began."""
    sizes = pupils["family_id"].map(pupils.groupby("family_id").size())
    found = {"n": len(pupils), "families": int(pupils["family_id"].nunique()), "siblings": int((sizes > 1).sum())}
    found |= {phase: int((pupils["phase"] == phase).sum()) for phase in PHASES if phase != "all"}
    found |= {arm: int((pupils["arm"] == arm).sum()) for arm in ARMS}
    share = 100 * pupils["missed"] / pupils["possible"]
    return {
        **found,
        "spread": float(share.std(ddof=0)),
        "zeros": int((share == 0).sum()),
        "half": int((share >= 50).sum()),
        "days": float(pupils["days"].mean()),
        "missed": 100 * float(pupils["missed"].sum() / pupils["possible"].sum()),
        "by_spring": int((pupils["randomised_on"] < SPRING_BEGINS).sum()),
    }


@traced
def estimate_published(pupils: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The report's three models of days absent, by least squares with Huber–White errors: treatment; and history; and
    treatment times history. One row for each group (all, primary, secondary) and model.

    Of the third the row is its new coefficient: by how much the effect differs with history from without. The report
    prints that model without history by itself, which would put its effect into the product; it is kept here. The
    errors are carried over from the part on closing, which does not say which Huber–White errors it took, nor allows
    for likeness within families: HC1 stands here, the default of Stata. Columns: those of Estimate (days over the two
    terms), phase, label, model, interval. Numbers are missing where a model cannot be fitted, for want of pupils in an
    arm, or of pupils with or without history in one.
    """
    rows = []
    for group, label in PHASES.items():
        own = members(pupils, group)
        fitted = _models(own)
        for model, name in MODELS.items():
            if model in fitted:
                x, index = fitted[model]
                fit = fit_linear(own["days"], x, covariance="HC1")
                rows.append(_row(group, fit, index, len(own), alpha, name, "HC1"))
                continue
            one = miss_estimate("difference in days", len(own), "not fitted")
            rows.append({**asdict(one), "phase": group, "label": label, "model": name, "interval": "–"})
    return pd.DataFrame(rows)


def _models(own: pd.DataFrame) -> dict[str, tuple[Array, int]]:
    """The matrix of each model that can be fitted, and which coefficient is shown."""
    if find_gap(own):
        return {}
    adjusted = design(own)
    found = {"plain": (adjusted[:, :2], 1)}
    if adjusted.shape[1] > 2:
        found["history"] = (adjusted, 1)
        crossed = np.column_stack([adjusted, adjusted[:, 1] * adjusted[:, 2]])
        if can_be_fitted(crossed, own["family_id"]):
            found["crossed"] = (crossed, 3)
    return found


def _row(
    group: str, fit: LinearFit, index: int, n: int, alpha: float, model: str, covariance: Covariance
) -> dict[str, Any]:
    low, high, p = fit.interval(index, alpha)
    numbers = (float(fit.coefficients[index]), float(fit.std_errors[index]), low, high, p)
    method, df = f"least squares, {covariance}", float(fit.df[index])
    one = Estimate("days absent", "difference in days", *numbers, n, method, df)
    return {**asdict(one), "phase": group, "label": PHASES[group], "model": model, "interval": interval(low, high)}


@traced
def estimate_means(pupils: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Re-weighted means, the report's Figure 3: days absent that the second model predicts in each arm at the mean of
    history, for all pupils, primary and secondary, with HC1 errors; no rows for a group that cannot be compared.

    Columns: those of Estimate, with no p_value since nothing is tested, and phase, label, arm, arm_label, raw (mean as
    counted). n: pupils of the arm.
    """
    return pd.DataFrame(_means(pupils, alpha))


def _means(pupils: pd.DataFrame, alpha: float) -> Iterator[dict[str, Any]]:
    for group, label in PHASES.items():
        own = members(pupils, group)
        if find_gap(own):
            continue
        x = design(own)
        rest = x[:, 2:] - x[:, 2:].mean(axis=0)
        arms = np.column_stack([own["treated"].eq(value).to_numpy(float) for value in (1, 0)])
        fit = fit_linear(own["days"], np.column_stack([arms, rest]), covariance="HC1")
        for index, (arm, arm_label) in enumerate(ARMS.items()):
            low, high, _ = fit.interval(index, alpha)
            numbers = (float(fit.coefficients[index]), float(fit.std_errors[index]), low, high, float("nan"))
            n, df = int(arms[:, index].sum()), float(fit.df[index])
            one = Estimate("days absent", "days at the mean of history", *numbers, n, "least squares, HC1", df)
            raw = float(own.loc[own["arm"] == arm, "days"].mean())
            yield {**asdict(one), "phase": group, "label": label, "arm": arm, "arm_label": arm_label, "raw": raw}
