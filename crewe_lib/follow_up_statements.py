"""Every statement that the 2020 report makes on what became of the trial's families, with its counterpart.

A statement is a claim of the register, in its words, which are ours; its counterpart is what the ledger recomputes, or
the reason why nothing can be. Statements that are no claims, since they have no number or direction, stand with what
bears on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crewe_lib.claim_classes import AGREES
from crewe_lib.claim_register import DEFINITION, NOT_RECOMPUTABLE, read_register, to_claims
from crewe_lib.claim_writing import write_recomputed
from crewe_lib.claims import Entry, Tables, check_claim
from crewe_lib.errors import DataError
from crewe_lib.follow_up_counts import FIRST, SECOND
from crewe_lib.formats import fixed
from crewe_lib.leads.design import check_crossover
from crewe_lib.leads.long_term import check_long_term_closure, check_rereferral
from crewe_lib.ledger import Filter, LedgerColumn
from crewe_lib.provenance import infers, traced

AGREED, CORRECTED, OPEN = "agreed with", "corrected", "left open"
STATEMENT_COLUMNS: Mapping[str, LedgerColumn] = {
    "subject": LedgerColumn("On", width=9),
    "statement": LedgerColumn("The report says", width=20),
    "printed": LedgerColumn("Printed", lambda text: text or "–", width=9),
    "place": LedgerColumn("Where", width=11),
    "verdict": LedgerColumn("Here", width=9),
    "counterpart": LedgerColumn("Counterpart", width=36),
}
# Subject → claims, in the order in which the report comes to them.
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "Sample": (
        "r2.sample.families", "r2.sample.randomised", "r2.sample.n_treat", "r2.sample.n_control",
        "r2.sample.r1_final", "r2.sample.some_outcomes", "r2.design.five_year", "r2.design.rct_window_main",
    ),
    "Who they were": (
        "r2.demo.female_treat", "r2.demo.female_control", "r2.demo.u11_treat", "r2.demo.u11_control",
        "r2.demo.age_median", "r2.demo.disability", "r2.demo.sibs_treat", "r2.demo.sibs_control", "r2.demo.wb_treat",
        "r2.demo.wb_control", "r2.demo.ow_treat", "r2.demo.ow_control",
    ),
    "Turning eighteen": (
        "r2.sample.aged_n", "r2.sample.aged_pct", "r2.demo.aged_treat", "r2.demo.aged_control", "r2.demo.aged_test",
    ),
    "Closing": (
        "r2.closure.treat", "r2.closure.control", "r2.closure.order", "r2.closure.sig", "r2.closure.r1_control",
        "r2.closure.increase", "r2.closure.increase_percent", "r2.closure.increased", "r2.closure.steady",
        "r2.closure.not_sustained", "r2.closure.similar", "r2.def.closed",
    ),
    "Re-referral": (
        "r2.reref.treat", "r2.reref.control", "r2.reref.order", "r2.reref.sig", "r2.reref.r1_too_few",
        "r2.reref.similar", "r2.def.reref_window",
    ),
    "Escalation": ("r2.escal.n", "r2.escal.treat", "r2.escal.control", "r2.escal.too_few", "r2.did.rowsig_similar"),
    "Risk": (
        "r2.risk.n", "r2.risk.n_treat", "r2.risk.n_control", "r2.risk.lost", "r2.risk.follow_up_period",
        "r2.risk.treat", "r2.risk.control", "r2.risk.gap", "r2.risk.gap_direction", "r2.risk.all_cases",
        "r2.risk.similar", "r2.risk.not_sustained", "r2.risk.decomp", "r2.risk.rf_similar",
        "r2.risk.reduction_wording", "r2.risk.tested", "r2.risk.tested_r1", "r2.r1.risk_fig",
    ),
    "Length of cases": ("r2.def.length_unused", "r2.ref.matched_sample", "r2.r1.open_longer"),
    "Crossing": ("r2.design.crossover",),
    "The service": (
        "r2.mi.families", "r2.mi.crewe", "r2.mi.macc", "r2.mi.unknown", "r2.mi.closed", "r2.mi.escalated",
        "r2.mi.escalation_higher", "r2.mi.days", "r2.mi.months",
    ),
}  # fmt: skip
# Subject, what is said in our words, where, verdict; what bears on it is written from results, by key.
_WITHOUT_CLAIM = (
    ("Sample", "An effect that was not found must be smaller than could be found", "p. 39", CORRECTED, "power"),
    ("Closing", "The closing rate that seemed promising in the first round lessened", "p. 23", OPEN, "faded"),
    ("Re-referral", "Re-referral means referral within a year of the first", "Appendix 4", CORRECTED, "window"),
    ("Escalation", "Four escalations in one arm need not be the service's doing", "p. 24", AGREED, "escalated"),
    ("Risk", "So few cases cannot be generalised from", "p. 24", AGREED, "few"),
    ("Crossing", "Control families who later had the service may hide an effect", "p. 39", CORRECTED, "crossing"),
    ("The service", "Changes of staff may have made cases longer", "p. 22", OPEN, "staff"),
)
STATEMENT_FILTERS = (
    Filter("subject", "subject", "On", order=tuple(SUBJECTS)),
    Filter("verdict", "verdict", "Here", order=(AGREED, CORRECTED, OPEN)),
)


@traced
@infers
def check_statements(register: pd.DataFrame, dates: pd.DataFrame, *, tables: Tables) -> pd.DataFrame:
    """One row for each statement: row (its name), subject, id (blank where it is no claim), statement, printed, place,
    cls, verdict (`AGREED`, `CORRECTED`, `OPEN`), counterpart (the computation, or why there is none).

    dates: of `follow_up_counts.derive_two_dates`; tables: other data that the ledger's rules read, by name. Verdicts
    follow from the ledger's classes: exact and rounding are agreed with, minor to decision corrected, the rest left
    open. Raises DataError if the register lacks a claim.
    """
    claims = to_claims(register)
    if lacking := sorted(id for ids in SUBJECTS.values() for id in ids if id not in claims):
        raise DataError(f"the register has no claim {', '.join(lacking)}, which chapter 06 answers.")
    said = _bearing(register, dates)
    rows: list[dict[str, Any]] = []
    for subject, ids in SUBJECTS.items():
        rows += [_row(subject, check_claim(claims, id, tables)) for id in ids]
        for about, statement, place, verdict, key in _WITHOUT_CLAIM:
            if about == subject:
                own = {
                    "row": f"said_{key}",
                    "subject": subject,
                    "id": "",
                    "statement": statement,
                    "printed": "",
                    "cls": "",
                }
                rows.append(own | {"place": place, "verdict": verdict, "counterpart": said[key]})
    return pd.DataFrame(rows)


def _row(subject: str, entry: Entry) -> dict[str, Any]:
    verdict = AGREED if entry.cls in AGREES else OPEN
    if entry.cls in ("minor", "major", "decision"):
        verdict = CORRECTED
    recomputed = write_recomputed(entry.claim, entry.recomputed)
    return {
        "row": entry.claim.id,
        "subject": subject,
        "id": entry.claim.id,
        "statement": entry.claim.statement,
        "printed": entry.printed,
        "cls": entry.cls,
        "place": entry.claim.place.removeprefix("2020 report, "),
        "verdict": verdict,
        "counterpart": _counterpart(entry, recomputed),
    }


def _counterpart(entry: Entry, recomputed: str) -> str:
    """'71.4: 60/84', the reason that there is none, or that it is a choice of the report."""
    if entry.cls == DEFINITION:
        return f"A choice of the report. {entry.how}".strip()
    if entry.cls == NOT_RECOMPUTABLE or not recomputed:
        return entry.how
    said = f"{recomputed}: {entry.how}" if entry.how else recomputed
    return f"{said}. {entry.note}" if entry.note and entry.cls not in AGREES else said


def _bearing(register: pd.DataFrame, dates: pd.DataFrame) -> dict[str, str]:
    """What bears on the statements that are no claims."""
    reader = read_register(register)
    at = {(row["outcome"], row["date"]): row for row in dates.to_dict("records")}
    both, escalated = [at["closed", day] for day in (FIRST, SECOND)], at["escalated", SECOND]
    gaps = " and ".join(f"{fixed(1, sign=True)(row['difference'])} ({row['interval']})" for row in both)
    again = check_rereferral(register).numbers
    closure = check_long_term_closure(register).numbers
    return {
        "power": "Not so: a larger effect can be missed as well. The chapter on design has what the trial could have "
        f"found. The exact interval of closing reaches {fixed(1)(both[1]['high'])} points.",
        "faded": f"Implied differences by the two dates: {gaps}. Both intervals hold nought and overlap, so neither a "
        "promise nor its lessening is shown. Nor need the two dates count closing alike: of families ever closed by "
        f"2016 ({fixed(0)(closure['ever_least'])} at least, implied), {fixed(0)(closure['now_closed'])} were by 2019.",
        "window": f"It cannot have been the rule: of {again['together']} implied, {again['later']} would have had to "
        f"come in the {fixed(1)(again['months_left'])} months that such windows left after November 2016, against "
        f"{again['early']} in the {fixed(0)(again['months_so_far'])} before.",
        "escalated": f"{escalated['treatment']} and {escalated['control']}, exact interval {escalated['interval']} "
        "points: compatible with no effect, and with one in either direction.",
        "few": f"{reader.count('r2.risk.n')} of {reader.count('r2.risk.n_r1')} cases, and those are selected: cases "
        "that closed early, or whose child turned eighteen, are not among them.",
        "crossing": check_crossover(register).finding,
        "staff": "No length of cases is printed by period or by practitioner.",
    }


@traced
@infers
def summarise_statements(statements: pd.DataFrame) -> dict[str, int]:
    """How many statements there are, and how many of each verdict."""
    counts = statements["verdict"].value_counts()
    return {
        "statements": len(statements),
        "agreed": int(counts.get(AGREED, 0)),
        "corrected": int(counts.get(CORRECTED, 0)),
        "open": int(counts.get(OPEN, 0)),
    }
