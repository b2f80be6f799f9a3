"""Two-series difference in differences for every unit of a panel at once, with or without a covariate."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import TIED, Array, Indexes, check_alpha


@dataclass(frozen=True, eq=False)
class PlaceboGrid:
    """units (k,) that have a comparison; change (k,) in the units of y; percent (k,) of each one's own pre-mean."""

    units: Indexes
    change: Array
    percent: Array


def fit_placebo_grid(y: Array, covariate: Array | None, weights: Array, n_pre: int) -> PlaceboGrid:
    """Each unit's series against its weighted comparison, as least squares on the two series would give it.

    y, covariate (units, periods), without missing values; weights (units, units), a row sums to one, or to zero for a
    unit that is not to be estimated. Without a covariate: the unit's change less the comparison's. With one: less b
    times the same difference of the covariate, b being its coefficient common to both series, from the departures of
    the two series from their four cell means (Frisch, Waugh and Lovell). Raises CreweError if a covariate does not
    vary within its cells or a pre-mean is zero.
    """
    units = np.flatnonzero(weights.any(axis=1))
    own, other = y[units], weights[units] @ y
    effect = _change(own, n_pre) - _change(other, n_pre)
    if covariate is not None:
        x, z = covariate[units], weights[units] @ covariate
        inner = [_within(series, n_pre) for series in (own, other, x, z)]
        spread = (inner[2] ** 2 + inner[3] ** 2).sum(axis=1)
        if not np.all(spread > TIED * (x**2).sum(axis=1)):
            raise CreweError("the covariate does not vary within the periods; it cannot enter the model.")
        slope = (inner[0] * inner[2] + inner[1] * inner[3]).sum(axis=1) / spread
        effect = effect - slope * (_change(x, n_pre) - _change(z, n_pre))
    before = own[:, :n_pre].mean(axis=1)
    if not np.all(before > 0):
        raise CreweError("a unit has a mean of zero before the start; its change has no percentage.")
    return PlaceboGrid(units, effect, 100 * effect / before)


def invert_sizes(estimates: Array, treated: int, alpha: float) -> tuple[float, float]:
    """The effects b of one of n units for which the size of estimate − b is not among the alpha · n largest of all.

    The other estimates are held as they are. Leaves out zero if and only if the share of sizes at least as large as
    the unit's own, itself included, is at most alpha. Unbounded if alpha · n is less than one.
    """
    check_alpha(alpha)
    k = floor(alpha * len(estimates) + 1e-9)
    others = np.sort(np.abs(np.delete(estimates, treated)))[::-1]
    half = others[k - 1] if k >= 1 else np.inf
    return float(estimates[treated] - half), float(estimates[treated] + half)


def weigh_one(units: int, comparator: int) -> Array:
    """Every unit against one and the same; that one is not estimated."""
    weights = np.zeros((units, units))
    weights[:, comparator] = 1.0
    weights[comparator] = 0.0
    return weights


def weigh_others(units: int) -> Array:
    """Every unit against the mean of all others."""
    return (np.ones((units, units)) - np.eye(units)) / (units - 1)


def weigh_nearest(distances: Array, n: int) -> Array:
    """Every unit against the mean of its n nearest; units without a distance are neither estimated nor compared."""
    known = np.flatnonzero(np.isfinite(np.diag(distances)))
    if not 1 <= n < len(known):
        raise CreweError(f"n is {n}; it must be from 1 to {len(known) - 1}, the number of other units with distances.")
    inner = distances[np.ix_(known, known)].copy()
    np.fill_diagonal(inner, np.inf)
    nearest = np.argsort(inner, axis=1, kind="stable")[:, :n]
    weights = np.zeros_like(distances)
    weights[known[:, None], known[nearest]] = 1.0 / n
    return weights


def _change(series: Array, n_pre: int) -> Array:
    return np.asarray(series[:, n_pre:].mean(axis=1) - series[:, :n_pre].mean(axis=1))


def _within(series: Array, n_pre: int) -> Array:
    """Departures from the means of the two periods."""
    halves = (series[:, :n_pre], series[:, n_pre:])
    return np.hstack([half - half.mean(axis=1, keepdims=True) for half in halves])
