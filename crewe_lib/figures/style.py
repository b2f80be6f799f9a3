"""The house style of every figure: colour-blind safe, legible in print and on a dark page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

# After Okabe and Ito (2008), "Color universal design": distinguishable under the common colour-vision deficiencies;
# orange and green are darkened so that lettering in them has a contrast of at least 4.5 on white.
TREATED = "#B34A00"
COMPARATOR = "#0072B2"
THIRD = "#00735A"
REFERENCE = "#636363"
INK = "#222222"

_SETTINGS: dict[Any, Any] = {
    "figure.facecolor": "white",  # kept opaque so that the figure reads the same on a dark page
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",  # shipped with matplotlib, so the same on every machine
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "path",
    "svg.hashsalt": "crewe",  # the same figure gives the same bytes
}


@contextmanager
def house_style() -> Iterator[None]:
    """The settings for one figure; whatever the user's own settings are, they do not reach the book."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield
