"""Least squares: hand arithmetic, statsmodels, and sandwich, clubSandwich and estimatr (R) for the robust errors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import Covariance, LinearFit, fit_linear, lin_design

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


def trial() -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.DataFrame]:
    """Outcome, matrix, families: siblings in families as in the trial (made up; see linear_trial.R)."""
    d = pd.read_csv(REFERENCE / "linear_trial_input.csv")
    columns = ["treated", "female", "age_2", "age_3", "age_4", "disability", "history"]
    x = np.column_stack([np.ones(len(d)), d[columns]])
    return d["closed"].to_numpy(float), x, d["family"].to_numpy(), d


def reference(case: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "linear_trial.csv", comment="#").query("case == @case")


def agrees(fit: LinearFit, case: str, kept: slice = slice(None)) -> None:
    # Twelve digits are printed at the least, and both sides are exact linear algebra.
    expected = reference(case)
    np.testing.assert_allclose(fit.coefficients[kept], expected["estimate"][kept], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fit.std_errors[kept], expected["std_error"][kept], rtol=1e-9)
    np.testing.assert_allclose(fit.df[kept], expected["df"][kept], rtol=1e-8)
    assert len(expected) == len(fit.coefficients)


ROBUST: tuple[Covariance, ...] = ("HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2")


@pytest.mark.parametrize("covariance", ROBUST)
def test_robust_errors_agree_with_sandwich_and_clubsandwich(covariance: Covariance) -> None:
    """clubSandwich calls Stata's factor, which is ours, CR1S."""
    y, x, family, _ = trial()
    agrees(fit_linear(y, x, covariance=covariance, clusters=family), covariance)


@pytest.mark.parametrize("covariance", ["HC0", "HC1", "HC2", "HC3", "CR0", "CR1"])
def test_robust_errors_agree_with_statsmodels(covariance: Covariance) -> None:
    y, x, family, _ = trial()
    clustered = {"groups": family, "use_correction": covariance == "CR1"} if covariance.startswith("CR") else {}
    kind = "cluster" if clustered else covariance
    theirs = sm.OLS(y, x).fit(cov_type=kind, cov_kwds=clustered or None, use_t=True)
    ours = fit_linear(y, x, covariance=covariance, clusters=family)
    np.testing.assert_allclose(ours.covariance_matrix, theirs.cov_params(), rtol=1e-9, atol=1e-15)
    low, high, p_value = ours.interval(1, 0.05)
    np.testing.assert_allclose([low, high], theirs.conf_int()[1], rtol=1e-9)
    assert p_value == pytest.approx(theirs.pvalues[1], rel=1e-9)


def test_cr2_of_single_rows_is_hc2_with_bell_and_mccaffrey_df() -> None:
    """Their degrees of freedom from the n × n matrix, as printed: Γ = A'MA for loadings A, tr(Γ)² / tr(Γ²)."""
    y, x, _, _ = trial()
    fit = fit_linear(y, x, covariance="CR2", clusters=np.arange(len(y)))
    agrees(fit, "CR2 one row a cluster")
    np.testing.assert_allclose(fit.covariance_matrix, fit_linear(y, x, covariance="HC2").covariance_matrix, rtol=1e-9)
    bread = np.linalg.inv(x.T @ x)
    maker = np.eye(len(y)) - x @ bread @ x.T
    loading = (x @ bread)[:, 1] / np.sqrt(np.diag(maker))
    gram = loading[:, None] * maker * loading
    assert fit.df[1] == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum(), rel=1e-9)


def test_a_lone_member_leaves_the_others_as_they_would_be_without_it() -> None:
    y, x, family, d = trial()
    lone = d["lone"].to_numpy(float)
    wide, rest = np.column_stack([x, lone]), lone == 0
    agrees(fit_linear(y, wide, covariance="CR2", clusters=family), "CR2 lone", slice(0, 8))
    for covariance in ("HC2", "HC3"):
        fit = fit_linear(y, wide, covariance=covariance)
        without = fit_linear(y[rest], x[rest], covariance=covariance)
        np.testing.assert_allclose(fit.std_errors[:8], without.std_errors, rtol=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("covariance", ROBUST)
def test_what_rests_on_one_row_or_cluster_has_no_error(covariance: Covariance) -> None:
    """A lone child's own coefficient, and a treatment that one family alone received."""
    y, x, family, d = trial()
    fit = fit_linear(y, np.column_stack([x, d["lone"]]), covariance=covariance, clusters=family)
    assert np.isnan(fit.std_errors[8])
    assert np.isfinite(fit.std_errors[:8]).all()
    with pytest.raises(CreweError, match="coefficient 8 rests on a single row or cluster"):
        fit.interval(8, 0.05)
    if covariance.startswith("CR"):
        one = np.column_stack([np.ones(len(y)), family == 3])
        with pytest.raises(CreweError, match="coefficient 1 rests on a single"):
            fit_linear(y, one, covariance=covariance, clusters=family).interval(1, 0.05)


def test_an_error_of_zero_is_named() -> None:
    """The control group does not vary, so the robust error of its mean is zero."""
    y, x = np.r_[np.ones(5), 1.0, 0, 1, 0], np.column_stack([np.ones(9), np.r_[np.zeros(5), np.ones(4)]])
    fit = fit_linear(y, x, covariance="HC1")
    assert fit.interval(1, 0.05)[2] > 0
    with pytest.raises(CreweError, match="does not vary"):
        fit.interval(0, 0.05)


@pytest.mark.parametrize(("case", "covariance"), [("Lin HC2", "HC2"), ("Lin CR2", "CR2")])
def test_lin_adjustment_agrees_with_estimatr(case: str, covariance: Covariance) -> None:
    y, x, family, _ = trial()
    design, out = lin_design(x[:, 1], x[:, [2, 3, 4, 5, 7]])
    assert out == ()
    agrees(fit_linear(y, design, covariance=covariance, clusters=family), case)


def test_lin_adjustment_leaves_out_covariates_without_a_slope_in_both_arms() -> None:
    """Disability occurs in one arm only, one child alone has `lone`, and the last follows from the first: what is left
    is estimatr's without the three, wherever they stand."""
    y, x, _, d = trial()
    covariates = np.column_stack([x[:, [2, 6]], d["lone"], 3 - 2 * x[:, 2]])
    for order, expected in (([0, 1, 2, 3], (1, 2, 3)), ([2, 1, 0, 3], (0, 1, 3)), ([3, 2, 1, 0], (1, 2, 3))):
        design, out = lin_design(x[:, 1], covariates[:, order])
        assert design.shape[1] == 4 and out == expected
        fit, theirs = fit_linear(y, design, covariance="HC2"), reference("Lin reduced")
        assert fit.coefficients[1] == pytest.approx(theirs["estimate"].iloc[1], rel=1e-9)
        assert fit.std_errors[1] == pytest.approx(theirs["std_error"].iloc[1], rel=1e-9)
        assert fit.df[1] == theirs["df"].iloc[1]


def test_lin_adjustment_needs_two_cases_in_each_arm_that_differ() -> None:
    """One case with the covariate in an arm would fix its slope there whatever the outcome; two have an error."""
    arm = np.repeat([0.0, 1.0], 6)
    one, two = (np.isin(np.arange(12), kept).astype(float)[:, None] for kept in ([0, 6, 7], [0, 1, 6, 7]))
    assert lin_design(arm, one)[1] == (0,) and lin_design(arm, 1 - one)[1] == (0,)
    design, out = lin_design(arm, two * 1e6)
    assert out == () and np.linalg.matrix_rank(design) == 4
    y = np.random.default_rng(1).normal(size=12)
    assert np.isfinite(fit_linear(y, design, covariance="HC2").interval(1, 0.05)).all()
    # No covariate left: the difference of means.
    assert lin_design(arm, one)[0].tolist() == np.column_stack([np.ones(12), arm]).tolist()


def test_lin_adjustment_of_a_saturated_model_is_the_weighted_mean_of_strata() -> None:
    """By hand: two strata with differences 3 and 1, of 4 and 6 rows: 3 · 0.4 + 1 · 0.6 = 1.8."""
    stratum, treated = np.repeat([0.0, 1.0], [4, 6]), np.array([0.0, 0, 1, 1, 0, 0, 0, 1, 1, 1])
    y = np.array([1.0, 3, 4, 6, 0, 1, 2, 1, 2, 3])
    fit = fit_linear(y, lin_design(treated, stratum[:, None])[0], covariance="HC2")
    assert fit.coefficients[1] == pytest.approx(1.8)


def test_cr2_needs_no_matrix_of_all_rows() -> None:
    """30,000 rows in 12,000 clusters: n × n or G × n × k numbers would not fit in memory."""
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(12_000), rng.integers(1, 5, 12_000))
    treated = (clusters % 3 == 0).astype(float)
    x = np.column_stack([np.ones(len(clusters)), treated, rng.normal(size=len(clusters))])
    y = rng.normal(size=12_000)[clusters] + rng.normal(size=len(clusters))
    fit = fit_linear(y, x, covariance="CR2", clusters=clusters)
    plain = fit_linear(y, x, covariance="CR1", clusters=clusters)
    # With so many clusters the corrections hardly matter.
    np.testing.assert_allclose(fit.std_errors, plain.std_errors, rtol=1e-3)
    assert 1_000 < fit.df[1] < 12_000


def test_swapped_arms_flip_the_sign_and_nothing_else() -> None:
    y, x, family, _ = trial()
    swapped = x.copy()
    swapped[:, 1] = 1 - x[:, 1]
    for covariance in ROBUST:
        one = fit_linear(y, x, covariance=covariance, clusters=family)
        other = fit_linear(y, swapped, covariance=covariance, clusters=family)
        assert other.coefficients[1] == pytest.approx(-one.coefficients[1], rel=1e-9)
        assert other.std_errors[1] == pytest.approx(one.std_errors[1], rel=1e-9)
        assert other.df[1] == pytest.approx(one.df[1], rel=1e-8)


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
        (dict(covariance="HC7"), "must be one of classical, HC0, .*, CR2"),
        (dict(covariance="CR2"), "CR2 needs the clusters"),
        (dict(covariance="CR0"), "CR0 needs the clusters"),
        (dict(covariance="CR1", clusters=[1, 1, 1, 1]), "1 clusters are too few"),
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
