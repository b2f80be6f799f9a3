"""Whether two people who code the same case come to the same: agreement of coders on the risk framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, fixed, interval, spelt
from crewe_lib.models.agreement import Level, Weights, fit_krippendorff, fit_krippendorff_interval, fit_weighted_kappa
from crewe_lib.provenance import traced
from crewe_lib.records import Records
from crewe_lib.risk_scoring import Combine, derive_risk_scores

ASSESSMENT = ["family_id", "time_point"]
LEVELS = (-2, -1, 1, 2)
FOUND = (0, 1)
T = TypeVar("T")
NO_PAIR = "no case was coded by two people"
COLUMNS: Mapping[str, Column] = {
    "measure": Column("What was coded"),
    "cases": Column("Cases coded by two or more", count),
    "units": Column("Ratings compared", count),
    "same": Column("Exactly alike, %", fixed(0)),
    "kappa_linear": Column("Kappa, linear", fixed(2)),
    "kappa_quadratic": Column("Kappa, quadratic", fixed(2)),
    "alpha": Column("Krippendorff's alpha", fixed(2)),
    "interval": Column("Interval of alpha"),
    "note": Column("Remark", blank=""),
}


@dataclass(frozen=True)
class _Coded:
    """Ratings of one kind by unit (rows) and coder (columns), families (rows); how far apart two values are."""

    measure: str
    ratings: pd.DataFrame
    level: Level
    categories: tuple[int, ...] = ()

    @property
    def families(self) -> pd.Index:
        return self.ratings.index.get_level_values("family_id")

    @property
    def strata(self) -> np.ndarray | None:
        """The factor of each unit, where units are factors: some are common and some rare, whatever the case."""
        index = self.ratings.index
        return index.get_level_values("factor").to_numpy() if "factor" in index.names else None


@traced
def check_agreement(
    records: Records, framework: pd.DataFrame, *, combine: Combine, alpha: float, n_draws: int, seed: int
) -> pd.DataFrame:
    """Agreement of the coders, for the cases that two or more coded at the same time point.

    One row each for the total score, the engagement of parent and child, and the factors as found or not (the child's
    own only where somebody coded anything of the child). Columns: measure, cases (families), units, same (percent of
    units in which all coders gave the same), kappa_linear, kappa_quadratic (levels of engagement and factors; only if
    the same two coders did all of them), alpha with interval (families resampled), note (why something is missing).
    For factors, agreement by chance is reckoned within each factor: pooled, it would be understated, as coders who
    ignore the case still know which factors are common.

    Where no case was coded by two people, the answer is one row with no case, empty measures and the note `NO_PAIR`.
    """
    coders = records.risk.groupby(ASSESSMENT)["coder"].nunique()
    twice = coders[coders > 1].index
    rows = [
        _row(coded, alpha=alpha, n_draws=n_draws, rng=np.random.default_rng(seed))
        for coded in (_code(records, framework, twice, combine) if len(twice) else ())
        if not coded.ratings.empty
    ]
    if rows:
        return pd.DataFrame(rows)
    blank = {"same": nan, "kappa_linear": nan, "kappa_quadratic": nan, "alpha": nan, "interval": None}
    return pd.DataFrame([{"measure": "everything", "cases": 0, "units": 0, **blank, "note": NO_PAIR}])


def _code(records: Records, framework: pd.DataFrame, twice: pd.Index, combine: Combine) -> Iterator[_Coded]:
    """The ratings of the assessments that more than one coded, kind by kind."""
    risk = records.risk.set_index(ASSESSMENT).loc[twice].reset_index()
    scores = [
        derive_risk_scores(_of_coder(records, own), framework, combine=combine).assign(coder=coder)
        for coder, own in risk.groupby("coder")
    ]
    yield _Coded("total score", _spread(pd.concat(scores).dropna(subset=["total"]), "total"), "interval")
    for person, words in (("parent", "parent's engagement"), ("child", "child's engagement")):
        own = risk[risk["factor"] == f"{person}_engagement"]
        yield _Coded(words, _spread(own, "level"), "ordinal", LEVELS)
    yield _Coded("factors, found or not", _found(risk, framework), "nominal", FOUND)


def _of_coder(records: Records, risk: pd.DataFrame) -> Records:
    return Records(**{**vars(records), "risk": risk})


def _spread(coded: pd.DataFrame, value: str) -> pd.DataFrame:
    """One row per assessment that two or more rated, one column per coder."""
    table = coded.set_index([*ASSESSMENT, "coder"])[value].astype(float).unstack("coder")
    return table[table.notna().sum(axis=1) > 1]


def _found(risk: pd.DataFrame, framework: pd.DataFrame) -> pd.DataFrame:
    """One row per assessment and factor that could be found, one column per coder: 1 where found, else 0."""
    factors = framework[framework["kind"] != "engagement"].set_index("factor")["applies_to"]
    coders = risk[[*ASSESSMENT, "coder"]].drop_duplicates()
    every = coders.merge(factors.rename_axis("factor").reset_index(), how="cross")
    own = set(framework.loc[framework["applies_to"] == "over_11", "factor"])
    of_child = risk[risk["factor"].isin(own)][ASSESSMENT].drop_duplicates().assign(child=True)
    every = every.merge(of_child, on=ASSESSMENT, how="left")
    every = every[(every["applies_to"] == "all") | every["child"].eq(True)]
    keys = [*ASSESSMENT, "coder", "factor"]
    found = every.merge(risk[keys].assign(found=1.0), on=keys, how="left").fillna({"found": 0.0})
    return found.set_index([*ASSESSMENT, "factor", "coder"])["found"].unstack("coder")


def _row(coded: _Coded, *, alpha: float, n_draws: int, rng: np.random.Generator) -> dict[str, object]:
    ratings, notes = coded.ratings, list[str]()
    table = ratings.to_numpy(float)
    scale: dict[str, Any] = {"level": coded.level, "strata": coded.strata}
    resampling = scale | {"clusters": coded.families.to_numpy(), "n_draws": n_draws, "rng": rng, "alpha": alpha}
    found = _try(lambda: fit_krippendorff(table, **scale).estimate, notes)
    limits = None if found is None else _try(lambda: _interval(table, resampling), notes)
    return {
        "measure": coded.measure,
        "cases": int(coded.families.nunique()),
        "units": len(table),
        "same": 100 * float((np.nanmin(table, axis=1) == np.nanmax(table, axis=1)).mean()),
        "kappa_linear": _kappa(coded, "linear", notes),
        "kappa_quadratic": _kappa(coded, "quadratic", []),
        "alpha": nan if found is None else found,
        "interval": limits,
        "note": "; ".join(dict.fromkeys(notes)),
    }


def _interval(table: np.ndarray, resampling: Mapping[str, Any]) -> str:
    return interval(*fit_krippendorff_interval(table, **resampling), 2)


def _kappa(coded: _Coded, weights: Weights, notes: list[str]) -> float:
    ratings = coded.ratings.dropna(axis="columns", how="all")
    if not coded.categories:
        return nan
    if ratings.shape[1] != 2:
        notes.append("kappa compares the same two coders throughout; here there are more")
        return nan
    first, second = (ratings[coder].to_numpy() for coder in ratings)
    scale: dict[str, Any] = {"categories": coded.categories, "weights": weights, "strata": coded.strata}
    kappa = _try(lambda: fit_weighted_kappa(first, second, **scale).estimate, notes)
    return nan if kappa is None else kappa


def _try(compute: Callable[[], T], notes: list[str]) -> T | None:
    try:
        return compute()
    except CreweError as fault:
        notes.append(str(fault).partition(": ")[2] or str(fault))
        return None


@traced
def describe_agreement(agreement: pd.DataFrame) -> dict[str, str]:
    """As a clause: whether agreement could be assessed, and on how many cases."""
    cases = int(agreement["cases"].max())
    if not cases:
        return {"text": f"{NO_PAIR}, so agreement could not be assessed"}
    said = "case was" if cases == 1 else "cases were"
    return {"text": f"{spelt(cases)} {said} coded by two or more people, so agreement can be assessed"}
