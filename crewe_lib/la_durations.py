"""Local authorities: were cases that ended open for longer, or less long, after FACT22 began?

The department counts the episodes of need that ended in a year in five bands of duration. Shares are of all episodes
ended in the year, as the department's own percentages are.

Where the publisher withholds a band, its cells are pooled: what lasted beyond a cut is known as soon as all bands on
one side of the cut are printed, because the rest of the total lies on the other. Where both sides lack a band, the
share lies between bounds: a withheld cell holds at least none and at most what the printed bands leave of the total.
(A few complete rows add up to slightly less than their total, so what a total leaves may include a few episodes of
unknown duration.)

These are durations of episodes that *ended*. Cases still open are not among them: closing many old cases at once
raises the shares of the long bands, and keeping them open lowers them until they end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.formats import percent
from crewe_lib.la_did import ENGLAND
from crewe_lib.provenance import traced
from crewe_lib.tables import ALL_DURATIONS, DURATION_BANDS

BANDS: Mapping[int, str] = dict(enumerate(DURATION_BANDS.values(), start=1))
# A cut in months → the first band beyond it, and how "lasted …" goes on.
CUTS: Mapping[int, tuple[int, str]] = {
    3: (2, "more than three months"),
    6: (3, "more than six months"),
    12: (4, "a year or more"),
    24: (5, "two years or more"),
}
# The first year of the department's figures by band, and the last of the report's model, each ending 31 March.
FIRST_YEAR, LAST_YEAR = 2013, 2019


@traced
def derive_shares(
    durations: pd.DataFrame, *, treated: str, comparators: Sequence[str], first_year: int, last_year: int
) -> pd.DataFrame:
    """Share of ended episodes by band and year for the treated authority, its comparators and England, in that order.

    Columns: authority, name, position (0 is the treated one), year, band, label, episodes, ended (of any duration),
    share, low, high. A withheld band has no share; low and high are what the total leaves open for it, and are missing
    with the total. Raises CreweError if the treated authority lacks any figure, or an authority or year is not there.
    """
    rows = _select_years(durations, first_year, last_year)
    order = {code: position for position, code in enumerate(dict.fromkeys([treated, *comparators, ENGLAND]))}
    _refuse_absent(rows, order)
    rows = rows[rows["authority"].isin(order)]
    _refuse_gaps(rows[(rows["authority"] == treated) & rows["episodes"].isna()])
    ended, known = rows[ALL_DURATIONS].astype(float), rows["episodes"].astype(float)
    left = (ended - known.groupby([rows["authority"], rows["year"]]).transform("sum")).clip(lower=0)
    shares = pd.DataFrame(
        {
            "authority": rows["authority"],
            "name": rows["name"],
            "position": rows["authority"].map(order),
            "year": rows["year"],
            "band": rows["band"],
            "label": rows["band"].map(BANDS),
            "episodes": rows["episodes"],
            "ended": rows[ALL_DURATIONS],
            "share": known / ended,
            "low": known.fillna(0) / ended,
            "high": known.fillna(left) / ended,
        }
    )
    return shares.sort_values(["position", "year", "band"], ignore_index=True)


@traced
def derive_wide(shares: pd.DataFrame) -> pd.DataFrame:
    """The same shares in per cent with a row per authority and year and a column per band, for the table behind the
    figure.
    """
    keys = ["position", "name", "year"]
    wide = shares.assign(percent=100 * shares["share"]).pivot(index=keys, columns="label", values="percent")
    wide = wide[[label for label in BANDS.values() if label in wide]].reset_index().drop(columns="position")
    return wide.rename(columns={"name": "Authority", "year": "Year ending 31 March"}).rename_axis(columns=None)


@traced
def describe_shares(shares: pd.DataFrame) -> dict[str, str]:
    """In words, for who cannot see the figure: each authority's share in each band, in its first year and its last."""
    said = []
    for name, own in shares.groupby("name", sort=False):
        first, last = (own[own["year"] == year].set_index("band")["share"] for year in _ends(own["year"]))
        bands = [f"{label} {_say(first[code])} and {_say(last[code])}" for code, label in BANDS.items()]
        years = " and ".join(map(str, _ends(own["year"])))
        said.append(f"{name}, in {years}: {'; '.join(bands)}")
    return {"text": ". ".join(said) + "."}


@traced
def derive_longer_shares(durations: pd.DataFrame, *, months: int, first_year: int, last_year: int) -> pd.DataFrame:
    """Of the episodes that ended in a year, how many had lasted beyond a cut: a row per authority and year.

    Columns: authority, name, year, ended, low, high (bounds on the episodes beyond the cut, equal where the printed
    bands settle it, missing without a total), share (missing where they are not equal), withheld (labels of bands
    without a figure). Raises CreweError for a cut or years that the table does not have.
    """
    if months not in CUTS:
        raise CreweError(f"months is {months!r}; it must be one of {', '.join(map(str, CUTS))}, where bands meet.")
    rows = _select_years(durations, first_year, last_year)
    known, beyond = rows["episodes"].astype(float), rows["band"] >= CUTS[months][0]
    parts = pd.DataFrame(
        {
            **{name: rows[name] for name in ("authority", "name", "year")},
            "ended": rows[ALL_DURATIONS].astype(float),
            "given": known.fillna(0),
            "over": known.fillna(0).where(beyond, 0),
            "gaps_over": known.isna() & beyond,
            "gaps_under": known.isna() & ~beyond,
            "withheld": rows["band"].map(BANDS).where(known.isna(), ""),
        }
    )
    sums = dict.fromkeys(("given", "over", "gaps_over", "gaps_under"), "sum")
    how: dict[str, Any] = {"ended": "first", **sums, "withheld": lambda labels: "; ".join(filter(None, labels))}
    found = parts.groupby(["authority", "name", "year"], as_index=False).agg(how)
    left = (found["ended"] - found["given"]).clip(lower=0)
    low = found["over"] + left.where((found["gaps_over"] > 0) & (found["gaps_under"] == 0), 0)
    high = found["over"] + left.where(found["gaps_over"] > 0, 0)
    found["low"], found["high"] = low.where(found["ended"].notna()), high.where(found["ended"].notna())
    found["share"] = (found["low"] / found["ended"]).where(found["low"] == found["high"])
    return found[["authority", "name", "year", "ended", "low", "high", "share", "withheld"]]


def _select_years(durations: pd.DataFrame, first_year: int, last_year: int) -> pd.DataFrame:
    """The rows of these years, all of which must be there."""
    absent = sorted(set(range(first_year, last_year + 1)) - set(durations["year"]))
    if absent or first_year > last_year:
        raise CreweError(
            f"durations of ended episodes are published for {durations['year'].min()} to {durations['year'].max()}; "
            f"{first_year} to {last_year} was asked for. Choose other years."
        )
    return durations[durations["year"].between(first_year, last_year)]


def _refuse_absent(rows: pd.DataFrame, wanted: Mapping[str, int]) -> None:
    """Raise CreweError unless each authority has a row in each year of the table."""
    years = set(rows["year"])
    for code in wanted:
        lacking = sorted(years - set(rows.loc[rows["authority"] == code, "year"]))
        if lacking:
            where = ", ".join(map(str, lacking))
            raise CreweError(f"no authority with code {code} in the durations for {where}; choose another, or years.")


def _refuse_gaps(gaps: pd.DataFrame) -> None:
    """Raise CreweError naming the years and bands for which an authority has no figure."""
    if gaps.empty:
        return
    places = []
    for (name, year), own in gaps.groupby(["name", "year"], sort=True):
        bands = "any band" if len(own) == len(BANDS) else "; ".join(own["band"].map(BANDS))
        places.append(f"{name} {year} ({bands})")
    raise CreweError(
        f"durations: the official files give no figure for {', '.join(places)}; choose other years or another "
        "authority."
    )


def _ends(years: pd.Series[int]) -> list[int]:
    return sorted({int(years.min()), int(years.max())})


def _say(share: float) -> str:
    return "withheld" if pd.isna(share) else percent(1)(share)
