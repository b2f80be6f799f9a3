"""Time of the difference in differences of all ordered pairs of authorities: array arithmetic beside statsmodels.

    python -m benchmarks.placebo

The loop fits one regression per pair, for a sample of pairs, and its time is scaled up to all of them. Both give the
same estimates, which is checked.
"""

from __future__ import annotations

from itertools import islice, permutations
from time import perf_counter

import numpy as np
import statsmodels.api as sm

from crewe_lib.models.permutation import placebo_did

UNITS, PERIODS, N_PRE, SAMPLE = 149, 9, 5, 300


def time_arrays(y: np.ndarray, repeats: int = 20) -> tuple[float, np.ndarray]:
    """Seconds for all pairs, best of `repeats`, and the matrix of estimates."""
    best = np.inf
    for _ in range(repeats):
        start = perf_counter()
        pairs = placebo_did(y, N_PRE).pairs
        best = min(best, perf_counter() - start)
    return float(best), pairs


def time_loop(y: np.ndarray) -> tuple[float, list[tuple[int, int, float]]]:
    """Seconds for SAMPLE pairs, one regression each, and their estimates."""
    treated, post = np.repeat([1.0, 0.0], PERIODS), np.tile(np.arange(PERIODS) >= N_PRE, 2).astype(float)
    design = np.column_stack([np.ones(2 * PERIODS), treated, post, treated * post])
    start = perf_counter()
    found = [
        (i, j, float(sm.OLS(np.r_[y[i], y[j]], design).fit().params[3]))
        for i, j in islice(permutations(range(UNITS), 2), SAMPLE)
    ]
    return perf_counter() - start, found


def main() -> None:
    """Print both times and their ratio."""
    y = np.random.default_rng(1).normal(70, 20, (UNITS, PERIODS))
    arrays, pairs = time_arrays(y)
    loop, found = time_loop(y)
    worst = max(abs(pairs[i, j] - estimate) for i, j, estimate in found)
    if worst > 1e-9:
        raise SystemExit(f"the two disagree by up to {worst:.1e}")
    scaled = loop * UNITS * (UNITS - 1) / SAMPLE
    print(f"all {UNITS * (UNITS - 1):,} ordered pairs of {UNITS} authorities, {PERIODS} years")
    print(f"  statsmodels, one regression each, scaled up from {SAMPLE}: {scaled:.1f} s")
    print(f"  array arithmetic, with every p-value: {1000 * arrays:.2f} ms")
    print(f"  ratio: {scaled / arrays:,.0f} (estimates agree to {worst:.0e})")


if __name__ == "__main__":
    main()
