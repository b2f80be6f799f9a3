"""Printed and implied counts, re-referrals in records: hand arithmetic, the leads' numbers, following the register."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from register_copy import PUBLISHED, reprint
from scipy import stats

from crewe_lib import load
from crewe_lib.definitions import derive_index_episodes, derive_study_dates
from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import written
from crewe_lib.figures.rct_counts import describe_readings, draw_readings
from crewe_lib.leads.closure import check_closure_at_trial_end
from crewe_lib.leads.history import check_history_effect
from crewe_lib.models.exact_proportions import fit_clopper_pearson, fit_unconditional
from crewe_lib.models.proportions import fit_newcombe
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.rct_counts import (
    EVENT_COLUMNS,
    PRINTED_COLUMNS,
    REREFERRED_COLUMNS,
    REREFERRED_IMPLIED_COLUMNS,
    compare_counts,
    compare_exactly,
    estimate_implied_rereferred,
    estimate_printed_counts,
    estimate_printed_events,
    estimate_rereferred,
)
from crewe_lib.rct_implied import (
    BOUND_COLUMNS,
    CLOSING_COLUMNS,
    derive_implied_bounds,
    estimate_implied_closing,
    summarise_implied_closing,
)

ALPHA = 0.05
DATES = derive_study_dates(PUBLISHED)


@pytest.fixture(scope="module")
def printed() -> pd.DataFrame:
    return estimate_printed_counts(PUBLISHED, alpha=ALPHA)


@pytest.fixture(scope="module")
def closing() -> pd.DataFrame:
    return estimate_implied_closing(PUBLISHED, alpha=ALPHA)


@pytest.fixture(scope="module")
def records():
    return load.load_simulated_cohort()


def test_a_row_holds_what_the_engines_give() -> None:
    row = compare_exactly(6, 19, 8, 9, alpha=0.1)
    assert row["treatment"] == "6\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}19"
    assert row["difference"] == pytest.approx(100 * (6 / 19 - 8 / 9))
    assert (row["newcombe_low"], row["newcombe_high"]) == pytest.approx(
        100 * np.array(fit_newcombe(6, 19, 8, 9, alpha=0.1))
    )
    exact = fit_unconditional(6, 19, 8, 9, alpha=0.1)
    assert (row["exact_low"], row["exact_high"]) == pytest.approx((100 * exact.conf_low, 100 * exact.conf_high))
    assert row["fisher"] == pytest.approx(stats.fisher_exact([[6, 13], [8, 1]])[1])
    assert row["p_smallest"] <= row["fisher"] <= row["p_largest"]
    low, high = fit_clopper_pearson(6, 19, alpha=0.1)
    assert row["treatment_interval"] == f"{100 * low:.1f}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{100 * high:.1f}"


def test_printed_counts_are_those_with_printed_denominators(printed: pd.DataFrame) -> None:
    found = printed.set_index("outcome")[["k1", "n1", "k2", "n2"]].T.to_dict("list")
    assert found == {"escalated": [4, 84, 0, 44], "stressed_staff": [6, 19, 8, 9]}
    assert list(found)[-1] == "stressed_staff"
    staff = printed.set_index("outcome").loc["stressed_staff"]
    # published_claims.md: the one contrast with p below 0.05 on printed counts, Fisher 0.013.
    assert staff["fisher"] == pytest.approx(0.0127536, abs=1e-7)
    assert staff["boschloo"] < staff["fisher"]
    assert staff["exact_high"] < 0
    escalated = printed.set_index("outcome").loc["escalated"]
    assert escalated["exact_low"] < 0 < escalated["exact_high"]
    assert escalated["fisher"] == pytest.approx(stats.fisher_exact([[4, 80], [0, 44]])[1])
    assert escalated["remark"] == (
        "0: the report says that all 4 were with FACT22; out of all allocated, though 2 cases lack some outcomes"
    )


def test_printed_counts_follow_the_register() -> None:
    changed = reprint(PUBLISHED, r1__stress__k_fp="19")
    row = estimate_printed_counts(changed, alpha=ALPHA).set_index("outcome").loc["stressed_staff"]
    assert (row["k1"], row["treatment_interval"][-5:]) == (19, "100.0")


def test_events_are_compared_given_their_sum() -> None:
    events = estimate_printed_events(PUBLISHED, alpha=ALPHA)
    assert events["share"].tolist() == pytest.approx([2 / 3, 0.7])
    assert events["expected"].tolist() == pytest.approx([16 / 3, 5.6])
    assert events["p_value"].tolist() == pytest.approx([1.0, 0.70352452], rel=1e-7)  # R's binom.test
    assert events["ratio"].tolist() == pytest.approx([5 / 3 / 2, 5 / 3 * 3 / 7])
    assert events["label"].tolist() == [
        "as printed as a ratio, which the report has the wrong way round",
        "as printed in per cent",
    ]
    right = estimate_printed_events(reprint(PUBLISHED, r1__sample__ratio="1:2"), alpha=ALPHA)
    assert right["label"].tolist() == right["basis"].tolist() == events["basis"].tolist()
    assert right["share"].tolist() == events["share"].tolist()
    with pytest.raises(DataError, match="is not a ratio such as 2:1"):
        estimate_printed_events(reprint(PUBLISHED, r1__sample__ratio="about two"), alpha=ALPHA)


def test_rereferred_out_of_every_arm() -> None:
    found = estimate_implied_rereferred(PUBLISHED, alpha=ALPHA)
    arms = list(found[["n1", "n2"]].itertuples(index=False, name=None))
    assert arms == [(84, 44), (83, 45), (84, 42), (83, 43), (82, 44), (81, 45)]
    assert found.loc[found["main"], ["n1", "n2"]].to_numpy().tolist() == [[83, 45]]
    assert found["reading"].iloc[0] == "as the 2020 report prints them"
    first = found.iloc[0]
    assert first["difference"] == pytest.approx(100 * (5 / 84 - 3 / 44))
    assert found["fisher"].to_numpy() == pytest.approx(1)
    assert (found["exact_low"] < 0).all() and (found["exact_high"] > 0).all()


def test_closing_readings_are_those_of_the_lead(closing: pd.DataFrame) -> None:
    """The same counts, gaps and p-values as in the chapter on claims; the main one as in the implied counts."""
    lead = check_closure_at_trial_end(PUBLISHED).readings.dropna(subset=["pc_closed"])
    ours = closing.set_index(["k1", "n1", "k2", "n2"])
    for row in lead.itertuples():
        own = ours.loc[(row.pc_closed, row.arm_pc, row.cec_closed, row.arm_cec)]
        assert own["difference"] == pytest.approx(row.gap)
        assert own["fisher"] == pytest.approx(row.p_value)
        assert own["basis"].startswith("72%, ") == row.both_raw
        assert own["basis"].endswith("the total")
    main = closing[closing["main"]].iloc[0]
    assert main[["k1", "n1", "k2", "n2"]].tolist() == [59, 82, 28, 44]
    assert closing.index[closing["main"]].tolist() == [0]


def test_closing_readings_print_their_percentages(closing: pd.DataFrame) -> None:
    for row in closing.itertuples():
        assert round(row.control_share) == row.control_printed
        assert (round(row.treatment_share) == 72) == row.basis.startswith("72%")
    assert not closing.duplicated(["k1", "n1", "k2", "n2"]).any()
    assert {(59, 82, 27, 44), (60, 83, 29, 45)} < set(
        closing[["k1", "n1", "k2", "n2"]].itertuples(index=False, name=None)
    )


def test_summary_of_the_readings(closing: pd.DataFrame) -> None:
    found = summarise_implied_closing(closing, PUBLISHED, alpha=ALPHA)
    assert found["readings"] == len(closing) == found["contain_zero"] == 7
    assert found["reach"] == found["reach_all"] == 0
    assert (found["difference_least"], found["difference_most"]) == pytest.approx(
        (100 * (58 / 81 - 29 / 45), 100 * (62 / 84 - 27 / 44))
    )
    assert found["p_smallest"] > ALPHA
    assert found["main_difference"] == pytest.approx(100 * (59 / 82 - 28 / 44))
    assert summarise_implied_closing(closing, PUBLISHED, alpha=0.3)["reach"] == (closing["p_smallest"] <= 0.3).sum() > 0
    without = summarise_implied_closing(closing[~closing["main"]], PUBLISHED, alpha=ALPHA)
    assert without["main"] is False and "main_difference" not in without
    with pytest.raises(CreweError, match="nothing is implied"):
        summarise_implied_closing(closing.iloc[:0], PUBLISHED, alpha=ALPHA)
    with pytest.raises(CreweError, match="alpha is 0"):
        summarise_implied_closing(closing, PUBLISHED, alpha=0)


def test_the_wide_search_holds_every_division_and_the_readings(closing: pd.DataFrame) -> None:
    found = summarise_implied_closing(closing, PUBLISHED, alpha=ALPHA)
    tables = {
        (k1, n1, k2, n - n1)
        for n in (126, 127, 128)
        for n1 in range(n)
        for k1 in range(n1 + 1)
        for k2 in range(n - n1 + 1)
        if 65.5 <= 100 * n1 / n <= 70.5
        and 71.5 <= 100 * k1 / n1 <= 72.5
        and (63.5 <= 100 * k2 / (n - n1) <= 64.5 or 60.5 <= 100 * k2 / (n - n1) <= 61.5)
    }
    assert found["wide_divided"] == len(tables) == 11
    tables |= set(closing[["k1", "n1", "k2", "n2"]].itertuples(index=False, name=None))
    gaps = [100 * (k1 / n1 - k2 / n2) for k1, n1, k2, n2 in tables]
    assert found["wide_tables"] == len(tables)
    assert (found["wide_least"], found["wide_most"]) == pytest.approx((min(gaps), max(gaps)))
    limits = [fit_newcombe(*table, alpha=ALPHA) for table in tables]
    assert found["wide_low"] == pytest.approx(100 * min(low for low, _ in limits))
    assert found["wide_leave_out"] == found["wide_reach"] == 0 == sum(low > 0 or high < 0 for low, high in limits)
    assert found["wide_p_smallest"] <= found["p_smallest"]
    loose = summarise_implied_closing(closing, PUBLISHED, alpha=0.3)
    assert 0 < loose["wide_leave_out"] <= loose["wide_tables"] and loose["wide_reach"] > 0


def test_readings_follow_the_register() -> None:
    changed = estimate_implied_closing(reprint(PUBLISHED, r2__closure__r1_control="64"), alpha=ALPHA)
    assert set(changed["control_printed"]) == {64}


def test_not_significant_implies_an_interval_from_zero_to_twice_the_effect() -> None:
    found = derive_implied_bounds(PUBLISHED).set_index("id")
    assert found.loc["all", ["low", "high"]].tolist() == pytest.approx([0, 16.9])
    assert found.at["all", "least_error"] == pytest.approx(8.45 / 1.959964, rel=1e-6)
    assert found.at["history", "high"] == pytest.approx(39)
    assert found.at["history_bullet", "high"] == pytest.approx(23)
    assert found.at["history", "effect"] == check_history_effect(PUBLISHED).numbers["text"]
    assert set(found["level"]) == {0.05}
    fall = derive_implied_bounds(reprint(PUBLISHED, r1__closure__ate="-8.5")).set_index("id")
    assert fall.loc["all", ["low", "high"]].tolist() == pytest.approx([-16.9, 0])
    assert fall.loc["all", ["overlap_low", "overlap_high"]].tolist() == pytest.approx(
        [-found.at["all", "overlap_high"], -found.at["all", "overlap_low"]]
    )


def test_the_level_of_the_bounds_is_the_reports() -> None:
    found = derive_implied_bounds(reprint(PUBLISHED, r1__power__alpha="10", r1__closure__ci_level="90")).set_index("id")
    assert found.at["all", "least_error"] == pytest.approx(8.45 / 1.6448536, rel=1e-6)
    assert found.at["all", "overlap_error"] == pytest.approx(8.45 / 1.6448536 / 2**0.5, rel=1e-6)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 3.0])
def test_intervals_that_overlap_bound_the_error_less(ratio: float) -> None:
    """Arms whose 95% intervals just touch: the difference's error is never below the bound, and on it if equal."""
    row = derive_implied_bounds(PUBLISHED).set_index("id").loc["all"]
    one = 8.45 / 1.959964 / (1 + ratio)
    error = np.hypot(one, ratio * one)
    assert error >= row["overlap_error"] * (1 - 1e-6)
    assert (error == pytest.approx(row["overlap_error"], rel=1e-6)) == (ratio == 1)
    assert row["overlap_low"] == pytest.approx(8.55 * (1 - 2**-0.5))
    assert row["overlap_high"] == pytest.approx(8.45 * (1 + 2**-0.5))
    assert row["low"] < row["overlap_low"] < row["overlap_high"] < row["high"]


def test_rereferred_in_records(records) -> None:
    row = estimate_rereferred(records, dates=DATES, alpha=ALPHA).iloc[0]
    assert (row["k1"], row["k2"]) == (5, 3)
    assert row["n1"] + row["n2"] + row["unknown"] == 128
    expected = compare_counts(row["k1"], row["n1"], row["k2"], row["n2"], alpha=ALPHA)
    assert row["difference"] == pytest.approx(expected["difference"])
    assert row["compared"].startswith("the difference is −0.7 points, exact interval −13.0")


def test_nobody_rereferred_and_an_empty_arm(records) -> None:
    index = derive_index_episodes(records, dates=DATES)["episode_id"]
    first = records.episodes[records.episodes["episode_id"].isin(index)]
    none = estimate_rereferred(replace(records, episodes=first), dates=DATES, alpha=ALPHA)
    row = none.iloc[0]
    assert (row["k1"], row["k2"]) == (0, 0)
    assert row[["difference", "fisher", "exact"]].isna().all()
    assert row["compared"] == "nobody was re-referred, so there is no difference to test"
    shown = written(none, REREFERRED_COLUMNS)[1]
    assert shown[0].startswith("0") and shown[-1] == "–"
    families = records.families[records.families["arm"] == "treatment"]
    with pytest.raises(CreweError, match="the control arm has no case with a known outcome"):
        estimate_rereferred(replace(records, families=families), dates=DATES, alpha=ALPHA)


def test_kinds_of_data_travel() -> None:
    recorder = start_recording()
    try:
        register = load.load_claims()
        readings = estimate_implied_closing(register, alpha=ALPHA)
        kinds = {
            "events": recorder.find(estimate_printed_events(register, alpha=ALPHA)).kinds,
            "closing": recorder.find(readings).kinds,
            "summary": recorder.find(summarise_implied_closing(readings, register, alpha=ALPHA)).kinds,
            "bounds": recorder.find(derive_implied_bounds(register)).kinds,
            "described": recorder.find(describe_readings(readings)).kinds,
        }
    finally:
        stop_recording()
    assert kinds.pop("events") == ["published"]
    assert all("inferred" in found for found in kinds.values())


def test_tables_can_be_written(printed: pd.DataFrame, closing: pd.DataFrame, records) -> None:
    for frame, columns in (
        (printed, PRINTED_COLUMNS),
        (estimate_printed_events(PUBLISHED, alpha=ALPHA), EVENT_COLUMNS),
        (estimate_implied_rereferred(PUBLISHED, alpha=ALPHA), REREFERRED_IMPLIED_COLUMNS),
        (closing, CLOSING_COLUMNS),
        (derive_implied_bounds(PUBLISHED), BOUND_COLUMNS),
        (estimate_rereferred(records, dates=DATES, alpha=ALPHA), REREFERRED_COLUMNS),
    ):
        rows = written(frame, columns)
        assert len(rows) == len(frame) + 1
        assert not any("nan" in cell for row in rows for cell in row)


def test_figure_shows_every_reading_and_says_implied(closing: pd.DataFrame) -> None:
    figure, ax = plt.subplots()
    draw_readings(closing, ax=ax, treatment="Project Crewe", control="Cheshire East")
    assert "Implied" in ax.get_xlabel() and "percentage points" in ax.get_xlabel()
    assert len(ax.get_yticklabels()) == len(closing)
    points = [line.get_xdata()[0] for line in ax.lines if line.get_marker() in ("o", "D")]
    assert points == pytest.approx(closing["difference"].tolist())
    assert [line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1].count("D") == 1
    plt.close(figure)
    text = describe_readings(closing)["text"]
    assert text.startswith(f"Implied differences in cases closed, {len(closing)} readings")
    assert "59 of 82 and 28 of 44 (main reading): +8.3 points" in text
