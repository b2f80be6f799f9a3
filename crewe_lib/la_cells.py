"""The panel as arrays, authorities × years, and for each cell that is not there the reason in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.formats import JOIN
from crewe_lib.la_did import ENGLAND, LAST_FIRST_PUBLISHED, Series
from crewe_lib.models.panel import Array

Flags = npt.NDArray[np.bool_]
Key = tuple[str, int, str, str]
Reason = tuple[str, str]  # kind, words

# Kinds of reason, in the order in which they are named; an authority's kind is the first that applies.
BOUNDARY, NOT_COVERED, NO_RETURN, WITHHELD, NO_RESIDENTS, NO_CASE = KINDS = (
    "boundaries changed",
    "year not covered",
    "no usable return",
    "withheld",
    "no residents",
    "no case before",
)
MEASURE_WORDS: Mapping[str, str] = {
    "episodes_ended": "endings",
    "children_ended": "children whose episode ended",
    "episodes_ended_rc7": "endings with reason RC7",
    "rereferrals": "re-referrals",
    "cpp_started": "plans begun",
    "cin_31_march": "children in need",
    "imd_2015_score": "deprivation score",
    "population_all_ages": "residents of all ages",
    "population_0_17_in_release": "children 0 to 17",
    "population_0_17_pre_census_2021": "children 0 to 17 before Census 2021",
    "population_0_17_rebased": "children 0 to 17 rebased to Census 2021",
}

POPULATIONS: Mapping[str, str] = {
    "population_all_ages": "all ages",
    "population_0_17_pre_census_2021": "0 to 17, before Census 2021",
    "population_0_17_rebased": "0 to 17, rebased to Census 2021",
}
# Mid-year estimates of children on today's boundaries begin with mid-2012, paired with the year ending March 2013; for
# earlier years the figure printed in the release stands in.
FIRST_ESTIMATE, IN_RELEASE = 2013, "population_0_17_in_release"
EXCLUSIONS = ["authority", "name", "years", "kind", "reason"]


@dataclass(frozen=True, eq=False)
class Cells:
    """One measure: array (authorities, years), not a number where missing; and the column and vintage of each year."""

    array: Array
    columns: tuple[str, ...]
    vintages: tuple[str, ...]

    @property
    def usable(self) -> Flags:
        """(authorities, years): there is a figure, and if it is a number of residents it is not zero."""
        known = np.isfinite(self.array)
        return known & (self.array > 0) if self.is_population else known

    @property
    def is_population(self) -> bool:
        """Whether this is a denominator."""
        return self.columns[0].startswith("population")


class Window:
    """The panel's rows of some years: codes and names of all its authorities without England, and cells by measure."""

    def __init__(self, panel: pd.DataFrame, missing: pd.DataFrame, *, first_year: int, last_year: int) -> None:
        rows = panel[panel["year"].between(first_year, last_year) & panel["authority"].ne(ENGLAND)]
        self.years = tuple(range(first_year, last_year + 1))
        absent = sorted(set(self.years) - set(rows["year"]))
        if absent or not self.years:
            raise CreweError(
                f"the panel has no figures for {speak_years(absent) or 'these years'}; choose other years."
            )
        named = rows.drop_duplicates("authority").set_index("authority")["name"].sort_index()
        self.codes, self.names = tuple(map(str, named.index)), tuple(map(str, named))
        self._rows = rows.set_index(["authority", "year", "vintage"])
        if self._rows.index.has_duplicates:
            raise CreweError("the panel has an authority twice in a year and vintage; rows are doubled.")
        self._there = {(str(code), int(year)) for code, year in zip(rows["authority"], rows["year"], strict=True)}
        marks = missing[missing["year"].between(first_year, last_year)]
        keys = zip(marks["authority"], marks["year"], marks["vintage"], marks["measure"], strict=True)
        self._meaning: dict[Key, str] = dict(zip(keys, marks["meaning"], strict=True))

    def row(self, code: str) -> int:
        """The row of an authority in every array. Raises CreweError if it has no row in these years."""
        if code not in self.codes:
            raise CreweError(f"{code} has no figures at all from {self.years[0]} to {self.years[-1]}; choose others.")
        return self.codes.index(code)

    def cells(self, column: str, series: Series) -> Cells:
        """One measure, the vintages joined as `series` says; populations 0 to 17 as in the note on FIRST_ESTIMATE."""
        last = LAST_FIRST_PUBLISHED[series]
        vintages = tuple("first_published" if year <= last else "revised" for year in self.years)
        early = column.startswith("population_0_17")
        columns = tuple(IN_RELEASE if early and year < FIRST_ESTIMATE else column for year in self.years)
        values = np.full((len(self.codes), len(self.years)), np.nan)
        for t, (year, vintage, name) in enumerate(zip(self.years, vintages, columns, strict=True)):
            wanted = pd.MultiIndex.from_product([self.codes, [year], [vintage]])
            values[:, t] = self._rows[name].reindex(wanted).to_numpy(float, na_value=np.nan)
        return Cells(values, columns, vintages)

    def exclusions(self, needed: Iterable[Cells], rows: Sequence[int] | None = None) -> pd.DataFrame:
        """Why authorities are incomplete: one row for each of them, or for each of `rows`.

        Columns: authority, name, years, kind (one of KINDS), reason (in plain words, each with its years if several).
        """
        measures = list(needed)
        bad = ~np.all(np.stack([one.usable for one in measures]), axis=0)
        chosen = [int(row) for row in np.flatnonzero(bad.any(axis=1))] if rows is None else rows
        said = [(self.codes[row], self.names[row], *self._explain(measures, row)) for row in chosen]
        return pd.DataFrame(said, columns=EXCLUSIONS)

    def _explain(self, measures: Sequence[Cells], row: int) -> tuple[str, str, str]:
        """Years, kind and reason of one authority."""
        reasons: dict[Reason, list[int]] = {}
        for t, year in enumerate(self.years):
            for reason in dict.fromkeys(self._reason(one, row, t) for one in measures if not one.usable[row, t]):
                reasons.setdefault(reason, []).append(year)
        alone = len(reasons) == 1
        text = "; ".join(words if alone else f"{join_years(years)}: {words}" for (_, words), years in reasons.items())
        kind = min((kind for kind, _ in reasons), key=KINDS.index)
        return join_years({year for years in reasons.values() for year in years}), kind, text

    def _reason(self, cells: Cells, row: int, t: int) -> Reason:
        code, year, column = self.codes[row], self.years[t], cells.columns[t]
        if (code, year) not in self._there:
            return BOUNDARY, "did not exist in every year: created or abolished by a change of boundaries"
        if not np.isfinite(cells.array[:, t]).any():
            return NOT_COVERED, f"no authority has a figure of {MEASURE_WORDS.get(column, column)}"
        if cells.is_population:
            if cells.array[row, t] == 0:
                return NO_RESIDENTS, "no residents"
            return BOUNDARY, "its boundaries changed later, and no population is given for the earlier ones"
        meaning = self._meaning.get((code, year, cells.vintages[t], column), "no figure in the files")
        return (
            WITHHELD if meaning.startswith("withheld") else NO_RETURN,
            f"{MEASURE_WORDS.get(column, column)}: {meaning}",
        )


def speak_years(years: Iterable[int]) -> str:
    """The same without the joiners, for messages."""
    return join_years(years).replace(JOIN, "")


def join_years(years: Iterable[int]) -> str:
    """'2011, 2013–2015', runs kept on one line."""
    runs: list[list[int]] = []
    for year in sorted(years):
        if runs and year == runs[-1][1] + 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return ", ".join(str(a) if a == b else f"{a}{JOIN}–{JOIN}{b}" for a, b in runs)
