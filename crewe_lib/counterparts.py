"""Where this book answers each figure and table of the two reports."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.exhibits_table import GLOSSARY
from crewe_lib.formats import fixed
from crewe_lib.provenance import traced
from crewe_lib.show import anchor, escape

TITLES: Mapping[str, str] = {
    "01_rct": "the trial",
    "02_attendance": "attendance",
    "03_sdq": "behaviour",
    "04_risk": "risk",
    "05_cost_benefit": "costs and benefits",
    "06_follow_up": "the follow-up",
    "06_follow_up_records": "the follow-up, on records",
    "07_la_did": "local authorities",
    "08_delivery": "delivery",
    "09_design": "design",
    "10_claims": "the ledger",
}
_CHAPTERS = {name.partition("_")[2]: name for name in TITLES}
COUNTERPART_COLUMNS: Mapping[str, Column] = {
    "exhibit": Column("In the report"),
    "page": Column("Page", fixed(0)),
    "shows": Column("What it shows"),
    "here": Column("Here", markdown=True),
}


@traced
def derive_counterparts(exhibits: pd.DataFrame, *, report: str) -> pd.DataFrame:
    """The exhibits of one report ('r1', 'r2') with links to what answers them, in the report's order of kinds and
    numbers. Columns: exhibit, page, shows, here (Markdown: links to tables and figures, to their chapters, or to the
    glossary, then the remark)."""
    own = exhibits[exhibits["report"] == report]
    rows = [
        {
            "exhibit": f"{row['kind'].capitalize()} {row['number']}",
            "page": row["page"],
            "shows": row["shows"],
            "here": ". ".join(filter(None, [_links(row["items"], row["chapter"]), escape(row["note"])])),
        }
        for row in own.to_dict("records")
    ]
    return pd.DataFrame(rows).astype({"page": "Int64"})


def _links(items: str, chapter: str) -> str:
    """Links to tables and figures with the chapter that each stands in, and to the glossary; '' where there are
    none. Raises DataError for an item of a chapter that has no title here."""
    places: dict[str, list[str]] = {}
    for id in items.split():
        places.setdefault(id.partition(".")[0], []).append(f"{{numref}}`{anchor(id)}`")
    if unknown := sorted(places.keys() - _CHAPTERS.keys()):
        raise DataError(f"exhibits: no chapter's items begin with {', '.join(unknown)}; name one of {list(_CHAPTERS)}.")
    written = ["{doc}`the glossary <../glossary>`"] if chapter == GLOSSARY else []
    for prefix, links in places.items():
        name = _CHAPTERS[prefix]
        written.append(f"{', '.join(links)} ({{doc}}`{TITLES[name]} <{name}>`)")
    return "; ".join(written)


@traced
def summarise_counterparts(exhibits: pd.DataFrame) -> dict[str, int]:
    """How many figures, tables and appendices there are in both reports, and how many of the figures and tables have
    no counterpart."""
    kinds = exhibits["kind"]
    return {
        "figures": int((kinds == "figure").sum()),
        "tables": int((kinds == "table").sum()),
        "appendices": int((kinds == "appendix").sum()),
        "unanswered": int(((exhibits["chapter"] == "") & (kinds != "appendix")).sum()),
    }
