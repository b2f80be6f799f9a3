"""Risk at the third time point: means and changes by hand, every allocation by brute force, few cases, figures."""

import warnings
from dataclasses import replace
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crewe_lib import follow_up, follow_up_risk
from crewe_lib.definitions import derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.figures import follow_up_risk as figures
from crewe_lib.follow_up_risk import (
    derive_courses,
    derive_implied_spread,
    estimate_follow_up_risk,
    summarise_follow_up_risk,
    summarise_followed,
    summarise_times,
)
from crewe_lib.load import load_claims, load_risk_framework, load_simulated_cohort
from crewe_lib.models.linear import fit_linear
from crewe_lib.risk_scoring import derive_risk_scores

SETTINGS = {"combine": "mean", "alpha": 0.05, "n_draws": 9999, "seed": 1}


@pytest.fixture(scope="module")
def framework():
    return load_risk_framework()


@pytest.fixture(scope="module")
def cohort():
    return load_simulated_cohort()


@pytest.fixture(scope="module")
def families(cohort):
    return follow_up.derive_follow_up_set(cohort, dates=derive_study_dates(load_claims()))


@pytest.fixture(scope="module")
def scores(cohort, framework):
    return derive_risk_scores(cohort, framework, combine="mean")


@pytest.fixture(scope="module")
def estimates(cohort, framework):
    return estimate_follow_up_risk(cohort, framework, **SETTINGS)


def keep_followed(cohort, treatment: int, control: int):
    """The cohort with so many families of each arm coded at follow-up."""
    later = cohort.risk.loc[cohort.risk["time_point"] == "follow_up", "family_id"].unique()
    arms = cohort.families.set_index("family_id")["arm"]
    kept = [
        family
        for arm, number in (("treatment", treatment), ("control", control))
        for family in [one for one in later if arms[one] == arm][:number]
    ]
    gone = (cohort.risk["time_point"] == "follow_up") & ~cohort.risk["family_id"].isin(kept)
    return replace(cohort, risk=cohort.risk[~gone].reset_index(drop=True))


class TestPrinted:
    def test_implied_spread_by_hand(self) -> None:
        """1.5 and 2.2 in 6 and 7 cases: with a spread of 0.57 points the t test gives just 0.05."""
        found = derive_implied_spread(load_claims(), alpha=0.05)
        assert (found["n"], found["gap"]) == (13, pytest.approx(0.7))
        # Six and seven values with these means and this pooled spread.
        ours, theirs = (
            (values - values.mean()) / values.std(ddof=1) * found["spread"] + mean
            for values, mean in ((np.arange(6.0), -1.5), (np.arange(7.0), -2.2))
        )
        assert stats.ttest_ind(ours, theirs).pvalue == pytest.approx(0.05)

    def test_bad_alpha_is_named(self) -> None:
        with pytest.raises(CreweError, match="alpha is 0"):
            derive_implied_spread(load_claims(), alpha=0)


class TestFollowed:
    def test_the_cohort(self, scores, families) -> None:
        found = summarise_followed(scores, families, closed_reading="status").set_index(["arm", "followed"])
        assert found["n"].tolist() == [6, 9, 7, 8]
        assert found.loc[("control", False), "aged_out"] == 6

    def test_means_by_hand(self, scores, families) -> None:
        found = summarise_followed(scores, families, closed_reading="status").set_index(["arm", "followed"])
        wide = scores.pivot_table(index=["arm", "family_id"], columns="time_point", values="total")
        own = wide.loc["control"][wide.loc["control"]["follow_up"].isna()]
        assert found.loc[("control", False), "latest"] == pytest.approx(own["latest"].mean())

    def test_a_child_that_comes_in_is_counted(self, scores, families) -> None:
        followed = scores.loc[scores["time_point"] == "follow_up", "family_id"]
        one = followed.iloc[0]
        grown = scores["family_id"].eq(one)
        made = scores.assign(child=scores["child"].where(~grown, scores["time_point"] == "follow_up"))
        was = scores.assign(child=scores["child"] & ~grown)
        new, old = (
            summarise_followed(table, families, closed_reading="status")["child_new"].sum() for table in (made, was)
        )
        assert new == old + 1

    def test_nobody_followed(self, cohort, framework, families) -> None:
        scores = derive_risk_scores(keep_followed(cohort, 0, 0), framework, combine="mean")
        found = summarise_followed(scores, families, closed_reading="status").set_index(["arm", "followed"])
        assert found["n"].tolist() == [0, 15, 0, 15] and np.isnan(found.loc[("control", True), "latest"])


class TestTimes:
    def test_means_and_intervals_by_hand(self, scores) -> None:
        courses = derive_courses(scores)
        times = summarise_times(courses, alpha=0.1)
        assert len(times) == 18
        row = times.set_index(["outcome", "arm", "time_point"]).loc[("protective", "control", "follow_up")]
        own = scores[(scores["arm"] == "control") & (scores["time_point"] == "follow_up")]["protective"].to_numpy()
        assert (row["n"], row["mean"]) == (7, pytest.approx(own.mean()))
        expected = stats.t.interval(0.9, 6, own.mean(), stats.sem(own))
        assert (row["low"], row["high"]) == pytest.approx(expected)

    def test_the_same_cases_throughout(self, scores) -> None:
        """A case scored at follow-up without a total in between is in none of the means."""
        one = scores.loc[scores["time_point"] == "follow_up", "family_id"].iloc[0]
        lost = scores["family_id"].eq(one) & scores["time_point"].eq("latest")
        courses = derive_courses(scores.assign(total=scores["total"].mask(lost)))
        assert one not in set(courses["family_id"]) and courses["family_id"].nunique() == 12
        assert courses.notna().all().all()

    @pytest.mark.parametrize(("treatment", "control"), [(0, 0), (1, 2)])
    def test_few_cases(self, cohort, framework, treatment, control) -> None:
        scores = derive_risk_scores(keep_followed(cohort, treatment, control), framework, combine="mean")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            times = summarise_times(derive_courses(scores), alpha=0.05)
        own = times[times["arm"] == "treatment"]
        assert set(own["n"]) == {treatment} and own["low"].isna().all()
        assert own["mean"].isna().all() == (treatment == 0)


class TestDifferences:
    def test_rows(self, estimates) -> None:
        assert estimates["outcome"].tolist() == ["total", "total", "protective", "risk", "engagement", *["total"] * 4]
        assert set(estimates["n"]) == {13}
        assert estimates["start"].tolist() == ["latest"] * 7 + ["referral"] * 2

    def test_every_allocation_by_brute_force(self, scores, estimates) -> None:
        """1,716 ways of choosing six of thirteen; the studentised difference as large as the actual one."""
        wide = scores.pivot_table(index=["arm", "family_id"], columns="time_point", values="total").dropna()
        change = (wide["follow_up"] - wide["latest"]).to_numpy()
        treated = wide.index.get_level_values("arm") == "treatment"

        def statistic(chosen: np.ndarray) -> float:
            one, other = change[chosen], change[~chosen]
            error = np.sqrt(one.var() / len(one) + other.var() / len(other))
            return abs(one.mean() - other.mean()) / error

        ways = []
        for places in combinations(range(13), 6):
            chosen = np.zeros(13, bool)
            chosen[list(places)] = True
            ways.append(statistic(chosen))
        assert len(ways) == 1716
        p = np.mean(np.array(ways) >= statistic(treated) * (1 - 1e-9))
        assert estimates["p_value"].iloc[0] == pytest.approx(p)
        assert estimates["estimate"].iloc[0] == pytest.approx(change[treated].mean() - change[~treated].mean())

    def test_ancova_by_hand(self, scores, estimates) -> None:
        wide = scores.pivot_table(index=["arm", "family_id"], columns="time_point", values="total").dropna()
        x = np.column_stack([np.ones(13), wide.index.get_level_values("arm") == "treatment", wide["referral"]])
        fit = fit_linear(wide["follow_up"], x, covariance="HC2")
        row = estimates.iloc[-1]
        assert (row["estimate"], row["std_error"]) == pytest.approx((fit.coefficients[1], fit.std_errors[1]))

    def test_parts_add_up(self, estimates) -> None:
        found = estimates.drop_duplicates("outcome").set_index("outcome")["estimate"]
        assert found["total"] == pytest.approx(found["protective"] + found["risk"] + found["engagement"])

    def test_arms_exchanged_turn_the_sign(self, cohort, framework, estimates) -> None:
        names = {"treatment": "control", "control": "treatment"}
        turned = replace(cohort, families=cohort.families.assign(arm=cohort.families["arm"].map(names)))
        other = estimate_follow_up_risk(turned, framework, **SETTINGS)
        assert other["estimate"].to_numpy() == pytest.approx(-estimates["estimate"].to_numpy())
        assert other["p_value"].to_numpy() == pytest.approx(estimates["p_value"].to_numpy())

    @pytest.mark.parametrize(("treatment", "control"), [(0, 0), (2, 7), (0, 7)])
    def test_too_few_cases_are_named(self, cohort, framework, families, treatment, control) -> None:
        records = keep_followed(cohort, treatment, control)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = estimate_follow_up_risk(records, framework, **SETTINGS)
        assert found["p_value"].isna().all() and found["note"].str.contains("at least 3 in each arm").all()
        scores = derive_risk_scores(records, framework, combine="mean")
        times = summarise_times(derive_courses(scores), alpha=0.05)
        followed = summarise_followed(scores, families, closed_reading="status")
        said = summarise_follow_up_risk(found, times, followed, alpha=0.05, n_draws=99)
        assert said["said"].startswith(f"it cannot be assessed ({treatment} treatment families")
        assert (said["rows"], said["range"], said["n_control"]) == (0, "none", control)
        assert (said["moved_treatment"] == "is not known") == (treatment == 0)

    def test_six_cases_reject_nothing(self, cohort, framework) -> None:
        found = estimate_follow_up_risk(keep_followed(cohort, 3, 3), framework, **SETTINGS)
        assert "no effect can be rejected" in found["note"].iloc[0] and found["interval"].iloc[0] == "unbounded"

    def test_a_bad_level_is_named(self, cohort, framework) -> None:
        with pytest.raises(CreweError, match="alpha is 1"):
            estimate_follow_up_risk(cohort, framework, **(SETTINGS | {"alpha": 1}))

    def test_summary(self, scores, families, estimates) -> None:
        times = summarise_times(derive_courses(scores), alpha=0.05)
        followed = summarise_followed(scores, families, closed_reading="status")
        found = summarise_follow_up_risk(estimates, times, followed, alpha=0.05, n_draws=9999)
        assert (found["n_treatment"], found["n_control"], found["lost"], found["allocations"]) == (6, 7, 17, 1716)
        assert (found["moved_treatment"], found["moved_control"]) == ("fell by 1.5", "fell by 2.2")
        assert found["said"].startswith("treatment cases came out 0.7 points safer (interval −1.5")
        assert found["rows"] == 9


class TestFigure:
    @pytest.mark.parametrize(("treatment", "control"), [(6, 7), (1, 0), (0, 0)])
    def test_means_and_cases_are_drawn(self, cohort, framework, treatment, control) -> None:
        scores = derive_risk_scores(keep_followed(cohort, treatment, control), framework, combine="mean")
        courses = derive_courses(scores)
        times = summarise_times(courses, alpha=0.05)
        canvas, axes = plt.subplots(1, 3, layout="constrained")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figures.draw_times(times, ax=list(axes), courses=courses)
            canvas.canvas.draw()
        assert [panel.get_title() for panel in axes] == ["Total score", "Protective factors", "Risk factors"]
        assert all(len(panel.lines) == treatment + control + 2 for panel in axes)
        own = times[times["outcome"].eq("total") & times["arm"].eq("treatment")]["mean"]
        drawn = [line for line in axes[0].lines if str(line.get_label()).startswith("treatment")]
        assert np.asarray(drawn[0].get_ydata()) == pytest.approx(own.to_numpy(), nan_ok=True)
        plt.close(canvas)

    def test_words(self, scores) -> None:
        text = figures.describe_times(summarise_times(derive_courses(scores), alpha=0.05))["text"]
        assert "Total score, treatment (Project Crewe), 6 cases: mean −2.0 at referral, 3.8 latest, 2.3" in text


def test_columns_are_there(scores, families, estimates) -> None:
    assert set(follow_up_risk.DIFFERENCE_COLUMNS) <= set(estimates)
    times = summarise_times(derive_courses(scores), alpha=0.05)
    assert set(follow_up_risk.TIME_COLUMNS) <= set(times) and isinstance(times, pd.DataFrame)
    followed = summarise_followed(scores, families, closed_reading="status")
    assert set(follow_up_risk.FOLLOWED_COLUMNS) <= set(followed)
