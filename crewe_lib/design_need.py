"""Categories of need: open episodes in England, the North West and Cheshire East, and the lead children of records."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from crewe_lib.contract import NEEDS
from crewe_lib.definitions import StudyDates, derive_cases
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, percent
from crewe_lib.models.proportions import fit_wilson
from crewe_lib.provenance import traced
from crewe_lib.records import Records
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.context import CHESHIRE_EAST
from crewe_lib.tables import ALL_NEEDS

NEED_COLUMNS: Mapping[str, Column] = {
    "label": Column("Primary need at assessment"),
    "episodes": Column("Open episodes in Cheshire East", fixed(0), blank="withheld"),
    "own": Column("Share"),
    "region": Column("North West"),
    "england": Column("England"),
}


@traced
def derive_need_shares(needs: pd.DataFrame, *, years: Sequence[int]) -> pd.DataFrame:
    """Shares of all open episodes by primary need, place and year; a withheld number has bounds instead.

    Columns: authority, name, position (Cheshire East first, England last), year, need, label, episodes, share, low,
    high (the same as the share where it is given; otherwise from nothing to all that the other needs leave), all.
    Raises CreweError for a year that the file does not have.
    """
    if absent := sorted(set(years) - set(needs["year"])):
        given = f"{needs['year'].min()} to {needs['year'].max()}"
        raise CreweError(f"need: year {', '.join(map(str, absent))} is not in primary_need.csv, which has {given}.")
    rows = needs[needs["year"].isin(years)].copy()
    order = {CHESHIRE_EAST: 0, ENGLAND: 2}
    left = rows[ALL_NEEDS] - rows.groupby(["authority", "year"])["episodes"].transform("sum")
    share = rows["episodes"].astype("Float64") / rows[ALL_NEEDS]
    bound = left.clip(lower=0).astype("Float64") / rows[ALL_NEEDS]
    rows = rows.assign(
        position=rows["authority"].map(order).fillna(1).astype(int),
        label=rows["need"].map(say_need),
        share=share.astype("float64"),
        low=share.fillna(0.0).astype("float64"),
        high=share.fillna(bound).astype("float64"),
        all=rows[ALL_NEEDS],
    )
    columns = ["authority", "name", "position", "year", "need", "label", "episodes", "share", "low", "high", "all"]
    return rows.sort_values(["position", "year"], kind="stable", ignore_index=True)[columns]


@traced
def derive_need_table(shares: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """The shares of one year, a row for each need: label, episodes (in Cheshire East, missing where withheld), own,
    region, england (shares as text; of a withheld one, the most that it can be)."""
    rows = shares[shares["year"] == year]
    text = rows.assign(shown=[_write_share(one) for one in rows.to_dict("records")])
    wide = text.pivot(index="need", columns="position", values="shown").rename(
        columns={0: "own", 1: "region", 2: "england"}
    )
    own = rows[rows["position"] == 0].set_index("need")
    wide = wide.assign(label=own["label"], episodes=own["episodes"]).loc[own.index]
    return wide[["label", "episodes", "own", "region", "england"]].reset_index().rename_axis(columns=None)


def _write_share(row: Mapping[Hashable, Any]) -> str:
    return percent(1)(row["high"]) if pd.notna(row["share"]) else f"at most {percent(1)(row['high'])}"


def say_need(need: str) -> str:
    """'Abuse or neglect'."""
    return NEEDS[need][0].upper() + NEEDS[need][1:]


@traced
def derive_need_of_cases(records: Records, *, dates: StudyDates, alpha: float, name: str) -> pd.DataFrame:
    """The primary need of lead children's index episodes: name (as given), need, label, episodes, all, share, low, high
    (Wilson's interval); position 3, so that it stands last."""
    cases = derive_cases(records, dates=dates)
    need = cases["episode_id"].map(records.episodes.set_index("episode_id")["primary_need"])
    counts, n = need.value_counts(), len(cases)
    rows = []
    for code in NEEDS:
        k = int(counts.get(code, 0))
        low, high = fit_wilson(k, n, alpha=alpha)
        found = {"name": name, "position": 3, "need": code, "label": say_need(code), "episodes": k, "all": n}
        rows.append({**found, "share": k / n, "low": low, "high": high})
    return pd.DataFrame(rows)


@traced
def place_year(shares: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """The official shares of one year, for a figure."""
    return shares[shares["year"] == year].reset_index(drop=True)


@traced
def place_cases_beside(shares: pd.DataFrame, cases: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """The official shares of one year and those of the records in one table, for a figure."""
    columns = ["name", "position", "need", "label", "episodes", "all", "share", "low", "high"]
    return pd.concat([shares.loc[shares["year"] == year, columns], cases[columns]], ignore_index=True)


@traced
def summarise_need(shares: pd.DataFrame, *, year: int) -> dict[str, object]:
    """For prose: the commonest need of Cheshire East, and the two needs in which it lies furthest above and below
    England: labels, and both shares."""
    now = shares[shares["year"] == year]
    wide = now.pivot(index="need", columns="authority", values="share")[[CHESHIRE_EAST, ENGLAND]].dropna()
    gaps = wide[CHESHIRE_EAST] - wide[ENGLAND]
    found: dict[str, object] = {"year": str(year)}
    for key, need in (("first", wide[CHESHIRE_EAST].idxmax()), ("above", gaps.idxmax()), ("below", gaps.idxmin())):
        own, england = wide.loc[[need]].to_numpy(float)[0]
        found |= {key: NEEDS[str(need)], f"{key}_own": float(own), f"{key}_england": float(england)}
    return found


@traced
def describe_need(shares: pd.DataFrame) -> dict[str, str]:
    """The shares of each group, commonest need first, for the alternative text of the figure."""
    said = []
    for name, own in shares.groupby("name", sort=False):
        known = own.dropna(subset=["share"]).sort_values("share", ascending=False, kind="stable")
        listed = ", ".join(
            f"{NEEDS[str(n)]} {percent(1)(s)}" for n, s in zip(known["need"], known["share"], strict=True)
        )
        hidden = "; withheld: " + ", ".join(NEEDS[str(n)] for n in own.loc[own["share"].isna(), "need"])
        said.append(f"{name}: {listed}{hidden if own['share'].isna().any() else ''}.")
    return {"text": " ".join(said)}
