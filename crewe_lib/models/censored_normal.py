"""Normal regression of an outcome of which some values are known only to exceed a limit (censored on the right)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import Array, check_alpha
from crewe_lib.models.survival import Flags

MOST_STEPS = 100
# Newton's step, in standard errors, at which the gradient counts as zero.
SMALL = 1e-10
# Residuals of this part of the outcome's spread are rounding.
EXACT = 1e-9


@dataclass(frozen=True)
class CensoredNormalFit:
    """coefficients (k,) in the unit of y; scale: standard deviation of y about its mean; covariance_matrix (k + 1,
    k + 1) of the coefficients and log(scale), the inverse observed information; log_likelihood; n rows, of which
    censored."""

    coefficients: Array
    scale: float
    covariance_matrix: Array
    log_likelihood: float
    n: int
    censored: int

    def contrast(self, index: int, alpha: float) -> tuple[float, float, float, float]:
        """Standard error, limits and two-sided p-value of one coefficient, by the normal distribution."""
        check_alpha(alpha)
        value, error = float(self.coefficients[index]), float(np.sqrt(self.covariance_matrix[index, index]))
        half = float(stats.norm.isf(alpha / 2)) * error
        return error, value - half, value + half, 2 * float(stats.norm.sf(abs(value) / error))


def fit_censored_normal(y: npt.ArrayLike, censored: npt.ArrayLike, x: npt.ArrayLike) -> CensoredNormalFit:
    """Maximum likelihood of y = xb + e, e normal, where rows marked censored are known to be above their y only (Tobin
    1958, Econometrica 26, with a limit for each row).

    y (n,): the outcome, or the limit it exceeds; censored (n,): 1 or true for the latter; x (n, k), constant included
    by the caller. Newton's method in b / scale and 1 / scale, in which the likelihood is concave (Olsen 1978,
    Econometrica 46). Agrees with R's survreg(dist = "gaussian"), and with AER's tobit where all have one limit. Without
    a censored row it is least squares, with the scale of maximum likelihood (divided by n). Rows that were seen only
    since their outcome exceeded some value (left truncation) are not allowed for: with outcomes as skewed as durations
    that likelihood often has no maximum.

    Raises CreweError for missing values, other codes, too few rows, collinear columns, nothing but censored rows, a
    column that varies among censored rows only (as where a group has no known outcome), or known outcomes that the
    columns fit without remainder.
    """
    outcome, known, design = _check(y, censored, x)
    unit = float(np.std(outcome)) or 1.0
    lengths = np.sqrt(np.mean(design**2, axis=0))
    rows = np.column_stack([design / lengths, -outcome / unit])
    delta, value, found = _maximise(rows, known, _start(rows, known))
    theta = float(delta[-1])
    # From b / scale and 1 / scale to b and log(scale): at the maximum the information follows by the chain rule.
    change = np.diag(np.r_[np.full(len(lengths), theta), -theta])
    change[:-1, -1] = -delta[:-1]
    back = np.diag(np.r_[unit / lengths, 1.0])
    covariance = back @ np.linalg.inv(change.T @ found @ change) @ back
    constant = int(np.sum(known)) * (0.5 * np.log(2 * np.pi) + np.log(unit))
    return CensoredNormalFit(
        coefficients=delta[:-1] / theta * unit / lengths,
        scale=unit / theta,
        covariance_matrix=covariance,
        log_likelihood=value - constant,
        n=len(outcome),
        censored=int(np.sum(~known)),
    )


def predict_mean(fit: CensoredNormalFit, x: npt.ArrayLike) -> Array:
    """xb (n,): the mean of everybody with these covariates, whatever is known of the row."""
    return np.asarray(np.asarray(x, float) @ fit.coefficients)


def predict_beyond(fit: CensoredNormalFit, x: npt.ArrayLike, limits: npt.ArrayLike) -> Array:
    """Mean (n,) of those with these covariates whose outcome exceeds the limit (n,): xb + scale · φ(z) / Φ(−z), with
    z = (limit − xb) / scale. Always above the limit and above xb."""
    mean = predict_mean(fit, x)
    z = (np.asarray(limits, float) - mean) / fit.scale
    return np.asarray(mean + fit.scale * _mills(-z))


def _mills(u: Array) -> Array:
    """φ(u) / Φ(u), without loss where Φ(u) is next to nothing."""
    return np.asarray(np.exp(-0.5 * u**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(u)))


def _start(rows: Array, known: Flags) -> Array:
    """Least squares on all rows, as if none were censored, on Olsen's scale."""
    design, outcome = rows[:, :-1], -rows[:, -1]
    found = np.linalg.lstsq(design, outcome, rcond=None)[0]
    left = outcome - design @ found
    scale = max(float(np.sqrt(np.mean(left**2))), 0.1)
    return np.asarray(np.r_[found, 1.0] / scale)


def _evaluate(rows: Array, known: Flags, delta: Array) -> tuple[float, Array, Array]:
    """Log-likelihood (without constants), gradient and observed information in delta = (b, 1) / scale; rows (x, −y)."""
    u, theta = rows @ delta, delta[-1]
    ratio = _mills(u[~known])
    value = int(np.sum(known)) * float(np.log(theta)) - 0.5 * float(np.sum(u[known] ** 2))
    value += float(np.sum(special.log_ndtr(u[~known])))
    slope, curve = np.empty(len(u)), np.ones(len(u))
    slope[known], slope[~known] = -u[known], ratio
    curve[~known] = ratio * (ratio + u[~known])
    gradient = rows.T @ slope
    found = (rows * curve[:, None]).T @ rows
    gradient[-1] += np.sum(known) / theta
    found[-1, -1] += np.sum(known) / theta**2
    return value, gradient, found


def _maximise(rows: Array, known: Flags, delta: Array) -> tuple[Array, float, Array]:
    """Where the concave likelihood is greatest, its value and the information there."""
    value, gradient, found = _evaluate(rows, known, delta)
    for _ in range(MOST_STEPS):
        step = np.linalg.solve(found, gradient)
        if gradient @ step <= SMALL**2:
            return delta, value, found
        if step[-1] < 0:  # 1 / scale stays positive
            step = step * min(1.0, -0.9 * delta[-1] / step[-1])
        lowest = value - 1e-12 * abs(value)
        new = _evaluate(rows, known, delta + step)
        while not new[0] >= lowest and np.max(np.abs(step)) > SMALL:
            step = step / 2
            new = _evaluate(rows, known, delta + step)
        delta, (value, gradient, found) = delta + step, new
    raise CreweError(
        f"censored normal: no maximum of the likelihood in {MOST_STEPS} steps; leave out columns with rare values."
    )


def _check(y: npt.ArrayLike, censored: npt.ArrayLike, x: npt.ArrayLike) -> tuple[Array, Flags, Array]:
    outcome, given, design = np.asarray(y, float), np.asarray(censored, float), np.asarray(x, float)
    if outcome.ndim != 1 or given.shape != outcome.shape or design.shape[:1] != outcome.shape or design.ndim != 2:
        raise CreweError(
            f"censored normal: y {outcome.shape} and censored {given.shape} must be lists of one length, and x "
            f"{design.shape} a table with as many rows."
        )
    if not all(np.isfinite(part).all() for part in (outcome, given, design)):
        raise CreweError("censored normal: the data hold missing values; exclude those rows with a reason first.")
    if not np.isin(given, (0.0, 1.0)).all():
        raise CreweError("censored normal: censored must be 1 (known to exceed y) or 0 (known), or true and false.")
    (n, k), known = design.shape, given == 0
    if not known.any():
        raise CreweError("censored normal: every row is censored; no outcome is known, so none can be predicted.")
    if n <= k:
        raise CreweError(f"censored normal: {n} rows cannot estimate {k} coefficients and a scale.")
    _check_columns(design, known)
    _check_remainder(outcome, known, design)
    return outcome, known, design


def _check_columns(design: Array, known: Flags) -> None:
    length = np.linalg.norm(design, axis=0)
    if not length.all() or np.linalg.matrix_rank(design / length) < design.shape[1]:
        raise CreweError("censored normal: the columns are collinear; leave out one that follows from the others.")
    if np.linalg.matrix_rank(design[known] / length) < design.shape[1]:
        raise CreweError(
            "censored normal: a column, or a combination of columns, varies among censored rows only, as where a group "
            "has no known outcome; leave that column out, or join groups."
        )


def _check_remainder(outcome: Array, known: Flags, design: Array) -> None:
    """Raise CreweError if the known outcomes are fitted exactly, and no limit lies above the fit."""
    found = np.linalg.lstsq(design[known], outcome[known], rcond=None)[0]
    left = outcome - design @ found
    small = EXACT * max(float(np.max(np.abs(outcome))), 1e-300)
    if np.all(np.abs(left[known]) <= small) and np.all(left[~known] <= small):
        raise CreweError(
            "censored normal: the columns fit every known outcome without remainder, so the scale would be nought; "
            "leave out columns, or bring more rows with a known outcome."
        )
