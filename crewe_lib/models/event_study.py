"""Event study of one treated unit, with bands from the event studies of the units that were not treated."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import TIED, Array, Indexes, as_panel, check_alpha, check_unit


@dataclass(frozen=True)
class EventStudy:
    """One coefficient per period, in the units of y, with two bands and the placebos they come from.

    relative (periods,): 0 is the reference, the last pre-period, where coefficient, scale and both bands are zero by
    construction. estimates, scales (periods,): coefficient and root mean square of the placebos. low, high: pointwise
    band; sup_low, sup_high: simultaneous over all other periods, estimates ± sup_critical × scales. p_values
    (periods,): pointwise, 1 at the reference. pre_p_value: that the largest |t| of the pre-periods is exceeded
    (1 with a single pre-period). covariance (periods, periods); placebos (n_controls, periods).
    """

    relative: Indexes
    estimates: Array
    scales: Array
    low: Array
    high: Array
    sup_low: Array
    sup_high: Array
    sup_critical: float
    p_values: Array
    pre_p_value: float
    covariance: Array
    placebos: Array
    n_pre: int
    n_controls: int
    alpha: float


def fit_event_study(
    y: npt.ArrayLike, treated: int, n_pre: int, *, alpha: float, weights: npt.ArrayLike | None = None
) -> EventStudy:
    """The treated unit's path less that of its comparison, each relative to the last pre-period.

    y (units, periods); weights (units,) of the comparison, not negative, zero for the treated unit, scaled to sum to
    one; without them every control counts alike. Each control's placebo is its own event study against the same
    comparison without itself (a control that carries all the weight has none). Covariance: mean cross-product of the
    placebos about zero. Bands: the ceil((1 − alpha)(n + 1))th smallest of the n placebos' |t| in that period
    (pointwise) and of their largest |t| over all periods (simultaneous), t being placebo over scale; no normality.

    Assumes that without treatment the treated unit's departures from the comparison have the same distribution as
    each control's (same spread, whatever the population; any dependence over time), that units are independent, and
    no anticipation in the reference period, whose noise enters every coefficient. With equal weights the level holds
    up to terms of order 1/n; with few, unequal weights the placebos share the comparison's noise and the bands are
    approximate. Source: placebo bands as in Conley and Taber (2011); sup-t as in Montiel Olea and Plagborg-Møller
    (2019), Journal of Applied Econometrics 34(1), with placebos in place of normal draws.

    Raises CreweError for a bad panel, index, alpha or weights, too few controls for alpha, or placebos that never vary.
    """
    panel = as_panel(y, n_pre)
    check_unit(treated, len(panel), "treated")
    check_alpha(alpha)
    estimates, placebos = _paths(panel, treated, n_pre, _weights(weights, len(panel), treated))
    n, free = len(placebos), np.arange(panel.shape[1]) != n_pre - 1
    scales = np.sqrt((placebos**2).mean(axis=0))
    if (scales[free] <= TIED * np.abs(panel).max()).any():
        raise CreweError("event study: in some period the controls do not vary, so there is no scale to judge by.")
    divisor = np.where(free, scales, 1.0)
    sizes, own = np.abs(placebos) / divisor, np.abs(estimates) / divisor
    pointwise = placebo_quantile(sizes, alpha) * scales
    critical = float(placebo_quantile(sizes.max(axis=1), alpha))
    before = slice(0, n_pre - 1)
    return EventStudy(
        relative=np.arange(panel.shape[1]) - (n_pre - 1),
        estimates=estimates,
        scales=scales,
        low=estimates - pointwise,
        high=estimates + pointwise,
        sup_low=estimates - critical * scales,
        sup_high=estimates + critical * scales,
        sup_critical=critical,
        p_values=_exceeded(sizes, own),
        pre_p_value=float(_exceeded(np.max(sizes[:, before], axis=1), np.asarray(np.max(own[before]))))
        if n_pre > 1
        else 1.0,
        covariance=placebos.T @ placebos / n,
        placebos=placebos,
        n_pre=n_pre,
        n_controls=n,
        alpha=alpha,
    )


def placebo_quantile(sizes: Array, alpha: float) -> Array:
    """The ceil((1 − alpha)(n + 1))th smallest of n sizes (n, …): an exchangeable new one exceeds it in at most alpha.

    Raises CreweError if n is too small for that order statistic to exist.
    """
    n = len(sizes)
    rank = ceil((1 - alpha) * (n + 1) - 1e-9)
    if rank > n:
        raise CreweError(
            f"{n} controls cannot give a band at alpha {alpha}: at least {ceil(1 / alpha - 1e-9) - 1} are needed."
        )
    return np.asarray(np.sort(sizes, axis=0)[rank - 1])


def _exceeded(sizes: Array, own: Array) -> Array:
    """(1 + number of placebo sizes (n, …) at least as large as own (…)) / (n + 1)."""
    return np.asarray((1 + (sizes >= own * (1 - TIED)).sum(axis=0)) / (len(sizes) + 1))


def _weights(weights: npt.ArrayLike | None, units: int, treated: int) -> Array:
    if weights is None:
        given = np.ones(units)
        given[treated] = 0.0
    else:
        given = np.asarray(weights, float)
        if given.shape != (units,):
            raise CreweError(f"weights have shape {given.shape}; there must be one for each of {units} units.")
        if not np.isfinite(given).all() or (given < 0).any() or given[treated] != 0 or given.sum() <= 0:
            raise CreweError("weights must be zero for the treated unit, not negative, and not all zero.")
    return np.asarray(given / given.sum())


def _paths(panel: Array, treated: int, n_pre: int, weights: Array) -> tuple[Array, Array]:
    """Coefficients of the treated unit (periods,) and of each control with a comparison (n_controls, periods)."""
    path = panel - panel[:, [n_pre - 1]]
    apart = path - weights @ path
    usable = (weights < 1 - 1e-9) & (np.arange(len(panel)) != treated)
    return apart[treated], apart[usable] / (1 - weights[usable, None])  # less w × own path, rescaled: leaves itself out
