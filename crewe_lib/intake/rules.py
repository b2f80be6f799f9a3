"""Rules of single columns: each different value of a column is read once, by its field of the contract and the mapping.

A value is taken as it is written or refused; nothing is trimmed, rounded or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crewe_lib.contract import CONVERSIONS, Field
from crewe_lib.intake.faults import LISTED_VALUES, MOST_CODES, Fault, make_fault, mask, show
from crewe_lib.intake.mapping import TablePlan
from crewe_lib.intake.rows import Column, Objects

LONGEST_ID, LONGEST_TEXT = 64, 200
# Words that stand for nothing. They are refused rather than read as blank, since a code may look the same.
NOTHING = frozenset(("na", "n/a", "#n/a", "#na", "null", "none", "nan", "nil", "missing", ".", "-", "--", "?", "<na>"))
MOST_LISTED = 10  # codes of a mapping named in a rule
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}").fullmatch
_HALVES = re.compile(r"(0|[1-9][0-9]{0,17})(\.[05]0*)?").fullmatch
_INTEGER = re.compile(r"0|-?[1-9][0-9]*").fullmatch


class Verdict(NamedTuple):
    """A rule that a value breaks, and how to mend it."""

    rule: str
    mend: str


@dataclass(frozen=True)
class Judged:
    """A column read: the contract's text of each row ('' for blank, None for a value that was refused), and the rows
    at fault by verdict, as positions."""

    text: npt.NDArray[Any]
    faults: dict[Verdict, npt.NDArray[np.intp]]


def judge_column(item: Field, plan: TablePlan, column: Column) -> Judged:
    """Read a column of text as a field of the contract."""
    ours = column.different.copy()
    broken: dict[Verdict, list[int]] = {}
    for position in _doubtful(item, plan, column.different):
        read = read_value(item, plan, column.different[position])
        if isinstance(read, Verdict):
            broken.setdefault(read, []).append(position)
        ours[position] = None if isinstance(read, Verdict) else read
    faults = {}
    for verdict, positions in broken.items():
        marked = np.zeros(len(ours), dtype=bool)
        marked[positions] = True
        rows = np.flatnonzero(marked[column.codes])
        if len(rows):
            faults[verdict] = rows
    return Judged(ours[column.codes], faults)


def _doubtful(item: Field, plan: TablePlan, values: Objects) -> Iterable[int]:
    """Positions of values to be read one by one: all, but for ids that are clearly such, of which there are many."""
    if item.type != "id" or plan.settings.missing:
        return range(len(values))
    return [n for n, value in enumerate(values) if value.isalpha() or not _ID(value)]


def column_faults(
    item: Field, plan: TablePlan, column: Column, judged: Judged, rows: npt.NDArray[np.int64], ids: Container[object]
) -> list[Fault]:
    """The faults of a column in words. Values that could be personal are masked, and so are those of a column of codes
    that holds so many different ones that they can hardly be codes."""
    made = []
    for verdict, at in judged.faults.items():
        kinds = np.unique(column.codes[at])
        _, first = np.unique(column.codes[at], return_index=True)
        values = [str(column.different[column.codes[at[n]]]) for n in np.sort(first)[: LISTED_VALUES * 3]]
        hide = item.personal or len(kinds) > MOST_CODES
        known = [*plan.codes.get(item.name, ()), *item.allowed]
        found = [_show(value, hide, ids, known) for value in values if value]
        made.append(
            make_fault(
                plan.file, verdict.rule, verdict.mend, column=plan.columns[item.name], rows=rows[at], found=found
            )
        )
    return made


def _show(value: str, hide: bool, ids: Container[object], known: Iterable[str]) -> str:
    return f"'{value}'" if _is_nothing(value) else mask(value) if hide else show(value, ids, known)


def read_value(item: Field, plan: TablePlan, value: str) -> str | Verdict:
    """The contract's text for a value, or the rule that it breaks."""
    if item.type == "id" and _ID(value) and value not in plan.settings.missing and not _is_nothing(value):
        return value
    codes = plan.codes.get(item.name)
    if codes and value in codes:
        value = codes[value]
        return value if value or not item.required else _blank(item)
    if value == "" or value in plan.settings.missing:
        return _blank(item) if item.required else ""
    if value != value.strip():
        mend = "take the blanks out; a missing value is a cell with nothing in it"
        return Verdict("must not begin or end with a blank", mend)
    if codes:
        listed = ", ".join(list(codes)[:MOST_LISTED]) + (" …" if len(codes) > MOST_LISTED else "")
        mend = f"write one of these, or add the code to mapping.yml under codes, {item.name}"
        return Verdict(f"must be one of your codes {listed}", mend)
    if _is_nothing(value) and value not in item.allowed:
        mend = "fill it in; it may not be blank" if item.required else "leave the cell blank"
        return Verdict("a missing value must be a blank cell", mend)
    return _READ[item.type](item, plan, value)


def _is_nothing(value: str) -> bool:
    return len(value) < 8 and value.casefold() in NOTHING


def _blank(item: Field) -> Verdict:
    unknown = next((code for code in item.allowed if code in ("not_recorded", "N0")), "")
    return Verdict("must not be blank", f"fill it in; {unknown} if it is not known" if unknown else "fill it in")


def _read_id(item: Field, plan: TablePlan, value: str) -> str | Verdict:
    mend = "use a pseudonym of such signs, the same in every table"
    return Verdict(f"must be letters a to z, digits, - and _, at most {LONGEST_ID} of them", mend)


def _read_code(item: Field, plan: TablePlan, value: str) -> str | Verdict:
    if value in item.allowed:
        return value
    mend = f"write one of these, or say in mapping.yml what your codes are, under codes, {item.name}"
    return Verdict(f"must be one of {', '.join(item.allowed)}", mend)


def _read_integer(item: Field, plan: TablePlan, value: str) -> str | Verdict:
    if item.name in plan.units:
        return _read_halves(item, plan.units[item.name], value)
    if not _INTEGER(value):
        other = "".join(
            f"; if it counts {unit}, say so in mapping.yml under units" for unit in CONVERSIONS.get(item.unit, ())
        )
        return Verdict("must be a whole number", f"write it in digits, such as 7 or -1; no decimals{other}")
    if len(value) > 18 or not int(item.minimum) <= int(value) <= int(item.maximum):
        unit = f" {item.unit}" if item.unit else ""
        return Verdict(f"must be from {item.minimum} to {item.maximum}{unit}", "correct the number")
    return value


def _read_halves(item: Field, unit: str, value: str) -> str | Verdict:
    """A number in a researcher's unit that is two of ours, in ours; whole or half, so that nothing is rounded."""
    found, times = _HALVES(value), CONVERSIONS[item.unit][unit]
    if not found:
        return Verdict(f"must be a number of {unit}, whole or half", f"write it in digits, such as 7 or 7.5 {unit}")
    ours = times * int(found[1]) + (times // 2 if (found[2] or "").startswith(".5") else 0)
    if not int(item.minimum) <= ours <= int(item.maximum):
        rule = f"must be from {int(item.minimum) // times} to {int(item.maximum) // times} {unit}"
        return Verdict(rule, f"correct the number, or take it out of units in mapping.yml if it counts {item.unit}")
    return str(ours)


def _read_day(item: Field, plan: TablePlan, value: str) -> str | Verdict:
    form, what = (plan.settings.months, "month") if item.type == "month" else (plan.settings.dates, "day")
    day = form.read(value)
    if day is None:
        return _not_a_day(what, form.words, value)
    if not item.minimum <= day <= item.maximum:
        return Verdict(f"must be from {item.minimum} to {item.maximum}", f"correct the {what}")
    return day


def _not_a_day(what: str, words: str, value: str) -> Verdict:
    shape = re.sub(r"[A-Za-z]", "x", re.sub(r"[0-9]", "9", value))
    usual = re.sub(r"[A-Za-z]", "9", words)
    rule = f"must be a {what} written {words}"
    if shape == usual:
        return Verdict(f"must be a {what} of the calendar", f"correct the {what}")
    if re.match(r"9{4}-99-99[ x]99:", shape):
        return Verdict(rule, "leave the time of day out")
    if re.fullmatch(r"9{5}", shape):
        return Verdict(rule, "give the column a date format in your spreadsheet; it holds the number of a day")
    if what == "month" and shape == "9999-99-99":
        return Verdict(rule, "leave the day out")
    if re.fullmatch(r"9{1,4}[-/. ]?(9{1,2}|x{3})([-/. ]?9{2,4})?", shape):
        return Verdict(rule, f"write it so, or say in mapping.yml how your {what}s are written: {what_key(what)}")
    return Verdict(rule, "write it so")


def what_key(what: str) -> str:
    """How a format is declared in mapping.yml, by an example."""
    return "months: MM/YYYY" if what == "month" else "dates: DD/MM/YYYY"


def _read_text(item: Field, plan: TablePlan, value: str) -> str | Verdict:
    if len(value) > LONGEST_TEXT or not value.isprintable():
        return Verdict(f"must be one line of at most {LONGEST_TEXT} signs", "shorten it; take out what cannot be seen")
    return value


_READ = {
    "id": _read_id,
    "code": _read_code,
    "integer": _read_integer,
    "date": _read_day,
    "month": _read_day,
    "text": _read_text,
}
