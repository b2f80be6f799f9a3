"""The long follow-up's outcomes: published and better estimates, and their specifications."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

from crewe_lib import follow_up_outcomes as outcomes
from crewe_lib.definitions import derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.follow_up import count_left_out, derive_follow_up_set, is_rare, outcome_set
from crewe_lib.follow_up_specifications import estimate_specifications, summarise_specifications
from crewe_lib.load import load_claims, load_records


@pytest.fixture(scope="module")
def families() -> pd.DataFrame:
    return derive_follow_up_set(load_records(), dates=derive_study_dates(load_claims()))


@pytest.fixture(scope="module")
def chosen() -> dict[str, str]:
    return outcomes.choose_outcomes(closed_reading="status", rereferral_reading="any")


@pytest.fixture(scope="module")
def effects(families: pd.DataFrame, chosen: dict[str, str]) -> pd.DataFrame:
    return outcomes.estimate_effects(families, chosen, alpha=0.05)


def specify(families: pd.DataFrame, chosen: dict[str, str], outcome: str) -> pd.DataFrame:
    return estimate_specifications(families, chosen, outcome=outcome, n_draws=199, seed=1, alpha=0.05).set_index("id")


def test_every_family_with_case_data_has_its_row(families: pd.DataFrame) -> None:
    assert families["family_id"].is_unique and families["child_id"].is_monotonic_increasing
    sums = families.groupby("arm")[["closed_status", "rereferred_any", "escalated", "aged_out"]].sum()
    assert sums.loc["treatment"].tolist() == [60, 34, 4, 11] and sums.loc["control"].tolist() == [36, 19, 0, 13]


def test_published_model_is_statsmodels_logit_over_the_control_families(
    families: pd.DataFrame, chosen: dict[str, str], effects: pd.DataFrame
) -> None:
    frame = outcome_set(families, "closed_status")
    x = sm.add_constant(frame[["treated", "female", "under_11", "history"]])
    fit = sm.Logit(frame["outcome"], x).fit(disp=False, method="newton", tol=1e-12)
    row = effects[(effects["outcome"] == "closed") & (effects["approach"] == "published")].iloc[0]
    own = x[frame["treated"] == 0]
    predicted = special.expit(own.assign(treated=1.0) @ fit.params).mean()
    assert row["treatment"] == pytest.approx(100 * predicted, rel=1e-8)
    # The score equations make the mean prediction of the control families their share as observed.
    assert row["control"] == pytest.approx(100 * 36 / 44, rel=1e-8)
    assert row["p_value"] == pytest.approx(fit.pvalues["treated"], rel=1e-6)
    limits = fit.params["treated"] + np.array([-1, 1]) * 1.959963984540054 * fit.bse["treated"]
    others = own.assign(treated=0.0) @ fit.params
    expected = [100 * special.expit(others + limit).mean() for limit in limits]
    assert row[["low", "high"]].tolist() == pytest.approx(expected, rel=1e-6)


def test_the_interval_of_the_figure_holds_the_control_share_where_the_published_test_does_not_reject(
    families: pd.DataFrame, chosen: dict[str, str]
) -> None:
    some = (families["treated"] == 1) & (families.index % 2 == 0)
    for closed in (families["closed_status"], families["closed_status"].mask(some, 0)):
        row = outcomes.estimate_effects(families.assign(closed_status=closed), chosen, alpha=0.05).iloc[0]
        assert (row["low"] < row["control"] < row["high"]) == (row["p_value"] > 0.05)


def test_rare_outcome_is_refused_by_the_published_model_and_exact_beside_it(effects: pd.DataFrame) -> None:
    published, better = effects[effects["outcome"] == "escalated"].to_dict("records")
    assert np.isnan(published["difference"]) and "no finite coefficient" in published["note"]
    assert better["difference"] == pytest.approx(100 * 4 / 84) and better["conf_low"] < 0 < better["conf_high"]
    assert set(outcomes.derive_predicted(effects)["label"]) == {"Closed", "Re-referred"}


def test_left_out_are_counted_by_reason(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    odd = families.copy()
    odd.loc[odd["arm"] == "control", "female"] = odd.loc[odd["arm"] == "control", "female"].mask(
        odd.index[odd["arm"] == "control"] % 2 == 0
    )
    table = count_left_out(odd, chosen).set_index(["outcome", "reason"])
    assert table.loc[("rereferred", "outcome unknown"), ["treatment", "control"]].tolist() == [1, 1]
    assert table.loc[("closed", "sex not recorded"), "control"] == int(odd["female"].isna().sum())
    notes = outcomes.estimate_effects(odd, chosen, alpha=0.05).set_index(["outcome", "approach"])["note"]
    assert notes["closed", "better"] == f"{odd['female'].isna().sum()} left out: sex not recorded"
    assert notes["rereferred", "better"].startswith("2 left out: outcome unknown; ")
    used = outcome_set(odd, "closed_status")
    assert len(used) == len(families) - int(odd["female"].isna().sum())


def test_an_arm_without_a_known_outcome_is_a_named_error(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    odd = families.assign(closed_status=families["closed_status"].mask(families["arm"] == "control"))
    with pytest.raises(CreweError, match="the control arm has no family"):
        outcomes.estimate_effects(odd, chosen, alpha=0.05)


def test_unknown_readings_are_named() -> None:
    with pytest.raises(CreweError, match="closed_reading is 'ever'; it must be one of status, recorded"):
        outcomes.choose_outcomes(closed_reading="ever", rereferral_reading="any")  # type: ignore[arg-type]


def test_covariates_that_do_not_vary_are_dropped_and_said(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    effects = outcomes.estimate_effects(families.assign(history=0), chosen, alpha=0.05)
    assert set(effects.loc[effects["outcome"] == "closed", "note"]) == {"without history"}


def test_everybody_closed_leaves_rows_that_say_so(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    effects = outcomes.estimate_effects(families.assign(closed_status=1), chosen, alpha=0.05)
    own = effects[effects["outcome"] == "closed"].set_index("approach")
    assert "not possible" in own.loc["published", "note"] and own.loc["better", "difference"] == 0
    table = specify(families.assign(closed_status=1), chosen, "closed")
    assert table.loc["firth", "note"].startswith("not possible") and table.loc["exact", "estimate"] == 0


@pytest.mark.parametrize("value", [0, 1])
def test_an_outcome_that_nobody_or_everybody_has_leaves_a_table_to_summarise(
    families: pd.DataFrame, chosen: dict[str, str], value: int
) -> None:
    table = specify(families.assign(escalated=value), chosen, "escalated")
    assert table.loc["exact", "conf_low"] < 0 < table.loc["exact", "conf_high"] and pd.isna(
        table.loc["exact", "p_value"]
    )
    found = summarise_specifications(table.reset_index(), alpha=0.05)
    assert (found["least"], found["greatest"], found["tests"]) == (0, 0, 0)


def test_rare_is_fewer_than_five_expected_in_an_arm() -> None:
    def made(events: int, treated: int, control: int) -> pd.DataFrame:
        outcome = [1.0] * events + [0.0] * (treated + control - events)
        return pd.DataFrame({"treated": [1.0] * treated + [0.0] * control, "outcome": outcome})

    assert is_rare(made(14, 84, 44)) and not is_rare(made(15, 84, 44))  # 14 × 44 / 128 = 4.8
    assert is_rare(made(114, 84, 44)) and not is_rare(made(10, 20, 20))


def test_rare_outcome_keeps_the_published_fit_and_is_compared_exactly(families: pd.DataFrame) -> None:
    # 74 of 84 and 43 of 44 have a recorded closure: a finite fit, on one open case in control.
    recorded = outcomes.choose_outcomes(closed_reading="recorded", rereferral_reading="any")
    published, better = outcomes.estimate_effects(families, recorded, alpha=0.05).iloc[:2].to_dict("records")
    assert published["control"] == pytest.approx(100 * 43 / 44) and better["method"] == outcomes.EXACT
    table = specify(families, recorded, "closed")
    assert table.index[0] == "published" and {"firth", "closed_status"} <= set(table.index)
    assert table.loc["published", "estimate"] == pytest.approx(published["difference"])


def test_reasons_are_short_and_true(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    table = specify(families, chosen, "escalated")
    assert "(an arm has none, or all)" in table.loc["published", "note"]
    assert "too small" in table.loc["linear", "note"] and pd.isna(table.loc["linear", "p_value"])
    assert specify(families, chosen, "closed").loc["linear", "note"] == ""
    odd = families.assign(escalated=((families["treated"] == 1) & (families["female"] == 1)).astype("Int64"))
    note = specify(odd, chosen, "escalated").loc["published", "note"]
    assert "none, or all" in note or "treatment and a covariate together" in note


def test_effects_of_swapped_arms_change_sign(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    swapped = families.assign(
        arm=families["arm"].map({"treatment": "control", "control": "treatment"}), treated=1 - families["treated"]
    )
    one, other = (
        outcomes.estimate_effects(frame, chosen, alpha=0.05).set_index(["outcome", "approach"])["difference"]
        for frame in (families, swapped)
    )
    assert other[("closed", "better")] == pytest.approx(-one[("closed", "better")], rel=1e-7)


def test_specifications_of_closing_and_rereferral(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    closed = specify(families, chosen, "closed")
    assert list(closed.index[:3]) == ["published", "better", "exact"] and "closed_recorded" in closed.index
    assert closed.loc["exact", "estimate"] == pytest.approx(100 * (60 / 84 - 36 / 44))
    assert closed.loc["under_18", "n"] == 104 and "24 families left out" in closed.loc["under_18", "note"]
    again = specify(families, chosen, "rereferred")
    assert {"rereferred_printed", "rereferred_statutory"} <= set(again.index)
    found = summarise_specifications(again.reset_index(), alpha=0.05)
    assert found["rows"] == len(again) and found["least"] == again["estimate"].min()


def test_specifications_of_a_rare_outcome(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    table = specify(families, chosen, "escalated")
    assert table.loc["firth_plain", "estimate"] == pytest.approx(4.5 * 44.5 / (80.5 * 0.5), rel=1e-6)
    assert table.loc["firth_plain", "conf_low"] < 1 < table.loc["firth_plain", "conf_high"]
    assert pd.isna(table.loc["firth_flic", "interval"])


def test_unknown_outcome_is_named(families: pd.DataFrame, chosen: dict[str, str]) -> None:
    with pytest.raises(CreweError, match="outcome is 'moved'"):
        specify(families, chosen, "moved")


def test_summary_counts_tests(effects: pd.DataFrame) -> None:
    found = outcomes.summarise_effects(effects, alpha=0.05)
    assert found["tests"] == 5 and found["separated"] == 1 and found["closed_n"] == 128
