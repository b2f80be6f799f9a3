"""Figures of the ledger of claims."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, TREATED


def draw_p_ranges(readings: pd.DataFrame, *, ax: Axes, alpha: float) -> Axes:
    """One line per reading from the least to the greatest p-value of its tests; Fisher's and Yates's marked.

    Columns as `derive_ageing_out` gives. The dashed line is the level of significance.
    """
    rows = readings.iloc[::-1].reset_index(drop=True)
    ax.hlines(rows.index, rows["p_least"], rows["p_greatest"], color="#9a9a9a", linewidth=5)
    ax.plot(rows["p_fisher"], rows.index, "o", color=COMPARATOR, label="Fisher's exact test")
    ax.plot(rows["p_yates"], rows.index, "D", color=TREATED, label="chi-square with Yates's correction")
    ax.axvline(alpha, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    names = [f"{name}\n{counts}" for name, counts in zip(rows["reading"], rows["counts"], strict=True)]
    ax.set_yticks(rows.index, names, fontsize=8.5)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(0, max(0.1, 1.15 * float(rows["p_greatest"].max())))
    ax.set_xlabel("p-value")
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, fontsize=8.5)
    return ax
