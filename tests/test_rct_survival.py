"""Closing sooner: the survival set, curves and their crossings, the models on hand-made arms, and the figure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test
from matplotlib import pyplot as plt
from scipy import stats

from crewe_lib import definitions, provenance, rct_curves, rct_survival
from crewe_lib.errors import CreweError
from crewe_lib.figures.rct_survival import draw_curves
from crewe_lib.load import load_claims, load_records
from crewe_lib.models.cox import fit_cox
from crewe_lib.rct_survival_specifications import (
    FEW,
    SPECIFICATION_COLUMNS,
    _test_log_rank,
    estimate_survival_specifications,
)

DATES = definitions.derive_study_dates(load_claims())
RECORDS = load_records()
READING = "any_but_escalated"


def arms(treatment: list[tuple[int, int]], control: list[tuple[int, int]], history: list[int] | None = None):
    """A survival set from (days, closed) of each case."""
    rows = [(1, *case) for case in treatment] + [(0, *case) for case in control]
    frame = pd.DataFrame(rows, columns=["treated", "days", "closed"])
    names = [f"f{n}" for n in range(len(frame))]
    flags = dict.fromkeys(("recoded", "rereferred", "left", "escalated"), 0)
    return frame.assign(family_id=names, child_id=names, history=history or [0] * len(frame), **flags)


SIMPLE = arms([(10, 1), (20, 1), (30, 1), (40, 0)], [(5, 1), (10, 1), (35, 0), (38, 1), (40, 0)])


def survival_set(records=RECORDS, *, reading=READING, unit="lead_child", rule="lasting"):
    return rct_curves.derive_survival_set(records, dates=DATES, reading=reading, unit=unit, rule=rule)


def without_closings(arm: str, reason: str = ""):
    """The cohort with every case of an arm that ended in the pilot still open, or ended for another reason."""
    family = RECORDS.families.loc[RECORDS.families["arm"] == arm, "family_id"]
    children = RECORDS.children.loc[RECORDS.children["family_id"].isin(family), "child_id"]
    episodes = RECORDS.episodes.copy()
    mine = episodes["child_id"].isin(children) & (episodes["closed_on"] >= DATES.pilot_start)
    episodes.loc[mine, "closed_reason"] = reason
    if not reason:
        episodes.loc[mine, "status"] = "open"
        episodes.loc[mine, "closed_on"] = pd.NaT
    return replace(RECORDS, episodes=episodes)


def specifications(records=RECORDS, *, cut=300):
    return estimate_survival_specifications(records, dates=DATES, reading=READING, cut=cut, alpha=0.05)


class TestSet:
    def test_it_is_the_definition_with_arm_and_history(self) -> None:
        found = survival_set()
        cases = definitions.derive_cases(RECORDS, dates=DATES)
        days = definitions.derive_days_open(RECORDS, cases, dates=DATES, reading=READING)
        assert found["child_id"].is_monotonic_increasing and len(found) == len(days)
        joined = found.merge(days, on="family_id").merge(cases, on="family_id", suffixes=("", "_case"))
        assert (joined["days_x"] == joined["days_y"]).all() and (joined["closed_x"] == joined["closed_y"]).all()
        assert (joined["treated"] == (joined["arm"] == "treatment")).all()
        early = joined["referred_on_recorded"] < DATES.pilot_start
        assert (joined["recoded"] == early).all() and early.any()

    def test_children_come_with_their_family(self) -> None:
        children, lead = survival_set(unit="children"), survival_set()
        assert len(children) > len(lead) and set(lead["child_id"]) <= set(children["child_id"])
        assert len(children[["family_id", "treated"]].drop_duplicates()) == len(set(children["family_id"]))

    def test_bad_input_is_named(self) -> None:
        with pytest.raises(CreweError, match="unit is 'family'; it must be one of lead_child, children"):
            survival_set(unit="family")
        with pytest.raises(CreweError, match="reading is"):
            survival_set(reading="any")

    def test_another_rule_or_an_empty_arm_is_named(self) -> None:
        with pytest.raises(CreweError, match="rule is 'last'; it must be one of lasting, first, escalated_open"):
            survival_set(rule="last")
        families = RECORDS.families.assign(arm="treatment")
        with pytest.raises(CreweError, match="the control arm has no case with a known outcome"):
            survival_set(replace(RECORDS, families=families))

    def test_those_who_came_back_are_open_to_the_end_unless_the_first_closing_counts(self) -> None:
        lasting, first = survival_set(), survival_set(rule="first").set_index("child_id")
        back = lasting[lasting["rereferred"] == 1].set_index("child_id")
        assert len(back) and not back["closed"].any() and not back["left"].any()
        own = first.loc[back.index.intersection(first.index)]
        assert own["closed"].all() and (own["days"] < back.loc[own.index, "days"]).all()
        others = lasting[lasting["rereferred"] == 0].set_index("child_id")
        assert others[["closed", "days"]].equals(first.loc[others.index, ["closed", "days"]])

    def test_the_escalated_leave_on_their_day_or_stay_to_the_end(self) -> None:
        made = without_closings("control", "escalated")
        lasting, stayed = survival_set(made), survival_set(made, rule="escalated_open")
        gone = lasting["escalated"] == 1
        assert gone.any() and (lasting["treated"][gone] == 0).all() and (lasting["left"] == lasting["escalated"]).all()
        assert (lasting["days"] < stayed["days"]).equals(gone)
        assert lasting["closed"].equals(stayed["closed"]) and not stayed["escalated"].any()
        found = rct_curves.summarise_survival(lasting)
        assert found["escalated"] == found["escalated_control"] == found["left"] == int(gone.sum())

    def test_who_left_otherwise_follows_the_reading(self) -> None:
        found = survival_set(without_closings("control", "other"), reading="stepped_down")
        control = found[found["treated"] == 0]
        assert control["left"].any() and not control[["escalated", "closed"]].any(axis=None)

    def test_summary_by_hand(self) -> None:
        found = rct_curves.summarise_survival(
            SIMPLE.assign(recoded=[0, 1, 0, 1, 0, 0, 1, 0, 0], left=[0] * 6 + [1, 0, 0])
        )
        assert found == {
            "n": 9, "n_treatment": 4, "n_control": 5, "closed_treatment": 3, "closed_control": 3,
            "recoded": 3, "recoded_treatment": 2, "recoded_control": 1,
            "rereferred": 0, "rereferred_treatment": 0, "rereferred_control": 0,
            "left": 1, "left_treatment": 0, "left_control": 1,
            "escalated": 0, "escalated_treatment": 0, "escalated_control": 0,
            "last_day": 40, "at_risk_last": 2, "recoded_last": 1, "complete_day": 35,
        }  # fmt: skip

    def test_without_censoring_all_is_complete(self) -> None:
        found = rct_curves.summarise_survival(arms([(3, 1), (9, 1)], [(4, 1), (7, 1)]))
        assert found["complete_day"] == found["last_day"] == 7


class TestCurves:
    def test_by_hand(self) -> None:
        curves = rct_curves.derive_curves(SIMPLE, alpha=0.05)
        control = curves[curves["arm"] == "control"]
        assert control["day"].tolist() == [0, 5, 10, 35, 38, 40]
        assert control["at_risk"].tolist() == [5, 5, 4, 3, 2, 1]
        np.testing.assert_allclose(control["open"], [1, 0.8, 0.6, 0.6, 0.3, 0.3])

    def test_closing_on_day_zero_starts_below_one(self) -> None:
        curves = rct_curves.derive_curves(arms([(0, 1), (5, 1)], [(2, 1), (3, 0)]), alpha=0.05)
        treated = curves[curves["arm"] == "treatment"]
        assert treated["day"].tolist() == [0, 5] and treated["open"].tolist() == [0.5, 0]

    def test_numbers_at_risk_by_hand(self) -> None:
        table = rct_curves.derive_at_risk(rct_curves.derive_curves(SIMPLE, alpha=0.05), every=15)
        assert table["day"].tolist() == [0, 15, 30, 40]
        assert table["treatment"].tolist() == [4, 3, 2, 1]
        assert table["control"].tolist() == [5, 3, 3, 1]
        np.testing.assert_allclose(table["open_treatment"], [1, 0.75, 0.25, 0.25])

    def test_after_an_arms_last_day_its_share_is_missing(self) -> None:
        table = rct_curves.derive_at_risk(
            rct_curves.derive_curves(arms([(10, 1), (20, 0)], [(10, 1), (45, 0)]), alpha=0.05), every=20
        )
        assert table["day"].tolist() == [0, 20, 40]
        assert table["treatment"].tolist() == [2, 1, 0]
        assert table["open_treatment"].isna().tolist() == [False, False, True]

    def test_the_table_behind_has_the_curves_on_those_days(self) -> None:
        curves = rct_curves.derive_curves(SIMPLE, alpha=0.05)
        table = rct_curves.derive_behind(curves, rct_curves.derive_at_risk(curves, every=10)).set_index("Day")
        row = curves[(curves["arm"] == "control") & (curves["day"] == 10)].iloc[0]
        assert table.loc[30, "Control: at risk"] == 3 and table.loc[
            30, "Control: % not yet closed for good"
        ] == pytest.approx(60)
        assert table.loc[30, "Control: from"] == pytest.approx(100 * row["conf_low"])
        assert np.isnan(table.loc[0, "Control: from"]) and table.loc[0, "Control: % not yet closed for good"] == 100

    def test_a_step_must_be_a_number_of_days(self) -> None:
        with pytest.raises(CreweError, match="every is 0"):
            rct_curves.derive_at_risk(rct_curves.derive_curves(SIMPLE, alpha=0.05), every=0)

    @pytest.mark.parametrize(
        ("treatment", "control", "crossings", "words"),
        [
            ([(30, 1), (31, 1), (32, 1)], [(10, 1), (20, 1), (50, 0)], 1, "cross once, on day 32"),
            ([(30, 1), (40, 1)], [(10, 1), (20, 1)], 0, "the control curve lies lower"),
            ([(10, 1), (20, 1)], [(30, 1), (40, 1)], 0, "the treatment curve lies lower"),
            ([(10, 1), (20, 1)], [(10, 1), (20, 1)], 0, "coincide up to day 20"),
            ([(5, 1), (30, 1), (60, 0)], [(10, 1), (20, 1), (60, 0)], 1, "Before that, the treatment curve"),
            ([(5, 1), (30, 1), (35, 1)], [(10, 1), (20, 1), (60, 0)], 2, "2 times, first on day 20"),
        ],
    )
    def test_crossings(self, treatment, control, crossings, words) -> None:
        curves = rct_curves.derive_curves(arms(treatment, control), alpha=0.05)
        found = rct_curves.describe_crossing(curves)
        assert found["crossings"] == crossings and found["crosses"] is (crossings > 0)
        assert words in found["text"]

    def test_the_figure_shows_what_it_was_given(self) -> None:
        curves = rct_curves.derive_curves(SIMPLE, alpha=0.05)
        at_risk = rct_curves.derive_at_risk(curves, every=15)
        figure, ax = plt.subplots()
        draw_curves(curves, ax=ax, at_risk=at_risk, until=40)
        texts = [text.get_text() for text in ax.texts]
        assert ax.get_ylabel() == "Not yet closed for good"
        assert texts == ["Treatment", "4", "3", "2", "1", "Control", "5", "3", "3", "1", "At risk"]
        steps = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
        assert set(steps) == {"Treatment (n = 4)", "Control (n = 5)"}
        assert len({line.get_linestyle() for line in steps.values()}) == 2
        said = rct_curves.describe_curves(at_risk)["text"]
        assert "Control arm: day 0, 1.00 not yet closed for good, 5 at risk; day 15, 0.60 not yet closed" in said
        plt.close(figure)


class TestModels:
    def test_the_published_model(self) -> None:
        frame = survival_set()
        table = rct_survival.estimate_cox_published(frame, alpha=0.05)
        fit = fit_cox(frame["days"], frame["closed"], frame[["treated", "history"]])
        assert table["term"].tolist() == ["Treatment", "History"]
        np.testing.assert_allclose(table["estimate"], np.exp(fit.coefficients))
        np.testing.assert_allclose(table["std_error"], np.sqrt(np.diag(fit.model)))
        assert set(rct_survival.COX_COLUMNS) <= set(table)

    def test_swapping_arms_inverts_the_ratio_and_flips_the_difference(self) -> None:
        frame = survival_set()
        swapped = frame.assign(treated=1 - frame["treated"])
        one, other = (rct_survival.estimate_cox_published(f, alpha=0.05)["estimate"][0] for f in (frame, swapped))
        assert one == pytest.approx(1 / other, rel=1e-9)
        one, other = (
            rct_survival.estimate_restricted_mean(f, until=400, alpha=0.05).set_index("arm") for f in (frame, swapped)
        )
        assert one.at["difference", "estimate"] == pytest.approx(-other.at["difference", "estimate"])
        assert one.at["treatment", "estimate"] == other.at["control", "estimate"]

    def test_history_in_which_all_agree_is_left_out(self) -> None:
        frame = survival_set().assign(history=1)
        assert rct_survival.estimate_cox_published(frame, alpha=0.05)["term"].tolist() == ["Treatment"]
        assert set(rct_survival.check_proportionality(frame)["term"]) == {"Treatment"}

    def test_proportionality_has_a_row_per_term_and_scale(self) -> None:
        table = rct_survival.check_proportionality(survival_set())
        assert table["term"].tolist() == ["Treatment", "History", "All"] * 2
        assert table["df"].tolist() == [1, 1, 2] * 2 and table["p_value"].between(0, 1).all()
        assert set(rct_survival.PROPORTIONALITY_COLUMNS) <= set(table)

    def test_restricted_mean_by_hand(self) -> None:
        table = rct_survival.estimate_restricted_mean(SIMPLE, until=30, alpha=0.05).set_index("arm")
        treated = 10 + 7.5 + 5
        control = 5 + 0.8 * 5 + 0.6 * 20
        assert table["estimate"].tolist() == pytest.approx([treated, control, treated - control])
        assert table["observed"].tolist() == [2, 3, 5] and table["n"].tolist() == [4, 5, 9]
        assert table["p_value"].isna().tolist() == [True, True, False]
        assert set(rct_survival.MEAN_COLUMNS) <= set(table.reset_index())

    def test_an_arm_must_be_observed_up_to_the_horizon(self) -> None:
        with pytest.raises(CreweError, match="until can be 40 at most"):
            rct_survival.estimate_restricted_mean(SIMPLE, until=41, alpha=0.05)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("arm", ["treatment", "control"])
    def test_an_arm_without_a_closing_leaves_rows_that_say_so(self, arm: str) -> None:
        made = without_closings(arm)
        frame = survival_set(made)
        parts = (
            rct_survival.estimate_cox_published(frame, alpha=0.05),
            rct_survival.check_proportionality(frame),
            rct_survival.estimate_restricted_mean(frame, until=300, alpha=0.05),
        )
        cox, tests, means = parts[0], parts[1], parts[2].set_index("arm")
        for table, blank in ((cox, ["estimate", "conf_low", "p_value"]), (tests, ["statistic", "p_value"])):
            assert table[blank].isna().all(axis=None) and set(table["remark"]) == {f"no closing in {arm}"}
        other = "control" if arm == "treatment" else "treatment"
        assert means.at[arm, "estimate"] == 300 and np.isnan(means.at[arm, "std_error"])
        assert means.at[other, "std_error"] > 0 and means.at[other, "remark"] == ""
        gap = means.loc["difference"]
        assert gap["estimate"] == means.at["treatment", "estimate"] - means.at["control", "estimate"]
        assert (
            np.isnan(gap["conf_low"]) and np.isnan(gap["p_value"]) and gap["remark"].startswith(f"no closing in {arm}")
        )
        said = rct_survival.summarise_closing_sooner(*parts, alpha=0.05)
        assert said["ratio"] == f"cannot be estimated: no closing in {arm}" and said["ratio_interval"] == "none"
        assert "without an interval" in said["difference"] and said["constant"].startswith("cannot be made")
        rows = specifications(made)
        assert rows["p_value"].isna().all() and (rows["remark"] != "").all()
        curves = rct_curves.derive_curves(frame, alpha=0.05)
        assert (curves.loc[curves["arm"] == arm, "open"] == 1).all()

    def test_an_arm_without_a_closing_must_still_be_observed_up_to_the_horizon(self) -> None:
        with pytest.raises(CreweError, match="until can be 20 at most"):
            rct_survival.estimate_restricted_mean(arms([(5, 0), (20, 0)], [(3, 1), (40, 0)]), until=30, alpha=0.05)

    def test_words_follow_the_results(self) -> None:
        frame = survival_set()
        parts = (
            rct_survival.estimate_cox_published(frame, alpha=0.05),
            rct_survival.check_proportionality(frame),
            rct_survival.estimate_restricted_mean(frame, until=300, alpha=0.05),
        )
        found = rct_survival.summarise_closing_sooner(*parts, alpha=0.05)
        cox, tests, means = parts
        for name in ("ratio", "difference"):
            assert found[f"{name}_interval"] in found[name] and found[f"{name}_verdict"] in found[name]
        assert found["constant"].endswith(found["constant_verdict"])
        assert ("no room" in found["ratio_verdict"]) == (not cox["conf_low"][0] < 1 < cox["conf_high"][0])
        assert ("no room" in found["difference_verdict"]) == (not means["conf_low"][2] < 0 < means["conf_high"][2])
        for factor, words in ((0.5, "do not speak"), (2, "cases speak against")):
            alpha = factor * tests["p_value"][0]
            assert words in rct_survival.summarise_closing_sooner(*parts, alpha=alpha)["constant_verdict"]


class TestSpecifications:
    def test_rows_agree_with_the_functions(self) -> None:
        table = specifications()
        frame = survival_set()
        published = rct_survival.estimate_cox_published(frame, alpha=0.05).iloc[0]
        assert table["estimate"][0] == table["estimate"][1] == published["estimate"]
        assert table["conf_low"][0] == published["conf_low"] != table["conf_low"][1]
        last = rct_curves.summarise_survival(frame)["last_day"]
        mean = rct_survival.estimate_restricted_mean(frame, until=last, alpha=0.05).iloc[2]
        own = table.set_index("specification").loc[f"Mean up to day {last}"]
        assert (own["estimate"], own["p_value"]) == (mean["estimate"], mean["p_value"])
        assert own["n"] == len(frame) and set(SPECIFICATION_COLUMNS) <= set(table)

    def test_early_and_late_closings_share_out_the_whole(self) -> None:
        table = specifications().set_index("specification")
        for arm in ("treatment", "control"):
            parts = table.loc[["Closings up to day 300", "Closings after day 300"], f"closed_{arm}"]
            assert parts.sum() == table.loc["As published", f"closed_{arm}"]

    def test_the_log_rank_test_agrees_with_lifelines(self) -> None:
        frame = survival_set()
        table = specifications().set_index("specification")
        one, other = (frame[frame["treated"] == arm] for arm in (1, 0))
        theirs = logrank_test(one["days"], other["days"], one["closed"], other["closed"])
        assert table.loc["Log-rank, not adjusted for history", "p_value"] == pytest.approx(theirs.p_value, rel=1e-9)

    def test_the_log_rank_test_agrees_with_r(self) -> None:
        folder = Path(__file__).parent / "reference"
        made = pd.read_csv(folder / "survival_input.csv").rename(columns={"event": "closed"})
        reference = pd.read_csv(folder / "survival.csv", comment="#", skipinitialspace=True)
        statistic = reference.query("case == 'made' and measure == 'log_rank'")["value"].item()
        assert _test_log_rank(made).p_value == pytest.approx(stats.chi2.sf(float(statistic), 1), rel=1e-9)

    def test_what_the_records_do_not_support_says_why(self) -> None:
        table = specifications(cut=457).set_index("specification")
        late = table.loc["Closings after day 457"]
        assert np.isnan(late["estimate"]) and late["remark"] == "no closing in treatment and in control"
        beyond = specifications(cut=5000)
        assert beyond.set_index("specification").loc["Closings after day 5000", "n"] == 0
        assert "Mean up to day 5000" not in set(beyond["specification"])

    def test_few_closings_have_no_interval_and_a_remark(self) -> None:
        table = specifications()
        few = table[["closed_treatment", "closed_control"]].min(axis=1) < FEW
        assert few.any() and (table["remark"].str.contains("fewer than") == few).all()
        assert table.loc[few, ["std_error", "conf_low", "conf_high", "p_value", "interval"]].isna().all(axis=None)
        assert table.loc[few, "estimate"].notna().all() and table.loc[~few, "p_value"].notna().all()

    def test_late_closings_are_no_randomised_comparison(self) -> None:
        rows = specifications(cut=100)
        remarked = rows["specification"][rows["remark"].str.contains("no randomised comparison")]
        assert remarked.tolist() == ["Closings after day 100"]

    def test_the_first_closing_is_estimated_from_its_own_set(self) -> None:
        rows = specifications().set_index("specification").loc["First closing"]
        first = survival_set(rule="first")
        fit = fit_cox(first["days"], first["closed"], first[["treated", "history"]])
        last = rct_curves.summarise_survival(survival_set())["last_day"]
        mean = rct_survival.estimate_restricted_mean(first, until=last, alpha=0.05).iloc[2]
        assert rows["estimate"].tolist() == pytest.approx([np.exp(fit.coefficients[0]), mean["estimate"]])
        assert set(rows["outcome"]) == {"first closing"} and "first closing" in rows["measure"].iloc[1]

    def test_the_escalated_may_count_as_open_to_the_end(self) -> None:
        episodes = RECORDS.episodes.copy()
        ended = episodes["closed_on"].between(DATES.pilot_start, DATES.pilot_start + pd.Timedelta(days=150))
        episodes.loc[ended, "closed_reason"] = "escalated"
        made = replace(RECORDS, episodes=episodes)
        rows = specifications(made).set_index("specification")
        frame = survival_set(made, rule="escalated_open")
        fit = fit_cox(frame["days"], frame["closed"], frame[["treated", "history"]])
        found = rows.loc["Escalated never close"]
        assert found["estimate"] == pytest.approx(np.exp(fit.coefficients[0])) != rows.loc["Robust errors", "estimate"]
        assert "open to the pilot's end" in found["remark"]
        same = specifications().set_index("specification").loc["Escalated never close"]
        assert same["remark"] == "no case left by escalation, so nothing changes"

    def test_cut_must_be_a_day(self) -> None:
        with pytest.raises(CreweError, match="cut is 0"):
            specifications(cut=0)


def test_the_printed_days() -> None:
    assert rct_curves.derive_printed_days(load_claims()) == {"first": 100, "last": 300}


def test_results_know_that_the_cohort_is_simulated() -> None:
    recorder = provenance.start_recording()
    try:
        frame = rct_curves.derive_survival_set(
            load_records(), dates=definitions.derive_study_dates(load_claims()), reading=READING, unit="lead_child"
        )
        table = rct_survival.estimate_restricted_mean(frame, until=300, alpha=0.05)
        origin = recorder.find(table)
        assert origin is not None and "simulated" in origin.kinds
    finally:
        provenance.stop_recording()
