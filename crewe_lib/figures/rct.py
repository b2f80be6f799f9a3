"""Figures of the trial: means by arm."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from crewe_lib.figures.style import COMPARATOR, INK, TREATED
from crewe_lib.formats import fixed

_LOOKS = {"treatment": (TREATED, "o", 0.16), "control": (COMPARATOR, "s", -0.16)}  # colour, marker, place in its group


def draw_means(
    means: pd.DataFrame,
    *,
    ax: Axes,
    xlabel: str = "Cases closed by the end of the pilot, re-weighted",
    unit: str = "%",
    digits: int = 0,
    most: float = 100.0,
) -> Axes:
    """A mean by arm in each group, from the top: a point at the re-weighted mean, a line for its interval.

    Columns: label, arm, estimate, conf_low, conf_high, n; arm_label, if the arms have other names. The axis runs from 0
    to `most` whatever the values, further only where an interval does. unit: what follows each value.
    """
    labels, beside = list(dict.fromkeys(means["label"])), ax.get_yaxis_transform()
    for arm, (colour, marker, shift) in _LOOKS.items():
        own = means[means["arm"] == arm]
        places = [len(labels) - 1 - labels.index(label) + shift for label in own["label"]]
        ax.hlines(places, own["conf_low"], own["conf_high"], color=colour, linewidth=2.4)
        ax.plot(own["estimate"], places, marker, color=colour, markersize=7, linestyle="none", label=arm)
        for place, row in zip(places, own.to_dict("records"), strict=True):
            value, n = f"{fixed(digits)(row['estimate'])}{unit}", f"{row.get('arm_label', arm)}, n = {row['n']}"
            ax.text(row["estimate"], place + 0.07, value, ha="center", va="bottom", fontsize=8.5, color=colour)
            ax.text(-0.01, place, n, transform=beside, ha="right", va="center", fontsize=8.5, color=colour)
    ax.set_yticks([len(labels) - 1 - i + 0.42 for i in range(len(labels))], labels, color=INK, fontweight="bold")
    ax.tick_params(axis="y", length=0, pad=8)
    for tick in ax.get_yticklabels():
        tick.set_verticalalignment("center")
    ax.set_ylim(-0.5, len(labels) - 0.4)
    ax.set_xlim(min(0.0, float(means["conf_low"].min())), max(most, float(means["conf_high"].max())))
    if unit == "%":
        ax.xaxis.set_major_formatter(PercentFormatter(decimals=0))
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(xlabel)
    return ax
