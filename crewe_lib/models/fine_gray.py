"""The Fine–Gray model: how covariates move the share that has one event first, where others may come before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError
from crewe_lib.models.competing_risks import Causes, check_causes
from crewe_lib.models.cox import HazardRatio, add_up, check_clusters, maximise, to_ratio
from crewe_lib.models.cox_likelihood import CoxData, arrange, check_design, score_residuals
from crewe_lib.models.survival import Array

Errors = Literal["robust", "clustered"]


@dataclass(frozen=True)
class FineGray:
    """coefficients (k,): logarithms of ratios of subdistribution hazards; covariances (k, k): robust by row, clustered
    (None without clusters); log_likelihood (weighted, partial); n rows, events of the cause, competing events,
    clusters."""

    coefficients: Array
    robust: Array
    clustered: Array | None
    log_likelihood: float
    n: int
    events: int
    competing: int
    clusters: int | None

    def hazard_ratio(self, index: int, *, errors: Errors, alpha: float) -> HazardRatio:
        """The ratio of one column by the normal distribution. Raises CreweError for errors that the fit lacks."""
        if errors not in get_args(Errors) or getattr(self, errors) is None:
            have = [name for name in get_args(Errors) if getattr(self, name) is not None]
            raise CreweError(f"Fine–Gray: errors is {errors!r}; this fit has {', '.join(have)}.")
        return to_ratio(self.coefficients[index], getattr(self, errors)[index, index], alpha=alpha)


def fit_fine_gray(
    days: npt.ArrayLike,
    causes: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    cause: int,
    entered: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
) -> FineGray:
    """Proportional hazards of the subdistribution of `cause` (Fine and Gray 1999, Journal of the American Statistical
    Association 94) on x (n, k), no constant, ties by Efron.

    days, causes, entered (n,): as in `fit_aalen_johansen`. Who had another event stays among those at risk, with the
    weight G(t) H(t) / (G(s) H(s)) on days t after its day s: G(t) the share not censored before t, H(t) the share that
    has entered before t, both product-limit (Geskus 2011, Biometrics 67), as survival::finegray. The weights are one
    set for all rows, so that censoring and entry must not depend on x. Without competing events it is the Cox model.

    Errors are robust, each row's (or cluster's) score residuals summed first, with the weights taken as known, as
    R's coxph on finegray's rows with cluster; cmprsk::crr also lets the weights vary, which changes little.

    Raises CreweError if nobody has the event, if a covariate does not vary or gives no maximum (separation: a group
    without the event), if everybody under observation is censored before others enter, so that weights are not defined,
    or for what `fit_aalen_johansen` and `fit_cox` refuse.
    """
    data = check_causes(days, causes, entered)
    design = check_design(x, len(data.time))
    labels = None if clusters is None else check_clusters(clusters, *design.shape)
    number = int(np.sum(data.cause == cause))
    if cause < 1 or not number:
        raise CreweError(f"Fine–Gray: nobody has event {cause}, so nothing can be said of what brings it about.")
    row, cox = _expand(data, design, cause)
    beta, state, found = maximise(cox)
    inverse = np.linalg.inv(found) / np.outer(cox.scale, cox.scale)
    influence = (score_residuals(cox, state) * cox.scale) @ inverse
    return FineGray(
        coefficients=beta / cox.scale,
        robust=add_up(influence, row),
        clustered=None if labels is None else add_up(influence, labels[row]),
        log_likelihood=state.log_likelihood,
        n=len(data.time),
        events=number,
        competing=int(np.sum(data.cause > 0)) - number,
        clusters=None if labels is None else int(np.max(labels)) + 1,
    )


def _expand(data: Causes, design: Array, cause: int) -> tuple[npt.NDArray[Any], CoxData]:
    """The rows of the weighted Cox model and the row of the data each comes from: everybody's own, and, for who had a
    competing event, one more for each spell of later days over which the weight stays the same."""
    moments = np.unique(data.time[data.cause == cause])
    chance = _chance(data, moments)
    spell = np.cumsum(np.r_[0, chance[1:] != chance[:-1]])
    ends = np.r_[np.flatnonzero(np.diff(spell)), len(moments) - 1]
    others = np.flatnonzero((data.cause > 0) & (data.cause != cause))
    own = _chance(data, data.time[others])
    rows, after, until, weight = [np.arange(len(data.time))], [data.after], [data.time], [np.ones(len(data.time))]
    for place, share in zip(others, own, strict=True):
        first = int(np.searchsorted(moments, data.time[place], side="right"))
        if first == len(moments):
            continue
        later = ends[spell[first] :]
        rows.append(np.full(len(later), place))
        after.append(np.r_[data.time[place], moments[later[:-1]]])
        until.append(moments[later])
        weight.append(chance[later] / share)
    row, stop = np.concatenate(rows), np.concatenate(until)
    event = np.r_[data.cause == cause, np.zeros(len(row) - len(data.time), dtype=bool)]
    offset = np.log(np.concatenate(weight))
    return row, arrange(stop, event, design[row], after=np.concatenate(after), offset=offset)


def _chance(data: Causes, days: Array) -> Array:
    """G(t) H(t) on each day: not censored before it, and entered before it."""
    stayed = np.ones(len(days))
    for moment in np.unique(data.time[data.cause == 0]):
        leaving = (data.time == moment) & (data.cause == 0)
        at_risk = (data.after < moment) & ((data.time > moment) | leaving)
        stayed[days > moment] *= 1 - np.sum(leaving) / np.sum(at_risk)
    for moment in np.unique(data.after):
        coming = data.after == moment
        there = (data.after <= moment) & (data.time > moment)
        stayed[days <= moment] *= 1 - np.sum(coming) / np.sum(there)
    if not (stayed > 0).all():
        raise CreweError(
            "Fine–Gray: on some day nobody is under observation, although others enter later, so the weights of those "
            "with a competing event are not defined. Begin later, or leave out the few who were observed so early."
        )
    return stayed
