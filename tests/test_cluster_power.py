"""Power with families as clusters: hand arithmetic, statsmodels, R's power.prop.test, and simulation by counting."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from crewe_lib.errors import CreweError
from crewe_lib.models.cluster_power import (
    FORMS,
    SIGN,
    Design,
    Direction,
    Form,
    cohens_h,
    fit_detectable,
    fit_families,
    fit_power,
    split_families,
)

PLAIN = Design(children=1, icc=0, alpha=0.05, power=0.8)
TWINS = Design(children=3, icc=0.36, alpha=0.05, power=0.8)


def test_design_effect_and_effective_children_by_hand() -> None:
    assert TWINS.effect == pytest.approx(1.72)  # 1 + 2 x 0.36
    assert TWINS.effective(143) == pytest.approx(249.419, abs=5e-4)  # 143 x 3 / 1.72
    same = Design(children=3, icc=1, alpha=0.05, power=0.8)
    assert same.effective(143) == 143  # all children of a family alike: a family is one child
    assert Design(children=3, icc=0, alpha=0.05, power=0.8).effective(143) == 429
    assert PLAIN.z == pytest.approx((1.959964, 0.841621), abs=1e-6)


def test_unequal_families_by_hand() -> None:
    # 1 + ((1 + 0.25) x 3 - 1) x 0.36 = 1 + 2.75 x 0.36.
    assert Design(children=3, icc=0.36, alpha=0.05, power=0.8, cv=0.5).effect == pytest.approx(1.99)
    # Siblings wholly alike: a family of m children counts with weight m, so n families are worth n / (1 + cv^2).
    same = Design(children=3, icc=1, alpha=0.05, power=0.8, cv=0.5)
    assert same.effective(100) == pytest.approx(80)
    assert Design(children=3, icc=0, alpha=0.05, power=0.8, cv=0.5).effect == 1
    assert Design(children=3, icc=0.36, alpha=0.05, power=0.8, cv=0).effect == TWINS.effect


@given(st.lists(st.integers(1, 9), min_size=2, max_size=40), st.floats(0, 1))
def test_unequal_families_give_the_variance_of_the_mean(sizes: list[int], icc: float) -> None:
    """The variance of the mean of exchangeable children, family by family: m (1 + (m - 1) ICC) / N^2 for each."""
    total, families = sum(sizes), len(sizes)
    mean = total / families
    cv = math.sqrt(sum((m - mean) ** 2 for m in sizes) / families) / mean
    variance = sum(m * (1 + (m - 1) * icc) for m in sizes) / total**2
    design = Design(children=mean, icc=icc, alpha=0.05, power=0.8, cv=cv)
    assert 1 / design.effective(families) == pytest.approx(variance, rel=1e-9)


def test_unequal_families_detect_less() -> None:
    arms = {"treated": 88, "control": 44}
    least = [
        fit_detectable(
            0.226,
            **arms,
            design=Design(children=2.47, icc=0.36, alpha=0.05, power=0.8, cv=cv),
            form="arcsine",
            direction="fall",
        )
        for cv in (0.0, 0.25, 0.5, 1.0)
    ]
    assert least == sorted(least) and len(set(least)) == 4


def test_arcsine_by_hand() -> None:
    # 2 asin sqrt(0.377) - 2 asin sqrt(0.226) = 1.32241 - 0.99098; (2.801585 / h)^2 x 2 children in each arm.
    h = 2 * (math.asin(math.sqrt(0.377)) - math.asin(math.sqrt(0.226)))
    assert cohens_h(0.226, 0.377) == pytest.approx(h)
    families = fit_families(0.226, 0.151, ratio=1.0, design=PLAIN, form="arcsine")
    assert families == pytest.approx(2 * 2 * (2.8015852 / h) ** 2, rel=1e-6)


@pytest.mark.parametrize("difference", [-0.12, 0.05, 0.151])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 7 / 3])
def test_arcsine_power_agrees_with_statsmodels(difference: float, ratio: float) -> None:
    treated, control = split_families(300, ratio)
    here = fit_power(0.226, difference, treated=treated, control=control, design=TWINS, form="arcsine")
    there = NormalIndPower().power(
        effect_size=proportion_effectsize(0.226 + difference, 0.226),
        nobs1=TWINS.effective(treated),
        ratio=1 / ratio,
        alpha=0.05,
    )
    assert here == pytest.approx(float(there), abs=1e-10)


@pytest.mark.parametrize("direction", SIGN)
def test_detectable_effect_agrees_with_statsmodels(direction: Direction) -> None:
    least = fit_detectable(0.226, treated=143, control=143, design=TWINS, form="arcsine", direction=direction)
    h = NormalIndPower().solve_power(nobs1=TWINS.effective(143), alpha=0.05, power=0.8, ratio=1)
    found = abs(proportion_effectsize(0.226 + SIGN[direction] * least, 0.226))
    assert found == pytest.approx(float(h), abs=1e-6)


def test_pooled_form_agrees_with_r() -> None:
    # R 4: power.prop.test(p1=.226, power=.8, n=143)$p2 and power.prop.test(p1=.226, p2=.35, n=143)$power. R leaves out
    # the far tail, 8e-6 here.
    least = fit_detectable(0.226, treated=143, control=143, design=PLAIN, form="pooled", direction="rise")
    assert 0.226 + least == pytest.approx(0.3774532244, abs=5e-6)
    power = fit_power(0.226, 0.124, treated=143, control=143, design=PLAIN, form="pooled")
    assert power == pytest.approx(0.640158337, abs=2e-5)


def test_unpooled_and_baseline_forms_by_hand() -> None:
    # (1.959964 + 0.841621)^2 = 7.848880 times the variances over the squared difference, twice.
    unpooled = fit_families(0.2, 0.1, ratio=1.0, design=PLAIN, form="unpooled")
    assert unpooled == pytest.approx(2 * 7.848880 * (0.16 + 0.21) / 0.01, rel=1e-6)
    baseline = fit_families(0.2, 0.1, ratio=1.0, design=PLAIN, form="baseline")
    assert baseline == pytest.approx(2 * 7.848880 * 2 * 0.16 / 0.01, rel=1e-6)
    at_two = fit_families(0.2, 0.1, ratio=2.0, design=PLAIN, form="unpooled")
    assert at_two == pytest.approx(3 * 7.848880 * (0.16 + 0.21 / 2) / 0.01, rel=1e-6)


def test_pooled_power_is_near_the_exact_power_of_its_test() -> None:
    """The chance that the pooled z test rejects, added up over every pair of counts of two arms of 100."""
    p1, p2, n, exact = 0.3, 0.5, 100, 0.0
    for a in range(n + 1):
        for b in range(n + 1):
            common = (a + b) / (2 * n)
            spread = math.sqrt(max(common * (1 - common) * 2 / n, 1e-12))
            if abs(b - a) / n / spread > 1.959964:
                exact += binom.pmf(a, n, p1) * binom.pmf(b, n, p2) if 10 < a < 55 and 25 < b < 75 else 0.0
    found = fit_power(p1, p2 - p1, treated=n, control=n, design=PLAIN, form="pooled")
    assert found == pytest.approx(exact, abs=0.02)


@given(
    st.floats(0.05, 0.6),
    st.floats(20, 500),
    st.sampled_from([1.0, 2.0, 7 / 3]),
    st.floats(0, 1),
    st.sampled_from(FORMS),
    st.sampled_from(sorted(SIGN)),
)
def test_detectable_families_and_power_are_inverse(
    baseline: float, total: float, ratio: float, icc: float, form: Form, direction: Direction
) -> None:
    design = Design(children=3, icc=icc, alpha=0.05, power=0.8)
    treated, control = split_families(total, ratio)
    least = fit_detectable(baseline, treated=treated, control=control, design=design, form=form, direction=direction)
    if math.isnan(least):
        return
    signed = SIGN[direction] * least
    assert fit_families(baseline, signed, ratio=ratio, design=design, form=form) == pytest.approx(total, rel=1e-5)
    power = fit_power(baseline, signed, treated=treated, control=control, design=design, form=form)
    assert power == pytest.approx(0.8, abs=1e-3)


def test_more_correlation_or_fewer_families_detect_less() -> None:
    def least(icc: float, families: float) -> float:
        design = Design(children=3, icc=icc, alpha=0.05, power=0.8)
        return fit_detectable(
            0.226, treated=families, control=families, design=design, form="arcsine", direction="rise"
        )

    assert least(0, 143) < least(0.36, 143) < least(1, 143) < least(1, 66)


def test_without_a_difference_power_is_the_level() -> None:
    for form in FORMS:
        assert fit_power(0.3, 0.0, treated=50, control=90, design=TWINS, form=form) == pytest.approx(0.05)


def test_a_change_too_large_to_be_possible_is_missing() -> None:
    least = fit_detectable(0.05, treated=5, control=5, design=TWINS, form="unpooled", direction="fall")
    assert math.isnan(least)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"children": 0.5}, "children per family is 0.5"),
        ({"icc": 1.2}, "intra-class correlation is 1.2"),
        ({"alpha": 5}, "alpha is 5"),
        ({"power": 0}, "power is 0"),
        ({"cv": -0.1}, "variation of family sizes is -0.1; it must be 0 or more"),
        ({"cv": math.inf}, "variation of family sizes is inf"),
        ({"cv": math.nan}, "variation of family sizes is nan"),
        ({"children": 1, "cv": 0.5}, "every family has one child, so sizes cannot vary; cv is 0.5"),
    ],
)
def test_bad_designs_are_named(change: dict[str, float], message: str) -> None:
    with pytest.raises(CreweError, match=message):
        Design(**{"children": 3, "icc": 0.36, "alpha": 0.05, "power": 0.8, **change})


def test_bad_numbers_are_named() -> None:
    with pytest.raises(CreweError, match=r"-0\.124 from 0\.113 gives -0\.011, which is no proportion"):
        fit_families(0.113, -0.124, ratio=1.0, design=TWINS, form="arcsine")
    with pytest.raises(CreweError, match="the difference is 0"):
        fit_families(0.113, 0.0, ratio=1.0, design=TWINS, form="arcsine")
    with pytest.raises(CreweError, match=r"the baseline is 22\.6"):
        fit_detectable(22.6, treated=9, control=9, design=TWINS, form="arcsine", direction="rise")
    with pytest.raises(CreweError, match="number of control families is 0"):
        fit_power(0.2, 0.1, treated=9, control=0, design=TWINS, form="arcsine")
    with pytest.raises(CreweError, match="ratio of treated to control families is -1"):
        split_families(100, -1)
    with pytest.raises(CreweError, match="form must be one of arcsine, unpooled, pooled, baseline"):
        fit_families(0.2, 0.1, ratio=1.0, design=TWINS, form="fisher")  # type: ignore[arg-type]
