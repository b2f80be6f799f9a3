"""Do hazard ratios change with time? The exact score test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.cox import maximise
from crewe_lib.models.cox_likelihood import information, prepare
from crewe_lib.models.survival import Array, fit_kaplan_meier

Transform = Literal["km", "identity"]


@dataclass(frozen=True)
class Proportionality:
    """Score tests that hazard ratios do not change with time: statistics and p_values (k,), one degree of freedom each;
    and of all columns at once, with k degrees of freedom."""

    statistics: Array
    p_values: Array
    joint_statistic: float
    joint_df: int
    joint_p_value: float


def fit_proportionality(
    days: npt.ArrayLike, events: npt.ArrayLike, x: npt.ArrayLike, *, transform: Transform
) -> Proportionality:
    """The score test for adding x · g(t) to the Cox model of x (n, k): Grambsch and Therneau (1994), Biometrika 81,
    with the exact information under ties, as cox.zph of R's survival from version 3.

    transform: g(t) is one less the Kaplan–Meier curve just before t ('km', R's default, which a few late events cannot
    sway), or t itself ('identity'). Raises CreweError for another transform, for data in which too few days tell the
    columns apart, or for what `fit_cox` refuses.
    """
    if transform not in get_args(Transform):
        raise CreweError(f"transform is {transform!r}; it must be one of {', '.join(get_args(Transform))}.")
    data = prepare(days, events, x)
    _, state, found = maximise(data)
    curve = fit_kaplan_meier(days, events, alpha=0.05)
    by_day = curve.days if transform == "identity" else 1 - np.r_[1.0, curve.survival[:-1]]
    by_day = by_day - np.mean(by_day[state.day])
    scale = by_day[state.day]
    score = data.x[data.event].T @ by_day[data.code[data.event]] - state.mean.T @ scale
    both = information(data, state, scale)
    joined = np.block([[found, both], [both.T, information(data, state, scale**2)]])
    _check_rank(joined)
    k = len(score)
    kept = [np.r_[0:k, k + j] for j in range(k)]
    statistics = np.array([score[j] ** 2 * np.linalg.inv(joined[np.ix_(kept[j], kept[j])])[k, k] for j in range(k)])
    joint = float(score @ np.linalg.inv(joined)[k:, k:] @ score)
    return Proportionality(statistics, stats.chi2.sf(statistics, 1), joint, k, float(stats.chi2.sf(joint, k)))


def _check_rank(joined: Array) -> None:
    """Raise CreweError if x and x · g(t) cannot be told apart."""
    sizes = np.sqrt(np.maximum(np.diag(joined), 0))
    if not sizes.all() or np.linalg.eigvalsh(joined / np.outer(sizes, sizes))[0] < 1e-10:
        raise CreweError(
            "proportional hazards: events fall on too few days on which the covariates still vary among those at risk, "
            "so that a change with time cannot be seen."
        )
