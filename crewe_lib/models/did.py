"""Difference in differences for two units observed over several periods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crewe_lib.models.linear import Covariance, LinearFit, fit_linear


@dataclass(frozen=True)
class DidFit:
    """The coefficient of interest, its standard error, interval, p-value, degrees of freedom and observations."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    df: float
    n: int


def fit_two_unit_did(
    y: npt.ArrayLike,
    treated: npt.ArrayLike,
    post: npt.ArrayLike,
    periods: npt.ArrayLike,
    *,
    covariate: npt.ArrayLike | None,
    covariance: Covariance,
    alpha: float,
) -> DidFit:
    """Coefficient of treated × post in y = b0 + b1 treated + b2 post + b3 treated × post (+ b4 covariate).

    y, treated, post, periods (and covariate): (n,). Without a covariate this is the change in the treated unit's mean
    less the change in the other's. 'CR2' clusters by period, which allows both units to share a shock in a period;
    no covariance computed from two units can see a shock that persists in one of them.
    """
    t, p = np.asarray(treated, float), np.asarray(post, float)
    columns = [np.ones_like(t), t, p, t * p]
    if covariate is not None:
        columns.append(np.asarray(covariate, float))
    return _coefficient(fit_linear(y, np.column_stack(columns), covariance=covariance, clusters=periods), 3, alpha)


def fit_trend_difference(
    y: npt.ArrayLike, treated: npt.ArrayLike, periods: npt.ArrayLike, *, covariance: Covariance, alpha: float
) -> DidFit:
    """Difference between two units' linear trends per period: the coefficient of treated × period. Arrays are (n,)."""
    t, time = np.asarray(treated, float), np.asarray(periods, float)
    centred = time - time.mean()
    design = np.column_stack([np.ones_like(t), t, centred, t * centred])
    return _coefficient(fit_linear(y, design, covariance=covariance, clusters=time), 3, alpha)


def _coefficient(fit: LinearFit, index: int, alpha: float) -> DidFit:
    low, high, p_value = fit.interval(index, alpha)
    return DidFit(
        estimate=float(fit.coefficients[index]),
        std_error=float(fit.std_errors[index]),
        conf_low=low,
        conf_high=high,
        p_value=p_value,
        df=float(fit.df[index]),
        n=len(fit.residuals),
    )
