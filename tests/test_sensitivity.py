"""Departures from parallel trends: linear programs written from the definitions, hand arithmetic, coverage, errors."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import optimize

from crewe_lib.errors import CreweError
from crewe_lib.models import sensitivity as sens
from crewe_lib.models.event_study import fit_event_study

N_PRE, PERIODS, POSTS = 5, 9, 4


def panel(rng: np.random.Generator, units: int = 60, departure: np.ndarray | None = None) -> np.ndarray:
    y = rng.standard_normal((units, PERIODS)) + rng.standard_normal((units, 1)) + rng.standard_normal(PERIODS)
    for t in range(1, PERIODS):
        y[:, t] += 0.4 * y[:, t - 1]
    if departure is not None:
        y[0] += departure
    return y


def coefficients(seed: int) -> np.ndarray:
    beta = np.random.default_rng(seed).normal(size=PERIODS)
    beta[N_PRE - 1] = 0
    return beta


def extremes(equal: np.ndarray, target: np.ndarray, above: np.ndarray, limit: np.ndarray, size: np.ndarray):
    """Lowest and highest size · x with equal x = target and above x ≤ limit; None where there is no such x."""
    solved = [optimize.linprog(s * size, above, limit, equal, target, bounds=(None, None)) for s in (1, -1)]
    return None if any(s.status == 2 for s in solved) else (solved[0].fun, -solved[1].fun)


# Programs over x = (departures in 9 periods, effects in 4): coefficients = departure + effect, reference departure 0.
LINK = np.hstack([np.eye(PERIODS), np.vstack([np.zeros((N_PRE, POSTS)), np.eye(POSTS)])])
MEAN = np.r_[np.zeros(PERIODS), np.full(POSTS, 1 / POSTS)]
STEPS = np.hstack([np.diff(np.eye(PERIODS), axis=0), np.zeros((PERIODS - 1, POSTS))])
BENDS = np.diff(STEPS, axis=0)


def program_relative_magnitudes(beta: np.ndarray, m_bar: float) -> tuple[float, float]:
    """Union over which pre-period step is the one that bounds, and its sign (Rambachan and Roth, section 2)."""
    found = []
    for which, sign in product(range(N_PRE - 1), (1, -1)):
        after = STEPS[N_PRE - 1 :]
        above = np.vstack([after - m_bar * sign * STEPS[which], -after - m_bar * sign * STEPS[which]])
        answer = extremes(LINK, beta, above, np.zeros(len(above)), MEAN)
        if answer:
            found.append(answer)
    return min(low for low, _ in found), max(high for _, high in found)


def program_smoothness(beta: np.ndarray, m: float):
    return extremes(LINK, beta, np.vstack([BENDS, -BENDS]), np.full(2 * len(BENDS), m), MEAN)


class TestIdentifiedSets:
    @pytest.mark.parametrize("m_bar", [0, 0.3, 1, 2.5])
    @pytest.mark.parametrize("seed", range(5))
    def test_relative_magnitudes_against_linear_programs(self, seed: int, m_bar: float) -> None:
        beta = coefficients(seed)
        found = sens.bound_relative_magnitudes(beta, N_PRE, m_bar)
        assert found == pytest.approx(program_relative_magnitudes(beta, m_bar), abs=1e-8)

    @pytest.mark.parametrize("m", [0, 0.5, 2, 5, 9])
    @pytest.mark.parametrize("seed", range(5))
    def test_smoothness_against_linear_programs(self, seed: int, m: float) -> None:
        beta = coefficients(seed)
        found, program = sens.bound_smoothness(beta, N_PRE, m), program_smoothness(beta, m)
        assert found == (pytest.approx(program, abs=1e-8) if program else None)

    def test_hand_arithmetic(self) -> None:
        beta = np.array([1.0, 3, 2, 0, 4, 6])  # pre steps 2, −1, −2; two post-periods, mean 5
        assert sens.bound_relative_magnitudes(beta, 4, 1) == pytest.approx((5 - 3, 5 + 3))  # steps 2, 2: mean 3
        # The slope −2 carried on: −2, −4, mean −3, so 8; slope changes of m move (1, 3), mean 2 m.
        assert sens.bound_smoothness(beta, 4, 3) == pytest.approx((8 - 6, 8 + 6))
        assert sens.bound_smoothness(beta, 4, 2.9) is None  # the slope falls by 3 from 2 to −1

    def test_parallel_trends_leave_the_mean_and_a_linear_departure_is_taken_off(self) -> None:
        assert sens.bound_relative_magnitudes(coefficients(1), N_PRE, 0) == pytest.approx(
            [coefficients(1)[5:].mean()] * 2
        )
        line = 1.5 * (np.arange(PERIODS) - N_PRE + 1) + 2 * (np.arange(PERIODS) >= N_PRE)
        assert sens.bound_smoothness(line, N_PRE, 0) == pytest.approx((2, 2))


class TestIntervals:
    def test_relative_magnitudes_is_the_union_of_identified_sets_over_the_band(self) -> None:
        # Grid of all corners of the band on (mean, four steps), each with its identified set: the outermost ends.
        study = fit_event_study(panel(np.random.default_rng(2)), 0, N_PRE, alpha=0.1)
        contrasts = np.vstack([np.r_[np.zeros(5), np.full(4, 0.25)], np.diff(np.eye(PERIODS), axis=0)[:4]])
        values, placebos = contrasts @ study.estimates, study.placebos @ contrasts.T
        scales = np.sqrt((placebos**2).mean(axis=0))
        q = np.sort((np.abs(placebos) / scales).max(axis=1))[int(np.ceil(0.9 * 60)) - 1]
        ends = []
        for signs in product((-1, 1), repeat=5):
            mean, *steps = values + q * scales * np.array(signs)
            beta = np.r_[np.cumsum([0, *steps]) - np.sum(steps), np.full(4, mean)]
            beta[4] = 0
            ends += sens.bound_relative_magnitudes(beta, N_PRE, 0.7)
        fit = sens.fit_relative_magnitudes(study, 0.7, alpha=0.1)
        assert (fit.conf_low, fit.conf_high) == pytest.approx((min(ends), max(ends)))

    def test_worst_bias_is_that_of_a_linear_program(self) -> None:
        study = fit_event_study(panel(np.random.default_rng(3)), 0, N_PRE, alpha=0.1)
        bends = BENDS[:, :PERIODS]
        for m in (0.05, 0.2, 1.0):
            contrast, bias, _ = sens._shortest(study, m, 1.645)
            assert contrast[N_PRE:] == pytest.approx(np.full(4, 0.25))
            program = optimize.linprog(
                -contrast, np.vstack([bends, -bends]), np.full(14, m), np.eye(PERIODS)[[4]], [0], bounds=(None, None)
            )
            assert bias == pytest.approx(-program.fun, rel=1e-7)

    def test_the_weights_are_the_shortest(self) -> None:
        # Against a derivative-free search from several starts.
        study = fit_event_study(panel(np.random.default_rng(4)), 0, N_PRE, alpha=0.1)
        rows = sens._contrasts(study)

        def length(c: np.ndarray, m: float) -> float:
            weights = np.r_[1 - c[0], c[0] - c[1], c[1] - c[2], c[2]]
            contrast = rows[0] - 2.5 * weights @ rows[1:]
            return float(1.645 * np.sqrt(contrast @ study.covariance @ contrast) + m * (5 + 2.5 * np.abs(c).sum()))

        for m in (0.0, 0.02, 0.1, 0.5, 5.0):
            contrast, bias, _ = sens._shortest(study, m, 1.645)
            ours = 1.645 * np.sqrt(contrast @ study.covariance @ contrast) + bias
            options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20000, "maxfev": 20000}
            starts = [np.zeros(3), np.array([0.75, 0.5, 0.25]), np.array([0.3, 0.1, 0.0])]
            best = min(optimize.minimize(length, s, (m,), method="Nelder-Mead", options=options).fun for s in starts)
            assert ours <= best * (1 + 1e-6)

    def test_each_placebo_is_judged_as_if_left_out_of_the_choice_of_weights(self) -> None:
        study = fit_event_study(panel(np.random.default_rng(4), units=30), 0, N_PRE, alpha=0.1)
        rows = sens._contrasts(study)
        base, moves = rows[0] - 2.5 * rows[1], 2.5 * (rows[1:-1] - rows[2:])
        y, x, sizes = study.placebos @ base, study.placebos @ moves.T, []
        for i in range(29):
            others = np.arange(29) != i
            sizes.append(abs(y[i] - x[i] @ np.linalg.lstsq(x[others], y[others], rcond=None)[0]))
        half = np.sort(sizes)[int(np.ceil(0.9 * 30)) - 1]
        fit = sens.fit_smoothness(study, 0.0, alpha=0.1)
        assert (fit.conf_high - fit.conf_low) / 2 == pytest.approx(half, rel=1e-6)

    def test_scaling_and_effects(self) -> None:
        rng = np.random.default_rng(5)
        y = panel(rng)
        moved = 40 * (y + rng.normal(0, 5, (60, 1)) + rng.normal(0, 5, PERIODS))
        one, other = (fit_event_study(x, 0, N_PRE, alpha=0.1) for x in (y, moved))
        for fit, bounds in ((sens.fit_relative_magnitudes, (0.8, 0.8)), (sens.fit_smoothness, (0.3, 12))):
            a, b = fit(one, bounds[0], alpha=0.1), fit(other, bounds[1], alpha=0.1)
            assert (b.conf_low, b.conf_high) == pytest.approx((40 * a.conf_low, 40 * a.conf_high), rel=1e-5)
        assert sens.fit_breakdown(other, alpha=0.1).interval == pytest.approx(
            sens.fit_breakdown(one, alpha=0.1).interval
        )

    def test_wider_departures_give_wider_intervals_that_hold_the_identified_set(self) -> None:
        study = fit_event_study(panel(np.random.default_rng(6)), 0, N_PRE, alpha=0.1)
        lengths = []
        for m_bar in (0, 0.5, 1, 2):
            fit = sens.fit_relative_magnitudes(study, m_bar, alpha=0.1)
            assert fit.conf_low < fit.identified_low <= fit.identified_high < fit.conf_high
            lengths.append(fit.conf_high - fit.conf_low)
        smooth = [sens.fit_smoothness(study, m, alpha=0.1) for m in (0, 0.1, 1, 9)]
        assert lengths == sorted(lengths)
        widths = [fit.conf_high - fit.conf_low for fit in smooth]
        assert widths == sorted(widths)
        assert smooth[0].identified_low is None and smooth[-1].identified_low is not None

    def test_two_pre_periods_are_enough(self) -> None:
        study = fit_event_study(panel(np.random.default_rng(7))[:, 3:], 0, 2, alpha=0.1)
        fit = sens.fit_smoothness(study, 0.0, alpha=0.1)
        assert fit.identified_low == fit.identified_high
        assert (fit.conf_low + fit.conf_high) / 2 == pytest.approx(fit.identified_low)


class TestBreakdown:
    def test_zero_enters_at_the_breakdown_value(self) -> None:
        study = fit_event_study(
            panel(np.random.default_rng(8), departure=12.0 * (np.arange(9) > 4)), 0, N_PRE, alpha=0.1
        )
        found = sens.fit_breakdown(study, alpha=0.1)
        assert found.identified > found.interval > 0
        for value, low in (
            (found.identified, lambda m: sens.bound_relative_magnitudes(study.estimates, N_PRE, m)[0]),
            (found.interval, lambda m: sens.fit_relative_magnitudes(study, m, alpha=0.1).conf_low),
        ):
            assert low(value) == pytest.approx(0, abs=1e-9)
            assert low(0.99 * value) > 0 > low(1.01 * value)

    def test_hand_arithmetic(self) -> None:
        study = fit_event_study(panel(np.random.default_rng(9)), 0, N_PRE, alpha=0.1)
        steady = replace(study, estimates=np.array([2.0, 1, 1, 2, 0, 5, 5, 5, 5]))  # largest step 2, mean 5
        assert sens.fit_breakdown(steady, alpha=0.1).identified == pytest.approx(5 / (2.5 * 2))
        assert sens.fit_breakdown(replace(study, estimates=np.zeros(9)), alpha=0.1).identified == 0
        flat = replace(study, estimates=np.r_[np.zeros(5), np.ones(4)])
        assert sens.fit_breakdown(flat, alpha=0.1).identified == float("inf")

    def test_no_effect_breaks_down_at_once(self) -> None:
        rng, at_once = np.random.default_rng(10), 0
        for _ in range(200):
            study = fit_event_study(panel(rng), 0, N_PRE, alpha=0.1)
            at_once += sens.fit_breakdown(study, alpha=0.1).interval == 0
        assert at_once >= 180  # the band is simultaneous, so at least 90% of the time


TIME = np.arange(PERIODS) - (N_PRE - 1)
CURVES = {
    "a line": (0.8 * TIME, 1.0, 0.0),
    "a bend at the start": (np.where(TIME > 0, 1.6, -0.8) * TIME, 2.0, 2.4),
    "steps that grow": (np.cumsum([0, 0.5, -0.5, 0.5, -0.5, 1, 1, 1, 1.0]), 2.0, 1.5),
}


def coverage(replications: int, departure: np.ndarray, m_bar: float, m: float, seed: int) -> tuple[float, float]:
    """Share of intervals that hold the true mean effect, 3, when the treated unit departs within the bounds."""
    rng, covered = np.random.default_rng(seed), np.zeros(2)
    for _ in range(replications):
        y = panel(rng, departure=departure + 3.0 * (TIME > 0))
        study = fit_event_study(y, 0, N_PRE, alpha=0.1)
        fits = (sens.fit_relative_magnitudes(study, m_bar, alpha=0.1), sens.fit_smoothness(study, m, alpha=0.1))
        covered += [fit.conf_low <= 3 <= fit.conf_high for fit in fits]
    return float(covered[0] / replications), float(covered[1] / replications)


@pytest.mark.parametrize("name", CURVES)
def test_the_true_effect_is_covered_within_the_bounds(name: str) -> None:
    # 300 panels: binomial error 1.7 points at 0.9; the levels are lower bounds except for smoothness on a line.
    relative, smooth = coverage(300, *CURVES[name], seed=11)
    assert relative >= 0.9 and smooth >= 0.85


def test_without_room_for_departures_they_are_not_covered() -> None:
    departure, _, _ = CURVES["a bend at the start"]
    relative, smooth = coverage(60, 3 * departure, 0.0, 0.0, seed=12)
    assert relative < 0.3 and smooth < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", CURVES)
def test_coverage_over_many_panels(name: str) -> None:
    """4,000 panels: binomial error 0.5 points. On a line with m = 0 the smoothness interval is exact but for 1/n."""
    relative, smooth = coverage(4000, *CURVES[name], seed=13)
    assert relative >= 0.89 and smooth >= 0.88
    if name == "a line":
        assert smooth == pytest.approx(0.9, abs=0.025)


STUDY = fit_event_study(panel(np.random.default_rng(14)), 0, N_PRE, alpha=0.1)
SHORT = fit_event_study(panel(np.random.default_rng(14))[:, 4:], 0, 1, alpha=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sens.bound_relative_magnitudes([1, 0, 1], 2, -0.5), "m_bar is -0.5"),
        (lambda: sens.bound_smoothness([1, 0, 1], 2, np.nan), "m is nan"),
        (lambda: sens.bound_smoothness([1, np.nan, 1], 2, 1), "one finite number per period"),
        (lambda: sens.bound_smoothness([[1, 0, 1]], 2, 1), "one finite number per period"),
        (lambda: sens.bound_smoothness([1, 2, 1], 2, 1), "last pre-period must be zero"),
        (lambda: sens.bound_relative_magnitudes([0, 1, 1], 1, 1), "two pre-periods and a post-period"),
        (lambda: sens.bound_relative_magnitudes([1, 1, 0], 3, 1), "two pre-periods and a post-period"),
        (lambda: sens.fit_relative_magnitudes(SHORT, 1, alpha=0.1), "n_pre is 1 of 5"),
        (lambda: sens.fit_smoothness(SHORT, 1, alpha=0.1), "n_pre is 1 of 5"),
        (lambda: sens.fit_relative_magnitudes(STUDY, 1, alpha=0.001), "at least 999 are needed"),
        (lambda: sens.fit_smoothness(STUDY, 1, alpha=2), "alpha is 2"),
        (lambda: sens.fit_breakdown(STUDY, alpha=0), "alpha is 0"),
        (lambda: sens.fit_smoothness(STUDY, -1, alpha=0.1), "m is -1"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(CreweError, match=message):
        call()
