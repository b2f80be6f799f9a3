"""The trial's outcomes by two dates: the same families, side by side, and not to be added up."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import INK, REFERENCE, THIRD, TREATED
from crewe_lib.formats import fixed

_LOOKS = {"November 2016": (TREATED, "o"), "November 2019": (THIRD, "s")}


def draw_two_dates(dates: pd.DataFrame, *, ax: Axes) -> Axes:
    """Difference in points with its interval, by outcome and date: filled where counts are printed, hollow where they
    are implied. Columns: label, date, basis, treatment, control, difference, low, high."""
    labels = list(dict.fromkeys(dates["label"]))
    beside = ax.get_yaxis_transform()
    seen: set[str] = set()
    for row in dates.to_dict("records"):
        colour, marker = _LOOKS[row["date"]]
        place = len(labels) - 1 - labels.index(row["label"]) + (0.18 if row["date"] == "November 2016" else -0.18)
        hollow = row["basis"] != "printed"
        ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2.2)
        name = f"by {row['date']}" if row["date"] not in seen else None
        seen.add(row["date"])
        ax.plot(
            row["difference"], place, marker, color=colour, markersize=8, label=name, linestyle="none",
            markerfacecolor="white" if hollow else colour, markeredgewidth=1.8,
        )  # fmt: skip
        words = f"{row['treatment']} v {row['control']}" + ("" if not hollow else f" ({row['basis']})")
        ax.text(1.01, place, words, transform=beside, va="center", fontsize=8, color=INK)
        ax.text(
            row["difference"], place + 0.09, fixed(1, sign=True)(row["difference"]), ha="center", va="bottom",
            fontsize=8.5, color=INK,
        )  # fmt: skip
    ax.axvline(0, color=REFERENCE, linewidth=1.2)
    ax.set_yticks([len(labels) - 1 - place for place in range(len(labels))], labels)
    ax.set_ylim(-0.55, len(labels) - 0.4)
    reach = 1.1 * max(float(dates["high"].max()), -float(dates["low"].min()))
    ax.set_xlim(-reach, reach)
    ax.set_xlabel("FACT22 less Cheshire East, percentage points of families")
    ax.grid(False, axis="y")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
    return ax
