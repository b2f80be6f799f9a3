"""Closing at the end of the trial, and the effect with a history: by hand, by brute force, and under changed prints."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from register_copy import PUBLISHED, reprint
from scipy import stats

from crewe_lib.errors import DataError
from crewe_lib.implied import Pair
from crewe_lib.leads.closure import COLUMNS, check_closure_at_trial_end
from crewe_lib.leads.history import COLUMNS as HISTORY_COLUMNS
from crewe_lib.leads.history import _count_tables, check_history_effect


@pytest.fixture
def register():
    return PUBLISHED.copy()


def test_both_shares_cannot_be_raw(register):
    lead = check_closure_at_trial_end(register)
    assert lead.verdict == "confirmed"
    assert list(lead.readings.columns) == list(COLUMNS)
    fits = lead.readings[lead.readings["both_raw"]]
    assert fits[["pc_closed", "arm_pc", "cec_closed", "arm_cec"]].to_numpy().tolist() == [
        [59, 82, 28, 44],
        [58, 81, 29, 45],
    ]
    assert set(fits["cec_printed"]) == {64}
    assert fits["p_value"].iloc[0] == pytest.approx(stats.fisher_exact([[59, 23], [28, 16]]).pvalue)


def test_numbers_by_hand(register):
    numbers = check_closure_at_trial_end(register).numbers
    assert numbers["closed"] == "87"
    assert numbers["priced"] == pytest.approx(64)
    assert numbers["rise_relative"] == pytest.approx(34.43, abs=0.005)
    assert (numbers["rise_points"], numbers["rise_points_first"]) == (21, 18)
    assert numbers["correction"] == pytest.approx(100 * (60 / 82 - 27 / 44) - 8.5)


def test_the_identity_behind_the_total():
    """In least squares the mean outcome is the control mean at the covariates' means plus treated share × effect."""
    rng = np.random.default_rng(1)
    treated = np.repeat([1.0, 0.0], [82, 44])
    age = rng.normal(size=126)
    closed = (rng.uniform(size=126) < 0.6 + 0.1 * treated + 0.05 * age).astype(float)
    fit = sm.OLS(closed, np.column_stack([np.ones(126), treated, age])).fit()
    control = fit.params[0] + fit.params[2] * age.mean()
    assert closed.mean() == pytest.approx(control + 82 / 126 * fit.params[1])


def test_equal_prints_refute(register):
    lead = check_closure_at_trial_end(reprint(register, r2__closure__r1_control="64"))
    assert lead.verdict == "refuted"


def test_the_finding_follows_the_register(register):
    first = check_closure_at_trial_end(register)
    other = check_closure_at_trial_end(reprint(register, r2__closure__r1_control="59"))
    assert "61%" in first.finding and "implied" in first.finding
    assert "61%" not in other.finding and "59%" in other.finding


def test_history_readings(register):
    lead = check_history_effect(register)
    assert lead.verdict == "confirmed"
    assert list(lead.readings.columns) == list(HISTORY_COLUMNS)
    assert lead.readings["possible"].tolist() == [False, True, True, False, True, True, True]
    assert lead.numbers["share_if_interaction"] == pytest.approx(0.5 / 12)
    assert lead.numbers["increment"] == pytest.approx(11.5)
    assert lead.numbers["exchanged_base"] == pytest.approx(60)
    assert lead.numbers["relative_effect"] == pytest.approx(100 * 8.5 / 64)
    assert "Two pages (17 and 18)" in lead.finding and "13.3%" in lead.finding
    assert "no table" in lead.finding and "implied" in lead.finding


def test_largest_share_by_brute_force(register):
    """No share above it leaves a gap of 20 points at p > 0.05, for any control share."""
    bound = check_history_effect(register).numbers["largest_share"]

    def smallest_z(share):
        return min(
            0.2 / math.sqrt(((p + 0.2) * (0.8 - p) / 84 + p * (1 - p) / 42) / share) for p in np.linspace(0, 0.8, 801)
        )

    assert smallest_z(bound * 1.01) > 1.96 > smallest_z(bound * 0.99)


def test_tables_by_brute_force():
    """The vectorised search against plain loops, on arms small enough to enumerate."""
    pair, wanted = Pair(7, 11, 4, 9), (25.0, 15.0, 20.0)
    found = 0
    for n1 in range(1, pair.n1):
        for n2 in range(1, pair.n2):
            for k1 in range(max(0, pair.k1 - pair.n1 + n1), min(n1, pair.k1) + 1):
                for k2 in range(max(0, pair.k2 - pair.n2 + n2), min(n2, pair.k2) + 1):
                    m1, m2 = pair.n1 - n1, pair.n2 - n2
                    inside = 100 * (k1 / n1 - k2 / n2)
                    outside = 100 * ((pair.k1 - k1) / m1 - (pair.k2 - k2) / m2)
                    treated = np.repeat([1.0, 1.0, 0.0, 0.0], [n1, m1, n2, m2])
                    history = np.repeat([1.0, 0.0, 1.0, 0.0], [n1, m1, n2, m2])
                    y = np.concatenate(
                        [
                            np.repeat([1.0, 0.0], [k, n - k])
                            for k, n in ((k1, n1), (pair.k1 - k1, m1), (k2, n2), (pair.k2 - k2, m2))
                        ]
                    )
                    if abs(inside - wanted[0]) > 0.5 or abs(inside - outside - wanted[1]) > 0.5:
                        continue
                    slope = np.linalg.lstsq(np.column_stack([np.ones(len(y)), treated, history]), y, rcond=None)[0][1]
                    found += abs(100 * slope - wanted[2]) <= 0.05
    assert _count_tables(pair, *wanted) == found


def test_the_search_finds_a_table_made_for_it():
    """6 of 8 against 4 of 8 with history (25 points), 1 of 2 in both arms without: adjusted by weights 4 and 1, 20."""
    assert _count_tables(Pair(7, 10, 5, 10), 25, 25, 20) >= 1


def test_equal_sizes_refute(register):
    assert check_history_effect(reprint(register, r1__closure__hist_bullet="20")).verdict == "refuted"


@pytest.mark.parametrize("check", [check_closure_at_trial_end, check_history_effect])
def test_a_missing_claim_is_named(register, check):
    with pytest.raises(DataError, match=r"r1\.closure\.pc"):
        check(register[register["id"] != "r1.closure.pc"])
