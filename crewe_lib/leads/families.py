"""How many families there were, and how many in each arm: the printed totals, shares and every percentage of an arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crewe_lib.arm_fits import count_fits, derive_arm_fits
from crewe_lib.arm_percentages import (
    ARM_PERCENTAGES,
    ARMS,
    Arm,
    how_printed,
    printed_arms,
    recommended_arms,
    table_arms,
)
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, spelt
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

RANDOMISED, RECOMMENDED = "r1.sample.randomised", "r2.sample.recommended"
SHARES_2017, SHARES_2020 = (
    ("r1.sample.pc_share", "r1.sample.cec_share"),
    ("r2.sample.pct_treat_132", "r2.sample.pct_control_132"),
)
SHARES_128 = ("r2.sample.pct_treat", "r2.sample.pct_control")
# Tests of `_contradictions`, in words.
CONTRADICTIONS = {
    "final": "the 2020 report gives another final sample for the 2017 report than that report does",
    "total": "the 2020 report counts fewer families than were randomised",
    "shares": "the shares printed in 2017 cannot leave the arms printed in 2020",
    "tables": "the 2017 report's cost tables imply another arm than the one printed in 2020",
}
COLUMNS: Mapping[str, Column] = {
    "chain": Column("Reading"),
    "families": Column("Families", fixed(0)),
    "n_treat": Column("Project Crewe", fixed(0)),
    "n_control": Column("Cheshire East", fixed(0)),
    "prints_2020": Column("Prints the 2020 shares", either("yes", "no")),
    "prints_2017": Column("Prints the 2017 shares", either("yes", "no")),
    "fits_treat": Column("Treatment percentages it fits", fixed(0)),
    "fits_control": Column("Control percentages it fits", fixed(0)),
    "fits": Column("Both", fixed(0)),
    "expected": Column("Expected by chance", fixed(1)),
}


@traced
@infers
def check_families_and_arms(register: pd.DataFrame) -> Lead:
    """Whether the printed numbers of families and the sizes of the arms agree, within and between the reports.

    Readings: all arms of 132, 128 and 126 families (as printed) that can lead to or from the arms printed in 2020 and,
    beside them, those implied by the 2017 report's cost tables, each with the number of printed percentages it fits.
    """
    reader = read_register(register)
    fitted = derive_arm_fits(register)
    readings = pd.DataFrame(_chains(reader))
    found = _contradictions(reader)
    totals = _totals(reader)
    numbers = {**totals, **found, **_fit_numbers(fitted, totals)}
    verdict: Verdict = (
        "confirmed" if sum(found.values()) > 1 else "confirmed in part" if any(found.values()) else "refuted"
    )
    return Lead(
        "families_and_arms",
        "How many families, and how many in each arm?",
        verdict,
        _finding(found, numbers),
        "The allocation list of the families randomised, with the arm and the reason for each family left out of the "
        "later analyses, would settle every number.",
        (
            RANDOMISED, "r1.sample.excluded", "r1.sample.final", *SHARES_2017, "sum.sample.families",
            "r2.sample.families", "r2.sample.n_treat", "r2.sample.n_control", *SHARES_2020, *SHARES_128,
            "r2.sample.r1_final", "r2.sample.missing", "r2.sample.some_outcomes",
        ),
        readings,
        numbers,
    )  # fmt: skip


def _chains(reader: Reader) -> list[dict[str, Any]]:
    """Every division before and after the arms of each chain, at the printed numbers of families."""
    rows: list[dict[str, Any]] = []
    middle = reader.count("r2.sample.families")
    totals = (reader.count(RANDOMISED), middle, reader.count("r2.sample.some_outcomes"))
    for chain, arms in (("arms printed in 2020", printed_arms(reader)), ("arms implied by tables", table_arms(reader))):
        for families in totals:
            more = families - middle
            for treat in range(abs(more) + 1):
                sign = 1 if more > 0 else -1
                pc, cec = arms["pc"] + sign * treat, arms["cec"] + sign * (abs(more) - treat)
                rows.append({"chain": chain, "families": pc + cec, **_division(reader, {"pc": pc, "cec": cec})})
    return rows


def _division(reader: Reader, arms: Mapping[Arm, int]) -> dict[str, Any]:
    whole = arms["pc"] + arms["cec"]
    own = {arm: count_fits(reader, [one for one in ARM_PERCENTAGES if one.arm == arm], arms[arm]) for arm in ARMS}
    return {
        "n_treat": arms["pc"],
        "n_control": arms["cec"],
        "prints_2020": _prints(reader, arms, whole, SHARES_2020),
        "prints_2017": _prints(reader, arms, whole, SHARES_2017),
        "fits_treat": own["pc"]["fits"],
        "fits_control": own["cec"]["fits"],
        "fits": own["pc"]["fits"] + own["cec"]["fits"],
        "expected": own["pc"]["expected"] + own["cec"]["expected"],
    }


def _prints(reader: Reader, arms: Mapping[Arm, int], whole: int, shares: Sequence[str]) -> bool:
    return all(
        how_printed(arms[arm], whole, reader.claim(id)) == "rounded" for arm, id in zip(ARMS, shares, strict=True)
    )


def _divisions(reader: Reader, whole: int, shares: Sequence[str]) -> list[int]:
    """Treatment arms of `whole` families that print as both shares."""
    return [pc for pc in range(1, whole) if _prints(reader, {"pc": pc, "cec": whole - pc}, whole, shares)]


def _contradictions(reader: Reader) -> dict[str, bool]:
    """The tests of `CONTRADICTIONS`: True where the printed numbers do not agree."""
    printed, tables, whole = printed_arms(reader), table_arms(reader), reader.count(RANDOMISED)
    enough = [
        pc for pc in _divisions(reader, whole, SHARES_2017) if pc >= printed["pc"] and whole - pc >= printed["cec"]
    ]
    return {
        "final": reader.count("r2.sample.r1_final") != reader.count("r1.sample.final"),
        "total": reader.count("r2.sample.families") < whole,
        "shares": not enough,
        "tables": tables != printed,
    }


def _totals(reader: Reader) -> dict[str, Any]:
    whole, printed, tables = reader.count(RANDOMISED), printed_arms(reader), table_arms(reader)
    by_2017 = _divisions(reader, whole, SHARES_2017)
    start = recommended_arms(reader)
    return {
        "randomised": whole,
        "families": reader.count("r2.sample.families"),
        "analysed": reader.count("r1.sample.final"),
        "n_treat": printed["pc"],
        "n_control": printed["cec"],
        "tables_treat": tables["pc"],
        "tables_control": tables["cec"],
        "start_treat": start.get("pc", 0),
        "start_control": start.get("cec", 0),
        # Both 128s can come from one start only if it holds either division's arms.
        "one_start": bool(start) and all(start[arm] >= max(printed[arm], tables[arm]) for arm in ARMS),
        "controls_2017_most": max((whole - pc for pc in by_2017), default=0),
        "divisions_2017": len(by_2017),
        "divisions_families": len(_divisions(reader, reader.count("r2.sample.families"), SHARES_128)),
    }


def _fit_numbers(fitted: pd.DataFrame, totals: Mapping[str, Any]) -> dict[str, Any]:
    """Fits of the printed arms, of those behind the tables and of those at the start, and the best control arms."""
    out: dict[str, Any] = {}
    table = {(row["arm"], row["n"], row["group"]): row for row in fitted.to_dict("records")}
    for name, treat, control in (
        ("printed", "n_treat", "n_control"),
        ("tables", "tables_treat", "tables_control"),
        ("start", "start_treat", "start_control"),
    ):
        for arm, key in (("pc", treat), ("cec", control)):
            for group in ("outcome", "characteristic", "all"):
                place = (arm, totals[key], group)
                if place in table:
                    stem, row = f"{name}_{arm}_{group}", table[place]
                    out |= {f"{stem}_fits": int(row["fits"]), f"{stem}_of": int(row["of"])}
                    out[f"{stem}_chance"] = float(row["chance"])
    for group in ("outcome", "characteristic"):
        own = fitted[(fitted["arm"] == "cec") & (fitted["group"] == group)]
        best = own[own["fits"] == own["fits"].max()]
        out[f"best_control_{group}"] = [int(n) for n in best["n"]]
    return out


def _finding(found: Mapping[str, bool], numbers: Mapping[str, Any]) -> str:
    """What does not agree, and what the percentages imply, in four sentences."""
    faults = [words for name, words in CONTRADICTIONS.items() if found[name]]
    first = (
        f"The reports print {numbers['randomised']}, {numbers['families']} and {numbers['analysed']} families; "
        f"{spelt(len(faults))} of {spelt(len(found))} comparisons disagree"
        f"{': ' + '; '.join(faults) if faults else ''}."
    )
    text = (
        f" The arms printed in 2020 are {numbers['n_treat']} and {numbers['n_control']}; those implied by the 2017 "
        f"report's tables are {numbers['tables_treat']} and {numbers['tables_control']}."
    )
    if found["tables"] and numbers["one_start"]:
        text += (
            f" Both can come from {numbers['start_treat']} and {numbers['start_control']}, the one implied division of "
            "all families that prints as the 2020 shares, if different families were left out each time."
        )
    text += _fit_sentence(numbers)
    return first + text


def _fit_sentence(numbers: Mapping[str, Any]) -> str:
    """How the control arm's percentages fit the two sizes in question; blank if a size was not tried."""
    parts = []
    for group, words in (("outcome", "outcomes"), ("characteristic", "characteristics")):
        keys = [f"{name}_cec_{group}_fits" for name in ("printed", "tables")]
        if not all(key in numbers for key in keys):
            return ""
        of = numbers[f"printed_cec_{group}_of"]
        parts.append(f"{spelt(numbers[keys[0]])} and {spelt(numbers[keys[1]])} of its {spelt(of)} {words}")
    return (
        f" A control arm of {numbers['n_control']} or of {numbers['tables_control']} fits {' and '.join(parts)}, so "
        "the percentages do not decide between them."
    )
