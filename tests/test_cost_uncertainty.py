"""Uncertainty of the cost results: hand arithmetic, invariances, a known analytic case, Green Book alternatives, what
each datum explains, figures, and named errors."""

from __future__ import annotations

import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy import stats

from crewe_lib.checks import describe_fields
from crewe_lib.cost_benefit import estimate_tornado
from crewe_lib.cost_distributions import (
    CLOSURE_COUNTS,
    DISTRIBUTIONS,
    derive_distributions,
    derive_draws,
    derive_point,
    read_closure_counts,
)
from crewe_lib.cost_green_book import (
    estimate_break_evens,
    estimate_discounted_benefit,
    estimate_optimism,
    estimate_scenarios,
)
from crewe_lib.cost_influence import DATA, describe_best_datum, estimate_influence
from crewe_lib.cost_uncertainty import (
    CLOSURES,
    READINGS,
    derive_densities,
    derive_outcomes,
    estimate_acceptability,
    estimate_cost_per_closure,
    summarise_psa,
)
from crewe_lib.cost_uncertainty_words import (
    DISTRIBUTION_COLUMNS,
    derive_break_even_table,
    derive_curve_table,
    derive_distribution_table,
    derive_influence_table,
    describe_acceptability,
    describe_psa,
)
from crewe_lib.datapackage import read_descriptor, write_descriptor
from crewe_lib.errors import CreweError, DataError
from crewe_lib.figures.cost_uncertainty import draw_acceptability, draw_psa, format_share
from crewe_lib.load import load_closure_counts, load_implied_inputs, load_unit_costs
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.unit_costs import derive_cost_inputs, read_implied_inputs, read_unit_costs

mpl.use("agg")
DATA_FOLDER = Path(__file__).parents[1] / "data"
ASSUMED = dict(cost_cv=0.1, earnings_cv=0.51)


@pytest.fixture(scope="module")
def inputs() -> pd.DataFrame:
    published, implied = read_unit_costs(DATA_FOLDER / "published"), read_implied_inputs(DATA_FOLDER / "inferred")
    return derive_cost_inputs(published, implied)


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return read_closure_counts(DATA_FOLDER / "inferred")


@pytest.fixture(scope="module")
def assumed(inputs: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    return derive_distributions(inputs, counts, **ASSUMED)


@pytest.fixture(scope="module")
def draws(assumed: pd.DataFrame) -> pd.DataFrame:
    return derive_draws(assumed, n_draws=20_000, rng=np.random.default_rng(11))


def row(frame: pd.DataFrame, **where: str) -> pd.Series:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def made_draws(draws: pd.DataFrame, **columns: np.ndarray | float) -> pd.DataFrame:
    """The draws with some columns replaced; one week open and no cost for Cheshire East, so that cost is a column."""
    return draws.assign(weeks_open_pc=1.0, weeks_open_cec=1.0, weekly_cost_cec=0.0, **columns)


# --- Implied counts


def test_each_implied_count_prints_as_the_share_the_reports_print(counts: pd.DataFrame) -> None:
    printed = {("trial_end", "pc"): 72, ("trial_end", "cec"): 64, ("november_2019", "pc"): 71}
    printed["november_2019", "cec"] = 82
    found = {(r["round"], r["arm"]): round(100 * r["closed"] / r["families"]) for r in counts.to_dict("records")}
    assert found == printed
    assert set(counts["kind"]) == {"inferred"}


def test_the_counts_card_describes_the_file() -> None:
    entries = {entry["name"]: entry for entry in read_descriptor(DATA_FOLDER / "inferred")["resources"]}
    assert entries["closure_counts"]["schema"]["fields"] == describe_fields(CLOSURE_COUNTS)


def test_more_closed_than_families_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DATA_FOLDER / "inferred", tmp_path / "inferred"))
    path = folder / "closure_counts.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("pc,59,82", "pc,95,82"), encoding="utf-8")
    write_descriptor(folder, read_descriptor(folder))
    with pytest.raises(DataError, match=r"round trial_end, arm pc.*closed must not exceed families"):
        read_closure_counts(folder)


def test_every_result_of_draws_rests_on_implied_data() -> None:
    recorder = start_recording()
    try:
        inputs = derive_cost_inputs(load_unit_costs(), load_implied_inputs())
        assumed = derive_distributions(inputs, load_closure_counts(), **ASSUMED)
        drawn = derive_draws(assumed, n_draws=100, rng=np.random.default_rng(1))
        for result in (summarise_psa(drawn, assumed, alpha=0.05), estimate_acceptability(drawn, highest=1.0)):
            origin = recorder.find(result)
            assert origin is not None and origin.kinds == ["inferred", "published"]
            assert {d.path for d in origin.data} >= {"data/inferred/closure_counts.csv"}
    finally:
        stop_recording()


# --- Distributions and draws


def test_means_and_spreads_by_hand(assumed: pd.DataFrame) -> None:
    found = assumed.set_index("input")
    assert found.loc["closed_share_pc", "sd"] == pytest.approx(np.sqrt(0.72 * 0.28 / 83))
    assert found.loc["lifetime_earnings_gain", "sd"] == pytest.approx(40_800)
    assert found.loc["weekly_cost_pc", "sd"] == pytest.approx(6.805)
    assert found.loc["escalations_pilot_year", "sd"] == pytest.approx(np.sqrt(8))
    assert found.loc["escalation_national", ["mean", "sd"]].tolist() == pytest.approx([0.109, 0.016])
    assert found.loc["cases_pc", ["mean", "sd"]].tolist() == pytest.approx([83, np.sqrt(2 / 3)])
    assert found.loc["gcse_share_cin", "sd"] == pytest.approx(0.01 / np.sqrt(12))


def test_draws_have_the_stated_means_and_spreads(assumed: pd.DataFrame, draws: pd.DataFrame) -> None:
    for entry in assumed.to_dict("records"):
        drawn = draws[entry["input"]]
        assert drawn.mean() == pytest.approx(entry["mean"], abs=5 * entry["sd"] / np.sqrt(len(drawn)))
        assert drawn.std() == pytest.approx(entry["sd"], rel=0.05)


def test_inputs_are_independent_but_for_those_that_err_together(draws: pd.DataFrame) -> None:
    names = [d.input for d in DISTRIBUTIONS]
    found = draws[names].corr()
    assert found.loc["cp_case_cost", "cin_case_cost"] == pytest.approx(1)
    found.loc["cp_case_cost", "cin_case_cost"] = found.loc["cin_case_cost", "cp_case_cost"] = 0
    assert np.abs(found.to_numpy() - np.eye(len(names))).max() < 5 / np.sqrt(len(draws))


def test_the_same_seed_gives_the_same_draws_and_another_does_not(assumed: pd.DataFrame) -> None:
    first, again, other = (derive_draws(assumed, n_draws=200, rng=np.random.default_rng(s)) for s in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_holding_one_input_leaves_the_draws_of_the_others(assumed: pd.DataFrame) -> None:
    free, held = (
        derive_draws(assumed, n_draws=200, rng=np.random.default_rng(3), hold=hold) for hold in ((), ["weekly_cost_pc"])
    )
    assert set(held["weekly_cost_pc"]) == {68.05}
    pd.testing.assert_frame_equal(free.drop(columns="weekly_cost_pc"), held.drop(columns="weekly_cost_pc"))


def test_inputs_without_spread_give_the_published_values(
    inputs: pd.DataFrame, counts: pd.DataFrame, assumed: pd.DataFrame
) -> None:
    still = derive_draws(assumed, n_draws=100, rng=np.random.default_rng(3), hold=list(assumed["input"]))
    found = summarise_psa(still, assumed, alpha=0.05).set_index(["outcome", "reading"])
    for name in ("mean", "median", "low", "high"):
        np.testing.assert_allclose(found[name], found["value"], rtol=1e-12)
    printed = {"lifetime_earnings_gap/trial_end": 2496, "lifetime_earnings_gap/november_2019": -3432}
    printed |= {"extra_cost/table_6": 655, "rereferral_cost_gap/table_8": 29.68}
    printed |= {"escalation_saving/table_9": 8.375 * 778 / 83, "escalation_saving/pilot_year": 2.375 * 778 / 83}
    for key, value in printed.items():
        assert found.loc[tuple(key.split("/")), "mean"] == pytest.approx(value, abs=0.005)
    for outcome in ("lifetime_earnings_gap", "extra_cost", "escalation_saving"):
        base = estimate_tornado(inputs, outcome=outcome, default_range=0.2)["base"][0]
        assert found.xs(outcome)["value"].iloc[0] == pytest.approx(base, abs=1e-9)
    certain = derive_distributions(inputs, counts, cost_cv=0, earnings_cv=0)
    drawn = derive_draws(certain, n_draws=100, rng=np.random.default_rng(3))
    assert set(drawn["weekly_cost_pc"]) == {68.05} and set(drawn["lifetime_earnings_gain"]) == {80_000}


# --- Outcomes


def test_swapping_the_arms_turns_every_difference_round(draws: pd.DataFrame) -> None:
    pairs = [(n, n.replace("_pc", "_cec")) for n in draws if "_pc" in n and n.replace("_pc", "_cec") in draws]
    assert len(pairs) == 6
    swapped = draws.rename(columns={**dict(pairs), **{b: a for a, b in pairs}})
    found, other = derive_outcomes(draws), derive_outcomes(swapped)
    for item in READINGS:
        if item.outcome != "escalation_saving":  # that one has no control arm
            np.testing.assert_allclose(other[item.key], -found[item.key], atol=1e-9)


def test_outcomes_of_one_draw_by_hand(assumed: pd.DataFrame) -> None:
    one = derive_point(assumed).assign(closed_share_pc=0.5, lifetime_earnings_gain=1000.0, escalations_pilot_year=5.0)
    found = derive_outcomes(one.assign(weeks_open_pc=10.0)).iloc[0]
    assert found["lifetime_earnings_gap/trial_end"] == pytest.approx(1000 * 0.39 * (0.5 - 0.64))
    assert found["lifetime_earnings_gap/november_2019"] == pytest.approx(1000 * 0.39 * (0.71 - 0.82))
    assert found["extra_cost/table_6"] == pytest.approx(680.5 - 1795, abs=0.005)
    assert found["escalation_saving/pilot_year"] == pytest.approx((0.125 * 83 - 5) * 778 / 83)
    assert found["rereferral_cost_gap/table_8"] == pytest.approx(0.5 * 5 / 83 * 680.5 - 0.64 * 3 / 45 * 1795, abs=0.005)


def test_summary_by_hand(assumed: pd.DataFrame, draws: pd.DataFrame) -> None:
    found = row(summarise_psa(draws, assumed, alpha=0.2), outcome="extra_cost")
    cost = draws["weekly_cost_pc"] * draws["weeks_open_pc"] - draws["weekly_cost_cec"] * draws["weeks_open_cec"]
    assert found["mean"] == pytest.approx(cost.mean()) and found["median"] == pytest.approx(cost.median())
    assert found[["low", "high"]].tolist() == pytest.approx(cost.quantile([0.1, 0.9]).tolist())
    share = (cost > 0).mean()
    assert found["share_above"] == share and found["mc_error"] == pytest.approx(np.sqrt(share * (1 - share) / 20_000))
    # Independent: the variance of a product of independent gammas, both with a coefficient of variation of 0.1.
    spread = np.sqrt((1.01**2 - 1) * (2450**2 + 1795**2))
    assert cost.std() == pytest.approx(spread, rel=0.03)


def test_densities_hold_99_of_100_draws_and_have_an_edge_at_zero(assumed: pd.DataFrame, draws: pd.DataFrame) -> None:
    found = derive_densities(draws, summarise_psa(draws, assumed, alpha=0.05))
    held = found.groupby("label", sort=False)["share"].sum()
    assert list(held.index) == [item.label for item in READINGS]
    assert held.between(0.989, 1).all()
    cost = found[found["label"] == "Extra staff cost"]
    assert np.abs(cost["left"]).min() < 1e-9


# --- Acceptability


def test_at_no_value_it_is_the_chance_of_costing_less(draws: pd.DataFrame) -> None:
    curves = estimate_acceptability(draws, highest=40_000)
    cheaper = (derive_outcomes(draws)["extra_cost/table_6"] < 0).mean()
    assert curves.loc[curves["value_per_closure"] == 0, "probability"].tolist() == [cheaper] * 2


def test_curve_rises_where_more_are_always_closed_and_falls_where_fewer_are(draws: pd.DataFrame) -> None:
    certain = draws.assign(closed_share_pc=draws["closed_share_cec"] + 0.05, closed_share_pc_2019=0.0)
    curves = estimate_acceptability(certain, highest=40_000)
    more, fewer = (curves.loc[curves["reading"] == name, "probability"] for name in CLOSURES)
    assert more.is_monotonic_increasing and fewer.is_monotonic_decreasing
    assert more.iloc[-1] > 0.9 and fewer.iloc[-1] < 0.01


def test_normal_effect_and_normal_cost_give_the_analytic_curve(draws: pd.DataFrame) -> None:
    rng, n = np.random.default_rng(8), len(draws)
    made = made_draws(
        draws,
        closed_share_pc=rng.normal(0.08, 0.09, n),
        closed_share_cec=0.0,
        weekly_cost_pc=rng.normal(655, 300, n),
    )
    curve = estimate_acceptability(made, highest=30_000, steps=6)
    curve = curve[curve["reading"] == "trial_end"]
    value = curve["value_per_closure"]
    expected = stats.norm.cdf((0.08 * value - 655) / np.hypot(0.09 * value, 300))
    assert np.abs(curve["probability"] - expected).max() < 4 * curve["mc_error"].max()
    np.testing.assert_allclose(curve["net_benefit"], 0.08 * value - 655, atol=150)


def test_cost_per_closure_is_given_only_where_it_means_something(draws: pd.DataFrame, assumed: pd.DataFrame) -> None:
    found = estimate_cost_per_closure(draws, assumed).set_index("reading")
    assert found.loc["trial_end", "icer"] == pytest.approx(655 / 0.08, rel=1e-5)
    assert np.isnan(found.loc["november_2019", "icer"])
    assert found.loc["november_2019", "verdict"] == "costs more, closes no more"
    quadrants = found.filter(regex="^(dearer|cheaper)_")
    np.testing.assert_allclose(quadrants.sum(axis=1), 1)
    closes = found["dearer_closes_more"] + found["cheaper_closes_more"]
    np.testing.assert_allclose(closes, found["closes_more"])


@pytest.mark.parametrize(
    ("closed_pc", "weekly_pc", "verdict"),
    [(0.9, 1.0, "costs no more, closes more"), (0.1, 1.0, "costs no more, closes no more")],
)
def test_cheaper_is_named_too(draws, assumed, closed_pc: float, weekly_pc: float, verdict: str) -> None:
    changed = assumed.copy()
    changed.loc[changed["input"] == "closed_share_pc", "value"] = closed_pc
    changed.loc[changed["input"] == "weekly_cost_pc", "value"] = weekly_pc
    found = estimate_cost_per_closure(draws, changed).set_index("reading")
    assert found.loc["trial_end", "verdict"] == verdict and np.isnan(found.loc["trial_end", "icer"])


# --- Which datum


def test_shares_of_variance_of_a_sum_are_those_of_its_terms(draws: pd.DataFrame) -> None:
    rng, n = np.random.default_rng(5), len(draws)
    made = draws.assign(
        weekly_cost_pc=rng.normal(10, 3, n),
        weekly_cost_cec=10.0,
        weeks_open_pc=100.0,
        weeks_open_cec=rng.normal(100, 40, n),
    )
    found = estimate_influence(made, alpha=0.05).set_index(["outcome", "datum"]).loc["extra_cost"]
    assert found.loc["weekly", "variance_share"] == pytest.approx(0.36, abs=4 * found.loc["weekly", "mc_error"])
    assert found.loc["weeks", "variance_share"] == pytest.approx(0.64, abs=4 * found.loc["weeks", "mc_error"])
    assert 0.002 < found.loc["weekly", "mc_error"] < 0.02
    assert found.loc["weeks", "high"] == pytest.approx(1.96 * 400, rel=0.05)


def test_monte_carlo_error_of_a_share_of_variance_is_honest(assumed: pd.DataFrame) -> None:
    found = []
    for seed in range(40):
        drawn = derive_draws(assumed, n_draws=1000, rng=np.random.default_rng(seed))
        found.append(row(estimate_influence(drawn, alpha=0.05), outcome="lifetime_earnings_gap", datum="closures"))
    frame = pd.DataFrame(found)
    assert frame["variance_share"].std() == pytest.approx(frame["mc_error"].mean(), rel=0.35)


def test_a_datum_that_fixes_everything_explains_everything(draws: pd.DataFrame) -> None:
    made = draws.assign(weekly_cost_pc=68.05, weekly_cost_cec=55.13)
    found = estimate_influence(made, alpha=0.05).set_index(["outcome", "datum"])
    assert found.loc[("extra_cost", "weeks"), "variance_share"] == pytest.approx(1)
    assert found.loc[("extra_cost", "weekly"), "variance_share"] == pytest.approx(0, abs=1e-9)
    cost = derive_outcomes(made)["extra_cost/table_6"]
    assert found.loc[("extra_cost", "weeks"), "flip_share"] == pytest.approx((cost < 0).mean())


def test_nothing_explains_what_does_not_vary(assumed: pd.DataFrame) -> None:
    still = derive_draws(assumed, n_draws=100, rng=np.random.default_rng(3), hold=list(assumed["input"]))
    found = estimate_influence(still, alpha=0.05)
    assert (found[["variance_share", "flip_share"]] == 0).all(axis=None) and not found["flips"].any()
    assert set(describe_best_datum(found)["text"].split("; ")) >= {"extra staff cost: none"}


def test_the_datum_named_is_the_one_that_turns_the_sign_most_often(draws: pd.DataFrame) -> None:
    found = estimate_influence(draws, alpha=0.05)
    best = describe_best_datum(found)
    assert best["lifetime_earnings_gap"] == "closures in both arms"
    assert best["escalation_saving"] == "escalations in Project Crewe"
    top = found.groupby("outcome")["flip_share"].max()
    assert all(best[f"{outcome}_flip_share"] == value for outcome, value in top.items())
    # Equal by construction, so neither may be preferred.
    assert set(best["extra_cost"].split(" or ")) == {"weeks open in both arms", "weekly cost in both arms"}


def test_every_datum_names_inputs_that_are_drawn(draws: pd.DataFrame) -> None:
    assert {name for _, names in DATA.values() for name in names} <= set(draws)


# --- Green Book


def test_discounting_by_hand(inputs: pd.DataFrame) -> None:
    found = estimate_discounted_benefit(inputs, rate=0.035, ages=(6, 15, 16)).set_index("age")
    assert found["factor"].tolist() == pytest.approx([1.035**-10, 1 / 1.035, 1])
    assert found.loc[6, "earnings_2017"] == pytest.approx(2496 * 0.708919, rel=1e-5)
    assert found.loc[16, "earnings_2019"] == pytest.approx(-3432)
    undiscounted = estimate_discounted_benefit(inputs, rate=0.0)
    assert set(undiscounted["earnings_2017"].round(9)) == {2496.0}


def test_optimism_by_hand(inputs: pd.DataFrame) -> None:
    found = estimate_optimism(inputs, shares=(0.0, 0.2)).set_index("share")
    assert found.loc[0.0, ["earnings", "extra_cost", "value_per_closure"]].tolist() == pytest.approx(
        [2496, 655, 8187.5]
    )
    assert found.loc[0.2, "earnings"] == pytest.approx(0.8 * 2496)
    assert found.loc[0.2, "extra_cost"] == pytest.approx(1.2 * 2450 - 1795)
    assert found.loc[0.2, "value_per_closure"] == pytest.approx(1145 / 0.064)


def test_break_evens_by_hand_and_by_substitution(inputs: pd.DataFrame) -> None:
    found = estimate_break_evens(inputs).set_index("item")["break_even"]
    assert found.to_dict() == pytest.approx(
        {
            "closed_cec": 0.72,
            "value": 8187.5,
            "avoided": 655 * 83 / 778,
            "weeks_pc": 1795 / 68.05,
            "management": 655 / 2450,
            "prices": 655 / 1795,
        }
    )
    same = inputs.copy()
    same.loc[same["input"] == "closed_share_cec", "value"] = found["closed_cec"]
    assert estimate_discounted_benefit(same, rate=0.0)["earnings_2017"].abs().max() == pytest.approx(0)


def test_scenarios_set_each_closure_beside_each_escalation_reading(inputs: pd.DataFrame) -> None:
    found = estimate_scenarios(inputs)
    assert len(found) == 9 and not found.duplicated(["closure", "escalation"]).any()
    one = row(found, closure="november_2019", escalation="eight_national_9")
    assert one["earnings"] == pytest.approx(-3432) and one["tax"] == pytest.approx(-0.32 * 3432)
    assert one["escalation_saving"] == pytest.approx((0.093 * 83 - 8) * 778 / 83)
    assert np.isnan(one["value_per_closure"])
    assert row(found, closure="cec_61", escalation="eight")["value_per_closure"] == pytest.approx(655 / 0.11)
    assert not [name for name in found if "total" in name or "net" in name]


# --- Words and figures


def test_every_assumption_is_shown_with_its_basis(assumed: pd.DataFrame) -> None:
    shown = derive_distribution_table(assumed)
    assert list(shown) == list(DISTRIBUTION_COLUMNS) and len(shown) == len(DISTRIBUTIONS)
    assert shown.notna().all(axis=None) and (shown["basis"].str.len() > 20).all()
    closed = row(shown, label="Cases closed, Cheshire East")
    assert (closed["kind"], closed["mean"], closed["sd"]) == ("printed, implied weight", "64.0%", "7.2%")


def test_tables_for_readers_keep_every_row(inputs: pd.DataFrame, draws: pd.DataFrame) -> None:
    shown = derive_break_even_table(estimate_break_evens(inputs)).set_index("item")
    assert shown.loc["closed_cec", ["break_even", "reported"]].tolist() == ["72.0%", "64.0%"]
    assert shown.loc["avoided", "break_even"] == "69.9 cases" and shown.loc["prices", "reported"] is None
    influence = estimate_influence(draws, alpha=0.05)
    assert derive_influence_table(influence)["result"].notna().all()


def test_shares_of_draws_are_never_rounded_to_all_or_none() -> None:
    assert [format_share(x) for x in (0, 0.001, 0.42, 0.998, 1)] == ["0%", "under 1%", "42%", "over 99%", "100%"]


def test_acceptability_figure_and_its_words(draws: pd.DataFrame) -> None:
    curves = estimate_acceptability(draws, highest=40_000)
    before = curves.copy()
    ax = draw_acceptability(curves)
    drawn = [line for line in ax.get_lines() if len(line.get_xdata()) > 2]
    for line, (_, own) in zip(drawn, curves.groupby("reading", sort=False), strict=True):
        np.testing.assert_allclose(line.get_ydata(), own["probability"])
    assert [t.get_text().replace("\n", " ") for t in ax.texts] == curves["label"].unique().tolist()
    assert len({line.get_linestyle() for line in drawn}) == len({line.get_marker() for line in drawn}) == 2
    pd.testing.assert_frame_equal(curves, before)
    found = describe_acceptability(curves)
    first = curves[(curves["reading"] == "trial_end") & (curves["probability"] >= 0.5)].iloc[0]
    assert found["trial_end_half"] == first["value_per_closure"] and np.isnan(found["november_2019_half"])
    assert found["november_2019_half_text"] == "never an even chance" and str(found["text"]).count("even chance") == 2
    behind = derive_curve_table(curves)
    assert list(behind) == ["Value of a closed case", *curves["label"].unique()] and len(behind) == 9
    assert behind["Value of a closed case"].iloc[[0, -1]].tolist() == ["£0", "£40,000"]
    plt.close("all")


def test_psa_figure_and_its_words(assumed: pd.DataFrame, draws: pd.DataFrame) -> None:
    summary = summarise_psa(draws, assumed, alpha=0.05)
    densities = derive_densities(draws, summary)
    before = densities.copy()
    ax = draw_psa(densities)
    assert len(ax.child_axes) == len(READINGS)
    for panel, (label, own) in zip(ax.child_axes, densities.groupby("label", sort=False), strict=True):
        assert sorted(bar.get_height() for bar in panel.patches) == pytest.approx(sorted(own["share"]))
        assert panel.texts[0].get_text().replace("\n", " ").replace("- ", "-") == label
    pd.testing.assert_frame_equal(densities, before)
    text = describe_psa(summary)["text"]
    assert all(item.label in text for item in READINGS)
    plt.close("all")


# --- Faulty calls


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 5])
def test_alpha_must_be_a_share(assumed: pd.DataFrame, draws: pd.DataFrame, alpha: float) -> None:
    with pytest.raises(CreweError, match="alpha is"):
        summarise_psa(draws, assumed, alpha=alpha)
    with pytest.raises(CreweError, match="alpha is"):
        estimate_influence(draws, alpha=alpha)


def test_too_few_draws_are_refused(assumed: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match="n_draws is 99; it must be at least 100"):
        derive_draws(assumed, n_draws=99, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", ["cost_cv", "earnings_cv"])
@pytest.mark.parametrize("share", [-0.1, float("nan"), float("inf")])
def test_negative_spread_is_refused(inputs: pd.DataFrame, counts: pd.DataFrame, name: str, share: float) -> None:
    with pytest.raises(CreweError, match=f"{name} is"):
        derive_distributions(inputs, counts, **{**ASSUMED, name: share})


def test_unknown_input_to_hold_is_named(assumed: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match="hold names weekly_cost; allowed are closed_share_pc"):
        derive_draws(assumed, n_draws=100, rng=np.random.default_rng(1), hold=["weekly_cost"])


def test_unknown_reading_is_named(draws: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match="'2020'; allowed are trial_end, november_2019"):
        estimate_acceptability(draws, highest=1000, readings=["2020"])


def test_absent_input_and_absent_count_are_named(inputs: pd.DataFrame, counts: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match="lack weekly_cost_pc"):
        derive_distributions(inputs[inputs["input"] != "weekly_cost_pc"], counts, **ASSUMED)
    with pytest.raises(CreweError, match="round 'november_2019', arm 'pc' once"):
        derive_distributions(inputs, counts[counts["round"] == "trial_end"], **ASSUMED)


@pytest.mark.parametrize(("highest", "steps"), [(0, 10), (-1, 10), (float("inf"), 10), (100, 0)])
def test_grid_of_values_must_go_up(draws: pd.DataFrame, highest: float, steps: int) -> None:
    with pytest.raises(CreweError, match="highest is"):
        estimate_acceptability(draws, highest=highest, steps=steps)


def test_green_book_settings_are_checked(inputs: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match=r"rate is 3\.5; it must be"):
        estimate_discounted_benefit(inputs, rate=3.5)
    with pytest.raises(CreweError, match=r"ages holds \[17\]"):
        estimate_discounted_benefit(inputs, rate=0.035, ages=(4, 17))
    with pytest.raises(CreweError, match=r"shares holds \[1, -0\.1\]"):
        estimate_optimism(inputs, shares=(0.1, 1, -0.1))
