"""One treated unit: hand arithmetic, invariances, base R, size and coverage, and a named error for each bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from crewe_lib.errors import CreweError
from crewe_lib.models import permutation as perm

REFERENCE = Path(__file__).parent / "reference"
# Changes (post less pre, one period each): 10, 1, 2, 3, −6.
HAND = np.array([[0.0, 10.0], [5.0, 6.0], [1.0, 3.0], [2.0, 5.0], [9.0, 3.0]])


def panel(rng: np.random.Generator, units: int = 60, periods: int = 9, effect: float = 0.0) -> np.ndarray:
    """Unit and period effects, autocorrelated noise; unit 0 gains `effect` after five periods."""
    y = rng.standard_normal((units, periods))
    for t in range(1, periods):
        y[:, t] += 0.5 * y[:, t - 1]
    y += 10 * rng.standard_normal((units, 1)) + 5 * rng.standard_normal(periods)
    y[0, 5:] += effect
    return y


@pytest.fixture(scope="module")
def r_case() -> tuple[np.ndarray, np.ndarray, pd.Series]:
    d = pd.read_csv(REFERENCE / "permutation_input.csv")
    wide = d.pivot(index="unit", columns="period", values="y").to_numpy()
    stored = pd.read_csv(REFERENCE / "permutation.csv", comment="#").set_index(["case", "name"])["value"]
    return wide, d.groupby("unit")["population"].first().to_numpy(float), stored


class TestPlacebo:
    def test_hand_arithmetic(self) -> None:
        found = perm.placebo_did(HAND, 1)
        # Unit 0: 10 − (1 + 2 + 3 − 6)/4 = 10. Unit 4: −6 − (10 + 1 + 2 + 3)/4 = −10. Unit 1: 1 − 9/4 = −1.25.
        np.testing.assert_allclose(found.estimates, [10, -1.25, 0, 1.25, -10])
        np.testing.assert_allclose(found.p_values, [0.4, 0.8, 1, 0.8, 0.4])  # ties count
        assert found.pairs[0, 4] == pytest.approx(16) and found.pairs[4, 0] == pytest.approx(-16)
        assert (np.diag(found.pairs) == 0).all()

    def test_equal_changes_tie_although_they_round_differently(self) -> None:
        y = np.array([[0.1, 0.1 + 0.2], [0.0, 0.2], [0.7, 0.9], [0.0, -0.2], [1.3, 1.1], [0.4, 0.4]])
        assert len(set(y[:, 1] - y[:, 0])) > 3
        np.testing.assert_allclose(perm.placebo_did(y, 1).p_values, np.array([5, 5, 5, 2, 2, 6]) / 6)

    def test_a_fixed_set_of_comparators(self) -> None:
        found = perm.placebo_did(HAND, 1, comparators=[1, 3])  # their mean change is 2
        assert found.units.tolist() == [0, 2, 4]
        np.testing.assert_allclose(found.estimates, [8, 0, -8])
        np.testing.assert_allclose(found.p_values, [2 / 3, 1, 2 / 3])
        assert perm.placebo_did(HAND, 1, comparators=[3]).estimates[0] == found.pairs[0, 3]

    def test_unit_and_period_effects_change_nothing_and_units_of_measurement_scale(self) -> None:
        rng = np.random.default_rng(1)
        y = panel(rng)
        one = perm.placebo_did(y, 5)
        moved = perm.placebo_did(3 * (y + rng.normal(0, 100, (60, 1)) + rng.normal(0, 100, 9)), 5)
        np.testing.assert_allclose(moved.estimates, 3 * one.estimates, atol=1e-10)
        np.testing.assert_allclose(moved.pairs, 3 * one.pairs, atol=1e-10)
        np.testing.assert_allclose(moved.p_values, one.p_values)

    def test_the_order_of_units_does_not_matter(self) -> None:
        rng = np.random.default_rng(2)
        y, order = panel(rng), rng.permutation(60)
        one, other = perm.placebo_did(y, 5), perm.placebo_did(y[order], 5)
        np.testing.assert_allclose(other.estimates, one.estimates[order])
        np.testing.assert_allclose(other.p_values, one.p_values[order])

    def test_base_r_agrees(self, r_case) -> None:
        y, _, stored = r_case
        found = perm.placebo_did(y, 5)
        for unit in range(6):
            assert found.estimates[unit] == pytest.approx(stored["placebo", f"estimate_{unit}"], rel=1e-9)
            assert found.p_values[unit] == pytest.approx(stored["placebo", f"p_value_{unit}"], rel=1e-9)

    def test_p_values_are_exact_over_the_units(self) -> None:
        # Without ties exactly k of n units have a p-value of at most k/n: the size of a random unit's test.
        p = perm.placebo_did(panel(np.random.default_rng(3)), 5).p_values
        assert sorted(p) == pytest.approx(np.arange(1, 61) / 60)


class TestRanking:
    Y = np.array([[10.0, 12, 14, 0], [11, 13, 15, 0], [30, 32, 34, 0], [12, 12, 12, 0]])

    def test_hand_arithmetic(self) -> None:
        # Levels 12, 13, 32, 12; slopes 2, 2, 2, 0, whose standard deviation is 1.
        assert perm.rank_comparators(self.Y, 0, 3, on="level").order.tolist() == [3, 1, 2]
        trend = perm.rank_comparators(self.Y, 0, 3, on="trend")
        assert trend.order.tolist() == [1, 2, 3] and trend.distances == pytest.approx([0, 0, 2])
        spread = np.std([12, 13, 32, 12], ddof=1)
        both = perm.rank_comparators(self.Y, 0, 3, on="level and trend")
        assert both.order.tolist() == [1, 3, 2]
        assert both.distances == pytest.approx([1 / spread, 2, 20 / spread])

    def test_what_comes_after_the_start_does_not_matter(self) -> None:
        y = panel(np.random.default_rng(4))
        other = y.copy()
        other[:, 5:] = 0
        one, two = (perm.rank_comparators(x, 7, 5, on="level and trend") for x in (y, other))
        assert (one.order == two.order).all() and 7 not in one.order and len(one.order) == 59

    def test_the_order_of_units_and_the_scale_do_not_matter(self) -> None:
        rng = np.random.default_rng(5)
        y, order = panel(rng), rng.permutation(60)
        one = perm.rank_comparators(y, order[0], 5, on="level and trend")
        other = perm.rank_comparators(7 * y[order] + 4, 0, 5, on="level and trend")
        assert (order[other.order] == one.order).all()
        np.testing.assert_allclose(other.distances, one.distances)


class TestConleyTaber:
    def test_hand_arithmetic(self) -> None:
        # 39 controls with changes −19 … 19: at 5% one is cut off either end. Treated change 30, so estimate 30 and
        # interval 30 ± 19; no control is as far, so p = 2/40.
        change = np.r_[30.0, np.arange(-19.0, 20)]
        fit = perm.fit_conley_taber(np.column_stack([np.zeros(40), change]), 0, 1, alpha=0.05)
        assert (fit.estimate, fit.conf_low, fit.conf_high) == pytest.approx((30, 11, 49))
        assert fit.p_value == pytest.approx(0.05) and fit.n_controls == 39

    def test_base_r_agrees(self, r_case) -> None:
        y, _, stored = r_case
        fit = perm.fit_conley_taber(y, 0, 5, alpha=0.05)
        for name in ("estimate", "conf_low", "conf_high", "p_value"):
            assert getattr(fit, name) == pytest.approx(stored["conley_taber", name], rel=1e-9)

    @pytest.mark.parametrize("alpha", [0.05, 0.1, 0.32])
    def test_interval_and_p_value_are_one_rule(self, alpha: float) -> None:
        rng = np.random.default_rng(6)
        people = rng.uniform(1e5, 1e6, 60)
        for _ in range(60):
            y = panel(rng, effect=rng.normal(0, 3))
            for fit in (
                perm.fit_conley_taber(y, 0, 5, alpha=alpha),
                perm.fit_ferman_pinto(y, 0, 5, people, alpha=alpha),
            ):
                assert (fit.p_value <= alpha) == (not fit.conf_low <= 0 <= fit.conf_high)

    def test_covers_exactly_as_often_as_it_says(self) -> None:
        # A random unit of one fixed panel: exactly n + 1 − 2k of the n + 1 intervals hold the truth, which is zero.
        y = panel(np.random.default_rng(7), units=80)
        fits = [perm.fit_conley_taber(y, i, 5, alpha=0.05) for i in range(80)]
        assert sum(fit.conf_low <= 0 <= fit.conf_high for fit in fits) == 80 - 2 * 2

    def test_size_and_coverage_with_an_effect(self) -> None:
        rng = np.random.default_rng(8)
        fits = [perm.fit_conley_taber(panel(rng, effect=2), 0, 5, alpha=0.1) for _ in range(1000)]
        covered = sum(fit.conf_low <= 2 <= fit.conf_high for fit in fits)
        assert stats.binomtest(covered, 1000, 1 - 2 * 3 / 60).pvalue > 0.001
        estimates = [fit.estimate for fit in fits]
        assert np.mean(estimates) == pytest.approx(2, abs=4 * np.std(estimates) / np.sqrt(1000))

    def test_unit_and_period_effects_change_nothing_and_units_of_measurement_scale(self) -> None:
        rng = np.random.default_rng(9)
        y, order = panel(rng), rng.permutation(60)
        one = perm.fit_conley_taber(y, 3, 5, alpha=0.05)
        changed = -2 * (y + rng.normal(0, 50, (60, 1)) + rng.normal(0, 50, 9))
        other = perm.fit_conley_taber(changed[order], int(np.flatnonzero(order == 3)[0]), 5, alpha=0.05)
        assert (other.estimate, other.conf_low) == pytest.approx((-2 * one.estimate, -2 * one.conf_high))
        assert other.p_value == pytest.approx(one.p_value)


class TestFermanPinto:
    def test_base_r_agrees(self, r_case) -> None:
        y, people, stored = r_case
        change = y[:, 5:].mean(axis=1) - y[:, :5].mean(axis=1)
        variance = perm.fit_size_variance(change[1:] - change[1:].mean(), people[1:])
        assert variance.floor == pytest.approx(stored["ferman_pinto", "floor"], abs=1e-6)
        # R's optimiser stops at about seven figures.
        assert variance.slope == pytest.approx(stored["ferman_pinto", "slope"], rel=1e-6)
        fit = perm.fit_ferman_pinto(y, 0, 5, people, alpha=0.05)
        for name in ("estimate", "conf_low", "conf_high", "p_value"):
            assert getattr(fit, name) == pytest.approx(stored["ferman_pinto", name], rel=1e-5)

    def test_the_variance_function_is_the_constrained_optimum(self) -> None:
        rng = np.random.default_rng(10)
        seen = set()
        for _ in range(60):
            people = np.exp(rng.normal(12, 0.6, 40))
            spread = (rng.choice([0, 1]) + rng.choice([-1, 0, 1]) * 2e5 / people).clip(0.05)
            residuals = rng.normal(size=40) * np.sqrt(spread)
            ours = perm.fit_size_variance(residuals, people)
            (level, slope), _ = optimize.nnls(np.column_stack([np.ones(40), 1e5 / people]), residuals**2)
            assert ours.floor == pytest.approx(level, abs=1e-8)
            assert ours.slope == pytest.approx(1e5 * slope, rel=1e-6, abs=1e-3)
            seen.add((level > 0, slope > 0))
        assert seen == {(True, True), (True, False), (False, True)}

    def test_equal_populations_give_conley_taber(self) -> None:
        y = panel(np.random.default_rng(11))
        one = perm.fit_conley_taber(y, 0, 5, alpha=0.05)
        other = perm.fit_ferman_pinto(y, 0, 5, np.full(60, 3e5), alpha=0.05)
        assert (other.conf_low, other.conf_high, other.p_value) == pytest.approx(
            (one.conf_low, one.conf_high, one.p_value)
        )

    def test_the_unit_of_population_does_not_matter(self) -> None:
        rng = np.random.default_rng(12)
        y, people = panel(rng), rng.uniform(1e5, 1e6, 60)
        one, other = (perm.fit_ferman_pinto(y, 0, 5, p, alpha=0.05) for p in (people, people / 1000))
        assert (one.conf_low, one.conf_high) == pytest.approx((other.conf_low, other.conf_high))

    @pytest.mark.parametrize(("own", "wider"), [(1.2e5, True), (1e6, False)])
    def test_a_small_treated_unit_gets_the_wider_interval_and_the_level_holds(self, own: float, wider: bool) -> None:
        rng = np.random.default_rng(13)
        people = np.r_[own, np.exp(rng.normal(12.4, 0.6, 119))]
        lengths, rejected, naive = [], 0, 0
        for _ in range(600):
            y = rng.normal(size=(120, 4)) * np.sqrt(2.5e5 / people)[:, None]
            fit = perm.fit_ferman_pinto(y, 0, 2, people, alpha=0.05)
            plain = perm.fit_conley_taber(y, 0, 2, alpha=0.05)
            lengths.append((fit.conf_high - fit.conf_low) / (plain.conf_high - plain.conf_low))
            rejected, naive = rejected + (fit.p_value <= 0.05), naive + (plain.p_value <= 0.05)
        assert (np.mean(lengths) > 1) == wider
        # Nominal 5%, and the estimated variance adds to it for a unit smaller than most; without correction 16% and 0%.
        assert 0.02 < rejected / 600 < 0.09
        assert (naive / 600 > 0.12) if wider else (naive / 600 < 0.01)


@pytest.mark.slow
def test_levels_over_many_panels() -> None:
    """20,000 panels of 149 units: placebo 7/149, Conley–Taber 6/149 by construction; binomial error 0.15 points."""
    rng = np.random.default_rng(14)
    rejections = np.zeros(2)
    for _ in range(20_000):
        y = panel(rng, units=149)
        placebo = perm.placebo_did(y, 5).p_values[0]
        rejections += [placebo <= 0.05, perm.fit_conley_taber(y, 0, 5, alpha=0.05).p_value <= 0.05]
    for count, share in zip(rejections, (7 / 149, 6 / 149), strict=True):
        assert stats.binomtest(int(count), 20_000, share).pvalue > 0.001


Y = panel(np.random.default_rng(15))
HOLED = Y.copy()
HOLED[[3, 8], 2] = np.nan
FLAT = np.tile(np.arange(9.0), (60, 1))
ONE_MOVES = FLAT + np.outer(np.eye(60)[0], np.arange(9) >= 5)
PEOPLE = np.full(60, 1e5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: perm.placebo_did(HOLED, 5), "missing values in units 3, 8"),
        (lambda: perm.placebo_did(np.full((9, 9), np.nan), 5), "units 0, 1, 2, 3, 4 and 4 more"),
        (lambda: perm.placebo_did(Y[:2], 5), "2 units are too few"),
        (lambda: perm.placebo_did(Y, 0), "n_pre is 0 of 9"),
        (lambda: perm.placebo_did(Y, 9), "leave a post-period"),
        (lambda: perm.placebo_did(Y[0], 5), "1 dimensions"),
        (lambda: perm.placebo_did(FLAT, 5), "all units changed by the same amount"),
        (lambda: perm.placebo_did(Y, 5, comparators=[60]), "a comparator is 60; it must be an index from 0 to 59"),
        (lambda: perm.placebo_did(Y, 5, comparators=[]), "0 comparators of 60"),
        (lambda: perm.placebo_did(Y, 5, comparators=range(59)), "59 comparators of 60"),
        (lambda: perm.rank_comparators(Y, -1, 5, on="level"), "treated is -1"),
        (lambda: perm.rank_comparators(Y, 0, 1, on="trend"), "n_pre is 1 of 9 periods; it must be at least 2"),
        (lambda: perm.rank_comparators(Y, 0, 5, on="size"), "it must be 'level', 'trend' or 'level and trend'"),
        (lambda: perm.rank_comparators(FLAT, 0, 5, on="trend"), "the same pre-period trend"),
        (lambda: perm.rank_comparators(FLAT, 0, 5, on="level"), "the same pre-period level"),
        (lambda: perm.fit_conley_taber(Y, 60, 5, alpha=0.05), "treated is 60"),
        (lambda: perm.fit_conley_taber(Y, 0, 5, alpha=0.0), "alpha is 0.0"),
        (lambda: perm.fit_conley_taber(Y[:39], 0, 5, alpha=0.05), "38 controls .* at least 39 are needed"),
        (lambda: perm.fit_conley_taber(Y, 0, 5, alpha=0.01), "at least 199 are needed"),
        (lambda: perm.fit_conley_taber(ONE_MOVES, 0, 5, alpha=0.05), "all controls changed by the same amount"),
        (lambda: perm.fit_ferman_pinto(Y, 0, 5, PEOPLE[1:], alpha=0.05), "one number for each of 60 units"),
        (lambda: perm.fit_ferman_pinto(Y, 0, 5, PEOPLE * (np.arange(60) != 4), alpha=0.05), "not for units 4"),
        (lambda: perm.fit_ferman_pinto(Y, 0, 5, np.r_[np.nan, PEOPLE[1:]], alpha=0.05), "not for units 0"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(CreweError, match=message):
        call()
