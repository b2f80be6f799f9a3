"""Figures of the local-authority chapter."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, THIRD, TREATED


def draw_trends(
    lines: pd.DataFrame,
    *,
    ax: Axes,
    treated: str,
    comparator: str,
    implemented: int,
    start_label: str,
    ylabel: str,
) -> Axes:
    """One line per authority over years, labelled at its end; a vertical line at the start, labelled too.

    lines: columns authority, name, year, rate, vintage, position (drawing order). First-published figures have hollow
    markers, revised ones filled markers.
    """
    looks = {treated: (TREATED, "-", 2.6), comparator: (COMPARATOR, "-", 2.0)}
    spare = [(REFERENCE, "--", 1.5), (THIRD, "-.", 1.5)]
    ends = []
    for code, own in lines.groupby("authority", sort=False):
        colour, dash, width = looks.get(str(code)) or spare.pop(0)
        ax.plot(
            own["year"],
            own["rate"],
            color=colour,
            linestyle=dash,
            linewidth=width,
            zorder=3 if width > 2 else 2,
        )
        for vintage, face in (("first_published", "white"), ("revised", colour)):
            part = own[own["vintage"] == vintage]
            ax.plot(part["year"], part["rate"], "o", color=colour, markerfacecolor=face, markersize=4.5, zorder=4)
        ends.append((float(own["rate"].iloc[-1]), str(own["name"].iloc[-1]), colour))
    _label_ends(ax, ends, float(lines["year"].max()))
    ax.axvline(implemented + 0.5, color=INK, linewidth=1)
    top = ax.get_ylim()[1]
    ax.text(implemented + 0.42, top * 0.985, start_label, ha="right", va="top", fontsize=8, color=INK)
    ax.set_ylim(0, top)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("Year ending 31 March")
    ax.set_ylabel(ylabel)
    return ax


def _label_ends(ax: Axes, ends: list[tuple[float, str, str]], last_year: float) -> None:
    """Names beside the lines' ends, moved apart where they would overlap."""
    ax.set_ylim(0, max(ax.get_ylim()[1], 1.0) * 1.08)
    gap, floor = ax.get_ylim()[1] * 0.055, float("-inf")
    for value, name, colour in sorted(ends):
        floor = max(value, floor + gap)
        ax.annotate(
            name,
            (last_year, floor),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=colour,
            annotation_clip=False,
        )
