"""The table of specifications of closing in a few numbers and words, for prose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.formats import fixed
from crewe_lib.models.panel import check_alpha
from crewe_lib.provenance import traced

POINTS = "points"
LOGIT = "logit"  # ids of the measures of the logistic model, which are one analysis, begin with it
WARNING = "children_hc1"  # the row that is wrong on purpose


@traced
def summarise_specifications(specifications: pd.DataFrame, *, alpha: float) -> dict[str, Any]:
    """Over the specifications that could be fitted, but for the one that is there as a warning (`WARNING`).

    rows (of the table, warning and not fitted included); fitted (distinct analyses: one fit counts once however many
    measures it gives, and so do rows that agree in every number, as when nobody's outcome is filled in differently);
    differences (of them in points); least, most (estimates in points); positive (differences above zero); tests (the
    p-values of these analyses), below (those at most alpha), smallest_p, largest_p; children_ratio (CR2 error of all
    children over the error that ignores families; missing if either could not be fitted), children_error,
    children_warning (what it means, in words: see `_write_children`). Raises CreweError for bad alpha.
    """
    check_alpha(alpha)
    counted = specifications[specifications["id"] != WARNING].dropna(subset=["estimate"])
    numbers = ["unit", "n", "estimate", "std_error", "df", "p_value"]
    # Written to ten figures: the same analysis by another way may differ in the last.
    same = counted[numbers].map(lambda value: f"{value:.10g}" if isinstance(value, float) else value)
    distinct = counted[~same.duplicated()]
    points = distinct[distinct["unit"] == POINTS]
    fits = distinct["id"].mask(distinct["id"].str.startswith(LOGIT), LOGIT)
    errors = specifications.set_index("id")["std_error"]
    ratio = float(errors["children_cr2"] / errors[WARNING])
    return {
        "rows": len(specifications),
        "fitted": int(fits.nunique()),
        "differences": len(points),
        "least": float(points["estimate"].min()),
        "most": float(points["estimate"].max()),
        "positive": int((points["estimate"] > 0).sum()),
        "tests": len(distinct),
        "below": int((distinct["p_value"] <= alpha).sum()),
        "smallest_p": float(distinct["p_value"].min()),
        "largest_p": float(distinct["p_value"].max()),
        "children_ratio": ratio,
        **_write_children(ratio),
    }


def _write_children(ratio: float) -> dict[str, str]:
    """After 'the standard error that allows for families is' and 'taking them for independent', how the errors of all
    children compare: within a hundredth they count as alike."""
    if np.isnan(ratio):
        return {"children_error": "not known here", "children_warning": "cannot be compared with that here"}
    times = f"{fixed(2)(ratio)} times the one that ignores them"
    if abs(ratio - 1) < 0.01:
        return {"children_error": f"as large, {times}", "children_warning": "happens to do little harm here"}
    word, meaning = (
        ("larger", "claims more than the data know")
        if ratio > 1
        else ("smaller", "happens to claim less than it could here; that cannot be relied on")
    )
    return {"children_error": f"{word}, {times}", "children_warning": meaning}
