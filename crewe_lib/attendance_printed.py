"""What the 2017 report prints of attendance, when it counted, and what so few pupils could have shown at best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from crewe_lib.attendance_context import PHASES, academic
from crewe_lib.claim_register import read_register
from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, fixed
from crewe_lib.la_did import ENGLAND
from crewe_lib.provenance import traced

# In the order of the report's pages.
STATEMENTS = (
    "r1.att.n",
    "r1.att.n_primary",
    "r1.att.n_secondary",
    "r1.att.terms",
    "r1.att.all_dir",
    "r1.att.prim_dir",
    "r1.att.sec_dir",
    "r1.att.sig",
    "r1.att.models",
    "r1.att.log",
)
DETECTABLE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Pupils"),
    "n": Column("Number", count),
    "detectable": Column("Least difference found", fixed(1)),
    "percent": Column("As % of what is missed", fixed(0)),
    "missed": Column("England: sessions missed, %", fixed(1)),
    "persistent": Column("Pupils missing a tenth, %", fixed(1)),
    "severe": Column("Missing half, %", fixed(1)),
    "spread": Column("Spread, at least", fixed(1)),
}
# Shares of sessions missed that the official figures tell apart: under a tenth, from there to a half, and above.
_BANDS = ((0.0, 0.1), (0.1, 0.5), (0.5, 1.0))
_CLAIMS = {"all": "r1.att.n", "primary": "r1.att.n_primary", "secondary": "r1.att.n_secondary"}


@traced
def derive_timing(register: pd.DataFrame) -> dict[str, Any]:
    """Whose absence was counted, and when, against when families were allocated, by the printed months.

    pupils, primary, secondary; children (in the families randomised) and share (of them, %); months (of absence
    counted), over (of these, before the last month of allocation began) and left (from that month on).
    """
    reader = read_register(register)
    first, last = reader.day("r1.t10.att_window"), reader.day("r1.t10.att_window", end=True)
    allocated = reader.day("r1.design.rct_end")
    months = _months(last) - _months(first) + 1
    over = min(max(_months(allocated) - _months(first), 0), months)
    pupils, children = reader.count("r1.att.n"), reader.count("r1.sample.children")
    return {
        "pupils": pupils,
        "primary": reader.count("r1.att.n_primary"),
        "secondary": reader.count("r1.att.n_secondary"),
        "children": children,
        "share": 100 * pupils / children,
        "months": months,
        "over": over,
        "left": months - over,
    }


def _months(day: Any) -> int:
    return 12 * int(day.year) + int(day.month)


@traced
def estimate_detectable(absence: pd.DataFrame, register: pd.DataFrame, *, alpha: float, power: float) -> pd.DataFrame:
    """The smallest difference that the trial's pupils could have shown, if they varied as little as England's may have.

    The spread of pupils is not published, but it cannot be less than what the mean and the shares that miss a tenth or
    more, and a half or more, leave (`least_spread`). Taken from the first year with both shares; for all pupils, the
    two phases' figures in the printed numbers of primary and secondary pupils, since England's total has special
    schools too. Supposed: the same sessions possible for all; the arms two to one as printed of families; no
    covariates; every pupil independent of siblings; a two-sided test of two means by the normal distribution.

    Columns: phase, label, academic year's end `year`, n, n_treatment, n_control, missed (% of sessions), persistent,
    severe (% of pupils), spread (points of 100, one standard deviation), detectable (points), percent (of `missed`).
    Raises CreweError for bad alpha or power, DataError if no year has both shares.
    """
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise CreweError(f"{name} is {value}; it must lie between 0 and 1.")
    own = absence[absence["authority"] == ENGLAND].dropna(subset=["persistent_absentees", "severe_absentees"])
    if own.empty:
        raise DataError("cin_absence: England has no year with persistent and severe absentees; rebuild the table.")
    own = own[own["year"] == own["year"].min()].set_index("phase")
    reader = read_register(register)
    share, factor = reader.share("r1.sample.pc_share_words"), stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    counted, rows = {phase: reader.count(id) for phase, id in _CLAIMS.items()}, []
    known = {phase: _shares(own.loc[phase]) for phase in ("primary", "secondary")}
    mixed = np.average([*known.values()], axis=0, weights=[counted[phase] for phase in known])
    for phase, label in PHASES.items():
        n = counted[phase]
        treated = round(share * n)
        missed, *above = (float(each) for each in known.get(phase, mixed))
        spread = least_spread(missed, above)
        detectable = factor * spread * np.sqrt(1 / treated + 1 / (n - treated))
        about = {"phase": phase, "label": label, "year": int(own["year"].iloc[0])}
        counts = {"n": n, "n_treatment": treated, "n_control": n - treated}
        shares = {"missed": missed, "persistent": above[0], "severe": above[1], "spread": spread}
        found = {name: 100 * value for name, value in {**shares, "detectable": float(detectable)}.items()}
        rows.append({**about, **counts, **found, "percent": 100 * float(detectable) / missed})
    return pd.DataFrame(rows)


def _shares(row: pd.Series[Any]) -> Any:
    """Of the sessions those missed; of the pupils those who miss a tenth, and a half, or more."""
    of = {"sessions_overall": "sessions_possible", "persistent_absentees": "pupils", "severe_absentees": "pupils"}
    return np.array([float(row[part] / row[whole]) for part, whole in of.items()])


@traced
def describe_detectable(detectable: pd.DataFrame) -> dict[str, str]:
    """The academic year that the spread is taken from."""
    return {"academic": academic(int(detectable["year"].iloc[0]))}


def least_spread(mean: float, above: Sequence[float]) -> float:
    """The smallest standard deviation of a share of sessions with this mean, where `above` gives the proportions of
    pupils at a tenth or more and at a half or more.

    Within a band all pupils would be alike, and each band as near the others as it may be: at the one value that gives
    the mean, cut off at the band's ends. Raises CreweError if no distribution has these figures.
    """
    persistent, severe = above
    weights = np.array([1 - persistent, persistent - severe, severe])
    low, high = np.array(_BANDS).T
    if np.min(weights) < 0 or not weights @ low <= mean <= weights @ high:
        raise CreweError(
            f"a mean share of {mean:g} cannot go with {persistent:g} at a tenth or more and {severe:g} at a half."
        )
    level = optimize.brentq(lambda value: weights @ np.clip(value, low, high) - mean, 0.0, 1.0, xtol=1e-14)
    values = np.clip(level, low, high)
    return float(np.sqrt(max(weights @ (values - mean) ** 2, 0.0)))
