"""Did ended cases last longer, or less long, after FACT22 began? One authority's change among those of all others.

The change is in the share of ended episodes that had lasted beyond a cut: of all that ended in the years after
`implemented`, less of all that ended in the years up to it. It is placed among the same change in every other authority
whose figures settle it (*placebo in space*): had FACT22 made no difference, and were Cheshire East's change as likely
to stand at any rank as another's, a rank near either end would be rare.

What this cannot do: three years before the start show no trend to hold the change against, and authorities are not
alike (small ones move more). Nothing here is an interval for an effect; `placebo_low` and `placebo_high` say how far
other authorities moved without FACT22.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, p_value, percent
from crewe_lib.la_did import ENGLAND
from crewe_lib.la_durations import BANDS, CUTS, derive_longer_shares
from crewe_lib.provenance import traced
from crewe_lib.results import derive_confidence_level

CHANGE_COLUMNS = {
    "label": Column("Lasted"),
    "before": Column("Before", percent(1)),
    "after": Column("After", percent(1)),
    "points": Column("Change, percentage points", fixed(1, sign=True)),
    "england_points": Column("England's change", fixed(1, sign=True)),
    "rank": Column("Rank from the largest rise"),
    "n": Column("Authorities"),
    "p_value": Column("p", p_value),
}


@dataclass(frozen=True)
class DurationChange:
    """One authority's change in the share of ended episodes that lasted beyond a cut, and its place among others.

    before, after: shares; estimate: after less before; placebo_low, placebo_high: the range that holds the middle
    1 − alpha of the other authorities' changes; p_value: two-sided, from the rank; rank: 1 is the largest rise; n:
    authorities ranked, the treated one among them.
    """

    outcome: str
    measure: str
    months: int
    before: float
    after: float
    estimate: float
    placebo_low: float
    placebo_high: float
    p_value: float
    rank: int
    n: int
    method: str


@traced
def derive_changes(
    durations: pd.DataFrame, *, months: int, implemented: int, first_year: int, last_year: int
) -> pd.DataFrame:
    """The change in every authority and England: share beyond the cut, years up to `implemented` and after.

    Columns: authority, name, ended_before, ended_after, before, after, change, low, high (bounds on the change, equal
    to it where the figures settle it, missing where a year has no total), complete (they settle it, and no year is
    absent). Raises CreweError if `implemented` leaves no year on one side.
    """
    if not first_year <= implemented < last_year:
        raise CreweError(
            f"implemented is {implemented}; it must be the last of the years before, from {first_year} to "
            f"{last_year - 1}."
        )
    yearly = derive_longer_shares(durations, months=months, first_year=first_year, last_year=last_year)
    sides = {}
    for side, rows in yearly.groupby(yearly["year"].gt(implemented).map({False: "before", True: "after"})):
        sums = rows.groupby(["authority", "name"])[["ended", "low", "high"]].sum(min_count=rows["year"].nunique())
        sides[side] = sums[["low", "high"]].div(sums["ended"], axis=0).assign(ended=sums["ended"])
    both = sides["before"].join(sides["after"], how="outer", lsuffix="_before", rsuffix="_after")
    both["low"], both["high"] = both["low_after"] - both["high_before"], both["high_after"] - both["low_before"]
    both["complete"] = both["low_before"].eq(both["high_before"]) & both["low_after"].eq(both["high_after"])
    for side in ("before", "after"):
        both[side] = both[f"low_{side}"].where(both["complete"])
    both["change"] = both["after"] - both["before"]
    columns = ["ended_before", "ended_after", "before", "after", "change", "low", "high", "complete"]
    return both[columns].reset_index()


@traced
def estimate_duration_change(
    durations: pd.DataFrame,
    *,
    treated: str,
    months: int,
    implemented: int,
    first_year: int,
    last_year: int,
    alpha: float,
) -> DurationChange:
    """The treated authority's change beyond a cut, with its rank among all authorities with complete figures.

    p_value is twice the share of authorities at least as far out on the nearer side, the treated one among them; it
    cannot fall below two divided by their number. Raises CreweError if the treated authority's figures leave it open.
    """
    derive_confidence_level(alpha=alpha)
    years = {"first_year": first_year, "last_year": last_year}
    changes = derive_changes(durations, months=months, implemented=implemented, **years)
    ranked = changes[changes["complete"] & (changes["authority"] != ENGLAND)]
    own = ranked[ranked["authority"] == treated]
    if own.empty:
        _refuse_treated(durations, treated, months, first_year, last_year)
    row, others = own.iloc[0], ranked.loc[ranked["authority"] != treated, "change"]
    if others.empty:
        raise CreweError("no other authority has complete figures for these years; choose other years.")
    rank, p_two_sided = _place(float(row["change"]), others)
    return DurationChange(
        outcome=f"ended episodes that lasted {CUTS[months][1]}",
        measure="change in share of ended episodes, years after less years before",
        months=months,
        before=float(row["before"]),
        after=float(row["after"]),
        estimate=float(row["change"]),
        placebo_low=float(others.quantile(alpha / 2)),
        placebo_high=float(others.quantile(1 - alpha / 2)),
        p_value=p_two_sided,
        rank=rank,
        n=len(ranked),
        method="rank among authorities with complete figures (placebo in space)",
    )


@traced
def estimate_duration_changes(
    durations: pd.DataFrame, *, treated: str, implemented: int, first_year: int, last_year: int, alpha: float
) -> pd.DataFrame:
    """The treated authority's change beyond each cut of `CUTS`.

    Columns: those of DurationChange, and label (the cut in words), points (the change in percentage points),
    england_before, england_after, england_points. The cuts nest, so these are not four separate findings.
    """
    years = {"first_year": first_year, "last_year": last_year, "implemented": implemented}
    rows = []
    for months, (_, label) in CUTS.items():
        found = estimate_duration_change(durations, treated=treated, months=months, alpha=alpha, **years)
        changes = derive_changes(durations, months=months, **years)
        england = changes[changes["authority"] == ENGLAND].iloc[0]
        rows.append(
            {
                **asdict(found),
                "label": label,
                "points": 100 * found.estimate,
                "england_before": england["before"],
                "england_after": england["after"],
                "england_points": 100 * england["change"],
            }
        )
    return pd.DataFrame(rows)


def _place(change: float, others: pd.Series[float]) -> tuple[int, float]:
    """Rank from the largest rise, and two-sided p-value. Ties (within rounding of floats) count as at least as far."""
    above, below = (int((sign * (others - change) > -1e-12).sum()) + 1 for sign in (1, -1))
    return int((others > change + 1e-12).sum()) + 1, min(1.0, 2 * min(above, below) / (len(others) + 1))


def _refuse_treated(durations: pd.DataFrame, treated: str, months: int, first_year: int, last_year: int) -> None:
    """Raise CreweError saying which years and bands leave the treated authority's change open."""
    if treated == ENGLAND:
        raise CreweError("England cannot be ranked among its authorities; choose an authority.")
    yearly = derive_longer_shares(durations, months=months, first_year=first_year, last_year=last_year)
    own = yearly[yearly["authority"] == treated]
    if own.empty:
        raise CreweError(f"no authority with code {treated} in the durations for {first_year} to {last_year}.")
    gone = sorted(set(range(first_year, last_year + 1)) - set(own["year"]))
    places = [f"{year} (no row)" for year in gone]
    for row in own[own["share"].isna()].to_dict("records"):
        bands = str(row["withheld"])
        places.append(f"{row['year']} ({'any band' if bands == '; '.join(BANDS.values()) else bands})")
    raise CreweError(
        f"{own['name'].iloc[0]}: the official files do not settle how many ended episodes lasted {CUTS[months][1]}, "
        f"for want of figures for {', '.join(places)}. Choose other years, another cut or another authority."
    )
