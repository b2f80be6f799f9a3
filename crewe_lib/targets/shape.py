"""What R1 says of the two survival curves, as rules: where they end, which is below when, where they cross."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
END = (0.28, 0.36)  # treatment, control
STEEP = (100, 300)
MARGIN = 0.016  # how near to the printed shares the search goes; the tolerance is wider


@dataclass(frozen=True)
class Shape:
    """fall: by how much each curve falls between days 100 and 300 (treatment, control); below: whether control lies
    below treatment on each of those days; crossings: days on which control comes to lie above treatment or below it
    again."""

    fall: tuple[float, float]
    below: bool
    crossings: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """R1's description: control falls more steeply and lies below there; one crossing, after day 300."""
        once = len(self.crossings) == 1 and self.crossings[0] > STEEP[1]
        return self.fall[1] > self.fall[0] and self.below and once


def describe_shape(treatment: Array, control: Array) -> Shape:
    """The shape of two survival curves, one value a day from day 0."""
    gap = np.round(treatment - control, 12)
    first, last = STEEP
    sign = np.sign(gap)
    days = np.flatnonzero(sign)
    turns = days[1:][sign[days[1:]] != sign[days[:-1]]]
    return Shape(
        fall=(float(treatment[first] - treatment[last]), float(control[first] - control[last])),
        below=bool((gap[first : last + 1] > 0).all()),
        crossings=tuple(int(day) for day in turns),
    )


def miss_of_curves(treatment: Array, control: Array) -> float:
    """How far two curves are from R1's description; 0 if they fit it, with a little to spare."""
    off = float(
        sum(max(abs(curve[-1] - end) - MARGIN, 0.0) for curve, end in zip((treatment, control), END, strict=True))
    )
    first, last = STEEP
    gap = treatment - control
    off += max(0.02 - ((control[first] - control[last]) - (treatment[first] - treatment[last])), 0.0)
    off += float(np.maximum(0.003 - gap[first : last + 1], 0).mean()) + float(np.maximum(-gap[:first], 0).mean())
    shape = describe_shape(treatment, control)
    return 5 * float(off) + (0.0 if shape.holds else 0.05 * max(len(shape.crossings), 1))
