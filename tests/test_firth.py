"""Firth's logistic regression: against a general optimiser of the penalised likelihood, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.firth import average_risks, fit_firth, profile_firth


def penalised(beta: np.ndarray, y: np.ndarray, x: np.ndarray) -> float:
    """Minus the penalised log-likelihood, written from its definition."""
    p = special.expit(x @ beta)
    likelihood = np.sum(special.xlogy(y, p) + special.xlog1py(1 - y, -p))
    return -float(likelihood + 0.5 * np.log(np.linalg.det(x.T @ np.diag(p * (1 - p)) @ x)))


def made(seed: int, n: int = 60, k: int = 3, rare: float = -2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.integers(0, 2, n), rng.normal(size=(n, k - 2))])
    y = (rng.random(n) < special.expit(rare + 0.8 * x[:, 1])).astype(float)
    y[0], y[1] = 1.0, 0.0
    return y, x


@pytest.mark.parametrize("seed", range(8))
def test_estimates_agree_with_an_independent_optimiser(seed: int) -> None:
    y, x = made(seed)
    fit = fit_firth(y, x)
    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 20000, "maxfev": 20000}
    found = optimize.minimize(penalised, np.zeros(3), (y, x), method="Nelder-Mead", options=options)
    assert fit.coefficients == pytest.approx(found.x, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_profile_limits_are_where_the_likelihood_has_dropped(seed: int) -> None:
    y, x = made(seed)
    fit = fit_firth(y, x)
    profile = profile_firth(y, x, fit, column=1, alpha=0.1)
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20000, "maxfev": 20000}

    def drop(value: float) -> float:
        best = optimize.minimize(
            lambda b: penalised(np.array([b[0], value, b[1]]), y, x), np.zeros(2), method="Nelder-Mead", options=options
        )
        return 2 * (fit.log_likelihood + float(best.fun))

    for limit in (profile.conf_low, profile.conf_high):
        assert drop(limit) == pytest.approx(float(stats.chi2.isf(0.1, 1)), rel=1e-5)
    assert profile.p_value == pytest.approx(float(stats.chi2.sf(drop(0.0), 1)), rel=1e-4)


def test_two_by_two_table_is_the_odds_ratio_with_a_half_added_to_each_cell() -> None:
    # Firth 1993: for one binary column the penalty adds one half to every cell of the table.
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [4, 80, 0, 44])
    x = np.column_stack([np.ones(128), np.repeat([1.0, 0.0], [84, 44])])
    fit = fit_firth(y, x)
    assert fit.coefficients[1] == pytest.approx(np.log(4.5 * 44.5 / (80.5 * 0.5)), rel=1e-8)
    assert np.mean(fit.fitted) == pytest.approx(4 / 128, rel=1e-10)
    profile = profile_firth(y, x, fit, column=1, alpha=0.05)
    assert profile.conf_low < fit.coefficients[1] < profile.conf_high and np.isfinite(profile.conf_high)


def test_intercept_correction_makes_the_mean_prediction_the_observed_share() -> None:
    y, x = made(3, n=200, rare=-3.0)
    fit = fit_firth(y, x)
    uncorrected = special.expit(x @ fit.coefficients)
    assert np.mean(fit.fitted) == pytest.approx(np.mean(y), rel=1e-10)
    assert np.mean(uncorrected) > np.mean(y)  # leans towards one half
    with_treatment, without = average_risks(fit, x, column=1)
    rest = special.logit(fit.fitted) - x[:, 1] * fit.coefficients[1]
    assert with_treatment == pytest.approx(np.mean(special.expit(rest + fit.coefficients[1])))
    assert without == pytest.approx(np.mean(special.expit(rest)))


def test_row_order_and_swapped_arms_do_not_matter() -> None:
    y, x = made(5)
    fit, order = fit_firth(y, x), np.random.default_rng(1).permutation(len(y))
    assert fit_firth(y[order], x[order]).coefficients == pytest.approx(fit.coefficients, rel=1e-8)
    swapped = x.copy()
    swapped[:, 1] = 1 - x[:, 1]
    assert fit_firth(y, swapped).coefficients[1] == pytest.approx(-fit.coefficients[1], rel=1e-7)


@pytest.mark.parametrize(("k1", "k2"), [(1, 0), (4, 0), (84, 0), (84, 43), (0, 43), (40, 44)])
@pytest.mark.parametrize("alpha", [0.4, 0.05, 0.0001])
def test_profile_of_a_table_has_both_limits_however_far(k1: int, k2: int, alpha: float) -> None:
    # The intercept profiled out by one-dimensional search, of the likelihood with a half in each cell.
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [k1, 84 - k1, k2, 44 - k2])
    x = np.column_stack([np.ones(128), np.repeat([1.0, 0.0], [84, 44])])
    fit = fit_firth(y, x)
    profile = profile_firth(y, x, fit, column=1, alpha=alpha)
    cells = np.array([k1, 84 - k1, k2, 44 - k2]) + 0.5

    def least(slope: float) -> float:
        def minus(a: float) -> float:
            return float(
                cells
                @ [np.logaddexp(0, -a - slope), np.logaddexp(0, a + slope), np.logaddexp(0, -a), np.logaddexp(0, a)]
            )

        found = optimize.minimize_scalar(minus, bounds=(-40, 40), method="bounded", options={"xatol": 1e-11})
        return float(found.fun)

    best = least(fit.coefficients[1])
    for end in (profile.conf_low, profile.conf_high):
        assert 2 * (least(end) - best) == pytest.approx(float(stats.chi2.isf(alpha, 1)), abs=1e-6)


@pytest.mark.parametrize("n", [8, 20])
@pytest.mark.parametrize("seed", range(6))
def test_a_few_rows_have_a_true_maximum_in_any_unit(seed: int, n: int) -> None:
    y, x = made(seed, n=n, k=4)
    fit = fit_firth(y, x)
    points = [fit.coefficients + move * (1e-3 if n > 8 else 1e-2) for move in np.vstack([np.eye(4), -np.eye(4)])]
    assert all(-penalised(point, y, x) < fit.log_likelihood for point in points)
    assert -penalised(fit.coefficients, y, x) == pytest.approx(fit.log_likelihood, rel=1e-9)
    unit = np.array([1.0, 1.0, 1e4, 1e-4])
    assert fit_firth(y, x * unit).coefficients * unit == pytest.approx(fit.coefficients, rel=1e-6, abs=1e-7)


def test_a_saddle_is_left() -> None:
    # The outcome is the treatment, and a covariate with long tails is spread alike in both arms: the likelihood is
    # level where the covariate has no coefficient, and higher to either side.
    place = (np.arange(40) - 19.5) / 40
    x = np.column_stack([np.ones(80), np.repeat([1.0, 0.0], 40), np.tile(place**3, 2)])
    y = x[:, 1].copy()
    fit = fit_firth(y, x)
    found = optimize.minimize(penalised, [-4.0, 8.0, 5.0], (y, x), method="Nelder-Mead", options={"maxiter": 4000})
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-7)
    assert abs(fit.coefficients[2]) == pytest.approx(abs(found.x[2]), rel=1e-4)


def test_less_biased_than_maximum_likelihood_with_few_events() -> None:
    rng, firth = np.random.default_rng(2), []
    for _ in range(300):
        x = np.column_stack([np.ones(80), np.repeat([1.0, 0.0], 40)])
        y = (rng.random(80) < special.expit(-1.5 + x[:, 1])).astype(float)
        firth.append(fit_firth(y, x).coefficients[1])
    assert np.mean(firth) == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize(
    ("y", "x", "said"),
    [
        ([0, 0, 0, 0], [[1, 0], [1, 1], [1, 0], [1, 1]], "same in every row"),
        ([0, 1, np.nan, 0], [[1, 0], [1, 1], [1, 0], [1, 1]], "missing"),
        ([0, 1, 2, 0], [[1, 0], [1, 1], [1, 0], [1, 1]], "0 or 1"),
        ([0, 1, 1, 0], [[1, 1], [1, 1], [1, 1], [1, 1]], "collinear"),
        ([0, 1, 1, 0], [[2, 0], [1, 1], [1, 0], [1, 1]], "constant"),
        ([0, 1], [[1, 0], [1, 1]], "cannot estimate"),
    ],
)
def test_what_cannot_be_fitted_is_named(y: list[float], x: list[list[float]], said: str) -> None:
    with pytest.raises(CreweError, match=said):
        fit_firth(y, x)
