"""How the ledger of claims is shown: its columns and filters, and the box of claims at the foot of other chapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from crewe_lib.claim_classes import CLASSES
from crewe_lib.claim_register import DOCUMENTS, TOPICS
from crewe_lib.kinds import ONE_WORD
from crewe_lib.ledger import Filter, LedgerColumn, claim_anchor, dot, one_line


def write_topic(topic: str) -> str:
    """A topic as a reader would call it."""
    return TOPICS[topic][0]


def write_kinds(kinds: str) -> str:
    """'inferred; published' becomes 'implied, printed'."""
    return ", ".join(ONE_WORD[kind] for kind in kinds.split("; "))


def _blank(text: str) -> str:
    return text or "–"


LEDGER_COLUMNS: Mapping[str, LedgerColumn] = {
    "statement": LedgerColumn("What is claimed", width=18),
    "place": LedgerColumn("Where", width=9),
    "printed": LedgerColumn("Printed", _blank, numeric=True, width=8),
    "recomputed": LedgerColumn("Recomputed", _blank, numeric=True, width=10),
    "cls": LedgerColumn("Class", dot=True, order=tuple(CLASSES), width=11),
    "how": LedgerColumn("How, or why not", _blank, below="note", width=21),
    "kinds_of_data": LedgerColumn("Data", write_kinds, width=6),
    "topic": LedgerColumn(
        "Topic and its chapter", write_topic, chapters={name: chapter for name, (_, chapter) in TOPICS.items()}, width=8
    ),
    "id": LedgerColumn("Id", code=True, width=9),
}
LEDGER_FILTERS: tuple[Filter, ...] = (
    Filter("cls", "class", "Class", order=tuple(CLASSES)),
    Filter("document", "document", "Document", lambda document: DOCUMENTS[document], tuple(DOCUMENTS)),
    Filter("topic", "topic", "Topic", write_topic, tuple(TOPICS)),
)


def find_ledger(items: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The ledger of claims among the evidence of a build; None if the chapter that holds it is not part of it. Other
    chapters may hold a long table of the same form."""
    return next((item for item in items if item["kind"] == "ledger" and item["chapter"] == "10_claims"), None)


def format_touched(chapter: str, ledger: Mapping[str, Any] | None) -> str:
    """The folded box 'Published claims this chapter touches', as Markdown; '' where there are none to list.

    The classes are those of the ledger in the same build. On paper the box only counts, since the ledger itself is in
    the book.
    """
    if ledger is None or ledger["chapter"] == chapter:
        return ""
    topics = [topic for topic, (_, place) in TOPICS.items() if place == chapter]
    claims = [row for topic in topics for row in ledger["value"] if row["topic"] == topic]
    if not claims:
        return ""
    page = f"{ledger['chapter']}.html"
    lines = [
        "```{dropdown} Published claims this chapter touches",
        ":class-container: crewe-trail",
        "",
        f"<p>{_count_touched(claims, page)}</p>",
        '<div class="crewe-scroll html-only"><table class="table crewe-table crewe-touched">',
        "<thead><tr><th>Claim</th><th>Printed</th><th>Class</th></tr></thead><tbody>",
        *(_touched(row, page) for row in claims),
        "</tbody></table></div>",
        "```",
    ]
    return "\n".join(lines)


def _count_touched(claims: Sequence[Mapping[str, Any]], page: str) -> str:
    """How many claims there are of each class and, linked to the ledger, of each topic."""
    counts, topics = Counter(row["cls"] for row in claims), Counter(row["topic"] for row in claims)
    said = ", ".join(f"{counts[name]} {name}" for name in CLASSES if counts[name])
    links = ", ".join(
        f'<a href="{page}#topic={topic}">{escape(write_topic(topic))}</a> ({count})' for topic, count in topics.items()
    )
    return f"{len(claims)} claim{'s' * (len(claims) > 1)}, by class: {said}. In the ledger: {links}."


def _touched(row: Mapping[str, Any], page: str) -> str:
    link = f'<a href="{page}#{claim_anchor(row["id"])}">{escape(row["statement"])}</a>'
    return one_line(f'<tr><th scope="row">{link}</th><td>{escape(row["printed"])}</td><td>{dot(row["cls"])}</td></tr>')
