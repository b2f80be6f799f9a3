"""How far the answer on absence hangs on choices: errors, models, which absence, which pupils.

All functions take the table that `attendance.derive_pupils` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.attendance import SPRING_BEGINS
from crewe_lib.attendance_better import BETTER
from crewe_lib.attendance_context import PHASES
from crewe_lib.attendance_groups import check_group, design, members
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, interval
from crewe_lib.models.count import fit_negative_binomial, fit_quasi_poisson
from crewe_lib.models.count_rates import standardise
from crewe_lib.models.linear import Array, Covariance, fit_linear
from crewe_lib.models.randomisation import fit_randomisation
from crewe_lib.provenance import traced

SPECIFICATION_COLUMNS: Mapping[str, Column] = {
    "specification": Column("What is done"),
    "unit": Column("Difference in"),
    **{phase: Column(label) for phase, label in PHASES.items()},
}
_DAYS, _POINTS, _HUNDRED = "days", "points of 100 pupils", 100
_Found = tuple[float, float, float]  # estimate and limits


@traced
def estimate_specifications(pupils: pd.DataFrame, *, n_draws: int, seed: int, alpha: float) -> pd.DataFrame:
    """Other choices beside the better one: specification, unit, phase, estimate, conf_low, conf_high, reason (why there
    is no estimate; '' if there is one). Differences are treatment less control, days over both terms unless said."""
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    for name, (unit, estimate) in _specifications(n_draws, rng, alpha).items():
        for group in PHASES:
            about = {"specification": name, "unit": unit, "phase": group}
            try:
                own = members(pupils, group)
                check_group(own)
                numbers, reason = estimate(own), ""
            except CreweError as fault:
                numbers, reason = (float("nan"),) * 3, str(fault)
            found.append({**about, **dict(zip(("estimate", "conf_low", "conf_high"), numbers, strict=True)),
                          "reason": reason})  # fmt: skip
    return pd.DataFrame(found)


def _specifications(
    n_draws: int, rng: np.random.Generator, alpha: float
) -> dict[str, tuple[str, Callable[[pd.DataFrame], _Found]]]:
    return {
        "Least squares, HC1, history (as published)": (_DAYS, lambda own: _linear(own, "days", "HC1", alpha)),
        "Least squares, equal variances, history": (_DAYS, lambda own: _linear(own, "days", "classical", alpha)),
        "Least squares, CR2 by family, history": (_DAYS, lambda own: _linear(own, "days", "CR2", alpha)),
        "Families allocated anew (randomisation), history": (_DAYS, lambda own: _randomised(own, n_draws, rng, alpha)),
        BETTER: (_DAYS, lambda own: _counted(own, "missed", "possible", alpha)),
        "The same, without history": (_DAYS, lambda own: _counted(own, "missed", "possible", alpha, adjusted=False)),
        "Negative binomial, CR1 by family, history": (
            _DAYS,
            lambda own: _counted(own, "missed", "possible", alpha, fit=fit_negative_binomial),
        ),
        "Missed without leave only": (_DAYS, lambda own: _counted(own, "unauthorised", "possible", alpha)),
        "Spring term, families randomised before it": (
            _DAYS,
            lambda own: _counted(_before_spring(own), "spring_missed", "spring_possible", alpha),
        ),
        "Persistently absent, CR2 by family, history": (_POINTS, lambda own: _linear(own, "persistent", "CR2", alpha)),
    }


def _before_spring(own: pd.DataFrame) -> pd.DataFrame:
    kept = own[(own["randomised_on"] < SPRING_BEGINS) & (own["spring_possible"] > 0)]
    if kept["treated"].nunique() < 2:
        raise CreweError("attendance: no pupil of one arm was of a family randomised before the spring term.")
    return kept.reset_index(drop=True)


def _linear(own: pd.DataFrame, outcome: str, covariance: Covariance, alpha: float) -> _Found:
    scale = _HUNDRED if outcome == "persistent" else 1
    fit = fit_linear(own[outcome] * scale, design(own), covariance=covariance, clusters=own["family_id"])
    return (float(fit.coefficients[1]), *fit.interval(1, alpha)[:2])


def _randomised(own: pd.DataFrame, n_draws: int, rng: np.random.Generator, alpha: float) -> _Found:
    x = design(own)
    found = fit_randomisation(
        own["days"],
        x[:, 1],
        covariates=x[:, 2:] if x.shape[1] > 2 else None,
        families=own["family_id"],
        n_draws=n_draws,
        rng=rng,
        alpha=alpha,
    )
    return found.estimate, found.conf_low, found.conf_high


def _counted(
    own: pd.DataFrame,
    outcome: str,
    exposure: str,
    alpha: float,
    *,
    adjusted: bool = True,
    fit: Callable[..., Any] = fit_quasi_poisson,
) -> _Found:
    """The difference in days at the pupils' mean of possible days."""

    def columns(treated: float | None = None) -> Array:
        return design(own, treated=treated)[:, : None if adjusted else 2]

    fitted = fit(own[outcome], columns(), exposure=own[exposure], clusters=own["family_id"])
    one = standardise(fitted, columns(1), columns(0), weights=own[exposure], alpha=alpha).difference
    days = float(own[exposure].mean()) / 2
    return one.estimate * days, one.conf_low * days, one.conf_high * days


@traced
def write_specifications(specifications: pd.DataFrame) -> pd.DataFrame:
    """The same with a row for each specification: specification, unit, and a column for each phase with the estimate
    and its interval as words, '–' where there is none; reasons, '' or why."""
    rows = []
    for (name, unit), own in specifications.groupby(["specification", "unit"], sort=False):
        cells = {row["phase"]: _write(row) for row in own.to_dict("records")}
        reasons = "; ".join(dict.fromkeys(reason for reason in own["reason"] if reason))
        rows.append({"specification": name, "unit": unit, **cells, "reasons": reasons})
    return pd.DataFrame(rows)


def _write(row: Mapping[Any, Any]) -> str:
    if row["reason"]:
        return "–"
    return f"{fixed(1, sign=True)(row['estimate'])} ({interval(row['conf_low'], row['conf_high'])})"


@traced
def summarise_specifications(specifications: pd.DataFrame) -> dict[str, Any]:
    """How many estimates there are, how many leave out zero, and in words which could not be made and why."""
    known = specifications[specifications["reason"] == ""]
    lacking = specifications[specifications["reason"] != ""]
    reasons = []
    for (phase, reason), own in lacking.groupby(["phase", "reason"], sort=False):
        label = PHASES[str(phase)]
        everything = len(own) == specifications["specification"].nunique()
        about = label if everything else f"{', '.join(own['specification'])}, {label.lower()}"
        reasons.append(f"{about}: {reason}")
    return {
        "all": len(known),
        "leave_out_zero": int(((known["conf_low"] > 0) | (known["conf_high"] < 0)).sum()),
        "without": " ".join(["Not estimated:", *reasons]) if reasons else "",
    }
