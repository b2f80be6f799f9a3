"""Figures of what the trial could have found, and of what its significant results would have been worth."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED
from crewe_lib.formats import fixed

# Colour and dash together, so that the lines can be told apart without colour.
_LOOKS = ((TREATED, "-", "o"), (COMPARATOR, (0, (5, 2)), "s"))


def draw_power(curves: pd.DataFrame, *, ax: Sequence[Axes], power: float) -> Axes:
    """A panel per analysis: chance of finding against true difference.

    curves: columns outcome, analysis, plan, by, families, difference, power; the trial as run, drawn solid, is the last
    plan of each panel, and the title says how its power is found. A dotted line marks the power sought.
    """
    for panel, ((outcome, analysis), rows) in zip(ax, curves.groupby(["outcome", "analysis"], sort=False), strict=True):
        _draw_lines(panel, rows)
        panel.axhline(power, color=REFERENCE, linewidth=1, linestyle=":")
        panel.axvline(0, color=INK, linewidth=0.8)
        title = f"{outcome}: {analysis} (n = {rows['families'].iloc[-1]}; {rows['by'].iloc[-1]})"
        panel.set_title(textwrap.fill(title, 28), fontsize=8.5)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: fixed(0, sign=True)(value)))
        panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panel.set_ylim(0, 1.02)
        panel.set_xlabel("True difference, points")
    ax[0].set_ylabel("Chance of a significant result")
    ax[0].figure.legend(*ax[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5)
    return ax[0]


def _draw_lines(panel: Axes, rows: pd.DataFrame) -> None:
    """A line per plan, the last one solid."""
    plans = list(rows.groupby("plan", sort=False))
    for (plan, own), (colour, dash, _) in zip(reversed(plans), _LOOKS, strict=False):
        words = str(plan) if dash == "-" else f"{plan}, n = {own['families'].iloc[0]}, {own['by'].iloc[0]}"
        panel.plot(own["difference"], own["power"], color=colour, linestyle=dash, label=words)


def draw_exaggeration(exaggeration: pd.DataFrame, *, ax: Sequence[Axes]) -> Axes:
    """Two panels against the true difference: how far significant estimates exaggerate, and how often their sign is
    wrong. exaggeration: columns label, difference, exaggeration, sign_error, std_error, n; a line per label."""
    groups = list(exaggeration.groupby("label", sort=False))
    for panel, column in zip(ax, ("exaggeration", "sign_error"), strict=True):
        for (label, own), (colour, dash, marker) in zip(groups, _LOOKS, strict=False):
            first = own.iloc[0]
            words = f"{label}: n = {first['n']}, standard error {fixed(1)(first['std_error'])} points"
            panel.plot(
                own["difference"], own[column], color=colour, linestyle=dash, marker=marker, markersize=3.5, label=words
            )
        panel.set_xlabel("True difference, points")
        panel.set_xlim(0, None)
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax[0].axhline(1, color=REFERENCE, linewidth=1, linestyle=":")
    ax[0].set_ylim(0, None)
    ax[0].set_ylabel("Significant estimates: times too large")
    ax[1].set_ylim(0, 0.5)
    ax[1].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax[1].set_ylabel("Significant estimates: wrong sign")
    ax[0].figure.legend(*ax[0].get_legend_handles_labels(), loc="outside lower center", ncols=1, fontsize=8.5)
    return ax[0]
