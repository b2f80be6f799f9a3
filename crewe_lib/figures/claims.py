"""Figures of the ledger of claims."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, TREATED

# Readings without a name of their own.
OTHER_ARMS = "other arms"


def draw_p_ranges(readings: pd.DataFrame, *, ax: Axes, alpha: float) -> Axes:
    """One line per reading from the least to the greatest p-value of its tests; Fisher's and Yates's marked.

    Columns as `derive_ageing_out` gives. Readings that need nothing cut off have darker bars. The dashed line is the
    level of significance.
    """
    rows = readings.iloc[::-1].reset_index(drop=True)
    colours = ["#5f5f5f" if cut == 0 else "#c4c4c4" for cut in rows["cut_off"]]
    ax.hlines(rows.index, rows["p_least"], rows["p_greatest"], color=colours, linewidth=5)
    ax.plot(rows["p_fisher"], rows.index, "o", color=COMPARATOR, markersize=4.5, label="Fisher's exact test")
    ax.plot(rows["p_yates"], rows.index, "D", color=TREATED, markersize=4, label="chi-square with Yates's correction")
    ax.axvline(alpha, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    names = [
        counts if reading == OTHER_ARMS else f"{reading}: {counts}"
        for reading, counts in zip(rows["reading"], rows["counts"], strict=True)
    ]
    ax.set_yticks(rows.index, names, fontsize=7.5)
    ax.set_ylim(-0.8, len(rows) - 0.2)
    ax.set_xlim(0, max(0.1, 1.15 * float(rows["p_greatest"].max())))
    ax.set_xlabel("p-value")
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower center", bbox_to_anchor=(0.2, 1.0), ncols=2, fontsize=8.5)
    return ax
