"""Synthetic difference in differences for one treated unit, with its placebo standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError
from crewe_lib.models.simplex import fit_simplex_weights
from crewe_lib.models.synthetic_control import Array, check_panel, rank_placebos


@dataclass(frozen=True)
class SyntheticDid:
    """Estimate in the unit of y; weights of controls (units,), zero for the treated unit, and of pre-periods (n_pre,).

    effects (post periods,): the estimate by period, whose mean is estimate. std_error: standard deviation of placebos
    (controls,), the estimates with each control as if treated. p_value: rank of |estimate| among them and itself.
    noise_level: standard deviation of the controls' first differences before treatment. unit_ridge: ζ.
    """

    estimate: float
    std_error: float
    p_value: float
    n: int
    effects: Array
    unit_weights: Array
    time_weights: Array
    noise_level: float
    unit_ridge: float
    placebos: Array


def fit_synthetic_did(y: npt.ArrayLike, treated: int, n_pre: int) -> SyntheticDid:
    """Effect on one treated unit by two-way fixed effects with weights on controls and on pre-periods.

    Estimand: the treated unit's mean of Y(1) − Y(0) over the periods after treatment. y: (units, periods) without
    missing values, the first n_pre columns before treatment, all other rows controls. Arkhangelsky, Athey, Hirshberg,
    Imbens and Wager (2021), American Economic Review 111(12), Algorithm 1:

    - unit weights match the treated unit's pre-periods up to an intercept, with ridge n_pre ζ²‖ω‖²,
      ζ = (post periods)^¼ × noise level;
    - time weights match the controls' mean after treatment up to an intercept, with ridge controls × ζ'²‖λ‖²,
      ζ' = 10⁻⁶ × noise level, which only makes them unique.

    Both optima are exact; the authors' R package stops early and sets small weights to zero. The noise level divides
    by n − 1, as that package does. std_error is the limit of the paper's Algorithm 4 with many draws: every control
    takes the place of the treated unit once, the noise level and weights found anew among the other controls. It
    assumes that the treated unit's shocks vary as the controls' do.

    Raises CreweError for missing values, fewer than three controls or two pre-periods, no period after treatment, an
    index out of range, or a noise level of zero.
    """
    outcomes = check_panel(y, treated, n_pre)
    controls = np.delete(np.arange(len(outcomes)), treated)
    if len(controls) < 3:
        raise CreweError(f"synthetic DiD: {len(controls)} controls; the placebo standard error needs at least three.")
    fit = _estimate(outcomes[controls], outcomes[treated], n_pre)
    placebos = _placebos(outcomes[controls], n_pre)
    estimate = float(fit.effects.mean())
    unit_weights = np.zeros(len(outcomes))
    unit_weights[controls] = fit.unit_weights
    return SyntheticDid(
        estimate=estimate,
        std_error=float(placebos.std()),
        p_value=rank_placebos(np.abs(np.append(estimate, placebos)), 0).p_value,
        n=outcomes.size,
        effects=fit.effects,
        unit_weights=unit_weights,
        time_weights=fit.time_weights,
        noise_level=fit.noise_level,
        unit_ridge=fit.unit_ridge,
        placebos=placebos,
    )


@dataclass(frozen=True)
class _Estimate:
    effects: Array
    unit_weights: Array
    time_weights: Array
    noise_level: float
    unit_ridge: float


def _estimate(controls: Array, treated: Array, n_pre: int) -> _Estimate:
    """Weights and effects by post period from controls (units, periods) and the treated unit (periods,)."""
    pre, post = controls[:, :n_pre], controls[:, n_pre:]
    noise = float(np.diff(pre, axis=1).std(ddof=1))
    if noise <= 1e-12 * np.abs(pre).max():
        raise CreweError(
            "synthetic DiD: before treatment every control changes by the same amount in every period, so the noise "
            "level and with it the ridge are zero; use plain difference in differences."
        )
    ridge = post.shape[1] ** 0.25 * noise
    unit_weights = _fit_with_intercept(pre.T, treated[:n_pre], n_pre * ridge**2)
    time_weights = _fit_with_intercept(pre, post.mean(axis=1), len(pre) * (1e-6 * noise) ** 2)
    gaps = treated - unit_weights @ controls
    effects = gaps[n_pre:] - time_weights @ gaps[:n_pre]
    return _Estimate(effects, unit_weights, time_weights, noise, ridge)


def _placebos(controls: Array, n_pre: int) -> Array:
    """The estimate with each control (controls,) as if treated, the other controls against it."""
    fits = (_estimate(np.delete(controls, row, axis=0), controls[row], n_pre) for row in range(len(controls)))
    return np.array([fit.effects.mean() for fit in fits])


def _fit_with_intercept(x: Array, y: Array, ridge: float) -> Array:
    return fit_simplex_weights(x - x.mean(axis=0), y - y.mean(), ridge=ridge).weights
