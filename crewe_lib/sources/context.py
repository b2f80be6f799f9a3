"""Figures beside the panel that the reports quote: factors found at assessment, plans open, need at any point.

They stand in the same files as the panel's counts, and are taken for England and for Cheshire East. A factor's
percentage is of the assessed episodes with any factor recorded, which is how the releases state it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from crewe_lib.sources import ENGLAND
from crewe_lib.sources.context_headers import ASSESSED, FACTOR, MEASURES
from crewe_lib.sources.folder import Source
from crewe_lib.tables import CONTEXT_COUNTS

CHESHIRE_EAST = "E06000049"
_SUBJECTS: Mapping[str, str] = {
    "plans_open_31_march": "child protection plans",
    "episodes_at_any_point": "children in need",
    "children_at_any_point": "children in need",
    "episodes_started": "children in need",
    ASSESSED: "assessments",
}


def assemble_context(sources: Sequence[Source], register: pd.DataFrame) -> pd.DataFrame:
    """The context figures of England and Cheshire East, one row per year, vintage and measure.

    Columns as in `CONTEXT_COUNTS`. sources: files with DfE numbers assigned; register: authority, name and region by
    DfE number.
    """
    parts = []
    for one in (source for source in sources if source.layout.vintage):
        cells = one.cells[one.cells["measure"].isin(MEASURES)]
        column = cells["measure"].map(one.layout.measures)
        parts.append(cells.assign(vintage=one.layout.vintage, release=one.title, column=column))
    rows = pd.concat(parts, ignore_index=True)[["la_code", "year", "vintage", "measure", "value", "release", "column"]]
    rows = rows.rename(columns={"value": "number"}).merge(
        register[["authority", "name"]], left_on="la_code", right_index=True
    )
    rows = rows[rows["authority"].isin([ENGLAND, CHESHIRE_EAST])]
    rows["number"] = rows["number"].astype("Int64")
    keys = ["authority", "year", "vintage"]
    whole = rows[rows["measure"] == ASSESSED].set_index(keys)["number"].rename("assessed")
    rows = rows.join(whole, on=keys)
    is_factor = rows["measure"].str.startswith(FACTOR)
    share = 100 * rows["number"].astype(float) / rows["assessed"].astype(float)
    rows["percentage"] = share.where(is_factor).round(2)
    rows["subject"] = rows["measure"].map(_SUBJECTS).where(~is_factor, "assessment factors")
    rows["measure"] = rows["measure"].str.removeprefix(FACTOR)
    return rows.sort_values([*keys, "subject", "measure"], ignore_index=True)[list(CONTEXT_COUNTS.columns)]
