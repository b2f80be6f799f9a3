"""Open episodes of need by category of primary need: England, the North West and Cheshire East (file b3).

Regions have rows in this file as in others, but no DfE number, so they are set apart before authorities are matched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.context import CHESHIRE_EAST
from crewe_lib.sources.folder import Source
from crewe_lib.tables import ALL_NEEDS, PRIMARY_NEEDS

NORTH_WEST = "E12000002"
PLACES = (ENGLAND, NORTH_WEST, CHESHIRE_EAST)
NEED_MEASURES = frozenset({*PRIMARY_NEEDS, ALL_NEEDS})
_REGION = r"E1[23]"  # GSS codes of regions, and of the two parts of London


def set_regions_apart(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """The same files without the rows of regions, and the rows of regions of those that have them."""
    is_region = [one.cells["gss"].str.match(_REGION) for one in sources]
    without = [replace(one, cells=one.cells[~rows]) for one, rows in zip(sources, is_region, strict=True)]
    regions = [replace(one, cells=one.cells[rows]) for one, rows in zip(sources, is_region, strict=True) if rows.any()]
    return without, regions


def assemble_need_cells(sources: Sequence[Source], register: pd.DataFrame) -> pd.DataFrame:
    """The cells of `PLACES`: authority, la_code, name, year, vintage, measure, value, mark, meaning.

    sources: files with DfE numbers assigned, and rows of regions; register: authority and name by DfE number. Raises
    DataError if one of the places has no row in a year of the file.
    """
    parts = []
    for one in (source for source in sources if NEED_MEASURES & set(source.layout.measures)):
        own = one.cells[one.cells["measure"].isin(NEED_MEASURES)]
        parts.append(own.assign(vintage=one.layout.vintage, meaning=own["mark"].map(one.layout.marks)))
    cells = pd.concat(parts, ignore_index=True).rename(columns={"gss": "authority"})
    numbered = cells["la_code"].isin(register.index) & ~cells["authority"].str.match(_REGION)
    for column in ("authority", "name"):
        cells[column] = cells["la_code"].map(register[column]).where(numbered, cells[column])
    cells = cells[cells["authority"].isin(PLACES)]
    years = cells.groupby("authority")["year"].nunique().reindex(PLACES).fillna(0)
    if lacking := ", ".join(str(place) for place, n in years.items() if n < years.max() or n == 0):
        path = next(one.path for one in sources if ALL_NEEDS in one.layout.measures)
        raise DataError(f"{path}: no row for {lacking} in some years. To mend: restore the file as it was released.")
    return cells


def assemble_primary_need(cells: pd.DataFrame) -> pd.DataFrame:
    """Open episodes by place, year and need, with the file's own number for all needs on each row."""
    keys = ["authority", "year"]
    rows = cells[cells["measure"].isin(PRIMARY_NEEDS)].rename(columns={"value": "episodes"})
    whole = cells.loc[cells["measure"] == ALL_NEEDS, [*keys, "value"]].rename(columns={"value": ALL_NEEDS})
    return rows.assign(need=rows["measure"].map(PRIMARY_NEEDS)).merge(whole, on=keys, validate="many_to_one")
