"""The trial: did Project Crewe close cases sooner? The published Cox model, the test of what it assumes, and, since
curves may cross, the mean time open. The curves are in `rct_curves`, other choices in `rct_survival_specifications`.

Source of the published analysis: Project Crewe evaluation (2017), "Closing cases more quickly", Appendix 6.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, p_value
from crewe_lib.models.cox import CoxFit, Errors, fit_cox
from crewe_lib.models.proportionality import Transform, fit_proportionality
from crewe_lib.models.survival import Array, RestrictedMean, compare_restricted_means, fit_restricted_mean
from crewe_lib.provenance import traced
from crewe_lib.rct import ARMS
from crewe_lib.rct_curves import select_arm
from crewe_lib.results import Estimate, tidy

COX_COLUMNS: Mapping[str, Column] = {
    "term": Column("Hazard ratio of"),
    "estimate": Column("Ratio", fixed(2)),
    "conf_low": Column("from", fixed(2)),
    "conf_high": Column("to", fixed(2)),
    "p_value": Column("p", p_value),
    "n": Column("n", fixed(0)),
}
PROPORTIONALITY_COLUMNS: Mapping[str, Column] = {
    "term": Column("Does it change with time?"),
    "scale": Column("Time measured as"),
    "statistic": Column("Chi-squared", fixed(2)),
    "df": Column("df", fixed(0)),
    "p_value": Column("p", p_value),
}
MEAN_COLUMNS: Mapping[str, Column] = {
    "measure": Column("Days open"),
    "estimate": Column("Estimate", fixed(1)),
    "std_error": Column("Standard error", fixed(1)),
    "conf_low": Column("from", fixed(1)),
    "conf_high": Column("to", fixed(1)),
    "p_value": Column("p", p_value),
    "n": Column("n", fixed(0)),
}
RATIO, DIFFERENCE = "hazard ratio", "difference in mean days open"
AREA = "area under Kaplan–Meier, normal"
SCALES: Mapping[Transform, str] = {"km": "share closed so far", "identity": "days"}
_TERMS = {"treated": "Treatment", "history": "History"}


def cox_design(frame: pd.DataFrame) -> tuple[Array, list[str]]:
    """Treatment and history as columns (n, k), and their names; history is left out where all cases agree in it."""
    names = [name for name in _TERMS if name == "treated" or len(np.unique(frame[name])) > 1]
    return frame[names].to_numpy(dtype=float), names


def fit_cox_to(frame: pd.DataFrame, *, by_family: bool = False) -> CoxFit:
    """The published model on a survival set, or on rows of it."""
    clusters = frame["family_id"].to_numpy() if by_family else None
    return fit_cox(frame["days"], frame["closed"], cox_design(frame)[0], clusters=clusters)


def to_ratio(fit: CoxFit, index: int, *, errors: Errors, alpha: float, method: str) -> Estimate:
    """One hazard ratio as an estimate; its std_error is of the logarithm."""
    found = fit.hazard_ratio(index, errors=errors, alpha=alpha)
    return Estimate(
        outcome="closing",
        measure=RATIO,
        estimate=found.ratio,
        std_error=found.std_error,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        p_value=found.p_value,
        n=fit.n,
        method=method,
    )


@traced
def estimate_cox_published(frame: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The published model: hazard of closing on treatment and history, ties by Efron, model-based errors.

    Columns: term ('Treatment', 'History'; the latter only if cases differ in it) and those of `results.Estimate`;
    estimate is the hazard ratio (above one: closing at a higher rate), std_error that of its logarithm.
    """
    fit = fit_cox_to(frame)
    names = cox_design(frame)[1]
    method = "Cox, Efron, model-based"
    rows = [to_ratio(fit, j, errors="model", alpha=alpha, method=method) for j in range(len(names))]
    table = tidy(rows)
    table.insert(0, "term", [_TERMS[name] for name in names])
    return table


@traced
def check_proportionality(frame: pd.DataFrame) -> pd.DataFrame:
    """Score tests that the hazard ratios of the published model do not change with time.

    One row per term and measure of time, and one for all terms at once ('All') if there are several. Columns: term,
    scale, transform, statistic, df, p_value.
    """
    x, names = cox_design(frame)
    rows: list[dict[str, object]] = []
    for transform, scale in SCALES.items():
        test = fit_proportionality(frame["days"], frame["closed"], x, transform=transform)
        found = [(_TERMS[name], s, 1, p) for name, s, p in zip(names, test.statistics, test.p_values, strict=True)]
        if len(names) > 1:
            found.append(("All", test.joint_statistic, test.joint_df, test.joint_p_value))
        for term, statistic, df, p in found:
            row = {"term": term, "scale": scale, "transform": transform, "statistic": float(statistic)}
            rows.append({**row, "df": df, "p_value": float(p)})
    return pd.DataFrame(rows)


@traced
def estimate_restricted_mean(frame: pd.DataFrame, *, until: int, alpha: float) -> pd.DataFrame:
    """Mean days open up to day `until` by arm (the area under its curve), and treatment − control.

    Columns: arm ('treatment', 'control', 'difference'), those of `results.Estimate`, until, observed (cases open and
    under observation up to that day). Intervals are normal; means have no p-value. Raises CreweError if an arm is not
    observed up to `until`, or had no closing before it.
    """
    means = {arm: fit_mean(frame, arm, until) for arm in ARMS}
    rows = []
    for arm, mean in means.items():
        limits = mean.interval(alpha)
        rows.append(Estimate("days open", f"mean, {arm}", mean.mean, mean.std_error, *limits, np.nan, mean.n, AREA))
    rows.append(to_difference(means["treatment"], means["control"], alpha=alpha))
    table = tidy(rows)
    table.insert(0, "arm", [*ARMS, "difference"])
    observed = [mean.observed for mean in means.values()]
    return table.assign(until=until, observed=[*observed, sum(observed)])


def to_difference(treatment: RestrictedMean, control: RestrictedMean, *, alpha: float) -> Estimate:
    """Treatment − control as an estimate."""
    gap = compare_restricted_means(treatment, control, alpha=alpha)
    return Estimate(
        outcome="days open",
        measure=DIFFERENCE,
        estimate=gap.difference,
        std_error=gap.std_error,
        conf_low=gap.conf_low,
        conf_high=gap.conf_high,
        p_value=gap.p_value,
        n=treatment.n + control.n,
        method=AREA,
    )


def fit_mean(frame: pd.DataFrame, arm: str, until: int) -> RestrictedMean:
    """Mean days open of one arm."""
    own = select_arm(frame, arm)
    return fit_restricted_mean(own["days"], own["closed"], until=until)


@traced
def summarise_closing_sooner(
    cox: pd.DataFrame, tests: pd.DataFrame, means: pd.DataFrame, *, alpha: float
) -> dict[str, str]:
    """For prose: intervals of the ratio of treatment and of the difference in means, what each leaves open, and what
    the test of a constant ratio (on the scale of the share closed) says; words follow alpha."""
    ratio = cox.set_index("term").loc["Treatment"]
    gap = means.set_index("arm").loc["difference"]
    test = tests[(tests["term"] == "Treatment") & (tests["transform"] == "km")].iloc[0]
    verdict = either("leaves no room for arms that are alike", "leaves room for arms that are alike")
    constant = either(
        "these cases speak against one ratio for all days",
        "these cases do not speak against one ratio for all days, which with few of them proves little",
    )
    return {
        "ratio_interval": interval(ratio["conf_low"], ratio["conf_high"], 2),
        "ratio_verdict": verdict(ratio["p_value"] < alpha),
        "difference_interval": interval(gap["conf_low"], gap["conf_high"], 0),
        "difference_verdict": verdict(gap["p_value"] < alpha),
        "constant_verdict": constant(test["p_value"] < alpha),
    }
