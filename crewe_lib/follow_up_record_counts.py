"""The counts of records at both dates, in the form in which the implied ones come."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd

from crewe_lib import definitions
from crewe_lib.arm_percentages import NOVEMBER_2019, TRIAL_END
from crewe_lib.definitions import SteppedDownReading, StudyDates
from crewe_lib.definitions_follow_up import ClosedReading, RereferralReading
from crewe_lib.provenance import traced
from crewe_lib.records import Records


@traced
def derive_record_counts(
    records: Records,
    table: pd.DataFrame,
    *,
    dates: StudyDates,
    closed_reading: ClosedReading,
    rereferral_reading: RereferralReading,
    trial_reading: SteppedDownReading,
) -> pd.DataFrame:
    """The counts of records in the form of `implied_counts.derive_implied_counts`: both outcomes, both dates.

    table: as `follow_up.derive_follow_up_set` gives it. trial_reading is chapter 01's reading of closing at the end of
    the pilot. Families whose outcome is unknown are left out of k and n. Columns: outcome, date, arm ('pc' for
    treatment, 'cec' for control), k, n, unknown, reading ('main').
    """
    cases = definitions.derive_cases(records, dates=dates)
    first = {
        "closed": definitions.derive_closed_round1(records, cases, dates=dates, reading=trial_reading)["closed"],
        "rereferred": definitions.derive_rereferred_round1(records, cases, dates=dates)["rereferred"],
    }
    later = {"closed": table[f"closed_{closed_reading}"], "rereferred": table[f"rereferred_{rereferral_reading}"]}
    rows: list[dict[str, Any]] = []
    for outcome, (date, arms, values) in product(
        first, ((TRIAL_END, cases["arm"], first), (NOVEMBER_2019, table["arm"], later))
    ):
        for arm, name in (("pc", "treatment"), ("cec", "control")):
            own = values[outcome][(arms == name).to_numpy()]
            counts = {"k": int(own.sum()), "n": int(own.count()), "unknown": int(own.isna().sum())}
            rows.append({"outcome": outcome, "date": date, "arm": arm, **counts, "reading": "main"})
    return pd.DataFrame(rows)
