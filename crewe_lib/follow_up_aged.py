"""What keeping the children who turned eighteen in the sample can do to the difference in closing, as implied.

The 2020 report keeps them since a test had found the arms alike in them. No report prints which of them count as
closed, so that closing among the other families lies between bounds: as many or as few of those who turned eighteen
closed as the counts allow. Nothing here is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.errors import DataError
from crewe_lib.formats import interval
from crewe_lib.implied import Pair, printed_arms, printed_pairs
from crewe_lib.leads.ageing_out import check_ageing_out
from crewe_lib.provenance import infers, traced

ALL, FEWEST, LEAST, MOST = "all of them", "as few as can be", "those that lower it most", "those that raise it most"
_RATES = ("r2.closure.treat", "r2.closure.control")


@traced
@infers
def derive_without_aged(register: pd.DataFrame) -> pd.DataFrame:
    """Closing by November 2019 of the families whose child had not turned eighteen, by who of the others is counted
    as closed.

    Four rows for each division of the families at which counts print both shares closed and everything printed of
    turning eighteen: `ALL` of them closed, `FEWEST` in both arms, and the two choices, one for each arm, at which the
    difference is `LEAST` and `MOST`. Columns: arms (words), main (the printed arms), counted, k1, n1, k2, n2,
    treatment, control (words), difference, forced1, forced2 (of those who turned eighteen, how many must be counted as
    closed), aged1, aged2. The printed arms come first. Raises DataError if no counts fit.
    """
    reader = read_register(register)
    rows = [row for pair, aged in _fitting(reader, register) for row in _bounds(reader, pair, aged)]
    if not rows:
        raise DataError("follow-up: no whole numbers of families print both who closed and who turned eighteen.")
    return pd.DataFrame(rows).sort_values("main", ascending=False, kind="stable").reset_index(drop=True)


def _fitting(reader: Reader, register: pd.DataFrame) -> Iterator[tuple[Pair, tuple[int, int]]]:
    """Counts closed and counts aged out in the same arms, each giving all that is printed of it."""
    splits = check_ageing_out(register).readings
    full = splits[splits["matched"] == splits["matched"].max()]
    for k1, n1, k2, n2 in full[["k_treat", "n_treat", "k_control", "n_control"]].astype(int).to_numpy().tolist():
        for pair in printed_pairs(reader, _RATES, [(n1, n2)]):
            if k1 < n1 and k2 < n2:
                yield pair, (k1, k2)


def _bounds(reader: Reader, pair: Pair, aged: tuple[int, int]) -> Iterator[dict[str, Any]]:
    rest = (pair.n1 - aged[0], pair.n2 - aged[1])
    fewest = (pair.k1 - min(pair.k1, aged[0]), pair.k2 - min(pair.k2, aged[1]))
    most = (min(pair.k1, rest[0]), min(pair.k2, rest[1]))
    chosen = {ALL: fewest, FEWEST: most, LEAST: (fewest[0], most[1]), MOST: (most[0], fewest[1])}
    for counted, (k1, k2) in chosen.items():
        others = Pair(k1, rest[0], k2, rest[1])
        yield {
            "arms": f"{pair.n1} and {pair.n2}",
            "main": (pair.n1, pair.n2) == printed_arms(reader),
            "counted": counted,
            **vars(others),
            **{"treatment": f"{k1} of {rest[0]}", "control": f"{k2} of {rest[1]}", "difference": others.gap},
            **{"forced1": pair.k1 - most[0], "forced2": pair.k2 - most[1]},
            **{"aged1": aged[0], "aged2": aged[1]},
        }


@traced
@infers
def summarise_without_aged(bounds: pd.DataFrame) -> dict[str, Any]:
    """Numbers for prose, of the main division unless they say otherwise: all_closed, fewest, least, most (points),
    range, range_all (over every division), divisions, aged_treatment, aged_control, forced_treatment, forced_control
    (who must be counted as closed), turns (whether the bounds hold both signs)."""
    own = bounds[bounds["arms"] == bounds["arms"].iloc[0]]
    at = own.groupby("counted")["difference"].agg(["min", "max"])
    least, most = float(at.loc[LEAST, "min"]), float(at.loc[MOST, "max"])
    first = own.iloc[0]
    return {
        **{"all_closed": float(own[own["counted"] == ALL]["difference"].iloc[0])},
        **{"fewest": float(own[own["counted"] == FEWEST]["difference"].iloc[0])},
        **{"least": least, "most": most, "range": interval(least, most)},
        "range_all": interval(float(bounds["difference"].min()), float(bounds["difference"].max())),
        "divisions": int(bounds["arms"].nunique()),
        **{"aged_treatment": int(first["aged1"]), "aged_control": int(first["aged2"])},
        **{"forced_treatment": int(first["forced1"]), "forced_control": int(first["forced2"])},
        "turns": bool(least < 0 < most),
    }
