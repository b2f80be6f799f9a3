"""What the official panel says on the second report's statements: lines, slopes, and the two-authority estimates.

The rules of the ledger read the panel through `derive_facts`, which keeps what it computed for the last panel, so that
a ledger evaluated twice costs little more than one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.la_did import CHESHIRE_EAST, ENGLAND, FIRST_YEAR, LAST_YEAR, OUTCOMES, PER, derive_rates
from crewe_lib.la_specifications import PUBLISHED, check_trends, estimate_published, estimate_specifications

# The year ending March in which the last year before the start ends.
START = 2015
ALPHA = 0.05
_DESIGN: Mapping[str, Any] = {
    "treated": CHESHIRE_EAST,
    "comparators": PUBLISHED,
    "implemented": START,
    "first_year": FIRST_YEAR,
    "last_year": LAST_YEAR,
    "alpha": ALPHA,
}


@dataclass(frozen=True)
class PanelFacts:
    """Everything that the rules ask of one panel, each part computed when first asked for."""

    panel: pd.DataFrame

    @cached_property
    def lines(self) -> dict[str, pd.DataFrame]:
        """Outcome → its rates per 10,000 residents, a year longer at the start than the model."""
        years = {"first_year": FIRST_YEAR - 1, "last_year": LAST_YEAR}
        return {name: derive_rates(self.panel, outcome=name, series="main", **years) for name in OUTCOMES}

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """The report's model: see `estimate_published`."""
        return estimate_published(self.panel, **_DESIGN)

    @cached_property
    def trends(self) -> pd.DataFrame:
        """The check of parallel trends: see `check_trends`."""
        return check_trends(self.panel, **_DESIGN)

    @cached_property
    def specifications(self) -> pd.DataFrame:
        """The model under other choices: see `estimate_specifications`."""
        return estimate_specifications(self.panel, **_DESIGN)

    def rate(self, outcome: str, authority: str) -> pd.Series:
        """One authority's rate by year, where the files give it."""
        rows = self.lines[outcome]
        own = rows[(rows["authority"] == authority) & rows["rate"].notna()]
        return own.set_index("year")["rate"]

    def need_beside_england(self) -> dict[str, pd.DataFrame]:
        """Children in need at 31 March by year, Cheshire East (own) and England, by what they are counted per.

        Keys: residents (per 10,000), children (per 10,000, as first published), authorities (England's number over
        the number of authorities).
        """
        rows = self.lines["children_in_need"]
        number = rows.pivot(index="year", columns="authority", values="count").astype(float)
        number[ENGLAND] /= rows[rows["authority"] != ENGLAND].groupby("year").size()
        first = self.panel[self.panel["vintage"] == "first_published"]
        rate = PER * first["cin_31_march"].astype(float) / first["population_0_17_in_release"].astype(float)
        wide = {
            "residents": rows.pivot(index="year", columns="authority", values="rate"),
            "children": first.assign(rate=rate).pivot(index="year", columns="authority", values="rate"),
            "authorities": number,
        }
        names = {CHESHIRE_EAST: "own", ENGLAND: "england"}
        return {key: table[list(names)].rename(columns=names) for key, table in wide.items()}

    def variants(self, outcome: str) -> tuple[int, int]:
        """In how many of the other specifications the interval leaves out zero, and of how many."""
        table = self.specifications
        others = table[table["outcome"].eq(outcome) & ~table["chosen"] & table["estimate"].notna()]
        return int(others["excludes_zero"].sum()), len(others)


def slope(rate: pd.Series, first: int, last: int) -> float:
    """Yearly change of a line fitted by least squares between two years."""
    part = rate.loc[first:last]
    return float(np.polyfit(part.index.to_numpy(float), part.to_numpy(float), 1)[0])


def write_ends(name: str, rate: pd.Series, first: int, last: int) -> str:
    """'Enfield 86.5 in 2015, 121.7 in 2019'."""
    return f"{name} {write_years(rate, (first, last))}"


def write_years(rate: pd.Series, years: Sequence[int]) -> str:
    """'22.8 in 2011, 15.0 in 2015'."""
    return ", ".join(f"{rate[year]:.1f} in {year}" for year in dict.fromkeys(years))


_kept: list[PanelFacts] = []


def derive_facts(panel: pd.DataFrame) -> PanelFacts:
    """The facts of a panel; those of the same table are not computed twice."""
    if not _kept or _kept[0].panel is not panel:
        _kept[:] = [PanelFacts(panel)]
    return _kept[0]
