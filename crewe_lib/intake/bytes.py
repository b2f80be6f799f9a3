"""Whether bytes are text in UTF-8, and what they look like if not."""

from __future__ import annotations

import re

from crewe_lib.intake.faults import Fault, count, make_fault

BOM = b"\xef\xbb\xbf"
SAVE_AGAIN = "open it in your spreadsheet and save it as 'CSV UTF-8 (comma delimited)'"
PUT_TABLE = "put the table itself there, saved as 'CSV UTF-8 (comma delimited)'"
# What is no text in UTF-8, by the first bytes.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook or another zip file"),
    (b"PK\x05\x06", "an empty zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1\x15", "a Parquet file"),
    (b"$FL2", "an SPSS file"),
    (b"<stata_dta>", "a Stata file"),
)
TEXT_RULE = "must be text in UTF-8, with cells separated by commas"


def not_text(data: bytes, file: str) -> Fault | None:
    """The fault of bytes that are no UTF-8 text at all."""
    if not data.removeprefix(BOM).strip():
        size = "an empty file" if not data.removeprefix(BOM) else "nothing but blanks"
        mend = "fill in the table, with its header, or delete the file; 'crewe new DIR' writes empty tables"
        return Fault(file, "must hold a table with a header", mend, found=(size,))
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            return Fault(file, TEXT_RULE, SAVE_AGAIN if "Excel" in what else PUT_TABLE, found=(what,))
    if what := _looks_utf16(data):
        return Fault(file, TEXT_RULE, SAVE_AGAIN, found=(what,))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as fault:
        if re.search(rb"[\x00-\x08\x0e-\x1f]", data):
            return Fault(file, TEXT_RULE, PUT_TABLE, found=("binary data",))
        row = data.count(b"\n", 0, fault.start) + 1
        what = "a byte that is not UTF-8; the file looks like Windows-1252 or Latin-1"
        return make_fault(file, TEXT_RULE, SAVE_AGAIN, rows=[row], found=[what])
    first = data.find(b"\0")
    if first < 0:
        return None
    row, zeros = data.count(b"\n", 0, first) + 1, count(data.count(b"\0"), "NUL character")
    mend = "export the table again; if they come back, take them out of the source"
    return make_fault(file, "must hold no NUL characters", mend, rows=[row], found=[zeros])


def _looks_utf16(data: bytes) -> str:
    """'UTF-16' or 'UTF-32' for bytes that are text in them, with or without a byte-order mark."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "text in UTF-32"
    start = data[:4096]
    zeros = [start[parity::2].count(0) * 2 / len(start) for parity in (0, 1)]
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "text in UTF-16" if marked or (max(zeros) > 0.4 and min(zeros) < 0.05) else ""
