"""Logistic regression, checked for separation, and standardised risks (g-computation) with delta-method intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import optimize, special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import Array, check_alpha

Covariance = Literal["model", "HC0", "CR0", "CR1"]
_STEPS = 60
# Combinations of columns have coefficients between −1 and 1; what is smaller than this is rounding.
_SEPARATES = 1e-6


class SeparationError(CreweError):
    """The outcome is separated: no finite coefficients fit best. `columns` are those of a combination that
    tells it apart."""

    def __init__(self, message: str, columns: tuple[int, ...]) -> None:
        super().__init__(message)
        self.columns = columns


@dataclass(frozen=True)
class LogisticFit:
    """coefficients (k,) on the logit scale, their covariance_matrix (k, k), fitted probabilities (n,), and the df
    of the reference t distribution (infinite: the normal)."""

    coefficients: Array
    covariance_matrix: Array
    fitted: Array
    n: int
    df: float
    covariance: Covariance


@dataclass(frozen=True)
class Contrast:
    """A number, mostly a comparison of two, with its error. std_error: of a difference, or of the logarithm of a ratio
    or odds ratio. p_value: two-sided, missing where nothing is tested."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float


def fit_logistic(
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    covariance: Covariance,
    clusters: npt.ArrayLike | None = None,
    names: Sequence[str] = (),
) -> LogisticFit:
    """Maximum likelihood of a 0/1 outcome y (n,) on x (n, k), constant included by the caller (statsmodels' Newton).

    covariance: 'model' inverse information; 'HC0' Huber–White; 'CR0' the same summed within clusters (n,), without
    correction for their number; these three take the normal distribution. 'CR1': CR0 times G/(G − 1) · (n − 1)/(n − k)
    for G clusters, as vcovCL of R's sandwich with type HC1, taken with t of G − k degrees of freedom, which is a
    convention and not a theorem: it makes the intervals as long as those of least squares with HC1 where each row is
    its own cluster. There CR0 is HC0, and CR1 is sandwich's HC1. `names` of the columns are used in messages only.

    Raises SeparationError if a combination of columns tells the outcome apart, wholly or in part (found by linear
    programming as Konis 2007, so that no coefficient drifts to infinity unnoticed); CreweError if a value is missing,
    the outcome is constant or not 0/1, columns are collinear, or there are too few rows or clusters.
    """
    outcome, design = np.asarray(y, float), np.asarray(x, float)
    if covariance not in get_args(Covariance):
        raise CreweError(f"covariance is {covariance!r}; it must be one of {', '.join(get_args(Covariance))}.")
    _check_data(outcome, design)
    groups = _check_clusters(clusters, design, covariance) if covariance in ("CR0", "CR1") else None
    _check_separation(outcome, design, names)
    # The scale of the columns matters to Newton's steps, not to the answer.
    scale = np.sqrt((design**2).mean(axis=0))
    found = sm.Logit(outcome, design / scale).fit(method="newton", disp=False, maxiter=_STEPS, tol=1e-12)
    if not found.mle_retvals["converged"]:
        raise CreweError(f"logistic regression: no convergence in {_STEPS} steps; leave out columns with rare values.")
    coefficients = np.asarray(found.params) / scale
    fitted = special.expit(design @ coefficients)
    bread = np.linalg.inv(design.T @ (design * (fitted * (1 - fitted))[:, None]))
    matrix, df = bread, np.inf
    if covariance != "model":
        scores = design * (outcome - fitted)[:, None]
        if groups is not None:
            scores = np.stack([np.bincount(groups, column) for column in scores.T], axis=1)
        matrix = bread @ (scores.T @ scores) @ bread
        if covariance == "CR1":
            (n, k), count = design.shape, len(scores)
            matrix, df = matrix * count / (count - 1) * (n - 1) / (n - k), float(count - k)
    return LogisticFit(coefficients, matrix, fitted, len(outcome), df, covariance)


def standardise(fit: LogisticFit, x: npt.ArrayLike, *, column: int, alpha: float) -> Mapping[str, Contrast]:
    """Average predicted risk with everybody treated against nobody treated: 'difference', 'ratio', 'odds_ratio'.

    G-computation: x (n, k) as fitted, its `column` (0 or 1, in no interaction) set to 1 and then to 0 for all rows.
    Intervals by the delta method from the fit's covariance and df, so clusters count if it allows for them; on the log
    scale for the ratio and the odds ratio, whose std_error is that of the logarithm. The rows' covariates are taken as
    given: the estimand is the average over these families, and the sampling of covariates is not included. The p-value
    is that of no effect, from the same standard error. Raises CreweError for a column that is not 0/1.
    """
    check_alpha(alpha)
    design = np.array(x, float)
    if not np.isin(design[:, column], (0.0, 1.0)).all():
        raise CreweError(f"standardise: column {column} must hold 0 and 1 only, and be the treatment.")
    (risk1, slope1), (risk0, slope0) = (_average_risk(fit, design, column, value) for value in (1.0, 0.0))
    odds1, odds0 = risk1 * (1 - risk1), risk0 * (1 - risk0)

    def contrast(value: float, slope: Array, *, log: bool) -> Contrast:
        error = float(np.sqrt(slope @ fit.covariance_matrix @ slope))
        half = float(stats.t.isf(alpha / 2, fit.df)) * error
        ends = (value - half, value + half)
        p_value = 2 * float(stats.t.sf(abs(value) / error, fit.df))
        value, low, high = (float(np.exp(v)) if log else v for v in (value, *ends))
        return Contrast(value, error, low, high, p_value)

    return {
        "difference": contrast(risk1 - risk0, slope1 - slope0, log=False),
        "ratio": contrast(float(np.log(risk1 / risk0)), slope1 / risk1 - slope0 / risk0, log=True),
        "odds_ratio": contrast(
            float(special.logit(risk1) - special.logit(risk0)), slope1 / odds1 - slope0 / odds0, log=True
        ),
    }


def _average_risk(fit: LogisticFit, design: Array, column: int, value: float) -> tuple[float, Array]:
    """Mean predicted risk with the column set to a value, and its slope in the coefficients (k,)."""
    changed = design.copy()
    changed[:, column] = value
    risk = special.expit(changed @ fit.coefficients)
    return float(np.mean(risk)), np.asarray((risk * (1 - risk)) @ changed / len(changed))


def _check_data(outcome: Array, design: Array) -> None:
    n, k = design.shape
    if not (np.isfinite(outcome).all() and np.isfinite(design).all()):
        raise CreweError("logistic regression: the data hold missing values; exclude those rows with a reason first.")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise CreweError("logistic regression: the outcome must be 0 or 1 in every row.")
    if len(np.unique(outcome)) < 2:
        raise CreweError("logistic regression: the outcome is the same in every row; there is nothing to explain.")
    if n <= k:
        raise CreweError(f"logistic regression: {n} rows cannot estimate {k} coefficients.")
    length = np.linalg.norm(design, axis=0)
    if not length.all() or np.linalg.matrix_rank(design / length) < k:
        raise CreweError("logistic regression: the columns are collinear; leave out one that follows from the others.")


def _check_clusters(clusters: npt.ArrayLike | None, design: Array, covariance: Covariance) -> npt.NDArray[Any]:
    n, k = design.shape
    if clusters is None:
        raise CreweError(f"logistic regression: {covariance} needs the clusters; name the grouping of the rows.")
    labels = np.asarray(clusters)
    if labels.shape != (n,) or pd.isna(labels).any():
        raise CreweError(f"logistic regression: the clusters must be {n} labels without a gap, one for each row.")
    codes = np.unique(labels, return_inverse=True)[1]
    if np.max(codes) < 2:
        raise CreweError(f"logistic regression: {np.max(codes) + 1} clusters are too few; at least three are needed.")
    if covariance == "CR1" and np.max(codes) + 1 <= k:
        raise CreweError(
            f"logistic regression: {np.max(codes) + 1} clusters leave {k} coefficients no degrees of freedom with CR1; "
            "leave out covariates."
        )
    return codes


def _check_separation(outcome: Array, design: Array, names: Sequence[str]) -> None:
    """Raise SeparationError if for some b ≠ 0 x·b is ≥ 0 wherever y = 1 and ≤ 0 wherever y = 0, not 0 everywhere."""
    signed = np.where(outcome == 1, 1.0, -1.0)[:, None] * design / np.max(np.abs(design), axis=0)
    n, k = signed.shape
    # The largest sum of x·b that a b of at most 1 can reach; every row that can be told apart adds to it.
    found = optimize.linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(n), bounds=(-1, 1))
    if -found.fun <= _SEPARATES * n:
        return
    # The largest distance that all rows can keep from 0: more than none if the separation is complete.
    goal, rows = np.append(np.zeros(k), -1.0), np.column_stack([-signed, np.ones(n)])
    whole = -optimize.linprog(goal, A_ub=rows, b_ub=np.zeros(n), bounds=(-1, 1)).fun > _SEPARATES
    # Of all combinations the one with the smallest coefficients, in which columns without a part in it have none.
    least = optimize.linprog(
        np.ones(2 * k),
        A_ub=np.column_stack([-signed, signed]),
        b_ub=np.zeros(n),
        A_eq=np.append(signed.sum(axis=0), -signed.sum(axis=0))[None, :],
        b_eq=[1.0],
    )
    sizes = np.abs(least.x[:k] - least.x[k:])
    columns = tuple(int(j) for j in np.flatnonzero(sizes > _SEPARATES * np.max(sizes)))
    said = " and ".join(names[j] if names else f"column {j}" for j in columns)
    verb, where = "tell" if len(columns) > 1 else "tells", "all" if whole else "some"
    raise SeparationError(
        f"logistic regression: {'separation' if whole else 'quasi-separation'}, as {said} {verb} the outcome apart in "
        f"{where} rows, so that no finite coefficient fits best. Leave out such a column, join its category with "
        "another, or use the linear model.",
        columns,
    )
