"""The simulated cohort: invented families with everything that an evaluator would hold about real ones.

It stands in for records that can never be public. Nothing in it is evidence about Project Crewe. A draw is made from
a model whose parameters are known (`synthetic_truth.Truth`), so that methods can be tested on it. The published draw
is conditioned to agree with the figures that the reports print (`synthetic_calibration`); all other draws are not.
"""

from __future__ import annotations

from collections.abc import Callable

from crewe_lib.cohort.calibration import draw_calibrated
from crewe_lib.cohort.draw import Simulated, draw_people, draw_tables
from crewe_lib.cohort.files import PUBLISHED_FAMILIES, PUBLISHED_SEED, check_out, write_cohort
from crewe_lib.cohort.truth import Truth
from crewe_lib.errors import CreweError
from crewe_lib.provenance import note_simulated

__all__ = [
    "PUBLISHED_FAMILIES",
    "PUBLISHED_SEED",
    "Simulated",
    "Truth",
    "check_out",
    "is_published",
    "simulate",
    "write_cohort",
]

FEWEST_FAMILIES, MOST_FAMILIES = 3, 1_000_000
Say = Callable[[str], None]


def simulate(families: int, seed: int, truth: Truth | None = None, say: Say = lambda line: None) -> Simulated:
    """Draw a cohort. The published seed at the published size, with the default truth, is conditioned on the reports'
    figures (`calibrated`); everything else is a plain draw from the model. Raises CreweError for an impossible size."""
    if not FEWEST_FAMILIES <= families <= MOST_FAMILIES:
        raise CreweError(
            f"families is {families}; it must be a whole number from {FEWEST_FAMILIES} to {MOST_FAMILIES:,}."
        )
    if seed < 0:
        raise CreweError(f"seed is {seed}; it must be 0 or more.")
    note_simulated()
    model = Truth() if truth is None else truth
    if is_published(families, seed, model):
        tables = draw_calibrated(seed, model, say)
        return Simulated(tables, model, seed, families, calibrated=True)
    say(f"drawing {families:,} families")
    drawn = draw_people(families, seed, model)
    tables = draw_tables(drawn, seed, model)
    return Simulated(tables, model, seed, families, calibrated=False)


def is_published(families: int, seed: int, truth: Truth) -> bool:
    """Whether this is the one draw that is conditioned on the reports' figures."""
    return families == PUBLISHED_FAMILIES and seed == PUBLISHED_SEED and truth == Truth()
