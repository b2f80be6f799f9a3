"""The second report's definitions as code: closure, re-referral, escalation, ageing out and case length by the end of
the long follow-up."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from crewe_lib.definitions import ADULT_AGE, StudyDates, completed_years, first_later_referral, not_after
from crewe_lib.errors import CreweError
from crewe_lib.provenance import traced
from crewe_lib.records import Records

ClosedReading = Literal["status", "recorded"]
RereferralReading = Literal["any", "statutory"]


@traced
def derive_closed_round2(
    records: Records, cases: pd.DataFrame, *, dates: StudyDates, reading: ClosedReading
) -> pd.DataFrame:
    """Closed at the end of the long follow-up. Columns: family_id, closed.

    reading 'status': no episode of the lead child is open on the last day, as the falling rates of R2 imply;
    'recorded': the index episode has a recorded closure by then, which is what R2 prints. A closure on an unknown day
    counts as closed. Raises CreweError for another reading.
    """
    _check(reading, ("status", "recorded"))
    recorded = (cases["status"] == "closed") & ~(cases["closed_on"] > dates.study_end)
    if reading == "status":
        episodes = records.episodes
        going_on = (episodes["referred_on"] <= dates.study_end) & (
            (episodes["status"] == "open") | (episodes["closed_on"] > dates.study_end)
        )
        closed = ~cases["child_id"].isin(episodes.loc[going_on, "child_id"])
    else:
        closed = recorded
    return pd.DataFrame({"family_id": cases["family_id"], "closed": closed.astype("boolean")})


@traced
def derive_rereferred_round2(
    records: Records, cases: pd.DataFrame, *, dates: StudyDates, reading: RereferralReading
) -> pd.DataFrame:
    """Re-referred by the end of the long follow-up. Columns: family_id, rereferred.

    reading 'any': referred again on any later day of the follow-up; 'statutory': within twelve months of the original
    referral, as R2 prints. Missing where no referral is found but the child was not followed to the window's end.
    Raises CreweError for another reading.
    """
    _check(reading, ("any", "statutory"))
    last = pd.Series(dates.study_end, index=cases.index)
    if reading == "statutory":
        last = not_after(cases["referred_on_recorded"] + pd.DateOffset(months=12), dates.study_end)
    again = first_later_referral(records, cases, cases["referred_on_recorded"])
    found = again.le(last)
    unknown = ~found & (cases["followed_to"] < last)
    rereferred = found.astype("boolean").mask(unknown.to_numpy())
    return pd.DataFrame({"family_id": cases["family_id"], "rereferred": rereferred})


@traced
def derive_escalated(records: Records, cases: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """Escalated to child protection or care between the (recoded) referral and the last day, both inclusive.

    Columns: family_id, escalated, escalated_on (the first day).
    """
    joined = cases[["child_id", "referred_on"]].merge(records.protection, on="child_id")
    within = (joined["started_on"] >= joined["referred_on"]) & (joined["started_on"] <= dates.study_end)
    first = cases["child_id"].map(joined[within].groupby("child_id")["started_on"].min())
    day = pd.Series(pd.to_datetime(first).to_numpy(), index=cases.index)
    return pd.DataFrame(
        {"family_id": cases["family_id"], "escalated": day.notna().astype("boolean"), "escalated_on": day}
    )


@traced
def derive_aged_out(cases: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """Turned eighteen on or before the last day; the birthday is taken to be in the middle of the month of birth.

    Columns: family_id, aged_out.
    """
    aged = completed_years(cases["born_on"], dates.study_end) >= ADULT_AGE
    return pd.DataFrame({"family_id": cases["family_id"], "aged_out": aged.astype("boolean")})


@traced
def derive_case_length(records: Records, cases: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """Days from the plan's opening to closing, if closed by the last day and not escalated afterwards; else censored.

    Columns: family_id, days, closed (whether the length is known; otherwise it is at least `days`, counted to the last
    day). Missing where no plan opened, or closing is on an unknown day.
    """
    joined = cases[["child_id", "closed_on"]].merge(records.protection, on="child_id")
    after = set(joined.loc[joined["started_on"] >= joined["closed_on"], "child_id"])
    known = cases["closed_on"].le(dates.study_end) & ~cases["child_id"].isin(after)
    end = cases["closed_on"].where(known, dates.study_end)
    lost = cases["plan_opened_on"].isna() | ((cases["status"] == "closed") & cases["closed_on"].isna())
    days = (end - cases["plan_opened_on"]).dt.days.astype("Int64").mask(lost)
    return pd.DataFrame({"family_id": cases["family_id"], "days": days, "closed": known.astype("boolean").mask(lost)})


def _check(reading: str, allowed: tuple[str, ...]) -> None:
    if reading not in allowed:
        raise CreweError(f"reading is '{reading}'; it must be one of {', '.join(allowed)}.")
