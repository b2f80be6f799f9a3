"""Two proportions: the difference with its interval, and the p-values of ten tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError


@dataclass(frozen=True)
class TwoProportions:
    """`difference` is k1/n1 − k2/n2 with Newcombe's hybrid score interval (1998); two-sided p-values by test."""

    difference: float
    conf_low: float
    conf_high: float
    p_values: Mapping[str, float]


def fit_wilson(k: int, n: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """Wilson's score interval of one proportion. Raises CreweError unless 0 ≤ k ≤ n and n > 0."""
    check_counts(k, n)
    z = float(stats.norm.isf(alpha / 2))
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


def fit_newcombe(k1: int, n1: int, k2: int, n2: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """Newcombe's hybrid score interval of k1/n1 − k2/n2. Raises CreweError for impossible counts."""
    (low1, high1), (low2, high2) = fit_wilson(k1, n1, alpha=alpha), fit_wilson(k2, n2, alpha=alpha)
    p1, p2 = k1 / n1, k2 / n2
    return (
        p1 - p2 - math.hypot(p1 - low1, high2 - p2),
        p1 - p2 + math.hypot(high1 - p1, p2 - low2),
    )


def fit_agresti_caffo(
    k1: npt.ArrayLike, n1: npt.ArrayLike, k2: npt.ArrayLike, n2: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centre and variance of Agresti and Caffo's (2000) interval of k1/n1 − k2/n2, for counts of one shape.

    They are those of the textbook after one with and one without the event were added to each arm, so that the variance
    is never zero. Being a centre and a variance, they can be pooled. The American Statistician 54(4). Raises CreweError
    for impossible counts.
    """
    arms = [np.broadcast_arrays(np.asarray(k, float), np.asarray(n, float)) for k, n in ((k1, n1), (k2, n2))]
    if any(not np.all((n > 0) & (k >= 0) & (k <= n)) for k, n in arms):
        raise CreweError("two shares: a count is not between 0 and its number of families, or an arm is empty.")
    (p1, m1), (p2, m2) = (((k + 1) / (n + 2), n + 2) for k, n in arms)
    return np.asarray(p1 - p2), np.asarray(p1 * (1 - p1) / m1 + p2 * (1 - p2) / m2)


def fit_two_proportions(k1: int, n1: int, k2: int, n2: int, *, alpha: float = 0.05) -> TwoProportions:
    """Compare two proportions by ten tests: variants of one comparison on the same counts, not ten pieces of evidence.

    Tests: Fisher's exact (sum of small probabilities), its mid-p and its doubled one-sided form; Pearson's chi-square
    with and without Yates's correction; the Wald test of a logit slope; the slope of a linear model with HC0, HC1 and
    HC3 errors; Welch's t. The last five need a variance in each arm, so they are left out where nobody or everybody in
    one arm had the event. Raises CreweError for impossible counts, or where nobody or everybody in both
    arms had the event, since there is nothing to compare.
    """
    check_counts(k1, n1)
    check_counts(k2, n2)
    if k1 + k2 in (0, n1 + n2):
        raise CreweError(f"{k1} of {n1} and {k2} of {n2}: nobody or everybody had the event, so no test is possible.")
    low, high = fit_newcombe(k1, n1, k2, n2, alpha=alpha)
    p_values = {**_exact(k1, n1, k2, n2), **_asymptotic(k1, n1, k2, n2)}
    return TwoProportions(k1 / n1 - k2 / n2, low, high, p_values)


def check_counts(k: int, n: int) -> None:
    """Raises CreweError unless k of n can be a proportion."""
    if n <= 0 or not 0 <= k <= n or int(k) != k or int(n) != n:
        raise CreweError(f"{k} of {n} is no proportion: both must be whole numbers with 0 ≤ k ≤ n and n > 0.")


def _exact(k1: int, n1: int, k2: int, n2: int) -> dict[str, float]:
    law = stats.hypergeom(n1 + n2, k1 + k2, n1)
    support = np.arange(max(0, k1 + k2 - n2), min(n1, k1 + k2) + 1)
    chance = law.pmf(support)
    own = float(law.pmf(k1))
    fisher = float(chance[chance <= own * (1 + 1e-9)].sum())
    tail = min(float(law.cdf(k1)), float(law.sf(k1 - 1)))
    return {
        "Fisher's exact": min(1.0, fisher),
        "Fisher, mid-p": min(1.0, fisher - own / 2),
        "Fisher, one side doubled": min(1.0, 2 * tail),
    }


def _asymptotic(k1: int, n1: int, k2: int, n2: int) -> dict[str, float]:
    table = [[k1, n1 - k1], [k2, n2 - k2]]
    found = {
        "chi-square": float(stats.chi2_contingency(table, correction=False)[1]),
        "chi-square, Yates": float(stats.chi2_contingency(table, correction=True)[1]),
    }
    if min(k1, n1 - k1, k2, n2 - k2) == 0:
        # An arm without variance would count as known exactly, and these tests would find far too much.
        return found
    slope = math.log(k1 / (n1 - k1)) - math.log(k2 / (n2 - k2))
    error = math.sqrt(1 / k1 + 1 / (n1 - k1) + 1 / k2 + 1 / (n2 - k2))
    found["logit, Wald"] = 2 * float(stats.norm.sf(abs(slope) / error))
    p1, p2 = k1 / n1, k2 / n2
    v1, v2 = p1 * (1 - p1) / n1, p2 * (1 - p2) / n2
    n, gap = n1 + n2, abs(p1 - p2)
    df = n - 2
    for name, variance in (("HC0", v1 + v2), ("HC1", (v1 + v2) * n / df)):
        found[f"linear model, {name}"] = 2 * float(stats.t.sf(gap / math.sqrt(variance), df))
    # With no empty cell each arm has two members or more.
    hc3 = v1 * (n1 / (n1 - 1)) ** 2 + v2 * (n2 / (n2 - 1)) ** 2
    found["linear model, HC3"] = 2 * float(stats.t.sf(gap / math.sqrt(hc3), df))
    w1, w2 = v1 * n1 / (n1 - 1), v2 * n2 / (n2 - 1)
    welch = (w1 + w2) ** 2 / (w1**2 / (n1 - 1) + w2**2 / (n2 - 1))
    found["Welch's t"] = 2 * float(stats.t.sf(gap / math.sqrt(w1 + w2), welch))
    return found
