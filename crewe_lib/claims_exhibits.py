"""The small table or figure beside each finding of chapter 10, cut from the readings of its question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from crewe_lib.claim_register import read_register, to_claims
from crewe_lib.claims import Tables, check_claim, tabulate_entries
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import p_value
from crewe_lib.leads import Lead
from crewe_lib.provenance import infers, traced

# Rows of the ledger that stand beside a finding, by its name.
EXCERPTS: Mapping[str, tuple[str, ...]] = {
    "effective": (
        "r1.claim.effective",
        "r1.claim.no_significance",
        "r1.closure.sig",
        "r2.closure.sig",
        "r2.reref.sig",
        "r2.closure.similar",
    ),
    "closure": (
        "r1.closure.pc",
        "r1.closure.cec",
        "r2.closure.r1_control",
        "r2.closure.treat",
        "r2.closure.control",
        "r2.closure.increase",
        "r2.closure.increase_percent",
    ),
    "authorities": ("r2.did.parallel", "r2.did.closure_sig", "r2.did.reref_sig", "r2.did.escal_sig"),
    "families": (
        "r1.sample.randomised",
        "r1.sample.final",
        "r2.sample.families",
        "r2.sample.r1_final",
        "r1.sample.pc_share",
        "r2.sample.pct_treat_132",
        "r2.sample.n_treat",
        "r2.sample.n_control",
        "r1.sample.arm_pc_implied",
        "r1.sample.arm_cec_implied",
    ),
}


STATEMENT_COLUMNS: Mapping[str, Column] = {
    "statement": Column("What it is about"),
    "value": Column("Printed"),
    "place": Column("Where"),
}
_IN_WORDS = {"n.s.": "not significant", "PC higher": "Project Crewe higher", "PC lower": "Project Crewe lower"}


@traced
@infers
def check_excerpt(register: pd.DataFrame, tables: Tables, *, name: str) -> pd.DataFrame:
    """The ledger's rows beside one finding, in the order of `EXCERPTS`: columns as in `evaluate_claims`.

    tables: other data that their rules read; empty where they read none, so that the excerpt rests on no more than it
    must.
    """
    claims = to_claims(register)
    return tabulate_entries(check_claim(claims, id, tables) for id in EXCERPTS[name])


@traced
def derive_statements(register: pd.DataFrame, *, ids: Sequence[str]) -> pd.DataFrame:
    """What a report prints on a subject: statement, value (in words where the register abbreviates), place.

    Raises DataError if the register lacks a claim.
    """
    claims = to_claims(register)
    if lacking := [id for id in ids if id not in claims]:
        raise DataError(f"the register has no claim {', '.join(lacking)}, which a chapter shows.")
    rows = [(one.statement, _IN_WORDS.get(one.value, one.value), one.place) for one in (claims[id] for id in ids)]
    return pd.DataFrame(rows, columns=list(STATEMENT_COLUMNS))


@traced
@infers
def derive_ageing_out(leads: Mapping[str, Lead]) -> pd.DataFrame:
    """Every reading of ageing out that gives all printed numbers, those with named arms first.

    Columns: reading, counts (words), cut_off (how many of the printed numbers must have been cut off), p_fisher,
    p_yates, p_least, p_greatest.
    """
    readings = leads["ageing_out"].readings
    kept = readings[readings["matched"] == readings["matched"].max()].reset_index(drop=True)
    pairs = zip(kept["k_treat"], kept["n_treat"], kept["k_control"], kept["n_control"], strict=True)
    counts = [f"{a} of {b} and {c} of {d}" for a, b, c, d in pairs]
    columns = ["reading", "cut_off", "p_fisher", "p_yates", "p_least", "p_greatest"]
    return pd.DataFrame(kept[columns]).assign(counts=counts)


@traced
def write_ageing_out(readings: pd.DataFrame) -> pd.DataFrame:
    """The same as the table behind its figure, numbers as text."""
    columns = {
        "FACT22 and Cheshire East": readings["counts"],
        "Arms": readings["reading"],
        "Printed numbers cut off": readings["cut_off"],
        "p, Fisher": readings["p_fisher"].map(p_value),
        "p, Yates": readings["p_yates"].map(p_value),
        "Least p": readings["p_least"].map(p_value),
        "Greatest p": readings["p_greatest"].map(p_value),
    }
    return pd.DataFrame(columns)


@traced
@infers
def derive_power(register: pd.DataFrame, leads: Mapping[str, Lead]) -> pd.DataFrame:
    """The printed least detectable effects beside the same design's for a fall, and those of the trial as randomised.

    In percentage points, for two to one where it is the trial's own. Columns: case, printed, rise, fall, own_rise,
    own_fall.
    """
    reader = read_register(register)
    numbers = leads["power_calculation"].numbers
    rows = [
        ("Baseline as printed, siblings alike", "r1.power.mdes_icc1", "icc1"),
        ("Baseline as printed, siblings less alike", "r1.power.mdes_icc36", "icc36"),
        ("Half of it, siblings alike", "r1.power.mdes_half_icc1", "half_icc1"),
        ("Half of it, siblings less alike", "r1.power.mdes_half_icc36", "half_icc36"),
    ]
    return pd.DataFrame(
        {
            "case": [case for case, _, _ in rows],
            "printed": [reader.number(id) for _, id, _ in rows],
            "fall": [numbers[f"fall_{key}"] for _, _, key in rows],
            "own_rise": [numbers[f"randomised_rise_{key}"] for _, _, key in rows],
            "own_fall": [numbers[f"randomised_fall_{key}"] for _, _, key in rows],
        }
    )


@traced
@infers
def derive_under_11(leads: Mapping[str, Lead]) -> pd.DataFrame:
    """Children under eleven and, of the others, those who turned eighteen: as printed, and with the arms exchanged.

    One row per order of the labels, each with the arms closest to the printed ones. Columns: order, counts_treat,
    counts_control (words), p_fisher.
    """
    readings = leads["under_11"].readings
    at_printed = readings["reading"].eq("as printed")
    kept = pd.concat([readings[at_printed], readings[~at_printed]]).drop_duplicates("order")
    words = [
        [f"{aged} of {older}" for aged, older in zip(kept[f"aged_out_{arm}"], kept[f"older_{arm}"], strict=True)]
        for arm in ("treat", "control")
    ]
    arms = [f"{a} and {b}" for a, b in zip(kept["n_treat"], kept["n_control"], strict=True)]
    frame = kept[["order", "p_fisher"]].assign(arms=arms, counts_treat=words[0], counts_control=words[1])
    return frame.sort_values("order", ignore_index=True)


@traced
@infers
def derive_windows(leads: Mapping[str, Lead]) -> pd.DataFrame:
    """Re-referrals by stretch of time if the printed definition was used. Columns: stretch, months, rereferrals,
    per_month."""
    numbers = leads["rereferral"].numbers
    rows = [
        ("To the end of the pilot", numbers["months_so_far"], numbers["early"]),
        ("From there to the last day of any window", numbers["months_left"], numbers["later"]),
    ]
    return pd.DataFrame(
        [(name, months, count, count / months) for name, months, count in rows],
        columns=["stretch", "months", "rereferrals", "per_month"],
    )
