"""How each printed figure of the cost tables can be recomputed, or which input it is.

Formulas are the report's where it states one (Tables 6, 7 and the £778) and ours where it does not (Tables 8,
9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crewe_lib.cost_benefit import (
    Values,
    cost_of_escalation,
    lifetime_earnings_gap,
    rereferral_cost_gap,
    share_with_gcses,
)


@dataclass(frozen=True)
class Rule:
    """How a printed figure can be recomputed, in its printed unit.

    printed: from published inputs alone; implied: with implied ones; either may be None.
    """

    formula: str
    printed: Callable[[Values], float] | None = None
    implied: Callable[[Values], float] | None = None
    explanation: str = ""


def _earnings(arm: str) -> Callable[[Values], float]:
    return lambda v: v["lifetime_earnings_gain"] * share_with_gcses(v, v[f"closed_share_{arm}"])


def _tax(arm: str) -> Callable[[Values], float]:
    return lambda v: (v["tax"] + v["national_insurance"]) * _earnings(arm)(v)


def _employment(arm: str, gain: str) -> Callable[[Values], float]:
    return lambda v: 100 * v[gain] * share_with_gcses(v, v[f"closed_share_{arm}"])


def _rate(arm: str, cases: str) -> Callable[[Values], float]:
    return lambda v: 100 * v[f"rereferrals_{arm}"] / v[cases]


def _gap_at_printed_rates(v: Values) -> float:
    rates = {"rereferrals_pc": v["rereferral_rate_pc"], "rereferrals_cec": v["rereferral_rate_cec"]}
    return rereferral_cost_gap({**v, **rates, "cases_pc": 1.0, "cases_cec": 1.0})


def _ten_points(v: Values) -> float:
    return (v["escalation_national"] - v["escalation_pc"]) * cost_of_escalation(v)


def _employment_rule(arm: str) -> Rule:
    return Rule(
        "employment gain × expected share with GCSEs",
        _employment(arm, "employment_gain"),
        _employment(arm, "employment_gain_implied"),
        "The printed gain of 14% does not give it; to one decimal only 14.3% gives both arms.",
    )


_RATE_PC = Rule(
    "5 / cases in the arm",
    _rate("pc", "cases_pc_2020"),
    _rate("pc", "cases_pc"),
    "Any arm of 77 to 90 gives 6%.",
)
_RATE_CEC = Rule(
    "3 / cases in the arm",
    _rate("cec", "cases_cec_2020"),
    _rate("cec", "cases_cec"),
    "Of all arm sizes only 45 prints 6.7%; the 2020 report has 44.",
)
_T8_TOTAL = Rule(
    "128 × (0.72 × 5/83 × 2,450 − 0.64 × 3/45 × 1,795)",
    lambda v: v["cases_total_2020"] * _gap_at_printed_rates(v),
    lambda v: v["cases_total"] * rereferral_cost_gap(v),
    "The formula is not printed; it was found by searching, and needs implied numbers of cases.",
)
_T9_RATE = Rule(
    "2 / cases in the arm",
    lambda v: 100 * v["escalations_pc"] / v["cases_pc_2020"],
    lambda v: 100 * v["escalations_pc"] / v["cases_pc"],
    "Two cases are 2.5% of 79, 80 or 81 only; the saving per case needs 83.",
)
RULES: Mapping[str, Rule] = {
    "text_earnings_gap": Rule("earnings PC − CEC", lifetime_earnings_gap, None, "Printed to the nearest hundred."),
    "t7_earnings_pc": Rule("80,000 × (0.72 × 0.54 + 0.28 × 0.15)", _earnings("pc")),
    "t7_earnings_cec": Rule("80,000 × (0.64 × 0.54 + 0.36 × 0.15)", _earnings("cec")),
    "t7_tax_pc": Rule("(0.20 + 0.12) × earnings", _tax("pc")),
    "t7_tax_cec": Rule("(0.20 + 0.12) × earnings", _tax("cec")),
    "t7_employment_pc": _employment_rule("pc"),
    "t7_employment_cec": _employment_rule("cec"),
    "text_rereferral_pc": _RATE_PC,
    "text_rereferral_cec": _RATE_CEC,
    "t8_rate_pc": _RATE_PC,
    "t8_rate_cec": _RATE_CEC,
    "text_rereferral_gap": Rule(
        "6.7% − 6%",
        lambda v: 100 * (v["rereferral_rate_cec"] - v["rereferral_rate_pc"]),
        lambda v: _rate("cec", "cases_cec")(v) - _rate("pc", "cases_pc")(v),
        "A difference of two rounded rates, in percentage points; the implied counts give a smaller one.",
    ),
    "text_rereferrals": Rule("5 + 3", lambda v: v["rereferrals_pc"] + v["rereferrals_cec"]),
    "text_rereferral_total": _T8_TOTAL,
    "t8_total": _T8_TOTAL,
    "t8_case": Rule(
        "0.72 × 5/83 × 2,450 − 0.64 × 3/45 × 1,795",
        _gap_at_printed_rates,
        rereferral_cost_gap,
        "The formula is not printed; it was found by searching, and needs implied numbers of cases.",
    ),
    "text_cost_gap": Rule("2,464 − 1,686", cost_of_escalation),
    "text_national": Rule(
        "12.5% of Table 9",
        lambda v: 100 * v["escalation_national"],
        None,
        "The text prints 12% and, a few lines on, 12.5%. Rounding half to even would also give 12.",
    ),
    "text_escalation_case": Rule("(12.5% − 2.5%) × 778", _ten_points, None, "Table 9 prints £74.98 for the same."),
    "text_escalation_pc": _T9_RATE,
    "t9_escalation_pc": _T9_RATE,
    "t9_total": Rule(
        "8 avoided × 778",
        lambda v: v["cases_pc_2020"] * _ten_points(v),
        lambda v: v["escalations_avoided"] * cost_of_escalation(v),
        "The number avoided is not printed; it is a whole number where 12.5% of 83 less 2 is not.",
    ),
    "t9_case": Rule(
        "6,224 / 83",
        _ten_points,
        lambda v: v["escalations_avoided"] * cost_of_escalation(v) / v["cases_pc"],
        "The number of cases is not printed; no whole number gives £74.98 when rounded.",
    ),
    "summary_weekly_gap": Rule(
        "68.05 − 55.13",
        lambda v: v["weekly_cost_pc"] - v["weekly_cost_cec"],
        None,
        "The summary puts it down to longer cases, but a cost per week does not depend on their length.",
    ),
    "summary_earnings_gap": Rule(
        "earnings PC − CEC",
        lifetime_earnings_gap,
        None,
        "Of earnings; the summary says 'earnings and tax', but the tax is part of the earnings.",
    ),
}
# A figure that is itself an input: its name there, and the factor from the input's unit to the printed one.
INPUT_FIGURES: Mapping[str, tuple[str, float]] = {
    "t6_weekly_pc": ("weekly_cost_pc", 1),
    "t6_weekly_cec": ("weekly_cost_cec", 1),
    "t6_case_pc": ("cost_per_case_pc", 1),
    "t6_case_cec": ("cost_per_case_cec", 1),
    "text_gcse_cin": ("gcse_share_cin", 100),
    "text_gcse_peers": ("gcse_share_peers", 100),
    "text_earnings_gain": ("lifetime_earnings_gain", 1),
    "text_closed_pc": ("closed_share_pc", 100),
    "text_closed_cec": ("closed_share_cec", 100),
    "text_tax": ("tax", 100),
    "text_ni": ("national_insurance", 100),
    "text_employment": ("employment_gain", 100),
    "text_cin_cost": ("cin_case_cost", 1),
    "text_cp_cost": ("cp_case_cost", 1),
    "text_escalations": ("escalations_pc", 1),
    "text_national_again": ("escalation_national", 100),
    "t9_national": ("escalation_national", 100),
}
INPUT_NOTES: Mapping[str, str] = {
    "t6_case_pc": "Described as mean time open × weekly cost, but the mean time open is not printed.",
    "t6_case_cec": "Described as mean time open × weekly cost, but the mean time open is not printed.",
}
