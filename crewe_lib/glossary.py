"""Links from the first use of a word in each chapter to the glossary, made when pages are staged.

The chapters themselves stay plain prose. What is linked: the first use of each entry, in any of its forms, outside
headings, code, links, roles and directives. `glossary.md` holds the entries, in Sphinx's directive of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nbformat

from crewe_lib.errors import BuildError

PAGE = "glossary"
_BLOCK = re.compile(r"^```\{glossary\}\n(.*?)^```", re.M | re.S)
# What is left as it stands: roles, code, links and citations, anything in braces, and addresses.
_KEEP = re.compile(r"\{[\w:-]+\}`[^`]*`|`[^`]*`|!?\[[^\]]*\]\([^)]*\)|\{[^}]*\}|<[^>]*>|https?://\S+")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})")
# Names and abbreviations are linked only as they are written in the glossary.
_CASED = re.compile(r"^[A-Z]")


def read_terms(path: Path) -> dict[str, tuple[str, ...]]:
    """Entries of the glossary: first form → all forms, in order. Raises BuildError if there is none or a form stands
    twice."""
    found = _BLOCK.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    if found is None:
        raise BuildError(f"{path}: holds no glossary (```{{glossary}} with entries and their meanings).")
    terms: dict[str, tuple[str, ...]] = {}
    forms: list[str] = []
    for line in [*found[1].splitlines(), ""]:
        if line.startswith(" "):
            if forms:
                terms[forms[0]] = tuple(forms)
            forms = []
        elif line.strip():
            forms.append(line.strip())
    every = [form.lower() for entry in terms.values() for form in entry]
    if twice := sorted({form for form in every if every.count(form) > 1}):
        raise BuildError(f"{path}: these words have two entries: {', '.join(twice)}.")
    return terms


def link_terms(notebook: nbformat.NotebookNode, terms: Mapping[str, Sequence[str]]) -> None:
    """Turn the first use of each entry in the notebook's Markdown cells into a {term} link, in place."""
    open_terms = dict(terms)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and open_terms:
            cell.source = "\n".join(_link_lines(cell.source.split("\n"), open_terms))


def _link_lines(lines: Iterable[str], open_terms: dict[str, Sequence[str]]) -> Iterable[str]:
    fenced = False
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
            yield line
        elif fenced or line.lstrip().startswith(("#", "|", ":")):
            yield line
        else:
            yield _link_line(line, open_terms)


def _link_line(line: str, open_terms: dict[str, Sequence[str]]) -> str:
    """The line with the first open use of each entry linked. Longer forms go first, so that 'simulated cohort' is not
    cut into a link and a word."""
    forms = sorted(((form, name) for name, forms in open_terms.items() for form in forms), key=lambda f: -len(f[0]))
    for form, name in forms:
        if name not in open_terms:
            continue
        pattern = re.compile(rf"(?<![\w-]){re.escape(form)}(?![\w-])", 0 if _CASED.match(form) else re.I)
        for free in _free(line):
            if found := pattern.search(line, *free):
                line = f"{line[: found.start()]}{{term}}`{found[0]} <{name}>`{line[found.end() :]}"
                del open_terms[name]
                break
    return line


def _free(line: str) -> list[tuple[int, int]]:
    """Stretches of a line that hold no role, code or link."""
    ends, last = [], 0
    for kept in _KEEP.finditer(line):
        ends.append((last, kept.start()))
        last = kept.end()
    return [*ends, (last, len(line))]
