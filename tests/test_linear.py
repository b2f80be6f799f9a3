"""Least squares: hand arithmetic, statsmodels for the classical covariance, clubSandwich (R) for CR2."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import fit_linear

REFERENCE = Path(__file__).parent / "reference"


def designs() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    d = pd.read_csv(REFERENCE / "cr2_input.csv")
    one = np.ones(len(d))
    t, p, c = d["treated"], d["post"], d["covariate"]
    y = d["y"].to_numpy()
    return {
        "did": (y, np.column_stack([one, t, p, t * p]), d["year"].to_numpy()),
        "did_covariate": (y, np.column_stack([one, t, p, c, t * p]), d["year"].to_numpy()),
        "unequal_clusters": (y, np.column_stack([one, c]), d["group"].to_numpy()),
    }


@pytest.mark.parametrize("case", ["did", "did_covariate", "unequal_clusters"])
def test_cr2_agrees_with_clubsandwich(case: str) -> None:
    # Agreement to eight figures: both are exact linear algebra; the printed reference has fifteen.
    reference = pd.read_csv(REFERENCE / "cr2.csv", comment="#").query("case == @case")
    y, x, clusters = designs()[case]
    fit = fit_linear(y, x, covariance="CR2", clusters=clusters)
    np.testing.assert_allclose(fit.coefficients, reference["estimate"], rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, reference["std_error"], rtol=1e-8)
    np.testing.assert_allclose(fit.df, reference["df"], rtol=1e-8)
    p_values = [fit.interval(j, 0.05)[2] for j in range(x.shape[1])]
    np.testing.assert_allclose(p_values, reference["p_value"], rtol=1e-7)


@pytest.mark.parametrize("case", ["did", "did_covariate", "unequal_clusters"])
def test_classical_agrees_with_statsmodels(case: str) -> None:
    y, x, _ = designs()[case]
    ours, theirs = fit_linear(y, x, covariance="classical"), sm.OLS(y, x).fit()
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=1e-9)
    low, high, p_value = ours.interval(1, 0.1)
    np.testing.assert_allclose([low, high], theirs.conf_int(0.1)[1], rtol=1e-9)
    assert p_value == pytest.approx(theirs.pvalues[1], rel=1e-9)


def test_cr2_of_two_means_is_welch() -> None:
    """With each observation its own cluster, CR2 is HC2, whose two-sample form is Welch's standard error."""
    a, b = np.array([1.0, 4.0, 6.0, 9.0]), np.array([2.0, 3.0, 5.0])
    y, group = np.r_[a, b], np.r_[np.zeros(4), np.ones(3)]
    fit = fit_linear(y, np.column_stack([np.ones(7), group]), covariance="CR2", clusters=np.arange(7))
    assert fit.coefficients[1] == pytest.approx(b.mean() - a.mean())
    assert fit.std_errors[1] == pytest.approx(np.sqrt(a.var(ddof=1) / 4 + b.var(ddof=1) / 3))


def test_row_order_does_not_matter() -> None:
    y, x, clusters = designs()["did_covariate"]
    order = np.random.default_rng(1).permutation(len(y))
    one = fit_linear(y, x, covariance="CR2", clusters=clusters)
    other = fit_linear(y[order], x[order], covariance="CR2", clusters=clusters[order])
    np.testing.assert_allclose(one.std_errors, other.std_errors, rtol=1e-10)
    np.testing.assert_allclose(one.df, other.df, rtol=1e-8)


def test_badly_scaled_columns_do_not_matter() -> None:
    """A covariate around 1,000 that varies by 0.001: the normal equations would lose it, QR does not."""
    rng = np.random.default_rng(4)
    small = rng.normal(size=30)
    y = 2 * small + rng.normal(size=30)
    plain = fit_linear(y, np.column_stack([np.ones(30), small]), covariance="classical")
    hard = fit_linear(y, np.column_stack([np.ones(30), 1000 + small / 1000]), covariance="classical")
    assert hard.coefficients[1] == pytest.approx(1000 * plain.coefficients[1], rel=1e-5)
    assert hard.std_errors[1] == pytest.approx(1000 * plain.std_errors[1], rel=1e-5)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5])
def test_alpha_must_be_a_rate(alpha) -> None:
    fit = fit_linear([1.0, 2.0, 2.5, 4.0], [[1, 0], [1, 1], [1, 2], [1, 3]], covariance="classical")
    with pytest.raises(CreweError, match="alpha is"):
        fit.interval(1, alpha)


def test_interval_holds_the_level_under_equal_variances() -> None:
    """2,000 simulated samples: the classical interval covers at its level (binomial error 1.0 points)."""
    rng = np.random.default_rng(7)
    x = np.column_stack([np.ones(18), np.arange(18) % 2])
    covered = 0
    for _ in range(2000):
        low, high, _ = fit_linear(3 * x[:, 1] + rng.normal(size=18), x, covariance="classical").interval(1, 0.05)
        covered += low <= 3 <= high
    assert stats.binomtest(covered, 2000, 0.95).pvalue > 0.001


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=[1.0, np.nan, 3.0, 4.0]), "missing values"),
        (dict(x=np.ones((4, 2))), "collinear"),
        (dict(x=np.eye(4)), "4 observations cannot estimate 4"),
        (dict(covariance="HC7"), "must be 'classical' or 'CR2'"),
        (dict(covariance="CR2"), "needs the clusters"),
        (dict(covariance="CR2", clusters=[1, 1, 2, 2]), "2 clusters are too few"),
        (dict(covariance="CR2", clusters=[1, 2, 3]), "must be 4 labels without a gap"),
        (dict(covariance="CR2", clusters=[1, 2, 3, None]), "must be 4 labels without a gap"),
        (dict(x=[[1, 0], [1, 0], [1, 0], [1, 0]]), "one of them holds only zeros"),
        (dict(y=[3.0, 3.0, 3.0, 3.0]), "the fit is perfect"),
        (dict(y=[0.0, 0.0, 0.0, 0.0]), "the fit is perfect"),
    ],
)
def test_bad_input_is_named(change: dict, message: str) -> None:
    call = dict(y=[1.0, 2.0, 2.5, 4.0], x=[[1, 0], [1, 1], [1, 2], [1, 3]], covariance="classical") | change
    with pytest.raises(CreweError, match=message):
        fit_linear(call.pop("y"), call.pop("x"), **call)
