"""Closing, re-referral and escalation by the end of the long follow-up: the published model, and a better one.

Source: FACT22 evaluation (2020), Figures 2 and 3, and Appendix 4: a logistic model of treatment, sex, under eleven, and
history. Its figures compare the control group as observed with what it would have been had it had the service.
Differences are in percentage points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy import special, stats

from crewe_lib.definitions_follow_up import ClosedReading, RereferralReading
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.follow_up import COVARIATES, count_left_out, counts_by_arm, is_rare, outcome_design, outcome_set
from crewe_lib.formats import count, fixed, interval, p_value
from crewe_lib.models.exact_proportions import fit_unconditional
from crewe_lib.models.linear import Array
from crewe_lib.models.logistic import Contrast, LogisticFit, SeparationError, fit_logistic, standardise
from crewe_lib.models.panel import check_alpha
from crewe_lib.provenance import traced

TREATED = 1  # column of the design
LABELS: Mapping[str, str] = {"closed": "Closed", "rereferred": "Re-referred", "escalated": "Escalated"}
EFFECT_COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome"),
    "method": Column("Method"),
    "control": Column("Control, %", fixed(1)),
    "treatment": Column("with the service, %", fixed(1)),
    "difference": Column("Difference, points", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("Families", fixed(0)),
    "note": Column("Note"),
}
PUBLISHED = "logistic model, over the control families (published)"
BETTER = "logistic model, over all families, errors by family"
EXACT = "shares as they are, exact interval and Boschloo's test"


@traced
def choose_outcomes(*, closed_reading: ClosedReading, rereferral_reading: RereferralReading) -> dict[str, str]:
    """Which column of `derive_follow_up_set` stands for each outcome. Raises CreweError for an unknown reading."""
    for name, given, allowed in (
        ("closed_reading", closed_reading, get_args(ClosedReading)),
        ("rereferral_reading", rereferral_reading, get_args(RereferralReading)),
    ):
        if given not in allowed:
            raise CreweError(f"{name} is '{given}'; it must be one of {', '.join(allowed)}.")
    return {
        "closed": f"closed_{closed_reading}",
        "rereferred": f"rereferred_{rereferral_reading}",
        "escalated": "escalated",
    }


@traced
def estimate_effects(families: pd.DataFrame, outcomes: Mapping[str, str], *, alpha: float) -> pd.DataFrame:
    """The published model of each outcome, with one better method beside it.

    Published: logistic model with model-based errors; `control` is the control families' share, which the model gives
    back as observed, `treatment` what it predicts for the same families with the service, p that of the coefficient
    (Wald), interval of the difference by the delta method. Better: the same model averaged over all families of both
    arms, errors by family (CR1, t). Where the outcome is rare (`is_rare`) or no finite coefficient fits, the better
    method is exact: shares as they are, unconditional interval, Boschloo's test. A published model that cannot be
    fitted keeps its row, which says why.

    Columns: outcome, label, approach ('published', 'better'), method, control, treatment, difference, conf_low,
    conf_high (per cent and points), interval, p_value, n, n_control, note (covariates and families left out), low and
    high (published: `treatment` with the coefficient at its limits and all else held, so that they hold `control` if
    p > alpha).
    """
    check_alpha(alpha)
    rows: list[dict[str, Any]] = []
    left = count_left_out(families, outcomes)
    for outcome, column in outcomes.items():
        frame = outcome_set(families, column)
        controls = int((frame["treated"] == 0).sum())
        own = {"outcome": outcome, "label": LABELS[outcome], "n": len(frame), "n_control": controls}
        without = _say_left_out(left[left["outcome"] == outcome])
        for row in _both(frame, alpha):
            rows.append(own | row | {"note": "; ".join(filter(None, (row["note"], without)))})
    return pd.DataFrame(rows)


def _both(frame: pd.DataFrame, alpha: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Published and better row of one outcome."""
    try:
        published = fit_published(frame, alpha)
    except CreweError as reason:
        note = f"not possible: {short_reason(reason)}"
        return {"approach": "published", "method": PUBLISHED, "note": note}, fit_exact(frame, alpha)
    if is_rare(frame):
        return published, fit_exact(frame, alpha)
    try:
        return published, _better(frame, alpha)
    except CreweError:
        return published, fit_exact(frame, alpha)


def _say_left_out(left: pd.DataFrame) -> str:
    """'2 left out: outcome unknown', or nothing."""
    totals = zip(left["treatment"] + left["control"], left["reason"], strict=True)
    return "; ".join(f"{count(n)} left out: {reason}" for n, reason in totals if n)


def short_reason(reason: CreweError) -> str:
    """Why there is no estimate, short enough for a table."""
    if isinstance(reason, SeparationError) and TREATED in reason.columns:
        alone = max(reason.columns) == TREATED
        who = "treatment tells" if alone else "treatment and a covariate together tell"
        return f"{who} the outcome apart{' (an arm has none, or all)' if alone else ''}, so no finite coefficient fits"
    return str(reason).split(". ")[0].split(";")[0]


def fit_outcome(frame: pd.DataFrame, *, errors: str) -> tuple[LogisticFit, Array, str]:
    """The model, its design, and a note on covariates left out since they do not vary or tell the outcome apart. Raises
    CreweError if the treatment does."""
    x, names = outcome_design(frame)
    dropped = [COVARIATES[name] for name in COVARIATES if name not in names]
    clusters = frame["family_id"] if errors == "CR1" else None
    while True:
        try:
            fit = fit_logistic(
                frame["outcome"], x, covariance="CR1" if errors == "CR1" else "model", clusters=clusters, names=names
            )
        except SeparationError as found:
            out = [j for j in found.columns if j > TREATED]
            if TREATED in found.columns or not out:
                raise
            dropped += [COVARIATES[names[j]] for j in out]
            x, names = np.delete(x, out, axis=1), [name for j, name in enumerate(names) if j not in out]
            continue
        return fit, x, f"without {', '.join(dropped)}" if dropped else ""


def fit_published(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """The published row of `estimate_effects`, from one outcome's set."""
    fit, x, note = fit_outcome(frame, errors="model")
    control = frame["treated"].to_numpy() == 0
    contrast = standardise(fit, x[control], column=TREATED, alpha=alpha)["difference"]
    as_is, changed = x[control].copy(), x[control].copy()
    changed[:, TREATED] = 1
    error = float(np.sqrt(fit.covariance_matrix[TREATED, TREATED]))
    half = float(stats.norm.isf(alpha / 2)) * error
    low, risk, high = (float(np.mean(special.expit(changed @ fit.coefficients + by))) for by in (-half, 0.0, half))
    p = 2 * float(stats.norm.sf(abs(float(fit.coefficients[TREATED])) / error))
    row = _row("published", PUBLISHED, contrast, p, note)
    shares = {"control": 100 * float(np.mean(special.expit(as_is @ fit.coefficients))), "treatment": 100 * risk}
    return row | shares | {"low": 100 * low, "high": 100 * high}


def _better(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    fit, x, note = fit_outcome(frame, errors="CR1")
    contrast = standardise(fit, x, column=TREATED, alpha=alpha)["difference"]
    both = []
    for value in (0.0, 1.0):
        changed = x.copy()
        changed[:, TREATED] = value
        both.append(100 * float(np.mean(special.expit(changed @ fit.coefficients))))
    row = _row("better", BETTER, contrast, contrast.p_value, note)
    return row | {"control": both[0], "treatment": both[1]}


def fit_exact(frame: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """The exact row of `estimate_effects`; without a test where the outcome is the same in every family."""
    k1, n1, k2, n2 = counts_by_arm(frame)
    note = "" if 0 < k1 + k2 < n1 + n2 else "the outcome is the same in every family, so there is no test"
    found = fit_unconditional(k1, n1, k2, n2, alpha=alpha)
    p = found.boschloo if not note else np.nan
    contrast = Contrast(found.difference, np.nan, found.conf_low, found.conf_high, p)
    row = _row("better", EXACT, contrast, p, note)
    return row | {"control": 100 * k2 / n2, "treatment": 100 * k1 / n1}


def _row(approach: str, method: str, contrast: Contrast, p: float, note: str) -> dict[str, Any]:
    values = (100 * contrast.estimate, 100 * contrast.conf_low, 100 * contrast.conf_high)
    return {
        "approach": approach,
        "method": method,
        "difference": values[0],
        "conf_low": values[1],
        "conf_high": values[2],
        "interval": interval(values[1], values[2]),
        "p_value": p,
        "note": note,
    }


@traced
def derive_predicted(effects: pd.DataFrame) -> pd.DataFrame:
    """What the report's Figures 2 and 3 draw, from the published rows: the control families as observed, and as the
    model predicts them with the service, with the interval of the effect (there is none about the share as observed).
    Columns as `figures.rct.draw_means` takes them: label, arm, arm_label, estimate, conf_low, conf_high, n. Outcomes
    without a published fit are left out; raises CreweError if none has one.
    """
    rows = []
    for row in effects[(effects["approach"] == "published") & effects["difference"].notna()].to_dict("records"):
        own = {"label": row["label"], "n": row["n_control"]}
        rows.append(
            own
            | {"arm": "treatment", "arm_label": "with the service, predicted", "estimate": row["treatment"]}
            | {"conf_low": row["low"], "conf_high": row["high"]}
        )
        rows.append(
            own
            | {"arm": "control", "arm_label": "control, as observed", "estimate": row["control"]}
            | {"conf_low": np.nan, "conf_high": np.nan}
        )
    if not rows:
        raise CreweError("follow-up: the published model can be fitted to no outcome of these records.")
    return pd.DataFrame(rows)


@traced
def summarise_effects(effects: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """Numbers for prose: of each outcome the better difference (`closed`, …), its interval written, and p where there
    is one; and how many of the tests reject at alpha."""
    better = effects[effects["approach"] == "better"].set_index("outcome")
    found: dict[str, Any] = {
        "tests": int(effects["p_value"].notna().sum()),
        "rejecting": int(effects["p_value"].le(alpha).sum()),
        "separated": int(effects["difference"].isna().sum()),
    }
    for outcome, row in better.iterrows():
        found |= {str(outcome): float(row["difference"]), f"{outcome}_interval": str(row["interval"])}
        found |= {f"{outcome}_p": float(row["p_value"]), f"{outcome}_n": int(row["n"])}
    return found
