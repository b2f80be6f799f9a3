"""Figures of the design chapter: the participant flow, the balance of the arms, categories of need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import PercentFormatter

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, THIRD, TREATED

# Middle and half width of the columns of a flow, in a picture three units wide.
_COLUMNS: Mapping[str, tuple[float, float]] = {"treatment": (0.5, 0.49), "both": (1.5, 0.47), "control": (2.5, 0.49)}
_COLOURS: Mapping[str, str] = {"treatment": TREATED, "control": COMPARATOR, "both": INK}
_CHARACTERS, _BOLD = 33, 28  # in a line of ordinary and of bold text
_LINE, _PAD, _GAP = 0.155, 0.075, 0.17  # heights: of a line of text, within a box, between boxes
_NOT_REPORTED = "not reported"


def flow_height(flow: pd.DataFrame) -> float:
    """Inches that the figure of a flow needs at a width of seven inches."""
    return sum(_heights(_lay_out(flow)).values()) + 0.15


def draw_flow(flow: pd.DataFrame, *, ax: Axes) -> Axes:
    """The participant flow: steps from top to bottom, the treatment arm on the left, control on the right.

    flow: columns step, label, role, arm, source, basis, words. A box without a number is dashed; one that families
    leave by is grey, or stands aside before the allocation.
    """
    boxes = _lay_out(flow)
    heights = _heights(boxes)
    top, previous = 0.0, {"treatment": None, "control": None, "both": None}
    bottoms: dict[str, float | None] = dict(previous)
    for step, height in heights.items():
        arms = {arm: lines for (name, arm), lines in boxes.items() if name == step}
        role = flow.loc[flow["step"] == step, "role"].iloc[0]
        aside = role == "leave" and set(arms) == {"both"}
        for arm, lines in arms.items():
            empty = _is_empty(flow, step, arm)
            place = "control" if aside else arm
            own = _height(lines)
            _draw_box(ax, place, top, own, lines, empty=empty, role=role, plain=arm == "both" and len(arms) > 1)
            if aside:
                _arrow(
                    ax, (_COLUMNS["both"][0], top + own / 2), (_COLUMNS[place][0] - _COLUMNS[place][1], top + own / 2)
                )
            elif not (arm == "both" and len(arms) > 1):
                _join(ax, bottoms, arm, top, "-" if role == "note" else "-|>")
                bottoms[arm] = top + own
        top += height
    ax.set_xlim(0, 3)
    ax.set_ylim(top - _GAP + 0.02, -0.02)
    ax.axis("off")
    return ax


def _lay_out(flow: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    """Lines of text of each box, by step and arm; the first line is the step's label."""
    boxes: dict[tuple[str, str], list[str]] = {}
    for (step, arm), rows in flow.groupby(["step", "arm"], sort=False):
        several = len(flow.loc[(flow["step"] == step), "arm"].unique()) > 1
        title = str(rows["label"].iloc[0]) + (", both arms" if several and arm == "both" else "")
        lines = [f"\0{line}" for line in wrap(title, _BOLD)]
        for words, source, basis in zip(rows["words"], rows["source"], rows["basis"], strict=True):
            said = f"{source[:4]}: {words}" if basis == "printed" else str(words)
            lines += wrap(said, _CHARACTERS)
        boxes[str(step), str(arm)] = lines
    return boxes


def _height(lines: Sequence[str]) -> float:
    return len(lines) * _LINE + 2 * _PAD


def _heights(boxes: Mapping[tuple[str, str], Sequence[str]]) -> dict[str, float]:
    """Height of each step, the gap below it included."""
    found: dict[str, float] = {}
    for (step, _), lines in boxes.items():
        found[step] = max(found.get(step, 0.0), _height(lines) + _GAP)
    return found


def _is_empty(flow: pd.DataFrame, step: str, arm: str) -> bool:
    return bool((flow.loc[(flow["step"] == step) & (flow["arm"] == arm), "basis"] == _NOT_REPORTED).all())


def _draw_box(
    ax: Axes, place: str, top: float, height: float, lines: Sequence[str], *, empty: bool, role: str, plain: bool
) -> None:
    """One box; a plain one, which sums up both arms between them, has no border."""
    middle, half = _COLUMNS[place]
    colour = REFERENCE if role == "leave" or place == "both" else _COLOURS[place]
    if not plain:
        look = "round,pad=0,rounding_size=0.03"
        patch = FancyBboxPatch((middle - half, top), 2 * half, height, boxstyle=look, mutation_aspect=1, zorder=2)
        patch.set(facecolor="#f4f4f4" if role == "leave" and not empty else "white", edgecolor=colour, linewidth=1.3)
        patch.set_linestyle((0, (4, 3)) if empty else "-")
        ax.add_patch(patch)
    for number, line in enumerate(lines):
        title = line.startswith("\0")
        text = ax.text(
            middle, top + _PAD + (number + 0.5) * _LINE, line.strip("\0 "), ha="center", va="center", fontsize=8.3
        )
        text.set(color=INK if title or not empty else REFERENCE, fontweight="bold" if title else "normal", zorder=3)
        text.set_fontstyle("italic" if empty and not title else "normal")


def _join(ax: Axes, bottoms: dict[str, float | None], arm: str, top: float, style: str) -> None:
    """An arrow from the box above in the same column; from the middle column where an arm begins. Style '-' is a
    line, into a box that nobody moves on to."""
    middle = _COLUMNS[arm][0]
    if bottoms[arm] is not None:
        _arrow(ax, (middle, float(bottoms[arm] or 0.0)), (middle, top), style)
    elif arm != "both" and bottoms["both"] is not None:
        start = float(bottoms["both"])
        bend = start + (top - start) * 0.45
        ax.plot([_COLUMNS["both"][0]] * 2 + [middle], [start, bend, bend], color=INK, linewidth=1, zorder=1)
        _arrow(ax, (middle, bend), (middle, top))


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], style: str = "-|>") -> None:
    look = {"arrowstyle": style, "color": INK, "linewidth": 1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    ax.annotate("", end, start, arrowprops=look, zorder=1)


def draw_balance(balance: pd.DataFrame, *, ax: Axes, level: float) -> Axes:
    """A love plot: standardised differences with intervals, largest on top; where the table has it, grey bars show how
    far the allocation alone goes.

    balance: columns label, standardised, std_low, std_high, and chance or basis. Implied counts have hollow markers.
    """
    order = balance["standardised"].abs().to_numpy().argsort(kind="stable")
    rows = balance.iloc[order].reset_index(drop=True)
    for y, row in enumerate(rows.to_dict("records")):
        if "chance" in row:
            ax.barh(y, 2 * row["chance"], left=-row["chance"], height=0.62, color="#e9e9e9", zorder=1)
        implied = row.get("basis") == "implied"
        ax.plot([row["std_low"], row["std_high"]], [y, y], color=INK, linewidth=1.3, zorder=2)
        face = "white" if implied else THIRD
        ax.plot(row["standardised"], y, "o", color=THIRD, markerfacecolor=face, markersize=6.5, zorder=3)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_yticks(range(len(rows)), rows["label"])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    reach = max(abs(rows["std_low"].min()), abs(rows["std_high"].max())) * 1.05
    ax.set_xlim(-reach, reach)
    ax.grid(visible=False, axis="y")
    grey = ". Grey: what chance alone would do" if "chance" in rows else ""
    ax.set_xlabel(f"Standardised difference, treatment less control\n({100 * level:g}% interval{grey})")
    if "basis" in rows:
        for basis, face in (("implied", "white"), ("printed", THIRD)):
            ax.plot([], [], "o", color=THIRD, markerfacecolor=face, markersize=6.5, label=f"{basis} counts")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
    return ax


def draw_need(shares: pd.DataFrame, *, ax: Axes, xlabel: str) -> Axes:
    """Shares of primary needs, a row per need and a marker per group; a withheld share is a line up to the most it can
    be, as is the interval of a sample.

    shares: columns name, position, need, label, share, low, high, all. Needs are ordered by the first group's share.
    """
    looks = {0: ("o", TREATED), 1: ("s", REFERENCE), 2: ("D", COMPARATOR), 3: ("^", THIRD)}
    first = shares[shares["position"] == shares["position"].min()].sort_values("high", kind="stable")
    place = {need: y for y, need in enumerate(first["need"])}
    groups = list(shares.groupby(["position", "name"], sort=True))
    for number, ((position, name), own) in enumerate(groups):
        mark, colour = looks[int(str(position))]
        heights = own["need"].map(place) + 0.17 * ((len(groups) - 1) / 2 - number)
        ax.hlines(heights, own["low"], own["high"], color=colour, linewidth=1.4, zorder=2)
        label = f"{name} ({int(own['all'].iloc[0]):,})"
        ax.plot(own["share"], heights, mark, color=colour, markersize=5.5, zorder=3, label=label)
    ax.set_yticks(list(place.values()), first["label"])
    ax.set_ylim(-0.6, len(place) - 0.4)
    ax.set_xlim(left=-0.01)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlabel(xlabel)
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower right")
    return ax
