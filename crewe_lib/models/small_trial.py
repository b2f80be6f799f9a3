"""What is to be believed of two shares after a small trial, by what was believed of the effect before it.

Of the families treated k1 of n1 have the outcome, of the controls k2 of n2, both binomial. The control share is uniform
on 0 to 1, so nothing is taken as known of it; the log odds ratio, treated to control, is normal and does not depend on
the control share. The estimand is the difference of the two shares, treated less control.

Computed by quadrature, without random numbers. With d the log odds ratio and c the mean of the two log odds, the
difference of shares is sinh(d/2) / (cosh c + cosh(d/2)): beyond x where |d| > 4 artanh x and |c| is below a bound that
depends on d. The log of the posterior density is concave in (c, d), so the region that matters is found by bisection;
Gauss–Legendre nodes cover it as far as the density is above exp(−DROP) of its highest, after a substitution that takes
away the square root where the bound begins. More nodes change nothing to 1e-10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.optimize import brentq

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import check_alpha
from crewe_lib.models.proportions import check_counts

Array = npt.NDArray[np.float64]
NODES = (160, 240)  # along the log odds ratio, and within each along the mean of the log odds
COARSE = (48, 48)  # for many tables of this size at once, to 1e-5
DROP = 38.0
# Priors wider or farther off than these are no beliefs, and the log odds would be too large to compute with.
WIDEST, FARTHEST = 10.0, 20.0


@dataclass(frozen=True)
class NormalPrior:
    """What is believed of the log odds ratio, treated to control, before the trial: normal, mean and deviation."""

    mean: float
    sd: float

    def turned(self) -> NormalPrior:
        """The same belief about the opposite outcome."""
        return NormalPrior(-self.mean + 0.0, self.sd)


@dataclass(frozen=True)
class SmallTrial:
    """The difference of shares, treated less control: mean, median and central interval of what is believed of it, and
    the chances that it is above 0 (rise), above the worthwhile difference, and below its negative."""

    mean: float
    median: float
    conf_low: float
    conf_high: float
    rise: float
    worthwhile_rise: float
    worthwhile_fall: float


def fit_small_trial(
    k1: int,
    n1: int,
    k2: int,
    n2: int,
    *,
    prior: NormalPrior,
    worthwhile: float,
    alpha: float,
    nodes: tuple[int, int] = NODES,
) -> SmallTrial:
    """What is believed of the difference after k1 of n1 treated and k2 of n2 controls had the outcome.

    worthwhile: a difference of shares, between 0 and 1; the interval holds 1 − alpha, half of alpha on each side.
    Nobody or everybody with the outcome, in one arm or both, is allowed. Raises CreweError for impossible counts, an
    empty arm, a prior too narrow or too wide, or bad worthwhile or alpha.
    """
    _check(k1, n1, k2, n2)
    return _describe(_Posterior((k1, n1, k2, n2), prior, nodes), worthwhile, alpha)


def fit_prior_beliefs(prior: NormalPrior, *, worthwhile: float, alpha: float) -> SmallTrial:
    """What a prior says of the difference before anything is seen. Raises CreweError as `fit_small_trial` does."""
    return _describe(_Posterior((0, 0, 0, 0), prior, NODES), worthwhile, alpha)


def fit_prior_chance(prior: NormalPrior, *, worthwhile: float) -> float:
    """The chance that a prior gives to a difference above worthwhile. Raises CreweError likewise."""
    _check_worthwhile(worthwhile)
    return _Posterior((0, 0, 0, 0), prior, NODES).chance(1, worthwhile)


def fit_chances(
    k1: int, n1: int, k2: int, n2: int, *, prior: NormalPrior, worthwhile: float
) -> tuple[float, float, float]:
    """rise, worthwhile_rise and worthwhile_fall alone, as in `SmallTrial`, from fewer nodes: for many tables of a few
    hundred families at once, to 1e-5. Raises CreweError likewise."""
    _check(k1, n1, k2, n2)
    _check_worthwhile(worthwhile)
    return _Posterior((k1, n1, k2, n2), prior, COARSE).chances(worthwhile)


def _check(k1: int, n1: int, k2: int, n2: int) -> None:
    for arm, k, n in (("treated", k1, n1), ("control", k2, n2)):
        if n == 0:
            raise CreweError(f"the {arm} arm has no family whose outcome is known, so there is nothing to learn from.")
        check_counts(k, n)


def _check_worthwhile(worthwhile: float) -> None:
    if not 0 < worthwhile < 1:
        raise CreweError(f"a worthwhile difference of {worthwhile:g} is none of shares; it must lie between 0 and 1.")


def _describe(posterior: _Posterior, worthwhile: float, alpha: float) -> SmallTrial:
    _check_worthwhile(worthwhile)
    check_alpha(alpha)
    median, low, high = (posterior.quantile(level) for level in (0.5, alpha / 2, 1 - alpha / 2))
    return SmallTrial(posterior.mean, median, low, high, *posterior.chances(worthwhile))


@lru_cache(maxsize=8)
def _legendre(number: int) -> tuple[Array, Array]:
    """Gauss–Legendre nodes and weights on 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(number)
    return (nodes + 1) / 2, weights / 2


class _Posterior:
    """The joint density of d, the log odds ratio, and c, the mean of the log odds, and its integrals."""

    def __init__(self, counts: tuple[int, int, int, int], prior: NormalPrior, nodes: tuple[int, int]) -> None:
        if not (0 < prior.sd <= WIDEST and abs(prior.mean) <= FARTHEST):
            raise CreweError(
                f"a prior with mean {prior.mean:g} and standard deviation {prior.sd:g} cannot be used: the deviation "
                f"must be above 0 and at most {WIDEST:g}, the mean at most {FARTHEST:g} from 0."
            )
        self.counts, self.prior = counts, prior
        self.outer, self.inner = (_legendre(number) for number in nodes)
        self.least, self.most, self.top = self._limits()
        places, weights = self.outer
        d = self.least + (self.most - self.least) * places
        values, c = self._inner_values(d, math.inf)
        values = values * ((self.most - self.least) * weights)[:, None]
        self.total = float(values.sum())
        gaps = special.expit(c + d[:, None] / 2) - special.expit(c - d[:, None] / 2)
        self.mean = float((values * gaps).sum()) / self.total

    def chance(self, side: int, difference: float) -> float:
        """Chance that the difference of shares is more than this (0 or above) on one side of zero, 1 or -1."""
        start = 4 * math.atanh(difference) if difference < 1 else math.inf
        low, high = (self.least, self.most) if side > 0 else (-self.most, -self.least)
        if start >= high:
            return 0.0
        # With t² the distance from where the bound on c begins, that bound is analytic in t.
        first, last = math.sqrt(max(0.0, low - start)), math.sqrt(high - start)
        places, weights = self.outer
        t = first + (last - first) * places
        size = start + t**2
        with np.errstate(divide="ignore"):
            over = np.tanh(size / 4) / difference - 1 if difference > 0 else np.full_like(size, math.inf)
        bound = 2 * np.arcsinh(np.cosh(size / 4) * np.sqrt(np.maximum(0.0, over)))
        values, _ = self._inner_values(side * size, bound)
        return min(1.0, float((last - first) * (2 * t * weights) @ values.sum(axis=1)) / self.total)

    def chances(self, worthwhile: float) -> tuple[float, float, float]:
        """The chances of a difference above 0, above worthwhile, and below its negative."""
        return self.chance(1, 0.0), self.chance(1, worthwhile), self.chance(-1, worthwhile)

    def quantile(self, level: float) -> float:
        """The difference below which the chance is this level."""

        def excess(x: float) -> float:
            return (1 - self.chance(1, x) if x >= 0 else self.chance(-1, -x)) - level

        return float(brentq(excess, -1.0, 1.0, xtol=1e-12))

    def _inner_values(self, d: Array, bound: Array | float) -> tuple[Array, Array]:
        """Density times weight (d, c) over c between −bound and bound, and the nodes."""
        best = self._best(d)
        log_size = math.log(2 * (self.counts[1] + self.counts[3] + 2))
        # Beyond these places the density falls by half a unit or more with each unit of c.
        far = np.abs(d) / 2 + log_size + np.abs(best) + 2 * DROP
        highest = self._density(best, d)
        low, high = (
            _bisect(lambda c: self._density(c, d) - highest + DROP, best, side * far, steps=10, outer=True)
            for side in (-1, 1)
        )
        low, high = np.clip(low, -bound, bound), np.clip(high, -bound, bound)
        places, weights = self.inner
        width = (high - low)[:, None]
        c = low[:, None] + width * places
        return np.asarray(np.exp(self._density(c, d[:, None]) - self.top) * width * weights), c

    def _density(self, c: Array, d: Array) -> Array:
        """Log density up to a constant; the uniform control share is logistic in its log odds."""
        k1, n1, k2, n2 = self.counts
        control = (k2 + 1) * (c - d / 2) - (n2 + 2) * np.log1p(np.exp(c - d / 2))
        treated = k1 * (c + d / 2) - n1 * np.log1p(np.exp(c + d / 2))
        return np.asarray(control + treated - ((d - self.prior.mean) / self.prior.sd) ** 2 / 2)

    def _best(self, d: Array) -> Array:
        """For each d the c of highest density: where the expected counts are those seen, a quadratic in exp(c)."""
        k1, n1, k2, n2 = self.counts
        seen, control, ratio = k1 + k2 + 1, n2 + 2, np.exp(d / 2)
        square = ratio * (n1 + control - seen)
        linear = seen * (1 + ratio**2) - control - n1 * ratio**2
        root = np.sqrt(linear**2 + 4 * square * seen * ratio)
        # The form without cancellation, by the sign of the linear term.
        best = np.where(linear > 0, (linear + root) / (2 * square), 2 * seen * ratio / (root + np.abs(linear)))
        return np.asarray(np.log(best))

    def _limits(self) -> tuple[float, float, float]:
        """The range of d in which the highest density over c has not fallen by `DROP`, and that highest."""
        k1, n1, k2, n2 = self.counts
        mean, variance = self.prior.mean, self.prior.sd**2

        def slope(d: Array) -> Array:
            c = self._best(d)
            expected = n1 * special.expit(c + d / 2) - (n2 + 2) * special.expit(c - d / 2)
            return np.asarray((k1 - k2 - 1 - expected) / 2 - (d - mean) / variance)

        # Farther from the prior than this, no counts pull harder than it holds.
        reach = 2 * math.log(n1 + n2 + 2) + math.log1p(variance) + abs(mean)
        middle = _bisect(slope, np.array([mean - reach]), np.array([mean + reach]))
        top = self._density(self._best(middle), middle)
        step = self.prior.sd * math.sqrt(2 * DROP)  # the density falls at least as fast as the prior

        def left(d: Array) -> Array:
            return self._density(self._best(d), d) - top + DROP

        low, high = (_bisect(left, middle, middle + side * step, steps=10, outer=True) for side in (-1, 1))
        return float(low[0]), float(high[0]), float(top[0])


def _bisect(
    function: Callable[[Array], Array], near: Array, far: Array, *, steps: int = 24, outer: bool = False
) -> Array:
    """Where functions, positive at `near` and not at `far`, change sign: about there, or if `outer` just beyond."""
    for _ in range(steps):
        middle = (near + far) / 2
        positive = function(middle) > 0
        near, far = np.where(positive, middle, near), np.where(positive, far, middle)
    return far if outer else (near + far) / 2
