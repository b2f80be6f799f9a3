"""The tornado figure of the cost-benefit chapter."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED
from crewe_lib.formats import fixed, percent, pounds, round_half_up

AXIS_LABELS: Mapping[str, str] = {
    "lifetime_earnings_gap": "Lifetime earnings per case, Project Crewe less control (£; above zero: better)",
    "extra_cost": "Staff cost per case, Project Crewe less control (£; above zero: dearer)",
    "escalation_saving": "Saving per case from escalations avoided (£; above zero: better)",
    "rereferral_cost_gap": "Re-referral cost per case, Project Crewe less control (£; above zero: dearer)",
}
BASIS_LABELS: Mapping[str, str] = {
    "rounding": "range: rounding",
    "other statement": "range: stated elsewhere in the reports",
    "assumption": "range: one family more or less",
    "default range": "range: our assumption",
    "fixed": "not varied",
}
_WIDTH = 38


def format_input(value: float, unit: str) -> str:
    """An input with its unit, as short as it can be: '61%', '£54.44 a week', '4 cases'."""
    if unit == "share":
        return percent(0 if round(value * 100, 6) == round(value * 100) else 1)(value)
    if unit == "GBP per week":
        return f"{pounds(2)(value)} a week"
    if unit.startswith("GBP"):
        return pounds(0)(value)
    return f"{fixed(0 if unit == 'cases' else 1)(value)} {unit}"


def format_pounds_tick(value: float, _: Any = None) -> str:
    """Axis ticks in whole pounds, with pence only where the axis is that fine."""
    return pounds(0 if round_half_up(value, 0) == round_half_up(value, 2) else 2)(value)


def draw_tornado(tornado: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """One bar per input, from the outcome at its low end to that at its high end, largest swing on top.

    tornado: as `crewe_lib.cost_benefit.estimate_tornado` returns it. Low ends are plain, high ends hatched,
    so that the two can be told apart without colour; each end carries the input's own value.
    """
    ax = plt.subplots(figsize=(7.0, 0.9 + 0.55 * len(tornado)), layout="constrained")[1] if ax is None else ax
    base = float(tornado["base"].iloc[0])
    positions = range(len(tornado) - 1, -1, -1)
    ends = (("low", COMPARATOR, ""), ("high", TREATED, "////"))
    for end, colour, hatch in ends:
        ax.barh(
            list(positions),
            tornado[f"result_{end}"] - base,
            left=base,
            height=0.55,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=f"Input at its {end} end",
        )
        _label_ends(ax, tornado, positions, end, base)
    ax.axvline(base, color=INK, linewidth=1.1, zorder=3)
    ax.annotate(
        f"Base {pounds(0 if abs(base) >= 100 else 2)(base)}",
        (base, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize="small",
    )
    _set_axes(ax, tornado, positions)
    return ax


def _label_ends(ax: Axes, tornado: pd.DataFrame, positions: range, end: str, base: float) -> None:
    """The input's value beyond the end of its bar; none where the end is the base itself."""
    for y, row in zip(positions, tornado.to_dict("records"), strict=True):
        result = float(row[f"result_{end}"])
        if abs(result - base) < 1e-9:
            continue
        side = 1 if result > base else -1
        ax.annotate(
            format_input(float(row[end]), str(row["unit"])),
            (result, y),
            xytext=(4 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize="small",
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )


def _set_axes(ax: Axes, tornado: pd.DataFrame, positions: range) -> None:
    """Labels, limits with room for the text at bar ends, and a line at zero where the sign changes."""
    names, rows = [], tornado.to_dict("records")
    for row in rows:
        implied = " (implied)" if row["kind"] == "inferred" else ""
        name = textwrap.fill(f"{row['label']}{implied}", _WIDTH)
        names.append(f"{name}\n{BASIS_LABELS[str(row['range_basis'])]}")
    ax.set_yticks(list(positions), names, fontsize="small")
    results = pd.concat([tornado["result_low"], tornado["result_high"], tornado["base"]])
    low, high = float(results.min()), float(results.max())
    longest = max(len(format_input(float(r[e]), str(r["unit"]))) for e in ("low", "high") for r in rows)
    room = (0.12 + 0.017 * longest) * ((high - low) or 1.0)
    ax.set_xlim(low - room, high + room)
    if low - room < 0 < high + room:
        ax.axvline(0, color=REFERENCE, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    ax.set_ylim(-0.6, len(tornado) - 0.4)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(format_pounds_tick))
    ax.set_xlabel(AXIS_LABELS[str(tornado["outcome"].iloc[0])])
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="small", frameon=False)
