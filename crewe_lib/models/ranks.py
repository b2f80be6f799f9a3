"""Two groups compared by ranks: exact with ties, with the chance that one has the larger value, and a shift.

Every function takes `treated` (n,), true for the treated, and measures treated against control: an estimate above one
half, or above zero, says that the treated have the *larger values*. What is better is for the caller to say.

Observations are taken to be assigned one by one. Where families were, bring one child of each, or use
`step_down.fit_step_down`, which moves whole families.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, owens_t

from crewe_lib.errors import CreweError

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Method = Literal["exact", "normal", "normal, continuity"]
Test = Callable[[Whole, Truths], float]  # ranks and arms → p-value
MOST = 400  # observations; counting the ways to split more takes too much time and memory
TIED = 9  # decimals to which two statistics are compared


@dataclass(frozen=True)
class MannWhitney:
    """u: pairs (treated, control) in which the treated has the larger value, ties counting half; superiority: u as a
    share of all pairs; z: u less its expectation over its standard deviation; p_value: two-sided, by `method`."""

    u: float
    superiority: float
    z: float
    p_value: float
    n_treated: int
    n_control: int
    method: Method


@dataclass(frozen=True)
class Superiority:
    """estimate: P(treated > control) + ½ P(equal), with its standard error, the Satterthwaite degrees of freedom, and
    interval and p_value on the logit scale; p_brunner_munzel: of their statistic, on the scale of the estimate."""

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    p_value: float
    p_brunner_munzel: float


@dataclass(frozen=True)
class Shift:
    """Hodges–Lehmann estimate and interval, in units of the outcome; a limit is infinite where the groups are so small
    that no shift can be rejected on that side."""

    estimate: float
    conf_low: float
    conf_high: float


def fit_mann_whitney(y: npt.ArrayLike, treated: npt.ArrayLike, *, method: Method) -> MannWhitney:
    """Mann and Whitney's U of y (n,), with ties.

    'exact': over all ways to choose the treated from the n, the share in which the rank sum is at least as far from its
    expectation as observed; mid-ranks, counted by subset sums (Streitberg and Röhmel 1986). 'normal': variance
    corrected for ties. 'normal, continuity': the same, with U half a unit nearer to its expectation.

    Raises CreweError for a missing value, an empty arm, values that are all equal, or too many for 'exact'.
    """
    if method not in get_args(Method):
        raise CreweError(f"method is {method!r}; it must be one of {', '.join(get_args(Method))}.")
    values, own = _check(y, treated, least=1)
    m, n = int(own.sum()), len(values)
    ranks = double_ranks(values)
    excess, spread = _lay_out(ranks, own)
    u = float(excess + m * (n - m) / 2)
    if method == "exact":
        p_value = exact_p(ranks, own)
    else:
        correction = 0.5 if method == "normal, continuity" else 0.0
        p_value = float(2 * stats.norm.sf(max(0.0, abs(excess) - correction) / spread))
    return MannWhitney(u, u / (m * (n - m)), float(excess / spread), min(1.0, p_value), m, n - m, method)


def _lay_out(ranks: Whole, own: Truths) -> tuple[float, float]:
    """By how much the treated's rank sum exceeds its expectation, and its standard deviation, ties allowed for."""
    m, n = int(own.sum()), len(ranks)
    spread = float(np.sqrt(m * (n - m) / (n * (n - 1)) * np.sum((ranks / 2 - (n + 1) / 2) ** 2)))
    return float(ranks[own].sum() / 2 - m * (n + 1) / 2), spread


def _normal_p(ranks: Whole, own: Truths) -> float:
    """Two-sided p-value by the normal approximation; 1 where all ranks are equal."""
    excess, spread = _lay_out(ranks, own)
    return float(2 * stats.norm.sf(abs(excess) / spread)) if spread else 1.0


def exact_p(scores: Whole, treated: Truths) -> float:
    """Two-sided p-value of the sum of the treated's whole-number scores (n,): the share of all ways to choose as many
    of the n in which that sum is at least as far from its mean. Arithmetic on whole numbers, so that ties are exact.
    Raises CreweError for more than `MOST` observations."""
    n = len(scores)
    if n > MOST:
        raise CreweError(f"{n} observations are too many for the exact distribution; use method='normal'.")
    side = treated if 2 * treated.sum() <= n else ~treated  # either sum is as far from its mean; the smaller is quicker
    size, least = int(side.sum()), int(np.min(scores))
    steps = scores - least
    unit = max(1, int(np.gcd.reduce(steps)))
    steps = np.sort(steps // unit)
    most = int(steps[-size:].sum())
    ways = np.zeros((size + 1, most + 1))
    ways[0, 0] = 1.0
    for step in steps:
        ways[1:, step:] += ways[:-1, : most + 1 - step]
    far = np.abs(n * np.arange(most + 1) - size * int(steps.sum()))
    seen = abs(n * int((scores[side] - least).sum() // unit) - size * int(steps.sum()))
    return float(ways[size, far >= seen].sum() / ways[size].sum())


def fit_superiority(y: npt.ArrayLike, treated: npt.ArrayLike, *, alpha: float) -> Superiority:
    """The chance that a treated observation exceeds a control one, ties counting half, allowing unequal spreads.

    Variance and degrees of freedom from placements (Brunner and Munzel 2000, Biometrical Journal 42). Interval and
    p-value are on the logit scale (delta method, t distribution), which keeps the interval between zero and one; the
    original statistic's p-value stands beside them. Raises CreweError for bad alpha, a missing value, fewer than two in
    an arm, values that are all equal, or arms that do not overlap: then the spread cannot be estimated.
    """
    _check_alpha(alpha)
    values, own = _check(y, treated, least=2)
    x, c = values[own], values[~own]
    above = (x[:, None] > c).astype(float) + 0.5 * (x[:, None] == c)
    estimate = float(above.mean())
    parts = np.array([np.var(above.mean(axis=1), ddof=1) / len(x), np.var(above.mean(axis=0), ddof=1) / len(c)])
    variance = float(parts.sum())
    if variance <= 1e-14 or not 0 < estimate < 1:
        raise CreweError(
            "superiority: no value of one arm lies among those of the other, or all but ties are alike, so its error "
            "cannot be estimated; report the exact test instead."
        )
    df = variance**2 / float(np.sum(parts**2 / np.array([len(x) - 1, len(c) - 1])))
    error = float(np.sqrt(variance))
    stretched = error / (estimate * (1 - estimate))
    half = stats.t.ppf(1 - alpha / 2, df) * stretched
    low, high = (float(expit(logit(estimate) + side * half)) for side in (-1, 1))
    p_value = float(2 * stats.t.sf(abs(logit(estimate)) / stretched, df))
    return Superiority(estimate, error, df, low, high, p_value, float(2 * stats.t.sf(abs(estimate - 0.5) / error, df)))


def fit_shift(
    y: npt.ArrayLike, treated: npt.ArrayLike, *, alpha: float, method: Literal["exact", "normal"] = "exact"
) -> Shift:
    """Hodges and Lehmann's (1963) shift: the median of all differences between a treated and a control value.

    The interval holds the shifts about it that the test by `method`, with ties, does not reject at alpha, each shift
    tested with the ties that it makes; it is searched outwards from the estimate, at every difference and between each
    two, until a rejection between two. With 'exact' it covers at least 1 − alpha by construction, if the arms differ by
    a shift; 'normal', without continuity correction, is for many observations. Raises CreweError for bad alpha or
    method, a missing value, an empty arm, or values that are all equal.
    """
    _check_alpha(alpha)
    tests: dict[str, Test] = {"exact": exact_p, "normal": _normal_p}
    if method not in tests:
        raise CreweError(f"method is {method!r}; it must be one of {', '.join(tests)}.")
    values, own = _check(y, treated, least=1)
    gaps = np.subtract.outer(values[own], values[~own]).ravel()
    estimate, steps = float(np.median(gaps)), np.unique(gaps)
    low, high = (
        -_reach(-values, own, -steps[::-1], -estimate, alpha, tests[method]),
        _reach(values, own, steps, estimate, alpha, tests[method]),
    )
    return Shift(estimate, low, high)


def _reach(values: Array, own: Truths, steps: Array, start: float, alpha: float, test: Test) -> float:
    """The largest shift from `start` upwards that is not rejected; steps: the differences, from small to large."""
    reached = start
    for index in np.flatnonzero(steps >= start):
        if test(double_ranks(values - steps[index] * own), own) > alpha:
            reached = float(steps[index])
        if index + 1 == len(steps):
            beyond = values - (steps[index] + 1.0) * own
            return float("inf") if test(double_ranks(beyond), own) > alpha else reached
        between = (steps[index] + steps[index + 1]) / 2
        if test(double_ranks(values - between * own), own) <= alpha:
            return reached
        reached = float(steps[index + 1])
    return reached


def find_detectable_superiority(n_treated: int, n_control: int, *, alpha: float, power: float) -> float:
    """The smallest chance above one half, of a treated observation exceeding a control one, that the two-sided rank
    test at alpha finds with this power, if the arms differ by a shift of normal values without ties.

    Normal approximation with the variance under the shift (Lehmann 1975, Nonparametrics, section 2.3). 1 if not even
    arms that hardly overlap would do. Raises CreweError for bad alpha, power or numbers.
    """
    _check_alpha(alpha)
    if not alpha < power < 1 or min(n_treated, n_control) < 1:
        raise CreweError(
            f"{n_treated} treated, {n_control} control, power {power}: each arm needs an observation, and power must "
            "lie between alpha and 1 (0.8 is usual)."
        )
    pairs, n = n_treated * n_control, n_treated + n_control
    needed = stats.norm.isf(alpha / 2) * np.sqrt((n + 1) / (12 * pairs))

    def lacking(shift: float) -> float:
        """By how many standard errors the power falls short, shift in standard deviations of a difference."""
        chance = float(ndtr(shift))
        both = chance - 2 * owens_t(shift, 1 / np.sqrt(3))  # of two pairs that share one observation
        variance = (chance * (1 - chance) + (n - 2) * (both - chance**2)) / pairs
        return float(stats.norm.ppf(power) - (chance - 0.5 - needed) / np.sqrt(variance))

    farthest = 5.0  # beyond it, arms without ties do not overlap
    return float(ndtr(brentq(lacking, 0.0, farthest))) if lacking(farthest) < 0 else 1.0


def double_ranks(values: Array) -> Whole:
    """Twice the mid-ranks, which are whole numbers. Values that differ by less than rounding count as equal."""
    ranks: Whole = np.rint(2 * stats.rankdata(np.round(values, TIED))).astype(np.int64)
    return ranks


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")


def _check(y: npt.ArrayLike, treated: npt.ArrayLike, *, least: int) -> tuple[Array, Truths]:
    values, own = np.asarray(y, float), np.asarray(treated, bool)
    if values.ndim != 1 or values.shape != own.shape:
        raise CreweError(f"ranks: {values.shape} values and {own.shape} arms; one arm is needed for each value.")
    if not np.isfinite(values).all():
        raise CreweError("ranks: the data hold missing values; leave those rows out with a reason first.")
    if min(own.sum(), (~own).sum()) < least:
        raise CreweError(
            f"ranks: {own.sum()} treated and {(~own).sum()} control observations; at least {least} are needed in each."
        )
    if np.ptp(values) == 0:
        raise CreweError(f"ranks: all {len(values)} values are equal, so there is nothing to rank.")
    return values, own
