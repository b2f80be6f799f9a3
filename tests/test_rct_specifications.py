"""The table of specifications: engines' numbers, statsmodels beside them, and records that do not allow some rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from register_copy import PUBLISHED

from crewe_lib import load
from crewe_lib.definitions import derive_index_episodes, derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.evidence import written
from crewe_lib.rct import closing_design, derive_closing_set
from crewe_lib.rct_estimates import fit_lin, fit_separable
from crewe_lib.rct_specifications import (
    IGNORES_FAMILIES,
    SPECIFICATION_COLUMNS,
    estimate_specifications,
    summarise_specifications,
)

DATES = derive_study_dates(PUBLISHED)
SETTINGS = dict(dates=DATES, reading="any_but_escalated", alpha=0.05, n_draws=400, seed=5)


@pytest.fixture(scope="module")
def records():
    return load.load_simulated_cohort()


@pytest.fixture(scope="module")
def rows(records) -> pd.DataFrame:
    return estimate_specifications(records, **SETTINGS)


@pytest.fixture(scope="module")
def frame(records) -> pd.DataFrame:
    return derive_closing_set(records, dates=DATES, reading="any_but_escalated", unit="lead_child")


def one(rows: pd.DataFrame, id: str) -> pd.Series:
    return rows.set_index("id").loc[id]


def test_every_row_is_there_once_and_can_be_shown(rows: pd.DataFrame) -> None:
    assert rows["id"].is_unique and len(rows) == 18
    assert rows["estimate"].notna().all()
    assert (rows["conf_low"] < rows["estimate"]).all() and (rows["estimate"] < rows["conf_high"]).all()
    assert not any("nan" in cell for row in written(rows, SPECIFICATION_COLUMNS) for cell in row)


@pytest.mark.parametrize(
    ("id", "covariance"), [("published", "HC1"), ("hc2", "HC2"), ("hc3", "HC3"), ("unadjusted", "HC1")]
)
def test_statsmodels_agrees(rows: pd.DataFrame, frame: pd.DataFrame, id: str, covariance: str) -> None:
    x = closing_design(frame, ages="bands")[0]
    x = x[:, :2] if id == "unadjusted" else x
    expected = sm.OLS(frame["closed"], x).fit(cov_type=covariance, use_t=True)
    row = one(rows, id)
    assert row["estimate"] == pytest.approx(100 * expected.params.iloc[1])
    assert row["std_error"] == pytest.approx(100 * expected.bse.iloc[1])
    assert (row["conf_low"], row["conf_high"]) == pytest.approx(tuple(100 * expected.conf_int().iloc[1]))
    assert row["p_value"] == pytest.approx(expected.pvalues.iloc[1])


def test_rows_change_one_thing(rows: pd.DataFrame) -> None:
    same = ["published", "hc2", "hc3", "cr2", "randomisation"]
    assert one(rows, "published")["estimate"] == pytest.approx(rows[rows["id"].isin(same)]["estimate"].to_numpy())
    # One lead child for each family: CR2 is HC2 with other degrees of freedom.
    assert one(rows, "cr2")["std_error"] == pytest.approx(one(rows, "hc2")["std_error"])
    assert one(rows, "cr2")["df"] < one(rows, "hc2")["df"]
    assert one(rows, "children_hc1")["estimate"] == pytest.approx(one(rows, "children_cr2")["estimate"])
    assert one(rows, "children_cr2")["std_error"] > one(rows, "children_hc1")["std_error"]
    assert one(rows, "children_hc1")["note"] == IGNORES_FAMILIES


def test_missing_outcomes_by_hand(rows: pd.DataFrame, records, frame: pd.DataFrame) -> None:
    arms = records.families["arm"].value_counts()
    closed, known = frame.groupby("treated")["closed"].sum(), frame["treated"].value_counts()
    gone = {1: arms["treatment"] - known[1], 0: arms["control"] - known[0]}
    for id, (if_treated, if_control) in {"closed": (1, 1), "open": (0, 0), "best": (1, 0), "worst": (0, 1)}.items():
        treated = (closed[1] + if_treated * gone[1]) / arms["treatment"]
        control = (closed[0] + if_control * gone[0]) / arms["control"]
        row = one(rows, f"missing_{id}")
        assert row["estimate"] == pytest.approx(100 * (treated - control))
        assert row["n"] == 132
        assert row["note"].startswith(f"outcome of {gone[1] + gone[0]} families filled in; all 132")


def test_logistic_rows_without_what_separates(rows: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Only families with closed cases have a disability here: the covariate is left out, and the note says so."""
    assert frame.loc[frame["disability"] == 1, "closed"].all()
    contrasts, note = fit_separable(frame, alpha=0.05)
    assert note == "without disability: tells the outcome apart"
    x, names = closing_design(frame, ages="bands")
    x = np.delete(x, names.index("disability"), axis=1)
    fit = sm.GLM(frame["closed"], x, family=sm.families.Binomial()).fit()
    risks = [fit.predict(np.column_stack([x[:, :1], np.full(len(x), arm), x[:, 2:]])).mean() for arm in (1, 0)]
    assert contrasts["difference"].estimate == pytest.approx(risks[0] - risks[1], rel=1e-7)
    assert one(rows, "logit_difference")["estimate"] == pytest.approx(100 * (risks[0] - risks[1]), rel=1e-7)
    assert one(rows, "logit_ratio")["estimate"] == pytest.approx(risks[0] / risks[1], rel=1e-7)
    odds = risks[0] / (1 - risks[0]) / (risks[1] / (1 - risks[1]))
    assert one(rows, "logit_odds_ratio")["estimate"] == pytest.approx(odds, rel=1e-7)


def test_lin_without_what_does_not_vary_in_both_arms(rows: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Only treated families have a disability here. Lin's estimate is that of one regression in each arm, at the means
    of all (and agrees with estimatr's lm_lin on the same covariates, see linear_trial.R)."""
    assert not frame.loc[frame["treated"] == 0, "disability"].any()
    x, names = closing_design(frame, ages="bands")
    x = np.delete(x, [1, names.index("disability")], axis=1)
    arms = [frame["treated"].eq(arm).to_numpy() for arm in (1, 0)]
    means = [sm.OLS(frame["closed"][arm], x[arm]).fit().predict(x.mean(axis=0))[0] for arm in arms]
    assert one(rows, "lin")["estimate"] == pytest.approx(100 * (means[0] - means[1]))
    assert one(rows, "lin")["note"] == "without disability: does not vary enough within each arm"
    spread = frame.assign(disability=np.arange(len(frame)) % 2)
    assert fit_lin(spread, 0.05)[1] == ""


def test_nothing_is_left_out_where_nothing_separates(frame: pd.DataFrame) -> None:
    spread = frame.assign(disability=np.arange(len(frame)) % 2)
    assert fit_separable(spread, alpha=0.05)[1] == ""


def test_what_these_records_do_not_allow_keeps_its_row(records) -> None:
    """Everybody in treatment closed: the treatment separates; the logistic rows say so, the others stand."""
    families = records.families.set_index("family_id")["arm"]
    treated = records.children["family_id"].map(families) == "treatment"
    children = set(records.children.loc[treated, "child_id"])
    index = derive_index_episodes(records, dates=DATES)["episode_id"]
    episodes = records.episodes[records.episodes["episode_id"].isin(index)].copy()
    own = episodes["child_id"].isin(children)
    episodes.loc[own, ["status", "closed_reason"]] = ["closed", "stepped_down"]
    episodes.loc[own, "closed_on"] = DATES.pilot_end
    found = estimate_specifications(replace(records, episodes=episodes), **SETTINGS)
    logit = found[found["group"] == "Model"]
    said = "not possible: logistic regression: quasi-separation, as treated tells"
    assert logit["note"].str.startswith(said).all()
    assert logit["estimate"].isna().all()
    assert one(found, "published")["estimate"] > 0
    shown = written(found, SPECIFICATION_COLUMNS)
    assert shown[1 + found.index[found["id"] == "logit_ratio"][0]][2:6] == ["–"] * 4
    counted = summarise_specifications(found, alpha=0.05)
    left = found.dropna(subset="estimate").query("id != 'children_hc1'")
    assert counted["rows"] == 18 and counted["fitted"] == counted["tests"]
    assert counted["fitted"] == len(left[["estimate", "std_error", "df", "p_value", "n"]].round(9).drop_duplicates())


def test_families_with_odd_records_are_left_out_not_fatal(records) -> None:
    children = records.children.copy()
    children.loc[children.index[:12], "sex"] = "not_recorded"
    children.loc[children.index[20:30], "disability"] = ""
    found = estimate_specifications(replace(records, children=children), **SETTINGS)
    assert found["estimate"].notna().all()
    assert one(found, "published")["n"] < 126 and one(found, "missing_open")["n"] == 132


def test_the_other_reading_is_the_other(records, rows: pd.DataFrame) -> None:
    turned = estimate_specifications(records, **SETTINGS | {"reading": "stepped_down"})
    assert one(turned, "published")["estimate"] == pytest.approx(one(rows, "other_reading")["estimate"])
    assert one(turned, "other_reading")["estimate"] == pytest.approx(one(rows, "published")["estimate"])


def test_summary_by_hand(rows: pd.DataFrame) -> None:
    found = summarise_specifications(rows, alpha=0.05)
    counted = rows[rows["id"] != "children_hc1"]
    points = counted[counted["unit"] == "points"]["estimate"]
    # Whose outcome is unknown was in treatment, so taking theirs for closed is the best case, and for open the worst:
    # of seventeen rows fifteen differ, and three of them are one logistic model.
    assert one(rows, "missing_closed")["estimate"] == one(rows, "missing_best")["estimate"]
    assert (found["rows"], found["tests"], found["fitted"], found["differences"]) == (18, 15, 13, 13)
    assert (found["least"], found["most"]) == (points.min(), points.max())
    assert found["positive"] == 13
    assert found["below"] == 0 and found["smallest_p"] == counted["p_value"].min()
    assert found["children_ratio"] == pytest.approx(
        one(rows, "children_cr2")["std_error"] / one(rows, "children_hc1")["std_error"]
    )


def test_the_row_that_is_wrong_counts_in_no_summary(rows: pd.DataFrame) -> None:
    wild = {"estimate": 90.0, "p_value": 1e-9}
    changed = rows.assign(
        **{name: rows[name].mask(rows["id"] == "children_hc1", value) for name, value in wild.items()}
    )
    assert summarise_specifications(changed, alpha=0.05) == summarise_specifications(rows, alpha=0.05)


@pytest.mark.parametrize(
    ("ratio", "error", "warning"),
    [
        (1.28, "larger, 1.28 times", "claims more"),
        (0.9, "smaller, 0.90 times", "happens to claim less"),
        (1.004, "as large, 1.00 times", "little harm"),
    ],
)
def test_words_hold_whichever_error_is_larger(rows: pd.DataFrame, ratio: float, error: str, warning: str) -> None:
    ignoring = one(rows, "children_hc1")["std_error"]
    changed = rows.assign(std_error=rows["std_error"].mask(rows["id"] == "children_cr2", ratio * ignoring))
    found = summarise_specifications(changed, alpha=0.05)
    assert error in found["children_error"] and warning in found["children_warning"]


def test_summary_without_the_children(rows: pd.DataFrame) -> None:
    gone = rows.assign(std_error=rows["std_error"].mask(rows["id"] == "children_cr2"))
    assert summarise_specifications(gone, alpha=0.05)["children_error"] == "not known here"


def test_same_seed_same_table(records, rows: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(estimate_specifications(records, **SETTINGS), rows)


def test_bad_settings_are_named(records) -> None:
    with pytest.raises(CreweError, match="alpha is 1"):
        estimate_specifications(records, **SETTINGS | {"alpha": 1})
    with pytest.raises(CreweError, match="reading is 'all'"):
        estimate_specifications(records, **SETTINGS | {"reading": "all"})
