"""The design of the trial: families who crossed over, and what is counted where (families, children or pupils)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, plain
from crewe_lib.leads import Lead
from crewe_lib.provenance import infers, traced

_POINTS = fixed(1, sign=True)
CROSSOVER_COLUMNS: Mapping[str, Column] = {
    "reading": Column("Assumption"),
    "treatment": Column("FACT22 (%)", fixed(1)),
    "control": Column("Cheshire East (%)", fixed(1)),
    "difference": Column("Difference (points)", _POINTS),
}
UNIT_COLUMNS: Mapping[str, Column] = {
    "reading": Column("Units analysed"),
    "units": Column("Units", fixed(0)),
    "families": Column("Families", fixed(0)),
    "per_family": Column("Per family", fixed(2)),
    "icc": Column("Intra-family correlation", plain),
    "design_effect": Column("Design effect", fixed(2)),
    "effective": Column("Worth independent units", fixed(0)),
}


@traced
@infers
def check_crossover(register: pd.DataFrame) -> Lead:
    """Can the control families that later got FACT22 explain that fewer FACT22 cases were closed in the long run?

    Counts are implied by the printed percentages and arms. readings: reading, treatment, control (percent
    closed), difference (percentage points) under: what is printed; an effect that is the same for all (dilution); the
    extreme cases in which all crossing families, or none, owe their closure to FACT22; families counted by the service
    they got; crossing families left out. Raises DataError.
    """
    reader = read_register(register)
    crossed, n1, n0 = (
        reader.count(id) for id in ("r2.design.crossover", "r2.sample.n_treat", "r2.sample.n_control")
    )  # fmt: skip
    if not 0 <= crossed < n0:
        raise DataError(f"{crossed} of {n0} control families cannot have crossed over with some left to compare.")
    k1, k0 = round(reader.share("r2.closure.treat") * n1), round(reader.share("r2.closure.control") * n0)
    readings = _crossover_readings(k1, n1, k0, n0, crossed)
    gaps = dict(zip(readings["reading"], readings["difference"], strict=True))
    numbers = {
        "crossed": crossed,
        "controls": n0,
        "share": crossed / n0,
        "printed_gap": gaps["implied counts"],
        "diluted_gap": gaps["the same effect on every family"],
        "best_gap": gaps["every closure of a crossing family is owed to FACT22"],
        "closed_treatment": k1,
        "closed_control": k0,
    }
    turns = numbers["printed_gap"] < 0 <= numbers["best_gap"]
    return Lead(
        id="crossover",
        title="Can crossing families explain the long-term gap in closures?",
        verdict="confirmed in part" if turns else "confirmed" if numbers["printed_gap"] < 0 else "refuted",
        finding=_crossover_words(numbers),
        settles="The outcomes of the crossing families, with the dates at which they got FACT22, would settle it.",
        claims=tuple(sorted(reader.read)),
        readings=readings,
        numbers=numbers,
    )


def _crossover_words(numbers: Mapping[str, float]) -> str:
    return (
        f"{fixed(0)(numbers['crossed'])} of {fixed(0)(numbers['controls'])} control families "
        f"({fixed(0)(100 * numbers['share'])}%) crossed over. An effect that is the same for all families would be "
        f"diluted by that share and no more: the implied gap of {_POINTS(numbers['printed_gap'])} points would be "
        f"{_POINTS(numbers['diluted_gap'])}, of the same sign. Only if every crossing family was closed because of "
        "FACT22, and none of them would have been closed otherwise, would the gap be "
        f"{_POINTS(numbers['best_gap'])}."
    )


def _crossover_readings(k1: int, n1: int, k0: int, n0: int, crossed: int) -> pd.DataFrame:
    p1, p0 = 100 * k1 / n1, 100 * k0 / n0
    effect = (p1 - p0) / (1 - crossed / n0)
    most, least = min(crossed, k0), max(0, crossed - (n0 - k0))
    rest = n0 - crossed
    rows = [
        ("implied counts", p1, p0),
        ("the same effect on every family", p1, p1 - effect),
        ("every closure of a crossing family is owed to FACT22", p1, 100 * (k0 - most) / n0),
        ("FACT22 kept every crossing family open", p1, 100 * min(k0 - least + crossed, n0) / n0),
        (
            "by service received, all crossing families closed",
            100 * (k1 + most) / (n1 + crossed),
            100 * (k0 - most) / rest,
        ),
        (
            "by service received, as few closed as can be",
            100 * (k1 + least) / (n1 + crossed),
            100 * (k0 - least) / rest,
        ),
        ("left out, all crossing families closed", p1, 100 * (k0 - most) / rest),
        ("left out, as few closed as can be", p1, 100 * (k0 - least) / rest),
    ]
    frame = pd.DataFrame(rows, columns=["reading", "treatment", "control"])
    return frame.assign(difference=frame["treatment"] - frame["control"])


@traced
@infers
def check_unit_of_analysis(register: pd.DataFrame) -> Lead:
    """Are the 'cases' families or children, and what does clustering by family do to analyses of children?

    The design effect is 1 + (m − 1) × ICC, for m equal units per family; unequal families make it larger. readings:
    one row per analysis and correlation: reading, units, families, per_family, icc, design_effect, effective. Raises
    DataError.
    """
    reader = read_register(register)
    cases, families = reader.number("r1.sample.randomised"), reader.number("sum.sample.families")
    children = reader.number("r1.sample.children")
    readings = _unit_readings(reader, families, children)
    own = readings[readings["reading"].str.startswith("pupils")]
    high = float(own["design_effect"].max())
    numbers = {
        "cases": cases,
        "families": families,
        "children": children,
        "pupils": reader.number("r1.att.n"),
        "per_family": children / families,
        "assumed_per_family": reader.number("r1.design.assumed_children"),
        "design_effect_low": float(own["design_effect"].min()),
        "design_effect_high": high,
        "error_factor": math.sqrt(high),
        "effective_low": float(own["effective"].min()),
    }
    same = cases == families and children > cases
    return Lead(
        id="unit_of_analysis",
        title="Are cases families or children?",
        verdict="confirmed" if same else "refuted" if cases == children else "open",
        finding=_unit_words(numbers),
        settles="Family numbers in the analysis files would settle it, also for the pupils.",
        claims=tuple(sorted(reader.read)),
        readings=readings,
        numbers=numbers,
    )


def _unit_readings(reader: Reader, families: float, children: float) -> pd.DataFrame:
    """Design effects of children and of pupils, these from the most and the fewest families they can come from."""
    pupils = reader.number("r1.att.n")
    rows = []
    for icc in (reader.number("r1.power.icc_low"), reader.number("r1.power.icc_high")):
        rows += [
            _design("children", children, families, icc),
            _design("pupils, from as many families as can be", pupils, min(families, pupils), icc),
            _design("pupils, from as few as the mean family allows", pupils, pupils * families / children, icc),
        ]
    return pd.DataFrame(rows, columns=list(UNIT_COLUMNS))


def _unit_words(numbers: Mapping[str, float]) -> str:
    whole, two = fixed(0), fixed(2)
    return (
        f"The {whole(numbers['cases'])} 'cases (individual CIN)' are implied to be families: the summary counts "
        f"{whole(numbers['families'])} families with {whole(numbers['children'])} children, "
        f"{two(numbers['per_family'])} each (the power calculation assumes {whole(numbers['assumed_per_family'])}). "
        f"Attendance was compared over {whole(numbers['pupils'])} pupils as if independent, though arms were set by "
        "family; with the correlations of the power calculation the implied design effect is "
        f"{two(numbers['design_effect_low'])} to {two(numbers['design_effect_high'])}, so standard errors would be up "
        f"to {whole(100 * (numbers['error_factor'] - 1))}% larger."
    )


def _design(
    name: str, units: float, families: float, icc: float
) -> tuple[str, float, float, float, float, float, float]:
    m = units / families
    effect = 1 + (m - 1) * icc
    return name, units, families, m, icc, effect, units / effect
