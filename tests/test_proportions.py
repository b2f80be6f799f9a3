"""Two proportions: SciPy, statsmodels, R and brute force beside `fit_two_proportions`."""

from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from crewe_lib.errors import CreweError
from crewe_lib.models.proportions import fit_newcombe, fit_two_proportions, fit_wilson

REFERENCE = Path(__file__).parent / "reference"
CASES = [(11, 84, 13, 44), (60, 84, 36, 44), (5, 83, 3, 45), (8, 9, 6, 19), (34, 83, 19, 43), (1, 4, 3, 5)]
EMPTY = (4, 84, 0, 44)


def binary(k1: int, n1: int, k2: int, n2: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [k1, n1 - k1, k2, n2 - k2])
    return y, np.repeat([1.0, 0.0], [n1, n2])


def enumerate_exact(k1: int, n1: int, k2: int, n2: int) -> tuple[float, float, float]:
    """Fisher's p, its mid-p and its doubled one-sided form, from every table with these margins, in integers."""
    k = k1 + k2
    ways = {i: comb(n1, i) * comb(n2, k - i) for i in range(max(0, k - n2), min(n1, k) + 1)}
    everything, own = sum(ways.values()), ways[k1]
    small = sum(w for w in ways.values() if w <= own)
    low, high = (sum(w for i, w in ways.items() if side(i)) for side in (lambda i: i <= k1, lambda i: i >= k1))
    return small / everything, (small - own / 2) / everything, min(1.0, 2 * min(low, high) / everything)


@pytest.mark.parametrize("case", [*CASES, EMPTY, (0, 3, 2, 2)])
def test_exact_tests_by_enumeration(case: tuple[int, int, int, int]) -> None:
    found = fit_two_proportions(*case).p_values
    names = ("Fisher's exact", "Fisher, mid-p", "Fisher, one side doubled")
    np.testing.assert_allclose([found[name] for name in names], enumerate_exact(*case), rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_statsmodels_agrees(case: tuple[int, int, int, int]) -> None:
    y, treated = binary(*case)
    design, found = sm.add_constant(treated), fit_two_proportions(*case).p_values
    for covariance in ("HC0", "HC1", "HC3"):
        expected = sm.OLS(y, design).fit(cov_type=covariance, use_t=True).pvalues[1]
        assert found[f"linear model, {covariance}"] == pytest.approx(expected, rel=1e-8)
    # The logit is fitted by iteration; its tolerance, not ours, limits the agreement.
    expected = sm.Logit(y, design).fit(disp=False, tol=1e-12).pvalues[1]
    assert found["logit, Wald"] == pytest.approx(expected, rel=1e-6)
    welch = stats.ttest_ind(y[treated == 1], y[treated == 0], equal_var=False).pvalue
    assert found["Welch's t"] == pytest.approx(welch, rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_intervals_agree_with_statsmodels(case: tuple[int, int, int, int]) -> None:
    k1, n1, k2, n2 = case
    assert fit_wilson(k1, n1) == pytest.approx(proportion_confint(k1, n1, method="wilson"), abs=1e-12)
    expected = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff")
    assert fit_newcombe(*case) == pytest.approx(expected, abs=1e-9)


def test_newcombe_printed_example() -> None:
    # Newcombe (1998), method 10: 56/70 against 48/80 gives 0.0524 to 0.3339.
    assert fit_newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_r_agrees() -> None:
    # R's p-values are exact or asymptotic in closed form but for the logit, which is iterated to 1e-14.
    reference = pd.read_csv(REFERENCE / "proportions.csv", comment="#")
    assert len(reference) > 40
    for row in reference.itertuples():
        case = (row.k1, row.n1, row.k2, row.n2)
        if row.quantity.startswith("Wilson"):
            _, side, arm = row.quantity.split()
            pair = fit_wilson(*case[:2]) if arm == "1" else fit_wilson(*case[2:])
            assert pair[side == "high"] == pytest.approx(row.value, abs=1e-9)
        else:
            assert fit_two_proportions(*case).p_values[row.quantity] == pytest.approx(row.value, rel=1e-7)


def test_exchanging_the_arms_changes_only_the_sign() -> None:
    one, other = fit_two_proportions(11, 84, 13, 44), fit_two_proportions(13, 44, 11, 84)
    assert one.difference == pytest.approx(-other.difference)
    assert (one.conf_low, one.conf_high) == pytest.approx((-other.conf_high, -other.conf_low))
    for name, p in one.p_values.items():
        assert other.p_values[name] == pytest.approx(p)


def test_an_empty_cell_leaves_out_tests_that_need_a_variance_in_each_arm() -> None:
    found = fit_two_proportions(*EMPTY).p_values
    assert not {name for name in found if name.startswith(("logit", "linear model", "Welch"))} and len(found) == 5
    assert len(fit_two_proportions(11, 84, 13, 44).p_values) == 10
    assert all(0 <= p <= 1 for p in found.values())


@pytest.mark.parametrize("case", [(0, 5, 0, 6), (5, 5, 6, 6)])
def test_nothing_to_compare(case: tuple[int, int, int, int]) -> None:
    with pytest.raises(CreweError, match="no test is possible"):
        fit_two_proportions(*case)


@pytest.mark.parametrize("case", [(6, 5, 1, 6), (-1, 5, 1, 6), (1, 0, 1, 6), (1, 5, 1.5, 6)])
def test_impossible_counts(case: tuple[int, int, int, int]) -> None:
    with pytest.raises(CreweError, match="no proportion"):
        fit_two_proportions(*case)
