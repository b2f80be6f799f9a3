"""The cost results as HM Treasury's Green Book would have them looked at: later benefits, optimism, break-evens.

HM Treasury discounts at 3.5% a year in real terms for the first 30 years (Review of discounting in the Green Book:
terms of reference, HM Treasury, 16 December 2025; the Green Book, annex A6). Its lower rate of 1.5% is for risks to
health and life, which these benefits are not. It asks for an adjustment for optimism but has no general percentages for
benefits (the Green Book, paragraphs 5.43 to 5.45), and those of its supplementary guidance come from large procurement
projects; the shares here are therefore a grid of our own.
Nothing is added across payers. A difference is PC − CEC.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crewe_lib.cost_benefit import (
    IMPLIED,
    PRINTED,
    cost_of_escalation,
    escalation_saving,
    estimate_closure_readings,
)
from crewe_lib.cost_readings import estimate_escalation_savings
from crewe_lib.errors import CreweError
from crewe_lib.evidence import traced
from crewe_lib.unit_costs import ALL_INPUTS, PUBLISHED_INPUTS, derive_values

# Assumptions of this book. The age at which the £80,000 is a present value is not printed; it is taken to be the age
# at which the examinations are sat.
EXAM_AGE = 16
AGES: tuple[int, ...] = (0, 4, 8, 12, 16)
OPTIMISM: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4)
_ESCALATIONS = ("unrounded", "eight", "eight_national_9")


@traced
def estimate_discounted_benefit(
    inputs: pd.DataFrame, *, rate: float, ages: Sequence[int] = AGES, valued_at: int = EXAM_AGE
) -> pd.DataFrame:
    """The earnings difference seen from the child's age when the service steps in.

    The report's £80,000 is already a net present value; it is taken to be one at age `valued_at`, an assumption. For a
    child of age a it is multiplied by (1 + rate)^−(valued_at − a). Discounting never changes a sign. Returns age,
    years, factor, earnings_2017, earnings_2019 (£ per case, with the closures of trial end and of November 2019).
    Raises CreweError unless 0 ≤ rate < 1 and every age lies between 0 and valued_at.
    """
    if not 0 <= rate < 1:
        raise CreweError(f"rate is {rate}; it must be at least 0 and below 1 (0.035 is 3.5% a year).")
    late = [age for age in ages if not 0 <= age <= valued_at]
    if late or not ages:
        raise CreweError(f"ages holds {late or 'nothing'}; each must lie between 0 and {valued_at}, when it is valued.")
    gaps = estimate_closure_readings(inputs).set_index("reading")["earnings_gap"]
    frame = pd.DataFrame({"age": list(ages)})
    frame["years"] = valued_at - frame["age"]
    frame["factor"] = (1 + rate) ** -frame["years"].astype(float)
    for name, reading in (("earnings_2017", "report_2017"), ("earnings_2019", "november_2019")):
        frame[name] = frame["factor"] * float(gaps[reading])
    return frame


@traced
def estimate_optimism(inputs: pd.DataFrame, *, shares: Sequence[float] = OPTIMISM) -> pd.DataFrame:
    """Each result with PC's benefits lowered, and PC's staff cost raised, by the same share.

    The share is an assumption. CEC's cost is what was spent without the service and stays. Returns share, earnings
    (£ per case, trial end), escalation_saving, extra_cost (£ per case), value_per_closure (£ at which an extra closed
    case covers the extra cost, closures at trial end with their difference lowered), kinds_of_data. Raises CreweError
    unless every share is at least 0 and below 1.
    """
    wrong = [share for share in shares if not 0 <= share < 1]
    if wrong or not shares:
        raise CreweError(f"shares holds {wrong or 'nothing'}; each must be at least 0 and below 1 (0.2 is 20%).")
    v = derive_values(inputs, needs=ALL_INPUTS)
    gap = estimate_closure_readings(inputs).set_index("reading").loc["report_2017"]
    rows = []
    for share in shares:
        kept = 1 - share
        extra = (1 + share) * v["cost_per_case_pc"] - v["cost_per_case_cec"]
        closed = kept * float(gap["gap"])
        value = extra / closed if closed > 0 else float("nan")
        rows.append((share, kept * float(gap["earnings_gap"]), kept * escalation_saving(v), extra, value, IMPLIED))
    columns = ["share", "earnings", "escalation_saving", "extra_cost", "value_per_closure", "kinds_of_data"]
    return pd.DataFrame(rows, columns=columns)


@traced
def estimate_break_evens(inputs: pd.DataFrame) -> pd.DataFrame:
    """What one quantity would have to be for a result to come to nothing, beside what the reports have for it.

    No report states a price year, so one row gives the rise in prices between the two arms' costs that would explain
    the whole difference. Returns item, label, break_even, reported (missing where nothing is printed or implied),
    unit (share, GBP, cases or weeks), note, kinds_of_data.
    """
    v = derive_values(inputs, needs=ALL_INPUTS)
    pc, cec = v["cost_per_case_pc"], v["cost_per_case_cec"]
    extra, closed = pc - cec, v["closed_share_pc"] - v["closed_share_cec"]
    worth = v["lifetime_earnings_gain"] * (v["gcse_share_peers"] - v["gcse_share_cin"])
    avoided = v["escalation_national"] * v["cases_pc"] - v["escalations_pc"]
    items = [
        ("closed_cec", v["closed_share_pc"], v["closed_share_cec"], "share", PRINTED),
        ("value", extra / closed if closed > 0 else float("nan"), worth, "GBP", PRINTED),
        ("avoided", extra * v["cases_pc"] / cost_of_escalation(v), avoided, "cases", IMPLIED),
        ("weeks_pc", cec / v["weekly_cost_pc"], pc / v["weekly_cost_pc"], "weeks", PRINTED),
        ("management", 1 - cec / pc, float("nan"), "share", PRINTED),
        ("prices", pc / cec - 1, float("nan"), "share", PRINTED),
    ]
    rows = [(item, *_BREAK_EVENS[item], *rest) for item, *rest in items]
    columns = ["item", "label", "note", "break_even", "reported", "unit", "kinds_of_data"]
    return pd.DataFrame(rows, columns=columns)


_BREAK_EVENS = {
    "closed_cec": (
        "Share closed in Cheshire East at which the earnings difference is nothing",
        "reported: trial end, first report",
    ),
    "value": (
        "Value of one more closed case that covers the extra staff cost",
        "reported: what Table 7's formula gives the child, another payer",
    ),
    "avoided": (
        "Escalations avoided among all Project Crewe cases that cover the extra staff cost",
        "reported: expected less observed, an implied number",
    ),
    "weeks_pc": (
        "Weeks open in Project Crewe at which both arms cost the same",
        "reported: what Table 6 means",
    ),
    "management": (
        "Share of Project Crewe's weekly cost that would have to be management for like to cost the same as like",
        "no report says how much of it is management",
    ),
    "prices": (
        "Rise in prices between the two arms' costs that would explain the whole difference",
        "no report states a price year",
    ),
}


@traced
def estimate_scenarios(inputs: pd.DataFrame) -> pd.DataFrame:
    """Every reading of closure beside every reading of escalations, each result with its own payer, none added.

    Returns closure, closure_label, escalation, escalation_label, earnings (£ per case, to the child), tax (part of
    it, to the Exchequer), escalation_saving, extra_cost (both to the local authority), value_per_closure (£ at which
    an extra closed case covers the extra cost; missing where PC closes fewer), kinds_of_data.
    """
    v = derive_values(inputs, needs=PUBLISHED_INPUTS)
    extra = v["cost_per_case_pc"] - v["cost_per_case_cec"]
    savings = estimate_escalation_savings(inputs).set_index("reading").loc[list(_ESCALATIONS)]
    rows = []
    for c in estimate_closure_readings(inputs).to_dict("records"):
        value = extra / c["gap"] if c["gap"] > 0 else float("nan")
        for reading, saving in savings.iterrows():
            first = (c["reading"], c["label"], reading, saving["label"], c["earnings_gap"], c["tax_gap"])
            rows.append((*first, float(saving["per_case"]), extra, value, IMPLIED))
    columns = ["closure", "closure_label", "escalation", "escalation_label", "earnings", "tax"]
    last = ["escalation_saving", "extra_cost", "value_per_closure", "kinds_of_data"]
    return pd.DataFrame(rows, columns=[*columns, *last])
