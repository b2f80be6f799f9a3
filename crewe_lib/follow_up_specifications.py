"""Closing, re-referral and escalation by every other defensible analysis: one table of specifications for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.follow_up import OUTCOMES, is_rare, outcome_design, outcome_set
from crewe_lib.follow_up_outcomes import TREATED, fit_exact, fit_outcome, fit_published, short_reason
from crewe_lib.formats import interval
from crewe_lib.models.firth import average_risks, fit_firth, profile_firth
from crewe_lib.models.linear import fit_linear
from crewe_lib.models.logistic import Contrast, standardise
from crewe_lib.models.panel import check_alpha
from crewe_lib.models.randomisation import fit_randomisation
from crewe_lib.provenance import traced
from crewe_lib.rct_specifications import ODDS, SPECIFICATION_COLUMNS, write
from crewe_lib.rct_specifications_summary import POINTS

__all__ = ["SPECIFICATION_COLUMNS", "estimate_specifications", "summarise_specifications"]

READINGS: Mapping[str, str] = {
    "closed_status": "no case open on the last day",
    "closed_recorded": "a recorded closure, re-opened or not",
    "rereferred_any": "referred again on any later day",
    "rereferred_printed": "within twelve months of the first referral",
    "rereferred_statutory": "within twelve months of the previous referral",
}
Made = tuple[float, float, float, float, int, str]  # estimate, limits, p, families, note


@traced
def estimate_specifications(
    families: pd.DataFrame, outcomes: Mapping[str, str], *, outcome: str, n_draws: int, seed: int, alpha: float
) -> pd.DataFrame:
    """The effect on one outcome, one row for each specification; each changes one thing.

    Closing and re-referral: the published model; averaged over all families (errors by family); without covariates
    (exact interval, Boschloo's test); least squares with HC2 errors; randomisation of families (n_draws allocations
    from `seed`); without those who turned eighteen; the other readings of the outcome. Rare outcomes (`is_rare`) have
    instead of the average over all families Firth's odds ratio with profile interval, with and without covariates,
    and the difference of corrected predictions, which has no interval.

    Columns: id, group, label, unit ('points', 'odds ratio'), estimate, conf_low, conf_high, p_value, n, written,
    interval, note. A specification that these families do not allow keeps its row, with the reason as its note. Raises
    CreweError for bad alpha, an unknown outcome, or if an arm has no family to analyse.
    """
    check_alpha(alpha)
    if outcome not in outcomes:
        raise CreweError(f"outcome is '{outcome}'; it must be one of {', '.join(outcomes)}.")
    frame = outcome_set(families, outcomes[outcome])
    rare = is_rare(frame)
    rows = [_try("published", "As published", "over the control families", lambda: _published(frame, alpha))]
    rows += _rare_rows(frame, alpha) if rare else _common_rows(frame, alpha)
    rows += [*_design_rows(frame, n_draws, seed, alpha), _young(frame, alpha)]
    return pd.DataFrame([*rows, *_other_readings(families, outcomes[outcome], alpha)])


def _try(id: str, group: str, label: str, make: Callable[[], Made], unit: str = POINTS) -> dict[str, Any]:
    """The row, or if these families do not allow the analysis, one that says why."""
    own = {"id": id, "group": group, "label": label, "unit": unit}
    try:
        estimate, low, high, p, n, note = make()
    except CreweError as reason:
        blank = dict.fromkeys(("estimate", "conf_low", "conf_high", "p_value"), np.nan)
        return (
            own
            | blank
            | {"n": None, "written": None, "interval": None, "note": f"not possible: {short_reason(reason)}"}
        )
    known = not np.isnan(low)
    said = write(estimate, low if known else estimate, high if known else estimate, unit)
    values = {"estimate": estimate, "conf_low": low, "conf_high": high, "p_value": p, "n": n, "note": note}
    return own | values | {"written": said["written"], "interval": said["interval"] if known else None}


def _points(contrast: Contrast, n: int, note: str = "") -> Made:
    values = (100 * contrast.estimate, 100 * contrast.conf_low, 100 * contrast.conf_high)
    return (*values, contrast.p_value, n, note)


def _exact(frame: pd.DataFrame, alpha: float) -> Made:
    return _made(fit_exact(frame, alpha), frame)


def _published(frame: pd.DataFrame, alpha: float) -> Made:
    return _made(fit_published(frame, alpha), frame)


def _made(row: dict[str, Any], frame: pd.DataFrame) -> Made:
    return row["difference"], row["conf_low"], row["conf_high"], row["p_value"], len(frame), row["note"]


def _logistic(frame: pd.DataFrame, alpha: float) -> Made:
    fit, x, note = fit_outcome(frame, errors="CR1")
    return _points(standardise(fit, x, column=TREATED, alpha=alpha)["difference"], len(frame), note)


def _common_rows(frame: pd.DataFrame, alpha: float) -> list[dict[str, Any]]:
    return [
        _try("better", "Whom it is over", "all families, errors by family", lambda: _logistic(frame, alpha)),
        _try("exact", "Adjustment", "none, exact interval", lambda: _exact(frame, alpha)),
    ]  # fmt: skip


def _rare_rows(frame: pd.DataFrame, alpha: float) -> list[dict[str, Any]]:
    x, _ = outcome_design(frame)
    return [
        _try("exact", "Exact", "no covariates, exact interval", lambda: _exact(frame, alpha)),
        _try("firth_plain", "Penalised (Firth)", "no covariates", lambda: _firth(frame, x[:, :2], alpha), ODDS),
        _try("firth", "Penalised (Firth)", "sex, under eleven, history", lambda: _firth(frame, x, alpha), ODDS),
        _try("firth_flic", "Penalised (Firth)", "difference of corrected predictions", lambda: _corrected(frame, x)),
    ]


def _firth(frame: pd.DataFrame, x: np.ndarray, alpha: float) -> Made:
    fit = fit_firth(frame["outcome"], x)
    profile = profile_firth(frame["outcome"], x, fit, column=TREATED, alpha=alpha)
    odds = [float(np.exp(value)) for value in (fit.coefficients[TREATED], profile.conf_low, profile.conf_high)]
    return odds[0], odds[1], odds[2], profile.p_value, len(frame), "interval by profile"


def _corrected(frame: pd.DataFrame, x: np.ndarray) -> Made:
    treated, control = average_risks(fit_firth(frame["outcome"], x), x, column=TREATED)
    note = "intercept corrected, so that the mean prediction is the share observed; no interval"
    return 100 * (treated - control), np.nan, np.nan, np.nan, len(frame), note


def _design_rows(frame: pd.DataFrame, n_draws: int, seed: int, alpha: float) -> Iterator[dict[str, Any]]:
    x, _ = outcome_design(frame)

    def linear() -> Made:
        if frame.groupby("treated")["outcome"].nunique().min() < 2:
            raise CreweError("families in an arm are all alike, so the error would be too small.")
        fit = fit_linear(frame["outcome"], x, covariance="HC2")
        low, high, p = fit.interval(TREATED, alpha)
        contrast = Contrast(float(fit.coefficients[TREATED]), float(fit.std_errors[TREATED]), low, high, p)
        note = "families in an arm are nearly all alike: interval likely to be too short"
        return _points(contrast, len(frame), note if is_rare(frame) else "")

    def drawn() -> Made:
        found = fit_randomisation(
            frame["outcome"],
            x[:, TREATED],
            covariates=x[:, TREATED + 1 :],
            families=frame["family_id"],
            n_draws=n_draws,
            rng=np.random.default_rng(seed),
            alpha=alpha,
        )
        limits = (found.conf_low, found.conf_high, found.p_value)
        return _points(Contrast(found.estimate, found.std_error, *limits), len(frame))

    yield _try("linear", "Model", "least squares, HC2", linear)
    yield _try("randomisation", "Inference", "randomisation of families, least squares", drawn)


def _young(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """Without those who turned eighteen; a note counts them."""

    def make() -> Made:
        own = frame[frame["aged_out"] == 0].reset_index(drop=True)
        if own["treated"].nunique() < 2:
            raise CreweError("in one arm everybody turned eighteen.")
        made = _either(own, alpha)
        left = f"{len(frame) - len(own)} families left out"
        return (*made[:5], f"{left}, {made[5]}" if made[5] else left)

    return _try("under_18", "Families", "without those who turned eighteen", make)


def _either(frame: pd.DataFrame, alpha: float) -> Made:
    """The model over all families, or the exact comparison where the outcome is rare."""
    if not is_rare(frame):
        return _logistic(frame, alpha)
    made = _exact(frame, alpha)
    return (*made[:5], made[5] or "few: exact, no covariates")


def _other_readings(families: pd.DataFrame, chosen: str, alpha: float) -> Iterator[dict[str, Any]]:
    stem = chosen.partition("_")[0]
    for column in (name for name in OUTCOMES if name.startswith(f"{stem}_") and name != chosen):
        make = partial(_reading, families, column, alpha)
        yield _try(column, "Definition", READINGS[column], make)


def _reading(families: pd.DataFrame, column: str, alpha: float) -> Made:
    return _either(outcome_set(families, column), alpha)


@traced
def summarise_specifications(specifications: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """Numbers for prose: of the rows in points, least and greatest estimate; how many rows have a test, and how many
    of these have p at or below alpha; rows (all), impossible (rows without an estimate), interval (least to
    greatest, written)."""
    points = specifications.loc[specifications["unit"] == POINTS, "estimate"].dropna()
    if points.empty:
        raise CreweError("specifications: none of them could be estimated; see the notes of the table.")
    least, greatest = float(points.min()), float(points.max())
    return {
        "rows": len(specifications),
        "impossible": int(specifications["estimate"].isna().sum()),
        "least": least,
        "greatest": greatest,
        "range": interval(least, greatest),
        "tests": int(specifications["p_value"].notna().sum()),
        "rejecting": int(specifications["p_value"].le(alpha).sum()),
    }
