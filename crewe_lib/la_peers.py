"""The authorities most like the treated one before the start, by three published figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.la_cells import Cells, Window
from crewe_lib.la_choices import check_authority
from crewe_lib.la_did import FIRST_YEAR, PER
from crewe_lib.models.panel import Array
from crewe_lib.provenance import traced

FEATURES = ("imd_2015_score", "children", "need_rate")
PEER_COLUMNS = {
    "rank": Column("Rank"),
    "name": Column("Authority"),
    "distance": Column("Distance", fixed(2)),
    "imd_2015_score": Column("Deprivation score, 2015", fixed(1)),
    "children": Column("Children 0 to 17", fixed(0)),
    "need_rate": Column("In need per 10,000 children", fixed(0)),
}
_CHILDREN = "population_0_17_pre_census_2021"


@dataclass(frozen=True, eq=False)
class Peers:
    """table: rank (0 is the treated authority itself), authority, name, distance, imd_2015_score, children, need_rate;
    exclusions: authority, name, years, kind, reason, for authorities that lack one of the three figures.
    """

    table: pd.DataFrame
    exclusions: pd.DataFrame


@traced
def derive_peers(
    panel: pd.DataFrame,
    missing: pd.DataFrame,
    *,
    treated: str,
    implemented: int,
    n: int = 10,
    before: int = 2015,
    first_year: int = FIRST_YEAR,
) -> Peers:
    """The n authorities nearest to the treated one, and the treated one itself with rank 0.

    Distance is Euclid's on three figures, each over its standard deviation across all authorities that have all three:
    the average score of the Index of Multiple Deprivation 2015; children aged 0 to 17 at the mid-year before the end
    of `implemented`, estimates before Census 2021; and the mean over `first_year` to `before` of children in need at 31
    March per 10,000 children. No year after `implemented` is used, even where `before` is later. This is not the
    official model of statistical neighbours (NFER's, for the Department for Education), which weights many more
    figures from the census and names other authorities; it is a set of comparators that no one has chosen by eye.
    Raises CreweError if the treated authority lacks a figure or n is not from 1 to the number of other authorities.
    """
    check_authority(treated, panel, "treated")
    window = Window(panel, missing, first_year=first_year, last_year=implemented)
    features, needed = derive_features(window, before=before)
    exclusions = _excluded(window, features, needed)
    row = window.row(treated)
    if not np.isfinite(features[row]).all():
        reason = exclusions.set_index("authority").loc[treated, "reason"]
        raise CreweError(f"peers: {window.names[row]} ({treated}) lacks a figure ({reason}); give comparators instead.")
    distances = measure_distances(features)[row]
    known = int(np.isfinite(distances).sum())
    if not 1 <= n < known:
        raise CreweError(f"peers: n is {n}; it must be from 1 to {known - 1}, the number of other authorities.")
    order = [row, *(other for other in np.argsort(distances, kind="stable") if other != row)][: n + 1]
    table = pd.DataFrame(
        {
            "rank": range(n + 1),
            "authority": [window.codes[i] for i in order],
            "name": [window.names[i] for i in order],
            "distance": distances[order],
            **{name: features[order, j] for j, name in enumerate(FEATURES)},
        }
    )
    return Peers(table, exclusions)


def derive_features(window: Window, *, before: int) -> tuple[Array, list[Cells]]:
    """The three figures (units, 3), not a number where one is missing; and the cells that the last two rest on.

    The last year of the window is `implemented`.
    """
    years = [t for t, year in enumerate(window.years) if year <= before]
    if not years:
        raise CreweError(f"peers: before is {before}; it must be {window.years[0]} or later.")
    score, children, need = (window.cells(name, "main") for name in ("imd_2015_score", _CHILDREN, "cin_31_march"))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(children.usable & need.usable, PER * need.array / children.array, np.nan)[:, years]
    latest = np.where(children.usable[:, -1], children.array[:, -1], np.nan)
    features = np.column_stack([score.array[:, -1], latest, rate.mean(axis=1)])
    return features, [score, children, need]


def measure_distances(features: Array) -> Array:
    """Distances between all units (units, units); not a number with a unit that lacks a figure."""
    whole = np.asarray(np.isfinite(features).all(axis=1))
    spread = features[whole].std(axis=0, ddof=1)
    if len(spread) == 0 or whole.sum() < 3 or not (spread > 0).all():
        raise CreweError(
            "peers: the authorities do not differ on one of the three figures, or fewer than three have them."
        )
    scaled = np.where(whole[:, None], features, np.nan) / spread
    return np.asarray(np.sqrt(((scaled[:, None, :] - scaled[None, :, :]) ** 2).sum(axis=2)))


def _excluded(window: Window, features: Array, needed: list[Cells]) -> pd.DataFrame:
    rows = np.flatnonzero(~np.isfinite(features).all(axis=1))
    return window.exclusions(needed, [int(row) for row in rows])
