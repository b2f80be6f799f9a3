"""Time of the Cox model with family-clustered errors as rows grow, and beside lifelines.

    python -m benchmarks.survival

Linear growth shows as a time per row that stays about the same. lifelines' clustered errors are quadratic in the number
of families, so it is run on few rows; its errors are also not Efron's under ties, which is printed.
"""

from __future__ import annotations

import warnings
from time import perf_counter

import numpy as np
import pandas as pd

from crewe_lib.models.cox import fit_cox

ROWS = (25_000, 50_000, 100_000, 200_000, 400_000)
BESIDE = (8_000, 16_000, 32_000)
REPEATS, CHILDREN, LAST_DAY = 3, 2.5, 458
COLUMNS = ["treated", "history", "age"]


def make_children(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Children in families that share arm, history and frailty; whole days, so that ties are heavy."""
    families = round(n / CHILDREN)
    family = np.sort(rng.integers(0, families, n))
    treated, history = (rng.random(families) < 2 / 3)[family], (rng.random(families) < 0.45)[family]
    age, frailty = rng.integers(0, 18, n), rng.gamma(2, 0.5, families)[family]
    rate = frailty * np.exp(0.2 * treated - 0.3 * history - 0.02 * age) / 300
    days = np.ceil(rng.exponential(1 / rate)).astype(int)
    values = {"family": family, "treated": treated, "history": history, "age": age}
    frame = pd.DataFrame(values | {"days": np.minimum(days, LAST_DAY), "event": days <= LAST_DAY})
    return frame.astype(int)


def time_ours(frame: pd.DataFrame, repeats: int) -> tuple[float, np.ndarray]:
    """Seconds, best of `repeats`, and the clustered standard errors."""
    best = np.inf
    for _ in range(repeats):
        start = perf_counter()
        fit = fit_cox(frame["days"], frame["event"], frame[COLUMNS], clusters=frame["family"])
        best = min(best, perf_counter() - start)
    assert fit.clustered is not None
    return float(best), np.sqrt(np.diag(fit.clustered))


def time_lifelines(frame: pd.DataFrame) -> tuple[float, np.ndarray]:
    """Seconds, and the clustered standard errors."""
    from lifelines import CoxPHFitter

    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = CoxPHFitter().fit(frame, "days", "event", cluster_col="family", robust=True)
    return perf_counter() - start, fit.standard_errors_[COLUMNS].to_numpy()


def main() -> None:
    """Print times per row, and ratios to lifelines."""
    rng = np.random.default_rng(1)
    time_ours(make_children(1_000, rng), 1)
    print("Cox model, three covariates, errors clustered by family")
    first = None
    for n in ROWS:
        seconds, _ = time_ours(make_children(n, rng), REPEATS)
        per_row = 1e6 * seconds / n
        first = first or per_row
        print(f"  {n:>7,} rows: {seconds:.3f} s, {per_row:.2f} µs a row, ratio to the first {per_row / first:.2f}")
    print("beside lifelines")
    for n in BESIDE:
        frame = make_children(n, rng)
        (ours, errors), (theirs, other) = time_ours(frame, REPEATS), time_lifelines(frame)
        off = 100 * float(np.max(np.abs(other / errors - 1)))
        print(f"  {n:>7,} rows: {ours:.4f} s against {theirs:.2f} s, ratio {theirs / ours:,.0f}; errors off {off:.1f}%")


if __name__ == "__main__":
    main()
