"""The card beside the panel: a Frictionless descriptor of its tables, their fields and their sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pandera.pandas as pa

from crewe_lib.absence_table import CIN_ABSENCE
from crewe_lib.checks import describe_fields
from crewe_lib.datapackage import hash_file
from crewe_lib.sources.folder import Source
from crewe_lib.tables import CONTEXT_COUNTS, LA_DURATIONS, LA_MISSING, LA_PANEL, PRIMARY_NEED

LICENCE = {
    "name": "OGL-UK-3.0",
    "title": "Open Government Licence v3.0",
    "statement": "Contains public sector information licensed under the Open Government Licence v3.0.",
}


DESCRIPTION = (
    "la_panel: one row per upper-tier local authority (and England), year ending 31 March and vintage. "
    "la_durations: one row per authority, year and band of duration, from the revised file b5. primary_need: one row "
    "per category of need and year for Cheshire East, the North West and England, from the revised file b3. "
    "cin_absence: one row per place, academic year, phase and release for England, Cheshire East and the ten "
    "authorities most like it before Project Crewe (Dorset before and after its boundary moved), from two releases of "
    "the outcomes of children in need; 2019/20 is not available, and there is nothing before 2016/17. "
    "context_counts: figures of England and Cheshire East that the reports quote, with the release and the heading of "
    "the column that hold them; percentages are computed. Counts are the publisher's: exact for authorities, rounded "
    "for England (to 100 in the older releases, to 10 in the later ones) and for regions (to 10), so that parts need "
    "not add up to their whole. England includes the publisher's own estimates for authorities without a return, where "
    "it made any, so authorities need not add up to England. A measure that a release does not carry is blank; a cell "
    "marked as missing in the publisher's file is blank and, but for context_counts, listed in la_missing."
)


@dataclass(frozen=True)
class SourceFile:
    """A publisher's file the tables rest on: release, file name, SHA-256, years as the file has them."""

    publisher: str
    title: str
    file: str
    sha256: str
    years: tuple[int, int]


def describe_source(source: Source) -> SourceFile:
    """The release, name and hash of a file as read."""
    path = source.path
    return SourceFile(source.layout.publisher, source.title, path.name, hash_file(path), source.years)


def describe_package(tables: Mapping[str, pd.DataFrame], read: Sequence[Source]) -> dict[str, Any]:
    """The Frictionless descriptor; hashes and sizes of the tables are filled in by `write_descriptor`."""
    panel = tables["la_panel"]
    vintages = {}
    for vintage, years in panel.groupby("vintage")["year"]:
        last = int(years.max())
        newest = [one.title for one in read if one.layout.vintage == vintage and one.years[1] == last]
        vintages[vintage] = {"years": [int(years.min()), last], "newest_release": newest}
    return {
        "profile": "tabular-data-package",
        "name": "official",
        "kind": "official",
        "title": "Children in need in England by local authority, as first published and as revised",
        "description": DESCRIPTION,
        "licenses": [LICENCE],
        "dates": {
            "years_ending_31_march": [int(panel["year"].min()), int(panel["year"].max())],
            "vintages": vintages,
        },
        "sources": [
            {
                "title": one.title,
                "publisher": one.publisher,
                "file": one.file,
                "sha256": one.sha256,
                "years": list(one.years),
            }
            for one in map(describe_source, read)
        ],
        "resources": [
            _describe_table(name, schema, title, key, _dates(name, panel if name == "la_missing" else tables[name]))
            for name, schema, title, key in _RESOURCES
        ],
    }


_RESOURCES: Sequence[tuple[str, pa.DataFrameSchema, str, list[str]]] = (
    ("la_panel", LA_PANEL, "Counts, populations and deprivation", ["authority", "year", "vintage"]),
    ("la_durations", LA_DURATIONS, "Ended episodes of need by how long they lasted", ["authority", "year", "band"]),
    (
        "primary_need",
        PRIMARY_NEED,
        "Open episodes of need by primary need, for England, the North West and Cheshire East",
        ["authority", "year", "need"],
    ),
    (
        "cin_absence",
        CIN_ABSENCE,
        "Absence from school of children in need, for England, Cheshire East and the authorities most like it",
        ["authority", "year", "phase", "vintage"],
    ),
    (
        "la_missing",
        LA_MISSING,
        "Cells of la_panel, la_durations, primary_need and cin_absence that the publisher marks as missing, and how",
        ["authority", "year", "vintage", "measure"],
    ),
    (
        "context_counts",
        CONTEXT_COUNTS,
        "Figures beside the panel, for England and Cheshire East: factors found at assessment, plans open, need at any "
        "point of the year",
        ["authority", "year", "vintage", "measure"],
    ),
)


def _dates(name: str, table: pd.DataFrame) -> str:
    """The years of a table in words."""
    first, last = int(table["year"].min()), int(table["year"].max())
    if name == "cin_absence":
        return f"academic years {first - 1}/{first % 100:02d} to {last - 1}/{last % 100:02d}"
    return f"years ending 31 March {first} to {last}"


def _describe_table(name: str, schema: pa.DataFrameSchema, title: str, key: list[str], dates: str) -> dict[str, Any]:
    """One resource of the package: a CSV file and its fields."""
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": f"{name}.csv",
        "title": title,
        "dates": dates,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": describe_fields(schema), "primaryKey": key, "missingValues": [""]},
    }
