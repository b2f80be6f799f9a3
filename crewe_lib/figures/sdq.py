"""The figure of the behaviour chapter: total difficulties of every child, by arm."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, TREATED

_LOOKS = {"treatment": (TREATED, "o"), "control": (COMPARATOR, "s")}


def draw_points(points: pd.DataFrame, *, ax: Axes, most: int) -> Axes:
    """A dot per child along the scale, stacked where scores are equal; an upright line at each arm's median.

    points: columns arm, label, score, height (1 for the first child with a score in an arm, 2 for the second, …),
    median, n. most: the end of the scale.
    """
    tallest = int(points["height"].max())
    gap, ticks, names = tallest + 2.0, [], []
    for place, (arm, own) in enumerate(points.groupby("arm", sort=False)):
        colour, marker = _LOOKS[str(arm)]
        foot, median = -place * gap, float(own["median"].iloc[0])
        ax.plot(own["score"], foot + own["height"], marker, color=colour, markersize=5, linestyle="none", zorder=3)
        ax.plot([median] * 2, [foot + 0.4, foot + tallest + 0.8], color=colour, linewidth=2, zorder=2)
        ax.text(median + 0.4, foot + tallest + 0.6, f"median {median:g}", color=colour, fontsize=8.5, va="top")
        ax.axhline(foot + 0.4, color=INK, linewidth=0.6)
        ticks.append(foot + 0.5 + tallest / 2)
        names.append(f"{own['label'].iloc[0]}\n({own['n'].iloc[0]} children)")
    ax.set_yticks(ticks, names)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.set_xlim(-1, most + 1)
    ax.set_ylim(-(len(ticks) - 1) * gap, tallest + 1.4)
    ax.set_xlabel("Total difficulties, points (further right is worse)")
    return ax
