"""Holding a table against its schema: what is wrong with it, row by row, and its dictionary for the data package."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pandera.pandas as pa

from crewe_lib.errors import DataError


def check_table(frame: pd.DataFrame, schema: pa.DataFrameSchema, label: str, *, shown: int = 10) -> pd.DataFrame:
    """The frame itself, if it keeps every rule of the schema.

    label: file or table to name in the message. Rows are counted as in a CSV file, the header being row 1.
    Raises one DataError with all failures: row, column, what was found, rule; the first `shown` in full.
    """
    numbered = frame.reset_index(drop=True)
    try:
        schema.validate(numbered, lazy=True)
    except pa.errors.SchemaErrors as failure:
        faults = _describe_failures(failure.failure_cases, numbered, list(schema.unique or []))
    else:
        return frame
    lines = [f"  {fault}" for fault in faults[:shown]]
    if len(faults) > shown:
        lines.append(f"  and {len(faults) - shown} more")
    count = "1 failure" if len(faults) == 1 else f"{len(faults)} failures"
    raise DataError("\n".join([f"{label}: {count}.", *lines, "  To mend: correct the table, or rebuild it."]))


def _describe_failures(cases: pd.DataFrame, frame: pd.DataFrame, key: list[str]) -> list[str]:
    """Each failure once, in the order of rows. (Pandera repeats a rule on rows for every column.)"""
    words = {
        "column_in_schema": "a column the table does not have",
        "column_in_dataframe": "the column is missing",
        "column_ordered": "columns out of order",
        "not_nullable": "must not be empty",
        "multiple_fields_uniqueness": "the row is there twice",
    }
    found: dict[tuple[int, str], str] = {}
    for case in cases.to_dict("records"):
        if str(case["failure_case"]).startswith("KeyError("):
            continue  # a rule on rows that could not be tried for want of a column, which is reported anyway
        row = -1 if case["index"] is None or pd.isna(case["index"]) else int(case["index"])
        rule = words.get(str(case["check"]), str(case["check"]))
        whole_row = case["schema_context"] == "DataFrameSchema" and row >= 0
        if whole_row:
            names = [*key, *(name for name in frame.columns if re.search(rf"\b{name}\b", rule))]
            place = ", ".join(f"{name} {frame.loc[row, name]}" for name in names if name in frame)
        elif row < 0 and str(case["check"]) in words:
            place = f"column '{case['failure_case']}'"
        else:
            place = f"column '{case['column']}': found {str(case['failure_case'])[:40]!r}"
        where = f"row {row + 2}, " if row >= 0 else ""
        found.setdefault((row, rule if whole_row else f"{rule} {place}"), f"{where}{place}; rule: {rule}")
    return [found[key] for key in sorted(found, key=lambda key: key[0])]


def describe_fields(schema: pa.DataFrameSchema) -> list[dict[str, Any]]:
    """The columns of a schema as Frictionless fields: name, type, description, unit, categories, constraints."""
    kinds = {"str": "string", "Int64": "integer", "int64": "integer", "float64": "number"}
    fields: list[dict[str, Any]] = []
    for name, column in schema.columns.items():
        limits = {"required": not column.nullable, **(column.metadata or {})}
        beside = {key: limits.pop(key) for key in ("unit", "categories", "categoriesOrdered") if key in limits}
        kind = kinds[str(column.dtype)]
        fields.append(
            {
                "name": str(name),
                "type": kind,
                "description": column.description,
                **beside,
                "constraints": limits,
            }
        )
    return fields
