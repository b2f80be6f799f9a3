"""Closing cases: what the cohort was made to give, statsmodels formulas, identities, known truths, odd records."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from matplotlib.figure import Figure

from crewe_lib import rct_closing as closing_of
from crewe_lib.definitions import StudyDates, derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.figures.rct import draw_means
from crewe_lib.formats import fixed
from crewe_lib.load import load_claims, load_simulated_cohort
from crewe_lib.rct import AGE_BANDS, derive_closing_set
from crewe_lib.targets import measures

ESTIMATE = ["outcome", "measure", "estimate", "std_error", "conf_low", "conf_high", "p_value", "n", "method", "df"]
GROUPS = ["all", "without_history", "with_history", "interaction"]


@pytest.fixture(scope="module")
def dates() -> StudyDates:
    return derive_study_dates(load_claims())


@pytest.fixture(scope="module")
def closing(dates: StudyDates) -> pd.DataFrame:
    return derive_closing_set(load_simulated_cohort(), dates=dates, reading="any_but_escalated", unit="lead_child")


@pytest.fixture(scope="module")
def published(closing: pd.DataFrame) -> pd.DataFrame:
    return closing_of.estimate_published(closing, alpha=0.05).set_index("group")


@pytest.fixture(scope="module")
def better(closing: pd.DataFrame) -> pd.DataFrame:
    return closing_of.estimate_better(closing, n_draws=2_000, seed=1, alpha=0.05)


def made(n: int = 400, effects: tuple[float, float] = (0.1, 0.3), seed: int = 5) -> pd.DataFrame:
    """A table like `derive_closing_set` gives, with one child a family and known effects without and with history."""
    rng = np.random.default_rng(seed)
    treated, history, age = rng.permutation(np.arange(n) % 3 > 0), rng.random(n) < 0.5, rng.integers(0, 18, n)
    share = 0.3 + np.where(history, effects[1], effects[0]) * treated + 0.1 * (age > 10)
    ids = [f"F{i:04d}" for i in range(n)]
    return pd.DataFrame(
        {
            "family_id": ids,
            "child_id": ids,
            "treated": treated.astype(int),
            "closed": (rng.random(n) < share).astype(int),
            "female": rng.integers(0, 2, n),
            "age": age,
            "disability": (rng.random(n) < 0.1).astype(int),
            "history": history.astype(int),
        }
    )


def test_the_cohort_gives_what_it_was_made_to_give(published: pd.DataFrame, dates: StudyDates) -> None:
    """8.5 points over all and 20 in families with history, as the report prints; the calibration measures the same."""
    target = measures.fit_closure(measures.describe_outcomes(load_simulated_cohort(), dates))
    assert published.at["all", "estimate"] == pytest.approx(target.all_points, rel=1e-9)
    assert published.at["all", "p_value"] == pytest.approx(target.all_p, rel=1e-9)
    assert published.at["with_history", "estimate"] == pytest.approx(target.history_points, rel=1e-9)
    assert published.at["with_history", "p_value"] == pytest.approx(target.history_p, rel=1e-9)
    printed = load_claims().set_index("id")["value"]
    assert fixed(1)(published.at["all", "estimate"]) == printed["r1.closure.ate"]
    assert fixed(0)(published.at["with_history", "estimate"]) == printed["r1.closure.hist_text"]


def test_the_cohort_gives_the_printed_means(closing: pd.DataFrame) -> None:
    means = closing_of.estimate_means(closing, alpha=0.05).set_index(["group", "arm"])["estimate"]
    printed = load_claims().set_index("id")["value"]
    assert fixed(0)(means["all", "treatment"]) == printed["r1.closure.pc"]
    assert fixed(0)(means["all", "control"]) == printed["r1.closure.cec"]


def test_statsmodels_formulas_give_the_same(closing: pd.DataFrame, published: pd.DataFrame) -> None:
    adjust = "female + C(age_band) + disability + history"
    main = smf.ols(f"closed ~ treated + {adjust}", closing).fit(cov_type="HC1", use_t=True)
    crossed = smf.ols(f"closed ~ treated + treated:history + {adjust}", closing).fit(cov_type="HC1", use_t=True)
    found = {"all": (main, "treated"), "without_history": (crossed, "treated")}
    for group, (model, name) in {**found, "interaction": (crossed, "treated:history")}.items():
        row = published.loc[group]
        low, high = 100 * model.conf_int().loc[name]
        values = [100 * model.params[name], 100 * model.bse[name], low, high, model.pvalues[name], model.df_resid]
        columns = ["estimate", "std_error", "conf_low", "conf_high", "p_value", "df"]
        np.testing.assert_allclose(row[columns].to_numpy(float), values, rtol=1e-9)


def test_tables_hold_together(published: pd.DataFrame, better: pd.DataFrame, closing: pd.DataFrame) -> None:
    """The same estimates throughout, the interaction a difference, counts of cases, columns of every estimate."""
    assert list(published.index) == GROUPS
    effects = closing_of.derive_effects(published.reset_index(), better)
    assert set(ESTIMATE) <= set(effects)
    assert list(dict.fromkeys(effects["group"])) == GROUPS
    assert effects.groupby("group", sort=False)["approach"].agg(list).to_list() == [
        *[["published", "better", "randomisation"]] * 3,
        ["published", "better"],
    ]
    assert effects.groupby("group")["estimate"].agg(np.ptp).lt(1e-9).all()
    estimate = published["estimate"]
    assert estimate["interaction"] == pytest.approx(estimate["with_history"] - estimate["without_history"])
    history = closing["history"].value_counts()
    assert published["n"].to_list() == [len(closing), history[0], history[1], len(closing)]
    said = closing_of.summarise_effects(effects, alpha=0.05)
    assert (said["tests"], said["rejecting"]) == (11, 0)
    assert said["wider"] == pytest.approx(said["better_width"] - said["published_width"])
    assert (said["side"], said["interaction_side"]) == (0, 0)


def test_means_differ_by_the_effect_and_average_to_the_share_closed(
    closing: pd.DataFrame, published: pd.DataFrame
) -> None:
    means = closing_of.estimate_means(closing, alpha=0.05)
    wide = means.pivot_table(index="group", columns="arm", values="estimate")
    for group in GROUPS[:3]:
        assert wide.at[group, "treatment"] - wide.at[group, "control"] == pytest.approx(published.at[group, "estimate"])
    share = closing["treated"].mean()
    both = share * wide.at["all", "treatment"] + (1 - share) * wide.at["all", "control"]
    assert both == pytest.approx(100 * closing["closed"].mean())
    counted = means.set_index(["group", "arm"])[["closed", "n"]]
    assert counted.loc[("all", "treatment")].to_list() == [59, 82]
    assert counted.loc[("with_history", "control")].to_list() == [12, 20]


def test_means_agree_with_a_prediction_at_the_means(closing: pd.DataFrame) -> None:
    """statsmodels' prediction with its interval, every covariate at its mean, for treatment with history."""
    frame = closing.copy()
    for low, high in AGE_BANDS[1:]:
        frame[f"age_{low}"] = frame["age"].between(low, high).astype(float)
    model = smf.ols("closed ~ treated * history + female + age_5 + age_11 + age_16 + disability", frame)
    at = frame.mean(numeric_only=True).to_frame().T.assign(treated=1, history=1)
    expected = model.fit(cov_type="HC1", use_t=True).get_prediction(at).summary_frame(alpha=0.1).iloc[0]
    means = closing_of.estimate_means(closing, alpha=0.1).set_index(["group", "arm"])
    row = means.loc[("with_history", "treatment")]
    np.testing.assert_allclose(
        row[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy(float),
        100 * expected[["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]].to_numpy(float),
        rtol=1e-9,
    )


def test_swapped_arms_flip_the_signs(closing: pd.DataFrame, published: pd.DataFrame) -> None:
    swapped = closing.assign(treated=1 - closing["treated"])
    other = closing_of.estimate_published(swapped, alpha=0.05).set_index("group")
    np.testing.assert_allclose(other["estimate"], -published["estimate"], rtol=1e-9)
    np.testing.assert_allclose(other["conf_low"], -published["conf_high"], rtol=1e-9)
    np.testing.assert_allclose(other["p_value"], published["p_value"], rtol=1e-9)
    mean = {"treatment": "control", "control": "treatment"}
    one = closing_of.estimate_means(closing, alpha=0.05).set_index(["group", "arm"])["estimate"]
    two = closing_of.estimate_means(swapped, alpha=0.05).set_index(["group", "arm"])["estimate"]
    for group, arm in one.index:
        assert two[group, mean[arm]] == pytest.approx(one[group, arm])


def test_row_order_does_not_matter_and_a_seed_repeats(closing: pd.DataFrame, better: pd.DataFrame) -> None:
    shuffled = closing.sample(frac=1, random_state=3).reset_index(drop=True)
    other = closing_of.estimate_better(shuffled, n_draws=2_000, seed=1, alpha=0.05)
    robust = better["approach"] == "better"
    columns = ["estimate", "std_error", "conf_low", "df"]
    np.testing.assert_allclose(other.loc[robust, columns], better.loc[robust, columns], rtol=1e-7)
    again = closing_of.estimate_better(closing, n_draws=2_000, seed=1, alpha=0.05)
    pd.testing.assert_frame_equal(again, better)


def test_known_effects_are_recovered() -> None:
    """10 points without and 30 with history among 3,000: within three standard errors, by every method."""
    effects = closing_of.estimate_better(made(3_000), n_draws=200, seed=2, alpha=0.05).set_index(["group", "approach"])
    for group, truth in (("without_history", 10), ("with_history", 30), ("interaction", 20)):
        row = effects.loc[(group, "better")]
        assert abs(row["estimate"] - truth) < 3 * row["std_error"]
    assert effects.at[("with_history", "randomisation"), "conf_low"] > 0


def test_the_side_of_zero_follows_the_better_interval() -> None:
    for effects, sides in (((0.3, 0.6), (1, 1)), ((-0.3, -0.3), (-1, 0))):
        table = made(2_000, effects=effects)
        published = closing_of.estimate_published(table, alpha=0.05)
        better = closing_of.estimate_better(table, n_draws=50, seed=1, alpha=0.05)
        said = closing_of.summarise_effects(closing_of.derive_effects(published, better), alpha=0.05)
        assert (said["side"], said["interaction_side"]) == sides


def test_siblings_widen_the_better_interval(dates: StudyDates) -> None:
    """With all children the published errors take siblings for independent."""
    children = derive_closing_set(load_simulated_cohort(), dates=dates, reading="any_but_escalated", unit="children")
    published = closing_of.estimate_published(children, alpha=0.05)
    better = closing_of.estimate_better(children, n_draws=500, seed=1, alpha=0.05)
    said = closing_of.summarise_effects(closing_of.derive_effects(published, better), alpha=0.05)
    assert said["wider"] > 0
    assert said["randomisation_width"] > said["published_width"]


def test_a_cell_without_a_case_is_named() -> None:
    table = made()
    lacking = table[(table["treated"] == 1) | (table["history"] == 0)].reset_index(drop=True)
    with pytest.raises(CreweError, match="no case in control with history, so"):
        closing_of.estimate_published(lacking, alpha=0.05)
    with pytest.raises(CreweError, match="no case in treatment with history, control with history"):
        closing_of.estimate_means(table[table["history"] == 0].reset_index(drop=True), alpha=0.05)


def test_what_does_not_vary_is_named() -> None:
    with pytest.raises(CreweError, match="the fit is perfect"):
        closing_of.estimate_published(made().assign(closed=1), alpha=0.05)
    with pytest.raises(CreweError, match="alpha is"):
        closing_of.estimate_published(made(), alpha=1)


def test_the_figure_shows_what_it_is_given(closing: pd.DataFrame) -> None:
    means = closing_of.estimate_means(closing, alpha=0.05)
    ax = draw_means(means, ax=Figure().subplots())
    drawn = {text.get_text() for text in ax.texts}
    assert {"72%", "64%", "treatment, n = 82", "control, n = 20"} <= drawn
    assert ax.get_xlim() == (0, 100)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["All", "Without history", "With history"]
    beyond = draw_means(means.assign(conf_high=means["conf_high"] + 30), ax=Figure().subplots())
    assert beyond.get_xlim()[1] > 100
    said = closing_of.describe_means(means)["text"]
    assert said.startswith("All: treatment 72% (62")
    assert said.endswith("20 cases).")


def test_one_child_with_a_disability_takes_no_mean_away(closing: pd.DataFrame) -> None:
    # The 2020 report prints two such children; records with one are as likely.
    disabled = np.flatnonzero(closing["disability"] == 1)
    lone = closing.assign(disability=np.where(np.arange(len(closing)) == disabled[0], 1, 0))
    means = closing_of.estimate_means(lone, alpha=0.05)
    assert means[["estimate", "conf_low", "conf_high"]].notna().all(axis=None)
    effects = closing_of.estimate_published(lone, alpha=0.05).set_index("group")["estimate"]
    gaps = means.pivot(index="group", columns="arm", values="estimate")
    for group in ("all", "without_history", "with_history"):
        assert gaps.at[group, "treatment"] - gaps.at[group, "control"] == pytest.approx(effects[group])
    # That case is fitted exactly, so the means are those of the model without it and without the covariate.
    without = closing_of.estimate_means(lone.drop(index=lone.index[disabled[0]]), alpha=0.05)
    assert means["estimate"].to_numpy() == pytest.approx(without["estimate"].to_numpy(), abs=1.0)
