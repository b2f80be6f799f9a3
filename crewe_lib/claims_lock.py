"""`claims.lock`: the class of every claim as last acknowledged, so that none can change unnoticed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crewe_lib.claim_classes import CLASSES
from crewe_lib.errors import DataError

HEAD = "# The acknowledged class of each published claim. Written by `crewe claims --acknowledge`; compared by tests.\n"


def read_lock(path: Path) -> dict[str, str]:
    """Claim id → class. Raises DataError if the file is absent or a line is not 'id<tab>class'."""
    if not path.is_file():
        raise DataError(f"{path}: there is no lock file; 'crewe claims --acknowledge' writes it.")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise DataError(f"{path}: cannot be read as a lock file ({fault}).") from None
    locked: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if line.startswith("#") or not line.strip():
            continue
        id, _, cls = line.partition("\t")
        if cls not in CLASSES or id in locked:
            wrong = f"'{id}' is there twice" if id in locked else f"'{cls}' is no class"
            raise DataError(f"{path}, line {number}: {wrong}; 'crewe claims --acknowledge' writes the file anew.")
        locked[id] = cls
    return locked


def write_lock(path: Path, classes: Mapping[str, str]) -> None:
    """Acknowledge the classes: one line per claim, in the register's order."""
    try:
        path.write_text(HEAD + "".join(f"{id}\t{cls}\n" for id, cls in classes.items()), encoding="utf-8")
    except OSError as fault:
        raise DataError(f"{path}: the lock file cannot be written ({fault.strerror}).") from None


def compare_with_lock(classes: Mapping[str, str], locked: Mapping[str, str]) -> list[str]:
    """One line per claim whose class is not the acknowledged one; none if all is as it was."""
    changed = [
        f"{id}: was '{locked[id]}', is '{cls}'" for id, cls in classes.items() if id in locked and locked[id] != cls
    ]
    changed += [f"{id}: new, '{cls}'" for id, cls in classes.items() if id not in locked]
    return changed + [
        f"{id}: no longer in the register (was '{cls}')" for id, cls in locked.items() if id not in classes
    ]
