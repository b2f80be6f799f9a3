"""A publisher's file as text: header and rows with the line numbers a person sees, or a DataError."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import openpyxl

from crewe_lib.errors import DataError

MEND = "restore the file as its publisher released it, or describe its new layout in crewe_lib/sources"
SHEET = "IMD"  # the sheet of the Indices of Deprivation workbooks that holds the overall index


@dataclass(frozen=True)
class RawTable:
    """A file's text as it stands: header, and rows with line numbers as a person counts them."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a file: row (the header is 1), column, what stands there, what may stand there."""

    row: int
    column: str
    found: str
    allowed: str


def raise_faults(path: Path, faults: Sequence[Fault], *, mend: str = MEND, shown: int = 10) -> NoReturn:
    """Raise one DataError for all faults of a file, the first `shown` of them spelt out."""
    ordered = sorted(faults, key=lambda fault: fault.row)
    lines = [
        f"  row {fault.row}, column '{fault.column}': found {shorten(fault.found)}; allowed: {fault.allowed}"
        for fault in ordered[:shown]
    ]
    if len(ordered) > shown:
        lines.append(f"  and {len(ordered) - shown} more")
    count = "1 fault" if len(ordered) == 1 else f"{len(ordered)} faults"
    raise DataError("\n".join([f"{path}: {count}.", *lines, f"  To mend: {mend}."]))


def shorten(text: str, width: int = 40) -> str:
    """The text as Python would write it, cut to `width` characters."""
    shown = repr(text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def read_table(path: Path, *, encoding: str = "latin-1") -> RawTable:
    """A CSV file, or the IMD sheet of a workbook (else its first sheet), as text. Raises DataError."""
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise DataError(f"{path}: cannot be read ({fault.strerror}); name a file of the publisher's.") from None
    if not raw.strip():
        raise DataError(f"{path}: the file is empty. To mend: {MEND}.")
    if path.suffix.lower() == ".xlsx":
        return read_workbook(path, raw)
    return read_csv_text(path, raw, encoding)


def read_csv_text(path: Path, raw: bytes, encoding: str) -> RawTable:
    """The rows of a CSV file. Control characters, bytes outside the encoding and broken quotes raise
    DataError.
    """
    odd = re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", raw)
    if odd:
        line = raw.count(b"\n", 0, odd.start()) + 1
        raise DataError(f"{path}: row {line} holds the byte {odd.group()!r}, so it is not text. To mend: {MEND}.")
    body = raw.removeprefix(b"\xef\xbb\xbf")  # a byte-order mark, as in the populations DfE released in 2021
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as fault:
        line, byte = body.count(b"\n", 0, fault.start) + 1, body[fault.start]
        raise DataError(f"{path}: row {line} is not {encoding} text (byte {byte:#x}). To mend: {MEND}.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, tuple(cells)) for cells in reader]
    except csv.Error as fault:
        raise DataError(f"{path}: row {reader.line_num} is not well-formed CSV ({fault}). To mend: {MEND}.") from None
    while rows and not rows[-1][1]:  # blank lines at the end
        rows.pop()
    if not rows:
        raise DataError(f"{path}: the file is empty. To mend: {MEND}.")
    return RawTable(path, rows[0][1], tuple(rows[1:]))


def read_workbook(path: Path, raw: bytes) -> RawTable:
    """A sheet of a workbook as text; row numbers are the sheet's. Raises DataError if it is no workbook."""
    try:
        # Read-only mode leaves out the drawings on the notes sheet, which openpyxl cannot read.
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        rows = [tuple("" if cell is None else str(cell) for cell in row) for row in sheet.iter_rows(values_only=True)]
    except Exception:  # a damaged workbook makes openpyxl raise a dozen unrelated kinds
        raise DataError(f"{path}: not a readable .xlsx workbook. To mend: {MEND}.") from None
    filled = [(line, row) for line, row in enumerate(rows, start=1) if any(row)]
    if not filled:
        raise DataError(f"{path}: its sheet '{sheet.title}' is empty. To mend: {MEND}.")
    return RawTable(path, filled[0][1], tuple(filled[1:]))
