"""Ranks: enumeration, hand arithmetic, coin and exactRankTests (R), Brunner and Munzel's formula, step-down tests."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.ranks import (
    MOST,
    exact_p,
    find_detectable_superiority,
    fit_mann_whitney,
    fit_shift,
    fit_superiority,
)
from crewe_lib.models.step_down import fit_step_down

REFERENCE = Path(__file__).parent / "reference"
INPUT = pd.read_csv(REFERENCE / "ranks_input.csv")
EXPECTED = pd.read_csv(REFERENCE / "ranks.csv", comment="#").set_index("case")
CASES = list(EXPECTED.index)
Y = np.array([3.0, 5, 5, 7, 9, 2, 5, 1, 2, 2, 5, 3])
TREATED = np.arange(12) < 7


def case(name: str) -> tuple[np.ndarray, np.ndarray]:
    own = INPUT[INPUT["case"] == name]
    return own["y"].to_numpy(dtype=float), (own["arm"] == "t").to_numpy()


def enumerate_p(y: np.ndarray, treated: np.ndarray) -> float:
    """Every way to choose the treated, by brute force: an independent route to the exact p-value."""
    doubled = np.rint(2 * stats.rankdata(y)).astype(int)
    n, m = len(y), int(treated.sum())
    sums = np.array([doubled[list(chosen)].sum() for chosen in combinations(range(n), m)])
    return float(np.mean(np.abs(n * sums - m * doubled.sum()) >= abs(n * doubled[treated].sum() - m * doubled.sum())))


class TestMannWhitney:
    @pytest.mark.parametrize("name", CASES)
    def test_it_agrees_with_coin_and_exact_rank_tests(self, name: str) -> None:
        y, treated = case(name)
        exact = fit_mann_whitney(y, treated, method="exact")
        assert exact.p_value == pytest.approx(EXPECTED.at[name, "p_coin"], rel=1e-10)
        assert exact.p_value == pytest.approx(EXPECTED.at[name, "p_rank_tests"], rel=1e-10)
        normal = fit_mann_whitney(y, treated, method="normal")
        assert normal.z == pytest.approx(EXPECTED.at[name, "z_coin"], rel=1e-10, abs=1e-12)
        assert normal.p_value == pytest.approx(EXPECTED.at[name, "p_normal"], rel=1e-10)
        corrected = fit_mann_whitney(y, treated, method="normal, continuity")
        assert corrected.p_value == pytest.approx(EXPECTED.at[name, "p_continuity"], rel=1e-10)

    def test_by_hand(self) -> None:
        # 1, 2 | 2, 3: ranks 1, 2.5 | 2.5, 4. Of the six sums of two ranks 3.5, 3.5, 5, 5, 6.5, 6.5, four are as far
        # from five as the treated's 3.5. Of four pairs the treated has none larger and one equal: u = ½.
        fit = fit_mann_whitney([1, 2, 2, 3], [True, True, False, False], method="exact")
        assert (fit.u, fit.superiority) == (0.5, 0.125)
        assert fit.p_value == pytest.approx(4 / 6)

    @pytest.mark.parametrize("seed", range(12))
    def test_it_is_the_enumeration(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n, m = int(rng.integers(4, 12)), 0
        y = rng.integers(0, 4, n).astype(float)
        y[0], y[1] = 0, 3
        m = int(rng.integers(1, n))
        treated = rng.permutation(np.arange(n) < m)
        assert fit_mann_whitney(y, treated, method="exact").p_value == pytest.approx(enumerate_p(y, treated), rel=1e-12)

    def test_scipys_exact_method_ignores_ties(self) -> None:
        """Why ours is written: the trap that SciPy's method='exact' is with ties."""
        theirs = stats.mannwhitneyu(Y[TREATED], Y[~TREATED], method="exact").pvalue
        ours = fit_mann_whitney(Y, TREATED, method="exact").p_value
        assert ours == pytest.approx(enumerate_p(Y, TREATED), rel=1e-12)
        assert abs(theirs - ours) > 0.005

    def test_without_ties_it_is_scipys(self) -> None:
        y, treated = case("no_ties")
        theirs = stats.mannwhitneyu(y[treated], y[~treated], method="exact")
        ours = fit_mann_whitney(y, treated, method="exact")
        assert (ours.u, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-12)

    @pytest.mark.parametrize("method", ["exact", "normal", "normal, continuity"])
    def test_order_scale_and_swap(self, method: str) -> None:
        one = fit_mann_whitney(Y, TREATED, method=method)  # type: ignore[arg-type]
        order = np.random.default_rng(1).permutation(12)
        other = fit_mann_whitney(10 * Y[order] - 3, TREATED[order], method=method)  # type: ignore[arg-type]
        assert (other.u, other.p_value) == pytest.approx((one.u, one.p_value))
        swapped = fit_mann_whitney(Y, ~TREATED, method=method)  # type: ignore[arg-type]
        assert swapped.superiority == pytest.approx(1 - one.superiority)
        assert (swapped.z, swapped.p_value) == pytest.approx((-one.z, one.p_value))

    def test_a_large_sample_stays_exact(self) -> None:
        rng = np.random.default_rng(5)
        y, treated = rng.integers(0, 41, 126).astype(float), np.arange(126) < 84
        exact, normal = (fit_mann_whitney(y, treated, method=m).p_value for m in ("exact", "normal"))
        assert exact == pytest.approx(normal, abs=0.005)

    def test_bad_input(self) -> None:
        with pytest.raises(CreweError, match="method is 'fast'"):
            fit_mann_whitney(Y, TREATED, method="fast")  # type: ignore[arg-type]
        with pytest.raises(CreweError, match="0 treated and 12 control"):
            fit_mann_whitney(Y, np.zeros(12, bool), method="exact")
        with pytest.raises(CreweError, match="missing values"):
            fit_mann_whitney(np.where(Y == 9, np.nan, Y), TREATED, method="exact")
        with pytest.raises(CreweError, match="all 12 values are equal"):
            fit_mann_whitney(np.ones(12), TREATED, method="normal")
        with pytest.raises(CreweError, match="one arm is needed for each value"):
            fit_mann_whitney(Y, TREATED[:5], method="exact")
        with pytest.raises(CreweError, match="too many for the exact"):
            exact_p(np.arange(MOST + 1), np.arange(MOST + 1) < 5)


class TestSuperiority:
    @pytest.mark.parametrize("name", CASES)
    def test_it_agrees_with_the_formula_in_r(self, name: str) -> None:
        fit, want = fit_superiority(*case(name), alpha=0.05), EXPECTED.loc[name]
        found = (fit.estimate, fit.std_error, fit.df, fit.conf_low, fit.conf_high, fit.p_value, fit.p_brunner_munzel)
        columns = ["chance", "std_error", "df", "low", "high", "p_logit", "p_brunner_munzel"]
        assert found == pytest.approx(tuple(want[columns].astype(float)), rel=1e-10)

    @pytest.mark.parametrize("name", CASES)
    def test_the_statistic_is_scipys(self, name: str) -> None:
        y, treated = case(name)
        theirs = stats.brunnermunzel(y[treated], y[~treated])
        assert fit_superiority(y, treated, alpha=0.05).p_brunner_munzel == pytest.approx(theirs.pvalue, rel=1e-9)

    def test_order_swap_and_any_growing_scale(self) -> None:
        one = fit_superiority(Y, TREATED, alpha=0.1)
        grown = fit_superiority(np.exp(Y[::-1]), TREATED[::-1], alpha=0.1)
        assert (grown.estimate, grown.conf_low, grown.p_value) == pytest.approx(
            (one.estimate, one.conf_low, one.p_value)
        )
        swapped = fit_superiority(Y, ~TREATED, alpha=0.1)
        assert (swapped.conf_low, swapped.conf_high) == pytest.approx((1 - one.conf_high, 1 - one.conf_low))
        assert 0 < one.conf_low < one.estimate < one.conf_high < 1

    def test_interval_and_p_value_say_the_same(self) -> None:
        fit = fit_superiority(Y, TREATED, alpha=0.05)
        at_edge = fit_superiority(Y, TREATED, alpha=fit.p_value)
        assert at_edge.conf_low == pytest.approx(0.5)

    def test_it_covers_the_truth(self) -> None:
        """P(X > Y) + ½ P(X = Y) of two binomials, known exactly, in samples as small and tied as ours."""
        rng, inside = np.random.default_rng(3), 0
        chances = [stats.binom.pmf(np.arange(11), 10, p) for p in (0.25, 0.35)]
        truth = float(np.tril(np.outer(*chances), -1).sum() + 0.5 * np.trace(np.outer(*chances)))
        for _ in range(400):
            y = np.r_[rng.binomial(10, 0.25, 29), rng.binomial(10, 0.35, 12)]
            fit = fit_superiority(y, np.arange(41) < 29, alpha=0.05)
            inside += fit.conf_low <= truth <= fit.conf_high
        assert 0.92 <= inside / 400 <= 0.98  # three standard errors about 0.95

    def test_bad_input(self) -> None:
        with pytest.raises(CreweError, match="no value of one arm lies among"):
            fit_superiority([1, 2, 3, 7, 8, 9], [0, 0, 0, 1, 1, 1], alpha=0.05)
        with pytest.raises(CreweError, match="at least 2 are needed"):
            fit_superiority([1, 2, 3], [0, 0, 1], alpha=0.05)
        with pytest.raises(CreweError, match="alpha is 5"):
            fit_superiority(Y, TREATED, alpha=5)


class TestShift:
    @pytest.mark.parametrize("name", CASES)
    def test_it_agrees_with_coin_inverted(self, name: str) -> None:
        # coin's own confint gives −2 where its exact test at −2.5 has p = 0.052: it uses other tails. The reference
        # script inverts coin's test instead, shift by shift.
        fit, want = fit_shift(*case(name), alpha=0.05), EXPECTED.loc[name]
        assert (fit.estimate, fit.conf_low, fit.conf_high) == pytest.approx(
            tuple(want[["shift", "shift_low", "shift_high"]].astype(float))
        )

    def test_by_hand_and_swap(self) -> None:
        # Differences of 4, 6 and 1, 3, 4: 3, 1, 0, 5, 3, 2: median 2.5.
        y, treated = np.array([4.0, 6, 1, 3, 4]), np.array([1, 1, 0, 0, 0], bool)
        fit = fit_shift(y, treated, alpha=0.3)
        assert fit.estimate == 2.5
        swapped = fit_shift(y, ~treated, alpha=0.3)
        assert (swapped.estimate, swapped.conf_low, swapped.conf_high) == (-2.5, -fit.conf_high, -fit.conf_low)

    def test_by_the_normal_form_the_ends_are_where_its_test_rejects(self) -> None:
        rng = np.random.default_rng(6)
        y, treated = rng.integers(0, 41, 300).astype(float), np.arange(300) < 180
        fit = fit_shift(y, treated, alpha=0.05, method="normal")
        for end, side in ((fit.conf_low, -1), (fit.conf_high, 1)):
            inside, outside = (
                fit_mann_whitney(y - (end + side * by) * treated, treated, method="normal").p_value
                for by in (-0.01, 0.51)
            )
            assert outside <= 0.05 < inside
        y, treated = y[100:200], treated[100:200]
        exact, normal = (fit_shift(y, treated, alpha=0.05, method=m) for m in ("exact", "normal"))  # type: ignore[arg-type]
        assert abs(normal.conf_low - exact.conf_low) <= 1 and abs(normal.conf_high - exact.conf_high) <= 1
        with pytest.raises(CreweError, match="method is 'fast'; it must be one of exact, normal"):
            fit_shift(y, treated, alpha=0.05, method="fast")  # type: ignore[arg-type]

    def test_too_few_for_any_rejection_leaves_the_ends_open(self) -> None:
        fit = fit_shift([1, 2, 5, 7], [0, 0, 1, 1], alpha=0.05)
        assert (fit.conf_low, fit.conf_high) == (-np.inf, np.inf)

    def test_moving_the_treated_moves_the_interval(self) -> None:
        one, moved = fit_shift(Y, TREATED, alpha=0.05), fit_shift(Y + 3 * TREATED, TREATED, alpha=0.05)
        assert moved.estimate == one.estimate + 3
        assert (moved.conf_low, moved.conf_high) == (one.conf_low + 3, one.conf_high + 3)


class TestStepDown:
    FAMILIES = np.arange(12)

    def outcomes(self) -> np.ndarray:
        rng = np.random.default_rng(2)
        return np.column_stack([Y, Y + rng.integers(0, 3, 12), rng.integers(0, 4, 12)])

    def by_hand(self, y: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Westfall and Young's algorithm 2.8, written out over every assignment."""
        n, k = y.shape
        ways = [np.isin(np.arange(n), chosen) for chosen in combinations(range(n), int(treated.sum()))]
        p = np.array([[enumerate_fast(y[:, j], way) for j in range(k)] for way in ways])
        raw = np.array([enumerate_fast(y[:, j], treated) for j in range(k)])
        order, adjusted, last = np.argsort(raw, kind="stable"), np.empty(k), 0.0
        for place, j in enumerate(order):
            last = max(last, float(np.mean(p[:, order[place:]].min(axis=1) <= raw[j] + 1e-12)))
            adjusted[j] = last
        return raw, adjusted

    def test_it_is_the_algorithm_over_every_assignment(self) -> None:
        y = self.outcomes()
        fit = fit_step_down(y, TREATED, families=self.FAMILIES, n_draws=1000, rng=np.random.default_rng(1))
        raw, adjusted = self.by_hand(y, TREATED)
        assert fit.every and fit.n_draws == 792
        np.testing.assert_allclose(fit.p_values, raw, rtol=1e-10)
        np.testing.assert_allclose(fit.adjusted, adjusted, rtol=1e-10)

    def test_draws_come_near_to_all(self) -> None:
        y = self.outcomes()
        every = fit_step_down(y, TREATED, families=self.FAMILIES, n_draws=1000, rng=np.random.default_rng(1))
        drawn = fit_step_down(y, TREATED, families=self.FAMILIES, n_draws=700, rng=np.random.default_rng(1))
        assert not drawn.every and drawn.n_draws == 701
        np.testing.assert_allclose(drawn.adjusted, every.adjusted, atol=0.06)

    def test_the_same_outcome_twice_costs_nothing_and_others_never_help(self) -> None:
        rng = np.random.default_rng(1)
        twice = fit_step_down(np.column_stack([Y, Y]), TREATED, families=self.FAMILIES, n_draws=1000, rng=rng)
        np.testing.assert_allclose(twice.adjusted, twice.p_values)
        three = fit_step_down(self.outcomes(), TREATED, families=self.FAMILIES, n_draws=1000, rng=rng)
        assert (three.adjusted >= three.p_values - 1e-12).all()

    def test_families_move_together(self) -> None:
        """Two children a family, alike: as if there were one, so twice the children bring no smaller p-value."""
        one = fit_step_down(Y[:, None], TREATED, families=self.FAMILIES, n_draws=1000, rng=np.random.default_rng(1))
        two = fit_step_down(
            np.repeat(Y, 2)[:, None],
            np.repeat(TREATED, 2),
            families=np.repeat(self.FAMILIES, 2),
            n_draws=1000,
            rng=np.random.default_rng(1),
        )
        np.testing.assert_allclose(two.p_values, one.p_values)
        assert two.p_values[0] > fit_mann_whitney(np.repeat(Y, 2), np.repeat(TREATED, 2), method="exact").p_value

    def test_missing_values_count_for_their_own_outcome_only(self) -> None:
        y = self.outcomes()
        y[3, 2] = np.nan
        fit = fit_step_down(y, TREATED, families=self.FAMILIES, n_draws=1000, rng=np.random.default_rng(1))
        whole = fit_step_down(
            self.outcomes(), TREATED, families=self.FAMILIES, n_draws=1000, rng=np.random.default_rng(1)
        )
        np.testing.assert_allclose(fit.p_values[:2], whole.p_values[:2])
        assert np.isfinite(fit.adjusted).all()

    def test_order_and_swap(self) -> None:
        y, order = self.outcomes(), np.random.default_rng(4).permutation(12)
        one = fit_step_down(y, TREATED, families=self.FAMILIES, n_draws=1000, rng=np.random.default_rng(1))
        other = fit_step_down(
            y[order], ~TREATED[order], families=self.FAMILIES[order], n_draws=1000, rng=np.random.default_rng(1)
        )
        np.testing.assert_allclose(other.adjusted, one.adjusted)

    def test_bad_input(self) -> None:
        rng = np.random.default_rng(1)
        with pytest.raises(CreweError, match="families with two arms: 6"):
            fit_step_down(Y[:, None], TREATED, families=np.minimum(self.FAMILIES, 6), n_draws=9, rng=rng)
        with pytest.raises(CreweError, match="all families are in one arm"):
            fit_step_down(Y[:, None], np.ones(12, bool), families=self.FAMILIES, n_draws=9, rng=rng)
        with pytest.raises(CreweError, match="outcome 1 has no two different values"):
            fit_step_down(np.ones((12, 1)), TREATED, families=self.FAMILIES, n_draws=9, rng=rng)
        with pytest.raises(CreweError, match="do not fit"):
            fit_step_down(Y, TREATED, families=self.FAMILIES, n_draws=9, rng=rng)
        with pytest.raises(CreweError, match="n_draws is 0"):
            fit_step_down(Y[:, None], TREATED, families=self.FAMILIES, n_draws=0, rng=rng)


def enumerate_fast(y: np.ndarray, treated: np.ndarray) -> float:
    """The exact p-value by the subset sums, itself held against enumeration above."""
    return fit_mann_whitney(y, treated, method="exact").p_value


class TestDetectable:
    def test_it_has_its_power_in_simulation(self) -> None:
        n, m, rng = 29, 12, np.random.default_rng(1)
        chance = find_detectable_superiority(n, m, alpha=0.05, power=0.8)
        shift = np.sqrt(2) * stats.norm.ppf(chance)
        x, y = rng.normal(shift, 1, (4000, n)), rng.normal(0, 1, (4000, m))
        u = (x[:, :, None] > y[:, None, :]).sum(axis=(1, 2))
        z = (u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12)
        assert np.mean(np.abs(z) > stats.norm.isf(0.025)) == pytest.approx(0.8, abs=0.02)  # three standard errors

    def test_more_children_find_less_and_too_few_nothing(self) -> None:
        chances = [find_detectable_superiority(2 * n, n, alpha=0.05, power=0.8) for n in (5, 20, 80, 20000)]
        assert chances == sorted(chances, reverse=True) and chances[-1] < 0.51
        assert find_detectable_superiority(2, 1, alpha=0.05, power=0.8) == 1.0
        assert find_detectable_superiority(9, 4, alpha=0.05, power=0.8) == pytest.approx(
            find_detectable_superiority(4, 9, alpha=0.05, power=0.8)
        )

    def test_bad_input(self) -> None:
        for numbers, alpha, power in (((0, 4), 0.05, 0.8), ((4, 4), 0.05, 1.0), ((4, 4), 0.0, 0.8)):
            with pytest.raises(CreweError):
                find_detectable_superiority(*numbers, alpha=alpha, power=power)
