"""How far from parallel trends must one be for the answer to change? Bounds after Rambachan and Roth (2023).

Source of the restrictions: Rambachan and Roth (2023), Review of Economic Studies 90(5), section 2. The
intervals are **not** their conditional or hybrid ones; each function says what its interval is.

The estimand is the treated unit's mean effect over the K post-periods, on the event study's scale, that is relative to
the last pre-period (not to the pre-period mean). A coefficient is effect plus departure from parallel trends; before
the start there is no effect, so there the coefficient is the departure. A *step* is the change in departure from one
period to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.event_study import EventStudy, placebo_quantile
from crewe_lib.models.panel import TIED, Array, check_alpha


@dataclass(frozen=True)
class Bounds:
    """Bounds of the mean effect if departures obey the restriction with this bound.

    identified_low, identified_high: were the coefficients known without error; None where no departure within the
    bound fits the pre-period coefficients. conf_low, conf_high: with the uncertainty of the coefficients.
    """

    restriction: str
    bound: float
    identified_low: float | None
    identified_high: float | None
    conf_low: float
    conf_high: float
    method: str


@dataclass(frozen=True)
class Breakdown:
    """The smallest relative magnitude at which zero enters the identified set, and at which it enters the interval.

    0 where zero is in already with exactly parallel trends; infinite where the pre-period steps are all zero.
    """

    identified: float
    interval: float


def bound_relative_magnitudes(coefficients: npt.ArrayLike, n_pre: int, m_bar: float) -> tuple[float, float]:
    """Identified set: no step after the start is larger than m_bar times the largest step before it.

    coefficients (periods,), zero in the last pre-period. The set is the mean post coefficient ± m_bar × (K + 1)/2 ×
    the largest pre-period step: step j moves every later period, so the mean by (K − j + 1)/K, which adds to (K + 1)/2.
    """
    beta = _coefficients(coefficients, n_pre)
    _check_bound(m_bar, "m_bar")
    half = m_bar * _reach(len(beta) - n_pre) * float(np.abs(np.diff(beta[:n_pre])).max())
    centre = float(beta[n_pre:].mean())
    return centre - half, centre + half


def bound_smoothness(coefficients: npt.ArrayLike, n_pre: int, m: float) -> tuple[float, float] | None:
    """Identified set: the slope of the departure changes by at most m between one period and the next.

    The last pre-period step carried on gives the centre, mean post coefficient − step × (K + 1)/2; later changes of
    slope move the mean by at most (K + 1)(K + 2)/6 × m. None if the pre-period coefficients bend by more than m.
    """
    beta = _coefficients(coefficients, n_pre)
    _check_bound(m, "m")
    steps, posts = np.diff(beta[:n_pre]), len(beta) - n_pre
    if n_pre > 2 and np.abs(np.diff(steps)).max() > m + TIED * np.abs(beta).max():
        return None
    centre, half = float(beta[n_pre:].mean() - steps[-1] * _reach(posts)), m * (posts + 1) * (posts + 2) / 6
    return centre - half, centre + half


def fit_relative_magnitudes(study: EventStudy, m_bar: float, *, alpha: float) -> Bounds:
    """Bounds under relative magnitudes.

    Interval: a simultaneous (sup-t) band of level 1 − alpha over the mean post coefficient and every pre-period step,
    from the placebos; then the union of the identified sets of all values in that band. That is mean ± (q s_mean +
    m_bar × (K + 1)/2 × the largest (|step| + q s_step)). It covers whenever the band does, so at least at its level if
    the restriction holds; expect it to be wider than a conditional or hybrid interval, most where steps are noisy.
    """
    _check_bound(m_bar, "m_bar")
    check_alpha(alpha)
    mean, noise, largest = _simultaneous(study, alpha)
    half = noise + m_bar * _reach(_posts(study)) * largest
    low, high = bound_relative_magnitudes(study.estimates, study.n_pre, m_bar)
    method = "relative magnitudes; union over a simultaneous placebo band"
    return Bounds("relative magnitudes", m_bar, low, high, mean - half, mean + half, method)


def fit_breakdown(study: EventStudy, *, alpha: float) -> Breakdown:
    """The smallest m_bar at which zero enters the set of `bound_` and the interval of `fit_relative_magnitudes`."""
    check_alpha(alpha)
    mean, noise, largest = _simultaneous(study, alpha)
    step, reach = float(np.abs(np.diff(study.estimates[: study.n_pre])).max()), _reach(_posts(study))
    return Breakdown(_ratio(abs(mean), reach * step), _ratio(max(0.0, abs(mean) - noise), reach * largest))


def fit_smoothness(study: EventStudy, m: float, *, alpha: float) -> Bounds:
    """Bounds under smoothness.

    Interval: estimate ± (q s + worst bias), of a length that does not depend on the treated unit. The estimate is the
    mean post coefficient less a weighted mean of the pre-period steps carried on; worst bias is its largest bias under
    the restriction; q s is the quantile of the controls' placebos of that same contrast, each as if left out of the
    choice of weights. The weights make z s + worst bias smallest and come from the placebos only; any weights give a
    valid interval. Kin to the optimal fixed-length interval of Rambachan and Roth (section 4), but the bias is added
    whole instead of through the folded normal, so it is a little wider and rests on no normality.
    """
    _check_bound(m, "m")
    check_alpha(alpha)
    contrast, bias, fitted = _shortest(study, m, float(stats.norm.ppf(1 - alpha / 2)))
    estimate = float(contrast @ study.estimates)
    half = float(placebo_quantile(_left_out(study.placebos, contrast, fitted), alpha)) + bias
    found = bound_smoothness(study.estimates, study.n_pre, m)
    low, high = (None, None) if found is None else found
    method = "smoothness; fixed length, worst bias added to the placebo quantile"
    return Bounds("smoothness", m, low, high, estimate - half, estimate + half, method)


def _simultaneous(study: EventStudy, alpha: float) -> tuple[float, float, float]:
    """Mean post coefficient, its half-width q s, and the largest |step| + q s, under one sup-t quantile q."""
    _coefficients(study.estimates, study.n_pre)
    contrasts = _contrasts(study)
    values, placebos = contrasts @ study.estimates, study.placebos @ contrasts.T
    scales = np.sqrt((placebos**2).mean(axis=0))
    if (scales <= TIED * np.abs(study.placebos).max()).any():
        raise CreweError("sensitivity: the controls' mean or a step never varies, so there is no scale to judge by.")
    q = float(placebo_quantile((np.abs(placebos) / scales).max(axis=1), alpha))
    return float(values[0]), q * float(scales[0]), float(np.max(np.abs(values[1:]) + q * scales[1:]))


def _contrasts(study: EventStudy) -> Array:
    """Rows: the mean post coefficient, then the pre-period steps, the last first; (n_pre, periods)."""
    periods, n_pre = len(study.estimates), study.n_pre
    rows = np.zeros((n_pre, periods))
    rows[0, n_pre:] = 1 / (periods - n_pre)
    for back in range(1, n_pre):
        rows[back, n_pre - back], rows[back, n_pre - back - 1] = 1.0, -1.0
    return rows


def _shortest(study: EventStudy, m: float, z: float) -> tuple[Array, float, Array]:
    """The contrast (periods,) that makes z × scale + worst bias smallest, its worst bias, and the moves it uses (k, …).

    Weights w on the steps add to one. With C_i the weight on steps further back than the ith, the bias bound is
    m × ((K + 1)(K + 2)/6 + (K + 1)/2 × sum |C_i|): a step i back misses the last slope by i − 1 changes of slope.
    """
    _coefficients(study.estimates, study.n_pre)
    rows, reach, posts = _contrasts(study), _reach(_posts(study)), _posts(study)
    base, moves = rows[0] - reach * rows[1], reach * (rows[1:-1] - rows[2:])
    size = float(np.sqrt(base @ study.covariance @ base))
    if size <= TIED * np.abs(study.placebos).max():
        raise CreweError("sensitivity: the controls' extrapolated mean never varies, so there is no scale to judge by.")
    covariance, slack = study.covariance / size**2, m * reach / size
    weights = _minimise(base, moves, covariance, z, slack)
    bias = m * ((posts + 1) * (posts + 2) / 6 + reach * float(np.abs(weights).sum()))
    return base + weights @ moves, bias, moves[np.abs(weights) > 1e-6]


def _left_out(placebos: Array, contrast: Array, fitted: Array) -> Array:
    """Sizes (n,) of the placebos of a contrast, as if each had been left out when its weights were fitted.

    Minimising the placebos' spread over k weights is a regression on k columns: a residual over one less its leverage
    is the error for a unit the weights have not seen, as the treated one is.
    """
    if len(fitted) == 0:
        return np.abs(placebos @ contrast)
    basis = np.linalg.qr(placebos @ fitted.T)[0]
    return np.asarray(np.abs(placebos @ contrast) / np.maximum(1 - (basis**2).sum(axis=1), TIED))


def _minimise(base: Array, moves: Array, covariance: Array, z: float, slack: float) -> Array:
    """Weights c that minimise z × sqrt((base + c moves)' V (base + c moves)) + slack × sum |c|, a convex problem.

    c = p − n with p, n ≥ 0 makes it smooth. The best of the answer, no weights and the least-variance weights is
    kept, so a solver that stops early costs length, not validity.
    """
    k = len(moves)
    if k == 0:
        return np.zeros(0)

    def length(c: Array) -> float:
        contrast = base + c @ moves
        return float(z * np.sqrt(max(float(contrast @ covariance @ contrast), 0.0)) + slack * np.abs(c).sum())

    def split(pn: Array) -> tuple[float, Array]:
        contrast = base + (pn[:k] - pn[k:]) @ moves
        spread = float(np.sqrt(max(float(contrast @ covariance @ contrast), 1e-300)))
        slope = z * (moves @ covariance @ contrast) / spread
        return float(z * spread + slack * pn.sum()), np.r_[slope + slack, slack - slope]

    least = np.linalg.lstsq(moves @ covariance @ moves.T, -moves @ covariance @ base, rcond=None)[0]
    options = {"maxiter": 500, "ftol": 1e-12}
    bounds = [(0, None)] * (2 * k)
    found = optimize.minimize(split, np.zeros(2 * k), jac=True, method="SLSQP", bounds=bounds, options=options).x
    return min((np.asarray(found[:k] - found[k:]), np.zeros(k), least), key=length)


def _coefficients(coefficients: npt.ArrayLike, n_pre: int) -> Array:
    beta = np.asarray(coefficients, float)
    if beta.ndim != 1 or not np.isfinite(beta).all():
        raise CreweError("sensitivity: the coefficients must be one finite number per period.")
    if not 2 <= n_pre < len(beta):
        raise CreweError(
            f"sensitivity: n_pre is {n_pre} of {len(beta)} periods; two pre-periods and a post-period are needed."
        )
    if beta[n_pre - 1] != 0:
        raise CreweError("sensitivity: the coefficient of the last pre-period must be zero, the reference.")
    return beta


def _check_bound(bound: float, name: str) -> None:
    if not (np.isfinite(bound) and bound >= 0):
        raise CreweError(f"{name} is {bound}; it must be zero or a positive number.")


def _posts(study: EventStudy) -> int:
    return len(study.estimates) - study.n_pre


def _reach(posts: int) -> float:
    return (posts + 1) / 2


def _ratio(distance: float, per_unit: float) -> float:
    if distance == 0:
        return 0.0
    return distance / per_unit if per_unit > 0 else float("inf")
