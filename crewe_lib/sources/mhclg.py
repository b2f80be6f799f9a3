"""Ministry of Housing, Communities and Local Government: Indices of Deprivation, upper-tier summaries (xlsx).

The panel uses the average score of the 2015 index (higher is more deprived). The 2019 file is known, so that
it can be told from the 2015 one, but is not needed: it was measured after the years the evaluation is about.
Neither file has a row for England. The headers of 2019 end in a blank.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crewe_lib.sources import Layout, read_source


def _layout(index: int, geography: int, *, used: bool) -> Layout:
    """The layout of one edition of the index, keyed by the GSS codes of the year `geography`."""
    code = f"Upper Tier Local Authority District code ({geography})"
    name = f"Upper Tier Local Authority District name ({geography})"
    return Layout(
        key=f"deprivation {index}",
        publisher="Ministry of Housing, Communities and Local Government",
        title=f"MHCLG Indices of Deprivation {index}, upper-tier local authority summaries",
        columns={"gss": code, "name": name},
        measures={f"imd_{index}_score": "IMD - Average score"},
        signature=(code, name),
        year=index,
        boundaries=geography + 1,  # no boundary of 2013 or 2019 moved between April of the year and next March
        number="score",
        used=used,
    )


IMD_2015 = _layout(2015, 2013, used=True)
IMD_2019 = _layout(2019, 2019, used=False)
LAYOUTS = (IMD_2015, IMD_2019)


def read_imd(path: Path) -> pd.DataFrame:
    """Average IMD score by authority: cells (`CELL_COLUMNS`); year is the edition's. Raises DataError."""
    return read_source(path, LAYOUTS)[1]
