"""Chapter 02: official rates, what the trial could have shown, whose absence is analysed, each estimate by hand."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from scipy import optimize, stats

from crewe_lib import attendance as at
from crewe_lib import attendance_better as better
from crewe_lib import attendance_context as context
from crewe_lib import attendance_groups as groups
from crewe_lib import attendance_printed as printed
from crewe_lib import attendance_specifications as spec
from crewe_lib import attendance_words as words
from crewe_lib.claims_exhibits import derive_statements
from crewe_lib.definitions import StudyDates, derive_children, derive_study_dates
from crewe_lib.errors import CreweError, DataError
from crewe_lib.figures.attendance import draw_context
from crewe_lib.figures.rct import draw_means
from crewe_lib.load import load_cin_absence, load_claims, load_simulated_cohort
from crewe_lib.rct_closing import describe_means
from crewe_lib.records import Records
from crewe_lib.targets.measures import describe_absence

matplotlib.use("agg")
ALPHA = 0.05


@pytest.fixture(scope="module")
def dates() -> StudyDates:
    return derive_study_dates(load_claims())


@pytest.fixture(scope="module")
def records() -> Records:
    return load_simulated_cohort()


@pytest.fixture(scope="module")
def pupils(records: Records, dates: StudyDates) -> pd.DataFrame:
    return at.derive_pupils(records, dates=dates)


@pytest.fixture(scope="module")
def rates() -> pd.DataFrame:
    return context.derive_rates(load_cin_absence())


@pytest.fixture(scope="module")
def table(pupils: pd.DataFrame) -> pd.DataFrame:
    return spec.estimate_specifications(pupils, n_draws=199, seed=1, alpha=ALPHA)


def made(rng: np.random.Generator | None = None) -> pd.DataFrame:
    """Sixteen pupils of twelve families: each arm has both phases, both histories, and a family of two."""
    arms = ["treatment"] * 8 + ["control"] * 8
    frame = pd.DataFrame({"child_id": [f"C{n:02d}" for n in range(16)], "arm": arms})
    frame["family_id"] = [f"F{n:02d}" for n in (0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11)]
    frame["treated"] = (frame["arm"] == "treatment").astype(int)
    frame["phase"] = ["primary", "secondary"] * 8
    frame["history"] = [0, 0, 1, 1, 0, 0, 1, 1] * 2
    frame["possible"] = [240.0, 250, 260, 240, 250, 260, 240, 250] * 2
    frame["missed"] = [24.0, 10, 40, 31, 12, 8, 60, 20, 20, 30, 15, 12, 26, 0, 9, 33]
    frame["unauthorised"] = frame["missed"] // 3
    frame["days"] = frame["missed"] / 2
    frame["persistent"] = (10 * frame["missed"] >= frame["possible"]).astype(int)
    frame["spring_possible"], frame["spring_missed"] = 110.0, frame["missed"] // 2
    frame["randomised_on"] = pd.Timestamp("2015-10-01")
    return frame if rng is None else frame.sample(frac=1, random_state=rng).reset_index(drop=True)


class TestOfficial:
    def test_rates_by_hand(self, rates: pd.DataFrame) -> None:
        """Cheshire East in 2016/17, from the cells read by eye."""
        own = rates.set_index(["place", "phase", "year"]).loc[("Cheshire East", "all", 2017)]
        assert own["missed"] == pytest.approx(100 * 24430 / 227735) and own["days"] == pytest.approx(24430 / 634 / 2)
        assert own["unauthorised"] == pytest.approx(100 * 9419 / 227735)
        assert own["persistent"] == pytest.approx(100 * 205 / 634) and own["academic"] == "2016/17"
        assert own["missed_low"] == own["missed_high"] == own["missed"]

    def test_the_later_release_counts_where_both_have_a_year(self, rates: pd.DataFrame) -> None:
        by_year = rates.drop_duplicates("year").set_index("year")["vintage"]
        assert by_year.to_dict() == {2017: "earlier", 2018: "earlier", **dict.fromkeys(range(2019, 2026), "later")}
        england = rates.set_index(["place", "phase", "year"]).loc[("England", "all", 2021)]
        assert england["persistent"] == pytest.approx(100 * 49190 / 118190)

    def test_authorities_together_leave_out_what_is_withheld(self, rates: pd.DataFrame) -> None:
        own = rates[(rates["place"] == context.ALIKE) & (rates["phase"] == "secondary")].set_index("year")
        assert own["n"].to_dict() == {
            2017: 9,
            2018: 10,
            2019: 10,
            2020: 0,
            2021: 9,
            2022: 9,
            2023: 10,
            2024: 8,
            2025: 8,
        }
        table = load_cin_absence()
        peers = table[~table["authority"].isin([context.ENGLAND, context.CHESHIRE_EAST])]
        known = peers.query("year == 2017 and phase == 'secondary'").dropna(subset=["sessions_overall"])
        assert own.at[2017, "missed"] == pytest.approx(
            100 * known["sessions_overall"].sum() / known["sessions_possible"].sum()
        )
        assert (own["missed_low"] <= own["missed"]).sum() == (own["missed"] <= own["missed_high"]).sum() == 8

    def test_the_year_without_figures_is_missing_not_zero(self, rates: pd.DataFrame) -> None:
        gone = rates[rates["year"] == 2020]
        assert len(gone) == 9 and gone[["missed", "days", "persistent", "missed_low"]].isna().all(axis=None)
        summary = context.summarise_context(rates)
        assert (summary["first"], summary["last"], summary["not_published"]) == ("2016/17", "2024/25", "2019/20")
        assert summary["alike"] == 10 and summary["times_england"] == pytest.approx(14.066 / 7.003, abs=0.001)

    def test_first_year_beside_last(self, rates: pd.DataFrame) -> None:
        table = context.derive_context(rates)
        assert len(table) == 9 and list(table["label"]) == ["All"] * 3 + ["Primary"] * 3 + ["Secondary"] * 3
        england = table.iloc[0]
        assert (round(england["missed_first"], 1), round(england["missed_last"], 1)) == (10.5, 17.4)

    def test_the_releases_differ_in_one_year_only(self) -> None:
        revised = context.derive_revised(load_cin_absence())
        found = context.summarise_revised(revised)
        assert list(revised["academic"]) == ["2018/19", "2020/21", "2021/22"] and found["academic"] == "2020/21"
        assert (round(found["earlier"], 1), round(found["later"], 1)) == (47.3, 41.6) and found["most_missed"] < 0.2

    def test_without_a_place_there_is_an_error(self) -> None:
        table = load_cin_absence()
        with pytest.raises(DataError, match="no row for E06000049 in 2016/17"):
            context.derive_rates(table[table["authority"] != context.CHESHIRE_EAST])

    def test_order_of_rows_does_not_matter(self, rates: pd.DataFrame) -> None:
        again = context.derive_rates(load_cin_absence().sample(frac=1, random_state=1))
        pd.testing.assert_frame_equal(rates, again)

    def test_the_figure_breaks_its_lines_and_says_so(self, rates: pd.DataFrame) -> None:
        lines = context.derive_lines(rates)
        _, panels = plt.subplots(1, 2)
        draw_context(lines, ax=list(panels), trial=2016, trial_label="2015/16")
        drawn = panels[0].get_lines()
        assert len(drawn) == 3 and all(np.isnan(line.get_ydata()).sum() == 1 for line in drawn)
        assert len({line.get_marker() for line in drawn}) == len({line.get_linestyle() for line in drawn}) == 3
        said = {text.get_text() for text in panels[0].texts}
        assert said == {"not\npublished", "trial\n2015/16"} and panels[1].get_ylim() == panels[0].get_ylim()
        plt.close("all")
        text = context.describe_lines(lines)["text"]
        assert "Primary: England 7.0% in 2016/17 and 10.9% in 2024/25" in text and "nan" not in text
        assert set(context.derive_behind(lines)["label"]) == {"Primary", "Secondary"}


class TestPrinted:
    def test_everything_printed_is_listed(self) -> None:
        table = derive_statements(load_claims(), ids=printed.STATEMENTS)
        assert len(table) == 10 and {"174", "109", "65", "not significant", "Project Crewe lower"} <= set(
            table["value"]
        )
        register = load_claims()
        with pytest.raises(DataError, match=r"no claim r1\.att\.sig"):
            derive_statements(register[register["id"] != "r1.att.sig"], ids=printed.STATEMENTS)

    def test_months_of_absence_and_of_allocation(self) -> None:
        found = printed.derive_timing(load_claims())
        assert (found["months"], found["over"], found["left"]) == (8, 6, 2)
        assert found["pupils"] == found["primary"] + found["secondary"] == 174
        register = load_claims()
        register.loc[register["id"] == "r1.design.rct_end", "value"] = "2015-08"
        assert printed.derive_timing(register)["over"] == 0

    def test_detectable_by_hand(self) -> None:
        """All pupils: 116 and 58 of 174; the least spread of England's 2018/19 phases, mixed 109 to 65."""
        table = printed.estimate_detectable(load_cin_absence(), load_claims(), alpha=0.05, power=0.8).set_index("phase")
        row = table.loc["all"]
        assert (row["n_treatment"], row["n_control"], row["year"]) == (116, 58, 2019)
        england = load_cin_absence().query("authority == @context.ENGLAND and year == 2019 and vintage == 'later'")
        parts = england.set_index("phase").loc[["primary", "secondary"]].astype({"pupils": float})
        mix = np.array([109, 65]) / 174
        missed = float(mix @ (parts["sessions_overall"] / parts["sessions_possible"]).to_numpy(float))
        above = [float(mix @ (parts[f"{name}_absentees"] / parts["pupils"])) for name in ("persistent", "severe")]
        assert row["missed"] == pytest.approx(100 * missed) and row["severe"] == pytest.approx(100 * above[1])
        spread = printed.least_spread(missed, above)
        assert row["spread"] == pytest.approx(100 * spread)
        expected = (1.959964 + 0.841621) * spread * np.sqrt(1 / 116 + 1 / 58)
        assert row["detectable"] == pytest.approx(100 * expected, rel=1e-6)
        assert row["percent"] == pytest.approx(100 * expected / missed, rel=1e-6)
        assert printed.describe_detectable(table.reset_index())["academic"] == "2018/19"

    @pytest.mark.parametrize(("alpha", "power"), [(0, 0.8), (0.05, 1.0)])
    def test_rates_must_be_rates(self, alpha: float, power: float) -> None:
        with pytest.raises(CreweError, match="must lie between 0 and 1"):
            printed.estimate_detectable(load_cin_absence(), load_claims(), alpha=alpha, power=power)

    def test_least_spread_by_hand(self) -> None:
        """A fifth at a tenth, nobody else, mean of 0.04: the others must be at 0.025."""
        assert printed.least_spread(0.04, [0.2, 0.0]) == pytest.approx(np.sqrt(0.2 * 0.06**2 + 0.8 * 0.015**2))
        assert printed.least_spread(0.1, [1.0, 0.0]) == 0
        assert printed.least_spread(0.05, [0.0, 0.0]) == 0

    @pytest.mark.parametrize(("mean", "above"), [(0.01, [0.3, 0.0]), (0.6, [0.4, 0.1]), (0.1, [0.1, 0.2])])
    def test_figures_that_cannot_go_together(self, mean: float, above: list[float]) -> None:
        with pytest.raises(CreweError, match="cannot go with"):
            printed.least_spread(mean, above)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
    def test_no_distribution_spreads_less(self, shares: list[float]) -> None:
        values = np.array(shares)
        least = printed.least_spread(values.mean(), [np.mean(values >= 0.1), np.mean(values >= 0.5)])
        assert least <= values.std() + 1e-9

    def test_least_spread_agrees_with_a_general_optimiser(self) -> None:
        weights, mean = np.array([0.55, 0.36, 0.09]), 0.155
        found = optimize.minimize(
            lambda x: weights @ (x - mean) ** 2,
            [0.05, 0.2, 0.6],
            bounds=[(0, 0.1), (0.1, 0.5), (0.5, 1)],
            constraints={"type": "eq", "fun": lambda x: weights @ x - mean},
            options={"ftol": 1e-14},
        )
        assert printed.least_spread(mean, [0.45, 0.09]) == pytest.approx(np.sqrt(found.fun), rel=1e-5)


class TestPupils:
    def test_the_cohorts_pupils_are_those_of_the_target(self, records, dates, pupils) -> None:
        other = describe_absence(records, dates).set_index("child_id").loc[pupils["child_id"]]
        assert pupils["phase"].value_counts().to_dict() == {"primary": 109, "secondary": 65}
        np.testing.assert_array_equal(pupils["days"], other["days"])
        np.testing.assert_array_equal(pupils["treated"], other["treated"])
        np.testing.assert_array_equal(pupils["history"], other["history"].astype(int))
        assert pupils["child_id"].is_monotonic_increasing

    def test_sums_of_one_pupil_by_hand(self, records, pupils) -> None:
        own = records.absence[records.absence["child_id"] == pupils["child_id"].iloc[0]]
        row = pupils.iloc[0]
        assert row["possible"] == own["sessions_possible"].sum() and len(own) == 2
        assert row["missed"] == own["sessions_authorised"].sum() + own["sessions_unauthorised"].sum()
        spring = own[own["term"] == at.SPRING]
        assert row["spring_possible"] == spring["sessions_possible"].iloc[0]
        assert row["persistent"] == int(row["missed"] / row["possible"] >= 0.1)

    def test_who_is_left_out_and_why(self, records, dates, pupils) -> None:
        in_need = derive_children(records, dates=dates)
        absence = records.absence.copy()
        first, second, third = pupils["child_id"].iloc[:3]
        absence = absence[~(absence["child_id"].eq(first) & absence["term"].eq(at.SPRING))]
        zero = absence["child_id"].eq(second)
        for name in ("sessions_possible", "sessions_authorised", "sessions_unauthorised"):
            absence.loc[zero, name] = 0
        children = records.children.copy()
        outsider = children.loc[~children["child_id"].isin(in_need["child_id"]), "child_id"].iloc[0]
        absence.loc[absence["child_id"] == third, "child_id"] = outsider
        odd = replace(records, absence=absence.reset_index(drop=True))
        kept = at.derive_pupils(odd, dates=dates)
        assert len(kept) == 171 and not kept["child_id"].isin([first, second, third, outsider]).any()
        before = at.count_left_out(records, dates=dates).set_index("reason").sum(axis=1)
        after = at.count_left_out(odd, dates=dates).set_index("reason").sum(axis=1)
        assert before.to_dict() == {at.NOT_IN_NEED: 0, at.ONE_TERM: 5, at.NO_SESSION: 0}
        assert (after - before).to_dict() == {at.NOT_IN_NEED: 1, at.ONE_TERM: 1, at.NO_SESSION: 1}

    def test_the_summer_term_does_not_count(self, records, dates, pupils) -> None:
        summer = records.absence[records.absence["term"] == at.SPRING].assign(term="summer_2016")
        odd = replace(records, absence=pd.concat([records.absence, summer], ignore_index=True))
        pd.testing.assert_frame_equal(at.derive_pupils(odd, dates=dates), pupils)

    def test_persistent_from_exactly_a_tenth(self, records, dates, pupils) -> None:
        absence = records.absence.copy()
        for child, missed in zip(pupils["child_id"].iloc[:2], (12, 11), strict=True):
            rows = absence["child_id"] == child
            absence.loc[rows, "sessions_possible"] = 60
            absence.loc[rows, ["sessions_authorised", "sessions_unauthorised"]] = 0
            absence.loc[rows & absence["term"].eq(at.AUTUMN), "sessions_authorised"] = missed
        found = at.derive_pupils(replace(records, absence=absence), dates=dates)
        assert found["persistent"].iloc[:2].tolist() == [1, 0]

    def test_an_arm_without_pupils_of_a_phase_is_named(self, records, dates, pupils) -> None:
        gone = pupils.loc[pupils["arm"].eq("control") & pupils["phase"].eq("secondary"), "child_id"]
        odd = replace(records, absence=records.absence[~records.absence["child_id"].isin(gone)])
        kept = at.derive_pupils(odd, dates=dates)
        text = groups.describe_gaps(kept)["text"]
        assert text.startswith("Secondary: not estimated (fewer than two families with pupils in Cheshire East (0)).")
        with pytest.raises(CreweError, match=r"Project Crewe \(0\), Cheshire East \(0\).* left out: none"):
            at.derive_pupils(replace(records, absence=records.absence.iloc[:0]), dates=dates)
        one_term = records.absence[records.absence["term"] == at.SPRING]
        with pytest.raises(CreweError, match=rf"left out: {at.ONE_TERM}: \d+.*{at.AUTUMN} and {at.SPRING}"):
            at.derive_pupils(replace(records, absence=one_term), dates=dates)

    def test_summary(self, pupils) -> None:
        found = at.summarise_pupils(pupils)
        assert found["n"] == found["primary"] + found["secondary"] == found["treatment"] + found["control"] == 174
        assert found["missed"] == pytest.approx(100 * pupils["missed"].sum() / pupils["possible"].sum())
        assert found["spread"] == pytest.approx((100 * pupils["missed"] / pupils["possible"]).std(ddof=0))
        small = at.summarise_pupils(made())
        assert (small["zeros"], small["half"]) == (1, 0)
        assert (small["families"], small["siblings"], small["by_spring"]) == (12, 8, 16)


class TestPublished:
    def test_by_hand_and_by_statsmodels(self) -> None:
        own = made()
        table = at.estimate_published(own, alpha=ALPHA).set_index(["phase", "model"])
        arms = own.groupby("treated")["days"].mean()
        assert table.loc[("all", "Treatment"), "estimate"] == pytest.approx(arms[1] - arms[0])
        x = sm.add_constant(own[["treated", "history"]].astype(float))
        fit = sm.OLS(own["days"], x).fit(cov_type="HC1", use_t=True)
        row = table.loc[("all", "Treatment and history")]
        assert row["estimate"] == pytest.approx(fit.params["treated"]) and row["std_error"] == pytest.approx(
            fit.bse.iloc[1]
        )
        assert row["p_value"] == pytest.approx(fit.pvalues["treated"]) and row["n"] == 16
        cells = own.groupby(["treated", "history"])["days"].mean()
        expected = (cells[1, 1] - cells[0, 1]) - (cells[1, 0] - cells[0, 0])
        assert table.loc[("all", at.MODELS["crossed"]), "estimate"] == pytest.approx(expected)

    def test_groups_use_their_own_pupils(self) -> None:
        own = made()
        table = at.estimate_published(own, alpha=ALPHA).set_index(["phase", "model"])
        primary = own[own["phase"] == "primary"].groupby("treated")["days"].mean()
        assert table.loc[("primary", "Treatment"), "estimate"] == pytest.approx(primary[1] - primary[0])
        assert table.loc[("secondary", "Treatment"), "n"] == 8

    def test_means_differ_by_the_models_effect(self, pupils) -> None:
        means = at.estimate_means(pupils, alpha=ALPHA).set_index(["phase", "arm"])
        table = at.estimate_published(pupils, alpha=ALPHA).set_index(["phase", "model"])
        for phase in at.PHASES:
            gap = means.loc[(phase, "treatment"), "estimate"] - means.loc[(phase, "control"), "estimate"]
            assert gap == pytest.approx(table.loc[(phase, "Treatment and history"), "estimate"])
        assert means.loc[("all", "treatment"), "raw"] == pytest.approx(pupils.query("treated == 1")["days"].mean())
        assert means["p_value"].isna().all() and (means["conf_low"] < means["conf_high"]).all()

    def test_history_that_cannot_be_told_apart_is_left_out(self) -> None:
        one_family = made().assign(history=[1, 1] + [0] * 14)
        same_as_arm = made().assign(history=lambda frame: frame["treated"])
        nobody = made().assign(history=0)
        for odd in (one_family, same_as_arm, nobody):
            assert groups.design(odd).shape == (16, 2)
            table = at.estimate_published(odd, alpha=ALPHA)
            assert len(table) == 9 and set(table.dropna(subset=["estimate"])["model"]) == {"Treatment"}
            assert "All: history is left out, since it" in groups.describe_gaps(odd)["text"]
        assert "the same for all" in groups.describe_gaps(nobody)["text"] and groups.describe_gaps(made())["text"] == ""
        for odd in (one_family, same_as_arm, nobody):
            assert len(at.estimate_means(odd, alpha=ALPHA)) == 6 and len(better.estimate_better(odd, alpha=ALPHA)) == 3
        assert groups.design(made()).shape == (16, 3)
        assert groups.design(made(), treated=1)[:, 1].tolist() == [1.0] * 16

    def test_the_figure_of_means(self, pupils) -> None:
        means = at.estimate_means(pupils, alpha=ALPHA)
        _, ax = plt.subplots()
        draw_means(means, ax=ax, xlabel="Days", unit="", digits=1, most=20.0)
        said = [text.get_text() for text in ax.texts]
        assert "Project Crewe, n = 110" in said and "12.2" in said and ax.get_xlim() == (0, 20)
        assert not any("%" in text for text in said)
        plt.close("all")
        text = describe_means(means, unit=" days", digits=1, cases="pupils")["text"]
        assert text.startswith("All: Project Crewe 12.2 days (") and "64 pupils)" in text
        assert len(words.derive_shown(means)) == 6


class TestBetter:
    def test_rates_without_history_are_sums_over_sums(self) -> None:
        own = made().assign(history=0)
        row = better.estimate_better(own, alpha=ALPHA).set_index("phase").loc["all"]
        sums = own.groupby("treated")[["missed", "possible"]].sum()
        rates = 100 * sums["missed"] / sums["possible"]
        assert row["treatment"] == pytest.approx(rates[1]) and row["control"] == pytest.approx(rates[0])
        assert row["estimate"] == pytest.approx(rates[1] - rates[0]) and row["ratio"] == pytest.approx(
            rates[1] / rates[0]
        )
        assert row["days"] == pytest.approx((rates[1] - rates[0]) / 100 * own["possible"].mean() / 2)
        assert row["df"] == row["families"] - 1 == 11

    def test_order_and_names_do_not_matter_and_arms_turn_it_round(self) -> None:
        one = better.estimate_better(made(), alpha=ALPHA)
        two = better.estimate_better(made(np.random.default_rng(2)), alpha=ALPHA)
        np.testing.assert_allclose(one["std_error"], two["std_error"])
        swapped = better.estimate_better(made().assign(treated=lambda frame: 1 - frame["treated"]), alpha=ALPHA)
        np.testing.assert_allclose(swapped["estimate"], -one["estimate"], atol=1e-8)
        np.testing.assert_allclose(swapped["conf_low"], -one["conf_high"], atol=1e-8)

    def test_contrast_is_a_ratio_of_ratios(self) -> None:
        own = made().assign(history=0)
        found = better.estimate_contrast(own, alpha=ALPHA)
        ratios = better.estimate_better(own, alpha=ALPHA).set_index("phase")["ratio"]
        assert found["ratio"] == pytest.approx(ratios["secondary"] / ratios["primary"])
        assert found["low"] < found["ratio"] < found["high"] and 0 < found["p_value"] < 1

    def test_logarithms_and_zeros(self) -> None:
        own = made()
        table = better.check_logarithm(own, alpha=ALPHA).set_index(["phase", "way"])
        dropped = table.loc[("all", "Logarithm, zeros dropped")]
        assert (dropped["n"], dropped["zeros"], dropped["dropped"]) == (15, 1, 1)
        kept = own[own["missed"] > 0]
        x = sm.add_constant(kept[["treated", "history"]].astype(float))
        fit = sm.OLS(np.log(kept["days"]), x).fit(cov_type="HC1", use_t=True)
        assert dropped["ratio"] == pytest.approx(np.exp(fit.params["treated"]))
        assert dropped["conf_low"] == pytest.approx(np.exp(fit.conf_int().loc["treated", 0]))
        plus = table.loc[("all", "Logarithm of days plus one")]
        x = sm.add_constant(own[["treated", "history"]].astype(float))
        assert plus["ratio"] == pytest.approx(np.exp(sm.OLS(np.log(own["days"] + 1), x).fit().params["treated"]))
        assert (plus["n"], plus["zeros"], plus["dropped"]) == (16, 1, 0)
        mean = table.loc[("all", "Log-linear mean (quasi-Poisson)")]
        assert mean["ratio"] == pytest.approx(better.estimate_better(own, alpha=ALPHA)["ratio"].iloc[0])
        assert table.loc[("primary", "Logarithm, zeros dropped"), "zeros"] == 0

    def test_dropping_zeros_hides_those_who_were_helped(self) -> None:
        """Half of the treated miss nothing, the others as much as the controls: the logarithm sees no effect."""
        arms, families = np.repeat([1, 0], 20), np.arange(40)
        missed = np.r_[np.zeros(10), [10.0, 20, 20, 10] * 2, 10.0, 20, [10.0, 20, 20, 10] * 5]
        own = made().iloc[[0] * 40].assign(treated=arms, family_id=families, missed=missed, days=missed / 2, history=0)
        own["phase"] = ["primary", "secondary"] * 20
        own["possible"] = 250.0
        table = better.check_logarithm(own.reset_index(drop=True), alpha=ALPHA).set_index(["phase", "way"])["ratio"]
        assert table["all", "Logarithm, zeros dropped"] == pytest.approx(1)
        assert table["all", "Log-linear mean (quasi-Poisson)"] == pytest.approx(0.5)

    def test_a_logarithm_that_is_not_possible_is_missing(self) -> None:
        """Of the treated one pupil in each phase misses a day, so the logarithm has one family of them to go by."""
        missing = made()["arm"].eq("treatment") & ~made()["child_id"].isin(["C00", "C07"])
        own = made().assign(missed=lambda frame: frame["missed"].mask(missing, 0.0))
        own["days"] = own["missed"] / 2
        found = better.check_logarithm(own, alpha=ALPHA).set_index(["phase", "way"])
        row = found.loc[("primary", "Logarithm, zeros dropped")]
        assert row["dropped"] == 3 and row["interval"] == "–"
        assert row[["ratio", "conf_low", "conf_high", "p_value"]].isna().all()
        assert found.loc[("all", "Logarithm of days plus one"), "ratio"] > 0

    def test_truth_is_found(self) -> None:
        """Forty draws of a hundred families; true rates 0.12 and 0.09, so three days in a hundred."""
        rng, found = np.random.default_rng(5), []
        for _ in range(40):
            family = np.repeat(np.arange(100), rng.integers(1, 3, 100))
            treated = (family % 3 != 0).astype(int)
            rate = np.where(treated == 1, 0.12, 0.09) * rng.gamma(5, 0.2, 100)[family]
            own = pd.DataFrame({"family_id": family, "treated": treated, "history": (family // 3) % 2})
            own["possible"] = rng.integers(230, 260, len(own)).astype(float)
            own["missed"] = rng.binomial(own["possible"].astype(int), np.minimum(rate, 1)).astype(float)
            own["phase"] = np.where(np.arange(len(own)) % 2, "primary", "secondary")
            found.append(better.estimate_better(own, alpha=ALPHA)["estimate"].iloc[0])
        assert np.mean(found) == pytest.approx(3.0, abs=4 * np.std(found) / np.sqrt(40))


class TestSpecifications:
    def test_first_row_is_the_published_one_and_the_better_one_is_there(self, table, pupils) -> None:
        rows = table.set_index(["specification", "phase"])
        published = at.estimate_published(pupils, alpha=ALPHA).set_index(["phase", "model"])
        own = better.estimate_better(pupils, alpha=ALPHA).set_index("phase")
        assert len(table) == 10 * 3 and (table["reason"] == "").all()
        for phase in at.PHASES:
            first = rows.loc[("Least squares, HC1, history (as published)", phase)]
            assert first["estimate"] == pytest.approx(published.loc[(phase, "Treatment and history"), "estimate"])
            assert first["conf_low"] == pytest.approx(published.loc[(phase, "Treatment and history"), "conf_low"])
            assert rows.loc[(better.BETTER, phase), "estimate"] == pytest.approx(own.at[phase, "days"])

    def test_persistent_absence_in_points(self, table, pupils) -> None:
        row = table[table["specification"].str.startswith("Persistently") & table["phase"].eq("all")].iloc[0]
        x = sm.add_constant(pupils[["treated", "history"]].astype(float))
        assert row["estimate"] == pytest.approx(100 * sm.OLS(pupils["persistent"], x).fit().params["treated"])

    def test_spring_takes_families_randomised_before_it(self, pupils) -> None:
        late = pupils["randomised_on"] >= at.SPRING_BEGINS
        changed = pupils.assign(spring_missed=pupils["spring_missed"].mask(late, 0.0))
        kept = [spec.estimate_specifications(one, n_draws=99, seed=1, alpha=ALPHA) for one in (pupils, changed)]
        rows = [one[one["specification"].str.startswith("Spring")]["estimate"].to_numpy() for one in kept]
        np.testing.assert_allclose(*rows)

    def test_what_cannot_be_estimated_says_why(self) -> None:
        odd = made().assign(unauthorised=0.0, randomised_on=pd.Timestamp("2016-02-01"))
        table = spec.estimate_specifications(odd, n_draws=199, seed=1, alpha=ALPHA)
        reasons = table[table["phase"] == "all"].set_index("specification")["reason"]
        assert "all counts are zero" in reasons["Missed without leave only"]
        assert "randomised before the spring term" in reasons["Spring term, families randomised before it"]
        assert not (table["reason"].eq("") & table["estimate"].isna()).any()
        written = spec.write_specifications(table).set_index("specification")
        assert written.at["Missed without leave only", "all"] == "–" and len(written) == 10
        found = spec.summarise_specifications(table)
        assert found["without"].startswith("Not estimated:") and found["all"] == int((table["reason"] == "").sum())

    def test_words_of_a_full_table(self, table) -> None:
        found = spec.summarise_specifications(table)
        assert found["without"] == "" and found["all"] == 30
        clear = table.assign(conf_low=1.0, conf_high=2.0)
        assert spec.summarise_specifications(clear)["leave_out_zero"] == 30
        cell = spec.write_specifications(table)["all"].iloc[0]
        assert cell.startswith("+1.1 (−1.2")


class TestWords:
    def summary(self, pupils: pd.DataFrame) -> dict:
        return words.summarise_findings(
            at.estimate_published(pupils, alpha=ALPHA),
            better.estimate_better(pupils, alpha=ALPHA),
            better.estimate_contrast(pupils, alpha=ALPHA),
            better.check_logarithm(pupils, alpha=ALPHA),
            spec.estimate_specifications(pupils, n_draws=199, seed=1, alpha=ALPHA),
            alpha=ALPHA,
        )

    def test_sides_follow_the_intervals(self, pupils) -> None:
        shown = {binding.id: binding.show for binding in words.NUMBERS}
        plain = self.summary(pupils)
        assert plain["side_all"] == 0 and plain["tests"] == 9 and plain["rejecting"] == 0 and plain["dropped"] == 0
        assert "both possible" in shown["side_all"](plain["side_all"])
        worse = pupils.assign(missed=np.where(pupils["treated"] == 1, pupils["missed"] + 40, pupils["missed"]))
        worse = worse.assign(days=worse["missed"] / 2)
        found = self.summary(worse)
        assert found["side_all"] == found["side_primary"] == 1 and found["rejecting"] > 0
        assert "more was missed" in shown["side_all"](1) and "less was missed" in shown["side_all"](-1)

    def test_contrast_of_phases_is_told_by_its_sign(self, pupils) -> None:
        rest = [
            at.estimate_published(pupils, alpha=ALPHA),
            better.estimate_better(pupils, alpha=ALPHA),
            better.check_logarithm(pupils, alpha=ALPHA),
            spec.estimate_specifications(pupils, n_draws=199, seed=1, alpha=ALPHA),
        ]
        helped = pupils["treated"].eq(1) & pupils["phase"].eq("secondary")
        for factor, word in ((2.0, "relatively more was"), (0.1, "relatively less was")):
            odd = pupils.assign(missed=pupils["missed"].mask(helped, factor * pupils["missed"]))
            contrast = better.estimate_contrast(odd, alpha=ALPHA)
            assert (contrast["ratio"] > 1) == (factor > 1)
            found = words.summarise_findings(rest[0], rest[1], contrast, *rest[2:], alpha=ALPHA)
            assert word in found["contrast_side"] and "larger" not in found["contrast_side"]
        assert "leaves open" in self.summary(pupils)["contrast_side"]

    def test_one_phase_without_pupils(self) -> None:
        """Primary and all are given, secondary has dashes and the reason."""
        own = made().assign(phase="primary")
        found = self.summary(own)
        assert found["tests"] == 6 and "cannot be compared" in found["contrast_side"]
        assert found["contrast"] == found["contrast_p"] == found["gap_secondary"] == "–" != found["gap_primary"]
        table = better.estimate_better(own, alpha=ALPHA).set_index("phase")
        assert np.isnan(table.at["secondary", "estimate"]) and table.at["primary", "estimate"] == pytest.approx(
            table.at["all", "estimate"]
        )
        assert list(at.estimate_means(own, alpha=ALPHA)["phase"].unique()) == ["all", "primary"]
        rows = spec.estimate_specifications(own, n_draws=199, seed=1, alpha=ALPHA)
        said = spec.summarise_specifications(rows)["without"]
        assert said.count("Secondary: fewer than two families with pupils in Project Crewe (0), Cheshire East (0)") == 1

    def test_wider_is_of_the_two_linear_intervals(self, pupils) -> None:
        table = spec.estimate_specifications(pupils, n_draws=199, seed=1, alpha=ALPHA)
        own = table[table["phase"] == "all"].set_index("specification")
        width = own["conf_high"] - own["conf_low"]
        ratio = width["Least squares, CR2 by family, history"] / width["Least squares, HC1, history (as published)"]
        assert self.summary(pupils)["wider"] == pytest.approx(100 * (ratio - 1))

    def test_pupils_dropped_in_words(self) -> None:
        shown = next(binding.show for binding in words.NUMBERS if binding.id == "dropped")
        assert [shown(n) for n in (0, 1, 3)] == ["no pupil", "1 pupil", "3 pupils"]

    def test_ids_are_used_once(self) -> None:
        ids = [binding.id for binding in words.NUMBERS]
        assert len(ids) == len(set(ids))


def test_classical_and_quasi_poisson_agree_where_they_must(pupils) -> None:
    """With equal possible sessions and no history both are differences of means, with Welch-like errors."""
    own = pupils.assign(possible=250.0, history=0, family_id=pupils["child_id"])
    row = better.estimate_better(own, alpha=ALPHA).iloc[0]
    days = own.groupby("treated")["days"].mean()
    assert row["days"] == pytest.approx(days[1] - days[0])
    fit = sm.OLS(own["days"], sm.add_constant(own["treated"].astype(float))).fit(cov_type="HC0")
    factor = len(own) / (len(own) - 1) * (len(own) - 1) / (len(own) - 2)
    assert row["std_error"] / 100 * 125 == pytest.approx(float(fit.bse.iloc[1]) * np.sqrt(factor), rel=1e-6)
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(row["estimate"] / row["std_error"]), len(own) - 1))
