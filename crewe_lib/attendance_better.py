"""Absence in the trial, done better: sessions missed out of those possible, families' pupils taken as alike; and the
logarithm and what it does to zeros.

All functions take the table that `attendance.derive_pupils` gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.attendance_context import PHASES
from crewe_lib.attendance_groups import check_group, design, find_gap, members, miss_estimate
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, fixed, interval, p_value
from crewe_lib.models.count import fit_quasi_poisson
from crewe_lib.models.count_rates import Standardised, standardise
from crewe_lib.models.linear import fit_linear
from crewe_lib.provenance import traced
from crewe_lib.results import Estimate
from crewe_lib.sdq import ARMS

BETTER_COLUMNS: Mapping[str, Column] = {
    "label": Column("Pupils"),
    **{arm: Column(f"{label}: days in a hundred", fixed(1)) for arm, label in ARMS.items()},
    "estimate": Column("Difference", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "ratio": Column("Ratio", fixed(2)),
    "ratio_interval": Column("Interval"),
    "days": Column("Days over both terms", fixed(1, sign=True)),
}
LOGARITHM_COLUMNS: Mapping[str, Column] = {
    "label": Column("Pupils"),
    "way": Column("Way"),
    "ratio": Column("Ratio", fixed(2)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("n", count),
    "zeros": Column("Without a day missed", count),
    "dropped": Column("Of these dropped", count),
}
BETTER = "Quasi-Poisson, CR1 by family, history"
_HUNDRED, _NOTHING = 100, float("nan")


@traced
def estimate_better(pupils: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Days missed in a hundred possible ones, treatment less control, and their ratio, for each group of pupils.

    Sessions missed follow exp(treatment, history) times sessions possible (quasi-Poisson); errors allow for likeness
    within families (CR1, t with as many degrees of freedom as families less one). Rates are what all pupils of the
    group would have in each arm, history as it is. Columns: those of Estimate (days in a hundred), phase, label,
    interval, treatment, control (rates), ratio, ratio_low, ratio_high, ratio_interval, ratio_p, days (the difference at
    the group's mean of possible days), families, dispersion (Pearson's; one would be Poisson). All missing for a group
    that cannot be compared (`attendance.describe_gaps`).
    """
    return pd.DataFrame([_better(group, members(pupils, group), alpha) for group in PHASES])


def _better(group: str, own: pd.DataFrame, alpha: float) -> dict[str, Any]:
    if find_gap(own):
        return _nothing(group, own)
    fit = fit_quasi_poisson(own["missed"], design(own), exposure=own["possible"], clusters=own["family_id"])
    found = standardise(fit, design(own, treated=1), design(own, treated=0), weights=own["possible"], alpha=alpha)
    one = found.difference
    estimate, error, low, high = (
        _HUNDRED * each for each in (one.estimate, one.std_error, one.conf_low, one.conf_high)
    )
    row = Estimate(
        "days absent", "days in a hundred", estimate, error, low, high, one.p_value, len(own), BETTER, fit.df
    )
    return {
        **asdict(row),
        "phase": group,
        "label": PHASES[group],
        "interval": interval(row.conf_low, row.conf_high),
        "treatment": _HUNDRED * found.treated.estimate,
        "control": _HUNDRED * found.control.estimate,
        **_ratio(found),
        "days": one.estimate * float(own["possible"].mean()) / 2,
        "families": int(own["family_id"].nunique()),
        "dispersion": fit.dispersion,
    }


def _nothing(group: str, own: pd.DataFrame) -> dict[str, Any]:
    """The row of a group that cannot be compared."""
    one = miss_estimate("days in a hundred", len(own), BETTER)
    numbers = dict.fromkeys((*ARMS, "ratio", "ratio_low", "ratio_high", "ratio_p", "days", "dispersion"), _NOTHING)
    about = {"phase": group, "label": PHASES[group], "interval": "–", "ratio_interval": "–"}
    return {**asdict(one), **about, **numbers, "families": int(own["family_id"].nunique())}


def _ratio(found: Standardised) -> dict[str, Any]:
    ratio = found.ratio
    return {
        "ratio": ratio.estimate,
        "ratio_low": ratio.conf_low,
        "ratio_high": ratio.conf_high,
        "ratio_interval": interval(ratio.conf_low, ratio.conf_high, 2),
        "ratio_p": ratio.p_value,
    }


@traced
def estimate_contrast(pupils: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """Whether the effect differs between phases: the ratio in secondary school over that in primary, from one model
    with treatment × phase, errors by family. ratio, low, high, interval, p_value; missing if a phase cannot be
    compared."""
    if any(find_gap(members(pupils, group)) for group in PHASES):
        return {**dict.fromkeys(("ratio", "low", "high", "p_value"), _NOTHING), "interval": "–"}
    secondary = pupils["phase"].eq("secondary").to_numpy(float)
    base = design(pupils)
    x = np.column_stack([base, secondary, base[:, 1] * secondary])
    fit = fit_quasi_poisson(pupils["missed"], x, exposure=pupils["possible"], clusters=pupils["family_id"])
    low, high, p = fit.interval(-1, alpha)
    numbers = {"ratio": np.exp(fit.coefficients[-1]), "low": np.exp(low), "high": np.exp(high), "p_value": p}
    found = {name: float(value) for name, value in numbers.items()}
    return {**found, "interval": interval(found["low"], found["high"], 2)}


@traced
def check_logarithm(pupils: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The report's check, and what it does to zeros: ratio of days absent, treatment over control, given history.

    Three ways: least squares of the logarithm of days, which drops whoever missed none; of days plus one, which keeps
    them, but whose ratio is of days plus one and changes with the unit; and the log-linear mean, which keeps them as
    they are. The first two have HC1 errors, as published; the last errors by family. Columns: phase, label, way, ratio,
    conf_low, conf_high, interval, p_value, n, zeros (pupils without a day missed), dropped; the ratio is missing where
    the days that are left do not allow one.
    """
    return pd.DataFrame(_logarithms(pupils, alpha))


def _logarithms(pupils: pd.DataFrame, alpha: float) -> Iterator[dict[str, Any]]:
    for group, label in PHASES.items():
        own = members(pupils, group)
        kept = own[own["missed"] > 0].reset_index(drop=True)
        zeros = len(own) - len(kept)
        for way, rows, add in (("Logarithm, zeros dropped", kept, 0.0), ("Logarithm of days plus one", own, 1.0)):
            found, p = _try_logarithm(rows, add, alpha)
            yield {"phase": group, "label": label, "way": way, **found, "p_value": p, "n": len(rows), "zeros": zeros,
                   "dropped": len(own) - len(rows)}  # fmt: skip
        better = _better(group, own, alpha)
        found = _as_ratio((better["ratio"], better["ratio_low"], better["ratio_high"]))
        yield {"phase": group, "label": label, "way": "Log-linear mean (quasi-Poisson)", **found,
               "p_value": better["ratio_p"], "n": len(own), "zeros": zeros, "dropped": 0}  # fmt: skip


def _try_logarithm(rows: pd.DataFrame, add: float, alpha: float) -> tuple[dict[str, Any], float]:
    try:
        check_group(rows)
        fit = fit_linear(np.log(rows["days"] + add), design(rows), covariance="HC1")
        low, high, p = fit.interval(1, alpha)
    except CreweError:
        return _as_ratio((_NOTHING,) * 3), _NOTHING
    return _as_ratio((float(np.exp(fit.coefficients[1])), float(np.exp(low)), float(np.exp(high)))), p


def _as_ratio(found: tuple[float, ...]) -> dict[str, Any]:
    ratio, low, high = found
    said = "–" if np.isnan(ratio) else interval(low, high, 2)
    return {"ratio": ratio, "conf_low": low, "conf_high": high, "interval": said}
