"""What each table in `data/` must look like: the data contract.

A schema gives every column its type, unit, description and limits, so that it also serves as the table's
dictionary (`describe_fields`). `check_table` refuses a table that breaks its schema, with all failures in one
DataError.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pandera.pandas as pa

from crewe_lib.errors import DataError

VINTAGES = ("first_published", "revised")
AT_LEAST_ZERO = pa.Check.ge(0, error="must be 0 or more")


def _text(description: str, *, pattern: str = r"\S", allowed: tuple[str, ...] = (), blank: bool = False) -> pa.Column:
    """A text column, never null; it may be empty only where `blank` is set."""
    rule = rf"^$|{pattern}" if blank else pattern
    checks = [pa.Check.str_matches(rule, error="must not be blank" if pattern == r"\S" else f"must match {rule}")]
    limits: dict[str, Any] = {"required": not blank}
    if allowed:
        checks = [pa.Check.isin(allowed, error=f"must be one of {', '.join(allowed)}")]
        limits["enum"] = list(allowed)
    elif pattern != r"\S":
        limits["pattern"] = pattern
    return pa.Column(str, checks, description=description, metadata=limits)


def _count(description: str, unit: str) -> pa.Column:
    """A column of counts, missing where the publisher gives none."""
    return pa.Column(
        "Int64", AT_LEAST_ZERO, nullable=True, description=description, metadata={"unit": unit, "minimum": 0}
    )


def _at_most(part: str, whole: str) -> pa.Check:
    """A row's `part` may not exceed its `whole` where both are known."""

    def holds(frame: pd.DataFrame) -> pd.Series[bool]:
        return ~(frame[part] > frame[whole]).fillna(False).astype(bool)

    return pa.Check(holds, name=f"{part}/{whole}", error=f"{part} must not exceed {whole}")


def _code_fits_authority(frame: pd.DataFrame) -> pd.Series[bool]:
    """England, and only England, has no DfE number."""
    return (frame["authority"] == "E92000001") == (frame["la_code"] == "")


_AUTHORITY = {
    "authority": _text(
        "GSS code, as in the newest revised release that names the authority; England is E92000001",
        pattern=r"^E[0-9]{8}$",
    ),
    "la_code": _text(
        "DfE number of three digits, the key that stays stable; blank for England",
        pattern=r"^[0-9]{3}$",
        blank=True,
    ),
    "name": _text("Name, as in the newest revised release that names the authority"),
}
_YEAR = pa.Column(
    "int64",
    pa.Check.in_range(2010, 2099, error="must be a year from 2010 on"),
    description="Year ending 31 March",
    metadata={"unit": "year", "minimum": 2010},
)
_VINTAGE = _text("Which release the row's counts come from: the first for that year, or the newest", allowed=VINTAGES)
_MID_YEAR = "The year ending 31 March t is paired with mid-year t-1, as DfE does. "

LA_PANEL = pa.DataFrameSchema(
    {
        **_AUTHORITY,
        "region": _text("Region, London split into Inner and Outer as DfE does; blank for England", blank=True),
        "year": _YEAR,
        "vintage": _VINTAGE,
        "episodes_ended": _count("Episodes of need that ended in the year", "episodes"),
        "children_ended": _count(
            "Children with an episode of need that ended in the year. First published: 2017 only",
            "children",
        ),
        "episodes_ended_rc7": _count(
            "Episodes ended with reason RC7, not in need or any other. Revised: as far as file b6 reaches",
            "episodes",
        ),
        "episodes_ended_unknown_reason": _count(
            "Episodes ended, reason not known. Revised: as far as file b6 reaches", "episodes"
        ),
        "referrals": _count("Referrals received in the year", "referrals"),
        "rereferrals": _count(
            "Referrals within 12 months of an earlier one. Not carried for 2010: that release counts "
            "children referred more than once within the year instead",
            "referrals",
        ),
        "cpp_started": _count("Child protection plans that started in the year (plans, not children)", "plans"),
        "cin_31_march": _count("Episodes of need open at 31 March", "episodes"),
        "population_0_17_in_release": _count(
            _MID_YEAR + "Children aged 0 to 17 as printed in the first-published file, on first_published rows only; "
            "rounded to 100 except for 2011. Mid-2009 and mid-2010 are not rebased to Census 2011",
            "children",
        ),
        "population_0_17_pre_census_2021": _count(
            _MID_YEAR + "Children aged 0 to 17, estimates before Census 2021: mid-2012 to mid-2020",
            "children",
        ),
        "population_0_17_rebased": _count(
            _MID_YEAR + "Children aged 0 to 17, estimates rebased to Census 2021: mid-2012 on", "children"
        ),
        "population_all_ages": _count(
            _MID_YEAR + "People of all ages, mid-2008 to mid-2020 on the boundaries of April 2021; authorities that "
            "did not exist then have none",
            "people",
        ),
        "imd_2015_score": pa.Column(
            "float64",
            pa.Check.in_range(0, 100, error="must lie between 0 and 100"),
            nullable=True,
            description="Index of Multiple Deprivation 2015, average score, higher is more deprived; one "
            "score for all years. None for England and for authorities created since by merging or splitting",
            metadata={"unit": "score", "minimum": 0, "maximum": 100},
        ),
    },
    checks=[
        _at_most("episodes_ended_rc7", "episodes_ended"),
        _at_most("episodes_ended_unknown_reason", "episodes_ended"),
        _at_most("children_ended", "episodes_ended"),
        _at_most("rereferrals", "referrals"),
        pa.Check(_code_fits_authority, name="authority/la_code", error="la_code must be blank for England only"),
    ],
    unique=["authority", "year", "vintage"],
    strict=True,
    ordered=True,
    name="la_panel",
)

LA_MISSING = pa.DataFrameSchema(
    {
        **_AUTHORITY,
        "year": _YEAR,
        "vintage": _VINTAGE,
        "measure": _text(
            "Column of la_panel that is missing",
            allowed=tuple(
                name for name, column in LA_PANEL.columns.items() if "unit" in column.metadata and name != "year"
            ),
        ),
        "mark": _text("What stands in the publisher's file in place of a number; blank if nothing does", blank=True),
        "meaning": _text("What the mark means, by the convention of the releases of the time; the files do not say"),
    },
    unique=["authority", "year", "vintage", "measure"],
    strict=True,
    ordered=True,
    name="la_missing",
)


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
    """The columns of a schema as Frictionless fields: name, type, description, unit, constraints."""
    kinds = {"str": "string", "Int64": "integer", "int64": "integer", "float64": "number"}
    fields: list[dict[str, Any]] = []
    for name, column in schema.columns.items():
        limits = {"required": not column.nullable, **(column.metadata or {})}
        unit = {"unit": limits.pop("unit")} if "unit" in limits else {}
        kind = kinds[str(column.dtype)]
        fields.append(
            {
                "name": str(name),
                "type": kind,
                "description": column.description,
                **unit,
                "constraints": limits,
            }
        )
    return fields
