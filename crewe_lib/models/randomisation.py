"""Randomisation inference for a trial that allocated whole families."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from math import ceil, comb

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import Array, LinearFit, fit_linear
from crewe_lib.models.panel import Indexes, check_alpha

_CELLS = 500_000  # allocations × families held at a time
_TIE = 1e-9  # statistics nearer than this share of their size are tied
_STEP, _STEPS, _HALVINGS = 0.25, 400, 50  # of the search for a limit, the step in standard errors


@dataclass(frozen=True)
class RandomisationResult:
    """The coefficient of treatment, its CR0 error, p-value and interval by inversion.

    n: observations; families_treated and families_control among those that were allocated; n_draws: allocations that
    the actual one was compared with; exact: whether these are all there are.
    """

    estimate: float
    std_error: float
    p_value: float
    conf_low: float
    conf_high: float
    n: int
    families_treated: int
    families_control: int
    n_draws: int
    exact: bool


def fit_randomisation(
    y: npt.ArrayLike,
    treated: npt.ArrayLike,
    *,
    covariates: npt.ArrayLike | None = None,
    families: npt.ArrayLike,
    among: npt.ArrayLike | None = None,
    n_draws: int,
    rng: np.random.Generator,
    alpha: float,
) -> RandomisationResult:
    """Test and interval for the effect of treatment from the allocation of families, arm sizes in families kept.

    y (n,), treated (n,) 0 or 1 and the same for a whole family, covariates (n, p) without a constant, families (n,)
    labels. Statistic: the coefficient of treated in least squares on a constant, treated and covariates, over its CR0
    error by family (HC0 where each has one row), in size. Compared with all allocations if they are at most n_draws,
    else with n_draws drawn ones: p = (1 + count) / (1 + draws). Allocations under which the model cannot be fitted are
    left out; the actual one is not among them, so the test stays exact.

    The p-value is exact for no effect on anyone; since the statistic is studentised, it is asymptotically valid for no
    average effect too: Wu and Ding (2021), JASA 116(536); Zhao and Ding (2021), Journal of Econometrics 225(2). The
    interval holds the effects, the same for everyone, that are not rejected at alpha, out to the first on each side
    that is; for each allocation the coefficient is linear and its variance quadratic in that effect.

    among (n,), true for the families that are allocated anew. The others must have treated 0 and keep their allocation,
    whose effect the caller may put into the covariates: so an effect in some families is tested whatever it is in the
    rest.

    Raises CreweError for missing values, a family in both arms, fewer than two families in an arm, a model that cannot
    be fitted, bad alpha or n_draws, or so few allocations that none gives a p-value as small as alpha.
    """
    check_alpha(alpha)
    if n_draws < ceil(1 / alpha - 1e-9) - 1:
        raise CreweError(f"randomisation: {n_draws} draws cannot give a p-value of {alpha}; raise n_draws.")
    outcome, arm = np.asarray(y, float), np.asarray(treated, float)
    codes, allocated, movable = _check_allocation(arm, families, among)
    fixed = np.ones((len(arm), 1))
    if covariates is not None:
        fixed = np.column_stack([fixed, np.asarray(covariates, float).reshape(len(arm), -1)])
    observed = fit_linear(outcome, np.column_stack([fixed, arm]), covariance="CR0", clusters=codes)
    observed.interval(fixed.shape[1], alpha)  # has an error, or says why not
    chosen = int(allocated.sum())
    exact = comb(len(movable), chosen) <= n_draws
    sums = _sum_families(outcome, arm, fixed, codes)
    draws = _all(movable, chosen, len(allocated)) if exact else _some(movable, chosen, len(allocated), n_draws, rng)
    reference = _Reference.of(observed, np.concatenate([_statistics(sums, rows) for rows in draws]), exact)
    low, high = (reference.limit(side, alpha) for side in (-1, 1))
    return RandomisationResult(
        estimate=reference.estimate,
        std_error=reference.std_error,
        p_value=reference.p_value(0.0),
        conf_low=low,
        conf_high=high,
        n=len(outcome),
        families_treated=chosen,
        families_control=len(movable) - chosen,
        n_draws=len(reference.draws),
        exact=exact,
    )


def _check_allocation(
    arm: Array, families: npt.ArrayLike, among: npt.ArrayLike | None
) -> tuple[Indexes, Array, Indexes]:
    """Families as codes from 0 by row (n,), the treatment of each (G,), and which of them are allocated anew."""
    labels = np.asarray(families)
    if labels.shape != arm.shape or pd.isna(labels).any():
        raise CreweError(f"randomisation: families must be {len(arm)} labels without a gap, one for each row.")
    if not np.isin(arm, (0, 1)).all():
        raise CreweError("randomisation: treated must be 0 or 1 in every row.")
    codes, names = pd.factorize(labels)
    moved = np.ones(len(arm)) if among is None else np.asarray(among, float)
    for values, words in ((arm, "both treated and not"), (moved, "only partly among those allocated anew")):
        share = np.bincount(codes, values) / np.bincount(codes)
        if mixed := [str(names[i]) for i in np.flatnonzero((share > 0) & (share < 1))]:
            raise CreweError(f"randomisation: families {words}: {', '.join(mixed[:5])}; whole families are allocated.")
    allocated, anew = np.zeros(len(names)), np.zeros(len(names), bool)
    allocated[codes], anew[codes] = arm, moved > 0
    if allocated[~anew].any():
        raise CreweError("randomisation: families that keep their allocation must have treated 0.")
    if min(np.sum(allocated[anew] == one) for one in (0, 1)) < 2:
        raise CreweError("randomisation: an arm has fewer than two families; each needs at least two.")
    return np.asarray(codes, np.int64), allocated, np.flatnonzero(anew)


def _all(movable: Indexes, chosen: int, families: int) -> Iterator[Array]:
    """Every choice of so many of the movable families, as rows of 0 and 1 (draws, families)."""
    choices = combinations(movable.tolist(), chosen)
    while some := list(islice(choices, max(1, _CELLS // families))):
        rows = np.zeros((len(some), families))
        np.put_along_axis(rows, np.array(some), 1.0, axis=1)
        yield rows


def _some(movable: Indexes, chosen: int, families: int, n_draws: int, rng: np.random.Generator) -> Iterator[Array]:
    """Random choices of so many."""
    step = max(1, _CELLS // families)
    for start in range(0, n_draws, step):
        order = rng.random((min(step, n_draws - start), len(movable))).argpartition(chosen, axis=1)
        rows = np.zeros((len(order), families))
        np.put_along_axis(rows, movable[order[:, :chosen]], 1.0, axis=1)
        yield rows


@dataclass(frozen=True)
class _FamilySums:
    """Sums over each of G families, q (n, k) an orthonormal basis of the covariates.

    rows (G,); basis (G, k) of q; outcomes (G, 2) of the outcome and the actual treatment, both less their fit on q;
    products (2, G, k) of these with q; squares (k (k + 1) / 2, G) of q with itself, off the diagonal twice.
    """

    rows: Array
    basis: Array
    outcomes: Array
    products: Array
    squares: Array


def _sum_families(outcome: Array, arm: Array, fixed: Array, codes: Indexes) -> _FamilySums:
    q = np.linalg.qr(fixed / np.linalg.norm(fixed, axis=0))[0]
    both = np.column_stack([outcome, arm])
    both = both - q @ (q.T @ both)
    one, other = np.triu_indices(q.shape[1])
    columns = [np.ones((len(q), 1)), q, both, both[:, [0]] * q, both[:, [1]] * q]
    columns.append(q[:, one] * q[:, other] * np.where(one == other, 1.0, 2.0))
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
    rows, basis, outcomes, first, second, squares = (np.add.reduceat(c[order], starts, axis=0) for c in columns)
    return _FamilySums(rows[:, 0], basis, outcomes, np.stack([first, second]), squares.T)


def _statistics(sums: _FamilySums, draws: Array) -> Array:
    """For each allocation (draws, G) five numbers (draws, 5), those that the model cannot be fitted under left out.

    For the hypothesis that treatment adds d to everyone treated: coefficient c0 − c1 d, variance v0 − 2 v1 d + v2 d².
    With treatment less its fit on the covariates, t, the coefficient of u is t'u / t't, and the variance sums over
    families the squares of t'u − (t'u / t't) t't taken within them.
    """
    fitted = draws @ sums.basis
    size = draws @ sums.rows - (fitted**2).sum(axis=1)
    fit = size > 1e-10 * (draws @ sums.rows)
    draws, fitted, size = draws[fit], fitted[fit], size[fit]
    one, other = np.triu_indices(fitted.shape[1])
    within = (fitted[:, one] * fitted[:, other]) @ sums.squares
    within += draws * (sums.rows - 2 * (fitted @ sums.basis.T))
    coefficients = draws @ sums.outcomes / size[:, None]
    scores = [draws * sums.outcomes[:, j] - fitted @ sums.products[j].T - coefficients[:, [j]] * within for j in (0, 1)]
    pairs = ((0, 0), (0, 1), (1, 1))
    variances = [np.einsum("dg,dg->d", scores[a], scores[b]) / size**2 for a, b in pairs]
    return np.column_stack([coefficients, *variances])


@dataclass(frozen=True)
class _Reference:
    """The actual estimate and its error, and the five numbers of `_statistics` for each allocation."""

    estimate: float
    std_error: float
    draws: Array
    exact: bool

    @classmethod
    def of(cls, observed: LinearFit, draws: Array, exact: bool) -> _Reference:
        return cls(float(observed.coefficients[-1]), float(observed.std_errors[-1]), draws, exact)

    def p_value(self, effect: float) -> float:
        """For the hypothesis that treatment adds this to everyone treated; statistics compared without division."""
        c0, c1, v0, v1, v2 = self.draws.T
        here = ((c0 - c1 * effect) * self.std_error) ** 2
        there = (self.estimate - effect) ** 2 * (v0 - 2 * v1 * effect + v2 * effect**2)
        extreme = int(np.sum(here >= there * (1 - _TIE)))
        return extreme / len(here) if self.exact else (1 + extreme) / (1 + len(here))

    def limit(self, side: int, alpha: float) -> float:
        """The limit of the interval below (-1) or above (1): a walk outwards, then bisection."""
        for step in range(1, _STEPS + 1):
            outside = self.estimate + side * step * _STEP * self.std_error
            if self.p_value(outside) <= alpha:
                break
        else:
            raise CreweError(
                f"randomisation: no effect is rejected at {alpha}, however large; the families allow too few "
                f"allocations ({len(self.draws)} compared). Use a larger alpha, or exact methods for the counts."
            )
        inside = outside - side * _STEP * self.std_error
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if self.p_value(middle) <= alpha else (middle, outside)
        return float(inside)
