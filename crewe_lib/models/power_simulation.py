"""Power by simulation: trials that allocate families of unequal size, with a yes-or-no outcome of each child.

Outcomes are a mixture: with a chance that is the intra-class correlation all children of a family share one outcome,
and otherwise each has its own. Every child then has the arm's share, and any two siblings correlate exactly so, from 0
to 1. Of how outcomes cluster beyond pairs a comparison of two shares sees next to nothing.

The test is the difference of the children's shares with the cluster-robust standard error CR2 and Satterthwaite degrees
of freedom: what `linear.fit_linear` gives for an arm indicator. Without covariates both have a closed form in the sizes
m of families and the sum N of each arm, so thousands of trials are tested at once. It allows for unequal sizes and for
arms that vary differently, and gives every child the same weight, as the formulas of `cluster_power` do; a t test of
family means would estimate another difference, in which every family weighs the same. The naive test takes the
children as independent (Huber–White errors without families, HC2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """A share of simulated trials and its Monte Carlo standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class SimulatedPower:
    """Shares of trials with a significant difference, either way: by the clustered test and by the naive one; and how
    many trials were simulated."""

    clustered: Share
    naive: Share
    trials: int


def size_variation(children: float) -> float:
    """Coefficient of variation of family sizes that are 1 + Poisson, with a mean of `children`; see `draw_sizes`.

    Raises CreweError for a mean below 1.
    """
    if not 1 <= children < math.inf:
        raise CreweError(f"children per family is {children:g}; it must be 1 or more.")
    return math.sqrt(children - 1) / children


def draw_sizes(families: int, children: int, *, trials: int, rng: np.random.Generator) -> Counts:
    """Family sizes (trials, families): one child each, the others spread over the families at random.

    An assumption for where only both sums are known: sizes are 1 + Poisson, given that they add up to `children`.
    Raises CreweError unless there are a family and a trial, and at least as many children as families.
    """
    if min(families, trials) < 1 or children < families:
        raise CreweError(
            f"{children} children in {families} families, {trials} trials: there must be a family and a trial, and no "
            "fewer children than families."
        )
    return np.asarray(1 + rng.multinomial(children - families, np.full(families, 1 / families), size=trials))


def draw_events(sizes: Counts, shares: Array, icc: float, *, rng: np.random.Generator) -> Counts:
    """Children with the event in each family, shaped as `sizes`; `shares` (families,) is each family's chance."""
    chance = np.broadcast_to(shares, sizes.shape)
    alike = rng.random(sizes.shape) < icc
    together = rng.random(sizes.shape) < chance
    return np.asarray(np.where(alike, sizes * together, rng.binomial(sizes, chance)))


def fit_simulated_power(
    sizes: Counts,
    *,
    treated: int,
    baseline: float,
    difference: float,
    icc: float,
    alpha: float,
    rng: np.random.Generator,
) -> SimulatedPower:
    """How often a true `difference` (signed; 0 gives the tests' size) from the control arm's `baseline` is found.

    sizes: children in each family, (trials, families), the first `treated` families being those of the treated arm;
    baseline and difference are shares of one. A trial in which neither arm varies finds something only if the arms
    differ. Raises CreweError for an impossible share, correlation or alpha, a family without children, no trials, or an
    arm with fewer than two families.
    """
    _check(sizes, treated, baseline, difference, icc, alpha)
    trials, families = sizes.shape
    shares = np.full(families, baseline)
    shares[:treated] = baseline + difference
    events = draw_events(sizes, shares, icc, rng=rng)
    arms = [slice(0, treated), slice(treated, families)]
    clustered, naive = fit_arms([(events[:, arm], sizes[:, arm]) for arm in arms])
    return SimulatedPower(_share(clustered <= alpha), _share(naive <= alpha), trials)


def fit_arms(arms: list[tuple[Counts, Counts]]) -> tuple[Array, Array]:
    """Two-sided p-values (trials,) of the difference between two arms: clustered and naive.

    arms: events and sizes (trials, families of the arm) of the treated and the control arm.
    """
    (p1, variance1, trace1, square1, naive1, n1), (p0, variance0, trace0, square0, naive0, n0) = (
        _fit_arm(events.astype(float), sizes.astype(float)) for events, sizes in arms
    )
    df = (trace1 + trace0) ** 2 / (square1 + square0)
    gap = np.abs(p1 - p0)
    clustered = 2 * stats.t.sf(_ratio(gap, np.sqrt(variance1 + variance0)), df)
    naive = 2 * stats.t.sf(_ratio(gap, np.sqrt(naive1 + naive0)), n1 + n0 - 2)
    return np.asarray(clustered), np.asarray(naive)


def _fit_arm(events: Array, sizes: Array) -> tuple[Array, ...]:
    """For each trial the arm's share; its CR2 variance; trace and sum of squares of the matrix behind the degrees of
    freedom (Pustejovsky and Tipton 2018); the naive variance; the number of children."""
    n = np.sum(sizes, axis=1)
    share = np.sum(events, axis=1) / n
    leverage = 1 - sizes / n[:, None]
    variance = np.sum((events - sizes * share[:, None]) ** 2 / leverage, axis=1) / n**2
    weight = sizes**2 / leverage
    square = (np.sum(sizes**2, axis=1) + (np.sum(weight, axis=1) ** 2 - np.sum(weight**2, axis=1)) / n**2) / n**4
    return share, variance, 1 / n, square, share * (1 - share) / (n - 1), n


def _ratio(gap: Array, error: Array) -> Array:
    """The test statistic; 0 or infinite where nothing varies."""
    # Rounding leaves a trace of a variance, or of a difference, where there is none.
    still = error < 1e-12
    return np.where(still, np.where(gap < 1e-12, 0.0, np.inf), gap / np.where(still, 1.0, error))


def _share(found: npt.NDArray[np.bool_]) -> Share:
    value = float(np.mean(found))
    return Share(value, float(np.sqrt(value * (1 - value) / len(found))))


def _check(sizes: Counts, treated: int, baseline: float, difference: float, icc: float, alpha: float) -> None:
    if sizes.ndim != 2 or sizes.shape[0] < 1 or np.any(sizes < 1):
        raise CreweError("sizes must be children by trial and family: at least one trial, and one child in a family.")
    families = sizes.shape[1]
    if not 2 <= treated <= families - 2:
        raise CreweError(f"{treated} of {families} families are treated; each arm needs at least two.")
    if not 0 < baseline < 1 or not 0 <= baseline + difference <= 1:
        raise CreweError(
            f"a difference of {difference:g} from {baseline:g} is impossible: both shares must lie between 0 and 1."
        )
    if not 0 <= icc <= 1:
        raise CreweError(f"the intra-class correlation is {icc:g}; it must lie between 0 and 1.")
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha:g}; it must lie between 0 and 1 (0.05 is 5%).")
