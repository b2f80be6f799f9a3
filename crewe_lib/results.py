"""What an estimate looks like everywhere in the library: one frozen row, the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.provenance import traced


@dataclass(frozen=True)
class Estimate:
    """One estimate with its interval and p-value, all three from the same method.

    outcome: what was measured; measure: the estimand and its unit; n: observations used; df: degrees of freedom of
    the reference t distribution (None where the method has none).
    """

    outcome: str
    measure: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    n: int
    method: str
    df: float | None = None


@dataclass(frozen=True)
class ConfidenceLevel:
    """The level of every interval in a chapter: 1 − alpha."""

    alpha: float
    level: float


@traced
def derive_confidence_level(*, alpha: float) -> ConfidenceLevel:
    """The confidence level that belongs to a two-sided error rate. Raises CreweError unless 0 < alpha < 1."""
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")
    return ConfidenceLevel(alpha=alpha, level=1 - alpha)


@traced
def tidy(estimates: Sequence[Estimate]) -> pd.DataFrame:
    """Estimates as rows of a table, one column per field."""
    return pd.DataFrame([asdict(estimate) for estimate in estimates])


@traced
def derive_settings(**parameters: Any) -> dict[str, Any]:
    """The chapter's parameters as a result, so that its prose can show them; with alpha, also confidence_level."""
    alpha = parameters.get("alpha")
    level = {} if alpha is None else {"confidence_level": derive_confidence_level(alpha=alpha).level}
    return {**parameters, **level}
