"""Randomisation inference by family: all allocations fitted with statsmodels, coin (R), hand arithmetic, simulation."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.randomisation import fit_randomisation

REFERENCE = Path(__file__).parent / "reference"


def fit(y: Any, treated: Any, families: Any, **more: Any) -> Any:
    call = dict(covariates=None, n_draws=10_000, rng=np.random.default_rng(3), alpha=0.1) | more
    return fit_randomisation(y, treated, families=families, **call)


def siblings(seed: int, families: int = 10, treated: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, treatment, families and two covariates of a small trial."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(families), rng.integers(1, 4, families))
    arm = np.zeros(families)
    arm[rng.choice(families, treated, replace=False)] = 1
    covariates = np.column_stack([rng.integers(0, 2, len(of)), (rng.random(families) < 0.5)[of]]).astype(float)
    y = np.round(rng.normal(size=families)[of] + arm[of] + covariates[:, 0] + rng.normal(size=len(of)), 1)
    return y, arm[of], of, covariates


def brute_force(y: Any, treated: Any, families: Any, covariates: Any, moved: Any, effect: float) -> float:
    """The exact p-value of one additive effect: the outcome without it, refitted under every allocation."""
    names = np.unique(families[moved])
    size = len(np.unique(families[treated == 1]))

    def size_of_t(arm: Any) -> float:
        x = np.column_stack([np.ones(len(y)), arm, covariates])
        if np.linalg.matrix_rank(x) < x.shape[1]:
            return float("nan")
        cluster = {"groups": families, "use_correction": False}
        found = sm.OLS(y - effect * treated, x).fit(cov_type="cluster", cov_kwds=cluster)
        return abs(float(found.params[1]) / float(found.bse[1]))

    actual = size_of_t(treated)
    drawn = np.array([size_of_t(np.isin(families, list(some)).astype(float)) for some in combinations(names, size)])
    drawn = drawn[~np.isnan(drawn)]
    return float(np.mean(drawn >= actual * (1 - 1e-9)))


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")  # statsmodels, of a covariate's error
@pytest.mark.parametrize("seed", [1, 2])
def test_every_allocation_fitted_one_by_one_gives_the_same(seed: int) -> None:
    """The p-value, and the limits: just inside is kept and just outside rejected by the brute-force test."""
    y, treated, families, covariates = siblings(seed)
    found = fit(y, treated, families, covariates=covariates)
    everywhere = np.ones(len(y), bool)
    assert found.exact
    assert found.n_draws <= 210  # 4 of 10 families
    assert found.p_value == pytest.approx(brute_force(y, treated, families, covariates, everywhere, 0.0), abs=1e-12)
    for limit, outwards in ((found.conf_low, -1e-6), (found.conf_high, 1e-6)):
        assert brute_force(y, treated, families, covariates, everywhere, limit - outwards) > 0.1
        assert brute_force(y, treated, families, covariates, everywhere, limit + outwards) <= 0.1


def test_some_families_are_allocated_anew_and_the_others_held() -> None:
    """An effect of any size in the families that are held changes nothing, for their allocation is a covariate."""
    y, treated, families, covariates = siblings(4, families=16, treated=8)
    moved = families < 9
    inside, held = treated * moved, treated * ~moved
    fixed = np.column_stack([covariates, held])
    found = fit(y, inside, families, covariates=fixed, among=moved)
    assert found.families_treated + found.families_control == 9
    assert found.p_value == pytest.approx(brute_force(y, inside, families, fixed, moved, 0.0), abs=1e-12)
    other = fit(y + 5 * held, inside, families, covariates=fixed, among=moved)
    assert (other.p_value, other.conf_low) == (found.p_value, pytest.approx(found.conf_low, abs=1e-9))


def test_coin_gives_the_same_exact_p_values_for_arms_of_equal_size() -> None:
    d = pd.read_csv(REFERENCE / "randomisation_input.csv")
    expected = pd.read_csv(REFERENCE / "randomisation.csv", comment="#").set_index("case")["p_value"]
    for outcome in ("y", "closed"):
        rows = fit(d[outcome], d["treated"], np.arange(len(d)), n_draws=13_000)
        pairs = fit(d[outcome], d["pair_treated"], d["family"])
        assert rows.exact
        assert rows.p_value == pytest.approx(expected[f"rows {outcome}"], rel=1e-12)
        assert pairs.p_value == pytest.approx(expected[f"pairs {outcome}"], rel=1e-12)


def test_by_hand() -> None:
    """Two of five: no other pair of values is as far from the rest as 8 and 9 are, so p is one in ten.

    The means are 8.5 and 2, the error sqrt(0.25 / 2 + (2 / 3) / 3) with variances that divide by n.
    """
    found = fit([8.0, 9, 1, 2, 3], [1, 1, 0, 0, 0], list("abcde"))
    assert found.estimate == pytest.approx(6.5)
    assert found.std_error == pytest.approx(np.sqrt(0.25 / 2 + (2 / 3) / 3))
    assert (found.n_draws, found.exact, found.p_value) == (10, True, 0.1)


def test_drawn_allocations_approach_all_of_them() -> None:
    """3,003 allocations, of which 3,000 are drawn: binomial error 0.9 points at most."""
    y, treated, families, covariates = siblings(6, families=14, treated=6)
    full = fit(y, treated, families, covariates=covariates, n_draws=3_003)
    drawn = fit(y, treated, families, covariates=covariates, n_draws=3_000)
    assert full.exact
    assert not drawn.exact
    assert drawn.n_draws == 3_000
    assert drawn.p_value == pytest.approx(full.p_value, abs=0.03)
    assert drawn.conf_low == pytest.approx(full.conf_low, abs=0.15)
    assert drawn.conf_high == pytest.approx(full.conf_high, abs=0.15)
    assert fit(y, treated, families, covariates=covariates, n_draws=3_000) == drawn  # the same seed


def test_the_interval_is_near_the_cluster_robust_one_for_many_families() -> None:
    y, treated, families, covariates = siblings(8, families=150, treated=100)
    found = fit(y, treated, families, covariates=covariates, n_draws=4_000)
    x = np.column_stack([np.ones(len(y)), treated, covariates])
    robust = fit_linear(y, x, covariance="CR2", clusters=families)
    assert found.estimate == pytest.approx(robust.coefficients[1], rel=1e-9)
    low, high, p_value = robust.interval(1, 0.1)
    np.testing.assert_allclose([found.conf_low, found.conf_high], [low, high], atol=0.06 * (high - low))
    assert found.p_value == pytest.approx(p_value, abs=0.03)


def test_swapped_arms_units_and_row_order() -> None:
    y, treated, families, covariates = siblings(9)
    one = fit(y, treated, families, covariates=covariates)
    other = fit(y, 1 - treated, families, covariates=covariates)
    assert other.estimate == pytest.approx(-one.estimate)
    assert other.p_value == one.p_value
    assert other.conf_low == pytest.approx(-one.conf_high)
    order = np.random.default_rng(1).permutation(len(y))
    names = np.array([f"F{family}" for family in families])
    shuffled = fit(100 * y[order] + 7, treated[order], names[order], covariates=covariates[order])
    assert shuffled.p_value == one.p_value
    assert shuffled.conf_low == pytest.approx(100 * one.conf_low)
    assert shuffled.std_error == pytest.approx(100 * one.std_error)


def test_no_effect_is_rejected_at_the_level_and_an_effect_covered() -> None:
    """200 allocations of one small trial with strongly related siblings (binomial error 2.1 points)."""
    y, _, families, covariates = siblings(10, families=12, treated=4)
    rng = np.random.default_rng(11)
    rejected = covered = 0
    for _ in range(200):
        treated = np.isin(families, rng.choice(12, 4, replace=False)).astype(float)
        one = fit(y + 2 * treated, treated, families, covariates=covariates, n_draws=495)
        covered += one.conf_low <= 2 <= one.conf_high
        rejected += fit(y, treated, families, covariates=covariates, n_draws=495).p_value <= 0.1
    assert stats.binomtest(rejected, 200, 0.1).pvalue > 0.001
    assert covered == 200 - rejected


@pytest.mark.filterwarnings("error")
def test_allocations_that_cannot_be_fitted_are_left_out() -> None:
    """A covariate that marks two families: an allocation to just these two is no comparison, the other 14 are."""
    y = [1.0, 4, 2, 7, 5, 9]
    covariate = np.array([1.0, 1, 0, 0, 0, 0])
    found = fit(y, [1, 0, 1, 0, 0, 0], range(6), covariates=covariate, alpha=0.2)
    assert (found.n_draws, found.exact) == (14, True)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=[1.0, np.nan, 3, 4, 5, 6]), "missing values"),
        (dict(y=[1.0, 1, 1, 1, 1, 1]), "the fit is perfect"),
        (dict(treated=[1, 1, 1, 1, 1, 1]), "an arm has fewer than two families"),
        (dict(treated=[1, 0, 0, 0, 0, 0]), "an arm has fewer than two families"),
        (dict(treated=[1, 2, 0, 0, 0, 1]), "treated must be 0 or 1"),
        (dict(families=["a", "a", "b", "c", "d", "e"]), "both treated and not: a; whole families"),
        (dict(families=[1, 1, 1, 1, 1, 1]), "both treated and not"),
        (dict(families=[1, 2, 3]), "must be 6 labels without a gap"),
        (dict(families=[1, 2, 3, 4, 5, None]), "must be 6 labels without a gap"),
        (dict(among=[1, 1, 1, 1, 1, 0], families=[1, 2, 3, 4, 5, 5], treated=[1, 0, 1, 0, 0, 0]), "only partly among"),
        (dict(among=[0, 1, 1, 1, 1, 1]), "must have treated 0"),
        (dict(covariates=np.array([1.0, 0, 0, 1, 0, 1])), "collinear"),
        (dict(n_draws=8), "8 draws cannot give a p-value of 0.1"),
        (dict(alpha=0.0), "alpha is"),
        (dict(alpha=0.02), "no effect is rejected at 0.02"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = dict(y=[1.0, 2, 2.5, 4, 3, 5], treated=[1, 0, 0, 1, 0, 1], families=[1, 2, 3, 4, 5, 6])
    with pytest.raises(CreweError, match=message):
        fit(**(call | change))
