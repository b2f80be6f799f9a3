"""The partial likelihood of the Cox model with ties by Efron: its gradient, information and score residuals.

Everything comes from one entry for each event and its place among the events tied with it: of d tied events, the l-th
(from 0) takes l/d of the weight of all d from those at risk (Efron 1977, Journal of the American Statistical
Association 72). Sums run over sorted days, so that the work grows linearly with rows and events. A row is at risk after
the day on which it enters, to the day on which it leaves: sums over those still there, less those yet to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError
from crewe_lib.models.survival import Array, Counts, Flags, check_entered, check_times


@dataclass(frozen=True)
class CoxData:
    """x (n, k), each column less its mean and over its standard deviation `scale` (k,); event (n,); code (n,): index of
    each row's day among the t distinct ones; tied (t,): events on each; start (n,): index of the first day at risk;
    offset (n,): logarithm of the weight of a row among those at risk, 0 for rows with the event."""

    x: Array
    scale: Array
    event: Flags
    code: Counts
    tied: Counts
    start: Counts
    offset: Array

    @property
    def events(self) -> int:
        """All events."""
        return int(np.sum(self.tied))


@dataclass(frozen=True)
class CoxState:
    """At one set of coefficients: risk (n,); and one entry for each of the m events, sorted by day: day (index),
    fraction l/d, weight of those at risk, mean of x among them (m, k). Risk and weight are up to a common factor."""

    risk: Array
    day: Counts
    fraction: Array
    weight: Array
    mean: Array
    log_likelihood: float


def prepare(
    days: npt.ArrayLike,
    events: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    entered: npt.ArrayLike | None = None,
) -> CoxData:
    """Checked data. Raises CreweError for missing values, no events, constant columns, too few rows, or a row that
    leaves before it enters."""
    time, event = check_times(days, events)
    after = check_entered(time, entered)
    design = check_design(x, len(time))
    if not event.any():
        raise CreweError("Cox: no events; everybody is censored, so nothing can be said of what brings events about.")
    return arrange(time, event, design, after=after, offset=np.zeros(len(time)))


def check_design(x: npt.ArrayLike, n: int) -> Array:
    """Covariates (n, k) as an array. Raises CreweError for another shape, missing values, a constant column or no more
    rows than columns."""
    design = np.asarray(x, dtype=float)
    if design.ndim != 2 or len(design) != n or design.shape[1] == 0:
        raise CreweError(f"Cox: x {design.shape} must have one row for each of the {n} days, and a column.")
    if not np.isfinite(design).all():
        raise CreweError("Cox: the covariates hold missing values; exclude those rows with a reason first.")
    if n <= design.shape[1]:
        raise CreweError(f"Cox: {n} rows cannot estimate {design.shape[1]} coefficients.")
    spread = np.sqrt(np.mean((design - np.mean(design, axis=0)) ** 2, axis=0))
    still = np.flatnonzero(spread <= 1e-12 * np.max(np.abs(design), axis=0))
    if len(still):
        names = " and ".join(str(j + 1) for j in still)
        raise CreweError(f"Cox: covariate {names} (counted from 1) is constant; leave it out.")
    return design


def arrange(time: Array, event: Flags, design: Array, *, after: Array, offset: Array) -> CoxData:
    """What the likelihood needs, from checked arrays; after (n,): the day after which each row is at risk."""
    centred = design - np.mean(design, axis=0)
    scale = np.sqrt(np.mean(centred**2, axis=0))
    distinct, code = np.unique(time, return_inverse=True)
    tied = np.bincount(code[event], minlength=len(distinct))
    start = np.searchsorted(distinct, after, side="right")
    return CoxData(centred / scale, scale, event, code, tied, start, offset)


def evaluate(data: CoxData, beta: Array) -> CoxState:
    """The likelihood and what it is made of, at coefficients beta (k,) of the scaled columns."""
    with np.errstate(all="ignore"):  # a step too far; the caller sees that the likelihood is not finite
        linear = data.x @ beta + data.offset
        top = float(np.max(linear))
        risk = np.exp(linear - top)
        count = len(data.tied)
        day = np.repeat(np.arange(count), data.tied)
        first = np.cumsum(data.tied) - data.tied
        fraction = (np.arange(len(day)) - first[day]) / data.tied[day]

        def left(values: Array) -> Array:
            """Sums over those at risk, less the part of the tied events that is already gone."""
            entering = np.bincount(data.start, values, count)
            everyone = np.cumsum(np.bincount(data.code, values, count)[::-1])[::-1]
            everyone = everyone - (np.cumsum(entering[::-1])[::-1] - entering)
            tied = np.bincount(data.code[data.event], values[data.event], count)
            return np.asarray(everyone[day] - fraction * tied[day])

        weight = left(risk)
        mean = np.column_stack([left(risk * column) for column in data.x.T]) / weight[:, None]
        likelihood = float(np.sum(linear[data.event] - top) - np.sum(np.log(weight)))
    return CoxState(risk, day, fraction, weight, mean, likelihood)


def _accumulate(data: CoxData, state: CoxState, values: Array) -> Array:
    """For each row, the sum of values / weight over the events at which it was at risk, counting of its own tied events
    the part for which it was still there. values (m,); result (n,)."""
    count = len(data.tied)
    share = values / state.weight
    total = np.r_[0.0, np.cumsum(np.bincount(state.day, share, count))]
    gone = np.bincount(state.day, state.fraction * share, count)
    return np.asarray(total[data.code + 1] - total[data.start] - data.event * gone[data.code])


def information(data: CoxData, state: CoxState, values: Array) -> Array:
    """Sum over events of values times the covariance of x among those at risk: (k, k)."""
    hazard = state.risk * _accumulate(data, state, values)
    spread = (data.x * hazard[:, None]).T @ data.x
    return np.asarray(spread - (state.mean * values[:, None]).T @ state.mean)


def score_residuals(data: CoxData, state: CoxState) -> Array:
    """Each row's part of the score (n, k); they sum to the gradient."""
    count = len(data.tied)
    ones = np.ones(len(state.weight))
    average = [np.bincount(state.day, column, count) / np.maximum(data.tied, 1) for column in state.mean.T]
    own = data.event[:, None] * (data.x - np.column_stack(average)[data.code])
    means = np.column_stack([_accumulate(data, state, column) for column in state.mean.T])
    return np.asarray(own - state.risk[:, None] * (data.x * _accumulate(data, state, ones)[:, None] - means))
