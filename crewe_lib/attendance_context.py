"""How much school children in need miss, by the official figures: England, Cheshire East, and authorities like it.

Children in need other than those on a child protection plan or looked after (the files' group "CINO at 31 March").

Nothing by authority was published before 2016/17, the year after the trial's two terms, and 2019/20 was not published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, fixed
from crewe_lib.la_did import CHESHIRE_EAST, ENGLAND
from crewe_lib.provenance import traced
from crewe_lib.tables import ABSENCE_RELEASES

ALIKE = "authorities like it"
PHASES: Mapping[str, str] = {"all": "All", "primary": "Primary", "secondary": "Secondary"}
_OFFICIAL = {"total": "all", "primary": "primary", "secondary": "secondary"}  # which names all schools the total
_EARLIER, _LATER = ABSENCE_RELEASES
_SESSIONS = ["sessions_possible", "sessions_overall", "sessions_unauthorised"]
FIRST_COLUMNS, LAST_COLUMNS = (
    {
        "label": Column("School"),
        "place": Column("Children in need of"),
        f"pupils_{end}": Column("Pupils", count),
        f"missed_{end}": Column("Sessions missed, %", fixed(1)),
        f"days_{end}": Column("Days missed a year", fixed(1)),
        f"persistent_{end}": Column("Persistently absent, %", fixed(1)),
    }
    for end in ("first", "last")
)


def academic(year: int) -> str:
    """An academic year by the one in which it ends: 2017 is '2016/17'."""
    return f"{year - 1}/{year % 100:02d}"


@traced
def derive_rates(absence: pd.DataFrame) -> pd.DataFrame:
    """Rates by place, phase and academic year, from the later release wherever it has the year.

    Places: England, Cheshire East, and the authorities most like it taken together (sums over those whose figures are
    not withheld). Columns: authority ('' for those together), place, phase (all, primary, secondary), label, year,
    academic, vintage, n (authorities), pupils; missed and unauthorised (% of possible sessions), days (missed per pupil
    and year, two sessions to a day), persistent (% of pupils who missed 10% or more); missed_low and missed_high (least
    and most of the authorities). Missing where no figure was published.
    """
    newest = absence.sort_values("vintage", key=lambda column: column.map(ABSENCE_RELEASES.index))
    joined = newest.drop_duplicates(["authority", "year", "phase"], keep="last")
    rows: list[dict[str, Any]] = []
    for (phase, year), own in joined.groupby(["phase", "year"]):
        peers = own[~own["authority"].isin([ENGLAND, CHESHIRE_EAST])]
        about = {"phase": _OFFICIAL[str(phase)], "label": PHASES[_OFFICIAL[str(phase)]], "year": int(str(year))}
        for code in (ENGLAND, CHESHIRE_EAST):
            one = own[own["authority"] == code]
            if one.empty:
                raise DataError(f"cin_absence: no row for {code} in {academic(int(str(year)))}; rebuild the table.")
            rows.append({"authority": code, "place": str(one["name"].iloc[0]), **about, **_rates(one)})
        rows.append({"authority": "", "place": ALIKE, **about, **_rates(peers)})
    table = pd.DataFrame(rows)
    table.insert(5, "academic", [academic(year) for year in table["year"]])
    order = table["phase"].map([*PHASES].index)
    return table.iloc[np.lexsort((table["year"], order))].reset_index(drop=True)


def _rates(own: pd.DataFrame) -> dict[str, Any]:
    """The rates of the rows' authorities together; each measure from those that have it."""
    known = own.dropna(subset=[*_SESSIONS, "pupils"])
    possible, pupils = float(known["sessions_possible"].sum()), float(known["pupils"].sum())
    each = 100 * (known["sessions_overall"] / known["sessions_possible"]).astype(float)
    nothing = float("nan")
    return {
        "vintage": str(own["vintage"].iloc[0]),
        "n": len(known),
        "pupils": pupils if len(known) else nothing,
        "missed": 100 * float(known["sessions_overall"].sum()) / possible if len(known) else nothing,
        "unauthorised": 100 * float(known["sessions_unauthorised"].sum()) / possible if len(known) else nothing,
        "days": float(known["sessions_overall"].sum()) / 2 / pupils if len(known) else nothing,
        "persistent": _persistent(own),
        "missed_low": float(each.min()) if len(known) else nothing,
        "missed_high": float(each.max()) if len(known) else nothing,
    }


def _persistent(own: pd.DataFrame) -> float:
    known = own.dropna(subset=["persistent_absentees", "pupils"])
    return 100 * float(known["persistent_absentees"].sum() / known["pupils"].sum()) if len(known) else float("nan")


@traced
def derive_context(rates: pd.DataFrame) -> pd.DataFrame:
    """The first year and the last beside each other: one row for each phase and place.

    Columns: phase, label, place, and pupils, missed, days, persistent each with _first and _last.
    """
    known = rates.dropna(subset=["missed"])
    kept = ["pupils", "missed", "days", "persistent"]
    ends = []
    for name, year in (("first", known["year"].min()), ("last", known["year"].max())):
        own = known[known["year"] == year].set_index(["phase", "label", "place"])[kept]
        ends.append(own.add_suffix(f"_{name}"))
    table: pd.DataFrame = ends[0].join(ends[1]).reset_index()
    return table


@traced
def summarise_context(rates: pd.DataFrame) -> dict[str, Any]:
    """What prose says of the rates: the first and the last academic year, those in between without figures, how many
    authorities are taken together, and how many times what primary pupils miss secondary ones do, in the first year in
    Cheshire East and in England."""
    known = rates.dropna(subset=["missed"])
    first, last = int(known["year"].min()), int(known["year"].max())
    start = known[known["year"] == first].set_index(["authority", "phase"])["missed"]
    times = {
        f"times_{name}": float(start[code, "secondary"] / start[code, "primary"])
        for name, code in (("england", ENGLAND), ("own", CHESHIRE_EAST))
    }
    alike = known[known["authority"].eq("") & known["year"].eq(first)]
    missing = sorted(set(rates["year"]) - set(known["year"]))
    return {
        "first": academic(first),
        "last": academic(last),
        "not_published": ", ".join(academic(year) for year in missing),
        "alike": int(alike["n"].max()),
        **times,
    }


@traced
def derive_revised(absence: pd.DataFrame) -> pd.DataFrame:
    """England's rates in the years that both releases have: academic, missed and persistent (%) by release, and how far
    the later lies from the earlier (missed_gap, persistent_gap, points)."""
    own = absence[absence["authority"].eq(ENGLAND) & absence["phase"].eq("total")]
    rates = own.assign(
        missed=(100 * own["sessions_overall"] / own["sessions_possible"]).astype(float),
        persistent=(100 * own["persistent_absentees"] / own["pupils"]).astype(float),
    )
    wide = rates.pivot(index="year", columns="vintage", values=["missed", "persistent"]).dropna()
    pairs = [(name, which) for name in ("missed", "persistent") for which in ABSENCE_RELEASES]
    table = pd.DataFrame({f"{name}_{which}": wide[name][which] for name, which in pairs})
    for name in ("missed", "persistent"):
        table[f"{name}_gap"] = table[f"{name}_{_LATER}"] - table[f"{name}_{_EARLIER}"]
    table.insert(0, "academic", [academic(int(year)) for year in table.index])
    return table.reset_index()


@traced
def summarise_revised(revised: pd.DataFrame) -> dict[str, Any]:
    """The year in which the two releases differ most in persistent absence, and both figures; and the most by which
    they differ in sessions missed."""
    row = revised.loc[revised["persistent_gap"].abs().idxmax()]
    return {
        "academic": str(row["academic"]),
        "earlier": float(row[f"persistent_{_EARLIER}"]),
        "later": float(row[f"persistent_{_LATER}"]),
        "most_missed": float(revised["missed_gap"].abs().max()),
    }


@traced
def derive_lines(rates: pd.DataFrame) -> pd.DataFrame:
    """The rates that the figure draws: primary and secondary."""
    return rates[rates["phase"] != "all"].reset_index(drop=True)


@traced
def derive_behind(lines: pd.DataFrame) -> pd.DataFrame:
    """The table behind the figure."""
    return lines[["label", "place", "academic", "n", "missed", "missed_low", "missed_high", "persistent", "vintage"]]


@traced
def describe_lines(lines: pd.DataFrame) -> dict[str, str]:
    """The figure in words: for each phase and place the first year's share and the last's."""
    known = lines.dropna(subset=["missed"])
    said = []
    for label, own in known.groupby("label", sort=False):
        places = [
            f"{place} {fixed(1)(rows['missed'].iloc[0])}% in {rows['academic'].iloc[0]} and "
            f"{fixed(1)(rows['missed'].iloc[-1])}% in {rows['academic'].iloc[-1]}"
            for place, rows in own.groupby("place", sort=False)
        ]
        said.append(f"{label}: {'; '.join(places)}.")
    return {"text": " ".join(said)}
