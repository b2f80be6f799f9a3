"""The power calculation: the four minimum detectable effects, each from the design that the other three imply."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import percentage
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.errors import DataError
from crewe_lib.formats import fixed
from crewe_lib.models.cluster_power import (
    SIGN,
    Design,
    Direction,
    Form,
    fit_detectable,
    fit_families,
    fit_power,
    split_families,
)


@dataclass(frozen=True)
class Assumed:
    """What a printed effect is for: the claim that prints the correlation, and whether the baseline was cut."""

    icc: str
    cut: bool


EFFECTS: Mapping[str, Assumed] = {
    "r1.power.mdes_icc1": Assumed("r1.power.icc_high", cut=False),
    "r1.power.mdes_icc36": Assumed("r1.power.icc_low", cut=False),
    "r1.power.mdes_half_icc1": Assumed("r1.power.icc_high", cut=True),
    "r1.power.mdes_half_icc36": Assumed("r1.power.icc_low", cut=True),
}


# Allocations that the reports' words allow: treated families to one control family.
ALLOCATIONS: Mapping[str, float] = {"1:1": 1.0, "2:1": 2.0, "70:30": 7 / 3}


def read_design(reader: Reader, effect: str) -> tuple[float, Design]:
    """Baseline (a share) and design that a printed effect states."""
    assumed = EFFECTS[effect]
    baseline = reader.share("r1.power.baseline")
    if assumed.cut:
        baseline *= 1 - reader.share("r1.power.half")
    design = Design(
        children=reader.number("r1.design.assumed_children"),
        icc=reader.number(assumed.icc),
        alpha=reader.share("r1.power.alpha"),
        power=reader.share("r1.power.power"),
    )
    return baseline, design


def families_behind(
    reader: Reader, effect: str, *, form: Form, direction: Direction, ratio: float
) -> tuple[float, float] | None:
    """Least and largest number of families, in both arms, with which the effect would be printed as it is.

    None where no number would do: the printed effect is larger than the largest change possible.
    """
    baseline, design = read_design(reader, effect)
    printed, half = reader.number(effect) / 100, reader.claim(effect).half_unit / 100
    most = 1 - baseline if direction == "rise" else baseline
    if printed - half > most:
        return None
    ends = (min(printed + half, most), printed - half)
    low, high = (fit_families(baseline, SIGN[direction] * end, ratio=ratio, design=design, form=form) for end in ends)
    return low, high


def implied_families(
    reader: Reader, effects: Iterable[str], *, form: Form = "arcsine", direction: Direction = "rise", ratio: float = 1.0
) -> tuple[float, float]:
    """Least and largest number of families, in both arms, that give all these effects; the first is the larger where
    none gives all. Inferred. Raises DataError if one of them cannot be reached at all."""
    reader.infer()
    spans = [(id, families_behind(reader, id, form=form, direction=direction, ratio=ratio)) for id in effects]
    if out := [id for id, span in spans if span is None]:
        raise DataError(f"claim {out[0]}: no number of families makes a {direction} of that size possible.")
    found = [span for _, span in spans if span is not None]
    return max(low for low, _ in found), min(high for _, high in found)


def implied_by_allocation(reader: Reader) -> dict[str, int]:
    """Least number of families in both arms that gives all four effects as a rise, by allocation; one that cannot give
    all four is left out. Inferred."""
    spans = {name: implied_families(reader, EFFECTS, ratio=ratio) for name, ratio in ALLOCATIONS.items()}
    return {name: math.ceil(low) for name, (low, high) in spans.items() if math.ceil(low) <= high}


def implied_per_arm(reader: Reader, effects: Iterable[str]) -> int:
    """Families in each of two equal arms that give these effects as a rise: the whole number nearest the middle."""
    low, high = implied_families(reader, effects)
    return round((low + high) / 4)


def power_as_randomised(reader: Reader) -> dict[str, float]:
    """The trial as randomised, two to one, by the arcsine test: its power for a halving of the printed baseline, and
    its least changes (in points), with the children assumed and with those there were (realised)."""
    families = reader.count("r1.sample.randomised")
    treated, control = split_families(families, ALLOCATIONS["2:1"])
    # Below one the register would contradict itself; a family has a child.
    realised = max(1.0, reader.number("r1.sample.children") / families)
    found = {}
    for name in ("icc1", "icc36"):
        baseline, assumed = read_design(reader, f"r1.power.mdes_{name}")
        halving = -baseline * reader.share("r1.power.half")
        for end, design in (("", assumed), ("_realised", replace(assumed, children=realised))):
            arms: dict[str, Any] = {"treated": treated, "control": control, "design": design, "form": "arcsine"}
            found[f"power_halving_{name}{end}"] = fit_power(baseline, halving, **arms)
            for direction in SIGN:
                found[f"own_{direction}_{name}{end}"] = 100 * fit_detectable(baseline, direction=direction, **arms)
    return found


def _effect(effect: str) -> RuleFunction:
    def compute(reader: Reader) -> Recomputed:
        families = implied_per_arm(reader, [id for id in EFFECTS if id != effect])
        baseline, design = read_design(reader, effect)
        found: dict[Direction, float] = {
            direction: 100
            * fit_detectable(
                baseline, treated=families, control=families, design=design, form="arcsine", direction=direction
            )
            for direction in SIGN
        }
        written = f"{fixed(0)(design.children - 1)} × {design.icc:g}"
        how = (
            f"arcsine test, {families} families an arm (implied by the other three figures), "
            f"design effect 1 + {written}, rise from {fixed(1)(100 * baseline)}%"
        )
        fall = (
            "No fall would be detected"
            if math.isnan(found["fall"])
            else f"The least fall is {fixed(1)(found['fall'])} points"
        )
        note = f"This is the least rise in re-referrals that such a design detects. {fall}."
        if found["rise"] > 100 * baseline:
            note += f" A fall as large as the printed figure is impossible from {fixed(1)(100 * baseline)}%."
        return Recomputed(how, value=found["rise"], note=note)

    return compute


for _id in EFFECTS:
    add_rule(_id, _effect(_id), "power")
add_rule("r1.power.mdes_icc1_rel", percentage("r1.power.mdes_icc1", "r1.power.baseline"), "arithmetic")
add_rule("r1.power.mdes_icc36_rel", percentage("r1.power.mdes_icc36", "r1.power.baseline"), "arithmetic")


@rule("r1.power.baseline_lower", "arithmetic")
def compare_baseline(reader: Reader) -> Recomputed:
    """Whether the historical rate is below both averages it is set against."""
    own, region, england = (reader.number(f"r1.power.{name}") for name in ("baseline", "region", "england"))
    word = "lower" if own < min(region, england) else "higher" if own > max(region, england) else "between"
    said = ", ".join(map(fixed(1), (own, region, england)))
    return Recomputed(f"the least of {said}" if word == "lower" else said, words=word, differs="minor")
