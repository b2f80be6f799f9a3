"""The second report's definitions as code: closure, re-referral, escalation, ageing out and case length by the end of
the long follow-up.

Escalation and case length need the table `protection`: without its rows nothing was escalated, so a table that was not
brought must be handled before (chapters that need it are left out).
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from crewe_lib.definition_days import completed_years, first_later_referral, not_after
from crewe_lib.definitions import ADULT_AGE, IDS, StudyDates, check_reading
from crewe_lib.provenance import traced
from crewe_lib.records import Records

ClosedReading = Literal["status", "recorded"]
RereferralReading = Literal["any", "printed", "statutory"]
TWELVE_MONTHS = pd.DateOffset(months=12)


@traced
def derive_closed_round2(
    records: Records, cases: pd.DataFrame, *, dates: StudyDates, reading: ClosedReading
) -> pd.DataFrame:
    """Closed at the end of the long follow-up. Columns: family_id, child_id, closed.

    reading 'status': no episode of the lead child is open on the last day, as the falling rates of R2 imply;
    'recorded': the index episode has a recorded closure by then, which is what R2 prints. A closure on an unknown day
    counts as closed. Raises CreweError for another reading.
    """
    check_reading(reading, ("status", "recorded"))
    recorded = (cases["status"] == "closed") & ~(cases["closed_on"] > dates.study_end)
    if reading == "status":
        episodes = records.episodes
        going_on = (episodes["referred_on"] <= dates.study_end) & (
            (episodes["status"] == "open") | (episodes["closed_on"] > dates.study_end)
        )
        closed = ~cases["child_id"].isin(episodes.loc[going_on, "child_id"])
    else:
        closed = recorded
    return cases[[*IDS]].assign(closed=closed.astype("boolean"))


@traced
def derive_rereferred_round2(
    records: Records, cases: pd.DataFrame, *, dates: StudyDates, reading: RereferralReading
) -> pd.DataFrame:
    """Re-referred by the end of the long follow-up. Columns: family_id, child_id, rereferred.

    reading 'any': referred again on any later day of the follow-up; 'printed': within twelve months of the original
    (recoded) referral, as R2 prints; 'statutory': within twelve months of the child's previous referral, whichever of
    the referrals from the index one on that is. Missing where no such referral is found but the child was not followed
    to the window's end. Raises CreweError for another reading.
    """
    check_reading(reading, ("any", "printed", "statutory"))
    last = pd.Series(dates.study_end, index=cases.index)
    if reading == "printed":
        last = not_after(cases["referred_on"] + TWELVE_MONTHS, dates.study_end)
    if reading == "statutory":
        found = cases["child_id"].isin(_referred_soon_again(records, cases, dates))
    else:
        found = first_later_referral(records, cases, cases["referred_on"]).le(last)
    unknown = ~found & (cases["followed_to"] < last)
    rereferred = found.astype("boolean").mask(unknown.to_numpy())
    return cases[[*IDS]].assign(rereferred=rereferred)


def _referred_soon_again(records: Records, cases: pd.DataFrame, dates: StudyDates) -> set[str]:
    """Children with a referral in the follow-up within twelve months of their previous one, the days as recorded.
    Where any two referrals are that near, two that follow each other are."""
    own = cases[["child_id", "episode_id", "referred_on", "referred_on_recorded"]]
    episodes = records.episodes[["child_id", "episode_id", "referred_on"]]
    pairs = episodes.merge(own, on="child_id", suffixes=("", "_index"))
    pairs["later"] = pairs["episode_id"] != pairs["episode_id_index"]
    pairs = pairs[~pairs["later"] | (pairs["referred_on"] >= pairs["referred_on_recorded"])]
    pairs = pairs.sort_values(["child_id", "referred_on", "later", "episode_id"])
    previous = pairs.groupby("child_id")["referred_on"].shift()
    within = (pairs["referred_on"] >= pairs["referred_on_index"]) & (pairs["referred_on"] <= dates.study_end)
    soon = pairs["later"] & within & (pairs["referred_on"] <= previous + TWELVE_MONTHS)
    return set(pairs.loc[soon, "child_id"])


@traced
def derive_escalated(records: Records, cases: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """Escalated to child protection or care between the (recoded) referral and the last day, both inclusive.

    Columns: family_id, child_id, escalated, escalated_on (the first day).
    """
    joined = cases[["child_id", "referred_on"]].merge(records.protection, on="child_id")
    within = (joined["started_on"] >= joined["referred_on"]) & (joined["started_on"] <= dates.study_end)
    first = cases["child_id"].map(joined[within].groupby("child_id")["started_on"].min())
    day = pd.Series(pd.to_datetime(first).to_numpy(), index=cases.index)
    return cases[[*IDS]].assign(escalated=day.notna().astype("boolean"), escalated_on=day)


@traced
def derive_aged_out(cases: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """Turned eighteen on or before the last day; the birthday is taken to be in the middle of the month of birth.

    Columns: family_id, child_id, aged_out.
    """
    aged = completed_years(cases["born_on"], dates.study_end) >= ADULT_AGE
    return cases[[*IDS]].assign(aged_out=aged.astype("boolean"))


@traced
def derive_case_length(records: Records, cases: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """Days from the plan's opening to closing, if closed by the last day and not escalated afterwards; else censored.

    A case that was escalated on the day it closed or later, by the last day, is censored on the day it closed; one not
    closed by the last day is censored on that. Columns: family_id, days, closed (whether the length is known; otherwise
    it is at least `days`), entered (days from the plan's opening to the recoded referral, 0 if it opened no earlier:
    the case was only seen from then on, so a model must truncate on the left). Missing where no plan opened by the last
    day, or closing is on an unknown day.
    """
    joined = cases[["child_id", "closed_on"]].merge(records.protection, on="child_id")
    escalated = (joined["started_on"] >= joined["closed_on"]) & (joined["started_on"] <= dates.study_end)
    over = cases["closed_on"].le(dates.study_end)
    known = over & ~cases["child_id"].isin(joined.loc[escalated, "child_id"])
    opened = cases["plan_opened_on"]
    lost = ~opened.le(dates.study_end) | ((cases["status"] == "closed") & cases["closed_on"].isna())
    days = (cases["closed_on"].where(over, dates.study_end) - opened).dt.days
    entered = (cases["referred_on"] - opened).dt.days.clip(lower=0)
    return cases[[*IDS]].assign(
        days=days.astype("Int64").mask(lost),
        closed=known.astype("boolean").mask(lost),
        entered=entered.astype("Int64").mask(lost),
    )
