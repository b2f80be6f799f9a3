"""Any file as a table of text: every content leads to cells or to named faults, and no cell is changed on the way.

Most files take a fast path. One that is quoted goes through Python's own reader, and one whose rows are not alike row
by row, which says where the trouble is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from crewe_lib.intake.bytes import BOM, SAVE_AGAIN, TEXT_RULE, not_text
from crewe_lib.intake.faults import Fault, make_fault
from crewe_lib.intake.rows import Cells, Column, blank_rows, csv_fault, encode, read_alike, read_carefully

MOST_COLUMNS = 500


@dataclass(frozen=True)
class ReadFile:
    """What came of reading a file: cells, None if there is no table in it; faults; SHA-256 of its bytes ('' if none
    could be read)."""

    cells: Cells | None
    faults: tuple[Fault, ...] = ()
    sha256: str = ""


def read_table_file(path: Path, file: str) -> ReadFile:
    """Read a file that should hold a table. `file` is its name in messages. Never raises."""
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no file that can be read"
            return _refused(file, "must be a file", f"put the table itself there, as {file}", what)
        data = path.read_bytes()
    except OSError as fault:
        return _refused(file, "must be a file that can be read", "check who may read it", str(fault.strerror))
    except MemoryError:
        return _refused(file, "must fit into memory", "use a machine with more memory", "too large a file")
    found, faults = read_bytes(data, file)
    return ReadFile(found, tuple(faults), hashlib.sha256(data).hexdigest())


def _refused(file: str, rule: str, mend: str, found: str) -> ReadFile:
    return ReadFile(None, (Fault(file, rule, mend, found=(found,)),))


def read_bytes(data: bytes, file: str) -> tuple[Cells | None, list[Fault]]:
    """The table that some bytes hold, or None, and what is wrong with them."""
    if fault := not_text(data, file):
        return None, [fault]
    data = data.removeprefix(BOM)
    text = data.decode("utf-8")
    header, faults = _read_header(text, file)
    if faults:
        return None, faults
    cells = read_fast(data, header) or read_alike(text, header)
    if cells is None:
        cells, faults = read_carefully(text, header, file)
    cells, blank = _dropblank_rows(cells, file)
    return cells, faults + blank


def _read_header(text: str, file: str) -> tuple[tuple[str, ...], list[Fault]]:
    """The cells of the first row; a fault if they are no header of a table with commas."""
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as fault:
        return (), [csv_fault(file, 1, str(fault))]
    line = ",".join(header)
    if len(header) > MOST_COLUMNS:
        rule = f"must have at most {MOST_COLUMNS} columns"
        return (), [Fault(file, rule, "keep only the columns of the table", found=(f"{len(header):,} columns",))]
    if not line.strip(" ,\t"):
        found = "a blank row"
    elif re.fullmatch(r"(?i)sep=.?", line):
        found = "a line that tells Excel the separator"
    elif len(header) == 1 and (sign := re.search(r"[;\t|]", line)):
        name = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}[sign[0]]
        return (), [
            Fault(file, "must have cells separated by commas", SAVE_AGAIN, found=(f"cells separated by {name}",))
        ]
    elif line.lstrip().startswith("<"):
        return (), [Fault(file, TEXT_RULE, SAVE_AGAIN, found=("a web page or XML",))]
    else:
        return tuple(header), []
    mend = "delete what stands above the column names"
    return (), [make_fault(file, "must hold the column names in its first row", mend, rows=[1], found=[found])]


def read_fast(data: bytes, header: tuple[str, ...]) -> Cells | None:
    """The table of a file without quotation marks whose rows all have as many cells as its header, two or more;
    else None."""
    if b'"' in data or len(header) < 2:
        return None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        if b"\r" in data:
            return None
    data = data if data.endswith(b"\n") else data + b"\n"
    letters = np.frombuffer(data, dtype=np.uint8)
    ends, commas = np.flatnonzero(letters == ord("\n")), np.flatnonzero(letters == ord(","))
    per_row = np.diff(np.searchsorted(commas, ends), prepend=0)
    if len(ends) < 2 or (per_row != len(header) - 1).any():
        return None
    rows = data[ends[0] + 1 :]
    if rows.startswith(BOM):  # pandas would take it off the first cell
        return None
    frame = pd.read_csv(
        io.BytesIO(rows),
        header=None,
        dtype=str,
        na_filter=False,
        quoting=csv.QUOTE_NONE,
        skip_blank_lines=False,
        low_memory=False,
        encoding="utf-8",
    )
    columns = tuple(encode(frame[name].to_numpy()) for name in frame.columns)
    return Cells(header, columns, np.arange(2, len(frame) + 2))


def _dropblank_rows(cells: Cells, file: str) -> tuple[Cells, list[Fault]]:
    """The table without rows that hold only commas, as spreadsheets leave them, and their fault."""
    blank = np.ones(len(cells.rows), dtype=bool)
    for column in cells.columns:
        if not blank.any():
            break
        blank &= (column.different == "")[column.codes] if len(column.different) else False
    if not blank.any():
        return cells, []
    columns = tuple(Column(column.codes[~blank], column.different) for column in cells.columns)
    kept = Cells(cells.header, columns, cells.rows[~blank], cells.whole)
    return kept, [blank_rows(file, cells.rows[blank])]
