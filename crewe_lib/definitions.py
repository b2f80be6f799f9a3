"""The reports' definitions as code: from records to one row per family or child, and the outcomes of the first round.

The unit of randomisation is the family; the unit of analysis is its lead child, and of a child's episodes the *index
episode*: the earliest that was open on the first day of the pilot, or referred from then to its last. Outcomes take
either frame, `derive_cases` or `derive_children`, and are nullable: missing where the records cannot tell. R1 is the
2017 report, R2 that of 2020.

No function can tell a table that was not brought from one without rows. Whoever calls them must see to that before:
chapters that need a table which is absent, such as `protection`, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crewe_lib.claim_register import read_register
from crewe_lib.definition_days import completed_years, first_later_referral, not_after, not_before
from crewe_lib.errors import CreweError, DataError
from crewe_lib.provenance import traced
from crewe_lib.records import Records

ADULT_AGE, UNDER = 18, 11
# Only the month of birth is held; the middle of the month is at most half a month off.
BIRTHDAY = 15
IDS = ("family_id", "child_id")  # the first columns of every outcome
SteppedDownReading = Literal["any_but_escalated", "stepped_down"]
DaysRule = Literal["lasting", "first", "escalated_open"]


@dataclass(frozen=True)
class StudyDates:
    """First day of the pilot, its last, and the last day of the long follow-up; all inclusive."""

    pilot_start: pd.Timestamp
    pilot_end: pd.Timestamp
    study_end: pd.Timestamp


@traced
def derive_study_dates(register: pd.DataFrame) -> StudyDates:
    """The dates that the reports print: R1's assumptions 1 and 3, R2's Appendix 4. Raises DataError."""
    reader = read_register(register)
    ids = ("r1.design.pilot_start", "r1.design.pilot_end", "r2.design.study_end")
    return StudyDates(*(pd.Timestamp(reader.day(id)) for id in ids))


@traced
def derive_cases(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """One row per family whose case data were found: its lead child, its arm and what the models adjust for.

    Columns: family_id, child_id, arm, referred_on (recoded to the start of the pilot if earlier, R1 assumption 1),
    referred_on_recorded, episode_id (of the index episode), sex, born_on, age_at_referral (completed years), under_11,
    disability, ethnicity, other_cin (another child in need in the family), history, followed_to. Raises DataError if a
    family has no lead child or more than one, or if its lead child has no index episode.
    """
    children = derive_children(records, dates=dates)
    return children[children["lead_child"]].drop(columns="lead_child").reset_index(drop=True)


@traced
def derive_children(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """One row per child in need with an index episode, lead children included, of the families in `derive_cases`.

    Columns: those of `derive_cases`, of each child, with the history and the arm of its family; lead_child. Sorted by
    family and child. A sibling without an index episode is left out. Raises DataError as `derive_cases` does.
    """
    families = records.families.loc[records.families["case_data"] == "1", ["family_id", "arm"]]
    lead = records.children["lead_child"] == "1"
    in_need = records.children[lead | (records.children["is_cin"] == "1")].assign(lead_child=lead)
    _check_lead_children(families, in_need)
    cases = families.merge(in_need, on="family_id", how="inner")
    cases = cases.merge(derive_index_episodes(records, dates=dates), on="child_id", how="left")
    cases = cases[cases["lead_child"] | cases["episode_id"].notna()].reset_index(drop=True)
    _check_index_episodes(cases)
    cases["born_on"] = cases["born_in"] + pd.Timedelta(days=BIRTHDAY - 1)
    cases["referred_on"] = not_before(cases["referred_on_recorded"], dates.pilot_start)
    cases["age_at_referral"] = completed_years(cases["born_on"], cases["referred_on"])
    cases["under_11"] = cases["age_at_referral"] < UNDER
    cases["history"] = cases["family_id"].isin(_families_with_history(records, dates))
    cases["other_cin"] = cases["family_id"].map(in_need.groupby("family_id").size()) > 1
    return cases[[*_CASE_COLUMNS, "lead_child"]].sort_values(["family_id", "child_id"], ignore_index=True)


def _check_lead_children(families: pd.DataFrame, children: pd.DataFrame) -> None:
    leads = children[children["lead_child"]].groupby("family_id").size()
    wrong = int((leads.reindex(families["family_id"]).fillna(0) != 1).sum())
    if wrong:
        raise DataError(f"children: {wrong} families do not have exactly one lead child.")


def _check_index_episodes(cases: pd.DataFrame) -> None:
    lacking = int(cases["episode_id"].isna().sum())
    if lacking:
        raise DataError(
            f"episodes: families with case data but without an index episode: {lacking}. Their lead child has no "
            "episode that was open on the first day of the pilot or referred from then to its last, so nothing is "
            "known of the case by which they came into the study. To mend: set case_data to 0 for families whose case "
            "data were not found, or bring the episode."
        )


_CASE_COLUMNS = (
    "family_id",
    "child_id",
    "arm",
    "referred_on",
    "referred_on_recorded",
    "episode_id",
    "plan_opened_on",
    "status",
    "closed_on",
    "closed_reason",
    "sex",
    "born_on",
    "age_at_referral",
    "under_11",
    "disability",
    "ethnicity",
    "other_cin",
    "history",
    "followed_to",
)


@traced
def derive_index_episodes(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """The episode by which each child entered the study: the earliest still open on the first day of the pilot, or
    referred from then to its last day.

    Columns: child_id, episode_id, referred_on_recorded, plan_opened_on, status, closed_on, closed_reason. An episode
    referred before the pilot that closed on an unknown day counts, the latest first, only for a child without another:
    it may have been over by then, but a family that was randomised had a case.
    """
    episodes = records.episodes[records.episodes["referred_on"] <= dates.pilot_end]
    episodes = episodes.sort_values(["referred_on", "episode_id"])
    over = episodes["closed_on"] < dates.pilot_start
    unknown = (episodes["status"] == "closed") & episodes["closed_on"].isna()
    doubtful = unknown & (episodes["referred_on"] < dates.pilot_start)
    kept = pd.concat([episodes[~over & ~doubtful], episodes[doubtful].iloc[::-1]]).drop_duplicates("child_id")
    columns = ["child_id", "episode_id", "referred_on", "plan_opened_on", "status", "closed_on", "closed_reason"]
    return kept[columns].rename(columns={"referred_on": "referred_on_recorded"})


def _families_with_history(records: Records, dates: StudyDates) -> set[str]:
    """Families in which any child had a plan open before the pilot (R1 assumption 2)."""
    early = records.episodes.loc[records.episodes["plan_opened_on"] < dates.pilot_start, "child_id"]
    children = records.children
    return set(children.loc[children["child_id"].isin(early), "family_id"])


@traced
def derive_history(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """The history flag of every family: child-in-need support before the pilot. Columns: family_id, history."""
    known = _families_with_history(records, dates)
    families = records.families["family_id"]
    return pd.DataFrame({"family_id": families, "history": families.isin(known)})


@traced
def derive_rereferred_round1(records: Records, cases: pd.DataFrame, *, dates: StudyDates) -> pd.DataFrame:
    """Re-referred within the pilot: closed and referred again between its first and last day (R1 assumption 3).

    A referral on the day of closing counts. If that day is unknown, a later episode referred by the end of the pilot
    proves that the case had closed. Taken as known for every case, although `followed_to` may be earlier than the end
    of the pilot: a child without a recorded re-referral had none. Columns: family_id, child_id, rereferred (missing if
    the day of closing is unknown and no later referral proves it), rereferred_on.
    """
    unknown = _closed_on_unknown_day(cases)
    closed = cases["closed_on"].le(dates.pilot_end) | unknown
    again = first_later_referral(records, cases, cases["closed_on"].where(~unknown, cases["referred_on"]))
    found = closed & again.le(dates.pilot_end)
    rereferred = found.astype("boolean").mask(unknown & ~found)
    day = again.where(rereferred.fillna(False).astype(bool))
    return cases[[*IDS]].assign(rereferred=rereferred, rereferred_on=day)


@traced
def derive_closed_round1(
    records: Records, cases: pd.DataFrame, *, dates: StudyDates, reading: SteppedDownReading
) -> pd.DataFrame:
    """Closed at the end of the pilot: stepped down by its last day and not re-referred (R1 assumption 4).

    reading 'any_but_escalated': a case that closed for any reason but escalation was stepped down; 'stepped_down': only
    one whose recorded reason is that, so that a family that moved or a child that aged out does not count. Re-referral
    is taken as known (`derive_rereferred_round1`). Columns: family_id, child_id, closed (missing if the day of closing
    is unknown and no re-referral shows that the case did not stay closed). Raises CreweError for another reading.
    """
    again = derive_rereferred_round1(records, cases, dates=dates)["rereferred"]
    closed = (_stepped_down(cases, dates, reading) & ~again).mask(again.isna())
    return cases[[*IDS]].assign(closed=closed)


def _stepped_down(cases: pd.DataFrame, dates: StudyDates, reading: SteppedDownReading) -> pd.Series:
    """Whether a case was stepped down by the last day of the pilot, re-referred or not."""
    check_reading(reading, get_args(SteppedDownReading))
    reason = cases["closed_reason"]
    stepped_down = reason == "stepped_down" if reading == "stepped_down" else reason != "escalated"
    return (cases["closed_on"].le(dates.pilot_end) & stepped_down).astype("boolean")


def check_reading(reading: str, allowed: tuple[str, ...]) -> None:
    """Raises CreweError for a reading that a definition does not have."""
    if reading not in allowed:
        raise CreweError(f"reading is '{reading}'; it must be one of {', '.join(allowed)}.")


def _closed_on_unknown_day(cases: pd.DataFrame) -> np.ndarray:
    unknown: np.ndarray = ((cases["status"] == "closed") & cases["closed_on"].isna()).to_numpy()
    return unknown


@traced
def derive_days_open(
    records: Records,
    cases: pd.DataFrame,
    *,
    dates: StudyDates,
    reading: SteppedDownReading,
    rule: DaysRule = "lasting",
) -> pd.DataFrame:
    """The survival set of the first round: days from the recoded referral to a closing that lasted to the pilot's end.

    By the rule of R1 ('lasting') a case that closed and was re-referred, like one still open, is censored on the last
    day of the pilot, as if it had never closed: the rule looks ahead. One that closed for a reason that is no stepping
    down is censored on the day it closed. rule 'first': the first closing counts, re-referred or not; 'escalated_open':
    as 'lasting', but an escalated case counts as open to the pilot's last day. reading 'any_but_escalated' or
    'stepped_down': as in `derive_closed_round1`. Columns: family_id, child_id, days, closed. Cases with an unknown
    outcome are left out. Raises CreweError for another reading or rule.
    """
    if rule not in get_args(DaysRule):
        raise CreweError(f"rule is '{rule}'; it must be one of {', '.join(get_args(DaysRule))}.")
    to_the_end = derive_rereferred_round1(records, cases, dates=dates)["rereferred"].fillna(False).astype(bool)
    if rule == "first":
        to_the_end &= False
        outcome = _stepped_down(cases, dates, reading).mask(_closed_on_unknown_day(cases))
    else:
        outcome = derive_closed_round1(records, cases, dates=dates, reading=reading)["closed"]
    if rule == "escalated_open":
        to_the_end |= cases["closed_reason"] == "escalated"
    end = not_after(cases["closed_on"], dates.pilot_end).fillna(dates.pilot_end).mask(to_the_end, dates.pilot_end)
    days = (end - cases["referred_on"]).dt.days
    table = cases[[*IDS]].assign(days=days, closed=outcome)
    return table[outcome.notna()].reset_index(drop=True)
