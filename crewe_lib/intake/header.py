"""Which column of a file is which column of the contract; what is wrong with a header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from crewe_lib.contract import Table
from crewe_lib.intake.faults import Fault, make_fault, mask, nearest, show_name
from crewe_lib.intake.mapping import MAPPING, TablePlan

MOST_NAMED = 200  # of unknown columns, to look for a near name among them


def match_header(header: Sequence[str], plan: TablePlan, table: Table) -> tuple[dict[str, int], list[Fault]]:
    """Our column → its position in the file, and the faults of the header. Columns may stand in any order."""
    yours = {plan.columns[name]: name for name in table.names}
    places = {yours[name]: at for at, name in reversed([*enumerate(header)]) if name in yours}
    unknown = [name for name in header if name not in yours and name not in plan.ignored]
    missing = [name for name in table.names if name not in places]
    near = _near_names(missing, unknown, plan)
    if not places and not near:
        data = any(re.fullmatch(r"[^A-Za-z]*[0-9][^A-Za-z]*", name) for name in header)
        shown = [mask(name) if data else show_name(name, plan.columns.values()) for name in header if name.strip()]
        listed = ", ".join(plan.columns[name] for name in table.names[:3])
        rule = f"must hold the column names {listed} … in its first row"
        mend = f"begin with the names, or say in {MAPPING} what yours are, under tables, {table.name}, columns"
        return {}, [make_fault(plan.file, rule, mend, rows=[1], found=shown)]
    faults = [_missing(name, near.get(name), plan, table) for name in missing]
    faults += _unnamed_or_padded(header, unknown, set(near.values()), plan)
    faults += _unknown(header, unknown, set(near.values()), plan, table)
    return places, faults + _twice(header, plan)


def _near_names(missing: Sequence[str], unknown: Sequence[str], plan: TablePlan) -> dict[str, str]:
    """Our missing column → the unknown one that was probably meant; each used once."""
    free = [name for name in dict.fromkeys(unknown) if name.strip()][:MOST_NAMED]
    near = {}
    for name in missing:
        found = nearest(plan.columns[name], free) or nearest(name, free)
        if found:
            near[name] = found
            free.remove(found)
    return near


def _missing(name: str, near: str | None, plan: TablePlan, table: Table) -> Fault:
    yours = plan.columns[name]
    rule = f"the column '{yours}' must be there"
    if near is not None:
        found, wanted = show_name(near, (yours, name)), f"name it '{yours}'"
        mend = f"{wanted}, or say in {MAPPING} what it is called, under tables, {table.name}, columns"
        return make_fault(plan.file, rule, mend, column=yours, rows=[1], found=[found])
    mend = f"add it, or say in {MAPPING} what it is called, under tables, {table.name}, columns"
    return make_fault(plan.file, rule, mend, column=yours, rows=[1])


def _unnamed_or_padded(header: Sequence[str], unknown: Sequence[str], near: set[str], plan: TablePlan) -> list[Fault]:
    unnamed = [f"column {at}" for at, name in enumerate(header, 1) if not name.strip()]
    if not unnamed or not any(not name.strip() for name in unknown):
        return []
    mend = "name it, or delete it; a comma too many at the end of the rows makes one"
    return [make_fault(plan.file, "each column must have a name", mend, rows=[1], found=unnamed)]


def _unknown(
    header: Sequence[str], unknown: Sequence[str], near: set[str], plan: TablePlan, table: Table
) -> list[Fault]:
    extra = [name for name in unknown if name.strip() and name not in near]
    if not extra:
        return []
    rule = f"must hold no other columns than {', '.join(plan.columns[name] for name in table.names)}"
    if len(table.names) > 12:
        rule = "must hold no other columns than those of the dictionary"
    mend = f"delete it, or list it in {MAPPING} under tables, {table.name}, ignore"
    return [
        make_fault(
            plan.file,
            rule,
            mend,
            rows=[1],
            found=[f"column {header.index(name) + 1}, {show_name(name, table.names)}" for name in extra],
        )
    ]


def _twice(header: Sequence[str], plan: TablePlan) -> list[Fault]:
    names = set(plan.columns.values())
    twice: Mapping[str, None] = dict.fromkeys(name for name in header if name in names and header.count(name) > 1)
    mend = "delete one of them, or rename it"
    return [
        make_fault(
            plan.file,
            "the column must be there once",
            mend,
            column=name,
            rows=[1],
            found=[f"{header.count(name)} of them"],
        )
        for name in twice
    ]
