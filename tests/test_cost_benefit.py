"""The cost tables: hand arithmetic, the verdict on every printed figure, rival readings, tornado, faulty
files.

Expected numbers are worked out here from the figures printed in Appendix 9 of the 2017 report (pages 77 to
80), not taken from the module.
"""

from __future__ import annotations

import shutil
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from crewe_lib.claim_register import read_claims, read_claims_file
from crewe_lib.cost_benefit import (
    OUTCOMES,
    estimate_closure_readings,
    estimate_cost_parts,
    estimate_lifetime_benefits,
    estimate_side_by_side,
    estimate_tornado,
    estimate_weeks_open,
)
from crewe_lib.cost_checks import (
    INPUT,
    VERDICTS,
    derive_cost_checks,
    derive_printed_figures,
    derive_recomputed,
    summarise_verdicts,
)
from crewe_lib.cost_readings import (
    check_table8_readings,
    derive_search_count,
    estimate_escalation_savings,
    estimate_rereferral_costs,
    round_to_printed,
)
from crewe_lib.datapackage import read_descriptor, write_descriptor
from crewe_lib.errors import CreweError, DataError
from crewe_lib.figures.cost_benefit import draw_tornado, format_input
from crewe_lib.unit_costs import (
    ALL_INPUTS,
    IMPLIED_INPUTS,
    PUBLISHED_INPUTS,
    derive_cost_inputs,
    derive_values,
    read_implied_inputs,
    read_unit_costs,
)

mpl.use("agg")
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def inputs() -> pd.DataFrame:
    return derive_cost_inputs(read_unit_costs(DATA / "published"), read_implied_inputs(DATA / "inferred"))


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return read_claims_file(DATA / "published" / "claims.csv")


@pytest.fixture(scope="module")
def checks(register: pd.DataFrame) -> pd.DataFrame:
    return derive_cost_checks(register)


def with_values(inputs: pd.DataFrame, **values: float) -> pd.DataFrame:
    """The inputs with some values replaced."""
    changed = inputs.copy()
    for name, value in values.items():
        assert (changed["input"] == name).sum() == 1
        changed.loc[changed["input"] == name, "value"] = value
    return changed


def swap_arms(inputs: pd.DataFrame) -> pd.DataFrame:
    """PC's inputs for CEC's and the reverse, wherever both arms have one."""
    v = derive_values(inputs, needs=ALL_INPUTS)
    pairs = [(n, f"{n[:-3]}_cec") for n in v if n.endswith("_pc") and f"{n[:-3]}_cec" in v]
    assert len(pairs) == 7
    return with_values(inputs, **{a: v[b] for a, b in pairs}, **{b: v[a] for a, b in pairs})


def row(frame: pd.DataFrame, column: str, value: str) -> pd.Series:
    found = frame[frame[column] == value]
    assert len(found) == 1
    return found.iloc[0]


# --- Hand arithmetic
# ---------------------------------------------------------------------------------------------


def test_weeks_open_follow_from_table_6(inputs: pd.DataFrame) -> None:
    weeks = estimate_weeks_open(inputs).set_index("arm")
    assert weeks.loc["pc", "weeks_open"] == pytest.approx(36.0029, abs=5e-5)  # 2450 / 68.05
    assert weeks.loc["cec", "weeks_open"] == pytest.approx(32.5594, abs=5e-5)  # 1795 / 55.13
    assert weeks.loc["pc", "days_open"] == pytest.approx(252.02, abs=0.005)
    assert weeks.loc["cec", "days_open"] == pytest.approx(227.92, abs=0.005)
    assert (weeks["weeks_low"] < weeks["weeks_open"]).all() and (weeks["weeks_open"] < weeks["weeks_high"]).all()


def test_cost_difference_splits_into_price_duration_and_both(inputs: pd.DataFrame) -> None:
    parts = estimate_cost_parts(inputs).set_index("part")["estimate"]
    assert parts["price"] == pytest.approx(12.92 * 1795 / 55.13)
    assert parts["duration"] == pytest.approx(55.13 * (2450 / 68.05) - 1795)
    assert parts.round().to_dict() == {"price": 421, "duration": 190, "both": 44, "total": 655}
    assert parts["price"] + parts["duration"] + parts["both"] == pytest.approx(2450 - 1795)


def test_table_7_by_hand(inputs: pd.DataFrame) -> None:
    found = estimate_lifetime_benefits(inputs).set_index(["outcome", "measure"])["estimate"]
    assert found["lifetime_earnings", "pc"] == pytest.approx(80_000 * 0.4308)  # .72 x .54 + .28 x .15
    assert found["lifetime_earnings", "cec"] == pytest.approx(80_000 * 0.3996)  # .64 x .54 + .36 x .15
    assert found["lifetime_earnings", "difference"] == pytest.approx(2_496)
    assert found["lifetime_tax", "difference"] == pytest.approx(798.72)  # 0.32 x 2496
    assert found["employment_implied_gain", "pc"] == pytest.approx(0.143 * 0.4308)
    assert found["employment_printed_gain", "cec"] == pytest.approx(0.14 * 0.3996)


def test_earnings_advantage_turns_with_the_closure_shares(inputs: pd.DataFrame) -> None:
    found = estimate_closure_readings(inputs).set_index("reading")
    # Each percentage point of closures is worth 80,000 x 0.39 / 100 = £312.
    assert found["earnings_gap"].round(6).to_dict() == {
        "report_2017": 8 * 312,
        "cec_61": 11 * 312,
        "november_2019": -11 * 312,
    }
    assert found.loc["november_2019", "tax_gap"] == pytest.approx(-0.32 * 3432)


def test_table_8_readings_by_hand(inputs: pd.DataFrame) -> None:
    found = estimate_rereferral_costs(inputs).set_index("reading")
    assert found.loc["implied", "cost_pc"] == pytest.approx(0.72 * 5 / 83 * 2450)
    assert found.loc["implied", "cost_cec"] == pytest.approx(0.64 * 3 / 45 * 1795)
    assert found.loc["implied", "difference"] == pytest.approx(29.6784, abs=5e-5)
    assert found.loc["implied", "total"] == pytest.approx(3798.83, abs=0.005)
    assert found.loc["printed_rates", "difference"] == pytest.approx(105.84 - 76.9696)
    assert found.loc["arms_2020", "difference"] == pytest.approx(105 - 0.64 * 3 / 44 * 1795)
    assert found.loc["cec_61", "cost_cec"] == pytest.approx(0.61 / 15 * 1795)
    assert found.loc["no_closure", "difference"] == pytest.approx(5 / 83 * 2450 - 3 / 45 * 1795)
    # At one cost per case for both arms hardly anything is left: the gap is one of cost, not of re-referral.
    assert found.loc["same_cost", "difference"] == pytest.approx(1.27, abs=0.005)


def test_table_9_readings_by_hand(inputs: pd.DataFrame) -> None:
    found = estimate_escalation_savings(inputs).set_index("reading")
    assert found.loc["table_9", "total"] == pytest.approx(6224)
    assert found.loc["table_9", "per_case"] == pytest.approx(6224 / 83)
    assert found.loc["text", "per_case"] == pytest.approx(77.8)
    assert pd.isna(found.loc["text", "avoided"])
    assert found.loc["unrounded", "avoided"] == pytest.approx(8.375)
    assert found.loc["unrounded", "total"] == pytest.approx(6515.75)
    assert found.loc["national_12", "avoided"] == pytest.approx(7.96)
    assert found.loc["eight", "per_case"] == pytest.approx(22.26, abs=0.005)  # 2.375 x 778 / 83
    assert found.loc["eight_national_9", "per_case"] == pytest.approx(-0.281 * 778 / 83)
    # Three routes end at 8 avoided, so that 10% of 83 is not the only one.
    assert {round(0.10 * 83), round(0.125 * 83) - 2, round(0.12 * 83 - 2)} == {8}


def test_side_by_side_has_one_sign_rule_and_no_sum(inputs: pd.DataFrame) -> None:
    found = estimate_side_by_side(inputs).set_index("item")["estimate"]
    assert found.round(2).to_dict() == {
        "cost": -655.0,
        "rereferral": -29.68,
        "escalation": 74.99,
        "earnings": 2496.0,
        "tax": 798.72,
    }


# --- Every printed figure
# ----------------------------------------------------------------------------------------

AGREES, IMPLIED_ONLY = VERDICTS["agree"], VERDICTS["agree_implied"]
ROUNDED, NOT = VERDICTS["truncated"], VERDICTS["disagree"]
FIGURES: dict[str, str] = {
    "r1.cost.earn_diff": AGREES,
    "r1.cost.earn_pc": AGREES,
    "r1.cost.earn_cec": AGREES,
    "r1.cost.tax_pc": AGREES,
    "r1.cost.tax_cec": AGREES,
    "r1.cost.emp_pc": IMPLIED_ONLY,
    "r1.cost.emp_cec": IMPLIED_ONLY,
    "r1.cost.reref_total": IMPLIED_ONLY,
    "r1.cost.reref_case": IMPLIED_ONLY,
    "r1.cost.cp_diff": AGREES,
    "r1.cost.escal_save_text": AGREES,
    "r1.cost.escal_pc": NOT,
    "r1.cost.escal_save_total": IMPLIED_ONLY,
    "r1.cost.escal_save_case": ROUNDED,
    "r1.cost.reref_gap": AGREES,
    "r1.cost.reref_n": AGREES,
    "r1.cost.t8_rate_pc": IMPLIED_ONLY,
    "r1.cost.t8_rate_cec": IMPLIED_ONLY,
    "r1.cost.t8_total": AGREES,
    "r1.cost.escal_pc_text": NOT,
    "sum.cost.week_diff": AGREES,
    "sum.cost.lifetime": AGREES,
}
INPUTS = (
    *(f"r1.cost.{name}_{arm}" for name in ("week", "case") for arm in ("pc", "cec")),
    *("r1.cost.premium", "r1.cost.tax", "r1.cost.ni", "r1.cost.emp_text", "r1.cost.escal_obs", "r1.cost.cin_case"),
    *("r1.cost.cp_case", "r1.cost.escal_nat_text", "r1.cost.escal_nat_again", "r1.cost.escal_nat_table"),
    *("r1.cost.gcses", "r1.cost.gcse_cin", "r1.cost.gcse_all"),
    *("r1.ext.gcse_cin", "r1.ext.gcse_all", "r1.closure.pc", "r1.closure.cec"),
)
# Recomputed, or not, under their own topic.
REREFERRALS = ("r1.reref.rate_pc", "r1.reref.rate_cec", "r1.reref.diff", "r1.reref.total")


@pytest.mark.parametrize("figure", FIGURES)
def test_verdict_on_each_recomputed_figure(checks: pd.DataFrame, figure: str) -> None:
    found = row(checks, "id", figure)
    assert found["verdict"] == FIGURES[figure]
    assert ("inferred" in found["kinds_of_data"]) == (FIGURES[figure] != AGREES)
    assert found["recomputed"] and found["how"]


def test_every_other_figure_is_an_input_and_is_not_counted_as_agreeing(checks: pd.DataFrame) -> None:
    assert set(checks["id"]) == {*FIGURES, *INPUTS, *REREFERRALS}
    given = checks[checks["id"].isin(INPUTS)]
    assert set(given["verdict"]) == {INPUT} and set(given["recomputed"]) == set(given["cls"]) == {""}
    assert not set(derive_recomputed(checks)["id"]) & set(INPUTS)


def test_counts_add_up(checks: pd.DataFrame) -> None:
    counts = summarise_verdicts(checks)
    own = summarise_verdicts(checks[~checks["id"].isin(REREFERRALS)])
    assert own == {
        "printed": 43,
        "recomputed": 22,
        "agree": 12,
        "agree_implied": 7,
        "truncated": 1,
        "disagree": 2,
        "inputs": 21,
    }
    assert counts["printed"] == 47 == counts["inputs"] + counts["recomputed"]
    assert counts["recomputed"] == len(derive_recomputed(checks))


def test_figures_are_written_as_printed(register: pd.DataFrame) -> None:
    found = derive_printed_figures(register).set_index("id")
    written = {
        "r1.cost.reref_case": "£29.68",
        "r1.cost.escal_nat_text": "12%",
        "r1.cost.escal_nat_table": "12.5%",
        "r1.cost.premium": "£80,000",
        "sum.cost.lifetime": "over £2,000",
    }
    assert {id: found.loc[id, "printed"] for id in written} == written
    assert found.loc["r1.cost.escal_obs", "value"] == 2


def test_a_changed_figure_changes_its_verdict(register: pd.DataFrame) -> None:
    odd = register.assign(value=register["value"].where(register["id"] != "r1.cost.cp_diff", "877"))
    assert row(derive_cost_checks(odd), "id", "r1.cost.cp_diff")["verdict"] == NOT


# --- The search behind Table 8
# -----------------------------------------------------------------------------------


def test_one_documented_reading_gives_both_figures_of_table_8(inputs: pd.DataFrame, register: pd.DataFrame) -> None:
    readings = check_table8_readings(inputs, register)
    count = derive_search_count(readings)
    assert count.combinations == 5 * 8 * 5 * 3 == 600  # closed shares x rates x costs x numbers of cases
    assert (count.give_per_case, count.give_total, count.give_both) == (3, 7, 1)
    assert count.distinct_per_case == 187
    hit = readings[readings["gives_both"]].iloc[0]
    assert (hit["closed"], hit["rates"], hit["cost"], hit["cases"]) == (
        "72%, 64%",
        "5/83, 3/45",
        "cost per case",
        128,
    )
    assert not readings.duplicated(["closed", "rates", "cost", "cases"]).any()


def test_search_without_the_implied_arms_finds_nothing(inputs: pd.DataFrame, register: pd.DataFrame) -> None:
    readings = check_table8_readings(inputs, register, arms=[(84, 44)])
    assert derive_search_count(readings).give_both == 0


def test_search_needs_the_printed_figures(inputs: pd.DataFrame, register: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match=r"no claim 'r1\.cost\.reref_total'"):
        check_table8_readings(inputs, register[register["id"] != "r1.cost.reref_total"])


# --- Invariances
# -------------------------------------------------------------------------------------------------


def test_swapping_the_arms_flips_every_difference(inputs: pd.DataFrame) -> None:
    swapped = swap_arms(inputs)
    for outcome in ("lifetime_earnings_gap", "extra_cost", "rereferral_cost_gap"):
        here, there = (estimate_tornado(x, outcome=outcome, default_range=0.2)["base"][0] for x in (inputs, swapped))
        assert there == pytest.approx(-here)
    total = [row(estimate_cost_parts(x), "part", "total")["estimate"] for x in (inputs, swapped)]
    assert total[1] == pytest.approx(-total[0])


def test_pence_for_pounds_multiplies_money_and_leaves_shares_alone(inputs: pd.DataFrame) -> None:
    money = inputs["unit"].str.startswith("GBP")
    pence = inputs.assign(value=inputs["value"].where(~money, inputs["value"] * 100))
    for outcome in OUTCOMES:
        pounds, pennies = (estimate_tornado(x, outcome=outcome, default_range=0.2) for x in (inputs, pence))
        assert pennies["base"][0] == pytest.approx(100 * pounds["base"][0])
    assert estimate_weeks_open(pence)["weeks_open"].tolist() == pytest.approx(
        estimate_weeks_open(inputs)["weeks_open"].tolist()
    )
    assert estimate_cost_parts(pence)["share"].tolist() == pytest.approx(estimate_cost_parts(inputs)["share"].tolist())


def test_row_order_of_the_inputs_does_not_matter(inputs: pd.DataFrame) -> None:
    shuffled = inputs.iloc[::-1]
    for outcome in OUTCOMES:
        pd.testing.assert_frame_equal(
            estimate_tornado(shuffled, outcome=outcome, default_range=0.2),
            estimate_tornado(inputs, outcome=outcome, default_range=0.2),
        )


def test_equal_closure_shares_leave_no_advantage(inputs: pd.DataFrame) -> None:
    same = with_values(inputs, closed_share_cec=0.72)
    found = estimate_lifetime_benefits(same)
    assert found.loc[found["measure"] == "difference", "estimate"].tolist() == pytest.approx([0, 0, 0, 0])


# --- Tornado
# -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_tornado_lists_exactly_the_inputs_that_move_the_outcome(inputs: pd.DataFrame, outcome: str) -> None:
    def base(frame: pd.DataFrame) -> float:
        return float(estimate_tornado(frame, outcome=outcome, default_range=0.2)["base"][0])

    v = derive_values(inputs, needs=ALL_INPUTS)
    moving = {name for name in v if abs(base(with_values(inputs, **{name: v[name] * 1.01})) - base(inputs)) > 1e-9}
    assert moving == set(estimate_tornado(inputs, outcome=outcome, default_range=0.2)["input"])


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_tornado_is_sorted_and_each_end_is_the_outcome_there(inputs: pd.DataFrame, outcome: str) -> None:
    found = estimate_tornado(inputs, outcome=outcome, default_range=0.2)
    assert found["swing"].round(9).is_monotonic_decreasing
    assert set(found["base"]) == {found["base"][0]}
    for entry in found.to_dict("records"):
        for end in ("low", "high"):
            moved = with_values(inputs, **{entry["input"]: entry[end]})
            there = estimate_tornado(moved, outcome=outcome, default_range=0.2)["base"][0]
            assert entry[f"result_{end}"] == pytest.approx(there)
        # The formulas are monotone in each input, so that the base lies between the two ends.
        ends = sorted((entry["result_low"], entry["result_high"]))
        assert ends[0] - 1e-9 <= entry["base"] <= ends[1] + 1e-9


def test_tornado_bases_and_widest_bars(inputs: pd.DataFrame) -> None:
    expected = {
        "lifetime_earnings_gap": (2496.0, "closed_share_cec", 3432.0, -3120.0),
        "extra_cost": (655.0, "weekly_cost_pc", 2450 * 0.8 - 1795, 2450 * 1.2 - 1795),
        "escalation_saving": (8.375 * 778 / 83, "cp_case_cost", None, None),
        "rereferral_cost_gap": (29.6784, "rereferrals_cec", 106.26506 - 0.64 * 2 / 45 * 1795, None),
    }
    for outcome, (base, widest, low, high) in expected.items():
        first = estimate_tornado(inputs, outcome=outcome, default_range=0.2).iloc[0]
        assert first["base"] == pytest.approx(base, abs=0.01)
        assert first["input"] == widest
        assert low is None or first["result_low"] == pytest.approx(low, abs=0.01)
        assert high is None or first["result_high"] == pytest.approx(high, abs=0.01)


def test_default_range_moves_only_inputs_that_nothing_bounds(inputs: pd.DataFrame) -> None:
    narrow, wide = (
        estimate_tornado(inputs, outcome="rereferral_cost_gap", default_range=r).set_index("input") for r in (0.1, 0.3)
    )
    free = narrow["range_basis"] == "default range"
    assert free.sum() == 2
    for name in narrow.index:
        factor = 3 if free[name] else 1  # the formula is linear in both costs
        assert wide.loc[name, "swing"] == pytest.approx(factor * narrow.loc[name, "swing"])


def test_fixed_input_has_no_swing(inputs: pd.DataFrame) -> None:
    fixed = inputs.copy()
    fixed.loc[fixed["input"] == "cp_case_cost", "range_basis"] = "fixed"
    found = row(estimate_tornado(fixed, outcome="escalation_saving", default_range=0.2), "input", "cp_case_cost")
    assert found["swing"] == 0 and found["low"] == found["high"] == 2464


@pytest.mark.parametrize("share", [0, 1, -0.2, 20])
def test_default_range_must_be_a_share(inputs: pd.DataFrame, share: float) -> None:
    with pytest.raises(CreweError, match="default_range"):
        estimate_tornado(inputs, outcome="extra_cost", default_range=share)


def test_unknown_outcome_names_what_is_allowed(inputs: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match="lifetime_earnings_gap, extra_cost, escalation_saving"):
        estimate_tornado(inputs, outcome="net", default_range=0.2)  # type: ignore[arg-type]


# --- Figure
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_tornado_figure_draws_what_it_is_given(inputs: pd.DataFrame, outcome: str) -> None:
    tornado = estimate_tornado(inputs, outcome=outcome, default_range=0.2)
    before = tornado.copy()
    ax = draw_tornado(tornado)
    n, base = len(tornado), tornado["base"][0]
    tips = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert tips[:n] == pytest.approx(tornado["result_low"].tolist())
    assert tips[n:] == pytest.approx(tornado["result_high"].tolist())
    assert [bar.get_y() for bar in ax.patches[:n]] == sorted((bar.get_y() for bar in ax.patches[:n]), reverse=True)
    texts = [text.get_text() for text in ax.texts]
    assert sum(text.startswith("Base £") for text in texts) == 1
    for end in ("low", "high"):
        for entry in tornado.to_dict("records"):
            if abs(entry[f"result_{end}"] - base) > 1e-9:
                assert format_input(entry[end], entry["unit"]) in texts
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert sum("(implied)" in label.replace("\n", " ") for label in labels) == (tornado["kind"] == "inferred").sum()
    pd.testing.assert_frame_equal(tornado, before)
    plt.close("all")


def test_inputs_are_written_with_their_units() -> None:
    written = [(0.61, "share"), (0.725, "share"), (81.66, "GBP per week"), (96000.0, "GBP"), (4.0, "cases")]
    assert [format_input(*item) for item in written] == [
        "61%",
        "72.5%",
        "£81.66 a week",
        "£96,000",
        "4 cases",
    ]
    assert format_input(43.2035, "weeks") == "43.2 weeks"


# --- Rounding
# ----------------------------------------------------------------------------------------------------


@given(st.decimals(-99_999, 99_999, places=6), st.integers(-3, 4))
def test_rounding_is_decimals_half_up(number: Decimal, decimals: int) -> None:
    expected = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert round_to_printed(float(number), decimals) == expected


@given(st.integers(0, 10**6), st.integers(0, 2))
def test_exact_halves_go_up(whole: int, decimals: int) -> None:
    half = Decimal(2 * whole + 1).scaleb(-decimals) / 2
    assert round_to_printed(float(half), decimals) == Decimal(whole + 1).scaleb(-decimals)


def test_binary_noise_does_not_decide_a_rounding() -> None:
    assert 1.005 * 100 < 100.5  # 100.49999999999999
    assert round_to_printed(1.005 * 100, 0) == 101


# --- The data
# ----------------------------------------------------------------------------------------------------


def test_kinds_keep_printed_and_implied_inputs_apart(inputs: pd.DataFrame) -> None:
    kinds = inputs.groupby("kind")["input"].agg(set)
    assert kinds["published"] == set(PUBLISHED_INPUTS) and kinds["inferred"] == set(IMPLIED_INPUTS)
    assert (inputs["basis"].str.len() > 0).equals(inputs["kind"] == "inferred")


def test_no_price_year_is_claimed(inputs: pd.DataFrame) -> None:
    assert inputs["price_year"].isna().all()


def test_implied_weeks_return_the_printed_costs(inputs: pd.DataFrame) -> None:
    v = derive_values(inputs, needs=ALL_INPUTS)
    assert round(v["weeks_open_pc"] * v["weekly_cost_pc"], 2) == 2450
    assert round(v["weeks_open_cec"] * v["weekly_cost_cec"], 2) == 1795


# --- Faulty files
# ------------------------------------------------------------------------------------------------


def copy_package(tmp_path: Path, name: str) -> Path:
    return Path(shutil.copytree(DATA / name, tmp_path / name))


def write_inputs(folder: Path, content: object) -> None:
    text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (folder / "unit_costs.yml").write_text(text, encoding="utf-8")
    write_descriptor(folder, read_descriptor(folder))


FAULTS: list[tuple[str, str, object, str]] = [
    ("tax", "value", "twenty", r"inputs\.tax\.value: 'twenty' must be a number"),
    ("tax", "value", None, r"inputs\.tax\.value: None must be a number"),
    ("tax", "value", True, r"inputs\.tax\.value: True must be a number"),
    ("tax", "value", 20, r"inputs\.tax\.value: 20 must be 0 or more, and a share at most 1"),
    ("tax", "value", float("nan"), r"inputs\.tax\.value: nan must be a number"),
    ("weekly_cost_pc", "value", -68.05, r"weekly_cost_pc\.value: -68\.05 must be 0 or more"),
    (
        "closed_share_pc",
        "low",
        0.73,
        r"closed_share_pc\.low, \.high: 0\.73 to 0\.725 must hold the value 0\.72",
    ),
    ("closed_share_pc", "low", None, r"closed_share_pc\.low, \.high: both are needed"),
    ("weekly_cost_pc", "low", 50, r"weekly_cost_pc\.low, \.high: must be null where range_basis is"),
    (
        "weekly_cost_pc",
        "unit",
        "EUR per week",
        r"weekly_cost_pc\.unit: 'EUR per week' is not allowed; use one of GBP",
    ),
    ("tax", "range_basis", "guess", r"tax\.range_basis: 'guess' is not allowed; use one of rounding"),
    (
        "tax",
        "source",
        "crewe_2018",
        r"tax\.source: 'crewe_2018' is not allowed; use one of crewe_2017, fact22_2020",
    ),
    ("tax", "page", "p. 78", r"tax\.page: 'p\. 78' must be a whole number above 0, or null"),
    ("tax", "price_year", 2016.5, r"tax\.price_year: 2016\.5 must be a whole number"),
    ("tax", "label", "", r"tax\.label: must be text that is not empty"),
    ("tax", "basis", "x", r"inputs\.tax\.basis: no such field"),
]


@pytest.mark.parametrize(("name", "field", "value", "message"), FAULTS)
def test_each_fault_is_named_with_file_key_and_rule(
    tmp_path: Path, name: str, field: str, value: object, message: str
) -> None:
    folder = copy_package(tmp_path, "published")
    content = yaml.safe_load((folder / "unit_costs.yml").read_text(encoding="utf-8"))
    content["inputs"][name][field] = value
    write_inputs(folder, content)
    with pytest.raises(DataError, match=rf"unit_costs\.yml: 1 fault\.\n  .*{message}"):
        read_unit_costs(folder)


def test_all_faults_of_a_file_are_reported_together(tmp_path: Path) -> None:
    folder = copy_package(tmp_path, "published")
    content = yaml.safe_load((folder / "unit_costs.yml").read_text(encoding="utf-8"))
    entries = content["inputs"]
    entries["weekly_cost_crewe"] = entries.pop("weekly_cost_pc")
    del entries["tax"]["unit"]
    entries["tax"]["place"] = 3
    entries["cases_analysed"] = 126
    write_inputs(folder, content)
    with pytest.raises(DataError) as caught:
        read_unit_costs(folder)
    message = str(caught.value)
    assert "5 faults." in message
    for part in (
        "inputs: 'weekly_cost_pc' is missing",
        "inputs.weekly_cost_crewe: no such input; allowed: weekly_cost_pc",
        "inputs.tax.unit: missing",
        "inputs.tax.place: must be text",
        "inputs.cases_analysed: must be a mapping of fields",
    ):
        assert part in message


def test_key_written_twice_is_a_fault(tmp_path: Path) -> None:
    folder = copy_package(tmp_path, "published")
    text = (folder / "unit_costs.yml").read_text(encoding="utf-8")
    write_inputs(folder, text.replace("    value: 0.64\n", "    value: 0.64\n    value: 0.61\n"))
    with pytest.raises(DataError, match=r"unit_costs\.yml: not valid YAML: the key 'value' is there twice"):
        read_unit_costs(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inputs: [", "not valid YAML"),
        ("- 1\n", "look at price_year_note, sources, inputs;"),
        ("price_year_note: a\nsources: {}\ninputs: {}\nextra: 1\n", "look at extra;"),
    ],
)
def test_wrong_outer_shape_is_named(tmp_path: Path, text: str, message: str) -> None:
    folder = copy_package(tmp_path, "published")
    write_inputs(folder, text)
    with pytest.raises(DataError, match=message):
        read_unit_costs(folder)


def test_implied_input_must_say_how_it_was_found(tmp_path: Path) -> None:
    folder = copy_package(tmp_path, "inferred")
    path = folder / "unit_costs_implied.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    del content["inferred"]["cases_pc"]["basis"]
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    write_descriptor(folder, read_descriptor(folder))
    with pytest.raises(DataError, match=r"inferred\.cases_pc\.basis: missing"):
        read_implied_inputs(folder)


def test_changed_file_without_a_new_hash_is_refused(tmp_path: Path) -> None:
    folder = copy_package(tmp_path, "published")
    with (folder / "unit_costs.yml").open("a", encoding="utf-8") as file:
        file.write("# touched\n")
    with pytest.raises(DataError, match="SHA-256"):
        read_unit_costs(folder)


def test_printed_figures_are_checked_at_the_door(tmp_path: Path) -> None:
    folder = copy_package(tmp_path, "published")
    path = folder / "claims.csv"
    text = path.read_text(encoding="utf-8").replace("r1.cost.reref_total,", "r1.cost.reref_case,")
    path.write_text(
        text.replace('"Appendix 9, Table 6"', "").replace(",GBP per week,", ",GBP a week,"), encoding="utf-8"
    )
    write_descriptor(folder, read_descriptor(folder))
    with pytest.raises(DataError) as caught:
        read_claims(folder)
    for part in ("GBP a week", "r1.cost.reref_case", "section"):
        assert part in str(caught.value)


def test_missing_input_is_named(inputs: pd.DataFrame) -> None:
    with pytest.raises(CreweError, match="lack weekly_cost_pc; printed ones come from load_unit_costs"):
        estimate_weeks_open(inputs[inputs["input"] != "weekly_cost_pc"])


def test_results_on_printed_inputs_do_not_ask_for_implied_ones(inputs: pd.DataFrame) -> None:
    alone = read_unit_costs(DATA / "published")
    pd.testing.assert_frame_equal(estimate_closure_readings(alone), estimate_closure_readings(inputs))
    pd.testing.assert_frame_equal(estimate_cost_parts(alone), estimate_cost_parts(inputs))
    assert set(estimate_lifetime_benefits(alone)["kinds_of_data"]) == {"published"}
    pd.testing.assert_frame_equal(
        estimate_tornado(alone, outcome="lifetime_earnings_gap", default_range=0.2),
        estimate_tornado(inputs, outcome="lifetime_earnings_gap", default_range=0.2),
    )
    with pytest.raises(CreweError, match="lack weeks_open_pc, weeks_open_cec"):
        estimate_tornado(alone, outcome="extra_cost", default_range=0.2)
