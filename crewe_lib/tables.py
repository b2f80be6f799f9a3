"""What each table in `data/` must look like: the data contract.

A schema gives every column its type, unit, description and limits, so that it also serves as the table's
dictionary (`checks.describe_fields`). `checks.check_table` refuses a table that breaks its schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pandera.pandas as pa

from crewe_lib.contract import NEEDS

VINTAGES = ("first_published", "revised")
# The bands of la_durations in order, which is their code from 1: measure (as la_missing names it) → label.
DURATION_BANDS: Mapping[str, str] = {
    "ended_3_months_or_less": "three months or less",
    "ended_3_to_6_months": "more than three months, up to six",
    "ended_6_to_12_months": "more than six months, less than a year",
    "ended_1_to_2_years": "one year, less than two",
    "ended_2_years_or_more": "two years or more",
}
ALL_DURATIONS = "ended_all_durations"
# Categories of need at assessment in the publisher's order, which `contract.NEEDS` names: measure (as la_missing names
# it) → code.
PRIMARY_NEEDS: Mapping[str, str] = {f"need_{code.lower()}": code for code in NEEDS}
ALL_NEEDS = "open_all_needs"
# Absence of children in need, `absence_table.CIN_ABSENCE`: phases of schooling, what is counted, the two releases.
ABSENCE_PHASES = ("total", "primary", "secondary")
ABSENCE_COUNTS = (
    "pupils",
    "sessions_possible",
    "sessions_overall",
    "sessions_authorised",
    "sessions_unauthorised",
    "persistent_absentees",
    "severe_absentees",
)
ABSENCE_RELEASES = ("earlier", "later")
# As la_missing names them: 'absence_primary_pupils'.
ABSENCE_MEASURES = tuple(f"absence_{phase}_{name}" for phase in ABSENCE_PHASES for name in ABSENCE_COUNTS)
AT_LEAST_ZERO = pa.Check.ge(0, error="must be 0 or more")


def text(description: str, *, pattern: str = r"\S", allowed: tuple[str, ...] = (), blank: bool = False) -> pa.Column:
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


def count_column(description: str, unit: str) -> pa.Column:
    """A column of counts, missing where the publisher gives none."""
    return pa.Column(
        "Int64", AT_LEAST_ZERO, nullable=True, description=description, metadata={"unit": unit, "minimum": 0}
    )


def at_most(part: str, whole: str) -> pa.Check:
    """A row's `part` may not exceed its `whole` where both are known."""

    def holds(frame: pd.DataFrame) -> pd.Series[bool]:
        return ~(frame[part] > frame[whole]).fillna(False).astype(bool)

    return pa.Check(holds, name=f"{part}/{whole}", error=f"{part} must not exceed {whole}")


def code_fits_authority(frame: pd.DataFrame) -> pd.Series[bool]:
    """England, and only England, has no DfE number."""
    return (frame["authority"] == "E92000001") == (frame["la_code"] == "")


def _has_every_band(frame: pd.DataFrame) -> pd.Series[bool]:
    """An authority's year has one row for each band."""
    whole: pd.Series[bool] = frame.groupby(["authority", "year"])["band"].transform("size") == len(DURATION_BANDS)
    return whole


def _has_every_need(frame: pd.DataFrame) -> pd.Series[bool]:
    """A place's year has one row for each category of need."""
    whole: pd.Series[bool] = frame.groupby(["authority", "year"])["need"].transform("size") == len(PRIMARY_NEEDS)
    return whole


def _needs_fit(frame: pd.DataFrame) -> pd.Series[bool]:
    """An authority's needs do not add up to more than all its open episodes (the figures of wholes are rounded)."""
    sums = frame.groupby(["authority", "year"])["episodes"].transform("sum")
    return (frame["la_code"] == "") | ~(sums > frame[ALL_NEEDS]).fillna(False).astype(bool)


def _only_wholes_have_no_number(frame: pd.DataFrame) -> pd.Series[bool]:
    """England and regions, and only they, have no DfE number."""
    return frame["authority"].str.match(r"^E(92|12|13)") == (frame["la_code"] == "")


def _bands_fit(frame: pd.DataFrame) -> pd.Series[bool]:
    """An authority's bands do not add up to more than all its ended episodes (England's figures are rounded)."""
    sums = frame.groupby(["authority", "year"])["episodes"].transform("sum")
    return (frame["authority"] == "E92000001") | ~(sums > frame[ALL_DURATIONS]).fillna(False).astype(bool)


AUTHORITY = {
    "authority": text(
        "GSS code, as in the newest revised release that names the authority; England is E92000001",
        pattern=r"^E[0-9]{8}$",
    ),
    "la_code": text(
        "DfE number of three digits, the key that stays stable; blank for England",
        pattern=r"^[0-9]{3}$",
        blank=True,
    ),
    "name": text("Name, as in the newest revised release that names the authority"),
}
YEAR = pa.Column(
    "int64",
    pa.Check.in_range(2010, 2099, error="must be a year from 2010 on"),
    description="Year ending 31 March",
    metadata={"unit": "year", "minimum": 2010},
)
_VINTAGE = text("Which release the row's counts come from: the first for that year, or the newest", allowed=VINTAGES)
_MID_YEAR = "The year ending 31 March t is paired with mid-year t-1, as DfE does. "

LA_PANEL = pa.DataFrameSchema(
    {
        **AUTHORITY,
        "region": text("Region, London split into Inner and Outer as DfE does; blank for England", blank=True),
        "year": YEAR,
        "vintage": _VINTAGE,
        "episodes_ended": count_column("Episodes of need that ended in the year", "episodes"),
        "children_ended": count_column(
            "Children with an episode of need that ended in the year. First published: 2017 only",
            "children",
        ),
        "episodes_ended_rc7": count_column(
            "Episodes ended with reason RC7, not in need or any other. Revised: as far as file b6 reaches",
            "episodes",
        ),
        "episodes_ended_unknown_reason": count_column(
            "Episodes ended, reason not known. Revised: as far as file b6 reaches", "episodes"
        ),
        "referrals": count_column("Referrals received in the year", "referrals"),
        "rereferrals": count_column(
            "Referrals within 12 months of an earlier one. Not carried for 2010: that release counts "
            "children referred more than once within the year instead",
            "referrals",
        ),
        "cpp_started": count_column("Child protection plans that started in the year (plans, not children)", "plans"),
        "cin_31_march": count_column("Episodes of need open at 31 March", "episodes"),
        "population_0_17_in_release": count_column(
            _MID_YEAR + "Children aged 0 to 17 as printed in the first-published file, on first_published rows only; "
            "rounded to 100 except for 2011. Mid-2009 and mid-2010 are not rebased to Census 2011",
            "children",
        ),
        "population_0_17_pre_census_2021": count_column(
            _MID_YEAR + "Children aged 0 to 17, estimates before Census 2021: mid-2012 to mid-2020",
            "children",
        ),
        "population_0_17_rebased": count_column(
            _MID_YEAR + "Children aged 0 to 17, estimates rebased to Census 2021: mid-2012 on", "children"
        ),
        "population_all_ages": count_column(
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
        at_most("episodes_ended_rc7", "episodes_ended"),
        at_most("episodes_ended_unknown_reason", "episodes_ended"),
        at_most("children_ended", "episodes_ended"),
        at_most("rereferrals", "referrals"),
        pa.Check(code_fits_authority, name="authority/la_code", error="la_code must be blank for England only"),
    ],
    unique=["authority", "year", "vintage"],
    strict=True,
    ordered=True,
    name="la_panel",
)

LA_MISSING = pa.DataFrameSchema(
    {
        **AUTHORITY,
        "year": YEAR,
        "vintage": text(
            "Which release the cell stands in: the first for that year, or the newest; of cin_absence, the earlier of "
            "two or the later",
            allowed=(*VINTAGES, *ABSENCE_RELEASES),
        ),
        "measure": text(
            "What is missing: a column of la_panel; a band (or the column for all bands) of la_durations; a need (or "
            "the column for all needs) of primary_need; of cin_absence, absence_, the phase and the column",
            allowed=(
                *(name for name, column in LA_PANEL.columns.items() if "unit" in column.metadata and name != "year"),
                *DURATION_BANDS,
                ALL_DURATIONS,
                *PRIMARY_NEEDS,
                ALL_NEEDS,
                *ABSENCE_MEASURES,
            ),
        ),
        "mark": text("What stands in the publisher's file in place of a number; blank if nothing does", blank=True),
        "meaning": text("What the mark means, by the convention of the releases of the time; the files do not say"),
    },
    unique=["authority", "year", "vintage", "measure"],
    strict=True,
    ordered=True,
    name="la_missing",
)

LA_DURATIONS = pa.DataFrameSchema(
    {
        **AUTHORITY,
        "year": YEAR,
        "band": pa.Column(
            "int64",
            pa.Check.in_range(1, len(DURATION_BANDS), error=f"must be a band from 1 to {len(DURATION_BANDS)}"),
            description="How long the episode had lasted when it ended, from the shortest band to the longest",
            metadata={
                "categories": [
                    {"value": code, "label": label} for code, label in enumerate(DURATION_BANDS.values(), start=1)
                ],
                "categoriesOrdered": True,
                "minimum": 1,
                "maximum": len(DURATION_BANDS),
            },
        ),
        "episodes": count_column("Episodes of need that ended in the year after lasting so long", "episodes"),
        ALL_DURATIONS: count_column(
            "Episodes of need that ended in the year, whatever their duration; the same on the year's five rows. A "
            "few authorities' bands add up to a little less, the publisher not saying why",
            "episodes",
        ),
    },
    checks=[
        at_most("episodes", ALL_DURATIONS),
        pa.Check(_has_every_band, name="band/year", error="an authority's year must have a row for each band"),
        pa.Check(_bands_fit, name="episodes/year", error=f"the episodes of a year must not exceed {ALL_DURATIONS}"),
        pa.Check(code_fits_authority, name="authority/la_code", error="la_code must be blank for England only"),
    ],
    unique=["authority", "year", "band"],
    strict=True,
    ordered=True,
    name="la_durations",
)

PRIMARY_NEED = pa.DataFrameSchema(
    {
        **AUTHORITY,
        "authority": text("GSS code; England is E92000001, the North West E12000002", pattern=r"^E[0-9]{8}$"),
        "la_code": text("DfE number of three digits; blank for England and regions", pattern=r"^[0-9]{3}$", blank=True),
        "name": text("Name, as in the newest revised release that names the place"),
        "year": YEAR,
        "need": text("Category of primary need at assessment, N1 to N9, and N0 for not stated", allowed=tuple(NEEDS)),
        "episodes": count_column("Episodes of need open at 31 March with that primary need", "episodes"),
        ALL_NEEDS: count_column(
            "Episodes of need open at 31 March, whatever their need; the same on the year's ten rows. In some years "
            "the needs of England or the North West add up to less, by up to 1,600, the publisher not saying why",
            "episodes",
        ),
    },
    checks=[
        at_most("episodes", ALL_NEEDS),
        pa.Check(_has_every_need, name="need/year", error="a place's year must have a row for each need"),
        pa.Check(_needs_fit, name="episodes/year", error=f"the episodes of a year must not exceed {ALL_NEEDS}"),
        pa.Check(
            _only_wholes_have_no_number,
            name="authority/la_code",
            error="la_code must be blank for England and regions only",
        ),
    ],
    unique=["authority", "year", "need"],
    strict=True,
    ordered=True,
    name="primary_need",
)

CONTEXT_COUNTS = pa.DataFrameSchema(
    {
        **AUTHORITY,
        "year": YEAR,
        "vintage": _VINTAGE,
        "subject": text(
            "What the figure is about",
            allowed=("assessment factors", "assessments", "child protection plans", "children in need"),
        ),
        "measure": text("What is counted: a factor found at assessment, or the name of the count"),
        "number": count_column("The publisher's number", "as the measure says"),
        "percentage": pa.Column(
            "float64",
            pa.Check.in_range(0, 100, error="must lie between 0 and 100"),
            nullable=True,
            description="A factor's share of the assessed episodes with any factor recorded, from the two numbers",
            metadata={"unit": "%", "minimum": 0, "maximum": 100},
        ),
        "release": text("The release whose file holds the number"),
        "column": text("Heading of the file's column that holds it"),
    },
    checks=[pa.Check(code_fits_authority, name="authority/la_code", error="la_code must be blank for England only")],
    unique=["authority", "year", "vintage", "measure"],
    strict=True,
    ordered=True,
    name="context_counts",
)
