"""Which authorities have every figure that an outcome needs, and why the others are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.formats import JOIN
from crewe_lib.la_cells import Cells, Flags, Window, speak_years
from crewe_lib.la_choices import check_authority
from crewe_lib.la_did import OUTCOMES, PER, Series, derive_rates
from crewe_lib.la_specifications import TESTED
from crewe_lib.models.panel import Array
from crewe_lib.provenance import traced


@dataclass(frozen=True, eq=False)
class Eligible:
    """The authorities with a figure in every year, without England.

    rates: tidy, as `derive_rates`. matrix (units, years): rates per 10,000, rows in the order of `authorities` and
    `names`, the first n_pre columns up to `implemented`. population (units,): residents paired with the last pre-year.
    treated_row: the treated unit. exclusions: authority, name, years, kind, reason; one row per authority left out.
    """

    outcome: str
    rates: pd.DataFrame
    matrix: Array
    authorities: tuple[str, ...]
    names: tuple[str, ...]
    years: tuple[int, ...]
    population: Array
    treated_row: int
    n_pre: int
    exclusions: pd.DataFrame


@traced
def derive_eligible(
    panel: pd.DataFrame,
    missing: pd.DataFrame,
    *,
    outcome: str,
    series: Series,
    first_year: int,
    last_year: int,
    treated: str,
    implemented: int,
) -> Eligible:
    """The authorities whose rate of one outcome is known in every year, and the others with the reason.

    Eligible and excluded together are all authorities with a row in these years. Raises CreweError if the treated
    authority is unknown or incomplete, fewer than three remain, or `implemented` leaves no year on one side.
    """
    check_authority(treated, panel, "treated")
    if not first_year <= implemented < last_year:
        raise CreweError(f"implemented is {implemented}; it must be a year from {first_year} to {last_year - 1}.")
    rates = derive_rates(panel, outcome=outcome, series=series, first_year=first_year, last_year=last_year)
    window = Window(panel, missing, first_year=first_year, last_year=last_year)
    count, residents = _needed(window, outcome, series)
    complete = np.asarray((count.usable & residents.usable).all(axis=1))
    if treated not in window.codes or not complete[window.row(treated)]:
        raise CreweError(_incomplete(panel, missing, window, outcome, series, treated))
    kept = np.flatnonzero(complete)
    if len(kept) < 3:
        raise CreweError(f"{outcome}: only {len(kept)} authorities have every figure; at least three are needed.")
    codes = tuple(window.codes[row] for row in kept)
    n_pre = implemented - first_year + 1
    return Eligible(
        outcome=outcome,
        rates=rates[rates["authority"].isin(codes)].reset_index(drop=True),
        matrix=PER * count.array[kept] / residents.array[kept],
        authorities=codes,
        names=tuple(window.names[row] for row in kept),
        years=window.years,
        population=residents.array[kept, n_pre - 1],
        treated_row=codes.index(treated),
        n_pre=n_pre,
        exclusions=window.exclusions([count, residents]),
    )


def _needed(window: Window, outcome: str, series: Series) -> tuple[Cells, Cells]:
    chosen = OUTCOMES[outcome]
    column = chosen.children_column if series == "children" else chosen.column
    return window.cells(str(column), series), window.cells("population_all_ages", series)


def _incomplete(
    panel: pd.DataFrame, missing: pd.DataFrame, window: Window, outcome: str, series: Series, treated: str
) -> str:
    """What the treated authority lacks, and what could be chosen instead."""
    name = str(panel.loc[panel["authority"] == treated, "name"].iloc[0])
    span = speak_years(window.years)
    if treated not in window.codes:
        return f"{outcome}: {name} ({treated}) did not exist in {span}; choose other years or another authority."
    row = window.row(treated)
    gap = window.exclusions(_needed(window, outcome, series), [row]).iloc[0]
    plain = {key: gap[key].replace(JOIN, "") for key in ("years", "reason")}
    wide = Window(panel, missing, first_year=int(panel["year"].min()), last_year=int(panel["year"].max()))
    run = _longest_run(_usable(wide, outcome, series)[wide.row(treated)], wide.years)
    whole = [other for other in TESTED if other != outcome and _usable(window, other, "main")[row].all()]
    advice = [f"the years {speak_years(run)}"] if run else []
    advice += [f"another outcome ({', '.join(whole)})"] if whole else []
    return (
        f"{outcome}: the official files give no figure for {name} ({treated}) in {plain['years']} ({plain['reason']}). "
        f"What can be had for it: {' or '.join(advice) or 'nothing; choose another authority'}."
    )


def _usable(window: Window, outcome: str, series: Series) -> Flags:
    count, residents = _needed(window, outcome, series)
    return np.asarray(count.usable & residents.usable)


def _longest_run(usable: Flags, years: tuple[int, ...]) -> tuple[int, ...]:
    """The longest run of years without a gap, the latest of equals; fewer than four cannot be used."""
    best: tuple[int, ...] = ()
    run: tuple[int, ...] = ()
    for year, there in zip(years, usable, strict=True):
        run = (*run, year) if there else ()
        best = max(best, run, key=len) if len(run) != len(best) else run or best
    return best if len(best) >= 4 else ()
