"""Arithmetic that the definitions share: ages, days cut off at a first or a last, and the first later referral."""

from __future__ import annotations

import pandas as pd

from crewe_lib.records import Records


def completed_years(born: pd.Series, at: pd.Series | pd.Timestamp) -> pd.Series:
    """Completed years of age on a day."""
    day = at if isinstance(at, pd.Series) else pd.Series(at, index=born.index)
    before = (day.dt.month < born.dt.month) | ((day.dt.month == born.dt.month) & (day.dt.day < born.dt.day))
    years: pd.Series = day.dt.year - born.dt.year - before.astype("int64")
    return years


def not_before(days: pd.Series, first: pd.Timestamp) -> pd.Series:
    """Days, those before the first put on it."""
    return days.where(~(days < first), first)


def not_after(days: pd.Series, last: pd.Timestamp) -> pd.Series:
    """Days, those after the last put on it; a missing day stays missing."""
    return days.where(~(days > last), last)


def first_later_referral(records: Records, cases: pd.DataFrame, after: pd.Series) -> pd.Series:
    """The first day on which each child was referred again, on or after the day `after` (one per case, NaT for none).
    The index episode itself does not count."""
    episodes = records.episodes[["child_id", "episode_id", "referred_on"]]
    own = cases[["child_id", "episode_id"]].assign(after=after.to_numpy())
    joined = own.merge(episodes, on="child_id", suffixes=("", "_other"))
    later = joined[(joined["episode_id"] != joined["episode_id_other"]) & (joined["referred_on"] >= joined["after"])]
    first = later.groupby("child_id")["referred_on"].min()
    return pd.Series(cases["child_id"].map(first).to_numpy(), index=cases.index)
