"""The local-authority tables from the publishers' own files: the panel, one row per authority, year ending 31
March and vintage; the durations of ended episodes; open episodes by primary need; absence of children in need; and
what is missing from them.

What joins the files is the DfE number (la_code): files before 2013 have no other code, and GSS codes change
when boundaries are redrawn (Gateshead, Northumberland, Buckinghamshire, North Yorkshire, Somerset …).
Population and deprivation files name authorities by the GSS code of their own time; each such code is looked
up among all codes that DfE's files ever gave to a DfE number. That covers every upper-tier row of the files
we have, so no table of exceptions is needed, and a code found nowhere is an error. An authority that did not
exist on a file's boundaries has no value there: the old Dorset (835) is not the new one (838), and nothing is
summed or shared out.

Durations (file b5) are counted as the revised years are, and are not in the panel: five bands to a row of it.

`rereferrals` is missing for 2010, `children_ended` before 2017 on first_published rows: see
`crewe_lib.sources.dfe`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from crewe_lib.absence_table import CIN_ABSENCE
from crewe_lib.checks import check_table
from crewe_lib.datapackage import DESCRIPTOR, write_descriptor
from crewe_lib.errors import DataError
from crewe_lib.sources import ENGLAND, mhclg
from crewe_lib.sources.absence import assemble_absence, assemble_absence_cells, set_absence_apart
from crewe_lib.sources.context import assemble_context
from crewe_lib.sources.context_headers import MEASURES
from crewe_lib.sources.describe import SourceFile, describe_package, describe_source
from crewe_lib.sources.folder import Ignored, Source, read_sources
from crewe_lib.sources.need import NEED_MEASURES, assemble_need_cells, assemble_primary_need, set_regions_apart
from crewe_lib.tables import (
    ALL_DURATIONS,
    CONTEXT_COUNTS,
    DURATION_BANDS,
    LA_DURATIONS,
    LA_MISSING,
    LA_PANEL,
    PRIMARY_NEED,
)

KEYS = ["la_code", "year", "vintage"]
ORDER = ["authority", "vintage", "year"]
SCHEMAS = {"la_panel": LA_PANEL, "la_durations": LA_DURATIONS, "la_missing": LA_MISSING}
CONTEXT, NEED, ABSENCE = "context_counts", "primary_need", "cin_absence"


@dataclass(frozen=True)
class BuildReport:
    """What was built: rows of the panel and of the durations, first and last year, number of authorities (England
    aside), files used and files of the folder left aside.
    """

    rows: int
    duration_rows: int
    years: tuple[int, int]
    authorities: int
    sources: tuple[SourceFile, ...]
    ignored: tuple[Ignored, ...]


def assemble_register(sources: Sequence[Source]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Who is who: (authority, name, region by la_code, England's being blank), and la_code by every GSS code
    seen.

    Code, name and region are those of the newest revised row. Raises DataError if one GSS code has two DfE
    numbers, or a first-published number is unknown to the revised files.
    """
    named = pd.concat([one.cells for one in sources if "la_code" in one.layout.columns], ignore_index=True)
    revised = pd.concat([one.cells for one in sources if one.layout.vintage == "revised"], ignore_index=True)
    newest = revised.sort_values(["year", "gss", "name"], kind="stable").groupby("la_code").tail(1)
    register = newest.set_index("la_code")[["gss", "name", "region"]].rename(columns={"gss": "authority"})
    pairs = named.loc[named["gss"] != "", ["gss", "la_code"]].drop_duplicates()
    shared = pairs[pairs.duplicated("gss", keep=False)]
    if len(shared):
        listed = ", ".join(f"{row.gss} = {row.la_code}" for row in shared.itertuples())
        raise DataError(f"One GSS code has two DfE numbers in DfE's files: {listed}. To mend: correct the file.")
    for one in sources:
        unknown = sorted(set(one.cells["la_code"]) - set(register.index))
        if unknown:
            raise DataError(
                f"{one.path}: DfE number {', '.join(unknown[:10])} stands in no revised file. "
                "To mend: correct the number, or add the revised release that names the authority."
            )
    return register, dict(zip(pairs["gss"], pairs["la_code"], strict=True))


def assign_la_codes(source: Source, codes: Mapping[str, str]) -> Source:
    """The same file with DfE numbers, if it names authorities by GSS code only. Raises DataError."""
    cells = source.cells
    if "la_code" in source.layout.columns:
        return source
    known = {ENGLAND: "", **codes}
    unknown = cells.loc[~cells["gss"].isin(known), ["gss", "name"]].drop_duplicates()
    if len(unknown):
        listed = "; ".join(f"{gss} {name}" for gss, name in unknown.head(10).to_numpy())
        raise DataError(f"{source.path}: no DfE file has the GSS code of {listed}. To mend: correct the code.")
    return replace(source, cells=cells.assign(la_code=cells["gss"].map(known)))


def check_coverage(sources: Sequence[Source]) -> None:
    """Each file must hold, year by year, exactly the authorities it should. Raises DataError naming who is
    not there.

    First-published files share one set of authorities, since no boundary moved from 2010 to 2017. Revised and
    0-17 population files name, for each year, the authorities of that year; they all begin with the same
    year, have no gap, and may end with different years. Files with GSS codes hold the authorities of their
    own boundaries.
    """
    first = _authorities_by_year(one for one in sources if one.layout.vintage == "first_published")
    revised = _authorities_by_year(one for one in sources if one.layout.vintage == "revised")
    everyone = set().union(*first.values(), *(revised.get(year, set()) for year in first))
    for one in sources:
        present = _authorities_by_year([one])
        if one.layout.vintage == "first_published":
            expected = dict.fromkeys(present, everyone)
        elif one.layout.boundaries:
            theirs = revised.get(one.layout.boundaries, set()) - (set() if "level" in one.layout.columns else {""})
            expected = dict.fromkeys(range(min(present), max(present) + 1), theirs)
        else:
            expected = {year: revised.get(year, set()) for year in range(min(revised), max(present) + 1)}
        for year in sorted(expected.keys() | present.keys()):
            _refuse_difference(one, year, expected.get(year, set()), present.get(year, set()))


def _authorities_by_year(sources: Iterable[Source]) -> dict[int, set[str]]:
    """DfE numbers ('' for England) by year ending 31 March, over all the files."""
    cells = pd.concat([one.cells[["year", "la_code"]] for one in sources])
    return {int(str(year)): set(group) for year, group in cells.groupby("year")["la_code"]}


def _refuse_difference(source: Source, year: int, expected: set[str], present: set[str]) -> None:
    """Raise DataError if a file lacks authorities in a year, or has some that no other file has."""
    for codes, fault in ((expected - present, "no row for"), (present - expected, "an unexpected row for")):
        if codes:
            listed = ", ".join(code or "England" for code in sorted(codes)[:10])
            more = f" and {len(codes) - 10} more" if len(codes) > 10 else ""
            raise DataError(
                f"{source.path}: year {year - source.layout.year_shift}: {fault} DfE number {listed}{more}, "
                "judging by the other files. To mend: restore the file as its publisher released it."
            )


def assemble_cells(sources: Sequence[Source]) -> pd.DataFrame:
    """All cells of all files by la_code, year, vintage and measure: columns KEYS, measure, value, mark,
    meaning.

    A population serves every vintage that has counts for the authority and year; years without counts fall
    away.
    """
    counts, shared = [], []
    for one in sources:
        cells = one.cells[["la_code", "year", "measure", "value", "mark"]].copy()
        cells["meaning"] = cells["mark"].map(one.layout.marks)
        if one.layout.vintage:
            counts.append(cells.assign(vintage=one.layout.vintage))
        elif one.layout.number == "count":
            shared.append(cells)
    counted = pd.concat(counts, ignore_index=True)
    populations = counted[KEYS].drop_duplicates().merge(pd.concat(shared), on=["la_code", "year"])
    return pd.concat([counted, populations], ignore_index=True)


def assemble_durations(cells: pd.DataFrame) -> pd.DataFrame:
    """Ended episodes by la_code, year and band (1 to 5), with the file's own number for all durations."""
    keys = ["la_code", "year"]
    rows = cells[cells["measure"].isin(DURATION_BANDS)].rename(columns={"value": "episodes"})
    codes = {measure: code for code, measure in enumerate(DURATION_BANDS, start=1)}
    whole = cells.loc[cells["measure"] == ALL_DURATIONS, [*keys, "value"]].rename(columns={"value": ALL_DURATIONS})
    return rows.assign(band=rows["measure"].map(codes)).merge(whole, on=keys, validate="many_to_one")


def assemble_tables(source_dir: Path) -> dict[str, pd.DataFrame]:
    """The tables of `SCHEMAS`, primary_need, cin_absence and context_counts, from the publishers' files below a folder.

    Rows are sorted by authority, (vintage,) year and what else tells them apart, needs as in `PRIMARY_NEEDS`. Raises
    DataError for anything that is not as it should be.
    """
    return _assemble(read_sources(source_dir)[0])


def _assemble(sources: Sequence[Source]) -> dict[str, pd.DataFrame]:
    """The tables by name, from the files as read."""
    sources, absence = set_absence_apart(sources)
    sources, regions = set_regions_apart(sources)
    register, codes = assemble_register(sources)
    keyed = [assign_la_codes(one, codes) for one in sources]
    check_coverage(keyed)
    absent = assemble_absence_cells([assign_la_codes(one, codes) for one in absence], register)
    cells, needs = assemble_cells(keyed), assemble_need_cells([*keyed, *regions], register)
    cells = cells[~cells["measure"].isin(MEASURES | NEED_MEASURES)]
    deprivation = next(one.cells for one in keyed if one.layout is mhclg.IMD_2015)
    panel = cells.pivot(index=KEYS, columns="measure", values="value").reset_index()
    panel["imd_2015_score"] = panel["la_code"].map(deprivation.set_index("la_code")["value"]).astype("float64")
    order = {"la_panel": ORDER, "la_durations": ["authority", "year", "band"], "la_missing": [*ORDER, "measure"]}
    found = {"la_panel": panel, "la_durations": assemble_durations(cells), "la_missing": cells[cells["mark"].notna()]}
    tables = {}
    for name, schema in SCHEMAS.items():
        named = found[name].merge(register, left_on="la_code", right_index=True)
        if name == "la_missing":
            named = pd.concat([named, *(other[other["mark"].notna()] for other in (needs, absent))])
        tables[name] = named.sort_values(order[name], ignore_index=True)[list(schema.columns)]
        check_table(tables[name], schema, name)
    open_needs = assemble_primary_need(needs).sort_values(["authority", "year"], kind="stable", ignore_index=True)
    tables[NEED] = check_table(open_needs[list(PRIMARY_NEED.columns)], PRIMARY_NEED, NEED)
    tables[ABSENCE] = check_table(assemble_absence(absent), CIN_ABSENCE, ABSENCE)
    return tables | {CONTEXT: check_table(assemble_context(keyed, register), CONTEXT_COUNTS, CONTEXT)}


def build_official(source_dir: Path, out_dir: Path) -> BuildReport:
    """Write the tables and datapackage.json, each whole or not at all, the same bytes each time.

    Raises DataError if the publishers' files are not as they should be (nothing is then written), or if
    `out_dir` cannot be written.
    """
    read, ignored = read_sources(source_dir)
    tables = _assemble(read)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out_dir, prefix=".building-") as name:
            folder = Path(name)
            for table, frame in tables.items():
                frame.to_csv(folder / f"{table}.csv", index=False, lineterminator="\n", encoding="utf-8")
            write_descriptor(folder, describe_package(tables, read))
            for item in (*(f"{table}.csv" for table in tables), DESCRIPTOR):
                (folder / item).replace(out_dir / item)
    except OSError as fault:
        raise DataError(f"{out_dir}: cannot be written ({fault.strerror}); name a folder of your own.") from None
    panel = tables["la_panel"]
    return BuildReport(
        rows=len(panel),
        duration_rows=len(tables["la_durations"]),
        years=(int(panel["year"].min()), int(panel["year"].max())),
        authorities=panel.loc[panel["la_code"] != "", "la_code"].nunique(),
        sources=tuple(map(describe_source, read)),
        ignored=tuple(ignored),
    )
