"""The placebo grid: against least squares on two series, by hand, and its inversion against brute force."""

import numpy as np
import pytest

from crewe_lib.errors import CreweError
from crewe_lib.models.did import fit_two_unit_did
from crewe_lib.models.permutation import placebo_did, placebo_p_values
from crewe_lib.models.placebo_grid import fit_placebo_grid, invert_sizes, weigh_nearest, weigh_one, weigh_others


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_by_hand() -> None:
    """Unit 0 goes from 10 to 16, unit 1 from 20 to 22, unit 2 from 5 to 5: against unit 1 it gained 4, or 40%."""
    y = np.array([[10.0, 10, 16], [20, 20, 22], [5, 5, 5]])
    one = fit_placebo_grid(y, None, weigh_one(3, 1), 2)
    assert one.units.tolist() == [0, 2] and one.change.tolist() == [4, -2] and one.percent.tolist() == [40, -40]
    assert fit_placebo_grid(y, None, weigh_others(3), 2).change.tolist() == [5, -1, -4]


@pytest.mark.parametrize("covariate", [False, True])
def test_it_is_least_squares_on_two_series(rng, covariate) -> None:
    y, x = rng.normal(50, 5, (6, 9)), rng.normal(900, 80, (6, 9))
    weights = weigh_others(6)
    grid = fit_placebo_grid(y, x if covariate else None, weights, 5)
    treated, post = np.repeat([1, 0], 9), np.tile(np.arange(9) >= 5, 2)
    for unit in range(6):
        fit = fit_two_unit_did(
            np.concatenate([y[unit], weights[unit] @ y]),
            treated,
            post,
            np.tile(np.arange(9), 2),
            covariate=np.concatenate([x[unit], weights[unit] @ x]) if covariate else None,
            covariance="classical",
            alpha=0.05,
        )
        assert grid.change[unit] == pytest.approx(fit.estimate, rel=1e-9)
        assert grid.percent[unit] == pytest.approx(100 * fit.estimate / y[unit, :5].mean())


def test_it_agrees_with_the_other_engine(rng) -> None:
    y = rng.normal(50, 5, (8, 9))
    np.testing.assert_allclose(fit_placebo_grid(y, None, weigh_others(8), 5).change, placebo_did(y, 5).estimates)


def test_shared_shocks_and_order_do_not_matter(rng) -> None:
    y, x = rng.normal(50, 5, (8, 9)), rng.normal(90, 5, (8, 9))
    base = fit_placebo_grid(y, x, weigh_others(8), 5)
    np.testing.assert_allclose(fit_placebo_grid(y + rng.normal(0, 9, 9), None, weigh_others(8), 5).change,
                               fit_placebo_grid(y, None, weigh_others(8), 5).change)  # fmt: skip
    back = fit_placebo_grid(y[::-1], x[::-1], weigh_others(8), 5)
    np.testing.assert_allclose(back.change[::-1], base.change)
    np.testing.assert_allclose(fit_placebo_grid(3 * y, x / 7, weigh_others(8), 5).percent, base.percent)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.37])
def test_the_interval_is_the_p_value_turned_round(rng, alpha) -> None:
    """An effect is inside if and only if, once taken off, the p-value of what is left exceeds alpha."""
    estimates = rng.normal(0, 1, 60)
    low, high = invert_sizes(estimates, 7, alpha)
    for effect in rng.uniform(low - 1, high + 1, 200):
        moved = estimates.copy()
        moved[7] -= effect
        assert (placebo_p_values(moved)[7] > alpha) == (low < effect < high)
    assert invert_sizes(estimates[:10], 3, 0.05) == (-np.inf, np.inf)


def test_nearest_are_each_units_own() -> None:
    place = np.array([0.0, 1, 3, 10, np.nan])
    weights = weigh_nearest(np.abs(place[:, None] - place), 1)
    assert weights.argmax(axis=1).tolist()[:4] == [1, 0, 1, 2] and not weights[4].any() and not weights[:, 4].any()


def test_bad_input_is_named(rng) -> None:
    y = rng.normal(50, 5, (4, 6))
    with pytest.raises(CreweError, match="does not vary"):
        fit_placebo_grid(y, np.ones((4, 6)), weigh_others(4), 3)
    with pytest.raises(CreweError, match="mean of zero before"):
        fit_placebo_grid(np.hstack([np.zeros((4, 3)), y]), None, weigh_others(4), 3)
    with pytest.raises(CreweError, match="n is 4; it must be from 1 to 3"):
        weigh_nearest(np.zeros((4, 4)), 4)
