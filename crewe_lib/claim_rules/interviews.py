"""Interviews: Tables 1, 3, 4 and 5 of the 2017 report rebuilt from each other, and the ten interviews of 2020."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import product, restated, total, written
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.interview_table import ARMS, read_interviews, row_claim

PC, CEC = ARMS
# Rows of Table 1: claim → (whom it counts in Tables 4 and 5, the row of the other arm where these differ).
Mask = Callable[[pd.DataFrame], "pd.Series[bool]"]
GROUPS: dict[str, tuple[Mask, str]] = {
    "fp": (lambda t: t["role"] == "Family Practitioner", ""),
    "sw": (lambda t: t["role"] == "Social worker", ""),
    "pc_case": (lambda t: t["family"] & (t["arm"] == PC), "cec_case"),
    "cec_case": (lambda t: t["family"] & (t["arm"] == CEC), "pc_case"),
    "c22_lead": (lambda t: (t["role"] == "Senior Leader") & (t["arm"] == PC), ""),
    "cec_lead": (lambda t: (t["role"] == "Senior Leader") & (t["arm"] == CEC), ""),
}
PARTICIPANTS = tuple(f"r1.t1.{group}.participants" for group in GROUPS)
INTERVIEWED = tuple(f"r1.t1.{group}.interviews" for group in GROUPS)
OUTCOME_ROWS = {
    "closed": "Closed",
    "improved": "Ongoing but improved",
    "no_change": "No change",
    "escalated": "Escalated to CP",
}


def _group(name: str, *, people: bool) -> RuleFunction:
    """Participants (rows with an interview) or interviews of a group of Table 1, from Tables 4 and 5."""
    mask, other = GROUPS[name]

    def compute(reader: Reader) -> Recomputed:
        frame = read_interviews(reader)
        totals = [int(value) for value in frame.loc[mask(frame), "printed"]]
        how = f"{' + '.join(map(str, totals))} interviews in Tables 4 and 5"
        if people:
            how = f"people with an interview among {how}"
        value = _count(totals, people=people)
        return Recomputed(how, value, differs="minor", note=_other_arm(reader, frame, other, people=people))

    return compute


def _count(totals: Sequence[int], *, people: bool) -> int:
    return sum(total > 0 for total in totals) if people else sum(totals)


def _other_arm(reader: Reader, frame: pd.DataFrame, other: str, *, people: bool) -> str:
    """What Table 1 prints for the other arm against Tables 4 and 5; blank where they agree or there is no other."""
    if not other:
        return ""
    what = "participants" if people else "interviews"
    printed = reader.count(f"r1.t1.{other}.{what}")
    listed = _count([int(value) for value in frame.loc[GROUPS[other][0](frame), "printed"]], people=people)
    if printed == listed:
        return ""
    return (
        f"For the other arm Table 1 prints {printed} {what} and the detailed tables {listed}; somebody may have been "
        "counted in the other arm."
    )


def _cases(outcome: str, arm: str) -> RuleFunction:
    """Case studies of an outcome and arm in Table 4 that have an interview."""

    def compute(reader: Reader) -> Recomputed:
        frame = read_interviews(reader)
        own = frame[(frame["table"] == 4) & (frame["arm"] == arm)]
        counts = own[own["outcome"].isin(_outcomes(outcome))].groupby("case")["printed"].sum()
        counts, held = counts[counts > 0], int(own["printed"].sum())
        said = ", ".join(f"case {case} ({n})" for case, n in counts.items()) or "no such case"
        how = f"Table 4, {held} interviews in the arm, by case in brackets: {said}"
        return Recomputed(how, len(counts))

    return compute


def _outcomes(outcome: str) -> Sequence[str]:
    return list(OUTCOME_ROWS.values()) if outcome == "any" else [outcome]


def _row(table: int, row: int, whole: str) -> RuleFunction:
    """A row's total from its ticks; beside it what the other rows leave of the printed sum."""
    claim = row_claim(table, row)

    def compute(reader: Reader) -> Recomputed:
        frame = read_interviews(reader, skip=claim)
        mine = frame[(frame["table"] == table) & (frame["row"] == row)].iloc[0]
        others = int(frame.loc[(frame["table"] == table) & frame["printed"].notna(), "printed"].sum())
        left, sum_ = reader.count(whole) - others, reader.count(whole)
        ticks = int(mine["ticked"])
        note = ""
        if left != ticks:
            note = f"The printed sum of {sum_} holds with {left} here, so either one tick or the sum is one out."
        how = f"{ticks} ticked; {sum_} in all less {others} of the other rows leaves {left}"
        return Recomputed(how, ticks, differs="minor", note=note)

    return compute


for _name in GROUPS:
    add_rule(f"r1.t1.{_name}.participants", _group(_name, people=True), "total of a table")
    add_rule(f"r1.t1.{_name}.interviews", _group(_name, people=False), "total of a table")
for _id in ("r1.t1.total", "sum.qual"):
    add_rule(f"{_id}.participants", total(*PARTICIPANTS), "total of a table")
    add_rule(f"{_id}.interviews", total(*INTERVIEWED), "total of a table")
for _short, _outcome in OUTCOME_ROWS.items():
    add_rule(f"r1.t3.{_short}.pc", _cases(_outcome, PC), "total of a table")
    add_rule(f"r1.t3.{_short}.cec", _cases(_outcome, CEC), "total of a table")
    add_rule(f"r1.t3.{_short}.total", total(f"r1.t3.{_short}.pc", f"r1.t3.{_short}.cec"), "total of a table")
for _number in range(1, 26):
    add_rule(row_claim(4, _number), _row(4, _number, "r1.qual.interviews_case"), "total of a table")
for _number in range(1, 10):
    add_rule(row_claim(5, _number), _row(5, _number, "r1.qual.interviews_delivery"), "total of a table")

add_rule("r1.qual.cases_pc", _cases("any", PC), "total of a table")
add_rule("r1.qual.cases_cec", _cases("any", CEC), "total of a table")
add_rule("r1.qual.cases", total(*(f"r1.t3.{name}.total" for name in OUTCOME_ROWS)), "total of a table")
add_rule("r1.qual.pc_fail", total("r1.t3.escalated.pc", "r1.t3.no_change.pc"), "arithmetic")
add_rule("r1.qual.frontline", total("r1.t1.fp.participants", "r1.t1.sw.participants"), "arithmetic")
add_rule("r1.qual.leaders", total("r1.t1.c22_lead.participants", "r1.t1.cec_lead.participants"), "arithmetic")
for _id in ("r1.qual.interviews_sum", "r2.qual.r1_interviews"):
    add_rule(_id, total("r1.qual.interviews_case", "r1.qual.interviews_delivery"), "arithmetic")
add_rule("r1.qual.planned_per_case", product("r1.qual.planned_per_wave", "r1.design.timepoints"), "arithmetic")


def _table_sum(table: int) -> RuleFunction:
    """The sum of a table's printed totals; the ticks, where they give another sum, are noted."""

    def compute(reader: Reader) -> Recomputed:
        frame = read_interviews(reader)
        rows = frame[frame["table"] == table]
        printed, ticked = int(rows["printed"].sum()), int(rows["ticked"].sum())
        note = (
            "" if printed == ticked else f"The ticks of the same rows add to {ticked}; one row has one tick too many."
        )
        return Recomputed(f"{len(rows)} row totals of Table {table} added", printed, note=note)

    return compute


add_rule("r1.qual.interviews_case", _table_sum(4), "total of a table")
add_rule("r1.qual.interviews_delivery", _table_sum(5), "total of a table")


@rule("r1.qual.planned_per_wave", "arithmetic")
def _per_wave(reader: Reader) -> Recomputed:
    whole, waves = reader.number("r1.qual.planned_per_case"), reader.number("r1.design.timepoints")
    return Recomputed(f"{written(whole)} / {written(waves)}", whole / waves)


@rule("r1.design.timepoints", "total of a table")
def _timepoints(reader: Reader) -> Recomputed:
    per_case, per_wave = reader.number("r1.qual.planned_per_case"), reader.number("r1.qual.planned_per_wave")
    return Recomputed(f"{written(per_case)} / {written(per_wave)}", per_case / per_wave)


@rule("r1.qual.withdrawn", "total of a table")
def _withdrawn(reader: Reader) -> Recomputed:
    frame = read_interviews(reader)
    last, cases = int(frame["case"].max()), reader.count("r1.qual.cases")
    return Recomputed(f"case numbers up to {last}, less {cases} case studies", last - cases)


@rule("r1.qual.complete_cases", "total of a table")
def _complete(reader: Reader) -> Recomputed:
    frame, full = read_interviews(reader), reader.count("r1.qual.planned_per_case")
    counts = frame[frame["table"] == 4].groupby("case")["printed"].sum()
    most, reached = int(counts.max()), int((counts == counts.max()).sum())
    return Recomputed(
        f"case studies in Table 4 with {full} interviews; the most is {most}, in {reached} cases",
        int((counts >= full).sum()),
        differs="major",
        note="Table 4 has no child interviewed twice. What was counted as complete the report does not say.",
    )


SUMS_2020 = {
    "r2.qual.n": ("r2.qual.fact22", "r2.qual.cec"),
    "r2.qual.fact22": ("r2.qual.f_lead", "r2.qual.f_swc", "r2.qual.f_fp"),
    "r2.qual.cec": ("r2.qual.c_lead", "r2.qual.c_tm", "r2.qual.c_sw"),
    "r2.qual.planned": tuple(f"r2.t4.{name}" for name in ("c_lead", "c_sw_m", "c_sw_c", "f_lead", "f_fp", "f_sup")),
    "r2.qual.planned_sw": ("r2.t4.c_sw_m", "r2.t4.c_sw_c"),
}


def _left(whole: str, others: Sequence[str]) -> RuleFunction:
    """What a printed sum leaves once the other printed parts are taken off."""

    def compute(reader: Reader) -> Recomputed:
        taken = [reader.number(id) for id in others]
        first = reader.number(whole)
        return Recomputed(" − ".join(map(written, [first, *taken])), first - sum(taken))

    return compute


for _whole, _parts in SUMS_2020.items():
    add_rule(_whole, total(*_parts), "total of a table")
    if _whole in ("r2.qual.n", "r2.qual.planned_sw"):
        continue  # their parts have sums of their own
    for _part in _parts:
        add_rule(_part, _left(_whole, [other for other in _parts if other != _part]), "total of a table")

add_rule("sum.qual.waves", restated("r1.qual.waves"), "dates")
add_rule(
    "r1.qual.waves_limits",
    restated("r1.qual.waves", differs="minor", note="The method section and the tables say April."),
    "dates",
)
