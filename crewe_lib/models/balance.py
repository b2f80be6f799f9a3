"""Were the arms alike before they were treated? Standardised differences, and tests by allocating anew.

A test of balance asks whether differences as large could come from the allocation alone, that is, whether families
were allocated as they are said to have been. It does not say whether an imbalance matters for an outcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import Array

_SAME = 1e-9  # differences this near are ties
_BLOCK = 4_000_000  # cells of the allocations held at a time


@dataclass(frozen=True)
class Balance:
    """Per characteristic (k,): difference of means (treated less control), its standardised size, p-value, `exact`
    (over all allocations, not drawn ones), and `chance`: the standardised size that the allocation alone exceeds with
    probability alpha at most. Of all together: distance, rank (the distance that the allocation alone gives on
    average), joint_p. n_draws: allocations compared; all_allocations: whether these are all there are."""

    differences: Array
    standardised: Array
    p_values: Array
    exact: npt.NDArray[np.bool_]
    chance: Array
    distance: float
    rank: int
    joint_p: float
    n_draws: int
    all_allocations: bool


def pooled_spread(treated: npt.ArrayLike, control: npt.ArrayLike) -> float:
    """Root of the mean of both arms' variances, the unit of a standardised difference (Austin 2009, Statistics in
    Medicine 28: 3083–3107). The variance of zeros and ones is p(1 − p), that of a single value nothing. Raises
    CreweError if neither arm varies.
    """
    arms = [np.asarray(treated, float), np.asarray(control, float)]
    binary = all(np.isin(arm, (0.0, 1.0)).all() for arm in arms)
    total = sum(float(np.var(arm, ddof=0 if binary or len(arm) < 2 else 1)) for arm in arms)
    if total <= 0:
        raise CreweError("balance: within each arm all are alike, so there is no spread to measure a difference by.")
    return math.sqrt(total / 2)


def standardised_interval(d: float, n1: int, n2: int, *, alpha: float) -> tuple[float, float]:
    """Large-sample interval of a standardised difference d (Yang and Dalton 2012, SAS Global Forum, paper 335)."""
    half = float(stats.norm.isf(alpha / 2)) * math.sqrt((n1 + n2) / (n1 * n2) + d * d / (2 * (n1 + n2)))
    return d - half, d + half


def exact_share_test(k1: int, n1: int, k2: int, n2: int) -> float:
    """Share of all allocations to arms of n1 and n2 in which the shares differ at least as much as k1/n1 and k2/n2: the
    permutation test in closed form. Fisher's test orders tables by their probability instead.
    """
    k = np.arange(max(0, k1 + k2 - n2), min(n1, k1 + k2) + 1)
    extreme = np.abs(k / n1 - (k1 + k2 - k) / n2) >= abs(k1 / n1 - k2 / n2) - _SAME
    return min(1.0, float(np.sum(stats.hypergeom.pmf(k[extreme], n1 + n2, k1 + k2, n1))))


def exact_share_size(events: int, n1: int, n2: int, *, alpha: float) -> float:
    """Chance that `exact_share_test` gives alpha or less if `events` families are allocated to arms of n1 and n2 by lot
    alone: never above alpha, and nothing where there are too few events. Raises CreweError for an impossible alpha.
    """
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")
    k = np.arange(max(0, events - n2), min(n1, events) + 1)
    small = np.array([exact_share_test(int(one), n1, events - int(one), n2) <= alpha for one in k])
    return float(np.sum(stats.hypergeom.pmf(k[small], n1 + n2, events, n1)))


def fit_balance(
    x: npt.ArrayLike, treated: npt.ArrayLike, *, n_draws: int, alpha: float, rng: np.random.Generator
) -> Balance:
    """Compare the arms in every column of x (n, k), one row per family; treated (n,) is 0 or 1.

    Allocations of whole families to arms of the sizes they have are taken as equally likely. A p-value is the share of
    allocations with a difference of means at least as large: of all of them where these are n_draws or fewer, and (in
    closed form) for columns of zeros and ones without a gap; else (1 + as large) / (1 + n_draws). A missing value (not
    a number) leaves its family out of its column's means; an allocation that leaves an arm without a value counts as
    large. Together: the distance d² of Hansen and Bowers (2008), Statistical Science 23: 219–236, missing values put at
    the column's mean and marked by a further column. Raises CreweError if an arm is empty, a column has no value in an
    arm or no spread, or draws are too few.
    """
    values, arm = np.asarray(x, float), np.asarray(treated, float)
    _check(values, arm, n_draws, alpha)
    known, n, n1 = ~np.isnan(values), len(arm), int(np.sum(arm))
    basis = _orthonormal(values, known)
    every = math.comb(n, n1) <= n_draws
    blocks = _all_allocations(n, n1) if every else _drawn_allocations(arm, n_draws, rng)
    found = [(np.abs(_differences(values, known, block)), _distances(basis, block)) for block in blocks]
    sizes, distances = np.concatenate([one for one, _ in found]), np.concatenate([two for _, two in found])
    differences = _differences(values, known, arm[None, :])[0]
    distance = float(_distances(basis, arm[None, :])[0])
    p_values = _share_as_large(sizes, np.abs(differences), every=every)
    binary = known.all(axis=0) & np.isin(values, (0.0, 1.0)).all(axis=0)
    for j in np.flatnonzero(binary):
        k1, k2 = int(values[arm == 1, j].sum()), int(values[arm == 0, j].sum())
        p_values[j] = exact_share_test(k1, n1, k2, n - n1)
    spread = np.array([pooled_spread(*_parts(values[:, j], known[:, j], arm)) for j in range(values.shape[1])])
    return Balance(
        differences=differences,
        standardised=differences / spread,
        p_values=p_values,
        exact=binary | every,
        chance=np.nanquantile(sizes, 1 - alpha, axis=0, method="higher") / spread,
        distance=distance,
        rank=basis.shape[1],
        joint_p=float(_share_as_large(distances[:, None], np.array([distance]), every=every)[0]),
        n_draws=len(distances),
        all_allocations=every,
    )


def _check(values: Array, arm: Array, n_draws: int, alpha: float) -> None:
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")
    if n_draws < math.ceil(1 / alpha):
        raise CreweError(f"balance: {n_draws} draws are too few; give at least {math.ceil(1 / alpha)}.")
    if values.ndim != 2 or values.shape[1] == 0 or arm.shape != values.shape[:1]:
        raise CreweError("balance: there must be one row per family, one column or more, and an arm for each row.")
    if not np.isin(arm, (0.0, 1.0)).all() or len(np.unique(arm)) < 2:
        raise CreweError("balance: the arm must be 0 or 1, and each arm must have a family; one is empty.")
    for j in range(values.shape[1]):
        column = values[:, j]
        if any(np.isnan(column[arm == side]).all() for side in (0, 1)):
            raise CreweError(f"balance: column {j} has no known value in one of the arms; leave it out.")
        pooled_spread(*_parts(column, ~np.isnan(column), arm))


def _parts(column: Array, known: npt.NDArray[np.bool_], arm: Array) -> tuple[Array, Array]:
    return column[known & (arm == 1)], column[known & (arm == 0)]


def _all_allocations(n: int, n1: int) -> Iterator[Array]:
    """Every way to choose n1 of n, in one block."""
    chosen = np.array(list(combinations(range(n), n1)))
    block = np.zeros((len(chosen), n))
    np.put_along_axis(block, chosen, 1.0, axis=1)
    yield block


def _drawn_allocations(arm: Array, n_draws: int, rng: np.random.Generator) -> Iterator[Array]:
    step = max(1, _BLOCK // len(arm))
    for start in range(0, n_draws, step):
        yield rng.permuted(np.tile(arm, (min(step, n_draws - start), 1)), axis=1)


def _differences(values: Array, known: npt.NDArray[np.bool_], block: Array) -> Array:
    """Differences of means (draws, k) over known values; not a number where an arm has none."""
    filled, counted = np.where(known, values, 0.0), known.astype(float)
    sums, counts = block @ filled, block @ counted
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps: Array = sums / counts - (filled.sum(axis=0) - sums) / (counted.sum(axis=0) - counts)
    return gaps


def _orthonormal(values: Array, known: npt.NDArray[np.bool_]) -> Array:
    """Columns (n, rank) that span the characteristics and their marks of missing values, each around its mean."""
    means = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    marks = (~known[:, ~known.all(axis=0)]).astype(float)
    both = np.column_stack([np.where(known, values, means), marks])
    both = both - both.mean(axis=0)
    both = both / np.maximum(np.linalg.norm(both, axis=0), 1e-300)
    u, s, _ = np.linalg.svd(both, full_matrices=False)
    return np.asarray(u[:, s > 1e-9 * s[0]])


def _distances(basis: Array, block: Array) -> Array:
    """d² (draws,) of each allocation: over all allocations its mean is the rank, whatever the arms' sizes."""
    n, n1 = block.shape[1], float(np.sum(block[0]))
    return np.asarray(((block @ basis) ** 2).sum(axis=1) * n * (n - 1) / (n1 * (n - n1)))


def _share_as_large(sizes: Array, observed: Array, *, every: bool) -> Array:
    """Share of allocations (draws, k) at least as large as observed (k,); the one made counts as one of the drawn."""
    large = (~(sizes < observed - _SAME * np.maximum(1.0, observed))).sum(axis=0)
    return np.asarray(large / len(sizes) if every else (1 + large) / (1 + len(sizes)))
