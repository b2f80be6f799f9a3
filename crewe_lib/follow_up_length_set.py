"""The long follow-up, length of cases: who is counted, from when, and how each case ended."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crewe_lib import definitions, definitions_follow_up
from crewe_lib.definitions import ADULT_AGE, IDS, StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.follow_up import ARMS
from crewe_lib.formats import spelt
from crewe_lib.models.panel import Array
from crewe_lib.provenance import traced
from crewe_lib.records import Records

COVARIATES = ("female", "under_11", "history")
TREATED = 1  # column of the design
# How a case ended first, in the order of the causes of competing-risk models; 0 is still open on the last day.
CLOSED, ESCALATED, AGED_OUT = 1, 2, 3


@traced
def derive_length_set(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """One row per lead child whose case has a length, or at least so many days: sorted by child_id.

    Columns: family_id, child_id, arm, treated; days, closed (0 or 1), entered as in `derive_case_length`, which is R2's
    definition; lot, days from the plan's opening to the day of randomisation (at least `entered`); female (missing
    where sex is not recorded), under_11, history (0 or 1); first_days and first_end: days to whatever ended the case
    first, and what (0 still open on the last day, else CLOSED, ESCALATED or AGED_OUT), whatever came after.

    A case ends by escalation on the first day of protection after its plan opened, and by ageing out if that is its
    recorded reason, or on its lead child's eighteenth birthday if still open after that month. Raises CreweError if an
    arm has no such case.
    """
    cases = definitions.derive_cases(records, dates=dates)
    length = definitions_follow_up.derive_case_length(records, cases, dates=dates)
    given = cases["family_id"].map(records.families.set_index("family_id")["randomised_on"])
    lot = (given - cases["plan_opened_on"]).dt.days
    first = _find_first_end(records, cases, dates)
    known = length["days"].notna()
    table = cases[[*IDS, "arm"]].assign(
        treated=(cases["arm"] == ARMS[0]).astype(int),
        days=length["days"],
        closed=length["closed"].astype("Int64"),
        entered=length["entered"],
        lot=lot.clip(lower=length["entered"].astype("Float64").to_numpy(float, na_value=np.nan)),
        female=cases["sex"].map({"female": 1, "male": 0}).astype("Int64"),
        under_11=cases["under_11"].astype(int),
        history=cases["history"].astype(int),
        **first,
    )[known]
    if lacking := [arm for arm in ARMS if arm not in set(table["arm"])]:
        raise CreweError(
            f"length of case: the {' and the '.join(lacking)} arm has no case with a day on which its plan opened and, "
            "if it closed, a day of closing; complete plan_opened_on and closed_on in episodes.csv."
        )
    whole = ["days", "closed", "entered", "lot", "first_days", "first_end"]
    table["lot"] = table["lot"].fillna(table["entered"].astype(float))
    return table.astype(dict.fromkeys(whole, "int64")).sort_values("child_id", ignore_index=True)


def _find_first_end(records: Records, cases: pd.DataFrame, dates: StudyDates) -> dict[str, pd.Series]:
    """Days from the plan's opening to what ended each case first, and what it was."""
    over = cases["closed_on"].le(dates.study_end)
    day = cases["closed_on"].where(over, dates.study_end)
    reason = cases["closed_reason"].map({"escalated": ESCALATED, "aged_out": AGED_OUT}).fillna(CLOSED)
    end = reason.where(over, 0)
    start = cases["plan_opened_on"].where(cases["plan_opened_on"] > cases["referred_on"], cases["referred_on"])
    joined = cases[["child_id"]].assign(start=start).merge(records.protection, on="child_id")
    joined = joined[(joined["started_on"] >= joined["start"]) & (joined["started_on"] <= dates.study_end)]
    escalated = cases["child_id"].map(joined.groupby("child_id")["started_on"].min())
    born = cases["born_on"]
    adult = born + pd.DateOffset(years=ADULT_AGE)
    still = (adult.dt.to_period("M").dt.end_time < day) & (adult >= start)
    day, end = day.mask(still, adult), end.mask(still, AGED_OUT)
    sooner = escalated.le(day)
    day, end = day.mask(sooner, escalated), end.mask(sooner, ESCALATED)
    return {"first_days": (day - cases["plan_opened_on"]).dt.days, "first_end": end}


@traced
def summarise_length_set(frame: pd.DataFrame, records: Records, *, dates: StudyDates) -> dict[str, str | int]:
    """For prose: cases with a length in all and by arm, those still open or escalated (`unknown`), those that entered
    late, by arm too, and `left_out` and `no_sex`, sentences on who is not counted."""
    cases = definitions.derive_cases(records, dates=dates)
    out = cases[~cases["family_id"].isin(frame["family_id"])]
    unopened = int((~out["plan_opened_on"].le(dates.study_end)).sum())
    reasons = [(unopened, "without a day on which a plan opened"), (len(out) - unopened, "closed on an unknown day")]
    said = " and ".join(f"{_cases(number)} {reason}" for number, reason in reasons if number)
    sexless = int(frame["female"].isna().sum())
    late = frame["entered"] > 0
    own = {arm: frame["arm"] == arm for arm in ARMS}
    return {
        "n": len(frame),
        "unknown": int((frame["closed"] == 0).sum()),
        "late": int(late.sum()),
        **{f"n_{arm}": int(mask.sum()) for arm, mask in own.items()},
        **{f"late_{arm}": int((late & mask).sum()) for arm, mask in own.items()},
        "left_out": f"Left out: {said}." if said else "No case is left out.",
        "no_sex": f"Models that adjust also leave out {_cases(sexless)} of a child whose sex is not recorded."
        if sexless
        else "Sex is recorded for all of them.",
    }


def _cases(number: int) -> str:
    return f"{spelt(number)} {'case' if number == 1 else 'cases'}"


def length_design(frame: pd.DataFrame, ended: pd.Series) -> tuple[Array, list[str], str]:
    """Constant, treated and covariates (n, k), their names, and a note on covariates left out: those that do not vary,
    or follow from others, among cases that `ended` (so that a model of ends could not carry them). Raises CreweError
    without a case."""
    if frame.empty:
        raise CreweError("no case with a length is of a child whose sex is recorded, so no model can adjust for it.")
    names, dropped = ["treated"], []
    x = np.column_stack([np.ones(len(frame)), frame["treated"].to_numpy(float)])
    for name in COVARIATES:
        wider = np.column_stack([x, frame[name].to_numpy(float)])
        if np.linalg.matrix_rank(wider[ended.to_numpy(bool)]) > x.shape[1]:
            x, names = wider, [*names, name]
        else:
            dropped.append(name.replace("_", " "))
    return x, names, f"without {', '.join(dropped)}, which cannot be told apart here" if dropped else ""
