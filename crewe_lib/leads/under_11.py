"""Are the shares of children under 11 printed with the arms exchanged? Whole numbers, and who was old enough to leave:
everybody who turned 18 by the end of the study was well over 11 at referral."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import stats

from crewe_lib.arm_percentages import (
    AGED,
    AGED_N,
    ARMS,
    N_PRINTED,
    NOVEMBER_2019,
    UNDER_11,
    Arm,
    aged_out_splits,
    arm_sizes,
    how_printed,
    printed_arms,
    recommended_arms,
    table_arms,
    whole_numbers,
)
from crewe_lib.claim_classes import ALPHA
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, p_phrase, p_value, percent
from crewe_lib.leads import Lead, Verdict
from crewe_lib.models.proportions import fit_two_proportions
from crewe_lib.provenance import infers, traced

AGE_SPLIT = "r2.def.age_split"
FIRST_REFERRAL, LAST_REFERRAL, STUDY_END = "r1.design.rct_start", "r1.design.rct_end", "r2.design.study_end"
ADULT = 18
ORDERS = (("as printed", "printed"), ("exchanged", "exchanged"))
SETTLES = "The age at referral and the arm of each lead child, or the numbers behind the 2020 report's Figure 13."
DAYS_PER_YEAR = 365.25
COLUMNS: Mapping[str, Column] = {
    "order": Column("Labels of the arms"),
    "reading": Column("Arms"),
    "n_treat": Column("FACT22", fixed(0)),
    "under_11_treat": Column("under 11", fixed(0)),
    "older_treat": Column("11 or over", fixed(0)),
    "aged_out_treat": Column("aged out", fixed(0)),
    "n_control": Column("Cheshire East", fixed(0)),
    "under_11_control": Column("under 11", fixed(0)),
    "older_control": Column("11 or over", fixed(0)),
    "aged_out_control": Column("aged out", fixed(0)),
    "cut_off": Column("Shares cut off", fixed(0)),
    "share_treat": Column("Aged out of those 11 or over, FACT22", percent()),
    "share_control": Column("Cheshire East", percent()),
    "p_fisher": Column("p, Fisher", p_value),
    "p_many_control": Column("Chance of so many, Cheshire East", p_value),
    "p_few_treat": Column("Chance of so few, FACT22", p_value),
}


@traced
@infers
def check_under_11(register: pd.DataFrame) -> Lead:
    """Compare the shares under 11 as printed and with the arms' labels exchanged.

    Readings: both orders of the labels at every pair of arms that the November 2019 records may have had and whose
    whole numbers print as all shares (of under-11s: rounded only) and the number aged out. p_fisher compares the arms;
    the last two columns are binomial chances if ages at referral are spread evenly from 11 to 18, and referrals over
    the trial. A referral long before the trial would let younger children turn 18 in time. Raises DataError.
    """
    reader = read_register(register)
    chance = share_old_enough(reader)
    totals = {reader.count(f"r2.sample.{name}") for name in ("families", "some_outcomes", "recommended")}
    rows = [
        row
        for order, _ in ORDERS
        for pc, cec in itertools.product(*(arm_sizes(reader, arm, NOVEMBER_2019) for arm in ARMS))
        if pc + cec in totals
        for row in _rows(reader, order, {"pc": pc, "cec": cec}, chance)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = {**_ages(reader), "share_old_enough": chance, **_attained(reader), **_contrasts(reader, table)}
    return Lead(
        "under_11",
        "Are the shares of children under 11 printed with the arms exchanged?",
        _verdict(numbers),
        _finding(reader, numbers),
        SETTLES,
        (*UNDER_11.values(), *AGED.values(), AGED_N, *N_PRINTED.values()),
        table,
        numbers,
    )


def share_old_enough(reader: Reader) -> float:
    """Share of children aged 11 to 17 at referral who turn 18 by the study's end, ages and referrals spread evenly."""
    split = reader.number(AGE_SPLIT)
    ages = _ages(reader)
    middle = (ages["youngest_first"] + ages["youngest_last"]) / 2
    return min(1.0, max(0.0, (ADULT - middle) / (ADULT - split)))


def _ages(reader: Reader) -> dict[str, float]:
    """Least age at referral, in years, of a child who turns 18 by the study's end: first and last referral."""
    end = reader.day(STUDY_END, end=True)
    first, last = reader.day(FIRST_REFERRAL), reader.day(LAST_REFERRAL, end=True)
    return {
        "youngest_first": ADULT - (end - first).days / DAYS_PER_YEAR,
        "youngest_last": ADULT - (end - last).days / DAYS_PER_YEAR,
    }


def _claims(order: str) -> dict[Arm, str]:
    """The claim of each arm's share under 11, with the labels as printed or exchanged."""
    return dict(UNDER_11) if order == "as printed" else {"pc": UNDER_11["cec"], "cec": UNDER_11["pc"]}


def _rows(reader: Reader, order: str, arms: Mapping[Arm, int], chance: float) -> list[dict[str, Any]]:
    own = {arm: reader.claim(id) for arm, id in _claims(order).items()}
    young = {arm: whole_numbers(own[arm], arms[arm], cut=False) for arm in ARMS}
    return [
        _row(reader, order, arms, {"pc": a, "cec": b}, {"pc": c, "cec": d}, chance)
        for a in young["pc"]
        for b in young["cec"]
        for c, d in aged_out_splits(reader, arms)
        if arms["pc"] - a >= max(c, 1) and arms["cec"] - b >= max(d, 1)
    ]


def _row(
    reader: Reader,
    order: str,
    arms: Mapping[Arm, int],
    young: Mapping[Arm, int],
    aged: Mapping[Arm, int],
    chance: float,
) -> dict[str, Any]:
    older = {arm: arms[arm] - young[arm] for arm in ARMS}
    fit = fit_two_proportions(aged["pc"], older["pc"], aged["cec"], older["cec"])
    cut = sum(how_printed(aged[arm], arms[arm], reader.claim(AGED[arm])) == "cut off" for arm in ARMS)
    return {
        "order": order,
        "reading": _name(reader, arms),
        "n_treat": arms["pc"],
        "under_11_treat": young["pc"],
        "older_treat": older["pc"],
        "aged_out_treat": aged["pc"],
        "n_control": arms["cec"],
        "under_11_control": young["cec"],
        "older_control": older["cec"],
        "aged_out_control": aged["cec"],
        "cut_off": cut,
        "share_treat": aged["pc"] / older["pc"],
        "share_control": aged["cec"] / older["cec"],
        "p_fisher": fit.p_values["Fisher's exact"],
        "p_many_control": float(stats.binom.sf(aged["cec"] - 1, older["cec"], chance)),
        "p_few_treat": float(stats.binom.cdf(aged["pc"], older["pc"], chance)),
    }


def _name(reader: Reader, arms: Mapping[Arm, int]) -> str:
    if arms == printed_arms(reader):
        return "as printed"
    if arms == table_arms(reader):
        return "implied by the 2017 report's cost tables"
    if arms == recommended_arms(reader):
        return "implied by the shares of all recommended"
    return "others"


def _attained(reader: Reader) -> dict[str, Any]:
    """Whole numbers of the printed arms that print as the shares under 11, by order of the labels; 0 for none."""
    arms, out = printed_arms(reader), {}
    for order, stem in ORDERS:
        for arm, id in _claims(order).items():
            found = whole_numbers(reader.claim(id), arms[arm], cut=False)
            out[f"{stem}_k_{arm}"] = found[0] if found else 0
            out[f"{stem}_fits_{arm}"] = bool(found)
    return out


def _contrasts(reader: Reader, table: pd.DataFrame) -> dict[str, Any]:
    """Ageing out among the older children at the printed arms, by order of the labels.

    As printed, an arm that no whole number fits has the largest number of older children that its share allows.
    """
    same = table[table["order"] == "as printed"]
    out: dict[str, Any] = {"readings_as_printed": len(same)}
    if len(same):
        out["as_printed_p_greatest"] = float(same["p_fisher"].max())
    arms = printed_arms(reader)
    aged = aged_out_splits(reader, arms)
    for order, stem in ORDERS:
        older = {arm: _older(reader, id, arms[arm]) for arm, id in _claims(order).items()}
        for pc, cec in aged[:1]:
            fit = fit_two_proportions(pc, max(older["pc"], pc), cec, max(older["cec"], cec))
            out |= {f"{stem}_older_pc": older["pc"], f"{stem}_older_cec": older["cec"]}
            out |= {f"{stem}_p_fisher": fit.p_values["Fisher's exact"], "aged_pc": pc, "aged_cec": cec}
    return out


def _older(reader: Reader, id: str, n: int) -> int:
    """Children aged 11 or over out of n: by the whole number that prints the share, else the most it allows."""
    claim = reader.claim(id)
    young = whole_numbers(claim, n, cut=False)
    return n - (young[0] if young else int(claim.number * n / 100))


def _verdict(numbers: Mapping[str, Any]) -> Verdict:
    """Confirmed at most in part: both signs are indirect."""
    printed = numbers["printed_fits_pc"] and numbers["printed_fits_cec"]
    exchanged = numbers["exchanged_fits_pc"] and numbers["exchanged_fits_cec"]
    if not exchanged:
        return "refuted" if printed else "open"
    ages = numbers.get("printed_p_fisher", 1.0) < ALPHA <= numbers.get("exchanged_p_fisher", 0.0)
    return "confirmed in part" if ages and not printed else "open"


def _finding(reader: Reader, numbers: Mapping[str, Any]) -> str:
    arms = printed_arms(reader)
    shares = {arm: f"{reader.claim(id).value}%" for arm, id in UNDER_11.items()}
    if numbers["printed_fits_pc"] and numbers["printed_fits_cec"]:
        text = f"Whole numbers out of {arms['pc']} and {arms['cec']} print as {shares['pc']} and {shares['cec']}"
    else:
        arm: Arm = "pc" if not numbers["printed_fits_pc"] else "cec"
        text = f"No whole number out of {arms[arm]} prints as {shares[arm]}"
    if numbers["exchanged_fits_pc"] and numbers["exchanged_fits_cec"]:
        text += (
            f"; with the labels of the arms exchanged the implied numbers are {numbers['exchanged_k_pc']} of "
            f"{arms['pc']} and {numbers['exchanged_k_cec']} of {arms['cec']}"
        )
    else:
        text += "; exchanging the labels of the arms implies no whole numbers for both either"
    if "printed_p_fisher" in numbers:
        text += (
            f". Of the implied children aged {reader.claim(AGE_SPLIT).value} or over, "
            f"{numbers['aged_cec']} of {numbers['printed_older_cec']} in Cheshire East and {numbers['aged_pc']} of "
            f"{numbers['printed_older_pc']} with FACT22 would have turned {ADULT} as printed (Fisher's test, "
            f"{p_phrase(numbers['printed_p_fisher'])}), and {numbers['aged_cec']} of "
            f"{numbers['exchanged_older_cec']} and {numbers['aged_pc']} of {numbers['exchanged_older_pc']} with the "
            f"labels exchanged ({p_phrase(numbers['exchanged_p_fisher'])})"
        )
    if "as_printed_p_greatest" in numbers:
        text += (
            ". Other implied arms allow the printed order; among those children the arms then differ as much "
            f"(at most {p_phrase(numbers['as_printed_p_greatest'])})"
        )
    return text + "."
