"""What the book says of each kind of data. One place, so that no page can say it differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crewe_lib.datapackage import Kind

SHORT: Mapping[Kind, str] = {
    "official": "official statistics",
    "published": "figures printed in the reports",
    "inferred": "implied figures (back-solved, not printed)",
    "simulated": "SIMULATED data, not evidence",
    "records": "records supplied by the researcher",
}

# For the cell of a table.
ONE_WORD: Mapping[str, str] = {
    "official": "official",
    "published": "printed",
    "inferred": "implied",
    "simulated": "SIMULATED",
    "records": "records",
}

BANNERS: Mapping[Kind, str] = {
    "official": "**Official statistics.** Results marked so rest on figures published by government departments.",
    "published": "**Printed figures.** Results marked so are recomputed from counts and costs printed in the two "
    "evaluation reports.",
    "inferred": "**Implied figures.** Results marked so rest on numbers that no report prints. They were back-solved "
    "from rounded figures; each is one reading among several and is never a finding on its own.",
    "simulated": "**Simulated, not evidence.** Results marked so come from invented data. They show how a method "
    "behaves, and what form its tables and figures would take if it were run on records. The values would differ; "
    "these say nothing about Crewe.",
    "records": "**Records.** Results marked so come from data supplied by the researcher who ran this book.",
}

# A paragraph that shows a result of these kinds must itself use the word (crewe_lib.prose checks it).
REQUIRED_WORD: Mapping[Kind, str] = {"inferred": "implied", "simulated": "simulated"}


def format_kinds(kinds: Iterable[Kind]) -> str:
    """For a caption: 'Data: official statistics; figures printed in the reports.'"""
    words = [SHORT[kind] for kind in kinds]
    return f"Data: {'; '.join(words)}." if words else ""


def format_spoken(kinds: Iterable[Kind]) -> str:
    """For the beginning of an alternative text, so that who hears a figure is warned like who sees its stamp."""
    return "Simulated data, not evidence." if "simulated" in kinds else ""


def format_running(items: Iterable[Mapping[str, Any]]) -> str:
    """For the head of a chapter's printed pages: what must be said of its evidence; '' without simulated data.

    A number or word that rests on no data, such as a level of confidence, decides nothing.
    """
    simulated = [
        "simulated" in item["kinds_of_data"]
        for item in items
        if item["kinds_of_data"] or item["kind"] not in ("number", "word")
    ]
    if not any(simulated):
        return ""
    return "SIMULATED DATA, NOT EVIDENCE" if all(simulated) else "Results marked SIMULATED are not evidence"
