"""Groups of pupils in the trial, all or of one phase of school: which can be compared, and with which covariates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crewe_lib.attendance_context import PHASES
from crewe_lib.errors import CreweError
from crewe_lib.models.count import rests_on_one
from crewe_lib.models.linear import Array
from crewe_lib.provenance import traced
from crewe_lib.results import Estimate
from crewe_lib.sdq import ARMS

_TREATED = {"treatment": 1, "control": 0}


def find_gap(own: pd.DataFrame) -> str:
    """Why the arms cannot be compared among these pupils, '' if they can."""
    held = {ARMS[arm]: own.loc[own["treated"] == value, "family_id"].nunique() for arm, value in _TREATED.items()}
    few = [f"{label} ({number})" for label, number in held.items() if number < 2]
    return f"fewer than two families with pupils in {', '.join(few)}" if few else ""


def check_group(own: pd.DataFrame) -> None:
    """Raises CreweError with the reason if the arms cannot be compared among these pupils."""
    if gap := find_gap(own):
        raise CreweError(gap)


def miss_estimate(measure: str, n: int, method: str) -> Estimate:
    """The row of days absent where nothing can be estimated."""
    none = float("nan")
    return Estimate("days absent", measure, none, none, none, none, none, n, method, none)


@traced
def describe_gaps(pupils: pd.DataFrame) -> dict[str, str]:
    """text: in words, of which groups nothing is estimated and why, and in which history is left out and why; '' if
    there is nothing to say."""
    said = []
    for group, label in PHASES.items():
        own = members(pupils, group)
        if gap := find_gap(own):
            said.append(f"{label}: not estimated ({gap}).")
        elif design(own).shape[1] == 2:
            same = own["history"].nunique() < 2
            why = "it is the same for all" if same else "it cannot be told from the arm, or from one family"
            said.append(f"{label}: history is left out, since {why}.")
    return {"text": " ".join(said)}


def members(pupils: pd.DataFrame, group: str) -> pd.DataFrame:
    """The pupils of a group: all, primary or secondary."""
    return pupils if group == "all" else pupils[pupils["phase"] == group].reset_index(drop=True)


def design(own: pd.DataFrame, *, treated: float | None = None) -> Array:
    """Constant, treatment and history, n rows; `treated` puts everybody in one arm. History is left out where the arms
    do not tell it apart, or would not without one of the families."""
    actual = np.column_stack([np.ones(len(own)), own["treated"], own["history"]]).astype(float)
    arm = actual[:, 1] if treated is None else np.full(len(own), treated)
    return np.column_stack(
        [actual[:, 0], arm, actual[:, 2:] if can_be_fitted(actual, own["family_id"]) else actual[:, :0]]
    )


def can_be_fitted(x: Array, families: pd.Series) -> bool:
    """Whether the columns can be told apart, and could without any one family."""
    codes, found = pd.factorize(families)
    enough = bool(np.linalg.matrix_rank(x) == x.shape[1])
    return enough and not rests_on_one(x, np.asarray(codes, np.int64), len(found))
