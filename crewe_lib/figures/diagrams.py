"""Diagrams drawn from tables: boxes in rows with arrows between them, and a timeline. Nothing is computed but places.

Every box carries its number and the numbers of those that it leads to, so that the arrows can be followed without
seeing a line, in print and by ear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from crewe_lib.errors import CreweError
from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE

# Inches throughout: the picture is as wide as this, so that type is legible at the width of a phone and of a page.
WIDTH, _MARGIN, _GUTTER, _COLUMNS = 5.6, 0.22, 0.14, 3
_COLUMN = (WIDTH - 2 * _MARGIN - (_COLUMNS - 1) * _GUTTER) / _COLUMNS
_SIZE, _LINE, _PAD, _LETTER = 8.6, 0.155, 0.07, 0.066
_HEADING, _GAP = 0.2, 0.26  # above a row of boxes: its heading, and room for arrows
_LANE, _LETTERS_A_YEAR = 0.4, 13


@dataclass(frozen=True)
class _Box:
    """A box in the picture: its edges, its lines of text, its row, and where its arrows go."""

    number: int
    row: int
    left: float
    right: float
    top: float
    bottom: float
    lines: Sequence[str]
    leads: Sequence[int]

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def diagram_size(boxes: pd.DataFrame) -> tuple[float, float]:
    """Width and height in inches that a diagram needs."""
    return WIDTH, max(box.bottom for box in _lay_out(boxes)) + 0.1


def draw_diagram(boxes: pd.DataFrame, *, ax: Axes) -> Axes:
    """Rows of boxes from top to bottom with arrows; boxes without any arrow, which bear on all others, are dashed.

    boxes: columns number, stage, column, span, text, leads. Raises CreweError for an arrow past a box in its way whose
    ends do not both touch the same edge of the picture.
    """
    places = {box.number: box for box in _lay_out(boxes)}
    ends = {end for box in places.values() for end in box.leads}
    for box in places.values():
        _draw_box(ax, box, aside=not box.leads and box.number not in ends)
    for row, stage in enumerate(boxes["stage"].unique()):
        top = min(box.top for box in places.values() if box.row == row)
        heading = ax.text(_MARGIN, top - 0.06, stage, ha="left", va="bottom", fontsize=_SIZE, fontweight="bold")
        heading.set(color=INK, zorder=4, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    taken = {"left": 0, "right": 0}
    for box in places.values():
        for end in box.leads:
            _join(ax, box, places[end], list(places.values()), taken)
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(max(box.bottom for box in places.values()) + 0.05, 0)
    ax.axis("off")
    return ax


def _lay_out(boxes: pd.DataFrame) -> list[_Box]:
    """Where each box stands; boxes of a row are as high as the highest."""
    found, top = [], 0.0
    for row, (_, own) in enumerate(boxes.groupby("stage", sort=False)):
        top += _HEADING + (_GAP if row else 0.0)
        lines = {part["number"]: _write(part) for part in own.to_dict("records")}
        height = max(map(len, lines.values())) * _LINE + 2 * _PAD
        for part in own.to_dict("records"):
            left = _MARGIN + (part["column"] - 1) * (_COLUMN + _GUTTER)
            right = left + part["span"] * _COLUMN + (part["span"] - 1) * _GUTTER
            leads = [int(number) for number in re.findall(r"\d+", part["leads"])]
            found.append(_Box(part["number"], row, left, right, top, top + height, lines[part["number"]], leads))
        top += height
    return found


def _write(part: Mapping[Any, Any]) -> list[str]:
    """The lines of a box: its text after its number, then the numbers that it leads to."""
    span = part["span"]
    width = span * _COLUMN + (span - 1) * _GUTTER - 2 * _PAD
    room = " " * (2 * len(str(part["number"])) + 2)  # for the number, which is drawn in bold
    lines = wrap(str(part["text"]), int(width / _LETTER), initial_indent=room, break_long_words=False)
    return [*lines, f"→ {part['leads']}"] if part["leads"] else lines


def _draw_box(ax: Axes, box: _Box, *, aside: bool) -> None:
    look = "round,pad=0,rounding_size=0.04"
    patch = FancyBboxPatch(
        (box.left, box.top), box.right - box.left, box.bottom - box.top, boxstyle=look, mutation_aspect=1, zorder=2
    )
    patch.set(facecolor="#f4f4f4" if aside else "white", edgecolor=REFERENCE if aside else INK, linewidth=1.2)
    patch.set_linestyle((0, (4, 3)) if aside else "-")
    ax.add_patch(patch)
    for number, line in enumerate([str(box.number), *box.lines]):
        y = box.top + _PAD + (max(number - 1, 0) + 0.5) * _LINE
        text = ax.text(box.left + _PAD, y, line, ha="left", va="center", fontsize=_SIZE, color=INK, zorder=3)
        text.set_fontweight("bold" if number == 0 else "normal")


def _join(ax: Axes, start: _Box, end: _Box, boxes: Sequence[_Box], taken: dict[str, int]) -> None:
    """An arrow from one box down to another; straight where nothing is in the way, else along the picture's edge."""
    left, right = max(start.left, end.left), min(start.right, end.right)
    x = max((left + right) / 2, left + 0.78 * _COLUMN) if left < right else None  # clear of the headings
    between = [box for box in boxes if start.row < box.row < end.row]
    if end.row == start.row + 1 or (x is not None and not any(box.left <= x <= box.right for box in between)):
        # A leaning arrow leaves and arrives on the side of the other box, clear of those that go straight.
        right_of = end.left >= start.right
        from_x = x if x is not None else start.middle + (0.3 if right_of else -0.3)
        to_x = x if x is not None else (end.left + 0.15 if right_of else end.right - 0.15)
        _arrow(ax, (from_x, start.bottom), (to_x, end.top))
        return
    for side, sign in (("left", -1), ("right", 1)):
        edges = [getattr(box, side) for box in (start, end)]
        outer = _MARGIN if side == "left" else WIDTH - _MARGIN
        if all(abs(edge - outer) < 1e-6 for edge in edges):
            x = outer + sign * (0.1 + 0.06 * taken[side])
            taken[side] += 1
            heights = [(box.top + box.bottom) / 2 for box in (start, end)]
            ax.plot([edges[0], x, x], [heights[0], heights[0], heights[1]], color=COMPARATOR, linewidth=1.2, zorder=1)
            _arrow(ax, (x, heights[1]), (edges[1], heights[1]))
            return
    raise CreweError(
        f"the arrow from box {start.number} to box {end.number} would cross another box; give both boxes the same "
        "outer column, or move the box between."
    )


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    look = {"arrowstyle": "-|>", "color": COMPARATOR, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops={**look, "mutation_scale": 9}, zorder=3)


def timeline_size(timeline: pd.DataFrame) -> tuple[float, float]:
    """Width and height in inches that a timeline needs."""
    return 6.4, _LANE * timeline["lane"].nunique() + 0.5


def draw_timeline(timeline: pd.DataFrame, *, ax: Axes) -> Axes:
    """A row for each aspect of the service, a bar for each span; hatched where the months are not printed.

    timeline: columns lane, marks, start, end (years), text, dated. Marks stand in brackets after the row's name.
    """
    labels = []
    first, last = float(timeline["start"].min()), float(timeline["end"].max())
    for y, (lane, own) in enumerate(timeline.groupby("lane", sort=False)):
        marks = own["marks"].iloc[0]
        labels.append("\n".join(wrap(f"{lane} ({marks})" if marks else str(lane), 21)))
        for row in own.to_dict("records"):
            known = row["dated"] != "not printed"
            bar = Rectangle((row["start"], y - 0.38), row["end"] - row["start"], 0.76, linewidth=1, zorder=2)
            bar.set(facecolor="white", edgecolor=INK if known else REFERENCE, hatch=None if known else "....")
            bar.set_linestyle("-" if known else (0, (4, 3)))
            ax.add_patch(bar)
            _label(ax, row, y, (first + last) / 2)
    ax.set_yticks(range(len(labels)), labels, fontsize=_SIZE - 0.4)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlim(first - 0.05, last + 0.05)
    years = range(int(first) + 1, int(last) + 1)
    ax.set_xticks(list(years), [str(year) for year in years])
    ax.tick_params(axis="x", top=True, labeltop=True)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    return ax


def _label(ax: Axes, row: Mapping[Any, Any], y: float, middle: float) -> None:
    """A bar's words: in it where they fit in two lines, else beside it, on the side with more room."""
    letters = int((row["end"] - row["start"]) * _LETTERS_A_YEAR)
    lines = wrap(row["text"], max(1, letters), break_long_words=False)
    if len(lines) <= 2 and max(map(len, lines)) <= letters:
        words = ax.text((row["start"] + row["end"]) / 2, y, "\n".join(lines), ha="center")
    elif row["start"] + row["end"] < 2 * middle:
        words = ax.text(row["end"] + 0.05, y, row["text"], ha="left")
    else:
        words = ax.text(row["start"] - 0.05, y, row["text"], ha="right")
    words.set(fontsize=_SIZE - 0.9, color=INK, va="center", zorder=3)
    if row["dated"] == "not printed":
        words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8})
