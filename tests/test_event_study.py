"""Event study of one treated unit: hand arithmetic, base R, invariances, bands that hold, named errors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.event_study import fit_event_study, placebo_quantile

REFERENCE = Path(__file__).parent / "reference"
EFFECT = np.array([0, 0, 0, 0, 0, 1.0, 2.0, 3.0, 4.0])


def panel(rng: np.random.Generator, units: int = 60, effect: float = 0.0) -> np.ndarray:
    """Heavy-tailed, autocorrelated noise; the effect grows by `effect` in each of the four post-periods."""
    y = rng.standard_t(4, (units, 9))
    for t in range(1, 9):
        y[:, t] += 0.5 * y[:, t - 1]
    y += 10 * rng.standard_normal((units, 1)) + 5 * rng.standard_normal(9)
    y[0] += effect * EFFECT
    return y


def test_hand_arithmetic() -> None:
    # Paths relative to the second period: treated (−1, 0, 5); controls (−2, 0, 1), (2, 0, 3), (0, 0, −1).
    y = np.array([[4.0, 5, 10], [1, 3, 4], [9, 7, 10], [6, 6, 5]])
    study = fit_event_study(y, 0, 2, alpha=0.5)
    np.testing.assert_allclose(study.estimates, [-1, 0, 4])  # controls' means 0, 0, 1
    # Each control against the other two: −2 − 1, 2 + 1, 0; then 1 − 1, 3 − 0, −1 − 2.
    np.testing.assert_allclose(study.placebos, [[-3, 0, 0], [3, 0, 3], [0, 0, -3]])
    np.testing.assert_allclose(study.scales, [np.sqrt(6), 0, np.sqrt(6)])
    assert study.covariance[0, 2] == pytest.approx(3)
    # The 2nd smallest of three sizes at alpha 0.5: 3 / √6 in every case.
    np.testing.assert_allclose(study.high - study.estimates, [3, 0, 3])
    assert study.sup_critical == pytest.approx(3 / np.sqrt(6))
    np.testing.assert_allclose(study.p_values, [3 / 4, 1, 1 / 4])
    assert study.pre_p_value == pytest.approx(3 / 4)
    assert study.relative.tolist() == [-1, 0, 1] and study.n_controls == 3


def test_base_r_agrees() -> None:
    d = pd.read_csv(REFERENCE / "permutation_input.csv")
    stored = pd.read_csv(REFERENCE / "permutation.csv", comment="#").query("case == 'event_study'")
    values = stored.set_index("name")["value"]
    study = fit_event_study(d.pivot(index="unit", columns="period", values="y"), 0, 5, alpha=0.05)
    for t in (0, 1, 2, 3, 5, 6, 7, 8):
        assert study.estimates[t] == pytest.approx(values[f"estimate_e{t}"], rel=1e-9)
        assert study.scales[t] == pytest.approx(values[f"scale_e{t}"], rel=1e-9)
        assert study.low[t] == pytest.approx(values[f"low_e{t}"], rel=1e-9)
    assert study.sup_critical == pytest.approx(values["sup_critical"], rel=1e-9)


def test_unit_and_period_effects_change_nothing_and_units_of_measurement_scale() -> None:
    rng = np.random.default_rng(1)
    y, order, weights = panel(rng), rng.permutation(60), np.r_[0, rng.uniform(0, 1, 59)]
    one = fit_event_study(y, 0, 5, alpha=0.1, weights=weights)
    moved = 3 * (y + rng.normal(0, 50, (60, 1)) + rng.normal(0, 50, 9))
    other = fit_event_study(moved[order], int(np.flatnonzero(order == 0)[0]), 5, alpha=0.1, weights=9 * weights[order])
    for name in ("estimates", "scales", "low", "high", "sup_low", "sup_high"):
        np.testing.assert_allclose(getattr(other, name), 3 * getattr(one, name), atol=1e-9)
    np.testing.assert_allclose(other.covariance, 9 * one.covariance, atol=1e-9)
    np.testing.assert_allclose(other.p_values, one.p_values)


def test_equal_weights_are_no_weights_and_an_effect_moves_only_its_period() -> None:
    y = panel(np.random.default_rng(2))
    one = fit_event_study(y, 4, 5, alpha=0.05)
    other = fit_event_study(y, 4, 5, alpha=0.05, weights=np.where(np.arange(60) == 4, 0, 2))
    np.testing.assert_allclose(one.sup_low, other.sup_low)
    y[4, 7] += 6
    np.testing.assert_allclose(fit_event_study(y, 4, 5, alpha=0.05).estimates - one.estimates, 6 * (np.arange(9) == 7))


def test_a_single_comparator_has_no_placebo_of_its_own() -> None:
    y = panel(np.random.default_rng(3))
    study = fit_event_study(y, 0, 5, alpha=0.05, weights=np.arange(60) == 9)
    gap = y[0] - y[9]
    np.testing.assert_allclose(study.estimates, gap - gap[4])
    assert study.n_controls == 58


def test_a_weighted_placebo_leaves_its_own_unit_out() -> None:
    rng = np.random.default_rng(4)
    y, weights = panel(rng, units=25), np.r_[0, rng.uniform(0, 1, 24)]
    study = fit_event_study(y, 0, 5, alpha=0.1, weights=weights)
    path, others = y - y[:, [4]], np.delete(np.arange(25), 7)
    by_hand = path[7] - weights[others] @ path[others] / weights[others].sum()
    np.testing.assert_allclose(study.placebos[6], by_hand, atol=1e-12)


def test_bands_and_p_values_are_one_rule_and_the_simultaneous_band_is_the_wider() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        study = fit_event_study(panel(rng, effect=1), 0, 5, alpha=0.1)
        free = study.relative != 0
        outside = (study.low > 0) | (study.high < 0)
        assert ((study.p_values <= 0.1) == outside)[free].all()
        assert (study.sup_low <= study.low + 1e-12).all() and (study.sup_high >= study.high - 1e-12).all()
        assert study.low[4] == study.high[4] == 0 and study.p_values[4] == 1


def levels(replications: int, units: int, seed: int) -> tuple[float, float, float]:
    """Shares: simultaneous band covers the whole path, pointwise band covers the last period, pre-trend rejected."""
    rng = np.random.default_rng(seed)
    whole = last = pre = 0
    for _ in range(replications):
        study = fit_event_study(panel(rng, units=units, effect=1.5), 0, 5, alpha=0.1)
        truth = 1.5 * EFFECT
        whole += ((study.sup_low <= truth) & (truth <= study.sup_high)).all()
        last += study.low[8] <= truth[8] <= study.high[8]
        pre += study.pre_p_value <= 0.1
    return whole / replications, last / replications, pre / replications


def test_bands_cover_at_their_level() -> None:
    # 59 controls and alpha 0.1: 0.9 to order 1/59; binomial error of 1,000 panels 1.0 point.
    whole, last, pre = levels(1000, 60, 6)
    assert whole == pytest.approx(0.9, abs=0.04) and last == pytest.approx(0.9, abs=0.04)
    assert pre == pytest.approx(0.1, abs=0.04)


@pytest.mark.slow
def test_bands_cover_at_their_level_over_many_panels() -> None:
    """10,000 panels of 141 units, heavy tails: binomial error 0.3 points."""
    for share, nominal in zip(levels(10_000, 141, 7), (0.9, 0.9, 0.1), strict=True):
        assert share == pytest.approx(nominal, abs=0.015)


def test_the_quantile_is_the_one_a_new_draw_exceeds_at_most_at_its_level() -> None:
    assert placebo_quantile(np.arange(1.0, 20), 0.05) == 19  # 19 of 19: 1/20 of new draws lie beyond
    assert placebo_quantile(np.arange(1.0, 40), 0.05) == 38
    draws = np.random.default_rng(8).random((4000, 60))
    beyond = sum(row[0] > placebo_quantile(row[1:], 0.05) for row in draws)
    assert stats.binomtest(beyond, 4000, 0.05).pvalue > 0.001


Y = panel(np.random.default_rng(9))
HOLED = Y.copy()
HOLED[3, 2] = np.nan
STILL = Y.copy()
STILL[1:, 6] = STILL[1:, 4] + 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_event_study(HOLED, 0, 5, alpha=0.05), "missing values in units 3"),
        (lambda: fit_event_study(Y, 61, 5, alpha=0.05), "treated is 61"),
        (lambda: fit_event_study(Y, 0, 9, alpha=0.05), "leave a post-period"),
        (lambda: fit_event_study(Y, 0, 5, alpha=1.0), "alpha is 1.0"),
        (lambda: fit_event_study(Y[:19], 0, 5, alpha=0.05), "18 controls .* at least 19 are needed"),
        (lambda: fit_event_study(np.ones((30, 9)), 0, 5, alpha=0.05), "controls do not vary"),
        (lambda: fit_event_study(STILL, 0, 5, alpha=0.05), "controls do not vary"),
        (lambda: fit_event_study(Y, 0, 5, alpha=0.05, weights=np.ones(59)), "one for each of 60 units"),
        (lambda: fit_event_study(Y, 0, 5, alpha=0.05, weights=np.ones(60)), "zero for the treated unit"),
        (lambda: fit_event_study(Y, 0, 5, alpha=0.05, weights=-1.0 * (np.arange(60) == 3)), "not negative"),
        (lambda: fit_event_study(Y, 0, 5, alpha=0.05, weights=np.zeros(60)), "not all zero"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(CreweError, match=message):
        call()
