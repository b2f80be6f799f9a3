"""The long follow-up, length of cases: one table of specifications, none of which predicts a length, each beside what
it would give if late entry were ignored (see `follow_up_length_curves`)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.follow_up import ARMS
from crewe_lib.follow_up_length import LENGTH
from crewe_lib.follow_up_length_curves import CAUSES, HORIZONS, Watch, late_entry
from crewe_lib.follow_up_length_set import CLOSED, TREATED, length_design
from crewe_lib.formats import NO_BREAK, fixed, interval, p_phrase, p_value, percent
from crewe_lib.models.competing_risks import fit_aalen_johansen, fit_days_lost
from crewe_lib.models.cox import CoxFit, fit_cox
from crewe_lib.models.fine_gray import FineGray, fit_fine_gray
from crewe_lib.models.panel import Array, check_alpha
from crewe_lib.provenance import traced
from crewe_lib.results import Estimate

SPECIFICATION_COLUMNS: Mapping[str, Column] = {
    "label": Column("What is compared"),
    "levels": Column("Treatment and control"),
    "written": Column("Difference or ratio"),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("Cases", fixed(0)),
    "ignoring": Column("As if all had been watched from the plan's opening"),
    "remark": Column("Note", blank=""),
}
# Below so many closings in an arm, the normal distribution is no guide to an interval or a p-value.
FEW = 5
POINTS, DAYS, RATIO = "points", "days", "ratio"


@dataclass(frozen=True)
class Found:
    """What one specification gives: estimate with limits, cases, levels of the arms as text, and a note."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    n: int
    levels: str | None = None
    remark: str | None = None


Fit = Callable[[pd.DataFrame, Watch, float], Found]


@traced
def estimate_length_specifications(frame: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The effect on how long cases stay open, one row per specification, in order: share closed by each of `HORIZONS`,
    mean days open up to the last of them (until whatever end), rate of closing by Cox models (other ends censored, so
    cause-specific), share closed by a Fine–Gray model; errors robust.

    Columns: id, label, unit ('points', 'days', 'ratio': treatment to control), levels (of the arms, as text), those of
    `Estimate` (std_error of a ratio: of its logarithm), written, interval, ignoring (the same as if all had been
    watched from the plan's opening; missing where that is not the question), remark. Adjusted models hold treatment,
    sex, being under 11 and history. With fewer than FEW closings in an arm there is no interval; what cannot be
    estimated has an empty row, and says why.
    """
    check_alpha(alpha)
    shares: list[tuple[str, str, str, Fit, Watch]] = [
        (f"closed_{day}", f"Closed by day {day}", POINTS, _fit_share(day), "entered") for day in HORIZONS
    ]
    choices = [
        *shares,
        ("days_open", f"Mean days open, of the first {HORIZONS[-1]}", DAYS, _fit_days(HORIZONS[-1]), "entered"),
        ("cox", "Rate of closing (Cox), adjusted", RATIO, _fit_cox, "entered"),
        ("cox_plain", "The same, not adjusted", RATIO, _fit_cox_plain, "entered"),
        ("cox_report", "The same, adjusted, closing as the report has it", RATIO, _fit_cox_report, "entered"),
        ("cox_lot", "The same, adjusted, watched from the day of the lot", RATIO, _fit_cox, "lot"),
        ("cox_new", "The same, adjusted, plans opened in the pilot only", RATIO, _fit_cox_new, ""),
        ("fine_gray", "Share closed over all days (Fine–Gray), adjusted", RATIO, _fit_fine_gray, "entered"),
    ]
    return pd.DataFrame([_write_row(frame, *choice, alpha) for choice in choices])


def _write_row(
    frame: pd.DataFrame, id: str, label: str, unit: str, fit: Fit, watch: Watch, alpha: float
) -> dict[str, object]:
    found = _attempt(frame, fit, watch, alpha)
    values = {name: value for name, value in asdict(found).items() if name not in ("levels", "remark")}
    row = Estimate(LENGTH, unit, **values, method=label)
    text = {"written": None, "interval": None} if pd.isna(found.estimate) else _write(found, unit)
    said = None
    if watch == "entered":
        other = _attempt(frame, fit, "", alpha)
        said = None if pd.isna(other.estimate) else _join(_write(other, unit))
    own = {"id": id, "label": label, "unit": unit, "levels": found.levels, **asdict(row)}
    return {**own, **text, "ignoring": said, "remark": found.remark}


def _attempt(frame: pd.DataFrame, fit: Fit, watch: Watch, alpha: float) -> Found:
    try:
        return fit(frame, watch, alpha)
    except CreweError as error:
        nan = float("nan")
        return Found(nan, nan, nan, nan, nan, len(frame), remark=str(error))


def _write(found: Found, unit: str) -> dict[str, str | None]:
    digits = {POINTS: 1, DAYS: 0, RATIO: 2}[unit]
    written = fixed(digits, sign=unit != RATIO)(found.estimate) + ("" if unit == RATIO else f"{NO_BREAK}{unit}")
    limits = None if pd.isna(found.conf_low) else interval(found.conf_low, found.conf_high, digits)
    return {"written": written, "interval": limits}


def _join(text: Mapping[str, str | None]) -> str:
    return f"{text['written']} ({text['interval']})" if text["interval"] else str(text["written"])


def _compare(values: Array, errors: Array, closings: list[int], n: int, levels: str, alpha: float) -> Found:
    """Treatment − control of two independent arms, by the normal distribution."""
    gap, error = float(values[0] - values[1]), float(np.hypot(*errors))
    half = float(stats.norm.isf(alpha / 2)) * error
    if error == 0:
        nan = float("nan")
        return Found(gap, nan, nan, nan, nan, n, levels, "all cases of both arms went alike, so there is no error")
    found = Found(gap, error, gap - half, gap + half, float(2 * stats.norm.sf(abs(gap / error))), n, levels)
    return _hide_few(found, closings)


def _hide_few(found: Found, closings: list[int]) -> Found:
    if min(closings) >= FEW:
        return found
    nan = float("nan")
    remark = f"fewer than {FEW} closings in an arm: too few for an interval or a test"
    return replace(found, std_error=nan, conf_low=nan, conf_high=nan, p_value=nan, remark=remark)


def _fit_share(day: int) -> Fit:
    def fit(frame: pd.DataFrame, watch: Watch, alpha: float) -> Found:
        shares, closings = [], []
        for arm in ARMS:
            own = frame[frame["arm"] == arm]
            days, ends = own["first_days"], own["first_end"]
            curve = fit_aalen_johansen(days, ends, entered=late_entry(own, watch), k=CAUSES, alpha=alpha)
            shares.append(curve.by(CLOSED, day))
            closings.append(int(((ends == CLOSED) & (days <= day)).sum()))
        values, errors = (np.array([100 * getattr(one, name) for one in shares]) for name in ("share", "std_error"))
        levels = " and ".join(percent(0)(one.share) for one in shares)
        return _compare(values, errors, closings, len(frame), levels, alpha)

    return fit


def _fit_days(until: int) -> Fit:
    def fit(frame: pd.DataFrame, watch: Watch, alpha: float) -> Found:
        own = [frame[frame["arm"] == arm] for arm in ARMS]
        means = [
            fit_days_lost(part["first_days"], part["first_end"], until=until, entered=late_entry(part, watch), k=CAUSES)
            for part in own
        ]
        closings = [int(((part["first_end"] == CLOSED) & (part["first_days"] < until)).sum()) for part in own]
        levels = " and ".join(fixed(0)(mean.free) for mean in means)
        values, errors = (np.array([getattr(mean, name) for mean in means]) for name in ("free", "free_error"))
        return _compare(values, errors, closings, len(frame), levels, alpha)

    return fit


def _adjust(frame: pd.DataFrame, event: pd.Series) -> tuple[Array, str]:
    """Treatment and covariates (n, k), without a constant, and a note on covariates left out."""
    x, _, note = length_design(frame, event)
    return x[:, TREATED:], note


def _to_found(
    frame: pd.DataFrame, event: pd.Series, note: str, model: Callable[[], CoxFit | FineGray], alpha: float
) -> Found:
    """A ratio of treatment to control. Raises CreweError without a closing in an arm, or without an error."""
    closings = [int((event & (frame["arm"] == arm)).sum()) for arm in ARMS]
    if lacking := [arm for arm, number in zip(ARMS, closings, strict=True) if not number]:
        raise CreweError(f"no closing in {' and in '.join(lacking)}, so there is no ratio.")
    fit = model()
    if not fit.robust[0, 0] > 0:
        raise CreweError("the cases of both arms went alike, so the ratio has no error.")
    one = fit.hazard_ratio(0, errors="robust", alpha=alpha)
    values = (one.ratio, one.std_error, one.conf_low, one.conf_high, one.p_value)
    levels = " and ".join(str(number) for number in closings)
    return _hide_few(Found(*values, len(frame), f"{levels} closings", note or None), closings)


def _fit_cox(frame: pd.DataFrame, watch: Watch, alpha: float, *, plain: bool = False, report: bool = False) -> Found:
    days = "days" if report else "first_days"
    own = frame if plain else frame.dropna(subset=["female"])
    own = own[own[days] >= own[watch]] if watch else own
    event = own["closed"] == 1 if report else own["first_end"] == CLOSED
    x, note = (own[["treated"]].to_numpy(float), "") if plain else _adjust(own, event)
    return _to_found(own, event, note, lambda: fit_cox(own[days], event, x, entered=late_entry(own, watch)), alpha)


def _fit_cox_plain(frame: pd.DataFrame, watch: Watch, alpha: float) -> Found:
    return _fit_cox(frame, watch, alpha, plain=True)


def _fit_cox_report(frame: pd.DataFrame, watch: Watch, alpha: float) -> Found:
    return _fit_cox(frame, watch, alpha, report=True)


def _fit_cox_new(frame: pd.DataFrame, watch: Watch, alpha: float) -> Found:
    return _fit_cox(frame[frame["entered"] == 0], watch, alpha)


def _fit_fine_gray(frame: pd.DataFrame, watch: Watch, alpha: float) -> Found:
    own = frame.dropna(subset=["female"])
    event = own["first_end"] == CLOSED
    x, note = _adjust(own, event)
    days, ends, late = own["first_days"], own["first_end"], late_entry(own, watch)
    return _to_found(own, event, note, lambda: fit_fine_gray(days, ends, x, cause=CLOSED, entered=late), alpha)


@traced
def summarise_length_specifications(table: pd.DataFrame) -> dict[str, str]:
    """Sentences for prose, from the second of `HORIZONS`, the mean days open and the adjusted Cox model: `share`,
    `days`, `ratio`, each with late entry allowed for, and `ignoring`, what the first two become without."""
    rows = {row["id"]: row for row in table.to_dict("records")}
    share, days, ratio = rows[f"closed_{HORIZONS[1]}"], rows["days_open"], rows["cox"]
    first, mean = f"By day {HORIZONS[1]} after the plan's opening", f"Of the first {HORIZONS[-1]} days"
    without = [row["ignoring"] or "no estimate" for row in (share, days)]
    return {
        "share": _say(share, f"{first} the share closed was {{levels}}; the difference is {{written}}", first),
        "days": _say(days, f"{mean} a case was open for {{levels}}, on average; the difference is {{written}}", mean),
        "ratio": _say(ratio, "Cases closed at {written} times the rate of control", "The ratio of rates of closing"),
        "ignoring": f"the share becomes {without[0]}, the days {without[1]}",
    }


def _say(row: Mapping[Hashable, Any], template: str, subject: str) -> str:
    if pd.isna(row["estimate"]):
        return f"{subject}: not to be estimated, as {row['remark']}"
    limits = f"interval {row['interval']}; {p_phrase(row['p_value'])}" if row["interval"] else str(row["remark"])
    levels = " in treatment and ".join(str(row["levels"]).split(" and ")) + " in control"
    return f"{template.format(levels=levels, written=row['written'])} ({limits})."
