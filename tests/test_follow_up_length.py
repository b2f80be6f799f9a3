"""Length of cases: who is counted and how cases end, the report's imputation, specifications by hand, the figure."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from crewe_lib import definitions, definitions_follow_up, provenance
from crewe_lib import follow_up_length as length
from crewe_lib import follow_up_length_curves as curves
from crewe_lib import follow_up_length_set as cases
from crewe_lib import follow_up_length_specifications as specifications
from crewe_lib.errors import CreweError
from crewe_lib.evidence import written
from crewe_lib.figures.follow_up_length import draw_lengths
from crewe_lib.load import load_claims, load_records
from crewe_lib.models.survival import fit_kaplan_meier
from crewe_lib.records import Records, read_records
from tests.made_records import make_folder, swap

matplotlib.use("Agg")
DATES = definitions.derive_study_dates(load_claims())
RECORDS = load_records()
COHORT = cases.derive_length_set(RECORDS, dates=DATES)


def made(*rows: tuple[str, int, int, int], female: list[int] | None = None) -> pd.DataFrame:
    """A length set from (arm, days, end, entered); R2's closed is an end by closing or ageing out."""
    table = pd.DataFrame(rows, columns=["arm", "first_days", "first_end", "entered"])
    names = [f"f{number}" for number in range(len(table))]
    return table.assign(
        family_id=names,
        child_id=names,
        treated=(table["arm"] == "treatment").astype(int),
        days=table["first_days"],
        closed=table["first_end"].isin([1, 3]).astype(int),
        lot=table["entered"],
        female=pd.array(female or [number % 2 for number in range(len(table))], dtype="Int64"),
        under_11=[number % 3 == 0 for number in range(len(table))],
        history=(table["entered"] > 0).astype(int),
    ).astype({"under_11": int})


def simulated(n: int, *, seed: int, late: bool = True, effect: float = 1.0) -> pd.DataFrame:
    """Cases with exponential lengths (mean 300 days, times `effect` in treatment). Some opened before watching began,
    and are only there if they lasted until then."""
    rng = np.random.default_rng(seed)
    treated = rng.random(4 * n) < 0.66
    days = np.floor(rng.exponential(np.where(treated, 300.0 * effect, 300.0)))
    entered = np.where(rng.random(4 * n) < 0.5, rng.integers(1, 600, 4 * n), 0) if late else np.zeros(4 * n, int)
    limit = entered + rng.integers(600, 1200, 4 * n)
    there = np.flatnonzero(days >= entered)[:n]
    rows = zip(
        np.where(treated, "treatment", "control")[there],
        np.minimum(days, limit)[there].astype(int),
        (days <= limit)[there].astype(int),
        entered[there],
        strict=True,
    )
    return made(*rows)


def row(table: pd.DataFrame, id: str) -> pd.Series:
    return table.set_index("id").loc[id]


def change_episodes(records: Records, child: str, **values: object) -> Records:
    episodes = records.episodes.copy()
    for name, value in values.items():
        episodes.loc[episodes["episode_id"] == child, name] = value
    return replace(records, episodes=episodes)


def small(tmp_path: Path) -> Records:
    return read_records(make_folder(tmp_path / "records"))


# Who is counted, and how cases end.


def test_the_set_is_that_of_the_definition() -> None:
    found = definitions_follow_up.derive_case_length(
        RECORDS, definitions.derive_cases(RECORDS, dates=DATES), dates=DATES
    ).dropna(subset=["days"])
    merged = COHORT.merge(found, on="family_id", suffixes=("", "_defined"))
    assert len(merged) == len(COHORT) == 110
    for name in ("days", "closed", "entered"):
        assert (merged[name] == merged[f"{name}_defined"]).all()
    assert (COHORT["lot"] >= COHORT["entered"]).all()
    assert (COHORT["first_days"] >= COHORT["entered"]).all()
    assert (COHORT["entered"] > 0).sum() == 40


def test_a_small_folder_by_hand(tmp_path: Path) -> None:
    table = cases.derive_length_set(small(tmp_path), dates=DATES).set_index("family_id")
    assert list(table.loc["F1", ["days", "closed", "entered", "lot", "first_days", "first_end"]]) == [
        213,
        1,
        0,
        1,
        213,
        1,
    ]
    # Closed because escalated, on the day of protection.
    assert list(table.loc["F2", ["days", "closed", "first_days", "first_end"]]) == [278, 0, 278, cases.ESCALATED]


def test_what_comes_first_ends_the_case(tmp_path: Path) -> None:
    """Escalated while open; escalated after closing; of age while open, or in the month of closing; opened late."""
    records = small(tmp_path)
    protection = records.protection.iloc[:1].copy()
    protection.loc[0, "started_on"] = pd.Timestamp("2016-01-05")
    sooner = cases.derive_length_set(replace(records, protection=protection), dates=DATES).set_index("family_id")
    assert list(sooner.loc["F2", ["days", "closed", "first_days", "first_end"]]) == [278, 1, 61, cases.ESCALATED]
    protection.loc[:, "started_on"] = pd.Timestamp("2018-03-01")
    later = change_episodes(replace(records, protection=protection), "E5", closed_reason="stepped_down")
    found = cases.derive_length_set(later, dates=DATES).set_index("family_id")
    assert list(found.loc["F2", ["days", "closed", "first_days", "first_end"]]) == [278, 0, 278, cases.CLOSED]
    children = records.children.copy()
    children.loc[children["child_id"] == "C1", "born_in"] = pd.Timestamp("1998-02-01")
    adult = cases.derive_length_set(replace(records, children=children), dates=DATES).set_index("family_id")
    assert list(adult.loc["F1", ["days", "first_days", "first_end"]]) == [213, 137, cases.AGED_OUT]
    children.loc[children["child_id"] == "C1", "born_in"] = pd.Timestamp("1998-05-01")
    near = cases.derive_length_set(replace(records, children=children), dates=DATES).set_index("family_id")
    assert list(near.loc["F1", ["first_days", "first_end"]]) == [213, cases.CLOSED]


def test_who_is_left_out_is_said() -> None:
    found = cases.summarise_length_set(COHORT, RECORDS, dates=DATES)
    assert (found["n"], found["n_treatment"], found["n_control"], found["late"]) == (110, 74, 36, 40)
    assert found["left_out"] == (
        "Left out: 16 cases without a day on which a plan opened and two cases closed on an unknown day."
    )
    assert found["unknown"] == 14
    assert found["no_sex"] == "Sex is recorded for all of them."
    without = COHORT.assign(female=COHORT["female"].mask(COHORT["child_id"] == COHORT["child_id"].iloc[0]))
    assert "one case of a child whose sex is not recorded" in str(
        cases.summarise_length_set(without, RECORDS, dates=DATES)["no_sex"]
    )


def test_an_arm_without_a_length_is_named(tmp_path: Path) -> None:
    records = change_episodes(small(tmp_path), "E5", plan_opened_on=pd.NaT)
    with pytest.raises(CreweError, match="the control arm has no case with a day on which its plan opened"):
        cases.derive_length_set(records, dates=DATES)


# The report's imputation.


def test_the_mean_beyond_repeats_the_models_own_estimate() -> None:
    """Predictions of the E-step, fitted by least squares, give the maximum itself (Dempster, Laird and Rubin 1977)."""
    table = length.estimate_published_length(COHORT, alpha=0.05)
    assert row(table, "beyond")["estimate"] == pytest.approx(row(table, "model")["estimate"], rel=1e-8)
    assert row(table, "mean")["estimate"] != pytest.approx(row(table, "model")["estimate"], rel=0.1)
    assert row(table, "mean")["std_error"] < row(table, "model")["std_error"]
    assert row(table, "beyond")["below"] == "0 of 14"
    assert (table["n"] == 110).all()


def test_predictions_and_sentences_agree_with_the_table() -> None:
    table, predictions = length.estimate_published_length(COHORT, alpha=0.05), length.derive_predictions(COHORT)
    assert len(predictions) == 14
    assert (predictions["beyond"] > predictions[["days", "predicted"]].max(axis=1)).all()
    short = int((predictions["predicted"] < predictions["days"]).sum())
    assert row(table, "mean")["below"] == f"{short} of 14"
    said = length.summarise_published_length(COHORT, table, predictions)
    assert f"Of 14 cases whose length is unknown, {short} are given fewer days" in said["short"]
    assert "2,457 days" in said["short"]
    assert str(row(table, "mean")["interval"]) in said["difference"]
    assert str(row(table, "model")["interval"]) in said["difference"]
    assert said["negative"].startswith("By the model, ")


def test_if_every_length_is_known_all_readings_are_least_squares() -> None:
    known = COHORT[COHORT["closed"] == 1]
    table = length.estimate_published_length(known, alpha=0.05)
    x = np.column_stack([np.ones(len(known)), known[["treated", "female", "under_11", "history"]].astype(float)])
    expected = np.linalg.lstsq(x, known["days"].to_numpy(float), rcond=None)[0][1]
    np.testing.assert_allclose(table["estimate"], expected, rtol=1e-8)
    predictions = length.derive_predictions(known)
    assert predictions.empty
    assert (
        length.summarise_published_length(known, table, predictions)["short"]
        == "Every length is known, so none is predicted."
    )
    assert (
        "No length is predicted"
        in curves.describe_lengths(curves.derive_length_curves(known, alpha=0.05), predictions)["text"]
    )


def test_arms_exchanged_turn_the_sign() -> None:
    other = COHORT.assign(
        arm=COHORT["arm"].map({"treatment": "control", "control": "treatment"}), treated=1 - COHORT["treated"]
    )
    one, two = (length.estimate_published_length(table, alpha=0.05) for table in (COHORT, other))
    np.testing.assert_allclose(two["estimate"], -one["estimate"], rtol=1e-7)
    np.testing.assert_allclose(two["conf_low"], -one["conf_high"], rtol=1e-7)
    one, two = (specifications.estimate_length_specifications(table, alpha=0.05) for table in (COHORT, other))
    gaps, ratios = one["unit"] != "ratio", one["unit"] == "ratio"
    np.testing.assert_allclose(two.loc[gaps, "estimate"], -one.loc[gaps, "estimate"], rtol=1e-8)
    np.testing.assert_allclose(two.loc[ratios, "estimate"], 1 / one.loc[ratios, "estimate"], rtol=1e-8)
    np.testing.assert_allclose(two.loc[ratios, "p_value"], one.loc[ratios, "p_value"], rtol=1e-7)


def test_the_order_of_rows_does_not_matter() -> None:
    mixed = COHORT.sample(frac=1, random_state=3)
    for estimate in (length.estimate_published_length, specifications.estimate_length_specifications):
        one, two = estimate(COHORT, alpha=0.1), estimate(mixed, alpha=0.1)
        columns = ["estimate", "conf_low", "conf_high", "p_value"]
        np.testing.assert_allclose(two[columns].astype(float), one[columns].astype(float), rtol=1e-7)


@pytest.mark.parametrize("arm", ["treatment", "control", "both"])
def test_without_a_known_length_rows_say_why(arm: str) -> None:
    mine = (COHORT["arm"] == arm) | (arm == "both")
    still = COHORT.assign(closed=COHORT["closed"].mask(mine, 0), first_end=COHORT["first_end"].mask(mine, 0))
    table, predictions = length.estimate_published_length(still, alpha=0.05), length.derive_predictions(still)
    assert table["estimate"].isna().all()
    assert table["remark"].str.contains("every row is censored" if arm == "both" else "no known outcome").all()
    assert predictions.empty
    assert "cannot be fitted" in length.summarise_published_length(still, table, predictions)["short"]
    better = specifications.estimate_length_specifications(still, alpha=0.05)
    said = "treatment and in control" if arm == "both" else arm
    ratios = better[better["unit"] == "ratio"]
    assert ratios["remark"].str.contains(f"no closing in {said}").all()
    assert ratios["estimate"].isna().all()
    assert better.loc[better["id"] == "closed_365", "p_value"].isna().all()
    assert len(written(better, specifications.SPECIFICATION_COLUMNS)) == 11
    assert len(written(table, length.PUBLISHED_COLUMNS)) == 4
    text = specifications.summarise_length_specifications(better)
    assert "not to be estimated, as no closing" in text["ratio"]


def test_covariates_that_cannot_be_carried_are_left_out_and_named() -> None:
    same = COHORT.assign(history=1)
    table = length.estimate_published_length(same, alpha=0.05)
    assert table["remark"].str.contains("without history").all()
    assert table["estimate"].notna().all()
    better = specifications.estimate_length_specifications(same, alpha=0.05)
    assert "without history" in row(better, "cox")["remark"]
    assert pd.isna(row(better, "cox_plain")["remark"])


def test_children_without_recorded_sex_are_left_out_of_adjusted_models_only() -> None:
    missing = COHORT.assign(female=COHORT["female"].mask(COHORT.index < 3))
    better = specifications.estimate_length_specifications(missing, alpha=0.05)
    assert row(better, "closed_365")["n"] == row(better, "cox_plain")["n"] == 110
    assert row(better, "cox")["n"] == row(better, "fine_gray")["n"] == 107
    assert (length.estimate_published_length(missing, alpha=0.05)["n"] == 107).all()
    nobody = COHORT.assign(female=pd.array([pd.NA] * len(COHORT), dtype="Int64"))
    table = length.estimate_published_length(nobody, alpha=0.05)
    assert table["estimate"].isna().all()
    assert table["remark"].str.contains("sex").all()
    assert length.derive_predictions(nobody).empty
    better = specifications.estimate_length_specifications(nobody, alpha=0.05)
    assert "sex" in row(better, "cox")["remark"]
    assert pd.notna(row(better, "cox_plain")["estimate"])


# Without predictions.


def test_late_entry_by_hand() -> None:
    """Treatment: day 10, of three watched one closes; day 30, of three one; so the share is 1 − 2/3 · 2/3. The case
    that entered on day 30 is at risk on it; the one that entered on day 31 is not."""
    arm = [("treatment", 10, 1, 0), ("treatment", 30, 1, 0), ("treatment", 900, 0, 0)]
    arm += [("treatment", 900, 0, 30), ("treatment", 900, 0, 31)]
    frame = made(*arm, *((a.replace("treatment", "control"), *rest) for a, *rest in arm))
    own = frame[frame["arm"] == "treatment"]
    curve = curves.derive_length_curves(frame, alpha=0.05)
    mine = curve[curve["arm"] == "treatment"].set_index("day")
    assert mine.loc[10, "closed"] == pytest.approx(1 / 3)
    assert mine.loc[30, "closed"] == pytest.approx(1 - 2 / 3 * 2 / 3)
    assert mine.loc[30, "at_risk"] == 3
    assert list(mine["n"].unique()) == [5]
    assert mine.loc[30, "ignoring"] == pytest.approx(2 / 5)
    assert mine.loc[0, "closed"] == 0
    np.testing.assert_allclose(curves.late_entry(own, "entered"), [0, 0, 0, 29.5, 30.5])
    np.testing.assert_array_equal(curves.late_entry(own, ""), np.zeros(5))
    table = specifications.estimate_length_specifications(frame, alpha=0.05)
    assert row(table, "closed_182")["levels"] == "56% and 56%"
    assert row(table, "closed_182")["estimate"] == pytest.approx(0)
    assert "fewer than 5 closings" in row(table, "closed_182")["remark"]
    assert row(table, "closed_182")["interval"] is None


def test_without_other_ends_or_late_entry_it_is_kaplan_meier() -> None:
    frame = simulated(90, seed=5, late=False)
    own = frame[frame["arm"] == "control"]
    expected = fit_kaplan_meier(own["days"], own["closed"], alpha=0.05)
    curve = curves.derive_length_curves(frame, alpha=0.05).query("arm == 'control' and day > 0")
    at = expected.days > 0
    np.testing.assert_allclose(curve["closed"], 1 - expected.survival[at])
    np.testing.assert_allclose(curve["ignoring"], curve["closed"])
    table = specifications.estimate_length_specifications(frame, alpha=0.05)
    assert row(table, "cox")["estimate"] == pytest.approx(row(table, "fine_gray")["estimate"])
    assert row(table, "cox")["estimate"] == pytest.approx(row(table, "cox_new")["estimate"])
    text = row(table, "closed_365")
    assert text["ignoring"] == f"{text['written']} ({text['interval']})"


def test_late_entry_allowed_for_finds_the_truth_and_ignored_does_not() -> None:
    """3,000 cases of a mean length of 300 days: by day 365, 1 − exp(−366/300) have closed (whole days)."""
    truth = 1 - np.exp(-366 / 300)
    curve = curves.derive_length_curves(simulated(3000, seed=9), alpha=0.05)
    for _, own in curve.groupby("arm"):
        at = own[own["day"] <= 365].iloc[-1]
        assert at["closed"] == pytest.approx(truth, abs=0.05)
        assert at["conf_low"] < truth < at["conf_high"]
        assert at["ignoring"] < truth - 0.06
    table = specifications.estimate_length_specifications(simulated(3000, seed=10, effect=0.8), alpha=0.05)
    assert row(table, "cox_plain")["estimate"] == pytest.approx(1.25, abs=0.1)


def test_the_day_of_the_lot_leaves_out_who_had_closed() -> None:
    frame = COHORT.assign(lot=COHORT["entered"] + 20)
    gone = int((frame["first_days"] < frame["lot"]).sum())
    assert gone > 0
    table = specifications.estimate_length_specifications(frame, alpha=0.05)
    assert row(table, "cox_lot")["n"] == 110 - gone
    assert row(table, "cox_lot")["ignoring"] is None
    assert row(table, "cox_new")["n"] == int((COHORT["entered"] == 0).sum())


def test_a_curve_that_ends_before_others_enter_has_no_share_but_a_reason() -> None:
    arm = [("treatment", 5, 1, 0), *(("treatment", day, 1, 50) for day in (60, 70, 80, 90, 900))]
    other = [("control", day, 1, 0) for day in (5, 60, 70, 80, 90, 900)]
    frame = made(*arm, *other)
    found = curves.derive_length_curves(frame, alpha=0.05)
    mine = found[found["arm"] == "treatment"]
    assert mine["closed"].isna().all()
    assert mine["remark"].str.contains("had not entered yet").all()
    table = specifications.estimate_length_specifications(frame, alpha=0.05)
    assert "had not entered yet" in row(table, "closed_365")["remark"]
    assert row(table, "closed_365")["ignoring"] is not None
    assert "control" in curves.describe_lengths(found, length.derive_predictions(frame))["text"].lower()
    assert "unknown" in curves.describe_lengths(found, length.derive_predictions(frame))["text"]


def test_everybody_aged_out_or_ties_have_right_answers() -> None:
    frame = made(*[(arm, 100, 3, 0) for arm in ("treatment", "control") for _ in range(6)])
    found = curves.derive_length_curves(frame, alpha=0.05)
    assert (found["closed"] == 0).all()
    table = specifications.estimate_length_specifications(frame, alpha=0.05)
    assert row(table, "closed_182")["levels"] == "0% and 0%"
    assert "alike" in row(table, "closed_182")["remark"]
    assert "no closing" in row(table, "cox")["remark"]
    assert row(table, "days_open")["levels"] == "100 and 100"


def test_sentences_carry_the_tables_numbers() -> None:
    table = specifications.estimate_length_specifications(COHORT, alpha=0.05)
    said = specifications.summarise_length_specifications(table)
    share = row(table, "closed_365")
    assert str(share["written"]) in said["share"]
    assert str(share["interval"]) in said["share"]
    assert str(share["ignoring"]) in said["ignoring"]
    assert str(row(table, "cox")["written"]) in said["ratio"]


# The figure, and the chapter's rules.


def test_the_figure_draws_what_it_is_given() -> None:
    found, predictions = curves.derive_length_curves(COHORT, alpha=0.05), length.derive_predictions(COHORT)
    _, axes = plt.subplots(1, 2)
    draw_lengths(found, ax=list(axes), predictions=predictions, until=curves.summarise_length_curves(found)["last_day"])
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert labels[:2] == ["Treatment (n = 74)", "Control (n = 36)"]
    points = np.concatenate([line.get_xdata() for line in axes[1].get_lines()])
    np.testing.assert_allclose(np.sort(points), np.sort(predictions[["predicted", "beyond"]].to_numpy().ravel()))
    plt.close("all")
    _, axes = plt.subplots(1, 2)
    draw_lengths(found, ax=list(axes), predictions=predictions.iloc[:0], until=1000)
    assert axes[1].texts[0].get_text() == "No length is predicted"
    plt.close("all")


def test_the_table_behind_has_every_point_of_the_figure() -> None:
    found, predictions = curves.derive_length_curves(COHORT, alpha=0.05), length.derive_predictions(COHORT)
    behind = curves.derive_behind_lengths(found, predictions)
    assert len(behind) == 6 + len(predictions)
    assert list(behind["Day"][:3]) == [*curves.HORIZONS]
    assert behind["Mean beyond"].notna().sum() == len(predictions)
    said = curves.describe_lengths(found, predictions)["text"]
    assert f"{behind['% closed'][1]:.0f}%" in said


def test_results_are_traced_as_simulated() -> None:
    recorder = provenance.start_recording()
    try:
        records = load_records()
        dates = definitions.derive_study_dates(load_claims())
        frame = cases.derive_length_set(records, dates=dates)
        table = specifications.estimate_length_specifications(frame, alpha=0.05)
        origin = recorder.find(table)
    finally:
        provenance.stop_recording()
    assert origin is not None
    assert "simulated" in origin.kinds


@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_alpha_is_checked(alpha: float) -> None:
    for estimate in (length.estimate_published_length, specifications.estimate_length_specifications):
        with pytest.raises(CreweError, match="alpha"):
            estimate(COHORT, alpha=alpha)
    with pytest.raises(CreweError, match="alpha"):
        curves.derive_length_curves(COHORT, alpha=alpha)


def test_a_folder_with_one_family_in_each_arm_says_why(tmp_path: Path) -> None:
    """Two families: no model, but no crash either."""
    folder = make_folder(tmp_path / "records")
    swap("children", ("C3,F2,1,male", "C3,F2,1,not_recorded"))(folder)
    frame = cases.derive_length_set(read_records(folder), dates=DATES)
    table = specifications.estimate_length_specifications(frame, alpha=0.05)
    assert table.loc[table["unit"] == "ratio", "remark"].notna().all()
    assert length.estimate_published_length(frame, alpha=0.05)["remark"].notna().all()
