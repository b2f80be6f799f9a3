"""Control families that later had the service: intention to treat first, then the effect of having had it, and bounds.

Source: FACT22 evaluation (2020), "Interpretation" and "Limitations": five families allocated to the usual service later
received FACT22. Differences are in percentage points, treatment less control.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.definitions import StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.follow_up_outcomes import LABELS, counts_by_arm, outcome_set
from crewe_lib.formats import fixed, interval, p_value
from crewe_lib.models.instrumental import fit_instrumental
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.panel import check_alpha
from crewe_lib.provenance import traced
from crewe_lib.records import Records

CROSSOVER_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "method": Column("What is compared"),
    "difference": Column("Difference, points", fixed(1, sign=True)),
    "interval": Column("Interval, or bounds"),
    "p_value": Column("p", p_value),
    "n": Column("Families", fixed(0)),
    "note": Column("Note"),
}
INTENTION = "arms as allotted (intention to treat)"
RECEIVED = "effect of having had it, on families the lot decided for"
BOUNDS = "arms as allotted, had nobody crossed: bounds"


@traced
def derive_received(records: Records, families: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """The families of `derive_follow_up_set`, with received (1: treatment, or crossed to it by the last day) and
    crossed_on.

    A treatment family that later had the usual service has received both, so it counts as having had the treatment.
    """
    crossed = records.crossovers.set_index("family_id")["crossed_on"]
    day = families["family_id"].map(crossed)
    had = (families["treated"] == 1) | day.le(dates.study_end)
    return families.assign(received=had.astype(int), crossed_on=day)


@traced
def estimate_crossover(received: pd.DataFrame, outcomes: Mapping[str, str], *, alpha: float) -> pd.DataFrame:
    """Closing and re-referral: by arm as allotted, by service had, and within what bounds the crossers could matter.

    Intention to treat: least squares on the arm, no covariates, HC1. Having had it: two-stage least squares, the lot as
    instrument, interval by Anderson and Rubin; it supposes that the lot acts through the service alone. Bounds suppose
    nothing: without crossing, each crosser's outcome could have been either. Columns: outcome, label, approach
    ('intention', 'received', 'bounds'), method, difference, conf_low, conf_high, interval, p_value, n, note. Where
    nobody crossed, or a method is not possible, the row says so. Raises CreweError for a bad alpha or an arm without a
    known outcome.
    """
    check_alpha(alpha)
    rows: list[dict[str, Any]] = []
    for outcome in ("closed", "rereferred"):
        frame = outcome_set(received, outcomes[outcome])
        had = received.set_index("family_id")["received"]
        frame = frame.assign(received=frame["family_id"].map(had).to_numpy(float))
        own = {"outcome": outcome, "label": LABELS[outcome], "n": len(frame)}
        rows += [own | row for row in (_intention(frame, alpha), _received(frame, alpha), _bounds(frame))]
    return pd.DataFrame(rows)


def _row(approach: str, method: str, numbers: tuple[float, float, float, float], note: str = "") -> dict[str, Any]:
    estimate, low, high, p = numbers
    known = np.isfinite(low) and np.isfinite(high)
    own = {"approach": approach, "method": method, "difference": estimate, "p_value": p, "note": note}
    limits = {"conf_low": low, "conf_high": high} if known else {"conf_low": np.nan, "conf_high": np.nan}
    return own | limits | {"interval": interval(low, high) if known else None}


def _gone(approach: str, method: str, reason: object) -> dict[str, Any]:
    nothing = (np.nan, np.nan, np.nan, np.nan)
    return _row(approach, method, nothing, f"not possible: {reason}")


def _intention(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    x = np.column_stack([np.ones(len(frame)), frame["treated"]])
    try:
        fit = fit_linear(frame["outcome"], x, covariance="HC1")
        low, high, p = fit.interval(1, alpha)
    except CreweError as reason:
        return _gone("intention", INTENTION, reason)
    return _row("intention", INTENTION, (100 * float(fit.coefficients[1]), 100 * low, 100 * high, p))


def _received(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    try:
        fit = fit_instrumental(frame["outcome"], frame["received"], frame["treated"], alpha=alpha)
    except CreweError as reason:
        return _gone("received", RECEIVED, reason)
    low, high = 100 * fit.conf_low, 100 * fit.conf_high
    note = f"lot changes the service of {fixed(0)(100 * fit.first_stage)}%"
    if not np.isfinite(low):
        note = "no bound on either side: the lot changes too little of what was received"
    return _row("received", RECEIVED, (100 * fit.estimate, low, high, fit.p_value), note)


def _bounds(frame: pd.DataFrame) -> dict[str, Any]:
    """What the difference could have been if each crosser's outcome had been one or the other."""
    k1, n1, k2, n2 = counts_by_arm(frame)
    crossers = frame[(frame["treated"] == 0) & (frame["received"] == 1)]
    with_it = int(crossers["outcome"].sum())
    least, most = k2 - with_it, k2 + len(crossers) - with_it
    low, high = (100 * (k1 / n1 - k / n2) for k in (most, least))
    note = f"{len(crossers)} crossed, {with_it} of them with the outcome"
    return _row("bounds", BOUNDS, (np.nan, low, high, np.nan), note)


@traced
def summarise_crossover(received: pd.DataFrame, estimates: pd.DataFrame, *, dates: StudyDates) -> dict[str, Any]:
    """Numbers for prose: how many crossed, of how many; how many of them on or after the median day of the follow-up;
    the bounds of closing, and what they leave of its sign, in words."""
    control = received[received["treated"] == 0]
    crossed = control[control["received"] == 1]
    closed = estimates[estimates["outcome"] == "closed"].set_index("approach")
    bounds = closed.loc["bounds"]
    return {
        "crossed": len(crossed),
        "controls": len(control),
        "share": len(crossed) / len(control),
        "last_year": int((crossed["crossed_on"] > dates.study_end - pd.DateOffset(years=1)).sum()),
        "bounds": str(bounds["interval"]),
        "bounds_low": float(bounds["conf_low"]),
        "bounds_high": float(bounds["conf_high"]),
        "sign_said": "so that its sign cannot be told without supposing something"
        if bounds["conf_low"] < 0 < bounds["conf_high"]
        else "so that its sign does not hang on them",
    }
