"""Whole numbers of families behind the printed percentages of each arm: printed nowhere, so all of them implied.

`derive_implied_counts` lists every whole number that prints as the percentage, with one main reading per outcome, date
and arm; `derive_printed_counts` lists the counts by arm that the reports do print.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from crewe_lib.arm_percentages import (
    ARM_PERCENTAGES,
    NOVEMBER_2019,
    TRIAL_END,
    Arm,
    Percentage,
    arm_sizes,
    how_printed,
    printed_arms,
    recommended_arms,
    table_arms,
    whole_numbers,
)
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.provenance import infers, traced

IMPLIED_COLUMNS = ["outcome", "date", "arm", "printed", "k", "n", "how", "reading", "basis"]
COLUMNS: Mapping[str, Column] = {
    "outcome": Column("Outcome"),
    "date": Column("Records of"),
    "arm": Column("Arm"),
    "printed": Column("Printed, %", lambda value: f"{value:g}"),
    "k": Column("Families", fixed(0)),
    "n": Column("out of", fixed(0)),
    "how": Column("Printed by"),
    "reading": Column("Reading"),
    "basis": Column("Basis"),
}
# Claims of counts by arm: outcome, date, arm, claim of the count, claim of its denominator (blank: none printed).
_PRINTED = (
    ("rereferred", TRIAL_END, "pc", "r1.reref.pc", ""),
    ("rereferred", TRIAL_END, "cec", "r1.reref.cec", ""),
    ("escalated", TRIAL_END, "pc", "r1.cost.escal_obs", ""),
    ("stressed_staff", TRIAL_END, "cec", "r1.stress.k_cec", "r1.stress.n_cec"),
    ("stressed_staff", TRIAL_END, "pc", "r1.stress.k_fp", "r1.stress.n_fp"),
    ("escalated", NOVEMBER_2019, "pc", "r2.escal.treat", "r2.sample.n_treat"),
    ("escalated", NOVEMBER_2019, "cec", "r2.escal.control", "r2.sample.n_control"),
    ("disability", NOVEMBER_2019, "pc", "r2.demo.disability_treat", "r2.sample.n_treat"),
)


@traced
@infers
def derive_implied_counts(register: pd.DataFrame) -> pd.DataFrame:
    """Every whole-number count that prints as a percentage of an arm, rounded or with its digits cut off.

    Arm sizes tried: see `arm_sizes`. The main reading is the whole number out of the arm that the reports imply for
    that outcome (`preferred_sizes`), or out of the nearest size if none fits there; a rounded one goes before one cut
    off. Shares of children under 11 are read with the arms' labels exchanged, since only then both fit the printed
    arms; the printed order is kept as a rival. Columns: outcome, date, arm, printed (per cent), k, n (families), how
    ('rounded', 'cut off'), reading ('main', 'rival'), basis. Raises DataError if no whole number prints so.
    """
    reader = read_register(register)
    sizes = preferred_sizes(reader)
    rows: list[dict[str, object]] = []
    for one in _with_exchanged_labels(ARM_PERCENTAGES):
        rows += _readings(reader, one, sizes[one.outcome, one.date][one.arm])
    return pd.DataFrame(rows, columns=IMPLIED_COLUMNS)


@traced
def derive_printed_counts(register: pd.DataFrame) -> pd.DataFrame:
    """The counts by arm that the reports print, families except for stressed staff (people).

    Columns: outcome, date, arm, k, n (blank where no denominator is printed). The control arm's children with
    disabilities are all less those in treatment.
    """
    reader = read_register(register)
    rows = [
        (outcome, date, arm, reader.count(k), reader.count(n) if n else pd.NA) for outcome, date, arm, k, n in _PRINTED
    ]
    others = reader.count("r2.demo.disability") - reader.count("r2.demo.disability_treat")
    rows.append(("disability", NOVEMBER_2019, "cec", others, reader.count("r2.sample.n_control")))
    table = pd.DataFrame(rows, columns=["outcome", "date", "arm", "k", "n"])
    return table.astype({"k": "int64", "n": "Int64"})


def preferred_sizes(reader: Reader) -> dict[tuple[str, str], dict[Arm, int]]:
    """Arm sizes of the main reading, by outcome and date.

    The arms that the 2020 report prints, but: closure at trial end is of the cases that the 2017 report analysed,
    less the printed control arm; re-referral and escalation at trial end are of the arms behind its Tables 8 and 9;
    re-referral in November 2019 is of the pair of arms (`_rereferral_arms`) that fits both percentages.
    """
    printed = printed_arms(reader)
    sizes: dict[tuple[str, str], dict[Arm, int]] = {(one.outcome, one.date): printed for one in ARM_PERCENTAGES}
    analysed = reader.count("r1.sample.final")
    sizes["closed", TRIAL_END] = {"pc": analysed - printed["cec"], "cec": printed["cec"]}
    sizes["rereferred", TRIAL_END] = sizes["escalated", TRIAL_END] = table_arms(reader)
    sizes["rereferred", NOVEMBER_2019] = _rereferral_arms(reader)
    return sizes


def _rereferral_arms(reader: Reader) -> dict[Arm, int]:
    """The printed arms less the excluded cases, divided so that whole numbers print both re-referral percentages; the
    printed arms if no division does so."""
    printed, gone = printed_arms(reader), reader.count("r2.sample.missing")
    for less in range(gone + 1):
        pc, cec = printed["pc"] - gone + less, printed["cec"] - less
        if whole_numbers(reader.claim("r2.reref.treat"), pc, cut=False) and whole_numbers(
            reader.claim("r2.reref.control"), cec, cut=False
        ):
            return {"pc": pc, "cec": cec}
    return printed


def _with_exchanged_labels(percentages: tuple[Percentage, ...]) -> list[Percentage]:
    """The same, with each share of under-11s also taken as the other arm's, which becomes the main reading."""
    out: list[Percentage] = []
    for one in percentages:
        if one.outcome == "under_11":
            out += [replace(one, arm="cec" if one.arm == "pc" else "pc", swapped=True), replace(one, rival=True)]
        else:
            out.append(one)
    order = list(dict.fromkeys((one.date, one.outcome) for one in out))
    order.sort(key=lambda pair: pair[0] == NOVEMBER_2019)
    return sorted(out, key=lambda one: (order.index((one.date, one.outcome)), one.arm != "pc", one.rival))


def _readings(reader: Reader, one: Percentage, preferred: int) -> list[dict[str, object]]:
    """All whole numbers that print one percentage; the main one first unless the percentage is itself a rival."""
    claim = reader.claim(one.claim)
    found = []
    for n in arm_sizes(reader, one.arm, one.date):
        for k in [reader.count(one.count)] if one.count else whole_numbers(claim, n):
            if how := how_printed(k, n, claim):
                found.append((abs(n - preferred), how == "cut off", n, k, how))
    if not found:
        raise DataError(f"claim {one.claim}: no whole number of families prints as {claim.value}%.")
    return [
        {
            "outcome": one.outcome,
            "date": one.date,
            "arm": one.arm,
            "printed": claim.number,
            "k": k,
            "n": n,
            "how": how,
            "reading": "main" if rank == 0 and not one.rival else "rival",
            "basis": _basis(reader, one, k, n, how),
        }
        for rank, (_, _, n, k, how) in enumerate(sorted(found))
    ]


def _basis(reader: Reader, one: Percentage, k: int, n: int, how: str) -> str:
    """Why a count is possible, in one to three sentences."""
    claim = reader.claim(one.claim)
    share = fixed(claim.decimals + (1 if how == "rounded" else 2))(100 * k / n)
    shown = f"{k}/{n} is {share}%, printed as {claim.value}%" + (" with the rest cut off" if how == "cut off" else "")
    labels = ", with the labels of the two arms exchanged" if one.swapped else ""
    known = f" The count of {k} is printed." if one.count else ""
    return f"{shown}{labels}; {n} is {_name_size(reader, one, n)}.{known} {one.remark}".strip()


def _name_size(reader: Reader, one: Percentage, n: int) -> str:
    printed = printed_arms(reader)[one.arm]
    preferred = preferred_sizes(reader)[one.outcome, one.date][one.arm]
    if n == printed:
        return "the arm as the 2020 report prints it"
    if n == preferred and (one.outcome, one.date) == ("closed", TRIAL_END):
        return "the families analysed less the controls that the 2020 report prints"
    if n == preferred and (one.outcome, one.date) == ("rereferred", NOVEMBER_2019):
        return "the printed arm less its part of the cases without this outcome"
    if n == table_arms(reader)[one.arm]:
        return "the arm implied by Tables 8 and 9 of the 2017 report"
    if n == recommended_arms(reader).get(one.arm):
        return "the arm implied by the shares of all families recommended"
    gap = abs(n - printed)
    return f"{gap} {'more' if n > printed else 'fewer'} than the arm as the 2020 report prints it"
