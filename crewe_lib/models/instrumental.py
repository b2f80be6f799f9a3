"""Two-stage least squares with one instrument: the effect of what was received on those whom the lot decided for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats

from crewe_lib.errors import CreweError
from crewe_lib.models.panel import Array, check_alpha

Covariance = Literal["HC0", "HC1"]
_NONE = 1e-8  # a first stage smaller than this is none
_WHOLE = 1e-10  # a leverage this near to one is one


@dataclass(frozen=True)
class InstrumentalFit:
    """estimate: effect of one unit received; std_error, robust; first_stage: units received more where assigned, with
    its robust F; intention: effect of having been assigned, over first_stage the estimate. conf_low, conf_high: by
    Anderson and Rubin, infinite where the data bound the effect on no side (where at most a gap in the middle is
    excluded); p_value of no effect by the same test; n rows, df of the reference t."""

    estimate: float
    std_error: float
    first_stage: float
    first_stage_f: float
    intention: float
    conf_low: float
    conf_high: float
    p_value: float
    n: int
    df: int


def fit_instrumental(
    y: npt.ArrayLike,
    received: npt.ArrayLike,
    assigned: npt.ArrayLike,
    *,
    covariates: npt.ArrayLike | None = None,
    covariance: Covariance = "HC1",
    alpha: float,
) -> InstrumentalFit:
    """Effect of `received` (n,) on y (n,), instrumented by `assigned` (n,), given covariates (n, p), no constant.

    Estimand, where received and assigned are 0 or 1: the average effect on families that receive the service if and
    only if assigned to it (Angrist, Imbens and Rubin 1996, Journal of the American Statistical Association 91). It
    supposes that the lot acts through what is received alone, and that it keeps nobody away. Errors HC0, or HC1 with
    the factor n/(n − k). The interval inverts the robust test of assignment on y less b times received (Anderson and
    Rubin 1949), so it is right also where the lot hardly changes what is received.

    Raises CreweError for missing values, lists of unequal length, too few rows, columns that do not vary or follow from
    each other, a lot that changes nothing of what is received, and where no error can be estimated: one row alone on
    one side of the lot, or an outcome that does not vary on either.
    """
    check_alpha(alpha)
    if covariance not in get_args(Covariance):
        raise CreweError(f"covariance is {covariance!r}; it must be one of {', '.join(get_args(Covariance))}.")
    outcome, z, x = _design(y, received, assigned, covariates)
    n, k = x.shape
    factor = n / (n - k) if covariance == "HC1" else 1.0
    reduced, first, joint = _stages(outcome, z, x[:, 0], factor)
    bread = np.linalg.inv(z.T @ x)
    coefficients = bread @ (z.T @ outcome)
    residuals = outcome - x @ coefficients
    matrix = factor * bread @ (z.T @ (z * (residuals**2)[:, None])) @ bread.T
    low, high = _anderson_rubin(reduced, first, joint, float(stats.t.isf(alpha / 2, n - k)))
    return InstrumentalFit(
        estimate=float(coefficients[0]),
        std_error=float(np.sqrt(matrix[0, 0])),
        first_stage=first,
        first_stage_f=float(first**2 / joint[1, 1]) if joint[1, 1] > 0 else float("inf"),
        intention=reduced,
        conf_low=low,
        conf_high=high,
        p_value=2 * float(stats.t.sf(abs(reduced) / float(np.sqrt(joint[0, 0])), n - k)),
        n=n,
        df=n - k,
    )


def _design(
    y: npt.ArrayLike, received: npt.ArrayLike, assigned: npt.ArrayLike, covariates: npt.ArrayLike | None
) -> tuple[Array, Array, Array]:
    """The outcome (n,), the instruments (n, k) and the regressors (n, k), checked: first the lot and what was received,
    then the constant and the covariates."""
    outcome, taken, lot = (np.asarray(part, float) for part in (y, received, assigned))
    if not outcome.shape == taken.shape == lot.shape or outcome.ndim != 1:
        raise CreweError(f"instrument: lists of {outcome.shape}, {taken.shape}, {lot.shape} must be of one length.")
    others = np.ones((len(outcome), 1))
    if covariates is not None:
        given = np.asarray(covariates, float)
        if len(given) != len(outcome):
            raise CreweError(f"instrument: covariates of {len(given)} rows; {len(outcome)} are needed, as of y.")
        others = np.column_stack([others, given])
    z, x = np.column_stack([lot, others]), np.column_stack([taken, others])
    _check(outcome, z, x)
    return outcome, z, x


def _stages(outcome: Array, z: Array, taken: Array, factor: float) -> tuple[float, float, Array]:
    """What assignment does to the outcome and to what is received, and the joint robust covariance (2, 2) of both."""
    inverse: Array = np.asarray(np.linalg.inv(z.T @ z), np.float64)
    reduced, first = inverse @ (z.T @ outcome), inverse @ (z.T @ taken)
    if abs(first[0]) < _NONE * max(1.0, float(np.max(np.abs(taken)))):
        raise CreweError(
            "instrument: the arms received the service equally often, so the lot says nothing on the effect of "
            "receiving it; report the effect of being assigned."
        )
    errors = np.column_stack([outcome - z @ reduced, taken - z @ first])
    weights = z @ inverse[0]
    joint = factor * (errors * weights[:, None]).T @ (errors * weights[:, None])
    _check_error(z, inverse, weights, float(joint[0, 0]), float(np.ptp(outcome)))
    return float(reduced[0]), float(first[0]), joint


def _anderson_rubin(reduced: float, first: float, joint: Array, critical: float) -> tuple[float, float]:
    """Where (reduced − b first)² does not exceed critical² times its variance: a quadratic in b."""
    square = critical**2
    a = first**2 - square * joint[1, 1]
    b = -2 * (reduced * first - square * joint[0, 1])
    c = reduced**2 - square * joint[0, 0]
    root = b * b - 4 * a * c
    if a <= 0 or root < 0:
        return -float("inf"), float("inf")
    half = float(np.sqrt(root))
    return float((-b - half) / (2 * a)), float((-b + half) / (2 * a))


def _check_error(z: Array, inverse: Array, weights: Array, variance: float, spread: float) -> None:
    """A row that assignment's coefficient rests on alone has no residual, so it would add nothing to the error."""
    alone = np.einsum("ij,jk,ik->i", z, inverse, z) > 1 - _WHOLE
    if np.any(np.abs(weights[alone]) > _NONE * float(np.max(np.abs(weights)))):
        raise CreweError(
            "instrument: one row is alone on its side of the lot, so nothing shows how much it could vary; report the "
            "counts with exact methods instead."
        )
    if variance <= (_WHOLE * spread) ** 2:
        raise CreweError(
            "instrument: the outcome does not vary on either side of the lot, so its robust error is zero and means "
            "nothing; use exact methods for the counts instead."
        )


def _check(outcome: Array, z: Array, x: Array) -> None:
    if not (np.isfinite(outcome).all() and np.isfinite(z).all() and np.isfinite(x).all()):
        raise CreweError("instrument: the data hold missing values; exclude those rows with a reason first.")
    n, k = x.shape
    if n <= k:
        raise CreweError(f"instrument: {n} rows cannot estimate {k} coefficients.")
    if float(np.ptp(outcome)) == 0:
        raise CreweError("instrument: the outcome is the same in every row; there is nothing to explain.")
    for name, matrix in (("assigned", z), ("received", x)):
        if float(np.ptp(matrix[:, 0])) == 0:
            raise CreweError(f"instrument: {name} is the same in every row, so there is nothing to compare.")
    if np.linalg.matrix_rank(z) < k:
        raise CreweError("instrument: the columns are collinear; leave out one that follows from the others.")
