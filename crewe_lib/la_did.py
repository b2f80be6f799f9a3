"""Local authorities: did the whole of Cheshire East change after FACT22 began? Two-authority difference in differences.

Source of the published design: Project Crewe: FACT22 Service Longitudinal Evaluation (2020), "Wider impact in Cheshire
East" and Appendices 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.models.did import DidFit, TrendMethod, fit_trend_difference, fit_two_unit_did
from crewe_lib.models.linear import Covariance
from crewe_lib.provenance import traced
from crewe_lib.results import Estimate

CHESHIRE_EAST, CHESHIRE_WEST, ENGLAND = "E06000049", "E06000050", "E92000001"
ENFIELD, WANDSWORTH = "E09000010", "E09000032"
PER = 10_000

Series = Literal["main", "first_published_to_2017", "children"]
# The last year taken from the first-published files; later years come from the revised ones.
LAST_FIRST_PUBLISHED: Mapping[Series, int] = {"main": 2012, "first_published_to_2017": 2017, "children": 0}
# The years that the report's model uses, each ending 31 March.
FIRST_YEAR, LAST_YEAR = 2011, 2019
SERIES_LABELS: Mapping[Series, str] = {
    "main": "main series",
    "first_published_to_2017": "first published to 2017",
    "children": "children ended",
}


@dataclass(frozen=True)
class Outcome:
    """An outcome of the report: its column in the panel, the column counting children where one exists, its words."""

    name: str
    column: str
    children_column: str | None
    label: str
    comparator: str
    figure: str


OUTCOMES: Mapping[str, Outcome] = {
    o.name: o
    for o in (
        Outcome("closures", "episodes_ended", "children_ended", "Case closures", ENFIELD, "Figure 7"),
        Outcome("rereferrals", "rereferrals", None, "Re-referrals", CHESHIRE_WEST, "Figure 8"),
        Outcome("escalations", "cpp_started", None, "Escalations", WANDSWORTH, "Figure 9"),
        Outcome("children_in_need", "cin_31_march", None, "Children in need", CHESHIRE_WEST, "Figure 14"),
    )
}


@traced
def derive_rates(panel: pd.DataFrame, *, outcome: str, series: Series, first_year: int, last_year: int) -> pd.DataFrame:
    """One outcome as a rate per 10,000 residents of all ages, one row per authority and year, vintages joined.

    Columns: outcome, authority, name, year, vintage, count, population (mid-year before the year's end), rate, cin
    (children in need at 31 March). Years the files do not give stay in the table as missing. Raises CreweError for an
    unknown outcome, or a series that the outcome does not have.
    """
    chosen = _outcome(outcome)
    if series not in SERIES_LABELS:
        raise CreweError(f"series is {series!r}; it must be one of {', '.join(SERIES_LABELS)}.")
    column = chosen.children_column if series == "children" else chosen.column
    if column is None:
        raise CreweError(f"series 'children': the files count no children for '{outcome}', only for closures.")
    last = LAST_FIRST_PUBLISHED[series]
    vintage = panel["year"].le(last).map({True: "first_published", False: "revised"})
    rows = panel[(panel["vintage"] == vintage) & panel["year"].between(first_year, last_year)]
    absent = sorted(set(range(first_year, last_year + 1)) - set(rows["year"]))
    if absent:
        raise CreweError(f"series '{series}' has no figures for {', '.join(map(str, absent))}; choose other years.")
    count, residents = rows[column].astype("Float64"), rows["population_all_ages"].astype("Float64")
    return pd.DataFrame(
        {
            "outcome": outcome,
            "authority": rows["authority"],
            "name": rows["name"],
            "year": rows["year"].astype(int),
            "vintage": rows["vintage"],
            "count": count,
            "population": residents,
            "rate": (PER * count / residents).astype(float),
            "cin": rows["cin_31_march"].astype(float),
        }
    ).sort_values(["authority", "year"], ignore_index=True)


@traced
def derive_lines(
    panel: pd.DataFrame, *, outcome: str, treated: str, comparator: str, first_year: int, last_year: int
) -> pd.DataFrame:
    """The lines of a trend figure, in drawing order: treated, comparator, England and, beside Cheshire East,
    Cheshire West and Chester.

    Columns as in `derive_rates`, and position; years without a figure are left out. Raises CreweError if the panel
    does not hold one of the authorities in these years.
    """
    rates = derive_rates(panel, outcome=outcome, series="main", first_year=first_year, last_year=last_year)
    neighbour = [CHESHIRE_WEST] if treated == CHESHIRE_EAST else []  # the report shows it for reference
    wanted = dict.fromkeys([treated, comparator, ENGLAND, *neighbour])
    order = {code: position for position, code in enumerate(wanted)}
    absent = set(order) - set(rates["authority"])
    if absent:
        raise CreweError(f"no authority with code {', '.join(sorted(absent))} in the panel for these years.")
    lines = rates[rates["authority"].isin(order) & rates["rate"].notna()].copy()
    lines["position"] = lines["authority"].map(order)
    return lines.sort_values(["position", "year"], ignore_index=True)


@traced
def derive_wide(lines: pd.DataFrame) -> pd.DataFrame:
    """The same lines with one row per year and one column per authority, for the table behind the figure."""
    names = list(dict.fromkeys(lines["name"]))
    wide = lines.pivot(index="year", columns="name", values="rate")[names]
    return wide.reset_index().rename(columns={"year": "Year ending 31 March"}).rename_axis(columns=None)


@traced
def describe_lines(lines: pd.DataFrame) -> dict[str, str]:
    """In words, for who cannot see the figure: each line's first and last value, its lowest and its highest."""
    said = []
    for name, own in lines.groupby("name", sort=False):
        years, rates = own["year"].tolist(), own["rate"].tolist()
        low, high = min(rates), max(rates)
        said.append(
            f"{name} goes from {rates[0]:.1f} in {years[0]} to {rates[-1]:.1f} in {years[-1]}, lowest {low:.1f} in "
            f"{years[rates.index(low)]}, highest {high:.1f} in {years[rates.index(high)]}"
        )
    return {"text": "; ".join(said) + "."}


@traced
def estimate_did(
    rates: pd.DataFrame,
    *,
    treated: str,
    comparator: str,
    implemented: int,
    covariate: Literal["none", "children in need"],
    covariance: Covariance,
    alpha: float,
) -> Estimate:
    """Change in the treated authority's mean rate less the change in the comparator's, per 10,000 residents a year.

    `implemented` is the year (ending 31 March) of the last pre-period year. With 'children in need' the number of
    children in need at 31 March enters as the report's covariate; it can itself be changed by the programme. Raises
    CreweError if a figure is missing for either authority, or a period is empty.
    """
    if covariate not in ("none", "children in need"):
        raise CreweError(f"covariate is {covariate!r}; it must be 'none' or 'children in need'.")
    rows = _pair(rates, treated, comparator, need_cin=covariate != "none")
    if not rows["year"].min() <= implemented < rows["year"].max():
        raise CreweError(
            f"implemented is {implemented}; it must be the last of the pre-period years, from {rows['year'].min()} "
            f"to {rows['year'].max() - 1}."
        )
    fit = fit_two_unit_did(
        rows["rate"],
        rows["authority"] == treated,
        rows["year"] > implemented,
        rows["year"],
        covariate=None if covariate == "none" else rows["cin"],
        covariance=covariance,
        alpha=alpha,
    )
    return _as_estimate(fit, rows, "difference in differences", f"least squares, {_COVARIANCE[covariance]}")


@traced
def check_parallel_trends(
    rates: pd.DataFrame, *, treated: str, comparator: str, implemented: int, method: TrendMethod, alpha: float
) -> Estimate:
    """Difference between the two authorities' linear trends up to `implemented`, per 10,000 residents per year.

    A difference near zero does not show that the trends would have stayed parallel, and with few years even a large
    one may go unnoticed.
    """
    rows = _pair(rates, treated, comparator, need_cin=False)
    rows = rows[rows["year"] <= implemented]
    fit = fit_trend_difference(rows["rate"], rows["authority"] == treated, rows["year"], method=method, alpha=alpha)
    return _as_estimate(fit, rows, "difference in trend", _TREND_METHODS[method])


_TREND_METHODS: Mapping[TrendMethod, str] = {"pooled": "pooled, classical", "gaps": "slope of yearly gaps"}
_COVARIANCE: Mapping[str, str] = {"classical": "classical", "CR2": "CR2 by year"}


def _outcome(name: str) -> Outcome:
    if name not in OUTCOMES:
        raise CreweError(f"outcome is {name!r}; it must be one of {', '.join(OUTCOMES)}.")
    return OUTCOMES[name]


def _pair(rates: pd.DataFrame, treated: str, comparator: str, *, need_cin: bool) -> pd.DataFrame:
    """The rows of two authorities, complete, or a CreweError that names what is missing."""
    if treated == comparator:
        raise CreweError(f"{treated} cannot be its own comparator.")
    rows = rates[rates["authority"].isin([treated, comparator])]
    absent = {treated, comparator} - set(rows["authority"])
    if absent:
        raise CreweError(f"no authority with code {', '.join(sorted(absent))} in the panel for these years.")
    needed = ["rate", "cin"] if need_cin else ["rate"]
    gaps = rows[rows[needed].isna().any(axis=1)]
    if not gaps.empty:
        places = ", ".join(f"{row.name_} {row.year}" for row in gaps.rename(columns={"name": "name_"}).itertuples())
        raise CreweError(
            f"{rows['outcome'].iloc[0]}: the official files give no figure for {places}; choose other years."
        )
    seen = rows.groupby("authority")["year"].agg([tuple, "nunique", "size"])
    if (seen["nunique"] != seen["size"]).any() or len(set(map(frozenset, seen["tuple"]))) > 1:
        raise CreweError("each of the two authorities must stand once in every year; rows are missing or doubled.")
    return rows


def _as_estimate(fit: DidFit, rows: pd.DataFrame, measure: str, method: str) -> Estimate:
    return Estimate(
        outcome=str(rows["outcome"].iloc[0]),
        measure=f"{measure} per {PER:,} residents",
        estimate=fit.estimate,
        std_error=fit.std_error,
        conf_low=fit.conf_low,
        conf_high=fit.conf_high,
        p_value=fit.p_value,
        n=fit.n,
        method=method,
        df=fit.df,
    )
