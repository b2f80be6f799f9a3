"""Choosing rows of a pool so that their sums lie where they should: the engine behind the calibrated cohort.

No row is edited. A plain draw from the model supplies far more rows than are wanted; which of them are taken is what
the search decides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError

Whole = npt.NDArray[np.int64]


def choose_rows(
    rng: np.random.Generator,
    features: Whole,
    low: Whole,
    high: Whole,
    size: int,
    *,
    group: Whole | None = None,
    restarts: int = 20,
    steps: int = 400,
) -> Whole:
    """`size` rows of `features` (rows, k) whose column sums lie in [low, high] (k,), at most one of each `group`.

    From a random start, one row at a time gives way to the row of the pool that brings the sums nearest, ties broken at
    random; a start that is stuck is shaken. Whole numbers only, so the same everywhere. Raises CreweError.
    """
    groups = np.arange(len(features)) if group is None else group
    scale = np.maximum(features.max(axis=0) - features.min(axis=0), 1)
    for _ in range(restarts):
        chosen = _start(rng, groups, size)
        for step in range(steps):
            sums = features[chosen].sum(axis=0)
            if _miss(sums[None], low, high, scale)[0] == 0:
                return np.sort(chosen)
            slot = int(rng.integers(size))
            if step % 100 == 99:  # stuck: anything goes, once
                chosen[slot] = _draw_other(rng, groups, chosen, slot)
                continue
            chosen[slot] = _best(rng, features, sums, chosen, slot, groups, (low, high, scale))
    raise CreweError("the search found no choice of rows that keeps the bounds; widen them or draw a larger pool.")


def _start(rng: np.random.Generator, groups: Whole, size: int) -> Whole:
    """Random rows of different groups."""
    order = rng.permutation(len(groups))
    _, first = np.unique(groups[order], return_index=True)
    rows: Whole = order[np.sort(first)][:size]
    if len(rows) < size:
        raise CreweError(f"the pool has {len(rows)} different cases; {size} are wanted.")
    return rows


def _allowed(groups: Whole, chosen: Whole, slot: int) -> npt.NDArray[np.bool_]:
    """Rows that may take the place of the one in `slot`."""
    allowed: npt.NDArray[np.bool_] = ~np.isin(groups, groups[np.delete(chosen, slot)])
    return allowed


def _draw_other(rng: np.random.Generator, groups: Whole, chosen: Whole, slot: int) -> int:
    return int(rng.choice(np.flatnonzero(_allowed(groups, chosen, slot))))


def _best(
    rng: np.random.Generator,
    features: Whole,
    sums: Whole,
    chosen: Whole,
    slot: int,
    groups: Whole,
    bounds: tuple[Whole, Whole, Whole],
) -> int:
    """The row that brings the sums nearest to their bounds if it takes the place of the one in `slot`."""
    miss = _miss(sums - features[chosen[slot]] + features, *bounds)
    miss[~_allowed(groups, chosen, slot)] = np.iinfo(np.int64).max
    return int(rng.choice(np.flatnonzero(miss == np.min(miss))))


def _miss(sums: Whole, low: Whole, high: Whole, scale: Whole) -> Whole:
    """How far sums (n, k) are out of their bounds, in thousandths of each feature's range, added up."""
    out = np.maximum(low - sums, 0) + np.maximum(sums - high, 0)
    missed: Whole = (out * 1000 // scale + (out > 0)).sum(axis=1)
    return missed


def improve_by_swaps(
    rng: np.random.Generator,
    chosen: Whole,
    kinds: Whole,
    cost: Callable[[Whole], float],
    *,
    steps: int,
    heat: float = 0.005,
) -> Whole:
    """Swap chosen rows for others of the same kind until the cost is 0, by simulated annealing.

    kinds: label of each row of the pool; rows of one kind have the same fixed features, so their sums stay as they are.
    heat: by how much a swap may be dearer at first, on average; it falls to nothing. Raises CreweError if none is 0.
    """
    order = np.argsort(kinds, kind="stable")
    first, last = (np.searchsorted(kinds[order], kinds, side=side) for side in ("left", "right"))
    rows, current = chosen.copy(), round(cost(chosen), 9)
    for step in range(steps):
        if current == 0:
            return np.sort(rows)
        slot = int(rng.integers(len(rows)))
        other = int(order[rng.integers(first[rows[slot]], last[rows[slot]])])
        if (rows == other).any():
            continue
        tried = rows.copy()
        tried[slot] = other
        found = round(cost(tried), 9)
        if found <= current + heat * (1 - step / steps) * rng.exponential():
            rows, current = tried, found
    raise CreweError(f"the search by swaps ended with a cost of {current:.3f} after {steps} tries; it must reach 0.")
