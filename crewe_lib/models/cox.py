"""The Cox model of hazards, with model-based, robust and family-clustered standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.cox_likelihood import CoxData, CoxState, evaluate, information, prepare, score_residuals
from crewe_lib.models.panel import check_alpha
from crewe_lib.models.survival import Array

Errors = Literal["model", "robust", "clustered"]
MOST_STEPS = 60
# A step changes no logarithm of a hazard by more: farther off, all but one of those at risk would count as nothing.
LONGEST = 5.0
# Newton's step, in standard errors, at which the gradient counts as zero.
SMALL = 1e-10
# The same where rounding, with very many rows, keeps the steps from becoming smaller.
SMALL_ENOUGH = 1e-7
# The likelihood has no maximum if the information on some combination has shrunk to this part of what it was at zero.
FLAT = 1e-6


@dataclass(frozen=True)
class HazardRatio:
    """Ratio of hazards for one unit more of a column, standard error of its logarithm, limits, two-sided p-value."""

    ratio: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float


@dataclass(frozen=True)
class CoxFit:
    """coefficients (k,): logarithms of hazard ratios; covariances (k, k) of them: model (inverse information), robust
    (Lin and Wei 1989), clustered (None without clusters); log_likelihood; n rows, events, clusters."""

    coefficients: Array
    model: Array
    robust: Array
    clustered: Array | None
    log_likelihood: float
    n: int
    events: int
    clusters: int | None

    def hazard_ratio(self, index: int, *, errors: Errors, alpha: float) -> HazardRatio:
        """The ratio of one column by the normal distribution. Raises CreweError for errors that the fit lacks."""
        if errors not in get_args(Errors) or getattr(self, errors) is None:
            have = [name for name in get_args(Errors) if getattr(self, name) is not None]
            raise CreweError(f"Cox: errors is {errors!r}; this fit has {', '.join(have)}.")
        return to_ratio(self.coefficients[index], getattr(self, errors)[index, index], alpha=alpha)


def to_ratio(coefficient: float, variance: float, *, alpha: float) -> HazardRatio:
    """A ratio of hazards from its logarithm and the variance of that, by the normal distribution. Raises CreweError if
    the variance is nought, as when all cases are alike."""
    check_alpha(alpha)
    estimate, error = float(coefficient), float(np.sqrt(max(variance, 0.0)))
    if error == 0:
        raise CreweError("hazard ratio: the cases do not differ enough to give it an error; report the counts instead.")
    half = float(stats.norm.ppf(1 - alpha / 2)) * error
    low, ratio, high = (float(value) for value in np.exp([estimate - half, estimate, estimate + half]))
    return HazardRatio(ratio, error, low, high, float(2 * stats.norm.sf(abs(estimate / error))))


def fit_cox(
    days: npt.ArrayLike,
    events: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    entered: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
) -> CoxFit:
    """Cox's (1972) proportional hazards on x (n, k), no constant, ties by Efron; clusters (n,) label families.

    entered (n,), for left truncation: the row is at risk on day t if entered < t <= days, as in R's coxph(Surv(entered,
    days, events)); a row with 0 was seen from the start, day 0 included. With several kinds of event, let `events` mark
    one and censor the others on their day: the hazard is then that of the one cause.

    Newton's steps from zero, until the next would be below 1e-10 standard errors. Robust errors (Lin and Wei 1989,
    Journal of the American Statistical Association 84) sum squared score residuals over rows, clustered ones over the
    clusters' sums, both without a correction for small numbers, as R's coxph does. Time is linear in rows and clusters.

    Raises CreweError for missing values, no events, a column that is constant or a combination of others among those
    at risk, a likelihood without a maximum (separation), no more rows or clusters than columns, or a row that leaves on
    the day it enters or before.
    """
    data = prepare(days, events, x, entered=entered)
    labels = None if clusters is None else check_clusters(clusters, *data.x.shape)
    beta, state, found = maximise(data)
    inverse = np.linalg.inv(found) / np.outer(data.scale, data.scale)
    influence = (score_residuals(data, state) * data.scale) @ inverse
    clustered = None
    if labels is not None:
        clustered = add_up(influence, labels)
    return CoxFit(
        coefficients=beta / data.scale,
        model=inverse,
        robust=influence.T @ influence,
        clustered=clustered,
        log_likelihood=state.log_likelihood,
        n=len(data.x),
        events=data.events,
        clusters=None if labels is None else int(np.max(labels)) + 1,
    )


def maximise(data: CoxData) -> tuple[Array, CoxState, Array]:
    """Coefficients of the scaled columns, state and information where the likelihood is greatest.

    Raises CreweError if the columns cannot be told apart, or if there is no maximum.
    """
    beta = np.zeros(data.x.shape[1])
    state, ones = evaluate(data, beta), np.ones(data.events)
    at_zero = information(data, state, ones)
    if np.linalg.eigvalsh(at_zero)[0] < 1e-9 * data.events:
        raise CreweError(
            "Cox: the covariates are collinear, or one does not vary among those at risk when events happen; leave "
            "it out."
        )
    before = np.inf
    for _ in range(MOST_STEPS):
        found = information(data, state, ones)
        least = linalg.eigvalsh(found, at_zero)[0]
        if least < SMALL:
            break
        gradient = np.sum(data.x[data.event], axis=0) - np.sum(state.mean, axis=0)
        step = np.linalg.solve(found, gradient)
        size = float(gradient @ step)
        if size <= SMALL**2 or before / 2 < size <= SMALL_ENOUGH**2:
            if least < FLAT:
                break
            return beta, state, found
        beta, state, before = *_move(data, beta, state, step), size
    raise CreweError(
        "Cox: the likelihood has no maximum: some covariate, or a combination of them, puts the events in order "
        "(separation), as where a group has no event at all. Leave that covariate out, or join groups."
    )


def _move(data: CoxData, beta: Array, state: CoxState, step: Array) -> tuple[Array, CoxState]:
    """Newton's step, of bounded length, halved until the likelihood does not fall by more than rounding explains."""
    lowest = state.log_likelihood - 1e-12 * abs(state.log_likelihood)
    step = step / max(1.0, float(np.max(np.abs(data.x @ step))) / LONGEST)
    while True:
        new = evaluate(data, beta + step)
        good = np.isfinite(new.log_likelihood) and new.log_likelihood >= lowest
        if good or np.max(np.abs(step)) < SMALL:
            return beta + step, new
        step = step / 2


def add_up(influence: Array, labels: npt.NDArray[Any]) -> Array:
    """Covariance (k, k) from the influence of rows (n, k), summed by label first."""
    sums = np.column_stack([np.bincount(labels, column) for column in influence.T])
    return np.asarray(sums.T @ sums, dtype=float)


def check_clusters(clusters: npt.ArrayLike, n: int, k: int) -> npt.NDArray[Any]:
    """Labels of clusters as whole numbers from 0. Raises CreweError for gaps, another length, or too few clusters."""
    labels = np.asarray(clusters)
    if labels.shape != (n,) or pd.isna(labels).any():
        raise CreweError(f"Cox: the clusters must be {n} labels without a gap, one for each row.")
    distinct, code = np.unique(labels, return_inverse=True)
    if len(distinct) <= k:
        raise CreweError(f"Cox: {len(distinct)} clusters are too few for the errors of {k} coefficients.")
    return code
