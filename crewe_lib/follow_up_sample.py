"""Ages of the lead children at referral, the 2020 report's Figure 13: every child, and each arm's median."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.definitions import ADULT_AGE, UNDER, StudyDates, derive_cases
from crewe_lib.evidence import Column
from crewe_lib.follow_up import ARMS
from crewe_lib.formats import fixed
from crewe_lib.provenance import traced
from crewe_lib.records import Records

YEAR = 365.25
AGE_COLUMNS: Mapping[str, Column] = {
    "arm": Column("Arm"),
    "n": Column("Children", fixed(0)),
    "lower": Column("A quarter are younger than", fixed(1)),
    "median": Column("Half are younger than (median)", fixed(1)),
    "upper": Column("A quarter are older than", fixed(1)),
    "under_11": Column("Under eleven", fixed(0)),
    "share": Column("%", fixed(1)),
    "could_age_out": Column("Old enough to turn eighteen by the last day", fixed(0)),
}


@traced
def derive_ages(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """One row per lead child: arm, years (age at the recoded referral, from the middle of the month of birth), and
    could_age_out: whether it turns eighteen by the last day of the follow-up. Sorted by arm and age."""
    cases = derive_cases(records, dates=dates)
    years = (cases["referred_on"] - cases["born_on"]).dt.days / YEAR
    adult = cases["born_on"] + pd.DateOffset(years=ADULT_AGE) <= dates.study_end
    table = pd.DataFrame({"arm": cases["arm"], "years": years, "under_11": cases["under_11"], "could_age_out": adult})
    return table.sort_values(["arm", "years"], ascending=[False, True], ignore_index=True)


@traced
def summarise_ages(ages: pd.DataFrame) -> pd.DataFrame:
    """Quartiles of age by arm, and how many were under eleven. Columns: those of `AGE_COLUMNS`."""
    rows: list[dict[str, Any]] = []
    for arm in ARMS:
        own = ages[ages["arm"] == arm]
        lower, median, upper = np.quantile(own["years"].to_numpy(float), [0.25, 0.5, 0.75]).tolist()
        under = int(own["under_11"].sum())
        row = {"arm": arm, "n": len(own), "lower": lower, "median": median, "upper": upper, "under_11": under}
        rows.append(row | {"share": 100 * under / len(own), "could_age_out": int(own["could_age_out"].sum())})
    return pd.DataFrame(rows)


@traced
def describe_ages(summary: pd.DataFrame) -> dict[str, str]:
    """The figure of ages in words."""
    said = [
        f"{row['arm']}: {row['n']} children, median {fixed(1)(row['median'])} years, {row['under_11']} under {UNDER}"
        for row in summary.to_dict("records")
    ]
    return {"text": "; ".join(said) + "."}
