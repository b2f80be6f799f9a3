"""Chapter 04: printed counts and official shares by hand, changes against R, brute force and identities, figures."""

import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from ledger_rows import with_rows
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from crewe_lib import risk, risk_estimates, risk_printed, risk_words
from crewe_lib.errors import CreweError, DataError
from crewe_lib.figures import risk as figures
from crewe_lib.load import load_claims, load_context_counts, load_risk_framework, load_simulated_cohort
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.risk_scoring import LASTING, derive_risk_scores, derive_score_range, list_child_factors

REFERENCE = Path(__file__).parent / "reference"


def reference(quantity: str) -> float:
    return float(pd.read_csv(REFERENCE / "risk.csv", comment="#").set_index("quantity")["value"][quantity])


def made_scores(rows) -> pd.DataFrame:
    """Scores from (family, arm, time, risk, protective, engagement)."""
    scores = pd.DataFrame(rows, columns=["family_id", "arm", "time_point", "risk", "protective", "engagement"])
    return scores.assign(
        coders=1, child=False, total=scores[["risk", "protective", "engagement"]].sum(axis=1, skipna=False)
    )


def from_totals(start, end, treated) -> pd.DataFrame:
    """Scores whose risk part is the total, one family for each entry."""
    rows = []
    for number, (first, last, arm) in enumerate(zip(start, end, treated, strict=True)):
        name = "treatment" if arm else "control"
        rows += [(f"F{number}", name, "referral", first, 0.0, 0.0), (f"F{number}", name, "latest", last, 0.0, 0.0)]
    return made_scores(rows)


@pytest.fixture(scope="module")
def register():
    return load_claims()


@pytest.fixture(scope="module")
def sample(register):
    return risk_printed.derive_sample_shares(register, alpha=0.05)


@pytest.fixture(scope="module")
def official(sample):
    return risk_printed.derive_official_shares(sample, load_context_counts(), alpha=0.05, power=0.8)


@pytest.fixture(scope="module")
def cohort():
    return load_simulated_cohort()


@pytest.fixture(scope="module")
def scores(cohort):
    return derive_risk_scores(cohort, load_risk_framework(), combine="sum")


@pytest.fixture(scope="module")
def changes(scores):
    return risk.derive_changes(scores)


@pytest.fixture(scope="module")
def made():
    """The input of the reference script, as changes."""
    table = pd.read_csv(REFERENCE / "risk_input.csv")
    return risk.derive_changes(from_totals(table["start"], table["end"], table["treated"]))


class TestSample:
    def test_counts_and_shares(self, sample) -> None:
        assert sample["k"].tolist() == [14, 10, 7] and set(sample["n"]) == {30}
        assert sample["share"].round(1).tolist() == [46.7, 33.3, 23.3]
        assert sample["printed"].tolist() == [49.6, 36.6, 19.3]

    @pytest.mark.parametrize(("name", "method"), [("wilson", "wilson"), ("exact", "beta")])
    def test_intervals_agree_with_statsmodels(self, sample, name, method) -> None:
        for row in sample.to_dict("records"):
            low, high = proportion_confint(row["k"], row["n"], method=method)
            assert row[f"{name}_low"] == pytest.approx(100 * low, rel=1e-9)
            assert row[f"{name}_high"] == pytest.approx(100 * high, rel=1e-9)

    def test_exact_interval_agrees_with_r(self, sample) -> None:
        row = sample.set_index("factor").loc["dv"]
        assert row["exact_low"] == pytest.approx(100 * reference("exact low"), rel=1e-7)
        assert row["exact_high"] == pytest.approx(100 * reference("exact high"), rel=1e-7)

    def test_what_is_printed(self, register) -> None:
        printed = risk_printed.derive_printed(register)
        assert (printed["n_treatment"], printed["n_control"], printed["n"]) == (15, 15, 30)
        assert (printed["followed_treatment"], printed["followed_control"], printed["followed"]) == (6, 7, 13)
        assert (printed["rise_treatment"], printed["rise_control"]) == (1.5, 2.2)
        assert (printed["referral"], printed["latest"]) == ("−6 to 2", "2 to 6")
        assert (printed["scale_low"], printed["scale_high"], printed["child_age"], printed["lost"]) == (-2, 2, 11, 17)
        assert printed["riskier"] == printed["improved"] == printed["safer"] == "Project Crewe"
        assert (printed["repeated"], printed["tested"]) == ("yes", "n.s.")

    def test_an_order_that_names_no_arm_is_refused(self, register) -> None:
        other = with_rows(register, {"r1.risk.referral_order": {"value": "CEC more"}})
        assert risk_printed.derive_printed(other)["riskier"] == "the usual service"
        with pytest.raises(DataError, match="referral_order is 'alike'; it must begin with PC or CEC"):
            risk_printed.derive_printed(with_rows(register, {"r1.risk.referral_order": {"value": "alike"}}))


class TestOfficial:
    def test_shares_by_hand(self, official) -> None:
        rows = official.set_index("counted")
        assert rows.at["domestic violence", "england"] == pytest.approx(100 * 222200 / 448200)
        assert rows.at["mental health", "cheshire_east"] == pytest.approx(100 * 1364 / 3159)
        assert rows.at["drug misuse", "england"] == pytest.approx(100 * 86600 / 448200)
        both = rows.loc[["alcohol misuse", "drug misuse"], "england"].sum()
        assert rows.at[risk_printed.EITHER, "england"] == pytest.approx(both)

    def test_the_printed_national_share_is_drug_misuse(self, sample, official) -> None:
        printed = sample.set_index("factor")["printed"]
        england = official.set_index("counted")["england"].round(1)
        assert england["domestic violence"] == printed["dv"] and england["mental health"] == printed["mh"]
        assert england["drug misuse"] == printed["sub"] != england["alcohol misuse"]

    def test_summary_leaves_the_sum_out(self, official) -> None:
        summary = risk_printed.summarise_official(official)
        assert summary["counts"] == len(official) - 1 == 4
        own = official[official["counted"] != risk_printed.EITHER]
        assert summary["cheshire_east_higher"] == (own["cheshire_east"] > own["england"]).sum()

    def test_a_missing_count_is_named(self, sample) -> None:
        context = load_context_counts()
        with pytest.raises(DataError, match="no count of domestic_violence in E92000001 for 2016"):
            risk_printed.derive_official_shares(
                sample, context[context["measure"] != "domestic_violence"], alpha=0.05, power=0.8
            )


class TestDetectable:
    @pytest.mark.parametrize("reference_share", [0.193, 0.366, 0.496, 0.9])
    @pytest.mark.parametrize(("n", "alpha", "power"), [(30, 0.05, 0.8), (13, 0.1, 0.9)])
    def test_shares_by_brute_force(self, reference_share, n, alpha, power) -> None:
        below, above = risk_printed.find_detectable_shares(reference_share, n, alpha=alpha, power=power)
        p_values = np.array([stats.binomtest(k, n, reference_share).pvalue for k in range(n + 1)])

        def found(share: float, side: int) -> float:
            on_side = side * (np.arange(n + 1) - n * reference_share) > 0
            return stats.binom.pmf(np.arange(n + 1), n, share)[(p_values <= alpha) & on_side].sum()

        for edge, side in ((below, -1), (above, 1)):
            if math.isnan(edge):
                end = 0 if side < 0 else 1
                assert found(end, side) < power
            else:
                assert found(edge, side) == pytest.approx(power, abs=1e-9)
                step = side * min(0.01, edge / 2, (1 - edge) / 2)
                assert found(edge + step, side) > power > found(edge - step, side)

    def test_shares_mirror(self) -> None:
        below, above = risk_printed.find_detectable_shares(0.3, 30, alpha=0.05, power=0.8)
        mirrored = risk_printed.find_detectable_shares(0.7, 30, alpha=0.05, power=0.8)
        assert mirrored == pytest.approx((1 - above, 1 - below))

    def test_where_no_share_can_be_found(self) -> None:
        assert math.isnan(risk_printed.find_detectable_shares(0.05, 10, alpha=0.05, power=0.8)[0])

    @pytest.mark.parametrize("wrong", [{"reference": 0.0}, {"alpha": 1.0}, {"power": 0.0}, {"n": 0}])
    def test_named_errors(self, wrong) -> None:
        given = {"reference": 0.5, "n": 30, "alpha": 0.05, "power": 0.8} | wrong
        with pytest.raises(CreweError, match="between 0 and 1"):
            risk_printed.find_detectable_shares(given.pop("reference"), given.pop("n"), **given)

    def test_differences_between_arms(self, register) -> None:
        table = risk_printed.derive_detectable(register, alpha=0.05, power=0.8)
        # R's power.t.test counts both tails, as statsmodels does.
        assert table["detectable"].iloc[0] == pytest.approx(reference("detectable"), rel=1e-6)
        n1, n2, d = table[["treatment", "control", "detectable"]].iloc[1]
        law = stats.nct(n1 + n2 - 2, d * math.sqrt(n1 * n2 / (n1 + n2)))
        bound = stats.t.ppf(0.975, n1 + n2 - 2)
        assert law.sf(bound) + law.cdf(-bound) == pytest.approx(0.8, abs=1e-6)


class TestChanges:
    SCORES = made_scores(
        [
            ("A", "treatment", "referral", -6.0, 1.0, -1.0),
            ("A", "treatment", "latest", -2.0, 2.0, 2.0),
            ("B", "treatment", "referral", -3.0, 0.0, 1.0),
            ("B", "treatment", "latest", -3.0, 0.0, 1.0),
            ("C", "treatment", "referral", -1.0, 0.0, 1.0),
            ("C", "treatment", "latest", -3.0, 0.0, 1.0),
            ("D", "control", "referral", -5.0, 1.0, 2.0),
            ("D", "control", "latest", -4.0, 3.0, 2.0),
            ("E", "control", "referral", -5.0, 1.0, -2.0),
            ("E", "control", "latest", -5.0, 2.0, -2.0),
            ("G", "control", "referral", -2.0, 1.0, 1.0),
            ("G", "control", "latest", -2.0, 1.0, 1.0),
            ("H", "control", "referral", -2.0, 1.0, 1.0),
            ("I", "control", "referral", -2.0, 1.0, math.nan),
            ("I", "control", "latest", -2.0, 1.0, 1.0),
        ]
    )

    def test_by_hand(self) -> None:
        changes = risk.derive_changes(self.SCORES).set_index("family_id")
        assert changes.index.tolist() == list("ABCDEG") and changes["treated"].tolist() == [1, 1, 1, 0, 0, 0]
        assert changes["total_change"].tolist() == [8.0, 0.0, -2.0, 3.0, 1.0, 0.0]
        assert changes.loc["A", ["risk_change", "protective_change", "engagement_change"]].tolist() == [4.0, 1.0, 3.0]

    def test_those_left_out_are_counted(self) -> None:
        coded = risk.count_coded(self.SCORES).set_index("arm")
        assert coded.loc["treatment"].tolist() == [3, 3, 0, 3, 0, 0]
        assert coded.loc["control"].tolist() == [5, 4, 0, 3, 2, 0]

    def test_means_and_difference_by_hand(self) -> None:
        means = risk.derive_means(self.SCORES, self.SCORES).set_index("outcome")
        assert means.index.tolist() == ["total", "risk", "protective", "engagement"]  # nobody was followed further
        assert means.loc["total", ["treatment", "control", "difference"]].tolist() == pytest.approx([2.0, 4 / 3, 2 / 3])
        assert means.at["risk", "difference"] == pytest.approx(2 / 3 - 1 / 3)
        parts = means.loc[["risk", "protective", "engagement"], "difference"].sum()
        assert parts == pytest.approx(means.at["total", "difference"])
        assert means.at["total", "period"] == "at referral to latest (n = 3 and 3)"

    def test_the_follow_up_is_a_period_of_its_own(self, scores) -> None:
        means = risk.derive_means(scores, scores)
        later = means[means["start"] == "latest"].set_index("outcome").loc["total"]
        assert (later["n_treatment"], later["n_control"]) == (6, 7)

    def test_the_follow_up_is_scored_by_its_own_reading(self, cohort, scores) -> None:
        """By the mean of both ratings the cohort gives the changes that the second report prints, by their sum not."""
        by_mean = derive_risk_scores(cohort, load_risk_framework(), combine="mean")
        means = risk.derive_means(scores, by_mean).query("outcome == 'total'").set_index("start")
        first = risk.derive_changes(scores).groupby("arm")["total_change"].mean()
        assert means.at["referral", "treatment"] == pytest.approx(first["treatment"])
        assert means.loc["latest", ["treatment", "control"]].tolist() == pytest.approx([-1.5, -15.5 / 7])

    def test_safer_and_less_safe_are_counted(self) -> None:
        summary = risk.summarise_changes(risk.derive_changes(self.SCORES), alpha=0.05).set_index("arm")
        assert summary.loc["treatment", ["safer", "same", "less_safe"]].tolist() == [1, 1, 1]
        interval = stats.ttest_1samp([8.0, 0.0, -2.0], 0).confidence_interval(0.95)
        assert summary.loc["treatment", ["low", "high"]].tolist() == pytest.approx([interval.low, interval.high])
        with pytest.raises(CreweError, match="alpha is 0"):
            risk.summarise_changes(risk.derive_changes(self.SCORES), alpha=0)

    def test_boxes_by_hand(self) -> None:
        treated, control = [-3.0, 0.0, 1.0, 2.0, 9.0], [4.0, 1.0, 3.0, 2.0]
        scores = from_totals([*treated, *control], [0.0] * 9, [1] * 5 + [0] * 4)
        boxes = risk.summarise_boxes(scores, risk.derive_changes(scores)).set_index(["arm", "time_point"])
        columns = ["low", "lower_hinge", "median", "upper_hinge", "high"]
        assert boxes.loc[("treatment", "referral"), columns].tolist() == [-3, 0, 1, 2, 9]
        assert boxes.loc[("control", "referral"), columns].tolist() == [1, 1.5, 2.5, 3.5, 4]
        assert boxes.loc[("control", "latest"), columns].tolist() == [0] * 5

    def test_too_few_or_unknown(self) -> None:
        few = self.SCORES[~self.SCORES["family_id"].isin(["A"])]
        with pytest.raises(CreweError, match="2 treatment families have a total score both at 'referral' and at 'lat"):
            risk.derive_changes(few)
        with pytest.raises(CreweError, match="no time point is named later"):
            risk.derive_changes(self.SCORES, end="later")


class TestEstimates:
    def test_welch_agrees_with_r(self, made) -> None:
        fit = risk_estimates.compare_changes(made, "total", alpha=0.05)
        found = (fit.estimate, fit.conf_low, fit.conf_high, fit.p_value, fit.df)
        names = ("estimate", "low", "high", "p_value", "df")
        assert found == pytest.approx([reference(f"welch {name}") for name in names], rel=1e-9)

    def test_ancova_agrees_with_clubsandwich(self, made) -> None:
        fit = risk_estimates.adjust_for_start(made, "total", alpha=0.05)
        found = (fit.estimate, fit.std_error, fit.df, fit.p_value)
        names = ("estimate", "std_error", "df", "p_value")
        assert found == pytest.approx([reference(f"ancova {name}") for name in names], rel=1e-9)

    def test_randomisation_by_enumeration(self) -> None:
        """All twenty allocations of six families, by the studentised difference of means."""
        change, arm = np.array([8.0, 3.0, 5.0, 1.0, -2.0, 4.0]), np.array([1, 1, 1, 0, 0, 0])
        changes = risk.derive_changes(from_totals(np.zeros(6), change, arm))
        fit = risk_estimates.randomise(changes, "total", alpha=0.2, n_draws=999, rng=np.random.default_rng(1))

        def size(chosen) -> float:
            ours, theirs = change[list(chosen)], np.delete(change, list(chosen))
            return abs(ours.mean() - theirs.mean()) / math.sqrt(ours.var() / 3 + theirs.var() / 3)

        sizes = np.array([size(chosen) for chosen in combinations(range(6), 3)])
        assert fit.p_value == pytest.approx((sizes >= size((0, 1, 2)) - 1e-9).mean())
        assert fit.estimate == pytest.approx(13 / 3) and fit.conf_low < fit.estimate < fit.conf_high

    def test_invariances(self, made) -> None:
        rng = np.random.default_rng(2)
        swapped = made.assign(treated=1 - made["treated"])
        shifted = made.assign(total_end=made["total_end"] + 3, total_change=made["total_change"] + 3)
        shuffled = made.iloc[rng.permutation(len(made))].reset_index(drop=True)
        for compare in (risk_estimates.compare_changes, risk_estimates.adjust_for_start):
            fit = compare(made, "total", alpha=0.05)
            other = compare(swapped, "total", alpha=0.05)
            assert (other.estimate, other.conf_low) == pytest.approx((-fit.estimate, -fit.conf_high))
            for changed in (shifted, shuffled):
                assert compare(changed, "total", alpha=0.05).estimate == pytest.approx(fit.estimate)

    def test_truth_is_recovered(self) -> None:
        rng = np.random.default_rng(9)
        arm = np.repeat([1, 0], 2000)
        start = rng.normal(-3, 4, 4000) - 2 * arm  # the treated start less safe
        end = 2 + 0.5 * start + 1.5 * arm + rng.normal(0, 2, 4000)
        changes = risk.derive_changes(from_totals(start, end, arm))
        assert risk_estimates.adjust_for_start(changes, "total", alpha=0.05).estimate == pytest.approx(1.5, abs=0.2)
        # The change is tilted by where the arms started: half of the two points come back by themselves.
        assert risk_estimates.compare_changes(changes, "total", alpha=0.05).estimate == pytest.approx(2.5, abs=0.2)
        told = risk_estimates.describe_start(changes)
        assert told["from_start"] == pytest.approx(1.0, abs=0.15) and told["slope"] == pytest.approx(0.5, abs=0.05)

    def test_change_is_ancova_and_the_start(self, changes) -> None:
        told = risk_estimates.describe_start(changes)
        assert told["change_gap"] == pytest.approx(told["adjusted"] + told["from_start"])
        assert told["adjusted"] == pytest.approx(risk_estimates.adjust_for_start(changes, "total", alpha=0.05).estimate)
        own = changes.groupby("treated")["total_change"]
        assert told["sd"] == pytest.approx(math.sqrt((own.var() * (own.size() - 1)).sum() / (len(changes) - 2)))

    def test_the_table_says_why_something_is_missing(self, made) -> None:
        table = risk_estimates.estimate_differences(made, alpha=0.05, n_draws=99, seed=1)
        assert len(table) == 12
        flat = table[table["outcome"] == "protective"]  # zero in every family
        assert flat["note"].str.contains("all families changed by the same").all() and flat["estimate"].isna().all()
        whole = table[table["outcome"] == "total"]
        assert not whole["note"].any() and whole[["estimate", "interval", "p_value"]].notna().all(axis=None)

    def test_the_same_seed_gives_the_same_table(self, made) -> None:
        tables = [risk_estimates.estimate_differences(made, alpha=0.05, n_draws=99, seed=1) for _ in range(2)]
        pd.testing.assert_frame_equal(*tables)

    def test_the_summary_follows_the_table(self, changes) -> None:
        table = risk_estimates.estimate_differences(changes, alpha=0.05, n_draws=499, seed=1)
        summary = risk_estimates.summarise_differences(table, alpha=0.05)
        assert summary["tests"] == 12 and summary["small"] == (table["p_value"] <= 0.05).sum()
        first = table.iloc[0]
        said = "includes zero" if first["conf_low"] <= 0 <= first["conf_high"] else "leaves out zero"
        assert summary["interval"] == f"{first['interval']}, which {said}"

    def test_three_families_in_each_arm_have_no_limits(self, scores) -> None:
        """Twenty allocations cannot reject anything at one in twenty: the estimate stays, the interval is unbounded."""
        change, arm = np.array([8.0, 3.0, 5.0, 1.0, -2.0, 4.0]), np.array([1, 1, 1, 0, 0, 0])
        few = risk.derive_changes(from_totals(np.arange(6.0), np.arange(6.0) + change, arm))
        table = risk_estimates.estimate_differences(few, alpha=0.05, n_draws=999, seed=1)
        own = table.iloc[0]
        assert own["interval"] == "unbounded" and "no effect can be rejected" in own["note"]
        assert own["estimate"] == pytest.approx(13 / 3) and 0.1 <= own["p_value"] <= 1
        wide = risk_estimates.randomise(few, "total", alpha=0.2, n_draws=999, rng=np.random.default_rng(1))
        assert wide.p_value == own["p_value"] and math.isfinite(wide.conf_high)
        summary = risk_estimates.summarise_differences(table, alpha=0.05)
        assert summary["interval"] == "unbounded, which includes zero"
        with pytest.raises(CreweError, match="9 draws cannot give"):
            risk_estimates.randomise(few, "total", alpha=0.05, n_draws=9, rng=np.random.default_rng(1))

    def test_a_total_without_variation_is_named(self) -> None:
        flat = risk.derive_changes(from_totals([0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0]))
        table = risk_estimates.estimate_differences(flat, alpha=0.2, n_draws=99, seed=1)
        with pytest.raises(CreweError, match="cannot be assessed: all families changed by the same"):
            risk_estimates.summarise_differences(table, alpha=0.2)
        assert risk.summarise_changes(flat, alpha=0.05)["low"].isna().all()


class TestSpecifications:
    def test_each_is_what_it_says(self, cohort) -> None:
        framework = load_risk_framework()
        table = risk_estimates.estimate_specifications(cohort, framework, alpha=0.05)
        assert len(table) == len(table.drop_duplicates(["combine", "factors", "method"])) == 10
        changes = risk.derive_changes(derive_risk_scores(cohort, framework, combine="mean", without=LASTING))
        expected = risk_estimates.adjust_for_start(changes, "total", alpha=0.05)
        own = table[table["combine"].eq("mean") & table["factors"].ne("all") & table["method"].eq("ANCOVA, CR2")]
        assert own["estimate"].item() == expected.estimate
        summary = risk_estimates.summarise_specifications(table, alpha=0.05)
        assert summary["all"] == 10 and summary["least"] <= own["estimate"].item() <= summary["greatest"]

    def test_without_the_child_growing_up_changes_nothing(self, cohort) -> None:
        """A child coded at the latest only, as one who passed the age: its part moves every reading but the last."""
        framework = load_risk_framework()
        case = cohort.risk.query("factor == 'child_engagement'")["family_id"].iloc[0]
        own = list_child_factors(framework)
        young = cohort.risk["factor"].isin(own) & cohort.risk["family_id"].eq(case)
        grown = replace(cohort, risk=cohort.risk[~(young & cohort.risk["time_point"].eq("referral"))])
        coded = risk.count_coded(derive_risk_scores(grown, framework, combine="sum"))
        assert coded["child_once"].sum() == 1 and coded["left_out"].sum() == 0
        assert risk.count_coded(derive_risk_scores(cohort, framework, combine="sum"))["child_once"].sum() == 0
        before, after = (
            risk_estimates.estimate_specifications(records, framework, alpha=0.05).set_index("factors")["estimate"]
            for records in (cohort, grown)
        )
        np.testing.assert_array_equal(before["without the child's own"], after["without the child's own"])
        assert (before["all"].to_numpy() != after["all"].to_numpy()).all()

    def test_none_that_can_be_estimated(self, cohort) -> None:
        table = risk_estimates.estimate_specifications(cohort, load_risk_framework(), alpha=0.05)
        with pytest.raises(CreweError, match="no specification"):
            risk_estimates.summarise_specifications(table.assign(p_value=np.nan), alpha=0.05)


class TestFigures:
    @pytest.fixture
    def panels(self):
        canvas, axes = plt.subplots(1, 2)
        yield list(axes)
        plt.close(canvas)

    def test_every_case_is_drawn_and_upwards_is_safer(self, panels, scores, changes) -> None:
        boxes = risk.summarise_boxes(scores, changes)
        figures.draw_boxes(boxes, ax=panels, points=changes)
        for panel, arm in zip(panels, ("treatment", "control"), strict=True):
            own = changes[changes["arm"] == arm]
            drawn = [line.get_ydata() for line in panel.lines if line.get_marker() in ("o", "s")]
            assert [sorted(values) for values in drawn] == [sorted(own["total_start"]), sorted(own["total_end"])]
            texts = {text.get_text(): text.get_position()[1] for text in panel.texts}
            assert texts["↑ safer"] > texts["↓ more risk"]
            low, high = panel.get_ylim()
            assert low < boxes["low"].min() and high > boxes["high"].max()

    def test_changes_are_drawn_in_order(self, panels, changes) -> None:
        summary = risk.summarise_changes(changes, alpha=0.05)
        figures.draw_changes(summary, ax=panels, points=changes)
        own = np.sort(changes.loc[changes["arm"] == "control", "total_change"])
        drawn = next(line.get_ydata() for line in panels[1].lines if line.get_marker() == "s")
        np.testing.assert_array_equal(drawn, own)
        assert "↑ safer" in [text.get_text() for text in panels[1].texts]

    def test_flat_scores_can_be_drawn(self, panels) -> None:
        scores = from_totals([1.0] * 6, [1.0] * 6, [1, 1, 1, 0, 0, 0])
        changes = risk.derive_changes(scores)
        figures.draw_boxes(risk.summarise_boxes(scores, changes), ax=panels, points=changes)
        figures.draw_changes(risk.summarise_changes(changes, alpha=0.05), ax=panels, points=changes)

    def test_descriptions_carry_the_numbers_and_the_direction(self, scores, changes) -> None:
        boxes = risk.summarise_boxes(scores, changes)
        text = risk.describe_boxes(boxes)["text"]
        assert text.startswith("Higher is safer.") and text.count("median") == 4
        summary = risk.summarise_changes(changes, alpha=0.05)
        text = risk.describe_changes(summary)["text"]
        assert text.startswith("A rise is towards safety.") and f"{summary['safer'].iloc[0]} became safer" in text


class TestWords:
    @pytest.mark.parametrize(
        ("value", "above", "apart"),
        [
            (1.24, "was 1.2 points above", "1.2 points safer than"),
            (-0.6, "was 0.6 points below", "0.6 points less safe than"),
            (0.04, "was the same as", "as safe as"),
        ],
    )
    def test_a_direction_cannot_be_misread(self, value, above, apart) -> None:
        shown = {binding.id: binding.show for binding in risk_words.NUMBERS}
        assert shown["above"](value) == above and shown["start_gap"](value) == apart

    def test_ids_are_used_once(self) -> None:
        ids = [binding.id for binding in risk_words.NUMBERS]
        assert len(ids) == len(set(ids))


def test_kinds_travel(register) -> None:
    """Printed counts stay printed, the range is an inference, scores of the cohort are simulated."""
    recorder = start_recording()
    try:
        claims, framework, cohort = load_claims(), load_risk_framework(), load_simulated_cohort()
        sample = risk_printed.derive_sample_shares(claims, alpha=0.05)
        official = risk_printed.derive_official_shares(sample, load_context_counts(), alpha=0.05, power=0.8)
        scores = derive_risk_scores(cohort, framework, combine="sum")
        kinds = {
            "printed": recorder.find(sample).kinds,
            "official": recorder.find(official).kinds,
            "range": recorder.find(derive_score_range(framework)).kinds,
            "means": recorder.find(risk.derive_means(scores, scores)).kinds,
        }
    finally:
        stop_recording()
    assert kinds == {
        "printed": ["published"],
        "official": ["official", "published"],
        "range": ["inferred", "published"],
        "means": ["published", "simulated"],
    }


def test_records_without_follow_up_or_with_gaps_still_give_tables(cohort) -> None:
    risk_rows = cohort.risk[cohort.risk["time_point"] != "follow_up"]
    first = risk_rows["family_id"].iloc[0]
    unrated = risk_rows["family_id"].eq(first) & risk_rows["factor"].str.endswith("_engagement")
    records = replace(cohort, risk=risk_rows[~unrated])
    scores = derive_risk_scores(records, load_risk_framework(), combine="sum")
    assert risk.count_coded(scores)["left_out"].sum() == 1
    assert set(risk.derive_means(scores, scores)["start"]) == {"referral"}
    assert len(risk.derive_changes(scores)) == 29
