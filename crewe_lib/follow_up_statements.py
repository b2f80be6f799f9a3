"""Every statement that the 2020 report makes on what became of the trial's families, with its counterpart.

A statement is a claim of the register, in its words, which are ours; `follow_up_statement_list` names them. Its
counterpart is what the ledger recomputes, or the reason why nothing can be, with the ledger's caveat where it has one,
also where a statement is agreed with. Statements that are no claims, since they have no number or direction, stand with
what bears on them; so do claims in which not a number but a conclusion is at issue.
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
from crewe_lib.follow_up_aged import derive_without_aged, summarise_without_aged
from crewe_lib.follow_up_counts import FIRST, SECOND
from crewe_lib.follow_up_statement_list import (
    AGREED,
    CHAPTERS,
    CORRECTED,
    IN_BOOK,
    JUDGED,
    OFFICIAL,
    OPEN,
    SUBJECTS,
    WITHOUT_CLAIM,
)
from crewe_lib.formats import count, fixed, spelt
from crewe_lib.leads.design import check_crossover
from crewe_lib.leads.long_term import check_long_term_closure, check_rereferral
from crewe_lib.ledger import Filter, LedgerColumn
from crewe_lib.provenance import infers, traced

_signed = fixed(1, sign=True)
STATEMENT_COLUMNS: Mapping[str, LedgerColumn] = {
    "subject": LedgerColumn("On", width=9),
    "statement": LedgerColumn("The report says", below="place", width=23),
    "printed": LedgerColumn("Printed", lambda text: text or "–", width=10),
    "verdict": LedgerColumn("Here", width=9),
    "counterpart": LedgerColumn("Counterpart", width=40),
    "chapter": LedgerColumn(
        "In this book", chapters={label: chapter for label, chapter in IN_BOOK.items() if chapter}, width=9
    ),
}
STATEMENT_FILTERS = (
    Filter("subject", "subject", "On", order=tuple(SUBJECTS)),
    Filter("verdict", "verdict", "Here", order=(AGREED, CORRECTED, OPEN)),
)


@traced
@infers
def check_statements(register: pd.DataFrame, dates: pd.DataFrame, *, tables: Tables) -> pd.DataFrame:
    """One row for each statement: row (its name), subject, id (blank where it is no claim), statement, printed, place,
    cls, verdict (`AGREED`, `CORRECTED`, `OPEN`), counterpart (the computation, or why there is none), chapter (a label
    of `IN_BOOK`).

    dates: of `follow_up_counts.derive_two_dates`; tables: other data that the ledger's rules read, by name; a claim
    that needs one which is not given has no row. Verdicts follow from the ledger's classes: exact and rounding are
    agreed with, minor to decision corrected, the rest left open; but for `JUDGED`, where a conclusion is at issue.
    Raises DataError if the register lacks a claim.
    """
    claims = to_claims(register)
    if lacking := sorted(id for ids in SUBJECTS.values() for id in ids if id not in claims):
        raise DataError(f"the register has no claim {', '.join(lacking)}, which chapter 06 answers.")
    said = _bearing(register, dates)
    rows: list[dict[str, Any]] = []
    for subject, ids in SUBJECTS.items():
        known = [id for id in ids if id not in OFFICIAL or OFFICIAL[id] in tables]
        rows += [_row(subject, check_claim(claims, id, tables), said) for id in known]
        rows += [_unclaimed(*own, said=said) for own in WITHOUT_CLAIM if own[0] == subject]
    return pd.DataFrame(rows)


def _row(subject: str, entry: Entry, said: Mapping[str, str]) -> dict[str, Any]:
    id = entry.claim.id
    verdict = AGREED if entry.cls in AGREES else OPEN
    if entry.cls in ("minor", "major", "decision"):
        verdict = CORRECTED
    judged, key = JUDGED.get(id, (None, ""))
    own, bears = _counterpart(entry), said[key] if key else ""
    counterpart = bears if judged and key else f"{own}{'' if own.endswith('.') else '.'} {bears}" if key else own
    return {
        "row": id,
        "subject": subject,
        "id": id,
        "statement": entry.claim.statement,
        "printed": entry.printed,
        "cls": entry.cls,
        "place": entry.claim.place.removeprefix("2020 report, "),
        "verdict": judged or verdict,
        "counterpart": counterpart,
        "chapter": CHAPTERS.get(id, CHAPTERS.get(subject, "here")),
    }


def _unclaimed(
    subject: str, statement: str, place: str, verdict: str, key: str, *, said: Mapping[str, str]
) -> dict[str, Any]:
    blank = {"id": "", "printed": "", "cls": ""}
    own = {"row": f"said_{key}", "subject": subject, "statement": statement, "place": place, "verdict": verdict}
    return blank | own | {"counterpart": said[key], "chapter": CHAPTERS.get(key, CHAPTERS.get(subject, "here"))}


def _counterpart(entry: Entry) -> str:
    """'71.4: 60/84' with the ledger's caveat, the reason that there is none, or that it is a choice of the report."""
    recomputed = write_recomputed(entry.claim, entry.recomputed)
    if entry.cls == DEFINITION:
        return f"A choice of the report. {entry.how}".strip()
    if entry.cls == NOT_RECOMPUTABLE or not recomputed:
        return entry.how
    found = f"{recomputed}: {entry.how}" if entry.how else recomputed
    return f"{found}. {entry.note}" if entry.note else found


def _bearing(register: pd.DataFrame, dates: pd.DataFrame) -> dict[str, str]:
    """What bears on statements that are no claims, or in which not a number is at issue."""
    reader = read_register(register)
    at = {(row["outcome"], row["date"]): row for row in dates.to_dict("records")}
    both, escalated = [at["closed", day] for day in (FIRST, SECOND)], at["escalated", SECOND]
    later, again = dates[dates["date"] == SECOND], at["rereferred", SECOND]
    apart = int(((later["low"] > 0) | (later["high"] < 0)).sum())
    implied = int((later["basis"] != "printed").sum())
    gaps = " and ".join(f"{_signed(row['difference'])} ({row['interval']})" for row in both)
    return {
        "none": f"{count(apart).capitalize()} of the {spelt(len(later))} exact intervals by {SECOND} leaves nought "
        f"out, {spelt(implied)} of them at implied counts. But no evidence of an effect is not evidence of none: for "
        f"closing the interval is {both[1]['interval']} points.",
        "power": "Does not follow: by chance a larger effect is missed now and then. What is ruled out lies beyond "
        f"an interval, as of closing (implied, {both[1]['interval']} points) or re-referral ({again['interval']}).",
        "closing_equal": f"Not significant is not equal: exact interval {both[1]['interval']} points.",
        "again_equal": f"Not significant is not equal: exact interval {again['interval']} points.",
        "faded": f"Implied differences by the two dates: {gaps}. Both intervals hold nought and overlap, so neither a "
        "promise nor its lessening is shown.",
        "escalated": f"{escalated['treatment']} and {escalated['control']}, exact interval {escalated['interval']} "
        "points: compatible with no effect, and with one in either direction.",
        "few": f"{reader.count('r2.risk.n')} of {reader.count('r2.risk.n_r1')} cases, and those are selected: cases "
        "that closed early, or whose child turned eighteen, are not among them.",
        "crossing": check_crossover(register).finding,
        **_definitions(register),
        "kept": _kept(register),
        **_UNPRINTED,
    }


# Where nothing can be computed, what that would take.
_UNPRINTED: Mapping[str, str] = {
    "overflow": "How many there were, and how they fared, is not printed.",
    "independent": "One child of each family is analysed, so that brothers and sisters do not count twice. Whether "
    "cases share a practitioner or a team, which would make them alike, is not printed.",
    "changes": "That the effect grew smaller is not shown, so there is nothing yet to explain. No outcome is printed "
    "by the time at which a family was served.",
    "no_harm": "No reason for an escalation is printed, nor how timely any was.",
    "selected": "How many of each is not printed. The report's summary has the second group as closed and never "
    "opened again. Both are outcomes, or bear on them, so that those followed are no sample of all.",
    "picture": "A picture whose heights are not printed; no spread is.",
    "staff": "No length of cases is printed by period or by practitioner.",
}


def _definitions(register: pd.DataFrame) -> dict[str, str]:
    """Whether the printed definitions can have given the printed shares."""
    again, closure = check_rereferral(register).numbers, check_long_term_closure(register).numbers
    whole = fixed(0)
    return {
        "ever": f"With FACT22, {whole(closure['ever_least'])} families at least were closed at some time by November "
        f"2016 (implied), so no fewer can have a closing date in November 2019; the printed share is that of "
        f"{whole(closure['now_closed'])}. It fits only if the model's other variables take "
        f"{whole(closure['least_correction'])} points off the share, or if the status on that day was meant.",
        "window": f"It can hardly have been the rule: of {again['together']} re-referred (implied), {again['later']} "
        f"would have had to come in the {fixed(1)(again['months_left'])} months that such windows left after November "
        f"2016, against {again['early']}, counted after a closure only, in the {whole(again['months_so_far'])} before.",
        "bars": "So the share of FACT22, which the text gives as that of its own cases, may be a model's for the "
        "control families. Counts implied by it then hold as far as the model's other variables change little.",
    }


def _kept(register: pd.DataFrame) -> str:
    found = summarise_without_aged(derive_without_aged(register))
    forced = found["forced_control"]
    must = f"; at least {spelt(forced)} of the latter must be" if forced else ""
    return (
        f"That no difference was found does not show it. Which of the {found['aged_treatment']} and "
        f"{found['aged_control']} (implied) are counted as closed is not printed{must}. "
        f"Without them, the implied difference in closing is {_signed(found['all_closed'])} points if all of them are, "
        f"and may be anything from {found['range']}."
    )


@traced
@infers
def summarise_statements(statements: pd.DataFrame) -> dict[str, int]:
    """How many statements there are, how many of each verdict, and how many of those left open are choices of the
    report, such as definitions, in which there is nothing to compute."""
    counts = statements["verdict"].value_counts()
    return {
        "statements": len(statements),
        "agreed": int(counts.get(AGREED, 0)),
        "corrected": int(counts.get(CORRECTED, 0)),
        "open": int(counts.get(OPEN, 0)),
        "choices": int(((statements["verdict"] == OPEN) & (statements["cls"] == DEFINITION)).sum()),
    }
