"""Events of several kinds, of which each row can have only the first: the share with each by day (Aalen–Johansen), and
the days lost to each. Rows may come under observation late (left truncation)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import check_alpha
from crewe_lib.models.survival import Array, Counts, check_entered, check_times


@dataclass(frozen=True)
class Causes:
    """Checked times: time (n,); cause (n,): 0 for censored, else 1 to k; after (n,): under observation after that day,
    −1 from the start."""

    time: Array
    cause: Counts
    after: Array
    k: int


@dataclass(frozen=True)
class Share:
    """A share by some day, its standard error and limits; limits are missing where the share is nought or one."""

    share: float
    std_error: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True)
class AalenJohansen:
    """One entry for each of the t distinct days on which rows leave, in order; k causes.

    at_risk (t,): under observation, without any event, just before the day; events (t, k), censored (t,): on the day;
    free, free_error (t,): share without any event after the day; shares (t, k): share with each event first, by the
    day; std_error, conf_low, conf_high (t, k): of shares.
    """

    days: Array
    at_risk: Counts
    events: Counts
    censored: Counts
    free: Array
    free_error: Array
    shares: Array
    std_error: Array
    conf_low: Array
    conf_high: Array

    def by(self, cause: int, day: float) -> Share:
        """The share that had had event `cause` (from 1) by the end of a day. Raises CreweError for another cause, a
        day that is none, or one after the last observed while somebody is still without an event."""
        if not 1 <= cause <= self.shares.shape[1]:
            raise CreweError(f"competing risks: cause is {cause}; it must be 1 to {self.shares.shape[1]}.")
        if not (np.isfinite(day) and day >= 0):
            raise CreweError(f"competing risks: day is {day}; it must be 0 or later.")
        last = float(self.days[-1])
        if day > last and self.free[-1] > 0:
            raise CreweError(
                f"competing risks: the last one observed was censored on day {last:g}, so nothing is known of day "
                f"{day:g}; choose {last:g} at most."
            )
        place = int(np.searchsorted(self.days, day, side="right")) - 1
        if place < 0:
            return Share(0.0, 0.0, np.nan, np.nan)
        values = (self.shares, self.std_error, self.conf_low, self.conf_high)
        return Share(*(float(value[place, cause - 1]) for value in values))


def fit_aalen_johansen(
    days: npt.ArrayLike,
    causes: npt.ArrayLike,
    *,
    entered: npt.ArrayLike | None = None,
    k: int | None = None,
    alpha: float,
) -> AalenJohansen:
    """Share that has had each event first, by day (Aalen and Johansen 1978, Scandinavian Journal of Statistics 5): the
    sum over days of the share still free of all events times the part of those at risk that has the event that day.

    days (n,): until the first event or censoring, 0 or more; causes (n,): 0 for censored, 1 to k; k: number of causes,
    the largest in the data if not given; entered (n,): as in `fit_cox`. Events on a day come before censoring, and
    before entries, on that day. A cause without events has share 0, standard error 0 and no limits.

    Standard errors are by the infinitesimal jackknife, as in R's survfit of several states; where nobody enters late
    they are Greenwood's. Limits are pointwise, on the scale of log(−log), as survfit with conf.type = "log-log".

    Raises CreweError for missing, negative or other codes, a row that leaves on the day it enters or before, or if all
    who are under observation have an event before others enter, so that the share still free falls to nothing too soon.
    """
    check_alpha(alpha)
    data = check_causes(days, causes, entered, k)
    distinct, at_risk, events, leaving = _count(data)
    free = np.cumprod(1 - np.sum(events, axis=1) / at_risk)
    free[np.cumsum(np.sum(events, axis=1) == at_risk) > 0] = 0.0
    shares = np.cumsum(np.r_[1.0, free[:-1]][:, None] * events / at_risk[:, None], axis=0)
    spread = np.array([np.sqrt(np.sum(state**2, axis=0)) for state in _influence(data)])
    error = spread[:, 1:]
    inside = (shares > 0) & (shares < 1 - 1e-12)
    log = np.log(np.where(inside, shares, 0.5))
    half = stats.norm.ppf(1 - alpha / 2) * error / np.where(inside, shares, 1.0) / np.abs(log)
    low, high = (np.where(inside, np.exp(log * np.exp(sign * half)), np.nan) for sign in (1, -1))
    censored = leaving - np.sum(events, axis=1)
    return AalenJohansen(distinct, at_risk, events, censored, free, spread[:, 0], shares, error, low, high)


@dataclass(frozen=True)
class DaysLost:
    """Of the days from 0 to `until`: free, the mean number without any event (the restricted mean), and lost (k,), the
    mean number after each event; they add up to `until`. Standard errors; n rows."""

    until: float
    free: float
    free_error: float
    lost: Array
    lost_error: Array
    n: int


def fit_days_lost(
    days: npt.ArrayLike,
    causes: npt.ArrayLike,
    *,
    until: float,
    entered: npt.ArrayLike | None = None,
    k: int | None = None,
) -> DaysLost:
    """Areas under the curves of `fit_aalen_johansen` from 0 to `until` (Andersen 2013, Statistics in Medicine 32), in
    the unit of days; standard errors by the infinitesimal jackknife.

    Raises CreweError if `until` is not positive, or lies after the last day observed while somebody is still without an
    event, if no event falls before it (nothing could vary), or for what `fit_aalen_johansen` refuses.
    """
    data = check_causes(days, causes, entered, k)
    if not (np.isfinite(until) and until > 0):
        raise CreweError(f"days lost: until is {until}; it must be a day after 0.")
    curve = fit_aalen_johansen(days, causes, entered=entered, k=data.k, alpha=0.05)
    last = float(curve.days[-1])
    if last < until and curve.free[-1] > 0:
        raise CreweError(
            f"days lost: the last one observed was censored on day {last:g}, so the curve is unknown from there to day "
            f"{until:g}; until can be {last:g} at most."
        )
    if not np.any(curve.events[curve.days < until]):
        raise CreweError(f"days lost: no event before day {until:g}, so there is no error; choose a later day.")
    widths = np.diff(np.r_[np.minimum(curve.days, until), until])
    lost = widths @ curve.shares
    spread = np.zeros((len(data.time), data.k + 1))
    for width, state in zip(widths, _influence(data), strict=True):
        spread += width * state
    error = np.sqrt(np.sum(spread**2, axis=0))
    return DaysLost(float(until), until - float(np.sum(lost)), float(error[0]), lost, error[1:], len(data.time))


def check_causes(
    days: npt.ArrayLike, causes: npt.ArrayLike, entered: npt.ArrayLike | None, k: int | None = None
) -> Causes:
    """Checked arrays. Raises CreweError for missing, negative or other codes, or an entry after the exit."""
    given = np.asarray(causes, dtype=float)
    time = check_times(days, np.where(np.isnan(given), np.nan, 0.0))[0]
    whole = (given >= 0) & (given == np.floor(given))
    if not whole.all() or (k is not None and np.any(given > k)):
        most = "1, 2 and so on" if k is None else f"1 to {k}"
        raise CreweError(f"competing risks: causes must be 0 (censored) or {most}; there are others.")
    cause = given.astype(np.int64)
    return Causes(time, cause, check_entered(time, entered), max(1, int(np.max(cause))) if k is None else k)


def _count(data: Causes) -> tuple[Array, Counts, Counts, Counts]:
    """Distinct days of leaving (t,), at risk just before (t,), events (t, k), leaving (t,)."""
    distinct, code = np.unique(data.time, return_inverse=True)
    leaving = np.bincount(code, minlength=len(distinct))
    come = np.searchsorted(np.sort(data.after), distinct, side="left")
    at_risk = come - np.r_[0, np.cumsum(leaving)[:-1]]
    events = np.column_stack(
        [np.bincount(code[data.cause == j], minlength=len(distinct)) for j in range(1, data.k + 1)]
    )
    gone = np.flatnonzero((np.sum(events, axis=1) == at_risk) & (come < len(data.time)))
    if len(gone):
        raise CreweError(
            f"competing risks: on day {distinct[gone[0]]:g} everybody under observation had an event, while "
            f"{len(data.time) - int(come[gone[0]])} rows had not entered yet; the share still free would be nothing "
            "from then on. Begin later, or leave out the few who were observed so early."
        )
    return distinct, at_risk, events, leaving


def _influence(data: Causes) -> Iterator[Array]:
    """After each distinct day, how much every row moves the estimates: (n, k + 1), the share free of all events first;
    the rows of each column sum to nought. The same array each time, changed in place."""
    distinct, at_risk, events, _ = _count(data)
    state = np.zeros((len(data.time), data.k + 1))
    free = 1.0
    for day, number, event in zip(distinct, at_risk, events, strict=True):
        hazard = event / number
        exposed = (data.after < day) & (data.time >= day)
        happened = (data.time == day)[:, None] & (data.cause[:, None] == np.arange(1, data.k + 1))
        moved = free * (happened - exposed[:, None] * hazard) / number
        state[:, 1:] += state[:, [0]] * hazard + moved
        state[:, 0] = state[:, 0] * (1 - np.sum(hazard)) - np.sum(moved, axis=1)
        free *= 1 - float(np.sum(hazard))
        yield state
