"""Synthetic control for one treated unit, placebos in space, and leaving each donor out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError
from crewe_lib.models.simplex import fit_simplex_weights

Array = npt.NDArray[np.float64]
Statistic = Literal["rmspe_ratio", "post_rmspe", "average_gap"]
Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class SyntheticControl:
    """One unit against its synthetic control; gaps are the unit less its synthetic control, in the unit of y.

    unit: row index. n_pre: periods before treatment. weights (units,): zero for the unit itself and for units that
    are not donors. gaps (periods,). pre_rmspe, post_rmspe: root mean squared gap before and after. rmspe_ratio: post
    over pre, infinite where the fit is exact. average_gap: mean gap after treatment, the estimated effect.
    unique: whether no other weights fit the pre-periods as well; if not, the gaps after treatment rest on the rule
    that settles ties. exact: the unit lies within the donors' convex hull, and pre_rmspe is set to zero.
    """

    unit: int
    n_pre: int
    weights: Array
    gaps: Array
    pre_rmspe: float
    post_rmspe: float
    rmspe_ratio: float
    average_gap: float
    unique: bool
    exact: bool


@dataclass(frozen=True)
class PlaceboRank:
    """statistics (n,) in the order of the fits; rank 1 is the most extreme; p_value = rank / n, ties counted against.

    The p-value is exact if the treated unit was drawn at random among the n and every unit was fitted by the same
    rule; keeping the treated unit out of the placebos' donor pools makes that approximate. Without such a draw it says
    no more than how unusual the treated unit is among units to which nothing was done. It is never below 1 / n.
    """

    statistics: Array
    rank: int
    n: int
    p_value: float


def fit_synthetic_control(
    y: npt.ArrayLike, treated: int, n_pre: int, *, penalty: float, exclude: Collection[int] = ()
) -> SyntheticControl:
    """Effect on one treated unit: its outcome less a weighted mean of donors' outcomes, after period n_pre.

    Estimand: the treated unit's mean of Y(1) − Y(0) over the periods after treatment. y: (units, periods) without
    missing values, the first n_pre columns before treatment; exclude: rows that may not be donors.

    Weights are not negative, sum to one, and minimise the squared gap summed over all pre-periods, plus penalty ×
    Σ wⱼ‖y₁ − yⱼ‖² over the same periods. Matching is on outcomes only: every pre-period counts the same, and there
    are no covariates. penalty 0 is Abadie, Diamond and Hainmueller (2010), Journal of the American Statistical
    Association 105(490), with V the identity; a positive penalty (no unit) is Abadie and L'Hour (2021), JASA 116(536),
    which prefers donors near the treated unit. Where penalty 0 leaves the weights undetermined, the limit
    of a vanishing penalty is taken: see `fit_simplex_weights`.

    Raises CreweError for missing values, fewer than two donors or two pre-periods, no period after treatment, an
    index out of range, a negative penalty, or pre-periods in which nothing differs between the units.
    """
    outcomes = check_panel(y, treated, n_pre)
    return _fit(outcomes, treated, n_pre, penalty, _rows(exclude, len(outcomes)))


def fit_all_synthetic_controls(
    y: npt.ArrayLike, n_pre: int, *, penalty: float, exclude: Collection[int] = ()
) -> tuple[SyntheticControl, ...]:
    """A synthetic control for every unit as if it were treated: placebos in space. Arguments as above.

    exclude: rows kept out of all donor pools, in the first place the unit that was really treated, whose outcomes
    carry the effect. Excluded units are fitted all the same.
    """
    outcomes = check_panel(y, 0, n_pre)
    excluded = _rows(exclude, len(outcomes))
    return tuple(_fit(outcomes, unit, n_pre, penalty, excluded) for unit in range(len(outcomes)))


def fit_leave_one_out(
    y: npt.ArrayLike, treated: int, n_pre: int, *, penalty: float, exclude: Collection[int] = ()
) -> dict[int, SyntheticControl]:
    """The treated unit fitted again without each donor that has weight, by the donor left out."""
    full = fit_synthetic_control(y, treated, n_pre, penalty=penalty, exclude=exclude)
    return {
        int(donor): fit_synthetic_control(y, treated, n_pre, penalty=penalty, exclude=[*exclude, int(donor)])
        for donor in np.flatnonzero(full.weights)
    }


def rank_rmspe(
    fits: Sequence[SyntheticControl], treated: int, *, statistic: Statistic, alternative: Alternative
) -> PlaceboRank:
    """Where the treated unit's statistic falls among those of all units, itself included.

    'rmspe_ratio': post over pre, as Abadie, Diamond and Hainmueller (2010); 'post_rmspe'; 'average_gap'. Two-sided
    statistics ignore the sign. 'greater' and 'less' look for effects of one sign: the RMSPE after treatment then
    takes gaps of that sign alone, the others count as zero; on one-sided placebo tests see Abadie (2021), Journal of
    Economic Literature 59(2).

    Raises CreweError if treated is not among the fits, an option is unknown, or 'rmspe_ratio' is asked for where
    units fit exactly: their ratio is infinite whatever happened after treatment.
    """
    for name, value, allowed in (("statistic", statistic, Statistic), ("alternative", alternative, Alternative)):
        if value not in get_args(allowed):
            raise CreweError(f"{name} is {value!r}; it must be one of {', '.join(get_args(allowed))}.")
    units = [fit.unit for fit in fits]
    if units.count(treated) != 1:
        raise CreweError(f"rank of placebos: unit {treated} must be among the fits once; they hold units {units}.")
    exact = [fit.unit for fit in fits if fit.exact]
    if statistic == "rmspe_ratio" and exact:
        raise CreweError(
            f"rank of placebos: units {exact} fit exactly before treatment, so their RMSPE ratio is infinite. Rank "
            "'post_rmspe' or 'average_gap', fit with a penalty, or use more pre-periods."
        )
    return rank_placebos([_extremity(fit, statistic, alternative) for fit in fits], units.index(treated))


def rank_placebos(statistics: npt.ArrayLike, treated: int) -> PlaceboRank:
    """Rank of the treated entry of statistics (n,), large is extreme; differences in the last digits are ties."""
    values = np.asarray(statistics, float)
    if not np.isfinite(values).all():
        raise CreweError("rank of placebos: the statistics hold missing or infinite values, which have no rank.")
    rank = int((values >= values[treated] - 1e-9 * np.abs(values).max()).sum())
    return PlaceboRank(values, rank, len(values), rank / len(values))


def _extremity(fit: SyntheticControl, statistic: Statistic, alternative: Alternative) -> float:
    gaps, average = fit.gaps[fit.n_pre :], fit.average_gap
    if alternative == "less":
        gaps, average = -gaps, -average
    if statistic == "average_gap":
        return abs(average) if alternative == "two-sided" else average
    counted = gaps if alternative == "two-sided" else np.maximum(gaps, 0)
    post_rmspe = float(np.sqrt((counted**2).mean()))
    return post_rmspe / fit.pre_rmspe if statistic == "rmspe_ratio" else post_rmspe


def _fit(y: Array, unit: int, n_pre: int, penalty: float, excluded: set[int]) -> SyntheticControl:
    donors = np.array([row for row in range(len(y)) if row != unit and row not in excluded])
    if len(donors) < 2:
        raise CreweError(f"synthetic control of unit {unit}: {len(donors)} donors are left; at least two are needed.")
    if not (y[donors, :n_pre] != y[unit, :n_pre]).any():
        raise CreweError(
            f"synthetic control of unit {unit}: before treatment every donor equals the unit in every period, so the "
            "scale of the fit is zero; give an outcome that varies."
        )
    fit = fit_simplex_weights(y[donors, :n_pre].T, y[unit, :n_pre], penalty=penalty)
    weights = np.zeros(len(y))
    weights[donors] = fit.weights
    gaps = y[unit] - weights @ y
    if fit.exact:
        gaps[:n_pre] = 0.0
    pre, post = (float(np.sqrt((part**2).mean())) for part in (gaps[:n_pre], gaps[n_pre:]))
    ratio = np.inf if fit.exact else post / pre
    return SyntheticControl(
        unit, n_pre, weights, gaps, pre, post, ratio, float(gaps[n_pre:].mean()), fit.unique, fit.exact
    )


def check_panel(y: npt.ArrayLike, treated: int, n_pre: int) -> Array:
    """y as a matrix of floats (units, periods), checked: see `fit_synthetic_control`."""
    outcomes = np.asarray(y, float)
    if outcomes.ndim != 2:
        raise CreweError(f"outcomes: an array of {outcomes.ndim} dimensions; give a matrix of units by periods.")
    n, periods = outcomes.shape
    missing = np.argwhere(~np.isfinite(outcomes))
    if len(missing):
        raise CreweError(
            f"outcomes: {len(missing)} missing values, the first in row {missing[0, 0]}, column {missing[0, 1]}; "
            "exclude those units or periods with a reason first."
        )
    if not 0 <= treated < n:
        raise CreweError(f"treated is row {treated}; the outcomes have rows 0 to {n - 1}.")
    if n_pre < 1:
        raise CreweError(f"n_pre is {n_pre}: there is no period before treatment to match on.")
    if n_pre >= periods:
        raise CreweError(f"n_pre is {n_pre} of {periods} periods: there is no period after treatment.")
    if n_pre < 2:
        raise CreweError("n_pre is 1: one period cannot tell a level from a path; at least two are needed.")
    return outcomes


def _rows(exclude: Collection[int], n: int) -> set[int]:
    rows = {int(row) for row in exclude}
    if not rows <= set(range(n)):
        raise CreweError(f"exclude names rows {sorted(rows - set(range(n)))}; the outcomes have rows 0 to {n - 1}.")
    return rows
