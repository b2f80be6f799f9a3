"""Checking a folder of records: every fault of every table at once, none of them with a personal value in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.contract import TABLES, Field, Table
from crewe_lib.datapackage import DESCRIPTOR, Kind, read_descriptor
from crewe_lib.errors import CreweError, DataError
from crewe_lib.intake.faults import Fault, count, join, nearest, printable
from crewe_lib.intake.files import read_table_file
from crewe_lib.intake.header import match_header
from crewe_lib.intake.link_rules import all_rules
from crewe_lib.intake.links import Context, find_faults
from crewe_lib.intake.mapping import MAPPING, Plan, TablePlan, read_mapping
from crewe_lib.intake.rows import Column
from crewe_lib.intake.rules import Judged, column_faults, judge_column
from crewe_lib.intake.types import to_typed
from crewe_lib.kinds import SHORT
from crewe_lib.provenance import REPOSITORY
from crewe_lib.risk_framework import read_risk_framework

RECORD_KINDS: tuple[Kind, ...] = ("records", "simulated")
FIRST = "families"
_SPREADSHEETS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")


@dataclass
class Examined:
    """A folder of records as it was found.

    kind: None if its card does not say; files: table → its file, as far as there are; hashes: the same → SHA-256;
    tables: typed (refused cells missing), index: row of the file; faults: all there are.
    """

    folder: Path
    kind: Kind | None = None
    files: dict[str, Path] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class _Read:
    """One table read: its faults but those of cells; judged columns; typed table and ids of its key, if it is one."""

    sha256: str
    faults: list[Fault]
    columns: list[tuple[Field, Column, Judged]] = field(default_factory=list)
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    table: pd.DataFrame | None = None
    ids: pd.Index | None = None
    whole: bool = False


def check_folder(folder: Path) -> list[Fault]:
    """Every fault of a folder of records. Raises CreweError if there is no such folder."""
    return examine_folder(folder).faults


def examine_folder(folder: Path) -> Examined:
    """Read and check a folder of records. Raises CreweError if there is no such folder, and for nothing else."""
    try:
        if not folder.is_dir():
            what = "this is a file" if folder.exists() else "there is no such folder"
            raise CreweError(f"{folder}: {what}; name a folder that holds tables of records.")
        return _examine(folder, sorted(printable(path.name) for path in folder.iterdir()))
    except OSError as fault:
        raise CreweError(f"{folder}: cannot be read ({fault.strerror}).") from None


def _examine(folder: Path, names: Sequence[str]) -> Examined:
    seen = Examined(folder)
    plan, mapping_faults = read_mapping(folder)
    seen.kind, kind_faults = read_kind(folder)
    seen.faults += [*kind_faults, *mapping_faults]
    if mapping_faults:  # what the tables hold cannot be told before it is known what they are called
        return seen
    seen.files = {name: folder / plan[name].file for name in TABLES if _is_there(folder / plan[name].file)}
    seen.faults += _unknown_files(names, plan, seen.files) + _absent_files(plan, seen.files)
    reads = {name: _read_table(path, plan[name], TABLES[name]) for name, path in seen.files.items()}
    seen.hashes = {name: read.sha256 for name, read in reads.items()}
    seen.tables = {name: read.table for name, read in reads.items() if read.table is not None}
    found = [*_empty_tables(seen, plan), *_table_faults(reads, plan)]
    order = [plan[name].file for name in TABLES]
    seen.faults += sorted(found, key=lambda fault: order.index(fault.file))
    return seen


def _table_faults(reads: Mapping[str, _Read], plan: Plan) -> list[Fault]:
    """Faults of files, cells and links, table by table, in the order of columns."""
    tables = {name: read.table for name, read in reads.items() if read.table is not None}
    ids = {name: read.ids for name, read in reads.items() if read.ids is not None}
    every = _Ids(ids.values())
    context = Context(tables, {name for name, read in reads.items() if read.whole}, ids, known_factors())
    links = list(find_faults(all_rules(), context, plan))
    faults: list[Fault] = []
    for name, read in reads.items():
        faults += read.faults
        for item, column, judged in read.columns:
            faults += column_faults(item, plan[name], column, judged, read.rows, every)
        faults += [fault for fault in links if fault.file == plan[name].file]
    return faults


class _Ids:
    """Every id that is written in a key column, for the masking of values that are ids in the wrong place."""

    def __init__(self, indexes: Iterable[pd.Index]) -> None:
        self._indexes = list(indexes)

    def __contains__(self, value: object) -> bool:
        return any(value in index for index in self._indexes)


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def read_kind(folder: Path) -> tuple[Kind | None, list[Fault]]:
    """The kind that a folder's datapackage.json states, which must be records or simulated; else None and the fault."""
    mend = f'write {DESCRIPTOR} with "kind": "records" and "resources": []; \'crewe new DIR\' writes one'
    rule = f"must state the kind of data, {' or '.join(RECORD_KINDS)}"
    if not _is_there(folder / DESCRIPTOR):
        return None, [Fault(DESCRIPTOR, rule, mend, found=("no such file",))]
    try:
        kind: Kind = read_descriptor(folder)["kind"]
    except (DataError, OSError, RecursionError, ValueError):
        return None, [Fault(DESCRIPTOR, rule, mend, found=("no JSON that does",))]
    if kind not in RECORD_KINDS:
        return None, [Fault(DESCRIPTOR, rule, mend, found=(f"'{kind}'",))]
    return kind, []


@cache
def known_factors() -> Mapping[str, frozenset[int]]:
    """Factor of the risk framework → the levels it can have."""
    framework = read_risk_framework(REPOSITORY / "data" / "published")
    return {str(name): frozenset(levels) for name, levels in framework.groupby("factor")["level"]}


def _unknown_files(names: Sequence[str], plan: Plan, files: Mapping[str, Path]) -> list[Fault]:
    """Files that look like tables but are none of the contract's: nothing that a folder holds is passed over."""
    faults, known = [], [plan[name].file for name in TABLES]
    lacking = {plan[name].file.rpartition(".")[0] or plan[name].file: name for name in TABLES if name not in files}
    for name in names:
        stem, _, suffix = name.rpartition(".")
        if name in known or f".{suffix.lower()}" not in _SPREADSHEETS:
            continue
        near = nearest(stem, lacking)
        if near and suffix.lower() != "csv":
            rule = f"{plan[lacking[near]].file} must be a text file with cells separated by commas"
            faults.append(
                Fault(name, rule, f"save it as 'CSV UTF-8 (comma delimited)' named {plan[lacking[near]].file}")
            )
        elif near:
            mend = f"rename it {plan[lacking[near]].file}, or name it in {MAPPING} under tables, {lacking[near]}, file"
            faults.append(Fault(name, f"is no table that is known; perhaps {lacking[near]} is meant", mend))
        elif suffix.lower() == "csv":
            mend = f"take it out of the folder, or name it in {MAPPING} under tables"
            faults.append(Fault(name, f"is no table that is known; tables are {', '.join(TABLES)}", mend))
    return faults


def _absent_files(plan: Plan, files: Mapping[str, Path]) -> list[Fault]:
    """Tables that must be there: the families, and any that one that is there refers to."""
    faults = []
    for name, table in TABLES.items():
        users = [plan[user].file for user in files if name in {other for other, _ in TABLES[user].refers.values()}]
        named = plan[name].file != f"{name}.csv"
        if name not in files and named and not users and name != FIRST:
            mend = f"put it there, correct its name in {MAPPING}, or delete its lines there if you have no such table"
            rule = f"must be there: {MAPPING} names it for {name}"
            faults.append(Fault(plan[name].file, rule, mend, found=("no such file",)))
        if name not in files and (users or name == FIRST):
            why = f"{join(users)} refer{'s' if len(users) == 1 else ''} to it" if users else "all rest on it"
            mend = f"add it, or name your file in {MAPPING} under tables, {name}, file"
            faults.append(Fault(plan[table.name].file, f"must be there: {why}", mend, found=("no such file",)))
    return faults


def _empty_tables(seen: Examined, plan: Plan) -> list[Fault]:
    """Tables without a row. Other tables than those that are referred to may have none, unless nothing is filled in."""
    empty = [name for name, frame in seen.tables.items() if frame.empty]
    referred = {other for table in TABLES.values() for other, _ in table.refers.values()}
    mend = "fill it in, or delete the file if you have no such table; chapters that need it are left out"
    mends = {FIRST: "fill it in; every other table rests on it"}
    return [
        Fault(plan[name].file, "must hold rows below its header", mends.get(name, mend), found=("no row",))
        for name in empty
        if name in referred or FIRST in empty
    ]


def _read_table(path: Path, plan: TablePlan, table: Table) -> _Read:
    """Read one table and judge its columns."""
    read = read_table_file(path, plan.file)
    if read.cells is None:
        return _Read(read.sha256, list(read.faults))
    places, faults = match_header(read.cells.header, plan, table)
    faults = [*read.faults, *faults]
    if not places:
        return _Read(read.sha256, faults)
    cells, texts, judgements, ids = read.cells, {}, [], None
    for item in table.fields:
        if item.name not in places:
            texts[item.name] = np.full(len(cells.rows), None, dtype=object)
            continue
        column = cells.columns[places[item.name]]
        judged = judge_column(item, plan, column)
        judgements += [(item, column, judged)] if judged.faults else []
        texts[item.name] = judged.text
        if table.key == (item.name,):
            ids = pd.Index([value.strip() for value in column.different], dtype=object)
    typed = to_typed(table, pd.DataFrame(texts, index=cells.rows, dtype=object))
    whole = cells.whole and not typed.empty and all(name in places for name in table.key)
    return _Read(read.sha256, faults, judgements, cells.rows, typed, ids, whole)


def write_summary(seen: Examined) -> str:
    """What a folder without faults holds: '8 tables, 132 families, 262 children, …: no fault.'"""
    rows = {name: len(frame) for name, frame in seen.tables.items()}
    parts = [_say_rows(name, number) for name, number in rows.items()]
    lines = [f"{count(len(rows), 'table')}, {', '.join(parts)}: no fault."]
    lines += [f"Kind of data: {SHORT[seen.kind]}."] if seen.kind else []
    if absent := [f"{name}.csv" for name in TABLES if name not in rows]:
        lines.append(f"Not there: {', '.join(absent)}; chapters that need them are left out.")
    return "\n".join(lines)


def _say_rows(name: str, number: int) -> str:
    one = {"families": "family", "children": "child", "episodes": "episode"}
    return count(number, one[name], name) if name in one else f"{count(number, 'row')} of {name}"
