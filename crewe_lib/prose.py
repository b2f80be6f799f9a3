"""Rules for the words of a chapter: no typed numbers, no unregistered ids, the kind of data named where needed."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml

from crewe_lib.kinds import REQUIRED_WORD

_GLUE = re.compile(r"\{glue:[a-z]+\}`([^`]+)`")
# Left out of the search for digits: bound values, targets of references, addresses, names and layout of directives.
_REFERENCE = r"\{(?:cite(?::[a-z]+)?|numref|ref|doc|eq)\}"
_NOT_PROSE = (
    (re.compile(r"\{glue:[a-z]+\}`[^`]+`"), " "),
    (re.compile(_REFERENCE + r"`[^`<]*`"), " "),
    (re.compile(_REFERENCE + r"`([^`<]*)<[^`>]*>`"), r" \1 "),
    (re.compile(r"\{[a-z][a-z0-9_]*\.[a-z0-9_]+\}"), " "),
    (re.compile(r"[`:]{3,}\{(figure|image|include|bibliography)\}[^\n]*"), " "),
    (re.compile(r"\{[a-z][a-z0-9:-]*\}"), " "),
    (re.compile(r"\]\([^)]*\)"), "] "),
    (re.compile(r"^:(?!alt|caption|title|header:)[a-z-]+:.*$", re.MULTILINE), " "),
    (re.compile(r"\(([a-z0-9-]+)\)=\s*$", re.MULTILINE), " "),
    (re.compile(r"^#+ ", re.MULTILINE), " "),
    (re.compile(r"`"), " "),
)
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*\.[a-z0-9_]+)\}")
_MATH = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$|```\{math\}.*?```", re.DOTALL)
# In mathematics, indices and exponents may stand, and the figures 0 and 1.
_INDEX = re.compile(r"[_^]\s*(\{[^{}.,]*\}|\w)|(?<![\d.,])[01](?![\d.,]*\d)")
# Where one passage ends and the next begins: an empty line, an entry of a list, a heading, a row of a table.
_PASSAGES = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+] |\d+[.)] |#+ |\|))")
_ID = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z0-9_]*)?")


@dataclass(frozen=True)
class Literal:
    """A digit that stands in a text and is neither bound nor allowed."""

    place: str
    text: str
    context: str


@dataclass(frozen=True)
class Allowed:
    """A pattern of digits that may be typed, with the reason."""

    pattern: re.Pattern[str]
    reason: str


def load_allowed(path: Path) -> list[Allowed]:
    """Patterns from `tests/allowed_literals.yml`; each must state its reason."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [Allowed(re.compile(entry["pattern"]), entry["reason"]) for entry in entries]


def texts_of_notebook(path: Path) -> Iterator[tuple[str, str]]:
    """(place, text) for each Markdown cell, and for each text that a code cell shows through `ev`."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells, 1):
        place = f"{path.name} cell {number}"
        if cell.cell_type == "markdown":
            yield place, cell.source
        elif cell.cell_type == "code":
            yield from ((f"{place} {kind}", text) for kind, text in _texts_of_code(cell.source))


def _texts_of_code(source: str) -> Iterator[tuple[str, str]]:
    """Every text that a cell hands to a method of `ev`, directly or by a name that it gives to texts.

    Not `where`, which singles out rows, and not what looks like an id.
    """
    tree = ast.parse(source)
    named: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            named |= {name: node.value for target in node.targets for name in _names(target)}
        elif isinstance(node, ast.For):
            named |= dict.fromkeys(_names(node.target), node.iter)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and _names(call.func.value) == ["ev"]:
            given = [("text", value) for value in call.args]
            given += [(word.arg or "text", word.value) for word in call.keywords if word.arg != "where"]
            for kind, value in given:
                yield from ((kind, text) for text in _constants(value, named))


def _names(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


def _constants(node: ast.AST, named: Mapping[str, ast.expr]) -> Iterator[str]:
    """The texts in an expression; names stand for the texts that the cell gave them, once."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
        if not _ID.fullmatch("".join(map(str, parts))):
            yield from (str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and not _ID.fullmatch(node.value):
            yield node.value
    elif isinstance(node, ast.Name) and node.id in named:
        value = named[node.id]
        if not any(isinstance(part, ast.Call) for part in ast.walk(value)):
            yield from _constants(value, {name: v for name, v in named.items() if name != node.id})
    else:
        for part in ast.iter_child_nodes(node):
            yield from _constants(part, named)


def find_literals(place: str, text: str, allowed: Sequence[Allowed]) -> list[Literal]:
    """The digits in a text (½ and ² too) that nothing allows."""
    left = _MATH.sub(lambda found: _INDEX.sub(" ", found[0]).replace("$", " "), html.unescape(text))
    for pattern, instead in _NOT_PROSE:
        left = pattern.sub(instead, left)
    for entry in allowed:
        left = entry.pattern.sub(" ", left)
    return [
        Literal(place, found[0], " ".join(left[max(0, found.start() - 30) : found.end() + 30].split()))
        for found in re.finditer(r"\S+", left)
        if any(character.isnumeric() for character in found[0])
    ]


def find_bound(text: str) -> set[str]:
    """The ids that a Markdown text shows with glue."""
    return {found.rpartition("::")[2] for found in _GLUE.findall(text)}


def _as_read(text: str, by_id: Mapping[str, Mapping[str, Any]]) -> str:
    """A text with its bound words in place, so that an id is not taken for what it shows."""

    def look_up(found: re.Match[str]) -> str:
        return str(by_id.get(found[1].rpartition("::")[2], {}).get("text", ""))

    return _PLACEHOLDER.sub(look_up, _GLUE.sub(look_up, text))


def check_wording(chapter: str, texts: Sequence[str], items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Faults in a chapter's wording, in words.

    A passage (paragraph, entry of a list, heading, caption, note, alternative text) that shows an implied or a
    simulated result must say so itself; an id that is shown must be registered, and one that is registered must be
    shown. Returns one line per fault, none if all is well.
    """
    by_id = {item["id"]: item for item in items}
    used = {id for text in texts for id in find_bound(text) | set(_PLACEHOLDER.findall(text))}
    faults = [
        f"{chapter}: '{item['id']}' is registered but never shown"
        for item in items
        if item["chapter"] == chapter and item["kind"] in ("number", "word") and item["id"] not in used
    ]
    for text in texts:
        for paragraph in _PASSAGES.split(text):
            ids = find_bound(paragraph)
            for id in sorted(ids - by_id.keys()):
                if id.partition(".")[0] == chapter.partition("_")[2]:
                    faults.append(f"{chapter}: '{id}' is shown but never registered")
            shown = (ids | set(_PLACEHOLDER.findall(paragraph))) & by_id.keys()
            kinds = {kind for id in shown for kind in by_id[id]["kinds_of_data"]}
            for kind, word in REQUIRED_WORD.items():
                if kind in kinds and word not in _as_read(paragraph, by_id).lower():
                    faults.append(
                        f"{chapter}: a paragraph shows {kind} results without the word '{word}': {paragraph[:80]}"
                    )
    return faults
