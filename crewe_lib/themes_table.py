"""What the interviews of both reports found, one finding a row in our own words: what the table must look like."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd
import pandera.pandas as pa

from crewe_lib.claim_register import DOCUMENTS
from crewe_lib.tables import text

# Theme, in the order of the page.
THEMES = (
    "practitioner", "frequency", "flexibility", "ending", "solution_focused", "feedback", "unsuited", "parents",
    "history", "pods", "training", "stress", "relief", "referral", "handover", "escalation", "colocation", "funding",
    "signs",
)  # fmt: skip
# Who said it → one of them, several of them.
VOICES: Mapping[str, tuple[str, str]] = {
    "families": ("family", "families"),
    "practitioners": ("practitioner", "practitioners"),
    "social_workers": ("social worker", "social workers"),
    "service_leaders": ("leader of the service", "leaders of the service"),
    "council_leaders": ("leader of the council", "leaders of the council"),
    "service_staff": ("of the service's staff", "the service's staff"),
    "council_staff": ("of the council's staff", "the council's staff"),
    "authors": ("author", "the authors"),
}
UNSAID = "-"
QUANTITIES = ("one", "two", "some", "several", "many", "most", "nearly all", "all", UNSAID)
BASES = ("counted", "contents")
_ID = r"[a-z0-9]+_[a-z0-9_]+"
_CLAIM = r"[a-z0-9]+(?:\.[a-z0-9_]+)+"


def split_list(cell: str) -> list[str]:
    """The entries of a cell such as 'families; practitioners'."""
    return [entry for entry in cell.split("; ") if entry]


def _list(description: str, entry: str, *, blank: bool = False) -> pa.Column:
    return text(f"{description}; several are divided by semicolons", pattern=rf"^{entry}(; {entry})*$", blank=blank)


def _has_basis(frame: pd.DataFrame) -> pd.Series[bool]:
    return frame["page"].notna() == (frame["page_basis"] != "")


def _names_a_finding(frame: pd.DataFrame) -> pd.Series[bool]:
    """What a finding is at odds with is another row of this table."""
    known = set(frame["id"])
    pairs = zip(frame["id"], frame["at_odds_with"], strict=True)
    return pd.Series([other == "" or (other in known and other != own) for own, other in pairs], index=frame.index)


def _numbers_fit(frame: pd.DataFrame) -> pd.Series[bool]:
    """How many is said of nobody, or of each of those who said it."""
    pairs = zip(frame["how_many"], frame["said_by"], strict=True)
    return pd.Series([not a or len(split_list(a)) == len(split_list(b)) for a, b in pairs], index=frame.index)


def _id_begins_with_document(frame: pd.DataFrame) -> pd.Series[bool]:
    pairs = zip(frame["id"], frame["document"], strict=True)
    return pd.Series([id.startswith(f"{document}_") for id, document in pairs], index=frame.index)


THEMES_TABLE = pa.DataFrameSchema(
    {
        "id": text("Name of the finding; begins with its document", pattern=rf"^{_ID}$"),
        "theme": text("What it is about", allowed=THEMES),
        "finding": text("What was found, in our own words"),
        "document": text("Document that prints it, as in the register of claims", allowed=tuple(DOCUMENTS)),
        "place": text("Section or appendix of the document"),
        "page": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Page printed on the report; blank where it cannot be told, and for the article",
            metadata={"unit": "page", "minimum": 1},
        ),
        "page_basis": text(
            "How the page is known: 'counted' from the page numbers that the text has kept or from those of "
            "neighbouring passages, 'contents' from the report's own list of contents",
            pattern=rf"^({'|'.join(BASES)})$",
            blank=True,
        ),
        "said_by": _list("Who said it", rf"({'|'.join(map(re.escape, VOICES))})"),
        "how_many": _list(
            f"How many of each said so, as far as the document tells, in the order of said_by ('{UNSAID}' where it "
            "does not); one of them quoted and no number given counts as one",
            rf"({'|'.join(QUANTITIES)})",
            blank=True,
        ),
        "claims": _list("Claims of the register that bear on it", _CLAIM, blank=True),
        "at_odds_with": text("Another finding of this table that it does not sit with", pattern=_ID, blank=True),
    },
    checks=[
        pa.Check(_has_basis, name="page/page_basis", error="a page needs its page_basis, and no page must have none"),
        pa.Check(_names_a_finding, name="id/at_odds_with", error="at_odds_with must name another finding"),
        pa.Check(_numbers_fit, name="how_many/said_by", error="how_many needs one entry for each entry of said_by"),
        pa.Check(_id_begins_with_document, name="id/document", error="id must begin with its document"),
    ],
    unique=["id"],
    strict=True,
    ordered=True,
    name="themes",
)  # fmt: skip
