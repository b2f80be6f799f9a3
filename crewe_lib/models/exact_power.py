"""Exact power of a comparison of two independent shares: the sum over all pairs of counts that a named test rejects.

One child a family, so no clusters. Tests, two-sided:

| test | statistic |
|---|---|
| HC2 | difference of the shares over its error, with p(1 − p)/(n − 1) in each arm; t, Satterthwaite's df |
| chi-square | Pearson's, without correction |

HC2, with the degrees of freedom (df) of Bell and McCaffrey (2002), is what `linear.fit_linear` gives for an arm
indicator with CR2 errors, each child its own family, and what the simulated trials of `power_simulation` use: if
neither arm varies, it rejects whenever the arms differ. The chi-square has the common variance of both arms.
Differences are shares of one, treated less control; the control arm has the baseline proportion. Power counts
rejections in either direction.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import brentq

from crewe_lib.errors import CreweError
from crewe_lib.models.cluster_power import SIGN, Direction
from crewe_lib.models.exact_proportions import score_statistics

Test = Literal["HC2", "chi-square"]
TESTS: tuple[Test, ...] = get_args(Test)
# Differences at which the power is looked at before the least is narrowed down.
STEPS = 200


def fit_exact_power(
    baseline: float, difference: float, *, treated: int, control: int, test: Test, alpha: float
) -> float:
    """Chance that the test rejects if the true `difference` (signed; 0 gives the test's size) is added to `baseline`.

    treated, control: children analysed in the arms, two or more each. Raises CreweError for an impossible share, an
    unknown test, alpha outside 0 to 1, or an arm of fewer than two.
    """
    if not 0 < baseline < 1 or not 0 <= baseline + difference <= 1:
        raise CreweError(
            f"a difference of {difference:g} from {baseline:g} is impossible: both shares must lie between 0 and 1."
        )
    region = _region(treated, control, test, alpha)
    first = stats.binom.pmf(np.arange(treated + 1), treated, baseline + difference)
    second = stats.binom.pmf(np.arange(control + 1), control, baseline)
    return float(first @ region @ second)


def fit_exact_detectable(
    baseline: float, *, treated: int, control: int, test: Test, alpha: float, power: float, direction: Direction
) -> float:
    """Least difference from which on, up or down, the test rejects with at least this power; a share of one, above 0.

    Missing (NaN) if the largest possible change, to nobody or to everybody, is not found so often. Raises CreweError as
    `fit_exact_power` does, and unless power lies between alpha and 1.
    """
    if not alpha < power < 1:
        raise CreweError(f"power is {power:g}; it must lie between alpha ({alpha:g}) and 1.")
    most = 1 - baseline if direction == "rise" else baseline

    def lacking(size: float) -> float:
        # The ends are reached exactly, so that rounding makes no share below 0 or above 1.
        signed = SIGN[direction] * min(size, most)
        return power - fit_exact_power(baseline, signed, treated=treated, control=control, test=test, alpha=alpha)

    sizes = np.linspace(0, most, STEPS + 1)
    # Counts are whole, so the power need not rise everywhere; what counts is the last difference that lacks it.
    last = max((i for i, size in enumerate(sizes) if lacking(float(size)) > 0), default=-1)
    if last == STEPS:
        return math.nan
    if last < 0:
        raise CreweError("the test rejects so often without any difference that no least difference is defined.")
    return float(brentq(lacking, float(sizes[last]), float(sizes[last + 1]), xtol=1e-9))


@lru_cache(maxsize=32)
def _region(n1: int, n2: int, test: Test, alpha: float) -> npt.NDArray[np.float64]:
    """1 for each pair of counts (n1 + 1, n2 + 1) that the test rejects at alpha, else 0."""
    if test not in TESTS:
        raise CreweError(f"test must be one of {', '.join(TESTS)}; got {test!r}.")
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha:g}; it must lie between 0 and 1 (0.05 is 5%).")
    if min(n1, n2) < 2:
        raise CreweError(f"arms of {n1} and {n2} children are too small; each needs at least two.")
    if test == "chi-square":
        return np.asarray(2 * stats.norm.sf(np.abs(score_statistics(n1, n2, 0.0))) <= alpha, float)
    p1, p2 = np.arange(n1 + 1)[:, None] / n1, np.arange(n2 + 1)[None, :] / n2
    gap, error = np.abs(p1 - p2), np.sqrt(p1 * (1 - p1) / (n1 - 1) + p2 * (1 - p2) / (n2 - 1))
    df = (1 / n1 + 1 / n2) ** 2 / (1 / (n1**2 * (n1 - 1)) + 1 / (n2**2 * (n2 - 1)))
    critical = float(stats.t.isf(alpha / 2, df))
    # Equal shares that differ by rounding are no difference.
    return np.asarray((gap >= critical * error) & (gap > 1e-12), float)
