"""The trial, closing sooner: one table of other choices of errors, periods, measures, readings and units."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.definitions import SteppedDownReading, StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, interval, p_value
from crewe_lib.models.cox import Errors
from crewe_lib.provenance import traced
from crewe_lib.rct import ARMS, Unit
from crewe_lib.rct_curves import derive_survival_set, select_arm, summarise_survival
from crewe_lib.rct_survival import DIFFERENCE, RATIO, fit_cox_to, fit_mean, to_difference, to_ratio
from crewe_lib.records import Records
from crewe_lib.results import Estimate, tidy

SPECIFICATION_COLUMNS: Mapping[str, Column] = {
    "specification": Column("Specification"),
    "measure": Column("Measure"),
    "estimate": Column("Estimate", fixed(2)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("n", fixed(0)),
    "closings": Column("Closings by arm"),
    "remark": Column("Remark", blank=""),
}
LOG_RANK = "test only"
OUTCOMES: Mapping[SteppedDownReading, str] = {
    "stepped_down": "Only cases stepped down",
    "any_but_escalated": "All closed but for escalation",
}
# Below so many closings in an arm, an interval by the normal distribution is rough.
FEW = 5

Choice = tuple[str, str, Callable[[], pd.DataFrame], Callable[[pd.DataFrame], Estimate]]


@traced
def estimate_survival_specifications(
    records: Records, *, dates: StudyDates, reading: SteppedDownReading, cut: int, alpha: float
) -> pd.DataFrame:
    """The effect of treatment on time to closing, by choice; one row each, in order.

    `cut` divides the follow-up for the Cox model: closings up to that day, and closings after it among cases still open
    then. reading: what counts as stepped down in all rows but those that try the other one. Columns: specification,
    those of `results.Estimate`, interval, closed_treatment, closed_control, closings (that the row rests on), remark. A
    choice that these records do not support has a row without an estimate, and the reason as its remark. Raises
    CreweError if cut is not positive, or as `derive_survival_set` does.
    """
    if cut < 1:
        raise CreweError(f"cut is {cut}; it must be a day after 0.")

    def derive(reading: SteppedDownReading, unit: Unit) -> pd.DataFrame:
        return derive_survival_set(records, dates=dates, reading=reading, unit=unit)

    main = derive(reading, "lead_child")
    other: SteppedDownReading = "any_but_escalated" if reading == "stepped_down" else "stepped_down"
    summary = summarise_survival(main)
    last, complete = summary["last_day"], summary["complete_day"]

    def ratio(errors: Errors) -> Callable[[pd.DataFrame], Estimate]:
        return lambda frame: to_ratio(
            fit_cox_to(frame, by_family=errors == "clustered"), 0, errors=errors, alpha=alpha, method=f"Cox, {errors}"
        )

    def mean(until: int) -> Choice:
        return f"Mean up to day {until}", DIFFERENCE, lambda: _until(main, until), difference(until)

    def difference(until: int) -> Callable[[pd.DataFrame], Estimate]:
        return lambda frame: to_difference(*(fit_mean(frame, arm, until) for arm in ARMS), alpha=alpha)

    choices: list[Choice] = [
        ("As published", RATIO, lambda: main, ratio("model")),
        ("Robust errors", RATIO, lambda: main, ratio("robust")),
        (f"Closings up to day {cut}", RATIO, lambda: _until(main, cut), ratio("robust")),
        (f"Closings after day {cut}", RATIO, lambda: main[main["days"] > cut], ratio("robust")),
        ("Log-rank, without history", LOG_RANK, lambda: main, _test_log_rank),
        *(mean(until) for until in sorted({last, min(cut, last), complete}, reverse=True)),
        (OUTCOMES[other], RATIO, lambda: derive(other, "lead_child"), ratio("robust")),
        (OUTCOMES[other], DIFFERENCE, lambda: derive(other, "lead_child"), difference(last)),
        ("All children in need", RATIO, lambda: derive(reading, "children"), ratio("clustered")),
    ]
    found = [_attempt(*choice[1:]) for choice in choices]
    table = tidy([estimate for estimate, _, _ in found])
    table.insert(0, "specification", [choice[0] for choice in choices])
    for place, arm in enumerate(ARMS):
        table[f"closed_{arm}"] = [closings[place] for _, closings, _ in found]
    table["closings"] = [f"{treatment} and {control}" for _, (treatment, control), _ in found]
    table["interval"] = [_write_interval(row) for row in table.to_dict("records")]
    return table.assign(remark=pd.Series([remark for _, _, remark in found], dtype=object))


def _write_interval(row: Mapping[Hashable, Any]) -> str | None:
    if pd.isna(row["conf_low"]):
        return None
    return interval(row["conf_low"], row["conf_high"], 2 if row["measure"] == RATIO else 0)


def _until(frame: pd.DataFrame, day: int) -> pd.DataFrame:
    """Only what was seen up to a day."""
    return frame.assign(closed=frame["closed"].where(frame["days"] <= day, 0), days=frame["days"].clip(upper=day))


def _attempt(
    measure: str, derive: Callable[[], pd.DataFrame], estimate: Callable[[pd.DataFrame], Estimate]
) -> tuple[Estimate, tuple[int, int], str]:
    """An estimate, the closings behind it, and a remark; or an empty one, and as remark the reason."""
    try:
        frame = derive()
        found = estimate(frame)
    except CreweError as error:
        return _empty(measure, 0, np.nan, "not estimated"), (0, 0), str(error)
    treatment, control = (int(select_arm(frame, arm)["closed"].sum()) for arm in ARMS)
    few = min(treatment, control) < FEW
    return found, (treatment, control), f"fewer than {FEW} closings in an arm: a rough interval" if few else ""


def _empty(measure: str, n: int, p: float, method: str) -> Estimate:
    nan = float("nan")
    return Estimate("closing", measure, nan, nan, nan, nan, p_value=p, n=n, method=method)


def _test_log_rank(frame: pd.DataFrame) -> Estimate:
    """The log-rank test of the arms; it has no estimate."""
    samples = []
    for arm in ARMS:
        own = select_arm(frame, arm)
        closed = own["closed"] == 1
        samples.append(stats.CensoredData(own.loc[closed, "days"], right=own.loc[~closed, "days"]))
    return _empty(LOG_RANK, len(frame), float(stats.logrank(*samples).pvalue), "log-rank")
