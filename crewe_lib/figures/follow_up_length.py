"""The figure of how long cases stayed open, and of lengths predicted for those whose length is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED

# Arm → colour, dashes, hatching of the band.
_LOOKS: Mapping[str, tuple[str, str | tuple[int, tuple[int, ...]], str]] = {
    "treatment": (TREATED, "-", ""),
    "control": (COMPARATOR, (0, (4, 2)), "...."),
}


def draw_lengths(curves: pd.DataFrame, *, ax: Sequence[Axes], predictions: pd.DataFrame, until: int) -> Axes:
    """First panel: step curves of the share closed with pointwise bands, and thin ones as if all had been watched from
    the plan's opening. Second: each case of unknown length, the days seen so far and what the model predicts.

    curves: columns arm, day, n, closed, conf_low, conf_high, ignoring. predictions: arm, days, predicted, beyond,
    fewest days first, may be without rows. until: last day of the curves shown.
    """
    _draw_curves(curves, ax[0], until)
    _draw_predictions(predictions, ax[1])
    return ax[0]


def _draw_curves(curves: pd.DataFrame, ax: Axes, until: int) -> None:
    for arm, (colour, dash, hatch) in _LOOKS.items():
        own = curves[curves["arm"] == arm]
        ax.fill_between(
            own["day"],
            own["conf_low"],
            own["conf_high"],
            step="post",
            facecolor=colour,
            edgecolor=colour,
            alpha=0.16,
            linewidth=0,
            hatch=hatch,
        )
        label = f"{arm.capitalize()} (n = {own['n'].iloc[0]})"
        ax.step(own["day"], own["closed"], where="post", color=colour, linestyle=dash, label=label)
        ax.step(own["day"], own["ignoring"], where="post", color=colour, linestyle=dash, linewidth=0.8, alpha=0.8)
    ax.plot([], [], color=REFERENCE, linewidth=0.8, label="thin: late entry ignored")
    ax.set_xlim(0, until)
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(_write_day))
    ax.set_xlabel("Days since the plan opened")
    ax.set_title("Share of cases closed")
    ax.legend(loc="lower right", fontsize=8.5)


def _draw_predictions(predictions: pd.DataFrame, ax: Axes) -> None:
    ax.set_title("Cases of unknown length")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("Days: seen so far, and predicted")
    if predictions.empty:
        ax.text(0.5, 0.5, "No length is predicted", transform=ax.transAxes, ha="center", color=INK)
        return
    shapes = {"predicted": ("o", "none"), "beyond": ("D", "full")}
    for arm, (colour, dash, _) in _LOOKS.items():
        own = predictions[predictions["arm"] == arm]
        ax.hlines(own.index, 0, own["days"], color=colour, linestyle=dash, linewidth=1.6)
        for column, (marker, fill) in shapes.items():
            ax.plot(own[column], own.index, marker, color=colour, fillstyle=fill, markersize=6, linestyle="none")
    # The shortest spells are at the bottom, so that the legend has room beside them.
    ax.set_xlim(0, 1.25 * max(predictions[name].max() for name in ("days", "predicted", "beyond")))
    ax.set_ylim(-1 - len(predictions) / 8, len(predictions))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(FuncFormatter(_write_day))
    handles = [
        Line2D([], [], color=REFERENCE, linewidth=1.6, label="seen so far"),
        Line2D([], [], color=REFERENCE, marker="o", fillstyle="none", linestyle="none", label="model's mean"),
        Line2D([], [], color=REFERENCE, marker="D", linestyle="none", label="mean beyond those seen"),
    ]
    ax.legend(handles=handles, loc="lower right", fontsize=8.5)


def _write_day(day: float, _: int) -> str:
    return f"{day:,.0f}"
