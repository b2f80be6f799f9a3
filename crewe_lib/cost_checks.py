"""The ledger's rows on costs, as chapter 05 shows them: each printed figure, and whether the inputs give it.

A figure that no rule of the cost tables recomputes is an input there. Nothing is computed here: classes, recomputed
values and remarks are the ledger's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from crewe_lib.claim_classes import AGREES
from crewe_lib.claim_register import EXTERNAL, Claim, to_claims
from crewe_lib.claim_rules import RULES
from crewe_lib.claim_writing import write_printed, write_recomputed
from crewe_lib.claims import Entry, check_claim
from crewe_lib.provenance import infers, traced

TOPIC = "cost"
# Printed in the text around Tables 7 and 8 and inputs of them, whatever else checks them under their own topic.
OTHER_INPUTS = ("r1.ext.gcse_cin", "r1.ext.gcse_all", "r1.closure.pc", "r1.closure.cec")
# Printed in Table 8 or beside it, and recomputed under their own topic.
OTHER_FIGURES = ("r1.reref.rate_pc", "r1.reref.rate_cec", "r1.reref.diff", "r1.reref.total")
# A rule that holds an input to its source does not recompute it from the cost tables.
_FROM_SOURCE = ("official data", "cited source")
INPUT = "input"
VERDICTS: Mapping[str, str] = {
    "agree": "agrees",
    "agree_implied": "agrees only with an implied number",
    "truncated": "agrees but for rounding",
    "disagree": "does not agree",
    "inputs": INPUT,
}


def _figures(claims: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims that print a number of the cost tables, in the register's order."""
    for claim in claims.values():
        if (
            claim.origin == "printed"
            and claim.is_number
            and (claim.topic == TOPIC or claim.id in (*OTHER_INPUTS, *OTHER_FIGURES))
        ):
            yield claim


def _is_input(claim: Claim) -> bool:
    rule = RULES.get(claim.id)
    return rule is None or rule.method in _FROM_SOURCE or claim.id in OTHER_INPUTS


def judge_figure(entry: Entry) -> str:
    """The ledger's class and kinds of data as one of `VERDICTS`."""
    if entry.cls in ("exact", EXTERNAL):
        return VERDICTS["agree_implied" if "inferred" in entry.kinds else "agree"]
    return VERDICTS["truncated" if entry.cls in AGREES else "disagree"]


@traced
@infers
def derive_cost_checks(register: pd.DataFrame) -> pd.DataFrame:
    """Every printed figure of the cost tables with the ledger's check of it, in the register's order.

    Columns: id, place, page, statement, printed, value, unit, verdict (of `VERDICTS`), cls (blank for inputs),
    recomputed (text), how, note, kinds_of_data. Raises DataError if a rule cannot be carried out.
    """
    claims = to_claims(register)
    return pd.DataFrame([_check_figure(claims, claim) for claim in _figures(claims)])


def _check_figure(claims: Mapping[str, Claim], claim: Claim) -> dict[str, object]:
    first = {
        "id": claim.id,
        "place": claim.section,
        "page": claim.page,
        "statement": claim.statement,
        "printed": write_printed(claim),
        "value": claim.number,
        "unit": claim.unit,
    }
    if _is_input(claim):
        rest = {"verdict": INPUT, "cls": "", "recomputed": "", "how": "", "note": claim.reason}
        return {**first, **rest, "kinds_of_data": "published"}
    entry = check_claim(claims, claim.id, {})
    return {
        **first,
        "verdict": judge_figure(entry),
        "cls": entry.cls,
        "recomputed": write_recomputed(claim, entry.recomputed),
        "how": entry.how,
        "note": entry.note,
        "kinds_of_data": "; ".join(entry.kinds),
    }


@traced
def derive_printed_figures(register: pd.DataFrame) -> pd.DataFrame:
    """The figures as printed: id, printed (with its unit), value. Nothing is inferred."""
    rows = [(claim.id, write_printed(claim), claim.number) for claim in _figures(to_claims(register))]
    return pd.DataFrame(rows, columns=["id", "printed", "value"])


@traced
def derive_recomputed(checks: pd.DataFrame) -> pd.DataFrame:
    """The rows of `derive_cost_checks` that recompute something."""
    return checks[checks["verdict"] != INPUT].reset_index(drop=True)


@traced
def summarise_verdicts(checks: pd.DataFrame) -> dict[str, int]:
    """How many printed figures there are, how many are inputs or recomputed, and how many of each verdict."""
    counts = checks["verdict"].value_counts()
    summary = {short: int(counts.get(verdict, 0)) for short, verdict in VERDICTS.items()}
    return {"printed": len(checks), "recomputed": len(checks) - summary["inputs"], **summary}
