"""Tables 6 and 7 and the text around them: each figure from the numbers it rests on.

Formulas are those that the report states. A rule tries published numbers first; one with numbers that no report prints
comes second. No implied number is used to recompute the figure that it was back-solved from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crewe_lib.claim_classes import Recomputed, Severity
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import difference, written
from crewe_lib.claim_rules.registry import RuleFunction, add_rule
from crewe_lib.cost_benefit import Values, cost_parts, lifetime_earnings_gap, share_with_gcses
from crewe_lib.cost_claims import read_values
from crewe_lib.formats import fixed, pounds

METHOD = "cost formula"
ARMS: Mapping[str, str] = {"pc": "cec", "cec": "pc"}
CLOSED = ("closed_share_pc", "closed_share_cec")
CASE_COSTS = ("cost_per_case_pc", "cost_per_case_cec")
WEEKLY_COSTS = ("weekly_cost_pc", "weekly_cost_cec")
_GCSES = ("gcse_share_peers", "gcse_share_cin")
_EARNINGS = ("lifetime_earnings_gain", *_GCSES, *CLOSED)


def formula(
    needs: tuple[str, ...], compute: Callable[[Values], float], write: Callable[[Values], str], note: str = ""
) -> RuleFunction:
    """A rule that reads the inputs it needs and computes one number."""

    def found(reader: Reader) -> Recomputed:
        v = read_values(reader, *needs)
        return Recomputed(write(v), value=compute(v), note=note)

    return found


def write_share(v: Values, arm: str) -> str:
    closed = v[f"closed_share_{arm}"]
    return (
        f"({written(closed)} × {written(v['gcse_share_peers'])} + "
        f"{written(1 - closed)} × {written(v['gcse_share_cin'])})"
    )


def _earnings(v: Values, arm: str) -> float:
    return v["lifetime_earnings_gain"] * share_with_gcses(v, v[f"closed_share_{arm}"])


def _add_individual_benefits(arm: str) -> None:
    """Table 7: earnings, tax and employment of one arm."""

    def write(v: Values) -> str:
        return f"{written(v['lifetime_earnings_gain'])} × {write_share(v, arm)}"

    add_rule(f"r1.cost.earn_{arm}", formula(_EARNINGS, lambda v: _earnings(v, arm), write), METHOD)
    tax = formula(
        (*_EARNINGS, "tax", "national_insurance"),
        lambda v: (v["tax"] + v["national_insurance"]) * _earnings(v, arm),
        lambda v: f"({written(v['tax'])} + {written(v['national_insurance'])}) × {write(v)}",
    )
    add_rule(f"r1.cost.tax_{arm}", tax, METHOD)
    employment = formula(
        ("employment_gain", *_GCSES, *CLOSED),
        lambda v: 100 * v["employment_gain"] * share_with_gcses(v, v[f"closed_share_{arm}"]),
        lambda v: f"{written(100 * v['employment_gain'])} × {write_share(v, arm)}",
    )
    add_rule(f"r1.cost.emp_{arm}", employment, METHOD, implied=_employment_by_other_arm(arm))


def _employment_by_other_arm(arm: str) -> RuleFunction:
    """Employment with the gain that the other arm's figure implies, so that no figure is used for itself."""

    def compute(reader: Reader) -> Recomputed:
        v = read_values(reader, "employment_gain", *_GCSES, *CLOSED)
        own, other = (share_with_gcses(v, v[f"closed_share_{name}"]) for name in (arm, ARMS[arm]))
        printed = reader.number(f"r1.cost.emp_{ARMS[arm]}")
        return Recomputed(
            f"{written(printed)} / {written(other)} × {written(own)}",
            value=printed / other * own,
            note=(
                f"The printed gain of {written(100 * v['employment_gain'])}% gives "
                f"{fixed(2)(100 * v['employment_gain'] * own)}; the other arm's figure implies a gain of "
                f"{fixed(1)(printed / other)}%."
            ),
        )

    return compute


def larger_part(
    needs: tuple[str, ...], compute: Callable[[Values], tuple[float, float]], differs: Severity, note: str
) -> RuleFunction:
    """Whether more of a difference goes back to longer cases or to dearer weeks; `compute` gives £ for each."""

    def found(reader: Reader) -> Recomputed:
        reader.infer()
        longer, dearer = compute(read_values(reader, *needs))
        return Recomputed(
            f"longer cases {pounds(2)(longer)}, dearer weeks {pounds(2)(dearer)}, by the implied weeks open",
            words="longer cases" if longer > dearer else "dearer weeks",
            differs=differs,
            note=note,
        )

    return found


def _parts_of_case(v: Values) -> tuple[float, float]:
    parts = cost_parts(v)
    return parts["duration"], parts["price"]


def _weeks(arm: str) -> RuleFunction:
    names = (f"cost_per_case_{arm}", f"weekly_cost_{arm}")
    return formula(names, lambda v: v[names[0]] / v[names[1]], lambda v: " / ".join(written(v[n]) for n in names))


for _arm in ARMS:
    _add_individual_benefits(_arm)
    add_rule(f"r1.cost.weeks_{_arm}", _weeks(_arm), METHOD)


def _gap(note: str = "") -> RuleFunction:
    return formula(
        _EARNINGS,
        lifetime_earnings_gap,
        lambda v: f"{written(v['lifetime_earnings_gain'])} × ({write_share(v, 'pc')} − {write_share(v, 'cec')})",
        note,
    )


add_rule("r1.cost.earn_diff", _gap(), METHOD)
add_rule("sum.cost.lifetime", _gap("This is earnings alone. The tax is part of the earnings, not beside them."), METHOD)
for _id in ("r1.cost.week_diff", "sum.cost.week_diff"):
    add_rule(_id, difference("r1.cost.week_pc", "r1.cost.week_cec"), METHOD)
add_rule("r1.cost.case_diff", difference("r1.cost.case_pc", "r1.cost.case_cec"), METHOD)
add_rule("r1.cost.cp_diff", difference("r1.cost.cp_case", "r1.cost.cin_case"), METHOD)
add_rule(
    "sum.cost.week_reason",
    larger_part(
        (*CASE_COSTS, *WEEKLY_COSTS),
        _parts_of_case,
        "major",
        "A cost per week does not depend on their number. Project Crewe's includes management, the other does not.",
    ),
    METHOD,
)
