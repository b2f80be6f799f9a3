"""Tables 8 and 9 and the text around them: the cost of re-referrals and the saving on escalations.

Neither table's formula is printed; ours was found by searching. Published numbers are tried first, implied ones second,
and no implied number is used to recompute the figure that it was back-solved from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import written
from crewe_lib.claim_rules.costs import ARMS, CASE_COSTS, CLOSED, METHOD, WEEKLY_COSTS, formula
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.cost_benefit import Values, cost_of_escalation, rereferral_cost_gap
from crewe_lib.cost_claims import read_values
from crewe_lib.formats import pounds


def _second_report(arm: str) -> Callable[[Reader], tuple[float, str]]:
    def cases(reader: Reader) -> tuple[float, str]:
        n = read_values(reader, f"cases_{arm}_2020")[f"cases_{arm}_2020"]
        return n, written(n)

    return cases


def _rest_of_total(other: str) -> Callable[[Reader], tuple[float, str]]:
    """An arm as the implied total less the implied other arm: neither rests on the arm's own figures."""

    def cases(reader: Reader) -> tuple[float, str]:
        v = read_values(reader, "cases_total", f"cases_{other}")
        n = v["cases_total"] - v[f"cases_{other}"]
        return n, f"({written(v['cases_total'])} − {written(v[f'cases_{other}'])})"

    return cases


def _escalation_rate(cases: Callable[[Reader], tuple[float, str]]) -> RuleFunction:
    def compute(reader: Reader) -> Recomputed:
        events, (n, said) = read_values(reader, "escalations_pc")["escalations_pc"], cases(reader)
        return Recomputed(
            f"{written(events)} / {said}",
            choices=(100 * events / n,),
            differs="minor",
            note="The number of families that the rate is of is not printed; the second report's arm does not give it.",
        )

    return compute


_ESCALATION = ("cp_case_cost", "cin_case_cost", "escalation_national", "escalation_pc")
_RATES = ("rereferral_rate_pc", "rereferral_rate_cec", *CLOSED, *CASE_COSTS)
_COUNTS = ("rereferrals_pc", "rereferrals_cec", "cases_pc", "cases_cec", *CLOSED, *CASE_COSTS)
_NOT_PRINTED = "The formula is not printed. It was found by searching, and needs implied numbers of cases."


def _gap_at_rates(v: Values) -> float:
    rates = {"rereferrals_pc": v["rereferral_rate_pc"], "rereferrals_cec": v["rereferral_rate_cec"]}
    return rereferral_cost_gap({**v, **rates, "cases_pc": 1.0, "cases_cec": 1.0})


def _write_gap(v: Values, rates: Mapping[str, str]) -> str:
    parts = (
        f"{written(v[f'closed_share_{arm}'])} × {rates[arm]} × {written(v[f'cost_per_case_{arm}'])}" for arm in ARMS
    )
    return " − ".join(parts)


def _write_at_rates(v: Values) -> str:
    return _write_gap(v, {arm: written(v[f"rereferral_rate_{arm}"]) for arm in ARMS})


def _write_at_counts(v: Values) -> str:
    return _write_gap(v, {arm: f"{written(v[f'rereferrals_{arm}'])}/{written(v[f'cases_{arm}'])}" for arm in ARMS})


def _add_rereferral_costs() -> None:
    """Table 8. Its formula is not printed."""
    per_case = formula(_COUNTS, rereferral_cost_gap, _write_at_counts, _NOT_PRINTED)
    at_rates = formula(_RATES, _gap_at_rates, _write_at_rates, _NOT_PRINTED)
    add_rule("r1.cost.reref_case", at_rates, METHOD, implied=per_case)
    in_all = formula(
        ("cases_total_2020", *_RATES),
        lambda v: v["cases_total_2020"] * _gap_at_rates(v),
        lambda v: f"{written(v['cases_total_2020'])} × ({_write_at_rates(v)})",
        _NOT_PRINTED,
    )
    implied = formula(
        _COUNTS,
        lambda v: (v["cases_pc"] + v["cases_cec"]) * rereferral_cost_gap(v),
        lambda v: f"({written(v['cases_pc'])} + {written(v['cases_cec'])}) × ({_write_at_counts(v)})",
        _NOT_PRINTED,
    )
    add_rule("r1.cost.reref_total", in_all, METHOD, implied=implied)


def _points(v: Values) -> float:
    return v["escalation_national"] - v["escalation_pc"]


def _write_points(v: Values) -> str:
    return f"({written(100 * v['escalation_national'])}% − {written(100 * v['escalation_pc'])}%)"


def _save_in_whole_cases(reader: Reader) -> Recomputed:
    """Table 9's total with a whole number of escalations avoided, in the arm that Table 8 leaves."""
    v = read_values(reader, *_ESCALATION)
    n, said = _rest_of_total("cec")(reader)
    avoided = round(_points(v) * n)
    return Recomputed(
        f"{avoided} × {written(cost_of_escalation(v))}, where {avoided} is {_write_points(v)} × {said} in whole cases",
        value=avoided * cost_of_escalation(v),
        note="The number of escalations avoided is not printed; it is implied, and rounded to whole cases.",
    )


def _save_per_case(reader: Reader) -> Recomputed:
    """Table 9's saving per case: its total over the arm that Table 8 leaves."""
    saved, (n, said) = reader.number("r1.cost.escal_save_total"), _rest_of_total("cec")(reader)
    return Recomputed(
        f"{written(saved)} / {said}",
        value=saved / n,
        note="The number of cases is not printed; the last digit looks cut off rather than rounded.",
    )


def _add_escalation_savings() -> None:
    """Table 9 and the saving that the text gives."""
    by_rates = formula(
        _ESCALATION,
        lambda v: _points(v) * cost_of_escalation(v),
        lambda v: f"{_write_points(v)} × {written(cost_of_escalation(v))}",
    )
    add_rule("r1.cost.escal_save_text", by_rates, METHOD)
    add_rule("r1.cost.escal_save_case", by_rates, METHOD, implied=_save_per_case)
    in_all = formula(
        (*_ESCALATION, "cases_pc_2020"),
        lambda v: v["cases_pc_2020"] * _points(v) * cost_of_escalation(v),
        lambda v: f"{written(v['cases_pc_2020'])} × {_write_points(v)} × {written(cost_of_escalation(v))}",
    )
    add_rule("r1.cost.escal_save_total", in_all, METHOD, implied=_save_in_whole_cases)
    add_rule(
        "r1.cost.escal_pc",
        _escalation_rate(_second_report("pc")),
        METHOD,
        implied=_escalation_rate(_rest_of_total("cec")),
    )


def _parts_of_rereferral(v: Values) -> tuple[float, float]:
    """What Table 8's difference loses if Project Crewe's cases were as short, or its weeks as cheap, as the others."""
    weeks = {arm: v[f"cost_per_case_{arm}"] / v[f"weekly_cost_{arm}"] for arm in ARMS}
    as_short = {**v, "cost_per_case_pc": v["weekly_cost_pc"] * weeks["cec"]}
    as_cheap = {**v, "cost_per_case_pc": v["weekly_cost_cec"] * weeks["pc"]}
    whole = rereferral_cost_gap(v)
    return whole - rereferral_cost_gap(as_short), whole - rereferral_cost_gap(as_cheap)


_add_rereferral_costs()
_add_escalation_savings()


@rule("r1.cost.reref_reason", METHOD)
def name_reasons(reader: Reader) -> Recomputed:
    """Every part that adds to Table 8's difference."""
    reader.infer()
    parts = _parts_of_rereferral(read_values(reader, *_COUNTS, *WEEKLY_COSTS))
    amounts = dict(zip(("longer cases", "dearer weeks"), parts, strict=True))
    said = ", ".join(f"{name} {pounds(2)(amount)}" for name, amount in amounts.items())
    return Recomputed(
        f"{said}, by the implied weeks open",
        words=" and ".join(name for name, amount in amounts.items() if amount > 0) or "neither",
        differs="minor",
        note="Both add to the implied difference. Project Crewe's weekly cost includes management, the other does not.",
    )
