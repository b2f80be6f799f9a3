"""The long follow-up: who is analysed, and what is known of each family by its last day.

Source: FACT22 evaluation (2020), "Long-term impact for families" and Appendix 4.
"""

from __future__ import annotations

import pandas as pd

from crewe_lib import definitions, definitions_follow_up
from crewe_lib.definitions import StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.provenance import traced
from crewe_lib.records import Records

ARMS = ("treatment", "control")
# Columns of outcomes: the definition, and the reading of it.
OUTCOMES = (
    "closed_status",
    "closed_recorded",
    "rereferred_any",
    "rereferred_printed",
    "rereferred_statutory",
    "escalated",
    "aged_out",
)


@traced
def derive_follow_up_set(records: Records, *, dates: StudyDates) -> pd.DataFrame:
    """One row per family whose case data were found: its lead child, and every outcome by the end of the follow-up.

    Columns: family_id, child_id, arm, treated (0 or 1), female (missing where sex is not recorded), under_11, history,
    and of each definition and reading (`OUTCOMES`) 0 or 1, missing where the records cannot tell. Sorted by child_id.
    Nobody is left out here. Raises CreweError if an arm has no family.
    """
    cases = definitions.derive_cases(records, dates=dates)
    if lacking := [arm for arm in ARMS if arm not in set(cases["arm"])]:
        raise CreweError(
            f"follow-up: the {' and the '.join(lacking)} arm has no family with case data, so there is nothing to "
            "compare; complete families.csv and episodes.csv."
        )
    later = definitions_follow_up
    outcomes = {
        "closed_status": later.derive_closed_round2(records, cases, dates=dates, reading="status")["closed"],
        "closed_recorded": later.derive_closed_round2(records, cases, dates=dates, reading="recorded")["closed"],
        "rereferred_any": later.derive_rereferred_round2(records, cases, dates=dates, reading="any")["rereferred"],
        "rereferred_printed": later.derive_rereferred_round2(records, cases, dates=dates, reading="printed")[
            "rereferred"
        ],
        "rereferred_statutory": later.derive_rereferred_round2(records, cases, dates=dates, reading="statutory")[
            "rereferred"
        ],
        "escalated": later.derive_escalated(records, cases, dates=dates)["escalated"],
        "aged_out": later.derive_aged_out(cases, dates=dates)["aged_out"],
    }
    table = cases[["family_id", "child_id", "arm"]].assign(
        treated=(cases["arm"] == "treatment").astype(int),
        female=cases["sex"].map({"female": 1, "male": 0}).astype("Int64"),
        under_11=cases["under_11"].astype("Int64"),
        history=cases["history"].astype("Int64"),
        **{name: values.array.astype("Int64") for name, values in outcomes.items()},
    )
    return table.sort_values("child_id", ignore_index=True)
