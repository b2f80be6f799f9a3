"""The participant flow and the description of the sample, from the records of families that a reader brings or that
stand in for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crewe_lib import definitions
from crewe_lib.definitions import SteppedDownReading, StudyDates
from crewe_lib.design import COUNTS, NOT_REPORTED, STEPS, finish_flow
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed
from crewe_lib.provenance import traced
from crewe_lib.records import Records

ARMS = ("treatment", "control")
NOT_HELD = "not in the records"
# Further steps of the flow of records, beside those of the printed one.
RECORD_STEPS: Mapping[str, tuple[str, str, str]] = {
    **STEPS,
    "no_case_data": ("follow-up", "Case records not found", "leave"),
    "left_out": ("follow-up", "Outcome unknown (closed on an unknown day)", "leave"),
    "analysed": ("analysis", "Analysed, by lead child", "stay"),
    "adjusted": ("analysis", "of these without sex or disability, so not adjusted", "note"),
}
RECORD_COLUMNS: Mapping[str, Column] = {
    "label": Column("Step"),
    "arm": Column("Arm"),
    "families": Column("Families", fixed(0), blank=NOT_HELD),
    "children": Column("Their children", fixed(0)),
    "note": Column("Remark", blank=""),
}
FLOW_CHECK_COLUMNS: Mapping[str, Column] = {
    "check": Column("Sum"),
    "expected": Column("From the boxes before", fixed(0)),
    "found": Column("In the box", fixed(0)),
    "holds": Column("Holds", either("yes", "no")),
}


@traced
def derive_flow(records: Records, *, dates: StudyDates, reading: SteppedDownReading) -> pd.DataFrame:
    """The participant flow of records: families, and the children in them, at each step by arm.

    Columns as in `derive_printed_flow`. A family leaves if its case records were not found, or if they do not tell the
    first round's outcome (`derive_closed_round1` by `reading`); each box is counted by itself. Crossing over
    and missing covariates are counted beside the flow; nobody leaves for them. Steps before the allocation are not in
    such records and stay as empty boxes, as crossing over does where its table holds no row, since that cannot be told
    from a table that was not brought.
    """
    families = _follow(records, dates, reading)
    steps: list[tuple[str, pd.Series]] = [
        ("allocated", families["arm"].notna()),
        ("crossed", families["crossed"]),
        ("no_case_data", families["case_data"] != "1"),
        ("left_out", families["unknown"]),
        ("analysed", families["known"]),
        ("adjusted", families["known"] & families["incomplete"]),
    ]
    rows = [_empty(step, "both") for step in ("assessed", "excluded")]
    rows.append(_row("randomised", "both", families))
    for step, mask in steps:
        for arm in ARMS:
            if step == "crossed" and records.crossovers.empty:
                rows.append(_empty(step, arm))
            else:
                rows.append(_row(step, arm, families[mask & (families["arm"] == arm)]))
    return finish_flow(rows, absent=NOT_HELD)


def _follow(records: Records, dates: StudyDates, reading: SteppedDownReading) -> pd.DataFrame:
    """One row per family: arm, case_data, children, and whether it crossed over, its outcome is known or unknown, or
    its covariates are incomplete."""
    cases = definitions.derive_cases(records, dates=dates)
    closed = definitions.derive_closed_round1(records, cases, dates=dates, reading=reading)["closed"]
    incomplete = ~cases["sex"].isin(["female", "male"]) | ~cases["disability"].isin(["0", "1"])
    families = records.families[["family_id", "arm", "case_data"]].copy()
    if lacking := [arm for arm in ARMS if arm not in set(families["arm"])]:
        raise CreweError(f"flow: families.csv has no family in the {' and the '.join(lacking)} arm.")
    families["children"] = families["family_id"].map(records.children.groupby("family_id").size()).fillna(0)
    families["crossed"] = families["family_id"].isin(records.crossovers["family_id"])
    masks = {"known": closed.notna(), "unknown": closed.isna(), "incomplete": incomplete}
    for name, mask in masks.items():
        families[name] = families["family_id"].isin(cases.loc[mask.to_numpy(bool), "family_id"])
    return families


def _row(step: str, arm: str, families: pd.DataFrame) -> dict[str, Any]:
    children = pd.NA if RECORD_STEPS[step][2] == "note" else int(families["children"].sum())
    return {**_empty(step, arm), "families": len(families), "children": children, "basis": "records"}


def _empty(step: str, arm: str) -> dict[str, Any]:
    stage, label, role = RECORD_STEPS[step]
    place = {"stage": stage, "step": step, "label": label, "role": role, "arm": arm, "source": ""}
    nothing = {"families": pd.NA, "children": pd.NA, "share": float("nan"), "of": pd.NA}
    return {**place, **nothing, "basis": NOT_REPORTED, "note": ""}


@traced
def check_flow(flow: pd.DataFrame) -> pd.DataFrame:
    """Every sum of a flow of records: both arms make up those randomised, and in each arm those who leave and those
    analysed make up those allocated; of families and of their children. Columns: check, expected, found, holds.
    """
    rows = []
    for unit in COUNTS:
        counts = {(row["step"], row["arm"]): row[unit] for row in flow.to_dict("records")}
        both = sum(int(counts["allocated", arm]) for arm in ARMS)
        rows.append((f"{unit}: both arms, and those randomised", both, int(counts["randomised", "both"])))
        for arm in ARMS:
            leaving = flow[(flow["arm"] == arm) & (flow["role"] == "leave")][unit].sum()
            words = f"{unit}, {arm}: allocated less those who left, and analysed"
            rows.append((words, int(counts["allocated", arm] - leaving), int(counts["analysed", arm])))
    table = pd.DataFrame(rows, columns=["check", "expected", "found"])
    return table.assign(holds=table["expected"] == table["found"])


@traced
def summarise_flow(flow: pd.DataFrame, checks: pd.DataFrame) -> dict[str, int]:
    """For prose: families and children randomised, families by arm and analysed, those who left, and checks failed."""
    counts = {(row["step"], row["arm"]): row for row in flow.to_dict("records")}

    def families(step: str, arm: str) -> int:
        return int(counts[step, arm]["families"])

    return {
        "families": families("randomised", "both"),
        "children": int(counts["randomised", "both"]["children"]),
        **{arm: families("allocated", arm) for arm in ARMS},
        **{f"{arm}_analysed": families("analysed", arm) for arm in ARMS},
        "analysed": sum(families("analysed", arm) for arm in ARMS),
        "no_case_data": sum(families("no_case_data", arm) for arm in ARMS),
        "no_outcome": sum(families("left_out", arm) for arm in ARMS),
        "checks": len(checks),
        "failed": int((~checks["holds"]).sum()),
    }
