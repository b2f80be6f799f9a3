"""Time of 150 synthetic controls by the active-set search against SciPy's SLSQP, on a made panel. One run.

python benchmarks/synthetic_control.py [number of units fitted by SLSQP, all by default]
"""

import sys
import time

import numpy as np
from scipy import optimize

from crewe_lib.models.synthetic_control import fit_all_synthetic_controls

UNITS, PERIODS, N_PRE = 150, 9, 5


def made_panel() -> np.ndarray:
    rng = np.random.default_rng(1)
    factors = rng.normal(size=(UNITS, 2)) @ rng.normal(size=(2, PERIODS))
    return 300 + 60 * rng.normal(size=(UNITS, 1)) + 20 * factors + 15 * rng.normal(size=(UNITS, PERIODS))


def fit_slsqp(y: np.ndarray, unit: int) -> float:
    """Pre-period sum of squared gaps at the weights SLSQP ends with; gradient given, gaps scaled to one."""
    gaps = (np.delete(y, unit, axis=0) - y[unit])[:, :N_PRE].T
    scale, n = np.abs(gaps).max(), gaps.shape[1]
    gaps = gaps / scale
    found = optimize.minimize(
        lambda w: float(((gaps @ w) ** 2).sum()),
        np.full(n, 1 / n),
        jac=lambda w: 2 * gaps.T @ (gaps @ w),
        bounds=[(0, 1)] * n,
        constraints=dict(type="eq", fun=lambda w: w.sum() - 1, jac=lambda w: np.ones((1, n))),
        method="SLSQP",
        options=dict(ftol=1e-10, maxiter=1000),
    )
    return float(found.fun * scale**2)


def main() -> None:
    y = made_panel()
    some = int(sys.argv[1]) if len(sys.argv) > 1 else UNITS
    start = time.perf_counter()
    fits = fit_all_synthetic_controls(y, N_PRE, penalty=0)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    losses = np.array([fit_slsqp(y, unit) for unit in range(some)])
    theirs = (time.perf_counter() - start) * UNITS / some
    excess = losses - [N_PRE * fit.pre_rmspe**2 for fit in fits[:some]]
    print(f"active set {ours:.2f} s, SLSQP {theirs:.1f} s for {UNITS} units (from {some}): ratio {theirs / ours:.0f}")
    low, middle, high = np.quantile(excess, [0, 0.5, 1])
    print(f"SLSQP's loss less ours: smallest {low:.1e}, median {middle:.1e}, largest {high:.1e}")


if __name__ == "__main__":
    main()
