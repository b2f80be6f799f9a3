"""Readers of the publishers' own files.

A `Layout` says, as data, what one release looks like: which header holds which measure, which columns name
the authority, what stands for a missing value. This module turns any file of a known layout into one long
table of cells (`CELL_COLUMNS`); `dfe`, `ons` and `mhclg` hold the layouts; `panel` joins the cells into the
authority panel.

A file is recognised by its header, never by its name. What it holds is either read exactly or refused, with
every fault of the file in one DataError. Nothing is coerced, and nothing is missing unless the publisher
marked it so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.sources.rawfile import Fault, RawTable, raise_faults, read_table, shorten

ENGLAND = "E92000001"
CELL_COLUMNS = ("la_code", "gss", "name", "region", "year", "measure", "value", "mark")
Number = Literal["count", "score"]

# None of the files says what its marks mean. These are the conventions of the releases of the time: the
# statistical first releases' key for the older files, the Government Statistical Service's shared shorthand
# for the later ones. Mind that x means "withheld" in the older files and "not available" in the later ones.
FIRST_MARKS: Mapping[str, str] = {
    "x": "withheld: a small number, or one that would give a small number away",
    "..": "not available: no usable return",
    ".": "not applicable",
    ":": "not available",
    "": "blank in the file, no reason given",
}
LATER_MARKS: Mapping[str, str] = {
    "x": "not available",
    "c": "withheld to protect confidentiality",
    "u": "withheld because of low reliability",
    "z": "not applicable",
    "k": "rounds to zero, but is not zero",
    ":": "not available",
    "..": "not available",
    ".": "not applicable",
    "": "blank in the file, no reason given",
}
KEY_RULES: Mapping[str, tuple[str, str]] = {
    "la_code": (r"[0-9]{3}", "a DfE number of three digits"),
    "gss": (r"E[0-9]{8}", "a GSS code such as E06000049"),
    "name": (r".+", "a name"),
    "region": (r".+", "the name of a region"),
    "region_code": (r"E[0-9]{8}", "a GSS code such as E12000002"),
    "year": (r"(19|20)[0-9]{2}", "a year of four digits"),
    "academic_year": ("|".join(f"{y}{(y + 1) % 100:02d}" for y in range(2000, 2100)), "two years such as 201617"),
}
# Which of a layout's keys name a row, by its level. England's codes are not read: many are wrong.
LEVEL_KEYS: Mapping[str, tuple[str, ...]] = {
    "authority": ("la_code", "gss", "name", "region", "year", "academic_year"),
    "region": ("region_code", "region", "year"),
    "england": ("year", "academic_year"),
}
NUMBER_RULES: Mapping[Number, tuple[str, str]] = {
    "count": (
        r"[0-9]{1,9}|[0-9]{1,3}(,[0-9]{3}){1,2}",
        "a whole number, with or without commas between thousands",
    ),
    "score": (r"-?[0-9]{1,9}(\.[0-9]{1,17})?", "a number"),
}


@dataclass(frozen=True)
class Layout:
    """What one release's file looks like.

    key: short name used in messages; title: the release, {newest} standing for the newest year in the file;
    columns: la_code, gss, name, region, region_code, year or academic_year, level, part and those of `only` → header;
    measures: measure → header; signature: headers that tell the layout from others (those of the measures, where
    empty); levels: what the level column may hold → authority, region, england or skip; parts: where an authority's
    year has several rows, what the part column may hold → what is put before the measures of that row, or skip; only:
    column → the one text of it whose rows are read; year: the year ending 31 March, where no column gives it;
    year_shift: what to add to the year column (1 for mid-year populations, which DfE pairs with the next year ending
    31 March); reaches: range of the newest year in the file, which tells editions with one header apart; boundaries:
    where rows have GSS codes only, a year ending 31 March whose authorities are those of the file; vintage: empty for
    what serves both vintages; used: False for a file we know but do not need.
    """

    key: str
    publisher: str
    title: str
    columns: Mapping[str, str]
    measures: Mapping[str, str]
    signature: tuple[str, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)
    year: int | None = None
    year_shift: int = 0
    reaches: tuple[int, int] = (0, 9999)
    boundaries: int | None = None
    encoding: str = "utf-8"
    marks: Mapping[str, str] = field(default_factory=lambda: LATER_MARKS)
    number: Number = "count"
    vintage: str = ""
    used: bool = True


def tidy(text: str) -> str:
    """A header as it is compared: outer blanks (no-break spaces too) and letter case put aside."""
    return text.strip().casefold()


def parse_number(text: str, *, number: Number, marks: Mapping[str, str]) -> tuple[int | float | None, str | None]:
    """(value, None) for a number, (None, mark) for a missing mark. Raises ValueError for anything else."""
    bare = text.strip()
    if bare in marks:
        return None, bare
    if not re.fullmatch(NUMBER_RULES[number][0], bare):
        raise ValueError(text)
    return (int(bare.replace(",", "")) if number == "count" else float(bare)), None


def match_layout(table: RawTable, layouts: Iterable[Layout]) -> Layout | None:
    """The layout whose signature the header carries best, if it carries at least half of it; else None.

    Where editions share a header, the newest year in the file decides. Raises DataError if none ends
    with that year.
    """
    header = {tidy(text) for text in table.header}
    shares: list[tuple[float, Layout]] = []
    for layout in layouts:
        signature = layout.signature or tuple(layout.measures.values())
        shares.append((sum(tidy(text) in header for text in signature) / len(signature), layout))
    best = max((share for share, _ in shares), default=0.0)
    editions = [layout for share, layout in shares if share == best >= 0.5]
    if len(editions) < 2:
        return editions[0] if editions else None
    column = locate_columns(table, editions[0])["year"]
    years = [int(row[column]) for _, row in table.rows if len(row) > column and row[column].isdecimal()]
    newest = max(years, default=0)
    for layout in editions:
        if layout.reaches[0] <= newest <= layout.reaches[1]:
            return layout
    known = "; ".join(f"{layout.key} ends {layout.reaches[0]} to {layout.reaches[1]}" for layout in editions)
    raise DataError(f"{table.path}: its newest year is {newest}, which no known edition has ({known}).")


def locate_columns(table: RawTable, layout: Layout) -> dict[str, int]:
    """Where each key and measure stands in the file. Raises DataError if one is absent or there twice."""
    header = [tidy(text) for text in table.header]
    wanted = {**layout.columns, **layout.measures}
    faults = [
        Fault(1, text, f"{header.count(tidy(text))} columns of that name", f"exactly one, in {layout.title}")
        for text in wanted.values()
        if header.count(tidy(text)) != 1
    ]
    if faults:
        raise_faults(table.path, faults)
    return {name: header.index(tidy(text)) for name, text in wanted.items()}


def read_keys(cells: Mapping[str, str], layout: Layout, level: str) -> Iterator[tuple[str, str, str]]:
    """What identifies a row of a level: (key, text, rule broken or '')."""
    for key in layout.columns:
        if key not in LEVEL_KEYS[level]:
            continue
        text = cells[key].strip()
        pattern, rule = KEY_RULES[key]
        yield key, text, "" if re.fullmatch(pattern, text) else rule


def read_row(
    row: tuple[str, ...], at: Mapping[str, int], layout: Layout
) -> tuple[list[dict[str, object]], list[tuple[str, str]]]:
    """The cells of one row, one record per measure, and what is wrong with them as (key or measure, rule)."""
    texts = {name: row[place] for name, place in at.items()}
    known = {"level": layout.levels, "part": layout.parts}
    found_as = {key: names.get(texts[key].strip(), "") for key, names in known.items() if key in at}
    left_out = any(texts[key].strip() != text for key, text in layout.only.items()) or "skip" in found_as.values()
    if left_out or "" in found_as.values():
        return [], [(key, "one of " + ", ".join(known[key])) for key in found_as if not left_out and not found_as[key]]
    level, before = found_as.get("level", "authority"), found_as.get("part", "")
    keys = list(read_keys(texts, layout, level))
    wrong = [(key, rule) for key, _, rule in keys if rule]
    found: dict[str, object] = dict.fromkeys(("la_code", "gss", "name", "region"), "")
    found.update((key, text) for key, text, _ in keys)
    if level == "england":
        found |= {"gss": ENGLAND, "name": "England"}
    if level == "region":
        found |= {"gss": found.pop("region_code", ""), "name": found["region"], "region": ""}
    found["year"] = layout.year or (0 if wrong else _read_year(found) + layout.year_shift)
    records = []
    for measure in layout.measures:
        try:
            value, mark = parse_number(texts[measure], number=layout.number, marks=layout.marks)
            records.append(found | {"measure": before + measure, "value": value, "mark": mark})
        except ValueError:
            marks = ", ".join(text for text in layout.marks if text)
            wrong.append((measure, f"{NUMBER_RULES[layout.number][1]}, or a missing mark ({marks} or blank)"))
    return records, wrong


def _read_year(keys: dict[str, object]) -> int:
    """The year of a row; of an academic year, the one in which it ends."""
    academic = keys.pop("academic_year", None)
    return int(str(keys["year"])) if academic is None else int(str(academic)[:4]) + 1


def read_cells(table: RawTable, layout: Layout) -> pd.DataFrame:
    """All cells of a file, one row per authority (or England), year and measure; columns `CELL_COLUMNS`.

    value: nullable integer (or float, for a score), missing where mark is not None. Raises DataError.
    """
    at = locate_columns(table, layout)
    headers = {**layout.columns, **layout.measures}
    records: list[dict[str, object]] = []
    faults: list[Fault] = []
    lines: dict[tuple[object, ...], int] = {}
    for line, row in table.rows:
        if len(row) != len(table.header):
            faults.append(Fault(line, "(whole row)", f"{len(row)} cells", f"{len(table.header)}, as in the header"))
            continue
        found, wrong = read_row(row, at, layout)
        faults += [Fault(line, headers[name], row[at[name]], rule) for name, rule in wrong]
        if found and not wrong:
            who = tuple(found[0][key] for key in ("la_code", "gss", "year", "measure"))
            first = lines.setdefault(who, line)
            if first != line:
                text = f"{found[0]['name']} again (first in row {first})"
                faults.append(Fault(line, layout.columns["name"], text, "one row for each authority and year"))
        records += found
    if faults or not records:
        raise_faults(table.path, faults or [Fault(2, "(whole row)", "no rows", "a row for each authority")])
    cells = pd.DataFrame.from_records(records, columns=list(CELL_COLUMNS))
    return cells.astype({"value": "Int64" if layout.number == "count" else "Float64", "year": "int64", "mark": object})


def read_source(path: Path, layouts: Iterable[Layout]) -> tuple[Layout, pd.DataFrame]:
    """One publisher's file: its layout among `layouts`, and its cells. Raises DataError."""
    known = tuple(layouts)
    layout = match_layout(read_table(path), known)
    if layout is None:
        raise DataError(
            f"{path}: its header ({shorten(', '.join(read_table(path).header[:4]), 60)}) is of no known "
            f"layout; known: {', '.join(sorted(one.key for one in known))}. To mend: give a publisher's file."
        )
    return layout, read_cells(read_table(path, encoding=layout.encoding), layout)
