"""The stored simulation of rejection rates: its closed forms against the engines, its noise, and what it shows."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from benchmarks import inference_size as size
from crewe_lib.datapackage import find_resource
from crewe_lib.models import permutation as perm
from crewe_lib.models.did import fit_two_unit_did

N_PRE, PERIODS = size.N_PRE, size.PERIODS


@pytest.fixture(scope="module")
def panels() -> np.ndarray:
    return size.simulate(np.random.default_rng(1), 12, size.noise_sds(size.DESIGNS[1]), 10)


@pytest.fixture(scope="module")
def stored() -> pd.DataFrame:
    return pd.read_csv(find_resource(size.TO, "inference_size").path)


@pytest.mark.parametrize("covariance", ["classical", "CR2"])
def test_two_authority_p_values_are_the_engines(panels: np.ndarray, covariance: str) -> None:
    near, after, years = size.nearest(panels), np.arange(PERIODS) >= N_PRE, np.arange(PERIODS)
    for y, other, ours in zip(panels, near, size.pair_p_values(panels, near, covariance), strict=True):
        assert other == perm.rank_comparators(y, 0, N_PRE, on="level and trend").order[0]
        engine = fit_two_unit_did(
            np.r_[y[0], y[other]],
            np.repeat([1, 0], PERIODS),
            np.tile(after, 2),
            np.tile(years, 2),
            covariate=None,
            covariance=covariance,
            alpha=0.05,
        )
        assert ours == pytest.approx(engine.p_value, rel=1e-8)


def test_rank_p_values_are_the_engines(panels: np.ndarray) -> None:
    people, change = size.populations(size.DESIGNS[1]), size.changes(panels)
    for i, y in enumerate(panels):
        assert size.placebo_p_values(change)[i] == pytest.approx(perm.placebo_did(y, N_PRE).p_values[0])
        conley = perm.fit_conley_taber(y, 0, N_PRE, alpha=0.05)
        assert size.tail_p_values(change)[i] == pytest.approx(conley.p_value)
        ferman = perm.fit_ferman_pinto(y, 0, N_PRE, people, alpha=0.05)
        assert size.tail_p_values(change, size.size_scales(change, people))[i] == pytest.approx(ferman.p_value)


def test_two_way_fixed_effects_are_statsmodels(panels: np.ndarray) -> None:
    y = panels[:2, :20]
    unit, year = np.repeat(np.arange(20), PERIODS), np.tile(np.arange(PERIODS), 20)
    effect = ((unit == 0) & (year >= N_PRE)).astype(float)
    design = np.column_stack([np.eye(20)[unit], np.eye(PERIODS)[year][:, 1:], effect])
    for panel, ours in zip(y, size.two_way_p_values(y), strict=True):
        fit = sm.OLS(panel.ravel(), design).fit(cov_type="cluster", cov_kwds={"groups": unit}, use_t=True)
        # statsmodels counts the authority effects; ours, like Stata's areg or fixest, does not: one known factor.
        n, k = design.shape
        t = fit.params[-1] / fit.bse[-1] * np.sqrt((n - PERIODS - 1) / (n - k))
        assert ours == pytest.approx(2 * size.stats.t.sf(abs(t), 19), rel=1e-6)


def test_simulated_panels_have_the_variogram_the_model_states() -> None:
    rng = np.random.default_rng(2)
    rates = size.simulate(rng, 40, size.noise_sds(size.DESIGNS[0]), 25).reshape(-1, PERIODS)
    rates = rates - rates.reshape(40, size.UNITS, PERIODS).mean(axis=1).repeat(size.UNITS, axis=0)
    seen = size.half_variogram(rates, robust=False)
    np.testing.assert_allclose(seen, size.model_half_variogram(size.NOISE_SD, size.PERSISTENCE, 25), rtol=0.06)


def test_the_noise_is_near_that_of_the_official_closures() -> None:
    # The robust fit gives the noise used here and a larger shock than any used; the plain one more of both.
    robust, plain = (size.calibrate().attrs[name] for name in ("official_robust", "official"))
    assert robust["authorities"] == 135
    assert robust["noise_sd"] == pytest.approx(size.NOISE_SD, abs=1)
    assert robust["shock_sd"] > max(size.SHOCK_SDS) and plain["noise_sd"] > robust["noise_sd"]


def test_population_designs_have_the_same_mean_variance() -> None:
    for design in size.DESIGNS:
        assert np.mean(size.noise_sds(design) ** 2) == pytest.approx(size.NOISE_SD**2)
    small, large = (size.populations(design)[0] for design in size.DESIGNS[1:])
    assert small == pytest.approx(134_000, rel=0.02) and large == pytest.approx(380_000, rel=0.02)


def test_the_stored_table_is_complete_and_consistent(stored: pd.DataFrame) -> None:
    assert list(stored) == list(size.FIELDS)
    assert len(stored) == 3 * 3 * 7 == len(stored.drop_duplicates(["design", "shock_sd", "method"]))
    assert (stored["replications"] >= 2000).all()
    rate = stored["rejections"] / stored["replications"]
    np.testing.assert_allclose(stored["rate"], rate, atol=5e-6)
    np.testing.assert_allclose(stored["mc_error"], np.sqrt(rate * (1 - rate) / stored["replications"]), atol=5e-6)


def test_what_it_shows(stored: pd.DataFrame) -> None:
    rate = stored.set_index(["design", "shock_sd", "method"])["rate"]
    alike = rate["noise alike"].unstack("method")
    # By construction 7 of 149 and 6 of 149; 4 Monte Carlo errors.
    np.testing.assert_allclose(alike["placebo in space"], 7 / 149, atol=0.0085)
    np.testing.assert_allclose(alike["Conley–Taber"], 6 / 149, atol=0.008)
    np.testing.assert_allclose(alike["Ferman–Pinto"], 6 / 149, atol=0.01)
    assert (alike.filter(like="two authorities") > 0.1).all(axis=None)
    assert (alike["two-way fixed effects, clustered by authority"] > 0.8).all()
    small = rate["noise by population, small authority treated", 0]
    assert small["Conley–Taber"] > 0.1 > small["Ferman–Pinto"]


def test_the_files_are_rewritten_byte_for_byte_from_the_seed(tmp_path) -> None:
    size.write(size.study(20), tmp_path / "a")
    size.write(size.study(20), tmp_path / "b")
    for name in ("inference_size.csv", "datapackage.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert json.loads((tmp_path / "a" / "datapackage.json").read_text())["kind"] == "simulated"


@pytest.mark.slow
def test_the_stored_table_is_what_the_seed_gives(stored: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(size.study(int(stored["replications"].iloc[0])), stored)
