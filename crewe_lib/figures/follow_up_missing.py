"""The figure of missing outcomes: one cell for each way in which they could have turned out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from crewe_lib.figures.style import COMPARATOR, INK, REFERENCE, TREATED
from crewe_lib.formats import NO_BREAK, fixed
from crewe_lib.provenance import traced

# verdict → face, hatching, mark beside the number, words of the legend
_LOOKS: Mapping[str, tuple[str, str, str, str]] = {
    "open": ("#f4f4f4", "", "", "interval holds zero"),
    "more": ("#f3d9c6", "///", "▲", "▲ interval above zero"),
    "fewer": ("#c9e1f0", "\\\\\\", "▼", "▼ interval below zero"),
}
_EDGES = {"open": "#bbbbbb", "more": TREATED, "fewer": COMPARATOR}
_WIDE = 3  # with so many columns at most, a cell holds an interval
_signed = fixed(1, sign=True)


def draw_ways(ways: pd.DataFrame, *, ax: Sequence[Axes]) -> Axes:
    """A panel for each outcome: across, how many missing control families had it; upwards, how many treatment families;
    in each cell the difference and whether its interval leaves zero out.

    ways: as from `follow_up_tipping.derive_ways`; where cells are wide enough, the interval stands in them too.
    """
    groups = list(ways.groupby("outcome", sort=False))
    for panel, (_, own) in zip(ax, groups, strict=True):
        across, up = (sorted(own[arm].unique()) for arm in ("control", "treatment"))
        for row in own.to_dict("records"):
            _draw_cell(panel, row, across.index(row["control"]), up.index(row["treatment"]), len(across))
        panel.set_xlim(-0.5, len(across) - 0.5)
        panel.set_ylim(-0.5, len(up) - 0.5)
        panel.set_xticks(range(len(across)), [str(value) for value in across])
        panel.set_yticks(range(len(up)), [str(value) for value in up])
        panel.grid(visible=False)
        panel.tick_params(length=0)
        first = own.iloc[0]
        panel.set_title(str(first["label"]))
        panel.set_xlabel(_axis("control", first))
        panel.set_ylabel(_axis("treatment", first))
    handles = [
        Patch(facecolor=face, hatch=hatch, edgecolor=_EDGES[name], label=words)
        for name, (face, hatch, _, words) in _LOOKS.items()
    ]
    figure = ax[0].get_figure()
    if figure is not None:
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8.5, labelcolor=REFERENCE)
    return ax[0]


def _draw_cell(panel: Axes, row: Mapping[Hashable, Any], x: int, y: int, columns: int) -> None:
    face, hatch, mark, _ = _LOOKS[row["verdict"]]
    edge, corner = _EDGES[row["verdict"]], (x - 0.5, y - 0.5)
    panel.add_patch(Rectangle(corner, 1, 1, facecolor=face, edgecolor=edge, linewidth=0.8))
    if hatch:  # a strip, so that the number stays legible
        panel.add_patch(Rectangle(corner, 1, 0.14, fill=False, hatch=hatch, edgecolor=edge, linewidth=0))
    wide = columns <= _WIDE
    between, below = (NO_BREAK, f"\n({row['interval']})") if wide else ("\n", "")
    said = f"{mark}{between if mark else ''}{_signed(row['estimate'])}{below}"
    panel.text(x, y, said, ha="center", va="center", fontsize=8.5 if wide else 7.5, color=INK, linespacing=1.3)


def _axis(arm: str, row: pd.Series) -> str:
    """'Missing control families with it, of 2 (of those seen: 44%)'."""
    seen = "" if pd.isna(row[f"{arm}_seen"]) else f"\n(of those seen: {fixed(0)(row[f'{arm}_seen'])}%)"
    return f"Missing {arm} families with it, of {row[f'{arm}_missing']}{seen}"


@traced
def describe_ways(summary: pd.DataFrame) -> dict[str, str]:
    """The figure in words, from `follow_up_tipping.summarise_ways`."""
    said = [
        f"{row['label']}: {row['missing']} families missing, {row['ways']} ways; differences from "
        f"{_signed(row['least'])} to {_signed(row['greatest'])} points; interval above zero in {row['more']}, below in "
        f"{row['fewer']}, holding zero in {row['open']}"
        for row in summary.to_dict("records")
    ]
    return {"text": f"{'. '.join(said)}."}
