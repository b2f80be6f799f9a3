"""Ages of the lead children by arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED
from crewe_lib.formats import fixed

_LOOKS = {"treatment": (TREATED, "o"), "control": (COMPARATOR, "s")}


def draw_ages(ages: pd.DataFrame, *, ax: Axes, summary: pd.DataFrame, under: int, bins: int = 18) -> Axes:
    """A mark for each child by age in completed years, stacked, one band for each arm; a thick line is the median.

    ages: columns arm, years. summary: columns arm, n, median. `under` marks the age that the models tell apart; the
    axis runs to `bins` years, or further if a child is older.
    """
    tallest = max(int(own["years"].astype(int).value_counts().max()) for _, own in ages.groupby("arm"))
    for place, row in enumerate(summary.to_dict("records")):
        colour, marker = _LOOKS[row["arm"]]
        whole = np.floor(ages.loc[ages["arm"] == row["arm"], "years"].to_numpy(float))
        base = (len(summary) - 1 - place) * (tallest + 3)
        for age in np.unique(whole):
            many = int(np.sum(whole == age))
            ax.plot(np.full(many, age + 0.5), base + 0.5 + np.arange(many), marker, color=colour, markersize=4.5)
        ax.plot([row["median"]] * 2, [base - 0.3, base + tallest + 0.6], color=INK, linewidth=3.2, zorder=1.5)
        words = f"median {fixed(1)(row['median'])}"
        label = ax.text(row["median"] + 0.25, base + tallest + 0.6, words, fontsize=8.5, va="top", color=INK, zorder=5)
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
    ax.axvline(under, color=REFERENCE, linestyle="--", linewidth=1.2)
    middles = [(len(summary) - 1 - place) * (tallest + 3) + tallest / 2 for place in range(len(summary))]
    ax.set_yticks(middles, [f"{row['arm']}\n(n = {row['n']})" for row in summary.to_dict("records")])
    ax.set_xlim(0, max(bins, int(np.max(ages["years"])) + 1))
    ax.set_ylim(-1, len(summary) * (tallest + 3))
    ax.set_xlabel(f"Age at referral, years (dashed: {under})")
    ax.grid(False, axis="y")
    return ax
