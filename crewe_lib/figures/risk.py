"""Figures of the risk chapter. Upwards is safer in all of them, and each says so on its axis."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED

LOOKS = {"treatment": (TREATED, "o"), "control": (COMPARATOR, "s")}
_APART, _WIDTH = 0.075, 0.5


def draw_boxes(boxes: pd.DataFrame, *, ax: Sequence[Axes], points: pd.DataFrame) -> Axes:
    """A panel for each arm: boxes of the total score at referral and latest, with every case drawn over them.

    boxes: columns arm, arm_label, time_point, time_label, n, low, lower_hinge, median, upper_hinge, high. points: one
    row per case, columns arm, and for each time point of `boxes` its total, total_start and total_end in order.
    """
    for panel, (arm, own) in zip(ax, boxes.groupby("arm", sort=False), strict=True):
        colour, marker = LOOKS[str(arm)]
        cases = points[points["arm"] == arm]
        for place, (box, column) in enumerate(zip(own.to_dict("records"), ("total_start", "total_end"), strict=True)):
            _draw_box(panel, place, box)
            values = cases[column].to_numpy(float)
            panel.plot(
                place + _spread(values), values, marker, color=colour, markersize=5, alpha=0.8, linestyle="", zorder=3
            )
        labels = [f"{row['time_label']}\n(n = {row['n']})" for row in own.to_dict("records")]
        panel.set_xticks(range(len(labels)), labels)
        panel.set_xlim(-0.6, len(labels) - 0.4)
        panel.set_title(str(own["arm_label"].iloc[0]))
        panel.grid(False, axis="x")
    ends = [min(boxes["low"].min(), 0), boxes["high"].max()]
    _share_scale(ax, ends, "Total score, points")
    return ax[0]


def _draw_box(panel: Axes, place: int, box: Mapping[Hashable, Any]) -> None:
    left, right = place - _WIDTH / 2, place + _WIDTH / 2
    low, high = box["lower_hinge"], box["upper_hinge"]
    panel.fill_between([left, right], low, high, facecolor="#ececec", edgecolor=REFERENCE, linewidth=1, zorder=1)
    panel.plot([left, right], [box["median"]] * 2, color=INK, linewidth=2.4, zorder=2)
    for hinge, end in ((low, box["low"]), (high, box["high"])):
        panel.plot([place, place], [hinge, end], color=REFERENCE, linewidth=1, zorder=1)
        panel.plot([place - 0.08, place + 0.08], [end, end], color=REFERENCE, linewidth=1, zorder=1)


def _spread(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sideways places (n,) so that cases with the same score stand beside each other."""
    places = np.zeros(len(values))
    for value in np.unique(values):
        rows = np.flatnonzero(values == value)
        places[rows] = (np.arange(len(rows)) - (len(rows) - 1) / 2) * min(_APART, 2 * _WIDTH / len(rows))
    return places


def draw_changes(summary: pd.DataFrame, *, ax: Sequence[Axes], points: pd.DataFrame) -> Axes:
    """A panel for each arm: the change in total score of every case, least to greatest, with their mean and its
    interval.

    summary: columns arm, arm_label, n, mean, low, high. points: one row per case, columns arm, total_change.
    """
    for panel, row in zip(ax, summary.to_dict("records"), strict=True):
        colour, marker = LOOKS[str(row["arm"])]
        values = np.sort(points.loc[points["arm"] == row["arm"], "total_change"].to_numpy(float))
        panel.vlines(np.arange(len(values)), 0, values, color=colour, linewidth=1.4, zorder=2)
        panel.plot(np.arange(len(values)), values, marker, color=colour, markersize=5.5, zorder=3)
        panel.axhline(0, color=INK, linewidth=1)
        panel.axhline(row["mean"], color=REFERENCE, linewidth=1.4, linestyle="--", zorder=1)
        if not np.isnan(row["low"]):
            panel.axhspan(row["low"], row["high"], color=REFERENCE, alpha=0.15, linewidth=0, zorder=0)
        panel.set_xticks([])
        panel.set_xlabel(f"{row['n']} cases, least to greatest change")
        panel.set_title(str(row["arm_label"]))
        panel.grid(False, axis="x")
        panel.annotate(
            "mean", (0, row["mean"]), xytext=(-3, 3), textcoords="offset points", fontsize=8, color=REFERENCE
        )
    changes = points["total_change"]
    _share_scale(ax, [min(changes.min(), 0), max(changes.max(), 0)], "Change in total score, points")
    return ax[0]


def _share_scale(ax: Sequence[Axes], ends: list[float], label: str) -> None:
    """The same scale in every panel, the axis named on the first, and which way is safer in each."""
    room = max(ends[1] - ends[0], 1.0) * 0.13
    for number, panel in enumerate(ax):
        panel.set_ylim(ends[0] - room, ends[1] + room)
        panel.set_ylabel(label if number == 0 else "")
        for height, words, side in ((0.985, "↑ safer", "top"), (0.015, "↓ more risk", "bottom")):
            panel.text(0.015, height, words, transform=panel.transAxes, va=side, fontsize=8.5, color=INK, weight="bold")
