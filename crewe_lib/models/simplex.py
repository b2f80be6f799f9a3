"""Least squares with weights that are not negative and sum to one: the quadratic programme of synthetic controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from crewe_lib.errors import CreweError

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

# All tolerances are relative: the programme is solved with its largest discrepancy scaled to one.
_STOP = 1e-12  # a donor enters only if its reduced cost is below zero by more than this
_EXACT_FIT = 1e-10  # a fitted discrepancy below this is a rounding error
_SAME_COST = 1e-9  # reduced costs below this are zero: the donor may take part in another optimum
_LARGE_RIDGE = 1e-6  # from here the dual is well conditioned


@dataclass(frozen=True)
class SimplexFit:
    """weights (n,) at the optimum; unique: whether no other weights do as well; exact: whether they fit exactly."""

    weights: Array
    unique: bool
    exact: bool


def fit_simplex_weights(x: npt.ArrayLike, y: npt.ArrayLike, *, penalty: float = 0.0, ridge: float = 0.0) -> SimplexFit:
    """Weights w (n,) that minimise ‖y − xw‖² + penalty Σ wⱼ‖y − xⱼ‖² + ridge ‖w‖² with w ≥ 0 and Σw = 1.

    x: (m, n), a column per donor; y: (m,). penalty has no unit, ridge has that of y². The optimum is exact: a finite
    active-set search (Wolfe 1976, Mathematical Programming 11, extended to a linear cost), or with a large ridge
    Newton's method on the dual, which is piecewise quadratic; both end at a linear solve.

    Where both penalties are zero and many weights fit equally well, the answer is the limit of a vanishing penalty:
    of all optimal weights, those with the smallest Σ wⱼ‖y − xⱼ‖² (Abadie and L'Hour 2021). Donors with identical
    columns share their weight equally, so that the order of the donors never matters.

    Raises CreweError if a value is missing, a penalty is negative, or rounding prevents a solution.
    """
    donors, target = np.asarray(x, float), np.asarray(y, float)
    if not (np.isfinite(donors).all() and np.isfinite(target).all()):
        raise CreweError("simplex weights: the data hold missing values; exclude those units or periods first.")
    if not (0 <= penalty < np.inf and 0 <= ridge < np.inf):
        raise CreweError(f"simplex weights: penalty {penalty} and ridge {ridge} must be zero or positive.")
    gaps = donors - target[:, None]
    scale = np.abs(gaps).max()
    n = gaps.shape[1]
    if scale == 0:
        return SimplexFit(np.full(n, 1 / n), n == 1 or ridge > 0, True)
    gaps = gaps / scale
    if ridge / scale**2 > _LARGE_RIDGE and penalty == 0:
        weights = _minimise_dual(gaps, ridge / scale**2)
        return SimplexFit(weights, True, _fits_exactly(gaps, weights))
    if ridge > 0:
        weights = _minimise_primal(gaps, penalty / 2 * (gaps**2).sum(axis=0), ridge / scale**2)
        return SimplexFit(weights, True, _fits_exactly(gaps, weights))
    return _fit_distinct(gaps, penalty)


def _fit_distinct(gaps: Array, penalty: float) -> SimplexFit:
    """Without a ridge: solve for the distinct columns, settle ties, share weight among identical columns."""
    columns, group, size = np.unique(gaps, axis=1, return_inverse=True, return_counts=True)
    cost = penalty / 2 * (columns**2).sum(axis=0)
    weights = _minimise_primal(columns, cost, 0.0)
    unique = _is_unique(columns, cost, weights)
    if not unique and penalty == 0:
        weights = _nearest_optimum(columns, weights)
    unique = unique and bool((size[weights > 0] == 1).all())
    return SimplexFit((weights / size)[group.ravel()], unique, _fits_exactly(columns, weights))


def _fits_exactly(gaps: Array, weights: Array) -> bool:
    return bool(np.linalg.norm(gaps @ weights) <= _EXACT_FIT)


def _minimise_primal(gaps: Array, cost: Array, ridge: float) -> Array:
    """Minimise ½‖gaps w‖² + cost'w + ½ ridge ‖w‖² on the simplex by an active-set search from the best vertex."""
    weights = np.zeros(gaps.shape[1])
    weights[np.argmin((gaps**2).sum(axis=0) / 2 + cost)] = 1.0
    for _ in range(20 * sum(gaps.shape) + 100):
        reduced, tolerance = _reduced_cost(gaps, cost, ridge, weights)
        entering = int(np.argmin(reduced))
        if reduced[entering] >= -_STOP * tolerance or weights[entering] > 0:
            weights[weights < _STOP] = 0.0
            return np.asarray(weights / weights.sum())
        weights = _descend(gaps, cost, ridge, weights, np.append(np.flatnonzero(weights), entering))
    raise CreweError(
        "simplex weights: the search did not settle; the donors differ by more orders of magnitude than can be held. "
        "Exclude the extreme units."
    )


def _reduced_cost(gaps: Array, cost: Array, ridge: float, weights: Array) -> tuple[Array, float]:
    """Gradient less its weighted mean (n,), zero on the support at an optimum, and the size of the terms in it."""
    residual = gaps @ weights
    gradient = gaps.T @ residual + cost + ridge * weights
    size = float(np.linalg.norm(residual) + np.abs(cost).max() + ridge)
    return gradient - gradient @ weights, size + 1e-3  # the floor lets an exact fit stop


def _descend(gaps: Array, cost: Array, ridge: float, weights: Array, support: Index) -> Array:
    """Move to the minimum over the support (s,), dropping on the way each donor whose weight reaches zero."""
    weights = weights.copy()
    while True:
        current = weights[support]
        step, bounded = _newton_step(gaps[:, support], cost[support], ridge, current)
        limits = np.full(len(support), np.inf)
        falling = step < 0
        limits[falling] = current[falling] / -step[falling]
        blocking = int(np.argmin(limits))
        if bounded and limits[blocking] > 1:
            weights[support] = current + step
            return np.asarray(weights / weights.sum())
        weights[support] = np.maximum(current + limits[blocking] * step, 0)
        weights[support[blocking]] = 0.0
        support = np.delete(support, blocking)


def _newton_step(gaps: Array, cost: Array, ridge: float, weights: Array) -> tuple[Array, bool]:
    """Step (s,) that sums to zero, to the minimum over the affine hull of s donors; or False and a ray that descends.

    The ray exists where donors are affinely dependent and a linear cost differs along the dependence.
    """
    pivot = int(np.argmax(weights))
    rest = np.arange(len(weights)) != pivot
    design, residual = gaps[:, rest] - gaps[:, [pivot]], gaps @ weights
    if ridge > 0:
        free = np.eye(len(weights))[:, rest]
        free[pivot] = -1.0
        design = np.vstack([design, np.sqrt(ridge) * free])
        residual = np.concatenate([residual, np.sqrt(ridge) * weights])
    slope = cost[rest] - cost[pivot]
    left, values, right = np.linalg.svd(design, full_matrices=False)
    keep = values > _STOP * max(values[0], _STOP)
    left, values, right = left[:, keep], values[keep], right[keep]
    flat = slope - right.T @ (right @ slope)
    bounded = bool(np.linalg.norm(flat) <= _EXACT_FIT * np.abs(cost).max())
    inner = -right.T @ (left.T @ residual / values + right @ slope / values**2) if bounded else -flat
    step = np.empty(len(weights))
    step[rest], step[pivot] = inner, -inner.sum()
    return step, bounded


def _minimise_dual(gaps: Array, ridge: float) -> Array:
    """Minimise ½‖gaps w‖² + ½ ridge ‖w‖² on the simplex through its m + 1 multipliers, by Newton's method.

    At the optimum w = max(0, μ − gaps'r) / ridge with r = gaps w and Σw = 1; these m + 1 equations are the gradient
    of a convex, piecewise quadratic function of (r, μ), so that Newton's method with a line search ends exactly.
    """
    m, n = gaps.shape
    system, target = np.vstack([-gaps, np.ones(n)]), np.append(np.zeros(m), 1.0)
    quadratic = np.append(np.ones(m), 0.0)

    def value(z: Array) -> float:
        active = np.maximum(system.T @ z, 0)
        return float(quadratic @ z**2 / 2 + active @ active / (2 * ridge) - target @ z)

    point = np.append(np.zeros(m), ridge / n)
    for _ in range(200):
        active = np.maximum(system.T @ point, 0)
        gradient = quadratic * point + system @ active / ridge - target
        used = system[:, active > 0]
        step = -np.linalg.lstsq(np.diag(quadratic) + used @ used.T / ridge, gradient, rcond=None)[0]
        if ((system.T @ (point + step) > 0) == (active > 0)).all() or np.abs(gradient).max() <= _STOP:
            active = np.maximum(system.T @ (point + step), 0)  # the step solves the active piece, hence the whole
            return np.asarray(active / active.sum())
        start, decrease, size = value(point), gradient @ step, 1.0
        while size > _STOP and value(point + size * step) > start + 1e-4 * size * decrease + _STOP**2:
            size /= 2
        point = point + size * step
    raise CreweError("simplex weights: Newton's method did not settle; the ridge is too small for these data.")


def _is_unique(gaps: Array, cost: Array, weights: Array) -> bool:
    """Whether no other weights reach the optimum: can any donor outside the support enter at no cost?"""
    reduced, tolerance = _reduced_cost(gaps, cost, 0.0, weights)
    support = weights > 0
    free = support | (reduced <= _SAME_COST * tolerance + _STOP)
    system = np.vstack([gaps, np.ones(gaps.shape[1])])
    if np.linalg.matrix_rank(system[:, support]) < support.sum():
        return False
    if (free == support).all():
        return True
    if support.sum() == system.shape[0]:  # the support spans every donor, and all its weights are positive
        return False
    entered = _linear_programme(-(~support[free]).astype(float), system[:, free], system @ weights)
    return bool(entered[~support[free]].sum() <= _SAME_COST)


def _nearest_optimum(gaps: Array, weights: Array) -> Array:
    """Of all weights with the same fitted discrepancy, those with the smallest weighted squared distance."""
    reduced, tolerance = _reduced_cost(gaps, np.zeros(gaps.shape[1]), 0.0, weights)
    free = np.flatnonzero((weights > 0) | (reduced <= _SAME_COST * tolerance + _STOP))
    system = np.vstack([gaps, np.ones(gaps.shape[1])])
    solution = _linear_programme((gaps[:, free] ** 2).sum(axis=0), system[:, free], system @ weights)
    used = free[solution > _SAME_COST]
    polished = np.zeros(gaps.shape[1])
    polished[used] = np.maximum(np.linalg.lstsq(system[:, used], system @ weights, rcond=None)[0], 0)
    return np.asarray(polished / polished.sum())


def _linear_programme(cost: Array, system: Array, target: Array) -> Array:
    """Minimise cost'w with system w = target and w ≥ 0."""
    result: Any = optimize.linprog(cost, A_eq=system, b_eq=target, bounds=(0, None), method="highs-ds")
    if result.x is None:
        raise CreweError(f"simplex weights: the choice among equal optima failed: {result.message}")
    return np.asarray(result.x, float)
