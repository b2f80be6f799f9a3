"""A long table as HTML: complete as it stands, and made searchable and sortable by `_static/ledger.js`.

Its rows are not Markdown, which would be slow for hundreds of them and could not carry what the script needs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from crewe_lib.errors import EvidenceError
from crewe_lib.formats import Column, Formatter, plain

_NUMBER = re.compile(r"(?:about |over |under |p = |[£<])*([-−]?)£?(\d[\d,]*(?:\.\d+)?)(?!\d|-\d)")


@dataclass(frozen=True)
class LedgerColumn(Column):
    """A column of a long table.

    width: share of the table, in %. below: another column, whose text stands beneath in the same cell. code: shown as
    a name in code. dot: a coloured dot before the word, which the style sheet colours by the word. order: values in
    the order in which they sort. numeric: sorts by the number that a cell begins with. chapters: value → chapter,
    linked if the book has that chapter.
    """

    width: float = 10
    below: str = ""
    code: bool = False
    dot: bool = False
    order: Sequence[str] = ()
    numeric: bool = False
    chapters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Filter:
    """A choice offered above a long table: the column it looks at, its name in the page's address and its label, how
    values are written, and their order (else as they first come)."""

    column: str
    name: str
    label: str
    show: Formatter = plain
    order: Sequence[str] = ()


def claim_anchor(id: str) -> str:
    """The name under which a row of the ledger can be linked: 'r1.cost.total' becomes 'claim-r1-cost-total'."""
    return "claim-" + id.replace(".", "-")


def dot(word: str) -> str:
    """A word with its coloured dot, which says nothing that the word does not."""
    kind = re.sub(r"\W+", "-", word)
    return f'<span class="crewe-dot crewe-dot-{kind}" aria-hidden="true"></span>{escape(word)}'


def one_line(html: str) -> str:
    """HTML without line breaks: a blank line would end it where Markdown is read."""
    return re.sub(r"[ \t\r\n]+", " ", html)


def format_ledger(
    rows: Sequence[Mapping[str, Any]],
    texts: Sequence[Sequence[str]],
    columns: Mapping[str, LedgerColumn],
    filters: Sequence[Filter],
    *,
    key: str,
    name: str,
) -> str:
    """The HTML of the table and of its controls, which stay hidden until the script runs.

    rows: one mapping per row, all columns; texts: labels, then cells as written, in the order of `columns`; name: of
    the stand-in that carries the caption. Raises EvidenceError if two rows would have one anchor.
    """
    anchors = Counter(claim_anchor(str(row[key])) for row in rows)
    if twice := [anchor for anchor, times in anchors.items() if times > 1]:
        raise EvidenceError(f"{name}: two rows would be linked as {', '.join(twice)}.")
    widths = "".join(f'<col style="width:{column.width:g}%">' for column in columns.values())
    heads = "".join(
        f'<th scope="col" data-column="{column}">{escape(label)}</th>'
        for column, label in zip(columns, texts[0], strict=True)
    )
    lines = [
        '<div class="crewe-ledger-box full-width">',
        *_controls(rows, filters),
        f'<div class="crewe-scroll" tabindex="0" role="region" aria-labelledby="{name}-caption">',
        f'<table class="table crewe-ledger" data-caption="{name}">',
        f"<colgroup>{widths}</colgroup><thead><tr>{heads}</tr></thead><tbody>",
        *(_row(row, cells, columns, filters, key) for row, cells in zip(rows, texts[1:], strict=True)),
        "</tbody></table></div></div>",
    ]
    return "\n".join(one_line(line) for line in lines)


def _controls(rows: Sequence[Mapping[str, Any]], filters: Sequence[Filter]) -> list[str]:
    lines = [
        '<form class="crewe-controls html-only" role="search" aria-label="Search this table" hidden>',
        '<label class="crewe-search">Search <input type="search" autocomplete="off" spellcheck="false"></label>',
    ]
    for choice in filters:
        counts = Counter(str(row[choice.column]) for row in rows)
        values = [*(value for value in choice.order if value in counts), *(v for v in counts if v not in choice.order)]
        options = [("", "all", len(rows)), *((value, choice.show(value), counts[value]) for value in values)]
        written = "".join(
            f'<option value="{escape(value)}" data-label="{escape(label)}">{escape(label)} ({count})</option>'
            for value, label, count in options
        )
        lines.append(f'<label>{escape(choice.label)} <select name="{choice.name}">{written}</select></label>')
    return [*lines, '<button type="reset">Reset</button>', '<p class="crewe-count" role="status"></p></form>']


def _row(
    row: Mapping[str, Any],
    texts: Sequence[str],
    columns: Mapping[str, LedgerColumn],
    filters: Sequence[Filter],
    key: str,
) -> str:
    data = "".join(f' data-{choice.name}="{escape(str(row[choice.column]))}"' for choice in filters)
    cells = []
    for (name, column), text in zip(columns.items(), texts, strict=True):
        inner, sort = _cell(row, name, column, text), _sort_key(column, row[name], text)
        if name == key:
            anchor = claim_anchor(str(row[key]))
            link = f'<a class="headerlink" href="#{anchor}" aria-label="link">#</a>'
            cells.append(f'<th scope="row" id="{anchor}" data-sort="{escape(text)}">{inner}{link}</th>')
        else:
            cells.append(f"<td{sort}>{inner}</td>")
    return f"<tr{data}>{''.join(cells)}</tr>"


def _cell(row: Mapping[str, Any], name: str, column: LedgerColumn, text: str) -> str:
    inner = dot(text) if column.dot else escape(text)
    if column.code:
        inner = "<code>" + re.sub(r"([._])", r"\1<wbr>", inner) + "</code>"
    if chapter := column.chapters.get(str(row[name])):
        inner = f'<span data-chapter="{escape(chapter)}">{inner}</span>'
    if column.below and row[column.below]:
        inner += f'<div class="crewe-below">{escape(str(row[column.below]))}</div>'
    return inner


def _sort_key(column: LedgerColumn, value: Any, text: str) -> str:
    """What the script sorts a cell by, where its text would not do."""
    if column.order:
        return f' data-sort="{list(column.order).index(value)}"' if value in column.order else ""
    if column.numeric and (found := _NUMBER.match(text)):
        return f' data-sort="{"-" if found[1] else ""}{found[2].replace(",", "")}"'
    return ""
