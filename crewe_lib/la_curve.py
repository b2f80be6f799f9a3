"""Every reasonable way to make the two-authority estimate, at once: the specification curve, each with its placebos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.formats import interval
from crewe_lib.la_cells import NO_CASE, POPULATIONS, Cells, Flags, Window
from crewe_lib.la_choices import check_authority
from crewe_lib.la_did import OUTCOMES, PER, SERIES_LABELS, Series
from crewe_lib.la_peers import derive_features, measure_distances
from crewe_lib.models.panel import Array, check_alpha
from crewe_lib.models.permutation import placebo_p_values
from crewe_lib.models.placebo_grid import fit_placebo_grid, invert_sizes, weigh_nearest, weigh_one, weigh_others
from crewe_lib.provenance import traced

CHOICES = ("vintage", "definition", "denominator", "comparators", "implemented", "covariate")
N_PEERS = 10
SETS = ("given", "ten peers", "all others")
ALL_AGES = POPULATIONS["population_all_ages"]
ALL_ENDINGS, RC7, AS_COUNTED = "all endings", "reason RC7 only", "as counted"
NEED, NONE = "children in need", "none"
_SERIES: tuple[Series, ...] = ("main", "first_published_to_2017")


@dataclass(frozen=True, eq=False)
class Curve:
    """estimates: one row per specification. exclusions: one row per set of figures and reason, with the number of
    authorities left out and their names.
    """

    estimates: pd.DataFrame
    exclusions: pd.DataFrame


@dataclass(frozen=True, eq=False)
class _Design:
    """What all specifications share; distances (units, units) between the window's authorities."""

    window: Window
    distances: Array
    treated: int
    given: Mapping[str, int]
    implemented: int
    alpha: float


@dataclass(frozen=True, eq=False)
class _Figures:
    """One set of figures: the choices that name it, and its cells: counts, residents, children in need if used."""

    choices: Mapping[str, str]
    cells: tuple[Cells, ...]


@traced
def estimate_curve(
    panel: pd.DataFrame,
    missing: pd.DataFrame,
    *,
    treated: str,
    comparators: Mapping[str, str],
    implemented: int,
    first_year: int,
    last_year: int,
    alpha: float,
    before: int = 2015,
) -> Curve:
    """The treated authority's difference in differences under all combinations of the choices in `CHOICES`.

    comparators: outcome → code, as from `parse_comparators`; its outcomes are those estimated. Columns of `estimates`:
    outcome, label, the choices, set (which of SETS), percent (the change as % of the treated authority's own mean rate
    before, so that denominators compare), change (per 10,000 of the denominator), conf_low, conf_high, interval (in
    %), p_value, units (placebos, the treated one included), excluded, published, reason.

    Placebos: each authority with all figures stands in for the treated one under the same choices: against the same
    given comparator, its own ten nearest (`derive_peers`, among those with all figures), or the mean of all others.
    p_value: the share of them whose own change in % is at least as large in size; exact if without an effect they are
    exchangeable, which unequal sizes and a comparator picked by eye put in doubt. The interval holds the effects that
    the same rule does not reject. The estimates share their data: they show fragility and are not many tests.

    'children in need' is the report's covariate, the number at 31 March; the service can change it, so it is no sound
    control. Residents 0 to 17 come from the release for 2011 and 2012 in both variants. The first-published vintage
    is left out where the treated authority's and its comparator's figures are the same in both. Where one of these two
    lacks a figure there is no estimate, and `reason` says why. Raises CreweError for bad codes, years or alpha.
    """
    check_alpha(alpha)
    _check(panel, treated, comparators, implemented, first_year, last_year)
    window = Window(panel, missing, first_year=first_year, last_year=last_year)
    given = {outcome: window.row(code) for outcome, code in comparators.items()}
    distances = _distances(panel, missing, window, implemented, before)
    design = _Design(window, distances, window.row(treated), given, implemented, alpha)
    results = [_estimates(figures, design) for outcome in comparators for figures in _figures(outcome, design)]
    estimates = pd.DataFrame([row for rows, _ in results for row in rows])
    return Curve(estimates, pd.concat([left for _, left in results], ignore_index=True))


def _estimates(figures: _Figures, design: _Design) -> tuple[list[dict[str, object]], pd.DataFrame]:
    """The estimates from one set of figures, and the authorities it leaves out."""
    rates, whole, left = _rates(figures, design)
    reasons = dict(zip(left["authority"], left["reason"], strict=True))
    given = design.given[figures.choices["outcome"]]
    window, rows = design.window, []
    for name, cut in product(SETS, _cuts(design.implemented)):
        needed = [design.treated, given] if name == "given" else [design.treated]
        gaps = [f"{window.names[i]}: {reasons[window.codes[i]]}" for i in needed if not whole[i]]
        if name == "ten peers" and np.isnan(design.distances[design.treated, design.treated]):
            gaps.append(f"{window.names[design.treated]}: lacks a figure by which peers are found")
        row: dict[str, object] = {
            **figures.choices,
            "comparators": window.names[given] if name == "given" else name,
            "set": name,
            "implemented": cut,
            **_no_numbers(),
            "excluded": len(left),
            "published": _is_published(figures.choices, name, cut == design.implemented),
            "reason": "; ".join(gaps),
        }
        rows.append(row if gaps else row | _numbers(figures, rates, whole, design, name, cut))
    return rows, _grouped(left, figures.choices)


def _numbers(figures: _Figures, rates: Array, whole: Flags, design: _Design, name: str, cut: int) -> dict[str, object]:
    """One specification: the treated unit among all units with figures."""
    kept = np.flatnonzero(whole)
    place = {int(unit): k for k, unit in enumerate(kept)}
    if name == "given":
        weights = weigh_one(len(kept), place[design.given[figures.choices["outcome"]]])
    elif name == "ten peers":
        weights = weigh_nearest(design.distances[np.ix_(kept, kept)], N_PEERS)
    else:
        weights = weigh_others(len(kept))
    need = figures.cells[2].array[kept] if len(figures.cells) > 2 else None
    grid = fit_placebo_grid(rates[kept], need, weights, cut - design.window.years[0] + 1)
    me = int(np.flatnonzero(grid.units == place[design.treated])[0])
    low, high = invert_sizes(grid.percent, me, design.alpha)
    return {
        "percent": float(grid.percent[me]),
        "change": float(grid.change[me]),
        "conf_low": low,
        "conf_high": high,
        "interval": interval(low, high) if np.isfinite(low) else "unbounded",
        "p_value": float(placebo_p_values(grid.percent)[me]),
        "units": len(grid.units),
    }


def _no_numbers() -> dict[str, object]:
    return {
        **dict.fromkeys(("percent", "change", "conf_low", "conf_high"), np.nan),
        "interval": "",
        "p_value": np.nan,
        "units": 0,
    }


def _rates(figures: _Figures, design: _Design) -> tuple[Array, Flags, pd.DataFrame]:
    """Rates (units, years); which units have all figures and a case before the start; why the others are left out."""
    count, residents = (one.array for one in figures.cells[:2])
    whole = np.all(np.stack([one.usable.all(axis=1) for one in figures.cells]), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.where(whole[:, None], PER * count / residents, np.nan)
    window, n_pre = design.window, design.implemented - design.window.years[0]  # the shortest of the periods
    empty = whole & (np.where(whole[:, None], count, 1.0)[:, :n_pre].sum(axis=1) == 0)
    without = [(window.codes[i], window.names[i], "", NO_CASE, f"{NO_CASE} the start") for i in np.flatnonzero(empty)]
    left = window.exclusions(figures.cells)
    left = pd.DataFrame([*left.itertuples(index=False, name=None), *without], columns=left.columns)
    return rates, whole & ~empty, left


def _figures(outcome: str, design: _Design) -> Iterator[_Figures]:
    """All sets of figures of an outcome."""
    chosen, window = OUTCOMES[outcome], design.window
    counts = {AS_COUNTED: chosen.column}
    if outcome == "closures":
        counts = {ALL_ENDINGS: chosen.column, RC7: "episodes_ended_rc7"}
    residents = {label: window.cells(column, "main") for column, label in POPULATIONS.items()}
    pair = [design.treated, design.given[outcome]]
    for definition, column in counts.items():
        cells = {series: (window.cells(column, series), window.cells("cin_31_march", series)) for series in _SERIES}
        same = all(
            np.array_equal(one.array[pair], other.array[pair], equal_nan=True)
            for one, other in zip(*cells.values(), strict=True)
        )
        for series, label, covariate in product(_SERIES[:1] if same else _SERIES, residents, (NONE, NEED)):
            count, need = cells[series]
            choices = {
                "outcome": outcome,
                "label": chosen.label,
                "vintage": SERIES_LABELS[series],
                "definition": definition,
                "denominator": label,
                "covariate": covariate,
            }
            yield _Figures(choices, (count, residents[label], *([need] if covariate == NEED else [])))


def _is_published(choices: Mapping[str, str], name: str, at_cut: bool) -> bool:
    """Nearest to the report's model: main series, all endings, all ages, its covariate, the given comparator."""
    wanted = {"vintage": SERIES_LABELS["main"], "denominator": ALL_AGES, "covariate": NEED}
    fits = all(choices[key] == value for key, value in wanted.items()) and choices["definition"] != RC7
    return fits and name == "given" and at_cut


def _grouped(left: pd.DataFrame, choices: Mapping[str, str]) -> pd.DataFrame:
    """The authorities left out, counted by reason."""
    rows = [
        {**choices, "reason": reason, "number": len(own), "names": ", ".join(own["name"])}
        for reason, own in left.groupby("reason", sort=True)
    ]
    return pd.DataFrame(rows)


def _distances(panel: pd.DataFrame, missing: pd.DataFrame, window: Window, implemented: int, before: int) -> Array:
    """Distances between the window's authorities, from figures up to `implemented`."""
    early = Window(panel, missing, first_year=window.years[0], last_year=implemented)
    inner = measure_distances(derive_features(early, before=before)[0])
    rows = [early.codes.index(code) if code in early.codes else -1 for code in window.codes]
    known = np.array(rows) >= 0
    return np.where(known[:, None] & known[None, :], inner[np.ix_(rows, rows)], np.nan)


def _cuts(implemented: int) -> tuple[int, int, int]:
    return implemented - 1, implemented, implemented + 1


def _check(
    panel: pd.DataFrame, treated: str, comparators: Mapping[str, str], implemented: int, first: int, last: int
) -> None:
    check_authority(treated, panel, "treated")
    for outcome, code in comparators.items():
        if outcome not in OUTCOMES or outcome == "children_in_need":
            raise CreweError(
                f"comparators: {outcome!r} is not an outcome of the curve; name closures, rereferrals or escalations."
            )
        check_authority(code, panel, f"the comparator for {outcome}")
        if code == treated:
            raise CreweError(f"{outcome}: {code} cannot be its own comparator; name another.")
    if not first + 2 <= implemented <= last - 3:
        raise CreweError(
            f"implemented is {implemented}; the curve also moves it by a year either way and needs two years a side, "
            f"so it must be from {first + 2} to {last - 3}."
        )
