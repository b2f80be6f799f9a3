"""Figures of how uncertain the cost results are."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from crewe_lib.figures.cost_benefit import format_pounds_tick
from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, THIRD, TREATED
from crewe_lib.formats import percent, pounds

# Colour, dash and marker together, so that the curves can be told apart without colour.
_LOOKS = ((TREATED, "-", "o"), (COMPARATOR, (0, (5, 2)), "s"), (THIRD, (0, (1, 1.5)), "^"))
_WIDTH = 24


def format_share(value: float) -> str:
    """A share of draws in whole per cent, never rounded up to all of them or down to none."""
    if 0.995 <= value < 1 or 0 < value < 0.005:
        return f"over {percent()(0.99)}" if value > 0.5 else f"under {percent()(0.01)}"
    return percent()(value)


def draw_acceptability(curves: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Chance that extra closed cases are worth their cost, against the value of one; a line per reading.

    curves: as `crewe_lib.cost_uncertainty.estimate_acceptability` returns them. Lines are labelled at their end.
    """
    ax = plt.subplots(figsize=(7.0, 4.0), layout="constrained")[1] if ax is None else ax
    ax.axhline(0.5, color=REFERENCE, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    looks = list(_LOOKS)
    for _, own in curves.groupby("reading", sort=False):
        colour, dash, marker = looks.pop(0)
        x, y = own["value_per_closure"], own["probability"]
        ax.plot(x, y, color=colour, linestyle=dash, marker=marker, markevery=max(len(own) // 8, 1), markersize=4.5)
        ax.annotate(
            textwrap.fill(str(own["label"].iloc[0]), 15),
            (float(x.iloc[-1]), float(y.iloc[-1])),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=colour,
            annotation_clip=False,
        )
    ax.set_ylim(0, 1)
    ax.set_xlim(0, float(curves["value_per_closure"].max()))
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.xaxis.set_major_formatter(FuncFormatter(format_pounds_tick))
    ax.set_xlabel("What one more closed case is held to be worth (£)")
    ax.set_ylabel("Chance that it is worth the extra staff cost")
    return ax


def draw_psa(densities: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """A row per result, each on its own scale in pounds: the draws as a histogram, their mean and their interval.

    densities: as `crewe_lib.cost_uncertainty.derive_densities` returns them. A dashed line marks zero; at the right
    stands the share of draws above it.
    """
    labels = list(dict.fromkeys(densities["label"]))
    if ax is None:
        ax = plt.subplots(figsize=(7.0, 1.05 * len(labels) + 0.4), layout="constrained")[1]
    ax.axis("off")
    height = 1 / len(labels)
    for position, label in enumerate(labels):
        row = ax.inset_axes((0.26, 1 - (position + 0.72) * height, 0.6, 0.6 * height))
        _draw_row(row, densities[densities["label"] == label])
    ax.text(0.87, 1.0, "Above zero", transform=ax.transAxes, fontsize="small", color=INK, va="bottom")
    return ax


def _draw_row(ax: Axes, own: pd.DataFrame) -> None:
    """One result: bars above and below zero in different colours and hatches, the interval as a line beneath."""
    top = float(own["share"].max())
    middle = (own["left"] + own["right"]) / 2
    for part, colour, hatch in ((own[middle > 0], TREATED, ""), (own[middle <= 0], COMPARATOR, "////")):
        width = part["right"] - part["left"]
        ax.bar(
            part["left"], part["share"], width, align="edge", color=colour, hatch=hatch, edgecolor="white", linewidth=0
        )
    first = own.iloc[0]
    ax.plot([first["low"], first["high"]], [-0.12 * top] * 2, color=INK, linewidth=1.6, solid_capstyle="butt")
    ax.plot(first["mean"], -0.12 * top, "o", color=INK, markersize=4.5)
    ax.axvline(0, color=REFERENCE, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.set_ylim(-0.25 * top, 1.05 * top)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(format_pounds_tick))
    ax.tick_params(axis="x", labelsize="x-small", length=2, pad=1)
    beside: dict[str, Any] = {"transform": ax.transAxes, "fontsize": "small", "color": INK, "va": "center"}
    ax.text(-0.03, 0.45, textwrap.fill(str(first["label"]), _WIDTH), ha="right", **beside)
    text = f"{format_share(first['share_above'])}\nmean {pounds()(first['mean'])}"
    ax.text(1.03, 0.45, text, ha="left", **beside)
