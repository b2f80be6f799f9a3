"""Several outcomes of two arms tested at once, by dealing the arms anew to families."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.ranks import TIED, Array, Truths


@dataclass(frozen=True)
class StepDown:
    """Of each outcome: unadjusted p_values (k,) and adjusted (k,), over `n_draws` assignments; `every`: all that there
    are. Without that, the observed assignment counts among them, so that no p-value can be zero."""

    p_values: Array
    adjusted: Array
    n_draws: int
    every: bool


def fit_step_down(
    y: npt.ArrayLike,
    treated: npt.ArrayLike,
    *,
    families: npt.ArrayLike,
    n_draws: int,
    rng: np.random.Generator,
) -> StepDown:
    """Westfall and Young's (1993) step-down min-p for the rank sums of the outcomes y (n, k), NaN where missing.

    The arms are dealt anew to `families` (n,), as many treated as there were: children of a family stay together. All
    ways are gone through if there are no more than `n_draws`. A p-value is the share of assignments whose rank sum,
    standardised, is at least as far from its mean; it holds for several children a family too. Raises CreweError if
    lengths differ, a family has two arms, an arm has no family, or an outcome has fewer than two values or one alone.
    """
    values, index, arms = _check_families(y, treated, families)
    if n_draws < 1:
        raise CreweError(f"n_draws is {n_draws}; it must be at least 1 (9999 gives p-values to two digits).")
    dealt, every = _deal(arms, n_draws, rng)
    sizes = np.column_stack([_standardised(values[:, j], dealt[:, index]) for j in range(values.shape[1])])
    shares = stats.rankdata(-np.round(sizes, TIED), method="max", axis=0) / len(dealt)
    observed = shares[0]
    order = np.argsort(observed, kind="stable")
    least = np.minimum.accumulate(shares[:, order[::-1]], axis=1)[:, ::-1]
    stepped = np.maximum.accumulate((least <= observed[order] + 1e-12).mean(axis=0))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return StepDown(observed, adjusted, len(dealt), every)


def _deal(arms: Truths, n_draws: int, rng: np.random.Generator) -> tuple[Truths, bool]:
    """Arms of the families (draws, families), the observed ones first, and whether these are all."""
    n, m = len(arms), int(arms.sum())
    if comb(n, m) <= n_draws:
        ways = np.zeros((comb(n, m), n), bool)
        for row, chosen in enumerate(combinations(range(n), m)):
            ways[row, list(chosen)] = True
        same = (ways == arms).all(axis=1)
        return np.concatenate([ways[same], ways[~same]]), True
    drawn = rng.permuted(np.tile(arms, (n_draws, 1)), axis=1)
    return np.concatenate([arms[None, :], drawn]), False


def _standardised(values: Array, dealt: Truths) -> Array:
    """|rank sum less its mean| over its standard deviation, for each assignment (draws, n); 0 if an arm is empty."""
    known = np.isfinite(values)
    n = int(known.sum())
    ranks = stats.rankdata(np.round(values[known], TIED)) - (n + 1) / 2
    sums, m = dealt[:, known] @ ranks, dealt[:, known].sum(axis=1)
    spread = np.sqrt(m * (n - m) / (n * (n - 1)) * np.sum(ranks**2))
    size: Array = np.divide(np.abs(sums), spread, out=np.zeros(len(dealt)), where=spread > 0)
    return size


def _check_families(
    y: npt.ArrayLike, treated: npt.ArrayLike, families: npt.ArrayLike
) -> tuple[Array, npt.NDArray[np.intp], Truths]:
    """Values (n, k), each row's family by position (n,), and the arm of each family."""
    values, own, labels = np.asarray(y, float), np.asarray(treated, bool), np.asarray(families)
    if values.ndim != 2 or not len(values) == len(own) == len(labels):
        raise CreweError(f"ranks: {values.shape} values, {len(own)} arms and {len(labels)} families do not fit.")
    names, index = np.unique(labels, return_inverse=True)
    share = np.bincount(index, weights=own) / np.bincount(index)
    if mixed := [str(name) for name, part in zip(names, share, strict=True) if 0 < part < 1]:
        raise CreweError(f"ranks: families with two arms: {', '.join(mixed[:5])}; a family was randomised to one.")
    if share.sum() in (0, len(names)):
        raise CreweError("ranks: all families are in one arm, so there is nothing to compare.")
    for j in range(values.shape[1]):
        known = values[np.isfinite(values[:, j]), j]
        if len(known) < 2 or np.ptp(known) == 0:
            raise CreweError(f"ranks: outcome {j + 1} has no two different values; leave it out with a reason.")
    return values, index, share == 1
