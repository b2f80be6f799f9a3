"""Difference in differences for two units observed over several periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import Covariance, LinearFit, fit_linear

TrendMethod = Literal["pooled", "gaps"]


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
    less the change in the other's, and 'CR2' gives the standard error of two means of yearly gaps with unequal
    variances. 'CR2' clusters by period, which allows both units to share a shock in a period; no covariance computed
    from two units can see a shock that persists in one of them. Raises CreweError with fewer than two periods a side.
    """
    t, p = np.asarray(treated, float), np.asarray(post, float)
    for period, words in ((0.0, "before"), (1.0, "after")):
        if min(np.sum((p == period) & (t == unit)) for unit in (0.0, 1.0)) < 2:
            raise CreweError(f"each unit needs at least two periods {words}; with one, its variation cannot be seen.")
    columns = [np.ones_like(t), t, p, t * p]
    if covariate is not None:
        columns.append(np.asarray(covariate, float))
    return _coefficient(fit_linear(y, np.column_stack(columns), covariance=covariance, clusters=periods), 3, alpha)


def fit_trend_difference(
    y: npt.ArrayLike, treated: npt.ArrayLike, periods: npt.ArrayLike, *, method: TrendMethod, alpha: float
) -> DidFit:
    """Difference between two units' linear trends per period. Arrays are (n,), each unit once in every period.

    'pooled': the coefficient of treated × period with classical errors, which treats a shock that both units share as
    noise. 'gaps': the slope of the yearly gaps between the units, in which shared shocks cancel; half as many points.
    """
    t, time, outcome = np.asarray(treated, float), np.asarray(periods, float), np.asarray(y, float)
    if method == "pooled":
        centred = time - time.mean()
        design = np.column_stack([np.ones_like(t), t, centred, t * centred])
        return _coefficient(fit_linear(outcome, design, covariance="classical"), 3, alpha)
    if method != "gaps":
        raise CreweError(f"method is {method!r}; it must be 'pooled' or 'gaps'.")
    one, other = (np.flatnonzero(t == unit)[np.argsort(time[t == unit])] for unit in (1.0, 0.0))
    if not np.array_equal(time[one], time[other]):
        raise CreweError("the two units must be observed in the same periods, each once.")
    years = time[one] - time[one].mean()
    fit = fit_linear(
        outcome[one] - outcome[other], np.column_stack([np.ones_like(years), years]), covariance="classical"
    )
    return _coefficient(fit, 1, alpha)


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
