"""How far the two arms' changes in risk score differ, by several methods and under several readings of the score.

A higher score is safer: a positive difference means that treatment cases became safer by more. In points of the score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from math import comb, inf, isinf, nan
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, interval, p_value
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.randomisation import fit_randomisation
from crewe_lib.provenance import traced
from crewe_lib.records import Records
from crewe_lib.results import Estimate
from crewe_lib.risk import OUTCOMES, derive_changes
from crewe_lib.risk_scoring import COMBINED, LASTING, Combine, derive_risk_scores, list_child_factors

Array = npt.NDArray[np.float64]
Make = Callable[[], Estimate]
CHANGE = "difference in mean change, points (positive: treatment became safer by more)"
LATEST = "difference at the end for the same start, points (positive: treatment safer)"
RANDOMISED, WELCH, ANCOVA = "randomisation of families", "Welch", "ANCOVA, CR2"
DIFFERENCE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Part of the score"),
    "method": Column("Method"),
    "estimate": Column("Difference, points", fixed(2, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p-value", p_value),
    "n": Column("Cases", fixed(0)),
    "note": Column("Remark", blank=""),
}
SPECIFICATION_COLUMNS: Mapping[str, Column] = {
    "combined": Column("Score: engagement"),
    "factors": Column("Factors"),
    "method": Column("Method"),
    "estimate": Column("Difference, points", fixed(2, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p-value", p_value),
    "n": Column("Cases", fixed(0)),
    "note": Column("Remark", blank=""),
}
UNBOUNDED = "so few families that no effect can be rejected at this level"
WIDE = 0.5  # a level at which every allocation of three families or more can be told from some other


@traced
def estimate_differences(changes: pd.DataFrame, *, alpha: float, n_draws: int, seed: int) -> pd.DataFrame:
    """How far the arms' changes differ, by three methods, for the total and each part: `Estimate`'s columns, label,
    interval (in words), note.

    'randomisation of families': difference in mean change, test and interval from allocating the families anew, arm
    sizes kept (`fit_randomisation`). 'Welch': the same difference, t with unequal variances. 'ANCOVA, CR2': difference
    at the end between families with the same score at the start, each family its own cluster (HC2 error,
    Satterthwaite's degrees of freedom). Where a method cannot be used, such as on a part that changed by the same in
    all families, its cells are missing and the note says why; with so few families that randomisation rejects nothing
    at alpha, its limits are infinite and the note says so. Raises CreweError for bad alpha or n_draws.
    """
    rows = []
    for outcome in OUTCOMES:
        rng = np.random.default_rng(seed)  # the same allocations for every part
        methods: Mapping[str, Make] = {
            RANDOMISED: partial(randomise, changes, outcome, alpha=alpha, n_draws=n_draws, rng=rng),
            WELCH: partial(compare_changes, changes, outcome, alpha=alpha),
            ANCOVA: partial(adjust_for_start, changes, outcome, alpha=alpha),
        }
        rows += [to_row(make, outcome, method, changes) for method, make in methods.items()]
    return pd.DataFrame(rows)


def to_row(make: Make, outcome: str, method: str, changes: pd.DataFrame) -> dict[str, object]:
    """An estimate as a row, with its interval in words; if it cannot be made, a row that says why."""
    try:
        made, note = make(), ""
    except CreweError as fault:
        made = Estimate(outcome, CHANGE, nan, nan, nan, nan, nan, len(changes), method)
        note = str(fault).partition(": ")[2] or str(fault)
    limits = None if note else "unbounded" if isinf(made.conf_high) else interval(made.conf_low, made.conf_high, 1)
    note = UNBOUNDED if limits == "unbounded" else note
    return {**asdict(made), "label": OUTCOMES[outcome], "interval": limits, "note": note}


def _split(changes: pd.DataFrame, name: str) -> tuple[Array, Array]:
    """The changes of the treated and of the others. Raises CreweError if all are alike."""
    values, treated = changes[f"{name}_change"].to_numpy(float), changes["treated"].to_numpy() == 1
    if np.ptp(values) == 0:
        raise CreweError(f"{name}: all families changed by the same, so there is no difference to assess.")
    return values[treated], values[~treated]


def randomise(changes: pd.DataFrame, name: str, *, alpha: float, n_draws: int, rng: np.random.Generator) -> Estimate:
    """Difference in mean change, with test and interval from the allocation of families. Where all allocations are too
    few to reject any effect at alpha, the interval has no limits."""
    _split(changes, name)
    values, treated = changes[f"{name}_change"].to_numpy(float), changes["treated"].to_numpy(float)
    fit_at = partial(
        fit_randomisation, values, treated, families=changes["family_id"].to_numpy(), n_draws=n_draws, rng=rng
    )
    try:
        fit = fit_at(alpha=alpha)
        limits = fit.conf_low, fit.conf_high
    except CreweError:
        if comb(len(treated), int(treated.sum())) > n_draws:
            raise
        fit, limits = fit_at(alpha=max(alpha, WIDE)), (-inf, inf)
    return Estimate(name, CHANGE, fit.estimate, fit.std_error, *limits, fit.p_value, fit.n, RANDOMISED)


def compare_changes(changes: pd.DataFrame, name: str, *, alpha: float) -> Estimate:
    """Difference in mean change by Welch's t."""
    ours, theirs = _split(changes, name)
    test = stats.ttest_ind(ours, theirs, equal_var=False)
    limits = test.confidence_interval(1 - alpha)
    error = float(np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs)))
    gap = float(ours.mean() - theirs.mean())
    return Estimate(
        name, CHANGE, gap, error, float(limits.low), float(limits.high), float(test.pvalue), len(changes), WELCH,
        df=float(test.df),
    )  # fmt: skip


def adjust_for_start(changes: pd.DataFrame, name: str, *, alpha: float) -> Estimate:
    """Difference at the end given the score at the start: least squares with CR2, each family its own cluster."""
    _split(changes, name)
    start, end = (changes[f"{name}_{at}"].to_numpy(float) for at in ("start", "end"))
    design = np.column_stack([np.ones(len(start)), changes["treated"], start])
    fit = fit_linear(end, design, covariance="CR2", clusters=np.arange(len(end)))
    low, high, p = fit.interval(1, alpha)
    estimate, error, df = (float(part[1]) for part in (fit.coefficients, fit.std_errors, fit.df))
    return Estimate(name, LATEST, estimate, error, low, high, p, len(end), ANCOVA, df=df)


def _list_readings(framework: pd.DataFrame) -> Iterator[tuple[Combine, str, str, tuple[str, ...]]]:
    """combine, in words, factors in words, and which are left out; without the child both readings are one."""
    for combine in get_args(Combine):
        yield combine, COMBINED[combine], "all", ()
        yield combine, COMBINED[combine], "without those that support cannot remove", LASTING
    yield "sum", "parent's rating only", "without the child's own", list_child_factors(framework)


@traced
def estimate_specifications(records: Records, framework: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The difference in the total under each reading of engagement, with and without the factors that no support can
    remove (`LASTING`), and without the child's part, which comes in when a child grows past the framework's age; each
    as difference in change (Welch) and given the start (ANCOVA). Columns as `estimate_differences`, combine, combined,
    factors. Raises CreweError as `derive_changes` does."""
    rows = []
    for combine, combined, factors, without in _list_readings(framework):
        changes = derive_changes(derive_risk_scores(records, framework, combine=combine, without=without))
        for method, compare in ((WELCH, compare_changes), (ANCOVA, adjust_for_start)):
            row = to_row(partial(compare, changes, "total", alpha=alpha), "total", method, changes)
            rows.append({"combine": combine, "combined": combined, "factors": factors, **row})
    return pd.DataFrame(rows)


@traced
def summarise_specifications(specifications: pd.DataFrame, *, alpha: float) -> dict[str, float]:
    """Over the specifications that could be estimated: how many, least and greatest difference, how many p-values are
    at most alpha (small), how many differences are positive. Raises CreweError if there are none."""
    known = specifications.dropna(subset=["p_value"])
    if known.empty:
        raise CreweError("risk: no specification could be estimated; the scores do not vary between families.")
    return {
        "all": len(known),
        "least": float(known["estimate"].min()),
        "greatest": float(known["estimate"].max()),
        "small": int((known["p_value"] <= alpha).sum()),
        "positive": int((known["estimate"] > 0).sum()),
    }


@traced
def summarise_differences(differences: pd.DataFrame, *, alpha: float) -> dict[str, object]:
    """For prose, of the total by randomisation of families: difference, p_value and interval, in words, with whether
    it includes zero; of all p-values in the table: tests, and how many are at most alpha (small)."""
    own = differences[differences["outcome"].eq("total") & differences["method"].eq(RANDOMISED)].iloc[0]
    if pd.isna(own["p_value"]):
        raise CreweError(f"risk: the difference in the total score cannot be assessed: {own['note']}")
    tests = differences["p_value"].dropna()
    zero = "includes" if own["conf_low"] <= 0 <= own["conf_high"] else "leaves out"
    return {
        "difference": float(own["estimate"]),
        "interval": f"{own['interval']}, which {zero} zero",
        "p_value": float(own["p_value"]),
        "tests": len(tests),
        "small": int((tests <= alpha).sum()),
    }


@traced
def describe_start(changes: pd.DataFrame) -> dict[str, float]:
    """How much of the difference in mean change goes with where the arms stood at referral (regression to the mean).

    With slope b of the last total on the first, the same in both arms, the difference in mean change is ANCOVA's
    estimate plus (b − 1) × the difference at the start, exactly. Keys: start_gap (treatment less control), slope,
    from_start (the second term), change_gap (their sum), adjusted (ANCOVA), sd (pooled standard deviation of changes),
    n, and for the arms treatment and control the mean change. Raises CreweError if it cannot be fitted.
    """
    start, end, treated = (changes[name].to_numpy(float) for name in ("total_start", "total_end", "treated"))
    ours = treated == 1
    fit = fit_linear(end, np.column_stack([np.ones(len(end)), treated, start]), covariance="classical")
    change = end - start
    start_gap, slope = float(start[ours].mean() - start[~ours].mean()), float(fit.coefficients[2])
    spread = sum(float(((part - part.mean()) ** 2).sum()) for part in (change[ours], change[~ours]))
    return {
        "start_gap": start_gap,
        "slope": slope,
        "from_start": (slope - 1) * start_gap,
        "change_gap": float(change[ours].mean() - change[~ours].mean()),
        "adjusted": float(fit.coefficients[1]),
        "sd": float(np.sqrt(spread / (len(change) - 2))),
        "n": len(change),
        "treatment": float(change[ours].mean()),
        "control": float(change[~ours].mean()),
    }
