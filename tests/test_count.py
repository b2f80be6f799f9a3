"""Counts out of an exposure: hand arithmetic, R's sandwich and MASS, a known truth, and each bad input by name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crewe_lib.errors import CreweError
from crewe_lib.models.count import CountFit, fit_negative_binomial, fit_quasi_poisson
from crewe_lib.models.count_rates import standardise

REFERENCE = Path(__file__).parent / "reference"
FITS = {"quasi_poisson": fit_quasi_poisson, "negative_binomial": fit_negative_binomial}


def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "count_input.csv")


def design(d: pd.DataFrame, model: str) -> np.ndarray:
    columns = [np.ones(len(d)), d["treated"]]
    columns += [] if model == "plain" else [d["history"]]
    columns += [d["treated"] * d["history"]] if model == "crossed" else []
    return np.column_stack(columns).astype(float)


@pytest.mark.parametrize("kind", FITS)
@pytest.mark.parametrize("model", ["plain", "history", "crossed"])
def test_agrees_with_r(kind: str, model: str) -> None:
    """glm(quasipoisson) and glm.nb with sandwich::vcovCL; averages by numerical derivatives, hence 1e-6 for those.

    CR0 is type HC0 without R's adjustment for few clusters, CR1 is type HC1, which has it.
    """
    reference = pd.read_csv(REFERENCE / "count.csv", comment="#").set_index(["case", "term"])["value"][
        f"{kind}:{model}"
    ]
    d = data()
    call = dict(exposure=d["possible"], clusters=d["family"])
    ours = FITS[kind](d["missed"], design(d, model), **call)
    plain = FITS[kind](d["missed"], design(d, model), covariance="CR0", **call)
    tolerance = 1e-7 if kind == "quasi_poisson" else 1e-6  # glm.nb estimates its dispersion by iteration
    for j in range(len(ours.coefficients)):
        assert ours.coefficients[j] == pytest.approx(reference[f"coefficient{j}"], rel=tolerance)
        assert plain.std_errors[j] == pytest.approx(reference[f"cr0_{j}"], rel=tolerance)
        assert ours.std_errors[j] == pytest.approx(reference[f"cr1_{j}"], rel=tolerance)
    assert ours.dispersion == pytest.approx(reference["dispersion"], rel=tolerance)
    average = standardise(ours, *settings(d, model), weights=d["possible"], alpha=0.05)
    for name in ("treated", "control", "ratio"):
        one = getattr(average, name)
        assert np.log(one.estimate) == pytest.approx(reference[f"{name}_estimate"], rel=1e-6)
        assert one.std_error == pytest.approx(reference[f"{name}_se"], rel=1e-6)
        assert np.log(one.conf_low) == pytest.approx(reference[f"{name}_low"], rel=1e-6)
    difference = average.difference
    assert difference.estimate == pytest.approx(reference["difference_estimate"], rel=1e-6)
    assert difference.std_error == pytest.approx(reference["difference_se"], rel=1e-6)
    assert difference.conf_low == pytest.approx(reference["difference_low"], rel=1e-5)  # close to zero
    assert difference.p_value == pytest.approx(reference["difference_p"], rel=1e-5)
    assert average.ratio.p_value == pytest.approx(reference["ratio_p"], rel=1e-5)


def settings(d: pd.DataFrame, model: str) -> tuple[np.ndarray, np.ndarray]:
    return design(d.assign(treated=1), model), design(d.assign(treated=0), model)


def test_by_hand() -> None:
    """Two arms: each rate is all that was missed over all that was possible, whatever each pupil's share; the error of
    a log rate sums each family's y − mean, squared, over the sum of means squared."""
    y, possible = np.array([0, 6, 3, 10, 2, 9.0]), np.array([20, 40, 20, 50, 30, 20.0])
    arm, family = np.array([0, 0, 0, 1, 1, 1.0]), ["a", "b", "b", "c", "d", "e"]
    x = np.column_stack([np.ones(6), arm])
    fit = fit_quasi_poisson(y, x, exposure=possible, clusters=family, covariance="CR0")
    found = standardise(fit, [[1, 1]] * 6, [[1, 0]] * 6, weights=possible, alpha=0.05)
    assert found.control.estimate == pytest.approx(9 / 80) and found.treated.estimate == pytest.approx(21 / 100)
    assert found.difference.estimate == pytest.approx(21 / 100 - 9 / 80)
    assert found.ratio.estimate == pytest.approx((21 / 100) / (9 / 80))
    left = [0 - 20 * 9 / 80, 9 - 60 * 9 / 80]
    right = [10 - 50 * 0.21, 2 - 30 * 0.21, 9 - 20 * 0.21]
    variances = [sum(u**2 for u in left) / 9**2, sum(u**2 for u in right) / 21**2]
    assert found.control.std_error == pytest.approx(np.sqrt(variances[0]))
    assert found.ratio.std_error == pytest.approx(np.sqrt(sum(variances)))
    assert found.difference.std_error == pytest.approx(
        np.sqrt(variances[0] * (9 / 80) ** 2 + variances[1] * (21 / 100) ** 2)
    )
    assert fit.df == 4  # five families
    mean = possible * np.where(arm, 0.21, 9 / 80)
    assert fit.dispersion == pytest.approx(float(((y - mean) ** 2 / mean).sum() / 4))


def test_order_of_rows_and_units_do_not_matter() -> None:
    d = data()
    other = d.sample(frac=1, random_state=1)
    x = design(d, "history")
    one = fit_quasi_poisson(d["missed"], x, exposure=d["possible"], clusters=d["family"])
    two = fit_quasi_poisson(
        other["missed"], design(other, "history"), exposure=other["possible"], clusters=other["family"].astype(str)
    )
    days = fit_quasi_poisson(d["missed"] / 2, x, exposure=d["possible"] / 2, clusters=d["family"])
    np.testing.assert_allclose(one.covariance_matrix, two.covariance_matrix, rtol=1e-9)
    np.testing.assert_allclose(one.coefficients, days.coefficients, rtol=1e-8)
    np.testing.assert_allclose(one.std_errors, days.std_errors, rtol=1e-8)


def test_swapping_the_arms_turns_the_answer_round() -> None:
    d = data()
    found = []
    for swapped in (False, True):
        e = d.assign(treated=1 - d["treated"]) if swapped else d
        fit = fit_quasi_poisson(e["missed"], design(e, "history"), exposure=e["possible"], clusters=e["family"])
        found.append(standardise(fit, *settings(e, "history"), weights=e["possible"], alpha=0.1))
    one, other = found
    assert other.difference.estimate == pytest.approx(-one.difference.estimate)
    assert other.difference.conf_low == pytest.approx(-one.difference.conf_high)
    assert other.ratio.estimate == pytest.approx(1 / one.ratio.estimate)
    assert other.ratio.p_value == pytest.approx(one.ratio.p_value)
    assert other.treated.conf_low == pytest.approx(one.control.conf_low)


def test_each_row_its_own_cluster_gives_white_errors() -> None:
    d = data()
    x = design(d, "plain")
    fit = fit_quasi_poisson(d["missed"], x, exposure=d["possible"], clusters=range(len(d)), covariance="CR0")
    mean = (d["possible"] * np.exp(x @ fit.coefficients)).to_numpy()
    bread = np.linalg.inv(x.T @ (x * mean[:, None]))
    scores = x * (d["missed"].to_numpy() - mean)[:, None]
    np.testing.assert_allclose(fit.covariance_matrix, bread @ scores.T @ scores @ bread, rtol=1e-9)


def draw(rng: np.random.Generator, ratio: float) -> tuple[CountFit, np.ndarray, np.ndarray]:
    """Sixty families of one to three pupils, alike within; a truth known by its ratio of rates."""
    family = np.repeat(np.arange(60), rng.integers(1, 4, 60))
    arm = (family % 3 != 0).astype(float)
    possible = rng.integers(240, 259, len(family)).astype(float)
    rate = 0.08 * ratio**arm * rng.gamma(4, 1 / 4, 60)[family] * rng.gamma(3, 1 / 3, len(family))
    y = rng.binomial(possible.astype(int), np.minimum(rate, 1)).astype(float)
    x = np.column_stack([np.ones(len(family)), arm])
    return fit_quasi_poisson(y, x, exposure=possible, clusters=family), x, possible


def test_a_known_ratio_is_found_and_the_interval_holds_its_level() -> None:
    """400 draws: with 60 families, coverage near 95%; counts are over-dispersed by far and alike in families."""
    rng = np.random.default_rng(3)
    inside, logs = 0, []
    for _ in range(400):
        fit, x, possible = draw(rng, 1.3)
        one, other = x.copy(), x.copy()
        one[:, 1], other[:, 1] = 1, 0
        ratio = standardise(fit, one, other, weights=possible, alpha=0.05).ratio
        logs.append(np.log(ratio.estimate))
        inside += ratio.conf_low <= 1.3 <= ratio.conf_high
        assert fit.dispersion > 2
    assert np.mean(logs) == pytest.approx(np.log(1.3), abs=4 * np.std(logs) / 20)
    assert 0.90 <= inside / 400 <= 0.98


BASE = dict(
    y=[1.0, 4, 0, 6, 3, 8, 2, 5],
    x=[[1, 0], [1, 0], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1], [1, 1]],
    exposure=[20.0] * 8,
    clusters=[1, 2, 3, 3, 4, 5, 6, 6],
)


@pytest.mark.parametrize("fit", FITS.values())
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=[1.0, 4, 0, 6, 3, 8, 2, np.nan]), "missing values"),
        (dict(exposure=[0.0, *[20.0] * 7]), "1 of 8 rows have an exposure that is not above zero"),
        (dict(exposure=[-1.0, *[20.0] * 7]), "an exposure that is not above zero"),
        (dict(y=[-1.0, 4, 0, 6, 3, 8, 2, 5]), "a negative count"),
        (dict(y=[21.0, 4, 0, 6, 3, 8, 2, 5]), "a count above its exposure"),
        (dict(y=[0.0] * 8), "all counts are zero"),
        (dict(x=[[1, 1]] * 8), "collinear"),
        (dict(x=[[1, 0]] * 8), "an arm or a category may have no rows"),
        (dict(y=[1.0, 4, 0, 6, 0, 0, 0, 0]), "nothing but zero counts"),
        (dict(y=[0.0, 0, 0, 0, 3, 8, 2, 5]), "nothing but zero counts"),
        (dict(y=[2.0, 2, 2, 2, 5, 5, 5, 5]), "the fit is perfect"),
        (dict(clusters=[1] * 8), "1 clusters are too few"),
        (dict(clusters=[1, 1, 1, 1, 2, 2, 2, 2]), "2 clusters are too few"),
        (dict(clusters=[1, 2, 3, 3, 4, 4, 4, 4]), "rests on the rows of a single cluster"),
        (dict(clusters=[1, 2, 3]), "must be 8 labels without a gap"),
        (dict(clusters=[1, 2, 3, 3, 4, 5, 6, None]), "must be 8 labels without a gap"),
        (dict(covariance="HC1"), "must be one of CR0, CR1"),
        (dict(y=[1.0, 4], x=[[1, 0], [1, 1]], exposure=[9.0, 9], clusters=[1, 2]), "2 rows cannot estimate 2"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_bad_input_is_named(fit, change: dict, message: str) -> None:
    call = BASE | change
    with pytest.raises(CreweError, match=message):
        fit(call.pop("y"), call.pop("x"), **call)


def test_counts_that_vary_too_little_have_no_negative_binomial() -> None:
    y = [3.0, 3, 4, 3, 5, 5, 6, 5]
    with pytest.raises(CreweError, match="vary no more than Poisson"):
        fit_negative_binomial(y, BASE["x"], exposure=BASE["exposure"], clusters=BASE["clusters"])


@pytest.mark.parametrize("alpha", [0, 1, -0.1])
def test_alpha_must_be_a_rate(alpha) -> None:
    fit = fit_quasi_poisson(BASE["y"], BASE["x"], exposure=BASE["exposure"], clusters=BASE["clusters"])
    with pytest.raises(CreweError, match="alpha is"):
        standardise(fit, BASE["x"], BASE["x"], weights=BASE["exposure"], alpha=alpha)


def test_what_cannot_be_compared() -> None:
    fit = fit_quasi_poisson(BASE["y"], BASE["x"], exposure=BASE["exposure"], clusters=BASE["clusters"])
    with pytest.raises(CreweError, match="does not vary between clusters"):
        standardise(fit, BASE["x"], BASE["x"], weights=BASE["exposure"], alpha=0.05)  # both settings the same
    with pytest.raises(CreweError, match="alpha is"):
        fit.interval(1, 0)
    low, high, p = fit.interval(1, 0.05)
    assert low < fit.coefficients[1] < high and 0 < p < 1
    same = fit_quasi_poisson([2.0, 2, 2, 2, 3, 8, 2, 5], BASE["x"], exposure=BASE["exposure"], clusters=range(8))
    with pytest.raises(CreweError, match="does not vary between clusters"):
        same.interval(0, 0.05)  # the controls are all alike
    with pytest.raises(CreweError, match="every weight must be above zero"):
        standardise(fit, BASE["x"], BASE["x"], weights=[0.0] * 8, alpha=0.05)
