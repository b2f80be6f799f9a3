"""Who was interviewed: the tables of both reports rebuilt, each total beside what the rows add up to.

Sources: Project Crewe evaluation (2017), Table 1 and Appendices 1 and 2 (Tables 3 to 5); FACT22 evaluation (2020),
methods and Table 4. Whether the tables agree is a question of the ledger (`leads.interviews`), which counts the same
rows; here they are set out for a reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_rules.interviews import GROUPS, OUTCOME_ROWS
from crewe_lib.evidence import Column
from crewe_lib.formats import count, either, fixed
from crewe_lib.interview_table import ARMS, OUTCOMES, read_interviews
from crewe_lib.provenance import traced

WHO: Mapping[str, str] = {
    "fp": "Family practitioners",
    "sw": "Social workers of Cheshire East",
    "pc_case": "Families of Project Crewe",
    "cec_case": "Families of Cheshire East",
    "c22_lead": "Senior leader of Catch22",
    "cec_lead": "Senior leaders of Cheshire East",
}
TOTAL = "All"
SAMPLE_COLUMNS: Mapping[str, Column] = {
    "who": Column("Who"),
    "people_printed": Column("People, printed", fixed(0)),
    "people_counted": Column("counted", fixed(0)),
    "held_printed": Column("Interviews, printed", fixed(0)),
    "held_counted": Column("counted", fixed(0)),
    "agrees": Column("Agree", either("yes", "no")),
}
OUTCOME_COLUMNS: Mapping[str, Column] = {
    "outcome": Column("State of the case"),
    "pc_printed": Column("Project Crewe, printed", fixed(0)),
    "pc_counted": Column("counted", fixed(0)),
    "cec_printed": Column("Cheshire East, printed", fixed(0)),
    "cec_counted": Column("counted", fixed(0)),
    "total_printed": Column("All, printed", fixed(0)),
    "agrees": Column("Agree", either("yes", "no")),
}
STUDY_COLUMNS: Mapping[str, Column] = {
    "case": Column("Case", fixed(0)),
    "arm": Column("Arm"),
    "outcome": Column("State of the case"),
    "parent": Column("Parent or grandparent"),
    "child": Column("Child"),
    "worker": Column("Worker"),
    "interviews": Column("Interviews", fixed(0)),
}
STAFF_COLUMNS: Mapping[str, Column] = {
    "organisation": Column("Organisation"),
    "role": Column("Role"),
    "planned": Column("Planned", count),
    "held": Column("Held", count),
}
# R2's staff: organisation, role, claims of the numbers planned and held; blank where nothing was planned.
_STAFF = (
    ("FACT22", "Senior leaders", ("r2.t4.f_lead",), "r2.qual.f_lead"),
    ("FACT22", "Social work consultants", ("r2.t4.f_sup",), "r2.qual.f_swc"),
    ("FACT22", "Family practitioners", ("r2.t4.f_fp",), "r2.qual.f_fp"),
    ("Cheshire East", "Senior leaders", ("r2.t4.c_lead",), "r2.qual.c_lead"),
    ("Cheshire East", "Team managers", (), "r2.qual.c_tm"),
    ("Cheshire East", "Social workers", ("r2.t4.c_sw_m", "r2.t4.c_sw_c"), "r2.qual.c_sw"),
)


def _read(register: pd.DataFrame, interviews: pd.DataFrame) -> tuple[Reader, pd.DataFrame]:
    reader = replace(read_register(register), tables={"interviews": ("published", interviews)})
    return reader, read_interviews(reader)


@traced
def derive_samples(register: pd.DataFrame, interviews: pd.DataFrame) -> pd.DataFrame:
    """Table 1 of R1, each number beside the same from the rows of its Tables 4 and 5, a person being counted if an
    interview is printed for it.

    Columns: group (key of `WHO`, 'total'), who, people_printed, people_counted, held_printed, held_counted, agrees.
    """
    reader, table = _read(register, interviews)
    rows = []
    for group, who in [*WHO.items(), ("total", TOTAL)]:
        own = table if group == "total" else table[GROUPS[group][0](table)]
        printed = {name: reader.count(f"r1.t1.{group}.{name}") for name in ("participants", "interviews")}
        people, held = int((own["printed"] > 0).sum()), int(own["printed"].sum())
        rows.append(
            {
                "group": group,
                "who": who,
                "people_printed": printed["participants"],
                "people_counted": people,
                "held_printed": printed["interviews"],
                "held_counted": held,
                "agrees": (people, held) == (printed["participants"], printed["interviews"]),
            }
        )
    return pd.DataFrame(rows)


@traced
def derive_case_outcomes(register: pd.DataFrame, interviews: pd.DataFrame) -> pd.DataFrame:
    """Table 3 of R1, state of the case studies by arm, beside the cases of its Table 4.

    Columns: key, outcome, pc_printed, pc_counted, cec_printed, cec_counted, total_printed, agrees; the last row adds
    up. Cases of Table 4 without an outcome (the family that withdrew) count in no row.
    """
    reader, table = _read(register, interviews)
    cases = table[table["table"] == 4].groupby("case").first()
    rows: list[dict[str, object]] = []
    for key, outcome in OUTCOME_ROWS.items():
        row: dict[str, object] = {"key": key, "outcome": outcome}
        for arm, name in zip(("pc", "cec"), ARMS, strict=True):
            row[f"{arm}_printed"] = reader.count(f"r1.t3.{key}.{arm}")
            row[f"{arm}_counted"] = int(((cases["outcome"] == outcome) & (cases["arm"] == name)).sum())
        rows.append(row | {"total_printed": reader.count(f"r1.t3.{key}.total")})
    frame = pd.DataFrame(rows)
    sums = frame.drop(columns=["key", "outcome"]).sum()
    frame = pd.concat([frame, pd.DataFrame([{"key": "total", "outcome": TOTAL, **sums}])], ignore_index=True)
    across = frame["pc_printed"] + frame["cec_printed"] == frame["total_printed"]
    own = (frame["pc_printed"] == frame["pc_counted"]) & (frame["cec_printed"] == frame["cec_counted"])
    return frame.assign(agrees=across & own)


@traced
def derive_case_studies(register: pd.DataFrame, interviews: pd.DataFrame) -> pd.DataFrame:
    """Table 4 of R1, one row per case study: who was interviewed in which round, by the ticks.

    Columns: case, arm, outcome, parent, child, worker (words), interviews (sum of the printed row totals).
    """
    _, table = _read(register, interviews)
    rows = []
    cases = table[table["table"] == 4]
    for case in sorted({int(number) for number in cases["case"]}):
        own = cases[cases["case"] == case]
        child = own["role"] == "CIN"
        rows.append(
            {
                "case": case,
                "arm": own["arm"].iloc[0],
                "outcome": own["outcome"].iloc[0],
                "parent": _rounds(own[own["family"] & ~child]),
                "child": _rounds(own[child]),
                "worker": _rounds(own[~own["family"]]),
                "interviews": int(own["printed"].sum()),
            }
        )
    frame = pd.DataFrame(rows)
    order = [
        [ARMS.index(arm), OUTCOMES.index(outcome)] for arm, outcome in zip(frame["arm"], frame["outcome"], strict=True)
    ]
    frame[["_arm", "_outcome"]] = order
    return frame.sort_values(["_arm", "_outcome", "case"], ignore_index=True).drop(columns=["_arm", "_outcome"])


def _rounds(own: pd.DataFrame) -> str:
    november, april = (bool((own[wave] == "Y").any()) for wave in ("november", "april"))
    if november and april:
        return "both rounds"
    return "first round" if november else "second round" if april else "–"


@traced
def derive_staff_interviews(register: pd.DataFrame) -> pd.DataFrame:
    """R2's interviews of staff, planned (its Table 4) and held (its methods). Columns: organisation, role, planned,
    held (people); the last row adds up."""
    reader = read_register(register)
    rows = [
        (place, role, sum(reader.count(id) for id in planned), reader.count(held))
        for place, role, planned, held in _STAFF
    ]
    frame = pd.DataFrame(rows, columns=["organisation", "role", "planned", "held"])
    total = {"organisation": TOTAL, "role": "", "planned": frame["planned"].sum(), "held": frame["held"].sum()}
    return pd.concat([frame, pd.DataFrame([total])], ignore_index=True)


@traced
def summarise_interviews(
    samples: pd.DataFrame, outcomes: pd.DataFrame, studies: pd.DataFrame, staff: pd.DataFrame, register: pd.DataFrame
) -> dict[str, object]:
    """Numbers for prose: the totals, planned and most interviews of a case, and which rows disagree."""
    reader = read_register(register)
    total = samples[samples["group"] == "total"].iloc[0]
    wrong = samples.loc[~samples["agrees"] & (samples["group"] != "total"), "who"]
    children = studies[studies["child"] != "–"]
    return {
        "people": int(total["people_printed"]),
        "interviews": int(total["held_printed"]),
        "totals_hold": bool(total["agrees"]),
        "rows_wrong": len(wrong),
        "wrong": " and ".join(f"{name[0].lower()}{name[1:]}" for name in wrong),
        "cases": len(studies),
        "cases_text": reader.count("r1.qual.cases"),
        "children": len(children),
        "planned_per_case": reader.count("r1.qual.planned_per_case"),
        "most_per_case": int(studies["interviews"].max()),
        "complete_printed": reader.count("r1.qual.complete_cases"),
        "complete": int((studies["interviews"] >= reader.count("r1.qual.planned_per_case")).sum()),
        "outcomes_hold": bool(outcomes["agrees"].all()),
        "outcomes_total": int(outcomes.loc[outcomes["key"] == "total", "total_printed"].iloc[0]),
        "staff_planned": int(staff["planned"].iloc[-1]),
        "staff_planned_text": reader.count("r2.qual.planned"),
        "staff_held": int(staff["held"].iloc[-1]),
        "staff_held_text": reader.count("r2.qual.n"),
        "sw_planned": reader.count("r2.qual.planned_sw"),
        "sw_held": reader.count("r2.qual.c_sw"),
    }
