"""The reports' figures computed from records, for holding a cohort against them: closure, survival, absence and SDQ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from crewe_lib import definitions as first
from crewe_lib import definitions_follow_up as second
from crewe_lib.definitions import StudyDates
from crewe_lib.records import Records
from crewe_lib.sdq_scoring import SCALES, score_items

Array = npt.NDArray[np.float64]
# R1 adjusts for "age of the CIN in years" in categories it does not give; these are ours, with the first as reference.
AGE_BANDS = ((0, 4), (5, 10), (11, 15), (16, 17))
ALPHA = 0.05
SLIGHTLY = 2.0  # points of 40, our reading of "slightly better"
READING: first.SteppedDownReading = "any_but_escalated"  # of closing in the first round


def describe_outcomes(records: Records, dates: StudyDates) -> pd.DataFrame:
    """One row per case: the columns of `derive_cases`, treated (0 or 1), and every outcome of both reports: closed_1,
    rereferred_1, days_open, closed_2, rereferred_2, escalated, aged_out, crossed."""
    cases = first.derive_cases(records, dates=dates)
    table = cases.assign(treated=(cases["arm"] == "treatment").astype(int))
    table["closed_1"] = first.derive_closed_round1(records, cases, dates=dates, reading=READING)["closed"]
    table["rereferred_1"] = first.derive_rereferred_round1(records, cases, dates=dates)["rereferred"]
    survival = first.derive_days_open(records, cases, dates=dates, reading=READING).set_index("family_id")["days"]
    table["days_open"] = cases["family_id"].map(survival).astype("Int64")
    table["closed_2"] = second.derive_closed_round2(records, cases, dates=dates, reading="status")["closed"]
    table["rereferred_2"] = second.derive_rereferred_round2(records, cases, dates=dates, reading="any")["rereferred"]
    table["escalated"] = second.derive_escalated(records, cases, dates=dates)["escalated"]
    table["aged_out"] = second.derive_aged_out(cases, dates=dates)["aged_out"]
    table["crossed"] = cases["family_id"].isin(records.crossovers["family_id"])
    return table


def closure_design(outcomes: pd.DataFrame) -> Array:
    """The covariates of R1's model of closure: constant, treatment, history, female, disability, age bands after the
    first. A disability that is not recorded counts as none."""
    age = outcomes["age_at_referral"].to_numpy()
    columns = [
        np.ones(len(outcomes)),
        outcomes["treated"].to_numpy(),
        outcomes["history"].to_numpy(),
        (outcomes["sex"] == "female").to_numpy(),
        (outcomes["disability"] == "1").to_numpy(),
        *((age >= low) & (age <= high) for low, high in AGE_BANDS[1:]),
    ]
    return np.column_stack(columns).astype(float)


@dataclass(frozen=True)
class ClosureEffects:
    """Differences in closing in points of 100, treatment less control, with HC1 p-values: over all, and in families
    with history from the model with the interaction."""

    all_points: float
    all_p: float
    history_points: float
    history_p: float


def fit_closure(outcomes: pd.DataFrame) -> ClosureEffects:
    """R1's least squares of closing in the first round, over the cases whose outcome is known."""
    known = outcomes[outcomes["closed_1"].notna()]
    y, x = known["closed_1"].to_numpy(dtype=float), closure_design(known)
    x = x[:, x.any(axis=0)]
    main = sm.OLS(y, x).fit(cov_type="HC1", use_t=True)
    both = sm.OLS(y, np.column_stack([x, x[:, 1] * x[:, 2]])).fit(cov_type="HC1", use_t=True)
    contrast = np.zeros(len(both.params))
    contrast[[1, -1]] = 1
    within = both.t_test(contrast)
    return ClosureEffects(
        100 * float(main.params[1]), float(main.pvalues[1]), 100 * float(within.effect[0]), float(within.pvalue)
    )


def find_closed_2_p(outcomes: pd.DataFrame) -> float:
    """The p-value of treatment in R2's logit of closing: treatment, sex, under 11, history."""
    columns = [outcomes["treated"], outcomes["sex"] == "female", outcomes["under_11"], outcomes["history"]]
    x = np.column_stack([np.ones(len(outcomes)), *columns]).astype(float)
    fit = sm.Logit(outcomes["closed_2"].to_numpy(dtype=float), x).fit(disp=False)
    return float(fit.pvalues[1])


def estimate_open(days: npt.NDArray[np.int64], closed: npt.NDArray[np.bool_], last: int) -> Array:
    """Kaplan–Meier: the share still open after each day from 0 to `last`."""
    closing = np.bincount(days[closed], minlength=last + 1)[: last + 1]
    leaving = np.bincount(days, minlength=last + 1)[: last + 1]
    at_risk = len(days) - np.r_[0, np.cumsum(leaving)[:-1]]
    share: Array = np.cumprod(1 - closing / np.maximum(at_risk, 1))
    return share


def describe_absence(records: Records, dates: StudyDates) -> pd.DataFrame:
    """One row per pupil with absence in autumn 2015 and spring 2016: child_id, phase, days (absent), treated, history,
    family_id."""
    two = records.absence[records.absence["term"].isin(["autumn_2015", "spring_2016"])]
    missed = two.assign(days=(two["sessions_authorised"] + two["sessions_unauthorised"]) / 2)
    pupils = missed.groupby("child_id").agg(
        days=("days", "sum"), terms=("term", "nunique"), phase=("school_phase", "first")
    )
    pupils = pupils[pupils["terms"] == 2].reset_index()
    pupils = pupils.merge(records.children[["child_id", "family_id"]], on="child_id")
    pupils = pupils.merge(records.families[["family_id", "arm"]], on="family_id")
    pupils = pupils.merge(first.derive_history(records, dates=dates), on="family_id")
    return pupils.assign(treated=(pupils["arm"] == "treatment").astype(int), days=pupils["days"].astype(float))


def fit_absence(pupils: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Days absent, treatment less control, allowing for history, with the HC1 p-value: of all, primary, secondary."""
    found = {}
    for name in ("all", "primary", "secondary"):
        own = pupils if name == "all" else pupils[pupils["phase"] == name]
        x = np.column_stack([np.ones(len(own)), own["treated"], own["history"]]).astype(float)
        fit = sm.OLS(own["days"].to_numpy(), x).fit(cov_type="HC1", use_t=True)
        found[name] = (float(fit.params[1]), float(fit.pvalues[1]))
    return found


def compare_sdq(records: Records) -> pd.DataFrame:
    """Mann–Whitney tests: scale (or total), n_treatment, n_control, mean_treatment, mean_control, p."""
    arms = records.children[["child_id", "family_id"]].merge(records.families[["family_id", "arm"]], on="family_id")
    scores = records.sdq[["child_id"]].join(score_items(records.sdq)).merge(arms, on="child_id")
    rows: list[dict[str, Any]] = []
    for scale in (*SCALES, "total"):
        treated, control = (
            scores.loc[scores["arm"] == arm, scale].dropna().to_numpy(dtype=float) for arm in ("treatment", "control")
        )
        row = {"scale": scale, "n_treatment": len(treated), "n_control": len(control)}
        test = stats.mannwhitneyu(treated, control, alternative="two-sided", method="asymptotic")
        rows.append({**row, "mean_treatment": treated.mean(), "mean_control": control.mean(), "p": float(test.pvalue)})
    return pd.DataFrame(rows)


def absence_fits(pupils: pd.DataFrame) -> bool:
    """R1: absence slightly higher in treatment over all and in primary, lower in secondary, none significant."""
    found = fit_absence(pupils)
    wanted = {"all": 1, "primary": 1, "secondary": -1}
    fits = all(difference * wanted[name] > 0 and p > ALPHA for name, (difference, p) in found.items())
    return fits and found["all"][0] < found["primary"][0]


def sdq_fits(tests: pd.DataFrame) -> bool:
    """R1: treatment slightly better on the total, no test significant."""
    total = tests[tests["scale"] == "total"].iloc[0]
    gap = total["mean_control"] - total["mean_treatment"]
    return bool(0 < gap <= SLIGHTLY and (tests["p"] > ALPHA).all())
