"""Absence of children in need: England, Cheshire East and the authorities most like it, from two releases.

The files name authorities by GSS code only and hold several rows for an authority's year, so they are set apart before
the panel is put together; each code must be one that the other files know.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.context import CHESHIRE_EAST
from crewe_lib.sources.folder import Source
from crewe_lib.tables import ABSENCE_COUNTS, ABSENCE_MEASURES, ABSENCE_PHASES

# The ten authorities most like Cheshire East before Project Crewe, by la_peers (a test compares), and what became of
# Dorset: since April 2019 it has had another number and another code, and no longer Christchurch.
PEERS = (
    "E10000009",
    "E09000006",
    "E06000011",
    "E09000004",
    "E06000056",
    "E06000051",
    "E06000025",
    "E08000009",
    "E06000050",
    "E09000015",
)
DORSET = ("E10000009", "E06000059")  # to the year ending March 2019, and from the next
LAST_OF_OLD_DORSET = 2019
PLACES = (ENGLAND, CHESHIRE_EAST, *PEERS, DORSET[1])
_PREFIX = "absence_"


def set_absence_apart(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """The other files, and those of absence."""
    absence = [one for one in sources if one.layout.key.startswith(_PREFIX.rstrip("_"))]
    return [one for one in sources if one not in absence], absence


def assemble_absence_cells(sources: Sequence[Source], register: pd.DataFrame) -> pd.DataFrame:
    """The cells of `PLACES`: authority, la_code, name, year, vintage, measure, value, mark, meaning.

    sources: files of absence with DfE numbers assigned; register: authority and name by DfE number. Raises DataError
    if a place of the register lacks rows in a year of a file.
    """
    places = [place for place in PLACES if register["authority"].eq(place).any()]
    parts = []
    for one in sources:
        cells = one.cells.drop(columns=["name", "region"]).merge(
            register[["authority", "name"]], left_on="la_code", right_index=True
        )
        cells = cells[cells["authority"].isin(places)]
        _refuse_lacking(one, cells, places)
        parts.append(cells.assign(vintage=one.layout.vintage, meaning=cells["mark"].map(one.layout.marks)))
    return pd.concat(parts, ignore_index=True)


def _refuse_lacking(source: Source, cells: pd.DataFrame, places: Sequence[str]) -> None:
    """Raise DataError naming a place that should have a row for each phase in each year of the file, and has not."""
    there = set(cells[["authority", "year", "measure"]].itertuples(index=False, name=None))
    measures = [name for name in ABSENCE_MEASURES if any(name.endswith(one) for one in source.layout.measures)]
    for year in range(source.years[0], source.years[1] + 1):
        gone = DORSET[int(year <= LAST_OF_OLD_DORSET)]
        for place in places:
            if place != gone and not all((place, year, measure) in there for measure in measures):
                raise DataError(
                    f"{source.path}: no row for {place} in {year - 1}/{year % 100:02d} and each of "
                    f"{', '.join(ABSENCE_PHASES)}. To mend: restore the file as it was released."
                )


def assemble_absence(cells: pd.DataFrame) -> pd.DataFrame:
    """Absence by place, year, phase and release, sorted so, phases in the order of `ABSENCE_PHASES`."""
    named = cells["measure"].str.removeprefix(_PREFIX).str.split("_", n=1, expand=True)
    long = cells.assign(phase=named[0], count=named[1])
    keys = ["authority", "la_code", "name", "year", "phase", "vintage"]
    table = long.pivot(index=keys, columns="count", values="value").reset_index().rename_axis(columns=None)
    order = table["phase"].map(ABSENCE_PHASES.index)
    table = table.assign(order=order).sort_values(["authority", "year", "order", "vintage"], ignore_index=True)
    return table[[*keys, *ABSENCE_COUNTS]].astype(dict.fromkeys(ABSENCE_COUNTS, "Int64"))
