"""Firth's penalised logistic regression for rare events, with intervals by profiling and corrected predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import Array, check_alpha

_STEPS, _HALVINGS = 200, 40
_NEAR = 1e-14  # twice what the likelihood may still gain before the last step; that step squares it
_LONGEST = 5.0  # of a step, on the logit scale of columns of length one
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
    root = _root(design, design @ beta)
    matrix: Array = np.linalg.inv(root.T @ root).astype(float)
    rest = design[:, 1:] @ beta[1:]
    fitted = special.expit(_intercept(outcome, rest) + rest)
    return FirthFit(beta, matrix, value, fitted, len(outcome), int(np.sum(outcome)))


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


def _intercept(outcome: Array, rest: Array) -> float:
    """The intercept whose mean prediction is the share observed, the other columns contributing `rest` (n,)."""
    events = float(np.sum(outcome))
    # The mean of the predictions rises with the intercept from 0 to 1, so there is one root.
    middle = float(special.logit(events / len(outcome)))
    reach = float(np.max(np.abs(rest), initial=0.0)) + 1.0
    found = optimize.brentq(
        lambda a: float(np.sum(special.expit(a + rest))) - events, middle - reach, middle + reach, xtol=1e-13
    )
    return float(found)


def _maximise(outcome: Array, design: Array, start: Array, *, fixed: int | None) -> tuple[Array, float]:
    """Coefficients and penalised log-likelihood at its maximum, one coefficient held if `fixed`, by Newton's steps."""
    # Columns of length one make the longest step mean the same in any unit; the likelihood moves by a constant.
    scale = np.sqrt(np.mean(design**2, axis=0))
    x, beta, constant = design / scale, start * scale, float(np.sum(np.log(scale)))
    free = [j for j in range(x.shape[1]) if j != fixed]
    if fixed:
        # A coefficient held far from its best one leaves no row uncertain unless the intercept goes with it.
        beta[0] = _intercept(outcome, x[:, 1:] @ beta[1:])
    value = _penalised(outcome, x, beta)
    for _ in range(_STEPS):
        step, gain = _newton(outcome, x, beta, free)
        beta, value = _climb(outcome, x, beta, value, step)
        if gain < _NEAR:
            return beta / scale, value + constant
    raise CreweError(f"Firth: no convergence in {_STEPS} steps; leave out columns with rare values.")


def _newton(outcome: Array, x: Array, beta: Array, free: list[int]) -> tuple[Array, float]:
    """Newton's step (k,), nought where a coefficient is held, and about twice what it gains. Where the penalised
    likelihood is not concave, as it can be far from its top, the information stands for its curvature."""
    score, information, curvature = (found[np.ix_(*[free] * found.ndim)] for found in _slopes(outcome, x, beta))
    bent, along = np.linalg.eigh(curvature)
    concave = bool(np.min(bent, initial=np.inf) > 0)
    try:
        found = np.linalg.solve(curvature if concave else information, score)
    except np.linalg.LinAlgError:
        raise CreweError("Firth: the rows say too little of a column; leave out columns with rare values.") from None
    gain = float(score @ found)
    if gain < _NEAR and not concave:
        found, gain = along[:, 0], np.inf  # a saddle: level here, and higher along its ridge
    step = np.zeros(len(beta))
    step[free] = found * min(1.0, _LONGEST / max(float(np.max(np.abs(found), initial=0.0)), _LONGEST))
    return step, gain


def _slopes(outcome: Array, x: Array, beta: Array) -> tuple[Array, Array, Array]:
    """Firth's score (k,), the information (k, k), and minus the penalised likelihood's second derivatives (k, k)."""
    linear = x @ beta
    fitted, root = special.expit(linear), _root(x, linear)
    # All that the penalty needs comes from these rows, without the inverse of an information that is all but nought.
    rows: Array = np.linalg.qr(root)[0]
    leverage = np.sum(rows**2, axis=1)
    score: Array = x.T @ (outcome - fitted + leverage * (0.5 - fitted))
    turns = np.einsum("i,ir,ia,ib->rab", 1 - 2 * fitted, x, rows, rows, optimize=True)
    spread = leverage * (1 - 6 * fitted * special.expit(-linear))
    information: Array = root.T @ root
    curvature: Array = information + 0.5 * (np.einsum("rab,sab->rs", turns, turns) - x.T @ (x * spread[:, None]))
    return score, information, curvature


def _climb(outcome: Array, x: Array, beta: Array, value: float, step: Array) -> tuple[Array, float]:
    """The point a step further, or by as much less as it takes not to be lower (but for rounding)."""
    for _ in range(_HALVINGS):
        tried = beta + step
        new = _penalised(outcome, x, tried)
        if new >= value - 1e-12 * (1 + abs(value)):
            return tried, new
        step = step / 2
    return beta, value


def _root(x: Array, linear: Array) -> Array:
    """Rows whose cross product is the information, from both tails: 1 − p alone is nought long before p (1 − p) is."""
    found: Array = x * np.sqrt(special.expit(linear) * special.expit(-linear))[:, None]
    return found


def _penalised(outcome: Array, x: Array, beta: Array) -> float:
    linear = x @ beta
    likelihood = float(np.sum(outcome * linear - np.logaddexp(0.0, linear)))
    sizes = np.abs(np.diagonal(np.linalg.qr(_root(x, linear), mode="r")))
    return likelihood + float(np.sum(np.log(sizes))) if np.all(sizes > 0) else -np.inf


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
