"""The official figure of the attendance chapter. (Means by arm are drawn by `figures.rct.draw_means`.)"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED

# England, Cheshire East, authorities like it, in this order: colour, line, marker, width.
_LOOKS = ((REFERENCE, "--", "s", 1.6), (TREATED, "-", "o", 2.4), (COMPARATOR, "-.", "D", 1.6))
_GAP = "not\npublished"


def draw_context(rates: pd.DataFrame, *, ax: Sequence[Axes], trial: int, trial_label: str) -> Axes:
    """A panel for each phase of school: % of sessions missed over academic years, one line for each place.

    rates: columns label, place (three of them, in the order of `_LOOKS`), year, academic, missed, missed_low,
    missed_high; a year without a figure breaks the lines. The shaded band runs from the least to the most of the
    authorities taken together. trial, trial_label: the year in which the trial's academic year ends, and its name.
    """
    top = 1.1 * float(rates["missed_high"].max())
    for number, (panel, (label, own)) in enumerate(zip(ax, rates.groupby("label", sort=False), strict=True)):
        _draw_lines(panel, own)
        for year in own.loc[own["missed"].isna(), "year"].unique():
            panel.text(year, 0.02 * top, _GAP, ha="center", va="bottom", fontsize=7.5, color=INK)
        panel.axvspan(trial - 0.7, trial + 0.7, color="#ececec", linewidth=0, zorder=0)
        panel.text(trial, 0.98 * top, f"trial\n{trial_label}", ha="center", va="top", fontsize=7.5, color=INK)
        names = own.drop_duplicates("year").set_index("year")["academic"]
        panel.set_xticks(names.index[::2], names.iloc[::2], fontsize=8.5)
        panel.set_xlim(trial - 0.75, float(own["year"].max()) + 0.4)
        panel.set_ylim(0, top)
        panel.set_title(str(label))
        panel.set_ylabel("% of possible sessions missed" if number == 0 else "")
    ax[0].legend(loc="upper left", bbox_to_anchor=(0.14, 1.0), fontsize=8.5)
    return ax[0]


def _draw_lines(panel: Axes, own: pd.DataFrame) -> None:
    for (place, line), (colour, dash, marker, width) in zip(own.groupby("place", sort=False), _LOOKS, strict=True):
        low, high = line["missed_low"], line["missed_high"]
        panel.fill_between(line["year"], low, high, where=high > low, color=colour, alpha=0.13, linewidth=0)
        panel.plot(
            line["year"],
            line["missed"],
            color=colour,
            linestyle=dash,
            linewidth=width,
            marker=marker,
            markersize=4.5,
            label=place,
        )
