"""The stored study of coverage: its trials, its true values, its methods against the chapter's, and what it shows."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from benchmarks import coverage, inference_size, stored
from benchmarks import coverage_methods as methods
from crewe_lib import definitions as d
from crewe_lib import load, rct_closing, rct_estimates, rct_survival
from crewe_lib import rct_coverage as names
from crewe_lib.datapackage import find_resource
from crewe_lib.models.proportions import fit_newcombe
from crewe_lib.provenance import REPOSITORY
from crewe_lib.rct import closing_design, derive_closing_set
from crewe_lib.rct_curves import derive_survival_set

DATES = d.derive_study_dates(load.load_claims())
PLACE = {name: place for place, name in enumerate(methods.METHODS)}


@pytest.fixture(scope="module")
def trials() -> list[methods.Trial]:
    """Ten trials with a real effect."""
    return coverage.form_trials(coverage.draw_records(10 * 132, 5, coverage.REAL), DATES)


@pytest.fixture(scope="module")
def study() -> pd.DataFrame:
    return load.load_coverage()


class TestTrials:
    def test_each_has_its_own_families_in_two_arms_of_one_size(self) -> None:
        records = coverage.draw_records(3 * 132, 5, coverage.REAL)
        made = coverage.form_trials(records, DATES)
        arms = records.families.set_index("family_id")["arm"]
        seen: set[str] = set()
        for trial in made:
            own = set(trial.children["family_id"])
            assert not own & seen
            seen |= own
            sizes = arms[sorted(set(trial.spells["family_id"]))].value_counts()
            assert 80 <= sizes["treatment"] <= 88 and 38 <= sizes["control"] <= 44
        assert len(made) == 3

    def test_leads_are_among_the_children_and_siblings_are_there(self, trials) -> None:
        for trial in trials:
            assert set(trial.leads["child_id"]) <= set(trial.children["child_id"])
            assert trial.leads["family_id"].is_unique and len(trial.children) > 1.8 * len(trial.leads)
            assert trial.children.groupby("family_id")["treated"].nunique().eq(1).all()

    def test_fewer_trials_are_the_first_of_more(self, monkeypatch) -> None:
        monkeypatch.setattr(coverage, "TRIALS_A_DRAW", 2)
        some, more = (list(coverage.draw_trials(count, coverage.REAL, DATES)) for count in (3, 4))
        assert [len(some), len(more)] == [3, 4]
        for one, other in zip(some, more, strict=False):
            pd.testing.assert_frame_equal(one.children, other.children)
        assert not some[0].leads["closed"].reset_index(drop=True).equals(some[2].leads["closed"].reset_index(drop=True))


class TestTrueValues:
    def test_without_an_effect_no_family_would_do_otherwise_in_the_other_arm(self, monkeypatch) -> None:
        monkeypatch.setattr(coverage, "TRUTH_DRAWS", 2)
        found = coverage.find_true_values(coverage.NONE, DATES, 400)
        assert found[names.HC1] == found[names.CHILDREN_CR2] == (0.0, 0.0)
        assert found[names.HISTORY_CR2] == found[names.INTERACTION_CR2] == (0.0, 0.0)
        assert found[names.RESTRICTED_MEAN][0] == 0 and np.isnan(found[names.COX_MODEL][0])

    def test_with_one_they_are_what_a_very_large_trial_shows(self, monkeypatch, study) -> None:
        monkeypatch.setattr(coverage, "TRUTH_DRAWS", 2)
        small = coverage.find_true_values(coverage.REAL, DATES, 2000)
        known = study[study["effect"] == names.REAL_EFFECT].set_index("method")
        records = coverage.draw_records(20_000, 99, coverage.REAL)
        for method, unit in ((names.HC1, "lead_child"), (names.CHILDREN_CR2, "children")):
            frame = derive_closing_set(records, dates=DATES, reading=coverage.READING, unit=unit)
            arms = frame.groupby("treated")["closed"].agg(["mean", "sem"])
            gap, error = 100 * (arms["mean"][1] - arms["mean"][0]), 100 * np.hypot(*arms["sem"])
            true = known["true_value"][method]
            assert gap == pytest.approx(true, abs=4.5 * error)  # siblings make the error of children too small
            assert small[method][0] == pytest.approx(true, abs=4.5 * small[method][1])
        frame = derive_closing_set(records, dates=DATES, reading=coverage.READING, unit="lead_child")
        groups = rct_closing.estimate_published(frame, alpha=0.05).set_index("group")
        for method, group in ((names.HISTORY_HC1, "with_history"), (names.INTERACTION_HC1, "interaction")):
            true, row = known["true_value"][method], groups.loc[group]
            assert row["estimate"] == pytest.approx(true, abs=4 * row["std_error"])
            assert small[method][0] == pytest.approx(true, abs=4.5 * small[method][1])
        spells = derive_survival_set(records, dates=DATES, reading=coverage.READING, unit="lead_child")
        days = rct_survival.estimate_restricted_mean(spells, until=int(methods.UNTIL), alpha=0.05).iloc[-1]
        assert days["estimate"] == pytest.approx(known["true_value"][names.RESTRICTED_MEAN], abs=4 * days["std_error"])

    def test_their_own_error_hardly_matters_to_coverage(self, study) -> None:
        known = study.dropna(subset=["true_value"])
        # The width is four standard errors of an estimate: a true value off by this part of one moves coverage by less
        # than a thousandth.
        assert (known["true_error"] < known["mean_width"] / 4 / 20).all()

    def test_the_restricted_mean_ends_with_the_pilot(self) -> None:
        assert (DATES.pilot_end - DATES.pilot_start).days == methods.UNTIL


class TestMethods:
    def test_they_say_what_the_chapter_says(self, trials) -> None:
        trial = trials[0]
        answers = methods.analyse(trial, np.random.default_rng(1))
        assert np.isfinite(answers).all()
        shown = ["estimate", "conf_low", "conf_high", "p_value"]
        published = rct_closing.estimate_published(trial.leads, alpha=methods.ALPHA)
        better = rct_closing.estimate_better(trial.leads, alpha=methods.ALPHA, n_draws=19, seed=1)
        effects = pd.concat([published, better]).set_index(["approach", "group"])
        for name, row in (
            (names.HC1, ("published", "all")),
            (names.CR2, ("better", "all")),
            (names.HISTORY_HC1, ("published", "with_history")),
            (names.HISTORY_CR2, ("better", "with_history")),
            (names.INTERACTION_HC1, ("published", "interaction")),
            (names.INTERACTION_CR2, ("better", "interaction")),
        ):
            np.testing.assert_allclose(answers[PLACE[name]], effects.loc[row, shown].to_numpy(float), rtol=1e-9)
        lin = rct_estimates.fit_lin(trial.leads, methods.ALPHA)[0]
        np.testing.assert_allclose(answers[PLACE[names.LIN]], [getattr(lin, field) for field in shown])
        cox = rct_survival.estimate_cox_published(trial.spells, alpha=methods.ALPHA).iloc[0]
        ratios = [*np.exp(answers[PLACE[names.COX_MODEL], :3]), answers[PLACE[names.COX_MODEL], 3]]
        np.testing.assert_allclose(ratios, cox[shown].to_numpy(float), rtol=1e-10)
        days = rct_survival.estimate_restricted_mean(trial.spells, until=int(methods.UNTIL), alpha=methods.ALPHA)
        np.testing.assert_allclose(answers[PLACE[names.RESTRICTED_MEAN], :3], days[shown].iloc[-1][:3].to_numpy(float))

    def test_the_ones_that_the_chapter_shows_in_a_table_only(self, trials) -> None:
        trial = trials[1]
        answers = methods.analyse(trial, np.random.default_rng(1))
        treated = trial.leads["treated"] == 1
        one, other = trial.leads.loc[treated, "closed"], trial.leads.loc[~treated, "closed"]
        limits = fit_newcombe(one.sum(), len(one), other.sum(), len(other), alpha=0.05)
        expected = 100 * np.array([one.mean() - other.mean(), *limits])
        np.testing.assert_allclose(answers[PLACE[names.NEWCOMBE], :3], expected)
        assert answers[PLACE[names.NEWCOMBE], 3] == float(limits[0] <= 0 <= limits[1])
        y, x = trial.children["closed"].to_numpy(float), closing_design(trial.children, ages="bands")[0]
        fit = sm.OLS(y, x).fit(cov_type="HC1", use_t=True)
        expected = [100 * fit.params[1], *(100 * fit.conf_int()[1]), fit.pvalues[1]]
        np.testing.assert_allclose(answers[PLACE[names.CHILDREN_HC1]], expected, rtol=1e-9)

    def test_a_trial_that_a_method_refuses_has_no_answer(self, trials) -> None:
        every = methods.Trial(trials[0].leads.assign(closed=1), trials[0].children, trials[0].spells)
        answers = methods.analyse(every, np.random.default_rng(1))
        none = np.isnan(answers).all(axis=1)
        assert none[PLACE[names.HC1]] and none[PLACE[names.LOGIT]] and not none[PLACE[names.CHILDREN_HC1]]


def test_a_row_by_hand() -> None:
    answers = np.array([[1, 0, 2, 0.05], [1, 0.5, 3, 0.01], [2, -1, 1, 0.2], [np.nan] * 4])
    row = coverage.summarise(answers, 1.0, 0.1)
    assert (row["replications"], row["answered"], row["covered"], row["rejections"]) == (4, 3, 3, 2)
    assert row["coverage"] == 1 and row["coverage_error"] == 0
    assert row["rejection_rate"] == pytest.approx(2 / 3, abs=5e-6)
    assert row["rejection_error"] == pytest.approx(np.sqrt(2 / 27), abs=5e-6)
    assert row["mean_estimate"] == pytest.approx(4 / 3, abs=5e-5)
    assert row["mean_width"] == pytest.approx(6.5 / 3, abs=5e-5)
    none = coverage.summarise(answers, np.nan, np.nan)
    assert none["covered"] is None and np.isnan(none["coverage"]) and none["rejections"] == 2
    assert coverage.summarise(answers, 2.5, 0.1)["covered"] == 1


def test_the_correlation_by_hand() -> None:
    """Half of either arm closed, so that a pair alike has a product of 1/4, which is the variance, and a pair apart
    −1/4. Pairs: alike, apart, alike; and three alike in the family of three: (1 − 1 + 1 + 3) / 6."""
    children = pd.DataFrame({"trial": 1, "family_id": [*"aabbcceeedfg"], "treated": [1] * 6 + [0] * 6})
    children["closed"] = [1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0]
    assert coverage.correlate(children) == pytest.approx(4 / 6)
    # Families of one name in two trials are not one family.
    assert coverage.correlate(pd.concat([children, children.assign(trial=2)])) == pytest.approx(4 / 6)


class TestTheStoredTable:
    def test_it_is_complete_and_consistent(self, study) -> None:
        assert list(study) == list(coverage.FIELDS)
        assert [*zip(study["effect"], study["method"], strict=True)] == [
            (effect, method) for effect in coverage.EFFECTS for method in methods.METHODS
        ]
        assert (study["replications"] == coverage.REPLICATIONS).all() and coverage.REPLICATIONS >= 1000
        for count, rate, error in (
            ("covered", "coverage", "coverage_error"),
            ("rejections", "rejection_rate", "rejection_error"),
        ):
            share = (study[count] / study["answered"]).astype(float).to_numpy(na_value=np.nan)
            np.testing.assert_allclose(study[rate], share, atol=5e-6)
            np.testing.assert_allclose(study[error], np.sqrt(share * (1 - share) / study["answered"]), atol=5e-6)
        hazards = study["measure"] == names.LOG_HAZARD
        blank = study["true_value"].isna()
        assert blank.eq(hazards & (study["effect"] == names.REAL_EFFECT)).all()
        assert blank.eq(study["coverage"].isna()).all()
        assert study["family_correlation"].notna().eq(study["method"].isin(names.OF_CHILDREN)).all()
        assert study.groupby("effect")["family_correlation"].nunique().eq(1).all()

    def test_the_card_describes_its_columns(self) -> None:
        fields = find_resource(stored.TO, "coverage").descriptor["schema"]["fields"]
        assert [field["name"] for field in fields] == list(names.COVERAGE.columns)
        nullable = [name for name, column in names.COVERAGE.columns.items() if column.nullable]
        assert [field["name"] for field in fields if not field["constraints"]["required"]] == nullable

    def test_what_it_shows(self, study) -> None:
        rows = study.set_index(["effect", "method"])
        none, real = rows.loc[names.NO_EFFECT], rows.loc[names.REAL_EFFECT]
        slack = 3 * np.sqrt(0.05 * 0.95 / coverage.REPLICATIONS)
        assert slack < 0.0125  # so a coverage of 93.5% would be noticed
        # Every estimator is right on average, within four of its own Monte Carlo errors.
        error = rows["mean_width"] / 3.9 / np.sqrt(rows["answered"])
        gap = (rows["mean_estimate"] - rows["true_value"]).abs()
        assert (gap[gap.notna()] < 4 * np.hypot(error, rows["true_error"].fillna(0))[gap.notna()]).all()
        # Those that allow for families keep their level, chance aside; those that ignore them do not.
        keeping = [name for name in methods.METHODS if name != names.CHILDREN_HC1]
        assert ((none.loc[keeping, "rejection_rate"] - 0.05).abs() < slack).all()
        assert ((rows.loc[(slice(None), keeping), "coverage"].dropna() - 0.95).abs() < slack).all()
        table = names.derive_coverage_table(study).set_index("method")
        assert set(table.loc[keeping, "verdict"].dropna()) == {"as often as it should"}
        assert set(table.loc[keeping, "verdict_none"]) == {"as often as it should"}
        assert table.loc[names.CHILDREN_HC1, ["verdict", "verdict_none"]].eq("less often than it should").all()
        assert none["rejection_rate"][names.CHILDREN_HC1] > 0.08
        assert real["coverage"][names.CHILDREN_HC1] < real["coverage"][names.CHILDREN_CR2] - 0.02
        # What counting all children gains rests on how alike siblings are; here they are only a little.
        assert study["family_correlation"].dropna().between(0.1, 0.25).all()
        # A trial of this size seldom finds an effect of this size.
        assert (real.loc[[names.HC1, names.CR2, names.RANDOMISATION], "rejection_rate"] < 0.2).all()

    @pytest.mark.slow
    def test_it_is_what_the_seed_gives(self, study) -> None:
        made = coverage.study(int(study["replications"].iloc[0]))
        # Means are written with four decimals, whose last may turn on the order in which a machine sums.
        pd.testing.assert_frame_equal(made, study, check_dtype=False, rtol=0, atol=2e-4)


def test_the_files_are_rewritten_byte_for_byte_and_other_studies_stay(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(coverage, "TRIALS_A_DRAW", 3)
    monkeypatch.setattr(coverage, "TRUTH_DRAWS", 1)
    there = REPOSITORY / "data" / "simulated_studies"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for file in ("inference_size.csv", "datapackage.json"):
            (tmp_path / name / file).write_bytes((there / file).read_bytes())
        coverage.write(coverage.study(3, 400), tmp_path / name)
    for file in ("coverage.csv", "inference_size.csv", "datapackage.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    card = json.loads((tmp_path / "a" / "datapackage.json").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in card["resources"]] == ["coverage", "inference_size"]
    kept = find_resource(tmp_path / "a", "inference_size").descriptor
    assert kept == find_resource(there, "inference_size").descriptor
    assert card["kind"] == "simulated" and len(card["sources"]) == 2


def test_the_card_in_the_repository_is_what_both_studies_write(study, tmp_path) -> None:
    inference_size.write(load.load_inference_size(), tmp_path)
    coverage.write(study, tmp_path)
    for file in ("coverage.csv", "inference_size.csv", "datapackage.json"):
        assert (tmp_path / file).read_bytes() == (stored.TO / file).read_bytes(), file


class TestTheChapter:
    def test_the_table_has_the_studys_numbers(self, study) -> None:
        table = names.derive_coverage_table(study).set_index("method")
        assert set(table.reset_index()) - set(names.COVERAGE_COLUMNS) == {"mean_width", "verdict", "verdict_none"}
        assert table["width"][names.HC1] == f"{table['mean_width'][names.HC1]:.1f} points"
        rows = study.set_index(["effect", "method"])
        for method in methods.METHODS:
            none, real = rows.loc[(names.NO_EFFECT, method)], rows.loc[(names.REAL_EFFECT, method)]
            assert table["coverage_none"][method] == none["coverage"]
            assert table["rejected_none"][method] == none["rejection_rate"]
            assert table["rejected_real"][method] == real["rejection_rate"]
            assert table["mean_width"][method] == real["mean_width"]
        assert table["coverage_real"].isna().sum() == 2 and table["coverage_real"][names.HC1] > 0.9
        assert table["answered"].between(0.99, 1).all() and table["answered"][names.HC1] == 1

    def test_the_summary(self, study) -> None:
        said = names.summarise_coverage(study)
        assert said.trials == coverage.REPLICATIONS and 0.003 < said.mc_error < 0.01
        assert 3 < said.true_points < 9 and 3 < said.true_points_children < 9 and said.true_days > 0
        assert 5 < said.true_points_history < 20 and 3 < said.true_points_apart < 20
        rows = study[study["effect"] == names.REAL_EFFECT].set_index("method")
        assert said.correlation == rows["family_correlation"][names.CHILDREN_CR2]
        assert said.width_ratio == rows["mean_width"][names.CHILDREN_CR2] / rows["mean_width"][names.CR2] < 1
        assert said.fewest == (study["answered"] / study["replications"]).min()
        assert said.better_verdict == "as often as it should"
        assert said.ignored_verdict == "less often than it should"

    def test_verdicts(self, study) -> None:
        rows = (study["effect"] == names.REAL_EFFECT) & (study["method"] == names.HC1)
        for share, verdict in ((0.935, "less often than"), (0.945, "as often as"), (0.97, "more often than")):
            changed = study.assign(coverage=study["coverage"].where(~rows, share))
            assert names.summarise_coverage(changed).published_verdict == f"{verdict} it should"
