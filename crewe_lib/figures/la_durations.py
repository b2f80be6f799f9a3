"""The figure of ended episodes by how long they lasted."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from crewe_lib.figures.style import INK, TREATED

# One hue from light to dark as durations grow: the order survives greyscale and every colour-vision deficiency.
SHADES: Mapping[int, str] = {1: "#E3EEF8", 2: "#B3D0EA", 3: "#74A9D4", 4: "#2F73B0", 5: "#0B3A66"}
_GAP, _WIDTH = 1.1, 0.86
_WORDS: Mapping[int, str] = {
    1: "3 months or less",
    2: "over 3, up to 6 months",
    3: "over 6 months, under a year",
    4: "1 year, under 2",
    5: "2 years or more",
}


def draw_duration_bands(shares: pd.DataFrame, *, ax: Axes, treated: str, implemented: int, start_label: str) -> Axes:
    """A stacked bar per year, a group of bars per authority; short episodes at the foot, long ones on top.

    shares: columns authority, name, position (order of the groups), year, band (1 to 5), share. The bands are named
    beside the last bar, the groups above; a dashed line in each group marks the start. What a year withholds is
    hatched on top of the bands it gives.
    """
    start, ticks, marks = 0.0, [], []
    for code, own in shares.sort_values(["position", "year", "band"]).groupby("authority", sort=False):
        years = sorted(own["year"].unique())
        places = {year: start + index for index, year in enumerate(years)}
        _stack(ax, own, places)
        if years[0] <= implemented < years[-1]:
            ax.plot([places[implemented] + 0.5] * 2, [0, 1.02], color=INK, linewidth=1.1, linestyle=(0, (3, 2)))
        name = ax.text(start + (len(years) - 1) / 2, 1.035, own["name"].iloc[0], ha="center", va="bottom")
        name.set(color=TREATED if code == treated else INK, fontweight="bold" if code == treated else "normal")
        ticks += list(places.values())
        marks += [str(year) for year in years]
        start += len(years) + _GAP
    _label_bands(ax, shares, start - _GAP - 1 + _WIDTH / 2)
    ax.set_xticks(ticks, marks, rotation=90, fontsize=8)
    ax.set_xlim(-0.7, start - _GAP - 0.3)
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_ylabel("Share of episodes ended in the year")
    ax.set_xlabel(f"Year ending 31 March (dashed line: {start_label})")
    ax.grid(visible=False, axis="x")
    ax.tick_params(axis="x", length=0)
    return ax


def _stack(ax: Axes, own: pd.DataFrame, places: Mapping[int, float]) -> None:
    """The bars of one authority."""
    given = own.pivot(index="year", columns="band", values="share")
    wide = given.fillna(0.0)
    foot = wide.cumsum(axis=1) - wide
    for band in wide.columns:
        ax.bar(
            [places[year] for year in wide.index],
            wide[band],
            bottom=foot[band],
            width=_WIDTH,
            color=SHADES[int(band)],
            edgecolor="white",
            linewidth=0.8,
        )
    for year in given.index[given.isna().any(axis=1)]:
        known = float(wide.loc[year].sum())
        ax.bar(
            places[year], 1 - known, bottom=known, width=_WIDTH, facecolor="white", edgecolor="#888888", hatch="////"
        )


def _label_bands(ax: Axes, shares: pd.DataFrame, edge: float) -> None:
    """Each band's name beside the last bar, at the height of its middle, moved apart where they would overlap."""
    last = shares[shares["position"] == shares["position"].max()]
    bar = last[last["year"] == last["year"].max()].set_index("band")["share"].fillna(0.0).sort_index()
    middles, floor = bar.cumsum() - bar / 2, float("-inf")
    for band, middle in middles.items():
        floor = max(float(middle), floor + 0.07)
        ax.annotate(
            _WORDS[int(str(band))],
            (edge, float(middle)),
            xytext=(edge + 0.9, floor),
            fontsize=8.5,
            va="center",
            color=INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#888888", "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0},
        )
