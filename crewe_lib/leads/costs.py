"""Whether the report's cost tables follow, and what each of their results rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crewe_lib.claim_register import read_register
from crewe_lib.cost_benefit import estimate_closure_readings, estimate_cost_parts
from crewe_lib.cost_checks import derive_cost_checks, summarise_verdicts
from crewe_lib.cost_claims import derive_register_inputs
from crewe_lib.cost_readings import (
    check_table8_readings,
    derive_search_count,
    estimate_escalation_savings,
    estimate_rereferral_costs,
)
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, pounds, spelt
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

# Up to so many families an arm are tried as the denominator of Project Crewe's rate of escalation.
LARGEST_ARM = 150
TOPICS: Mapping[str, str] = {
    "cost": "Cost of a case",
    "earnings": "Lifetime earnings",
    "rereferral": "Cost of re-referrals",
    "escalation": "Saving on escalations",
}
# The claim that each block of readings is set against.
PRINTED: Mapping[str, str] = {
    "cost": "r1.cost.case_diff",
    "earnings": "r1.cost.earn_diff",
    "rereferral": "r1.cost.reref_case",
    "escalation": "r1.cost.escal_save_case",
}
COLUMNS: Mapping[str, Column] = {
    "topic": Column("Result", TOPICS.__getitem__),
    "label": Column("Reading"),
    "per_case": Column("Per case", pounds(2)),
    "printed": Column("Printed", pounds(2)),
    "difference": Column("Reading less printed", pounds(2, sign=True)),
}


FINDING = (
    "Of {recomputed} figures that can be recomputed, {agree} follow from printed numbers, {agree_implied} only "
    "with implied ones, and {disagree} not follow; of {combinations} documented formulas for Table 8, those that "
    "give both of its figures: {give_both}. What the tables rest on is less firm. Of the {part_total} that a "
    "Project Crewe case costs more, {part_price} go back to the price of a week{management}, {part_duration} to "
    "implied longer cases and {part_both} to both. Lifetime earnings differ by {earnings_report_2017} a case with"
    " the first report's closures, by {earnings_cec_61} with the second's figure for the same moment and by "
    "{earnings_november_2019} with its closures of November 2019. The {printed_rereferral} on re-referrals would "
    "be {rereferral_same_cost} at one cost of a case. The national rate of escalation is printed as "
    "{national_text}% and {national_table}%, Project Crewe's {rate}% is a rate of {arms} families{fits}, and the "
    "saving of {printed_escalation} would be {escalation_eight} with the pilot year's escalations."
)


@traced
@infers
def check_costs(register: pd.DataFrame) -> Lead:
    """Tables 6 to 9 from the register: which figures follow, and each result under its rival readings, in £ per case.

    PC is Project Crewe, CEC is Cheshire East; differences are PC − CEC, savings are Project Crewe's. Raises DataError.
    """
    inputs = derive_register_inputs(register)
    tables = {
        "cost": estimate_cost_parts(inputs),
        "earnings": estimate_closure_readings(inputs),
        "rereferral": estimate_rereferral_costs(inputs),
        "escalation": estimate_escalation_savings(inputs),
    }
    readings = _derive_readings(register, tables)
    numbers = {
        **summarise_verdicts(derive_cost_checks(register)),
        **_derive_table_numbers(tables),
        **_derive_stated(register),
        **_derive_search(inputs, register),
    }
    numbers["problems"] = _count_problems(numbers)
    return Lead(
        id="costs",
        title="Do the costs and benefits follow?",
        verdict=judge_tables(numbers),
        finding=_write_finding(numbers),
        settles=(
            "The weeks that each case was open, both weekly costs built up alike with management in both, the "
            "number of families in each arm, the authors' working for Tables 8 and 9, and escalations in both arms."
        ),
        claims=tuple(derive_cost_checks(register)["id"]),
        readings=readings,
        numbers=numbers,
    )


def _derive_readings(register: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Every reading of the four results: topic, reading, label, per_case, printed, difference (£ per case)."""
    reader = read_register(register)
    value = {"cost": "estimate", "earnings": "earnings_gap", "rereferral": "difference", "escalation": "per_case"}
    name = {"cost": "part"}
    labels = {
        "price": "Dearer weeks",
        "duration": "More weeks",
        "both": "Both together",
        "total": "Whole difference",
    }
    rows = []
    for topic, frame in tables.items():
        printed = reader.number(PRINTED[topic])
        for row in frame.to_dict("records"):
            reading = row[name.get(topic, "reading")]
            per_case = row[value[topic]]
            label = row.get("label", labels.get(reading, ""))
            rows.append((topic, reading, label, per_case, printed, per_case - printed))
    return pd.DataFrame(rows, columns=["topic", "reading", "label", "per_case", "printed", "difference"])


def _derive_table_numbers(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """The results that the finding needs, by table and reading."""
    parts = tables["cost"].set_index("part")["estimate"]
    earnings = tables["earnings"].set_index("reading")["earnings_gap"]
    rereferrals = tables["rereferral"].set_index("reading")["difference"]
    escalations = tables["escalation"].set_index("reading")["per_case"]
    return {
        **{f"part_{name}": float(parts[name]) for name in ("price", "duration", "both", "total")},
        **{f"earnings_{name}": float(earnings[name]) for name in ("report_2017", "cec_61", "november_2019")},
        **{f"rereferral_{name}": float(rereferrals[name]) for name in ("implied", "same_cost")},
        **{f"escalation_{name}": float(escalations[name]) for name in ("table_9", "text", "unrounded", "eight")},
    }


def _derive_stated(register: pd.DataFrame) -> dict[str, Any]:
    """What the documents say of the same things in two places, and the arms that the rate of escalation fits."""
    reader = read_register(register)
    printed, events = reader.claim("r1.cost.escal_pc"), reader.count("r1.cost.escal_obs")
    arms = [n for n in range(1, LARGEST_ARM) if abs(100 * events / n - printed.number) <= printed.half_unit + 1e-9]
    arm = reader.count("r1.sample.n_cba_implied") - reader.count("r1.sample.arm_cec_implied")
    return {
        "national_text": reader.number("r1.cost.escal_nat_text"),
        "national_table": reader.number("r1.cost.escal_nat_table"),
        "rate_escalation": printed.number,
        "arms_low": min(arms, default=0),
        "arms_high": max(arms, default=0),
        "arm_implied": arm,
        "rate_fits": arm in arms,
        "management_alike": reader.text("r1.cost.management_pc") == reader.text("r1.cost.management_cec"),
        "reason": reader.text("sum.cost.week_reason"),
        "printed_rereferral": reader.number(PRINTED["rereferral"]),
        "printed_escalation": reader.number(PRINTED["escalation"]),
    }


def _derive_search(inputs: pd.DataFrame, register: pd.DataFrame) -> dict[str, Any]:
    """How many documented readings of Table 8 there are, and how many give both of its figures."""
    found = derive_search_count(check_table8_readings(inputs, register))
    return {"combinations": found.combinations, "give_both": found.give_both}


def _count_problems(n: Mapping[str, Any]) -> int:
    """How many of the points raised against the tables hold."""
    return sum(
        (
            not n["management_alike"],
            n["part_price"] > n["part_duration"] and n["reason"] == "longer cases",
            n["national_text"] != n["national_table"],
            not n["rate_fits"],
            n["earnings_report_2017"] * n["earnings_november_2019"] < 0,
            abs(n["rereferral_same_cost"]) < abs(n["rereferral_implied"]) / 2,
        )
    )


def judge_tables(n: Mapping[str, Any]) -> Verdict:
    """Refuted if every figure follows and no point holds; confirmed if most figures do not follow; else in part."""
    if n["problems"] == 0 and n["disagree"] == 0:
        return "refuted"
    return "confirmed" if 2 * n["disagree"] > n["recomputed"] else "confirmed in part"


def _write_finding(n: Mapping[str, Any]) -> str:
    """The finding in words; money in whole pounds but for the two small amounts per case."""
    said = {name: pounds()(n[name]) for name in n if name.startswith(("part_", "earnings_"))}
    pence = ("printed_rereferral", "rereferral_same_cost", "printed_escalation", "escalation_eight")
    return FINDING.format(
        **said,
        **{name: pounds(2)(n[name]) for name in pence},
        **{name: spelt(n[name]) for name in ("recomputed", "agree", "agree_implied", "combinations", "give_both")},
        national_text=fixed(0)(n["national_text"]),
        national_table=fixed(1)(n["national_table"]),
        rate=fixed(1)(n["rate_escalation"]),
        arms=f"{n['arms_low']} to {n['arms_high']}",
        fits="" if n["rate_fits"] else f", not of the implied {fixed(0)(n['arm_implied'])}",
        disagree="one does" if n["disagree"] == 1 else f"{spelt(n['disagree'])} do",
        management="" if n["management_alike"] else ", which holds management for Project Crewe only",
    )
