"""Synthetic control and synthetic DiD: hand-made cases, invariances, recovery, and three independent solvers.

tests/reference/synthetic_control.py made the panel and the references: Clarabel for the exact optima, pysyncon and
azcausal for packages that stop early.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize

from crewe_lib.errors import CreweError
from crewe_lib.models.simplex import fit_simplex_weights
from crewe_lib.models.synthetic_control import (
    fit_all_synthetic_controls,
    fit_leave_one_out,
    fit_synthetic_control,
    rank_placebos,
    rank_rmspe,
)
from crewe_lib.models.synthetic_did import fit_synthetic_did

REFERENCE = Path(__file__).parent / "reference"
Y = np.loadtxt(REFERENCE / "synthetic_control_input.csv", delimiter=",")
N_PRE = 8
VALUES = pd.read_csv(REFERENCE / "synthetic_control.csv", comment="#")


def reference(case: str, solver: str, quantity: str, unit: int = 0) -> np.ndarray:
    keys = dict(case=case, solver=solver, quantity=quantity, unit=unit)
    rows = VALUES.loc[(VALUES[list(keys)] == pd.Series(keys)).all(axis=1)]
    assert len(rows)
    return rows["value"].to_numpy()


def loss(x: np.ndarray, y: np.ndarray, w: np.ndarray, penalty: float = 0.0, ridge: float = 0.0) -> float:
    gaps = x - y[:, None]
    return float(((gaps @ w) ** 2).sum() + penalty * (gaps**2).sum(axis=0) @ w + ridge * w @ w)


def matching(unit: int) -> tuple[np.ndarray, np.ndarray]:
    return np.delete(Y, unit, axis=0)[:, :N_PRE].T, Y[unit, :N_PRE]


def kkt_violation(x: np.ndarray, y: np.ndarray, w: np.ndarray, penalty: float, ridge: float) -> float:
    """Largest violation of the optimality conditions, with discrepancies scaled to one."""
    gaps = x - y[:, None]
    scale = np.abs(gaps).max()
    gaps = gaps / scale
    gradient = gaps.T @ (gaps @ w) + penalty / 2 * (gaps**2).sum(axis=0) + ridge / scale**2 * w
    reduced = gradient - gradient @ w
    return max(-reduced.min(), np.abs(reduced[w > 0]).max(), abs(w.sum() - 1), -w.min())


def factor_panel(rng: np.random.Generator, n: int, periods: int, noise: float) -> np.ndarray:
    factors = rng.normal(size=(2, periods)).cumsum(axis=1)
    return (
        100 + 10 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 2)) @ factors + noise * rng.normal(size=(n, periods))
    )


class TestSimplexWeights:
    @pytest.mark.parametrize("penalty,ridge", [(0, 0), (0.1, 0), (1e-6, 0), (20, 0), (0, 0.3), (0, 5), (0, 1e-12)])
    def test_the_optimality_conditions_hold(self, penalty: float, ridge: float) -> None:
        rng = np.random.default_rng(5)
        for _ in range(25):
            m, n = int(rng.integers(2, 12)), int(rng.integers(2, 60))
            x, y = rng.normal(size=(m, n)), rng.normal(size=m) * rng.choice([0.1, 1, 4])
            if rng.random() < 0.3:  # whole numbers: ties, repeated donors, exact fits
                x, y = np.round(x), np.round(y)
            w = fit_simplex_weights(x, y, penalty=penalty, ridge=ridge).weights
            assert kkt_violation(x, y, w, penalty, ridge) < 1e-8

    def test_two_donors_by_hand(self) -> None:
        # Donors 0 and 10, target 4: weights 0.6 and 0.4. With penalty p the loss (10w − 4)² + p(16(1 − w) + 36w) has
        # its minimum at w = 0.4 − p/10. Target 12 lies outside: all weight on the nearer donor.
        x = np.array([[0.0, 10.0]])
        np.testing.assert_allclose(fit_simplex_weights(x, [4.0]).weights, [0.6, 0.4])
        np.testing.assert_allclose(fit_simplex_weights(x, [4.0], penalty=1).weights, [0.7, 0.3])
        np.testing.assert_allclose(fit_simplex_weights(x, [12.0]).weights, [0, 1])
        # With ridge 50 the loss (10w − 4)² + 50((1 − w)² + w²) has its minimum at w = 0.45.
        np.testing.assert_allclose(fit_simplex_weights(x, [4.0], ridge=50).weights, [0.55, 0.45])

    def test_ties_go_to_the_nearest_donors(self) -> None:
        fit = fit_simplex_weights([[0.0, 4.0, 6.0, 20.0]], [5.0])
        np.testing.assert_allclose(fit.weights, [0, 0.5, 0.5, 0], atol=1e-12)
        assert fit.exact and not fit.unique

    def test_ties_are_the_limit_of_a_vanishing_penalty(self) -> None:
        rng = np.random.default_rng(2)
        x, y = rng.normal(size=(5, 60)), 0.1 * rng.normal(size=5)
        limit, near = fit_simplex_weights(x, y), fit_simplex_weights(x, y, penalty=1e-7)
        assert limit.exact and not limit.unique and near.unique and not near.exact
        np.testing.assert_allclose(limit.weights, near.weights, atol=1e-5)

    def test_repeated_donors_share_their_weight(self) -> None:
        fit = fit_simplex_weights([[0.0, 10.0, 10.0], [0.0, 10.0, 10.0]], [4.0, 4.5])
        assert fit.weights[1] == pytest.approx(fit.weights[2]) and fit.weights[1] > 0
        assert not fit.unique

    def test_unique_without_an_exact_fit_and_with_one(self) -> None:
        triangle = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        assert fit_simplex_weights(triangle, [0.3, 0.3]).unique
        assert fit_simplex_weights(triangle, [2.0, 2.0]).unique
        square = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
        assert not fit_simplex_weights(square, [0.5, 0.4]).unique
        assert fit_simplex_weights(square, [1.0, 1.0]).unique  # a corner: exact, and in one way only
        assert fit_simplex_weights(square, [1.0, 0.5]).unique  # an edge, likewise
        three_on_a_line = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
        assert not fit_simplex_weights(three_on_a_line, [0.8, 5.0]).unique  # no exact fit, yet a tie

    @pytest.mark.parametrize("options", [dict(penalty=-1), dict(ridge=-0.1), dict(penalty=np.nan)])
    def test_a_negative_penalty_is_named(self, options: dict) -> None:
        with pytest.raises(CreweError, match="must be zero or positive"):
            fit_simplex_weights(np.eye(2), [0.0, 1.0], **options)


class TestReference:
    @pytest.mark.parametrize("unit", [0, 1, 7, 19])
    @pytest.mark.parametrize("case,penalty", [("control", 0.0), ("penalised", 0.1)])
    def test_weights_are_the_exact_optimum(self, unit: int, case: str, penalty: float) -> None:
        # Clarabel is an interior point method: it leaves weights of 1e-10 or less where the optimum has zero.
        fit = fit_synthetic_control(Y, unit, N_PRE, penalty=penalty)
        ours = np.delete(fit.weights, unit)
        assert fit.unique
        np.testing.assert_allclose(ours, reference(case, "clarabel", "weight", unit), atol=1e-8)
        x, y = matching(unit)
        for solver in ("clarabel", "pysyncon"):
            theirs = np.maximum(reference(case, solver, "weight", unit), 0)
            theirs = theirs / theirs.sum()
            assert loss(x, y, ours, penalty) <= loss(x, y, theirs, penalty) * (1 + 1e-12)
            assert loss(x, y, ours, penalty) == pytest.approx(loss(x, y, theirs, penalty), rel=1e-3)

    def test_did_is_the_exact_optimum(self) -> None:
        fit = fit_synthetic_did(Y, 0, N_PRE)
        np.testing.assert_allclose(fit.unit_weights[1:], reference("did", "clarabel", "unit_weight"), atol=1e-9)
        np.testing.assert_allclose(fit.time_weights, reference("did", "clarabel", "time_weight"), atol=1e-9)
        np.testing.assert_allclose(fit.estimate, reference("did", "clarabel", "estimate"), atol=1e-8)
        placebos = reference("did", "clarabel", "placebo")
        np.testing.assert_allclose(fit.placebos, placebos, atol=1e-8)
        assert fit.std_error == pytest.approx(placebos.std(), rel=1e-8)

    @pytest.mark.parametrize("solver,tolerance", [("azcausal", 0.02), ("azcausal_converged", 2e-4)])
    def test_did_agrees_with_azcausal_and_fits_at_least_as_well(self, solver: str, tolerance: float) -> None:
        # As it comes azcausal (like the R package) stops when a step gains less than (1e-5 × noise level)².
        fit = fit_synthetic_did(Y, 0, N_PRE)
        assert fit.estimate == pytest.approx(reference("did", solver, "estimate")[0], abs=tolerance)
        controls, pre, post = Y[1:], Y[1:, :N_PRE], Y[1:, N_PRE:].mean(axis=1)
        units = (pre.T - pre.T.mean(axis=0), Y[0, :N_PRE] - Y[0, :N_PRE].mean())
        times = (pre - pre.mean(axis=0), post - post.mean())
        for (x, y), ridge, ours, name in (
            (units, N_PRE * fit.unit_ridge**2, fit.unit_weights[1:], "unit_weight"),
            (times, len(controls) * (1e-6 * fit.noise_level) ** 2, fit.time_weights, "time_weight"),
        ):
            assert loss(x, y, ours, ridge=ridge) <= loss(x, y, reference("did", solver, name), ridge=ridge)


class TestSyntheticControl:
    def test_by_hand(self) -> None:
        # Unit 0 is midway between units 1 and 2 before treatment, exactly; unit 3 is far off. After treatment the
        # synthetic control is 12 and 14, the unit 15 and 13: gaps 3 and −1.
        y = np.array([[10.0, 11, 15, 13], [8, 10, 11, 12], [12, 12, 13, 16], [90, 10, 50, 50]])
        fit = fit_synthetic_control(y, 0, 2, penalty=0)
        np.testing.assert_allclose(fit.weights, [0, 0.5, 0.5, 0], atol=1e-12)
        np.testing.assert_allclose(fit.gaps, [0, 0, 3, -1], atol=1e-12)
        assert fit.average_gap == pytest.approx(1) and fit.post_rmspe == pytest.approx(np.sqrt(5))
        assert fit.exact and fit.unique and fit.pre_rmspe == 0 and fit.rmspe_ratio == np.inf

    def test_rmspe_by_hand(self) -> None:
        # Both donors lie below: the nearer, unit 1, takes all the weight; gaps 2, 2 before and 4, 6 after.
        y = np.array([[5.0, 5, 9, 9], [3, 3, 5, 3], [1, 1, 1, 1]])
        fit = fit_synthetic_control(y, 0, 2, penalty=0)
        assert (fit.pre_rmspe, fit.post_rmspe) == pytest.approx((2, np.sqrt(26)))
        assert fit.rmspe_ratio == pytest.approx(np.sqrt(26) / 2)

    @pytest.mark.parametrize("penalty", [0.0, 0.05])
    @pytest.mark.parametrize("n_pre", [3, 8])  # three periods: exact fits and ties; eight: none
    def test_invariances(self, n_pre: int, penalty: float) -> None:
        fit = fit_synthetic_control(Y, 0, n_pre, penalty=penalty)
        rng = np.random.default_rng(1)
        units, times = rng.permutation(len(Y)), np.append(rng.permutation(n_pre), np.arange(n_pre, Y.shape[1]))
        moved = fit_synthetic_control(Y[units], int(np.argmin(units)), n_pre, penalty=penalty)
        np.testing.assert_allclose(moved.weights, fit.weights[units], atol=1e-9)
        for other, factor in ((Y[:, times], 1), (Y + 1000, 1), (Y - 3 * np.arange(12), 1), (1e-5 * Y, 1e-5)):
            same = fit_synthetic_control(other, 0, n_pre, penalty=penalty)
            np.testing.assert_allclose(same.weights, fit.weights, atol=1e-7)
            assert same.average_gap == pytest.approx(factor * fit.average_gap, rel=1e-6)
            assert (same.unique, same.exact) == (fit.unique, fit.exact)

    def test_excluded_units_have_no_weight_and_are_fitted(self) -> None:
        fits = fit_all_synthetic_controls(Y, N_PRE, penalty=0, exclude=[0])
        assert [fit.unit for fit in fits] == list(range(30))
        assert all(fit.weights[0] == 0 and fit.weights[fit.unit] == 0 for fit in fits)
        np.testing.assert_array_equal(fits[0].weights, fit_synthetic_control(Y, 0, N_PRE, penalty=0).weights)
        np.testing.assert_array_equal(
            fits[4].weights, fit_synthetic_control(Y, 4, N_PRE, penalty=0, exclude=[0]).weights
        )

    def test_leaving_out_each_donor_with_weight(self) -> None:
        full = fit_synthetic_control(Y, 0, N_PRE, penalty=0)
        left = fit_leave_one_out(Y, 0, N_PRE, penalty=0)
        assert sorted(left) == list(np.flatnonzero(full.weights))
        for donor, fit in left.items():
            assert fit.weights[donor] == 0 and fit.pre_rmspe > full.pre_rmspe

    def test_a_known_effect_is_recovered(self) -> None:
        rng = np.random.default_rng(3)
        errors = []
        for _ in range(40):
            y = factor_panel(rng, 40, 20, noise=0.5)
            y[0] = y[1:6].mean(axis=0) + 0.5 * rng.normal(size=20)  # inside the hull but for its own noise
            y[0, 15:] += 5
            errors.append(fit_synthetic_control(y, 0, 15, penalty=0).average_gap - 5)
        assert np.mean(errors) == pytest.approx(0, abs=4 * np.std(errors) / np.sqrt(40))
        assert np.std(errors) < 0.7


class TestRank:
    FITS = fit_all_synthetic_controls(Y, N_PRE, penalty=0, exclude=[0])

    @pytest.mark.parametrize("statistic", ["rmspe_ratio", "post_rmspe", "average_gap"])
    def test_two_sided_rank_counts_units_as_extreme(self, statistic: str) -> None:
        values = np.array([abs(getattr(fit, statistic)) for fit in self.FITS])
        result = rank_rmspe(self.FITS, 0, statistic=statistic, alternative="two-sided")
        np.testing.assert_allclose(result.statistics, values)
        assert result.rank == 1 + (values[1:] >= values[0]).sum()
        assert result.p_value == result.rank / 30

    def test_one_sided_statistics_count_gaps_of_one_sign(self) -> None:
        mirrored = fit_all_synthetic_controls(-Y, N_PRE, penalty=0, exclude=[0])
        for statistic in ("rmspe_ratio", "post_rmspe", "average_gap"):
            more = rank_rmspe(self.FITS, 0, statistic=statistic, alternative="greater")
            less = rank_rmspe(mirrored, 0, statistic=statistic, alternative="less")
            np.testing.assert_allclose(more.statistics, less.statistics, rtol=1e-9)
        gaps = np.maximum(self.FITS[3].gaps[N_PRE:], 0)
        counted = rank_rmspe(self.FITS, 0, statistic="post_rmspe", alternative="greater").statistics[3]
        assert counted == pytest.approx(np.sqrt((gaps**2).mean()))

    def test_ties_count_against_the_treated_unit(self) -> None:
        assert rank_placebos([2.0, 2.0, 1.0, 3.0], 0).rank == 3
        assert rank_placebos([1.0, 1.0, 1.0], 1).p_value == 1
        with pytest.raises(CreweError, match="which have no rank"):
            rank_placebos([1.0, np.inf], 0)

    def test_the_p_value_is_uniform_without_an_effect(self) -> None:
        """All thirty units have no effect: each rank is taken once, by the unit that has it."""
        ranks = [rank_rmspe(self.FITS, u, statistic="post_rmspe", alternative="two-sided").rank for u in range(30)]
        assert sorted(ranks) == list(range(1, 31))

    def test_an_infinite_ratio_is_refused(self) -> None:
        fits = fit_all_synthetic_controls(Y, 3, penalty=0)
        assert any(fit.exact for fit in fits)
        with pytest.raises(CreweError, match="fit exactly before treatment"):
            rank_rmspe(fits, 0, statistic="rmspe_ratio", alternative="two-sided")
        rank_rmspe(fits, 0, statistic="post_rmspe", alternative="two-sided")
        penalised = fit_all_synthetic_controls(Y, 3, penalty=0.1)
        rank_rmspe(penalised, 0, statistic="rmspe_ratio", alternative="two-sided")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (dict(treated=99), "unit 99 must be among the fits once"),
            (dict(statistic="ratio"), "statistic is 'ratio'; it must be one of rmspe_ratio"),
            (dict(alternative="both"), "alternative is 'both'; it must be one of two-sided"),
        ],
    )
    def test_bad_options_are_named(self, change: dict, message: str) -> None:
        call = dict(treated=0, statistic="post_rmspe", alternative="two-sided") | change
        with pytest.raises(CreweError, match=message):
            rank_rmspe(self.FITS, call.pop("treated"), **call)


class TestSyntheticDid:
    def test_by_hand(self) -> None:
        # The treated unit is the controls' mean at another level, and gains 4 after treatment. Equal weights fit it
        # exactly and have the smallest ridge, so they are the optimum; whatever the time weights, the effect is 4.
        rng = np.random.default_rng(4)
        common, level = np.array([0.0, 2, 1, 5, 4]), rng.normal(size=(6, 1))
        y = 50 + 9 * level + common + 0.1 * rng.normal(size=(6, 5))
        y[0] = y[1:].mean(axis=0) - 7
        y[0, 3:] += 4
        fit = fit_synthetic_did(y, 0, 3)
        np.testing.assert_allclose(fit.unit_weights[1:], 0.2, atol=1e-9)
        assert fit.estimate == pytest.approx(4) and fit.effects == pytest.approx([4, 4])
        changes = np.diff(y[1:, :3], axis=1)
        assert fit.noise_level == pytest.approx(changes.std(ddof=1))
        assert fit.unit_ridge == pytest.approx(2**0.25 * changes.std(ddof=1))

    def test_it_is_weighted_two_way_fixed_effects(self) -> None:
        """The estimate is the coefficient of the treated cell in weighted least squares with both sets of effects."""
        fit = fit_synthetic_did(Y, 5, N_PRE)
        n, periods = Y.shape
        unit, time = np.divmod(np.arange(n * periods), periods)
        omega = np.where(np.arange(n) == 5, 1.0, fit.unit_weights)
        lam = np.append(fit.time_weights, np.full(periods - N_PRE, 1 / (periods - N_PRE)))
        treated = ((unit == 5) & (time >= N_PRE)).astype(float)
        weights = omega[unit] * lam[time]
        x = np.column_stack([treated, np.eye(n)[unit], np.eye(periods)[time]])[weights > 0]
        x = x[:, x.any(axis=0)][:, :-1]  # effects that are left, less one for the constant
        wls = sm.WLS(Y.ravel()[weights > 0], x, weights=weights[weights > 0]).fit()
        assert fit.estimate == pytest.approx(wls.params[0], abs=1e-8)

    def test_weights_beat_a_general_solver(self) -> None:
        fit = fit_synthetic_did(Y[:12], 2, N_PRE)
        x, y = np.delete(Y[:12], 2, axis=0)[:, :N_PRE].T, Y[2, :N_PRE]
        x, y, ridge = x - x.mean(axis=0), y - y.mean(), N_PRE * fit.unit_ridge**2
        found = optimize.minimize(
            lambda w: loss(x, y, w, ridge=ridge),
            np.full(11, 1 / 11),
            bounds=[(0, 1)] * 11,
            constraints=dict(type="eq", fun=lambda w: w.sum() - 1),
            method="SLSQP",
            options=dict(ftol=1e-12, maxiter=500),
        )
        ours = np.delete(fit.unit_weights, 2)
        assert loss(x, y, ours, ridge=ridge) <= found.fun * (1 + 1e-12)
        np.testing.assert_allclose(ours, found.x, atol=1e-4)

    def test_invariances(self) -> None:
        fit = fit_synthetic_did(Y, 0, N_PRE)
        units = np.random.default_rng(1).permutation(len(Y))
        moved = fit_synthetic_did(Y[units], int(np.argmin(units)), N_PRE)
        np.testing.assert_allclose(moved.unit_weights, fit.unit_weights[units], atol=1e-9)
        effects = 20 * np.arange(30)[:, None] + 3 * np.arange(12)
        reordered = Y[:, [7, 6, 5, 4, 3, 2, 1, 0, 9, 11, 8, 10]]  # backwards before treatment: the same changes
        for other, factor in ((reordered, 1), (Y + effects, 1), (1e-5 * Y, 1e-5), (-Y, -1)):
            same = fit_synthetic_did(other, 0, N_PRE)
            assert same.estimate == pytest.approx(factor * fit.estimate, rel=1e-6)
            assert same.std_error == pytest.approx(abs(factor) * fit.std_error, rel=1e-6)
            assert same.p_value == fit.p_value

    def test_an_effect_added_is_found_in_full(self) -> None:
        raised = Y.copy()
        raised[0, N_PRE:] += 11
        assert fit_synthetic_did(raised, 0, N_PRE).estimate == pytest.approx(
            fit_synthetic_did(Y, 0, N_PRE).estimate + 11
        )

    def test_effect_and_standard_error_in_simulated_panels(self) -> None:
        """Treated unit drawn like the controls: errors over placebo standard errors have mean zero, variance one.

        Monte Carlo tolerance: four standard errors at 100 panels. In 1,500 panels the spread was 1.31, the root mean
        squared standard error 1.33, and 4.9% of errors were beyond 1.96.
        """
        rng = np.random.default_rng(6)
        scores = []
        for _ in range(100):
            y = factor_panel(rng, 25, 14, noise=1.0)
            y[0, 10:] += 5
            fit = fit_synthetic_did(y, 0, 10)
            scores.append((fit.estimate - 5) / fit.std_error)
        assert np.mean(scores) == pytest.approx(0, abs=4 / np.sqrt(100))
        assert np.mean(np.square(scores)) == pytest.approx(1, abs=4 * np.sqrt(2 / 100))

    def test_a_noise_level_of_zero_is_named(self) -> None:
        y = np.array([[1.0, 2, 3, 9], [4, 5, 6, 7], [0, 1, 2, 3], [7, 8, 9, 9]])
        with pytest.raises(CreweError, match="every control changes by the same amount"):
            fit_synthetic_did(y, 0, 3)

    def test_too_few_controls_are_named(self) -> None:
        with pytest.raises(CreweError, match="2 controls; the placebo standard error needs at least three"):
            fit_synthetic_did(Y[:3], 0, N_PRE)


@pytest.mark.parametrize("engine", ["control", "did"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=np.where(np.arange(12) == 4, np.nan, Y)), "30 missing values, the first in row 0, column 4"),
        (dict(y=np.where(np.arange(360).reshape(30, 12) == 27, np.inf, Y)), "row 2, column 3"),
        (dict(y=Y[0]), "an array of 1 dimensions"),
        (dict(treated=30), "treated is row 30; the outcomes have rows 0 to 29"),
        (dict(treated=-1), "treated is row -1"),
        (dict(n_pre=0), "no period before treatment"),
        (dict(n_pre=1), "at least two are needed"),
        (dict(n_pre=12), "no period after treatment"),
    ],
)
def test_bad_panels_are_named(engine: str, change: dict, message: str) -> None:
    call = dict(y=Y, treated=0, n_pre=N_PRE) | change
    with pytest.raises(CreweError, match=message):
        if engine == "control":
            fit_synthetic_control(call["y"], call["treated"], call["n_pre"], penalty=0)
        else:
            fit_synthetic_did(call["y"], call["treated"], call["n_pre"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=Y[:2]), "1 donors are left; at least two are needed"),
        (dict(exclude=range(2, 30)), "1 donors are left"),
        (dict(exclude=[-1, 30]), r"exclude names rows \[-1, 30\]"),
        (dict(penalty=-0.1), "must be zero or positive"),
        (dict(y=np.c_[np.ones((4, 8)), np.arange(4.0)]), "the scale of the fit is zero"),
    ],
)
def test_bad_donors_are_named(change: dict, message: str) -> None:
    call = dict(y=Y, penalty=0.0, exclude=()) | change
    with pytest.raises(CreweError, match=message):
        fit_synthetic_control(call.pop("y"), 0, N_PRE, **call)
