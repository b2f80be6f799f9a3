"""Balance of the arms: standardised differences, tests by allocating anew, and the tables of chapter 09."""

from __future__ import annotations

import math
from itertools import combinations, product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from made_records import make_folder, swap
from matplotlib import pyplot as plt
from register_copy import PUBLISHED, reprint
from scipy import stats

from crewe_lib import design_balance as bal
from crewe_lib import design_need as need
from crewe_lib.definitions import derive_study_dates
from crewe_lib.design_baseline import CHARACTERISTICS, derive_baseline, derive_sample
from crewe_lib.errors import CreweError
from crewe_lib.figures import design as fig
from crewe_lib.load import load_claims, load_primary_need, load_simulated_cohort
from crewe_lib.models.balance import (
    Balance,
    exact_share_size,
    exact_share_test,
    fit_balance,
    pooled_spread,
    standardised_interval,
)
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.records import read_records
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.context import CHESHIRE_EAST

REFERENCE = Path(__file__).parent / "reference"
mpl.use("agg")
DATES = derive_study_dates(PUBLISHED)
OPTIONS = {"alpha": 0.05, "n_draws": 2000, "seed": 7}


@pytest.fixture(scope="module")
def baseline() -> pd.DataFrame:
    return derive_baseline(load_simulated_cohort(), dates=DATES)


@pytest.fixture(scope="module")
def implied() -> pd.DataFrame:
    return bal.estimate_implied_balance(PUBLISHED, alpha=0.05)


def draws(x: npt.ArrayLike, arm: npt.ArrayLike, **options: Any) -> Balance:
    given: dict[str, Any] = {"n_draws": 2000, "alpha": 0.05, "rng": np.random.default_rng(3)} | options
    return fit_balance(np.asarray(x, float), np.asarray(arm, float), **given)


# The engine
# ---------------------------------------------------------------------------------------------------------


def test_standardised_difference_by_hand() -> None:
    """Shares of 1/2 and 1/4: root of (1/4 + 3/16) / 2. Means 2 and 5 with variances 1 and 4: root of 2.5."""
    assert pooled_spread([0, 1, 0, 1], [0, 0, 0, 1]) == pytest.approx(math.sqrt(7 / 32))
    assert pooled_spread([1, 2, 3], [3, 5, 7]) == pytest.approx(math.sqrt(2.5))
    assert draws([[1], [2], [3], [3], [5], [7]], [1, 1, 1, 0, 0, 0]).standardised[0] == pytest.approx(-3 / 2.5**0.5)


def test_interval_of_a_standardised_difference_by_hand() -> None:
    """d = 0.5, 50 and 50: variance 0.04 + 0.25 / 200 = 0.04125."""
    low, high = standardised_interval(0.5, 50, 50, alpha=0.05)
    assert (low, high) == pytest.approx((0.5 - 1.959964 * 0.04125**0.5, 0.5 + 1.959964 * 0.04125**0.5), rel=1e-6)


def test_the_reference_in_r() -> None:
    """coin 1.4.2: exact permutation tests by the shift algorithm, the quadratic statistic; joint p by enumeration."""
    data = pd.read_csv(REFERENCE / "balance_input.csv")
    wanted = pd.read_csv(REFERENCE / "balance.csv", comment="#").set_index("name")["value"]
    names = ["age", "children", "female"]
    found = draws(data[names], data["treated"], n_draws=40_000)
    assert found.all_allocations and found.exact.all() and found.n_draws == math.comb(18, 11)
    for name, p in zip(names, found.p_values, strict=True):
        assert p == pytest.approx(wanted[f"p_{name}"], rel=1e-9), name
    assert found.distance == pytest.approx(wanted["distance"], rel=1e-9)
    assert found.distance == pytest.approx(wanted["distance_by_hand"], rel=1e-9)
    assert found.rank == wanted["rank"] == pytest.approx(wanted["mean_distance"], rel=1e-9)
    assert found.joint_p == pytest.approx(wanted["joint_p"], rel=1e-9)


def test_brute_force_with_a_missing_value() -> None:
    x = np.array([[3.0, 1], [1, 0], [4, 1], [1, 1], [5, 0], [9, 0], [2, np.nan]])
    arm = np.array([1, 1, 1, 0, 0, 0, 0])
    found = draws(x, arm)
    for j in range(2):
        sizes = []
        for chosen in combinations(range(7), 3):
            side = np.isin(range(7), chosen)
            sizes.append(abs(np.nanmean(x[side, j]) - np.nanmean(x[~side, j])))
        observed = abs(np.nanmean(x[arm == 1, j]) - np.nanmean(x[arm == 0, j]))
        assert found.p_values[j] == pytest.approx(np.mean(np.array(sizes) >= observed - 1e-9))
    assert found.rank == 3  # two characteristics, and the mark of the missing value


def test_share_test_is_the_permutation_test_in_closed_form() -> None:
    for k1, k2 in product(range(5), range(7)):
        if k1 + k2 in (0, 10):
            continue
        values = np.array([1.0] * k1 + [0.0] * (4 - k1) + [1.0] * k2 + [0.0] * (6 - k2))
        sizes = []
        for chosen in combinations(range(10), 4):
            side = np.isin(range(10), chosen)
            sizes.append(abs(values[side].mean() - values[~side].mean()))
        wanted = np.mean(np.array(sizes) >= abs(k1 / 4 - k2 / 6) - 1e-9)
        assert exact_share_test(k1, 4, k2, 6) == pytest.approx(wanted, rel=1e-9), (k1, k2)


def test_drawn_p_values_come_near_the_exact_ones() -> None:
    rng = np.random.default_rng(5)
    share = rng.integers(0, 2, 60).astype(float)
    arm = np.repeat([1, 0], [40, 20])
    drawn = draws(np.column_stack([share * 3.0, share]), arm, n_draws=20_000)  # the first column is not zeros and ones
    assert drawn.exact.tolist() == [False, True]
    assert drawn.p_values[0] == pytest.approx(drawn.p_values[1], abs=4 * 0.5 / 20_000**0.5)


def test_invariances() -> None:
    rng = np.random.default_rng(8)
    x, arm = rng.normal(size=(11, 3)), np.repeat([1, 0], [5, 6])
    one = draws(x, arm)
    order = rng.permutation(11)
    moved = draws(x[order], arm[order])
    other = draws(x, 1 - arm)
    scaled = draws(7 * x - 4, arm)
    mixed = draws(x @ np.array([[1.0, 1, 0], [0, 2, 0], [0, 0, 3]]), arm)
    for again in (moved, scaled):
        np.testing.assert_allclose(again.standardised, one.standardised)
        np.testing.assert_allclose(again.p_values, one.p_values)
        np.testing.assert_allclose(again.chance, one.chance)
    np.testing.assert_allclose(other.standardised, -one.standardised)
    np.testing.assert_allclose(other.p_values, one.p_values)
    for again in (moved, other, scaled, mixed):
        assert (again.distance, again.joint_p) == pytest.approx((one.distance, one.joint_p))


def test_a_column_that_says_the_same_twice_counts_once() -> None:
    rng = np.random.default_rng(2)
    x, arm = rng.normal(size=(10, 2)), np.repeat([1, 0], 5)
    twice = draws(np.column_stack([x, x[:, 0] + 3 * x[:, 1]]), arm)
    assert twice.rank == 2 and twice.distance == pytest.approx(draws(x, arm).distance)


def test_the_p_values_hold_their_level() -> None:
    """Randomised arms, 300 times: rejections at 5% near 5% singly and together; 0.05 ± 3.5 standard errors."""
    rng = np.random.default_rng(11)
    arm = np.repeat([1, 0], [20, 10])
    found = [draws(rng.standard_t(3, size=(30, 3)), rng.permutation(arm), n_draws=199, rng=rng) for _ in range(300)]
    slack = 3.5 * (0.05 * 0.95 / 300) ** 0.5
    assert np.mean([one.joint_p <= 0.05 for one in found]) == pytest.approx(0.05, abs=slack)
    assert np.mean([one.p_values[0] <= 0.05 for one in found]) == pytest.approx(0.05, abs=slack)


def test_a_real_difference_is_found() -> None:
    rng = np.random.default_rng(12)
    arm = np.repeat([1, 0], [84, 44])
    x = rng.normal(size=(128, 4))
    x[:, 2] += arm
    found = draws(x, arm)
    assert found.p_values[2] < 0.01 and found.joint_p < 0.01 and found.standardised[2] == pytest.approx(1, abs=0.4)
    assert 0.25 < found.chance[0] < 0.45  # two standard errors, root of 1/84 + 1/44, are 0.37


def test_the_seed_decides_the_draws() -> None:
    rng = np.random.default_rng(1)
    x, arm = rng.normal(size=(40, 2)), np.repeat([1, 0], 20)
    first, again, other = (draws(x, arm, rng=np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.p_values, again.p_values)
    assert not np.array_equal(first.p_values, other.p_values)


@pytest.mark.parametrize(
    ("x", "arm", "options", "message"),
    [
        ([[1], [2]], [1, 1], {}, "one is empty"),
        ([[1], [2]], [1, 2], {}, "must be 0 or 1"),
        ([[1], [2]], [1], {}, "one row per family"),
        (np.empty((2, 0)), [1, 0], {}, "one column or more"),
        ([[1], [1], [1]], [1, 0, 0], {}, "all are alike"),
        ([[1], [np.nan], [np.nan]], [1, 0, 0], {}, "no known value"),
        ([[1], [2], [4]], [1, 0, 0], {"n_draws": 10}, "at least 20"),
        ([[1], [2], [4]], [1, 0, 0], {"alpha": 5}, "alpha is 5"),
    ],
)
def test_bad_input_has_a_named_error(x: object, arm: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(CreweError, match=message):
        draws(x, arm, **options)


# On printed and implied counts
# --------------------------------------------------------------------------------------------


def test_rows_are_the_main_readings_with_the_range_of_the_rivals(implied: pd.DataFrame) -> None:
    rows = implied.set_index("characteristic")
    assert rows["counts"].to_dict() == {
        "female": "35 of 84 and 14 of 44",
        "under_11": "56 of 84 and 24 of 44",
        "under_11_as_printed": "46 of 84 and 29 of 43",
        "other_children_in_need": "69 of 84 and 33 of 44",
        "white_british": "64 of 84 and 36 of 44",
        "other_white": "4 of 84 and 4 of 44",
        "disability": "2 of 84 and 0 of 44",
    }
    assert rows["basis"].value_counts().to_dict() == {"implied": 6, "printed": 1}
    assert rows.at["female", "difference"] == pytest.approx(100 * (35 / 84 - 14 / 44))
    assert (rows["least"] <= rows["difference"] + 1e-9).all() and (rows["difference"] <= rows["most"] + 1e-9).all()
    assert rows.at["disability", "readings"] == 1 and rows.at["female", "readings"] > 5
    assert rows.at["under_11", "least"] > 0 > rows.at["under_11_as_printed", "most"]


def test_intervals_are_newcombes_and_the_p_value_is_of_the_allocation(implied: pd.DataFrame) -> None:
    """Newcombe for 35/84 and 14/44 by hand: Wilson limits 0.31715 to 0.52347 and 0.19999 to 0.46557."""
    row = implied.set_index("characteristic").loc["female"]
    d = 35 / 84 - 14 / 44
    low = d - math.hypot(35 / 84 - 0.3171484, 0.4655690 - 14 / 44)
    high = d + math.hypot(0.5234736 - 35 / 84, 14 / 44 - 0.1999931)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((100 * low, 100 * high), abs=1e-4)
    assert row["p_value"] == pytest.approx(exact_share_test(35, 84, 14, 44))


def test_implied_balance_is_inferred(implied: pd.DataFrame) -> None:
    recorder = start_recording()
    try:
        origin = recorder.find(bal.estimate_implied_balance(load_claims(), alpha=0.05))
    finally:
        stop_recording()
    assert origin is not None and origin.kinds == ["inferred", "published"]


def test_labels_that_need_no_exchange_are_one_reading_each() -> None:
    """Were both shares under 11 printed alike, exchanging labels would change nothing."""
    again = bal.estimate_implied_balance(reprint(PUBLISHED, r2__demo__u11_control="55"), alpha=0.05)
    rows = again.set_index("characteristic")
    assert rows.at["under_11", "k1"] / rows.at["under_11", "n1"] == pytest.approx(0.55, abs=0.011)


def test_summary_counts_a_second_reading_once(implied: pd.DataFrame) -> None:
    found = bal.summarise_balance(implied, alpha=0.05)
    assert (found["characteristics"], found["rows"]) == (6, 7) and found["families"] == 128
    # Each exact test keeps below 5%: two disabled children can never be divided so that it is reached.
    sizes = implied.set_index("characteristic")["size"]
    assert sizes["disability"] == 0 and (sizes < 0.05).all() and found["never"] == 1
    assert found["expected"] == pytest.approx(sizes.drop("under_11_as_printed").sum()) and found["expected"] < 0.3
    assert found["widest"] == pytest.approx(np.abs(implied[["std_low", "std_high"]]).to_numpy().max())
    assert found["beyond"] == 0 and found["largest"] == implied.loc[implied["standardised"].abs().idxmax(), "label"]
    assert "joint_p" not in found


def test_attained_size_by_hand() -> None:
    """Four events among 3 and 3: one treated to three control and the reverse, each 3 of 15 ways; p is 0.4."""
    assert exact_share_size(4, 3, 3, alpha=0.41) == pytest.approx(0.4)
    assert exact_share_size(4, 3, 3, alpha=0.39) == 0 == exact_share_size(0, 5, 5, alpha=0.05)
    law = stats.hypergeom(128, 49, 84)
    by_hand = sum(law.pmf(k) for k in range(5, 50) if exact_share_test(k, 84, 49 - k, 44) <= 0.05)
    assert exact_share_size(49, 84, 44, alpha=0.05) == pytest.approx(by_hand)
    with pytest.raises(CreweError, match="alpha is 5"):
        exact_share_size(4, 3, 3, alpha=5)


# On records
# ---------------------------------------------------------------------------------------------------------------


def test_balance_of_the_cohort(baseline: pd.DataFrame) -> None:
    table = bal.estimate_balance(baseline, **OPTIONS)
    assert list(table["characteristic"]) == list(CHARACTERISTICS)
    rows = table.set_index("characteristic")
    assert rows.at["female", "treatment"] == pytest.approx(100 * 35 / 84)
    assert rows.at["female", "p_value"] == pytest.approx(exact_share_test(35, 84, 14, 44))
    assert rows.at["white_british", "n"] == baseline["white_british"].notna().sum() < 128
    assert not rows.at["white_british", "exact"] and rows.at["history", "exact"]
    assert (table["joint_p"] == table["joint_p"].iloc[0]).all() and rows.at["age", "unit"] == "years"
    assert rows.at["white_british", "size"] == rows.at["age", "size"] == 0.05 > rows.at["female", "size"] > 0.02
    gap = baseline.groupby("treated")["age"].mean()
    assert rows.at["age", "difference"] == pytest.approx(gap[1] - gap[0])
    again = bal.estimate_balance(baseline.sample(frac=1, random_state=1).sort_values("family_id"), **OPTIONS)
    pd.testing.assert_frame_equal(again, table)


def test_records_with_odd_entries(tmp_path: Path) -> None:
    """A sex not recorded is missing; a characteristic in which all are alike is left out, not divided by nothing."""
    folder = make_folder(tmp_path / "records")
    swap("children", ("C1,F1,1,female", "C1,F1,1,not_recorded"))(folder)
    baseline = derive_baseline(read_records(folder), dates=DATES)
    assert baseline["family_id"].tolist() == ["F1", "F2"] and baseline["female"].isna().tolist() == [True, False]
    with pytest.raises(CreweError, match="no characteristic differs between families"):
        bal.estimate_balance(baseline, **OPTIONS)
    sample = derive_sample(read_records(folder), dates=DATES).set_index("characteristic")
    assert sample.at["female", "treatment"] == "–" and sample.at["female", "missing"] == 1
    assert sample.at["female", "control"] == "0% (0 of 1)"


def test_an_arm_without_case_data(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "records")
    swap("families", ("F2,control,2015-11-03,crewe,1", "F2,control,2015-11-03,crewe,0"))(folder)
    with pytest.raises(CreweError, match="no family of the control arm has case data"):
        derive_baseline(read_records(folder), dates=DATES)


def test_sample_table(baseline: pd.DataFrame) -> None:
    table = derive_sample(load_simulated_cohort(), dates=DATES).set_index("characteristic")
    assert table.loc["families", ["treatment", "control"]].tolist() == ["84", "44"]
    assert table.at["female", "treatment"] == "42% (35 of 84)"
    own = baseline.loc[baseline["treated"] == 1, "age"]
    assert table.at["age", "treatment"] == f"{own.mean():.1f} ({own.std():.1f})"
    assert table.at["white_british", "missing"] == baseline["white_british"].isna().sum()


# Categories of need
# ------------------------------------------------------------------------------------------------------


def test_shares_of_need_and_what_is_withheld() -> None:
    shares = need.derive_need_shares(load_primary_need(), years=[2015, 2016])
    rows = shares.set_index(["authority", "year", "need"])
    assert rows.loc[(CHESHIRE_EAST, 2016, "N1"), "share"] == pytest.approx(1269 / 2183)
    hidden = rows.loc[(CHESHIRE_EAST, 2016, "N7")]
    assert math.isnan(hidden["share"]) and (hidden["low"], hidden["high"]) == (0, pytest.approx(3 / 2183))
    assert rows.loc[(ENGLAND, 2015, "N5"), "share"] == pytest.approx(69940 / 390130)
    assert shares["name"].unique().tolist() == ["Cheshire East", "North West", "England"]
    found = need.summarise_need(shares, year=2016)
    assert (found["first"], found["above"], found["below"]) == (
        "abuse or neglect",
        "family in acute stress",
        "family dysfunction",
    )
    assert found["above_own"] == pytest.approx(554 / 2183)
    table = need.derive_need_table(shares, year=2016).set_index("need")
    assert table.loc["N1"].tolist() == ["Abuse or neglect", 1269, "58.1%", "59.3%", "50.7%"]
    assert pd.isna(table.loc["N7", "episodes"]) and table.loc["N7", "own"] == "at most 0.1%"
    with pytest.raises(CreweError, match=r"year 2012 is not in primary_need.csv, which has 2013 to 2024"):
        need.derive_need_shares(load_primary_need(), years=[2012, 2016])


def test_need_of_the_lead_children() -> None:
    cohort = load_simulated_cohort()
    table = need.derive_need_of_cases(cohort, dates=DATES, alpha=0.05, name="lead children")
    assert table["episodes"].sum() == table["all"].iloc[0] == 128 and len(table) == 10
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()
    shares = need.derive_need_shares(load_primary_need(), years=[2016])
    both = need.place_cases_beside(shares, table, year=2016)
    assert both["name"].unique().tolist() == ["Cheshire East", "North West", "England", "lead children"]
    text = need.describe_need(both)["text"]
    assert "Cheshire East: abuse or neglect 58.1%, family in acute stress 25.4%" in text
    assert "withheld: low income, cases other than children in need." in text


# Figures
# -----------------------------------------------------------------------------------------------------------------


def test_figures_show_every_row(baseline: pd.DataFrame, implied: pd.DataFrame) -> None:
    table = bal.estimate_balance(baseline, **OPTIONS)
    for data in (implied, table):
        ax = fig.draw_balance(data, ax=plt.figure().add_subplot(), level=0.95)
        assert sorted(label.get_text() for label in ax.get_yticklabels()) == sorted(data["label"])
        text = bal.describe_balance(data)["text"]
        assert all(label in text for label in data["label"])
    shares = need.derive_need_shares(load_primary_need(), years=[2016])
    ax = fig.draw_need(shares, ax=plt.figure().add_subplot(), xlabel="Share")
    assert [entry.get_text() for entry in ax.get_legend().get_texts()] == [
        "Cheshire East (2,183)", "North West (57,710)", "England (393,910)",
    ]  # fmt: skip
    plt.close("all")
