"""Reference values for crewe_lib.models.exact_proportions, by brute force.

Run from the repository root: python tests/reference/exact_proportions.py > tests/reference/exact_proportions.csv
(some minutes). Nothing of Crewe is imported. Tests: tables are ordered in whole numbers and fractions, so that ties are
ties; the chance of the region is evaluated at 20,001 values of the nuisance parameter, then refined by bounded
minimisation around each of the ten highest. Interval: differences in steps of 0.001 over the whole range, the
restricted shares found by bisection of the likelihood's slope, 2,001 values of the nuisance parameter, then refined;
limits by bisection next to the outermost difference kept. SciPy's own functions stand beside them, since their
search for the nuisance parameter is by sampling.
"""

import csv
import sys
from fractions import Fraction
from importlib.metadata import version
from math import comb

import numpy as np
from scipy import optimize, stats

CASES = [(59, 82, 28, 44), (5, 84, 3, 44), (4, 84, 0, 44), (8, 9, 6, 19), (11, 84, 13, 44), (3, 7, 5, 6), (0, 4, 2, 5)]
ALPHA = 0.05


def score(i: int, n1: int, j: int, n2: int) -> Fraction:
    """The squared pooled score statistic."""
    gap, pooled = Fraction(i, n1) - Fraction(j, n2), Fraction(i + j, n1 + n2)
    return Fraction(0) if gap == 0 else gap**2 / (pooled * (1 - pooled) * (Fraction(1, n1) + Fraction(1, n2)))


def fisher(i: int, n1: int, j: int, n2: int) -> Fraction:
    k = i + j
    ways = {a: comb(n1, a) * comb(n2, k - a) for a in range(max(0, k - n2), min(n1, k) + 1)}
    return Fraction(sum(w for w in ways.values() if w <= ways[i]), comb(n1 + n2, k))


def largest(region: np.ndarray, difference: float, points: int) -> float:
    n1, n2 = region.shape[0] - 1, region.shape[1] - 1

    def chance(p: np.ndarray) -> np.ndarray:
        p = np.atleast_1d(p)
        first = stats.binom.pmf(np.arange(n1 + 1), n1, np.clip(p + difference, 0, 1)[:, None])
        return ((first @ region) * stats.binom.pmf(np.arange(n2 + 1), n2, p[:, None])).sum(axis=1)

    grid = np.linspace(max(0, -difference), min(1, 1 - difference), points)
    values = chance(grid)
    best = values.max()
    for i in np.argsort(values)[-10:] if points > 5000 else np.argsort(values)[-1:]:
        near = (grid[max(0, i - 1)], grid[min(points - 1, i + 1)])
        if near[0] < near[1]:
            found = optimize.minimize_scalar(lambda p: -chance(p)[0], bounds=near, options={"xatol": 1e-12})
            best = max(best, -found.fun)
    return float(best)


def statistics(n1: int, n2: int, difference: float) -> np.ndarray:
    i, j = np.arange(n1 + 1)[:, None] * np.ones(n2 + 1), np.arange(n2 + 1) * np.ones((n1 + 1, 1))
    low = np.full(i.shape, max(0.0, -difference))
    high = np.full(i.shape, min(1.0, 1 - difference))
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(60):
            p = (low + high) / 2
            q = p + difference
            rises = i / q - (n1 - i) / (1 - q) + j / p - (n2 - j) / (1 - p) > 0
            low, high = np.where(rises, p, low), np.where(rises, high, p)
        p = (low + high) / 2
        q = p + difference
        error = np.sqrt(np.maximum(q * (1 - q), 0) / n1 + np.maximum(p * (1 - p), 0) / n2)
        gap = i / n1 - j / n2 - difference
        return np.where(np.abs(gap) < 1e-12, 0, np.abs(gap) / error)


def p_value(case: tuple[int, int, int, int], difference: float) -> float:
    k1, n1, k2, n2 = case
    sizes = statistics(n1, n2, difference)
    return largest(sizes >= sizes[k1, k2] - 1e-7, difference, 2001)


def interval(case: tuple[int, int, int, int]) -> tuple[float, float]:
    grid = np.linspace(-0.999, 0.999, 1999) + 1e-9
    kept = [d for d in grid if p_value(case, d) > ALPHA]
    limits = []
    for inner, side in ((kept[0], -1), (kept[-1], 1)):
        outer = inner + side * 0.001
        for _ in range(20):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if p_value(case, middle) > ALPHA else (inner, middle)
        limits.append(inner)
    return limits[0], limits[1]


print("# numpy " + version("numpy") + ", scipy " + version("scipy"))
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["k1", "n1", "k2", "n2", "quantity", "value"])
for case in CASES:
    k1, n1, k2, n2 = case
    for name, order, sign in (("Barnard", score, 1), ("Boschloo", fisher, -1)):
        own = order(k1, n1, k2, n2)
        kept = [[sign * order(i, n1, j, n2) >= sign * own for j in range(n2 + 1)] for i in range(n1 + 1)]
        out.writerow([*case, name, repr(largest(np.array(kept), 0.0, 20001))])
    table = [[k1, k2], [n1 - k1, n2 - k2]]
    out.writerow([*case, "SciPy Barnard, default", repr(float(stats.barnard_exact(table).pvalue))])
    out.writerow([*case, "SciPy Barnard, 512 points", repr(float(stats.barnard_exact(table, n=512).pvalue))])
    out.writerow([*case, "SciPy Boschloo, default", repr(float(stats.boschloo_exact(table).pvalue))])
    for name, value in zip(("interval low", "interval high"), interval(case), strict=True):
        out.writerow([*case, name, repr(float(value))])
    sys.stdout.flush()
