"""Logistic regression and standardised risks: hand arithmetic, R's glm and sandwich, separation named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.logistic import SeparationError, fit_logistic, standardise

REFERENCE = Path(__file__).parent / "reference"


def made_trial() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    d = pd.read_csv(REFERENCE / "logistic_input.csv")
    x = np.column_stack([np.ones(len(d)), d[["treated", "female", "age", "history"]]])
    return d["closed"].to_numpy(), x, d["family"].to_numpy()


def two_arms(k1: int, n1: int, k2: int, n2: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [k1, n1 - k1, k2, n2 - k2])
    return y, np.column_stack([np.ones(n1 + n2), np.repeat([1.0, 0.0], [n1, n2])])


@pytest.mark.parametrize("case", ["model", "HC0", "CR0", "CR1", "HC1"])
def test_r_agrees(case: str) -> None:
    """sandwich's vcovCL and vcovHC; its HC1 is CR1 with each row its own cluster."""
    # R's coefficients are iterated to 1e-14, and its slopes are differences: 1e-7 is within the latter's error.
    reference = pd.read_csv(REFERENCE / "logistic.csv", comment="#").query("covariance == @case")
    expected = dict(zip(reference["quantity"], reference["value"], strict=True))
    y, x, clusters = made_trial()
    if case == "HC1":
        clusters = np.arange(len(y))
    fit = fit_logistic(y, x, covariance="CR1" if case == "HC1" else case, clusters=clusters)
    risks = standardise(fit, x, column=1, alpha=0.05)
    found = {f"coefficient {j}": value for j, value in enumerate(fit.coefficients)}
    found |= {f"std_error {j}": value for j, value in enumerate(np.sqrt(np.diag(fit.covariance_matrix)))}
    found |= {f"{name} {field}": value for name, one in risks.items() for field, value in vars(one).items()}
    assert found.keys() == expected.keys()
    for quantity, value in expected.items():
        assert found[quantity] == pytest.approx(value, rel=1e-7), quantity


@pytest.mark.parametrize(("covariance", "theirs"), [("model", "nonrobust"), ("HC0", "HC0")])
def test_statsmodels_agrees(covariance: str, theirs: str) -> None:
    y, x, _ = made_trial()
    fit = fit_logistic(y, x, covariance=covariance)
    expected = sm.Logit(y, x).fit(disp=False, tol=1e-12, cov_type=theirs)
    np.testing.assert_allclose(fit.coefficients, expected.params, rtol=1e-8)
    np.testing.assert_allclose(fit.covariance_matrix, expected.cov_params(), rtol=1e-7)
    np.testing.assert_allclose(fit.fitted, expected.predict(), rtol=1e-9)


def test_two_arms_without_covariates_by_hand() -> None:
    """59 of 82 against 28 of 44: the risks are the shares, and the errors those of textbooks."""
    y, x = two_arms(59, 82, 28, 44)
    found = standardise(fit_logistic(y, x, covariance="HC0"), x, column=1, alpha=0.05)
    p1, p0 = 59 / 82, 28 / 44
    assert found["difference"].estimate == pytest.approx(p1 - p0)
    assert found["difference"].std_error == pytest.approx(np.sqrt(p1 * (1 - p1) / 82 + p0 * (1 - p0) / 44))
    assert found["ratio"].estimate == pytest.approx(p1 / p0)
    assert found["ratio"].std_error == pytest.approx(np.sqrt(1 / 59 - 1 / 82 + 1 / 28 - 1 / 44))
    assert found["odds_ratio"].estimate == pytest.approx((59 / 23) / (28 / 16))
    error = np.sqrt(1 / 59 + 1 / 23 + 1 / 28 + 1 / 16)
    assert found["odds_ratio"].std_error == pytest.approx(error)
    assert found["odds_ratio"].conf_low == pytest.approx((59 / 23) / (28 / 16) * np.exp(-1.959963985 * error))
    assert found["odds_ratio"].p_value == pytest.approx(2 * stats.norm.sf(np.log((59 / 23) / (28 / 16)) / error))


def test_order_and_scale_and_arms_do_not_matter() -> None:
    y, x, clusters = made_trial()
    order = np.random.default_rng(3).permutation(len(y))
    one = standardise(fit_logistic(y, x, covariance="CR0", clusters=clusters), x, column=1, alpha=0.1)
    other = x[order] * np.array([1, 1, 1, 1000, 1])
    again = standardise(
        fit_logistic(y[order], other, covariance="CR0", clusters=clusters[order]), other, column=1, alpha=0.1
    )
    exchanged = x.copy()
    exchanged[:, 1] = 1 - x[:, 1]
    swapped = standardise(
        fit_logistic(y, exchanged, covariance="CR0", clusters=clusters), exchanged, column=1, alpha=0.1
    )
    for name, found in one.items():
        assert vars(again[name]) == pytest.approx(vars(found), rel=1e-8)
        assert swapped[name].std_error == pytest.approx(found.std_error)
        assert swapped[name].p_value == pytest.approx(found.p_value)
    assert swapped["difference"].conf_low == pytest.approx(-one["difference"].conf_high)
    assert swapped["ratio"].conf_low == pytest.approx(1 / one["ratio"].conf_high)


def test_each_row_its_own_cluster_is_the_robust_covariance() -> None:
    y, x, _ = made_trial()
    rows = np.arange(len(y))
    plain = fit_logistic(y, x, covariance="HC0").covariance_matrix
    np.testing.assert_allclose(fit_logistic(y, x, covariance="CR0", clusters=rows).covariance_matrix, plain, rtol=1e-10)


def test_cr1_is_as_long_as_least_squares_without_covariates() -> None:
    """By hand: two shares have the same difference, HC1 error and n − k degrees of freedom in both models."""
    y, x = two_arms(59, 82, 28, 44)
    rows = np.arange(len(y))
    fit = fit_logistic(y, x, covariance="CR1", clusters=rows)
    found = standardise(fit, x, column=1, alpha=0.05)["difference"]
    theirs = fit_linear(y, x, covariance="HC1")
    assert fit.df == theirs.df[1] == 124
    assert found.std_error == pytest.approx(theirs.std_errors[1])
    assert (found.conf_low, found.conf_high, found.p_value) == pytest.approx(theirs.interval(1, 0.05))


def test_a_known_difference_is_recovered_and_covered() -> None:
    """200 simulated trials of 126: the mean is the truth, and 95% intervals cover it (binomial error 1.5 points)."""
    rng = np.random.default_rng(11)
    found, covered, truths = [], 0, []
    for _ in range(200):
        x = np.column_stack([np.ones(126), np.repeat([1.0, 0.0], [82, 44]), rng.normal(size=126)])
        base = x @ np.array([0.5, 0.0, 0.8])
        truth = float(np.mean(special.expit(base + 0.6) - special.expit(base)))
        y = rng.random(126) < special.expit(base + 0.6 * x[:, 1])
        one = standardise(fit_logistic(y, x, covariance="HC0"), x, column=1, alpha=0.05)["difference"]
        found.append(one.estimate)
        truths.append(truth)
        covered += one.conf_low <= truth <= one.conf_high
    assert np.mean(found) == pytest.approx(np.mean(truths), abs=4 * np.std(found) / np.sqrt(200))
    assert stats.binomtest(covered, 200, 0.95).pvalue > 0.001


def test_separation_is_named_with_its_columns() -> None:
    y, x, _ = made_trial()
    rare = np.zeros(len(y))
    rare[np.flatnonzero(y == 1)[:2]] = 1  # as disability in a trial where both such children had a closed case
    wide = np.column_stack([x, rare])
    names = ["constant", "treated", "female", "age", "history", "disability"]
    with pytest.raises(SeparationError, match=r"quasi-separation, as disability tells .* in some rows") as quasi:
        fit_logistic(y, wide, covariance="model", names=names)
    assert quasi.value.columns == (5,)
    with pytest.raises(SeparationError, match=r"regression: separation, as column 0 and column 1 tell .* in all rows"):
        fit_logistic([0, 0, 1, 1], [[1, 1.0], [1, 2.0], [1, 3.0], [1, 4.0]], covariance="model")
    # Nobody in the control arm: the constant and the treatment tell the control arm apart.
    with pytest.raises(SeparationError) as arm:
        fit_logistic(*two_arms(4, 84, 0, 44), covariance="model")
    assert arm.value.columns == (0, 1)


def test_overlap_is_not_taken_for_separation() -> None:
    """One row on the other side is enough for a finite answer, however steep."""
    y, x = two_arms(83, 84, 1, 44)
    assert fit_logistic(y, x, covariance="model").coefficients[1] == pytest.approx(np.log(83) + np.log(43))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(y=[0, 1, np.nan, 1, 0]), "missing values"),
        (dict(y=[0, 1, 2, 1, 0]), "must be 0 or 1"),
        (dict(y=[1, 1, 1, 1, 1]), "same in every row"),
        (dict(x=np.ones((5, 2))), "collinear"),
        (dict(x=np.column_stack([np.ones(5), np.zeros(5)])), "collinear"),
        (dict(x=np.eye(5)), "5 rows cannot estimate 5"),
        (dict(covariance="HC3"), "must be one of model, HC0, CR0, CR1"),
        (dict(covariance="CR0"), "needs the clusters"),
        (dict(covariance="CR0", clusters=[1, 1, 1, 2, 2]), "2 clusters are too few"),
        (dict(covariance="CR1", x=np.vander(range(5), 3), clusters=[1, 1, 1, 2, 3]), "3 clusters leave 3 coefficients"),
        (dict(covariance="CR0", clusters=[1, 2, 3]), "must be 5 labels without a gap"),
        (dict(covariance="CR0", clusters=[1, 2, 3, None, 4]), "must be 5 labels without a gap"),
    ],
)
def test_bad_input_is_named(change: dict, message: str) -> None:
    call = dict(y=[0, 1, 0, 1, 0], x=[[1, 1.0], [1, 2.0], [1, 3.0], [1, 4.0], [1, 5.0]], covariance="model") | change
    with pytest.raises(CreweError, match=message):
        fit_logistic(call.pop("y"), call.pop("x"), **call)


def test_standardise_needs_the_treatment_and_a_level() -> None:
    y, x, _ = made_trial()
    fit = fit_logistic(y, x, covariance="model")
    with pytest.raises(CreweError, match="column 3 must hold 0 and 1"):
        standardise(fit, x, column=3, alpha=0.05)
    with pytest.raises(CreweError, match="alpha is 1"):
        standardise(fit, x, column=1, alpha=1)
