"""What is wrong with a folder of records, in words: file, row, column, rule, what was found and how to mend it.

What was found is never a personal value: ids, dates and texts are shown by their shape only, and so is anything that
could be one of these in the wrong column.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LISTED_ROWS, LISTED_VALUES = 5, 3
MOST_ROWS = 1000  # in JSON
MOST_SHOWN, MOST_DIGITS, MOST_CODES = 20, 3, 20


@dataclass(frozen=True)
class Fault:
    """One rule broken in one column of one file, in `count` places.

    rows: the first of the rows, numbered as in a spreadsheet (the header is row 1); none for a fault of the whole file.
    found: the first few different values, masked. file and column: in the researcher's own names; under: the place in
    mapping.yml.
    """

    file: str
    rule: str
    mend: str
    column: str = ""
    rows: tuple[int, ...] = ()
    found: tuple[str, ...] = ()
    count: int = 1
    under: str = ""

    @property
    def message(self) -> str:
        """The fault as one line: where, the rule, what was found, how to mend it."""
        column = f"column '{self.column}'" if self.column else f"under {self.under}" if self.under else ""
        place = [self.file, self.row_words(), column]
        found = f"; found {', '.join(self.found)}" if self.found else ""
        return f"{', '.join(filter(None, place))}: {self.rule}{found}. To mend: {self.mend}."

    def row_words(self) -> str:
        """'row 3', 'rows 3, 4 and 5 more', or '' for the whole file."""
        if not self.rows:
            return ""
        listed = self.rows[:LISTED_ROWS]
        rest = self.count - len(listed)
        numbers = ", ".join(map(str, listed)) + (f" and {rest:,} more" if rest else "")
        return f"row{'s' if self.count > 1 else ''} {numbers}"

    def as_json(self) -> dict[str, Any]:
        """The fault as `crewe check --json` prints it; `row` is the first of `rows`."""
        return {
            "file": self.file,
            "row": self.rows[0] if self.rows else None,
            "column": self.column or self.under or None,
            "rule": self.rule,
            "found": list(self.found),
            "mend": self.mend,
            "rows": list(self.rows),
            "count": self.count,
        }


def make_fault(
    file: str, rule: str, mend: str, *, column: str = "", rows: Iterable[int] = (), found: Iterable[str] = ()
) -> Fault:
    """A fault in many rows, cut to the first of them and to the first few different words of what was found."""
    numbers = [int(row) for row in rows]
    words = tuple(dict.fromkeys(found))[:LISTED_VALUES]
    return Fault(file, rule, mend, column, tuple(numbers[:MOST_ROWS]), words, max(len(numbers), 1))


def write_faults(faults: Sequence[Fault]) -> str:
    """Faults as a table for a terminal; the last column says rule, found and mend on a line each."""
    head = ("file", "row", "column", "fault")
    rows = [(f.file, f.row_words().partition(" ")[2] or "–", f.column or f.under or "–") for f in faults]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(3)]
    lines = ["  ".join([*(name.ljust(width) for name, width in zip(head, widths, strict=False)), head[3]])]
    indent = " " * (sum(widths) + 6)
    for fault, row in zip(faults, rows, strict=True):
        place = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(f"{place}  {fault.rule}")
        lines += [f"{indent}found {', '.join(fault.found)}"] if fault.found else []
        lines.append(f"{indent}to mend: {fault.mend}")
    files = len({fault.file for fault in faults})
    return "\n".join([*lines, "", f"{count(len(faults), 'fault')} in {count(files, 'file')}."])


def count(number: int, noun: str, plural: str = "") -> str:
    """'1 fault', '1,200 faults'."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def join(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def mask(value: str) -> str:
    """The shape of a value: 'xx-9999' for 'ab-1234'."""
    shape = "".join(map(_shape, value[:MOST_SHOWN]))
    return f"'{shape}{'…' if len(value) > MOST_SHOWN else ''}'"


def _shape(letter: str) -> str:
    if letter.isdigit() or letter.isnumeric():
        return "9"
    if letter.isalpha():
        return "x"
    return letter if letter in " -_/.,:;+()'#?*" else "?"


def show(value: str, ids: Container[object] = (), known: Iterable[str] = ()) -> str:
    """A small number as it stands, or a word that is nearly one of the `known` ones; anything else masked, since it
    could be a name, an id, a date or words about a person in the wrong column."""
    number = re.fullmatch(r"-?[0-9]{1,2}", value) is not None
    near = len(value) <= MOST_SHOWN and bool(nearest(value, known))
    digits = sum(letter.isdigit() for letter in value)
    if value.strip() in ids or not (number or (near and digits <= MOST_DIGITS)):
        return mask(value)
    return f"'{printable(value)}'"


def printable(text: str) -> str:
    """A name from outside, such as a file's or a column's, with whatever a terminal could not show escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def show_name(name: str, known: Iterable[str] = ()) -> str:
    """A column name from outside: as it stands if it is nearly a known one, else masked: in a file without a header it
    is data."""
    return f"'{printable(name)}'" if len(name) <= 2 * MOST_SHOWN and nearest(name, known) else mask(name)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that this one was probably meant to be, or ''."""
    folded = {_fold(item): item for item in known}
    close = difflib.get_close_matches(_fold(name[:60]), folded, n=1, cutoff=0.7)
    return folded[close[0]] if close else ""


def _fold(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
