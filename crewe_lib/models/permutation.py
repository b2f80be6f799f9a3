"""Inference with one treated unit from the other units of the panel: placebo in space, Conley–Taber, Ferman–Pinto.

Every function takes y (units, periods) without missing values and the number of pre-periods, the first n_pre columns.
A unit's *change* is its post-period mean less its pre-period mean, in the units of y; every difference in differences
here is a change less a mean of other changes, so unit effects and shocks common to all units drop out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Literal

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import TIED, Array, Indexes, as_panel, check_alpha, check_unit, listed

Nearness = Literal["level", "trend", "level and trend"]


@dataclass(frozen=True)
class PlaceboDid:
    """units (k,) given; their estimates (k,) and p_values (k,); pairs (units, units), row less column."""

    units: Indexes
    estimates: Array
    p_values: Array
    pairs: Array


@dataclass(frozen=True)
class ComparatorRanking:
    """order (units − 1,): the other units, nearest first; distances (units − 1,) in that order."""

    order: Indexes
    distances: Array


@dataclass(frozen=True)
class SizeVariance:
    """Var(residual) = floor + slope / population, both at least zero."""

    floor: float
    slope: float

    def at(self, population: Array) -> Array:
        """The variance at each population (n,)."""
        return self.floor + self.slope / population


@dataclass(frozen=True)
class PermutationFit:
    """The treated unit's effect, its interval and p-value (one rule gives both), the controls behind them."""

    estimate: float
    conf_low: float
    conf_high: float
    p_value: float
    n_controls: int
    method: str


def placebo_did(y: npt.ArrayLike, n_pre: int, *, comparators: npt.ArrayLike | None = None) -> PlaceboDid:
    """Difference in differences of each unit as if it had been the treated one, and of all ordered pairs.

    Without `comparators`: each unit's change less the mean change of all others. With a set of indexes: less the mean
    change of that set, for the units outside it. The p-value (`placebo_p_values`) is exact if, without an effect, the
    units given are exchangeable; a set picked by looking at one of them breaks that for the others.
    Source: Abadie, Diamond and Hainmueller (2010), JASA 105(490), with this estimate as the statistic.
    """
    panel = as_panel(y, n_pre)
    change = _changes(panel, n_pre)
    units = len(change)
    if comparators is None:
        given, estimates = np.arange(units), (units * change - change.sum()) / (units - 1)
    else:
        chosen = _chosen(comparators, units)
        given = np.setdiff1d(np.arange(units), chosen)
        estimates = change[given] - change[chosen].mean()
    return PlaceboDid(given, estimates, placebo_p_values(estimates), change[:, None] - change[None, :])


def placebo_p_values(estimates: npt.ArrayLike) -> Array:
    """For each of n estimates (n,) the share of all n, its own included, at least as large in size. Two-sided."""
    sizes = np.abs(np.asarray(estimates, float))
    below = np.searchsorted(np.sort(sizes), sizes - TIED * sizes.max(), side="left")
    return np.asarray((len(sizes) - below) / len(sizes))


def rank_comparators(y: npt.ArrayLike, treated: int, n_pre: int, *, on: Nearness) -> ComparatorRanking:
    """The other units by their nearness to the treated one before the start.

    Distance is sqrt(d_level² + d_trend²), or one of the two: d is the difference in pre-period mean (level) or in
    least-squares slope per period (trend), over the standard deviation of that feature across all units. Ties keep
    the order of the units. Raises CreweError if the units do not differ on a feature, or `on` is not known.
    """
    panel = as_panel(y, n_pre, least_pre=1 if on == "level" else 2)
    check_unit(treated, len(panel), "treated")
    if on not in ("level", "trend", "level and trend"):
        raise CreweError(f"on is {on!r}; it must be 'level', 'trend' or 'level and trend'.")
    before = panel[:, :n_pre]
    time = np.arange(n_pre) - (n_pre - 1) / 2
    features = {"level": before.mean(axis=1), "trend": before @ time / max(float(time @ time), 1.0)}
    squared = np.zeros(len(panel))
    for name in on.split(" and "):
        spread = features[name].std(ddof=1)
        if spread <= TIED * np.abs(before).max():
            raise CreweError(f"comparators: all units have the same pre-period {name}; rank them on something else.")
        squared += ((features[name] - features[name][treated]) / spread) ** 2
    others = np.delete(np.arange(len(panel)), treated)
    order = others[np.argsort(squared[others], kind="stable")]
    return ComparatorRanking(order, np.sqrt(squared[order]))


def fit_conley_taber(y: npt.ArrayLike, treated: int, n_pre: int, *, alpha: float) -> PermutationFit:
    """Effect on one treated unit, with the controls' residual changes as the distribution of its noise.

    Estimand: the treated unit's mean effect over the post-periods. Estimate: its change less the controls' mean
    change. The confidence set is {estimate − w}: w between the α/2 and 1 − α/2 quantiles of the controls' residual
    changes, as in Conley and Taber (2011), Review of Economics and Statistics 93(1), with one treated unit. Quantiles
    are the order statistics k = floor(α/2 · (n + 1)) from either end: the mean of the controls cancels, and the set is
    all effects b for which the treated change less b would not be among the k lowest or highest of the n + 1. Coverage
    is then exactly 1 − 2k/(n + 1) in finite samples if the units' noise is exchangeable (continuous, same
    distribution in every unit, whatever its dependence over time); the p-value is the same rule at b = 0.
    """
    estimate, residuals = _residuals(as_panel(y, n_pre), treated, n_pre)
    return _invert(estimate, residuals, alpha, "Conley–Taber, finite-sample quantiles")


def fit_ferman_pinto(
    y: npt.ArrayLike, treated: int, n_pre: int, population: npt.ArrayLike, *, alpha: float
) -> PermutationFit:
    """As `fit_conley_taber`, with each control's residual brought to the variance of a unit of the treated one's size.

    population (units,): positive. Residual changes are multiplied by sqrt(v(treated) / v(own)), v from
    `fit_size_variance` over the controls. Valid for many controls if noise divided by sqrt(v) has the same distribution
    in every unit; with about a hundred it rejects a little too often for a unit smaller than nearly all of them, where
    v is an extrapolation. Source: Ferman and Pinto (2019), Review of Economics and Statistics 101(3); they bootstrap
    rescaled residuals with the null imposed, here the controls' rescaled residuals are used once each, by rank.
    """
    panel = as_panel(y, n_pre)
    estimate, residuals = _residuals(panel, treated, n_pre)
    people = np.asarray(population, float)
    if people.shape != (len(panel),):
        raise CreweError(
            f"population has shape {people.shape}; it must hold one number for each of {len(panel)} units."
        )
    bad = np.flatnonzero(~(np.isfinite(people) & (people > 0)))
    if bad.size:
        raise CreweError(f"population must be positive; it is not for units {listed(bad)}.")
    others = np.delete(people, treated)
    variance = fit_size_variance(residuals, others)
    scaled = residuals * np.sqrt(variance.at(people[[treated]]) / variance.at(others))
    return _invert(estimate, scaled, alpha, "Ferman–Pinto, variance by population")


def fit_size_variance(residuals: npt.ArrayLike, population: npt.ArrayLike) -> SizeVariance:
    """Least squares of squared residuals (n,) on 1 and 1/population (n,), both coefficients at least zero.

    If one coefficient would be negative the better of the two one-term fits is taken, which is the constrained
    optimum. Equal populations give a constant variance.
    """
    squares, people = np.asarray(residuals, float) ** 2, np.asarray(population, float)
    x = people.min() / people  # between 0 and 1, for the arithmetic's sake
    centred = x - x.mean()
    spread = centred @ centred
    slope = float(centred @ squares / spread) if spread > TIED else 0.0
    level = float(squares.mean() - slope * x.mean())
    if level < 0 or slope < 0:
        alone = float(x @ squares / (x @ x))
        flat = float(squares.mean())
        by_size = ((squares - alone * x) ** 2).sum() < ((squares - flat) ** 2).sum()
        level, slope = (0.0, alone) if by_size else (flat, 0.0)
    return SizeVariance(level, slope * float(people.min()))


def _changes(panel: Array, n_pre: int) -> Array:
    """Each unit's change (units,). Raises CreweError if all units changed alike: there is nothing to compare."""
    change = np.asarray(panel[:, n_pre:].mean(axis=1) - panel[:, :n_pre].mean(axis=1))
    if np.ptp(change) <= TIED * np.abs(panel).max():
        raise CreweError("panel: all units changed by the same amount; there is no variation to judge by.")
    return change


def _residuals(panel: Array, treated: int, n_pre: int) -> tuple[float, Array]:
    """The treated unit's difference in differences against all others, and the controls' residual changes (n,)."""
    check_unit(treated, len(panel), "treated")
    change = _changes(panel, n_pre)
    others = np.delete(change, treated)
    if np.ptp(others) <= TIED * np.abs(panel).max():
        raise CreweError("panel: all controls changed by the same amount; their spread is zero and gives no interval.")
    return float(change[treated] - others.mean()), others - others.mean()


def _invert(estimate: float, residuals: Array, alpha: float, method: str) -> PermutationFit:
    """The effects whose removal would leave the estimate unexceptional among the residuals; equal tails."""
    check_alpha(alpha)
    n = len(residuals)
    k = floor(alpha / 2 * (n + 1) + 1e-9)
    if k < 1:
        raise CreweError(
            f"{n} controls cannot give an interval at alpha {alpha}: at least {ceil(2 / alpha - 1e-9) - 1} are needed."
        )
    ordered, tied = np.sort(residuals), TIED * np.abs(residuals).max()
    tail = min((residuals >= estimate - tied).sum(), (residuals <= estimate + tied).sum())
    p_value = min(1.0, 2 * (1 + float(tail)) / (n + 1))
    return PermutationFit(
        estimate, float(estimate - ordered[n - k]), float(estimate - ordered[k - 1]), p_value, n, method
    )


def _chosen(comparators: npt.ArrayLike, units: int) -> Indexes:
    chosen = np.unique(np.asarray(comparators, int))
    for index in chosen:
        check_unit(int(index), units, "a comparator")
    if not 0 < len(chosen) < units - 1:
        raise CreweError(f"{len(chosen)} comparators of {units} units; name at least one and leave two to compare.")
    return chosen
