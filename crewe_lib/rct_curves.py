"""The trial, closing sooner: days to a closing that lasted, the curves of both arms, and where they cross."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd

from crewe_lib import definitions
from crewe_lib.claim_register import read_register
from crewe_lib.definitions import DaysRule, SteppedDownReading, StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.formats import fixed
from crewe_lib.models.survival import Array, fit_kaplan_meier
from crewe_lib.provenance import traced
from crewe_lib.rct import ARMS, Unit
from crewe_lib.records import Records

_FLAGS = ("recoded", "rereferred", "left", "escalated")


@traced
def derive_survival_set(
    records: Records, *, dates: StudyDates, reading: SteppedDownReading, unit: Unit, rule: DaysRule = "lasting"
) -> pd.DataFrame:
    """Days from the recoded referral to a closing that lasted to the pilot's end, or to censoring, by arm.

    Columns: family_id, child_id, treated, closed, history (0 or 1), days, and, 0 or 1: recoded (open before the pilot,
    so that its first days are not counted), rereferred (closed and came back within the pilot: by the report's rule
    open to its end, as if it had never closed), left (censored on the day on which it ended otherwise than by being
    stepped down), escalated (left by escalation); sorted by child_id. rule: as in `definitions.derive_days_open`.
    Raises CreweError for another unit or rule, or an arm without cases.
    """
    if unit not in get_args(Unit):
        raise CreweError(f"unit is '{unit}'; it must be one of {', '.join(get_args(Unit))}.")
    derive = definitions.derive_cases if unit == "lead_child" else definitions.derive_children
    cases = derive(records, dates=dates)
    days = definitions.derive_days_open(records, cases, dates=dates, reading=reading, rule=rule)
    again = definitions.derive_rereferred_round1(records, cases, dates=dates)[["child_id", "rereferred"]]
    known = days.merge(cases.drop(columns="family_id"), on="child_id").merge(again, on="child_id")
    left = ~known["closed"].astype(bool) & (known["days"] < (dates.pilot_end - known["referred_on"]).dt.days)
    table = pd.DataFrame(
        {
            "family_id": known["family_id"],
            "child_id": known["child_id"],
            "treated": (known["arm"] == "treatment").astype(int),
            "closed": known["closed"].astype(int),
            "history": known["history"].astype(int),
            "days": known["days"].astype(int),
            "recoded": (known["referred_on_recorded"] < dates.pilot_start).astype(int),
            "rereferred": known["rereferred"].fillna(False).astype(int),
            "left": left.astype(int),
            "escalated": (left & (known["closed_reason"] == "escalated")).astype(int),
        }
    ).sort_values("child_id", ignore_index=True)
    for arm in ARMS:
        if select_arm(table, arm).empty:
            raise CreweError(f"time to closing: the {arm} arm has no case with a known outcome; see arm and case_data.")
    return table


def select_arm(frame: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The rows of one arm."""
    return frame[frame["treated"] == int(arm == ARMS[0])]


def count_closings(frame: pd.DataFrame) -> tuple[int, ...]:
    """Closings in treatment and in control."""
    return tuple(int(select_arm(frame, arm)["closed"].sum()) for arm in ARMS)


@traced
def derive_printed_days(register: pd.DataFrame) -> dict[str, int]:
    """The days between which the 2017 report sees the control arm's curve fall faster: first, last. Raises DataError if
    a claim is missing."""
    reader = read_register(register)
    return {name: int(reader.number(f"r1.surv.drop_{end}")) for name, end in (("first", "low"), ("last", "high"))}


@traced
def summarise_survival(frame: pd.DataFrame) -> dict[str, int]:
    """Counts for prose: n; for both arms and by arm recoded, rereferred, left, escalated; by arm n and closed.

    last_day: the last on which both arms are still observed; at_risk_last: cases at risk on it (open and observed after
    the day before), recoded_last: those of them that were put on day zero because they were open before the pilot;
    complete_day: the first on which a case still open was last seen (or last_day, if that comes before).
    """
    own = {arm: select_arm(frame, arm) for arm in ARMS}
    last = min(int(part["days"].max()) for part in own.values())
    censored = frame.loc[frame["closed"] == 0, "days"]
    return {
        "n": len(frame),
        **{f"n_{arm}": len(part) for arm, part in own.items()},
        **{f"closed_{arm}": int(part["closed"].sum()) for arm, part in own.items()},
        **{flag: int(frame[flag].sum()) for flag in _FLAGS},
        **{f"{flag}_{arm}": int(part[flag].sum()) for flag in _FLAGS for arm, part in own.items()},
        "last_day": last,
        "at_risk_last": int((frame["days"] >= last).sum()),
        "recoded_last": int(frame.loc[frame["days"] >= last, "recoded"].sum()),
        "complete_day": min(last, int(censored.min())) if len(censored) else last,
    }


@traced
def derive_curves(frame: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Kaplan–Meier curves of both arms: one row per arm and day on which a case closed for good or was last
    seen, and day 0.

    Columns: arm, day, at_risk (open and observed just before), closed, censored (on the day), open (share not yet
    closed for good, after the day), std_error, conf_low, conf_high (pointwise; missing where the curve is at one or
    zero).
    """
    parts = []
    for arm in ARMS:
        own = select_arm(frame, arm)
        fit = fit_kaplan_meier(own["days"], own["closed"], alpha=alpha)
        curve = pd.DataFrame(
            {
                "arm": arm,
                "day": fit.days.astype(int),
                "at_risk": fit.at_risk,
                "closed": fit.events,
                "censored": fit.censored,
                "open": fit.survival,
                "std_error": fit.std_error,
                "conf_low": fit.conf_low,
                "conf_high": fit.conf_high,
            }
        )
        start = pd.DataFrame([{"arm": arm, "day": 0, "at_risk": len(own), "closed": 0, "censored": 0}])
        start = start.assign(open=1.0, std_error=0.0, conf_low=np.nan, conf_high=np.nan)
        parts += [curve] if curve["day"].iloc[0] == 0 else [start, curve]
    return pd.concat(parts, ignore_index=True)


@traced
def derive_at_risk(curves: pd.DataFrame, *, every: int) -> pd.DataFrame:
    """Cases open and observed just before chosen days, and the share not yet closed for good after
    them: day 0, then every so many.

    The last day is added where it lies at least half a step after the one before.

    Columns: day, treatment, control (numbers at risk), open_treatment, open_control (missing after an arm's last day).
    Raises CreweError unless `every` is a number of days.
    """
    if every < 1:
        raise CreweError(f"every is {every}; it must be a number of days, such as 100.")
    last = int(curves["day"].max())
    days = np.arange(0, last + 1, every)
    table = pd.DataFrame({"day": np.r_[days, last] if last - days[-1] >= every / 2 else days})
    for arm in ARMS:
        own = curves[curves["arm"] == arm]
        gone = own["closed"] + own["censored"]
        table[arm] = [int(gone[own["day"] >= day].sum()) for day in table["day"]]
        table[f"open_{arm}"] = np.where(
            table["day"] <= own["day"].max(), _on(own, table["day"].to_numpy(), "open"), np.nan
        )
    return table[["day", *ARMS, *(f"open_{arm}" for arm in ARMS)]]


def _on(own: pd.DataFrame, days: Array, column: str) -> Array:
    """A column of one arm's curve as it stands after each day."""
    place = np.searchsorted(own["day"].to_numpy(), days, side="right") - 1
    return np.asarray(own[column].to_numpy()[place])


@traced
def derive_behind(curves: pd.DataFrame, at_risk: pd.DataFrame) -> pd.DataFrame:
    """The figure's data on the chosen days, for the table behind it: numbers at risk, per cent not yet closed
    for good, its interval."""
    table = pd.DataFrame({"Day": at_risk["day"]})
    for arm in ARMS:
        own = curves[curves["arm"] == arm]
        table[f"{arm.capitalize()}: at risk"] = at_risk[arm]
        for column, label in (("open", "% not yet closed for good"), ("conf_low", "from"), ("conf_high", "to")):
            height = 100 * _on(own, at_risk["day"].to_numpy(), column)
            table[f"{arm.capitalize()}: {label}"] = np.where(at_risk[f"open_{arm}"].notna(), height, np.nan)
    return table


@traced
def describe_curves(at_risk: pd.DataFrame) -> dict[str, str]:
    """In words, for who cannot see the figure: the share not yet closed for good and the number at risk of each arm on
    the chosen days."""
    said = []
    for arm in ARMS:
        rows = at_risk[at_risk[f"open_{arm}"].notna()]
        parts = [
            f"day {day}, {fixed(2)(share)} not yet closed for good, {number} at risk"
            for day, share, number in zip(rows["day"], rows[f"open_{arm}"], rows[arm], strict=True)
        ]
        said.append(f"{arm.capitalize()} arm: {'; '.join(parts)}")
    return {"text": ". ".join(said) + "."}


@traced
def describe_crossing(curves: pd.DataFrame) -> dict[str, str | int | bool]:
    """Whether the two curves cross while both arms are observed, and when: text, crosses, crossings, last_day."""
    last = int(curves.groupby("arm")["day"].max().min())
    days = np.unique(curves.loc[curves["day"] <= last, "day"])
    treated, control = (_on(curves[curves["arm"] == arm], days, "open") for arm in ARMS)
    sign = np.sign(np.round(treated - control, 12))
    differing = np.flatnonzero(sign)
    turns = differing[1:][sign[differing[1:]] != sign[differing[:-1]]]
    lower = ["control" if sign[place] > 0 else "treatment" for place in differing]
    if not len(differing):
        text = f"The two curves coincide up to day {last}."
    elif not len(turns):
        text = (
            f"The curves do not cross: up to day {last}, the {lower[0]} curve lies lower wherever they differ, which "
            "means that more of its cases had closed for good."
        )
    else:
        times = "once" if len(turns) == 1 else f"{len(turns)} times"
        when = f"on day {days[turns[0]]}" if len(turns) == 1 else f"first on day {days[turns[0]]}"
        later = "from then on" if len(turns) == 1 else f"from the last time, day {days[turns[-1]]}, on"
        text = (
            f"The curves cross {times}, {when}. Before that, the {lower[0]} curve lies lower, which means that more of "
            f"its cases had closed for good; {later}, the {lower[-1]} curve."
        )
    return {"text": text, "crosses": bool(len(turns)), "crossings": len(turns), "last_day": last}
