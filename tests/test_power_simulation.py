"""Simulated trials: what they are made of, and the test that is done on them, against R and `fit_linear`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.cluster_power import Design, fit_power
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.power_simulation import draw_events, draw_sizes, fit_arms, fit_simulated_power, size_variation

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def arms_of(events: np.ndarray, sizes: np.ndarray, treated: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(events[:, :treated], sizes[:, :treated]), (events[:, treated:], sizes[:, treated:])]


def test_the_tests_agree_with_r() -> None:
    """CR2 with Satterthwaite degrees of freedom from clubSandwich, HC2 from sandwich; families of unequal size."""
    trials = pd.read_csv(REFERENCE / "power_simulation_input.csv")
    for row in pd.read_csv(REFERENCE / "power_simulation.csv", comment="#").to_dict("records"):
        d = trials[trials["trial"] == row["trial"]]
        counts = [d[name].to_numpy()[None, :] for name in ("events", "size")]
        clustered, naive = fit_arms(arms_of(*counts, int(d["treated"].sum())))
        assert clustered[0] == pytest.approx(row["p_value"], rel=1e-9)
        # The naive variance is HC2's in closed form: p (1 - p) / (n - 1) in each arm.
        assert naive[0] == pytest.approx(row["naive"], rel=1e-9)


def test_the_test_is_that_of_fit_linear(rng: np.random.Generator) -> None:
    sizes = draw_sizes(30, 74, trials=20, rng=rng)
    events = draw_events(sizes, np.where(np.arange(30) < 20, 0.5, 0.2), 0.36, rng=rng)
    clustered, _ = fit_arms(arms_of(events, sizes, 20))
    for trial in range(20):
        y = np.concatenate(
            [np.repeat([1.0, 0.0], [k, m - k]) for k, m in zip(events[trial], sizes[trial], strict=True)]
        )
        family = np.repeat(np.arange(30), sizes[trial])
        x = np.column_stack([np.ones(len(y)), family < 20])
        expected = fit_linear(y, x, covariance="CR2", clusters=family).interval(1, 0.05)[2]
        assert clustered[trial] == pytest.approx(expected, rel=1e-9)


def test_order_arms_and_coding_do_not_matter(rng: np.random.Generator) -> None:
    sizes = draw_sizes(30, 74, trials=50, rng=rng)
    events = draw_events(sizes, np.full(30, 0.3), 0.5, rng=rng)
    one = fit_arms(arms_of(events, sizes, 20))
    shuffled = np.r_[rng.permutation(20), 20 + rng.permutation(10)]
    for other in (
        fit_arms(arms_of(events[:, shuffled], sizes[:, shuffled], 20)),
        fit_arms(arms_of(events, sizes, 20)[::-1]),
        fit_arms(arms_of(sizes - events, sizes, 20)),
    ):
        for ours, theirs in zip(one, other, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_trials_in_which_nothing_varies() -> None:
    """Nobody or everybody in both arms: no difference found. Everybody in one arm alone: found."""
    sizes = np.full((3, 10), 2)
    events = np.zeros((3, 10), int)
    events[1] = 2
    events[2, :5] = 2
    clustered, naive = fit_arms(arms_of(events, sizes, 5))
    assert clustered.tolist() == naive.tolist() == [1.0, 1.0, 0.0]


def test_sizes(rng: np.random.Generator) -> None:
    sizes = draw_sizes(132, 326, trials=4000, rng=rng)
    assert (sizes.sum(axis=1) == 326).all() and sizes.min() == 1
    mean = 326 / 132
    # Given the sum they are multinomial, whose variance is short of Poisson's by a share of 1/132.
    assert size_variation(mean) == pytest.approx(math.sqrt(mean - 1) / mean)
    expected = size_variation(mean) * math.sqrt(131 / 132)
    assert float(sizes.std(axis=1).mean()) / mean == pytest.approx(expected, rel=0.01)
    assert (draw_sizes(5, 5, trials=2, rng=rng) == 1).all() and size_variation(1) == 0


@pytest.mark.parametrize("icc", [0.0, 0.36, 1.0])
def test_events_have_the_share_and_the_correlation(icc: float, rng: np.random.Generator) -> None:
    """Of m siblings the count has mean m p and variance m p (1 - p) (1 + (m - 1) ICC): 400,000 families each."""
    for m, share in ((1, 0.226), (3, 0.226), (6, 0.7)):
        drawn = draw_events(np.full((1, 400_000), m), np.full(400_000, share), icc, rng=rng)
        assert drawn.mean() == pytest.approx(m * share, abs=0.01 * m)
        assert drawn.var() == pytest.approx(m * share * (1 - share) * (1 + (m - 1) * icc), rel=0.015)
        if icc == 1:
            assert set(np.unique(drawn)) <= {0, m}


def settings(**changes: Any) -> dict[str, Any]:
    return {"treated": 88, "baseline": 0.226, "difference": 0.0, "icc": 0.36, "alpha": 0.05, **changes}


@pytest.mark.parametrize("icc", [0.0, 0.36, 1.0])
def test_without_a_difference_only_the_clustered_test_keeps_its_level(icc: float, rng: np.random.Generator) -> None:
    found = fit_simulated_power(draw_sizes(132, 326, trials=10_000, rng=rng), **settings(icc=icc), rng=rng)
    assert found.clustered.value == pytest.approx(0.05, abs=0.01) and found.trials == 10_000
    assert found.clustered.error == pytest.approx(math.sqrt(found.clustered.value * (1 - found.clustered.value) / 1e4))
    if icc == 0:
        assert found.naive.value == pytest.approx(0.05, abs=0.01)
    else:
        # The naive standard error is short by the root of the design effect.
        effect = Design(326 / 132, icc, 0.05, 0.8, size_variation(326 / 132)).effect
        assert found.naive.value == pytest.approx(2 * stats.norm.sf(1.96 / math.sqrt(effect)), abs=0.02)


@pytest.mark.parametrize("difference", [0.2, -0.15])
def test_power_is_near_the_formula(difference: float, rng: np.random.Generator) -> None:
    """Of the trial's size the formula with each arm's own variance is within five points of the simulated test."""
    sizes = draw_sizes(132, 326, trials=10_000, rng=rng)
    found = fit_simulated_power(sizes, **settings(difference=difference), rng=rng)
    design = Design(326 / 132, 0.36, 0.05, 0.8, size_variation(326 / 132))
    formula = fit_power(0.226, difference, treated=88, control=44, design=design, form="unpooled")
    assert found.clustered.value == pytest.approx(formula, abs=0.05)


def test_with_many_families_it_is_the_formula(rng: np.random.Generator) -> None:
    sizes = draw_sizes(3000, 7400, trials=2000, rng=rng)
    found = fit_simulated_power(sizes, **settings(treated=2000, difference=0.04), rng=rng)
    design = Design(7400 / 3000, 0.36, 0.05, 0.8, size_variation(7400 / 3000))
    formula = fit_power(0.226, 0.04, treated=2000, control=1000, design=design, form="unpooled")
    assert found.clustered.value == pytest.approx(formula, abs=4 * found.clustered.error)


def test_how_outcomes_cluster_beyond_pairs_hardly_matters(rng: np.random.Generator) -> None:
    """Beta-binomial outcomes with the same share and correlation give the same power, to two points."""
    sizes, treated, trials = draw_sizes(132, 326, trials=8000, rng=rng), 88, 8000
    ours = fit_simulated_power(sizes, **settings(difference=0.2), rng=rng).clustered
    shares = np.where(np.arange(132) < treated, 0.426, 0.226)
    weight = (1 - 0.36) / 0.36
    chance = rng.beta(shares * weight, (1 - shares) * weight, size=(trials, 132))
    clustered, _ = fit_arms(arms_of(rng.binomial(sizes, chance), sizes, treated))
    assert ours.value == pytest.approx(float((clustered <= 0.05).mean()), abs=0.02)


def test_the_seed_decides() -> None:
    one, other = (
        fit_simulated_power(draw_sizes(20, 50, trials=200, rng=rng), **settings(treated=12), rng=rng)
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    )
    assert one == other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treated": 1}, "1 of 10 families are treated; each arm needs at least two"),
        ({"treated": 10}, "10 of 10 families are treated"),
        ({"baseline": 22.6}, "a difference of 0 from 22.6 is impossible"),
        ({"difference": -0.3}, "a difference of -0.3 from 0.226 is impossible"),
        ({"icc": 1.5}, "intra-class correlation is 1.5"),
        ({"icc": math.nan}, "intra-class correlation is nan"),
        ({"alpha": 0.0}, "alpha is 0"),
        ({"sizes": np.zeros((2, 10), int)}, "sizes must be children by trial and family"),
        ({"sizes": np.ones((0, 10), int)}, "at least one trial"),
        ({"sizes": np.ones(10, int)}, "sizes must be children by trial and family"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str, rng: np.random.Generator) -> None:
    call = {"sizes": np.ones((2, 10), int), **settings(treated=5), **change}
    with pytest.raises(CreweError, match=message):
        fit_simulated_power(call.pop("sizes"), **call, rng=rng)


def test_impossible_sizes_are_named(rng: np.random.Generator) -> None:
    with pytest.raises(CreweError, match="9 children in 10 families"):
        draw_sizes(10, 9, trials=1, rng=rng)
    with pytest.raises(CreweError, match="0 trials"):
        draw_sizes(10, 12, trials=0, rng=rng)
    with pytest.raises(CreweError, match=r"children per family is 0\.5"):
        size_variation(0.5)
