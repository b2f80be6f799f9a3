"""Rival readings of Tables 8 and 9, whose printed totals come without a formula.

Table 8's formula was found by searching and is therefore an inference; `check_table8_readings` repeats a
small search whose candidates are all documented, so that a reader can see how many combinations there are and
how many fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

import pandas as pd

from crewe_lib.claim_register import read_register
from crewe_lib.cost_benefit import IMPLIED, PRINTED, cost_of_escalation, rereferral_cost_gap
from crewe_lib.evidence import traced
from crewe_lib.formats import round_half_up
from crewe_lib.unit_costs import ALL_INPUTS, derive_values

# Families per arm (PC, CEC) that the two reports print or that their percentages leave open: 84 and 44 are
# printed (2020 report, page 18); the others split the printed totals of 132, 128 and 126 and fit some printed
# percentage.
ARM_SIZES: tuple[tuple[int, int], ...] = (
    (88, 44),
    (87, 45),
    (84, 44),
    (83, 45),
    (82, 44),
    (81, 45),
    (83, 43),
)


Pairs = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class SearchCount:
    """How many readings of Table 8 a search tried, and how many of them give the printed figures.

    distinct_per_case: different amounts per case among them, to the penny; the more there are, the likelier a
    match by chance.
    """

    combinations: int
    give_per_case: int
    give_total: int
    give_both: int
    distinct_per_case: int


def round_to_printed(value: float, decimals: int) -> Decimal:
    """Half away from zero, to the digit a figure is printed to, clear of the noise of binary arithmetic."""
    return round_half_up(round(value, 10), decimals)


@traced
def estimate_rereferral_costs(inputs: pd.DataFrame) -> pd.DataFrame:
    """Table 8 under several readings; the report prints £29.68 per case and £3,800 in all, but no formula.

    Returns reading, label, cost_pc, cost_cec, difference (£ per case, PC − CEC), cases, total (£),
    kinds_of_data.
    """
    v = derive_values(inputs, needs=ALL_INPUTS)
    cec_cost = v["cost_per_case_cec"]
    rates = {"rereferrals_pc": v["rereferral_rate_pc"], "rereferrals_cec": v["rereferral_rate_cec"]}
    readings: list[tuple[str, str, dict[str, float], str]] = [
        ("implied", "Implied formula: closed × re-referred × cost", {}, IMPLIED),
        ("printed_rates", "With the printed rates", {**rates, "cases_pc": 1, "cases_cec": 1}, PRINTED),
        ("arms_2020", "With the 2020 report's families per arm", _arms_2020(v), PRINTED),
        (
            "cec_61",
            "With the 2020 report's closures in Cheshire East",
            {"closed_share_cec": v["closed_share_cec_2020"]},
            IMPLIED,
        ),
        ("no_closure", "Without the closed share", {"closed_share_pc": 1, "closed_share_cec": 1}, IMPLIED),
        ("same_cost", "Both arms at Cheshire East's cost of a case", {"cost_per_case_pc": cec_cost}, IMPLIED),
    ]
    rows = []
    for reading, label, change, kinds in readings:
        gap = rereferral_cost_gap({**v, **change})
        pc = rereferral_cost_gap({**v, **change, "rereferrals_cec": 0.0})
        n = v["cases_total" if kinds == IMPLIED else "cases_total_2020"]
        rows.append((reading, label, pc, pc - gap, gap, n, n * gap, kinds))
    columns = ["reading", "label", "cost_pc", "cost_cec", "difference", "cases", "total", "kinds_of_data"]
    return pd.DataFrame(rows, columns=columns)


def _arms_2020(v: Mapping[str, float]) -> dict[str, float]:
    return {"cases_pc": v["cases_pc_2020"], "cases_cec": v["cases_cec_2020"]}


@traced
def estimate_escalation_savings(inputs: pd.DataFrame) -> pd.DataFrame:
    """Table 9 under several readings; it prints £6,224 in all and £74.98 per case, the text beside it £78.

    Returns reading, label, national_rate, escalations, cases, avoided (cases, against the national rate),
    total, per_case (£), kinds_of_data. The text's reading works with rates, so it has no cases. No reading
    has a control arm.
    """
    v = derive_values(inputs, needs=ALL_INPUTS)
    table, text, report_2020 = (v[f"escalation_national{end}"] for end in ("", "_text", "_2020"))
    n, two, eight = v["cases_pc"], v["escalations_pc"], v["escalations_pilot_year"]
    readings = [
        ("unrounded", "Table 9's national rate, unrounded", table, two, n, IMPLIED),
        ("arms_2020", "The same with the 2020 report's families", table, two, v["cases_pc_2020"], PRINTED),
        ("national_12", "The text's national rate", text, two, n, IMPLIED),
        ("national_9", "The 2020 report's national rate", report_2020, two, n, IMPLIED),
        ("eight", "Table 9's rate, the pilot year's escalations", table, eight, n, IMPLIED),
        ("eight_national_9", "The 2020 rate, the pilot year's escalations", report_2020, eight, n, IMPLIED),
    ]
    first = ["reading", "label", "national_rate", "escalations", "cases"]
    frame = pd.DataFrame(readings, columns=[*first, "kinds_of_data"])
    frame["avoided"] = frame["national_rate"] * frame["cases"] - frame["escalations"]
    printed = ("table_9", "Table 9: a whole number avoided", table, two, n, v["escalations_avoided"], IMPLIED)
    frame = pd.concat([pd.DataFrame([printed], columns=[*first, "avoided", "kinds_of_data"]), frame])
    frame["total"] = frame["avoided"] * cost_of_escalation(v)
    frame["per_case"] = frame["total"] / frame["cases"]
    by_rates = (table - v["escalation_pc"]) * cost_of_escalation(v)
    rates = ("text", "The text: difference of the two rates", table, by_rates, PRINTED)
    last = pd.DataFrame([rates], columns=["reading", "label", "national_rate", "per_case", "kinds_of_data"])
    columns = [*first, "avoided", "total", "per_case", "kinds_of_data"]
    return pd.concat([frame, last], ignore_index=True)[columns]


@traced
def check_table8_readings(
    inputs: pd.DataFrame, register: pd.DataFrame, *, arms: Sequence[tuple[int, int]] = ARM_SIZES
) -> pd.DataFrame:
    """Every combination of documented candidates for Table 8, and whether it gives the two printed figures.

    A reading is: per case = a_PC·r_PC·k_PC − a_CEC·r_CEC·k_CEC, and total = cases × per case. Candidates: a,
    the closed shares (72 and 64%, 72 and 61%, 71 and 82%), the open shares (28 and 36%) or none; r, the
    printed 6 and 6.7%, or 5 and 3 over each pair of arm sizes; k, the cost per case or weekly cost of each
    arm, one arm's cost per case for both, or Catch22's cost of a child-in-need case for both; cases, 126, 128
    or 132. 'Gives' means equal, whatever the sign, when rounded half up to the printed digit. Returns closed,
    rates, cost, cases, per_case, total, gives_per_case, gives_total, gives_both. register: the published claims.
    """
    v, targets = derive_values(inputs, needs=ALL_INPUTS), _targets(register)
    rows = []
    for (closed, a), (rates, r), (cost, k), cases in product(
        _closed_candidates(v).items(),
        _rate_candidates(v, arms).items(),
        _cost_candidates(v).items(),
        (v["cases_analysed"], v["cases_total_2020"], v["cases_randomised"]),
    ):
        per_case = a[0] * r[0] * k[0] - a[1] * r[1] * k[1]
        rows.append((closed, rates, cost, int(cases), per_case, cases * per_case))
    frame = pd.DataFrame(rows, columns=["closed", "rates", "cost", "cases", "per_case", "total"])
    for measure, (wanted, decimals) in targets.items():
        frame[f"gives_{measure}"] = [round_to_printed(abs(x), decimals) == wanted for x in frame[measure]]
    return frame.assign(gives_both=frame["gives_per_case"] & frame["gives_total"])


def _targets(register: pd.DataFrame) -> dict[str, tuple[Decimal, int]]:
    """What Table 8 prints, per case and in total, and to how many decimals. Raises DataError if a claim is absent."""
    reader = read_register(register)
    found = {"per_case": reader.claim("r1.cost.reref_case"), "total": reader.claim("r1.cost.reref_total")}
    return {measure: (Decimal(repr(claim.number)), claim.decimals) for measure, claim in found.items()}


def _closed_candidates(v: Mapping[str, float]) -> Pairs:
    pc, cec, cec_2020 = v["closed_share_pc"], v["closed_share_cec"], v["closed_share_cec_2020"]
    later = (v["closed_share_pc_2019"], v["closed_share_cec_2019"])
    return {
        "none": (1.0, 1.0),
        f"{pc:.0%}, {cec:.0%}": (pc, cec),
        f"{pc:.0%}, {cec_2020:.0%}": (pc, cec_2020),
        f"{later[0]:.0%}, {later[1]:.0%}": later,
        f"{1 - pc:.0%}, {1 - cec:.0%} (open)": (1 - pc, 1 - cec),
    }


def _rate_candidates(v: Mapping[str, float], arms: Sequence[tuple[int, int]]) -> Pairs:
    five, three = v["rereferrals_pc"], v["rereferrals_cec"]
    counted = {f"{five:g}/{pc}, {three:g}/{cec}": (five / pc, three / cec) for pc, cec in arms}
    return {"printed": (v["rereferral_rate_pc"], v["rereferral_rate_cec"]), **counted}


def _cost_candidates(v: Mapping[str, float]) -> Pairs:
    pc, cec, need = v["cost_per_case_pc"], v["cost_per_case_cec"], v["cin_case_cost"]
    return {
        "cost per case": (pc, cec),
        "weekly cost": (v["weekly_cost_pc"], v["weekly_cost_cec"]),
        "PC's cost per case, both": (pc, pc),
        "CEC's cost per case, both": (cec, cec),
        "child-in-need case, both": (need, need),
    }


@traced
def derive_search_count(readings: pd.DataFrame) -> SearchCount:
    """How many readings `check_table8_readings` tried, and how many of them give the printed figures."""
    hits = {name: int(readings[f"gives_{name}"].sum()) for name in ("per_case", "total", "both")}
    pennies = readings["per_case"].abs().round(2).nunique()
    return SearchCount(len(readings), hits["per_case"], hits["total"], hits["both"], int(pennies))
