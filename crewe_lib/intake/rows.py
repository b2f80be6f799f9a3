"""Tables of text as columns, and the careful reading of rows that are quoted or not alike."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.intake.faults import Fault, count, make_fault

Objects = npt.NDArray[Any]
CHUNK = 5000


@dataclass(frozen=True)
class Column:
    """A column of text as different values and, for each row, which of them it holds."""

    codes: npt.NDArray[np.intp]
    different: Objects

    @property
    def cells(self) -> Objects:
        """The text of every row."""
        cells: Objects = self.different[self.codes]
        return cells


@dataclass(frozen=True)
class Cells:
    """A table of text: header, columns, the row of the file that each row of the table is, counted from the header, 1.

    whole: whether every row of the file is here; one that cannot be read as a row is left out and is a fault.
    """

    header: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: npt.NDArray[np.int64]
    whole: bool = True


def encode(cells: Objects) -> Column:
    """A column from the text of its rows."""
    codes, different = pd.factorize(cells)
    return Column(codes, np.asarray(different, dtype=object))


def read_alike(text: str, header: tuple[str, ...]) -> Cells | None:
    """The table of a file whose rows all have as many cells as its header and stand on one line each, else None.

    Rows are put into columns a few thousand at a time: many small lists kept alive would slow Python down.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[list[str]] = [[] for _ in header]
    try:
        next(reader)
        while rows := list(itertools.islice(reader, CHUNK)):
            if set(map(len, rows)) != {len(header)}:
                return None
            for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(cells)
    except csv.Error:
        return None
    length = len(columns[0])
    if reader.line_num != length + 1:
        return None
    return Cells(header, tuple(encode(_objects(column)) for column in columns), np.arange(2, length + 2))


def read_carefully(text: str, header: tuple[str, ...], file: str) -> tuple[Cells, list[Fault]]:
    """The rows that have as many cells as the header, and what is wrong with the others."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    numbers: list[int] = []
    ragged: dict[int, int] = {}
    blank: list[int] = []
    broken: list[int] = []
    faults: list[Fault] = []
    number = 0
    while True:
        number, line = number + 1, reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as fault:
            faults.append(csv_fault(file, number, str(fault)))
            break
        if not row:
            blank.append(number)
        elif reader.line_num > line + 1:
            broken.append(number)
        elif len(row) != len(header):
            ragged[number] = len(row)
        elif number > 1:
            rows.append(row)
            numbers.append(number)
    whole = not (faults or ragged or broken)
    faults += _shape_faults(file, len(header), ragged, broken, blank)
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    cells = Cells(header, tuple(encode(_objects(c)) for c in columns), np.array(numbers, dtype=np.int64), whole)
    return cells, faults


def _objects(cells: Any) -> Objects:
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def _shape_faults(
    file: str, width: int, ragged: Mapping[int, int], broken: Sequence[int], blank: Sequence[int]
) -> list[Fault]:
    faults = []
    if ragged:
        rule = f"each row must have as many cells as the header, {width}"
        mend = "give the row a cell for each column; a cell that holds a comma needs quotation marks around it"
        found = [count(number, "cell") for number in ragged.values()]
        faults.append(make_fault(file, rule, mend, rows=ragged, found=found))
    if broken:
        mend = "take the line break out of the cell; if there is none, a quotation mark is missing its partner"
        faults.append(
            make_fault(file, "a row must stand on one line", mend, rows=broken, found=["a cell over two lines"])
        )
    if blank:
        faults.append(blank_rows(file, blank))
    return faults


def blank_rows(file: str, rows: Iterable[int]) -> Fault:
    """The fault of rows that hold nothing."""
    return make_fault(file, "a row must not be blank", "delete the blank row", rows=rows)


def csv_fault(file: str, row: int, problem: str) -> Fault:
    """What Python's reader of CSV could not make sense of."""
    if "field limit" in problem:
        mend = "shorten the cell; if it is not that long, a quotation mark is missing its partner"
        return make_fault(file, "a cell must not be longer than 131,072 characters", mend, rows=[row])
    rule = "a cell that begins with a quotation mark must end with one"
    return make_fault(
        file, rule, 'close the quotation mark, or take it out; write "" for one inside a cell', rows=[row]
    )
