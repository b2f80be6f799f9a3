"""Figure of what is believed of a difference before and after a trial's counts, by prior."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import INK, REFERENCE, THIRD
from crewe_lib.follow_up_bayes import BEFORE, write_chance
from crewe_lib.formats import NO_BREAK, fixed, interval
from crewe_lib.provenance import traced

_MARKERS = {"sceptical": "s", "neutral": "o", "enthusiastic": "^"}
_CHANCES = {"benefit": ("chance of\nbenefit", 30), "worthwhile": ("worth\nhaving", 76), "harm": ("harm\nas large", 122)}
_LEFT = -84  # where headings begin; like the places of the chances, in points from the axes
_signed = fixed(1, sign=True)


def draw_views(views: pd.DataFrame, *, ax: Sequence[Axes], treatment: str, control: str) -> Sequence[Axes]:
    """A panel for each outcome: from the top the priors, then what is believed after the counts of each date.

    views: as `follow_up_bayes.derive_views` gives them. A marker at the median, a line for the interval, and at the
    right the chances. A line that leaves the axis ends in an arrow.
    """
    # Of all lines only the neutral prior's may leave the axes.
    known = views[(views["date"] != BEFORE) | (views["prior"] != "neutral")]
    widest = max(float(known["conf_high"].max()), -float(known["conf_low"].min()), 1.5 * float(views["points"].max()))
    edge = min(100.0, 10.0 * math.ceil(widest / 10 + 0.2))
    for panel, (_, own) in zip(ax, views.groupby("outcome", sort=False), strict=True):
        _draw_panel(panel, own, edge)
        panel.set_xlabel(f"Difference in percentage points, {treatment} less {control}")
    ax[-1].annotate(
        _name_priors(views),
        (0, 0),
        xycoords="axes fraction",
        xytext=(_LEFT, -38),
        textcoords="offset points",
        va="top",
        fontsize=8,
    )
    return ax


def _write(ax: Axes, text: str, place: tuple[float, float], shift: tuple[float, float], **look: Any) -> None:
    """Words beside the axes: the place across is a share of them, that along a value; the shift is in points."""
    across = ("axes fraction", "data")
    ax.annotate(text, place, xycoords=across, xytext=shift, textcoords="offset points", **{"fontsize": 8, **look})


def _draw_panel(ax: Axes, rows: pd.DataFrame, edge: float) -> None:
    first, place, ticks, labels = rows.iloc[0], 0.0, [], []
    side = "right" if first["better"] > 0 else "left"
    _write(ax, f"{first['name']}: a benefit is to the {side}", (0, -1.3), (_LEFT, 0), va="center", fontsize=10)
    for head, across in _CHANCES.values():
        _write(ax, head, (1, -0.5), (across, 0), ha="center", va="bottom", color=INK)
    for when, group in rows.groupby("when", sort=False):
        said = str(when)
        _write(ax, said[0].upper() + said[1:], (0, place), (_LEFT, 0), va="center", fontweight="bold", color=INK)
        for row in group.to_dict("records"):
            place += 1
            _draw_row(ax, row, place, edge)
            ticks.append(place)
            labels.append(row["prior"])
        place += 1.4
    ax.set_yticks(ticks, labels=labels, fontsize=8.5)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(place - 0.7, -0.7)
    ax.set_xlim(-edge, edge)
    for points, dashes in ((0, (0, (4, 3))), (first["points"], (0, (1, 2))), (-first["points"], (0, (1, 2)))):
        ax.axvline(points, color=INK, linewidth=1, linestyle=dashes, zorder=1)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)


def _draw_row(ax: Axes, row: Mapping[Any, Any], place: float, edge: float) -> None:
    """One prior's interval, median and chances; grey and dashed before any counts."""
    before = row["date"] == BEFORE
    colour, line = (REFERENCE, (0, (3, 1.5))) if before else (THIRD, "-")
    low, high = max(row["conf_low"], -edge), min(row["conf_high"], edge)
    ax.plot([low, high], [place, place], color=colour, linewidth=2, linestyle=line)
    for limit, end, arrow in ((row["conf_low"], -edge, "<"), (row["conf_high"], edge, ">")):
        if abs(limit) > edge:
            ax.plot(end, place, arrow, color=colour, markersize=6, clip_on=False)
    face = "white" if before else colour
    ax.plot(row["median"], place, _MARKERS[row["prior"]], color=colour, markersize=6.5, markerfacecolor=face)
    for name, (_, across) in _CHANCES.items():
        _write(ax, write_chance(row[name]), (1, place), (across, 0), ha="center", va="center", color=colour)


def _name_priors(views: pd.DataFrame) -> str:
    """The priors in words, and how the dates relate."""
    meanings = views.drop_duplicates("prior")
    lines = [f"{row['prior'].capitalize()}: {row['meaning']}." for row in meanings.to_dict("records")]
    lines.append(
        "Worth having: a benefit beyond the dotted line. The priors are the same for both outcomes and both dates."
    )
    lines.append("Both dates are of the same families: each starts from the priors, neither from the other.")
    return "\n".join(lines)


@traced
def describe_views(views: pd.DataFrame) -> dict[str, str]:
    """The figure in words: for each outcome and prior the middle, the interval and the chances, before and after."""
    said = []
    for _, group in views.groupby(["name", "when"], sort=False):
        parts = [
            f"{row['prior']} {_signed(row['median'])} points, interval {interval(row['conf_low'], row['conf_high'])}, "
            f"chance of a benefit {write_chance(row['benefit'])}, of one worth having {write_chance(row['worthwhile'])}"
            for row in group.to_dict("records")
        ]
        said.append(f"{group['name'].iloc[0]}, {group['when'].iloc[0]}: {'; '.join(parts)}.")
    return {"text": " ".join([*said, _name_priors(views).replace("\n", " ")]).replace(NO_BREAK, " ")}
