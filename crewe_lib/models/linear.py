"""Least squares with the classical covariance or the cluster-robust CR2 with Satterthwaite degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from crewe_lib.errors import CreweError

Array = npt.NDArray[np.float64]
Covariance = Literal["classical", "CR2"]


@dataclass(frozen=True)
class LinearFit:
    """coefficients (k,), std_errors (k,), df (k,) of the reference t distribution of each, residuals (n,)."""

    coefficients: Array
    std_errors: Array
    df: Array
    residuals: Array
    covariance: Covariance

    def interval(self, index: int, alpha: float) -> tuple[float, float, float]:
        """Lower and upper confidence limit and two-sided p-value of one coefficient."""
        if not 0 < alpha < 1:
            raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")
        estimate, error, df = self.coefficients[index], self.std_errors[index], self.df[index]
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

    'classical': one error variance, t with n − k degrees of freedom. 'CR2': Bell and McCaffrey (2002), clusters (n,)
    label independent groups, identity working model, Satterthwaite degrees of freedom per coefficient as in
    Pustejovsky and Tipton (2018), Journal of Business & Economic Statistics 36(4).

    Raises CreweError if a value is missing, columns are collinear, the fit is perfect, or there are too few
    observations or clusters.
    """
    outcome, design = np.asarray(y, float), np.asarray(x, float)
    if covariance not in get_args(Covariance):
        raise CreweError(f"covariance is {covariance!r}; it must be 'classical' or 'CR2'.")
    groups = _check_clusters(clusters, len(outcome)) if covariance == "CR2" else None
    _check_data(outcome, design)
    n, k = design.shape
    scale = np.linalg.norm(design, axis=0)
    q, r = np.linalg.qr(design / scale)
    if np.abs(np.diag(r)).min() < 1e-9 * np.abs(np.diag(r)).max():
        raise CreweError("least squares: the columns are collinear; an authority or a period may have no observations.")
    inverse = np.linalg.solve(r, np.eye(k)) / scale[:, None]
    coefficients = inverse @ (q.T @ outcome)
    residuals = outcome - design @ coefficients
    if np.linalg.norm(residuals) <= 1e-10 * max(float(np.linalg.norm(outcome)), 1e-300):
        raise CreweError("least squares: the fit is perfect, so there is no error variance to estimate.")
    bread = inverse @ inverse.T
    if groups is None:
        variances, df = np.diag(bread) * (residuals @ residuals) / (n - k), np.full(k, float(n - k))
    else:
        variances, df = _cr2(design, residuals, bread, groups)
    return LinearFit(coefficients, np.sqrt(variances), df, residuals, covariance)


def _check_data(outcome: Array, design: Array) -> None:
    n, k = design.shape
    if not (np.isfinite(outcome).all() and np.isfinite(design).all()):
        raise CreweError("least squares: the data hold missing values; exclude those rows with a reason first.")
    if n <= k:
        raise CreweError(f"least squares: {n} observations cannot estimate {k} coefficients and an error variance.")
    if not np.linalg.norm(design, axis=0).all():
        raise CreweError("least squares: the columns are collinear; one of them holds only zeros.")


def _check_clusters(clusters: npt.ArrayLike | None, n: int) -> npt.NDArray[Any]:
    if clusters is None:
        raise CreweError("CR2 needs the clusters; name the grouping of the rows.")
    labels = np.asarray(clusters)
    if labels.shape != (n,) or pd.isna(labels).any():
        raise CreweError(f"CR2: the clusters must be {n} labels without a gap, one for each observation.")
    if len(np.unique(labels)) < 3:
        raise CreweError(f"CR2: {len(np.unique(labels))} clusters are too few; at least three are needed.")
    return labels


def _cr2(design: Array, residuals: Array, bread: Array, clusters: npt.NDArray[Any]) -> tuple[Array, Array]:
    """CR2 variances (k,) and Satterthwaite degrees of freedom (k,)."""
    n, k = design.shape
    labels = np.unique(clusters)
    annihilator = np.eye(n) - design @ bread @ design.T
    scores = np.empty((len(labels), k))
    working = np.empty((len(labels), n, k))  # how each cluster's score would react to each observation's error
    for g, label in enumerate(labels):
        rows = np.flatnonzero(clusters == label)
        loading = _inverse_root(annihilator[np.ix_(rows, rows)]) @ design[rows] @ bread
        scores[g] = loading.T @ residuals[rows]
        working[g] = annihilator[:, rows] @ loading
    variances = (scores**2).sum(axis=0)
    df = np.empty(k)
    for j in range(k):
        gram = working[:, :, j] @ working[:, :, j].T
        df[j] = np.trace(gram) ** 2 / (gram**2).sum()
    return variances, df


def _inverse_root(matrix: Array) -> Array:
    """Symmetric inverse square root; directions without variance are left out (Moore–Penrose)."""
    values, vectors = np.linalg.eigh(matrix)
    keep = values > 1e-10
    return np.asarray((vectors[:, keep] / np.sqrt(values[keep])) @ vectors[:, keep].T)
