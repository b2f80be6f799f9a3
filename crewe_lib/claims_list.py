"""The ledger for a terminal and as JSON: what `crewe claims` prints."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from crewe_lib.claim_classes import CLASSES
from crewe_lib.claim_writing import write_recomputed
from crewe_lib.claims import Entry
from crewe_lib.errors import CreweError


def choose_entries(entries: Mapping[str, Entry], *, classes: Sequence[str], ids: Sequence[str]) -> list[Entry]:
    """The entries of these classes and ids; all if none is named. Raises CreweError for an unknown class or id."""
    if wrong := [name for name in classes if name not in CLASSES]:
        raise CreweError(f"no class is named '{wrong[0]}'; there are: {', '.join(CLASSES)}.")
    if wrong := [name for name in ids if name not in entries]:
        near = difflib.get_close_matches(wrong[0], entries, n=3)
        raise CreweError(f"no claim has the id '{wrong[0]}'{'; perhaps ' + ' or '.join(near) if near else ''}.")
    return [entry for id, entry in entries.items() if (not classes or entry.cls in classes) and (not ids or id in ids)]


def as_json(entry: Entry) -> dict[str, Any]:
    """An entry as `crewe claims --json` prints it."""
    return {
        "id": entry.claim.id,
        "class": entry.cls,
        "printed": entry.printed,
        "recomputed": entry.recomputed,
        "how": entry.how,
        "kinds_of_data": list(entry.kinds),
        "note": entry.note,
        "statement": entry.claim.statement,
        "place": entry.claim.place,
        "rests_on": sorted(entry.read),
    }


def write_ledger(entries: Sequence[Entry], *, width: int | None = None) -> str:
    """Entries as a table for a terminal, and how many there are of each class; lines are cut to `width` if given."""
    rows = [(e.claim.id, e.cls, e.printed, write_recomputed(e.claim, e.recomputed) or "–", e.how) for e in entries]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    lines = ["  ".join([*(cell.ljust(wide) for cell, wide in zip(row, widths, strict=False)), row[4]]) for row in rows]
    if width is not None:
        lines = [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]
    counts = Counter(entry.cls for entry in entries)
    lines += ["", *(f"{counts[name]:4d}  {name}: {meaning}" for name, meaning in CLASSES.items() if counts[name])]
    return "\n".join([*lines, f"{len(entries):4d}  claims"])
