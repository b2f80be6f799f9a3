"""Risk scores: by hand, against brute force over the framework, and each way in which records cannot be scored."""

from dataclasses import replace
from functools import reduce
from itertools import product

import numpy as np
import pandas as pd
import pytest

from crewe_lib.claim_register import read_register
from crewe_lib.errors import CreweError, DataError
from crewe_lib.load import load_claims, load_risk_framework, load_simulated_cohort
from crewe_lib.records import Records
from crewe_lib.risk_scoring import (
    LASTING,
    derive_framework_table,
    derive_risk_scores,
    derive_score_range,
    enumerate_totals,
    find_hinges,
)

FRAMEWORK = load_risk_framework()


@pytest.fixture(scope="module")
def cohort() -> Records:
    return load_simulated_cohort()


def coded(cohort: Records, *rows: tuple) -> Records:
    """Records with these rows of risk only: family, time point, coder, factor, level."""
    columns = ["family_id", "time_point", "coder", "factor", "level"]
    risk = pd.DataFrame(rows, columns=columns).astype({"level": "Int64"})
    families = pd.DataFrame({"family_id": ["F1", "F2", "F3"], "arm": ["treatment", "control", "control"]})
    return replace(cohort, risk=risk, families=families)


ONE = [
    ("F1", "referral", "a", "parent_mental_health", 1),
    ("F1", "referral", "a", "family_conflict", 1),
    ("F1", "referral", "a", "family_supportive_network", 1),
    ("F1", "referral", "a", "parent_engagement", 2),
    ("F1", "referral", "a", "child_engagement", -1),
]


class TestByHand:
    @pytest.mark.parametrize(("combine", "engagement"), [("sum", 1.0), ("mean", 0.5)])
    def test_risk_takes_away_and_protection_adds(self, cohort, combine, engagement) -> None:
        scores = derive_risk_scores(coded(cohort, *ONE), FRAMEWORK, combine=combine)
        row = scores.iloc[0]
        assert len(scores) == 1 and row["arm"] == "treatment" and row["coders"] == 1
        assert (row["risk"], row["protective"], row["engagement"]) == (-3.0, 2.0, engagement)
        assert row["total"] == -1.0 + engagement

    @pytest.mark.parametrize("combine", ["sum", "mean"])
    def test_one_rating_is_the_engagement(self, cohort, combine) -> None:
        scores = derive_risk_scores(coded(cohort, *ONE[:4]), FRAMEWORK, combine=combine)
        assert scores["engagement"].item() == 2.0

    def test_several_coders_are_averaged(self, cohort) -> None:
        other = [("F1", "referral", "b", "parent_engagement", -2), ("F1", "referral", "b", "parent_attachment", 1)]
        row = derive_risk_scores(coded(cohort, *ONE, *other), FRAMEWORK, combine="sum").iloc[0]
        assert row["coders"] == 2 and row["risk"] == -2.5 and row["protective"] == 1.0
        assert row["engagement"] == -0.5 and row["total"] == -2.0

    def test_factors_left_out_do_not_count_but_the_assessment_does(self, cohort) -> None:
        rows = [("F1", "latest", "a", "parent_personality_disorder", 1), ("F1", "latest", "a", "parent_engagement", 1)]
        records = coded(cohort, *rows)
        assert derive_risk_scores(records, FRAMEWORK, combine="sum")["total"].item() == -1.0
        assert derive_risk_scores(records, FRAMEWORK, combine="sum", without=LASTING)["total"].item() == 1.0

    def test_the_factors_that_cannot_go_are_five_of_twenty_five_points(self) -> None:
        points = FRAMEWORK[FRAMEWORK["kind"] == "risk"].set_index("factor")["weight"]
        assert points[list(LASTING)].sum() == -5 and points.sum() == -25

    def test_order_of_rows_does_not_matter(self, cohort) -> None:
        shuffled = replace(cohort, risk=cohort.risk.sample(frac=1, random_state=1))
        expected = derive_risk_scores(cohort, FRAMEWORK, combine="sum")
        pd.testing.assert_frame_equal(derive_risk_scores(shuffled, FRAMEWORK, combine="sum"), expected)

    def test_the_table_to_read_names_every_factor_once(self) -> None:
        text = "; ".join(derive_framework_table(FRAMEWORK)["factors"])
        assert len(text.split("; ")) == len(FRAMEWORK) and "Mental health problems (−2)" in text


class TestEngagement:
    def test_zero_is_rejected_unless_allowed(self, cohort) -> None:
        records = coded(cohort, *ONE[:3], ("F1", "referral", "a", "parent_engagement", 0))
        with pytest.raises(DataError, match=r"1 ratings of engagement are 0.*Give each a level that the framework has"):
            derive_risk_scores(records, FRAMEWORK, combine="sum")
        scores = derive_risk_scores(records, FRAMEWORK, combine="sum", allow_zero_engagement=True)
        assert scores["engagement"].item() == 0.0 and scores["total"].item() == -1.0

    def test_an_allowed_zero_counts_in_the_mean(self, cohort) -> None:
        records = coded(cohort, *ONE[:4], ("F1", "referral", "a", "child_engagement", 0))
        scores = derive_risk_scores(records, FRAMEWORK, combine="mean", allow_zero_engagement=True)
        assert scores["engagement"].item() == 1.0

    def test_an_allowed_zero_is_no_level_of_a_factor(self, cohort) -> None:
        records = coded(cohort, ("F1", "referral", "a", "family_conflict", 0))
        with pytest.raises(DataError, match="factor and level"):
            derive_risk_scores(records, FRAMEWORK, combine="sum", allow_zero_engagement=True)

    def test_without_a_rating_there_is_no_total(self, cohort) -> None:
        records = coded(cohort, *ONE[:3])
        row = derive_risk_scores(records, FRAMEWORK, combine="sum").iloc[0]
        assert row["risk"] == -3.0 and np.isnan(row["engagement"]) and np.isnan(row["total"])
        allowed = derive_risk_scores(records, FRAMEWORK, combine="sum", allow_zero_engagement=True)
        assert allowed["total"].item() == -1.0

    def test_a_coder_without_a_rating_is_not_averaged_with_one_who_has(self, cohort) -> None:
        records = coded(cohort, *ONE, ("F1", "referral", "b", "family_conflict", 1))
        assert derive_risk_scores(records, FRAMEWORK, combine="sum")["total"].isna().all()


class TestErrors:
    def test_unknown_factor_or_level(self, cohort) -> None:
        for factor, level in (("parent_hobby", 1), ("family_conflict", 2)):
            with pytest.raises(DataError, match="1 rows have a factor and level"):
                derive_risk_scores(coded(cohort, ("F1", "latest", "a", factor, level)), FRAMEWORK, combine="sum")

    def test_unknown_choices(self, cohort) -> None:
        with pytest.raises(CreweError, match="combine is 'median'; it must be 'sum' or 'mean'"):
            derive_risk_scores(cohort, FRAMEWORK, combine="median")
        with pytest.raises(CreweError, match="no factor parent_hobby"):
            derive_risk_scores(cohort, FRAMEWORK, combine="sum", without=["parent_hobby"])
        with pytest.raises(CreweError, match="at least one score"):
            find_hinges(np.array([]))


def all_sums(weights) -> np.ndarray:
    """The sum of every subset, one by one."""
    return reduce(lambda sums, weight: np.concatenate([sums, sums + weight]), weights, np.zeros(1, dtype=np.int16))


class TestRange:
    """Totals span exactly what the framework implies: −29 to 15, −27 to 13 and −23 to 10."""

    @pytest.mark.parametrize(
        ("age_group", "combine", "low", "high", "step"),
        [("over_11", "sum", -29, 15, 1), ("over_11", "mean", -27, 13, 0.5), ("11_or_under", "sum", -23, 10, 1)],
    )
    def test_against_brute_force(self, age_group, combine, low, high, step) -> None:
        own = FRAMEWORK if age_group == "over_11" else FRAMEWORK[FRAMEWORK["applies_to"] == "all"]
        # Half a million subsets of risk factors times a thousand of protective ones; equal sums are merged between.
        parts = [np.unique(all_sums(own.loc[own["kind"] == kind, "weight"])) for kind in ("risk", "protective")]
        people = [group["weight"] for _, group in own[own["kind"] == "engagement"].groupby("factor")]
        engagement = [sum(levels) / (len(levels) if combine == "mean" else 1) for levels in product(*people)]
        expected = np.unique(np.add.outer(np.add.outer(*parts), engagement))
        np.testing.assert_array_equal(enumerate_totals(own, combine=combine), expected)
        ranges = derive_score_range(FRAMEWORK).set_index(["age_group", "combine"])
        row = ranges.loc[(age_group, combine)]
        assert (
            (row["low"], row["high"], row["step"])
            == (low, high, step)
            == (
                expected[0],
                expected[-1],
                np.diff(expected).min(),
            )
        )

    def test_a_young_child_has_one_range_under_both_readings(self) -> None:
        ranges = derive_score_range(FRAMEWORK)
        assert ranges["age_group"].tolist() == ["11_or_under", "over_11", "over_11"]
        young = FRAMEWORK[FRAMEWORK["applies_to"] == "all"]
        np.testing.assert_array_equal(enumerate_totals(young, combine="sum"), enumerate_totals(young, combine="mean"))

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("combine", ["sum", "mean"])
    def test_small_frameworks_against_every_finding_scored(self, cohort, seed, combine) -> None:
        """Each set of findings of a small framework is a family, scored as records are."""
        rng = np.random.default_rng(seed)
        factors = FRAMEWORK[FRAMEWORK["kind"] != "engagement"].sample(4, random_state=seed)
        rated = FRAMEWORK[FRAMEWORK["kind"] == "engagement"]
        small = pd.concat([factors, rated])
        rows, names = [], []
        for number, (found, parent, child) in enumerate(
            product(product((0, 1), repeat=4), (-2, -1, 1, 2), (-2, -1, 1, 2))
        ):
            case = (f"F{number}", "referral", "a")
            names.append(case[0])
            rows += [(*case, factor, 1) for factor, there in zip(factors["factor"], found, strict=True) if there]
            rows += [(*case, "parent_engagement", parent), (*case, "child_engagement", child)]
        families = pd.DataFrame({"family_id": names, "arm": rng.choice(["treatment", "control"], len(names))})
        records = replace(coded(cohort, *rows), families=families)
        totals = derive_risk_scores(records, small, combine=combine)["total"]
        np.testing.assert_array_equal(np.unique(totals), enumerate_totals(small, combine=combine))

    @pytest.mark.parametrize(("combine", "ends"), [("sum", (-29, 15)), ("mean", (-27, 13))])
    def test_the_ends_are_scored(self, cohort, combine, ends) -> None:
        for kind, level, end in (("risk", -2, ends[0]), ("protective", 2, ends[1])):
            found = FRAMEWORK.loc[FRAMEWORK["kind"] == kind, "factor"]
            rated = [("F1", "latest", "a", f"{who}_engagement", level) for who in ("parent", "child")]
            records = coded(cohort, *[("F1", "latest", "a", factor, 1) for factor in found], *rated)
            assert derive_risk_scores(records, FRAMEWORK, combine=combine)["total"].item() == end

    @pytest.mark.parametrize("combine", ["sum", "mean"])
    def test_the_cohort_keeps_to_it(self, cohort, combine) -> None:
        totals = derive_risk_scores(cohort, FRAMEWORK, combine=combine)["total"]
        assert np.isin(totals, enumerate_totals(FRAMEWORK, combine=combine)).all()

    def test_engagement_has_the_levels_that_the_reports_print(self) -> None:
        reader = read_register(load_claims())
        levels = FRAMEWORK.loc[FRAMEWORK["kind"] == "engagement", "weight"]
        assert levels.min() == reader.number("r1.risk.eng_low") and levels.max() == reader.number("r1.risk.eng_high")
        assert 0 not in set(levels)
