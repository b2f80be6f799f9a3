"""The published draw's coded risk: cases and draws of their codes, chosen so that the reports' figures are met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.cohort.risk import ABSENT, Codes, draw_risk
from crewe_lib.cohort.search import Whole, choose_rows
from crewe_lib.cohort.truth import Truth
from crewe_lib.provenance import REPOSITORY
from crewe_lib.risk_framework import read_risk_framework
from crewe_lib.targets.risk import TABLE_2

DRAWS, CODED = 80, 15
REFERRAL, LATEST = (-6, 2), (2, 6)  # R1: where most totals lie
OUTSIDE = (0, 3)  # of fifteen, so that the box lies within
Bounds = Mapping[str, tuple[int, int]]
# Sums over the fifteen coded cases, totals in half points; 'followed' ones over those with a third time point.
TREATMENT: Bounds = {
    "domestic violence": (8, 8),
    "mental health": (5, 5),
    "substance abuse": (4, 4),
    "referral": (-94, -70),
    "risk_at_referral": (-105, -88),
    "latest": (102, 132),
    "risk": (42, 46),
    "protective": (8, 24),
    "followed": (6, 6),
    "followed_total": (-18, -18),
    "followed_risk": (-8, -6),
    "followed_protective": (-2, 0),
    "below_referral": OUTSIDE,
    "above_referral": OUTSIDE,
    "below_latest": OUTSIDE,
    "above_latest": OUTSIDE,
}
CONTROL: Bounds = {
    **TREATMENT,
    "domestic violence": (6, 6),
    "substance abuse": (3, 3),
    "referral": (-66, -44),
    "risk_at_referral": (-84, -70),
    "latest": (78, 98),
    "protective": (-6, -1),
    "followed": (7, 7),
    "followed_total": (-31, -31),
    "followed_risk": (-9, -7),
    "followed_protective": (-4, -2),
}


def draw_calibrated_risk(
    rng: np.random.Generator, cases: pd.DataFrame, followable: npt.NDArray[np.bool_], truth: Truth
) -> tuple[Whole, Codes, npt.NDArray[np.bool_]]:
    """Positions of the coded families, their codes, and which were followed up.

    Each family's codes are drawn from the model DRAWS times; of all these, fifteen in each arm are chosen, of different
    families.
    """
    repeated = np.repeat(np.arange(len(cases)), DRAWS)
    codes = draw_risk(rng, cases.iloc[repeated].reset_index(drop=True), truth)
    followed = followable[repeated] & (rng.random(len(repeated)) < truth.risk_followed)
    features = _describe(codes, followed)
    treated = cases["treated"].to_numpy()[repeated]
    chosen = []
    for arm, bounds in ((True, TREATMENT), (False, CONTROL)):
        rows = np.flatnonzero(treated == arm)
        low, high = np.array(list(bounds.values()), dtype=np.int64).T
        own = features[list(bounds)].to_numpy(dtype=np.int64)[rows]
        chosen.append(rows[choose_rows(rng, own, low, high, CODED, group=repeated[rows])])
    both = np.sort(np.concatenate(chosen))
    return cases["family"].to_numpy()[repeated[both]], codes.take(both), followed[both]


def _describe(codes: Codes, followed: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """What is counted of each draw of codes, as whole numbers; totals in half points."""
    framework = read_risk_framework(REPOSITORY / "data" / "published").drop_duplicates("factor").set_index("factor")
    names = list(codes.factors)
    weight, kind = framework["weight"].reindex(names).to_numpy(), framework["kind"].reindex(names).to_numpy()
    part = {name: (codes.found * np.where(kind == name, weight, 0)).sum(axis=2) for name in ("risk", "protective")}
    parent, child = codes.engagement[:, :, 0], codes.engagement[:, :, 1]
    engagement = np.where(child == ABSENT, 2 * parent, parent + child)
    total = 2 * (part["risk"] + part["protective"]) + engagement
    table: dict[str, npt.NDArray[Any]] = {
        name: np.any(codes.found[:, 0, [names.index(code) for code in factors]], axis=1)
        for name, factors in TABLE_2.items()
    }
    for time, name, (low, high) in ((0, "referral", REFERRAL), (1, "latest", LATEST)):
        table[name] = total[:, time]
        table[f"below_{name}"], table[f"above_{name}"] = total[:, time] < 2 * low, total[:, time] > 2 * high
    table["risk_at_referral"] = part["risk"][:, 0]
    for name, points in part.items():
        table[name] = points[:, 1] - points[:, 0]
        table[f"followed_{name}"] = (points[:, 2] - points[:, 1]) * followed
    table["followed"], table["followed_total"] = followed, (total[:, 2] - total[:, 1]) * followed
    return pd.DataFrame(table).astype(np.int64)
