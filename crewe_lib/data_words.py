"""How chapter 11 shows its tables: headings, formats, and counts in words. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator

from crewe_lib.calibration import OFFICIAL, SHOWN
from crewe_lib.evidence import Binding, Column
from crewe_lib.formats import MINUS, count, plain, spelt
from crewe_lib.kinds import ONE_WORD

TYPES = {"id": "id", "code": "code", "integer": "whole number", "date": "day", "month": "month", "text": "text"}
USES = {SHOWN: "an input as published", OFFICIAL: "computed from official data in its chapter"}


def _minus(text: str) -> str:
    """A value with a true minus sign."""
    return text.replace("-", MINUS) if any(sign.isdigit() for sign in text) else text


def _drop_number(text: str) -> str:
    """A part as its name only: '2 Closure by November 2016' becomes 'Closure by November 2016'."""
    return text.partition(" ")[2]


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _with_verb(number: int) -> str:
    return f"{spelt(number)} {'is' if number == 1 else 'are'}"


_SHORT = {"sdq": "SDQ:", "icc": "ICC", "sd": "standard deviation", "cin": "child in need", "rereferral": "re-referral"}


def _spell_out(parameter: str) -> str:
    """'sdq loading' becomes 'SDQ: loading'."""
    return _start(" ".join(_SHORT.get(word, word) for word in parameter.split(" ")))


KIND_COLUMNS = {
    "name": Column("Kind", _start),
    "files": Column("Files", count),
    "rows": Column("Rows", count),
    "meaning": Column("What may be concluded"),
}
DATASET_COLUMNS = {
    "dataset": Column("Folder"),
    "kind": Column("Kind", ONE_WORD.__getitem__),
    "about": Column("What it is"),
    "licence": Column("Licence"),
    "source": Column("Source"),
}
FILE_COLUMNS = {
    "file": Column("File", lambda path: path.rpartition("/")[2]),
    "dataset": Column("Folder"),
    "title": Column("What it holds"),
    "kind": Column("Kind", ONE_WORD.__getitem__),
    "rows": Column("Rows", count),
    "dates": Column("Dates", blank="–"),
    "sha256": Column("SHA-256 begins"),
}
TABLE_COLUMNS = {
    "table": Column("Table"),
    "description": Column("What it holds"),
    "columns": Column("Columns", plain),
    "key": Column("One row for each"),
    "refers": Column("Refers to"),
}
FIELD_COLUMNS = {
    "column": Column("Column"),
    "type": Column("Type", TYPES.__getitem__),
    "allowed": Column("Allowed"),
    "blank": Column("May be blank"),
    "meaning": Column("Meaning"),
}
RULE_COLUMNS = {"table": Column("Table"), "column": Column("Column"), "rule": Column("Rule")}
DEFINITION_COLUMNS = {
    "function": Column("Function"),
    "says": Column("What it says"),
    "stated": Column("Where stated"),
}
TRUTH_COLUMNS = {
    "parameter": Column("Parameter", _spell_out),
    "value": Column("Value put in"),
    "remark": Column("Remark"),
}
HELD_COLUMNS = {
    "chapter": Column("Part of the evaluation", _drop_number),
    "quantity": Column("Quantity"),
    "group": Column("Group"),
    "target": Column("Target", _minus),
    "achieved": Column("In the simulated cohort", _minus),
    "tolerance": Column("Tolerance"),
    "met": Column("Met"),
    "basis": Column("The target is"),
}
READING_COLUMNS = {
    "quantity": Column("Quantity"),
    "target": Column("Taken"),
    "reading": Column("Reading taken"),
    "rejected": Column("Reading rejected"),
}
SHOWN_COLUMNS = {
    "quantity": Column("Quantity"),
    "group": Column("Group"),
    "target": Column("In the reports"),
    "chapter": Column("Part of the evaluation", _drop_number),
    "use": Column("Used as", USES.__getitem__),
    "rejected": Column("Reading rejected"),
}


def _numbers() -> Iterator[Binding]:
    for key in ("files", "datasets"):
        yield Binding(f"n_{key}", "files", key, show=count)
    for key in ("families", "children"):
        yield Binding(f"n_{key}", "people", key, show=count)
    yield Binding("n_tables", "contract", "tables", show=spelt)
    for key in ("columns", "rules", "definitions"):
        yield Binding(f"n_{key}", "contract", key, show=count)
    for key in ("held", "rejected", "shown"):
        yield Binding(f"targets_{key}", "summary", key, show=count)
    for key in ("printed", "implied"):
        yield Binding(f"targets_{key}", "summary", key, show=count)
    yield Binding("targets_verdict", "summary", "verdict")
    yield Binding("targets_free", "summary", "free", show=_with_verb)
    yield Binding("targets_official", "summary", "official", show=spelt)
    yield Binding("seed", "summary", "seed", show=plain)


NUMBERS = (*_numbers(),)
