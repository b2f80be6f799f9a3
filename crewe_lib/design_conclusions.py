"""What significant and non-significant results of this trial are worth: exaggeration, wrong signs, equivalence.

All of it on closing rests on implied counts, with their rival readings beside them. Differences are in percentage
points, treated less control; one lead child a family.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy.stats import binom, norm

from crewe_lib.arm_percentages import TRIAL_END, table_arms
from crewe_lib.claim_register import read_register
from crewe_lib.claim_rules.power import ALLOCATIONS, read_design
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, percent
from crewe_lib.implied_counts import derive_implied_counts
from crewe_lib.leads.closure import check_closure_at_trial_end
from crewe_lib.models.cluster_power import split_families
from crewe_lib.models.design_analysis import fit_design_analysis, fit_equivalence, fit_equivalence_families
from crewe_lib.models.proportions import fit_newcombe, fit_two_proportions
from crewe_lib.provenance import infers, traced

CLOSING, REFERRALS = "Closed (implied counts)", "Re-referred, at the historical rate"
DIFFERENCES = tuple(float(points) for points in range(2, 26))
EXAMPLES = (2.0, 5.0, 10.0, 15.0, 20.0, 25.0)


def format_chance(value: float) -> str:
    """A chance to a tenth of a per cent, never rounded to none or to certainty."""
    if 0 < value < 0.0005:
        return "under 0.1%"
    return "over 99.9%" if 0.9995 <= value < 1 else percent(1)(value)


EXAGGERATION_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "difference": Column("True difference, points", fixed(0)),
    "power": Column("Chance of significance", percent()),
    "exaggeration": Column("Exaggerated", lambda value: f"{fixed(1)(value)}-fold"),
    "sign_error": Column("Wrong sign, if significant", format_chance),
}
CONCLUSION_COLUMNS: Mapping[str, Column] = {
    "counts": Column("Closed (implied)"),
    "reading": Column("Reading"),
    "difference": Column("Difference, points", fixed(1, sign=True)),
    "interval": Column("Not excluded"),
    "narrow": Column("For equivalence"),
    "equivalent": Column("Within the margin", either("yes", "no")),
    "margin_needed": Column("Margin it could show", fixed(0)),
    "families": Column("Families needed", fixed(0)),
}


@dataclass(frozen=True)
class Counts:
    """Closed families in both arms, treated first, and whether this is the main reading or a rival."""

    k1: int
    n1: int
    k2: int
    n2: int
    reading: str

    @property
    def difference(self) -> float:
        """Difference of the shares."""
        return self.k1 / self.n1 - self.k2 / self.n2

    @property
    def std_error(self) -> float:
        """Its standard error, each arm with its own variance."""
        p1, p2 = self.k1 / self.n1, self.k2 / self.n2
        return math.sqrt(p1 * (1 - p1) / self.n1 + p2 * (1 - p2) / self.n2)


@traced
@infers
def estimate_exaggeration(
    register: pd.DataFrame, *, alpha: float, differences: Sequence[float] = DIFFERENCES
) -> pd.DataFrame:
    """For a range of true differences: chance of significance, exaggeration, and chance of the wrong sign.

    Closing with the standard error of the implied counts (main reading); re-referral with the one that the historical
    rate gives for the families randomised, a lead child each, two to one. Normal approximation. Columns: label,
    difference (points, above 0), std_error (points), power, exaggeration, sign_error (of the significant results),
    least_significant (points), n (families). Raises DataError for a register that lacks a figure, CreweError for a
    difference that is not above 0 or an impossible alpha.
    """
    if wrong := [points for points in differences if not points > 0]:
        raise CreweError(f"differences holds {wrong[0]:g}; each must be above 0, in percentage points.")
    reader, main = read_register(register), _readings(register)[0]
    families, (rate, _) = reader.count("r1.sample.randomised"), read_design(reader, "r1.power.mdes_icc1")
    treated, control = split_families(families, ALLOCATIONS["2:1"])
    errors = {
        CLOSING: (main.std_error, main.n1 + main.n2),
        REFERRALS: (math.sqrt(rate * (1 - rate) * (1 / treated + 1 / control)), families),
    }
    rows = []
    for label, (error, n) in errors.items():
        for points in differences:
            found = fit_design_analysis(points, 100 * error, alpha=alpha)
            rows.append({"label": label, "difference": points, "std_error": 100 * error, **vars(found), "n": n})
    return pd.DataFrame(rows)


def _readings(register: pd.DataFrame) -> list[Counts]:
    """Implied counts of closed families: the main reading, then its rivals with as many families in all."""
    implied = derive_implied_counts(register)
    closed = implied["outcome"].eq("closed") & implied["date"].eq(TRIAL_END)
    main_rows = implied[closed & implied["reading"].eq("main")]
    k, n = (dict(zip(main_rows["arm"], main_rows[name], strict=True)) for name in ("k", "n"))
    main = Counts(k["pc"], n["pc"], k["cec"], n["cec"], "main")
    lead = check_closure_at_trial_end(register).readings
    same = lead[(lead["arm_pc"] + lead["arm_cec"] == main.n1 + main.n2) & lead["pc_closed"].notna()]
    found = [
        Counts(int(row["pc_closed"]), int(row["arm_pc"]), int(row["cec_closed"]), int(row["arm_cec"]), "rival")
        for row in same.to_dict("records")
    ]
    return [main, *(one for one in found if vars(one) | {"reading": "main"} != vars(main))]


@traced
@infers
def summarise_conclusions(register: pd.DataFrame, *, alpha: float, power: float, margin: float) -> pd.DataFrame:
    """What the implied counts of closed families leave open and exclude, and whether they could show equivalence.

    One row per reading, the main one first. Columns: counts and interval (text), reading ('main', 'rival'), n1, n2,
    difference, conf_low, conf_high (Newcombe, 1 − alpha), significant, std_error, least_significant (smallest
    significant estimate by that error), equivalence_low, equivalence_high (1 − 2 alpha), narrow (the same as text),
    equivalent, equivalent_words (whether that interval lies within `margin`), chance (that it does if both arms have
    the share of all families), margin_needed (the margin for which that chance is `power`), families (in both arms,
    with which it is for `margin`; lead children, the same allocation). All in points but chance. Raises CreweError
    unless 0 < margin < 100.
    """
    if not 0 < margin < 100:
        raise CreweError(f"margin is {margin:g}; it must lie between 0 and 100 percentage points.")
    return pd.DataFrame([_conclude(one, alpha, power, margin) for one in _readings(register)])


def _conclude(one: Counts, alpha: float, power: float, margin: float) -> dict[str, object]:
    """One row of `summarise_conclusions`."""
    counts = (one.k1, one.n1, one.k2, one.n2)
    low, high = (100 * end for end in fit_newcombe(*counts, alpha=alpha))
    inner_low, inner_high = (100 * end for end in fit_newcombe(*counts, alpha=2 * alpha))
    inside = -margin < inner_low and inner_high < margin
    share = (one.k1 + one.k2) / (one.n1 + one.n2)
    rates = {"margin": margin / 100, "alpha": alpha, "power": power}
    equivalence = fit_equivalence(share, one.n1, one.n2, **rates)
    return {
        "counts": f"{one.k1} of {one.n1}, {one.k2} of {one.n2}",
        "reading": one.reading,
        "n1": one.n1,
        "n2": one.n2,
        "difference": 100 * one.difference,
        "conf_low": low,
        "conf_high": high,
        "interval": interval(low, high),
        "significant": not low <= 0 <= high,
        "std_error": 100 * one.std_error,
        "least_significant": 100 * float(norm.isf(alpha / 2)) * one.std_error,
        "equivalence_low": inner_low,
        "equivalence_high": inner_high,
        "narrow": interval(inner_low, inner_high),
        "equivalent": inside,
        "equivalent_words": "lies within" if inside else "does not lie within",
        "chance": equivalence.chance,
        "margin_needed": 100 * equivalence.margin_needed,
        "families": math.ceil(fit_equivalence_families(share, ratio=one.n1 / one.n2, **rates)),
    }


@traced
@infers
def summarise_rereferrals(register: pd.DataFrame, *, alpha: float) -> dict[str, float]:
    """Why no design analysis is made of the re-referrals seen: treated, control (printed counts), events (both),
    n1, n2 (implied arms), share (of the control arm), nothing (chance that Fisher's exact test finds a fall to no
    re-referral at all in the treated arm, if the control arm's share is the true one). Raises DataError."""
    reader = read_register(register)
    arms, k1, k2 = table_arms(reader), reader.count("r1.reref.pc"), reader.count("r1.reref.cec")
    n1, n2 = arms["pc"], arms["cec"]
    found = sum(
        float(binom.pmf(k, n2, k2 / n2))
        for k in range(1, n2 + 1)
        if fit_two_proportions(0, n1, k, n2).p_values["Fisher's exact"] <= alpha
    )
    return {"treated": k1, "control": k2, "events": k1 + k2, "n1": n1, "n2": n2, "share": k2 / n2, "nothing": found}


@traced
def derive_exaggeration_points(exaggeration: pd.DataFrame) -> pd.DataFrame:
    """The same in per cent, under headings for readers: the table behind the figure."""
    return pd.DataFrame(
        {
            "Outcome": exaggeration["label"],
            "True difference, points": exaggeration["difference"].map(fixed(0)),
            "Chance of significance, %": 100 * exaggeration["power"],
            "Times too large": exaggeration["exaggeration"],
            "Wrong sign, if significant": exaggeration["sign_error"].map(format_chance),
        }
    )


@traced
def describe_exaggeration(exaggeration: pd.DataFrame) -> dict[str, str]:
    """In words: for each outcome, exaggeration and wrong signs at the smallest and the largest true difference."""
    said = []
    for label, rows in exaggeration.groupby("label", sort=False):
        ends = [
            f"{fixed(1)(row['exaggeration'])}-fold, wrong sign {format_chance(row['sign_error'])}, "
            f"at a true difference of {fixed(0)(row['difference'])} points"
            for row in (rows.iloc[0], rows.iloc[-1])
        ]
        said.append(f"{label}: {'; '.join(ends)}")
    return {"text": f"Significant results exaggerate. {'. '.join(said)}."}
