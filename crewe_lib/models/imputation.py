"""Multiple imputation of a 0/1 outcome, and Rubin's rules to pool what the completed data give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.logistic import fit_logistic
from crewe_lib.models.panel import Array, check_alpha


@dataclass(frozen=True)
class Pooled:
    """An estimate pooled over imputations: within and between are its variances within and between them, df the
    degrees of freedom of its t distribution, missing_information the share of information that is missing."""

    estimate: float
    within: float
    between: float
    std_error: float
    df: float
    missing_information: float
    n_imputations: int

    def interval(self, alpha: float) -> tuple[float, float, float]:
        """Lower and upper confidence limit, and the two-sided p-value of zero. Raises CreweError for bad alpha."""
        check_alpha(alpha)
        half = float(stats.t.isf(alpha / 2, self.df)) * self.std_error
        p_value = 2 * float(stats.t.sf(abs(self.estimate) / self.std_error, self.df))
        return self.estimate - half, self.estimate + half, p_value


def impute_binary(
    y: npt.ArrayLike, x: npt.ArrayLike, *, n_imputations: int, rng: np.random.Generator, names: Sequence[str] = ()
) -> Array:
    """Completed copies (n_imputations, n) of a 0/1 outcome y (n,), NaN where missing, given x (n, k) with a constant.

    Logistic regression is fitted to the rows with an outcome. Each copy draws coefficients anew, normal around the
    estimates with the inverse information as covariance, and then each missing outcome with the chance they give: so
    copies differ by what is not known of the model as well as by chance (Rubin 1987, section 5.3; mice's "logreg").
    Outcomes are taken to be missing at random given x. `names` of the columns are used in messages only.

    Raises CreweError for fewer than two imputations, a missing value in x, and as `fit_logistic` does for the rows with
    an outcome, SeparationError among them.
    """
    outcome, design = np.asarray(y, float), np.asarray(x, float)
    check_imputations(n_imputations)
    if design.ndim != 2 or outcome.shape != design.shape[:1]:
        raise CreweError(
            f"imputation: {outcome.shape} outcomes and a design of {design.shape}; each row needs its outcome."
        )
    if not np.isfinite(design).all():
        raise CreweError("imputation: a column has missing values; impute from columns that are known for every row.")
    missing = np.isnan(outcome)
    completed = np.tile(outcome, (n_imputations, 1))
    if not missing.any():
        return completed
    fit = fit_logistic(outcome[~missing], design[~missing], covariance="model", names=names)
    root = np.linalg.cholesky(fit.covariance_matrix)
    drawn = fit.coefficients + rng.standard_normal((n_imputations, design.shape[1])) @ root.T
    chances = special.expit(drawn @ design[missing].T)
    completed[:, missing] = rng.random(chances.shape) < chances
    return completed


def pool_estimates(estimates: npt.ArrayLike, variances: npt.ArrayLike, *, complete_df: float) -> Pooled:
    """Rubin's rules for estimates (m,) and their squared standard errors (m,) from m completed data sets.

    The pooled estimate is the mean, its variance the mean variance and (1 + 1/m) times the variance between estimates.
    df: Barnard and Rubin (1999), Biometrika 86(4), for `complete_df` degrees of freedom had nothing been missing
    (infinite: Rubin 1987). Where all estimates agree, no information is missing; df is then (ν + 1)/(ν + 3) ν for ν =
    complete_df, as their formula has it. missing_information: (r + 2/(df + 3))/(r + 1) with r the rise in variance,
    0 where r is.

    Raises CreweError for fewer than two imputations, arrays that do not match, missing values, variances that are not
    positive on average, or complete_df of 0 or less.
    """
    found, sizes = np.asarray(estimates, float), np.asarray(variances, float)
    if found.ndim != 1 or found.shape != sizes.shape:
        raise CreweError(f"pooling: {found.shape} estimates and {sizes.shape} variances; there must be one for each.")
    m = len(found)
    check_imputations(m)
    if not (np.isfinite(found).all() and np.isfinite(sizes).all()):
        raise CreweError("pooling: an estimate or a variance is missing; every completed data set must give both.")
    within, between = float(np.mean(sizes)), float(np.var(found, ddof=1))
    if np.any(sizes < 0) or within == 0:
        raise CreweError("pooling: variances must be above zero; where an arm is all alike, use a method that has one.")
    if not complete_df > 0:
        raise CreweError(f"pooling: complete_df is {complete_df}; it must be above 0, or infinite.")
    rise = (1 + 1 / m) * between / within
    df = _degrees(rise / (1 + rise), m, complete_df)
    information = (rise + 2 / (df + 3)) / (rise + 1) if rise > 0 else 0.0
    error = float(np.sqrt(within * (1 + rise)))
    return Pooled(float(np.mean(found)), within, between, error, df, information, m)


def _degrees(share: float, m: int, complete_df: float) -> float:
    """Barnard and Rubin's degrees of freedom; share: of the total variance that is due to what is missing."""
    inverse = share**2 / (m - 1)
    if np.isfinite(complete_df):
        inverse += (complete_df + 3) / ((complete_df + 1) * complete_df * (1 - share))
    return 1 / inverse if inverse > 0 else float("inf")


def check_imputations(n_imputations: int) -> None:
    """Raise CreweError unless there are two or more."""
    if n_imputations < 2:
        raise CreweError(
            f"imputations: {n_imputations} are too few; at least two are needed to see how they differ (50 will do)."
        )
