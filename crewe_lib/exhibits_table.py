"""Every figure and table of both reports, and what answers it in this book: what the table must look like."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from crewe_lib.tables import text

KINDS = ("table", "figure", "appendix")
GLOSSARY = "glossary"
_ITEMS = r"^[a-z0-9_]+\.[a-z0-9_]+( [a-z0-9_]+\.[a-z0-9_]+)*$"


def _answered_or_said_why(frame: pd.DataFrame) -> pd.Series[bool]:
    return (frame["chapter"] != "") | (frame["note"] != "")


def _items_need_a_chapter(frame: pd.DataFrame) -> pd.Series[bool]:
    return (frame["items"] == "") | (frame["chapter"] != "")


EXHIBITS = pa.DataFrameSchema(
    {
        "report": text("Report that has it: r1 of 2017, r2 of 2020", allowed=("r1", "r2")),
        "kind": text("What it is", allowed=KINDS),
        "number": pa.Column(
            "int64",
            pa.Check.gt(0, error="must be more than 0"),
            description="Its number in the report",
            metadata={"minimum": 1},
        ),
        "page": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Page as printed, or as the lists of figures and tables have it; blank where it cannot be told",
            metadata={"unit": "page", "minimum": 1},
        ),
        "shows": text("What it shows, in our own words"),
        "items": text("Tables and figures here that answer it, separated by spaces", pattern=_ITEMS, blank=True),
        "chapter": text(
            "Chapter that answers it, or 'glossary'; blank if nothing does",
            pattern=rf"^(\d\d_[a-z_]+|{GLOSSARY})$",
            blank=True,
        ),
        "note": text("In how far it is answered, or why not", blank=True),
    },
    checks=[
        pa.Check(_answered_or_said_why, name="chapter/note", error="without a chapter the note must say why"),
        pa.Check(_items_need_a_chapter, name="items/chapter", error="items need the chapter that they are in"),
    ],
    unique=["report", "kind", "number"],
    strict=True,
    ordered=True,
    name="exhibits",
)  # fmt: skip
