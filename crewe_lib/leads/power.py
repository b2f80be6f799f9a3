"""What the four minimum detectable effects of the power calculation are effects of, and for how many families."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_rules.power import ALLOCATIONS, EFFECTS, families_behind, power_as_randomised, read_design
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, percent, spelt
from crewe_lib.leads import Lead, Verdict
from crewe_lib.models.cluster_power import FORMS, SIGN, Direction, Form, fit_detectable, split_families
from crewe_lib.provenance import infers, traced

FORM_WORDS: Mapping[str, str] = {
    "arcsine": "arcsine (Cohen's h)",
    "unpooled": "each arm's own variance",
    "pooled": "pooled variance",
    "baseline": "variance at the baseline",
}
MEASURES = {id: id.rpartition("mdes_")[2] for id in EFFECTS}
COLUMNS: Mapping[str, Column] = {
    "label": Column("Families"),
    "form": Column("Test", FORM_WORDS.__getitem__),
    "direction": Column("Change"),
    "allocation": Column("Allocation"),
    "families": Column("In both arms", fixed(0)),
    "icc1": Column("ICC 1", fixed(1)),
    "icc36": Column("Lower ICC", fixed(1)),
    "half_icc1": Column("Halved baseline, ICC 1", fixed(1)),
    "half_icc36": Column("Halved baseline, lower ICC", fixed(1)),
    "matches": Column("Printed figures given", fixed(0)),
}


@dataclass(frozen=True)
class Sizes:
    """The numbers of families for which a reading gives the most printed effects, and how many that is."""

    low: int
    high: int
    matches: int


@traced
@infers
def check_power_calculation(register: pd.DataFrame) -> Lead:
    """Whether the printed effects are rises, for how many families, and whether that is the trial's number.

    Every form of the test, direction and allocation is searched for the numbers of families that give the printed
    figures; the trial's own numbers are set beside. Effects in percentage points. Raises DataError.
    """
    reader = read_register(register)
    searched = pd.DataFrame(
        [_search(reader, form, direction, name) for form in FORMS for direction in SIGN for name in ALLOCATIONS]
    )
    readings = pd.concat([searched, pd.DataFrame(_stated_sizes(reader))], ignore_index=True)
    numbers = _derive_numbers(reader, searched, readings)
    return Lead(
        id="power_calculation",
        title="What could the trial have detected?",
        verdict=_judge(numbers),
        finding=_write_finding(numbers),
        settles=(
            "The authors' input to the power calculation: the formula, the direction of the effect, and the number of "
            "families in each arm that it was run for."
        ),
        claims=(*EFFECTS, "r1.power.baseline", "r1.design.assumed_children", "r1.design.shortfall"),
        readings=readings,
        numbers=numbers,
    )


def _search(reader: Reader, form: Form, direction: Direction, allocation: str) -> dict[str, Any]:
    """The numbers of families that give the most printed effects under one reading, and the effects at their middle."""
    ratio = ALLOCATIONS[allocation]
    spans = [
        span
        for id in EFFECTS
        if (span := families_behind(reader, id, form=form, direction=direction, ratio=ratio)) is not None
    ]
    sizes = _most_matches(spans)
    row = {"label": "found by search", "form": form, "direction": direction, "allocation": allocation}
    middle = (sizes.low + sizes.high) // 2
    effects = _effects(reader, form, direction, ratio, middle)
    return {**row, "families": middle, **effects, "matches": sizes.matches, "low": sizes.low, "high": sizes.high}


def _most_matches(spans: list[tuple[float, float]]) -> Sizes:
    """The first run of whole numbers that lie in as many spans as any do."""
    first, last = math.floor(min(low for low, _ in spans)), math.ceil(max(high for _, high in spans))
    counts = {n: sum(low <= n <= high for low, high in spans) for n in range(first, last + 1)}
    most = max(counts.values())
    low = next(n for n, found in counts.items() if found == most)
    high = low
    while counts.get(high + 1) == most:
        high += 1
    return Sizes(low, high, most)


def _effects(reader: Reader, form: Form, direction: Direction, ratio: float, families: float) -> dict[str, float]:
    """The four effects, in percentage points, with so many families."""
    treated, control = split_families(families, ratio)
    found = {}
    for id, measure in MEASURES.items():
        baseline, design = read_design(reader, id)
        least = fit_detectable(
            baseline, treated=treated, control=control, design=design, form=form, direction=direction
        )
        found[measure] = 100 * least
    return found


def _stated_sizes(reader: Reader) -> list[dict[str, Any]]:
    """The arcsine effects at the numbers of families that the reports state or their words imply."""
    randomised = reader.count("r1.sample.randomised")
    shortfall = reader.share("r1.design.shortfall")
    sizes = {
        "randomised": randomised,
        "randomised, second report": reader.count("r2.sample.families"),
        "analysed": reader.count("r1.sample.final"),
        "expected, by the stated shortfall": round(randomised / (1 - shortfall)),
    }
    rows = []
    for label, families in sizes.items():
        for direction in SIGN:
            for allocation in ("1:1", "2:1"):
                effects = _effects(reader, "arcsine", direction, ALLOCATIONS[allocation], families)
                matches = _count_printed(reader, effects)
                row = {"label": label, "form": "arcsine", "direction": direction, "allocation": allocation}
                rows.append({**row, "families": families, **effects, "matches": matches})
    return rows


def _count_printed(reader: Reader, effects: Mapping[str, float]) -> int:
    """How many of the four effects are printed so, to the digit."""
    close = [
        abs(effects[measure] - reader.number(id)) <= reader.claim(id).half_unit for id, measure in MEASURES.items()
    ]
    return sum(close)


def _derive_numbers(reader: Reader, searched: pd.DataFrame, readings: pd.DataFrame) -> dict[str, Any]:
    """Values for prose: the best reading, what it detects as a fall, and the trial's own numbers."""
    most = int(searched["matches"].max())
    hits = searched[searched["matches"] == most]
    best = hits.sort_values("allocation", kind="stable").iloc[0]
    fall = _effects(reader, best["form"], "fall", ALLOCATIONS[best["allocation"]], best["families"])
    return {
        "effects": len(EFFECTS),
        "matches": most,
        "form": best["form"],
        "form_words": FORM_WORDS[best["form"]],
        "direction": best["direction"],
        "directions_that_match": sorted(hits["direction"].unique()),
        "forms_that_match": hits["form"].nunique(),
        "other_matches": int(searched.loc[searched["form"] != best["form"], "matches"].max()),
        "families_low": int(best["low"]),
        "families_high": int(best["high"]),
        "families_per_arm": int(best["low"]) // 2,
        **{f"fall_{name}": value for name, value in fall.items()},
        **_derive_allocations(reader, hits),
        **_derive_trial(reader, readings, int(best["low"])),
        **power_as_randomised(reader),
    }


def _derive_allocations(reader: Reader, hits: pd.DataFrame) -> dict[str, Any]:
    """Families and shortfall for each allocation that gives most effects, and both in words."""
    randomised, words, shortfalls = reader.count("r1.sample.randomised"), [], []
    found: dict[str, Any] = {}
    for row in hits.drop_duplicates("allocation").to_dict("records"):
        name, low, high = str(row["allocation"]), int(row["low"]), int(row["high"])
        key, short = name.replace(":", "_"), 100 * (1 - randomised / low)
        found |= {f"families_{key}_low": low, f"families_{key}_high": high, f"shortfall_{key}": short}
        words.append(f"{low}{f' or {high}' if high > low else ''} at {name}")
        shortfalls.append(f"{fixed(0)(short)}%")
    return {**found, "allocations": ", ".join(words), "shortfalls": " or ".join(shortfalls)}


def _derive_trial(reader: Reader, readings: pd.DataFrame, implied: int) -> dict[str, Any]:
    """The trial beside the calculation: families, what they would detect at 2:1, children, the halved baseline."""
    randomised = reader.count("r1.sample.randomised")
    own = readings[(readings["label"] == "randomised") & (readings["allocation"] == "2:1")].set_index("direction")
    trial = {f"randomised_{d}_{name}": own[name].to_dict()[d] for d in SIGN for name in MEASURES.values()}
    expected = readings[readings["label"].str.startswith("expected")]
    largest = reader.number("r1.power.mdes_half_icc1")
    halved = 100 * read_design(reader, "r1.power.mdes_half_icc1")[0]
    return {
        **trial,
        "randomised": randomised,
        "expected": int(expected["families"].iloc[0]),
        "expected_matches": int(expected["matches"].max()),
        "shortfall_implied": 100 * (1 - randomised / implied),
        "shortfall_stated": reader.number("r1.design.shortfall"),
        "largest_halved": largest,
        "baseline_halved": halved,
        "halved_impossible": bool(largest > halved),
        "children_assumed": reader.number("r1.design.assumed_children"),
        "children_realised": reader.number("r1.sample.children") / randomised,
    }


def _judge(numbers: Mapping[str, Any]) -> Verdict:
    """Confirmed if every match is a rise for more families than were randomised; in part if only one of these."""
    if numbers["matches"] < numbers["effects"]:
        return "open"
    rises = numbers["directions_that_match"] == ["rise"]
    larger = numbers["families_low"] > numbers["randomised"]
    return "confirmed" if rises and larger else "confirmed in part" if rises or larger else "refuted"


def _write_finding(n: Mapping[str, Any]) -> str:
    one = fixed(1)
    if n["matches"] < n["effects"]:
        return (
            f"No formula tried gives all {spelt(n['effects'])} printed effects; the best gives {spelt(n['matches'])}, "
            f"with an implied {n['families_low']} families."
        )
    impossible = ""
    if n["halved_impossible"]:
        impossible = f"; a fall of {one(n['largest_halved'])} points from {one(n['baseline_halved'])}% is impossible"
    return (
        f"One formula gives all {spelt(n['effects'])} printed effects, a {n['direction']} in re-referrals tested by "
        f"{n['form_words']}, with an implied number of families of {n['allocations']}, where {n['randomised']} "
        f"were randomised. For the hoped-for fall the first design detects {one(n['fall_icc1'])}, "
        f"{one(n['fall_icc36'])}, {one(n['fall_half_icc1'])} and {one(n['fall_half_icc36'])} points"
        f"{impossible}. With {n['randomised']} families at two to one "
        f"the least rise at the printed baseline is {one(n['randomised_rise_icc36'])} to "
        f"{one(n['randomised_rise_icc1'])} points, the least fall {one(n['randomised_fall_icc36'])} to "
        f"{one(n['randomised_fall_icc1'])}; a halving of that baseline would be found with a power of "
        f"{percent()(n['power_halving_icc1'])} to {percent()(n['power_halving_icc36'])}. The {n['randomised']} are "
        f"{n['shortfalls']} fewer than those implied, where the report states "
        f"{fixed(0)(n['shortfall_stated'])}%. The {n['expected']} families that the stated shortfall implies give "
        f"{spelt(n['expected_matches'])} of the printed effects, and families had {fixed(2)(n['children_realised'])} "
        f"children, not {fixed(0)(n['children_assumed'])}."
    )
