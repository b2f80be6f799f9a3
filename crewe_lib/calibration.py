"""The simulated cohort held against the figures of the reports: target, achieved, and whether the one meets the other.

Everything is computed from the cohort's tables by the reports' definitions, as it would be from records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crewe_lib.definitions import derive_study_dates
from crewe_lib.errors import DataError
from crewe_lib.load import load_risk_framework
from crewe_lib.provenance import infers, traced
from crewe_lib.records import Records
from crewe_lib.targets import measures as measures
from crewe_lib.targets.risk import summarise_risk
from crewe_lib.targets.risk_rows import Context, Found
from crewe_lib.targets.rows import MEASURES

TUNED, SHOWN, OFFICIAL = "held against the cohort", "published input, not tuned", "computed from official data"
FIRST_SHOWN, FIRST_OFFICIAL = 10, 13  # numbers of the parts
_NUMBER = re.compile(r"^-?[\d.]+$")


@traced
@infers
def check_calibration(records: Records, targets: pd.DataFrame, register: pd.DataFrame) -> pd.DataFrame:
    """Each target beside what the cohort has.

    Columns: id, chapter, quantity, group, n, target, achieved, met (missing where nothing is held against the cohort),
    tolerance, status, basis (printed; implied, where a count was back-solved or a reading chosen; ours), use (held
    against the cohort; published input, not tuned; computed from official data), claims, reading, rejected. Raises
    DataError if a target has no measure, or the records cannot be measured.
    """
    dates = derive_study_dates(register)
    outcomes = measures.describe_outcomes(records, dates)
    context = Context(records, dates, outcomes, summarise_risk(records, load_risk_framework()))
    rows = []
    for target in targets.to_dict("records"):
        number = int(str(target["chapter"]).split()[0])
        use = SHOWN if number < FIRST_OFFICIAL else OFFICIAL
        row = {**target, "achieved": "", "met": pd.NA, "use": use, "basis": find_basis(target)}
        if number < FIRST_SHOWN:
            found = _measure(str(target["id"]), context)
            row |= {"achieved": "; ".join(found.shown), "use": TUNED, "met": is_met(target, found)}
        rows.append(row)
    table = pd.DataFrame(rows).astype({"met": "boolean"})
    order = [
        "id",
        "chapter",
        "quantity",
        "group",
        "n",
        "target",
        "achieved",
        "met",
        "tolerance",
        "status",
        "basis",
        "use",
    ]
    return table[[*order, "claims", "reading", "rejected"]]


def find_basis(target: Mapping[object, object]) -> str:
    """Whether a target is printed so, implied (a count that no report prints, or one reading of several), or ours."""
    if target["status"] == "free":
        return "ours"
    # A fraction is a count out of a number of cases, which the reports give as a rounded share or mean.
    return "printed" if target["status"] == "firm" and "/" not in str(target["target"]) else "implied"


def is_met(target: Mapping[object, object], found: Found) -> bool:
    """Whether what was found meets a target to its tolerance.

    Fractions are compared in points of 100 where the tolerance is a number, and figure by figure where it is exact. A
    range holds for every value found.
    """
    tolerance, wanted = str(target["tolerance"]), str(target["target"]).split("; ")
    if tolerance == "rule":
        return bool(found.holds)
    if tolerance == "exact":
        return wanted == list(found.shown)
    values = [_to_number(value) for value in found.shown]
    if tolerance.startswith("±"):
        aims = [_to_number(value) for value in wanted]
        near = float(tolerance[1:])
        return len(values) == len(aims) and bool((np.abs(np.subtract(values, aims)) <= near + 1e-9).all())
    low, high = (float(end) for end in tolerance.split(" to "))
    return all(low <= value <= high for value in values)


def _to_number(text: str) -> float:
    if _NUMBER.match(text):
        return float(text)
    part, _, whole = text.partition("/")
    return 100 * float(part) / float(whole)


def _measure(id: str, context: Context) -> Found:
    if id not in MEASURES:
        raise DataError(f"calibration_targets: no measure is named '{id}'; there are {', '.join(MEASURES)}.")
    return MEASURES[id](context)
