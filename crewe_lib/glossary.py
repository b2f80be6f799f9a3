"""Links from the first use of a word in each chapter to the glossary, made when pages are staged.

The chapters themselves stay plain prose. What is linked: the first use of each entry, in any of its forms and their
plurals, outside headings, code, mathematics, links, roles, tables and directives. `glossary.md` holds the entries, in
Sphinx's directive of that name; a line '.. also: children in need; …' below an entry's words names forms that the
page need not show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import nbformat

from crewe_lib.errors import BuildError

PAGE = "glossary"
ALSO = ".. also: "
_BLOCK = re.compile(r"^```\{glossary\}\n(.*?)^```", re.M | re.S)
# What is left as it stands: roles, code, mathematics, links and citations, anything in braces, and addresses.
_KEEP = re.compile(
    r"\{[\w:-]+\}`[^`]*`|`[^`]*`|\$[^$]+\$|!?\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])|\{[^}]*\}|<[^>]*>|https?://\S+"
)
_FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,}|\$\$(?!.*\$\$))")


def read_terms(path: Path) -> dict[str, tuple[str, ...]]:
    """Entries of the glossary: first form → all forms, in order. Raises BuildError if there is none or a form stands
    twice."""
    found = _BLOCK.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    if found is None:
        raise BuildError(f"{path}: holds no glossary (```{{glossary}} with entries and their meanings).")
    terms: dict[str, tuple[str, ...]] = {}
    forms: list[str] = []
    for line in found[1].splitlines():
        if line.startswith(" ") and forms:
            terms[forms[0]], forms = tuple(forms), []
        elif line.startswith(ALSO):
            forms += [form.strip() for form in line.removeprefix(ALSO).split(";")]
        elif line.strip() and not line.startswith(" "):
            forms.append(line.strip())
    every = [form.lower() for entry in terms.values() for form in entry]
    if twice := sorted({form for form in every if every.count(form) > 1}):
        raise BuildError(f"{path}: these words have two entries: {', '.join(twice)}.")
    return terms


def stage_glossary(source: Path, target: Path) -> None:
    """Copy the page without the lines that only the links need."""
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(line for line in lines if not line.startswith(ALSO)), encoding="utf-8")


def link_terms(notebook: nbformat.NotebookNode, terms: Mapping[str, Sequence[str]]) -> None:
    """Turn the first use of each entry in the notebook's Markdown cells into a {term} link, in place."""
    unused = dict(terms)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and unused:
            passages = _passages(cell.source.split("\n"))
            cell.source = "\n".join(_link(text, unused) if prose else text for text, prose in passages)


def _passages(lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The lines of a cell, those of one paragraph together, each with whether it is prose."""
    paragraph: list[str] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if line.strip() and not fence and not mark and not line.lstrip().startswith(("#", "|", ":")):
            paragraph.append(line)
            continue
        if paragraph:
            yield "\n".join(paragraph), True
            paragraph = []
        yield line, False
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
    if paragraph:
        yield "\n".join(paragraph), True


def _link(text: str, unused: dict[str, Sequence[str]]) -> str:
    """The text with the first use of each entry that is still without a link. Longer forms go first, so that
    'simulated cohort' is not cut into a link and a word; names and abbreviations must be written as they stand."""
    forms = sorted(((form, name) for name, forms in unused.items() for form in forms), key=lambda f: -len(f[0]))
    for form, name in forms:
        if name not in unused:
            continue
        words = re.escape(form).replace(r"\ ", r"\s+")
        pattern = re.compile(rf"(?<![\w-]){words}s?(?![\w-])", 0 if form[0].isupper() else re.I)
        for free in _free(text):
            if found := pattern.search(text, *free):
                shown = " ".join(found[0].split())
                text = f"{text[: found.start()]}{{term}}`{shown} <{name}>`{text[found.end() :]}"
                del unused[name]
                break
    return text


def _free(text: str) -> list[tuple[int, int]]:
    """Stretches of a text that hold no role, code, mathematics or link."""
    ends, last = [], 0
    for kept in _KEEP.finditer(text):
        ends.append((last, kept.start()))
        last = kept.end()
    return [*ends, (last, len(text))]
