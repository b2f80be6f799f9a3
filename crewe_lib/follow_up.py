"""The long follow-up: who is analysed, and what is known of each family by its last day.

Source: FACT22 evaluation (2020), "Long-term impact for families" and Appendix 4.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crewe_lib import definitions, definitions_follow_up
from crewe_lib.definitions import StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.models.linear import Array
from crewe_lib.provenance import traced
from crewe_lib.records import Records

ARMS = ("treatment", "control")
COVARIATES: Mapping[str, str] = {"female": "sex", "under_11": "under eleven", "history": "history"}
_EXPECTED = 5
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


def outcome_set(families: pd.DataFrame, column: str) -> pd.DataFrame:
    """Families with the outcome and all covariates known: family_id, treated, outcome, female, under_11, history, and
    aged_out, as numbers. Raises CreweError if an arm has none."""
    known = families.dropna(subset=[column, *COVARIATES])
    if lacking := [arm for arm in ARMS if arm not in set(known["arm"])]:
        raise CreweError(
            f"follow-up: the {' and the '.join(lacking)} arm has no family with the outcome ({column}) and sex known; "
            "complete children.csv and episodes.csv."
        )
    columns = ["treated", column, *COVARIATES, "aged_out"]
    table = known[columns].astype(float).rename(columns={column: "outcome"})
    return table.assign(family_id=known["family_id"]).reset_index(drop=True)


def outcome_design(frame: pd.DataFrame) -> tuple[Array, list[str]]:
    """Constant, treatment and the covariates that vary (n, k), and what the columns are called."""
    kept = [name for name in COVARIATES if np.ptp(frame[name].to_numpy(float)) > 0]
    columns = frame[["treated", *kept]].to_numpy(float)
    return np.column_stack([np.ones(len(frame)), columns]), ["constant", "treated", *kept]


@traced
def count_left_out(families: pd.DataFrame, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """How many families each model leaves out, under the first reason that holds. Columns: outcome, reason, treatment,
    control. Every reason has its row, also without a family."""
    rows = []
    for outcome, column in outcomes.items():
        unknown = families[column].isna()
        for reason, mask in (("outcome unknown", unknown), ("sex not recorded", families["female"].isna() & ~unknown)):
            arms = families.loc[mask, "arm"].value_counts()
            rows.append({"outcome": outcome, "reason": reason} | {arm: int(arms.get(arm, 0)) for arm in ARMS})
    return pd.DataFrame(rows)


def counts_by_arm(frame: pd.DataFrame) -> tuple[int, int, int, int]:
    """Families with the outcome and in all: treatment, then control."""
    numbers = []
    for value in (1, 0):
        own = frame.loc[frame["treated"] == value, "outcome"]
        numbers += [int(own.sum()), len(own)]
    k1, n1, k2, n2 = numbers
    return k1, n1, k2, n2


def is_rare(frame: pd.DataFrame) -> bool:
    """Whether the outcome, or its absence, is too rare for normal approximations: fewer than five families with it are
    expected in an arm (Cochran's rule). That looks at both arms together, and so not at their difference."""
    k1, n1, k2, n2 = counts_by_arm(frame)
    fewer = min(k1 + k2, n1 + n2 - k1 - k2)
    return bool(fewer * min(n1, n2) < _EXPECTED * (n1 + n2))
