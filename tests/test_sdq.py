"""Chapter 03: which questionnaires count, which way is better, and that words and tables hold for other data."""

from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from crewe_lib import sdq, sdq_specifications, sdq_tables, sdq_words
from crewe_lib.claims_exhibits import derive_statements
from crewe_lib.errors import CreweError, DataError
from crewe_lib.figures.sdq import draw_points
from crewe_lib.leads.risk import check_sdq_definition
from crewe_lib.load import load_claims, load_simulated_cohort
from crewe_lib.models.ranks import fit_mann_whitney
from crewe_lib.records import Records
from crewe_lib.sdq_scoring import OUTCOMES, derive_scores, most_points

matplotlib.use("agg")
DRAWS = {"n_draws": 299, "seed": 1}


@pytest.fixture(scope="module")
def records() -> Records:
    return load_simulated_cohort()


@pytest.fixture(scope="module")
def scores(records: Records) -> pd.DataFrame:
    return derive_scores(records)


def made(treated: list[int], control: list[int], prosocial: tuple[int, int] = (5, 5)) -> pd.DataFrame:
    """Scores of lead children, one a family, with the totals given and one prosocial score for each arm."""
    n = len(treated) + len(control)
    arms = ["treatment"] * len(treated) + ["control"] * len(control)
    frame = pd.DataFrame({"child_id": [f"C{i}" for i in range(n)], "family_id": [f"F{i}" for i in range(n)]})
    frame = frame.assign(arm=arms, lead_child=True, informant="parent", version="4_17", answered=25)
    frame["completed_on"], frame["days"] = pd.Timestamp("2016-01-04"), 60
    frame["total"] = pd.array([*treated, *control], dtype="Int64")
    for scale in ("emotional", "conduct", "hyperactivity", "peer"):
        frame[scale] = frame["total"] // 4
    tilt = pd.array([i % 2 for i in range(n)], dtype="Int64")
    base = [prosocial[0]] * len(treated) + [prosocial[1]] * len(control)
    frame["prosocial"] = pd.array(base, dtype="Int64") + tilt
    return frame.assign(total_five=frame["total"] + frame["prosocial"])


class TestWhichWayIsBetter:
    """Fewer difficulties and more prosocial behaviour are better; nothing may be turned twice, or not at all."""

    def test_a_treated_arm_that_does_better_in_everything(self) -> None:
        good = made([2, 4, 6, 8, 10, 12], [8, 12, 16, 20, 24, 28], prosocial=(8, 7))
        published = sdq.estimate_published(good).set_index("outcome")
        better = sdq.estimate_better(good, alpha=0.05, **DRAWS).set_index("outcome")
        assert set(published["favours"]) == set(better["favours"]) == {"Project Crewe"}
        assert (better["better"] > 0.5).all()
        assert (better.loc[better.index != "prosocial", "shift"] < 0).all() and better.at["prosocial", "shift"] > 0

    def test_arms_exchanged_exchange_the_verdict(self) -> None:
        one = made([2, 4, 6, 8, 10, 12], [8, 12, 16, 20, 24, 28], prosocial=(8, 7))
        swapped = one.assign(arm=one["arm"].map({"treatment": "control", "control": "treatment"}))
        first, second = (sdq.estimate_better(x, alpha=0.05, **DRAWS) for x in (one, swapped))
        assert set(second["favours"]) == {"Cheshire East"}
        np.testing.assert_allclose(second["better"], 1 - first["better"])
        np.testing.assert_allclose(second["better_low"], 1 - first["better_high"])
        np.testing.assert_allclose(second["shift"], -first["shift"])
        np.testing.assert_allclose(second["p_value"], first["p_value"])

    def test_no_difference_favours_neither(self) -> None:
        even = made([4, 8, 12], [4, 8, 12])
        assert set(sdq.estimate_published(even)["favours"].iloc[[0, 5]]) == {"neither"}

    def test_tables_say_when_a_score_is_better(self, scores: pd.DataFrame) -> None:
        table = sdq.estimate_published(scores).set_index("outcome")
        assert list(table.index) == list(OUTCOMES)
        assert table["better_when"].to_dict() == {**dict.fromkeys(OUTCOMES, "lower"), "prosocial": "higher"}

    def test_the_total_of_five_mixes_directions_unless_turned(self) -> None:
        """Better in both: adding prosocial points as they are takes away from the difference, turned round it adds."""
        good = made([4, 6, 8, 10, 12, 14], [8, 10, 12, 14, 16, 18], prosocial=(9, 1))
        table = sdq_specifications.estimate_specifications(good, wave="latest", alpha=0.05, **DRAWS).set_index(
            "specification"
        )
        mixed = table.at["exact, five scales added (main text)", "better"]
        turned = table.at["exact, five scales, prosocial turned round", "better"]
        assert mixed < 0.5 < table.at["exact, ties kept", "better"] < turned


class TestWhichQuestionnairesCount:
    def test_a_wave_is_chosen_and_practitioners_come_first_on_a_day(self) -> None:
        base = made([1, 2], [3, 4])
        later = base.iloc[[0]].assign(completed_on=pd.Timestamp("2016-06-01"), total=40)
        same_day = base.iloc[[1]].assign(informant="practitioner", total=30)
        everything = pd.concat([later, base, same_day], ignore_index=True)
        for wave, total in (("latest", 40), ("earliest", 1)):
            chosen = sdq.choose_questionnaires(everything, children="lead", informant="any", wave=wave)  # type: ignore[arg-type]
            chosen = chosen.set_index("child_id")
            assert chosen.at["C0", "total"] == total and chosen.at["C1", "informant"] == "practitioner"
        parents = sdq.choose_questionnaires(everything, children="lead", informant="parent", wave="earliest")
        assert parents.set_index("child_id").at["C1", "total"] == 2

    @pytest.mark.parametrize("wave", ["latest", "earliest"])
    def test_a_sheet_without_a_total_displaces_no_other(self, wave: sdq.Wave) -> None:
        base = made([1, 2], [3, 4])
        days = [pd.Timestamp("2015-11-02"), pd.Timestamp("2016-06-01")]
        bare = [base.iloc[[0]].assign(completed_on=day, total=pd.array([pd.NA], dtype="Int64")) for day in days]
        chosen = sdq.choose_questionnaires(pd.concat([*bare, base]), children="lead", informant="any", wave=wave)
        assert chosen["total"].tolist() == [1, 2, 3, 4]
        only = sdq.choose_questionnaires(pd.concat([*bare, base.iloc[1:]]), children="lead", informant="any", wave=wave)
        assert len(only) == 4 and only["completed_on"].iloc[0] == days[1 if wave == "latest" else 0]

    def test_only_lead_children_unless_all_are_asked_for(self) -> None:
        sister = made([1, 2], [3, 4]).iloc[[0]].assign(child_id="S0", lead_child=False)
        everything = pd.concat([made([1, 2], [3, 4]), sister], ignore_index=True)
        assert len(sdq.choose_questionnaires(everything, children="lead", informant="any", wave="latest")) == 4
        every = sdq.choose_questionnaires(everything, children="all", informant="any", wave="latest")
        assert len(every) == 5
        with pytest.raises(CreweError, match="families, not children, were randomised"):
            sdq.estimate_published(every)
        with pytest.raises(CreweError, match=r"choose_questionnaires\(children='lead'\)"):
            sdq.estimate_better(every, alpha=0.05, **DRAWS)

    def test_a_choice_that_is_not_offered(self, scores: pd.DataFrame) -> None:
        given = {"children": "lead", "informant": "any", "wave": "latest"}
        for name, value in (("informant", "teacher"), ("children", "some"), ("wave", "middle")):
            with pytest.raises(CreweError, match=f"{name} is '{value}'; it must be one of "):
                sdq.choose_questionnaires(scores, **{**given, name: value})  # type: ignore[arg-type]

    def test_who_answered_adds_up(self, records: Records, scores: pd.DataFrame) -> None:
        chosen = sdq.choose_questionnaires(scores, children="lead", informant="any", wave="latest")
        answers = sdq.summarise_answers(records, scores, chosen)
        assert answers["families"].sum() == len(records.families)
        assert answers["answered"].sum() == answers[list(sdq.ORDER)].to_numpy().sum() == len(chosen)
        assert (answers[["before", "siblings", "unscorable", "other"]] == 0).all().all()
        days = chosen.loc[chosen["arm"] == "control", "days"]
        assert answers.set_index("arm").at["control", "days_median"] == days.median() and days.min() >= 0

    def test_every_questionnaire_that_is_not_used_is_counted_once(self, records: Records) -> None:
        """A child of the treated arm with an answer: a later sheet, an empty one, one too early, and a sibling's."""
        first = records.sdq.iloc[[0]]
        family = records.children.set_index("child_id").at[first["child_id"].iloc[0], "family_id"]
        arm = records.families.set_index("family_id").at[family, "arm"]
        items = [name for name in first if str(name).startswith("item_")]
        siblings = records.children.query("family_id == @family and lead_child != '1'")["child_id"]
        if siblings.empty:
            other = records.children.merge(records.families.query("arm == @arm")[["family_id"]], on="family_id")
            siblings = other.query("lead_child != '1'")["child_id"]
        day = first["completed_on"]
        extra = [
            first.assign(completed_on=day + pd.Timedelta(days=1)),
            first.assign(completed_on=day + pd.Timedelta(days=2), **dict.fromkeys(items[4:], pd.NA)),
            first.assign(completed_on=pd.Timestamp("2015-01-05")),
            first.assign(child_id=siblings.iloc[0]),
        ]
        more = pd.concat([records.sdq, *(one.astype(records.sdq.dtypes) for one in extra)], ignore_index=True)
        changed = replace(records, sdq=more)
        scores = derive_scores(changed)
        chosen = sdq.choose_questionnaires(scores, children="lead", informant="any", wave="latest")
        answers = sdq.summarise_answers(changed, scores, chosen).set_index("arm")
        unused = answers[["before", "siblings", "unscorable", "other"]]
        assert unused.loc[arm].tolist() == [1, 1, 1, 1]
        assert unused.to_numpy().sum() + answers["answered"].sum() == len(changed.sdq)
        table = sdq_tables.write_answers(answers.reset_index()).set_index("what")
        assert table.at["– brother’s or sister’s", arm] == "1"

    def test_an_arm_without_answers_is_shown_as_such(self, records: Records) -> None:
        scores = derive_scores(records).query("arm == 'treatment'")
        table = sdq_tables.write_answers(sdq.summarise_answers(records, scores, scores)).set_index("what")
        assert table.at["Days since randomisation, median (range)", "control"] == "–"
        assert table.at["– as a share of families", "control"] == "0%"


class TestEstimates:
    def test_published_and_exact_agree_about_where_the_arms_stand(self, scores: pd.DataFrame) -> None:
        published, better = sdq.estimate_published(scores), sdq.estimate_better(scores, alpha=0.05, **DRAWS)
        assert published["favours"].tolist() == better["favours"].tolist()
        assert np.abs(published["p_value"] - better["p_value"]).max() < 0.03

    def test_adjusted_p_values_are_no_smaller(self, scores: pd.DataFrame) -> None:
        table = sdq.estimate_better(scores, alpha=0.05, n_draws=2999, seed=1)
        assert (table["p_holm"] >= table["p_value"]).all()
        # The step-down p-value counts draws: three standard errors of 2,999 draws about the exact one.
        assert (table["p_step_down"] >= table["p_value"] - 0.03).all()
        ordered = table.sort_values("p_value")["p_holm"].tolist()
        assert all(a <= b for a, b in pairwise(ordered))

    def test_the_seed_alone_decides_the_draws(self, scores: pd.DataFrame) -> None:
        one, same, other = (sdq.estimate_better(scores, alpha=0.05, n_draws=299, seed=s) for s in (1, 1, 2))
        pd.testing.assert_frame_equal(one, same)
        assert one["p_step_down"].tolist() != other["p_step_down"].tolist()

    def test_a_scale_without_variety_is_left_out_with_its_reason(self) -> None:
        flat = made([1, 9, 12, 6], [3, 8, 7, 15]).assign(peer=pd.array([0] * 8, dtype="Int64"))
        published = sdq.estimate_published(flat).set_index("outcome")
        assert published.at["peer", "note"] == "all scores alike" and np.isnan(published.at["peer", "p_value"])
        better = sdq.estimate_better(flat, alpha=0.05, **DRAWS)
        words = sdq_tables.write_better(better).set_index("outcome")
        assert words.at["peer", "better_interval"] == words.at["peer", "shift_interval"] == "–"
        assert better["p_step_down"].notna().sum() == better["p_holm"].notna().sum() == 5

    def test_arms_that_do_not_overlap_keep_their_exact_test(self) -> None:
        apart = made([1, 2, 3, 4, 5], [30, 31, 32, 33, 34])
        row = sdq.estimate_better(apart, alpha=0.05, **DRAWS).set_index("outcome").loc["total"]
        assert row["better"] == 1 and np.isnan(row["better_low"]) and row["p_value"] == pytest.approx(2 / 252)
        table = sdq_specifications.estimate_specifications(apart, wave="latest", alpha=0.05, **DRAWS).set_index(
            "specification"
        )
        assert table.at["Brunner and Munzel", "note"] == "the arms do not overlap"

    def test_many_children_are_tested_by_the_normal_form(self) -> None:
        rng = np.random.default_rng(1)
        many = made(rng.integers(0, 40, 400).tolist(), rng.integers(0, 40, 200).tolist())
        published, better = sdq.estimate_published(many), sdq.estimate_better(many, alpha=0.05, **DRAWS)
        assert set(better["form"]) == {"normal"} and better["p_value"].tolist() == published["p_value"].tolist()
        table = sdq_specifications.estimate_specifications(many, wave="latest", alpha=0.05, **DRAWS)
        noted = table.set_index("specification")["note"]
        assert (
            noted["exact, ties kept"] == sdq_specifications.MANY and noted["normal approximation, as published"] == ""
        )
        few = sdq.estimate_better(made([1, 5, 7], [2, 9, 11]), alpha=0.05, **DRAWS)
        assert set(few["form"]) == {"exact"}

    def test_limits_of_a_shift_stay_on_the_scale(self) -> None:
        few = made([1, 2], [7, 9])
        row = sdq.estimate_better(few, alpha=0.05, **DRAWS).set_index("outcome").loc["total"]
        assert (row["shift_low"], row["shift_high"]) == (-40, 40)

    @pytest.mark.parametrize(("treated", "control"), [([], [1, 2, 3]), ([1], [2, 3]), ([5, 5], [5, 5])])
    def test_too_little_to_compare(self, treated: list[int], control: list[int]) -> None:
        with pytest.raises(CreweError, match=r"the total cannot be compared .* or leave the table sdq out"):
            sdq.estimate_published(made(treated, control))

    def test_missing_totals_are_left_out_and_counted(self) -> None:
        some = made([1, 9, 12, 6], [3, 8, 7, 15])
        some.loc[0, ["total", "peer", "total_five"]] = pd.NA
        table = sdq.estimate_published(some).set_index("outcome")
        assert (table.at["total", "n_treatment"], table.at["conduct", "n_treatment"]) == (3, 4)


class TestSpecifications:
    def test_one_child_a_family_gives_the_family_test_the_exact_answer(self, scores: pd.DataFrame) -> None:
        table = sdq_specifications.estimate_specifications(scores, wave="latest", alpha=0.05, n_draws=4999, seed=1)
        by = table.set_index("specification")
        # Three standard errors of a share near 0.4 in 4,999 draws are 0.021.
        gap = by.at["every child, families dealt anew", "p_value"] - by.at["exact, ties kept", "p_value"]
        assert abs(gap) < 0.021
        assert by.at["exact, children's own answers only", "note"] == "too few children"
        complete = scores[scores["answered"] == 25]
        fit = fit_mann_whitney(complete["total"].astype(float), complete["arm"] == "treatment", method="exact")
        assert by.at["exact, no answer left out", "p_value"] == pytest.approx(fit.p_value)

    def test_brothers_and_sisters_do_not_make_the_evidence_stronger(self) -> None:
        base = made([2, 5, 6, 9, 11], [7, 12, 13, 18, 20])
        both = pd.concat([base, base.assign(child_id="S" + base["child_id"], lead_child=False)], ignore_index=True)
        one, two = (
            sdq_specifications.estimate_specifications(x, wave="latest", alpha=0.05, n_draws=999, seed=1).set_index(
                "specification"
            )
            for x in (base, both)
        )
        last = "every child, families dealt anew"
        assert two.at[last, "n_treatment"] == 10
        assert two.at[last, "p_value"] == pytest.approx(one.at[last, "p_value"])

    def test_the_other_wave_has_its_row(self) -> None:
        base = made([2, 5, 6, 9, 11], [7, 12, 13, 18, 20])
        both = pd.concat([base, base.assign(completed_on=pd.Timestamp("2016-03-01"), total=40 - base["total"])])
        for wave, name in (("latest", "earliest"), ("earliest", "latest")):
            table = sdq_specifications.estimate_specifications(both, wave=wave, alpha=0.05, **DRAWS)  # type: ignore[arg-type]
            better = table.set_index("specification")["better"]
            found = better[f"exact, {name} questionnaire instead"]
            assert found == pytest.approx(1 - better["exact, ties kept"])
            assert (found > 0.5) == (name == "earliest")

    def test_what_could_be_found_rests_on_printed_families(self) -> None:
        design = sdq_specifications.summarise_design(load_claims())
        table = sdq_specifications.estimate_detectable(design, alpha=0.05, power=0.8)
        assert table[["n_treatment", "n_control"]].iloc[1].tolist() == [88, 44]
        assert table["better"].is_monotonic_increasing and table["deviations"].is_monotonic_increasing
        with pytest.raises(CreweError, match=r"power 0\.01"):
            sdq_specifications.estimate_detectable(design, alpha=0.05, power=0.01)

    def test_brothers_and_sisters_count_by_the_design_effect(self) -> None:
        """326 / 132 = 2.4697 a family; 1 + 1.4697 × 0.36 = 1.5291; 217 and 109 children count as 142 and 71."""
        design = sdq_specifications.summarise_design(load_claims())
        every = sdq_specifications.estimate_detectable(design, alpha=0.05, power=0.8).iloc[0]
        assert every[["n_treatment", "n_control", "worth"]].tolist() == [217, 109, 142 + 71]
        alike = {**design, "icc_low": design["icc_high"]}
        wholly = sdq_specifications.estimate_detectable(alike, alpha=0.05, power=0.8)
        assert wholly["worth"].tolist()[:2] == [132, 132] and wholly["better"].iloc[0] == wholly["better"].iloc[1]


class TestWords:
    def test_printed_statements_come_from_the_register(self) -> None:
        table = derive_statements(load_claims(), ids=sdq_tables.STATEMENTS)
        assert table.loc[1, "value"] == "not significant" and table["place"].str.startswith("2017 report").all()
        with pytest.raises(DataError, match=r"no claim r1\.sdq\.sig"):
            derive_statements(load_claims().query("id != 'r1.sdq.sig'"), ids=sdq_tables.STATEMENTS)

    def test_the_definition_is_in_doubt_in_both_ways(self) -> None:
        lead = check_sdq_definition(load_claims())
        assert lead.verdict == "confirmed" and lead.numbers["left"] == 4

    @pytest.mark.parametrize("gap", [-8, 0, 8])
    def test_findings_follow_the_data(self, records: Records, gap: int) -> None:
        scores = made([10, 11, 13, 14, 16, 17, 19], [10 + gap, 12 + gap, 13 + gap, 15 + gap, 16 + gap, 18 + gap])
        published, better = sdq.estimate_published(scores), sdq.estimate_better(scores, alpha=0.05, **DRAWS)
        answers = sdq.summarise_answers(records, scores, scores)
        found = sdq_words.summarise_findings(published, better, answers, alpha=0.05, power=0.8)
        assert found["favours"] == ("Project Crewe" if gap > 0 else "Cheshire East")
        assert found["favour_treatment"] + found["favour_control"] <= 6
        sources = {"findings": found}
        for binding in sdq_words.NUMBERS:
            if binding.source in sources:
                assert (binding.show or str)(found[binding.field])

    def test_counts_of_scores_take_their_verb(self) -> None:
        show = next(binding.show for binding in sdq_words.NUMBERS if binding.id == "rejected")
        assert show is not None and [show(n) for n in range(3)] == ["no score has", "1 score has", "2 scores have"]

    def test_researchers_records_need_enough_questionnaires(self, records: Records) -> None:
        few = replace(records, sdq=records.sdq.iloc[:1].reset_index(drop=True), kind="records")
        with pytest.raises(CreweError, match="Bring more questionnaires"):
            sdq.estimate_published(derive_scores(few))


class TestFigure:
    def test_every_child_is_a_mark_and_equal_scores_are_stacked(self, scores: pd.DataFrame) -> None:
        points = sdq_words.derive_points(scores)
        assert len(points) == scores["total"].notna().sum()
        assert not points.duplicated(["arm", "score", "height"]).any()
        figure, ax = plt.subplots()
        draw_points(points, ax=ax, most=most_points("total"))
        marks = sum(len(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "None")
        assert marks == len(points) and "worse" in ax.get_xlabel()
        plt.close(figure)

    def test_its_words_and_table_give_its_numbers(self) -> None:
        points = sdq_words.derive_points(made([3, 3, 8], [5, 20]))
        text = sdq_words.describe_points(points)["text"]
        assert text == (
            "Project Crewe: 3 children, median 3.0, from 3 to 8; Cheshire East: 2 children, median 12.5, from 5 to 20, "
            "of 40 points at most. Fewer points are better."
        )
        behind = sdq_words.derive_behind(points).set_index("score")
        assert behind.at[3, "Project Crewe"] == 2 and behind.at[20, "Cheshire East"] == 1
