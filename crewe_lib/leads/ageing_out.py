"""Was ageing out balanced between the arms? Every test at the counts implied by the printed numbers, and at rivals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.arm_percentages import (
    AGED,
    AGED_N,
    ARMS,
    Split,
    every_aged_out_split,
    how_printed,
    printed_arms,
    recommended_arms,
    table_arms,
)
from crewe_lib.claim_classes import ALPHA
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, p_value, percent, spelt
from crewe_lib.implied import Pair, printed_pairs
from crewe_lib.leads import Lead, Verdict
from crewe_lib.models.proportions import fit_two_proportions
from crewe_lib.provenance import infers, traced

AGED_PCT, BALANCE = "r2.sample.aged_pct", "r2.demo.aged_test"
TABLES, RECOMMENDED = "arms implied by the 2017 report's cost tables", "arms implied by the shares of all recommended"
COLUMNS: Mapping[str, Column] = {
    "reading": Column("Reading"),
    "k_treat": Column("Aged out, FACT22", fixed(0)),
    "n_treat": Column("of", fixed(0)),
    "k_control": Column("Aged out, Cheshire East", fixed(0)),
    "n_control": Column("of", fixed(0)),
    "matched": Column("Printed numbers matched", fixed(0)),
    "cut_off": Column("of them by cutting off", fixed(0)),
    "difference": Column("Difference, points", fixed(1)),
    "conf_low": Column("95% from", fixed(1)),
    "conf_high": Column("to", fixed(1)),
    "p_fisher": Column("p, Fisher", p_value),
    "p_chi_square": Column("p, chi-square", p_value),
    "p_yates": Column("p, Yates", p_value),
    "p_least": Column("Least p", p_value),
    "p_greatest": Column("Greatest p", p_value),
    "tests": Column("Tests", fixed(0)),
    "tests_above": Column("with p ≥ 0.05", fixed(0)),
}


@traced
@infers
def check_ageing_out(register: pd.DataFrame) -> Lead:
    """Hold the printed 'p > 0.05' for ageing out against ten tests, at the printed arms and at rival ones.

    Readings: see `every_aged_out_split`. `matched` counts how many of the four printed numbers (two shares, the total
    share, the number) a reading gives, `cut_off` how many of these only if digits were cut off. Raises DataError.
    """
    reader = read_register(register)
    arms = printed_arms(reader)
    table = pd.DataFrame([_row(reader, split) for split in every_aged_out_split(reader)])
    if table.empty:
        return _nothing_fits(reader)
    table = table.sort_values(["rank", "matched", "cut_off"], ascending=[True, False, True], kind="stable")
    table = table.drop(columns="rank").reset_index(drop=True)
    number = reader.count(AGED_N)
    own = table[(table["n_treat"] == arms["pc"]) & (table["n_control"] == arms["cec"])]
    own = own[own["k_treat"] + own["k_control"] == number]
    numbers = {**_summarise(table, number), **_at_printed_arms(own, len(table)), **_closing_gap(reader, own)}
    return Lead(
        "ageing_out",
        "Was ageing out balanced between the arms?",
        _verdict(own, reader.text(BALANCE)),
        _finding(reader, own, numbers),
        "The arm and date of birth of each lead child, or the name and output of the balance test. A joint test of "
        "several characteristics, or a correction for testing several, would also explain the statement; neither is "
        "described.",
        (BALANCE, *AGED.values(), AGED_N, AGED_PCT, "r2.sample.n_treat", "r2.sample.n_control"),
        table,
        numbers,
    )


def _row(reader: Reader, split: Split) -> dict[str, Any]:
    fit = fit_two_proportions(split.k_treat, split.n_treat, split.k_control, split.n_control)
    p_values = list(fit.p_values.values())
    both, families = split.k_treat + split.k_control, split.n_treat + split.n_control
    how = [
        how_printed(split.k_treat, split.n_treat, reader.claim(AGED["pc"])),
        how_printed(split.k_control, split.n_control, reader.claim(AGED["cec"])),
        how_printed(both, families, reader.claim(AGED_PCT)),
    ]
    rank, reading = _name(reader, split)
    return {
        "rank": rank,
        "reading": reading,
        **vars(split),
        "matched": sum(map(bool, how)) + (both == reader.count(AGED_N)),
        "cut_off": how.count("cut off"),
        "difference": 100 * fit.difference,
        "conf_low": 100 * fit.conf_low,
        "conf_high": 100 * fit.conf_high,
        "p_fisher": fit.p_values["Fisher's exact"],
        "p_chi_square": fit.p_values["chi-square"],
        "p_yates": fit.p_values["chi-square, Yates"],
        "p_least": min(p_values),
        "p_greatest": max(p_values),
        "tests": len(p_values),
        "tests_above": sum(p >= ALPHA for p in p_values),
    }


def _name(reader: Reader, split: Split) -> tuple[int, str]:
    pair, printed, tables = (split.n_treat, split.n_control), printed_arms(reader), table_arms(reader)
    if pair == (printed["pc"], printed["cec"]):
        return 0, "arms as printed"
    if pair == (tables["pc"], tables["cec"]):
        return 1, TABLES
    recommended = recommended_arms(reader)
    if recommended and pair == (recommended["pc"], recommended["cec"]):
        return 2, RECOMMENDED
    return 3, "other arms"


def _at_printed_arms(own: pd.DataFrame, splits: int) -> dict[str, Any]:
    """Numbers of the implied split at the printed arms, with the exact unconditional tests beside."""
    if own.empty:
        return {"splits": splits, "printed_arms_fit": False}
    row = own.iloc[0]
    table = np.array([[row.k_treat, row.k_control], [row.n_treat - row.k_treat, row.n_control - row.k_control]])
    return {
        "splits": splits,
        "printed_arms_fit": True,
        "k_treat": int(row.k_treat),
        "k_control": int(row.k_control),
        "difference": float(row.difference),
        "conf_low": float(row.conf_low),
        "conf_high": float(row.conf_high),
        "p_fisher": float(row.p_fisher),
        "p_least": float(own["p_least"].min()),
        "p_greatest": float(own["p_greatest"].max()),
        "cut_off": int(row.cut_off),
        "tests": int(row.tests),
        "p_boschloo": float(stats.boschloo_exact(table).pvalue),
        "p_barnard": float(stats.barnard_exact(table).pvalue),
    }


def _closing_gap(reader: Reader, own: pd.DataFrame) -> dict[str, Any]:
    """FACT22 less Cheshire East, in points, of the shares closed in 2019: of all, and of those who had not aged out if
    everybody who had was coded closed. Counts at the printed arms; empty where none fit."""
    arms = printed_arms(reader)
    pairs = printed_pairs(reader, ("r2.closure.treat", "r2.closure.control"), [(arms["pc"], arms["cec"])])
    if own.empty or not pairs:
        return {}
    (gone1, gone2), pair = own[["k_treat", "k_control"]].to_numpy().tolist()[0], pairs[0]
    rest = Pair(pair.k1 - gone1, pair.n1 - gone1, pair.k2 - gone2, pair.n2 - gone2)
    return {"gap_closed": pair.gap, "gap_not_aged": rest.gap, "closed_not_aged": rest.written}


def _summarise(table: pd.DataFrame, number: int) -> dict[str, Any]:
    """How the readings with the printed number of children come out, and those of the arms of the tables."""
    same = table[table["k_treat"] + table["k_control"] == number]
    full = table[table["matched"] == 4]
    rounded = full[full["cut_off"] == 0]
    found: dict[str, Any] = {
        "splits_with_number": len(same),
        "with_number_chi_square_above": int((same["p_chi_square"] >= ALPHA).sum()),
        "with_number_fisher_above": int((same["p_fisher"] >= ALPHA).sum()),
        "with_number_any_above": int((same["tests_above"] > 0).sum()),
        "with_number_all_above": int((same["tests_above"] == same["tests"]).sum()),
        "full": len(full),
        "full_any_above": int((full["tests_above"] > 0).sum()),
        "full_rounded": len(rounded),
        "full_rounded_above": int((rounded["tests_above"] > 0).sum()),
        "all_above": int((table["tests_above"] == table["tests"]).sum()),
    }
    for name, reading in (("tables", TABLES), ("recommended", RECOMMENDED)):
        for row in same[same["reading"] == reading].head(1).to_dict("records"):
            found |= {f"{name}_{column}": row[column] for column in COLUMNS if column != "reading"}
    return found


def _verdict(own: pd.DataFrame, printed: str) -> Verdict:
    """Against the printed statement, at the printed arms: do all, some or no tests contradict it?"""
    if own.empty:
        return "open"
    below = printed != "significant"
    contradict = own["tests"].sum() - own["tests_above"].sum() if below else own["tests_above"].sum()
    if contradict == own["tests"].sum():
        return "confirmed"
    return "confirmed in part" if contradict else "refuted"


def _finding(reader: Reader, own: pd.DataFrame, numbers: Mapping[str, Any]) -> str:
    arms, number = printed_arms(reader), reader.count(AGED_N)
    if own.empty:
        return (
            f"No whole numbers out of {arms['pc']} and {arms['cec']} print as both percentages and add up to {number}; "
            "the implied counts stay open."
        )
    row = own.iloc[0]
    cut = f"{spelt(row.cut_off).capitalize()} of the four printed numbers must then have been cut off. "
    cut = cut if row.cut_off else ""
    text = (
        f"The printed shares and the {number} children allow {spelt(len(own))} implied division of the printed arms: "
        f"{row.k_treat} of {row.n_treat} against {row.k_control} of {row.n_control}, a difference of "
        f"{fixed(1)(row.difference)} percentage points (95% interval {fixed(1)(row.conf_low)} to "
        f"{fixed(1)(row.conf_high)}). {cut}The {spelt(int(row.tests))} tests tried give "
        f"p = {p_value(numbers['p_least'])} to {p_value(numbers['p_greatest'])}."
    )
    if numbers["full"]:
        text += (
            f" Of {numbers['full']} implied readings that give all four printed numbers, some with other arms, "
            f"{numbers['full_any_above']} {'has' if numbers['full_any_above'] == 1 else 'have'} a test above 0.05"
            f"; of the {numbers['full_rounded']} that need no cutting off, {numbers['full_rounded_above'] or 'none'}."
        )
    if "tables_n_treat" in numbers:
        text += (
            f" With arms of {numbers['tables_n_treat']} and {numbers['tables_n_control']}, which the 2017 report's "
            f"cost tables imply, Fisher's test gives {p_value(numbers['tables_p_fisher'])} and the chi-square test "
            f"with Yates's correction {p_value(numbers['tables_p_yates'])}."
        )
    if "recommended_n_treat" in numbers:
        rounded = numbers["recommended_matched"] == 4 and not numbers["recommended_cut_off"]
        text += (
            f" With {numbers['recommended_n_treat']} and {numbers['recommended_n_control']}, implied by the shares of "
            f"all families recommended, {'every printed number follows by rounding and ' if rounded else ''}"
            f"p is at most {p_value(numbers['recommended_p_greatest'])}."
        )
    return text


def _nothing_fits(reader: Reader) -> Lead:
    shares = " and ".join(percent()(reader.share(AGED[arm])) for arm in ARMS)
    return Lead(
        "ageing_out",
        "Was ageing out balanced between the arms?",
        "open",
        f"No whole numbers of families print as {shares}, so no implied counts can be tested.",
        "The arm and date of birth of each of the lead children.",
        (BALANCE, *AGED.values(), AGED_N),
        pd.DataFrame(columns=list(COLUMNS)),
        {"splits": 0, "printed_arms_fit": False},
    )
