"""The long follow-up: turning eighteen as a rival of closing. Who turned eighteen, at what age they were referred, and
what came first in each case: closing, turning eighteen, or escalation.

A child that turns eighteen leaves children's social care, so its case can no longer be open: that is no success of a
service. Whether it does by a given day follows from its date of birth alone.

Source: FACT22 evaluation (2020), "Summary of planned impact methods" and Appendix 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib import definitions, definitions_follow_up
from crewe_lib.definitions import ADULT_AGE, StudyDates
from crewe_lib.definitions_follow_up import ClosedReading
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.follow_up import ARMS
from crewe_lib.formats import NO_BREAK, fixed, interval
from crewe_lib.models.competing_risks import AalenJohansen, fit_aalen_johansen
from crewe_lib.models.survival import fit_kaplan_meier
from crewe_lib.provenance import traced
from crewe_lib.records import Records
from crewe_lib.results import Estimate

# What came first, in the order of the codes of causes from 1.
STATES = ("closed", "turned eighteen", "escalated")
# Days after referral on which arms are compared, and those marked in the figure.
DAYS, TICKS = (365, 1095), (0, 182, 365, 730, 1095)
AGES: Mapping[str, tuple[int, int]] = {
    "under 11": (0, 10),
    "11 or 12": (11, 12),
    "13 or 14": (13, 14),
    "15 or more": (15, 99),
}
AGE_COLUMNS: Mapping[str, Column] = {
    "age": Column("Age at referral"),
    "n_treatment": Column("Treatment: children", fixed(0)),
    "aged_treatment": Column("turned eighteen by the last day", fixed(0)),
    "open_treatment": Column("of them with the case open", fixed(0)),
    "n_control": Column("Control: children", fixed(0)),
    "aged_control": Column("turned eighteen by the last day", fixed(0)),
    "open_control": Column("of them with the case open", fixed(0)),
}


@traced
def derive_ageing_set(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """What came first in each family's index case, and how many days after the recoded referral.

    Columns: family_id, child_id, arm, age_at_referral, aged_out (0 or 1, by the last day, the case open or not), days,
    cause (0: open on the last day; 1: closed for another reason than the others; 2: turned eighteen, or closed for
    that; 3: escalated, or closed for that), remark. Of several on one day escalation counts, then closing. Days and
    cause are missing where the case closed on an unknown day or the child was referred at eighteen; remark says which.
    Only the month of birth is held, its middle stands for the birthday. Sorted by child_id.
    """
    cases = definitions.derive_cases(records, dates=dates)
    start, last = cases["referred_on"], pd.Series(dates.study_end, index=cases.index)
    closed, reason = cases["closed_on"], cases["closed_reason"]
    birthday = cases["born_on"] + pd.DateOffset(years=ADULT_AGE)
    protected = definitions_follow_up.derive_escalated(records, cases, dates=dates)["escalated_on"]
    first = pd.DataFrame(
        {
            3: pd.concat([closed.where(reason == "escalated"), protected], axis=1).min(axis=1),
            1: closed.where(~reason.isin(["escalated", "aged_out"])),
            2: pd.concat([closed.where(reason == "aged_out"), birthday], axis=1).min(axis=1),
            0: last,
        }
    )
    first = first.where(first.le(last, axis=0))
    day = first.min(axis=1)
    cause = first.eq(day, axis=0).idxmax(axis=1)
    unknown, adult = (cases["status"] == "closed") & closed.isna(), birthday <= start
    lost = unknown | adult
    table = cases[["family_id", "child_id", "arm", "age_at_referral"]].assign(
        aged_out=definitions_follow_up.derive_aged_out(cases, dates=dates)["aged_out"].astype(int),
        days=(day - start).dt.days.astype("Int64").mask(lost),
        cause=cause.astype("Int64").mask(lost),
        remark=np.select([adult, unknown], ["referred at eighteen", "closed on an unknown day"], ""),
    )
    return table.sort_values("child_id", ignore_index=True)


def _fit(frame: pd.DataFrame, arm: str, alpha: float) -> tuple[AalenJohansen, pd.DataFrame]:
    """The curves of one arm, and its rows that are known. Raises CreweError if there are none."""
    own = frame[(frame["arm"] == arm) & frame["days"].notna()]
    if own.empty:
        raise CreweError(
            f"what came first: no case of the {arm} arm has a known day of closing and a child under eighteen at "
            "referral, so there is nothing to draw; see episodes.csv and children.csv."
        )
    return fit_aalen_johansen(own["days"], own["cause"], k=len(STATES), alpha=alpha), own


@traced
def derive_ageing_curves(frame: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Share of each arm in which each state came first, by day (Aalen–Johansen): one row per arm, state and day on
    which something came first or a case was last seen, and day 0.

    Columns: arm, state, day, at_risk (nothing has come first, just before the day), events (on the day), share,
    std_error, conf_low, conf_high (pointwise; missing where the share is nought or one). Raises CreweError if an arm
    has no case of which this is known.
    """
    parts = []
    for arm in ARMS:
        fit, own = _fit(frame, arm, alpha)
        for j, state in enumerate(STATES):
            columns = {"events": fit.events, "share": fit.shares, "std_error": fit.std_error}
            columns |= {"conf_low": fit.conf_low, "conf_high": fit.conf_high}
            curve = pd.DataFrame({"day": fit.days.astype(int), "at_risk": fit.at_risk})
            curve = curve.assign(**{name: values[:, j] for name, values in columns.items()})
            if fit.days[0] > 0:
                start = {"day": 0, "at_risk": len(own), "events": 0, "share": 0.0, "std_error": 0.0}
                curve = pd.concat([pd.DataFrame([start]), curve], ignore_index=True)
            parts.append(curve.assign(arm=arm, state=state))
    table = pd.concat(parts, ignore_index=True)
    return table[["arm", "state", "day", "at_risk", "events", "share", "std_error", "conf_low", "conf_high"]]


@traced
def estimate_what_came_first(frame: pd.DataFrame, *, days: Sequence[int], alpha: float) -> pd.DataFrame:
    """Treatment less control in the share in which each state came first by chosen days, in percentage points, by the
    normal distribution; arms are independent.

    Columns: day, treatment, control (shares, in %), those of `results.Estimate`, remark. Where the share of an arm is
    nought or one its error cannot be estimated, so there are no limits, and a remark says so. Raises CreweError for a
    day after the last that is known.
    """
    fits = {arm: _fit(frame, arm, alpha) for arm in ARMS}
    rows = []
    for day in days:
        for j, state in enumerate(STATES):
            one, other = (fits[arm][0].by(j + 1, day) for arm in ARMS)
            error, gap = float(np.hypot(one.std_error, other.std_error)), one.share - other.share
            certain = min(one.std_error, other.std_error) < 1e-9
            half = np.nan if certain else float(stats.norm.ppf(1 - alpha / 2)) * error
            estimate = Estimate(
                outcome=state,
                measure=f"difference in the share in which it came first by day {day}, percentage points",
                estimate=100 * gap,
                std_error=np.nan if certain else 100 * error,
                conf_low=100 * (gap - half),
                conf_high=100 * (gap + half),
                p_value=np.nan if certain else float(2 * stats.norm.sf(abs(gap) / error)),
                n=sum(len(own) for _, own in fits.values()),
                method="Aalen–Johansen, infinitesimal jackknife, normal",
            )
            remark = "in one arm it came first in none of the cases, or in all" if certain else ""
            shares = {"treatment": 100 * one.share, "control": 100 * other.share}
            rows.append({"day": day, **shares, **asdict(estimate), "remark": remark})
    return pd.DataFrame(rows)


@traced
def summarise_by_age(frame: pd.DataFrame) -> pd.DataFrame:
    """Who turned eighteen by the last day, by age at referral and arm. Columns as in `AGE_COLUMNS`; last row: all."""
    rows = []
    for label, (low, high) in {**AGES, "All": (0, 99)}.items():
        row: dict[str, Any] = {"age": label}
        for arm in ARMS:
            own = frame[(frame["arm"] == arm) & frame["age_at_referral"].between(low, high)]
            row |= {f"n_{arm}": len(own), f"aged_{arm}": int(own["aged_out"].sum())}
            row[f"open_{arm}"] = int(((own["cause"] == 2) & (own["aged_out"] == 1)).sum())
        rows.append(row)
    return pd.DataFrame(rows)


@traced
def summarise_ageing(
    frame: pd.DataFrame, first: pd.DataFrame, outcomes: pd.DataFrame, *, reading: ClosedReading
) -> dict[str, Any]:
    """Numbers and words for prose. `first` is from `estimate_what_came_first`, `outcomes` from `derive_follow_up_set`.

    By arm: n, known, aged, aged_of (in words), aged_pct, expected_pct (what the children's ages in years at referral
    lead one to expect, at the shares of both arms together); gap and expected_gap in points; aged, aged_open (while the
    case was open) and aged_closed (counted as closed on the last day) of both arms; unknown, adult: left out of the
    curves; overstated: most by which the share closed by the last of the days would be too large if other events
    counted as censoring, points; and for each state and day its shares, and the difference in words.
    """
    at_age = frame.groupby("age_at_referral")["aged_out"].transform("mean")
    numbers: dict[str, Any] = {}
    for arm in ARMS:
        own = frame["arm"] == arm
        numbers |= {f"n_{arm}": int(own.sum()), f"aged_{arm}": int(frame.loc[own, "aged_out"].sum())}
        numbers[f"aged_of_{arm}"] = f"{numbers[f'aged_{arm}']} of {numbers[f'n_{arm}']}"
        numbers |= {f"known_{arm}": int(frame.loc[own, "days"].notna().sum())}
        numbers[f"aged_pct_{arm}"] = 100 * float(frame.loc[own, "aged_out"].mean())
        numbers[f"expected_pct_{arm}"] = 100 * float(at_age[own].mean())
    joined = frame.merge(outcomes[["child_id", f"closed_{reading}"]], on="child_id", validate="one_to_one")
    return {
        **numbers,
        "gap": numbers["aged_pct_treatment"] - numbers["aged_pct_control"],
        "expected_gap": numbers["expected_pct_treatment"] - numbers["expected_pct_control"],
        "aged": numbers["aged_treatment"] + numbers["aged_control"],
        "aged_open": int(((frame["cause"] == 2) & (frame["aged_out"] == 1)).sum()),
        "aged_closed": int(joined.loc[joined["aged_out"] == 1, f"closed_{reading}"].sum()),
        "unknown": int((frame["remark"] == "closed on an unknown day").sum()),
        "adult": int((frame["remark"] == "referred at eighteen").sum()),
        "overstated": max(_overstated(frame, arm, int(first["day"].max())) for arm in ARMS),
        **{f"{_key(row)}_text": _say(row) for row in first.to_dict("records")},
        **{f"{_key(row)}_{arm}": row[arm] for row in first.to_dict("records") for arm in ARMS},
    }


def _overstated(frame: pd.DataFrame, arm: str, day: int) -> float:
    """One less Kaplan–Meier for closing, with other events as censoring, less the share that closed first; points."""
    fit, own = _fit(frame, arm, 0.05)
    curve = fit_kaplan_meier(own["days"], own["cause"] == 1, alpha=0.05)
    place = int(np.searchsorted(curve.days, day, side="right")) - 1
    return 0.0 if place < 0 else 100 * (1 - float(curve.survival[place]) - fit.by(1, day).share)


def _key(row: Mapping[Any, Any]) -> str:
    return f"{row['outcome'].split()[0]}_{row['day']}"


def _say(row: Mapping[Any, Any]) -> str:
    """The difference with its interval, or that there is none."""
    if pd.isna(row["conf_low"]):
        return f"{fixed(1, sign=True)(row['estimate'])} points, without an interval: {row['remark']}"
    value = f"{fixed(1, sign=True)(row['estimate'])}{NO_BREAK}points"
    return f"{value}, interval {interval(row['conf_low'], row['conf_high'])}"
