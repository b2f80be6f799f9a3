"""Who was in the trial, as the two reports print it: the participant flow, where they disagree, what is left open.

The flow has the boxes of CONSORT 2010 and 2025 with the extension to cluster trials: families are the unit allocated,
children are counted beside them. A box for which neither report gives a number stays, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crewe_lib.arm_percentages import ARMS, how_printed, printed_arms, table_arms
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, spelt
from crewe_lib.leads.families import SHARES_2017, SHARES_2020
from crewe_lib.provenance import infers, traced

R1, R2, NEITHER = "2017 report", "2020 report", "neither report"
NOT_REPORTED = "not reported"
SERVICES: Mapping[str, str] = {"treatment": "Project Crewe", "control": "usual service"}
# Step of the flow → (stage, label, whether families stay or leave), in order.
STEPS: Mapping[str, tuple[str, str, str]] = {
    "assessed": ("enrolment", "Assessed for eligibility", "stay"),
    "excluded": ("enrolment", "Not eligible, or declined", "leave"),
    "recommended": ("enrolment", "Recommended by social workers", "stay"),
    "randomised": ("enrolment", "Randomised", "stay"),
    "allocated": ("allocation", "Allocated", "stay"),
    "crossed": ("service", "Also received the other arm's service", "note"),
    "left_out": ("follow-up", "Outcome missing", "leave"),
    "analysed": ("analysis", "Analysed", "stay"),
}
COUNTS = ("families", "children")
FLOW_COLUMNS: Mapping[str, Column] = {
    "label": Column("Step"),
    "arm": Column("Arm"),
    "source": Column("According to"),
    "families": Column("Families", fixed(0), blank=NOT_REPORTED),
    "children": Column("Children", fixed(0)),
    "share": Column("Share, %", lambda value: f"{value:g}"),
    "of": Column("of", fixed(0)),
    "note": Column("Remark", blank=""),
}
CHECK_COLUMNS: Mapping[str, Column] = {
    "question": Column("Question"),
    "first": Column("One number"),
    "second": Column("Another"),
    "agree": Column("Agree", either("yes", "no")),
}
IMPLIED_COLUMNS: Mapping[str, Column] = {
    "families": Column("Families", fixed(0)),
    "n_treat": Column("Project Crewe, implied", fixed(0)),
    "n_control": Column("Cheshire East, implied", fixed(0)),
    "prints": Column("Prints as"),
    "reached": Column("Can lead to the arms printed in 2020", either("yes", "no")),
    "basis": Column("Because"),
}
# Rows of the printed flow: step, arm, source, claims of families, children, share and what the share is of, remark.
# A blank claim is not printed.
_PRINTED: Sequence[tuple[str, str, str, str, str, str, str, str]] = (
    ("assessed", "both", NEITHER, "", "", "", "", ""),
    ("excluded", "both", NEITHER, "", "", "", "", "cases beyond the service's capacity were not counted"),
    ("recommended", "both", R1, "r1.sample.randomised", "", "", "", ""),
    ("recommended", "both", R2, "r2.sample.recommended", "", "", "", ""),
    ("randomised", "both", R1, "r1.sample.randomised", "r1.sample.children", "", "", ""),
    ("randomised", "both", R2, "r2.sample.randomised", "", "", "", ""),
    ("allocated", "treatment", R1, "", "", "r1.sample.pc_share", "r1.sample.randomised", ""),
    ("allocated", "treatment", R2, "r2.sample.n_treat", "", "r2.sample.pct_treat", "r2.sample.families", ""),
    ("allocated", "treatment", R2, "", "", "r2.sample.pct_treat_132", "r2.sample.recommended", "in its appendix"),
    ("allocated", "control", R1, "", "", "r1.sample.cec_share", "r1.sample.randomised", ""),
    ("allocated", "control", R2, "r2.sample.n_control", "", "r2.sample.pct_control", "r2.sample.families", ""),
    ("allocated", "control", R2, "", "", "r2.sample.pct_control_132", "r2.sample.recommended", "in its appendix"),
    ("crossed", "treatment", NEITHER, "", "", "", "", ""),
    ("crossed", "control", R2, "r2.design.crossover", "", "", "", "after the first round"),
    ("left_out", "both", R1, "r1.sample.excluded", "", "", "", ""),
    ("left_out", "both", R2, "r2.sample.missing", "", "", "", "for some outcomes"),
    ("left_out", "treatment", NEITHER, "", "", "", "", ""),
    ("left_out", "control", NEITHER, "", "", "", "", ""),
    ("analysed", "both", R1, "r1.sample.final", "", "", "", ""),
    ("analysed", "both", R2, "r2.sample.families", "", "", "", ""),
    ("analysed", "both", R2, "r2.sample.some_outcomes", "", "", "", "for some outcomes"),
    ("analysed", "treatment", NEITHER, "", "", "", "", ""),
    ("analysed", "control", NEITHER, "", "", "", "", ""),
)


@traced
def derive_printed_flow(register: pd.DataFrame) -> pd.DataFrame:
    """The participant flow as printed, one row per box and report; a box without a number is a row without one.

    Columns: stage, step, label, role ('stay', 'leave', 'note'), arm ('both', 'treatment', 'control'), source, families,
    children, share (per cent) and `of` (families that it is of), basis ('printed', 'not reported'), note, words (what
    the box says). Nothing is computed: shares are not turned into families.
    """
    reader = read_register(register)
    rows: list[dict[str, Any]] = []
    for step, arm, source, families, children, share, of, note in _PRINTED:
        stage, label, role = STEPS[step]
        row: dict[str, Any] = {"stage": stage, "step": step, "label": label, "role": role, "arm": arm, "source": source}
        row |= {unit: reader.count(id) if id else pd.NA for unit, id in zip(COUNTS, (families, children), strict=True)}
        row |= {"share": reader.number(share) if share else float("nan"), "of": reader.count(of) if of else pd.NA}
        rows.append({**row, "basis": "printed" if families or share else NOT_REPORTED, "note": note})
    return finish_flow(rows, absent=NOT_REPORTED)


def finish_flow(rows: Sequence[Mapping[str, Any]], *, absent: str) -> pd.DataFrame:
    """Rows of a flow as a table, with the words of each box; one without a number says `absent`."""
    flow = pd.DataFrame(rows).astype({"families": "Int64", "children": "Int64", "of": "Int64", "share": "float64"})
    to = flow["arm"].map(SERVICES)
    flow["label"] = flow["label"].where((flow["step"] != "allocated") | to.isna(), flow["label"] + " to " + to)
    return flow.assign(words=[_say(row, absent) for row in flow.to_dict("records")])


def _say(row: Mapping[Any, Any], absent: str) -> str:
    """What one row of a box says: '132 families, 326 children', '84 families (66% of 128)', '70% of 132'."""
    if row["basis"] == NOT_REPORTED:
        return absent
    parts = [f"{row[unit]:,} {unit}" for unit in COUNTS if not pd.isna(row[unit])]
    if not pd.isna(row["share"]):
        share = f"{row['share']:g}% of {row['of']:,}"
        parts = [f"{parts[0]} ({share})"] if parts else [share]
    return ", ".join(parts) + (f", {row['note']}" if row["note"] else "")


@traced
def check_printed_flow(register: pd.DataFrame) -> pd.DataFrame:
    """Whether the printed numbers of the flow agree, within and between the reports: question, first, second, agree."""
    reader = read_register(register)

    def count(id: str) -> int:
        return reader.count(f"{id[:2]}.sample.{id[3:]}")

    def pair(ids: tuple[str, str]) -> str:
        return " and ".join(f"{reader.number(id):g}%" for id in ids)

    arms = printed_arms(reader)
    families = count("r2.families")
    rows: list[tuple[str, Any, Any]] = [
        ("Families randomised, by each report", count("r1.randomised"), count("r2.randomised")),
        ("Shares of the same recommended cases, by each report", pair(SHARES_2017), pair(SHARES_2020)),
        ("Final sample of the 2017 report, by each report", count("r1.final"), count("r2.r1_final")),
        ("2017: randomised less those left out, and analysed", count("r1.randomised") - count("r1.excluded"),
         count("r1.final")),
        ("2020: both arms together, and families", sum(arms.values()), families),
        ("2020: families less those left out, and analysed", families - count("r2.missing"), count("r2.some_outcomes")),
        ("2020: cases recommended, and families", count("r2.recommended"), families),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["question", "first", "second"])
    table["agree"] = table["first"] == table["second"]
    return table.astype({"first": str, "second": str})


@traced
@infers
def derive_implied_flow(register: pd.DataFrame) -> pd.DataFrame:
    """Arms that fit what is printed, where it prints no numbers by arm: every division of the families randomised that
    prints as one of the reports' pairs of shares, those printed, and those behind the 2017 report's cost tables, each
    with all that these leave open. None is printed, but for the arms of 2020.

    Columns: families, n_treat, n_control, prints ('70/30', '66/34', 'neither'), reached (the arms printed in 2020 can
    be what is left, or what came before), basis.
    """
    reader = read_register(register)
    printed, tables = printed_arms(reader), table_arms(reader)
    whole, middle, final = (
        reader.count(id) for id in ("r1.sample.randomised", "r2.sample.families", "r1.sample.final")
    )
    found: dict[tuple[int, int], list[str]] = {}
    for pc in range(1, whole):
        if _prints(reader, (pc, whole - pc)) != "neither":
            found.setdefault((pc, whole - pc), []).append("prints as the shares")
    if whole > middle:
        all_from_one = (printed["pc"] + whole - middle, printed["cec"])
        found.setdefault(all_from_one, []).append("the arms of 2020, if all families they lack were in treatment")
    found.setdefault((printed["pc"], printed["cec"]), []).append("printed in 2020")
    found.setdefault((tables["pc"], tables["cec"]), []).append("behind the cost tables of 2017")
    for less in range(middle - final + 1):
        pair = (printed["pc"] - (middle - final) + less, printed["cec"] - less)
        found.setdefault(pair, []).append(f"the arms of 2020 without {spelt(middle - final)} families")
    rows = []
    for (pc, cec), basis in sorted(found.items(), key=lambda item: (-sum(item[0]), -item[0][0])):
        sign = 1 if pc + cec >= middle else -1
        reached = all(sign * (size - printed[arm]) >= 0 for arm, size in zip(ARMS, (pc, cec), strict=True))
        row = {"families": pc + cec, "n_treat": pc, "n_control": cec, "prints": _prints(reader, (pc, cec))}
        rows.append({**row, "reached": reached, "basis": "; ".join(basis)})
    return pd.DataFrame(rows)


def _prints(reader: Reader, arms: tuple[int, int]) -> str:
    """Which printed pair of shares these arms print as: '70/30', '66/34', or 'neither'."""
    for pair in (SHARES_2017, SHARES_2020):
        claims = [reader.claim(id) for id in pair]
        if all(how_printed(n, sum(arms), claim) == "rounded" for n, claim in zip(arms, claims, strict=True)):
            return "/".join(claim.value for claim in claims)
    return "neither"


@traced
def summarise_implied_flow(arms: pd.DataFrame, register: pd.DataFrame) -> dict[str, int]:
    """For prose: how many divisions print as the first report's shares, and how many of those can lead to the arms that
    the second prints; the same of the second's own shares for the families first randomised."""
    reader = read_register(register)
    whole = arms[arms["families"] == reader.count("r1.sample.randomised")]
    found: dict[str, int] = {}
    for name, shares in (("first", SHARES_2017), ("second", SHARES_2020)):
        own = whole[whole["prints"] == "/".join(reader.claim(id).value for id in shares)]
        found |= {name: len(own), f"{name}_reach": int(own["reached"].sum())}
    return found


@traced
def summarise_printed_flow(flow: pd.DataFrame, checks: pd.DataFrame) -> dict[str, int]:
    """For prose: families, children and arms as printed, empty boxes, and how many comparisons disagree."""

    def families(step: str, arm: str, source: str, unit: str = "families") -> int:
        rows = flow[(flow["step"] == step) & (flow["arm"] == arm) & (flow["source"] == source)]
        return int(rows[unit].dropna().iloc[0])

    boxes = flow.groupby(["step", "arm"])["basis"].agg(lambda basis: (basis == NOT_REPORTED).all())
    return {
        "randomised_2017": families("randomised", "both", R1),
        "children_2017": families("randomised", "both", R1, "children"),
        "randomised_2020": families("randomised", "both", R2),
        "treatment_2020": families("allocated", "treatment", R2),
        "control_2020": families("allocated", "control", R2),
        "crossed": families("crossed", "control", R2),
        "left_out_2017": families("left_out", "both", R1),
        "left_out_2020": families("left_out", "both", R2),
        "analysed_2017": families("analysed", "both", R1),
        "boxes": len(boxes),
        "empty": int(boxes.sum()),
        "comparisons": len(checks),
        "disagree": int((~checks["agree"]).sum()),
    }


@traced
def describe_flow(flow: pd.DataFrame) -> dict[str, str]:
    """The flow in words, box by box, for the alternative text of its figure."""
    said = []
    for (_, label, arm), rows in flow.groupby(["step", "label", "arm"], sort=False):
        lines = [
            f"{words} ({source})" if basis == "printed" else str(words)
            for words, source, basis in zip(rows["words"], rows["source"], rows["basis"], strict=True)
        ]
        place = "" if arm == "both" else f", {arm}"
        said.append(f"{label}{place}: {'; '.join(lines)}.")
    return {"text": " ".join(said)}
