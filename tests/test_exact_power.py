"""Exact power of two shares: enumeration by other code, invariances, simulated trials and bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.exact_power import Test, fit_exact_detectable, fit_exact_power
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.power_simulation import fit_arms, fit_simulated_power

ARMS = {"treated": 12, "control": 7}


def test_the_hc2_test_is_that_of_the_regression_by_family() -> None:
    """Every pair of counts tested by least squares with CR2 errors, each child its own family."""
    treated = np.repeat([1.0, 0.0], [12, 7])
    x = np.column_stack([np.ones(19), treated])
    found = 0.0
    for k1 in range(13):
        for k2 in range(8):
            if {k1 / 12, k2 / 7} <= {0, 1}:
                rejected = k1 / 12 != k2 / 7  # a perfect fit, which the regression refuses
            else:
                y = np.concatenate([np.arange(12) < k1, np.arange(7) < k2]).astype(float)
                fit = fit_linear(y, x, covariance="CR2", clusters=np.arange(19))
                rejected = 2 * stats.t.sf(abs(fit.coefficients[1]) / fit.std_errors[1], fit.df[1]) <= 0.05
            found += rejected * stats.binom.pmf(k1, 12, 0.7) * stats.binom.pmf(k2, 7, 0.3)
    assert fit_exact_power(0.3, 0.4, **ARMS, test="HC2", alpha=0.05) == pytest.approx(found, rel=1e-9)


def test_the_chi_square_is_scipys() -> None:
    found = 0.0
    for k1 in range(13):
        for k2 in range(8):
            if 0 < k1 + k2 < 19:
                p = stats.chi2_contingency([[k1, 12 - k1], [k2, 7 - k2]], correction=False)[1]
                found += (p <= 0.05) * stats.binom.pmf(k1, 12, 0.7) * stats.binom.pmf(k2, 7, 0.3)
    assert fit_exact_power(0.3, 0.4, **ARMS, test="chi-square", alpha=0.05) == pytest.approx(found, rel=1e-9)


def test_it_is_the_test_of_the_simulated_trials() -> None:
    rng = np.random.default_rng(5)
    sizes = np.ones((40_000, 126), int)
    found = fit_simulated_power(sizes, treated=84, baseline=0.64, difference=0.223, icc=0, alpha=0.05, rng=rng)
    exact = fit_exact_power(0.64, 0.223, treated=84, control=42, test="HC2", alpha=0.05)
    assert exact == pytest.approx(0.761, abs=0.001)
    assert found.clustered.value == pytest.approx(exact, abs=4 * found.clustered.error)
    # Nobody against everybody: neither arm varies, and both reject.
    events = [(np.ones((1, 2), int), np.ones((1, 2), int)), (np.zeros((1, 3), int), np.ones((1, 3), int))]
    assert fit_arms(events)[0][0] == 0
    assert fit_exact_power(1e-9, 1 - 1e-9, treated=2, control=3, test="HC2", alpha=0.05) == pytest.approx(1)


@pytest.mark.parametrize("test", ["HC2", "chi-square"])
def test_outcome_and_arms_may_be_exchanged(test: Test) -> None:
    first = fit_exact_power(0.3, 0.4, **ARMS, test=test, alpha=0.05)
    assert fit_exact_power(0.7, -0.4, **ARMS, test=test, alpha=0.05) == pytest.approx(first)
    assert fit_exact_power(0.7, -0.4, treated=7, control=12, test=test, alpha=0.05) == pytest.approx(first)


@pytest.mark.parametrize("test", ["HC2", "chi-square"])
def test_the_least_difference_has_the_power(test: Test) -> None:
    setting: dict[str, Any] = {"treated": 84, "control": 42, "test": test, "alpha": 0.05}
    for direction, sign in (("rise", 1), ("fall", -1)):
        least = fit_exact_detectable(0.64, **setting, power=0.8, direction=direction)
        assert fit_exact_power(0.64, sign * least, **setting) == pytest.approx(0.8, abs=1e-6)
        assert all(fit_exact_power(0.64, sign * (least + more), **setting) > 0.8 for more in (0.001, 0.01, 0.05))
    assert math.isnan(fit_exact_detectable(0.03, **setting, power=0.8, direction="fall"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": 0.0}, "both shares must lie between 0 and 1"),
        ({"difference": 0.8}, "both shares must lie between 0 and 1"),
        ({"alpha": 5}, "alpha is 5"),
        ({"control": 1}, "arms of 12 and 1 children are too small"),
        ({"test": "Wald"}, "test must be one of HC2, chi-square"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    setting: dict[str, Any] = {"baseline": 0.3, "difference": 0.4, **ARMS, "test": "HC2", "alpha": 0.05, **change}
    with pytest.raises(CreweError, match=message):
        fit_exact_power(**setting)


def test_an_impossible_power_is_named() -> None:
    with pytest.raises(CreweError, match=r"power is 0\.01"):
        fit_exact_detectable(0.3, **ARMS, test="HC2", alpha=0.05, power=0.01, direction="rise")
