"""What significant results of a design are worth, and whether it could show that there is no difference.

Design analysis after Gelman and Carlin (2014), Perspectives on Psychological Science 9(6): of the results that would be
significant, how far they exaggerate the true effect (type M) and how often their sign is wrong (type S). In closed form
as in Lu, Qiu and Deng (2019), British Journal of Mathematical and Statistical Psychology 72(1), extended to t. The
estimate is the true effect plus the standard error times a normal (or t) variable, and the standard error is known.

Equivalence after Schuirmann (1987), two one-sided tests: shown at the level alpha if the 1 − 2 alpha interval lies
within a margin on either side of zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.cluster_power import split_families
from crewe_lib.models.proportions import fit_wilson

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DesignAnalysis:
    """power: chance that the two-sided test is significant; exaggeration: mean size of the significant estimates over
    the size of the true effect; sign_error: share of them with the wrong sign; least_significant: size of the smallest
    significant estimate, in the unit of the effect."""

    power: float
    exaggeration: float
    sign_error: float
    least_significant: float


def fit_design_analysis(effect: float, std_error: float, *, alpha: float, df: float = math.inf) -> DesignAnalysis:
    """Power, exaggeration and sign error for a true effect (any sign, not 0) and the estimate's standard error.

    df: degrees of freedom of the estimate's t distribution around the effect, as in Gelman and Carlin's `retrodesign`;
    infinite for the normal. Raises CreweError for an effect of 0 (there is no size to exaggerate and no sign to get
    wrong) or below a billionth of the standard error, a standard error that is not above 0, alpha outside 0 to 1, or df
    of 1 or less, with which the exaggeration is infinite.
    """
    _check_design(effect, std_error, alpha, df)
    law = stats.norm if math.isinf(df) else stats.t(df)
    critical, shift = float(law.isf(alpha / 2)), abs(effect) / std_error
    right, wrong = float(law.sf(critical - shift)), float(law.cdf(-critical - shift))
    power = right + wrong
    # Mean of |shift + T| where it exceeds the critical value; `_tail_mean` is that of T beyond a point.
    above, below = _tail_mean(critical - shift, df), _tail_mean(critical + shift, df)
    exaggeration = (shift * (right - wrong) + above + below) / power / shift
    return DesignAnalysis(power, exaggeration, wrong / power, critical * std_error)


def _tail_mean(point: float, df: float) -> float:
    """Integral of t times its density from a point to infinity."""
    if math.isinf(df):
        return float(stats.norm.pdf(point))
    return float(stats.t.pdf(point, df)) * (df + point**2) / (df - 1)


def _check_design(effect: float, std_error: float, alpha: float, df: float) -> None:
    if effect == 0 or not math.isfinite(effect):
        raise CreweError(f"the true effect is {effect:g}; exaggeration and sign need one that is not 0, and finite.")
    if not 0 < std_error < math.inf:
        raise CreweError(f"the standard error is {std_error:g}; it must be above 0, and finite.")
    if abs(effect) < 1e-9 * std_error:
        raise CreweError(f"the true effect, {effect:g}, is too small beside its standard error, {std_error:g}.")
    _check_rate("alpha", alpha)
    if not df > 1:
        raise CreweError(f"the degrees of freedom are {df:g}; they must be above 1, or the exaggeration is infinite.")


@dataclass(frozen=True)
class Equivalence:
    """chance: that equivalence within the margin is shown; margin_needed: the smallest margin for which that chance is
    the wanted power (a difference of shares)."""

    chance: float
    margin_needed: float


def fit_equivalence(share: float, n1: int, n2: int, *, margin: float, alpha: float, power: float) -> Equivalence:
    """The chance that a trial of two arms (n1, n2 independent members) shows equivalence if both have this share.

    Exact: added up over every pair of counts, each with Newcombe's 1 − 2 alpha interval of the difference. margin: a
    difference of shares above 0. Raises CreweError for an impossible share, margin, alpha or power, or an empty arm.
    """
    for name, value in (("the common share", share), ("the margin", margin), ("power", power)):
        _check_rate(name, value)
    if not 0 < alpha < 0.5:
        raise CreweError(f"alpha is {alpha:g}; a test of equivalence needs one between 0 and 0.5.")
    needed = np.maximum(*_interval_reach(n1, n2, alpha)).ravel()
    chances = np.outer(*(stats.binom.pmf(np.arange(n + 1), n, share) for n in (n1, n2))).ravel()
    order = np.argsort(needed, kind="stable")
    reached = np.searchsorted(np.cumsum(chances[order]), power)
    largest = float(needed[order][min(int(reached), len(needed) - 1)])
    return Equivalence(float(np.sum(chances[needed < margin])), largest)


def _interval_reach(n1: int, n2: int, alpha: float) -> tuple[Array, Array]:
    """How far below and above zero Newcombe's 1 − 2 alpha interval reaches, (n1 + 1, n2 + 1), for each pair of counts.

    The limits of `proportions.fit_newcombe`, from one Wilson interval for each count of each arm.
    """
    if min(n1, n2) < 1:
        raise CreweError(f"the arms have {n1} and {n2} members; both need at least one.")
    (p1, low1, high1), (p2, low2, high2) = (
        np.array([(k / n, *fit_wilson(k, n, alpha=2 * alpha)) for k in range(n + 1)]).T for n in (n1, n2)
    )
    gap = p1[:, None] - p2
    below = np.hypot((p1 - low1)[:, None], high2 - p2) - gap
    above = np.hypot((high1 - p1)[:, None], p2 - low2) + gap
    return below, above


def fit_equivalence_families(share: float, *, ratio: float, margin: float, alpha: float, power: float) -> float:
    """Families in both arms, one member each, with which equivalence within the margin is shown with this power if both
    arms have this share; not rounded up. Normal approximation; ratio: treated families to one control family.

    Raises CreweError for an impossible share, ratio, margin, alpha or power.
    """
    for name, value in (("the common share", share), ("the margin", margin), ("power", power)):
        _check_rate(name, value)
    if not 0 < alpha < 0.5:
        raise CreweError(f"alpha is {alpha:g}; a test of equivalence needs one between 0 and 0.5.")
    treated, control = split_families(1, ratio)
    reach = float(stats.norm.isf(alpha) + stats.norm.isf((1 - power) / 2))
    return share * (1 - share) * (1 / treated + 1 / control) * (reach / margin) ** 2


def _check_rate(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise CreweError(f"{name} is {value:g}; it must lie between 0 and 1 (0.05 is 5%).")
