"""Two-unit difference in differences: hand arithmetic, invariances, recovery of a known effect."""

import numpy as np
import pytest

from crewe_lib.errors import CreweError
from crewe_lib.models.did import fit_trend_difference, fit_two_unit_did

T = np.array([1, 1, 1, 1, 0, 0, 0, 0])
POST = np.array([0, 0, 1, 1, 0, 0, 1, 1])
YEAR = np.array([1, 2, 3, 4, 1, 2, 3, 4])
Y = np.array([10.0, 12.0, 20.0, 22.0, 5.0, 7.0, 8.0, 12.0])


def fit(y=Y, treated=T, **options):
    settings = dict(covariate=None, covariance="CR2", alpha=0.05) | options
    return fit_two_unit_did(y, treated, POST, YEAR, **settings)


def test_hand_arithmetic() -> None:
    # treated 11 -> 21, other 6 -> 10: (21 - 11) - (10 - 6) = 6. Yearly gaps 5, 5 and 12, 10: their variances are
    # 0 and 2, so the standard error of the difference of means is sqrt(0/2 + 2/2) = 1.
    result = fit()
    assert result.estimate == pytest.approx(6)
    assert result.std_error == pytest.approx(1)
    assert result.n == 8


def test_swapping_the_units_flips_the_sign() -> None:
    one, other = fit(), fit(treated=1 - T)
    assert other.estimate == pytest.approx(-one.estimate)
    assert (other.conf_low, other.conf_high) == pytest.approx((-one.conf_high, -one.conf_low))
    assert other.p_value == pytest.approx(one.p_value)


def test_units_of_measurement_scale_through() -> None:
    one, scaled = fit(), fit(y=100 * Y)
    assert scaled.conf_low == pytest.approx(100 * one.conf_low)
    assert scaled.p_value == pytest.approx(one.p_value)


def test_a_shock_shared_by_both_units_changes_nothing_under_cr2() -> None:
    shocked = Y + np.array([0, 7, -3, 11, 0, 7, -3, 11])
    assert fit(y=shocked).estimate == pytest.approx(fit().estimate)
    assert fit(y=shocked).std_error == pytest.approx(fit().std_error)


def test_covariate_that_explains_everything_leaves_no_effect() -> None:
    rng = np.random.default_rng(3)
    size = rng.normal(size=8)
    result = fit(y=2 * size + 1e-9 * rng.normal(size=8), covariate=size, covariance="classical")
    assert result.estimate == pytest.approx(0, abs=1e-6)


def test_known_effect_is_recovered() -> None:
    rng = np.random.default_rng(11)
    estimates = [
        fit(y=4 * T * POST + 3 * T - POST + rng.normal(size=8), covariance="classical").estimate for _ in range(400)
    ]
    assert np.mean(estimates) == pytest.approx(4, abs=4 * np.std(estimates) / 20)


def test_trend_difference_by_hand() -> None:
    # Slopes 2.0 and 0.5 a year, exactly linear but for a little noise in the middle that leaves both alone. The yearly
    # gaps are -1.0, 0.3 and 2.0: their slope is 1.5 too, from three points and one degree of freedom.
    years, unit = np.tile([1, 2, 3], 2), [1, 1, 1, 0, 0, 0]
    y = np.array([0.0, 2.1, 4.0, 1.0, 1.8, 2.0])
    pooled = fit_trend_difference(y, unit, years, method="pooled", alpha=0.05)
    gaps = fit_trend_difference(y, unit, years, method="gaps", alpha=0.05)
    assert pooled.estimate == pytest.approx(1.5) and gaps.estimate == pytest.approx(1.5)
    assert (pooled.n, pooled.df, gaps.n, gaps.df) == (6, 2, 3, 1)


def test_shared_shocks_leave_the_slope_of_gaps_alone() -> None:
    years, unit = np.tile([1, 2, 3, 4], 2), np.repeat([1, 0], 4)
    y = np.random.default_rng(2).normal(size=8)
    shocked = y + np.tile([5.0, -3.0, 8.0, 0.0], 2)
    one, other = (fit_trend_difference(v, unit, years, method="gaps", alpha=0.05) for v in (y, shocked))
    assert one.conf_low == pytest.approx(other.conf_low) and one.p_value == pytest.approx(other.p_value)


def test_one_period_on_a_side_is_refused() -> None:
    with pytest.raises(CreweError, match="at least two periods after"):
        fit_two_unit_did(
            Y, T, YEAR == 4, YEAR, covariate=None, covariance="CR2", alpha=0.05
        )  # one period would leave CR2 with no variation to see, and an interval far too short


@pytest.mark.parametrize(
    ("unit", "years", "method", "message"),
    [
        ([1, 1, 1, 0, 0, 0], [1, 2, 3, 1, 2, 4], "gaps", "the same periods, each once"),
        ([1, 1, 1, 0, 0, 0], [1, 2, 3, 1, 2, 3], "other", "must be 'pooled' or 'gaps'"),
    ],
)
def test_bad_trend_calls_are_named(unit, years, method, message) -> None:
    with pytest.raises(CreweError, match=message):
        fit_trend_difference([1.0, 2.5, 3.0, 1.0, 1.0, 2.0], unit, years, method=method, alpha=0.05)
