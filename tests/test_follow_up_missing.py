"""Missing outcomes of the long follow-up: counts and bounds by hand, tipping points by brute force, figures, errors."""

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from crewe_lib import follow_up, follow_up_missing, follow_up_tipping
from crewe_lib.definitions import derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.figures import follow_up_missing as figures
from crewe_lib.follow_up_missing import compare_shares, count_missing, derive_implied_missing, estimate_missing
from crewe_lib.follow_up_tipping import STEPS, derive_ways, summarise_ways
from crewe_lib.load import load_claims, load_simulated_cohort
from crewe_lib.models.imputation import impute_binary
from crewe_lib.models.proportions import fit_agresti_caffo
from crewe_lib.provenance import start_recording, stop_recording

SETTINGS = {"alpha": 0.05, "n_imputations": 20, "seed": 1}


@pytest.fixture(scope="module")
def cohort():
    return load_simulated_cohort()


@pytest.fixture(scope="module")
def families(cohort):
    return follow_up.derive_follow_up_set(cohort, dates=derive_study_dates(load_claims()))


@pytest.fixture(scope="module")
def counts(cohort, families):
    return count_missing(cohort, families, closed_reading="status", rereferral_reading="any")


@pytest.fixture(scope="module")
def estimates(families, counts):
    return estimate_missing(families, counts, **SETTINGS)


def made_counts(treatment, control, outcome="closed") -> pd.DataFrame:
    """Counts from (events, seen, unknown, no case data) of each arm, with the columns of `count_missing`."""
    rows = []
    for arm, (events, seen, unknown, no_data) in zip(("treatment", "control"), (treatment, control), strict=True):
        row = {"outcome": outcome, "column": f"{outcome}_status", "label": "Closed", "arm": arm}
        row |= {"randomised": seen + unknown + no_data, "no_case_data": no_data, "unknown": unknown}
        rows.append(row | {"seen": seen, "events": events, "missing": unknown + no_data})
    return pd.DataFrame(rows)


def made_families(rng, n=60, missing=12) -> pd.DataFrame:
    """Families with some outcomes missing, in the columns that are used."""
    table = pd.DataFrame({"arm": np.repeat(["treatment", "control"], [n - n // 3, n // 3])})
    table["treated"] = (table["arm"] == "treatment").astype(int)
    for name in ("female", "under_11", "history"):
        table[name] = pd.array(rng.integers(0, 2, n), dtype="Int64")
    closed = pd.array(rng.integers(0, 2, n), dtype="Int64")
    closed[rng.choice(n, missing, replace=False)] = pd.NA
    return table.assign(closed_status=closed)


def counts_of(families) -> pd.DataFrame:
    rows = []
    for arm in ("treatment", "control"):
        own = families.loc[families["arm"] == arm, "closed_status"]
        rows.append((int(own.sum()), int(own.notna().sum()), int(own.isna().sum()), 0))
    return made_counts(*rows)


class TestShares:
    @pytest.mark.parametrize("table", [(34, 83, 19, 43), (60, 84, 36, 44), (0, 9, 5, 5), (4, 84, 0, 44)])
    def test_statsmodels_agrees(self, table) -> None:
        """Its interval takes the normal distribution; ours t, so the centre and variance are held against it."""
        centre, variance = (float(part) for part in fit_agresti_caffo(*table))
        half = 1.959963984540054 * np.sqrt(variance)
        low, high = confint_proportions_2indep(*table, method="agresti-caffo")
        assert (centre - half, centre + half) == pytest.approx((low, high), rel=1e-9)

    def test_by_hand(self) -> None:
        """2 of 3 against 0 of 2: after one of each is added, 3/5 against 1/4."""
        found = compare_shares(*(np.array([one]) for one in (2.0, 3.0, 0.0, 2.0)), alpha=0.05)
        error = np.sqrt(0.6 * 0.4 / 5 + 0.25 * 0.75 / 4)
        assert found["estimate"][0] == pytest.approx(2 / 3)
        assert found["std_error"][0] == pytest.approx(error)
        assert found["conf_low"][0] == pytest.approx(0.35 - stats.t.isf(0.025, 3) * error)
        assert found["conf_high"][0] == 1  # 1.33 otherwise
        assert found["p_value"][0] == pytest.approx(2 * stats.t.sf(0.35 / error, 3))

    def test_arms_that_are_all_alike_have_an_interval(self) -> None:
        found = compare_shares(*(np.array([one]) for one in (9.0, 9.0, 0.0, 9.0)), alpha=0.05)
        assert found["conf_low"][0] < found["estimate"][0] == 1 == found["conf_high"][0]

    @pytest.mark.parametrize("table", [(4, 3, 0, 2), (-1, 3, 0, 2), (0, 0, 0, 2)])
    def test_impossible_counts_are_named(self, table) -> None:
        with pytest.raises(CreweError, match="not between 0 and its number of families, or an arm is empty"):
            fit_agresti_caffo(*table)

    def test_two_families_are_too_few(self) -> None:
        with pytest.raises(CreweError, match="three families at least"):
            compare_shares(*(np.array([one]) for one in (1.0, 1.0, 0.0, 1.0)), alpha=0.05)


class TestCounts:
    def test_the_cohort(self, counts) -> None:
        """132 randomised; the four without case data are in treatment; two re-referrals cannot be told."""
        assert counts["randomised"].tolist() == [88, 44, 88, 44]
        assert counts["no_case_data"].tolist() == [4, 0, 4, 0]
        assert counts["unknown"].tolist() == [0, 0, 1, 1]
        assert counts["events"].tolist() == [60, 36, 34, 19] and counts["seen"].tolist() == [84, 44, 83, 43]
        assert counts["missing"].tolist() == [4, 0, 5, 1]

    def test_sums(self, counts) -> None:
        assert (counts["seen"] + counts["unknown"] + counts["no_case_data"] == counts["randomised"]).all()

    def test_an_unknown_reading_is_named(self, cohort, families) -> None:
        with pytest.raises(CreweError, match="there is no outcome closed_today; there are closed_status"):
            count_missing(cohort, families, closed_reading="today", rereferral_reading="any")

    def test_implied(self) -> None:
        """41% of 84 and 44% of 44 with two families missing: 34 of 83 and 19 of 43."""
        found = derive_implied_missing(load_claims())
        assert found[["events", "seen", "unknown"]].to_numpy().tolist() == [[34, 83, 1], [19, 43, 1]]
        assert found["arm"].tolist() == ["treatment", "control"]


class TestEstimates:
    def test_rows(self, estimates) -> None:
        assert estimates["how"].tolist() == ["left_out", "imputed", "best", "worst"] * 2
        assert estimates["n"].tolist() == [128, 128, 132, 132, 126, 128, 132, 132]

    def test_left_out_and_bounds_by_hand(self, estimates) -> None:
        """Closing is to be hoped for and re-referral is not, so best and worst are turned round between them."""
        found = estimates.set_index(["outcome", "how"])["estimate"]
        assert found["closed", "left_out"] == pytest.approx(100 * (60 / 84 - 36 / 44))
        assert found["closed", "best"] == pytest.approx(100 * (64 / 88 - 36 / 44))
        assert found["closed", "worst"] == pytest.approx(100 * (60 / 88 - 36 / 44))
        assert found["rereferred", "left_out"] == pytest.approx(100 * (34 / 83 - 19 / 43))
        assert found["rereferred", "best"] == pytest.approx(100 * (34 / 88 - 20 / 44))
        assert found["rereferred", "worst"] == pytest.approx(100 * (39 / 88 - 19 / 44))

    def test_imputed_by_hand(self, families, estimates) -> None:
        """The same copies, each analysed here."""
        y = families["rereferred_any"].to_numpy(float, na_value=np.nan)
        x = np.column_stack([np.ones(len(y)), families[["treated", "female", "under_11", "history"]].astype(float)])
        copies = impute_binary(y, x, n_imputations=20, rng=np.random.default_rng(1))
        arm = families["treated"].to_numpy() == 1
        row = estimates.set_index(["outcome", "how"]).loc[("rereferred", "imputed")]
        shares = np.array([[one[arm].mean(), one[~arm].mean()] for one in copies])
        assert row["estimate"] == pytest.approx(100 * (shares[:, 0] - shares[:, 1]).mean())
        assert (row["treatment"], row["control"]) == pytest.approx(tuple(100 * shares.mean(axis=0)))
        assert 110 < row["df"] < 126 and row["note"].startswith("2 filled in; share of information missing")

    def test_nothing_missing_is_said(self, estimates) -> None:
        row = estimates.set_index(["outcome", "how"]).loc[("closed", "imputed")]
        assert row["note"] == "nothing to fill in: known for all with case data"
        assert row["estimate"] == pytest.approx(estimates["estimate"].iloc[0])

    def test_limits_are_shares(self, estimates) -> None:
        assert (estimates["conf_low"] < estimates["estimate"]).all()
        assert (estimates["estimate"] < estimates["conf_high"]).all()
        assert estimates[["conf_low", "conf_high"]].abs().to_numpy().max() <= 100

    def test_arms_exchanged_turn_the_sign(self) -> None:
        families = made_families(np.random.default_rng(4))
        one = estimate_missing(families, counts_of(families), **SETTINGS).set_index("how")
        names = {"treatment": "control", "control": "treatment"}
        turned = families.assign(arm=families["arm"].map(names), treated=1 - families["treated"])
        other = estimate_missing(turned, counts_of(turned), **SETTINGS).set_index("how")
        assert other.loc["left_out", "estimate"] == pytest.approx(-one.loc["left_out", "estimate"])
        assert other.loc["best", "estimate"] == pytest.approx(-one.loc["worst", "estimate"])
        assert other.loc["worst", "conf_high"] == pytest.approx(-one.loc["best", "conf_low"])
        assert one.loc["worst", "estimate"] < one.loc["imputed", "estimate"] < one.loc["best", "estimate"]

    def test_more_missing_is_less_certain(self) -> None:
        families = made_families(np.random.default_rng(4), n=120, missing=60)
        row = estimate_missing(families, counts_of(families), **SETTINGS).set_index("how").loc["imputed"]
        assert row["std_error"] > 1.1 * 100 * np.sqrt(0.25 / 80 + 0.25 / 40)

    def test_sex_not_recorded_is_left_out_of_the_model(self) -> None:
        families = made_families(np.random.default_rng(4))
        families.loc[3, "female"] = pd.NA
        row = estimate_missing(families, counts_of(families), **SETTINGS).set_index("how").loc["imputed"]
        assert row["note"].endswith("; without female") and np.isfinite(row["estimate"])

    def test_a_covariate_that_separates_is_left_out(self) -> None:
        families = made_families(np.random.default_rng(4))
        families["history"] = families["closed_status"].fillna(1)
        families["under_11"] = 1
        row = estimate_missing(families, counts_of(families), **SETTINGS).set_index("how").loc["imputed"]
        assert row["note"].endswith("; without under 11 and history") and np.isfinite(row["estimate"])

    @pytest.mark.parametrize("value", [0, 1])
    def test_an_outcome_that_all_share_cannot_be_imputed(self, value) -> None:
        families = made_families(np.random.default_rng(4))
        families["closed_status"] = families["closed_status"].where(families["closed_status"].isna(), value)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = estimate_missing(families, counts_of(families), **SETTINGS).set_index("how")
        assert "not possible: logistic regression: the outcome is the same" in table.loc["imputed", "note"]
        assert table.drop("imputed")["estimate"].notna().all() and pd.isna(table.loc["imputed", "interval"])

    def test_an_arm_whose_known_outcomes_are_all_alike_is_named(self) -> None:
        families = made_families(np.random.default_rng(4))
        known = families["closed_status"].notna() & (families["treated"] == 0)
        families.loc[known, "closed_status"] = 1
        row = estimate_missing(families, counts_of(families), **SETTINGS).set_index("how").loc["imputed"]
        assert "not possible" in row["note"] and "treated" in row["note"]

    def test_an_arm_without_a_known_outcome(self) -> None:
        families = made_families(np.random.default_rng(4))
        families.loc[families["treated"] == 0, "closed_status"] = pd.NA
        table = estimate_missing(families, counts_of(families), **SETTINGS).set_index("how")
        assert table.loc["left_out", "note"] == "not possible: nobody's outcome is known in an arm"
        assert "not possible" in table.loc["imputed", "note"] and table.loc["best", "n"] == 60

    @pytest.mark.parametrize(("name", "value", "message"), [("alpha", 0, "alpha is 0"), ("n_imputations", 1, "1 are")])
    def test_bad_settings_are_named(self, name, value, message) -> None:
        families = made_families(np.random.default_rng(4))
        with pytest.raises(CreweError, match=message):
            estimate_missing(families, counts_of(families), **(SETTINGS | {name: value}))


class TestWays:
    def test_by_brute_force(self) -> None:
        """Each missing family in turn with and without the outcome: 2^5 assignments, told apart by number alone."""
        counts = made_counts((10, 20, 2, 1), (4, 15, 1, 1))
        ways = derive_ways(counts, alpha=0.05).set_index(["treatment", "control"])
        assert len(ways) == 4 * 3
        for treated in range(4):
            for others in range(3):
                found = compare_shares(
                    *(np.array([one]) for one in (10.0 + treated, 23.0, 4.0 + others, 17.0)), alpha=0.05
                )
                row = ways.loc[(treated, others)]
                assert row["estimate"] == pytest.approx(100 * float(found["estimate"][0]))
                assert row["conf_low"] == pytest.approx(100 * float(found["conf_low"][0]))
                verdict = "more" if found["conf_low"][0] > 0 else "fewer" if found["conf_high"][0] < 0 else "open"
                assert row["verdict"] == verdict

    def test_a_tipping_point(self) -> None:
        """27 of 40 against 15 of 40 are told apart; not any more if ten missing in treatment had nothing."""
        counts = made_counts((27, 40, 10, 0), (15, 40, 0, 0))
        summary = summarise_ways(counts, alpha=0.05).iloc[0]
        assert (summary["seen"], summary["ways"], summary["more"] + summary["open"]) == ("more", 11, 11)
        assert 0 < summary["changed"] == summary["open"] < 11
        assert summary["said"] == (
            f"without these families the interval lies above zero; in {summary['changed']} of the 11 ways they could "
            "have turned out, it does not"
        )

    def test_nothing_missing(self) -> None:
        counts = made_counts((27, 40, 0, 0), (15, 40, 0, 0))
        summary = summarise_ways(counts, alpha=0.05).iloc[0]
        assert (summary["ways"], summary["changed"], len(derive_ways(counts, alpha=0.05))) == (1, 0, 1)
        assert summary["said"] == "no outcome is missing, so nothing could have changed the finding"

    def test_the_corners_are_the_bounds(self, counts, estimates) -> None:
        ways = derive_ways(counts, alpha=0.05)
        own = ways[ways["outcome"] == "rereferred"].set_index(["treatment", "control"])
        bounds = estimates.set_index(["outcome", "how"]).loc["rereferred"]
        for how, place in (("best", (0, 1)), ("worst", (5, 0))):
            for name in ("estimate", "conf_low", "conf_high"):
                assert own.loc[place, name] == pytest.approx(bounds.loc[how, name])
        summary = summarise_ways(counts, alpha=0.05).set_index("outcome").loc["rereferred"]
        assert (summary["least"], summary["greatest"]) == pytest.approx(
            (bounds.loc["best", "estimate"], bounds.loc["worst", "estimate"])
        )

    def test_many_missing_are_drawn_in_steps_and_counted_in_full(self) -> None:
        counts = made_counts((200, 300, 45, 5), (100, 150, 20, 3))
        ways = derive_ways(counts, alpha=0.05)
        assert len(ways) == (STEPS + 1) ** 2
        assert set(ways["treatment"]) >= {0, 50} and set(ways["control"]) >= {0, 23}
        assert summarise_ways(counts, alpha=0.05)["ways"].iloc[0] == 51 * 24

    def test_an_arm_of_whom_nothing_is_known(self) -> None:
        counts = made_counts((0, 0, 3, 0), (4, 15, 0, 0))
        summary = summarise_ways(counts, alpha=0.05).iloc[0]
        assert summary["seen"] == "none" and "no finding to be changed" in summary["said"]
        assert derive_ways(counts, alpha=0.05)["treatment_seen"].isna().all()

    def test_implied(self) -> None:
        """At the implied 34 of 83 and 19 of 43 the two missing families cannot change what is found."""
        summary = summarise_ways(derive_implied_missing(load_claims()), alpha=0.05).iloc[0]
        assert (summary["ways"], summary["open"], summary["changed"]) == (4, 4, 0)
        assert summary["said"] == "however these families turned out, the interval holds zero, as it does without them"
        assert summary["least"] == pytest.approx(100 * (34 / 84 - 20 / 44))
        assert summary["greatest"] == pytest.approx(100 * (35 / 84 - 19 / 44))


class TestFigure:
    @pytest.mark.parametrize(
        "tables",
        [
            (((27, 40, 3, 0), (15, 40, 2, 0)), ((27, 40, 0, 0), (15, 40, 0, 0))),
            (((60, 300, 45, 5), (100, 150, 20, 3)), ((0, 0, 3, 0), (4, 15, 0, 0))),
        ],
    )
    def test_each_way_is_drawn(self, tables) -> None:
        both = [made_counts(*table, outcome=name) for table, name in zip(tables, ("closed", "rereferred"), strict=True)]
        ways = derive_ways(pd.concat(both), alpha=0.05)
        canvas, axes = plt.subplots(1, 2, layout="constrained")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figures.draw_ways(ways, ax=list(axes))
            canvas.canvas.draw()
        for panel, (_, own) in zip(axes, ways.groupby("outcome", sort=False), strict=True):
            written = [text.get_text() for text in panel.texts]
            assert len(written) == len(own)
            assert sum("▲" in text for text in written) == (own["verdict"] == "more").sum()
            assert sum("▼" in text for text in written) == (own["verdict"] == "fewer").sum()
            hatched = [one for one in panel.patches if isinstance(one, mpl.patches.Rectangle) and one.get_hatch()]
            assert len(hatched) == (own["verdict"] != "open").sum()
        plt.close(canvas)

    def test_words(self, counts) -> None:
        text = figures.describe_ways(summarise_ways(counts, alpha=0.05))["text"]
        assert "Re-referred: 6 families missing, 12 ways; differences from −6.8 to +1.1 points" in text


def test_kinds_travel(cohort) -> None:
    """Implied counts make implied results."""
    recorder = start_recording()
    try:
        implied = derive_implied_missing(load_claims())
        found = recorder.find(follow_up_tipping.summarise_ways(implied, alpha=0.05))
        assert found is not None and found.kinds == ["inferred", "published"]
    finally:
        stop_recording()


def test_columns_are_there(counts, estimates) -> None:
    assert set(follow_up_missing.COUNT_COLUMNS) <= set(counts)
    assert set(follow_up_missing.ESTIMATE_COLUMNS) <= set(estimates)
    assert set(follow_up_tipping.WAY_COLUMNS) <= set(derive_ways(counts, alpha=0.05))
