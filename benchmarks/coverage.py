"""Stored simulation: how often the intervals of the trial hold the truth, and how often they find what is not there.

    python -m benchmarks.coverage                       # rewrites data/simulated_studies/coverage.csv, some minutes
    python -m benchmarks.coverage --to FOLDER --replications 200

Each trial is one of 132 families, 88 in treatment and 44 in control by complete randomisation, with siblings, from the
simulated cohort's own model (`crewe simulate`) without its conditioning on the reports' figures. The same families are
drawn with and without an effect. They are drawn for many trials at a time: since arms are assigned by a permutation
that depends on nothing else, any 88 treated and any 44 control families are a trial. Each is analysed as the chapter
analyses the records, from the tables on; a method that refuses a trial with a reason has no answer in it.

The true values are those of other families, drawn twice: all in treatment and all in control. For closing it is the
difference between the shares closed at the end of the pilot, with every day of closing known, among lead children, lead
children with history, or all; for the interaction, the difference with history less that without. For the restricted
mean it is the difference between the areas under the curves of so many families, the value that the same curves reach
in a very large trial, with whatever recoding and censoring do to them; not the mean of what each family would do.
The hazard ratio is one by construction where there is no effect; where there is one the hazards cross, and it has no
true value. Monte Carlo errors of the true values are in the table; they are too small to matter to coverage.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.coverage_methods import ALPHA, DRAWS, METHODS, UNTIL, Trial, analyse
from benchmarks.stored import TO, describe_fields, write_study
from crewe_lib import definitions as d
from crewe_lib import rct_coverage as names
from crewe_lib.definitions import SteppedDownReading, StudyDates
from crewe_lib.load import load_claims
from crewe_lib.models.linear import Array
from crewe_lib.models.survival import fit_restricted_mean
from crewe_lib.rct import Unit, derive_closing_set
from crewe_lib.rct_curves import derive_survival_set
from crewe_lib.records import Records, to_records
from crewe_lib.synthetic import Truth, simulate

READING: SteppedDownReading = "any_but_escalated"
ARMS = {"treatment": 88, "control": 44}  # families
REPLICATIONS, TRIALS_A_DRAW, SEED = 3000, 100, 20160331
TRUTH_DRAWS, TRUTH_FAMILIES = 20, 20_000
REAL = Truth()
# Everything by which the arms differ in closing, or in being referred again, is taken away.
NONE = replace(
    REAL,
    treatment=(0.0,) * len(REAL.treatment),
    treatment_by_history=0.0,
    rereferral_treatment=0.0,
    later_closing_per_year=(REAL.later_closing_per_year[0],) * 2,
)
EFFECTS: Mapping[str, Truth] = {names.NO_EFFECT: NONE, names.REAL_EFFECT: REAL}


def draw_records(families: int, seed: int, truth: Truth) -> Records:
    """A plain draw of the cohort as the definitions read it."""
    return to_records(simulate(families, seed, truth).tables, "simulated")


def draw_trials(count: int, truth: Truth, dates: StudyDates) -> Iterator[Trial]:
    """That many trials, always the same ones for the same truth."""
    for start in range(0, count, TRIALS_A_DRAW):
        records = draw_records(TRIALS_A_DRAW * sum(ARMS.values()), SEED + start // TRIALS_A_DRAW, truth)
        yield from form_trials(records, dates)[: count - start]


def form_trials(records: Records, dates: StudyDates) -> list[Trial]:
    """Trials of the sizes in ARMS from the families of one draw, in their order."""
    families = records.families
    number = families.groupby("arm").cumcount() // families["arm"].map(ARMS)
    trial = pd.Series(number.to_numpy(), index=families["family_id"])
    units: tuple[Unit, ...] = ("lead_child", "children")
    sets = [derive_closing_set(records, dates=dates, reading=READING, unit=unit) for unit in units]
    spells = derive_survival_set(records, dates=dates, reading=READING, unit="lead_child")
    parts = [dict(iter(frame.groupby(frame["family_id"].map(trial)))) for frame in (*sets, spells)]
    return [Trial(*(part[each] for part in parts)) for each in sorted(parts[0])]


def find_true_values(truth: Truth, dates: StudyDates, families: int) -> Mapping[str, tuple[float, float]]:
    """By method, the real effect and its Monte Carlo standard error, from TRUTH_DRAWS draws of so many families."""
    known = replace(truth, closing_day_unknown=0.0)
    gaps: list[pd.DataFrame] = []
    spells: dict[float, list[pd.DataFrame]] = {1.0: [], 0.0: []}
    for number in range(TRUTH_DRAWS):
        both = []
        for share, kept in spells.items():
            records = draw_records(families, SEED - 1 - number, replace(known, treated_share=share))
            children = d.derive_children(records, dates=dates)
            closed = d.derive_closed_round1(records, children, dates=dates, reading=READING)["closed"]
            both.append(children.assign(closed=closed.astype(float)).set_index("child_id"))
            leads = children[children["lead_child"]].reset_index(drop=True)
            kept.append(d.derive_days_open(records, leads, dates=dates, reading=READING)[["days", "closed"]])
        own = both[0][["family_id", "lead_child", "history"]]
        gaps.append(own.assign(gap=both[0]["closed"] - both[1]["closed"], draw=number))
    gap = pd.concat(gaps)
    one, other = (
        fit_restricted_mean(curve["days"], curve["closed"].astype(int), until=UNTIL)
        for curve in (pd.concat(kept) for kept in spells.values())
    )
    leads = gap[gap["lead_child"]]
    without, history = (_mean_gap(part) for _, part in leads.groupby(leads["history"].astype(bool)))
    apart = (history[0] - without[0], float(np.hypot(history[1], without[1])))
    days = (one.mean - other.mean, float(np.hypot(one.std_error, other.std_error)))
    by_measure = {names.POINTS: _mean_gap(leads), names.DAYS: days, names.LOG_HAZARD: (np.nan, np.nan)}
    found = {method: by_measure[measure] for method, (measure, _) in METHODS.items()}
    groups = {names.OF_CHILDREN: _mean_gap(gap), names.OF_HISTORY: history, names.OF_INTERACTION: apart}
    return found | {method: value for methods, value in groups.items() for method in methods}


def _mean_gap(gap: pd.DataFrame) -> tuple[float, float]:
    """Mean difference in points and its standard error, families being independent."""
    families = gap.groupby(["draw", "family_id"])["gap"].agg(["sum", "size"])
    mean = float(gap["gap"].mean())
    apart = families["sum"] - families["size"] * mean
    return 100 * mean, 100 * float(np.sqrt((apart**2).sum())) / len(gap)


def study(replications: int, truth_families: int = TRUTH_FAMILIES) -> pd.DataFrame:
    """The table: one row per effect and method, with the columns of FIELDS."""
    dates = d.derive_study_dates(load_claims())
    rows = []
    for effect, truth in EFFECTS.items():
        true = {method: (0.0, 0.0) for method in METHODS}
        if truth != NONE:
            true = {**find_true_values(truth, dates, truth_families)}
        answers, siblings = [], []
        for number, trial in enumerate(draw_trials(replications, truth, dates)):
            answers.append(analyse(trial, np.random.default_rng([SEED, number])))
            siblings.append(trial.children[["family_id", "treated", "closed"]].assign(trial=number))
        correlation = round(correlate(pd.concat(siblings)), 4)
        for place, (method, (measure, _)) in enumerate(METHODS.items()):
            summary = summarise(np.stack(answers)[:, place], *true[method])
            summary["family_correlation"] = correlation if method in names.OF_CHILDREN else np.nan
            rows.append({"effect": effect, "method": method, "measure": measure, **summary})
    return pd.DataFrame(rows)[list(FIELDS)].astype({"covered": "Int64"})


def correlate(children: pd.DataFrame) -> float:
    """Correlation of closed between two children of one family of one trial, around the share of their arm.

    The mean product over all pairs, as a part of the variance over all children; nothing is adjusted for.
    """
    apart = children["closed"] - children.groupby("treated")["closed"].transform("mean")
    families = apart.groupby([children["trial"], children["family_id"]]).agg(["sum", "size"])
    products = (families["sum"] ** 2).sum() - (apart**2).sum()
    return float(products / (families["size"] * (families["size"] - 1)).sum() / (apart**2).mean())


def summarise(answers: Array, true_value: float, true_error: float) -> dict[str, float | int | None]:
    """A row of the table from the answers (trials, 4) of one method; a true value of NaN has no coverage."""
    known = answers[np.isfinite(answers).all(axis=1)]
    count = len(known)
    holds = (known[:, 1] <= true_value) & (true_value <= known[:, 2])
    rejected = int((known[:, 3] <= ALPHA + 1e-12).sum())
    covered = None if np.isnan(true_value) else int(holds.sum())
    row: dict[str, float | int | None] = {"true_value": round(true_value, 4), "true_error": round(true_error, 4)}
    row |= {"replications": len(answers), "answered": count, "covered": covered}
    row |= {"coverage": np.nan, "coverage_error": np.nan}
    if covered is not None:
        row |= {"coverage": _share(covered, count), "coverage_error": _share_error(covered, count)}
    row |= {"rejections": rejected, "rejection_rate": _share(rejected, count)}
    row |= {"rejection_error": _share_error(rejected, count)}
    means = (known[:, 0].mean(), (known[:, 2] - known[:, 1]).mean())
    return row | {"mean_estimate": round(float(means[0]), 4), "mean_width": round(float(means[1]), 4)}


def _share(count: int, of: int) -> float:
    return round(count / of, 5)


def _share_error(count: int, of: int) -> float:
    return round(float(np.sqrt(count / of * (1 - count / of) / of)), 5)


FIELDS = {
    "effect": ("string", "What the programme does to closing in the simulated trials: nothing, or what the model has"),
    "method": ("string", "How the effect was estimated, and how its uncertainty"),
    "measure": ("string", "What is estimated, treatment less control, and its unit"),
    "true_value": ("number", "Its true value; blank where there is no single one"),
    "true_error": ("number", "Monte Carlo standard error of true_value"),
    "replications": ("integer", "Simulated trials"),
    "answered": ("integer", "Trials in which the method gives an answer; the shares are of these"),
    "covered": ("integer", "Trials whose 95% interval holds the true value; blank where there is none"),
    "coverage": ("number", "covered / answered; 0.95 is what such an interval should show"),
    "coverage_error": ("number", "Standard error of coverage from the number of trials"),
    "rejections": ("integer", "Trials in which the method rejects 'no effect' at 5%"),
    "rejection_rate": ("number", "rejections / answered; with no effect, 0.05 is what a test should show"),
    "rejection_error": ("number", "Standard error of rejection_rate from the number of trials"),
    "mean_estimate": ("number", "Mean of the estimates, in the unit of the measure"),
    "mean_width": ("number", "Mean width of the 95% intervals, in the unit of the measure"),
    "family_correlation": (
        "number",
        "Correlation of closing between children of one family, within arms, over all the simulated trials; blank for "
        "methods with one child from each family",
    ),
}
BLANK = ("true_value", "true_error", "covered", "coverage", "coverage_error", "family_correlation")


def write(table: pd.DataFrame, folder: Path) -> None:
    """The table and its entry in the card."""
    resource = {
        "name": "coverage",
        "title": "Coverage of the trial's intervals, and rejections, with and without an effect",
        "description": f"Trials of {ARMS['treatment']} families in treatment and {ARMS['control']} in control, plain "
        "draws from the model of the simulated cohort, with its parameters as published (real effect) or with every "
        "effect of treatment on closing and re-referral set to zero. Restricted means are up to day "
        f"{UNTIL:g}; randomisation inference draws {DRAWS} allocations in each trial. True values are from "
        f"{TRUTH_DRAWS * TRUTH_FAMILIES:,} other families. Seed {SEED}; benchmarks/coverage.py rewrites the file.",
        "dates": f"simulated; no calendar time; seed {SEED}",
        "schema": {"fields": describe_fields(FIELDS, blank=BLANK), "primaryKey": ["effect", "method"]},
    }
    write_study(table, folder, resource)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--to", type=Path, default=TO, help="folder for the table and its card")
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    asked = parser.parse_args()
    table = study(asked.replications)
    write(table, asked.to)
    print(table.drop(columns=["measure", "replications", "covered", "rejections"]).to_string(index=False))


if __name__ == "__main__":
    main()
