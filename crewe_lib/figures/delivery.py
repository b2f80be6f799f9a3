"""Figures of chapter 08: visits and caseloads, and the causes of stress that staff named."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED

_LOOKS = {"Project Crewe": (TREATED, "o"), "Cheshire East": (COMPARATOR, "s")}


def draw_contact(visits: pd.DataFrame, *, ax: Sequence[Axes], caseloads: pd.DataFrame) -> Axes:
    """Left: visits to a case in a month, filled where printed, hollow where implied. Right: cases of a practitioner.

    visits: columns service, when, visits, basis. caseloads: columns when, cases, most.
    """
    left, right = ax
    for service, own in visits.groupby("service", sort=False):
        colour, marker = _LOOKS[str(service)]
        filled = colour if (own["basis"] == "printed").all() else "white"
        label = f"{service} ({own['basis'].iloc[0]})"
        left.plot(
            own["when"], own["visits"], f"{marker}-", color=colour, markerfacecolor=filled, markersize=8, label=label
        )
        for place, value in enumerate(own["visits"]):
            left.annotate(
                f"{value:.1f}".removesuffix(".0"),
                (place, value),
                (0, 8),
                textcoords="offset points",
                ha="center",
                color=INK,
            )
    left.set_ylim(0, 1.3 * visits["visits"].max())
    left.set_xlim(-0.4, 1.4)
    left.set_ylabel("Visits to a case in a month")
    left.legend(loc="lower center", ncols=1)
    colour, marker = _LOOKS["Project Crewe"]
    right.plot(caseloads["when"], caseloads["cases"], f"{marker}-", color=colour, markersize=8)
    for place, value in enumerate(caseloads["cases"]):
        right.annotate(f"{value:g}", (place, value), (0, -15), textcoords="offset points", ha="center", color=INK)
    most = float(caseloads["most"].iloc[0])
    right.axhline(most, color=REFERENCE, linestyle="--", linewidth=1.4)
    right.annotate(f"most allowed: {most:g}", (0, most), (0, 5), textcoords="offset points", ha="left", color=INK)
    right.set_ylim(0, 1.25 * most)
    right.set_xlim(-0.4, len(caseloads) - 0.6)
    right.set_ylabel("Cases of a family practitioner, mean")
    right.tick_params(axis="x", labelsize=8.5)
    return left


def draw_stress(stress: pd.DataFrame, *, ax: Axes) -> Axes:
    """Share of those who answered that named workload first, with intervals. Columns: who, k, n, share, low, high."""
    for place, row in enumerate(stress.to_dict("records")):
        colour, marker = (COMPARATOR, "s") if row["staff"] == "sw" else (TREATED, "o")
        ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2.2)
        ax.plot(row["share"], place, marker, color=colour, markersize=9)
        ax.annotate(
            f"{row['k']} of {row['n']}",
            (row["share"], place),
            (0, 9),
            textcoords="offset points",
            ha="center",
            color=INK,
        )
    ax.set_yticks(range(len(stress)), list(stress["who"]))
    ax.set_ylim(len(stress) - 0.4, -0.7)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Named workload as the main cause of stress, % of those who answered")
    ax.grid(False, axis="y")
    return ax
