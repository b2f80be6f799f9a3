"""Risk scores at three time points: a panel for each part of the score. Upwards is safer."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED
from crewe_lib.formats import fixed
from crewe_lib.provenance import traced

# colour, marker, line, shift to the side, place of the last value
_LOOKS = {"treatment": (TREATED, "o", "-", -0.05), "control": (COMPARATOR, "s", "--", 0.05)}


def draw_times(times: pd.DataFrame, *, ax: Sequence[Axes], courses: pd.DataFrame) -> Axes:
    """Means by arm with their intervals over the three time points, each case as a thin line behind them.

    times: columns outcome, label, arm, arm_label, time_point, time_label, n, mean, low, high. courses: outcome, arm and
    a column for each time point, one row per case.
    """
    for panel, (outcome, part) in zip(ax, times.groupby("outcome", sort=False), strict=True):
        order = list(dict.fromkeys(part["time_point"]))
        for arm, own in part.groupby("arm", sort=False):
            colour, marker, line, shift = _LOOKS[str(arm)]
            places = [order.index(time) + shift for time in own["time_point"]]
            cases = courses[courses["outcome"].eq(outcome) & courses["arm"].eq(arm)]
            for values in cases[order].to_numpy(float):
                panel.plot(places, values, line, color=colour, linewidth=0.7, alpha=0.3, zorder=1)
            panel.vlines(places, own["low"], own["high"], color=colour, linewidth=1.6, zorder=2)
            label = f"{own['arm_label'].iloc[0]}, n = {own['n'].iloc[0]}"
            panel.plot(places, own["mean"], line, marker=marker, color=colour, markersize=6, label=label, zorder=3)
        panel.set_xticks(range(len(order)), list(dict.fromkeys(part["time_label"])))
        panel.set_xlim(-0.35, len(order) - 0.65)
        panel.set_title(str(part["label"].iloc[0]))
        panel.grid(visible=False, axis="x")
        for height, words, side in ((0.985, "↑ safer", "top"), (0.015, "↓ less safe", "bottom")):
            panel.text(0.015, height, words, transform=panel.transAxes, va=side, fontsize=8, color=INK, weight="bold")
        low, high = panel.get_ylim()
        panel.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    ax[0].set_ylabel("Score, points")
    figure = ax[0].get_figure()
    if figure is not None:
        handles, labels = ax[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8.5, labelcolor=REFERENCE)
    return ax[0]


@traced
def describe_times(times: pd.DataFrame) -> dict[str, str]:
    """The figure in words, for who cannot see it."""
    one, said = fixed(1), []
    for (label, arm), own in times.dropna(subset=["mean"]).groupby(["label", "arm_label"], sort=False):
        means = ", ".join(f"{one(row['mean'])} {row['time_label']}" for row in own.to_dict("records"))
        said.append(f"{label}, {arm}, {own['n'].iloc[0]} cases: mean {means}")
    return {"text": f"Higher is safer. {'; '.join(said) if said else 'No case was scored at all three times'}."}
