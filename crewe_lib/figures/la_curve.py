"""Figure of the specification curve."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.errors import CreweError
from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED
from crewe_lib.la_curve import CHOICES

_HEADINGS = {
    "vintage": "Vintage",
    "definition": "Counted",
    "denominator": "Residents",
    "comparators": "Compared with",
    "implemented": "Last year before",
    "covariate": "Covariate",
}


def draw_curve(curve: pd.DataFrame, *, ax: Sequence[Axes]) -> Axes:
    """Above, the estimates from the lowest to the highest with their intervals; below, the choices behind each.

    curve: one outcome, as from `derive_curve_of`: position, percent, conf_low, conf_high, published, and the choices.
    ax: two Axes, one above the other. The estimate nearest to the report's is a diamond in its
    own colour, and so are its choices. Returns the upper Axes.
    """
    if len(ax) != 2 or len(set(curve["outcome"])) != 1:
        raise CreweError("draw_curve needs two Axes and the estimates of one outcome; see derive_curve_of.")
    above, below = ax
    _draw_estimates(curve, above)
    _draw_choices(curve, below)
    for one in ax:
        one.set_xlim(0, len(curve) + 1)
    return above


def _draw_estimates(curve: pd.DataFrame, ax: Axes) -> None:
    marked = curve["published"]
    ax.vlines(curve["position"], curve["conf_low"], curve["conf_high"], color="#c9d6e2", linewidth=1.1, zorder=1)
    ax.plot(curve["position"], curve["percent"], "o", color=COMPARATOR, markersize=2.6, zorder=3)
    own = curve[marked]
    ax.vlines(own["position"], own["conf_low"], own["conf_high"], color=TREATED, linewidth=1.6, zorder=2)
    ax.plot(own["position"], own["percent"], "D", color=TREATED, markersize=6, zorder=4)
    for row in own.to_dict("records"):
        ax.annotate(
            "nearest to the report's model",
            (row["position"], row["conf_high"]),
            xytext=(4, 2),
            textcoords="offset points",
            fontsize=8,
            color=TREATED,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            zorder=5,
            ha="left" if row["position"] < 0.6 * len(curve) else "right",
        )
    ax.axhline(0, color=INK, linewidth=1)
    ax.grid(False, axis="x")
    ax.tick_params(axis="x", bottom=False, labelbottom=False)
    ax.set_ylabel("Change, % of the rate before")


def _draw_choices(curve: pd.DataFrame, ax: Axes) -> None:
    """One line of marks per level, levels grouped by choice; a choice with one level is not shown."""
    marked, y, ticks = curve["published"], 0.0, {}
    for choice in CHOICES:
        levels = list(dict.fromkeys(curve[choice].sort_values()))
        if len(levels) < 2:
            continue
        ticks[y] = _HEADINGS[choice]
        for level in levels:
            y += 1
            ticks[y] = f"{level}"
            for part, colour, mark, size in ((~marked, COMPARATOR, "|", 4.5), (marked, TREATED, "D", 4)):
                at = curve.loc[part & (curve[choice] == level), "position"]
                ax.plot(at, [y] * len(at), mark, color=colour, markersize=size, markeredgewidth=1.1)
        y += 1.6
    ax.set_yticks(list(ticks), list(ticks.values()))
    for tick, text in zip(ax.get_yticklabels(), ticks.values(), strict=True):
        tick.set_fontsize(7)
        if text in _HEADINGS.values():
            tick.set_fontweight("bold")
            tick.set_color(REFERENCE)
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(y - 0.6, -0.8)
    ax.set_xlabel("Estimates, from the lowest to the highest")
    place = ax.get_subplotspec()
    if place is not None:
        place.get_gridspec().set_height_ratios((1, max(1.0, y / 15)))  # room for every line of labels
