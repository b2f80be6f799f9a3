"""Estimates of the effect on closing from one set of cases (`rct.derive_closing_set`), by several methods.

Differences are in percentage points. Raise CreweError where the cases do not allow a method.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crewe_lib.models.linear import Array, Covariance, fit_linear, lin_design
from crewe_lib.models.logistic import Contrast, SeparationError, fit_logistic, standardise
from crewe_lib.models.randomisation import fit_randomisation
from crewe_lib.rct import closing_design
from crewe_lib.results import Estimate

TREATED = 1  # column of the design
POINTS_MEASURE = "difference in percentage points"


def fit_shares(frame: pd.DataFrame, x: Array, covariance: Covariance, alpha: float) -> Estimate:
    """Least squares of closed on a design (n, k) whose second column is the treatment; clusters are families."""
    clusters = frame["family_id"] if covariance.startswith("CR") else None
    fit = fit_linear(frame["closed"], x, covariance=covariance, clusters=clusters)
    low, high, p = fit.interval(TREATED, alpha)
    estimate, error, df = (float(part[TREATED]) for part in (fit.coefficients, fit.std_errors, fit.df))
    values = (100 * estimate, 100 * error, 100 * low, 100 * high, p)
    return Estimate("closed", POINTS_MEASURE, *values, len(frame), f"least squares, {covariance}", df)


def fit_unadjusted(frame: pd.DataFrame, alpha: float) -> Estimate:
    """The difference in shares without covariates, HC1."""
    return fit_shares(frame, np.column_stack([np.ones(len(frame)), frame["treated"]]), "HC1", alpha)


def fit_lin(frame: pd.DataFrame, alpha: float) -> tuple[Estimate, str]:
    """Covariates of the published model, each interacted with treatment (Lin 2013), HC2, and a note on what was left
    out: a covariate that in one arm varies by no more than a single case, such as a disability that only treated
    families have, has no slope there (see `lin_design`)."""
    x, names = closing_design(frame, ages="bands")
    design, out = lin_design(x[:, TREATED], x[:, TREATED + 1 :])
    left = ", ".join(names[TREATED + 1 + j] for j in out)
    note = f"without {left}: does not vary enough within each arm" if out else ""
    return fit_shares(frame, design, "HC2", alpha), note


def fit_drawn(frame: pd.DataFrame, alpha: float, n_draws: int, seed: int) -> Estimate:
    """The published model's coefficient, families allocated anew."""
    x, _ = closing_design(frame, ages="bands")
    found = fit_randomisation(
        frame["closed"],
        x[:, TREATED],
        covariates=x[:, TREATED + 1 :],
        families=frame["family_id"],
        n_draws=n_draws,
        rng=np.random.default_rng(seed),
        alpha=alpha,
    )
    limits = (100 * found.conf_low, 100 * found.conf_high, found.p_value)
    values = (100 * found.estimate, 100 * found.std_error, *limits)
    return Estimate("closed", POINTS_MEASURE, *values, len(frame), "randomisation inference")


def fit_separable(frame: pd.DataFrame, *, alpha: float) -> tuple[Mapping[str, Contrast], str]:
    """Standardised contrasts of the logistic model with errors by family (CR1), and a note on what was left out.

    A covariate that separates the outcome, such as a disability that only two families with closed cases have, has no
    finite coefficient; it is left out, and the note names it. Raises CreweError if the treatment itself separates.
    """
    x, names = closing_design(frame, ages="bands")
    dropped: list[str] = []
    while True:
        try:
            fit = fit_logistic(frame["closed"], x, covariance="CR1", clusters=frame["family_id"], names=names)
        except SeparationError as found:
            out = [j for j in found.columns if j > TREATED]
            if TREATED in found.columns or not out:
                raise
            dropped += [names[j] for j in out]
            x, names = np.delete(x, out, axis=1), [name for j, name in enumerate(names) if j not in out]
            continue
        note = f"without {', '.join(dropped)}: tells the outcome apart" if dropped else ""
        return standardise(fit, x, column=TREATED, alpha=alpha), note
