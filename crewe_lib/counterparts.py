"""Where this book answers each figure and table of the two reports."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.provenance import traced
from crewe_lib.show import anchor

YEARS: Mapping[str, str] = {"r1": "2017", "r2": "2020"}
TITLES: Mapping[str, str] = {
    "01_rct": "the trial",
    "02_attendance": "attendance",
    "04_risk": "risk",
    "05_cost_benefit": "costs and benefits",
    "06_follow_up": "the follow-up",
    "06_follow_up_records": "the follow-up, on records",
    "07_la_did": "local authorities",
    "08_delivery": "delivery",
    "09_design": "design",
}
COUNTERPART_COLUMNS: Mapping[str, Column] = {
    "exhibit": Column("In the report"),
    "page": Column("Page", fixed(0)),
    "shows": Column("What it shows"),
    "here": Column("Here", markdown=True),
    "note": Column("Remark"),
}


@traced
def derive_counterparts(exhibits: pd.DataFrame, *, report: str) -> pd.DataFrame:
    """The exhibits of one report ('r1', 'r2') with links to what answers them, in the report's order of kinds and
    numbers. Columns: exhibit, page, shows, here (Markdown: links to tables and figures, or to a chapter), note."""
    own = exhibits[exhibits["report"] == report]
    rows = [
        {
            "exhibit": f"{row['kind'].capitalize()} {row['number']}",
            "page": row["page"],
            "shows": row["shows"],
            "here": _links(row["items"], row["chapter"]),
            "note": row["note"] or None,
        }
        for row in own.to_dict("records")
    ]
    return pd.DataFrame(rows).astype({"page": "Int64"})


def _links(items: str, chapter: str) -> str:
    if not chapter:
        return "–"
    if chapter not in TITLES:
        return "{doc}`the glossary <../glossary>`"
    places = ", ".join(f"{{numref}}`{anchor(id)}`" for id in items.split())
    return f"{places} ({{doc}}`{TITLES[chapter]} <{chapter}>`)"


@traced
def summarise_counterparts(exhibits: pd.DataFrame) -> dict[str, int]:
    """How many figures and tables there are in both reports (appendices apart), and how many of them have no
    counterpart."""
    numbered = exhibits[exhibits["kind"] != "appendix"]
    return {
        "figures": int((numbered["kind"] == "figure").sum()),
        "tables": int((numbered["kind"] == "table").sum()),
        "unanswered": int((numbered["chapter"] == "").sum()),
    }
