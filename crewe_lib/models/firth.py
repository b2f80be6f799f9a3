"""Firth's penalised logistic regression for rare events, with intervals by profiling and corrected predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import Array, check_alpha

_STEPS, _TOLERANCE = 200, 1e-10
_LONGEST = 5.0  # of a Newton step, on the logit scale of columns of length one
_FARTHEST = 60.0  # where an interval is taken not to end, in standard errors


@dataclass(frozen=True)
class FirthFit:
    """coefficients (k,) on the logit scale, their covariance_matrix (k, k) (inverse information), penalised
    log_likelihood, and fitted (n,): probabilities whose mean is the share observed, since Firth's own lean towards one
    half (the intercept is fitted anew with the others held: FLIC of Puhr and others 2017)."""

    coefficients: Array
    covariance_matrix: Array
    log_likelihood: float
    fitted: Array
    n: int
    events: int


@dataclass(frozen=True)
class Profile:
    """Limits of one coefficient, and the two-sided p-value that it is zero, by the penalised likelihood ratio."""

    conf_low: float
    conf_high: float
    p_value: float


def fit_firth(y: npt.ArrayLike, x: npt.ArrayLike) -> FirthFit:
    """Firth's (1993, Biometrika 80) logistic regression of a 0/1 outcome y (n,) on x (n, k), its first column the
    constant: the likelihood times the root of the determinant of the information (Jeffreys' prior).

    Estimates are finite also where an arm has no event (Heinze and Schemper 2002, Statistics in Medicine 21), and less
    biased with few events. Raises CreweError if a value is missing, the outcome is the same in every row, columns are
    collinear, the first is not constant, or there are too few rows.
    """
    outcome, design = _check(y, x)
    beta, value = _maximise(outcome, design, np.zeros(design.shape[1]), fixed=None)
    matrix: Array = np.linalg.inv(_information(design, special.expit(design @ beta))).astype(float)
    rest = design[:, 1:] @ beta[1:]
    events = float(np.sum(outcome))
    # The mean of the predictions rises with the intercept from 0 to 1, so there is one root.
    middle = float(special.logit(events / len(outcome)))
    reach = float(np.max(np.abs(rest), initial=0.0)) + 1.0
    intercept = optimize.brentq(
        lambda a: float(np.sum(special.expit(a + rest))) - events, middle - reach, middle + reach, xtol=1e-13
    )
    return FirthFit(beta, matrix, value, special.expit(intercept + rest), len(outcome), int(events))


def profile_firth(y: npt.ArrayLike, x: npt.ArrayLike, fit: FirthFit, *, column: int, alpha: float) -> Profile:
    """Interval and test of one coefficient of `fit_firth` by its profile: the values whose penalised likelihood, the
    other coefficients fitted anew, is near enough to the greatest (Heinze and Schemper 2002).

    Raises CreweError if alpha is no rate, or if a limit lies too far away to be told from none.
    """
    check_alpha(alpha)
    outcome, design = _check(y, x)
    error = float(np.sqrt(fit.covariance_matrix[column, column]))
    greatest, critical = fit.log_likelihood, float(stats.chi2.isf(alpha, 1))

    def drop(value: float) -> float:
        start = fit.coefficients.copy()
        start[column] = value
        _, found = _maximise(outcome, design, start, fixed=column)
        return 2 * (greatest - found)

    def limit(side: int) -> float:
        centre, step = float(fit.coefficients[column]), error
        while drop(centre + side * step) < critical:
            step *= 2
            if step > _FARTHEST * error:
                raise CreweError("Firth: the interval has no end that can be found; there are too few rows.")
        ends = sorted((centre, centre + side * step))
        return float(optimize.brentq(lambda b: drop(b) - critical, *ends, xtol=1e-9))

    return Profile(limit(-1), limit(1), float(stats.chi2.sf(max(drop(0.0), 0.0), 1)))


def average_risks(fit: FirthFit, x: npt.ArrayLike, *, column: int) -> tuple[float, float]:
    """Mean corrected probability over all rows with the column set to one, and to nought."""
    design = np.array(x, float)
    rest = special.logit(fit.fitted) - design[:, column] * fit.coefficients[column]
    return float(np.mean(special.expit(rest + fit.coefficients[column]))), float(np.mean(special.expit(rest)))


def _maximise(outcome: Array, design: Array, start: Array, *, fixed: int | None) -> tuple[Array, float]:
    """Coefficients and penalised log-likelihood at its maximum, one coefficient held if `fixed`, by Newton's steps on
    Firth's scores, halved while they do not help."""
    free = [j for j in range(design.shape[1]) if j != fixed]
    beta = start.copy()
    value = _penalised(outcome, design, beta)
    for _ in range(_STEPS):
        fitted = special.expit(design @ beta)
        weights = fitted * (1 - fitted)
        inverse = np.linalg.inv(_information(design, fitted))
        leverage = weights * np.einsum("ij,jk,ik->i", design, inverse, design)
        score = design.T @ (outcome - fitted + leverage * (0.5 - fitted))
        step = np.linalg.solve(_information(design, fitted)[np.ix_(free, free)], score[free])
        step *= min(1.0, _LONGEST / max(float(np.max(np.abs(step), initial=0.0)), _LONGEST))
        for _ in range(30):
            tried = beta.copy()
            tried[free] += step
            new = _penalised(outcome, design, tried)
            if new >= value - 1e-12:
                break
            step /= 2
        moved = float(np.max(np.abs(step), initial=0.0))
        beta, value = tried, new
        if moved < _TOLERANCE:
            return beta, value
    raise CreweError(f"Firth: no convergence in {_STEPS} steps; leave out columns with rare values.")


def _information(design: Array, fitted: Array) -> Array:
    found: Array = design.T @ (design * (fitted * (1 - fitted))[:, None])
    return found


def _penalised(outcome: Array, design: Array, beta: Array) -> float:
    linear = design @ beta
    likelihood = float(np.sum(outcome * linear - np.logaddexp(0.0, linear)))
    sign, size = np.linalg.slogdet(_information(design, special.expit(linear)))
    return likelihood + 0.5 * float(size) if sign > 0 else -np.inf


def _check(y: npt.ArrayLike, x: npt.ArrayLike) -> tuple[Array, Array]:
    outcome, design = np.asarray(y, float), np.asarray(x, float)
    if not (np.isfinite(outcome).all() and np.isfinite(design).all()):
        raise CreweError("Firth: the data hold missing values; exclude those rows with a reason first.")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise CreweError("Firth: the outcome must be 0 or 1 in every row.")
    if len(np.unique(outcome)) < 2:
        raise CreweError("Firth: the outcome is the same in every row; there is nothing to explain.")
    n, k = design.shape
    if n <= k:
        raise CreweError(f"Firth: {n} rows cannot estimate {k} coefficients.")
    if not (design[:, 0] == 1).all():
        raise CreweError("Firth: the first column must be the constant, 1 in every row.")
    if np.linalg.matrix_rank(design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)) < k:
        raise CreweError("Firth: the columns are collinear; leave out one that follows from the others.")
    return outcome, design
