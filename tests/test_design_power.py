"""What the trial could have found, and what its results are worth: the ledger's numbers and hand arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from register_copy import PUBLISHED, reprint
from scipy import stats

from crewe_lib import design_conclusions as conclusions
from crewe_lib import design_power, provenance
from crewe_lib import design_power_curve as curve
from crewe_lib.errors import CreweError, DataError
from crewe_lib.figures import design_power as figures
from crewe_lib.leads import Lead
from crewe_lib.leads.power import check_power_calculation
from crewe_lib.load import load_claims
from crewe_lib.models.exact_power import fit_exact_power
from crewe_lib.models.proportions import fit_newcombe
from crewe_lib.rct_implied import estimate_implied_closing, summarise_implied_closing

RATES = {"alpha": 0.05, "power": 0.8}
MAIN = "59 of 82, 28 of 44"


@pytest.fixture(scope="module")
def lead() -> Lead:
    return check_power_calculation(PUBLISHED)


@pytest.fixture(scope="module")
def detectable() -> pd.DataFrame:
    return design_power.estimate_detectable(PUBLISHED, **RATES)


@pytest.fixture(scope="module")
def curves() -> pd.DataFrame:
    return curve.estimate_power_curves(PUBLISHED, alpha=0.05)


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    return curve.simulate_power(PUBLISHED, **RATES, n_trials=2000, seed=2017)


@pytest.fixture(scope="module")
def exaggeration() -> pd.DataFrame:
    return conclusions.estimate_exaggeration(PUBLISHED, alpha=0.05)


@pytest.fixture(scope="module")
def concluded() -> pd.DataFrame:
    return conclusions.summarise_conclusions(PUBLISHED, **RATES, margin=10)


class TestPrinted:
    def test_all_four_to_the_printed_digit_for_each_allocation(self, lead: Lead) -> None:
        found = design_power.check_printed_effects(PUBLISHED)
        assert found["printed"].tolist() == [15.1, 11.2, 12.4, 9.1] and found["agrees"].all()
        for name in ("1:1", "2:1", "70:30"):
            assert found[f"rise_{name}"].round(1).tolist() == [15.1, 11.2, 12.4, 9.1]
        assert found["baseline"].tolist() == pytest.approx([22.6, 22.6, 11.3, 11.3])
        assert found["as_fall"].tolist() == ["possible", "possible", "impossible", "possible"]
        assert found["fall"].tolist() == [lead.numbers[f"fall_{name}"] for name in found["effect"]]

    def test_another_printed_effect_does_not_agree(self) -> None:
        found = design_power.check_printed_effects(reprint(PUBLISHED, r1__power__mdes_icc1="16.9"))
        assert found["agrees"].tolist() == [False, True, True, True]


class TestDetectable:
    def test_they_are_the_ledgers(self, detectable: pd.DataFrame, lead: Lead) -> None:
        own = detectable[(detectable["outcome"] == "Re-referred") & (detectable["baseline"] == 22.6)]
        for case, name in (("high equal", "icc1_realised"), ("low equal", "icc36_realised")):
            row = own[own["case"] == case].iloc[0]
            assert row["rise"] == pytest.approx(lead.numbers[f"own_rise_{name}"])
            assert row["fall"] == pytest.approx(lead.numbers[f"own_fall_{name}"])
            assert row["halving"] == pytest.approx(lead.numbers[f"power_halving_{name}"])

    def test_the_formula_by_hand(self, detectable: pd.DataFrame) -> None:
        """Least rise from 22.6% among 88 and 44 lead children: h = 2.801585 sqrt(1/88 + 1/44)."""
        row = detectable.iloc[0]
        h = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) * math.sqrt(1 / 88 + 1 / 44)
        other = math.sin(math.asin(math.sqrt(0.226)) + h / 2) ** 2
        assert row["analysis"] == "one lead child a family"
        assert row["rise_formula"] == pytest.approx(100 * (other - 0.226)) and row["formula"] == "17.1, 24.3"

    def test_lead_children_are_exact_and_siblings_by_formula(self, detectable: pd.DataFrame) -> None:
        lead = detectable["case"] == "lead"
        assert lead.sum() == 5 and detectable["by"].eq("exact, HC2 test").equals(lead)
        siblings = detectable[~lead]
        assert siblings["by"].eq("formula").all() and siblings["rise_chi"].isna().all()
        assert siblings["fall"].equals(siblings["fall_formula"]) and siblings["rise"].equals(siblings["rise_formula"])
        for row in detectable[lead].to_dict("records"):
            arms = {"treated": round(row["treated"]), "control": round(row["control"]), "test": "HC2", "alpha": 0.05}
            for direction, sign in (("rise", 1), ("fall", -1)):
                if not math.isnan(row[direction]):
                    found = fit_exact_power(row["baseline"] / 100, sign * row[direction] / 100, **arms)
                    assert found == pytest.approx(0.8, abs=1e-6)

    def test_the_formula_promises_too_much(self, detectable: pd.DataFrame) -> None:
        """At the formula's 17.1 points from 22.6% (88 and 44) the test by its own variances has a power of 73%."""
        row = detectable.iloc[0]
        arms = {"treated": 88, "control": 44, "test": "HC2", "alpha": 0.05}
        assert fit_exact_power(0.226, -row["fall_formula"] / 100, **arms) == pytest.approx(0.73, abs=0.005)
        assert row["fall_words"] == "18.1 points" and row["fall_formula_words"] == "17.1 points"
        assert row["halving"] < row["halving_formula"] and row["fall_chi"] < row["fall_formula"] < row["fall"]

    def test_at_the_rate_seen_a_fall_to_nobody_may_go_unnoticed(self, detectable: pd.DataFrame) -> None:
        """By hand: none of 88 against k of 44 is significant from four on (t = 1.78 at three, 2.07 at four)."""
        row = detectable[detectable["source"] == "seen in the pilot"].iloc[0]
        assert row["baseline"] == pytest.approx(6.7) and row["case"] == "lead"
        assert row["fall_words"] == "no fall, even to nobody"
        assert row["nothing"] == pytest.approx(stats.binom.sf(3, 44, 0.067))
        # Pearson's: significant from two on (p = 0.044), and so just above four fifths.
        assert row["nothing_chi"] == pytest.approx(stats.binom.sf(1, 44, 0.067)) and row["fall_chi"] < 6.7

    def test_siblings_help_less_the_more_alike_and_the_less_equal_families_are(self, detectable: pd.DataFrame) -> None:
        historical = detectable.query("outcome == 'Re-referred' and source != 'seen in the pilot'")
        for _, own in historical.groupby("baseline"):
            lead, some, some_unequal, same, same_unequal = own["effective"]
            assert some > some_unequal > lead == pytest.approx(same) and same_unequal < lead == 132
            falls = own["fall_formula"]
            assert falls.iloc[1] < falls.iloc[2] < falls.iloc[0] < falls.iloc[4]

    def test_closing_from_either_printed_share(self, detectable: pd.DataFrame) -> None:
        closed = detectable[detectable["outcome"] == "Closed"]
        assert closed["baseline"].tolist() == [64, 61] and (closed["effective"] == 126).all()
        assert ((closed["rise"] > 20) & (closed["fall"] > 20)).all()

    def test_a_fall_that_is_never_found_has_words(self) -> None:
        found = design_power.estimate_detectable(reprint(PUBLISHED, r1__power__baseline="6.0"), **RATES)
        halved = found[found["baseline"] == 3]
        assert halved["fall"].isna().all() and (halved["fall_words"] == "no fall, even to nobody").all()
        assert design_power.write_least(math.nan, "rise") == "no rise, even to everybody"

    def test_bad_rates_are_named(self) -> None:
        with pytest.raises(CreweError, match="alpha is 5"):
            design_power.estimate_detectable(PUBLISHED, alpha=5, power=0.8)
        with pytest.raises(CreweError, match="power is 0"):
            design_power.estimate_detectable(PUBLISHED, alpha=0.05, power=0)
        with pytest.raises(DataError, match=r"no claim 'r1\.sample\.children'"):
            design_power.estimate_detectable(PUBLISHED[PUBLISHED["id"] != "r1.sample.children"], **RATES)


class TestCurvesAndSimulation:
    def test_the_curves_pass_through_what_is_detectable(self, curves: pd.DataFrame, detectable: pd.DataFrame) -> None:
        for (outcome, analysis), rows in curves[curves["plan"] == curve.RUN].groupby(["outcome", "analysis"]):
            own = detectable[(detectable["outcome"] == outcome) & (detectable["analysis"] == analysis)].iloc[0]
            for sign, direction in ((1, "rise"), (-1, "fall")):
                at = np.interp(sign * own[direction], rows["difference"], rows["power"])
                assert at == pytest.approx(0.8, abs=0.01)

    def test_the_plan_promises_more_and_finds_the_printed_rises(self, curves: pd.DataFrame) -> None:
        planned = curves[curves["plan"] == curve.PLANNED]
        assert set(planned["families"]) == {286} and set(planned["outcome"]) == {"Re-referred"}
        for printed, (_, rows) in zip((15.1, 11.2), planned.groupby("analysis", sort=False), strict=True):
            assert np.interp(printed, rows["difference"], rows["power"]) == pytest.approx(0.8, abs=0.01)
            run = curves[(curves["plan"] == curve.RUN) & curves["analysis"].eq(rows["analysis"].iloc[0])]
            run = run[run["outcome"] == "Re-referred"]
            far = rows["difference"].abs().to_numpy() >= 2  # nearer, the exact test may exceed its level a little
            assert (rows["power"].to_numpy() >= run["power"].to_numpy() - 1e-12)[far].all()

    def test_without_printed_effects_that_fit_there_is_no_plan(self) -> None:
        with pytest.raises(CreweError, match="no plan is known"):
            curve.estimate_power_curves(reprint(PUBLISHED, r1__power__mdes_icc1="16.9"), alpha=0.05)

    def test_simulation_beside_formula(self, simulated: pd.DataFrame) -> None:
        assert len(simulated) == 20 and (simulated["trials"] == 2000).all()
        found = curve.derive_simulated(simulated, effect=True)
        assert found["at"].tolist() == ["rise", "fall"] * 4
        assert found["formula"].tolist() == pytest.approx([0.8] * 8, abs=1e-3)
        # The test by families is neither formula's. The gap by larger simulations: arcsine up to 8, own variances 4.
        assert (found["simulated"] - found["formula"]).abs().max() < 0.11
        assert (found["simulated"] - found["unpooled"]).abs().max() < 0.07

    def test_simulation_agrees_with_the_exact_power(self, simulated: pd.DataFrame) -> None:
        lead = simulated["case"] == "lead"
        assert simulated["exact"].notna().equals(lead)
        gap = (simulated["simulated"] - simulated["exact"])[lead].abs()
        assert (gap < 4 * np.sqrt(0.25 / 2000)).all()
        summary = curve.summarise_simulated(simulated)
        assert summary["exact"] == pytest.approx(100 * gap.max()) and summary["exact"] < summary["test_arcsine"]

    def test_sizes(self, simulated: pd.DataFrame) -> None:
        sizes = curve.derive_simulated(simulated, effect=False)
        assert sizes["difference"].eq(0).all() and sizes["simulated"].between(0.03, 0.075).all()
        siblings = sizes[sizes["case"] != "lead"]
        assert len(siblings) == 2 and (siblings["naive"] > 0.1).all()
        summary = curve.summarise_simulated(simulated)
        assert summary["naive_most"] == siblings["naive"].max() and summary["size_most"] == sizes["simulated"].max()

    def test_the_seed_decides_and_results_are_simulated(self, simulated: pd.DataFrame) -> None:
        pd.testing.assert_frame_equal(simulated, curve.simulate_power(PUBLISHED, **RATES, n_trials=2000, seed=2017))
        other = curve.simulate_power(PUBLISHED, **RATES, n_trials=50, seed=1)
        assert not other["simulated"].equals(simulated["simulated"])

    def test_a_fall_that_is_never_found_is_not_simulated(self) -> None:
        found = curve.simulate_power(reprint(PUBLISHED, r1__power__baseline="3.0"), **RATES, n_trials=10, seed=1)
        assert set(found.loc[found["outcome"] == "Re-referred", "at"]) == {"no difference", "rise", "half the rise"}

    def test_no_trials_is_named(self) -> None:
        with pytest.raises(CreweError, match="0 trials"):
            curve.simulate_power(PUBLISHED, **RATES, n_trials=0, seed=1)


class TestExaggeration:
    def test_the_standard_errors_by_hand(self, exaggeration: pd.DataFrame) -> None:
        closing = exaggeration
        assert set(closing["label"]) == {"Closed (implied counts)"}
        p1, p2 = 59 / 82, 28 / 44
        by_hand = 100 * math.sqrt(p1 * (1 - p1) / 82 + p2 * (1 - p2) / 44)
        assert closing["std_error"].tolist() == pytest.approx([by_hand] * 24)
        assert closing["least_significant"].iloc[0] == pytest.approx(1.959964 * closing["std_error"].iloc[0])
        assert closing["difference"].tolist() == list(range(2, 26)) and (closing["n"] == 126).all()

    def test_the_smaller_the_truth_the_more_is_exaggerated(self, exaggeration: pd.DataFrame) -> None:
        for _, rows in exaggeration.groupby("label"):
            assert rows["exaggeration"].is_monotonic_decreasing and rows["sign_error"].is_monotonic_decreasing
            assert rows["power"].is_monotonic_increasing

    @pytest.mark.parametrize("wrong", [0.0, -5.0, math.nan])
    def test_a_difference_of_nothing_is_named(self, wrong: float) -> None:
        with pytest.raises(CreweError, match=r"each must be above 0"):
            conclusions.estimate_exaggeration(PUBLISHED, alpha=0.05, differences=(2.0, wrong))


class TestConclusions:
    def test_the_main_reading_stands_first_with_its_rivals(self, concluded: pd.DataFrame) -> None:
        assert concluded["counts"].iloc[0] == MAIN and concluded["counts"].is_unique
        assert concluded["reading"].tolist() == ["main", *["rival"] * 6]

    def test_the_readings_are_those_of_the_chapter_on_the_trial(self, concluded: pd.DataFrame) -> None:
        other = estimate_implied_closing(PUBLISHED, alpha=0.05)
        words = other["treatment"].str.replace("\xa0", " ") + ", " + other["control"].str.replace("\xa0", " ")
        assert set(concluded["counts"]) == set(words) and set(concluded["basis"]) == set(other["basis"])
        found, theirs = (
            conclusions.summarise_readings(concluded),
            summarise_implied_closing(other, PUBLISHED, alpha=0.05),
        )
        assert found["readings"] == theirs["readings"] == 7
        assert (found["low_least"], found["high_most"]) == pytest.approx((theirs["low"], theirs["high"]))
        assert (
            found["low_most"] == concluded["conf_low"].max() < 0 < found["high_least"] == concluded["conf_high"].min()
        )
        assert found["within"] == found["significant"] == 0

    def test_intervals_are_newcombes(self, concluded: pd.DataFrame) -> None:
        row = concluded.iloc[0]
        wide, narrow = (fit_newcombe(59, 82, 28, 44, alpha=alpha) for alpha in (0.05, 0.1))
        assert (row["conf_low"], row["conf_high"]) == pytest.approx((100 * wide[0], 100 * wide[1]))
        assert (row["equivalence_low"], row["equivalence_high"]) == pytest.approx((100 * narrow[0], 100 * narrow[1]))
        assert not row["significant"] and not row["equivalent"] and row["interval"] == "−8.1\xa0to\xa025.4"

    def test_equivalence_could_not_have_been_shown(self, concluded: pd.DataFrame) -> None:
        """By Monte Carlo too: 20,000 trials without a difference, none shows equivalence within ten points."""
        assert (concluded["chance"] < 1e-6).all() and (concluded["margin_needed"] > 20).all()
        rng = np.random.default_rng(1)
        drawn = np.column_stack([rng.binomial(n, 87 / 126, 20_000) for n in (82, 44)])
        ends = [fit_newcombe(int(a), 82, int(b), 44, alpha=0.1) for a, b in np.unique(drawn, axis=0)]
        assert not any(low > -0.1 and high < 0.1 for low, high in ends)

    def test_families_needed_by_hand(self, concluded: pd.DataFrame) -> None:
        share, reach = 87 / 126, 1.6448536 + 1.2815516
        by_hand = share * (1 - share) * (126 / 82 + 126 / 44) * (reach / 0.1) ** 2
        assert concluded["families"].iloc[0] == math.ceil(by_hand) == 806

    def test_a_wide_margin_is_shown(self, concluded: pd.DataFrame) -> None:
        assert concluded["equivalent_words"].iloc[0] == "does not lie within"
        wide = conclusions.summarise_conclusions(PUBLISHED, **RATES, margin=30)
        assert wide["equivalent"].iloc[0] and wide["equivalent_words"].iloc[0] == "lies within"
        assert wide["chance"].iloc[0] > 0.8

    @pytest.mark.parametrize("margin", [0, 100, -5, math.nan])
    def test_an_impossible_margin_is_named(self, margin: float) -> None:
        with pytest.raises(CreweError, match="margin is"):
            conclusions.summarise_conclusions(PUBLISHED, **RATES, margin=margin)

    def test_rereferrals_by_hand(self) -> None:
        """None of 83 against k of 45 is significant from three on (0.042), so the chance is that of three or more."""
        found = conclusions.summarise_rereferrals(PUBLISHED, alpha=0.05)
        assert {k: found[k] for k in ("treated", "control", "events", "n1", "n2")} == {
            "treated": 5, "control": 3, "events": 8, "n1": 83, "n2": 45,
        }  # fmt: skip
        assert stats.fisher_exact([[0, 83], [3, 42]])[1] < 0.05 < stats.fisher_exact([[0, 83], [2, 43]])[1]
        assert found["nothing"] == pytest.approx(stats.binom.sf(2, 45, 3 / 45))

    def test_chances_in_words(self) -> None:
        assert [conclusions.format_chance(v) for v in (0.0, 1e-9, 0.0005, 0.257, 0.99999, 1.0)] == [
            "0.0%", "under 0.1%", "0.1%", "25.7%", "over 99.9%", "100.0%",
        ]  # fmt: skip


class TestShown:
    def test_kinds(self, chapter) -> None:
        register = load_claims()
        simulated = curve.simulate_power(register, **RATES, n_trials=5, seed=1)
        curves = curve.estimate_power_curves(register, alpha=0.05)
        recorder = chapter._recorder
        kinds = {
            "printed": design_power.check_printed_effects(register),
            "detectable": design_power.estimate_detectable(register, **RATES),
            "curves": curves,
            "simulated": curve.derive_simulated(simulated, effect=True),
            "described": curve.describe_power(curves, at=10),
            "exaggeration": conclusions.estimate_exaggeration(register, alpha=0.05),
            "concluded": conclusions.summarise_conclusions(register, **RATES, margin=10),
        }
        found = {name: recorder.find(value).kinds for name, value in kinds.items()}
        provenance.stop_recording()
        implied = ["inferred", "published"]
        assert found == {
            "printed": implied, "detectable": ["published"], "curves": implied, "simulated": ["published", "simulated"],
            "described": implied, "exaggeration": implied, "concluded": implied,
        }  # fmt: skip

    def test_tables_have_their_columns(
        self, detectable: pd.DataFrame, simulated: pd.DataFrame, exaggeration: pd.DataFrame, concluded: pd.DataFrame
    ) -> None:
        for columns, frame in (
            (design_power.PRINTED_COLUMNS, design_power.check_printed_effects(PUBLISHED)),
            (design_power.DETECTABLE_COLUMNS, detectable),
            (curve.SIMULATED_COLUMNS, simulated),
            (curve.SIZE_COLUMNS, simulated),
            (conclusions.EXAGGERATION_COLUMNS, exaggeration),
            (conclusions.CONCLUSION_COLUMNS, concluded),
        ):
            assert set(columns) <= set(frame.columns)

    def test_the_power_figure_draws_each_line(self, curves: pd.DataFrame) -> None:
        figure, axes = plt.subplots(1, 3)
        figures.draw_power(curves, ax=list(axes), power=0.8)
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == ["as run", "as planned (implied), n = 286, formula"]
        titles = [" ".join(panel.get_title().split()) for panel in axes]
        assert titles[0].endswith("(n = 132; exact, HC2 test)") and titles[1].endswith("(n = 132; formula)")
        assert titles[2] == "Closed: one lead child a family (n = 126; exact, HC2 test)"
        plt.close(figure)

    def test_the_exaggeration_figure_draws_each_line(self, exaggeration: pd.DataFrame) -> None:
        figure, axes = plt.subplots(1, 2)
        figures.draw_exaggeration(exaggeration, ax=list(axes))
        assert len(axes[1].lines) == 1 and len(figure.legends[0].get_texts()) == 1
        assert "n = 126" in figure.legends[0].get_texts()[0].get_text()
        plt.close(figure)

    def test_the_tables_behind_the_figures(self, curves: pd.DataFrame, exaggeration: pd.DataFrame) -> None:
        points = curve.derive_power_points(curves)
        assert points["Chance of a significant result, %"].between(4, 100).all()
        row = curves.query("difference == 10 and plan == 'as run' and outcome == 'Closed'").iloc[0]
        own = points.query("`True difference, points` == '+10.0' and Analysed == 'Closed: one lead child a family'")
        assert own["Chance of a significant result, %"].tolist() == [100 * row["power"]]
        shown = conclusions.derive_exaggeration_points(exaggeration)
        assert len(shown) == 24 and shown["Wrong sign, if significant"].iloc[0] == "25.6%"

    def test_descriptions_carry_the_numbers(self, curves: pd.DataFrame, exaggeration: pd.DataFrame) -> None:
        text = curve.describe_power(curves, at=10)["text"]
        assert "as planned (implied) (formula), a rise 48% and a fall 61%; as run (exact, HC2 test), a rise" in text
        assert (
            "10.3-fold, wrong sign 25.6%, at a true difference of 2 points"
            in (conclusions.describe_exaggeration(exaggeration)["text"])
        )
