"""Figures of what the printed and implied counts support."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from crewe_lib.figures.style import COMPARATOR, INK, TREATED
from crewe_lib.formats import NO_BREAK, fixed
from crewe_lib.provenance import traced

_signed = fixed(1, sign=True)


def draw_readings(readings: pd.DataFrame, *, ax: Axes, treatment: str, control: str) -> Axes:
    """One line per reading: the implied difference and its Newcombe interval; the main reading's marker is filled.

    readings: as `rct_implied.estimate_implied_closing` gives them (arms of the 2020 report's division and of the 2017
    cost tables only; other divisions are not drawn), from above; treatment, control: names of arms.
    """
    for place, row in enumerate(readings.to_dict("records")):
        look = TREATED if row["main"] else COMPARATOR
        width, size = (2.6, 9.0) if row["main"] else (1.5, 6.5)
        ax.plot([row["newcombe_low"], row["newcombe_high"]], [place, place], color=look, linewidth=width, zorder=2)
        face = look if row["main"] else "white"
        marker = "D" if row["main"] else "o"
        ax.plot(row["difference"], place, marker, color=look, markerfacecolor=face, markersize=size, zorder=3)
        ax.annotate(
            f"{_signed(row['difference'])} ({row['newcombe']})",
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=INK,
            fontweight="bold" if row["main"] else "normal",
        )
    ax.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    labels = [f"{row['treatment']}, {row['control']}\n{row['basis']}" for row in readings.to_dict("records")]
    ax.set_yticks(range(len(labels)), labels=labels, fontsize=8)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"Implied difference in cases closed, {treatment} less {control}, percentage points")
    ax.legend(handles=_legend(), loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8.5, borderaxespad=0.2)
    return ax


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=TREATED, marker="D", markersize=8, linewidth=2.6, label="main reading"),
        Line2D([], [], color=COMPARATOR, marker="o", markerfacecolor="white", markersize=6, label="rival reading"),
    ]


@traced
def describe_readings(readings: pd.DataFrame) -> dict[str, str]:
    """The figure in words: each implied reading with its difference and interval, the main one first."""
    ordered = pd.concat([readings[readings["main"]], readings[~readings["main"]]])
    said = [
        f"{row['treatment']} and {row['control']}{' (main reading)' if row['main'] else ''}: "
        f"{_signed(row['difference'])} points, interval {row['newcombe']}"
        for row in ordered.to_dict("records")
    ]
    text = f"Implied differences in cases closed, {len(said)} readings. {'; '.join(said)}."
    return {"text": text.replace(NO_BREAK, " ")}
