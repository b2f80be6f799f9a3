"""What the trial could have found: the printed power calculation again, and the trial as it was run.

Differences are in percentage points, treated less control. The trial as run: the families randomised, two to one. How
many children each family had is printed nowhere, only their sum; sizes are assumed to be 1 + Poisson with that mean.

With one lead child a family power is exact, of the test that chapter 01 uses without covariates: the difference in
shares with HC2 errors, by t (`models.exact_power`). With siblings it is by formula (arcsine), as the report's is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_rules.power import ALLOCATIONS, read_design
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed
from crewe_lib.leads.power import MEASURES, check_power_calculation
from crewe_lib.models.cluster_power import SIGN, Design, Direction, fit_detectable, fit_power, split_families
from crewe_lib.models.exact_power import Test, fit_exact_detectable, fit_exact_power
from crewe_lib.models.power_simulation import size_variation
from crewe_lib.provenance import infers, traced

_one = fixed(1)
PRINTED_COLUMNS: Mapping[str, Column] = {
    "baseline": Column("Rate expected, %", _one),
    "icc": Column("Likeness of siblings", lambda value: f"{value:g}"),
    "printed": Column("Printed, points", _one),
    **{f"rise_{name}": Column(f"Rise, {name}", fixed(2)) for name in ALLOCATIONS},
    "agrees": Column("All as printed", either("yes", "no")),
    "fall": Column("Fall, same design", _one, blank="none possible"),
}
DETECTABLE_COLUMNS: Mapping[str, Column] = {
    "outcome": Column("Outcome"),
    "source": Column("Control arm from"),
    "baseline": Column("Control arm, %", _one),
    "analysis": Column("Analysed"),
    "by": Column("By"),
    "fall": Column("Least fall found", _one, blank="none, even to nothing"),
    "rise": Column("Least rise found", _one, blank="none, even to all"),
    "formula": Column("By formula: fall, rise"),
}
LEAD, ALL = "one lead child a family", "all children"
REFERRED, CLOSED = "Re-referred", "Closed"
SEEN = "seen in the pilot"
# How power is found: exactly, of the difference in shares with HC2 errors; and by the report's formula.
EXACT, FORMULA = "exact, HC2 test", "formula"


@dataclass(frozen=True)
class Scenario:
    """One analysis of one outcome.

    source: whence the control arm's share, `baseline`; treated, control: families; children in a family; how alike
    siblings are (icc) and how family sizes vary (cv); case: the last three in short.
    """

    outcome: str
    source: str
    baseline: float
    treated: float
    control: float
    children: float = 1.0
    icc: float = 0.0
    cv: float = 0.0
    case: str = "lead"

    @property
    def analysis(self) -> str:
        """Who is analysed, in words."""
        if self.children == 1:
            return LEAD
        return f"{ALL}, correlation {self.icc:g}, families {'of unequal size' if self.cv else 'alike in size'}"

    @property
    def exact(self) -> bool:
        """Whether exact power is known: one child a family."""
        return self.children == 1

    @property
    def by(self) -> str:
        """How power is found, in words."""
        return EXACT if self.exact else FORMULA

    @property
    def whole(self) -> tuple[int, int]:
        """Families in both arms, treated first, as whole numbers."""
        treated = round(self.treated)
        return treated, round(self.treated + self.control) - treated

    def design(self, alpha: float, power: float) -> Design:
        """What the formulas need to know. Raises CreweError for impossible rates."""
        return Design(self.children, self.icc, alpha, power, self.cv)


@traced
@infers
def check_printed_effects(register: pd.DataFrame) -> pd.DataFrame:
    """The four printed minimum detectable effects beside the same formula for each implied number of families.

    Columns: effect (`MEASURES`), baseline (per cent), icc, printed (points), a column rise_ for each allocation, agrees
    (true if all of them are printed so), fall (points; missing if even a fall to nothing would not be found), as_fall
    (whether a fall of the printed size is 'possible'). The numbers are those of the lead `check_power_calculation`.
    Raises DataError.
    """
    reader, lead = read_register(register), check_power_calculation(register)
    found = lead.readings.query("label == 'found by search' and form == 'arcsine' and direction == 'rise'")
    rises = found.set_index("allocation")
    rows = []
    for id, measure in MEASURES.items():
        baseline, design = read_design(reader, id)
        claim, own = reader.claim(id), rises[measure]
        rows.append(
            {
                "effect": measure,
                "baseline": 100 * baseline,
                "icc": design.icc,
                "printed": claim.number,
                **{f"rise_{name}": float(own[name]) for name in ALLOCATIONS},
                "agrees": bool(((own - claim.number).abs() <= claim.half_unit).all()),
                "fall": lead.numbers[f"fall_{measure}"],
                "as_fall": "impossible" if claim.number > 100 * baseline else "possible",
            }
        )
    return pd.DataFrame(rows)


@traced
def estimate_detectable(register: pd.DataFrame, *, alpha: float, power: float) -> pd.DataFrame:
    """The least fall and rise that the trial as run finds with this power: exactly for lead children (difference in
    shares, HC2 errors), by formula (arcsine) with siblings.

    Re-referral from the printed historical rate and its half, and from the share re-referred that is printed of the
    trial's own control arm. The historical rate is another quantity: the share of *referrals* within twelve months of
    an earlier one. Closing from the control arm's share as either report prints it, among the lead children analysed.
    Columns: outcome, source (of the baseline), baseline (per cent), case ('lead', 'low equal' …), analysis (the same in
    words), icc, cv, treated, control (families), effective (independent children they are worth), by (`EXACT`,
    `FORMULA`), fall, rise (points, above 0; missing if even the largest change would not be found so often),
    fall_words, rise_words (for prose), fall_formula, rise_formula (the same by formula in every row, to be compared
    between rows) with their words, formula (both, for a table), fall_chi, rise_chi (exact, of Pearson's chi-square;
    lead children only) with their words, halving, halving_formula, nothing (chance of finding that the share is halved,
    or nothing), nothing_chi (the same of chi-square). Raises DataError for a
    register that lacks a figure, CreweError for an impossible alpha or power.
    """
    reader = read_register(register)
    return pd.DataFrame([_detect(one, alpha, power) for one in [*_rereferral(reader), *_closing(reader)]])


def _detect(one: Scenario, alpha: float, power: float) -> dict[str, float | str]:
    """One row of `estimate_detectable`."""
    design = one.design(alpha, power)
    formula = {direction: find_least(one, design, direction) for direction in SIGN}
    chi = {direction: find_exact(one, design, direction, test="chi-square") for direction in SIGN}
    least = {direction: find_exact(one, design, direction) for direction in SIGN} if one.exact else formula
    fall, rise = (_one(points) if points == points else "none" for points in (formula["fall"], formula["rise"]))
    return {
        "outcome": one.outcome,
        "source": one.source,
        "baseline": 100 * one.baseline,
        "case": one.case,
        "analysis": one.analysis,
        "icc": one.icc,
        "cv": one.cv,
        "treated": one.treated,
        "control": one.control,
        "effective": design.effective(one.treated + one.control),
        "by": one.by,
        **{str(direction): value for direction, value in least.items()},
        **{f"{direction}_words": write_least(value, direction) for direction, value in least.items()},
        **{f"{direction}_formula": value for direction, value in formula.items()},
        **{f"{direction}_formula_words": write_least(value, direction) for direction, value in formula.items()},
        "formula": f"{fall}, {rise}",
        **{f"{direction}_chi": value for direction, value in chi.items()},
        **{f"{direction}_chi_words": write_least(value, direction) for direction, value in chi.items()},
        "halving": find_power(one, design, -one.baseline / 2),
        "halving_formula": find_power(one, design, -one.baseline / 2, test=None),
        "nothing": find_power(one, design, -one.baseline),
        "nothing_chi": find_power(one, design, -one.baseline, test="chi-square") if one.exact else math.nan,
    }


def write_least(points: float, direction: Direction) -> str:
    """For prose: '17.1 points', or that no fall or rise would be found."""
    if math.isnan(points):
        return f"no {direction}, even to {'nobody' if direction == 'fall' else 'everybody'}"
    return f"{_one(points)} points"


def find_power(one: Scenario, design: Design, difference: float, *, test: Test | None = "HC2") -> float:
    """The chance of finding a true difference (a share of one): exact with one child a family, else, or if no test is
    named, by formula."""
    if test is None or not one.exact:
        arms = {"treated": one.treated, "control": one.control}
        return fit_power(one.baseline, difference, **arms, design=design, form="arcsine")
    treated, control = one.whole
    return fit_exact_power(one.baseline, difference, treated=treated, control=control, test=test, alpha=design.alpha)


def find_least(one: Scenario, design: Design, direction: Direction) -> float:
    """By formula, the least change found with the design's power, in points above 0; missing if none is."""
    arms = {"treated": one.treated, "control": one.control}
    return 100 * fit_detectable(one.baseline, **arms, design=design, form="arcsine", direction=direction)


def find_exact(one: Scenario, design: Design, direction: Direction, *, test: Test = "HC2") -> float:
    """The same exactly for a test; missing with siblings too, for whom no exact power is known."""
    if not one.exact:
        return math.nan
    (treated, control), rates = one.whole, {"alpha": design.alpha, "power": design.power}
    return 100 * fit_exact_detectable(
        one.baseline, treated=treated, control=control, test=test, direction=direction, **rates
    )


def _rereferral(reader: Reader) -> Iterator[Scenario]:
    """The trial as randomised, from the historical rate and its half; siblings as alike as the reports assume."""
    families = reader.count("r1.sample.randomised")
    arms = split_families(families, ALLOCATIONS["2:1"])
    # Below one the register would contradict itself; a family has a child.
    children = max(1.0, reader.number("r1.sample.children") / families)
    sizes = {"equal": 0.0, "unequal": size_variation(children)}
    for source, effect in (("historical rate", "r1.power.mdes_icc1"), ("half of it", "r1.power.mdes_half_icc1")):
        baseline, _ = read_design(reader, effect)
        yield Scenario(REFERRED, source, baseline, *arms)
        for alike in ("low", "high"):
            icc = reader.number(f"r1.power.icc_{alike}")
            for size, cv in sizes.items():
                yield Scenario(REFERRED, source, baseline, *arms, children, icc, cv, f"{alike} {size}")
    # The trial's own outcome is rarer than the historical rate, which counts referrals.
    yield Scenario(REFERRED, SEEN, reader.share("r1.reref.rate_cec"), *arms)


def _closing(reader: Reader) -> Iterator[Scenario]:
    """The lead children analysed, divided two to one, from either printed share of the control arm."""
    arms = split_families(reader.count("r1.sample.final"), ALLOCATIONS["2:1"])
    for source, id in (("2017 report", "r1.closure.cec"), ("2020 report", "r2.closure.r1_control")):
        yield Scenario(CLOSED, source, reader.share(id), *arms)


def scenarios_run(reader: Reader) -> list[Scenario]:
    """The trial as run, from the printed rates: re-referral as analysed, then with siblings, then closing."""
    cases = ("lead", "low unequal", "high unequal")
    first = [one for one in _rereferral(reader) if one.source == "historical rate" and one.case in cases]
    return [*first, next(_closing(reader))]
