"""The long follow-up, length of cases without predicting any: the share closed by day since the plan opened, where a
case may end otherwise.

A case whose plan was open before the pilot is in the study only because it had not closed by then. Counted from its
plan's opening it could not be seen to close until it was watched, so it joins those at risk on the day of its recoded
referral (left truncation). The same curves as if all had been watched from the opening stand beside.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.follow_up import ARMS
from crewe_lib.follow_up_length_set import AGED_OUT, CLOSED, ESCALATED
from crewe_lib.formats import fixed, percent
from crewe_lib.models.competing_risks import fit_aalen_johansen
from crewe_lib.models.panel import Array, check_alpha
from crewe_lib.provenance import traced

# Half a year, one year and two years after the plan opened.
HORIZONS = (182, 365, 730)
CAUSES = max(CLOSED, ESCALATED, AGED_OUT)
Watch = str  # column of the day on which watching began, '' for the plan's opening


def late_entry(frame: pd.DataFrame, watch: Watch) -> Array:
    """For the engines: the day after which each case is at risk, 0 for from the start. A case is watched from the
    morning of the day in column `watch`, so that a closing on it counts: hence half a day less."""
    if not watch:
        return np.zeros(len(frame))
    day = frame[watch].to_numpy(float)
    return np.where(day > 0, day - 0.5, 0.0)


@traced
def derive_length_curves(frame: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Share of cases closed, by days since the plan opened (Aalen–Johansen; escalation and ageing out are other ends):
    one row per arm and day on which a case ended or was last seen, and day 0.

    Columns: arm, day, n (of the arm), at_risk (watched and open just before), closed, conf_low, conf_high (pointwise,
    missing where closed is none or all), ignoring (closed, as if all had been watched from the opening), remark. An
    arm whose curve cannot be estimated with late entries has no share, and the remark says why.
    """
    check_alpha(alpha)
    return pd.concat([_derive_curve(frame[frame["arm"] == arm], arm, alpha) for arm in ARMS], ignore_index=True)


def _derive_curve(own: pd.DataFrame, arm: str, alpha: float) -> pd.DataFrame:
    days, ends, place = own["first_days"], own["first_end"], CLOSED - 1
    whole = fit_aalen_johansen(days, ends, k=CAUSES, alpha=alpha)
    table = pd.DataFrame({"arm": arm, "day": whole.days.astype(int), "n": len(own), "ignoring": whole.shares[:, place]})
    try:
        fit = fit_aalen_johansen(days, ends, entered=late_entry(own, "entered"), k=CAUSES, alpha=alpha)
    except CreweError as error:
        table = table.assign(at_risk=0, closed=np.nan, conf_low=np.nan, conf_high=np.nan, remark=str(error))
    else:
        values = {"closed": fit.shares, "conf_low": fit.conf_low, "conf_high": fit.conf_high}
        shares = {name: value[:, place] for name, value in values.items()}
        table = table.assign(at_risk=fit.at_risk, **shares, remark="")
    if table["day"].iloc[0] > 0:
        first = table.iloc[[0]].assign(day=0, ignoring=0.0, conf_low=np.nan, conf_high=np.nan)
        first = first.assign(closed=0 * first["closed"], at_risk=int((own["entered"] == 0).sum()))
        table = pd.concat([first, table], ignore_index=True)
    return table[["arm", "day", "n", "at_risk", "closed", "conf_low", "conf_high", "ignoring", "remark"]]


@traced
def summarise_length_curves(curves: pd.DataFrame) -> dict[str, int]:
    """last_day: the last day on which both arms are observed."""
    return {"last_day": int(np.min(curves.groupby("arm")["day"].max()))}


@traced
def derive_behind_lengths(curves: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The figure's data for the table behind it: the curves on `HORIZONS`, then every predicted case. Columns: What,
    Arm, Day (of the curve, or seen so far), At risk (when next a case left), % closed, from, to, % if late entry
    is ignored, Model's mean, Mean beyond (of predicted cases)."""
    rows: list[dict[str, object]] = []
    for arm, own in curves.groupby("arm", sort=False):
        for day in HORIZONS:
            row = own[own["day"] <= day].iloc[-1]
            later = own.loc[own["day"] >= day, "at_risk"]
            shares = {label: 100 * row[name] for label, name in _SHARES.items()}
            own_day = {"What": "Curve", "Arm": arm, "Day": day, "At risk": int(later.iloc[0]) if len(later) else 0}
            rows.append({**own_day, **shares})
    for case in predictions.to_dict("records"):
        values = {"Model's mean": case["predicted"], "Mean beyond": case["beyond"]}
        rows.append({"What": "Case of unknown length", "Arm": case["arm"], "Day": case["days"], **values})
    columns = ["What", "Arm", "Day", "At risk", *_SHARES, "Model's mean", "Mean beyond"]
    numbers = dict.fromkeys([*_SHARES, "Model's mean", "Mean beyond"], "float64")
    return pd.DataFrame(rows, columns=columns).astype({"Day": "Int64", "At risk": "Int64", **numbers})


_SHARES = {"% closed": "closed", "from": "conf_low", "to": "conf_high", "% if late entry is ignored": "ignoring"}


@traced
def describe_lengths(curves: pd.DataFrame, predictions: pd.DataFrame) -> dict[str, str]:
    """In words, for who cannot see the figure: both curves on `HORIZONS`, and what the predictions are like."""
    said = []
    for arm, own in curves.groupby("arm", sort=False):
        on = [own[own["day"] <= day].iloc[-1] for day in HORIZONS]
        parts = [f"day {day}, {_write_share(row)}" for day, row in zip(HORIZONS, on, strict=True)]
        said.append(f"{str(arm).capitalize()} arm, closed by {'; '.join(parts)}.")
    if predictions.empty:
        return {"text": " ".join([*said, "No length is predicted."])}
    short = int((predictions["predicted"] < predictions["days"]).sum())
    said.append(
        f"Second panel: {len(predictions)} cases of unknown length, seen for {_span(predictions['days'])} days; the "
        f"model's means are {_span(predictions['predicted'])} days, {short} of them below what was seen; its means "
        f"beyond what was seen are {_span(predictions['beyond'])} days."
    )
    return {"text": " ".join(said)}


def _write_share(row: pd.Series) -> str:
    return "unknown" if pd.isna(row["closed"]) else percent(0)(row["closed"])


def _span(values: pd.Series) -> str:
    return f"{fixed(0)(values.min())} to {fixed(0)(values.max())}"
