"""Figures of one authority among all others."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED


def draw_among_all(pairs: pd.DataFrame, *, ax: Sequence[Axes], placebos: pd.DataFrame, treated: str) -> Axes:
    """Upper row: the treated authority's estimate over every comparator. Lower row: every authority's own estimate.

    ax: twice as many panels as outcomes, row by row. Columns as `derive_pair_estimates` and `derive_placebos` give.
    """
    outcomes = list(dict.fromkeys(pairs["outcome"]))
    for column, outcome in enumerate(outcomes):
        above, below = ax[column], ax[column + len(outcomes)]
        rows = pairs[pairs["outcome"] == outcome]
        own = placebos[placebos["outcome"] == outcome]
        _draw_spread(above, rows["estimate"], rows.loc[rows["chosen"], "estimate"], COMPARATOR, "comparator chosen")
        _draw_spread(below, own["estimate"], own.loc[own["treated"], "estimate"], TREATED, treated)
        above.set_title(str(rows["label"].iloc[0]))
        below.set_xlabel("per 10,000 residents")
        for panel in (above, below):
            panel.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
            panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax[0].set_ylabel("Comparators")
    ax[len(outcomes)].set_ylabel("Authorities as if treated")
    return ax[0]


def _draw_spread(panel: Axes, values: pd.Series, marked: pd.Series, colour: str, label: str) -> None:
    panel.margins(y=0.22)
    panel.hist(values, bins=24, color="#cfcfcf", edgecolor="white", linewidth=0.4)
    if not marked.empty:
        panel.axvline(float(marked.iloc[0]), color=colour, linewidth=2.2)
        panel.annotate(
            label,
            (float(marked.iloc[0]), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, -2),
            textcoords="offset points",
            va="top",
            fontsize=7.5,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
        )


def draw_event_study(study: pd.DataFrame, *, ax: Sequence[Axes], implemented: int) -> Axes:
    """One panel per outcome: estimates by year, the pointwise band as bars, the simultaneous one as whiskers."""
    for panel, (_, rows) in zip(ax, study.groupby("outcome", sort=False), strict=True):
        panel.vlines(rows["year"], rows["sup_low"], rows["sup_high"], color=REFERENCE, linewidth=1)
        panel.vlines(rows["year"], rows["low"], rows["high"], color=COMPARATOR, linewidth=3.2)
        panel.plot(rows["year"], rows["estimate"], "o", color=INK, markersize=4)
        panel.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        panel.axvline(implemented + 0.5, color=INK, linewidth=1)
        panel.set_title(str(rows["label"].iloc[0]))
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        panel.tick_params(axis="x", rotation=45)
    ax[0].set_ylabel(f"Gap per 10,000 residents, {implemented} = 0")
    return ax[0]
