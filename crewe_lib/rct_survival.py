"""The trial: did Project Crewe close cases sooner? The published Cox model, the test of what it assumes, and, since
curves may cross, the mean of days to a closing that lasted. The curves are in `rct_curves`, other choices in
`rct_survival_specifications`.

Where an arm has no such closing there is no ratio and no interval: the tables keep their rows, with what is known, and
the reason in the column remark, which is empty otherwise.

Source of the published analysis: Project Crewe evaluation (2017), "Closing cases more quickly", Appendix 6.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, p_phrase, p_value
from crewe_lib.models.cox import CoxFit, Errors, fit_cox
from crewe_lib.models.proportionality import Transform, fit_proportionality
from crewe_lib.models.survival import Array, RestrictedMean, compare_restricted_means, fit_restricted_mean
from crewe_lib.provenance import traced
from crewe_lib.rct import ARMS
from crewe_lib.rct_curves import count_closings, select_arm
from crewe_lib.results import Estimate, tidy

COX_COLUMNS: Mapping[str, Column] = {
    "term": Column("Hazard ratio of"),
    "estimate": Column("Ratio", fixed(2)),
    "conf_low": Column("from", fixed(2)),
    "conf_high": Column("to", fixed(2)),
    "p_value": Column("p", p_value),
    "n": Column("n", fixed(0)),
    "closings": Column("Closings by arm"),
}
PROPORTIONALITY_COLUMNS: Mapping[str, Column] = {
    "term": Column("Does it change with time?"),
    "scale": Column("Time measured as"),
    "statistic": Column("Chi-squared", fixed(2)),
    "df": Column("df", fixed(0)),
    "p_value": Column("p", p_value),
}
MEAN_COLUMNS: Mapping[str, Column] = {
    "measure": Column("Days to a closing that lasted"),
    "estimate": Column("Estimate", fixed(1)),
    "std_error": Column("Standard error", fixed(1)),
    "conf_low": Column("from", fixed(1)),
    "conf_high": Column("to", fixed(1)),
    "p_value": Column("p", p_value),
    "n": Column("n", fixed(0)),
    "closings": Column("Closings before"),
}
LASTING, DAYS = "closing that lasted", "days to a closing that lasted"
RATIO, DIFFERENCE = "hazard ratio", f"difference in mean {DAYS}"
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
        outcome=LASTING,
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
    """The published model: hazard of a closing that lasted on treatment and history, ties by Efron, model-based errors.

    Columns: term ('Treatment', 'History'; the latter only if cases differ in it), those of `results.Estimate`, closings
    (by arm), remark; estimate is the hazard ratio (above one: at a higher rate), std_error that of its logarithm. A
    model that cannot be fitted, as where an arm has no closing, leaves rows without an estimate and says why.
    """
    names, method, remark = cox_design(frame)[1], "Cox, Efron, model-based", ""
    rows = [empty_estimate(LASTING, RATIO, len(frame), method)] * len(names)
    try:
        fit = fit_cox_to(frame)
    except CreweError as error:
        remark = say_why(frame, error)
    else:
        rows = [to_ratio(fit, j, errors="model", alpha=alpha, method=method) for j in range(len(names))]
    table = tidy(rows)
    table.insert(0, "term", [_TERMS[name] for name in names])
    return table.assign(closings=" and ".join(str(number) for number in count_closings(frame)), remark=remark)


def empty_estimate(outcome: str, measure: str, n: int, method: str) -> Estimate:
    """A row for what cannot be estimated."""
    return Estimate(outcome, measure, np.nan, np.nan, np.nan, np.nan, p_value=np.nan, n=n, method=method)


def say_why(frame: pd.DataFrame, error: CreweError) -> str:
    """Why a model of the arms could not be fitted: an arm without a closing, or what the error says."""
    without = [arm for arm, number in zip(ARMS, count_closings(frame), strict=True) if not number]
    return f"no closing in {' and in '.join(without)}" if without else str(error)


@traced
def check_proportionality(frame: pd.DataFrame) -> pd.DataFrame:
    """Score tests that the hazard ratios of the published model do not change with time.

    One row per term and measure of time, and one for all terms at once ('All') if there are several. Columns: term,
    scale, transform, statistic, df, p_value, remark. A test that cannot be made leaves rows without statistic and p,
    and says why.
    """
    terms = [_TERMS[name] for name in cox_design(frame)[1]]
    terms = [*terms, "All"] if len(terms) > 1 else terms
    rows: list[dict[str, object]] = []
    for transform, scale in SCALES.items():
        try:
            found, remark = _test_terms(frame, transform), ""
        except CreweError as error:
            found, remark = [(np.nan, np.nan)] * len(terms), say_why(frame, error)
        for term, (statistic, p) in zip(terms, found, strict=True):
            row = {"term": term, "scale": scale, "transform": transform, "statistic": statistic}
            rows.append({**row, "df": len(terms) - 1 if term == "All" else 1, "p_value": p, "remark": remark})
    return pd.DataFrame(rows)


def _test_terms(frame: pd.DataFrame, transform: Transform) -> list[tuple[float, float]]:
    """Statistic and p-value of each term, and of all at once if there are several."""
    test = fit_proportionality(frame["days"], frame["closed"], cox_design(frame)[0], transform=transform)
    found = [(float(s), float(p)) for s, p in zip(test.statistics, test.p_values, strict=True)]
    return [*found, (float(test.joint_statistic), float(test.joint_p_value))] if len(found) > 1 else found


@traced
def estimate_restricted_mean(frame: pd.DataFrame, *, until: int, alpha: float) -> pd.DataFrame:
    """Mean days to a closing that lasted, up to day `until`, by arm (area under its curve), and treatment − control.

    Columns: arm ('treatment', 'control', 'difference'), those of `results.Estimate`, until, observed (cases not yet
    closed for good and under observation up to that day), closings (before it), remark. Intervals are normal; means
    have no p-value. An arm without a closing before `until`: see `fit_mean`. Raises CreweError if an arm is not
    observed up to `until`.
    """
    means = {arm: fit_mean(frame, arm, until) for arm in ARMS}
    rows = []
    for arm, mean in means.items():
        limits = mean.interval(alpha)
        rows.append(Estimate(DAYS, f"mean, {arm}", mean.mean, mean.std_error, *limits, np.nan, mean.n, AREA))
    rows.append(to_difference(means["treatment"], means["control"], alpha=alpha))
    table = tidy(rows)
    table.insert(0, "arm", [*ARMS, "difference"])
    observed = [mean.observed for mean in means.values()]
    closings = [str(mean.events) for mean in means.values()]
    said = ["" if means[arm].events else f"no closing in {arm} before day {until}" for arm in ARMS]
    return table.assign(
        until=until,
        observed=[*observed, sum(observed)],
        closings=[*closings, " and ".join(closings)],
        remark=[*said, "; ".join(filter(None, said))],
    )


def to_difference(treatment: RestrictedMean, control: RestrictedMean, *, alpha: float) -> Estimate:
    """Treatment − control as an estimate."""
    gap = compare_restricted_means(treatment, control, alpha=alpha)
    return Estimate(
        outcome=DAYS,
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
    """Mean days of one arm. Without a closing before `until`, if observed up to it, the mean is `until` and its error
    is unknown (missing), not zero."""
    own = select_arm(frame, arm)
    observed = int((own["days"] >= until).sum())
    if until > 0 and observed and not own.loc[own["days"] < until, "closed"].any():
        return RestrictedMean(float(until), np.nan, float(until), len(own), events=0, observed=observed)
    return fit_restricted_mean(own["days"], own["closed"], until=until)


@traced
def summarise_closing_sooner(
    cox: pd.DataFrame, tests: pd.DataFrame, means: pd.DataFrame, *, alpha: float
) -> dict[str, str]:
    """For prose: intervals of the ratio of treatment and of the difference in means, what each leaves open, and what
    the test of a constant ratio (on the scale of the share closed) says; words follow alpha."""
    ratio = cox[cox["term"] == "Treatment"].iloc[0]
    gap = means[means["arm"] == "difference"].iloc[0]
    test = tests[(tests["term"] == "Treatment") & (tests["transform"] == "km")].iloc[0]
    constant = either(
        "these cases speak against one ratio for all days",
        "these cases do not speak against one ratio for all days, which with few of them proves little",
    )(test["p_value"] < alpha)
    untested = pd.isna(test["p_value"])
    return {
        "ratio_interval": _write_limits(ratio, 2),
        "ratio_verdict": _VERDICT(ratio["p_value"] < alpha),
        "ratio": _say_result(ratio, digits=2, unit="", alpha=alpha),
        "difference_interval": _write_limits(gap, 0),
        "difference_verdict": _VERDICT(gap["p_value"] < alpha),
        "difference": _say_result(gap, digits=0, unit=" days", alpha=alpha),
        "constant_verdict": constant,
        "constant": f"cannot be made: {test['remark']}"
        if untested
        else f"gives {p_phrase(test['p_value'])}: {constant}",
    }


_VERDICT = either("leaves no room for arms that are alike", "leaves room for arms that are alike")


def _write_limits(row: pd.Series, digits: int) -> str:
    return "none" if pd.isna(row["conf_low"]) else interval(row["conf_low"], row["conf_high"], digits)


def _say_result(row: pd.Series, *, digits: int, unit: str, alpha: float) -> str:
    """A result with its interval, verdict and p-value, or why it has none."""
    if pd.isna(row["estimate"]):
        return f"cannot be estimated: {row['remark']}"
    value = f"is {fixed(digits, sign=bool(unit))(row['estimate'])}{unit}"
    if pd.isna(row["p_value"]):
        return f"{value}, without an interval: {row['remark']}"
    limits, verdict = _write_limits(row, digits), _VERDICT(row["p_value"] < alpha)
    return f"{value} (interval {limits}, which {verdict}; {p_phrase(row['p_value'])})"
