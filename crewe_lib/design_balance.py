"""Were the arms alike at the start? On the counts behind printed percentages, and on records, family by family.

A p-value of a test of balance is about the allocation: how often it alone would set the arms as far apart. It does not
say whether a difference matters for an outcome; for that, size and the outcome's own dependence count (Senn 1994,
Statistics in Medicine 13: 1715–1726).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.arm_percentages import TOTALS, UNDER_11
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.design_baseline import CHARACTERISTICS
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, p_value
from crewe_lib.implied_counts import derive_implied_counts, derive_printed_counts
from crewe_lib.models.balance import (
    exact_share_size,
    exact_share_test,
    fit_balance,
    pooled_spread,
    standardised_interval,
)
from crewe_lib.models.proportions import fit_newcombe
from crewe_lib.provenance import infers, traced

EXCHANGED, AS_PRINTED = "under_11", "under_11_as_printed"
LABELS: Mapping[str, str] = {
    "female": "Female",
    EXCHANGED: "Under 11, the arms' labels exchanged",
    AS_PRINTED: "Under 11, labels as printed",
    "other_children_in_need": "Another child in need in the family",
    "white_british": "White British",
    "other_white": "Other White",
    "disability": "Disability",
}
IMPLIED_COLUMNS: Mapping[str, Column] = {
    "label": Column("Lead child or family"),
    "counts": Column("Treatment and control"),
    "basis": Column("Counts"),
    "difference": Column("Difference, points", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "rivals": Column("Over rival readings"),
    "standardised": Column("Standardised", fixed(2, sign=True)),
    "p_value": Column("p", p_value),
}
BALANCE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Lead child or family"),
    "unit": Column("Unit"),
    "treatment": Column("Treatment", fixed(1)),
    "control": Column("Control", fixed(1)),
    "difference": Column("Difference", fixed(1, sign=True)),
    "standardised": Column("Standardised", fixed(2, sign=True)),
    "chance": Column("Chance alone, up to", fixed(2)),
    "p_value": Column("p, by allocation", p_value),
    "exact": Column("Exact", either("yes", "no, drawn")),
}


@traced
@infers
def estimate_implied_balance(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Differences at the start on the whole numbers behind the 2020 report's percentages, none of which it prints but
    those of disability.

    Each row is the main reading of `derive_implied_counts`; the shares under 11 have two, since the arms' labels may be
    exchanged. Columns: characteristic, label, counts (words), k1, n1, k2, n2 (treatment first), basis ('implied',
    'printed'), difference (points), conf_low, conf_high (Newcombe), interval, standardised, std_low, std_high, least,
    most, rivals (of the difference, over all readings of both arms with as many families as a report prints), readings
    (how many), p_value (`exact_share_test`), size (chance that it is alpha or less by the allocation alone).
    """
    reader = read_register(register)
    totals = [reader.count(id) for id in TOTALS]
    rows = []
    for name, first, second in _readings(register, reader):
        pairs = [(a, b) for a in first for b in second if min(totals) <= a[1] + b[1] <= max(totals)]
        gaps = [100 * (a[0] / a[1] - b[0] / b[1]) for a, b in pairs or [(first[0], second[0])]]
        rows.append(
            {
                "characteristic": name,
                "label": LABELS[name],
                "basis": "printed" if name == "disability" else "implied",
                **compare_shares(*first[0], *second[0], alpha=alpha),
                "least": min(gaps),
                "most": max(gaps),
                "rivals": interval(min(gaps), max(gaps)),
                "readings": len(gaps),
            }
        )
    return pd.DataFrame(rows)


def _readings(register: pd.DataFrame, reader: Reader) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """Name, readings (k, n) of the treatment arm and of the control arm, the one to be shown first."""
    implied = derive_implied_counts(register)
    printed = {arm: reader.number(id) for arm, id in UNDER_11.items()}
    told_apart = printed["pc"] != printed["cec"]
    for name in LABELS:
        table = derive_printed_counts(register) if name == "disability" else implied
        rows = table[table["outcome"] == ("under_11" if name == AS_PRINTED else name)]
        if name in (EXCHANGED, AS_PRINTED) and told_apart:
            own = rows["printed"] == rows["arm"].map(printed)
            rows = rows[own if name == AS_PRINTED else ~own]
        pair = [[(int(k), int(n)) for k, n in rows.loc[rows["arm"] == arm, ["k", "n"]].to_numpy()] for arm in UNDER_11]
        yield name, pair[0], pair[1]


def compare_shares(k1: int, n1: int, k2: int, n2: int, *, alpha: float) -> dict[str, Any]:
    """Two shares: counts, difference in points with Newcombe's interval, standardised difference with its own, p-value,
    and size, the chance that the allocation alone makes it alpha or less.

    Raises CreweError if everybody in both arms is alike.
    """
    low, high = fit_newcombe(k1, n1, k2, n2, alpha=alpha)
    arms = [np.repeat([1.0, 0.0], [k, n - k]) for k, n in ((k1, n1), (k2, n2))]
    difference = k1 / n1 - k2 / n2
    standardised = difference / pooled_spread(*arms)
    std_low, std_high = standardised_interval(standardised, n1, n2, alpha=alpha)
    return {
        "counts": f"{k1} of {n1} and {k2} of {n2}",
        **{"k1": k1, "n1": n1, "k2": k2, "n2": n2},
        **{"difference": 100 * difference, "conf_low": 100 * low, "conf_high": 100 * high},
        "interval": interval(100 * low, 100 * high),
        **{"standardised": standardised, "std_low": std_low, "std_high": std_high},
        "p_value": exact_share_test(k1, n1, k2, n2),
        "size": exact_share_size(k1 + k2, n1, n2, alpha=alpha),
    }


@traced
def estimate_balance(baseline: pd.DataFrame, *, alpha: float, n_draws: int, seed: int) -> pd.DataFrame:
    """The arms compared on each characteristic of `derive_baseline`, by allocating the families anew (`fit_balance`).

    Columns: characteristic, label, unit, treatment, control (means; shares in per cent), difference (in the same unit),
    standardised, std_low, std_high, chance (the standardised size that the allocation alone exceeds with probability
    alpha at most), p_value, exact, size (chance that the p-value is alpha or less by the allocation alone: attained for
    a share without a gap, which is tested exactly, else alpha), n (families for which it is known), distance, rank,
    joint_p, n_draws (of all together, the same in every row). A characteristic in which each arm's families are all
    alike, or that is unknown throughout an arm, is left out. Raises CreweError if none remains.
    """
    treated = baseline["treated"].to_numpy(float)
    names = [name for name in CHARACTERISTICS if _varies(baseline, name)]
    if not names:
        raise CreweError("balance: no characteristic differs between families, so there is nothing to compare.")
    values = baseline[names].to_numpy(float)
    found = fit_balance(values, treated, n_draws=n_draws, alpha=alpha, rng=np.random.default_rng(seed))
    rows = []
    for j, name in enumerate(names):
        one, known = CHARACTERISTICS[name], ~np.isnan(values[:, j])
        scale = 100.0 if one.kind == "share" else 1.0
        n1, n2 = int(np.sum(known & (treated == 1))), int(np.sum(known & (treated == 0)))
        standardised = float(found.standardised[j])
        std_low, std_high = standardised_interval(standardised, n1, n2, alpha=alpha)
        means = {arm: scale * float(np.mean(values[known & (treated == side), j])) for arm, side in _SIDES}
        rows.append(
            {
                "characteristic": name,
                "label": one.label,
                "unit": "%" if one.kind == "share" else one.unit,
                **means,
                "difference": scale * float(found.differences[j]),
                "standardised": standardised,
                "std_low": std_low,
                "std_high": std_high,
                "chance": float(found.chance[j]),
                "p_value": float(found.p_values[j]),
                "exact": bool(found.exact[j]),
                "size": _attained(values[:, j], n1, n2, alpha),
                "n": n1 + n2,
            }
        )
    joint = {"distance": found.distance, "rank": found.rank, "joint_p": found.joint_p, "n_draws": found.n_draws}
    return pd.DataFrame(rows).assign(**joint)


_SIDES = (("treatment", 1), ("control", 0))


def _attained(column: np.ndarray[Any, Any], n1: int, n2: int, alpha: float) -> float:
    """Chance of a p-value of alpha or less by the allocation alone; alpha itself where allocations are drawn."""
    if not np.isin(column, (0.0, 1.0)).all():
        return alpha
    return exact_share_size(int(np.sum(column)), n1, n2, alpha=alpha)


def _varies(baseline: pd.DataFrame, name: str) -> bool:
    arms = [baseline.loc[baseline["treated"] == side, name].dropna() for _, side in _SIDES]
    return all(len(arm) for arm in arms) and any(arm.min() < arm.max() for arm in arms)


@traced
def summarise_balance(balance: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """For prose: how many characteristics, how many rows differ so much that the allocation alone would do so with
    probability alpha at most, how many characteristics would be expected to (the sum of `size`: a test of few counts
    cannot reach alpha exactly, or at all), never (rows that could not), the largest difference, widest (the furthest
    limit of the standardised intervals, either way), families (most that a row has), and the test of all together where
    there is one, with the middle one of the characteristics' `chance`. A second reading of a characteristic is a row
    but no characteristic.
    """
    first = balance[balance["characteristic"] != AS_PRINTED]
    families = balance["n"] if "n" in balance else balance["n1"] + balance["n2"]
    sizes = balance["standardised"].abs()
    largest = balance.loc[sizes.idxmax()]
    keys = ("joint_p", "distance", "rank", "n_draws")
    joint = {key: balance[key].iloc[0].item() for key in keys if key in balance}
    if "chance" in balance:
        joint["chance"] = float(balance["chance"].median())
        joint["further"] = "no further" if joint["distance"] <= joint["rank"] else "further"
    return {
        "characteristics": len(first),
        "families": int(families.max()),
        "rows": len(balance),
        "beyond": int((balance["p_value"] <= alpha).sum()),
        "expected": float(first["size"].sum()),
        "never": int((balance["size"] == 0).sum()),
        "largest": str(largest["label"]),
        "largest_size": float(abs(largest["standardised"])),
        "widest": float(balance[["std_low", "std_high"]].abs().to_numpy().max()),
        "smallest_p": float(balance["p_value"].min()),
        **joint,
    }


@traced
def describe_balance(balance: pd.DataFrame) -> dict[str, str]:
    """Every standardised difference with its interval, for the alternative text of its figure."""
    said = [
        f"{row['label']}: {fixed(2, sign=True)(row['standardised'])} "
        f"({fixed(2)(row['std_low'])} to {fixed(2)(row['std_high'])})"
        for row in balance.to_dict("records")
    ]
    return {"text": "Standardised differences, treatment less control. " + "; ".join(said) + "."}
