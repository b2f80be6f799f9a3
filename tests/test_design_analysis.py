"""Exaggeration, wrong signs and equivalence: hand arithmetic, Monte Carlo, R, and enumeration."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.cluster_power import Design, fit_power
from crewe_lib.models.design_analysis import fit_design_analysis, fit_equivalence, fit_equivalence_families
from crewe_lib.models.proportions import fit_newcombe

REFERENCE = Path(__file__).parent / "reference" / "design_analysis.csv"


def test_agrees_with_r() -> None:
    """R integrates where this has a closed form; to 1e-9, but for the far tail of the normal (1e-7 of a tiny share)."""
    for row in pd.read_csv(REFERENCE, comment="#").to_dict("records"):
        found = fit_design_analysis(row["effect"], row["std_error"], alpha=row["alpha"], df=row["df"])
        assert found.power == pytest.approx(row["power"], rel=1e-9)
        assert found.exaggeration == pytest.approx(row["exaggeration"], rel=1e-9)
        assert found.sign_error == pytest.approx(row["sign_error"], rel=1e-7)


@pytest.mark.parametrize(
    ("effect", "std_error", "power", "wrong", "factor"), [(0.1, 3.28, 0.05, 0.46, 77), (2, 8.1, 0.06, 0.24, 9.5)]
)
def test_the_papers_own_examples(effect: float, std_error: float, power: float, wrong: float, factor: float) -> None:
    """Gelman and Carlin (2014): beauty and sex ratio; fertility and the vote. As printed, to the printed digit."""
    found = fit_design_analysis(effect, std_error, alpha=0.05)
    assert round(found.power, 2) == power and round(found.sign_error, 2) == wrong
    assert found.exaggeration == pytest.approx(factor, abs=0.5 if factor > 10 else 0.05)


def test_by_hand() -> None:
    """An effect of one standard error, critical value 1.96: power 0.1685 + 0.0015."""
    found = fit_design_analysis(1, 1, alpha=2 * stats.norm.sf(1.96))
    right, wrong = stats.norm.sf(0.96), stats.norm.cdf(-2.96)
    assert found.power == pytest.approx(right + wrong)
    assert found.sign_error == pytest.approx(wrong / (right + wrong))
    density = stats.norm.pdf(0.96) + stats.norm.pdf(2.96)
    assert found.exaggeration == pytest.approx((right - wrong + density) / (right + wrong))
    assert found.least_significant == pytest.approx(1.96)


@pytest.mark.parametrize("df", [4.0, 30.0, math.inf])
def test_agrees_with_monte_carlo(df: float) -> None:
    """A million estimates around a true effect of 8 with a standard error of 8.8: within five Monte Carlo errors."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal(1_000_000) if math.isinf(df) else rng.standard_t(df, 1_000_000)
    drawn = 8 + 8.8 * noise
    found = fit_design_analysis(8, 8.8, alpha=0.05, df=df)
    hits = drawn[np.abs(drawn) > found.least_significant]
    assert len(hits) / 1e6 == pytest.approx(found.power, abs=5 * math.sqrt(found.power / 1e6))
    error = float(np.std(hits)) / math.sqrt(len(hits)) / 8
    assert np.mean(np.abs(hits)) / 8 == pytest.approx(found.exaggeration, abs=5 * error)
    assert np.mean(hits < 0) == pytest.approx(found.sign_error, abs=5 * math.sqrt(found.sign_error / len(hits)))


@given(st.floats(0.05, 30), st.floats(0.1, 30), st.floats(0.001, 0.5), st.sampled_from([2.0, 20.0, math.inf]))
def test_sign_unit_and_bounds(effect: float, std_error: float, alpha: float, df: float) -> None:
    one = fit_design_analysis(effect, std_error, alpha=alpha, df=df)
    other = fit_design_analysis(-100 * effect, 100 * std_error, alpha=alpha, df=df)
    for name in ("power", "exaggeration", "sign_error"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6)
    # An effect of nothing is found with alpha; half of these have the wrong sign.
    assert alpha <= one.power * (1 + 1e-9) and one.power <= 1 and 0 <= one.sign_error <= 0.5
    assert one.exaggeration >= 1 - 1e-9


def test_more_precision_exaggerates_less() -> None:
    found = [fit_design_analysis(5, error, alpha=0.05) for error in (20, 8.8, 3, 1)]
    assert [one.exaggeration for one in found] == sorted((one.exaggeration for one in found), reverse=True)
    assert found[-1].exaggeration == pytest.approx(1, abs=0.01) and found[-1].sign_error < 1e-10


def test_many_degrees_of_freedom_are_the_normal() -> None:
    near, normal = (fit_design_analysis(5, 8.8, alpha=0.05, df=df) for df in (1e7, math.inf))
    assert near.exaggeration == pytest.approx(normal.exaggeration, rel=1e-5)
    assert near.sign_error == pytest.approx(normal.sign_error, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": 0.0}, "the true effect is 0"),
        ({"effect": math.nan}, "the true effect is nan"),
        ({"std_error": 0.0}, "the standard error is 0"),
        ({"std_error": math.nan}, "the standard error is nan"),
        ({"alpha": 5.0}, "alpha is 5"),
        ({"df": 1.0}, "the degrees of freedom are 1; they must be above 1"),
        ({"df": math.nan}, "the degrees of freedom are nan"),
        ({"effect": 5e-324}, "too small beside its standard error"),
    ],
)
def test_bad_input_is_named(change: dict[str, float], message: str) -> None:
    call = {"effect": 5.0, "std_error": 8.8, "alpha": 0.05, **change}
    with pytest.raises(CreweError, match=message):
        fit_design_analysis(call.pop("effect"), call.pop("std_error"), **call)


def brute_force(share: float, n1: int, n2: int, margin: float, alpha: float) -> float:
    """Every pair of counts, one at a time, by the interval that the book shows."""
    total = 0.0
    for k1 in range(n1 + 1):
        for k2 in range(n2 + 1):
            low, high = fit_newcombe(k1, n1, k2, n2, alpha=2 * alpha)
            if -margin < low and high < margin:
                total += stats.binom.pmf(k1, n1, share) * stats.binom.pmf(k2, n2, share)
    return total


@pytest.mark.parametrize(("share", "n1", "n2", "margin"), [(0.69, 20, 11, 0.4), (0.3, 14, 14, 0.3), (0.5, 6, 9, 0.6)])
def test_equivalence_by_enumeration(share: float, n1: int, n2: int, margin: float) -> None:
    found = fit_equivalence(share, n1, n2, margin=margin, alpha=0.05, power=0.8)
    assert found.chance == pytest.approx(brute_force(share, n1, n2, margin, 0.05), abs=1e-12)


def test_the_margin_needed_reaches_the_power() -> None:
    """At the margin itself the interval that just reaches it does not lie within; a hair above, it does."""
    needed = fit_equivalence(0.69, 82, 44, margin=0.1, alpha=0.05, power=0.8).margin_needed
    at, above = (fit_equivalence(0.69, 82, 44, margin=m, alpha=0.05, power=0.8).chance for m in (needed, needed + 1e-9))
    assert at < 0.8 <= above


def test_equivalence_does_not_depend_on_the_arms_order_or_the_coding() -> None:
    one, swapped, coded = (
        fit_equivalence(share, *arms, margin=0.2, alpha=0.05, power=0.8)
        for share, arms in ((0.69, (82, 44)), (0.69, (44, 82)), (0.31, (82, 44)))
    )
    for other in (swapped, coded):
        assert other.chance == pytest.approx(one.chance, rel=1e-6)
        assert other.margin_needed == pytest.approx(one.margin_needed, rel=1e-9)


def test_families_for_equivalence_by_hand_and_in_the_exact_sum() -> None:
    # 0.25 x (1/0.5 + 1/0.5) x ((1.644854 + 1.281552) / 0.1)^2.
    families = fit_equivalence_families(0.5, ratio=1, margin=0.1, alpha=0.05, power=0.8)
    assert families == pytest.approx(856.3846, rel=1e-6)
    arm = math.ceil(families / 2)
    exact = fit_equivalence(0.5, arm, arm, margin=0.1, alpha=0.05, power=0.8).chance
    assert exact == pytest.approx(0.8, abs=0.02)


def test_equivalence_and_difference_are_two_questions() -> None:
    """With as many families as equivalence needs, a difference as large as the margin is found about as often."""
    families = fit_equivalence_families(0.5, ratio=1, margin=0.1, alpha=0.05, power=0.8)
    design = Design(children=1, icc=0, alpha=0.05, power=0.8)
    arms = {"treated": families / 2, "control": families / 2}
    assert 0.8 < fit_power(0.5, 0.1, **arms, design=design, form="unpooled") < 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share": 0.0}, "the common share is 0"),
        ({"margin": 10.0}, "the margin is 10"),
        ({"alpha": 0.5}, "alpha is 0.5; a test of equivalence"),
        ({"power": 1.0}, "power is 1"),
        ({"n1": 0}, "the arms have 0 and 44 members"),
    ],
)
def test_bad_input_to_equivalence_is_named(change: dict[str, float], message: str) -> None:
    call = {"share": 0.69, "n1": 82, "n2": 44, "margin": 0.1, "alpha": 0.05, "power": 0.8, **change}
    with pytest.raises(CreweError, match=message):
        fit_equivalence(call.pop("share"), int(call.pop("n1")), int(call.pop("n2")), **call)
    if "n1" not in change:
        call = {"share": 0.69, "ratio": 2.0, "margin": 0.1, "alpha": 0.05, "power": 0.8, **change}
        with pytest.raises(CreweError, match=message):
            fit_equivalence_families(call.pop("share"), **call)


def test_an_impossible_ratio_is_named() -> None:
    with pytest.raises(CreweError, match="ratio of treated to control families is 0"):
        fit_equivalence_families(0.5, ratio=0, margin=0.1, alpha=0.05, power=0.8)
