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

from crewe_lib.arm_percentages import table_arms
from crewe_lib.claim_register import read_register
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, percent
from crewe_lib.models.design_analysis import fit_design_analysis, fit_equivalence, fit_equivalence_families
from crewe_lib.models.proportions import fit_newcombe, fit_two_proportions
from crewe_lib.provenance import infers, traced
from crewe_lib.rct_implied import estimate_implied_closing

CLOSING = "Closed (implied counts)"
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
    "basis": Column("Fits"),
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
    """Closed families in both arms, treated first, what they fit, and whether this is the main reading or a rival."""

    k1: int
    n1: int
    k2: int
    n2: int
    basis: str
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
    """For a range of true differences in closing: chance of significance, exaggeration, and chance of the wrong sign.

    The standard error is that of the implied counts (main reading), so it rests on the shares seen; the differences do
    not. Normal approximation. Columns: label, difference (points, above 0), std_error (points), power, exaggeration,
    sign_error (of the significant results), least_significant (points), n (families). Raises DataError for a register
    that lacks a figure, CreweError for a difference that is not above 0 or an impossible alpha.
    """
    if wrong := [points for points in differences if not points > 0]:
        raise CreweError(f"differences holds {wrong[0]:g}; each must be above 0, in percentage points.")
    main = _readings(register, alpha)[0]
    shared = {"label": CLOSING, "std_error": 100 * main.std_error, "n": main.n1 + main.n2}
    found = {points: fit_design_analysis(points, 100 * main.std_error, alpha=alpha) for points in differences}
    return pd.DataFrame([{**shared, "difference": points, **vars(one)} for points, one in found.items()])


def _readings(register: pd.DataFrame, alpha: float) -> list[Counts]:
    """Implied counts of closed families, every reading of `estimate_implied_closing`, the main one first."""
    implied = estimate_implied_closing(register, alpha=alpha)
    if not implied["main"].any():
        raise CreweError("closing: no reading of the printed percentages has the arms of the trial, so none is main.")
    ordered = implied.sort_values("main", ascending=False, kind="stable")
    return [
        Counts(
            int(row["k1"]),
            int(row["n1"]),
            int(row["k2"]),
            int(row["n2"]),
            str(row["basis"]),
            "main" if row["main"] else "rival",
        )
        for row in ordered.to_dict("records")
    ]


@traced
@infers
def summarise_conclusions(register: pd.DataFrame, *, alpha: float, power: float, margin: float) -> pd.DataFrame:
    """What the implied counts of closed families leave open and exclude, and whether they could show equivalence.

    One row per reading of `rct_implied.estimate_implied_closing`, the main one first. Columns: counts, basis (what they
    fit) and interval (text), reading ('main', 'rival'), n1, n2, difference, conf_low, conf_high (Newcombe, 1 − alpha),
    significant, std_error, least_significant (smallest significant estimate by that error), equivalence_low,
    equivalence_high (1 − 2 alpha), narrow (the same as text),
    equivalent, equivalent_words (whether that interval lies within `margin`), chance (that it does if both arms have
    the share of all families), margin_needed (the margin for which that chance is `power`), families (in both arms,
    with which it is for `margin`; lead children, the same allocation). All in points but chance. Raises CreweError
    unless 0 < margin < 100.
    """
    if not 0 < margin < 100:
        raise CreweError(f"margin is {margin:g}; it must lie between 0 and 100 percentage points.")
    return pd.DataFrame([_conclude(one, alpha, power, margin) for one in _readings(register, alpha)])


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
        "basis": one.basis,
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
def summarise_readings(conclusions: pd.DataFrame) -> dict[str, float]:
    """Over all readings of `summarise_conclusions`: how many; least and most of difference, of low and high (the ends
    of the intervals, points), of margin (needed) and families; within (readings that lie within the margin), chance
    (of that, at most), significant (readings)."""
    named = {"difference": "difference", "low": "conf_low", "high": "conf_high", "margin": "margin_needed"}
    return {
        "readings": len(conclusions),
        **{
            f"{name}_{end}": float(getattr(conclusions[column], how)())
            for name, column in {**named, "families": "families"}.items()
            for end, how in (("least", "min"), ("most", "max"))
        },
        "within": int(conclusions["equivalent"].sum()),
        "chance": float(conclusions["chance"].max()),
        "significant": int(conclusions["significant"].sum()),
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
