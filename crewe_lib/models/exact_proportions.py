"""Exact inference on counts: one proportion, two proportions without conditioning on their sum, events by arm.

Two arms have k1 of n1 and k2 of n2, independent binomials. An unconditional test orders all tables by how far they are
from the hypothesis, and adds up the chances of those at least as far; the common unknown share (the nuisance
parameter) is set to the value at which that sum is largest, so that the error rate holds whatever it is. SciPy's
`barnard_exact` samples that value and loses tables that are tied but for rounding, its two-sided `boschloo_exact`
doubles a one-sided p-value, and it has no interval; here the sum is evaluated on a grid much finer than its waves, and
then refined (compared in `tests/test_exact_proportions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import Array, check_alpha
from crewe_lib.models.proportions import check_counts

Tables = npt.NDArray[np.bool_]
# Statistics that differ by less are ties: the tables are told apart by rounding errors only.
TIE = 1e-7
# Points on the scale arcsin(√p), on which a binomial share has the same spread everywhere: 0.5 / √n.
GRID, FINE = 120, 33
# The grid misses at most some hundredths of a maximum; below this part of the level nothing more is looked for.
CLEAR = 0.8
# Steps in which an interval's limit is searched, and how exactly it is found.
STEP, FINE_STEP, LIMIT_ERROR = 0.01, 0.001, 1e-6


@dataclass(frozen=True)
class Unconditional:
    """`difference` k1/n1 − k2/n2 with its exact interval, and two-sided exact p-values of no difference.

    `barnard` belongs to the interval: both order tables by the score statistic.
    """

    difference: float
    conf_low: float
    conf_high: float
    barnard: float
    boschloo: float


@dataclass(frozen=True)
class EventRatio:
    """Rate of events in the first arm over that in the second: `ratio` with interval, p-value of equal rates.

    Infinite where the second arm has no event; the lower limit then still says something.
    """

    ratio: float
    conf_low: float
    conf_high: float
    p_value: float


def fit_clopper_pearson(k: int, n: int, *, alpha: float) -> tuple[float, float]:
    """Clopper and Pearson's (1934) exact interval of one proportion. Raises CreweError unless 0 ≤ k ≤ n and n > 0."""
    check_counts(k, n)
    check_alpha(alpha)
    low = 0.0 if k == 0 else float(stats.beta.ppf(alpha / 2, k, n - k + 1))
    high = 1.0 if k == n else float(stats.beta.ppf(1 - alpha / 2, k + 1, n - k))
    return low, high


def fit_events(k1: int, k2: int, *, share: float, alpha: float) -> EventRatio:
    """Compare events by arm when the arms' sizes are not known, only the `share` of all who are in the first arm.

    Given k1 + k2 events and equal rates, the number in the first arm is binomial with this share. That takes events
    to be independent of one another. Where each is one family's, and no family has two, it errs slightly on the side
    of caution. Where some come together, such as brothers and sisters or one family twice, the interval is too narrow
    and the p-value too small. The p-value adds up what is no more likely than k1; the interval of the rates' ratio
    follows from Clopper and Pearson's of the first arm's part. Raises CreweError without events or unless
    0 < share < 1.
    """
    check_counts(k1, k1 + k2)
    if not 0 < share < 1:
        raise CreweError(f"the share of the first arm is {share}; it must lie between 0 and 1.")
    limits = fit_clopper_pearson(k1, k1 + k2, alpha=alpha)
    p_value = float(stats.binomtest(k1, k1 + k2, share).pvalue)
    # k1 / (k1 + k2) = share × ratio / (share × ratio + 1 − share), solved for the ratio.
    ratio, low, high = (
        part / (1 - part) * (1 - share) / share if part < 1 else float("inf") for part in (k1 / (k1 + k2), *limits)
    )
    return EventRatio(ratio, low, high, p_value)


def fit_unconditional(k1: int, n1: int, k2: int, n2: int, *, alpha: float) -> Unconditional:
    """Exact unconditional tests of k1/n1 against k2/n2, and the exact interval of their difference.

    Barnard: tables ordered by the size of the score statistic (pooled variance). Boschloo (1970): by Fisher's two-sided
    p-value, so never larger than that. Interval: all differences that the score test (variance under the difference
    tested) does not reject at alpha, as Agresti and Min (2001, Biometrics 57) invert one two-sided test; its hull,
    if the set has gaps. It covers in at least 1 − alpha of trials, whatever the shares. Raises CreweError for
    impossible counts.
    """
    check_counts(k1, n1)
    check_counts(k2, n2)
    check_alpha(alpha)
    low, high = (_limit(k1, n1, k2, n2, alpha, side) for side in (-1, 1))
    barnard = score_p_value(k1, n1, k2, n2, difference=0.0)
    boschloo = _largest_chance(_fisher_region(k1, n1, k2, n2), 0.0)
    return Unconditional(k1 / n1 - k2 / n2, low, high, barnard, boschloo)


def score_p_value(k1: int, n1: int, k2: int, n2: int, *, difference: float) -> float:
    """Exact two-sided p-value of the hypothesis that the shares differ by `difference`: the score test, the second
    share set to what makes it largest."""
    return _largest_chance(_score_region(k1, n1, k2, n2, difference), difference)


def _score_region(k1: int, n1: int, k2: int, n2: int, difference: float) -> Tables:
    """Tables whose score statistic is at least as large as that of the table observed."""
    sizes = np.abs(score_statistics(n1, n2, difference))
    own = sizes[k1, k2]
    # With an infinite statistic the table is impossible under the hypothesis, as are all others that have one.
    region: Tables = sizes >= own * (1 - TIE) - TIE if np.isfinite(own) else np.isinf(sizes)
    return region


def score_statistics(n1: int, n2: int, difference: float) -> Array:
    """(k1/n1 − k2/n2 − difference) over its standard error, for every table (n1 + 1, n2 + 1).

    The error is taken at the shares that fit the table best among those that differ by `difference` (Farrington and
    Manning 1990, Statistics in Medicine 9, appendix: the root of a cubic).
    """
    p1, p2 = np.arange(n1 + 1)[:, None] / n1, np.arange(n2 + 1)[None, :] / n2
    gap, ratio = p1 - p2 - difference, n2 / n1
    if difference == 0:
        first = second = (p1 + ratio * p2) / (1 + ratio)
    else:
        first = _restricted(p1, p2, difference, ratio)
        second = np.clip(first - difference, 0, 1)
    variance = first * (1 - first) / n1 + second * (1 - second) / n2
    sure = variance < 1e-14
    size = gap / np.sqrt(np.where(sure, 1.0, variance))
    return np.where(sure, np.where(np.abs(gap) < 1e-12, 0.0, np.copysign(np.inf, gap)), size)


def _restricted(p1: Array, p2: Array, difference: float, ratio: float) -> Array:
    """First share that fits best if the shares differ by `difference`; ratio: n2 / n1."""
    a = 1 + ratio
    b = -(1 + ratio + p1 + ratio * p2 + difference * (ratio + 2))
    c = difference**2 + difference * (2 * p1 + ratio + 1) + p1 + ratio * p2
    d = -p1 * difference * (1 + difference)
    third = b / (3 * a)
    v = third * third * third - b * c / (6 * a * a) + d / (2 * a)
    u = np.sign(np.where(v == 0, 1.0, v)) * np.sqrt(np.maximum(third * third - c / (3 * a), 0))
    cosine = np.clip(v / np.where(u == 0, 1.0, u * u * u), -1, 1)
    root = 2 * u * np.cos((np.pi + np.arccos(cosine)) / 3) - third
    return np.asarray(np.clip(root, max(0.0, difference), min(1.0, 1 + difference)))


def _fisher_region(k1: int, n1: int, k2: int, n2: int) -> Tables:
    """Tables whose two-sided Fisher p-value is at most that of the table observed."""
    p_values = np.empty((n1 + 1, n2 + 1))
    for total in range(n1 + n2 + 1):
        first = np.arange(max(0, total - n2), min(n1, total) + 1)
        chance = stats.hypergeom(n1 + n2, total, n1).pmf(first)
        order = np.argsort(chance)
        sums = np.cumsum(chance[order])
        # Tables as likely as each other, but for rounding, count together.
        last = np.searchsorted(chance[order], chance * (1 + TIE), side="right") - 1
        p_values[first, total - first] = sums[last]
    region: Tables = p_values <= p_values[k1, k2] * (1 + TIE)
    return region


def _largest_chance(region: Tables, difference: float, level: float | None = None) -> float:
    """The largest chance of a region of tables over all shares that differ by `difference`.

    With a level, the search ends as soon as it is clear on which side of it the answer lies.
    """
    ends = np.arcsin(np.sqrt([max(0.0, -difference), min(1.0, 1 - difference)]))
    angles = np.linspace(ends[0], ends[1], GRID)
    found = _chances(region, np.sin(angles) ** 2, difference)
    best = float(np.max(found))
    if level is not None and not CLEAR * level < best <= level:
        return best
    for peak in _peaks(found):
        centre, half = angles[peak], angles[1] - angles[0]
        for _ in range(3):
            near = np.clip(np.linspace(centre - half, centre + half, FINE), ends[0], ends[1])
            chances = _chances(region, np.sin(near) ** 2, difference)
            centre, half = near[int(np.argmax(chances))], 2 * half / (FINE - 1)
            best = max(best, float(np.max(chances)))
    return min(1.0, best)


def _peaks(values: Array) -> Iterator[int]:
    """The three highest local maxima, ends included."""
    padded = np.concatenate([[-1.0], values, [-1.0]])
    tops = np.flatnonzero((values >= padded[:-2]) & (values >= padded[2:]))
    yield from (int(i) for i in tops[np.argsort(values[tops])[::-1][:3]])


def _chances(region: Tables, second: Array, difference: float) -> Array:
    """The chance of the region at each second share (g,); the first is larger by `difference`."""
    first = np.clip(second + difference, 0, 1)
    n1, n2 = region.shape[0] - 1, region.shape[1] - 1
    return np.asarray(((_binomial(first, n1) @ region.astype(float)) * _binomial(second, n2)).sum(axis=1))


def _binomial(p: Array, n: int) -> Array:
    """Binomial probabilities of 0 … n (g, n + 1) at shares (g,)."""
    k = np.arange(n + 1)
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.asarray(np.exp(ways + special.xlogy(k, p[:, None]) + special.xlog1py(n - k, -p[:, None])))


def _limit(k1: int, n1: int, k2: int, n2: int, alpha: float, side: int) -> float:
    """The outermost difference on one side that is not rejected at alpha: found from outside, in finer and finer
    steps, since the p-value is no smooth function of the difference."""

    def kept(difference: float) -> bool:
        return _largest_chance(_score_region(k1, n1, k2, n2, difference), difference, alpha) > alpha

    inner, outer = k1 / n1 - k2 / n2, float(side)
    if kept(outer):
        return outer
    for step, back in ((STEP, 0.0), (FINE_STEP, 2 * STEP)):
        outer = side * min(1.0, side * outer + back)
        for candidate in np.arange(outer, inner, -side * step)[1:]:
            if kept(candidate):
                inner = candidate
                break
            outer = candidate
    while abs(outer - inner) > LIMIT_ERROR:
        middle = (inner + outer) / 2
        inner, outer = (middle, outer) if kept(middle) else (inner, middle)
    return float(inner)
