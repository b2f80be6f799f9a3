"""Least squares with classical, heteroscedasticity-robust (HC) or cluster-robust (CR) covariance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from crewe_lib.errors import CreweError

Array = npt.NDArray[np.float64]
Covariance = Literal["classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2"]
# By what power of (1 − leverage) residuals are divided.
_POWERS: Mapping[Covariance, float] = {"HC0": 0, "HC1": 0, "HC2": 0.5, "HC3": 1, "CR0": 0, "CR1": 0, "CR2": 0.5}
_FEWEST_CLUSTERS = 3
_WHOLE = 1e-10  # a leverage this near to one is one


@dataclass(frozen=True)
class LinearFit:
    """coefficients (k,), std_errors (k,), df (k,) of the reference t distribution of each, residuals (n,), and
    covariance_matrix (k, k) of the coefficients."""

    coefficients: Array
    std_errors: Array
    df: Array
    residuals: Array
    covariance: Covariance
    covariance_matrix: Array

    def interval(self, index: int, alpha: float) -> tuple[float, float, float]:
        """Lower and upper confidence limit and two-sided p-value of one coefficient.

        Raises CreweError for a coefficient without a standard error (see `fit_linear`), or with one of zero.
        """
        if not 0 < alpha < 1:
            raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")
        estimate, error, df = self.coefficients[index], self.std_errors[index], self.df[index]
        if np.isnan(error):
            raise CreweError(
                f"least squares: coefficient {index} rests on a single row or cluster, so nothing shows how much it "
                "could vary; join that category with another, or leave the column out."
            )
        if error <= 1e-12 * abs(estimate):
            raise CreweError(
                f"least squares: what coefficient {index} rests on does not vary, so its {self.covariance} error is "
                "zero and means nothing; use exact methods for the counts instead."
            )
        half = stats.t.ppf(1 - alpha / 2, df) * error
        return (
            float(estimate - half),
            float(estimate + half),
            float(2 * stats.t.sf(abs(estimate / error), df)),
        )


def fit_linear(
    y: npt.ArrayLike, x: npt.ArrayLike, *, covariance: Covariance, clusters: npt.ArrayLike | None = None
) -> LinearFit:
    """Ordinary least squares of y (n,) on x (n, k), constant included by the caller.

    'classical': one error variance. 'HC0' to 'HC3': variances that differ by row (White 1980; MacKinnon and White
    1985), HC1 with the factor n/(n − k). These take t with n − k degrees of freedom. 'CR0' to 'CR2': errors shared
    within clusters (n,), labels of independent groups. CR0 has no factor; CR1 has Stata's, G/(G − 1) · (n − 1)/(n − k)
    for G clusters; both take t with G − 1. 'CR2': Bell and McCaffrey (2002), identity working model, Satterthwaite
    degrees of freedom per coefficient as in Pustejovsky and Tipton (2018), Journal of Business & Economic Statistics
    36(4); beside the data it needs memory of order G k². With one row a cluster it is HC2 with the degrees of freedom
    of Bell and McCaffrey.

    A row or cluster with a leverage of one, such as the only member of a category, is fitted whatever its outcome. It
    adds nothing to the robust variance of the other coefficients, which are as they would be without it. A coefficient
    that rests on it alone has no error to be estimated: its standard error is NaN, and `interval` raises CreweError.

    Raises CreweError if a value is missing, columns are collinear, the fit is perfect, or there are too few
    observations or clusters.
    """
    outcome, design = np.asarray(y, float), np.asarray(x, float)
    if covariance not in get_args(Covariance):
        raise CreweError(f"covariance is {covariance!r}; it must be one of {', '.join(get_args(Covariance))}.")
    _check_data(outcome, design)
    n, k = design.shape
    codes = _check_clusters(clusters, n, covariance) if covariance.startswith("CR") else np.arange(n)
    q, inverse = _decompose(design)
    coefficients = inverse @ (q.T @ outcome)
    residuals = outcome - design @ coefficients
    if np.linalg.norm(residuals) <= 1e-10 * max(float(np.linalg.norm(outcome)), 1e-300):
        raise CreweError("least squares: the fit is perfect, so there is no error variance to estimate.")
    if covariance == "classical":
        matrix, df = inverse @ inverse.T * (residuals @ residuals) / (n - k), np.full(k, float(n - k))
    else:
        matrix, df = _robust(q, inverse, residuals, codes, covariance)
    return LinearFit(coefficients, np.sqrt(np.diag(matrix)), df, residuals, covariance, matrix)


def lin_design(treated: npt.ArrayLike, covariates: npt.ArrayLike) -> tuple[Array, tuple[int, ...]]:
    """The matrix of Lin (2013), Annals of Applied Statistics 7(1), and which covariates are left out of it.

    Matrix: constant, treated (n,) as 0 and 1, covariates (n, p) less their means, and these times treated; the second
    coefficient is the average effect. Its fit is one regression in each arm, so a covariate needs a slope in both. One
    that in either arm does not vary, follows from those before it, or varies by a single row only (whose slope would
    have no error), is left out of both. R's lm_lin keeps such a covariate and leaves out an interaction, so that one
    arm takes over the other's slope, which depends on the order of columns; without the covariate it agrees.
    """
    arm, given = np.asarray(treated, float), np.asarray(covariates, float)
    kept: list[int] = []
    for j in range(given.shape[1]):
        if all(_has_slopes(given[arm == value][:, [*kept, j]]) for value in (0.0, 1.0)):
            kept.append(j)
    centred = given[:, kept] - given[:, kept].mean(axis=0)
    design = np.column_stack([np.ones_like(arm), arm, centred, centred * arm[:, None]])
    return design, tuple(j for j in range(given.shape[1]) if j not in kept)


def _has_slopes(covariates: Array) -> bool:
    """Whether the last of the covariates (n, p) has a slope beside the others and a constant, and no single row fixes
    one."""
    scale = np.where(np.ptp(covariates, axis=0) > 0, np.std(covariates, axis=0), 1.0)
    design = np.column_stack([np.ones(len(covariates)), (covariates - covariates.mean(axis=0)) / scale])
    left, sizes, _ = np.linalg.svd(design, full_matrices=False)
    full = len(sizes) == design.shape[1] and sizes[-1] > 1e-9 * sizes[0]
    return bool(full and np.max((left**2).sum(axis=1)) < 1 - _WHOLE)


def _check_data(outcome: Array, design: Array) -> None:
    n, k = design.shape
    if not (np.isfinite(outcome).all() and np.isfinite(design).all()):
        raise CreweError("least squares: the data hold missing values; exclude those rows with a reason first.")
    if n <= k:
        raise CreweError(f"least squares: {n} observations cannot estimate {k} coefficients and an error variance.")
    if not np.linalg.norm(design, axis=0).all():
        raise CreweError("least squares: the columns are collinear; one of them holds only zeros.")


def _check_clusters(clusters: npt.ArrayLike | None, n: int, covariance: Covariance) -> npt.NDArray[np.int64]:
    """The clusters as codes from 0."""
    if clusters is None:
        raise CreweError(f"{covariance} needs the clusters; name the grouping of the rows.")
    labels = np.asarray(clusters)
    if labels.shape != (n,) or pd.isna(labels).any():
        raise CreweError(f"{covariance}: the clusters must be {n} labels without a gap, one for each observation.")
    codes, found = pd.factorize(labels)
    if len(found) < _FEWEST_CLUSTERS:
        raise CreweError(f"{covariance}: {len(found)} clusters are too few; at least three are needed.")
    return np.asarray(codes, np.int64)


def _decompose(design: Array) -> tuple[Array, Array]:
    """Orthonormal q (n, k) and the matrix (k, k) that turns q'y into coefficients."""
    scale = np.linalg.norm(design, axis=0)
    q, r = np.linalg.qr(design / scale)
    pivots = np.abs(np.diag(r))
    if np.min(pivots) < 1e-9 * np.max(pivots):
        raise CreweError(
            "least squares: the columns are collinear, so their coefficients cannot be told apart; a category may have "
            "no observations, or two columns say the same."
        )
    return q, np.linalg.solve(r, np.eye(design.shape[1])) / scale[:, None]


def _robust(
    q: Array, inverse: Array, residuals: Array, codes: npt.NDArray[np.int64], covariance: Covariance
) -> tuple[Array, Array]:
    """Covariance matrix (k, k) and degrees of freedom (k,), every row its own cluster for HC.

    Cluster g has the leverage block Q_g Q_g'. Its powers are taken on Q_g' Q_g (k, k), which has the same eigenvalues
    but for zeros, so no matrix grows with the size of a cluster or the number of rows squared.
    """
    n, k = q.shape
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
    rows = q[order]
    blocks = np.stack([np.add.reduceat(rows * rows[:, [j]], starts, axis=0) for j in range(k)], axis=2)
    leverage, vectors = np.linalg.eigh(blocks)
    whole = leverage > 1 - _WHOLE
    weights = np.where(whole, 0.0, np.where(whole, 1.0, 1 - leverage) ** -_POWERS[covariance])
    sums = np.add.reduceat(rows * residuals[order, None], starts, axis=0)
    turned = np.einsum("gij,gi->gj", vectors, sums) * weights
    scores = np.einsum("gij,gj->gi", vectors, turned) @ inverse.T
    matrix = scores.T @ scores * _factor(covariance, n, k, len(starts))
    alone = (np.abs(vectors.transpose(0, 2, 1)[whole] @ inverse.T) > 1e-6 * np.linalg.norm(inverse, axis=1)).any(axis=0)
    matrix[alone] = matrix[:, alone] = np.nan
    df = np.full(k, float(n - k if covariance.startswith("HC") else len(starts) - 1))
    if covariance == "CR2":
        df[~alone] = [_satterthwaite(row, leverage, vectors, weights) for row in inverse[~alone]]
    return matrix, df


def _factor(covariance: Covariance, n: int, k: int, groups: int) -> float:
    if covariance == "HC1":
        return n / (n - k)
    return groups / (groups - 1) * (n - 1) / (n - k) if covariance == "CR1" else 1.0


def _satterthwaite(row: Array, leverage: Array, vectors: Array, weights: Array) -> float:
    """Degrees of freedom of one coefficient: tr(Γ)² / tr(Γ²), Γ = diag(own) − shared shared' (G, G) never formed.

    Γ holds the covariances, under independent errors of one variance, of the clusters' contributions.
    """
    loading = np.einsum("gij,i->gj", vectors, row) * weights
    own = (loading**2 * leverage).sum(axis=1)
    turned = loading * leverage
    shared = np.einsum("gij,gj->gi", vectors, turned)
    trace = (loading**2 * leverage * (1 - leverage)).sum()
    square = (own**2).sum() - 2 * (own * (turned**2).sum(axis=1)).sum() + ((shared.T @ shared) ** 2).sum()
    return float(trace**2 / square)
