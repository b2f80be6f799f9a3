"""How chapter 12 writes its numbers: the bindings of its prose. Nothing is computed here."""

from __future__ import annotations

from crewe_lib.evidence import Binding
from crewe_lib.formats import fixed, level, spelt

NUMBERS = (
    Binding("statements", "verdicts", "statements", show=fixed(0)),
    *(Binding(name, "verdicts", name, show=spelt) for name in ("holds", "holds_in_part", "does_not_follow", "open")),
    Binding("power", "settings", "power", show=level),
    *(
        Binding(f"{column}_{name}", "sizes", column, {"points": points}, fixed(0))
        for name, points in (("small", 5.0), ("middling", 10.0))
        for column in ("points", "even")
    ),
    Binding("randomised", "flow_counts", "randomised_2017", show=fixed(0), same_as="design.randomised_2017"),
    Binding("closing", "reader", "control", show=fixed(0)),
)
