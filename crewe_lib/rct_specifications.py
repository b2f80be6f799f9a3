"""Closing cases by every other defensible analysis: one table of specifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.definitions import SteppedDownReading, StudyDates, derive_cases, derive_closed_round1
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import NO_BREAK, fixed, interval, p_value
from crewe_lib.models.linear import Covariance
from crewe_lib.models.panel import check_alpha
from crewe_lib.provenance import traced
from crewe_lib.rct import Ages, Unit, closing_design, derive_closing_set
from crewe_lib.rct_estimates import fit_drawn, fit_lin, fit_separable, fit_shares, fit_unadjusted
from crewe_lib.rct_specifications_summary import LOGIT, POINTS, WARNING, summarise_specifications
from crewe_lib.records import Records
from crewe_lib.results import Estimate

__all__ = ["SPECIFICATION_COLUMNS", "estimate_specifications", "summarise_specifications"]

RATIO, ODDS = "ratio", "odds ratio"

SPECIFICATION_COLUMNS: Mapping[str, Column] = {
    "group": Column("What differs"),
    "label": Column("Specification"),
    "written": Column("Estimate"),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("Cases", fixed(0)),
    "note": Column("Note"),
}


@dataclass(frozen=True)
class Choice:
    """One specification of the linear model: group and label as shown, id, ages and covariance."""

    id: str
    group: str
    label: str
    ages: Ages
    covariance: Covariance


PUBLISHED = Choice("published", "As published", "linear model, ages in bands, HC1", "bands", "HC1")
_AGES = Choice("ages_years", "Adjustment", "ages in single years, HC1", "years", "HC1")
_ERRORS = (
    Choice("hc2", "Standard error", "HC2", "bands", "HC2"),
    Choice("hc3", "Standard error", "HC3", "bands", "HC3"),
    Choice("cr2", "Standard error", "CR2 by family", "bands", "CR2"),
)
_CHILDREN = (
    Choice(WARNING, "Unit", "all children in need, HC1", "bands", "HC1"),
    Choice("children_cr2", "Unit", "all children in need, CR2 by family", "bands", "CR2"),
)
IGNORES_FAMILIES = "wrong: takes brothers and sisters for independent"
# Whom a missing outcome is taken for: closed in treatment, closed in control.
MISSING: Mapping[str, tuple[str, int, int]] = {
    "missing_closed": ("all closed", 1, 1),
    "missing_open": ("all open", 0, 0),
    "missing_best": ("closed in treatment, open in control", 1, 0),
    "missing_worst": ("open in treatment, closed in control", 0, 1),
}


@traced
def estimate_specifications(
    records: Records, *, dates: StudyDates, reading: SteppedDownReading, alpha: float, n_draws: int, seed: int
) -> pd.DataFrame:
    """The effect on closing by the end of the pilot, one row for each specification; each changes one thing, or where
    that forces another, says so in its note.

    Unless the row says otherwise: lead children with complete data, least squares on treatment, sex, age in bands,
    disability and history, HC1 errors, in percentage points. Rows: published; no covariates; ages in single years;
    HC2, HC3, CR2; randomisation of families (n_draws allocations from `seed`); Lin's interactions; logistic model,
    averaged over these families (g-computation), as difference, ratio and odds ratio; the other `reading` of stepped
    down; all families randomised, with missing outcomes taken as closed, open, or both in the best and worst way for
    the treatment, without covariates (they are missing too); all children in need, with errors by family and, as a
    warning that no summary counts, with errors that ignore families.

    Columns: id, group, label, unit ('points', 'ratio', 'odds ratio'), the fields of `Estimate` (std_error of ratios: of
    the logarithm), written, interval, note. A specification that these records do not allow keeps its row, with the
    reason as its note and the rest missing. Raises CreweError for bad alpha, or if the published model cannot be
    fitted.
    """
    check_alpha(alpha)
    frame = derive_closing_set(records, dates=dates, reading=reading, unit="lead_child")
    rows = [
        _linear(PUBLISHED, frame, alpha),
        _try("unadjusted", "Adjustment", "none, HC1", lambda: fit_unadjusted(frame, alpha)),
        _try_choice(_AGES, frame, alpha),
        _try("lin", "Adjustment", "with interactions (Lin), HC2", lambda: fit_lin(frame, alpha)),
        *(_try_choice(choice, frame, alpha) for choice in _ERRORS),
        _try("randomisation", "Inference", "randomisation of families", lambda: fit_drawn(frame, alpha, n_draws, seed)),
        *_logistic_rows(frame, alpha),
        *_other_reading(records, dates, reading, alpha),
        *_missing_rows(records, dates, reading, alpha),
        *_children_rows(records, dates, reading, alpha),
    ]
    return pd.DataFrame(rows)


Made = Estimate | tuple[Estimate, str] | dict[str, Any]  # an estimate, with its note, or as a row


def _linear(choice: Choice, frame: pd.DataFrame, alpha: float, note: str = "") -> dict[str, Any]:
    x, _ = closing_design(frame, ages=choice.ages)
    return _row(choice.id, choice.group, choice.label, fit_shares(frame, x, choice.covariance, alpha), note=note)


def _try_choice(choice: Choice, frame: pd.DataFrame, alpha: float, note: str = "") -> dict[str, Any]:
    return _try(choice.id, choice.group, choice.label, lambda: _linear(choice, frame, alpha, note))


def _try(id: str, group: str, label: str, make: Callable[[], Made]) -> dict[str, Any]:
    """The row, or if these records do not allow the analysis, a row that says why."""
    try:
        made = make()
    except CreweError as reason:
        return {**_row(id, group, label, None), "note": f"not possible: {reason}"}
    if isinstance(made, dict):
        return made
    estimate, note = made if isinstance(made, tuple) else (made, "")
    return _row(id, group, label, estimate, note=note)


def _row(
    id: str, group: str, label: str, estimate: Estimate | None, *, unit: str = POINTS, note: str = ""
) -> dict[str, Any]:
    own = {"id": id, "group": group, "label": label, "unit": unit, "note": note}
    if estimate is None:
        blank = Estimate("closed", unit, np.nan, np.nan, np.nan, np.nan, np.nan, 0, label)
        return {**own, **asdict(blank), "n": None, "written": None, "interval": None}
    return {**own, **asdict(estimate), **write(estimate.estimate, estimate.conf_low, estimate.conf_high, unit)}


def write(estimate: float, low: float, high: float, unit: str) -> dict[str, str]:
    """Estimate and interval in their unit, as text: '+8.5 points', '1.13 (ratio)'."""
    if unit == POINTS:
        return {"written": f"{fixed(1, sign=True)(estimate)}{NO_BREAK}points", "interval": interval(low, high)}
    return {"written": f"{fixed(2)(estimate)}{NO_BREAK}({unit})", "interval": interval(low, high, digits=2)}


_MEASURES = (
    (f"{LOGIT}_difference", "difference", POINTS, "logistic model, average difference"),
    (f"{LOGIT}_ratio", "ratio", RATIO, "logistic model, average ratio"),
    (f"{LOGIT}_odds_ratio", "odds_ratio", ODDS, "logistic model, odds ratio of averages"),
)


def _logistic_rows(frame: pd.DataFrame, alpha: float) -> Iterator[dict[str, Any]]:
    try:
        contrasts, note = fit_separable(frame, alpha=alpha)
    except CreweError as reason:
        for id, _, unit, label in _MEASURES:
            yield {**_row(id, "Model", label, None, unit=unit), "note": f"not possible: {reason}"}
        return
    for id, name, unit, label in _MEASURES:
        one, scale = contrasts[name], 100.0 if unit == POINTS else 1.0
        error = one.std_error * scale
        values = (scale * one.estimate, error, scale * one.conf_low, scale * one.conf_high, one.p_value)
        method = "logit, CR1 by family, t with families less coefficients as df, g-computation, delta method"
        yield _row(id, "Model", label, Estimate("closed", unit, *values, len(frame), method), unit=unit, note=note)


def _other_reading(
    records: Records, dates: StudyDates, reading: SteppedDownReading, alpha: float
) -> Iterator[dict[str, Any]]:
    other: SteppedDownReading = "stepped_down" if reading == "any_but_escalated" else "any_but_escalated"
    label = "only cases recorded as stepped down" if other == "stepped_down" else "all closed cases but the escalated"
    choice = Choice("other_reading", "Outcome", label, "bands", "HC1")
    yield _from_records(choice, records, dates, other, "lead_child", alpha)


def _from_records(
    choice: Choice,
    records: Records,
    dates: StudyDates,
    reading: SteppedDownReading,
    unit: Unit,
    alpha: float,
    note: str = "",
) -> dict[str, Any]:
    def make() -> dict[str, Any]:
        return _linear(choice, derive_closing_set(records, dates=dates, reading=reading, unit=unit), alpha, note)

    return _try(choice.id, choice.group, choice.label, make)


def _missing_rows(
    records: Records, dates: StudyDates, reading: SteppedDownReading, alpha: float
) -> Iterator[dict[str, Any]]:
    cases = derive_cases(records, dates=dates)
    closed = derive_closed_round1(records, cases, dates=dates, reading=reading)["closed"]
    known = pd.Series(closed.astype("Float64").to_numpy(float, na_value=np.nan), index=cases["family_id"])
    families = records.families[["family_id", "arm"]]
    outcome = families["family_id"].map(known)
    treated = (families["arm"] == "treatment").astype(int)
    unknown = int(outcome.isna().sum())
    note = f"outcome of {unknown} families filled in; all {len(families)} randomised, so without covariates"
    for id, (label, if_treated, if_control) in MISSING.items():
        filled = outcome.fillna(treated.map({1: float(if_treated), 0: float(if_control)}))
        frame = pd.DataFrame({"treated": treated, "closed": filled})
        one = _try(id, "Missing outcomes", label, partial(fit_unadjusted, frame, alpha))
        yield {**one, "note": one["note"] or note}


def _children_rows(
    records: Records, dates: StudyDates, reading: SteppedDownReading, alpha: float
) -> Iterator[dict[str, Any]]:
    for choice in _CHILDREN:
        note = IGNORES_FAMILIES if choice.id == WARNING else ""
        yield _from_records(choice, records, dates, reading, "children", alpha, note)
