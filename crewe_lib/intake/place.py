"""Where records lie in a folder given with --data, and what is noted as evidence when they are read."""

from __future__ import annotations

from pathlib import Path

from crewe_lib.contract import TABLES
from crewe_lib.datapackage import hash_file
from crewe_lib.errors import DataError
from crewe_lib.intake.check import Examined
from crewe_lib.intake.mapping import MAPPING
from crewe_lib.provenance import DataFile

RECORDS = "records"  # the folder in DIR that holds records, unless DIR itself does


def find_records(folder: Path) -> Path | None:
    """Where a folder given with --data holds records: its folder 'records', or itself if it has a mapping.yml or a
    table of the contract; None if nowhere. Raises DataError if in both."""
    inner = folder / RECORDS
    own = any((folder / name).exists() for name in (MAPPING, *(f"{table}.csv" for table in TABLES)))
    if inner.is_dir() and own:
        raise DataError(
            f"--data {folder}: there are tables of records both here and in {RECORDS}/; keep them in one place."
        )
    return inner if inner.is_dir() else folder if own else None


def files_read(seen: Examined, label: str) -> list[DataFile]:
    """The files of examined records as evidence."""
    assert seen.kind is not None
    files = [
        # By our name for the table: a file's own name might say something of a person.
        DataFile(f"{label}/{name}.csv", seen.hashes[name], len(seen.tables[name]), seen.kind)
        for name in seen.files
    ]
    mapping = seen.folder / MAPPING
    if mapping.is_file():
        lines = len(mapping.read_text(encoding="utf-8-sig").splitlines())
        files.append(DataFile(f"{label}/{MAPPING}", hash_file(mapping), lines, seen.kind))
    return files
