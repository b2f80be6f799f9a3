"""Time to an event with censoring: the Kaplan–Meier curve and the restricted mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import check_alpha

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class KaplanMeier:
    """One entry for each distinct day, in order: all arrays (t,).

    at_risk: under observation just before the day; events and censored: on the day; survival: share without the event
    after the day; std_error: Greenwood's, missing once the curve is at zero; conf_low and conf_high: pointwise, missing
    where the curve is at one or at zero, which the log–log scale does not reach.
    """

    days: Array
    at_risk: Counts
    events: Counts
    censored: Counts
    survival: Array
    std_error: Array
    conf_low: Array
    conf_high: Array


def fit_kaplan_meier(days: npt.ArrayLike, events: npt.ArrayLike, *, alpha: float) -> KaplanMeier:
    """Kaplan–Meier (1958) estimate of the share without the event.

    days (n,): until the event or censoring, 0 or more; events (n,): 1 or true for the event. Someone censored on the
    day of another's event is at risk for it. Standard error by Greenwood; interval on the scale of log(−log S)
    (Kalbfleisch and Prentice 2002, section 1.4), which keeps it between 0 and 1. Without any event the curve stays at
    one. Raises CreweError for missing or negative days, other codes of events, or an alpha that is no rate.
    """
    check_alpha(alpha)
    time, event = check_times(days, events)
    distinct, code = np.unique(time, return_inverse=True)
    count = len(distinct)
    leaving, failing = np.bincount(code, minlength=count), np.bincount(code[event], minlength=count)
    at_risk = len(time) - np.r_[0, np.cumsum(leaving)[:-1]]
    survival = np.cumprod(1 - failing / at_risk)
    survival[np.cumsum(at_risk == failing) > 0] = 0.0
    inside = (survival > 0) & (survival < 1)
    left = np.where(at_risk > failing, at_risk - failing, 1)
    relative = np.sqrt(np.cumsum(failing / (at_risk * left)))  # standard error of log S
    error = np.where(survival > 0, survival * relative, np.nan)
    log = np.log(np.where(inside, survival, 0.5))
    spread = np.exp(stats.norm.ppf(1 - alpha / 2) * relative / np.abs(log))
    low, high = (np.where(inside, np.exp(log * power), np.nan) for power in (spread, 1 / spread))
    return KaplanMeier(distinct, at_risk, failing, leaving - failing, survival, error, low, high)


@dataclass(frozen=True)
class RestrictedMean:
    """Mean time without the event up to `until`, its standard error, and the numbers it rests on: n in all, events
    before `until`, observed (without the event and under observation just before `until`)."""

    mean: float
    std_error: float
    until: float
    n: int
    events: int
    observed: int

    def interval(self, alpha: float) -> tuple[float, float]:
        """Lower and upper confidence limit by the normal distribution."""
        check_alpha(alpha)
        half = float(stats.norm.ppf(1 - alpha / 2)) * self.std_error
        return self.mean - half, self.mean + half


def fit_restricted_mean(days: npt.ArrayLike, events: npt.ArrayLike, *, until: float) -> RestrictedMean:
    """Mean of min(T, until): the area under the Kaplan–Meier curve from 0 to `until`, in the unit of days.

    Standard error from Greenwood's terms, each weighted by the squared area still to come, as R's
    print(survfit, rmean = until). The curve must be known up to `until`: if everybody was last seen before it, and the
    last of them without the event, the area beyond is unknown and there is no answer. (R carries the curve on flat.)

    Raises CreweError for that, if `until` is not positive, if no event falls before it (the mean would be `until`, and
    its error could not be estimated), or for what `fit_kaplan_meier` refuses.
    """
    curve = fit_kaplan_meier(days, events, alpha=0.05)
    if not (np.isfinite(until) and until > 0):
        raise CreweError(f"restricted mean: until is {until}; it must be a day after 0.")
    last = float(curve.days[-1])
    if last < until and curve.survival[-1] > 0:
        raise CreweError(
            f"restricted mean: the last one observed was censored on day {last:g}, so the curve is unknown from there "
            f"to day {until:g}; until can be {last:g} at most."
        )
    keep = curve.days < until
    if not np.any(curve.events[keep]):
        raise CreweError(
            f"restricted mean: no event before day {until:g}, so the mean is {until:g} and has no standard error; "
            "choose a later day."
        )
    days_kept, at_risk, failing = curve.days[keep], curve.at_risk[keep], curve.events[keep]
    widths = np.diff(np.r_[0.0, days_kept, until])
    areas = widths * np.r_[1.0, curve.survival[keep]]
    to_come = np.cumsum(areas[:0:-1])[::-1]
    left = at_risk - failing
    terms = np.where(left > 0, failing / (at_risk * np.where(left > 0, left, 1)), 0.0)
    observed = len(np.asarray(days)) - int(np.sum(curve.events[keep] + curve.censored[keep]))
    error = float(np.sqrt(np.sum(to_come**2 * terms)))
    return RestrictedMean(
        float(np.sum(areas)), error, float(until), int(curve.at_risk[0]), int(np.sum(failing)), observed
    )


@dataclass(frozen=True)
class MeanDifference:
    """Difference of two restricted means in days, with its standard error, limits and two-sided p-value."""

    difference: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float


def compare_restricted_means(one: RestrictedMean, other: RestrictedMean, *, alpha: float) -> MeanDifference:
    """one − other, two independent groups, by the normal distribution (Royston and Parmar 2013).

    Raises CreweError if they end on different days, or if neither can vary.
    """
    check_alpha(alpha)
    if one.until != other.until:
        raise CreweError(f"restricted means up to day {one.until:g} and day {other.until:g} cannot be compared.")
    error = float(np.hypot(one.std_error, other.std_error))
    if error == 0:
        raise CreweError("restricted means: everybody in both groups had the event on one day; there is no error.")
    difference = one.mean - other.mean
    half = float(stats.norm.ppf(1 - alpha / 2)) * error
    p_value = float(2 * stats.norm.sf(abs(difference / error)))
    return MeanDifference(difference, error, difference - half, difference + half, p_value)


def check_times(days: npt.ArrayLike, events: npt.ArrayLike) -> tuple[Array, Flags]:
    """As arrays. Raises CreweError if they are empty, of unequal length, missing, negative, or events are not 0/1."""
    time, given = np.asarray(days, dtype=float), np.asarray(events, dtype=float)
    if time.ndim != 1 or time.shape != given.shape or time.size == 0:
        raise CreweError(
            f"survival: days {time.shape} and events {given.shape} must be two lists of one length, not empty."
        )
    if not (np.isfinite(time).all() and np.isfinite(given).all()):
        raise CreweError("survival: days or events hold missing values; exclude those rows with a reason first.")
    if np.any(time < 0):
        raise CreweError(
            f"survival: {int(np.sum(time < 0))} of the days are negative; an event cannot come before the first day. "
            "Mend the dates."
        )
    if not np.isin(given, (0.0, 1.0)).all():
        raise CreweError("survival: events must be 1 (the event) or 0 (censored), or true and false.")
    return time, given == 1


def check_entered(time: Array, entered: npt.ArrayLike | None) -> Array:
    """The day after which each row is under observation (n,): `entered`, or −1 for who was seen from the start, day 0
    included. entered (n,): 0 for those, else the day on whose end the row came under observation; None: all 0.

    Raises CreweError if it has another length, is missing or negative, or if a row leaves on the day it enters or
    before, unless it entered on day 0.
    """
    if entered is None:
        return np.full(len(time), -1.0)
    given = np.asarray(entered, dtype=float)
    if given.shape != time.shape:
        raise CreweError(f"survival: entered {given.shape} must be one day for each of the {len(time)} rows.")
    if not np.isfinite(given).all() or np.any(given < 0):
        raise CreweError("survival: the days of entry must be 0 (seen from the start) or later, without a gap.")
    after = np.where(given > 0, given, -1.0)
    late = int(np.sum(after >= time))
    if late:
        raise CreweError(
            f"survival: rows that leave on the day they enter, or before: {late}. They are never under observation; "
            "mend their dates, or leave them out and count them."
        )
    return after
