"""From a log-linear fit to rates: what two settings of the covariates would give on average (g-computation)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.count import NO_ERROR, CountFit
from crewe_lib.models.linear import Array
from crewe_lib.models.logistic import Contrast
from crewe_lib.models.panel import check_alpha


@dataclass(frozen=True)
class Standardised:
    """Rates per unit of exposure that two settings of the covariates give on average, their difference and their ratio.

    All but the difference by their logarithms: interval, p-value (of a ratio of one; nan for a rate, which is not
    tested) and std_error, which is that of the logarithm."""

    treated: Contrast
    control: Contrast
    difference: Contrast
    ratio: Contrast


def standardise(
    fit: CountFit, treated: npt.ArrayLike, control: npt.ArrayLike, *, weights: npt.ArrayLike, alpha: float
) -> Standardised:
    """What rows would have on average under two settings of x, `treated` and `control`, both (n, k), by the delta
    method; rows weighted by `weights` (n,). With exposures as weights: the sum of all counts over all exposure.

    The rows are taken as given: the answer is for these, not for others drawn like them. Raises CreweError for bad
    alpha, or weights that are not above zero.
    """
    check_alpha(alpha)
    share = np.asarray(weights, float)
    if not (np.isfinite(share).all() and (share > 0).all()):
        raise CreweError("counts: every weight must be above zero.")
    rates, slopes = [], []
    for design in (np.asarray(treated, float), np.asarray(control, float)):
        means = np.exp(design @ fit.coefficients) * share / share.sum()
        rates.append(float(means.sum()))
        slopes.append(design.T @ means)
    logs = [slope / rate for slope, rate in zip(slopes, rates, strict=True)]
    one, other = rates
    return Standardised(
        treated=_on_log_scale(fit, one, logs[0], alpha, tested=False),
        control=_on_log_scale(fit, other, logs[1], alpha, tested=False),
        difference=_contrast(fit, one - other, slopes[0] - slopes[1], alpha),
        ratio=_on_log_scale(fit, one / other, logs[0] - logs[1], alpha, tested=True),
    )


def _contrast(fit: CountFit, estimate: float, slope: Array, alpha: float) -> Contrast:
    error = max(float(slope @ fit.covariance_matrix @ slope), 0.0) ** 0.5
    if error <= NO_ERROR:
        raise CreweError("counts: what is compared does not vary between clusters, so its error means nothing.")
    half = float(stats.t.ppf(1 - alpha / 2, fit.df)) * error
    p_value = 2 * float(stats.t.sf(abs(estimate) / error, fit.df))
    return Contrast(estimate, error, estimate - half, estimate + half, p_value)


def _on_log_scale(fit: CountFit, estimate: float, slope: Array, alpha: float, *, tested: bool) -> Contrast:
    log = _contrast(fit, float(np.log(estimate)), slope, alpha)
    low, high = float(np.exp(log.conf_low)), float(np.exp(log.conf_high))
    return Contrast(estimate, log.std_error, low, high, log.p_value if tested else float("nan"))
