"""What every engine for a panel of units asks of its input, and the words for what is wrong with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crewe_lib.errors import CreweError

Array = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]
# Numbers that differ by less than this share of the largest count as tied: equal cells must not differ by rounding.
TIED = 1e-10


def as_panel(y: npt.ArrayLike, n_pre: int, *, least_pre: int = 1, least_units: int = 3) -> Array:
    """y as a float array (units, periods), or a CreweError: shape, missing values, too few units or periods."""
    panel = np.asarray(y, float)
    if panel.ndim != 2:
        raise CreweError(f"panel: y has {panel.ndim} dimensions; it must be units × periods.")
    units, periods = panel.shape
    if units < least_units:
        raise CreweError(f"panel: {units} units are too few; at least {least_units} are needed.")
    if not least_pre <= n_pre < periods:
        raise CreweError(
            f"panel: n_pre is {n_pre} of {periods} periods; it must be at least {least_pre} and leave a post-period."
        )
    if not np.isfinite(panel).all():
        gaps = np.unique(np.nonzero(~np.isfinite(panel))[0])
        raise CreweError(f"panel: missing values in units {listed(gaps)}; leave those units out with a reason first.")
    return panel


def check_unit(index: int, units: int, name: str) -> None:
    """Raise CreweError unless index counts one of the units from 0."""
    if not 0 <= index < units:
        raise CreweError(f"{name} is {index}; it must be an index from 0 to {units - 1}.")


def check_alpha(alpha: float) -> None:
    """Raise CreweError unless 0 < alpha < 1."""
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")


def listed(indexes: Indexes) -> str:
    """The first indexes, for a message."""
    few = ", ".join(str(index) for index in indexes[:5])
    return few + (f" and {len(indexes) - 5} more" if len(indexes) > 5 else "")
