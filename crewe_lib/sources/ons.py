"""Office for National Statistics: mid-year population estimates, table MYE4 (all ages).

The file names authorities by GSS code and groups them by kind. It uses the boundaries of April 2021 for all
years, so authorities abolished by then (Bournemouth, Poole, the old Dorset, Northamptonshire) have no row,
and those created in 2023 (Cumberland, Westmorland and Furness) have none either. Some codes and names end in
a no-break space.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crewe_lib.sources import Layout, read_source

MYE4 = Layout(
    key="population all ages",
    publisher="Office for National Statistics",
    title="ONS mid-year population estimates, mid-{newest} release, table MYE4, all ages",
    columns={"gss": "code", "name": "name", "level": "geography", "year": "mid_year"},
    measures={"population_all_ages": "population"},
    signature=("geography", "mid_year", "population"),
    levels={
        "Unitary Authority": "authority",
        "Metropolitan District": "authority",
        "London Borough": "authority",
        "County": "authority",
        "Country": "england",
        "Non-metropolitan District": "skip",  # the county around it is the authority
    },
    year_shift=1,
    boundaries=2022,  # April 2021
)
LAYOUTS = (MYE4,)


def read_mye4(path: Path) -> pd.DataFrame:
    """Population of all ages: cells of `sources.CELL_COLUMNS`; year is the year ending 31 March after the
    mid-year.

    Raises DataError, listing every fault of the file.
    """
    return read_source(path, LAYOUTS)[1]
