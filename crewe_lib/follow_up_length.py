"""The long follow-up, length of cases: the report's imputation of those still open, and what it does.

R2 defines the length of a case as the days from the opening of its plan to its closure, if no escalation followed; for
a case not closed it estimates the length by a censored-normal regression. It prints no result. Which prediction it took
it does not say, nor which covariates: those of its other models stand here. Better analyses are in
`follow_up_length_specifications`.

Source: FACT22 evaluation (2020), Appendix 4, "Length of CIN cases".
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.follow_up_length_set import TREATED, length_design
from crewe_lib.formats import fixed, interval, p_phrase, p_value
from crewe_lib.models.censored_normal import (
    CensoredNormalFit,
    fit_censored_normal,
    predict_beyond,
    predict_mean,
)
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.panel import Array, check_alpha
from crewe_lib.provenance import traced
from crewe_lib.results import Estimate, tidy

PUBLISHED_COLUMNS: Mapping[str, Column] = {
    "label": Column("A case whose length is unknown is"),
    "estimate": Column("Difference in days", fixed(0, sign=True)),
    "interval": Column("Interval"),
    "std_error": Column("Standard error", fixed(0)),
    "p_value": Column("p", p_value),
    "n": Column("Cases", fixed(0)),
    "below": Column("Given fewer days than already seen"),
    "remark": Column("Note", blank=""),
}
# Reading of the imputation, and what a reader is told of it.
READINGS: Mapping[str, str] = {
    "mean": "given the model's mean, taken as data",
    "beyond": "given the model's mean beyond the days seen, taken as data",
    "model": "known to exceed the days seen; nothing is predicted",
}
LENGTH, DIFFERENCE = "length of case", "difference in mean days"


@traced
def estimate_published_length(frame: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The effect on the length of a case by R2's definition, treatment − control in days: one row per reading of how
    cases of unknown length are treated (`READINGS`).

    'mean', 'beyond': their lengths are predicted by the censored-normal model of treatment, sex, being under 11 and
    history, and least squares on the same columns takes predictions and known lengths alike, with errors of one
    variance, as the model has, so that they compare. 'model': the coefficient of the censored-normal model, which
    'beyond' repeats: putting for each such case what the model expects of it, and fitting again, is how the model's
    own estimate is found. Columns: id, label, those of `Estimate`, interval, below (such cases given fewer days than
    already seen, '9 of 14'), remark. What cannot be estimated leaves rows without estimate, and says why.
    """
    check_alpha(alpha)
    known = frame.dropna(subset=["female"])
    below: list[str | None] = [None] * len(READINGS)
    try:
        x, fit, note = _fit(known)
        rows = [_fit_reading(known, x, fit, reading, alpha) for reading in READINGS]
        below = _count_below(known, x, fit)
    except CreweError as error:
        rows, note = [_nothing(len(known), reading) for reading in READINGS], str(error)
    table = tidy(rows)
    table.insert(0, "id", [*READINGS])
    table.insert(1, "label", [*READINGS.values()])
    limits = zip(table["conf_low"], table["conf_high"], strict=True)
    table["interval"] = [None if pd.isna(low) else interval(low, high, 0) for low, high in limits]
    table["below"] = below
    return table.assign(remark=note or None)


def _fit(known: pd.DataFrame) -> tuple[Array, CensoredNormalFit, str]:
    """The design, the model, and a note on covariates left out."""
    x, _, note = length_design(known, known["closed"] == 1)
    return x, fit_censored_normal(known["days"], known["closed"] == 0, x), note


def _nothing(n: int, reading: str) -> Estimate:
    return Estimate(LENGTH, DIFFERENCE, np.nan, np.nan, np.nan, np.nan, np.nan, n, READINGS[reading])


def _fit_reading(known: pd.DataFrame, x: Array, fit: CensoredNormalFit, reading: str, alpha: float) -> Estimate:
    """One row: from the model itself, or by least squares with predictions in the place of unknown lengths."""
    if reading == "model":
        error, low, high, p = fit.contrast(TREATED, alpha)
        values = (float(fit.coefficients[TREATED]), error, low, high, p)
        return Estimate(LENGTH, DIFFERENCE, *values, len(known), "censored normal, maximum likelihood, normal")
    lengths = _fill(known, x, fit, reading)
    found = fit_linear(lengths, x, covariance="classical")
    low, high, p = found.interval(TREATED, alpha)
    values = (float(found.coefficients[TREATED]), float(found.std_errors[TREATED]), low, high, p)
    method = f"censored normal, {READINGS[reading]}; least squares, one variance"
    return Estimate(LENGTH, DIFFERENCE, *values, len(known), method, float(found.df[TREATED]))


def _fill(known: pd.DataFrame, x: Array, fit: CensoredNormalFit, reading: str) -> Array:
    """Known lengths, and predictions of the others."""
    days, closed = known["days"].to_numpy(float), known["closed"].to_numpy() == 1
    predicted = predict_mean(fit, x) if reading == "mean" else predict_beyond(fit, x, days)
    return np.where(closed, days, predicted)


def _count_below(known: pd.DataFrame, x: Array, fit: CensoredNormalFit) -> list[str | None]:
    """Of each reading, cases of unknown length given fewer days than already seen."""
    unknown = known["closed"].to_numpy() == 0
    days = known["days"].to_numpy(float)
    short = [int(np.sum((_fill(known, x, fit, reading) < days) & unknown)) for reading in ("mean", "beyond")]
    return [*(f"{number} of {int(np.sum(unknown))}" for number in short), None]


@traced
def derive_predictions(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per case whose length is not known and whose sex is recorded, fewest days first. Columns: arm, days (seen
    so far), predicted (mean of the censored-normal model), beyond (its mean beyond those days); no row if the model
    cannot be fitted."""
    known = frame.dropna(subset=["female"])
    unknown = (known["closed"] == 0).to_numpy()
    table = known.loc[unknown, ["arm", "days"]]
    try:
        x, fit, _ = _fit(known)
    except CreweError:
        return table.assign(predicted=np.nan, beyond=np.nan).iloc[:0]
    values = {name: _fill(known, x, fit, reading)[unknown] for name, reading in _PREDICTED.items()}
    return table.assign(**values).sort_values(["days", "arm"], ignore_index=True)


_PREDICTED = {"predicted": "mean", "beyond": "beyond"}


@traced
def summarise_published_length(
    frame: pd.DataFrame, published: pd.DataFrame, predictions: pd.DataFrame
) -> dict[str, str]:
    """Sentences for prose: `difference` (by the model's means as data, and by the model), `short` (cases given fewer
    days than seen), `error` (standard errors of each reading), `negative` (lengths below nought by the model)."""
    rows = {row["id"]: row for row in published.to_dict("records")}
    if pd.isna(rows["model"]["estimate"]):
        said = f"The model cannot be fitted: {rows['model']['remark']}"
        return dict.fromkeys(("difference", "short", "error", "negative"), said)
    known = frame.dropna(subset=["female"])
    x, fit, _ = _fit(known)
    below = float(np.mean(special.ndtr(-predict_mean(fit, x) / fit.scale)))
    taken, beyond, own = (fixed(0)(rows[id]["std_error"]) for id in READINGS)
    mean, model = _say_difference(rows["mean"]), _say_difference(rows["model"])
    return {
        "difference": f"Taking the model's means as data, the difference is {mean}; by the model itself it is {model}.",
        "short": _say_short(predictions),
        "error": f"The standard error of the difference is {taken} days if predicted means are taken as data, {beyond} "
        f"if predictions beyond what was seen are, and {own} by the model itself, which knows that neither are data.",
        "negative": f"By the model, {fixed(0)(100 * below)}% of cases would have lengths below nought.",
    }


def _say_difference(row: Mapping[Hashable, Any]) -> str:
    return f"{fixed(0, sign=True)(row['estimate'])} days (interval {row['interval']}; {p_phrase(row['p_value'])})"


def _say_short(predictions: pd.DataFrame) -> str:
    if predictions.empty:
        return "Every length is known, so none is predicted."
    short = predictions[predictions["predicted"] < predictions["days"]]
    if short.empty:
        return "No case is given fewer days than it has already been seen to last."
    worst = short.loc[(short["predicted"] - short["days"]).idxmin()]
    return (
        f"Of {len(predictions)} cases whose length is unknown, {len(short)} {'is' if len(short) == 1 else 'are'} given "
        f"fewer days than already seen; the farthest off has lasted {fixed(0)(worst['days'])} days and is given "
        f"{fixed(0)(worst['predicted'])}."
    )
