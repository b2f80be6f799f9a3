"""The trial, closing sooner: one table of other choices of errors, periods, measures, rules, readings and units."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from scipy import stats

from crewe_lib.definitions import DaysRule, SteppedDownReading, StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, interval, p_value
from crewe_lib.models.cox import Errors
from crewe_lib.provenance import traced
from crewe_lib.rct import ARMS, Unit
from crewe_lib.rct_curves import count_closings, derive_survival_set, select_arm, summarise_survival
from crewe_lib.rct_survival import (
    DIFFERENCE,
    LASTING,
    RATIO,
    empty_estimate,
    fit_cox_to,
    fit_mean,
    say_why,
    to_difference,
    to_ratio,
)
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
LOG_RANK, FIRST_DIFFERENCE = "test only", "difference in mean days to first closing"
OUTCOMES: Mapping[SteppedDownReading, str] = {
    "stepped_down": "Only cases stepped down",
    "any_but_escalated": "All closed but for escalation",
}
# Below so many closings in an arm, the normal distribution is no guide to an interval or a p-value.
FEW = 5
TOO_FEW = f"fewer than {FEW} closings in an arm: too few for an interval or a test"
LATE = "compares cases still open then, so it is no randomised comparison"
AGAIN = "a case that was referred again counts as closed"
FIRST, NOBODY = "First closing", "no case left by escalation, so nothing changes"
TO_THE_END = "an escalated case counts as open to the pilot's end"

# Specification, measure, cases, estimate, remark.
Choice = tuple[str, str, Callable[[], pd.DataFrame], Callable[[pd.DataFrame], Estimate], str]


@traced
def estimate_survival_specifications(
    records: Records, *, dates: StudyDates, reading: SteppedDownReading, cut: int, alpha: float
) -> pd.DataFrame:
    """The effect of treatment on time to a closing that lasted, or to the first, by choice; one row each, in order.

    `cut` divides the follow-up for the Cox model: closings up to that day, and closings after it among cases still open
    then, whom treatment helped to select. reading: what counts as stepped down in all rows but those that try the other
    one. Columns: specification, those of `results.Estimate`, interval, closed_treatment, closed_control, closings (that
    the row rests on), remark. A choice that these records do not support has a row without an estimate, and one with
    fewer than FEW closings in an arm an estimate without interval and p-value, with the reason as its remark. Raises
    CreweError if cut is not positive, or as `derive_survival_set` does.
    """
    if cut < 1:
        raise CreweError(f"cut is {cut}; it must be a day after 0.")

    def derive(reading: SteppedDownReading, unit: Unit = "lead_child", rule: DaysRule = "lasting") -> pd.DataFrame:
        return derive_survival_set(records, dates=dates, reading=reading, unit=unit, rule=rule)

    main = derive(reading)
    other: SteppedDownReading = "any_but_escalated" if reading == "stepped_down" else "stepped_down"
    summary = summarise_survival(main)
    last, complete = summary["last_day"], summary["complete_day"]
    to_the_end = TO_THE_END if summary["escalated"] else NOBODY

    def ratio(errors: Errors) -> Callable[[pd.DataFrame], Estimate]:
        return lambda frame: to_ratio(
            fit_cox_to(frame, by_family=errors == "clustered"), 0, errors=errors, alpha=alpha, method=f"Cox, {errors}"
        )

    def mean(until: int) -> Choice:
        return f"Mean up to day {until}", DIFFERENCE, lambda: _until(main, until), difference(until), ""

    def difference(until: int) -> Callable[[pd.DataFrame], Estimate]:
        return lambda frame: to_difference(*(fit_mean(frame, arm, until) for arm in ARMS), alpha=alpha)

    choices: list[Choice] = [
        ("As published", RATIO, lambda: main, ratio("model"), ""),
        ("Robust errors", RATIO, lambda: main, ratio("robust"), ""),
        (f"Closings up to day {cut}", RATIO, lambda: _until(main, cut), ratio("robust"), ""),
        (f"Closings after day {cut}", RATIO, lambda: main[main["days"] > cut], ratio("robust"), LATE),
        ("Log-rank, not adjusted for history", LOG_RANK, lambda: main, _test_log_rank, ""),
        *(mean(until) for until in sorted({last, min(cut, last), complete}, reverse=True)),
        (FIRST, RATIO, lambda: derive(reading, rule="first"), ratio("robust"), AGAIN),
        (FIRST, FIRST_DIFFERENCE, lambda: derive(reading, rule="first"), difference(last), AGAIN),
        ("Escalated never close", RATIO, lambda: derive(reading, rule="escalated_open"), ratio("robust"), to_the_end),
        (OUTCOMES[other], RATIO, lambda: derive(other), ratio("robust"), ""),
        (OUTCOMES[other], DIFFERENCE, lambda: derive(other), difference(last), ""),
        ("All children in need", RATIO, lambda: derive(reading, "children"), ratio("clustered"), ""),
    ]
    found = [_attempt(*choice[1:]) for choice in choices]
    table = tidy([estimate for estimate, _, _ in found])
    table.insert(0, "specification", [choice[0] for choice in choices])
    table.loc[table["specification"] == FIRST, "outcome"] = FIRST.lower()
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
    measure: str, derive: Callable[[], pd.DataFrame], estimate: Callable[[pd.DataFrame], Estimate], remark: str
) -> tuple[Estimate, tuple[int, ...], str]:
    """An estimate, the closings behind it, and a remark; or an empty one, and as remark the reason."""
    try:
        frame = derive()
    except CreweError as error:
        return empty_estimate(LASTING, measure, 0, "not estimated"), (0, 0), str(error)
    closings = count_closings(frame)
    try:
        found = replace(estimate(frame), measure=measure)
    except CreweError as error:
        return empty_estimate(LASTING, measure, len(frame), "not estimated"), closings, say_why(frame, error)
    if min(closings) >= FEW:
        return found, closings, remark
    nan = float("nan")
    found = replace(found, std_error=nan, conf_low=nan, conf_high=nan, p_value=nan)
    return found, closings, "; ".join(filter(None, (remark, TOO_FEW)))


def _test_log_rank(frame: pd.DataFrame) -> Estimate:
    """The log-rank test of the arms; it has no estimate."""
    samples = []
    for arm in ARMS:
        own = select_arm(frame, arm)
        closed = own["closed"] == 1
        samples.append(stats.CensoredData(own.loc[closed, "days"], right=own.loc[~closed, "days"]))
    p_value = float(stats.logrank(*samples).pvalue)
    return replace(empty_estimate(LASTING, LOG_RANK, len(frame), "log-rank"), p_value=p_value)
