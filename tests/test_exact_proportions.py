"""Exact inference on counts: brute force, R's binom.test and SciPy beside ours, and coverage by enumeration."""

from fractions import Fraction
from functools import cache
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from crewe_lib.errors import CreweError
from crewe_lib.models.exact_proportions import (
    fit_clopper_pearson,
    fit_events,
    fit_unconditional,
    score_p_value,
    score_statistics,
)
from crewe_lib.models.proportions import fit_two_proportions

REFERENCE = Path(__file__).parent / "reference"
BRUTE = pd.read_csv(REFERENCE / "exact_proportions.csv", comment="#")
CASES = list(dict.fromkeys(BRUTE[["k1", "n1", "k2", "n2"]].itertuples(index=False, name=None)))


@cache
def fitted(case: tuple[int, int, int, int]):
    return fit_unconditional(*case, alpha=0.05)


def brute(case: tuple[int, int, int, int]) -> dict[str, float]:
    own = BRUTE[(BRUTE[["k1", "n1", "k2", "n2"]] == list(case)).all(axis=1)]
    return dict(zip(own["quantity"], own["value"], strict=True))


@pytest.mark.parametrize("case", CASES)
def test_brute_force_agrees(case: tuple[int, int, int, int]) -> None:
    # p-values: both maximise the same polynomial, to 1e-9. Limits: both bisect, ours to 1e-6; the reference's grid of
    # the nuisance parameter may miss 1e-6 of a p-value, which moves a limit by as little.
    expected, found = brute(case), fitted(case)
    assert found.barnard == pytest.approx(expected["Barnard"], rel=1e-9)
    assert found.boschloo == pytest.approx(min(1.0, expected["Boschloo"]), rel=1e-9)
    assert found.conf_low == pytest.approx(expected["interval low"], abs=5e-6)
    assert found.conf_high == pytest.approx(expected["interval high"], abs=5e-6)


def test_scipy_agrees_but_for_ties_and_its_search() -> None:
    """SciPy's Barnard is ours, but: with its default of 32 points it misses the peak for the escalations, and for 3 of
    7 against 5 of 6 it loses the mirrored table, which is as extreme, to a rounding error. Its two-sided Boschloo
    doubles a one-sided p-value, while ours orders by the two-sided one (as Boschloo 1970, and R's Exact)."""
    tied, peak = (3, 7, 5, 6), (4, 84, 0, 44)
    for case in CASES:
        expected = brute(case)
        if case != tied:
            assert expected["SciPy Barnard, 512 points"] == pytest.approx(expected["Barnard"], rel=1e-7)
    assert brute(tied)["Barnard"] - brute(tied)["SciPy Barnard, 512 points"] > 0.005
    assert brute(peak)["Barnard"] - brute(peak)["SciPy Barnard, default"] > 0.002


@pytest.mark.parametrize("case", CASES)
def test_boschloo_is_never_above_fisher(case: tuple[int, int, int, int]) -> None:
    fisher = fit_two_proportions(*case).p_values["Fisher's exact"]
    assert fitted(case).boschloo <= fisher * (1 + 1e-9)


def test_two_and_two_by_hand() -> None:
    """2 of 2 against 0 of 2: p^2 (1 - p)^2 in both directions, largest at one half: 2 / 16."""
    found = fit_unconditional(2, 2, 0, 2, alpha=0.05)
    assert found.barnard == pytest.approx(1 / 8)
    assert found.boschloo == pytest.approx(1 / 8)
    assert found.difference == 1
    assert found.conf_high == 1


def test_exchanges_change_only_signs() -> None:
    one = fit_unconditional(8, 9, 6, 19, alpha=0.05)
    arms, events = fit_unconditional(6, 19, 8, 9, alpha=0.05), fit_unconditional(1, 9, 13, 19, alpha=0.05)
    for other in (arms, events):
        assert (other.barnard, other.boschloo) == pytest.approx((one.barnard, one.boschloo), rel=1e-9)
        assert (other.conf_low, other.conf_high) == pytest.approx((-one.conf_high, -one.conf_low), abs=3e-6)


def test_interval_and_test_agree() -> None:
    """The interval holds a difference if the test of it keeps it, also zero (Barnard)."""
    for case in CASES:
        found = fitted(case)
        assert (found.conf_low <= 0 <= found.conf_high) == (found.barnard > 0.05)
        if found.conf_high < 1:
            assert score_p_value(*case, difference=found.conf_high) > 0.05
            assert score_p_value(*case, difference=found.conf_high + 2e-6) <= 0.05


def test_the_interval_covers_whatever_the_shares() -> None:
    """All 30 tables of 5 and 4, at all shares on a grid: never less than 90% for intervals of that level."""
    n1, n2 = 5, 4
    limits = {
        (i, j): (found.conf_low, found.conf_high)
        for i in range(n1 + 1)
        for j in range(n2 + 1)
        for found in [fit_unconditional(i, n1, j, n2, alpha=0.1)]
    }
    for p1 in np.linspace(0.01, 0.99, 21):
        for p2 in np.linspace(0.01, 0.99, 21):
            covered = sum(
                stats.binom.pmf(i, n1, p1) * stats.binom.pmf(j, n2, p2)
                for (i, j), (low, high) in limits.items()
                if low - 1e-5 <= p1 - p2 <= high + 1e-5
            )
            assert covered >= 0.9 - 1e-9


@pytest.mark.parametrize("difference", [-0.9, -0.2, 0.05, 0.6])
def test_restricted_shares_solve_the_likelihood(difference: float) -> None:
    """The closed form against the standard error at shares found by maximising each table's likelihood."""
    n1, n2 = 5, 4
    p = np.linspace(max(0, -difference), min(1, 1 - difference), 20_001)[1:-1]
    found = score_statistics(n1, n2, difference)
    for i in range(n1 + 1):
        for j in range(n2 + 1):
            logs = stats.binom.logpmf(i, n1, p + difference) + stats.binom.logpmf(j, n2, p)
            best = p[np.argmax(logs)]
            first = best + difference
            error = np.sqrt(first * (1 - first) / n1 + best * (1 - best) / n2)
            assert found[i, j] == pytest.approx((i / n1 - j / n2 - difference) / error, rel=2e-3, abs=1e-3)


def test_one_proportion_and_events_agree_with_r() -> None:
    reference = pd.read_csv(REFERENCE / "proportions_exact.csv", comment="#")
    assert len(reference) == 35
    for row in reference.itertuples():
        if row.quantity == "p_value":
            found = fit_events(row.k, row.n - row.k, share=row.share, alpha=0.05).p_value
            assert found == pytest.approx(row.value, rel=1e-9)
        else:
            limits = fit_clopper_pearson(row.k, row.n, alpha=row.share)
            assert limits[row.quantity == "high"] == pytest.approx(row.value, abs=1e-12)
    assert fit_clopper_pearson(3, 44, alpha=0.05) == pytest.approx(proportion_confint(3, 44, method="beta"))


def test_events_by_hand() -> None:
    """5 and 3 at 2:1: 5 and 6 of 8 are equally likely and most likely of all, so p is 1; the ratio is (5/3) / 2."""
    chances = {k: comb(8, k) * Fraction(2, 3) ** k * Fraction(1, 3) ** (8 - k) for k in range(9)}
    assert chances[5] == chances[6] == max(chances.values())
    found = fit_events(5, 3, share=2 / 3, alpha=0.05)
    assert found.p_value == pytest.approx(1)
    assert found.ratio == pytest.approx(5 / 3 / 2)
    low, high = fit_clopper_pearson(5, 8, alpha=0.05)
    assert (found.conf_low, found.conf_high) == pytest.approx((low / (1 - low) / 2, high / (1 - high) / 2))
    other = fit_events(3, 5, share=1 / 3, alpha=0.05)
    assert other.ratio == pytest.approx(1 / found.ratio)
    assert (other.conf_low, other.conf_high) == pytest.approx((1 / found.conf_high, 1 / found.conf_low))


def test_events_in_one_arm_only() -> None:
    found = fit_events(4, 0, share=2 / 3, alpha=0.05)
    assert found.ratio == found.conf_high == float("inf")
    assert 0 < found.conf_low < 1
    assert fit_events(0, 4, share=2 / 3, alpha=0.05).ratio == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_events(0, 0, share=0.5, alpha=0.05), "no proportion"),
        (lambda: fit_events(5, 3, share=1.0, alpha=0.05), "share of the first arm is 1.0"),
        (lambda: fit_clopper_pearson(5, 3, alpha=0.05), "no proportion"),
        (lambda: fit_clopper_pearson(1, 3, alpha=0.0), "alpha is 0.0"),
        (lambda: fit_unconditional(5, 3, 1, 2, alpha=0.05), "no proportion"),
        (lambda: fit_unconditional(1, 3, 1, 0, alpha=0.05), "no proportion"),
        (lambda: fit_unconditional(1, 3, 1, 2, alpha=2), "alpha is 2"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(CreweError, match=message):
        call()


@pytest.mark.parametrize("case", [(0, 5, 0, 6), (5, 5, 6, 6)])
def test_nothing_to_tell_apart_has_an_answer(case: tuple[int, int, int, int]) -> None:
    """Nobody or everybody: no evidence of a difference, and an interval around zero."""
    found = fit_unconditional(*case, alpha=0.05)
    assert found.barnard == found.boschloo == pytest.approx(1)
    assert found.conf_low < 0 < found.conf_high
