"""Do the tables of interviews in the 2017 report agree with each other and with the text?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_rules.interviews import GROUPS
from crewe_lib.evidence import Column
from crewe_lib.formats import count, either
from crewe_lib.interview_table import ARMS, read_interviews
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

COLUMNS: Mapping[str, Column] = {
    "question": Column("Question"),
    "reading": Column("Reading"),
    "printed": Column("Printed"),
    "counted": Column("Tables 4 and 5"),
    "agrees": Column("Agrees", either("yes", "no")),
}
LABELS = {
    "fp": "Family practitioners",
    "sw": "Social workers",
    "pc_case": "Families, Project Crewe",
    "cec_case": "Families, Cheshire East",
    "c22_lead": "Senior leaders, Catch22",
    "cec_lead": "Senior leaders, Cheshire East",
}
Row = dict[str, str | int | bool]


def _row(question: str, reading: str, printed: int, counted: int) -> Row:
    return {
        "question": question,
        "reading": reading,
        "printed": printed,
        "counted": counted,
        "agrees": printed == counted,
    }


def _table_1(reader: Reader, table: pd.DataFrame) -> list[Row]:
    """Each row of Table 1 against Tables 4 and 5, participants being those with an interview."""
    rows = []
    for group, (mask, _) in GROUPS.items():
        totals = table.loc[mask(table), "printed"]
        for what, counted in (("participants", int((totals > 0).sum())), ("interviews", int(totals.sum()))):
            rows.append(_row(f"{LABELS[group]}: {what}", "Table 1", reader.count(f"r1.t1.{group}.{what}"), counted))
    return rows


def _movable(table: pd.DataFrame, gap_people: int, gap_interviews: int) -> int:
    """Family members of Project Crewe whose move to the other arm would make Table 1 and Table 4 agree."""
    own = table[table["family"] & (table["arm"] == ARMS[0])]
    return int((own["printed"] == gap_interviews).sum()) if gap_people == 1 else 0


def _complete_readings(reader: Reader, table: pd.DataFrame) -> list[Row]:
    """Ways to count complete case studies."""
    printed, full = reader.count("r1.qual.complete_cases"), reader.count("r1.qual.planned_per_case")
    cases = table[table["table"] == 4].groupby("case")
    both = pd.Series({case: _pair_in_both_waves(rows) for case, rows in cases})
    roles = sum(_roles(rows) for _, rows in cases)
    counts = cases["printed"].sum()
    arm = cases["arm"].first()
    question = "Complete case studies"
    return [
        _row(question, f"all {full} interviews", printed, int((counts >= full).sum())),
        _row(question, f"{full - 1} interviews", printed, int((counts == full - 1).sum())),
        _row(question, "child, parent and worker each at least once", printed, roles),
        _row(question, "parent and worker in both rounds", printed, int(both.sum())),
        _row(question, "the same, Project Crewe only", printed, int((both & (arm == ARMS[0])).sum())),
    ]


def _pair_in_both_waves(rows: pd.DataFrame) -> bool:
    twice = rows[rows["ticked"] == 2]
    parent = twice["family"] & (twice["role"] != "CIN")
    return bool(parent.any() and (~twice["family"]).any())


def _roles(rows: pd.DataFrame) -> bool:
    seen = rows[rows["printed"] > 0]
    parent = seen["family"] & (seen["role"] != "CIN")
    return bool((seen["role"] == "CIN").any() and parent.any() and (~seen["family"]).any())


def _additional(reader: Reader, table: pd.DataFrame) -> list[Row]:
    printed = reader.count("r1.qual.additional_families")
    late = table[table["table"] == 4].groupby("case").filter(lambda rows: bool((rows["november"] == "N").all()))
    late = late[late["printed"] > 0]
    families = int(late.loc[late["family"], "case"].nunique())
    return [
        _row("Additional families", "cases first seen in the second round", printed, int(late["case"].nunique())),
        _row("Additional families", "of these, with a family member interviewed", printed, families),
    ]


@traced
@infers
def check_interviews(register: pd.DataFrame, interviews: pd.DataFrame) -> Lead:
    """Table 1, the totals and the statements on complete and additional cases against Tables 4 and 5.

    interviews: the table of `load_interviews`. readings: question, reading, printed, counted (whole numbers), agrees.
    Raises DataError.
    """
    reader = replace(read_register(register), tables={"interviews": ("published", interviews)})
    table = read_interviews(reader)
    rows = [*_table_1(reader, table), *_sums(reader, table)]
    complete, late = _complete_readings(reader, table), _additional(reader, table)
    readings = pd.DataFrame([*rows, *complete, *late])
    numbers = {
        **_totals(rows),
        **_gaps(rows),
        "most_interviews": int(table[table["table"] == 4].groupby("case")["printed"].sum().max()),
        "complete_printed": complete[0]["printed"],
        "complete_counted": complete[0]["counted"],
        "late_cases": late[0]["counted"],
        "late_families": late[1]["counted"],
    }
    numbers["movable"] = _movable(table, int(numbers["gap_people"]), int(numbers["gap_interviews"]))
    return Lead(
        id="interviews",
        title="Do the tables of interviews agree?",
        verdict=_verdict(readings),
        finding=_finding(numbers),
        settles="The log of interviews, with date, person and case, would settle it.",
        claims=tuple(sorted(reader.read)),
        readings=readings,
        numbers=numbers,
    )


def _sums(reader: Reader, table: pd.DataFrame) -> list[Row]:
    """The two totals, and the interviews by ticks, in this order."""
    people, held = reader.count("r1.t1.total.participants"), reader.count("r1.t1.total.interviews")
    return [
        _row("All participants", "people with an interview", people, int((table["printed"] > 0).sum())),
        _row("All interviews", "printed row totals", held, int(table["printed"].sum())),
        _row("All interviews", "ticks of the rows", held, int(table["ticked"].sum())),
    ]


def _totals(rows: list[Row]) -> dict[str, str | int | bool]:
    people, held, ticks = rows[-3:]
    return {
        "participants": people["printed"],
        "participants_counted": people["counted"],
        "interviews": held["printed"],
        "interviews_counted": held["counted"],
        "ticks": ticks["counted"],
    }


def _gaps(rows: list[Row]) -> dict[str, int]:
    """Participants and interviews that Tables 4 and 5 give to families of Project Crewe beyond Table 1."""
    found = {
        str(row["question"]): int(row["counted"]) - int(row["printed"]) for row in rows if row["reading"] == "Table 1"
    }
    name = LABELS["pc_case"]
    return {"gap_people": found[f"{name}: participants"], "gap_interviews": found[f"{name}: interviews"]}


def _verdict(readings: pd.DataFrame) -> Verdict:
    """Confirmed if tables and text disagree somewhere; refuted if every first reading agrees."""
    first = readings.drop_duplicates("question")
    return "refuted" if bool(first["agrees"].all()) and bool(readings["agrees"].all()) else "confirmed"


def _finding(numbers: Mapping[str, str | int | bool]) -> str:
    said = f"The totals of {numbers['participants']} participants and {numbers['interviews']} interviews"
    listed = (numbers["participants_counted"], numbers["interviews_counted"])
    holds = listed == (numbers["participants"], numbers["interviews"])
    totals = f"{said} hold" if holds else f"{said} do not follow from the detailed tables ({listed[0]} and {listed[1]})"
    moved = (
        "Table 1 and Table 4 agree on the families of each arm."
        if not numbers["gap_people"] and not numbers["gap_interviews"]
        else "Table 1 splits families over the arms differently from Table 4; the implied slip is one person counted "
        f"in the other arm, which fits {numbers['movable']} people of Table 4."
    )
    return (
        f"{totals}. {moved} The ticks add to {numbers['ticks']}. The text counts {numbers['complete_printed']} "
        f"complete case studies; Table 4 has {count(numbers['complete_counted'])}, and no case with more than "
        f"{numbers['most_interviews']} interviews. Of the cases added in the second round "
        f"{count(numbers['late_cases'])} are listed, {count(numbers['late_families'])} of them with a family member "
        "interviewed."
    )
