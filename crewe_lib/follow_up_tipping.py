"""The long follow-up: every way in which the families whose outcome is not known could have turned out, and in how many
of these the finding would be another (a tipping-point analysis; Hollis 2002, Statistics in Medicine 21(24)).

Nothing is assumed of why an outcome is missing. Differences are treatment less control, in percentage points, and
without covariates, so that a way is told by the number of families in each arm alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.follow_up import ARMS
from crewe_lib.follow_up_missing import LABELS, compare_shares, split_counts
from crewe_lib.formats import fixed, interval
from crewe_lib.models.linear import Array
from crewe_lib.provenance import traced

STEPS = 6  # a side of the figure shows at most one more than this; with more families missing, evenly spaced numbers
MORE, FEWER, OPEN = "more", "fewer", "open"
VERDICTS: Mapping[str, str] = {
    MORE: "interval above zero: more with treatment",
    FEWER: "interval below zero: fewer with treatment",
    OPEN: "interval holds zero: not told apart",
}
_HOLDS: Mapping[str, str] = {MORE: "lies above zero", FEWER: "lies below zero", OPEN: "holds zero"}
WAY_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "treatment": Column("Missing treatment families with it", fixed(0)),
    "control": Column("Missing control families with it", fixed(0)),
    "estimate": Column("Difference, points", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "verdict_label": Column("Verdict"),
}


@traced
def derive_ways(counts: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The difference for each number of missing families of either arm that had the outcome, all randomised together.

    counts: as from `follow_up_missing.count_missing`, or of implied counts. Columns: outcome, label, treatment, control
    (missing families with the outcome), treatment_missing, control_missing, treatment_seen, control_seen (share of
    families seen that had it, %), estimate, conf_low, conf_high, p_value, interval, verdict, verdict_label. With more
    than STEPS families missing in an arm, evenly spaced numbers of them, none and all included; `summarise_ways` counts
    all. Raises CreweError for bad alpha.
    """
    tables = [_list_ways(own, alpha, steps=STEPS) for _, own in counts.groupby("outcome", sort=False)]
    table = pd.concat(tables, ignore_index=True)
    limits = zip(table["conf_low"], table["conf_high"], strict=True)
    return table.assign(
        interval=[interval(low, high) for low, high in limits], verdict_label=table["verdict"].map(VERDICTS)
    )


def _list_ways(own: pd.DataFrame, alpha: float, *, steps: int | None) -> pd.DataFrame:
    by_arm = split_counts(own)
    missing = {arm: int(by_arm[arm]["missing"]) for arm in ARMS}
    added = {arm: _spread(most, steps) for arm, most in missing.items()}
    pair = [grid.ravel() for grid in np.meshgrid(*(added[arm] for arm in ARMS), indexing="ij")]
    k1, k2 = (by_arm[arm]["events"] + more for arm, more in zip(ARMS, pair, strict=True))
    n1, n2 = (np.full(len(k1), float(by_arm[arm]["seen"] + missing[arm])) for arm in ARMS)
    found = compare_shares(k1, n1, k2, n2, alpha=alpha)
    points = {name: 100 * found[name] for name in ("estimate", "conf_low", "conf_high")}
    verdict = np.select([found["conf_low"] > 0, found["conf_high"] < 0], [MORE, FEWER], OPEN)
    return pd.DataFrame(
        {
            "outcome": by_arm["treatment"]["outcome"],
            "label": by_arm["treatment"]["label"],
            **dict(zip(ARMS, (one.astype(int) for one in pair), strict=True)),
            **{f"{arm}_missing": missing[arm] for arm in ARMS},
            **{f"{arm}_seen": _share(by_arm[arm]["events"], by_arm[arm]["seen"]) for arm in ARMS},
            **points,
            "p_value": found["p_value"],
            "verdict": verdict,
        }
    )


def _spread(most: int, steps: int | None) -> Array:
    """Whole numbers from none to `most`, all of them or steps + 1 evenly spaced ones."""
    if steps is None or most <= steps:
        return np.arange(most + 1.0)
    return np.unique(np.round(np.linspace(0, most, steps + 1)))


def _share(events: int, seen: int) -> float:
    return 100 * events / seen if seen else np.nan


@traced
def summarise_ways(counts: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Over all ways, drawn or not: one row for each outcome.

    Columns: outcome, label, missing (families), seen (verdict on the families whose outcome is known; `none` if an arm
    has none), ways, more, fewer, open (ways with that verdict), changed (ways with another verdict than `seen`), least
    and greatest (difference, points), said (in words). Raises CreweError for bad alpha.
    """
    rows = []
    for outcome, own in counts.groupby("outcome", sort=False):
        ways = _list_ways(own, alpha, steps=None)
        known = own.assign(missing=0)
        seen = str(_list_ways(known, alpha, steps=None)["verdict"].iloc[0]) if own["seen"].gt(0).all() else "none"
        row: dict[str, Any] = {
            "outcome": outcome,
            "label": LABELS[str(outcome)],
            "missing": int(own["missing"].sum()),
            "seen": seen,
        }
        row |= {"ways": len(ways), **{name: int((ways["verdict"] == name).sum()) for name in VERDICTS}}
        row["changed"] = int((ways["verdict"] != seen).sum())
        row |= {"least": float(ways["estimate"].min()), "greatest": float(ways["estimate"].max())}
        rows.append(row | {"said": _say(row)})
    return pd.DataFrame(rows)


def _say(row: Mapping[str, Any]) -> str:
    """What missing outcomes could change, in words."""
    if row["missing"] == 0:
        return "no outcome is missing, so nothing could have changed the finding"
    if row["seen"] not in _HOLDS:
        return "in an arm no outcome is known, so there is no finding to be changed"
    said = _HOLDS[str(row["seen"])]
    if row["changed"] == 0:
        return f"however these families turned out, the interval {said}, as it does without them"
    if row["changed"] == row["ways"]:
        return f"without these families the interval {said}, and with them it does not, whatever their outcomes"
    return (
        f"without these families the interval {said}; in {row['changed']:,} of the {row['ways']:,} ways they could "
        "have turned out, it does not"
    )
