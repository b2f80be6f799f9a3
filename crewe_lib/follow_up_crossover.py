"""Control families that later had the service: intention to treat first, then the effect of having had it, and bounds.

Source: FACT22 evaluation (2020), "Interpretation" and "Limitations": five families allocated to the usual service later
received FACT22. Differences are in percentage points, treatment less control. What the printed numbers allow is in
`leads.design.check_crossover`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd

from crewe_lib.definitions import StudyDates, derive_cases
from crewe_lib.definitions_follow_up import RereferralReading, derive_closed_round2, derive_rereferred_round2
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.follow_up import ARMS, counts_by_arm
from crewe_lib.follow_up_outcomes import LABELS
from crewe_lib.formats import fixed, interval, p_value
from crewe_lib.models.instrumental import fit_instrumental
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.panel import check_alpha
from crewe_lib.models.proportions import fit_newcombe
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
IN_TIME = "the same, counting only who had it before the outcome was known"
BOUNDS = "arms as allotted, had nobody crossed: bounds"
_FLAT = "; an arm has all or none, so the error is too small: use an exact test"
_ROWS: Mapping[str, str] = {"intention": INTENTION, "received": RECEIVED, "in_time": IN_TIME, "bounds": BOUNDS}


@traced
def derive_received(records: Records, families: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """The families of `derive_follow_up_set`, with received (1: treatment, or crossed to it by the last day),
    crossed_on, and for each reading of closing and re-referral settled_… (1: a control family that crossed when this
    outcome was already known, so that crossing cannot have changed it).

    A treatment family that later had the usual service has received both, so it counts as having had the treatment.
    Settled are a re-referral on the day of crossing or before, the end of the window for one before it, and a recorded
    closing before that day (a case may be closed in order to cross). The status on the last day is never settled.
    """
    crossed = records.crossovers.set_index("family_id")["crossed_on"]
    day = families["family_id"].map(crossed)
    had = (families["treated"] == 1) | day.le(dates.study_end)
    settled = {f"settled_{name}": 0 for name in families.columns if name.startswith(("closed_", "rereferred_"))}
    table = families.assign(received=had.astype(int), crossed_on=day, **settled)
    cases = derive_cases(records, dates=dates)
    crossers = table[(table["treated"] == 0) & (table["received"] == 1)]
    for when, own in crossers.groupby("crossed_on"):
        some = cases[cases["family_id"].isin(own["family_id"])].reset_index(drop=True)
        for name, known in _settled(records, some, pd.Timestamp(str(when)), dates).items():
            table.loc[table["family_id"].isin(some.loc[known.to_numpy(bool), "family_id"]), f"settled_{name}"] = 1
    return table


def _settled(records: Records, cases: pd.DataFrame, day: pd.Timestamp, dates: StudyDates) -> dict[str, pd.Series]:
    """Whether each outcome of the cases was known when they crossed on a day: the definition, had the study ended."""
    before = cases[cases["closed_on"] < day]
    closed = derive_closed_round2(records, before, dates=dates, reading="recorded")
    found = {"closed_recorded": cases["child_id"].isin(closed.loc[closed["closed"].to_numpy(bool), "child_id"])}
    then = replace(dates, study_end=day)
    for reading in get_args(RereferralReading):
        again = derive_rereferred_round2(records, cases, dates=then, reading=reading)["rereferred"]
        found[f"rereferred_{reading}"] = again.fillna(False).astype(bool)
    found["rereferred_printed"] |= cases["referred_on"] + pd.DateOffset(months=12) < day
    return found


@traced
def estimate_crossover(received: pd.DataFrame, outcomes: Mapping[str, str], *, alpha: float) -> pd.DataFrame:
    """Closing and re-referral: by arm as allotted, by service had, and within what bounds the crossers could matter.

    Intention to treat: least squares on the arm, no covariates, HC1; every family with a known outcome, also without
    sex. Having had it: two-stage least squares, the lot as instrument, interval by Anderson and Rubin; it supposes that
    the lot acts through the service alone, which a family that crossed when its outcome was known belies, so where
    there are such, a further row counts them as not having had it. Bounds: without crossing, the outcome of each
    crosser could have been either, unless it was settled; they are those of Balke and Pearl (1997, Journal of the
    American Statistical Association 92) for the effect on all families, where all treated families had the service and
    nothing was settled. The note has Newcombe's interval of the bound on each side. It also says where an arm has the
    outcome in all its families or in none, since robust errors are too small there.

    Columns: outcome, label, approach ('intention', 'received', 'in_time' where it differs, 'bounds'), method,
    difference, conf_low, conf_high, interval, p_value, n, note; of bounds, outer_low, outer_high (with chance, points)
    and settled (crossers whose outcome was known before). Where nobody crossed, or a method is not possible, the row
    says so. Raises CreweError for a bad alpha or an arm without a known outcome.
    """
    check_alpha(alpha)
    rows: list[dict[str, Any]] = []
    for outcome in ("closed", "rereferred"):
        frame = _known(received, outcomes[outcome])
        own = {"outcome": outcome, "label": LABELS[outcome], "n": len(frame)}
        made = [_intention(frame, alpha), _received(frame, "received", alpha)]
        if frame["in_time"].ne(frame["received"]).any():
            made.append(_received(frame, "in_time", alpha))
        rows += [own | row for row in (*made, _bounds(frame, alpha))]
    return pd.DataFrame(rows)


def _known(received: pd.DataFrame, column: str) -> pd.DataFrame:
    """Families with the outcome known, as numbers: treated, outcome, received, in_time (before it was settled)."""
    known = received.dropna(subset=[column])
    if lacking := [arm for arm in ARMS if arm not in set(known["arm"])]:
        raise CreweError(
            f"follow-up: the {' and the '.join(lacking)} arm has no family with the outcome ({column}) known; complete "
            "episodes.csv."
        )
    table = known[["treated", column, "received"]].astype(float).rename(columns={column: "outcome"})
    in_time = table["received"] - known[f"settled_{column}"].astype(float)
    return table.assign(in_time=in_time).reset_index(drop=True)


def _row(approach: str, numbers: tuple[float, float, float, float], note: str = "") -> dict[str, Any]:
    estimate, low, high, p = numbers
    known = np.isfinite(low) and np.isfinite(high)
    own = {"approach": approach, "method": _ROWS[approach], "difference": estimate, "p_value": p, "note": note}
    limits = {"conf_low": low, "conf_high": high} if known else {"conf_low": np.nan, "conf_high": np.nan}
    return own | limits | {"interval": interval(low, high) if known else None}


def _gone(approach: str, reason: object) -> dict[str, Any]:
    nothing = (np.nan, np.nan, np.nan, np.nan)
    return _row(approach, nothing, f"not possible: {reason}")


def _intention(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    x = np.column_stack([np.ones(len(frame)), frame["treated"]])
    try:
        fit = fit_linear(frame["outcome"], x, covariance="HC1")
        low, high, p = fit.interval(1, alpha)
    except CreweError as reason:
        return _gone("intention", reason)
    return _row(
        "intention", (100 * float(fit.coefficients[1]), 100 * low, 100 * high, p), _flat(frame).removeprefix("; ")
    )


def _flat(frame: pd.DataFrame) -> str:
    """A note where an arm has the outcome in every family, or in none."""
    k1, n1, k2, n2 = counts_by_arm(frame)
    return _FLAT if k1 in (0, n1) or k2 in (0, n2) else ""


def _received(frame: pd.DataFrame, column: str, alpha: float) -> dict[str, Any]:
    try:
        fit = fit_instrumental(frame["outcome"], frame[column], frame["treated"], alpha=alpha)
    except CreweError as reason:
        return _gone(column, reason)
    low, high = 100 * fit.conf_low, 100 * fit.conf_high
    note = f"lot changes the service of {fixed(0)(100 * fit.first_stage)}%{_flat(frame)}"
    if not np.isfinite(low):
        note = "no bound on either side: the lot changes too little of what was received"
    return _row(column, (100 * fit.estimate, low, high, fit.p_value), note)


def _bounds(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """What the difference could have been if the outcome of each crosser had been one or the other, but for those that
    were settled."""
    k1, n1, k2, n2 = counts_by_arm(frame)
    crossers = frame[(frame["treated"] == 0) & (frame["received"] == 1)]
    open_still = crossers[crossers["in_time"] == 1]
    with_it = int(open_still["outcome"].sum())
    least, most = k2 - with_it, k2 + len(open_still) - with_it
    low, high = (100 * (k1 / n1 - k / n2) for k in (most, least))
    outer_low = 100 * fit_newcombe(k1, n1, most, n2, alpha=alpha)[0]
    outer_high = 100 * fit_newcombe(k1, n1, least, n2, alpha=alpha)[1]
    note = f"{len(crossers)} crossed, {int(crossers['outcome'].sum())} of them with the outcome"
    if settled := len(crossers) - len(open_still):
        note += f", {settled} when it was known already"
    note += f"; with chance as well {interval(outer_low, outer_high)}"
    row = _row("bounds", (np.nan, low, high, np.nan), note)
    return row | {"outer_low": outer_low, "outer_high": outer_high, "settled": settled}


@traced
def summarise_crossover(received: pd.DataFrame, estimates: pd.DataFrame, *, dates: StudyDates) -> dict[str, Any]:
    """Numbers for prose: how many crossed, of how many (controls, share), and how many of them in the last twelve
    months (last_year); how many of them when closing (settled) or re-referral (settled_rereferred) was known already;
    the bounds of closing, the same with chance (outer), and what they leave of its sign, in words."""
    control = received[received["treated"] == 0]
    crossed = control[control["received"] == 1]
    bounds = estimates[estimates["approach"] == "bounds"].set_index("outcome")
    closed = bounds.loc["closed"]
    return {
        "crossed": len(crossed),
        "controls": len(control),
        "share": len(crossed) / len(control),
        "last_year": int((crossed["crossed_on"] > dates.study_end - pd.DateOffset(years=1)).sum()),
        "settled": int(closed["settled"]),
        "settled_rereferred": int(bounds["settled"]["rereferred"]),
        "bounds": str(closed["interval"]),
        "bounds_low": float(closed["conf_low"]),
        "bounds_high": float(closed["conf_high"]),
        "outer": interval(closed["outer_low"], closed["outer_high"]),
        "sign_said": "so that its sign cannot be told without supposing something"
        if closed["conf_low"] <= 0 <= closed["conf_high"]
        else "so that its sign does not hang on them",
    }
