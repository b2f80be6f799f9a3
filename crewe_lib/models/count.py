"""Counts out of a known exposure, such as sessions missed out of those possible: a log-linear mean and cluster-robust
errors. `models.count_rates` turns a fit into rates.

A zero stays a zero: the mean is modelled, not the logarithm of each count. Only the form of the mean is assumed; that
counts vary more than Poisson ones, and are alike within a cluster, is left to the errors.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import optimize, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import Array
from crewe_lib.models.panel import check_alpha

Covariance = Literal["CR0", "CR1"]
_FEWEST_CLUSTERS = 3
NO_ERROR = 1e-12
_NEVER = 1e-7  # a fitted share of the overall rate below this is one that heads for zero


@dataclass(frozen=True)
class CountFit:
    """coefficients (k,) of the log rate, std_errors (k,), df of their reference t distribution, covariance_matrix
    (k, k), and `dispersion`: Pearson's chi-squared over n − k (quasi-Poisson; 1 where counts vary as Poisson ones do),
    or the negative binomial's variance parameter."""

    coefficients: Array
    std_errors: Array
    df: float
    dispersion: float
    covariance: Covariance
    covariance_matrix: Array

    def interval(self, index: int, alpha: float) -> tuple[float, float, float]:
        """Lower and upper confidence limit and two-sided p-value of one coefficient. Raises CreweError for a bad alpha,
        or a coefficient without error."""
        check_alpha(alpha)
        estimate, error = float(self.coefficients[index]), float(self.std_errors[index])
        if error <= NO_ERROR:
            raise CreweError(
                "counts: what a coefficient rests on does not vary between clusters; its error means nothing."
            )
        half = float(stats.t.ppf(1 - alpha / 2, self.df)) * error
        return estimate - half, estimate + half, 2 * float(stats.t.sf(abs(estimate) / error, self.df))


def fit_quasi_poisson(
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    exposure: npt.ArrayLike,
    clusters: npt.ArrayLike,
    covariance: Covariance = "CR1",
) -> CountFit:
    """Counts y (n,), zero or more and at most their exposure (n,), on x (n, k), constant included by the caller: the
    mean of y is exposure × exp(x b). Coefficients by statsmodels.

    Errors allow for likeness within clusters (n,), whose labels name independent groups of rows: 'CR0' sums the
    clusters' scores; 'CR1' multiplies by G/(G − 1) · (n − 1)/(n − k) for G clusters, as R's
    sandwich::vcovCL(type = "HC1") does. Both take t with G − 1 degrees of freedom. Whatever the variance, these hold
    in large samples of clusters (Liang and Zeger 1986, Biometrika 73(1)).

    Raises CreweError if a value is missing, an exposure is not above zero, a count is negative or above its exposure,
    columns are collinear (an arm is empty), all counts are zero, a combination of columns has only zeros (then its
    rate heads for zero and has no error), the fit is perfect, there are fewer than three clusters, or a column rests on
    the rows of one of them.
    """
    data = _check(y, x, exposure, clusters, covariance)
    fit = _fit(data, sm.families.Poisson())
    mean = _mean(data, fit.params)
    n, k = data.x.shape
    return _robust(data, fit.params, mean, np.ones(n), float(np.sum((data.y - mean) ** 2 / mean) / (n - k)), covariance)


def fit_negative_binomial(
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    exposure: npt.ArrayLike,
    clusters: npt.ArrayLike,
    covariance: Covariance = "CR1",
) -> CountFit:
    """As `fit_quasi_poisson`, but with the negative binomial's variance, mean + dispersion × mean², the dispersion by
    maximum likelihood as in R's MASS::glm.nb; errors take it as given, as R's do.

    Raises CreweError as that does, and if the counts vary so little that the likelihood has no maximum.
    """
    data = _check(y, x, exposure, clusters, covariance)
    alpha = _find_dispersion(data, _mean(data, _fit(data, sm.families.Poisson()).params))
    fit = _fit(data, sm.families.NegativeBinomial(alpha=alpha))
    mean = _mean(data, fit.params)
    return _robust(data, fit.params, mean, 1 / (1 + alpha * mean), alpha, covariance)


@dataclass(frozen=True)
class _Data:
    y: Array
    x: Array
    exposure: Array
    codes: npt.NDArray[np.int64]
    groups: int


def _check(
    y: npt.ArrayLike, x: npt.ArrayLike, exposure: npt.ArrayLike, clusters: npt.ArrayLike, covariance: str
) -> _Data:
    if covariance not in get_args(Covariance):
        raise CreweError(f"covariance is {covariance!r}; it must be one of {', '.join(get_args(Covariance))}.")
    counts, design, possible = np.asarray(y, float), np.asarray(x, float), np.asarray(exposure, float)
    n, k = design.shape
    if not all(np.isfinite(part).all() for part in (counts, design, possible)):
        raise CreweError("counts: the data hold missing values; exclude those rows with a reason first.")
    if n <= k:
        raise CreweError(f"counts: {n} rows cannot estimate {k} coefficients and their errors.")
    for wrong, words in (
        (possible <= 0, "an exposure that is not above zero; exclude these rows, in which nothing could be counted"),
        (counts < 0, "a negative count; correct it"),
        (counts > possible, "a count above its exposure; correct one or the other"),
    ):
        if wrong.any():
            raise CreweError(f"counts: {int(wrong.sum())} of {n} rows have {words}.")
    if not counts.any():
        raise CreweError("counts: all counts are zero, so there is no rate to compare.")
    codes, groups = _check_clusters(design, np.asarray(clusters))
    return _Data(counts, design, possible, codes, groups)


def _check_clusters(design: Array, labels: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.int64], int]:
    """The clusters as codes from 0, and how many; the columns must be told apart, and also without any one cluster."""
    n, k = design.shape
    if labels.shape != (n,) or pd.isna(labels).any():
        raise CreweError(f"counts: the clusters must be {n} labels without a gap, one for each row.")
    if np.linalg.matrix_rank(design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)) < k:
        raise CreweError(
            "counts: the columns are collinear, so their coefficients cannot be told apart; an arm or a category may "
            "have no rows."
        )
    codes, found = pd.factorize(labels)
    if len(found) < _FEWEST_CLUSTERS:
        raise CreweError(f"counts: {len(found)} clusters are too few; at least three are needed.")
    if rests_on_one(design, codes, len(found)):
        raise CreweError(
            "counts: a column, such as an arm or a category, rests on the rows of a single cluster, so nothing shows "
            "how much it could vary; join it with another, or leave it out."
        )
    return np.asarray(codes, np.int64), len(found)


def rests_on_one(design: Array, codes: npt.NDArray[np.int64], groups: int) -> bool:
    """Whether columns (n, k) that are not collinear would be so without one of the clusters, codes (n,) from 0."""
    q = np.linalg.qr(design / np.linalg.norm(design, axis=0))[0]
    blocks = np.zeros((groups, q.shape[1], q.shape[1]))
    np.add.at(blocks, codes, q[:, :, None] * q[:, None, :])
    return bool(np.max(np.linalg.eigvalsh(blocks)) > 1 - 1e-10)


def _fit(data: _Data, family: sm.families.Family) -> sm.genmod.generalized_linear_model.GLMResults:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is found, and named, in _mean
        model = sm.GLM(data.y, data.x, family=family, exposure=data.exposure)
        return model.fit(maxiter=200, tol=1e-12)


def _mean(data: _Data, coefficients: Array) -> Array:
    """The fitted means. Raises CreweError if one heads for zero, or fits perfectly."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = data.exposure * np.exp(data.x @ coefficients)
    overall = data.y.sum() / data.exposure.sum()
    if not (np.isfinite(mean).all() and (mean / data.exposure > _NEVER * overall).all()):
        raise CreweError(
            "counts: a combination of the columns, such as an arm or a category, has nothing but zero counts, so its "
            "rate heads for zero and has no error; join it with another, or use exact methods."
        )
    if np.linalg.norm(data.y - mean) <= 1e-9 * np.linalg.norm(data.y):
        raise CreweError("counts: the fit is perfect, so nothing shows how much the counts could vary.")
    return np.asarray(mean, float)


def _find_dispersion(data: _Data, mean: Array) -> float:
    """The negative binomial's variance parameter by maximum likelihood, the mean fitted anew for each that is tried.

    `mean` is the Poisson one: where the counts vary no more about it than Poisson ones, the likelihood falls from zero.
    """
    if np.sum((data.y - mean) ** 2 - data.y) <= 0:
        raise CreweError(
            "counts: they vary no more than Poisson ones, so the negative binomial has no maximum; use quasi-Poisson."
        )

    def loss(log: float) -> float:
        return -float(_fit(data, sm.families.NegativeBinomial(alpha=float(np.exp(log)))).llf)

    found = optimize.minimize_scalar(loss, bounds=(-14, 7), method="bounded", options={"xatol": 1e-9})
    return float(np.exp(found.x))


def _robust(
    data: _Data, coefficients: Array, mean: Array, shrink: Array, dispersion: float, covariance: Covariance
) -> CountFit:
    """Errors from scores summed over clusters; shrink (n,): what the variance function divides each row's score by."""
    n, k = data.x.shape
    bread = np.linalg.inv(data.x.T @ (data.x * (mean * shrink)[:, None]))
    scores = np.zeros((data.groups, k))
    np.add.at(scores, data.codes, data.x * ((data.y - mean) * shrink)[:, None])
    factor = data.groups / (data.groups - 1) * (n - 1) / (n - k) if covariance == "CR1" else 1.0
    matrix = factor * bread @ (scores.T @ scores) @ bread
    return CountFit(
        np.asarray(coefficients, float),
        np.sqrt(np.maximum(np.diag(matrix), 0)),
        data.groups - 1.0,
        dispersion,
        covariance,
        matrix,
    )
