"""Power of a comparison of two proportions among children who are allocated by family.

The children of a family are alike: with m children per family and intra-class correlation ICC, n families count as
n × m / (1 + (m − 1) × ICC) independent children (Donner and Klar 2000, section 5.2). Families of unequal size weigh
less: with cv, the standard deviation of their sizes over the mean m, the divisor is 1 + ((1 + cv²) × m − 1) × ICC
(Eldridge, Ashby and Kerry 2006, for a test that gives every child the same weight). Forms of the test:

| form | standardises the difference by |
|---|---|
| arcsine | nothing: Cohen's h, 2 asin √p₂ − 2 asin √p₁ (Cohen 1988, chapter 6) |
| unpooled | each arm's own variance |
| pooled | the common variance under no difference for the test, each arm's own for the power |
| baseline | the variance at the baseline in both arms |

Two-sided tests, normal approximation. Differences are shares of one, treated less control; the control arm has the
baseline proportion. Required sizes leave out the far tail, which at a power of a half or more is below 0.001.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from scipy.optimize import brentq
from scipy.stats import norm

from crewe_lib.errors import CreweError

Form = Literal["arcsine", "unpooled", "pooled", "baseline"]
FORMS: tuple[Form, ...] = get_args(Form)
Direction = Literal["rise", "fall"]
SIGN: Mapping[Direction, int] = {"rise": 1, "fall": -1}


@dataclass(frozen=True)
class Design:
    """What a power calculation assumes of families and test.

    children: mean per family, 1 or more; icc: intra-class correlation within a family, 0 to 1; alpha: of the two-sided
    test; power: wanted; both between 0 and 1; cv: standard deviation of family sizes over their mean, 0 or more, and 0
    where every family has one child. Raises CreweError outside these.
    """

    children: float
    icc: float
    alpha: float
    power: float
    cv: float = 0.0

    def __post_init__(self) -> None:
        if self.children < 1:
            raise CreweError(f"children per family is {self.children:g}; it must be 1 or more.")
        if not 0 <= self.icc <= 1:
            raise CreweError(f"the intra-class correlation is {self.icc:g}; it must lie between 0 and 1.")
        for name, value in (("alpha", self.alpha), ("power", self.power)):
            if not 0 < value < 1:
                raise CreweError(f"{name} is {value:g}; it must lie between 0 and 1 (0.05 is 5%).")
        if not 0 <= self.cv < math.inf:
            raise CreweError(f"the coefficient of variation of family sizes is {self.cv:g}; it must be 0 or more.")
        if self.children == 1 and self.cv > 0:
            raise CreweError(f"every family has one child, so sizes cannot vary; cv is {self.cv:g} and must be 0.")

    @property
    def effect(self) -> float:
        """The design effect, 1 + ((1 + cv²) × m − 1) × ICC: how many children of families weigh as much as one alone;
        1 + (m − 1) × ICC for families of equal size."""
        return 1 + ((1 + self.cv**2) * self.children - 1) * self.icc

    def effective(self, families: float) -> float:
        """Independent children that so many families are worth."""
        return families * self.children / self.effect

    @property
    def z(self) -> tuple[float, float]:
        """Normal quantiles of the test's level and of the power."""
        return float(norm.isf(self.alpha / 2)), float(norm.ppf(self.power))


@dataclass(frozen=True)
class _Spread:
    """Standard deviations of the scaled difference for one control child, under no difference and the true one."""

    difference: float
    null: float
    true: float


def _variance(p: float) -> float:
    return p * (1 - p)


def _arcsine(p1: float, p2: float, r: float) -> _Spread:
    spread = math.sqrt(1 + 1 / r)
    return _Spread(cohens_h(p1, p2), spread, spread)


def _unpooled(p1: float, p2: float, r: float) -> _Spread:
    spread = math.sqrt(_variance(p1) + _variance(p2) / r)
    return _Spread(p2 - p1, spread, spread)


def _pooled(p1: float, p2: float, r: float) -> _Spread:
    common = (p1 + r * p2) / (1 + r)
    return _Spread(p2 - p1, math.sqrt(_variance(common) * (1 + 1 / r)), _unpooled(p1, p2, r).true)


def _baseline(p1: float, p2: float, r: float) -> _Spread:
    spread = math.sqrt(_variance(p1) * (1 + 1 / r))
    return _Spread(p2 - p1, spread, spread)


_SPREADS: Mapping[Form, Callable[[float, float, float], _Spread]] = {
    "arcsine": _arcsine,
    "unpooled": _unpooled,
    "pooled": _pooled,
    "baseline": _baseline,
}


def cohens_h(p1: float, p2: float) -> float:
    """Cohen's h of p2 against p1: 2 asin √p₂ − 2 asin √p₁."""
    return 2 * math.asin(math.sqrt(p2)) - 2 * math.asin(math.sqrt(p1))


def split_families(total: float, ratio: float) -> tuple[float, float]:
    """Families in the treated and in the control arm, `ratio` treated to one control; fractions are kept."""
    _check_positive(ratio, "the ratio of treated to control families")
    _check_positive(total, "the number of families")
    return total * ratio / (1 + ratio), total / (1 + ratio)


def fit_power(
    baseline: float, difference: float, *, treated: float, control: float, design: Design, form: Form
) -> float:
    """Chance that the two-sided test finds a true `difference` (signed), both tails. `design.power` plays no part.

    Raises CreweError for an impossible proportion, an unknown form or an arm without families.
    """
    other = _check_proportions(baseline, difference)
    _check_arms(treated, control)
    spread = _spread(form, baseline, other, treated / control)
    root = math.sqrt(design.effective(control))
    if spread.true == 0:
        raise CreweError("both proportions are 0 or 1, so the difference has no spread and no power is defined.")
    critical = design.z[0] * spread.null / spread.true
    centre = spread.difference * root / spread.true
    return float(norm.cdf(centre - critical) + norm.cdf(-centre - critical))


def fit_families(baseline: float, difference: float, *, ratio: float, design: Design, form: Form) -> float:
    """Families needed in both arms together (not rounded up) to detect a `difference` (signed, not 0).

    ratio: treated families to one control family. Raises CreweError as `fit_power` does.
    """
    other = _check_proportions(baseline, difference)
    _check_positive(ratio, "the ratio of treated to control families")
    if difference == 0:
        raise CreweError("the difference is 0; no number of families would find it.")
    spread = _spread(form, baseline, other, ratio)
    level, wanted = design.z
    control = ((level * spread.null + wanted * spread.true) / spread.difference) ** 2
    return (1 + ratio) * control * design.effect / design.children


def fit_detectable(
    baseline: float, *, treated: float, control: float, design: Design, form: Form, direction: Direction
) -> float:
    """Least difference from `baseline`, up or down, that is found with `design.power`; a share of one, above 0.

    Missing (NaN) if even the largest possible change, to nobody or to everybody, is not found so often. Raises
    CreweError as `fit_power` does.
    """
    _check_arms(treated, control)
    _check_proportions(baseline, 0.0)
    sign, total = SIGN[direction], treated + control
    most = 1 - baseline if direction == "rise" else baseline

    def lacking(size: float) -> float:
        needed = fit_families(baseline, sign * size, ratio=treated / control, design=design, form=form)
        return math.log(needed / total) if needed > 0 else -math.inf

    most *= 1 - 1e-12
    if lacking(most) > 0:
        return math.nan
    return float(brentq(lacking, 1e-9, most, xtol=1e-12))


def _spread(form: Form, p1: float, p2: float, ratio: float) -> _Spread:
    if form not in _SPREADS:
        raise CreweError(f"form must be one of {', '.join(FORMS)}; got {form!r}.")
    return _SPREADS[form](p1, p2, ratio)


def _check_proportions(baseline: float, difference: float) -> float:
    """The other arm's proportion."""
    if not 0 < baseline < 1:
        raise CreweError(f"the baseline is {baseline:g}; it must lie between 0 and 1 (0.226 is 22.6%).")
    if not 0 <= baseline + difference <= 1:
        raise CreweError(
            f"a difference of {difference:g} from {baseline:g} gives {baseline + difference:g}, which is no proportion."
        )
    return baseline + difference


def _check_arms(treated: float, control: float) -> None:
    _check_positive(treated, "the number of treated families")
    _check_positive(control, "the number of control families")


def _check_positive(value: float, name: str) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise CreweError(f"{name} is {value:g}; it must be above 0.")
