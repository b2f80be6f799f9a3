"""How the coverage study analyses one trial: every method by its engine, as the chapter on the trial calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crewe_lib import rct_coverage as names
from crewe_lib.errors import CreweError
from crewe_lib.models.cox import Errors
from crewe_lib.models.linear import Array, Covariance, fit_linear, lin_design
from crewe_lib.models.proportions import fit_newcombe
from crewe_lib.models.randomisation import fit_randomisation
from crewe_lib.models.survival import compare_restricted_means, fit_restricted_mean
from crewe_lib.rct import closing_design
from crewe_lib.rct_estimates import fit_separable
from crewe_lib.rct_survival import fit_cox_to

ALPHA = 0.05
UNTIL = 458.0  # the days of the pilot; the restricted mean ends here, as in the chapter
DRAWS = 999  # allocations that randomisation inference draws in each trial
TREATED = 1  # the column of the design


@dataclass(frozen=True)
class Trial:
    """One simulated trial. leads, children: `rct.derive_closing_set` of either unit; spells: of lead children,
    `rct_curves.derive_survival_set`."""

    leads: pd.DataFrame
    children: pd.DataFrame
    spells: pd.DataFrame


@dataclass(frozen=True)
class Answer:
    """What a method says of a trial, in the unit of its measure."""

    estimate: float
    low: float
    high: float
    p_value: float

    def times(self, factor: float) -> Answer:
        """In another unit."""
        return Answer(self.estimate * factor, self.low * factor, self.high * factor, self.p_value)


Method = Callable[[Trial, np.random.Generator], Answer]


def _newcombe(trial: Trial, rng: np.random.Generator) -> Answer:
    """The interval has no p-value of its own: one or zero says whether it holds zero or leaves it out."""
    closed = trial.leads.groupby("treated")["closed"].agg(["sum", "size"])
    (k0, n0), (k1, n1) = closed.loc[0], closed.loc[1]
    low, high = fit_newcombe(int(k1), int(n1), int(k0), int(n0), alpha=ALPHA)
    return Answer(k1 / n1 - k0 / n0, low, high, float(low <= 0 <= high)).times(100)


def _linear(covariance: Covariance, *, children: bool = False, lin: bool = False) -> Method:
    def method(trial: Trial, rng: np.random.Generator) -> Answer:
        frame = trial.children if children else trial.leads
        x = closing_design(frame, ages="bands")[0]
        design = lin_design(x[:, TREATED], x[:, TREATED + 1 :])[0] if lin else x
        clusters = frame["family_id"].to_numpy() if covariance == "CR2" else None
        fit = fit_linear(frame["closed"].to_numpy(float), design, covariance=covariance, clusters=clusters)
        return Answer(float(fit.coefficients[TREATED]), *fit.interval(TREATED, ALPHA)).times(100)

    return method


def _by_history(covariance: Covariance, *, interaction: bool = False) -> Method:
    """The published model with treatment times history: the effect with history, or by how much it is larger there."""

    def method(trial: Trial, rng: np.random.Generator) -> Answer:
        frame = trial.leads
        x, history = closing_design(frame, ages="bands")[0], frame["history"].to_numpy(float)
        first = x[:, TREATED] if interaction else x[:, TREATED] * (1 - history)
        design = np.column_stack([x[:, 0], first, x[:, TREATED] * history, x[:, TREATED + 1 :]])
        fit = fit_linear(
            frame["closed"].to_numpy(float), design, covariance=covariance, clusters=frame["family_id"].to_numpy()
        )
        return Answer(float(fit.coefficients[2]), *fit.interval(2, ALPHA)).times(100)

    return method


def _randomisation(trial: Trial, rng: np.random.Generator) -> Answer:
    x = closing_design(trial.leads, ages="bands")[0]
    fit = fit_randomisation(
        trial.leads["closed"].to_numpy(float),
        x[:, TREATED],
        covariates=x[:, TREATED + 1 :],
        families=trial.leads["family_id"].to_numpy(),
        n_draws=DRAWS,
        rng=rng,
        alpha=ALPHA,
    )
    return Answer(fit.estimate, fit.conf_low, fit.conf_high, fit.p_value).times(100)


def _logistic(trial: Trial, rng: np.random.Generator) -> Answer:
    made = fit_separable(trial.leads, alpha=ALPHA)[0]["difference"]
    return Answer(made.estimate, made.conf_low, made.conf_high, made.p_value).times(100)


def _restricted_mean(trial: Trial, rng: np.random.Generator) -> Answer:
    arms = [trial.spells[trial.spells["treated"] == arm] for arm in (1, 0)]
    one, other = (fit_restricted_mean(arm["days"], arm["closed"], until=UNTIL) for arm in arms)
    made = compare_restricted_means(one, other, alpha=ALPHA)
    return Answer(made.difference, made.conf_low, made.conf_high, made.p_value)


def _cox(errors: Errors) -> Method:
    def method(trial: Trial, rng: np.random.Generator) -> Answer:
        made = fit_cox_to(trial.spells).hazard_ratio(0, errors=errors, alpha=ALPHA)
        ratio, low, high = (float(value) for value in np.log([made.ratio, made.conf_low, made.conf_high]))
        return Answer(ratio, low, high, made.p_value)

    return method


# Each method with its measure, in the order of the table.
METHODS: Mapping[str, tuple[str, Method]] = {
    names.NEWCOMBE: (names.POINTS, _newcombe),
    names.HC1: (names.POINTS, _linear("HC1")),
    names.CR2: (names.POINTS, _linear("CR2")),
    names.RANDOMISATION: (names.POINTS, _randomisation),
    names.LIN: (names.POINTS, _linear("HC2", lin=True)),
    names.LOGIT: (names.POINTS, _logistic),
    names.HISTORY_HC1: (names.POINTS, _by_history("HC1")),
    names.HISTORY_CR2: (names.POINTS, _by_history("CR2")),
    names.INTERACTION_HC1: (names.POINTS, _by_history("HC1", interaction=True)),
    names.INTERACTION_CR2: (names.POINTS, _by_history("CR2", interaction=True)),
    names.CHILDREN_HC1: (names.POINTS, _linear("HC1", children=True)),
    names.CHILDREN_CR2: (names.POINTS, _linear("CR2", children=True)),
    names.RESTRICTED_MEAN: (names.DAYS, _restricted_mean),
    names.COX_MODEL: (names.LOG_HAZARD, _cox("model")),
    names.COX_ROBUST: (names.LOG_HAZARD, _cox("robust")),
}


def analyse(trial: Trial, rng: np.random.Generator) -> Array:
    """Estimate, limits and p-value of every method (methods, 4), NaN where a method gives a reason for no answer."""
    answers = np.full((len(METHODS), 4), np.nan)
    for row, (_, method) in zip(answers, METHODS.values(), strict=True):
        try:
            made = method(trial, rng)
        except CreweError:
            continue
        row[:] = made.estimate, made.low, made.high, made.p_value
    return answers
