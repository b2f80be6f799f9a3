"""Records that a researcher brings with `crewe build --data`: which tables they hold, and which chapters must be left
out for want of one.

A chapter names the tables it needs in its notebook's metadata: `"crewe": {"needs": ["families", "episodes"]}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat

from crewe_lib.contract import TABLES
from crewe_lib.datapackage import Kind
from crewe_lib.errors import BuildError, CreweError
from crewe_lib.intake.check import examine_folder
from crewe_lib.intake.place import find_records
from crewe_lib.records import examined_records
from crewe_lib.show import escape

# No rows in these say something: nothing of the kind happened. An empty table of another name is as good as none.
MAY_BE_EMPTY = ("protection", "crossovers")


@dataclass(frozen=True)
class LeftOut:
    """A chapter that is not in the book, its title, and the tables it needs that the records do not hold."""

    chapter: str
    title: str
    missing: tuple[str, ...]

    def describe(self) -> str:
        """In one line, for the terminal and the landing page."""
        word = "table" if len(self.missing) == 1 else "tables"
        return f"{self.chapter} ({self.title}): the records hold no {word} {', '.join(self.missing)}"

    def as_json(self) -> dict[str, Any]:
        """As it stands in `evidence.json`."""
        return {**asdict(self), "missing": list(self.missing)}


@dataclass(frozen=True)
class Brought:
    """What --data brought: the kind of its records, None without any, and the chapters left out for want of tables."""

    kind: Kind | None = None
    left_out: tuple[LeftOut, ...] = ()

    def keep(self, chapters: Sequence[str]) -> list[str]:
        """The chapters that can be built, in order."""
        left = {each.chapter for each in self.left_out}
        return [name for name in chapters if name not in left]

    def describe(self) -> str:
        """What the landing page says of a book built from such records, as Markdown; '' without any."""
        if self.kind is None:
            return ""
        box = "warning" if self.kind == "simulated" else "note"
        lines = ["```{admonition} About this copy", f":class: {box} crewe-copy", f"- {_COPIES[self.kind]}"]
        lines += [f"- **Left out.** {escape(each.describe())}." for each in self.left_out]
        return "\n".join([*lines, "```"])


_COPIES: Mapping[Kind, str] = {
    "records": "**Built with records.** Where the published book uses a simulated cohort, this copy uses records "
    "supplied by the researcher who built it, who answers for its results.",
    "simulated": "**Built with another simulated cohort** in place of the published one. It is invented too, and no "
    "evidence about Crewe.",
}


def find_needs(notebook: Path) -> tuple[str, ...]:
    """The tables of records that a chapter needs, from its metadata; none if it does not use records.

    Raises BuildError for what is no list of tables of the contract.
    """
    needs = _read(notebook).metadata.get("crewe", {}).get("needs", [])
    if not isinstance(needs, list) or any(name not in list(TABLES) for name in needs):
        raise BuildError(
            f"{notebook.name}: its metadata's crewe.needs must be a list of tables ({', '.join(TABLES)}); found "
            f"{json.dumps(needs)}."
        )
    return tuple(needs)


def find_title(notebook: Path) -> str:
    """The title of a chapter: its first line without the mark of a heading."""
    return str(_read(notebook).cells[0].source.partition("\n")[0].lstrip("# ").strip())


def _read(notebook: Path) -> nbformat.NotebookNode:
    read: nbformat.NotebookNode = nbformat.read(notebook, as_version=4)
    return read


def look_at_records(chapters: Sequence[str], root: Path, data: Path | None) -> Brought:
    """The records in the folder given with --data, and which of the chapters cannot be built from them.

    Records that do not pass the check stop the build here, before anything runs. Raises DataError with every fault,
    BuildError, and CreweError if no chapter could be built.
    """
    notebooks = {name: root / "chapters" / f"{name}.ipynb" for name in chapters}
    needs = {name: find_needs(notebook) for name, notebook in notebooks.items()}
    folder = find_records(data) if data else None
    if folder is None:
        return Brought()
    seen = examine_folder(folder)
    kind = examined_records(seen).kind
    held = [name for name, frame in seen.tables.items() if len(frame) or name in MAY_BE_EMPTY]
    missing = {name: tuple(table for table in needs[name] if table not in held) for name in chapters}
    left = tuple(LeftOut(name, find_title(notebooks[name]), tables) for name, tables in missing.items() if tables)
    if len(left) == len(chapters):
        lines = ["--data: no chapter can be built from these records.", *(each.describe() for each in left)]
        raise CreweError("\n".join(lines))
    return Brought(kind, left)
