"""The long follow-up: families whose outcome is not known, and whether they could change what is found.

Differences are treatment less control. They are shares without covariates in every row, since a family without case
data has none; so rows differ by what is done about missing outcomes and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.claim_register import read_register
from crewe_lib.definitions_follow_up import ClosedReading, RereferralReading
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.follow_up import ARMS, OUTCOMES
from crewe_lib.formats import count, fixed, interval, p_value, percent
from crewe_lib.implied_counts import derive_implied_counts
from crewe_lib.models.imputation import check_imputations, impute_binary, pool_estimates
from crewe_lib.models.linear import Array
from crewe_lib.models.logistic import SeparationError
from crewe_lib.models.proportions import fit_agresti_caffo
from crewe_lib.provenance import infers, traced
from crewe_lib.records import Records
from crewe_lib.results import Estimate

CLOSED, REREFERRED = "closed", "rereferred"
LABELS: Mapping[str, str] = {CLOSED: "Closed", REREFERRED: "Re-referred"}
MEASURE = "difference in percentage points, treatment less control"
LEFT_OUT, IMPUTED, BEST, WORST = "left_out", "imputed", "best", "worst"
HOW: Mapping[str, str] = {
    LEFT_OUT: "left out, as published",
    IMPUTED: "filled in by multiple imputation",
    BEST: "all given what is best for treatment",
    WORST: "all given what is worst for treatment",
}
# Whether a missing family of each arm is given the outcome; closing is to be hoped for, re-referral is not.
_HOPED: Mapping[str, Mapping[str, tuple[int, int]]] = {
    CLOSED: {BEST: (1, 0), WORST: (0, 1)},
    REREFERRED: {BEST: (0, 1), WORST: (1, 0)},
}
_COVARIATES = ("female", "under_11", "history")
_METHOD = "Agresti–Caffo, t with families less two"
COUNT_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "arm": Column("Arm"),
    "randomised": Column("Randomised", count),
    "no_case_data": Column("No case data", count),
    "unknown": Column("Case data, outcome unknown", count),
    "seen": Column("Outcome known", count),
    "events": Column("Of these, with it", count),
}
ESTIMATE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "how_label": Column("Families whose outcome is missing are"),
    "treatment": Column("Treatment, %", fixed(1)),
    "control": Column("Control, %", fixed(1)),
    "estimate": Column("Difference, points", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("Families", count),
    "note": Column("Note", blank=""),
}


@traced
def count_missing(
    records: Records, families: pd.DataFrame, *, closed_reading: ClosedReading, rereferral_reading: RereferralReading
) -> pd.DataFrame:
    """Whose outcome is not known, and why: one row for each outcome and arm.

    families: as from `follow_up.derive_follow_up_set`. Columns: outcome, column (of `families`), label, arm,
    randomised, no_case_data (families randomised whose case data were not found), unknown (case data, but the records
    cannot tell), seen, events (of those seen), missing (no_case_data and unknown). Raises CreweError for another
    reading.
    """
    columns = {CLOSED: f"closed_{closed_reading}", REREFERRED: f"rereferred_{rereferral_reading}"}
    if lacking := [column for column in columns.values() if column not in OUTCOMES]:
        raise CreweError(f"there is no outcome {' or '.join(lacking)}; there are {', '.join(OUTCOMES)}.")
    randomised = records.families["arm"].value_counts()
    rows = []
    for outcome, column in columns.items():
        for arm in ARMS:
            own = families.loc[families["arm"] == arm, column]
            row: dict[str, object] = {"outcome": outcome, "column": column, "label": LABELS[outcome], "arm": arm}
            everybody, seen = int(randomised[arm]), int(own.notna().sum())
            row |= {"randomised": everybody, "no_case_data": everybody - len(own), "unknown": len(own) - seen}
            rows.append(row | {"seen": seen, "events": int(own.sum()), "missing": everybody - seen})
    return pd.DataFrame(rows)


@traced
@infers
def derive_implied_missing(register: pd.DataFrame) -> pd.DataFrame:
    """The same columns for re-referral by November 2019, from the main reading of the printed percentages.

    randomised: the printed arms, for the families recommended but not in them are not followed; missing: those of the
    printed arm that the implied count is not out of. Raises DataError.
    """
    reader = read_register(register)
    counts = derive_implied_counts(register)
    own = counts[counts["outcome"].eq(REREFERRED) & counts["date"].eq("november_2019") & counts["reading"].eq("main")]
    rows = []
    for arm, short, claim in (("treatment", "pc", "r2.sample.n_treat"), ("control", "cec", "r2.sample.n_control")):
        one, everybody = own[own["arm"] == short].iloc[0], reader.count(claim)
        row: dict[str, object] = {"outcome": REREFERRED, "column": REREFERRED, "label": LABELS[REREFERRED], "arm": arm}
        row |= {"randomised": everybody, "no_case_data": 0, "unknown": everybody - int(one["n"])}
        missing = max(0, everybody - int(one["n"]))
        rows.append(row | {"seen": int(one["n"]), "events": int(one["k"]), "missing": missing})
    return pd.DataFrame(rows)


def compare_shares(k1: Array, n1: Array, k2: Array, n2: Array, *, alpha: float) -> dict[str, Array]:
    """Difference k1/n1 − k2/n2, its std_error, limits (not beyond ±1) and p_value, for counts of one shape, in shares.

    Agresti and Caffo's interval with t of n1 + n2 − 2 degrees of freedom, and the p-value that belongs to it. Raises
    CreweError for impossible counts.
    """
    centre, variance = fit_agresti_caffo(k1, n1, k2, n2)
    error, df = np.sqrt(variance), np.asarray(n1, float) + np.asarray(n2, float) - 2
    if np.any(df < 1):
        raise CreweError("two shares: three families at least are needed to compare two arms.")
    half = stats.t.isf(alpha / 2, df) * error
    return {
        "estimate": np.asarray(k1 / n1 - k2 / n2),
        "std_error": error,
        "conf_low": np.maximum(centre - half, -1.0),
        "conf_high": np.minimum(centre + half, 1.0),
        "p_value": 2 * stats.t.sf(np.abs(centre) / error, df),
    }


@traced
def estimate_missing(
    families: pd.DataFrame, counts: pd.DataFrame, *, alpha: float, n_imputations: int, seed: int
) -> pd.DataFrame:
    """Each outcome's difference under four ways with the families whose outcome is not known.

    left_out: families seen only, as published. imputed: families with case data, the missing outcomes filled in
    n_imputations times from a logistic model of arm, under 11, history, and sex where it is recorded for all, and
    pooled by Rubin's rules with Barnard and Rubin's degrees of freedom; takes outcomes as missing at random given
    these. best, worst: all families randomised, whoever is missing given what is best, or worst, for treatment.

    Columns: outcome, label, how, how_label, treatment and control (%; of imputed: the mean), `Estimate`'s in points,
    interval, note. A way that the families do not allow keeps its row with the reason in its note. Raises CreweError
    for bad alpha, or fewer than two imputations.
    """
    check_imputations(n_imputations)
    rows = []
    for outcome, own in counts.groupby("outcome", sort=False):
        name, by_arm = str(outcome), split_counts(own)
        events, seen = ([by_arm[arm][part] for arm in ARMS] for part in ("events", "seen"))
        rows.append(_assume(name, LEFT_OUT, events, seen, alpha))
        rows.append(_impute(name, families, by_arm, alpha, n_imputations, np.random.default_rng(seed)))
        for how, given in _HOPED[name].items():
            filled = [
                by_arm[arm]["events"] + one * by_arm[arm]["missing"] for arm, one in zip(ARMS, given, strict=True)
            ]
            rows.append(_assume(name, how, filled, [by_arm[arm]["randomised"] for arm in ARMS], alpha))
    return pd.DataFrame(rows)


def split_counts(own: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows of one outcome by arm: arm → column → value."""
    return {str(row["arm"]): {str(name): value for name, value in row.items()} for row in own.to_dict("records")}


def _assume(outcome: str, how: str, events: Sequence[int], n: Sequence[int], alpha: float) -> dict[str, object]:
    """A row from counts, treatment first."""
    if min(n) == 0:
        return _row(outcome, how, note="not possible: nobody's outcome is known in an arm")
    (k1, k2), (n1, n2) = (np.asarray(part, float) for part in (events, n))
    found = compare_shares(k1, n1, k2, n2, alpha=alpha)
    points = {name: float(value) * (1 if name == "p_value" else 100) for name, value in found.items()}
    made = Estimate(outcome, MEASURE, **points, n=sum(n), method=_METHOD, df=float(sum(n) - 2))
    return _row(outcome, how, made, {"treatment": 100 * float(k1 / n1), "control": 100 * float(k2 / n2)})


def _row(
    outcome: str, how: str, made: Estimate | None = None, shares: Mapping[str, float] | None = None, note: str = ""
) -> dict[str, object]:
    own = {"outcome": outcome, "label": LABELS[outcome], "how": how, "how_label": HOW[how], "note": note}
    if made is None or shares is None:
        blank = Estimate(outcome, MEASURE, nan, nan, nan, nan, nan, 0, _METHOD)
        return {**asdict(blank), **own, "n": None, "treatment": nan, "control": nan, "interval": None}
    return {**asdict(made), **own, **shares, "interval": interval(made.conf_low, made.conf_high)}


def _impute(
    outcome: str,
    families: pd.DataFrame,
    by_arm: Mapping[str, Mapping[str, Any]],
    alpha: float,
    m: int,
    rng: np.random.Generator,
) -> dict[str, object]:
    """The row of multiple imputation."""
    y = families[by_arm["treatment"]["column"]].to_numpy(float, na_value=nan)
    arms = [(families["arm"] == arm).to_numpy() for arm in ARMS]
    if not np.isnan(y).any():
        events, seen = ([by_arm[arm][part] for arm in ARMS] for part in ("events", "seen"))
        known = _assume(outcome, IMPUTED, events, seen, alpha)
        return known | {"note": "nothing to fill in: known for all with case data"}
    try:
        completed, note = _complete(y, families, m, rng)
    except CreweError as reason:
        return _row(outcome, IMPUTED, note=f"not possible: {reason}")
    (k1, n1), (k2, n2) = ((completed[:, own].sum(axis=1), float(own.sum())) for own in arms)
    raw = k1 / n1 - k2 / n2
    pooled = pool_estimates(*fit_agresti_caffo(k1, n1, k2, n2), complete_df=n1 + n2 - 2)
    low, high, p = pooled.interval(alpha)
    limits = (100 * max(low, -1.0), 100 * min(high, 1.0))
    method = f"Rubin's rules over {m} imputations, {_METHOD.partition(',')[0]}, Barnard–Rubin df"
    values = (100 * float(np.mean(raw)), 100 * pooled.std_error, *limits, p)
    made = Estimate(outcome, MEASURE, *values, len(y), method, pooled.df)
    lost = percent(1)(pooled.missing_information)
    filled = f"{count(int(np.isnan(y).sum()))} filled in; share of information missing {lost}"
    shares = {"treatment": 100 * float(np.mean(k1)) / n1, "control": 100 * float(np.mean(k2)) / n2}
    return _row(outcome, IMPUTED, made, shares, f"{filled}{note}")


def _complete(y: Array, families: pd.DataFrame, m: int, rng: np.random.Generator) -> tuple[Array, str]:
    """Completed outcomes (m, n), and which covariates had to be left out: not recorded for all, alike in all whose
    outcome is known, or telling it apart. Raises CreweError if no model can be fitted."""
    seen = ~np.isnan(y)
    columns = {"treated": families["treated"].to_numpy(float)}
    for name in _COVARIATES:
        values = families[name].to_numpy(float, na_value=nan)
        if np.isfinite(values).all() and np.ptp(values[seen]) > 0:
            columns[name] = values
    while True:
        x = np.column_stack([np.ones(len(y)), *columns.values()])
        names = ["constant", *columns]
        try:
            completed = impute_binary(y, x, n_imputations=m, rng=rng, names=names)
        except SeparationError as found:
            out = [names[j] for j in found.columns if names[j] in _COVARIATES]
            if "treated" in (names[j] for j in found.columns) or not out:
                raise
            columns = {name: values for name, values in columns.items() if name not in out}
            continue
        left = [name.replace("_", " ") for name in _COVARIATES if name not in columns]
        return completed, f"; without {' and '.join(left)}" if left else ""
