"""The figure of what came first in each case: closing, turning eighteen, or escalation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from crewe_lib.figures.style import COMPARATOR, INK, TREATED
from crewe_lib.formats import fixed, interval
from crewe_lib.provenance import traced

# Arm → colour, dashes, hatching of the band, height of its numbers below the last axis.
_LOOKS: Mapping[str, tuple[str, str | tuple[int, tuple[int, ...]], str, float]] = {
    "treatment": (TREATED, "-", "", -0.52),
    "control": (COMPARATOR, (0, (4, 2)), "....", -0.68),
}
_LEAST_TOP = 0.1  # an axis never shows less than this share, so that a single case does not look like many


def _on(own: pd.DataFrame, day: int) -> pd.Series:
    """The row of a curve that holds after a day."""
    return own[own["day"] <= day].iloc[-1]


def _at_risk(own: pd.DataFrame, day: int) -> int:
    """Cases in which nothing had come first just before a day."""
    later = own[own["day"] >= day]
    return int(later["at_risk"].iloc[0]) if len(later) else 0


def draw_what_came_first(curves: pd.DataFrame, *, ax: Sequence[Axes], ticks: Sequence[int]) -> Axes:
    """A panel for each state, one above the other; in each a step curve per arm with its pointwise band; below the last
    the numbers at risk. Scales of the panels differ.

    curves: columns arm, state, day, at_risk, share, conf_low, conf_high. ticks: days marked, the last of
    them the last shown.
    """
    for place, (panel, state) in enumerate(zip(ax, dict.fromkeys(curves["state"]), strict=True)):
        own = curves[curves["state"] == state]
        shown = own[own["day"] <= ticks[-1]]
        for arm, (colour, dash, hatch, _) in _LOOKS.items():
            line = shown[shown["arm"] == arm]
            end = line.iloc[[-1]].assign(day=min(ticks[-1], int(own.loc[own["arm"] == arm, "day"].max())))
            line = pd.concat([line, end])
            look: dict[str, Any] = {"facecolor": colour, "edgecolor": colour, "alpha": 0.16, "linewidth": 0}
            panel.fill_between(line["day"], line["conf_low"], line["conf_high"], step="post", hatch=hatch, **look)
            label = f"{arm.capitalize()} (n = {line['at_risk'].iloc[0]})"
            panel.step(line["day"], line["share"], where="post", color=colour, linestyle=dash, label=label)
        top = shown[["share", "conf_high"]].max().max()
        panel.set_ylim(0, 1.02 if place == 0 else max(_LEAST_TOP, 1.05 * float(top)))
        panel.set_xlim(0, ticks[-1])
        panel.set_xticks(list(ticks))
        panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panel.set_ylabel("Share of cases")
        panel.set_title(f"{state.capitalize()} first", loc="left")
    ax[0].legend(loc="lower right")
    ax[-1].set_xlabel("Days since referral (or since the pilot began, if referred before)")
    _write_numbers(ax[-1], curves, ticks)
    return ax[0]


def _write_numbers(ax: Axes, curves: pd.DataFrame, ticks: Sequence[int]) -> None:
    """Under the ticks, a line per arm: cases in which nothing has come first yet."""
    place = ax.get_xaxis_transform()
    state = curves["state"].iloc[0]
    for arm, (colour, _, _, height) in _LOOKS.items():
        own = curves[(curves["arm"] == arm) & (curves["state"] == state)]
        write: dict[str, Any] = {"color": colour, "va": "center", "fontsize": 8.5}
        ax.text(-0.03, height, arm.capitalize(), transform=ax.transAxes, ha="right", **write)
        for day in ticks:
            ax.text(day, height, str(_at_risk(own, day)), transform=place, ha="center", **write)
    ax.text(-0.03, -0.36, "At risk", transform=ax.transAxes, color=INK, ha="right", va="center", fontsize=8.5)


@traced
def derive_behind(curves: pd.DataFrame, *, ticks: Sequence[int]) -> pd.DataFrame:
    """The figure's data on the marked days: numbers at risk and per cent in which each state came first, with its
    interval, by arm."""
    rows = []
    for arm in _LOOKS:
        for day in ticks:
            row: dict[str, object] = {"Arm": arm.capitalize(), "Day": day}
            for state in dict.fromkeys(curves["state"]):
                own = curves[(curves["arm"] == arm) & (curves["state"] == state)]
                found = _on(own, day)
                row["At risk"] = _at_risk(own, day)
                row[f"{state.capitalize()} first, %"] = 100 * found["share"]
                limits = 100 * found[["conf_low", "conf_high"]]
                row[f"{state}: interval"] = None if limits.isna().any() else interval(*limits)
            rows.append(row)
    return pd.DataFrame(rows)


@traced
def describe_what_came_first(curves: pd.DataFrame, *, ticks: Sequence[int]) -> dict[str, str]:
    """In words, for who cannot see the figure: shares on the marked days after the first, by arm and state."""
    said = []
    for state in dict.fromkeys(curves["state"]):
        for arm in _LOOKS:
            own = curves[(curves["arm"] == arm) & (curves["state"] == state)]
            parts = [f"{fixed(1)(100 * _on(own, day)['share'])}% by day {day}" for day in ticks[1:]]
            said.append(f"{state.capitalize()} first, {arm}: {', '.join(parts)}")
    return {"text": ". ".join(said) + "."}
