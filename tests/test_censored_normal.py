"""Censored normal regression: hand arithmetic, R's survreg and tobit, known truth, invariances, named errors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.censored_normal import CensoredNormalFit, fit_censored_normal, predict_beyond, predict_mean

REFERENCE = Path(__file__).parent / "reference"


def made(case: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    d = pd.read_csv(REFERENCE / "censored_normal_input.csv")
    x = np.column_stack([np.ones(len(d)), d[["treated", "female", "history"]]])
    return d[case].to_numpy(float), d[f"{case}_censored"].to_numpy(), x


def quantities(fit: CensoredNormalFit) -> dict[str, float]:
    found = {f"coefficient {j}": value for j, value in enumerate(fit.coefficients)}
    places = zip(*np.triu_indices(len(fit.covariance_matrix)), strict=True)
    found |= {f"covariance {i} {j}": fit.covariance_matrix[i, j] for i, j in places}
    return found | {"scale": fit.scale, "log_likelihood": fit.log_likelihood}


@pytest.mark.parametrize(("case", "source"), [("own", "survreg"), ("one", "survreg"), ("one", "tobit")])
def test_r_agrees(case: str, source: str) -> None:
    """survreg for limits of each row's own, and AER's tobit for one limit: every coefficient and covariance."""
    reference = pd.read_csv(REFERENCE / "censored_normal.csv", comment="#")
    rows = reference[(reference["case"] == case) & (reference["source"] == source)]
    expected = dict(zip(rows["quantity"], rows["value"], strict=True))
    found = quantities(fit_censored_normal(*made(case)))
    assert found.keys() == expected.keys()
    sizes = np.sqrt([expected[f"covariance {j} {j}"] for j in range(5)])
    for quantity, value in expected.items():
        # A covariance near nought is held to the product of its two standard errors.
        i, j = (int(part) for part in quantity.split()[1:]) if quantity.startswith("cov") else (0, 0)
        floor = 1e-7 * sizes[i] * sizes[j] if quantity.startswith("cov") else 0
        assert found[quantity] == pytest.approx(value, rel=1e-7, abs=floor), quantity


def test_the_mean_beyond_a_limit_is_rs_integral() -> None:
    reference = pd.read_csv(REFERENCE / "censored_normal.csv", comment="#").query("source == 'integrate'")
    y, censored, x = made("own")
    found = predict_beyond(fit_censored_normal(y, censored, x), x, y)
    for quantity, value in zip(reference["quantity"], reference["value"], strict=True):
        # The integral is R's numerical one, told to be right to 1e-12 of the whole.
        assert found[int(quantity.split()[1])] == pytest.approx(value, rel=1e-7)


def test_without_censoring_it_is_least_squares() -> None:
    y, _, x = made("own")
    fit = fit_censored_normal(y, np.zeros(len(y)), x)
    b, left = np.linalg.lstsq(x, y, rcond=None)[:2]
    np.testing.assert_allclose(fit.coefficients, b, rtol=1e-10)
    assert fit.scale == pytest.approx(np.sqrt(left[0] / len(y)))
    np.testing.assert_allclose(fit.covariance_matrix[:4, :4], fit.scale**2 * np.linalg.inv(x.T @ x), rtol=1e-9)
    assert fit.covariance_matrix[4, 4] == pytest.approx(1 / (2 * len(y)))
    assert fit.log_likelihood == pytest.approx(np.sum(stats.norm.logpdf(y, x @ b, fit.scale)))
    assert fit.censored == 0


def test_one_mean_by_a_search_of_the_likelihood() -> None:
    """Five lengths, two of them censored: the answer maximises the likelihood as it is written in textbooks."""
    y, censored = np.array([1.0, 2.0, 4.0, 3.0, 6.0]), np.array([0, 0, 0, 1, 1])

    def loss(p: np.ndarray) -> float:
        density = stats.norm.logpdf(y[:3], p[0], np.exp(p[1]))
        return -float(np.sum(density) + np.sum(stats.norm.logsf(y[3:], p[0], np.exp(p[1]))))

    best = optimize.minimize(loss, [3.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13})
    fit = fit_censored_normal(y, censored, np.ones((5, 1)))
    assert fit.coefficients[0] == pytest.approx(best.x[0], rel=1e-6)
    assert fit.scale == pytest.approx(np.exp(best.x[1]), rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-best.fun)


def test_the_mean_beyond_by_hand() -> None:
    """At a limit equal to the mean it is mean + scale · √(2/π); far beyond the limit it stays above the limit."""
    fit = CensoredNormalFit(np.array([100.0]), 10.0, np.eye(2), 0.0, 5, 1)
    limits = np.array([100.0, -1e4, 120.0, 100.0 + 10 * 60.0])
    found = predict_beyond(fit, np.ones((4, 1)), limits)
    assert found[0] == pytest.approx(100 + 10 * np.sqrt(2 / np.pi))
    assert found[1] == pytest.approx(100)
    top, mass = (
        integrate.quad(lambda v, p=p: v**p * stats.norm.pdf(v, 100, 10), 120, 200, epsabs=0, epsrel=1e-12)[0]
        for p in (1, 0)
    )
    assert found[2] == pytest.approx(top / mass)
    assert found[3] == pytest.approx(700 + 10 * (1 / 60 - 2 / 60**3 + 10 / 60**5), rel=1e-9)  # Laplace's series
    assert np.all(found > limits)
    np.testing.assert_array_equal(predict_mean(fit, np.ones((2, 1))), [100.0, 100.0])


def test_order_unit_origin_and_arm_do_not_matter() -> None:
    y, censored, x = made("own")
    fit = fit_censored_normal(y, censored, x)
    order = np.random.default_rng(4).permutation(len(y))
    again = fit_censored_normal(y[order], censored[order], x[order])
    np.testing.assert_allclose(again.coefficients, fit.coefficients, rtol=1e-9)
    weeks = fit_censored_normal(y / 7 + 1000, censored, x * np.array([1, 1, 1000, 1]))
    np.testing.assert_allclose(weeks.coefficients[1], fit.coefficients[1] / 7, rtol=1e-8)
    np.testing.assert_allclose(weeks.coefficients[0], fit.coefficients[0] / 7 + 1000, rtol=1e-9)
    np.testing.assert_allclose(weeks.coefficients[2], fit.coefficients[2] / 7000, rtol=1e-8)
    assert weeks.scale == pytest.approx(fit.scale / 7)
    assert weeks.covariance_matrix[1, 1] == pytest.approx(fit.covariance_matrix[1, 1] / 49)
    swapped = x.copy()
    swapped[:, 1] = 1 - x[:, 1]
    other = fit_censored_normal(y, censored, swapped)
    assert other.coefficients[1] == pytest.approx(-fit.coefficients[1])
    assert other.contrast(1, 0.05)[0] == pytest.approx(fit.contrast(1, 0.05)[0])
    assert other.log_likelihood == pytest.approx(fit.log_likelihood)


def test_a_known_truth_is_recovered_and_covered() -> None:
    """100 simulated trials of 300, a third censored: no bias that shows, and intervals that hold the truth."""
    rng, found, covered = np.random.default_rng(8), [], 0
    for _ in range(100):
        x = np.column_stack([np.ones(300), rng.random(300) < 0.66])
        latent, limit = 400 + x[:, 1] * 80 + rng.normal(0, 200, 300), rng.uniform(250, 900, 300)
        fit = fit_censored_normal(np.minimum(latent, limit), latent > limit, x)
        _, low, high, _ = fit.contrast(1, 0.05)
        found.append(fit.coefficients[1])
        covered += low <= 80 <= high
    assert np.mean(found) == pytest.approx(80, abs=4 * np.std(found) / 10)
    assert stats.binomtest(covered, 100, 0.95).pvalue > 0.001


def test_interval_and_p_belong_together() -> None:
    fit = fit_censored_normal(*made("own"))
    error, low, high, p = fit.contrast(1, 0.05)
    assert (high - low) / 2 == pytest.approx(1.959963985 * error)
    assert fit.contrast(1, p)[2 if fit.coefficients[1] < 0 else 1] == pytest.approx(0, abs=1e-6)
    with pytest.raises(CreweError, match="alpha is 2"):
        fit.contrast(1, 2)


def test_few_known_outcomes_still_have_an_answer_if_a_limit_lies_above_their_fit() -> None:
    """All known outcomes are alike, but one row exceeds them by far: the scale is not nought."""
    fit = fit_censored_normal([5.0, 5.0, 5.0, 9.0], [0, 0, 0, 1], np.ones((4, 1)))
    assert fit.scale > 1
    assert fit.coefficients[0] > 5


def test_heavy_censoring_and_far_limits_converge() -> None:
    rng = np.random.default_rng(2)
    latent = rng.normal(0, 1, 400)
    fit = fit_censored_normal(np.minimum(latent, -2.0), latent > -2.0, np.ones((400, 1)))
    assert fit.censored > 380
    assert np.isfinite(fit.covariance_matrix).all()
    y, censored, x = made("own")
    far = np.r_[y, 1e6], np.r_[censored, 1], np.vstack([x, x[0]])
    assert np.isfinite(fit_censored_normal(*far).coefficients).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=[1.0, 2.0, np.nan, 4.0, 7.0]), "missing values"),
        (dict(censored=[0, 2, 0, 0, 1]), "censored must be 1"),
        (dict(censored=[1, 1, 1, 1, 1]), "every row is censored"),
        (dict(censored=[0, 1]), "lists of one length"),
        (dict(y=[], censored=[], x=np.empty((0, 1))), "every row is censored; no outcome is known"),
        (dict(y=[1.0], censored=[0], x=[[1.0]]), "1 rows cannot estimate 1 coefficients and a scale"),
        (dict(x=np.ones((5, 2))), "collinear"),
        (dict(x=np.column_stack([np.ones(5), np.zeros(5)])), "collinear"),
        (dict(censored=[0, 0, 0, 1, 1], x=np.column_stack([np.ones(5), [0, 0, 0, 1, 1]])), "no known outcome"),
        (dict(y=[3.0] * 5), "without remainder"),
        (dict(y=[3.0, 3.0, 3.0, 3.0, 1.0]), "without remainder"),
    ],
)
def test_bad_input_is_named(change: dict, message: str) -> None:
    call = dict(y=[1.0, 2.0, 3.5, 4.0, 7.0], censored=[0, 0, 0, 0, 1], x=np.ones((5, 1))) | change
    with pytest.raises(CreweError, match=message):
        fit_censored_normal(call["y"], call["censored"], call["x"])
