"""The figure of time to a closing that lasted."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from matplotlib.transforms import Transform

from crewe_lib.figures.style import COMPARATOR, INK, TREATED

# Arm → colour, dashes, hatching of the band, height of its numbers below the axis.
_LOOKS: Mapping[str, tuple[str, str | tuple[int, tuple[int, ...]], str, float]] = {
    "treatment": (TREATED, "-", "", -0.29),
    "control": (COMPARATOR, (0, (4, 2)), "....", -0.36),
}


def draw_curves(curves: pd.DataFrame, *, ax: Axes, at_risk: pd.DataFrame, until: int) -> Axes:
    """A step curve per arm with its pointwise band, and below the axis the numbers at risk.

    curves: columns arm, day, open, censored, conf_low, conf_high; upright ticks mark days on which cases were last seen
    open. at_risk: columns day, treatment, control. until: last day shown.
    """
    for arm, (colour, dash, hatch, _) in _LOOKS.items():
        own = curves[curves["arm"] == arm]
        label = f"{arm.capitalize()} (n = {own['at_risk'].iloc[0]})"
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
        ax.step(own["day"], own["open"], where="post", color=colour, linestyle=dash, label=label)
        seen = own[own["censored"] > 0]
        ax.plot(seen["day"], seen["open"], "|", color=colour, markersize=7, markeredgewidth=1.1)
    ax.set_xlim(0, until)
    ax.set_ylim(0, 1.02)
    ax.set_xticks([day for day in at_risk["day"] if day <= until])
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel("Days since referral (or since the pilot began, if referred before)")
    ax.set_ylabel("Not yet closed for good")
    ax.legend(loc="upper right")
    _write_numbers(ax, at_risk[at_risk["day"] <= until])
    return ax


def _write_numbers(ax: Axes, at_risk: pd.DataFrame) -> None:
    """The numbers at risk under the ticks, a line per arm."""
    place = ax.get_xaxis_transform()
    for arm, (colour, _, _, height) in _LOOKS.items():
        _write(ax, -0.02, height, arm.capitalize(), colour, ax.transAxes, "right")
        for day, number in zip(at_risk["day"], at_risk[arm], strict=True):
            _write(ax, float(day), height, str(number), colour, place, "center")
    _write(ax, -0.02, -0.22, "At risk", INK, ax.transAxes, "right")


def _write(ax: Axes, x: float, y: float, text: str, colour: str, place: Transform, side: str) -> None:
    ax.text(x, y, text, color=colour, transform=place, ha=side, va="center", fontsize=8.5)
