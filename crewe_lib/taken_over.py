"""Numbers that one page takes over from the chapter that explains them: the two must be the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def check_taken_over(items: Sequence[Mapping[str, Any]], built: Iterable[str]) -> list[str]:
    """One line for each item whose `same_as` names an item that is not there, or has another value.

    built: the chapters of this build. What is taken over from a chapter outside it cannot be checked and is passed.
    """
    known = {item["id"]: item for item in items}
    prefixes = {name.partition("_")[2] for name in built}
    faults = []
    for item in items:
        wanted = item.get("same_as")
        if not wanted or wanted.partition(".")[0] not in prefixes:
            continue
        other = known.get(wanted)
        if other is None:
            faults.append(f"{item['id']}: is to be the same as {wanted}, but no chapter registers that.")
        elif not _same(item["value"], other["value"]):
            faults.append(
                f"{item['id']} is {item['value']!r}, but {wanted} in {other['chapter']}, which it is to repeat, is "
                f"{other['value']!r}; compute both by the same function with the same settings."
            )
    return faults


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) != isinstance(other, bool):
        return False  # Python has it that 1 == True
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)
