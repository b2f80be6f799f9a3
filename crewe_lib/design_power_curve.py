"""The chance of finding a true difference: as planned and as run, by formula and in simulated trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from crewe_lib.claim_register import read_register
from crewe_lib.claim_rules.power import EFFECTS, implied_by_allocation, read_design
from crewe_lib.design_power import FORMULA, REFERRED, Scenario, find_least, find_power, scenarios_run
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, percent
from crewe_lib.models.cluster_power import SIGN, Design, fit_power, split_families
from crewe_lib.models.power_simulation import draw_sizes, fit_simulated_power
from crewe_lib.provenance import infers, note_simulated, traced

SIMULATED_COLUMNS: Mapping[str, Column] = {
    "outcome": Column("Outcome"),
    "analysis": Column("Analysed"),
    "difference": Column("True difference, points", fixed(1, sign=True)),
    "formula": Column("Formula: arcsine", percent()),
    "unpooled": Column("Formula: own variances", percent()),
    "exact": Column("Test by families, exact", percent(1), blank="–"),
    "simulated": Column("Test by families, simulated", percent(1)),
    "error": Column("± Monte Carlo error", percent(1)),
}
SIZE_COLUMNS: Mapping[str, Column] = {
    "outcome": Column("Outcome"),
    "analysis": Column("Analysed"),
    "simulated": Column("Test by families, simulated", percent(1)),
    "naive": Column("Families ignored, simulated", percent(1)),
    "naive_error": Column("± Monte Carlo error, at most", percent(1)),
}
PLANNED, RUN = "as planned (implied)", "as run"
# How far the curves go on either side, in points.
REACH = 35


@traced
@infers
def estimate_power_curves(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Chance of finding a true difference, as planned and as run.

    The plan, by formula (arcsine), is the implied number of families in equal arms, with the children assumed; for
    closing none is printed. As run it is exact for lead children (`design_power.find_power`), by formula with siblings.
    Columns: outcome, analysis (of the trial as run), plan (`PLANNED`, `RUN`), by (how the power is found), families (in
    both arms), baseline (per cent), difference (points), power. Raises DataError if no number of families gives the
    printed effects.
    """
    reader = read_register(register)
    implied = implied_by_allocation(reader)
    if "1:1" not in implied:
        raise CreweError("no number of families in equal arms gives all the printed effects, so no plan is known.")
    arms = dict(zip(("treated", "control"), split_families(implied["1:1"], 1.0), strict=True))
    planned = {id: read_design(reader, id)[1] for id in EFFECTS}
    rows = []
    for one in [one for one in scenarios_run(reader) if one.case != "high unequal"]:
        own = one.design(alpha, 0.5)
        lines = [(RUN, one.by, one.treated + one.control, partial(find_power, one, own))]
        if one.outcome == REFERRED:
            # A lead child stands for the family, as all its children do where siblings are wholly alike.
            plan = planned["r1.power.mdes_icc36" if one.case == "low unequal" else "r1.power.mdes_icc1"]
            chance = partial(fit_power, one.baseline, **arms, design=replace(plan, alpha=alpha), form="arcsine")
            lines.insert(0, (PLANNED, FORMULA, implied["1:1"], chance))
        for name, by, families, chance in lines:
            row = {
                "outcome": one.outcome,
                "analysis": one.analysis,
                "plan": name,
                "by": by,
                "families": round(families),
            }
            for points in _differences(one.baseline):
                place = {"baseline": 100 * one.baseline, "difference": points}
                # An end of the scale is reached exactly, whatever its rounding.
                share = min(max(points / 100, -one.baseline), 1 - one.baseline)
                rows.append({**row, **place, "power": chance(difference=share)})
    return pd.DataFrame(rows)


def _differences(baseline: float) -> list[float]:
    """Whole points on either side that leave a share, and the ends."""
    low, high = -min(REACH, 100 * baseline), min(REACH, 100 * (1 - baseline))
    return [low, *(float(p) for p in range(-REACH, REACH + 1) if low < p < high), high]


@traced
def simulate_power(register: pd.DataFrame, *, alpha: float, power: float, n_trials: int, seed: int) -> pd.DataFrame:
    """Formulas and exact power beside simulated trials of the trial as run: without a difference, at the least fall and
    rise that the arcsine formula promises to find with this power, and at half of them.

    Family sizes are drawn anew for each trial (`draw_sizes`). Columns: outcome, case, analysis, at ('no difference',
    'fall', 'rise', 'half the fall', 'half the rise'), difference (points), formula (arcsine), unpooled (each arm's own
    variance), exact (of the test by families; missing with siblings), simulated, error, naive, naive_error (shares of
    trials in which the test by families, or that which ignores them, is significant, with Monte Carlo errors), trials.
    A fall or rise that the formula never finds is left out. Raises as `estimate_detectable` does.
    """
    note_simulated()
    reader = read_register(register)
    rows = []
    for number, one in enumerate(scenarios_run(reader)):
        design = one.design(alpha, power)
        places = {"no difference": 0.0}
        for direction, sign in SIGN.items():
            least = sign * find_least(one, design, direction)
            places |= {} if math.isnan(least) else {direction: least, f"half the {direction}": least / 2}
        for place, (at, points) in enumerate(places.items()):
            rng = np.random.default_rng([seed, number, place])
            rows.append({**_simulate(one, design, points, n_trials, rng), "at": at})
    return pd.DataFrame(rows)


def _simulate(
    one: Scenario, design: Design, points: float, n_trials: int, rng: np.random.Generator
) -> dict[str, float | str]:
    """One row of `simulate_power`."""
    treated, families = one.whole[0], sum(one.whole)
    children = round(one.children * families)
    setting = {"treated": treated, "baseline": one.baseline, "difference": points / 100, "icc": one.icc}
    sizes = draw_sizes(families, children, trials=n_trials, rng=rng)
    found = fit_simulated_power(sizes, **setting, alpha=design.alpha, rng=rng)  # type: ignore[arg-type]
    formula = {
        form: fit_power(one.baseline, points / 100, treated=one.treated, control=one.control, design=design, form=form)
        for form in ("arcsine", "unpooled")
    }
    return {
        "outcome": one.outcome,
        "case": one.case,
        "analysis": one.analysis,
        "difference": points,
        "formula": formula["arcsine"],
        "unpooled": formula["unpooled"],
        "exact": find_power(one, design, points / 100) if one.exact else math.nan,
        "simulated": found.clustered.value,
        "error": found.clustered.error,
        "naive": found.naive.value,
        "naive_error": found.naive.error,
        "trials": found.trials,
    }


@traced
def derive_simulated(simulated: pd.DataFrame, *, effect: bool) -> pd.DataFrame:
    """The rows of `simulate_power` at the least fall and rise, or (effect false) those without a difference."""
    wanted = list(SIGN) if effect else ["no difference"]
    return simulated[simulated["at"].isin(wanted)].reset_index(drop=True)


@traced
def summarise_simulated(simulated: pd.DataFrame) -> dict[str, float]:
    """How far apart chances are, at most, in percentage points, and error rates, over the rows of `simulate_power`.

    test_arcsine, test_unpooled: the formula, which has a test of its own in mind, and the test by families as
    simulated; exact: the exact power of that test and its simulation (lead children), which differ by chance alone.
    least, most of size and naive: shares of trials without a difference in which the test by families, and the one that
    ignores them (with siblings), finds one. trials: in each row.
    """
    still = simulated[simulated["at"] == "no difference"]
    siblings = still[still["case"] != "lead"]
    gaps = {name: (simulated[name] - simulated["simulated"]).abs().max() for name in ("formula", "unpooled", "exact")}
    return {
        "test_arcsine": 100 * float(gaps["formula"]),
        "test_unpooled": 100 * float(gaps["unpooled"]),
        "exact": 100 * float(gaps["exact"]),
        "size_least": float(still["simulated"].min()),
        "size_most": float(still["simulated"].max()),
        "naive_least": float(siblings["naive"].min()),
        "naive_most": float(siblings["naive"].max()),
        "trials": int(simulated["trials"].iloc[0]),
    }


@traced
def derive_power_points(curves: pd.DataFrame) -> pd.DataFrame:
    """What the figure draws, at every fifth point of the lines, under headings for readers."""
    rows = curves[curves["difference"] % 5 == 0]
    return pd.DataFrame(
        {
            "Analysed": rows["outcome"] + ": " + rows["analysis"],
            "How": rows["plan"] + ", " + rows["by"],
            "True difference, points": rows["difference"].map(fixed(1, sign=True)),
            "Chance of a significant result, %": 100 * rows["power"],
        }
    ).sort_values(["Analysed", "How"], kind="stable", ignore_index=True)


@traced
def describe_power(curves: pd.DataFrame, *, at: float) -> dict[str, str]:
    """In words: the chance of finding a true fall and rise of `at` points, a whole number, in each panel and line."""
    said = []
    for (outcome, analysis), rows in curves.groupby(["outcome", "analysis"], sort=False):
        parts = []
        for (plan, by), own in rows.groupby(["plan", "by"], sort=False):
            chance = own.set_index("difference")["power"].to_dict()
            both = [f"a {word} {percent()(chance[sign * at])}" for word, sign in SIGN.items() if sign * at in chance]
            parts.append(f"{plan} ({by}), {' and '.join(both)}")
        said.append(f"{outcome}, {analysis}: {'; '.join(parts)}")
    return {"text": f"Chance of finding a true difference of {fixed(0)(at)} points. {'. '.join(said)}."}
