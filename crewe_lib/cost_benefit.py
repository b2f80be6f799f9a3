"""The report's illustrative cost-benefit analysis (Appendix 9, Tables 6 to 9), recomputed and varied.

Everything is arithmetic on printed or implied inputs (`crewe_lib.unit_costs`). There is no sampling error
here: the report prints none. PC is Project Crewe, CEC is Cheshire East; a difference is PC − CEC.
`kinds_of_data` says of each row whether it needs an implied input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import traced
from crewe_lib.unit_costs import ALL_INPUTS, PUBLISHED_INPUTS, derive_values

Values = Mapping[str, float]
Outcome = Literal["lifetime_earnings_gap", "extra_cost", "escalation_saving", "rereferral_cost_gap"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
PRINTED, IMPLIED = "published", "inferred, published"
# Both printed costs per case end in 5 or 0, so each may have been rounded to the nearest £5.
COST_ROUNDING, PENNY_ROUNDING = 2.5, 0.005


def share_with_gcses(v: Values, closed: float) -> float:
    """Expected share with five good GCSEs: closed cases do as all children, open ones as children in need."""
    return closed * v["gcse_share_peers"] + (1 - closed) * v["gcse_share_cin"]


def lifetime_earnings_gap(v: Values) -> float:
    """Table 7, PC − CEC: £ of lifetime earnings per case."""
    gap = share_with_gcses(v, v["closed_share_pc"]) - share_with_gcses(v, v["closed_share_cec"])
    return v["lifetime_earnings_gain"] * gap


def extra_cost(v: Values) -> float:
    """Table 6, PC − CEC: £ per case, as weekly cost × mean weeks open."""
    return v["weekly_cost_pc"] * v["weeks_open_pc"] - v["weekly_cost_cec"] * v["weeks_open_cec"]


def cost_of_escalation(v: Values) -> float:
    """What one child-protection case costs beyond one child-in-need case, in £."""
    return v["cp_case_cost"] - v["cin_case_cost"]


def escalation_saving(v: Values) -> float:
    """Table 9 unrounded: £ per PC case; escalations expected at the national rate less those observed."""
    avoided = v["escalation_national"] * v["cases_pc"] - v["escalations_pc"]
    return avoided * cost_of_escalation(v) / v["cases_pc"]


def rereferral_cost_gap(v: Values) -> float:
    """Table 8, PC − CEC, by the implied formula: £ per case; closed × re-referred × cost of a case."""
    pc = v["closed_share_pc"] * v["rereferrals_pc"] / v["cases_pc"] * v["cost_per_case_pc"]
    return pc - v["closed_share_cec"] * v["rereferrals_cec"] / v["cases_cec"] * v["cost_per_case_cec"]


def cost_parts(v: Values) -> dict[str, float]:
    """Table 6, PC − CEC, split: £ per case put down to price, duration and both, by the implied weeks open."""
    base_price = v["weekly_cost_cec"]
    base_weeks = v["cost_per_case_cec"] / base_price
    price = v["weekly_cost_pc"] - base_price
    weeks = v["cost_per_case_pc"] / v["weekly_cost_pc"] - base_weeks
    return {"price": price * base_weeks, "duration": weeks * base_price, "both": price * weeks}


# For the tornado: each outcome's formula, and every input that enters it.
_FORMULAS: Mapping[Outcome, Callable[[Values], float]] = {
    "lifetime_earnings_gap": lifetime_earnings_gap,
    "extra_cost": extra_cost,
    "escalation_saving": escalation_saving,
    "rereferral_cost_gap": rereferral_cost_gap,
}
_CLOSED = ("closed_share_pc", "closed_share_cec")
_ENTERS: Mapping[Outcome, tuple[str, ...]] = {
    "lifetime_earnings_gap": (*_CLOSED, "lifetime_earnings_gain", "gcse_share_peers", "gcse_share_cin"),
    "extra_cost": ("weekly_cost_pc", "weekly_cost_cec", "weeks_open_pc", "weeks_open_cec"),
    "escalation_saving": (*("escalation_national", "escalations_pc", "cases_pc", "cp_case_cost", "cin_case_cost"),),
    "rereferral_cost_gap": (
        *(*_CLOSED, "rereferrals_pc", "rereferrals_cec", "cases_pc", "cases_cec"),
        *("cost_per_case_pc", "cost_per_case_cec"),
    ),
}


@traced
def estimate_weeks_open(inputs: pd.DataFrame) -> pd.DataFrame:
    """Mean weeks a case was open, implied by Table 6: cost per case / weekly cost.

    Returns per arm: arm, weekly_cost, cost_per_case (£), weeks_open, weeks_low, weeks_high (what rounding of
    the two printed figures allows), days_open.
    """
    v = derive_values(inputs, needs=PUBLISHED_INPUTS)
    rows = []
    for arm in ("pc", "cec"):
        weekly, cost = v[f"weekly_cost_{arm}"], v[f"cost_per_case_{arm}"]
        low = (cost - COST_ROUNDING) / (weekly + PENNY_ROUNDING)
        high = (cost + COST_ROUNDING) / (weekly - PENNY_ROUNDING)
        rows.append((arm, weekly, cost, cost / weekly, low, high, 7 * cost / weekly))
    columns = ["arm", "weekly_cost", "cost_per_case", "weeks_open", "weeks_low", "weeks_high", "days_open"]
    return pd.DataFrame(rows, columns=columns)


@traced
def estimate_cost_parts(inputs: pd.DataFrame) -> pd.DataFrame:
    """The difference in cost per case, PC − CEC, split exactly, with CEC as the base.

    price: dearer weeks at CEC's duration; duration: more weeks at CEC's price; both: the extra weeks at the
    extra price. Returns part, estimate (£ per case), share (of the total).
    """
    parts = cost_parts(derive_values(inputs, needs=PUBLISHED_INPUTS))
    total = sum(parts.values())
    rows = [(name, pounds, pounds / total) for name, pounds in {**parts, "total": total}.items()]
    return pd.DataFrame(rows, columns=["part", "estimate", "share"])


@traced
def estimate_lifetime_benefits(inputs: pd.DataFrame) -> pd.DataFrame:
    """Table 7: expected lifetime earnings, tax on them and employment per case, for each arm and PC − CEC.

    Employment is given with the printed gain of 14% and, where implied inputs are joined on, with the
    implied 14.3%. Returns outcome, measure (pc, cec, difference), estimate, unit, kinds_of_data. The tax is
    part of the earnings, not beside them.
    """
    v = derive_values(inputs, needs=PUBLISHED_INPUTS)
    gain, rate = v["lifetime_earnings_gain"], v["tax"] + v["national_insurance"]
    outcomes = [
        ("lifetime_earnings", gain, "GBP per case", PRINTED),
        ("lifetime_tax", gain * rate, "GBP per case", PRINTED),
        ("employment_printed_gain", v["employment_gain"], "share", PRINTED),
    ]
    if "employment_gain_implied" in v:
        outcomes.append(("employment_implied_gain", v["employment_gain_implied"], "share", IMPLIED))
    rows = []
    for outcome, factor, unit, kinds in outcomes:
        pc, cec = (factor * share_with_gcses(v, v[name]) for name in _CLOSED)
        for measure, estimate in (("pc", pc), ("cec", cec), ("difference", pc - cec)):
            rows.append((outcome, measure, estimate, unit, kinds))
    return pd.DataFrame(rows, columns=["outcome", "measure", "estimate", "unit", "kinds_of_data"])


@traced
def estimate_closure_readings(inputs: pd.DataFrame) -> pd.DataFrame:
    """Table 7's advantage under each pair of closure shares that the two reports print.

    Returns reading, label, closed_pc, closed_cec, gap (PC − CEC, a share), earnings_gap, tax_gap (£ per
    case). The last two are proportional to the gap in closures, so they change sign with it.
    """
    v = derive_values(inputs, needs=PUBLISHED_INPUTS)
    readings = [
        ("report_2017", "Trial end, 2017 report", *_CLOSED),
        (
            "cec_61",
            "Trial end, Cheshire East as in the 2020 report",
            "closed_share_pc",
            "closed_share_cec_2020",
        ),
        ("november_2019", "November 2019, 2020 report", "closed_share_pc_2019", "closed_share_cec_2019"),
    ]
    rows = []
    for reading, label, pc, cec in readings:
        earnings = lifetime_earnings_gap({**v, "closed_share_pc": v[pc], "closed_share_cec": v[cec]})
        tax = earnings * (v["tax"] + v["national_insurance"])
        rows.append((reading, label, v[pc], v[cec], v[pc] - v[cec], earnings, tax))
    columns = ["reading", "label", "closed_pc", "closed_cec", "gap", "earnings_gap", "tax_gap"]
    return pd.DataFrame(rows, columns=columns)


@traced
def estimate_side_by_side(inputs: pd.DataFrame) -> pd.DataFrame:
    """What the four tables say of one case, side by side and deliberately not added up.

    Returns item, label, table, estimate (£ per case; above 0 is in PC's favour), falls_to, compared_with,
    horizon, caution, kinds_of_data. Rows differ in who bears them, in comparator and in time, and one is part
    of another, so a sum would have no meaning.
    """
    v = derive_values(inputs, needs=ALL_INPUTS)
    earnings = lifetime_earnings_gap(v)
    tax = earnings * (v["tax"] + v["national_insurance"])
    avoided = v["escalations_avoided"] * cost_of_escalation(v) / v["cases_pc"]
    council, cec, pilot, life = "local authority", "Cheshire East", "the pilot", "a working life"
    items = [
        (
            "cost",
            "Staff cost of a case",
            6,
            v["cost_per_case_cec"] - v["cost_per_case_pc"],
            council,
            cec,
            pilot,
        ),
        ("rereferral", "Cost of re-referrals", 8, -rereferral_cost_gap(v), council, cec, pilot),
        ("escalation", "Escalations avoided", 9, avoided, council, "the national rate", pilot),
        ("earnings", "Lifetime earnings", 7, earnings, "the child", cec, life),
        ("tax", "Tax on those earnings", 7, tax, "the Exchequer", cec, life),
    ]
    cautions = {
        "cost": ("management counted in one arm only", PRINTED),
        "rereferral": ("rests on very few re-referrals and on an implied formula", IMPLIED),
        "escalation": ("rests on very few escalations; there is no control arm", IMPLIED),
        "earnings": ("a net present value for cases assumed to stay closed", PRINTED),
        "tax": ("part of the earnings, not beside them", PRINTED),
    }
    rows = [(*item, *cautions[item[0]]) for item in items]
    columns = ["item", "label", "table", "estimate", "falls_to", "compared_with", "horizon", "caution"]
    return pd.DataFrame(rows, columns=[*columns, "kinds_of_data"])


@traced
def estimate_tornado(inputs: pd.DataFrame, *, outcome: Outcome, default_range: float) -> pd.DataFrame:
    """One outcome when each input that enters it moves alone to the low and to the high end of its range.

    default_range: share up and down for inputs that nothing printed bounds (range_basis 'default range').
    Returns outcome, input, label, unit, low, high (in that unit), result_low, result_high, base, swing (£ per
    case), range_basis, kind, largest swing first. result_low is the outcome at the input's low end and may be
    the larger one. Ranges are not confidence intervals and differ in basis, so bars are not equally likely.
    Raises CreweError for an unknown outcome or a share outside 0 to 1.
    """
    if outcome not in OUTCOMES:
        raise CreweError(f"outcome must be one of {', '.join(OUTCOMES)}; got {outcome!r}.")
    if not 0 < default_range < 1:
        raise CreweError(f"default_range is {default_range}; it must lie between 0 and 1 (0.2 is ±20%).")
    v, formula = derive_values(inputs, needs=_ENTERS[outcome]), _FORMULAS[outcome]
    used = inputs.set_index("input").loc[list(_ENTERS[outcome])].reset_index()
    spread = used["range_basis"].map({"default range": default_range, "fixed": 0.0})
    used["low"] = (used["value"] * (1 - spread)).fillna(used["low"])
    used["high"] = (used["value"] * (1 + spread)).fillna(used["high"])
    for end in ("low", "high"):
        used[f"result_{end}"] = [formula({**v, n: x}) for n, x in zip(used["input"], used[end], strict=True)]
    frame = used.assign(outcome=outcome, base=formula(v), swing=(used["result_high"] - used["result_low"]).abs())
    columns = [
        "outcome",
        "input",
        "label",
        "unit",
        "low",
        "high",
        "result_low",
        "result_high",
        "base",
        "swing",
    ]
    frame = frame[[*columns, "range_basis", "kind"]]
    # Ties keep the order of the formula, whatever the last binary digit of their swings.
    return frame.sort_values("swing", key=lambda x: -x.round(9), kind="stable", ignore_index=True)
