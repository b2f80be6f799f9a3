"""Each figure printed in Tables 6 to 9 and beside them, set against what the inputs give.

A figure agrees when the recomputed number, rounded half up to the digit printed, is the printed number. An
input is not recomputed: showing that a printed number equals itself would be no check.
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from crewe_lib.checks import check_table
from crewe_lib.cost_benefit import IMPLIED, PRINTED, Values
from crewe_lib.cost_readings import round_to_printed
from crewe_lib.cost_rules import INPUT_FIGURES, INPUT_NOTES, RULES
from crewe_lib.datapackage import find_resource
from crewe_lib.errors import DataError
from crewe_lib.evidence import traced
from crewe_lib.formats import fixed, pounds
from crewe_lib.tables import AT_LEAST_ZERO
from crewe_lib.unit_costs import ALL_INPUTS, COST_UNITS, derive_values

PRINTED_UNITS = (*COST_UNITS, "per cent", "percentage points")
READINGS_OF_DIGITS = ("digits printed", "round hundreds", "round thousands")


def _text(description: str, *, allowed: tuple[str, ...] = ()) -> pa.Column:
    check = pa.Check.isin(allowed) if allowed else pa.Check.str_matches(r"\S", error="must not be blank")
    return pa.Column(str, check, description=description, metadata={"enum": list(allowed)} if allowed else {})


COST_TABLES = pa.DataFrameSchema(
    {
        "figure": _text("Name of the printed figure"),
        "source": _text("The report"),
        "place": _text("Table, 'text' for the paragraphs around the tables, or 'summary'"),
        "page": pa.Column("Int64", AT_LEAST_ZERO, nullable=True, description="Page; none in the summary"),
        "row": _text("Row of the table: whom the figure is for"),
        "measure": _text("Column of the table: what it measures"),
        "printed": _text("The figure as printed"),
        "value": pa.Column("float64", AT_LEAST_ZERO, description="Its number, in `unit`"),
        "unit": _text("Unit", allowed=PRINTED_UNITS),
        "decimals": pa.Column("int64", pa.Check.in_range(-3, 2), description="Decimals; -2 is to hundreds"),
        "decimals_basis": _text("How the decimals were read", allowed=READINGS_OF_DIGITS),
    },
    unique=["figure"],
    strict=True,
    ordered=True,
    name="cost_tables",
)


def read_cost_tables(folder: Path) -> pd.DataFrame:
    """The figures printed in Tables 6 to 9 and around them: resource 'cost_tables' of the package in
    `folder`.

    Columns as in `COST_TABLES`. Raises DataError, also where `value` is not the number in `printed`.
    """
    path = find_resource(folder, "cost_tables").path
    types: dict[Any, Any] = {name: str(column.dtype) for name, column in COST_TABLES.columns.items()}
    frame = pd.read_csv(path, dtype=types, keep_default_na=False, na_values={"page": [""]})
    check_table(frame, COST_TABLES, str(path))
    faults = [
        f"row {row}, column 'value': {value:g} is not the number in '{printed}'"
        for row, (printed, value) in enumerate(zip(frame["printed"], frame["value"], strict=True), start=2)
        if re.sub(r"[^0-9.]", "", printed).strip(".") != f"{value:.10g}"
    ]
    if faults:
        raise DataError(f"{path}: {'; '.join(faults)}. Correct one of the two.")
    return frame


@traced
def check_cost_tables(inputs: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Each printed figure beside what the inputs give, in the order of `printed`.

    Returns figure, place, page, row, measure, printed, value, unit, formula, from_printed (published inputs
    alone), from_implied (with implied ones), recomputed (the one of the two that the verdict rests on),
    difference (recomputed − value), agrees_to_printed_digit (missing for inputs), verdict, explanation,
    kinds_of_data. Verdicts: 'agrees', 'agrees only with an implied input', 'truncated, not rounded', 'does
    not agree', 'input', 'no formula found'. Raises DataError if an input of the two files differs.
    """
    v = derive_values(inputs, needs=ALL_INPUTS)
    _check_inputs_match(v, printed)
    rows = [_check_figure(entry, v) for entry in printed.to_dict("records")]
    frame = pd.DataFrame(rows)
    kept = printed[["figure", "place", "page", "row", "measure", "printed", "value", "unit"]]
    frame = pd.concat([kept.reset_index(drop=True), frame], axis=1)
    return frame.astype({"agrees_to_printed_digit": "boolean", "difference": "float64"})


def _check_inputs_match(v: Values, printed: pd.DataFrame) -> None:
    """The two files must say the same of a figure that is an input; otherwise one has a slip of the pen."""
    faults = []
    for figure, value in zip(printed["figure"], printed["value"], strict=True):
        name, factor = INPUT_FIGURES.get(str(figure), ("", 1.0))
        if name and round(v[name] * factor, 10) != value:
            faults.append(f"{figure} is {value:g} in cost_tables.csv, {name} × {factor:g} is {v[name] * factor:g}")
    if faults:
        raise DataError(f"cost_tables.csv and unit_costs.yml differ: {'; '.join(faults)}.")


def _check_figure(entry: dict[Any, Any], v: Values) -> dict[str, Any]:
    """One row of the check, without the columns that are copied."""
    rule = RULES.get(entry["figure"])
    if rule is None:
        is_input = entry["figure"] in INPUT_FIGURES
        note = INPUT_NOTES.get(entry["figure"], "Taken as printed." if is_input else "")
        empty = dict.fromkeys(("from_printed", "from_implied", "recomputed", "difference"), float("nan"))
        verdict = "input" if is_input else "no formula found"
        last = {"verdict": verdict, "explanation": note, "kinds_of_data": PRINTED}
        return {"formula": "", **empty, "agrees_to_printed_digit": None, **last}
    results = {kind: f(v) for kind, f in ((PRINTED, rule.printed), (IMPLIED, rule.implied)) if f is not None}
    kind, verdict = _judge(results, entry)
    return {
        "formula": rule.formula,
        "from_printed": results.get(PRINTED, float("nan")),
        "from_implied": results.get(IMPLIED, float("nan")),
        "recomputed": results[kind],
        "difference": results[kind] - entry["value"],
        "agrees_to_printed_digit": verdict.startswith("agrees"),
        "verdict": verdict,
        "explanation": rule.explanation,
        "kinds_of_data": kind,
    }


def _judge(results: dict[str, float], entry: dict[Any, Any]) -> tuple[str, str]:
    """(kind of data the verdict rests on, verdict). Published inputs are tried before implied ones."""
    wanted, decimals = Decimal(str(entry["value"])), int(entry["decimals"])
    for kind, value in results.items():
        if round_to_printed(value, decimals) == wanted:
            return kind, "agrees" if kind == PRINTED else "agrees only with an implied input"
    for kind, value in results.items():
        if Decimal(repr(round(value, 10))).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN) == wanted:
            return kind, "truncated, not rounded"
    return list(results)[-1], "does not agree"


@traced
def derive_recomputed(checks: pd.DataFrame) -> pd.DataFrame:
    """The rows of `check_cost_tables` that recompute something; column shown is the recomputed figure in words."""
    rows = checks[checks["verdict"] != "input"].reset_index(drop=True)
    shown = [write_in_unit(value, unit) for value, unit in zip(rows["recomputed"], rows["unit"], strict=True)]
    return rows.assign(shown=shown)


@traced
def summarise_verdicts(checks: pd.DataFrame) -> dict[str, int]:
    """How many printed figures there are, how many are inputs or recomputed, and how many of each verdict."""
    counts = checks["verdict"].value_counts()
    names = {
        "agrees": "agree",
        "agrees only with an implied input": "agree_implied",
        "truncated, not rounded": "truncated",
        "does not agree": "disagree",
        "no formula found": "unknown",
        "input": "inputs",
    }
    summary = {short: int(counts.get(verdict, 0)) for verdict, short in names.items()}
    return {"printed": len(checks), "recomputed": len(checks) - summary["inputs"], **summary}


def write_in_unit(value: float, unit: str) -> str:
    """A recomputed figure with its unit, two decimals where it is not a count."""
    if unit.startswith("GBP"):
        return pounds(2)(value)
    return fixed(0)(value) if unit == "cases" else f"{fixed(2)(value)}%"
